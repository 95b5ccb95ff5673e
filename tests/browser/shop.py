"""A website whose agent takes its time, on a page of its own, and a way to it that can be cut."""

import asyncio
import json
import secrets
from dataclasses import dataclass
from typing import Any

from playwright.async_api import BrowserContext, expect

from tests.browser.chat import Chat, Line
from tests.cast import Cast
from tests.live_server import LiveServer
from tests.stub_model import StubModel
from tests.visitor import Visitor
from widget.demo_shops import BAKERY


@dataclass(frozen=True)
class Shop:
    """Its page loads the script from ``script_port`` and so asks the API there."""

    server: LiveServer
    stub: StubModel
    domain: str
    site_key: str
    model: str
    script_port: int

    @property
    def address(self) -> str:
        return f"http://{self.domain}:{self.server.port}/"

    async def visit(self, context: BrowserContext) -> Chat:
        """A new tab with the chat open."""
        snippet = (
            f'<script src="http://localhost:{self.script_port}/widget.js" data-site-key="{self.site_key}"></script>'
        )
        page = f"<!doctype html><meta name='viewport' content='width=device-width'><h1>Shop</h1>{snippet}"
        await context.route(self.address, lambda route: route.fulfill(body=page, content_type="text/html"))
        chat = Chat(await context.new_page())
        await self.load(chat)
        return chat

    async def load(self, chat: Chat) -> None:
        """Loads the page, anew where it is there already, and opens the chat as a page would."""
        await chat.visit(self.address)
        await chat.page.evaluate("window.parlour('open')")
        await expect(chat.panel).to_be_visible()
        await chat.wait_for_session()

    async def stored(self, chat: Chat) -> dict[str, Any]:
        """What the server lists of the tab's session."""
        [session] = [json.loads(value) for value in (await chat.stored()).values()]
        visitor = Visitor(self.server, self.domain, session_id=session["id"], token=session["token"])
        response = await asyncio.to_thread(visitor.messages)
        page: dict[str, Any] = response.json()
        return page

    async def ongoing(self, chat: Chat, count: int) -> list[tuple[str, str]]:
        """The words and states of the turns under way, once the server has so many."""
        async with asyncio.timeout(10):
            while len(turns := (await self.stored(chat))["ongoing"]) != count:
                await chat.page.wait_for_timeout(50)
        return [(turn["message"]["content"], turn["state"]) for turn in turns]

    async def stored_lines(self, chat: Chat) -> list[Line]:
        page = await self.stored(chat)
        return [Line(message["role"], message["content"]) for message in reversed(page["messages"])]

    def let_answer(self) -> None:
        """The answers that were held back go on, and later ones come at once."""
        self.stub.release(self.model)

    def model_calls(self) -> int:
        return self.stub.calls(model=self.model)


def make_shop(server: LiveServer, cast: Cast, stub: StubModel, *behaviour: str, **fields: Any) -> Shop:
    """A shop whose model behaves like that; ``limits`` among the fields are its tenant's, the others the website's."""
    model = ";".join(["stub", *behaviour, f"shop={secrets.token_hex(4)}"])
    agent = cast.agent(connection=cast.connection(None, stub.url), model=model)
    tenant = cast.tenant(**fields.pop("limits", {}))
    website = cast.website(tenant, title=BAKERY.title, require_session_token=True, **fields)
    cast.use(website, agent, welcome=BAKERY.welcome, accent=BAKERY.accent)
    return Shop(server, stub, website.domain, website.site_key, model, server.port)


class Wire:
    """A TCP proxy in front of the server. What is cut off gets no goodbye."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self._target = target
        self._writers: set[asyncio.StreamWriter] = set()
        self._is_down = False

    async def open(self) -> asyncio.Server:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    def cut(self) -> None:
        """Breaks every connection there is; new ones are let through."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def take_down(self) -> None:
        """Breaks every connection, and each new one too."""
        self._is_down = True
        self.cut()

    def bring_up(self) -> None:
        self._is_down = False

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_down:
            writer.transport.abort()
            return
        onwards = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers |= {writer, onwards[1]}
        await asyncio.gather(_copy(reader, onwards[1]), _copy(onwards[0], writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.close()
    except OSError:
        writer.transport.abort()
