"""A visitor takes the conversation along, whole, in both forms."""

import asyncio
import csv
import io
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from typing import Any

import pytest

from sessions.export_forms import Form, WordsPart, defused, written
from sessions.models import AgentSession
from tenants.models import Tenant, Website
from tenants.scoping import tenant_scope
from tests.admin.shops import exchange, make_turn, roll
from tests.api.test_api_keys import code_of
from tests.cast import Cast
from tests.live_server import LiveServer
from tests.visitor import Backend, Visitor

FACTS = {"user_id": "ada@example.com", "metadata": {"plan": "gold", "cart": {"items": 2}}}


@pytest.fixture
def told(server: LiveServer, website: Website) -> Visitor:
    """A long conversation: two segments, a history, a message without an answer, an answer cut short."""
    return tell(Visitor(server, website.domain), website)


def tell(visitor: Visitor, website: Website, *, filler: str = "") -> Visitor:
    visitor.start(**FACTS)
    pairs = [(f"Question {number}{filler}", f"=A{number}{filler}") for number in range(1, 301)]
    history = [words for number, pair in enumerate(pairs, start=1) for words in exchange(number, *pair)]
    history[-1]["stopped"] = True
    with tenant_scope(website.tenant_id):
        session = AgentSession.objects.get(session_id=visitor.session_id)
        session.history, session.message_count = history, len(history)
        session.visitor_ip, session.user_agent = "203.0.113.0/24", "Browser of Ada"
        session.save(update_fields=["history", "message_count", "visitor_ip", "user_agent"])
    roll(session, *[100] * 5, 50)
    make_turn(session, 1, "message_lost", state="failed", message="+49 30 1234", partial_reply="I was about")
    make_turn(session, 2, "message_done", state="completed")
    return visitor


def test_export_is_the_whole_transcript_and_what_is_kept_of_the_visitor(told: Visitor, website: Website) -> None:
    response = told.export()
    assert response.headers["content-type"] == "application/json"
    assert response.headers["content-disposition"] == 'attachment; filename="conversation.json"'
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["access-control-allow-origin"] == told.headers["Origin"]
    body = response.json()
    messages, unanswered = body.pop("messages"), body.pop("unanswered")
    times = [body.pop(name) for name in ("created_at", "last_activity_at")]
    assert [time[-1] for time in times] == ["Z", "Z"]
    assert body == {
        "session_id": told.session_id,
        "website": website.domain,
        "origin_host": website.domain,
        "agent_id": body["agent_id"],
        "user_id": "ada@example.com",
        "user_verified": False,
        "visitor_ip": "203.0.113.0/24",
        "user_agent": "Browser of Ada",
        "context": FACTS["metadata"],
        "access_ended_at": None,
        "message_count": 600,
        "complete": True,
    }
    expected = [text for number in range(1, 301) for text in (f"Question {number}", f"=A{number}")]
    assert [message["content"] for message in messages] == expected
    assert [message.get("stopped", False) for message in messages] == [False] * 599 + [True]
    [lost] = unanswered
    assert lost == {
        "message_id": "message_lost",
        "state": "failed",
        "message": "+49 30 1234",
        "partial_reply": "I was about",
        "at": lost["at"],
    }


@pytest.mark.parametrize("asked", [{"format": "csv"}, {"accept": "text/csv"}, {"accept": "text/html, text/*;q=0.5"}])
def test_export_as_a_table_is_safe_to_open(told: Visitor, asked: dict[str, str]) -> None:
    response = told.export(**asked)
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"] == 'attachment; filename="conversation.csv"'
    head, about, *rows = csv.reader(io.StringIO(response.content.decode("utf-8-sig")))
    assert head == ["session_id", "website", "at", "role", "message_id", "content", "note"]
    assert (about[0], about[3], '"plan":"gold"' in about[5]) == (told.session_id, "session", True)
    assert [row[3:] for row in (*rows[:2], *rows[-3:])] == [
        ["user", "message_0001", "Question 1", ""],
        ["assistant", "reply_0001", "'=A1", ""],
        ["assistant", "reply_0300", "'=A300", "stopped by the visitor"],
        ["user", "message_lost", "'+49 30 1234", "no answer: failed"],
        ["assistant", "", "I was about", "unfinished: failed"],
    ]
    assert len(rows) == 602


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\uff1d1", "\u22121"])
def test_cell_that_a_spreadsheet_would_compute_is_defused(cell: str) -> None:
    assert defused(cell) == f"'{cell}"
    assert defused(f"a{cell}") == f"a{cell}"
    assert defused(f"a, b{cell}; c") == f"a, b{cell}; c"


@pytest.mark.parametrize("end", [";", "\t", "\n", "\r\n", ";;", "; \t"])
@pytest.mark.parametrize("cell", ["=HYPERLINK(A1)", " +1", "\u3000@SUM(A1)"])
def test_formula_is_defused_where_another_spreadsheet_begins_a_cell(end: str, cell: str) -> None:
    assert defused(f"hello{end}{cell}{end}2") == f"hello{end}'{cell}{end}2"


async def table_of(said: list[str]) -> str:
    async def parts() -> AsyncIterator[WordsPart]:
        yield WordsPart([{"at": "", "role": "user", "id": "message_1", "content": text} for text in said])

    return b"".join([piece async for piece in written(parts(), Form.CSV, is_one=True)]).decode("utf-8-sig")


def test_no_way_of_reading_an_export_makes_a_formula_of_what_was_said() -> None:
    said = ["a;=1+1", 'a";=1+1;"', "a\n=1+1", "a\t=1+1", '=1;"=1"\n;=1', "- one\r\n- two", ";\n;\t=1"]
    text = asyncio.run(table_of(said))
    for separator in ",;\t":
        cells = [cell for row in csv.reader(io.StringIO(text), delimiter=separator) for cell in row]
        assert [cell for cell in cells if cell.lstrip().startswith(("=", "+", "-", "@"))] == []


def test_export_of_an_empty_conversation_is_whole(server: LiveServer, website: Website) -> None:
    visitor = Visitor(server, website.domain)
    visitor.start()
    body = visitor.export().json()
    assert [body[name] for name in ("messages", "unanswered", "complete")] == [[], [], True]


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [({"format": "pdf"}, 400, "invalid_request"), ({"accept": "image/png"}, 406, "not_acceptable")],
)
def test_form_that_there_is_not_is_refused(told: Visitor, asked: dict[str, str], status: int, code: str) -> None:
    assert code_of(told.export(**asked)) == (status, code)


def test_server_exports_its_websites_sessions_alone(
    server: LiveServer, cast: Cast, tenant: Tenant, told: Visitor, rows_written: Callable[[], dict[str, str]]
) -> None:
    key = cast.api_key(tenant, "sessions:read")[1]
    assert Backend(server, key, session_id=told.session_id).export().json()["message_count"] == 600
    other = cast.tenant()
    cast.website(other, agents=[cast.agent(other)])
    before = rows_written()
    stranger = Backend(server, cast.api_key(other)[1], session_id=told.session_id)
    unknown = Backend(server, cast.api_key(other)[1])
    assert stranger.export().json() == unknown.export().json() == NOTHING
    assert rows_written() == before


NOTHING: dict[str, Any] = {"code": "not_found", "message": "This website has no session with this id.", "status": 404}


def test_export_waits_for_its_reader_without_a_connection(server: LiveServer, website: Website) -> None:
    """Thirteen readers who stop reading; the pools of both processes have twelve connections together."""
    visitor = tell(Visitor(server, website.domain), website, filler="x" * 15_000)
    with ExitStack() as readers:
        for _ in range(13):
            begin_to_read(readers, server, visitor)
        for _ in range(4):
            response = visitor.http.get(messages_of(visitor), headers=visitor.all_headers, timeout=10)
            assert response.status_code == 200


def messages_of(visitor: Visitor) -> str:
    return f"/api/v1/sessions/{visitor.session_id}/messages/?limit=1"


def begin_to_read(readers: ExitStack, server: LiveServer, visitor: Visitor) -> None:
    """Reads the first bytes of an export of nine million; what the kernel holds of the rest is less than half."""
    line = readers.enter_context(socket.socket())
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    line.connect(("127.0.0.1", server.port))
    headers = "".join(f"{name}: {value}\r\n" for name, value in visitor.all_headers.items())
    address = f"/api/v1/sessions/{visitor.session_id}/export/"
    line.sendall(f"GET {address} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode())
    assert line.recv(64).startswith(b"HTTP/1.1 200 ")
