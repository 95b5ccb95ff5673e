"""Too fast, too much: the visitor reads a sentence meant for people, and can send the same message again."""

import json

import pytest
from playwright.async_api import Route, expect

from tests.browser.chat import API, Chat, refusal
from tests.browser.conftest import LiveSite, NewContext, Visit
from tests.browser.shop import Shop, make_shop
from tests.cast import Cast
from tests.live_server import LiveServer
from tests.stub_model import StubModel

pytestmark = pytest.mark.browser

OWNERS_WORDS = "We have talked a lot today. Ring us: 01632 960 142."


@pytest.fixture
def strict_shop(server: LiveServer, cast: Cast, stub_process: StubModel) -> Shop:
    return make_shop(server, cast, stub_process, limits={"session_turns_per_minute": 1})


@pytest.fixture
def small_shop(server: LiveServer, cast: Cast, stub_process: StubModel) -> Shop:
    return make_shop(server, cast, stub_process, turns_per_day=1, quota_message=OWNERS_WORDS)


async def failure(chat: Chat) -> str:
    """What the visitor reads in place of an answer, without the button."""
    said = chat.widget.locator(".from-assistant.is-failed .bubble > span")
    await expect(said).to_have_count(1)
    return await said.inner_text()


async def test_who_writes_too_fast_is_told_and_may_send_the_same_message_again(
    new_context: NewContext, strict_shop: Shop
) -> None:
    chat = await strict_shop.visit(await new_context())
    await chat.send("First")
    await chat.lines(2)
    await chat.send("Second")
    assert await failure(chat) == "You are writing very fast. Please wait a moment."
    await expect(chat.widget.get_by_role("status")).to_have_text("You are writing very fast. Please wait a moment.")
    assert len(chat.message_ids()) == 2
    assert strict_shop.model_calls() == 1

    await chat.widget.get_by_role("button", name="Try again").click()
    await expect(chat.widget.get_by_role("log")).to_be_focused()
    assert await failure(chat) == "You are writing very fast. Please wait a moment."
    _, second, again = chat.message_ids()
    assert second == again


async def test_a_spent_day_is_told_in_the_owners_words(new_context: NewContext, small_shop: Shop) -> None:
    chat = await small_shop.visit(await new_context())
    await chat.send("First")
    await chat.lines(2)
    await chat.send("Second")
    assert await failure(chat) == OWNERS_WORDS
    assert len(chat.message_ids()) == 2
    assert small_shop.model_calls() == 1


async def test_a_spent_day_is_not_asked_about_again_just_before_midnight(visit: Visit, live_site: LiveSite) -> None:
    chat = await visit(live_site.bakery)
    await chat.open()
    await chat.page.clock.install()
    answer = refusal("quota_exceeded", 429, live_site.bakery, OWNERS_WORDS, **{"Retry-After": "2"})
    await chat.page.route(f"{API}chat/", lambda route: route.fulfill(**answer))
    await chat.send("Hello")
    assert await failure(chat) == OWNERS_WORDS
    await chat.page.clock.run_for(120_000)
    assert len(chat.message_ids()) == 1


async def test_a_short_wait_is_kept_once(visit: Visit, live_site: LiveSite) -> None:
    chat = await visit(live_site.bakery)
    await chat.open()
    await chat.page.clock.install()
    answer = refusal("rate_limited", 429, live_site.bakery, "Please slow down.", **{"Retry-After": "3"})
    await chat.page.route(f"{API}chat/", lambda route: route.fulfill(**answer))
    async with chat.page.expect_response(f"{API}chat/"):
        await chat.send("Hello")
    await chat.page.clock.run_for(2_900)
    assert len(chat.message_ids()) == 1
    async with chat.page.expect_response(f"{API}chat/"):
        await chat.page.clock.run_for(1_000)
    assert await failure(chat) == "Please slow down."
    await chat.page.clock.run_for(120_000)
    first, second = chat.message_ids()
    assert first == second


async def test_answers_that_break_off_again_and_again_are_asked_for_a_few_times(
    visit: Visit, live_site: LiveSite
) -> None:
    chat = await visit(live_site.bakery)
    await chat.open()
    await chat.page.clock.install()
    headers = {"Content-Type": "text/event-stream", "Access-Control-Allow-Origin": live_site.bakery.rstrip("/")}

    async def break_off(route: Route) -> None:
        first_id = len(chat.message_ids()) * 1_000_000  # each run of a turn has ids of its own
        started = {"type": "RUN_STARTED", "threadId": "t", "runId": "r"}
        words = {"type": "TEXT_MESSAGE_CONTENT", "messageId": "m", "delta": "Half a sen"}
        error = {"type": "RUN_ERROR", "code": "overloaded", "message": "No."}
        events = [(first_id, started), (first_id + 10, words), (first_id + 10, error)]
        body = "".join(f"id: {number}\ndata: {json.dumps(event)}\n\n" for number, event in events)
        await route.fulfill(headers=headers, body=body)
        broken_off.append(first_id)

    broken_off: list[int] = []
    await chat.page.route(f"{API}chat/", break_off)
    await chat.send("Hello")
    for _ in range(60):
        await chat.page.clock.run_for(1_000)
        while len(broken_off) < len(chat.message_ids()):  # the page's clock must not run ahead of the machine
            await chat.page.evaluate("0")
    assert await failure(chat) == "Many people are asking right now. Please try again in a moment."
    ids = chat.message_ids()
    assert ids == [ids[0]] * 5


async def test_a_failure_stays_where_it_happened(visit: Visit, live_site: LiveSite) -> None:
    chat = await visit(live_site.bakery)
    await chat.open()
    await chat.say("Good morning")
    answer = refusal("model_unavailable", 502, live_site.bakery)
    await chat.page.route(f"{API}chat/", lambda route: route.fulfill(**answer), times=1)
    await chat.send("My name is Alice")
    await failure(chat)
    await chat.send("When are you open?")
    await chat.lines(4)
    questions = chat.widget.locator(".list .from-user .bubble")
    assert await questions.all_inner_texts() == ["Good morning", "My name is Alice", "When are you open?"]

    await chat.widget.get_by_role("button", name="Try again").click()
    await chat.lines(6)
    assert await questions.all_inner_texts() == ["Good morning", "When are you open?", "My name is Alice"]
