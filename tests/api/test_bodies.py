"""Bodies that are refused: a clear answer, never a 5xx, and nothing written."""

import json
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenants.models import Website
from tests.live_server import start_server
from tests.visitor import Visitor

Counter = Callable[[], dict[str, str]]
GOOD: dict[str, Any] = {
    "message": "Hello!",
    "session_id": "session_123_abc",
    "message_id": "message_123_abc",
    "user_id": "customer 7",
    "metadata": {"page": "/cakes", "basket": [1, 2.5, None, {"a": {"b": True}}]},
}


def send(visitor: Visitor, body: bytes, content_type: str = "application/json") -> httpx.Response:
    headers = {**visitor.headers, "Content-Type": content_type}
    return visitor.http.post("/api/v1/chat/", content=body, headers=headers)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "invalid_request"),
        (b"hello", 400, "invalid_request"),
        (b'{"message": "Hello"', 400, "invalid_request"),
        (b'"Hello"', 400, "invalid_request"),
        (b"[]", 400, "invalid_request"),
        (b"null", 400, "invalid_request"),
        (b"\xff\xfe", 400, "invalid_request"),
        (b'{"message": NaN}', 400, "invalid_request"),
        (b'{"message": "\\ud800", "session_id": "session_123_abc"}', 400, "invalid_request"),
        (b"[" * 60_000, 400, "invalid_request"),
        (b'{"message": ' + b"9" * 5000 + b"}", 400, "invalid_request"),
        (b" " * 65_537, 413, "too_large"),
        (b'{"message": "' + b"x" * 70_000 + b'"}', 413, "too_large"),
        (b"x" * 5_000_000, 413, "too_large"),
    ],
)
def test_body_that_is_no_message_is_refused(
    visitor: Visitor, rows_written: Counter, body: bytes, status: int, code: str
) -> None:
    before = rows_written()
    response = send(visitor, body)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert rows_written() == before


def test_id_of_an_answer_is_no_messages_id(visitor: Visitor, rows_written: Counter) -> None:
    reply_id = visitor.say("Hello")["message"]["id"]
    before = rows_written()
    response = visitor.post("Hello again", message_id=reply_id)
    assert (response.status_code, list(response.json()["fields"])) == (400, ["message_id"])
    assert rows_written() == before


def test_body_that_is_announced_too_large_is_refused_before_it_comes(visitor: Visitor, rows_written: Counter) -> None:
    before = rows_written()
    status, body = half_a_request(visitor, length=99_999_999)
    assert (status, body["code"]) == (413, "too_large")
    assert rows_written() == before


def test_body_that_does_not_come_in_time_is_refused_in_words(website: Website, rows_written: Counter) -> None:
    with start_server(BODY_SECONDS="1") as impatient:
        status, body = half_a_request(Visitor(impatient, website.domain), length=500)
    assert (status, body["code"]) == (408, "request_too_slow")


def half_a_request(visitor: Visitor, *, length: int) -> tuple[int, dict[str, Any]]:
    """Sends a body's first byte, and then nothing but waits for the answer."""
    url = visitor.http.base_url
    connection = HTTPConnection(url.host, url.port, timeout=20)
    headers = {**visitor.headers, "Content-Type": "application/json", "Content-Length": str(length)}
    connection.putrequest("POST", "/api/v1/chat/")
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders(b"{")
    with closing(connection):
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def test_other_content_types_are_refused(visitor: Visitor, rows_written: Counter) -> None:
    before = rows_written()
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        response = send(visitor, json.dumps(GOOD).encode(), content_type)
        assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")
    assert rows_written() == before


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"message": None}, "message"),
        ({"message": 7}, "message"),
        ({"message": ["Hello"]}, "message"),
        ({"message": ""}, "message"),
        ({"message": " \n\t "}, "message"),
        ({"message": "\u200d"}, "message"),
        ({"message": ...}, "message"),
        ({"session_id": ...}, "session_id"),
        ({"session_id": None}, "session_id"),
        ({"session_id": 12345678}, "session_id"),
        ({"session_id": "short"}, "session_id"),
        ({"session_id": "x" * 129}, "session_id"),
        ({"session_id": "session 123"}, "session_id"),
        ({"session_id": "session_123\n"}, "session_id"),
        ({"session_id": "sessión_123"}, "session_id"),
        ({"session_id": "../../../etc"}, "session_id"),
        ({"message_id": "x"}, "message_id"),
        ({"message_id": {}}, "message_id"),
        ({"agent_id": 1}, "agent_id"),
        ({"agent_id": ""}, "agent_id"),
        ({"user_id": []}, "user_id"),
        ({"user_id": ""}, "user_id"),
        ({"metadata": "text"}, "metadata"),
        ({"metadata": []}, "metadata"),
        ({"metadata": {"website_domain": 7}}, "metadata"),
        ({"metadata": {"a": {"b": {"c": {"d": {"e": {}}}}}}}, "metadata"),
    ],
)
def test_wrong_field_is_named(visitor: Visitor, rows_written: Counter, change: dict[str, Any], field: str) -> None:
    body = {name: value for name, value in {**GOOD, **change}.items() if value is not ...}
    before = rows_written()
    response = send(visitor, json.dumps(body).encode())
    assert (response.status_code, response.json()["code"], list(response.json()["fields"])) == (
        400,
        "invalid_request",
        [field],
    )
    assert rows_written() == before


@pytest.mark.parametrize("change", [{"message": "x" * 8193}, {"message": "é" * 4097}, {"metadata": {"a": "x" * 4096}}])
def test_field_beyond_its_limit_is_too_large(visitor: Visitor, rows_written: Counter, change: dict[str, Any]) -> None:
    before = rows_written()
    response = send(visitor, json.dumps({**GOOD, **change}).encode())
    assert (response.status_code, response.json()["code"]) == (413, "too_large")
    assert rows_written() == before


def test_message_of_exactly_the_limit_is_answered(visitor: Visitor) -> None:
    assert visitor.say("x" * 8192)["message_count"] == 2


def test_message_is_stored_as_it_was_cleaned(visitor: Visitor) -> None:
    visitor.start()
    visitor.say("  e\u0301 \u202egnirts\u202c\x00 \r\n\U000e0041ok ", message_id="message_0001")
    asked = visitor.messages().json()["messages"][1]
    assert (asked["id"], asked["content"]) == ("message_0001", "é gnirts \nok")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from([*GOOD, "agent_id", "website_domain", "__proto__", "id"])
MUTATED = st.dictionaries(NAMES, JSON, max_size=4).map(lambda changes: json.dumps({**GOOD, **changes}).encode())
CUT = st.tuples(MUTATED, st.integers(0, 300), st.binary(max_size=4)).map(
    lambda parts: parts[0][: parts[1]] + parts[2] + parts[0][parts[1] :]
)


@pytest.mark.timeout(1800)  # at full size
def test_random_mutations_never_break_the_server_and_refusals_write_nothing(
    visitor: Visitor, rows_written: Counter, full_size: bool
) -> None:
    @settings(
        max_examples=10_000 if full_size else 400,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(body=MUTATED | CUT | st.binary(max_size=200))
    def check(body: bytes) -> None:
        before = rows_written()
        response = send(visitor, body)
        assert response.status_code < httpx.codes.INTERNAL_SERVER_ERROR, body
        if response.status_code != httpx.codes.OK:
            error = response.json()
            assert error["status"] == response.status_code
            assert error["code"]
            assert error["message"]
            assert rows_written() == before

    check()


def test_body_sent_in_chunks_is_read_as_any_other(visitor: Visitor) -> None:
    whole = json.dumps({**GOOD, "session_id": visitor.session_id}).encode()
    headers = {**visitor.headers, "Content-Type": "application/json"}
    answered = visitor.http.post("/api/v1/chat/", content=iter([whole[:10], whole[10:]]), headers=headers)
    assert (answered.status_code, answered.json()["session_id"]) == (200, visitor.session_id)
    refused = visitor.http.post("/api/v1/chat/", content=iter([b" " * 40_000, b" " * 40_000]), headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    "session_id", ["abcdefgh%00x", "%2e%2e%2f%2e%2e", "short", "x" * 129, "s%C3%A9ssion_123", "a b c d e f"]
)
def test_address_with_an_impossible_id_is_no_address(visitor: Visitor, session_id: str) -> None:
    visitor.start()
    response = visitor.http.get(f"/api/v1/sessions/{session_id}/messages/", headers=visitor.all_headers)
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(
    name=st.sampled_from(["Authorization", "X-Parlour-Key", "Idempotency-Key", "Accept", "Content-Type", "Origin"]),
    value=st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=80),
    query=st.dictionaries(st.sampled_from(["limit", "cursor", "agent_id"]), st.text(max_size=20)),
)
def test_random_headers_and_queries_never_break_the_server(
    visitor: Visitor, name: str, value: str, query: dict[str, str]
) -> None:
    headers = [(key.encode(), each.encode()) for key, each in visitor.headers.items()]
    headers.append((name.encode(), value.strip().encode("latin-1")))
    body = json.dumps({**GOOD, "session_id": visitor.session_id, "message_id": "message_0001"}).encode()
    for response in (
        visitor.http.post("/api/v1/chat/", content=body, headers=headers),
        visitor.http.get(f"/api/v1/sessions/{visitor.session_id}/messages/", params=query, headers=headers),
        visitor.http.get("/api/v1/widget/config/", params=query, headers=headers),
    ):
        assert response.status_code < httpx.codes.INTERNAL_SERVER_ERROR, (name, value, query)
