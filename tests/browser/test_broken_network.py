"""The widget when the way to the server breaks: no message is lost, none is said twice, and the visitor is told."""

import json

import pytest
from playwright.async_api import Route, expect

from tests.browser.chat import API, Chat, Line, refusal
from tests.browser.conftest import LiveSite, NewContext, Visit
from widget.demo_shops import BAKERY

pytestmark = pytest.mark.browser

ALICE = [Line("user", "My name is Alice"), Line("assistant", "Nice to meet you, Alice!")]


async def open_chat(visit: Visit, site: LiveSite) -> Chat:
    chat = await visit(site.bakery)
    await chat.open()
    return chat


async def test_an_answer_lost_on_the_way_is_fetched_again(visit: Visit, live_site: LiveSite) -> None:
    chat = await open_chat(visit, live_site)

    async def lose_the_answer(route: Route) -> None:
        await route.fetch()
        await route.abort("connectionreset")

    await chat.page.route(f"{API}chat/", lose_the_answer, times=1)
    assert await chat.say("My name is Alice") == "Nice to meet you, Alice!"
    first, second = chat.message_ids()
    assert first == second

    await chat.visit(live_site.bakery)
    await chat.open()
    assert await chat.lines(2) == ALICE


async def test_a_stream_cut_in_the_middle_ends_in_one_whole_answer(visit: Visit, live_site: LiveSite) -> None:
    chat = await open_chat(visit, live_site)

    async def cut_the_stream(route: Route) -> None:
        response = await route.fetch()
        whole = await response.text()
        half = whole[: whole.index("TEXT_MESSAGE_CONTENT") + 120]
        await route.fulfill(response=response, body=half)

    await chat.page.route(f"{API}chat/", cut_the_stream, times=1)
    assert await chat.say("My name is Alice") == "Nice to meet you, Alice!"
    assert await chat.lines(2) == ALICE


@pytest.mark.parametrize(("code", "status"), [("rate_limited", 429), ("turn_in_progress", 409), ("overloaded", 503)])
async def test_a_refusal_for_now_is_tried_again_when_the_server_says(
    visit: Visit, live_site: LiveSite, code: str, status: int
) -> None:
    chat = await open_chat(visit, live_site)
    await chat.page.clock.install()
    answer = refusal(code, status, live_site.bakery, **{"Retry-After": "7"})
    await chat.page.route(f"{API}chat/", lambda route: route.fulfill(**answer), times=1)
    await chat.field.fill("My name is Alice")
    async with chat.page.expect_response(f"{API}chat/"):
        await chat.field.press("Enter")

    await chat.page.clock.run_for(6_900)
    assert len(chat.message_ids()) == 1
    await chat.page.clock.run_for(1_000)
    await chat.page.clock.resume()
    assert await chat.lines(2) == ALICE
    first, second = chat.message_ids()
    assert first == second


async def test_a_failure_is_told_and_try_again_sends_the_same_message(visit: Visit, live_site: LiveSite) -> None:
    chat = await open_chat(visit, live_site)
    answer = refusal("model_unavailable", 502, live_site.bakery)
    await chat.page.route(f"{API}chat/", lambda route: route.fulfill(**answer), times=1)
    await chat.field.fill("My name is Alice")
    await chat.field.press("Enter")
    failed = chat.widget.locator(".from-assistant.is-failed .bubble")
    await expect(failed).to_contain_text("No.")  # the server's own words, which are for visitors

    await failed.get_by_role("button", name="Try again").click()
    assert await chat.lines(2) == ALICE
    await expect(failed).to_have_count(0)
    first, second = chat.message_ids()
    assert first == second


async def test_a_run_error_in_the_stream_is_told(visit: Visit, live_site: LiveSite) -> None:
    chat = await open_chat(visit, live_site)
    events = [
        {"type": "RUN_STARTED", "threadId": "t", "runId": "r"},
        {"type": "TEXT_MESSAGE_START", "messageId": "m", "role": "assistant"},
        {"type": "TEXT_MESSAGE_CONTENT", "messageId": "m", "delta": "Half a sen"},
        {"type": "RUN_ERROR", "code": "model_timeout", "message": "internal words"},
    ]
    headers = {"Content-Type": "text/event-stream", "Access-Control-Allow-Origin": live_site.bakery.rstrip("/")}
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    await chat.page.route(f"{API}chat/", lambda route: route.fulfill(headers=headers, body=body), times=1)
    await chat.field.fill("My name is Alice")
    await chat.field.press("Enter")
    bubble = chat.widget.locator(".from-assistant.is-failed .bubble")
    await expect(bubble).to_have_text("The answer took too long. Please try again.Try again")


async def test_a_lost_session_is_replaced_silently(visit: Visit, live_site: LiveSite) -> None:
    chat = await open_chat(visit, live_site)
    await chat.say("My name is Alice")
    key = f"parlour:{BAKERY.site_key}"
    forged = json.dumps({"id": "s_somebody_elses", "token": "st_" + "x" * 43})
    await chat.page.evaluate("([key, value]) => localStorage.setItem(key, value)", [key, forged])

    await chat.field.fill("What's my name?")
    await chat.field.press("Enter")
    await expect(chat.answers.last).to_have_text("I don't know your name yet.")
    assert await chat.lines(2) == [
        Line("user", "What's my name?"),
        Line("assistant", "I don't know your name yet."),
    ]
    assert json.loads((await chat.stored())[key])["id"] != "s_somebody_elses"


async def test_without_storage_the_chat_lives_as_long_as_the_page(new_context: NewContext, live_site: LiveSite) -> None:
    context = await new_context()
    await context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } });"
    )
    chat = Chat(await context.new_page())
    await chat.visit(live_site.bakery)
    await chat.launcher.click()
    assert await chat.say("My name is Alice") == "Nice to meet you, Alice!"
    assert await chat.say("What's my name?") == "Your name is Alice!"
    assert len(chat.calls("POST", "sessions/")) == 1


async def test_a_history_that_does_not_load_can_be_asked_for_again(visit: Visit, live_site: LiveSite) -> None:
    chat = await open_chat(visit, live_site)
    await chat.say("My name is Alice")
    await chat.visit(live_site.bakery)
    await chat.page.route(f"{API}sessions/*/messages/", lambda route: route.abort(), times=1)
    await chat.open()
    await chat.widget.locator(".notice").get_by_role("button", name="Try again").click()
    assert await chat.lines(2) == ALICE
    await expect(chat.widget.locator(".notice")).to_be_hidden()
