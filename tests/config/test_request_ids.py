"""The id of a request: ours, in every answer; a trusted proxy's own where it has the form of one."""

import re
import secrets
from typing import Any

import pytest
from django.conf import LazySettings

from config.request_lines import _request_id
from tests.live_server import LiveServer

GIVEN = "0123456789abcdef0123456789abcdef"


def test_every_answer_has_an_id_of_its_own_which_no_visitor_chooses(server: LiveServer) -> None:
    addresses = ("/", "/admin/", "/nothing", "/static/admin/css/base.css", "/healthz", "/api/v1/chat/", "/api/x")
    answers = [server.http.get(address, headers={"X-Request-Id": GIVEN}) for address in addresses * 2]
    ids = [answer.headers["Parlour-Request-Id"] for answer in answers]
    assert [found for found in ids if not re.fullmatch("[0-9a-f]{32}", found)] == []
    assert len({GIVEN, *ids}) == len(ids) + 1


def scope(value: str) -> dict[str, Any]:
    return {"headers": [(b"host", b"x"), (b"x-request-id", value.encode())]}


def test_id_of_a_trusted_proxy_is_taken_over(settings: LazySettings) -> None:
    uuid = "0190a1b2-0000-7000-8000-0123456789ab"
    assert _request_id(scope(GIVEN)) != GIVEN
    settings.TRUSTED_PROXY_COUNT = 1
    assert [_request_id(scope(given)) for given in (GIVEN, uuid)] == [GIVEN, uuid]


@pytest.mark.parametrize("given", ["", "alice@example.com", GIVEN.upper(), GIVEN + "0", f"{GIVEN}\n", "198.51.100.77"])
def test_id_of_any_other_form_is_replaced(settings: LazySettings, given: str) -> None:
    settings.TRUSTED_PROXY_COUNT = 1
    assert _request_id(scope(given)) not in {given, given.strip()}


def test_answers_to_what_is_refused_early_have_one_too(server: LiveServer) -> None:
    answer = server.http.post("/api/v1/chat/", content=b"x" * 70_000, headers={"Content-Type": "application/json"})
    assert (answer.status_code, len(answer.headers["Parlour-Request-Id"])) == (403, 32)
    assert server.http.get(f"/%ff{secrets.token_hex(4)}").headers["Parlour-Request-Id"]
