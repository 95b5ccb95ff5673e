"""The visitor's own data: taken along as a file, and deleted for good, in every tab."""

import asyncio
import json

import pytest
from playwright.async_api import Locator, expect

from tests.browser.chat import API, Chat, Line, active_element, new_chat, refusal
from tests.browser.conftest import LiveSite, NewContext, Visit
from tests.browser.shop import Shop, make_shop
from tests.cast import Cast
from tests.live_server import LiveServer
from tests.stub_model import StubModel
from tests.visitor import Visitor
from widget.demo_shops import BAKERY

pytestmark = pytest.mark.browser


def item(chat: Chat, name: str) -> Locator:
    return chat.widget.get_by_role("menuitem", name=name)


async def choose(chat: Chat, name: str) -> None:
    await chat.widget.get_by_role("button", name="More").click()
    await item(chat, name).click()


async def focused(chat: Chat) -> str:
    inner = "document.activeElement.shadowRoot.activeElement"
    text: str = await chat.page.evaluate(f"{inner}.textContent || {inner}.getAttribute('aria-label')")
    return text


async def answer_to(server: LiveServer, session: dict[str, str]) -> tuple[int, str]:
    visitor = Visitor(server, BAKERY.domain, session_id=session["id"], token=session["token"])
    response = await asyncio.to_thread(visitor.messages)
    return response.status_code, response.json().get("code", "")


async def kept(chat: Chat) -> dict[str, str]:
    [value] = (await chat.stored()).values()
    session: dict[str, str] = json.loads(value)
    return session


async def test_visitor_downloads_the_conversation(visit: Visit, live_site: LiveSite) -> None:
    """On a page whose policy allows nothing that it does not need."""
    chat = await visit(live_site.bakery)
    await chat.open()
    await chat.say("My name is Ada")
    async with chat.page.expect_download() as started:
        await choose(chat, "Download conversation")
    download = await started.value
    assert download.suggested_filename == f"chat-{BAKERY.domain}.json"
    exported = json.loads((await download.path()).read_text())
    assert exported["session_id"] == (await kept(chat))["id"]
    assert exported["messages"][0]["content"] == "My name is Ada"
    assert (len(exported["messages"]), exported["complete"]) == (2, True)


async def test_visitor_deletes_the_conversation_by_keyboard_in_every_tab(
    new_context: NewContext, live_site: LiveSite, server: LiveServer
) -> None:
    context = await new_context()
    first, second = [await new_chat(context, live_site.bakery) for _ in range(2)]
    await first.open()
    await first.say("My name is Ada")
    await second.open()
    await second.lines(2)
    session = await kept(first)

    await first.page.bring_to_front()
    await first.widget.get_by_role("button", name="More").focus()
    for key in ("Enter", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp", "Enter"):
        await first.page.keyboard.press(key)
    sheet = first.widget.get_by_role("alertdialog", name="Delete this conversation?")
    await expect(sheet).to_be_visible()
    reached = [await focused(first)]
    for key in ("Tab", "Tab", "Shift+Tab"):
        await first.page.keyboard.press(key)
        reached.append(await focused(first))
    assert reached == ["Keep", "Delete", "Keep", "Delete"]
    await first.page.keyboard.press("Escape")
    await expect(sheet).to_be_hidden()
    assert (await active_element(first.page))["label"] == "More"
    assert len(await first.lines(2)) == 2

    await choose(first, "Delete my conversation")
    await first.widget.get_by_role("button", name="Delete").click()
    await expect(sheet).to_be_hidden()
    await expect(first.widget.locator(".notice")).to_have_text("Your conversation was deleted.")
    for tab in (first, second):
        assert await tab.lines(0) == []
        await expect(tab.widget.locator(".greeting")).to_be_visible()
        assert await tab.stored() == {}
    assert await answer_to(server, session) == (403, "session_token_invalid")
    await first.widget.get_by_role("button", name="More").click()
    await expect(item(first, "Delete my conversation")).to_be_disabled()
    await first.page.keyboard.press("Escape")

    assert await first.say("What's my name?") == "I don't know your name yet."
    assert (await kept(first))["id"] != session["id"]
    await expect(first.widget.locator(".notice")).to_be_hidden()
    assert await first.lines(2) == [Line("user", "What's my name?"), Line("assistant", "I don't know your name yet.")]


@pytest.fixture
def shop(server: LiveServer, cast: Cast, stub_process: StubModel) -> Shop:
    return make_shop(server, cast, stub_process, "hold_after=3", "tokens=6")


async def test_deletion_ends_an_answer_in_every_tab_and_nothing_is_sent_again(
    new_context: NewContext, shop: Shop
) -> None:
    context = await new_context()
    first, second = await shop.visit(context), await shop.visit(context)
    await first.send("My name is Ada")
    await expect(first.writing).to_be_visible()
    await expect(second.writing).to_be_visible()
    await first.page.bring_to_front()
    await choose(first, "Delete my conversation")
    await first.widget.get_by_role("button", name="Delete").click()
    for tab in (first, second):
        await expect(tab.widget.locator(".greeting")).to_be_visible()
        await expect(tab.widget.locator(".list > *")).to_have_count(0)
    shop.let_answer()
    await second.page.wait_for_timeout(1_500)  # longer than a cut answer waits before it is asked for again
    assert [await tab.stored() for tab in (first, second)] == [{}, {}]
    assert [len(tab.sent()) for tab in (first, second)] == [1, 0]
    assert shop.model_calls() == 1


async def test_deletion_is_not_claimed_where_the_token_had_ended(
    visit: Visit, live_site: LiveSite, server: LiveServer
) -> None:
    chat = await visit(live_site.bakery)
    await chat.open()
    await chat.say("My name is Ada")
    session = await kept(chat)
    visitor = Visitor(server, BAKERY.domain, session_id=session["id"], token=session["token"])
    await asyncio.to_thread(visitor.log_out)
    await choose(chat, "Delete my conversation")
    await chat.widget.get_by_role("button", name="Delete").click()
    await expect(chat.widget.locator(".notice")).to_contain_text("This conversation had ended before.")
    assert await chat.stored() == {}


async def test_visitor_is_told_what_could_not_be_done(visit: Visit, live_site: LiveSite, server: LiveServer) -> None:
    chat = await visit(live_site.bakery)
    await chat.open()
    await chat.say("My name is Ada")
    no = refusal("erasure_held", 409, live_site.bakery)
    await chat.page.route(
        f"{API}sessions/*/",
        lambda route: route.fulfill(**no) if route.request.method == "DELETE" else route.continue_(),
    )
    await chat.page.route(f"{API}sessions/*/export/", lambda route: route.fulfill(**no))
    await choose(chat, "Delete my conversation")
    await chat.widget.get_by_role("button", name="Delete").click()
    await expect(chat.widget.get_by_role("alert")).to_have_text("It could not be deleted. Please try again.")
    await chat.widget.get_by_role("button", name="Keep").click()
    assert len(await chat.lines(2)) == 2
    await choose(chat, "Download conversation")
    await expect(chat.widget.locator(".notice")).to_contain_text("The conversation could not be downloaded.")
    await chat.page.unroute(f"{API}sessions/*/export/")
    async with chat.page.expect_download() as started:
        await chat.widget.get_by_role("button", name="Try again").click()
    assert await (await started.value).failure() is None
    assert await answer_to(server, await kept(chat)) == (200, "")
