"""Parts of the script by themselves, in an empty page: reading the event stream, and showing what a model wrote."""

from typing import Any

import pytest
from playwright.async_api import Page

from tests.browser.conftest import NewContext
from widget.assembly import SCRIPT_DIR

pytestmark = pytest.mark.browser

EVENTS = (
    'retry: 5\r\nid: 1\r\ndata: {"a": "grüße 🥐"}\r\n\r\n'
    ": heartbeat\n\ndata:one\ndata: two\n\nevent: x\rid: 12\rdata\r\rid: 13\rdata: cut"
)


@pytest.fixture
async def blank(new_context: NewContext) -> Page:
    """An empty page that knows the parser, the renderer and the colours."""
    page = await (await new_context()).new_page()
    for name in ("events.js", "text.js", "colours.js"):
        await page.add_script_tag(content=(SCRIPT_DIR / name).read_text())
    return page


async def render(page: Page, text: str) -> str:
    html: str = await page.evaluate(
        "(text) => { const box = document.createElement('div'); box.append(renderText(text)); return box.innerHTML; }",
        text,
    )
    return html.replace(' dir="auto"', "")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
async def test_events_are_read_however_the_bytes_are_cut(blank: Page, size: int) -> None:
    read = await blank.evaluate(
        """([text, size]) => {
          const parser = new EventParser();
          const bytes = new TextEncoder().encode(text);
          const events = [];
          for (let at = 0; at < bytes.length; at += size) events.push(...parser.push(bytes.subarray(at, at + size)));
          return events;
        }""",
        [EVENTS, size],
    )
    assert read == [
        {"id": "1", "data": '{"a": "grüße 🥐"}'},
        {"id": "1", "data": "one\ntwo"},
        {"id": "12", "data": ""},
    ]


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("one\ntwo\n\nthree", "<p>one<br>two</p><p>three</p>"),
        ("- a\n- **b**\n\n1. c\n2. d", "<ul><li>a</li><li><strong>b</strong></li></ul><ol><li>c</li><li>d</li></ol>"),
        ("3. c\n4. d", '<ol start="3"><li>c</li><li>d</li></ol>'),
        ("*a* _b_ __c__ `d*e*`", "<p><em>a</em> <em>b</em> <strong>c</strong> <code>d*e*</code></p>"),
        ("2 * 3 * 4 and snake_case_name", "<p>2 * 3 * 4 and snake_case_name</p>"),
        ("## Hours", "<p><strong>Hours</strong></p>"),
        ("```py\na < b\n```", "<pre><code>a &lt; b</code></pre>"),
        ("<img src=x onerror=alert(1)>", "<p>&lt;img src=x onerror=alert(1)&gt;</p>"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
        ("[x](data:text/html,hi)", "<p>[x](data:text/html,hi)</p>"),
        ("[bank](https://bank.com@evil.net/)", "<p>[bank](https://bank.com@evil.net/)</p>"),
    ],
)
async def test_text_becomes_harmless_nodes(blank: Page, text: str, html: str) -> None:
    assert await render(blank, text) == html


@pytest.mark.parametrize(
    ("text", "href", "shown"),
    [
        ("See https://shop.example/a(b)c.", "https://shop.example/a(b)c", "https://shop.example/a(b)c"),
        ("(https://shop.example/)", "https://shop.example/", "https://shop.example/"),
        ("[our page](https://shop.example/x)", "https://shop.example/x", "our page (shop.example)"),
        ("![photo](https://evil.example/p.png)", "https://evil.example/p.png", "photo (evil.example)"),
        ("https://аpple.com", "https://xn--pple-43d.com/", "https://аpple.com (xn--pple-43d.com)"),  # noqa: RUF001
    ],
)
async def test_a_link_is_safe_and_says_where_it_leads(blank: Page, text: str, href: str, shown: str) -> None:
    links = await blank.evaluate(
        """(text) => [...renderText(text).querySelectorAll("a, img")].map((a) =>
          ({ name: a.localName, href: a.href, rel: a.rel, target: a.target, text: a.textContent }))""",
        text,
    )
    rel = "noopener noreferrer nofollow"
    assert links == [{"name": "a", "href": href, "rel": rel, "target": "_blank", "text": shown}]


@pytest.mark.parametrize(
    "text", ["**" * 20_000, "[" * 40_000, "_a" * 20_000, "`" * 40_000, "* " * 20_000, "https://" * 5_000]
)
async def test_no_text_makes_the_renderer_slow(blank: Page, text: str) -> None:
    milliseconds = await blank.evaluate(
        "(text) => { const start = performance.now(); renderText(text); return performance.now() - start; }", text
    )
    assert milliseconds < 2_000


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_every_accent_stays_readable(blank: Page, theme: str) -> None:
    worst: dict[str, Any] = await blank.evaluate(
        """(theme) => {
          const values = ["00", "55", "aa", "ff"];
          const worst = { on: 21, ink: 21 };
          const read = (text) => text.match(/\\d+/g).map(Number);
          for (const r of values) for (const g of values) for (const b of values) {
            const colours = accentColours("#" + r + g + b, theme);
            const accent = read(colours["--accent"]);
            worst.on = Math.min(worst.on, contrast(accent, read(colours["--on-accent"])));
            worst.ink = Math.min(worst.ink, contrast(read(colours["--accent-ink"]), BUBBLES[theme]));
          }
          return worst;
        }""",
        theme,
    )
    assert worst["on"] >= 4.4
    assert worst["ink"] >= 4.4


async def test_an_accent_that_is_no_colour_is_not_used(blank: Page) -> None:
    for accent in ("red; background: url(//evil.example)", "", None, "#12345"):
        colours = await blank.evaluate("(accent) => accentColours(accent, 'light')", accent)
        assert colours["--accent"] == "rgb(79 70 229)"
