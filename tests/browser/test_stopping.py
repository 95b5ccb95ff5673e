"""The visitor has heard enough: the answer ends where it is, and says so, here and after a reload."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Locator, expect

from tests.browser.chat import API, Chat, active_element
from tests.browser.conftest import LiveSite, NewContext, Visit
from tests.browser.shop import Shop, make_shop
from tests.cast import Cast
from tests.live_server import LiveServer
from tests.stub_model import StubModel

pytestmark = pytest.mark.browser

LONG = ("tokens=400", "tokens_per_second=20")  # twenty seconds


@pytest.fixture
def shop(server: LiveServer, cast: Cast, stub_process: StubModel) -> Shop:
    return make_shop(server, cast, stub_process, *LONG)


@pytest.fixture
def thinking_shop(server: LiveServer, cast: Cast, stub_process: StubModel) -> Shop:
    return make_shop(server, cast, stub_process, "latency_ms=3000")


def stop_button(chat: Chat) -> Locator:
    return chat.widget.get_by_role("button", name="Stop answer")


async def test_a_stopped_answer_keeps_what_was_said_and_says_so(new_context: NewContext, shop: Shop) -> None:
    chat = await shop.visit(await new_context())
    await expect(stop_button(chat)).to_be_hidden()
    await chat.send("Tell me everything")
    await expect(chat.writing).to_contain_text(" word word")
    await stop_button(chat).click()

    lines = await chat.lines(2)
    assert lines == await shop.stored_lines(chat)
    assert 0 < lines[1].text.count(" word") < 380
    marks = chat.widget.locator(".mark:visible")
    assert await marks.all_inner_texts() == ["Stopped"]
    await expect(stop_button(chat)).to_be_hidden()
    await expect(chat.field).to_be_focused()
    await expect(chat.widget.get_by_role("status")).to_have_text("Stopped")

    await shop.load(chat)
    assert await chat.lines(2) == lines
    assert await marks.all_inner_texts() == ["Stopped"]


async def test_the_keyboard_reaches_the_stop_button(new_context: NewContext, shop: Shop) -> None:
    chat = await shop.visit(await new_context())
    await chat.send("Tell me everything")
    await expect(stop_button(chat)).to_be_visible()
    await chat.page.keyboard.press("Tab")
    assert (await active_element(chat.page))["label"] == "Stop answer"
    await expect(chat.writing).to_contain_text("echo")
    await chat.page.keyboard.press("Enter")
    await chat.lines(2)
    await expect(chat.field).to_be_focused()


async def test_the_send_button_comes_back_beside_it_when_there_is_something_to_send(
    new_context: NewContext, shop: Shop
) -> None:
    chat = await shop.visit(await new_context())
    send = chat.widget.get_by_role("button", name="Send message")
    await chat.send("Tell me everything")
    await expect(stop_button(chat)).to_be_visible()
    await expect(send).to_be_hidden()
    await chat.field.fill("And then")
    await expect(send).to_be_visible()
    await expect(stop_button(chat)).to_be_visible()


async def test_stopping_before_the_first_word_leaves_the_question_with_a_note(
    new_context: NewContext, thinking_shop: Shop
) -> None:
    chat = await thinking_shop.visit(await new_context())
    await chat.send("Think about it")
    await stop_button(chat).click()
    stopped = chat.widget.locator(".from-user.is-stopped")
    await expect(stopped.locator(".mark")).to_have_text("Stopped")
    await expect(chat.widget.locator(".list .from-assistant:visible")).to_have_count(0)
    assert await thinking_shop.stored(chat) == {"messages": [], "next": None, "ongoing": []}

    await chat.send("Never mind")
    lines = await chat.lines(2)
    assert lines == await thinking_shop.stored_lines(chat)
    shown = chat.widget.locator(".list .message:visible .bubble")
    assert await shown.all_inner_texts() == ["Think about it", *(line.text for line in lines)]

    await thinking_shop.load(chat)
    assert await chat.lines(2) == lines


async def test_stopping_the_first_lets_the_second_begin(new_context: NewContext, shop: Shop) -> None:
    chat = await shop.visit(await new_context())
    await chat.send("First", "Second")
    await expect(chat.writing).to_contain_text('"First"')
    await stop_button(chat).click()
    await expect(chat.writing).to_contain_text('"Second"')
    await expect(stop_button(chat)).to_have_attribute("aria-disabled", "false")
    await stop_button(chat).click()
    assert await chat.lines(4) == await shop.stored_lines(chat)
    assert await chat.widget.locator(".mark:visible").all_inner_texts() == ["Stopped", "Stopped"]
    assert shop.model_calls() == 2


async def test_an_answer_of_another_tab_can_be_stopped(new_context: NewContext, shop: Shop) -> None:
    context = await new_context()
    first, second = await shop.visit(context), await shop.visit(context)
    await first.send("Tell me everything")
    await expect(second.writing).to_contain_text(" word")
    await second.page.bring_to_front()
    await stop_button(second).click()
    shown = [await tab.lines(2) for tab in (first, second)]
    assert shown[0] == shown[1] == await shop.stored_lines(first)
    assert await first.widget.locator(".mark:visible").all_inner_texts() == ["Stopped"]


async def test_a_wish_to_stop_that_is_lost_on_the_way_is_sent_again(new_context: NewContext, shop: Shop) -> None:
    chat = await shop.visit(await new_context())
    await chat.page.route(f"{API}sessions/*/stop/", lambda route: route.abort("connectionreset"), times=1)
    await chat.send("Tell me everything")
    await expect(chat.writing).to_contain_text(" word")
    await stop_button(chat).click()
    await expect(stop_button(chat)).to_have_attribute("aria-disabled", "true")
    await chat.lines(2)
    assert len([call for call in chat.requests if call.url.endswith("/stop/")]) == 2


async def test_an_answer_that_comes_at_once_shows_no_stop_button(visit: Visit, live_site: LiveSite) -> None:
    chat = await visit(live_site.bakery)
    await chat.open()
    await chat.page.clock.install()
    await chat.page.clock.pause_at(datetime.now(UTC) + timedelta(seconds=1))  # however slow this machine is
    await chat.widget.evaluate(
        """widget => {
          const button = widget.shadowRoot.querySelector(".stop");
          const note = () => button.hidden || (window.hasFlashed = true);
          new MutationObserver(note).observe(button, { attributeFilter: ["hidden"] });
        }"""
    )
    await chat.say("My name is Alice")
    await chat.page.clock.run_for(1_000)
    await expect(stop_button(chat)).to_be_hidden()
    assert await chat.page.evaluate("window.hasFlashed") is None
