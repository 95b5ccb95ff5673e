"""Staff answer a person who asks for their data, and for its end: from the transcript to the receipt."""

import asyncio
import csv
import io
import json
from dataclasses import dataclass

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.db import connections
from playwright.async_api import Page, expect

from sessions.erasing import run_erasures_of
from sessions.models import AgentSession
from tenants.scoping import tenant_scope
from tests.admin.shops import Shop, exchange, make_session, make_shop
from tests.browser.conftest import NewContext
from tests.cast import Cast
from tests.live_server import LiveServer

pytestmark = pytest.mark.browser

PERSON = "ada@example.com"
LOOKS_AGAIN = 20_000
"""Milliseconds within which an erasure's page, left alone, must have shown that it is done."""


@dataclass(frozen=True)
class Desk:
    """A member of staff at their browser, logged in."""

    server: LiveServer
    shop: Shop
    session: AgentSession
    cookie: str

    @property
    def address(self) -> str:
        return f"http://localhost:{self.server.port}"

    async def page(self, new_context: NewContext, **options: object) -> Page:
        context = await new_context(**options)
        cookie = {"name": settings.SESSION_COOKIE_NAME, "value": self.cookie, "url": self.address}
        await context.add_cookies([cookie])  # type: ignore[list-item]  # a dictionary of three texts is one
        return await context.new_page()

    async def work_off(self) -> set[str]:
        """What the worker does; gives the sessions that are left."""
        return await asyncio.to_thread(self._run)

    def _run(self) -> set[str]:
        try:
            run_erasures_of(self.shop.tenant.pk)
            with tenant_scope(self.shop.tenant.pk):
                return set(AgentSession.objects.values_list("session_id", flat=True))
        finally:
            connections.close_all()  # of this thread


def logged_in(user: User) -> str:
    store = SessionStore()
    store[SESSION_KEY], store[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[-1]
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.create()
    return str(store.session_key)


@pytest.fixture
def desk(server: LiveServer, cast: Cast) -> Desk:
    shop = make_shop(cast, "Alpha")
    elsewhere = cast.website(shop.tenant, agents=[shop.agent], title="Second shop")
    said = exchange(1, "=My number is +49 30 1234", "Noted, Ada.") + exchange(2, "Thanks", "You are welcome.")
    session = make_session(shop.website, shop.agent, said, session_id="session_of_ada_1", user_id=PERSON)
    make_session(elsewhere, shop.agent, said, session_id="session_of_ada_2", user_id=PERSON, user_verified=True)
    make_session(elsewhere, shop.agent, said, session_id="session_of_bob", user_id="bob")
    stranger = make_shop(cast, "Bravo")
    make_session(stranger.website, stranger.agent, said, session_id="session_of_ada_3", user_id=PERSON)
    return Desk(server, shop, session, logged_in(shop.owner))


async def downloaded(page: Page, button: str) -> str:
    async with page.expect_download() as started:
        await page.get_by_role("button", name=button, exact=True).click()
    return (await (await started.value).path()).read_text(encoding="utf-8-sig")


async def test_owner_answers_a_person_from_transcript_to_receipt(new_context: NewContext, desk: Desk) -> None:
    page = await desk.page(new_context)
    await page.goto(f"{desk.address}/admin/agent_sessions/agentsession/{desk.session.pk}/change/")
    exported = json.loads(await downloaded(page, "JSON"))
    assert (exported["session_id"], exported["user_id"], len(exported["messages"])) == ("session_of_ada_1", PERSON, 4)
    rows = list(csv.reader(io.StringIO(await downloaded(page, "CSV"))))
    assert rows[2][5] == "'=My number is +49 30 1234"

    await page.get_by_role("button", name="All of this visitor's data").click()
    assert PERSON not in page.url
    await expect(page.get_by_role("heading", name=PERSON)).to_be_visible()
    sessions = json.loads(await downloaded(page, "Download as JSON"))["sessions"]
    assert [session["session_id"] for session in sessions] == ["session_of_ada_1", "session_of_ada_2"]
    await page.get_by_label("Only what is proved to be theirs").check()
    [proved] = json.loads(await downloaded(page, "Download as JSON"))["sessions"]
    assert (proved["session_id"], proved["user_verified"], proved["complete"]) == ("session_of_ada_2", True, True)

    await page.get_by_label(f"Type {PERSON} to confirm").fill(PERSON)
    await page.get_by_role("button", name="Erase").click()
    await expect(page.get_by_text("Waiting", exact=True)).to_be_visible()
    await expect(page.get_by_role("progressbar", name="Conversations erased")).to_be_visible()
    left = await desk.work_off()
    await expect(page.get_by_text("Done", exact=True).first).to_be_visible(timeout=LOOKS_AGAIN)
    assert (await page.locator(".figures dd").all_inner_texts())[:3] == ["2", "8", "4"]
    assert PERSON not in await page.content()
    assert left == {"session_of_bob", desk.shop.session.session_id}


async def test_website_is_erased_as_a_whole_by_its_name(new_context: NewContext, desk: Desk) -> None:
    page, website = await desk.page(new_context), desk.shop.website
    await page.goto(f"{desk.address}/admin/tenants/website/{website.pk}/change/")
    await page.get_by_role("link", name="Erase").click()
    await page.get_by_label("The website with everything").check()
    await page.get_by_label("to confirm").fill("something else")
    await page.get_by_role("button", name="Erase").click()
    await expect(page.get_by_text("That is not the word. Nothing was erased.")).to_be_visible()
    await expect(page.get_by_label("The website with everything")).to_be_checked()
    await page.get_by_label("to confirm").fill(str(website))
    await page.get_by_role("button", name="Erase").click()
    await expect(page.get_by_role("progressbar", name="Conversations erased")).to_be_visible()
    assert await desk.work_off() == {"session_of_ada_2", "session_of_bob"}
    await expect(page.get_by_text("Nothing of it is left but this receipt.")).to_be_visible(timeout=LOOKS_AGAIN)
    response = await page.goto(f"{desk.address}/admin/tenants/website/")
    assert response is not None
    assert website.domain not in await page.content()
