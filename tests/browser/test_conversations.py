"""What the mission promises, seen in a browser: every visitor talks alone, and finds the conversation again."""

import asyncio
import json
import re

import pytest
from playwright.async_api import Route, expect

from tests.browser.chat import API, Line, new_chat
from tests.browser.conftest import LiveSite, NewContext, Visit
from widget.demo_shops import BAKERY

pytestmark = pytest.mark.browser

SESSION_ID = re.compile(r"s_[0-9a-z]{8,10}_[0-9a-f]{32}")


async def test_three_visitors_on_two_sites_keep_to_themselves(visit: Visit, live_site: LiveSite) -> None:
    alice, bob = await visit(live_site.bakery), await visit(live_site.bicycles)
    await alice.open()
    await bob.open()
    assert await alice.say("My name is Alice") == "Nice to meet you, Alice!"
    assert await bob.say("My name is Bob") == "Nice to meet you, Bob!"
    assert await alice.say("What's my name?") == "Your name is Alice!"
    assert await bob.say("What's my name?") == "Your name is Bob!"

    newcomer = await visit(live_site.bakery)
    await newcomer.open()
    assert await newcomer.say("What's my name?") == "I don't know your name yet."
    assert await alice.lines(4) == [
        Line("user", "My name is Alice"),
        Line("assistant", "Nice to meet you, Alice!"),
        Line("user", "What's my name?"),
        Line("assistant", "Your name is Alice!"),
    ]


async def test_reload_keeps_the_conversation(visit: Visit, live_site: LiveSite) -> None:
    chat = await visit(live_site.bakery)
    await chat.open()
    await chat.say("My name is Alice")
    said, stored = await chat.lines(2), await chat.stored()

    await chat.visit(live_site.bakery)
    assert chat.calls("GET", "widget/config/") != []
    await chat.open()
    assert await chat.lines(2) == said
    assert await chat.say("What's my name?") == "Your name is Alice!"
    assert await chat.stored() == stored


async def test_two_tabs_share_one_conversation(visit: Visit, live_site: LiveSite) -> None:
    first = await visit(live_site.bakery)
    await first.open()
    await first.say("My name is Alice")

    second = await new_chat(first.page.context, live_site.bakery)
    await second.open()
    assert await second.lines(2) == await first.lines(2)
    assert await second.say("What's my name?") == "Your name is Alice!"
    assert await first.lines(4) == await second.lines(4)
    assert await second.stored() == await first.stored()


async def test_two_tabs_that_speak_at_once_both_show_everything(visit: Visit, live_site: LiveSite) -> None:
    first = await visit(live_site.bakery)
    await first.open()
    await first.say("Hello")
    second = await new_chat(first.page.context, live_site.bakery)
    await second.page.evaluate("window.parlour('open')")
    await second.lines(2)

    tabs = {"Good morning from two": second, "Good evening from one": first}
    for text, tab in tabs.items():
        await tab.field.fill(text)
    for tab in tabs.values():
        await tab.field.press("Enter")
    shown = [await tab.lines(6) for tab in tabs.values()]
    assert shown[0] == shown[1]
    assert {line.text for line in shown[0] if line.role == "user"} == {"Hello", *tabs}


async def test_two_tabs_opened_at_once_start_one_session(new_context: NewContext, live_site: LiveSite) -> None:
    context = await new_context()
    tabs = [await new_chat(context, live_site.bakery) for _ in range(2)]
    for tab in tabs:  # opened by command, for a click waits until its tab is in front
        await tab.page.evaluate("window.parlour('open')")
    for tab in tabs:
        await tab.wait_for_session()
        await expect(tab.panel).to_be_visible()
    assert len([call for tab in tabs for call in tab.calls("POST", "sessions/")]) == 1
    for tab in tabs:
        assert await tab.say("My name is Alice") == "Nice to meet you, Alice!"


async def test_the_browser_keeps_an_id_and_a_token_and_no_word(visit: Visit, live_site: LiveSite) -> None:
    chat = await visit(live_site.bakery)
    await chat.open()
    await chat.say("My name is Canary")
    (key, value), *others = (await chat.stored()).items()
    session = json.loads(value)

    assert others == []
    assert key == f"parlour:{BAKERY.site_key}"
    assert sorted(session) == ["id", "token"]
    assert SESSION_ID.fullmatch(session["id"])
    assert session["token"].startswith("st_")
    assert await chat.page.evaluate("[document.cookie, sessionStorage.length]") == ["", 0]
    assert await chat.page.context.cookies() == []
    assert await chat.page.evaluate("indexedDB.databases().then((found) => found.length)") == 0
    assert await chat.page.evaluate("caches.keys()") == []


async def test_nothing_is_started_before_the_chat_is_opened(visit: Visit, live_site: LiveSite) -> None:
    chat = await visit(live_site.bakery)
    await chat.page.wait_for_timeout(500)
    assert await chat.stored() == {}
    assert [call for call in chat.requests if call.method == "POST"] == []

    await chat.open()
    assert len(chat.calls("POST", "sessions/")) == 1


async def test_start_new_conversation_forgets_the_old_one(visit: Visit, live_site: LiveSite) -> None:
    chat = await visit(live_site.bakery)
    await chat.open()
    await chat.say("My name is Alice")
    before = await chat.stored()

    await chat.widget.get_by_role("button", name="More").click()
    await chat.widget.get_by_role("menuitem", name="Start new conversation").click()
    assert await chat.lines(0) == []
    await expect(chat.widget.locator(".starter").first).to_be_visible()
    assert await chat.say("What's my name?") == "I don't know your name yet."
    assert await chat.stored() != before


async def test_a_new_conversation_in_one_tab_is_new_in_the_other(visit: Visit, live_site: LiveSite) -> None:
    first = await visit(live_site.bakery)
    await first.open()
    await first.say("My name is Alice")
    second = await new_chat(first.page.context, live_site.bakery)
    await second.open()
    await second.lines(2)

    await first.page.evaluate("window.parlour('reset')")
    assert await second.lines(0) == []
    assert await second.say("What's my name?") == "I don't know your name yet."
    assert await first.lines(2) == await second.lines(2)


async def test_a_tab_that_began_anew_while_a_message_was_under_way_still_hears_of_other_tabs(
    visit: Visit, live_site: LiveSite
) -> None:
    first = await visit(live_site.bakery)
    await first.open()
    asked = asyncio.Event()

    async def never_answer(route: Route) -> None:
        asked.set()

    await first.page.route(f"{API}chat/", never_answer, times=1)
    await first.field.fill("My name is Alice")
    await first.field.press("Enter")
    await asked.wait()
    before = await first.stored()
    await first.page.evaluate("window.parlour('reset')")
    assert await first.lines(0) == []
    async with asyncio.timeout(10):
        while await first.stored() in ({}, before):
            await first.page.wait_for_timeout(20)

    second = await new_chat(first.page.context, live_site.bakery)
    await second.open()
    assert await second.say("My name is Bob") == "Nice to meet you, Bob!"
    assert await first.lines(2) == await second.lines(2)


async def test_a_long_conversation_loads_page_by_page(visit: Visit, live_site: LiveSite) -> None:
    chat = await visit(live_site.bakery)
    await chat.open()
    for number in range(30):
        await chat.say(f"Number {number}")
    await chat.visit(live_site.bakery)
    await chat.open()
    assert (await chat.lines(50))[0] == Line("user", "Number 5")
    await expect(chat.widget.locator(".greeting")).to_be_hidden()

    await chat.widget.locator(".log").evaluate("log => log.scrollTo(0, 40)")
    lines = await chat.lines(60)
    assert [line.text for line in lines if line.role == "user"] == [f"Number {number}" for number in range(30)]
    await expect(chat.widget.locator(".greeting")).to_be_visible()


async def test_messages_sent_at_once_are_answered_in_order(visit: Visit, live_site: LiveSite) -> None:
    chat = await visit(live_site.bakery)
    await chat.open()
    for text in ("My name is Alice", "What's my name?", "When are you open?"):
        await chat.field.fill(text)
        await chat.field.press("Enter")
    lines = await chat.lines(6)
    assert [line.role for line in lines] == ["user", "assistant"] * 3
    assert lines[3] == Line("assistant", "Your name is Alice!")

    await chat.visit(live_site.bakery)
    await chat.open()
    assert await chat.lines(6) == lines
