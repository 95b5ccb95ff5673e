"""Who the visitor is, told by the page, and the end of it: signed identities and logging out, in every tab."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

import jwt
import psycopg
import pytest
from django.db import connections
from playwright.async_api import BrowserContext, expect

from sessions.models import AgentSession
from tenants.identity_secrets import make_identity_secret
from tenants.models import Website
from tenants.scoping import tenant_scope
from tests.browser.chat import Chat, Line
from tests.browser.conftest import NewContext
from tests.cast import Cast
from tests.live_server import LiveServer, database_url
from tests.visitor import Visitor

pytestmark = pytest.mark.browser


@dataclass(frozen=True)
class Members:
    """A website that knows its visitors; its page is bare, and asks for nothing by itself."""

    server: LiveServer
    website: Website
    secret: str

    @property
    def address(self) -> str:
        return self.server.origin(self.website.domain) + "/"

    async def tab(self, context: BrowserContext) -> Chat:
        """A new tab with the widget drawn and closed."""
        source = f"http://localhost:{self.server.port}/widget.js"
        page = f'<!doctype html><h1>Club</h1><script src="{source}" data-site-key="{self.website.site_key}"></script>'
        await context.route(self.address, lambda route: route.fulfill(body=page, content_type="text/html"))
        chat = Chat(await context.new_page())
        await chat.visit(self.address)
        return chat

    def signed(self, user_id: str, secret: str | None = None) -> str:
        claims = {"sub": user_id, "exp": time.time() + 600}
        return jwt.encode(claims, secret or self.secret, algorithm="HS256")

    async def known_as(self, session_id: str) -> tuple[str | None, bool]:
        session = await asyncio.to_thread(self._session, session_id)
        return session.user_id, session.user_verified

    async def wait_until_ended(self, session_id: str) -> None:
        await self._wait_until(session_id, lambda session: session.access_ended_at is not None)

    async def wait_until_known_as(self, session_id: str, user_id: str) -> None:
        await self._wait_until(session_id, lambda session: (session.user_id, session.user_verified) == (user_id, True))

    async def _wait_until(self, session_id: str, is_so: Callable[[AgentSession], bool]) -> None:
        async with asyncio.timeout(10):
            while not is_so(await asyncio.to_thread(self._session, session_id)):  # noqa: ASYNC110  rows tell nobody
                await asyncio.sleep(0.05)

    async def answer_to(self, session: dict[str, str]) -> tuple[int, str]:
        """What the server says to who still has the session's token."""
        visitor = Visitor(self.server, self.website.domain, session_id=session["id"], token=session["token"])
        response = await asyncio.to_thread(visitor.messages)
        return response.status_code, response.json().get("code", "")

    def _session(self, session_id: str) -> AgentSession:
        with tenant_scope(self.website.tenant_id):
            try:
                return AgentSession.objects.get(session_id=session_id)
            finally:
                connections.close_all()  # of this thread


@pytest.fixture
def club(server: LiveServer, cast: Cast) -> Members:
    website = cast.website(cast.tenant(), agents=[cast.agent()], require_session_token=True)
    with tenant_scope(website.tenant_id):
        secret = make_identity_secret(website)
    return Members(server, website, secret)


async def kept(chat: Chat) -> dict[str, str]:
    """The session that the browser has."""
    [value] = (await chat.stored()).values()
    session: dict[str, str] = json.loads(value)
    return session


async def run(chat: Chat, command: str, *values: str) -> None:
    await chat.page.evaluate("command => { window.parlour(...command); }", [command, *values])


async def listen(chat: Chat) -> None:
    await chat.page.evaluate(
        "() => { window.failures = []; window.parlour('on', 'identify-failed', (why) => window.failures.push(why)); }"
    )


async def failures(chat: Chat, count: int) -> list[dict[str, str]]:
    await chat.page.wait_for_function("count => window.failures.length === count", arg=count)
    heard: list[dict[str, str]] = await chat.page.evaluate("window.failures")
    return heard


def identified(chat: Chat) -> list[str]:
    return [request.url for request in chat.requests if request.method == "POST" and "/identify/" in request.url]


async def test_identity_is_remembered_until_a_session_starts(new_context: NewContext, club: Members) -> None:
    chat = await club.tab(await new_context())
    await run(chat, "identify", club.signed("ada"))
    assert (await chat.stored(), [request.url for request in chat.requests if request.method == "POST"]) == ({}, [])
    await chat.open()
    session = await kept(chat)
    await club.wait_until_known_as(session["id"], "ada")
    assert identified(chat) == [f"http://localhost:{club.server.port}/api/v1/sessions/{session['id']}/identify/"]


async def test_session_that_is_there_is_told_at_once_and_by_every_tab(new_context: NewContext, club: Members) -> None:
    context = await new_context()
    first = await club.tab(context)
    await first.open()
    session = await kept(first)
    assert await club.known_as(session["id"]) == (None, False)
    second = await club.tab(context)
    async with second.page.expect_response("**/identify/") as answer:
        await run(second, "identify", club.signed("ada"))
    assert (await (await answer.value).json()) == {"user_id": "ada", "verified": True}
    assert await club.known_as(session["id"]) == ("ada", True)
    async with first.page.expect_response("**/identify/") as answer:
        await run(first, "identify", club.signed("ada"))
    assert (await answer.value).status == 200


async def test_session_that_another_tab_starts_is_told_too(new_context: NewContext, club: Members) -> None:
    context = await new_context()
    first, second = await club.tab(context), await club.tab(context)
    await run(first, "identify", club.signed("ada"))
    await second.open()
    await club.wait_until_known_as((await kept(second))["id"], "ada")
    assert (len(identified(first)), len(identified(second))) == (1, 0)


async def test_new_conversation_is_the_same_visitors(new_context: NewContext, club: Members) -> None:
    chat = await club.tab(await new_context())
    await run(chat, "identify", club.signed("ada"))
    await chat.open()
    before = await kept(chat)
    await run(chat, "reset")
    await chat.wait_for_session()
    after = await kept(chat)
    assert after["id"] != before["id"]
    await club.wait_until_known_as(after["id"], "ada")


async def test_page_hears_why_an_identity_was_not_believed(new_context: NewContext, club: Members) -> None:
    chat = await club.tab(await new_context())
    await listen(chat)
    await run(chat, "identify", club.signed("ada", secret="is_" + "x" * 43))
    await chat.open()
    assert await failures(chat, 1) == [{"code": "identity_invalid"}]
    await run(chat, "identify", club.signed("ada"))
    session = await kept(chat)
    await club.wait_until_known_as(session["id"], "ada")
    await run(chat, "identify", club.signed("bob"))
    assert await failures(chat, 2) == [{"code": "identity_invalid"}, {"code": "identity_mismatch"}]
    assert await club.known_as(session["id"]) == ("ada", True)
    await run(chat, "logout")
    await run(chat, "identify", club.signed("bob"))
    await chat.say("Hello")
    await club.wait_until_known_as((await kept(chat))["id"], "bob")
    assert await club.known_as(session["id"]) == ("ada", True)


async def test_identity_that_is_no_text_is_told_on_the_console(new_context: NewContext, club: Members) -> None:
    chat = await club.tab(await new_context())
    await chat.page.evaluate("window.parlour('identify', { token: 'secret' })")
    await chat.wait_for_console('Parlour: "identify" takes a token that your server has signed.')
    await chat.open()
    assert identified(chat) == []


async def test_logging_out_empties_every_tab_and_ends_the_token(new_context: NewContext, club: Members) -> None:
    context = await new_context()
    first, second = await club.tab(context), await club.tab(context)
    await first.open()
    await run(first, "identify", club.signed("ada"))
    await first.say("My name is Ada")
    await run(second, "open")
    await second.lines(2)
    await second.field.fill("A secret that was not sent")
    await first.field.fill("Another one")
    session = await kept(first)

    await run(first, "logout")
    for tab in (first, second):
        assert await tab.lines(0) == []
        await expect(tab.field).to_have_value("")
        await expect(tab.widget.locator(".greeting")).to_be_visible()
        await expect(tab.widget.get_by_role("status")).to_be_empty()
        assert await tab.stored() == {}
    await club.wait_until_ended(session["id"])
    assert await club.answer_to(session) == (403, "session_token_invalid")

    await run(second, "close")
    await run(second, "open")
    await second.wait_for_session()
    assert await second.say("What's my name?") == "I don't know your name yet."
    new = await kept(second)
    assert (new["id"] != session["id"], await club.known_as(new["id"])) == (True, (None, False))
    await first.send("Hello")
    assert await first.lines(4) == await second.lines(4)
    assert await kept(first) == new


async def test_logging_out_forgets_the_identity_in_every_tab(new_context: NewContext, club: Members) -> None:
    context = await new_context()
    first, second = await club.tab(context), await club.tab(context)
    for tab in (first, second):
        await run(tab, "identify", club.signed("ada"))
    await second.page.evaluate(
        "name => { new BroadcastChannel(name).onmessage = () => { window.isTold = true; }; }",
        f"parlour:{club.website.site_key}",
    )
    await run(first, "logout")
    await second.page.wait_for_function("window.isTold")
    await second.open()
    await second.say("Hello")
    assert (identified(first), identified(second)) == ([], [])
    assert await club.known_as((await kept(second))["id"]) == (None, False)


async def test_visitor_whom_nobody_knows_may_log_out_and_twice(new_context: NewContext, club: Members) -> None:
    chat = await club.tab(await new_context())
    await chat.open()
    await chat.say("Hello")
    session = await kept(chat)
    async with chat.page.expect_response("**/logout/") as answer:
        await run(chat, "logout")
    assert await (await answer.value).json() == {"session_id": session["id"], "logged_out": True}
    await run(chat, "logout")
    assert (await chat.stored(), await chat.lines(0)) == ({}, [])
    assert len([request for request in chat.requests if request.url.endswith("/logout/")]) == 1


async def test_page_may_leave_while_it_logs_out(new_context: NewContext, club: Members) -> None:
    """And need not have opened the chat. The page is gone before the server can have answered."""
    context = await new_context()
    chat = await club.tab(context)
    await chat.open()
    session = await kept(chat)
    await chat.visit(club.address)
    with psycopg.connect(database_url("owner")) as other:
        other.execute("SELECT 1 FROM agent_sessions WHERE session_id = %s FOR UPDATE", [session["id"]])
        async with chat.page.expect_request("**/logout/"):
            await run(chat, "logout")
        await chat.page.goto("about:blank")
        assert (await asyncio.to_thread(club._session, session["id"])).access_ended_at is None
    await club.wait_until_ended(session["id"])


async def test_tab_whose_token_is_too_old_begins_a_new_one_silently(new_context: NewContext, club: Members) -> None:
    chat = await club.tab(await new_context())
    await chat.open()
    await chat.say("My name is Ada")
    before = await kept(chat)
    await asyncio.to_thread(grow_old, before["id"])
    await chat.send("What's my name?")
    await expect(chat.answers).to_have_text(["I don't know your name yet."])
    assert await chat.lines(2) == [Line("user", "What's my name?"), Line("assistant", "I don't know your name yet.")]
    assert (await kept(chat))["id"] != before["id"]


def grow_old(session_id: str) -> None:
    """As if nothing had been said for longer than any tenant allows."""
    try:
        with connections["owner"].cursor() as cursor:
            cursor.execute(
                "UPDATE agent_sessions SET last_activity_at = now() - interval '400 days' WHERE session_id = %s",
                [session_id],
            )
    finally:
        connections.close_all()


async def test_no_credential_is_ever_in_an_address(new_context: NewContext, club: Members) -> None:
    chat = await club.tab(await new_context())
    identity = club.signed("ada")
    await run(chat, "identify", identity)
    await chat.open()
    await chat.say("Hello")
    session = await kept(chat)
    await club.wait_until_known_as(session["id"], "ada")
    await run(chat, "logout")
    await club.wait_until_ended(session["id"])
    addresses = [request.url for request in chat.requests]
    secret = [session["token"], session["token"][3:], *identity.split(".")]
    assert [address for address in addresses if any(part in address for part in secret)] == []
    assert [line for line in chat.console if any(part in line for part in secret)] == []
