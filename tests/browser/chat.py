"""The widget as a visitor sees it, for the browser tests."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import BrowserContext, Locator, Page, Request, expect

API = "**/api/v1/"
_PATIENCE_SECONDS = 10
_ANSWERS_SECONDS = 30  # several slow answers, one after the other


@dataclass(frozen=True)
class Line:
    """One message as it is shown."""

    role: str
    text: str


@dataclass
class Chat:
    """One tab with the widget in it, what it asked of the API, and what it printed on the console."""

    page: Page
    requests: list[Request] = field(default_factory=list)
    console: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", self._asked)
        self.page.on("console", lambda message: self.console.append(message.text))
        self.page.on("pageerror", lambda error: self.console.append(f"error: {error}"))
        self.widget = self.page.locator("parlour-widget")
        self.launcher = self.widget.locator(".launcher")
        self.panel = self.widget.get_by_role("dialog")
        self.field = self.widget.locator("textarea")
        self.answers = self.widget.locator(".list .from-assistant.is-settled .bubble")
        self.writing = self.widget.locator(".from-assistant.is-running.is-writing .bubble")

    def _asked(self, request: Request) -> None:
        self.requests.append(request)

    async def visit(self, address: str) -> None:
        await self.page.goto(address)
        await expect(self.launcher).to_be_visible()

    async def open(self) -> None:
        """Opens the panel and waits until the session is there."""
        await self.launcher.click()
        await expect(self.panel).to_be_visible()
        await self.wait_for_session()

    async def send(self, *texts: str) -> None:
        """Sends one message after the other and waits for nothing."""
        for text in texts:
            await self.field.fill(text)
            await self.field.press("Enter")

    async def say(self, text: str) -> str:
        """Sends a message and gives the answer's text once it is whole."""
        count = await self.answers.count()
        await self.send(text)
        await expect(self.answers).to_have_count(count + 1)
        return await self.answers.last.inner_text()

    async def lines(self, count: int) -> list[Line]:
        """The messages shown, once there are ``count`` of them and none is on its way."""
        settled = self.widget.locator(".list .is-settled")
        await expect(settled).to_have_count(count, timeout=_ANSWERS_SECONDS * 1_000)
        return [await self._line(message) for message in await settled.all()]

    async def _line(self, message: Locator) -> Line:
        classes = await message.get_attribute("class") or ""
        text = await message.locator(".bubble").inner_text()
        return Line("user" if "from-user" in classes else "assistant", text)

    async def wait_for_session(self) -> None:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not await self.stored():
                await self.page.wait_for_timeout(20)

    async def wait_for_console(self, sentence: str) -> None:
        if sentence not in self.console:
            await self.page.wait_for_event("console", lambda message: message.text == sentence)

    async def stored(self) -> dict[str, str]:
        """All of the page's localStorage."""
        entries: dict[str, str] = await self.page.evaluate("({...localStorage})")
        return entries

    def sent(self) -> list[dict[str, Any]]:
        """The body of each attempt to send something."""
        return [json.loads(call.post_data or "") for call in self.calls("POST", "chat/")]

    def message_ids(self) -> list[str]:
        return [body["message_id"] for body in self.sent()]

    def calls(self, method: str, path: str) -> list[Request]:
        """The requests that went to ``/api/v1/<path>``."""
        return [
            request
            for request in self.requests
            if request.method == method and request.url.partition("/api/v1/")[2].partition("?")[0] == path
        ]


def refusal(code: str, status: int, origin: str, message: str = "No.", **headers: str) -> dict[str, Any]:
    """What a route is fulfilled with to refuse a call from ``origin``."""
    return {
        "status": status,
        "headers": {
            "Content-Type": "application/json",
            "Access-Control-Allow-Origin": origin.rstrip("/"),
            "Access-Control-Expose-Headers": "Retry-After",
            **headers,
        },
        "body": json.dumps({"code": code, "message": message, "status": status}),
    }


async def new_chat(context: BrowserContext, address: str) -> Chat:
    """A new tab on ``address``, with the widget drawn."""
    chat = Chat(await context.new_page())
    await chat.visit(address)
    return chat


async def active_element(page: Page) -> dict[str, Any]:
    """What has the focus, looked for inside the widget too: its tag, its class, and its accessible name."""
    found: dict[str, Any] = await page.evaluate(
        """() => {
          const outer = document.activeElement;
          const inner = outer?.shadowRoot?.activeElement ?? outer;
          return { tag: inner.localName, kind: inner.className, label: inner.getAttribute("aria-label") };
        }"""
    )
    return found
