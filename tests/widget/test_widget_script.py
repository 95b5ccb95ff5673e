import gzip
import re

import pytest
from django.test import Client

from widget.assembly import PARTS, SCRIPT_DIR, STYLES, assembled_script

FORBIDDEN = (
    "innerHTML",
    "outerHTML",
    "insertAdjacentHTML",
    "document.write",
    "eval(",
    "new Function",
    "document.cookie",
    "sessionStorage",
)


def test_script_is_every_part_in_one_closure() -> None:
    assert {path.name for path in SCRIPT_DIR.iterdir()} == {*PARTS, *STYLES}
    body = assembled_script().body.decode()
    assert body.startswith('(() => {\n"use strict";\nconst STYLES = "')
    assert body.endswith("})();\n")
    code = "\n".join(COMMENTS.sub("", (SCRIPT_DIR / name).read_text()) for name in PARTS)
    assert body.splitlines()[3:-1] == [line for line in map(str.strip, code.splitlines()) if line]


COMMENTS = re.compile(r"^[ ]*(?:/\*.*?\*/|//.*?)$", re.DOTALL | re.MULTILINE)
"""Those with lines of their own."""


@pytest.mark.parametrize("name", PARTS)
def test_no_text_goes_over_several_lines(name: str) -> None:
    """So that lines may lose their indentation, and one that begins like a comment is a comment."""
    lines = COMMENTS.sub("", (SCRIPT_DIR / name).read_text()).splitlines()
    odd = [line for line in lines if line.count("`") % 2]
    assert [line for line in odd if not re.search(r"/.*`.*/", line)] == [], "but for expressions that look for one"


@pytest.mark.parametrize("word", FORBIDDEN)
def test_script_never_makes_markup_of_text_nor_keeps_any(word: str) -> None:
    assert word not in assembled_script().body.decode()


def test_script_writes_to_storage_in_one_place() -> None:
    assert len(re.findall(r"\.setItem\(", assembled_script().body.decode())) == 1


def test_script_is_served_to_any_page(client: Client) -> None:
    response = client.get("/widget.js", headers={"host": "localhost"})
    assert response.status_code == 200
    assert response.content == assembled_script().body
    assert response["Content-Type"] == "text/javascript; charset=utf-8"
    assert response["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response.cookies == {}


def test_script_is_compressed_for_who_can_read_it(client: Client) -> None:
    response = client.get("/widget.js", headers={"host": "localhost", "accept-encoding": "gzip, br"})
    assert response["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in response["Vary"]
    assert gzip.decompress(response.content) == assembled_script().body
    assert len(response.content) < 27_000


def test_script_is_asked_for_again_and_sent_once(client: Client) -> None:
    first = client.get("/widget.js", headers={"host": "localhost"})
    assert first["Cache-Control"] == "public, max-age=300, stale-while-revalidate=86400"
    again = client.get("/widget.js", headers={"host": "localhost", "if-none-match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again["Cache-Control"] == first["Cache-Control"]
    assert again["ETag"] == first["ETag"]


def test_script_takes_no_other_method(client: Client) -> None:
    assert client.post("/widget.js", headers={"host": "localhost"}).status_code == 405
