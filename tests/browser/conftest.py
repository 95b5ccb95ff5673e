"""A real Chromium, and the demo shops on a real server. Every visitor is a browser context of its own."""

import io
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.management import call_command
from playwright.async_api import Browser, BrowserContext, async_playwright

from tests.browser.chat import Chat, new_chat
from tests.live_server import LiveServer
from widget.demo_shops import BAKERY, BICYCLES

_ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A page that a test writes comes from nowhere, and such may not call this machine otherwise.
    "--disable-features=LocalNetworkAccessChecks",
    "--host-resolver-rules=MAP *.localhost 127.0.0.1",
]
_NAMES = ("chromium", "chromium-browser", "google-chrome")

Visit = Callable[..., Awaitable[Chat]]
NewContext = Callable[..., Awaitable[BrowserContext]]


@dataclass(frozen=True)
class LiveSite:
    """The demo shops and the server behind them."""

    port: int

    @property
    def base_url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def bakery(self) -> str:
        return f"http://{BAKERY.domain}:{self.port}/"

    @property
    def bicycles(self) -> str:
        return f"http://{BICYCLES.domain}:{self.port}/"

    @property
    def stranger(self) -> str:
        """A website that nobody registered."""
        return f"http://stranger.localhost:{self.port}/"


@pytest.fixture(scope="session")
def live_site(server: LiveServer) -> LiveSite:
    call_command("seed_demo", verbosity=0, stdout=io.StringIO())
    return LiveSite(server.port)


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        sentence = "No Chromium was found, so nothing of the widget in a browser is tested. CHROMIUM may name one."
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield browser
        await browser.close()


@pytest.fixture
async def new_context(chromium: Browser) -> AsyncIterator[NewContext]:
    """Makes browser contexts: visitors who share nothing, neither storage nor cookies."""
    made: list[BrowserContext] = []

    async def make(**options: Any) -> BrowserContext:
        context = await chromium.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        context.set_default_timeout(10_000)
        made.append(context)
        return context

    yield make
    for context in made:
        await context.close()


@pytest.fixture
def visit(new_context: NewContext) -> Visit:
    """A new visitor on an address, with the widget drawn and closed; options are the browser context's."""

    async def visit_as_stranger(address: str, **options: Any) -> Chat:
        return await new_chat(await new_context(**options), address)

    return visit_as_stranger
