"""The widget on the page: where it is drawn, how it is reached by keyboard, and that neither spoils the other."""

import asyncio

import pytest
from django.conf import settings
from playwright.async_api import Route, expect
from redis import Redis

from tests.browser.chat import API, Chat, active_element, new_chat
from tests.browser.conftest import LiveSite, NewContext, Visit
from tests.waiting import wait_until
from widget.demo_shops import BAKERY, BICYCLES

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
HOSTILE = """
* { color: rgb(255, 0, 0) !important; font: 40px fantasy !important; opacity: 0.3 !important; direction: rtl !important;
    transform: rotate(9deg); text-transform: uppercase; letter-spacing: 9px; position: static !important; }
button, textarea { display: none !important; background: red !important; }
parlour-widget { display: none !important; z-index: -1 !important; visibility: hidden !important; }
"""
_MOVED_IN = 500  # milliseconds, after which nothing moves any more
LOOKS = ["color", "fontSize", "opacity", "textTransform", "letterSpacing", "direction", "display", "visibility"]


def page_with(snippet: str, styles: str = "") -> str:
    return f"<!doctype html><title>Any page</title><style>{styles}</style><h1>Any page</h1><input>{snippet}"


def snippet_of(site: LiveSite, key: str) -> str:
    return f'<script async src="{site.base_url}/widget.js" data-site-key="{key}"></script>'


async def on_page(new_context: NewContext, address: str, body: str) -> Chat:
    """A tab where ``address`` shows ``body``; everything else is the real server's."""
    context = await new_context()
    await context.route(address, lambda route: route.fulfill(body=body, content_type="text/html; charset=utf-8"))
    chat = Chat(await context.new_page())
    await chat.page.goto(address)
    return chat


async def test_an_unregistered_site_gets_no_widget(new_context: NewContext, live_site: LiveSite) -> None:
    page = page_with(snippet_of(live_site, BAKERY.site_key))
    chat = await on_page(new_context, live_site.stranger, page)
    sentence = (
        f"Parlour: no chat on {live_site.stranger.rstrip('/')}: "
        "network: no connection, or this website is not registered."
    )
    await chat.wait_for_console(sentence)
    await expect(chat.widget).to_have_count(0)
    assert await chat.stored() == {}


async def test_an_unregistered_site_is_counted_for_the_owner_of_the_key(
    new_context: NewContext, live_site: LiveSite
) -> None:
    """The browser must not have to ask first: it would ask without the key, and never come with it."""
    before = _times_refused(live_site.stranger)
    chat = await on_page(new_context, live_site.stranger, page_with(snippet_of(live_site, BAKERY.site_key)))
    await asyncio.to_thread(wait_until, lambda: _times_refused(live_site.stranger) > before)
    assert "x-parlour-key" not in chat.calls("GET", "widget/config/")[0].headers


def _times_refused(address: str) -> int:
    with Redis.from_url(settings.REDIS_URL, decode_responses=True) as redis:
        counts = [redis.hget(key, f"n{address.rstrip('/')}") for key in redis.scan_iter("parlour:refused:{*")]
    return sum(int(count) for count in counts if count is not None)


async def test_another_sites_key_gets_no_widget(new_context: NewContext, live_site: LiveSite) -> None:
    page = page_with(snippet_of(live_site, BAKERY.site_key))
    chat = await on_page(new_context, live_site.bicycles, page)
    sentence = f"Parlour: no chat on {live_site.bicycles.rstrip('/')}: origin_not_allowed."
    await chat.wait_for_console(sentence)
    await expect(chat.widget).to_have_count(0)


async def test_the_keyboard_alone_is_enough(visit: Visit, live_site: LiveSite) -> None:
    chat = await visit(live_site.bakery)
    page = chat.page
    await chat.launcher.focus()
    await page.keyboard.press("Enter")
    await expect(chat.field).to_be_focused()
    await page.keyboard.type("My name is")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("Alice")
    assert await chat.field.input_value() == "My name is\nAlice"
    await page.keyboard.press("Enter")
    assert (await chat.lines(2))[1].text == "Nice to meet you, Alice!"
    assert await chat.field.input_value() == ""

    await page.keyboard.press("Escape")
    await expect(chat.panel).to_be_hidden()
    assert await active_element(page) == {"tag": "button", "kind": "launcher", "label": "Open chat"}


async def test_the_focus_stays_in_the_dialog(visit: Visit, live_site: LiveSite) -> None:
    chat = await visit(live_site.bakery)
    await chat.open()
    await chat.say("Hello")
    seen = []
    for _ in range(5):
        seen.append((await active_element(chat.page))["label"])
        await chat.page.keyboard.press("Tab")
    assert seen == ["Message to Robin", "More", "Close chat", "Conversation", "Message to Robin"]
    await chat.page.keyboard.press("Shift+Tab")
    await chat.page.keyboard.press("Shift+Tab")
    assert (await active_element(chat.page))["label"] == "Conversation"


async def test_escape_closes_the_menu_before_the_dialog(visit: Visit, live_site: LiveSite) -> None:
    chat = await visit(live_site.bakery)
    await chat.open()
    await chat.widget.get_by_role("button", name="More").click()
    await expect(chat.widget.get_by_role("menuitem").first).to_be_focused()
    await chat.page.keyboard.press("Escape")
    await expect(chat.widget.get_by_role("menu")).to_be_hidden()
    await expect(chat.panel).to_be_visible()
    await expect(chat.widget.get_by_role("button", name="More")).to_be_focused()


async def test_the_pages_shortcuts_do_not_hear_what_is_typed(visit: Visit, live_site: LiveSite) -> None:
    chat = await visit(live_site.bakery)
    await chat.page.evaluate("window.heard = []; addEventListener('keydown', (event) => heard.push(event.key))")
    await chat.page.keyboard.press("/")
    await chat.open()
    await chat.page.keyboard.type("/s?")
    assert await chat.field.input_value() == "/s?"
    assert await chat.page.evaluate("heard") == ["/"]


async def test_an_answer_is_read_out_once_and_whole(visit: Visit, live_site: LiveSite) -> None:
    chat = await visit(live_site.bakery)
    await chat.open()
    await chat.say("My name is Alice")
    await expect(chat.widget.get_by_role("status")).to_have_text("Robin: Nice to meet you, Alice!")
    await expect(chat.widget.get_by_role("log")).to_have_attribute("aria-live", "off")


async def test_on_a_phone_the_chat_fills_the_screen(visit: Visit, live_site: LiveSite) -> None:
    chat = await visit(live_site.bakery, **PHONE)
    await chat.open()
    await chat.page.wait_for_timeout(_MOVED_IN)
    assert await chat.panel.bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 844}
    await expect(chat.launcher).to_be_hidden()
    await expect(chat.panel).to_have_attribute("aria-modal", "true")
    assert await chat.field.evaluate("field => getComputedStyle(field).fontSize") == "16px"
    assert await chat.page.evaluate("getComputedStyle(document.documentElement).overflowY") == "hidden"

    await chat.widget.get_by_role("button", name="Close chat").click()
    await expect(chat.launcher).to_be_visible()
    assert await chat.page.evaluate("document.documentElement.style.overflow") == ""


@pytest.mark.parametrize("width", [320, 768])
async def test_nothing_sticks_out_sideways(visit: Visit, live_site: LiveSite, width: int) -> None:
    for address in (live_site.bakery, live_site.bicycles):
        chat = await visit(address, viewport={"width": width, "height": 800})
        await chat.open()
        await chat.say("x" * 3_000)
        assert await chat.page.evaluate("document.documentElement.scrollWidth") == width
        log = chat.widget.locator(".log")
        assert await log.evaluate("log => log.scrollWidth - log.clientWidth") == 0


async def test_the_pages_styles_stay_outside(new_context: NewContext, live_site: LiveSite) -> None:
    snippet = snippet_of(live_site, BAKERY.site_key)
    looks = []
    for styles in ("", HOSTILE):
        chat = await on_page(new_context, live_site.bakery, page_with(snippet, styles))
        await chat.open()
        await chat.page.wait_for_timeout(_MOVED_IN)
        places = [await chat.widget.locator(place).bounding_box() for place in (".launcher", ".panel", ".composer")]
        script = "(element, names) => names.map((name) => getComputedStyle(element)[name])"
        computed = [
            await chat.widget.locator(place).first.evaluate(script, LOOKS)
            for place in (".launcher", ".bubble", "textarea", "h2")
        ]
        looks.append((places, computed))
    plain, hostile = looks
    assert hostile == plain


async def test_the_widgets_styles_stay_inside(new_context: NewContext, live_site: LiveSite) -> None:
    script = "[...document.querySelectorAll('h1, input, body')].map((e) => JSON.stringify({...getComputedStyle(e)}))"
    looks = []
    for snippet in ("", snippet_of(live_site, BAKERY.site_key)):
        chat = await on_page(new_context, live_site.bakery, page_with(snippet))
        if snippet:
            await chat.open()
        looks.append(await chat.page.evaluate(script))
    without, with_widget = looks
    assert with_widget == without


async def test_only_what_can_be_sent_enables_the_button(visit: Visit, live_site: LiveSite) -> None:
    chat = await visit(live_site.bakery)
    await chat.open()
    send, counter = chat.widget.get_by_role("button", name="Send message"), chat.widget.locator(".counter")
    await expect(send).to_be_disabled()
    await chat.field.fill(" \n ")
    await expect(send).to_be_disabled()
    await chat.field.fill("é" * 4_096)
    await expect(send).to_be_enabled()
    await expect(counter).to_have_text("0 left")
    await chat.field.fill("é" * 4_097)
    await expect(send).to_be_disabled()
    await expect(counter).to_have_text("2 too many")
    await chat.field.press("Enter")
    assert chat.calls("POST", "chat/") == []


async def test_a_suggestion_is_sent_by_a_click(visit: Visit, live_site: LiveSite) -> None:
    chat = await visit(live_site.bicycles)
    await chat.open()
    chips = chat.widget.locator(".starter")
    assert await chips.all_inner_texts() == list(BICYCLES.starters)
    await chips.first.click()
    question, answer = await chat.lines(2)
    assert question.text == BICYCLES.starters[0]
    assert "9:00-18:30" in answer.text
    await expect(chips.first).to_be_hidden()


async def test_an_answer_that_comes_while_closed_shows_on_the_launcher(visit: Visit, live_site: LiveSite) -> None:
    chat = await visit(live_site.bakery)
    await chat.open()
    await chat.field.fill("When are you open?")
    await chat.field.press("Enter")
    await chat.page.keyboard.press("Escape")
    await expect(chat.widget.locator(".badge")).to_have_text("1")
    await expect(chat.launcher).to_have_attribute("aria-label", "Open chat, 1 unread")
    await chat.launcher.click()
    await expect(chat.widget.locator(".badge")).to_be_hidden()


async def test_reading_above_is_not_disturbed_by_new_messages(visit: Visit, live_site: LiveSite) -> None:
    chat = await visit(live_site.bakery)
    await chat.open()
    for number in range(8):
        await chat.say(f"Number {number}")
    log, pill = chat.widget.locator(".log"), chat.widget.locator(".pill")
    has_scrolled = asyncio.Event()

    async def answer_later(route: Route) -> None:
        await has_scrolled.wait()
        await route.continue_()

    await chat.page.route(f"{API}chat/", answer_later, times=1)
    await chat.send("When are you open?")
    await log.evaluate("log => { log.scrollTo(0, 0); return new Promise(requestAnimationFrame); }")
    has_scrolled.set()
    await expect(pill).to_be_visible()
    await chat.lines(18)
    assert await log.evaluate("log => log.scrollTop") == 0
    await pill.click()
    await expect(pill).to_be_hidden()
    assert await log.evaluate("log => log.scrollHeight - log.scrollTop - log.clientHeight") < 2


async def test_the_demo_says_that_it_is_one(visit: Visit, live_site: LiveSite) -> None:
    chat = await visit(live_site.bakery)
    await chat.open()
    await expect(chat.panel.get_by_text("Demo", exact=True)).to_be_visible()
    await expect(chat.panel.get_by_role("heading")).to_have_text("Robin")
    await expect(chat.panel.locator(".names p")).to_have_text(BAKERY.title)


async def test_under_a_strict_policy_the_console_stays_silent(visit: Visit, live_site: LiveSite) -> None:
    chat = await visit(live_site.bakery)
    await chat.open()
    await chat.say("When are you open?")
    assert chat.console == []


async def test_commands_given_before_the_script_came_are_run(new_context: NewContext, live_site: LiveSite) -> None:
    stub = """<script>
      window.parlour = function () { (parlour.q = parlour.q || []).push(arguments); };
      window.events = [];
      for (const name of ["ready", "open", "close", "message"]) {
        parlour("on", name, (detail) => events.push(detail ? name + ":" + Object.entries(detail) : name));
      }
      parlour("open");
    </script>"""
    page = page_with(stub + snippet_of(live_site, BAKERY.site_key))
    chat = await on_page(new_context, live_site.bakery, page)
    await expect(chat.panel).to_be_visible()
    await chat.say("My name is Alice")
    await chat.page.evaluate("parlour('close'); parlour('hide')")
    await expect(chat.panel).to_be_hidden()
    await expect(chat.launcher).to_be_hidden()
    assert await chat.page.evaluate("events") == [
        "ready",
        "open",
        "message:role,user",
        "message:role,assistant",
        "close",
    ]
    await chat.page.evaluate("parlour('show')")
    await expect(chat.launcher).to_be_visible()


async def test_settings_of_the_page_change_the_look(new_context: NewContext, live_site: LiveSite) -> None:
    settings = '{ accent: "#ffd400", position: "left", theme: "dark", launcher_label: "Ask us" }'
    page = page_with(f"<script>window.parlourSettings = {settings};</script>" + snippet_of(live_site, BAKERY.site_key))
    chat = await on_page(new_context, live_site.bakery, page)
    await expect(chat.launcher).to_have_text("Ask us")
    await chat.page.wait_for_timeout(_MOVED_IN)
    box = await chat.launcher.bounding_box()
    assert box is not None
    assert box["x"] == 20
    look = "e => [getComputedStyle(e).color, e.parentElement.classList.contains('is-dark')]"
    assert await chat.launcher.evaluate(look) == ["rgb(16, 18, 22)", True]


async def test_the_script_twice_on_a_page_draws_one_widget(new_context: NewContext, live_site: LiveSite) -> None:
    snippet = snippet_of(live_site, BAKERY.site_key)
    chat = await on_page(new_context, live_site.bakery, page_with(snippet + snippet))
    await expect(chat.launcher).to_be_visible()
    await chat.page.wait_for_timeout(500)
    await expect(chat.widget).to_have_count(1)


async def test_tabs_of_two_sites_share_nothing(new_context: NewContext, live_site: LiveSite) -> None:
    context = await new_context()
    bakery, bicycles = await new_chat(context, live_site.bakery), await new_chat(context, live_site.bicycles)
    await bakery.open()
    await bakery.say("My name is Alice")
    await bicycles.open()
    assert await bicycles.say("What's my name?") == "I don't know your name yet."
