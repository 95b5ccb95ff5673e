"""An answer on its way: it outlives a reload, shows in every tab, survives a cut line, and waits for its turn."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Route, expect

from tests.browser.chat import API, Chat, refusal
from tests.browser.conftest import NewContext
from tests.browser.shop import Shop, Wire, make_shop
from tests.cast import Cast
from tests.live_server import LiveServer
from tests.stub_model import StubModel

pytestmark = pytest.mark.browser

SLOW = ("tokens=120", "tokens_per_second=20")  # six seconds
HELD = ("tokens=80", "hold_after=20")  # until the test lets it go on: the echo and four words
NOTE_ALL_THAT_IS_SHOWN = """() => {
  window.shown = [];
  const list = document.querySelector("parlour-widget").shadowRoot.querySelector(".list");
  const note = () => {
    const bubbles = list.querySelectorAll(".from-assistant:not(.is-queued) .bubble");
    const said = [...bubbles].filter((bubble) => !bubble.querySelector(".typing"));
    window.shown.push(said.map((bubble) => bubble.innerText));
  };
  new MutationObserver(note).observe(list, { subtree: true, childList: true, characterData: true });
}"""


@pytest.fixture
def shop(server: LiveServer, cast: Cast, stub_process: StubModel) -> Shop:
    return make_shop(server, cast, stub_process, *HELD)


@pytest.fixture
def slow_shop(server: LiveServer, cast: Cast, stub_process: StubModel) -> Shop:
    return make_shop(server, cast, stub_process, *SLOW)


@pytest.fixture
def refusing_shop(server: LiveServer, cast: Cast, stub_process: StubModel) -> Shop:
    return make_shop(server, cast, stub_process, *HELD, double_send="reject")


@pytest.fixture
async def wire(server: LiveServer) -> AsyncIterator[Wire]:
    wire = Wire(server.port)
    listener = await wire.open()
    yield wire
    wire.take_down()
    listener.close()
    await listener.wait_closed()


async def test_a_reload_in_the_middle_goes_on_with_the_answer(new_context: NewContext, shop: Shop) -> None:
    chat = await shop.visit(await new_context())
    await chat.send("Tell me everything")
    await expect(chat.writing).to_contain_text("echo")

    await shop.load(chat)
    await expect(chat.writing).to_contain_text("echo")
    assert await chat.widget.locator(".from-user .bubble").all_inner_texts() == ["Tell me everything"]
    assert [call.method for call in chat.requests if call.url.endswith("/events")] == ["GET"]
    shop.let_answer()
    lines = await chat.lines(2)
    assert lines == await shop.stored_lines(chat)
    assert shop.model_calls() == 1


async def test_a_second_tab_shows_the_answer_that_the_first_one_gets(new_context: NewContext, shop: Shop) -> None:
    context = await new_context()
    first = await shop.visit(context)
    second = await shop.visit(context)
    await first.send("Tell me everything")
    await expect(second.writing).to_contain_text("echo")
    late = await shop.visit(context)
    await expect(late.writing).to_contain_text("echo")
    shop.let_answer()
    shown = [await chat.lines(2) for chat in (first, second, late)]
    assert shown == [await shop.stored_lines(first)] * 3
    assert shop.model_calls() == 1


async def test_a_line_cut_in_the_middle_goes_on_where_it_was(
    new_context: NewContext, slow_shop: Shop, wire: Wire
) -> None:
    chat = await dataclasses.replace(slow_shop, script_port=wire.port).visit(await new_context())
    await chat.page.evaluate(NOTE_ALL_THAT_IS_SHOWN)
    await chat.send("Tell me everything")
    for words in (4, 20):
        await expect(chat.writing).to_contain_text(" word" * words)
        wire.cut()
    [_, answer] = await chat.lines(2)

    shown = [texts[0] for texts in await chat.page.evaluate("shown") if texts]
    assert [text for text in shown if not answer.text.startswith(text)] == []
    assert sorted(shown, key=len) == shown
    joined = [await call.all_headers() for call in chat.calls("GET", _events_path(chat))]
    positions = [int(headers["last-event-id"]) for headers in joined]
    assert len(positions) == 2
    assert 0 < positions[0] < positions[1] < len(answer.text)
    assert len(chat.calls("POST", "chat/")) == 1
    assert slow_shop.model_calls() == 1


def _events_path(chat: Chat) -> str:
    paths = {call.url.partition("/api/v1/")[2] for call in chat.requests if call.url.endswith("/events")}
    [path] = paths
    return path


async def test_an_answer_given_up_for_lack_of_a_line_is_found_again(
    new_context: NewContext, shop: Shop, wire: Wire
) -> None:
    chat = await dataclasses.replace(shop, script_port=wire.port).visit(await new_context())
    await chat.page.clock.install()
    await chat.send("Tell me everything")
    await expect(chat.writing).to_contain_text("echo")
    wire.take_down()
    failed = chat.widget.locator(".from-assistant.is-failed .bubble")
    for _ in range(40):
        await chat.page.clock.run_for(1_000)
        if await failed.count():
            break
    await expect(failed).to_contain_text("No connection.")
    await chat.page.clock.resume()

    wire.bring_up()
    shop.let_answer()
    await failed.get_by_role("button", name="Try again").click()
    assert await chat.lines(2) == await shop.stored_lines(chat)
    assert len(chat.calls("POST", "chat/")) == 1
    assert shop.model_calls() == 1


async def test_a_turn_that_was_let_go_is_sent_again_with_the_same_id_and_words(
    new_context: NewContext, shop: Shop, wire: Wire
) -> None:
    chat = await dataclasses.replace(shop, script_port=wire.port).visit(await new_context())
    answer = refusal("overloaded", 503, shop.address, **{"Retry-After": "1"})
    await chat.page.route(f"{API}sessions/*/turns/*/events", lambda route: route.fulfill(**answer), times=1)
    await chat.send("Tell me everything")
    await expect(chat.writing).to_contain_text(" word")
    async with chat.page.expect_request(f"{API}chat/"):
        wire.cut()
    shop.let_answer()
    assert await chat.lines(2) == await shop.stored_lines(chat)
    sent = chat.sent()
    assert len(sent) == 2
    assert sent[0] == sent[1]
    assert shop.model_calls() == 1


async def test_messages_sent_during_an_answer_wait_for_it_on_the_server(new_context: NewContext, shop: Shop) -> None:
    chat = await shop.visit(await new_context())
    await chat.send("First", "Second", "Third")
    waiting = chat.widget.locator(".is-queued.from-user")
    await expect(waiting).to_have_count(2)
    await expect(waiting.first.locator(".mark")).to_have_text("Waiting")
    await expect(chat.widget.locator(".is-queued.from-assistant").first).to_be_hidden()
    await expect(chat.writing).to_contain_text("echo")
    assert await shop.ongoing(chat, 3) == [
        ("First", "running"),
        ("Second", "queued"),
        ("Third", "queued"),
    ]

    await shop.load(chat)
    await expect(waiting).to_have_count(2)
    shop.let_answer()
    lines = await chat.lines(6)
    assert [line.text for line in lines if line.role == "user"] == ["First", "Second", "Third"]
    assert lines == await shop.stored_lines(chat)
    assert shop.model_calls() == 3


async def test_a_tab_that_stays_answers_in_order_too_and_sends_each_message_once(
    new_context: NewContext, shop: Shop
) -> None:
    chat = await shop.visit(await new_context())
    await chat.send("First", "Second")
    assert await shop.ongoing(chat, 2) == [("First", "running"), ("Second", "queued")]
    shop.let_answer()
    lines = await chat.lines(4)
    assert [line.text for line in lines if line.role == "user"] == ["First", "Second"]
    assert lines == await shop.stored_lines(chat)
    assert len(chat.calls("POST", "chat/")) == 2
    assert shop.model_calls() == 2


async def test_a_website_that_refuses_double_sends_gets_the_second_after_the_answer(
    new_context: NewContext, refusing_shop: Shop
) -> None:
    chat = await refusing_shop.visit(await new_context())
    await chat.send("First")
    await expect(chat.writing).to_contain_text("echo")
    async with chat.page.expect_response(f"{API}chat/") as response:
        await chat.send("Second")
    assert (await response.value).status == 409
    refusing_shop.let_answer()
    lines = await chat.lines(4)
    assert [line.text for line in lines if line.role == "user"] == ["First", "Second"]
    sent = chat.sent()
    assert [body["message"] for body in sent] == ["First", "Second", "Second"]
    assert sent[1] == sent[2]
    assert refusing_shop.model_calls() == 2


async def test_two_tabs_that_write_at_once_show_the_servers_order(new_context: NewContext, shop: Shop) -> None:
    context = await new_context()
    tabs = [await shop.visit(context) for _ in range(2)]
    for tab, text in zip(tabs, ("From one", "From two"), strict=True):
        await tab.field.fill(text)
    for tab in tabs:
        await tab.field.press("Enter")
    await asyncio.gather(*(expect(tab.widget.locator(".from-user.is-queued")).to_have_count(1) for tab in tabs))
    shop.let_answer()
    shown = [await tab.lines(4) for tab in tabs]
    assert shown == [await shop.stored_lines(tabs[0])] * 2
    assert shop.model_calls() == 2


async def test_a_tab_that_learns_late_who_was_first_shows_that_answer_first(
    new_context: NewContext, shop: Shop
) -> None:
    context = await new_context()
    first, second = await shop.visit(context), await shop.visit(context)
    await second.page.route(f"{API}sessions/*/messages/", lambda route: route.abort())
    await first.send("From one")
    await expect(first.writing).to_contain_text("echo")
    await second.send("From two")
    await expect(second.widget.locator(".from-user.is-running .bubble")).to_have_text("From two")

    await second.page.unroute(f"{API}sessions/*/messages/")
    await second.page.wait_for_timeout(1_000)  # it looks once a second at most
    await second.page.evaluate("dispatchEvent(new Event('focus'))")
    await expect(second.writing).to_contain_text('"From one"')
    await expect(second.widget.locator(".from-user.is-queued .bubble")).to_have_text("From two")
    assert await second.widget.locator(".from-user .bubble").all_inner_texts() == ["From one", "From two"]
    shop.let_answer()
    assert await second.lines(4) == await shop.stored_lines(first)
    assert shop.model_calls() == 2


async def test_no_word_is_kept_in_the_browser_while_an_answer_is_written(new_context: NewContext, shop: Shop) -> None:
    chat = await shop.visit(await new_context())
    before = await chat.stored()
    await chat.send("My canary is yellow", "And it sings")
    await expect(chat.writing).to_contain_text("echo")
    assert await chat.stored() == before
    assert "canary" not in str(before)
    assert await chat.page.evaluate("[document.cookie, sessionStorage.length]") == ["", 0]


async def test_a_broken_server_is_asked_a_few_times_and_no_more(new_context: NewContext, shop: Shop) -> None:
    chat = await shop.visit(await new_context())
    await chat.page.clock.install()

    async def break_off(route: Route) -> None:
        await route.abort("connectionreset")

    await chat.page.route(f"{API}chat/", break_off)
    await chat.send("Anybody there?")
    for _ in range(90):
        await chat.page.clock.run_for(1_000)
    failed = chat.widget.locator(".from-assistant.is-failed .bubble")
    await expect(failed).to_contain_text("No connection. Please check your internet and try again.")
    sent = chat.sent()
    assert len(sent) == 5
    assert sent == [sent[0]] * 5
    assert shop.model_calls() == 0
