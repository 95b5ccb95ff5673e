"""Readers who take their time harm nobody: bounded queues, bounded memory, and their answers whole in the end."""

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.cast import Cast
from tests.faults.stack import Stack, Web
from tests.stub_model import StubModel
from tests.visitor import Visitor

TOKENS = 4_000  # an answer of some 25,000 characters
SMALL_BUFFER = 4_096
FULL_READERS = 400  # a process takes a thousand at once, and one more would be refused for that
PATIENCE_SECONDS = 300  # so many answers at once are minutes of work for a busy machine


def ask_and_do_not_read(web: Web, visitor: Visitor) -> socket.socket:
    body = json.dumps({"message": "Hello", "session_id": visitor.session_id, "message_id": "message_0001"}).encode()
    head = (
        f"POST /api/v1/chat/ HTTP/1.1\r\nHost: localhost\r\nOrigin: {visitor.headers['Origin']}\r\n"
        "Accept: text/event-stream\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
    line.connect(("127.0.0.1", web.port))
    line.sendall(head.encode() + body)
    return line


def read_to_the_end(line: socket.socket) -> str:
    line.settimeout(PATIENCE_SECONDS)
    with line:
        return b"".join(iter(lambda: line.recv(65_536), b"")).decode()


@pytest.mark.timeout(1800)  # at full size
def test_readers_who_do_not_read_harm_nobody(stack: Stack, cast: Cast, stub_model: StubModel, full_size: bool) -> None:
    web = stack.web[0]
    model = f"stub;tokens={TOKENS};tokens_per_second={TOKENS // 4}"
    connection = cast.connection(None, stub_model.url)
    slow = cast.agent(connection=connection, model=model, total_timeout_seconds=PATIENCE_SECONDS)
    quick = cast.agent(connection=cast.connection(None, stub_model.url), model="stub")
    tenant = cast.tenant()
    slow_domain, quick_domain = (cast.website(tenant, agents=[agent]).domain for agent in (slow, quick))
    visitors = [Visitor(web, slow_domain) for _ in range(FULL_READERS if full_size else 100)]
    with ThreadPoolExecutor(len(visitors)) as pool:  # as many who read all: what their turns take is not the question
        list(pool.map(read_to_the_end, [ask_and_do_not_read(web, Visitor(web, slow_domain)) for _ in visitors]))
    before_mb = web.memory_mb
    lines = [ask_and_do_not_read(web, visitor) for visitor in visitors]
    try:
        completed = (
            "SELECT count(*) FROM turns t JOIN agent_sessions s ON s.id = t.agent_session_id"
            " WHERE t.state = 'completed' AND s.session_id = ANY(%s)"
        )
        deadline = time.monotonic() + PATIENCE_SECONDS
        # What hundreds of models say at once keeps the machine busy, read or not; who asks stands in line.
        web.http.timeout = PATIENCE_SECONDS
        while stack.value(completed, [visitor.session_id for visitor in visitors]) < len(visitors):
            assert Visitor(web, quick_domain).say("Hello")["message_count"] == 2
            assert time.monotonic() < deadline
            time.sleep(0.5)
        # The answer's text and the socket's buffer of 64 KB, but no queue of events besides: they are 600 KB a reader.
        assert web.memory_mb - before_mb < 10 + 0.2 * len(visitors)
        for line, visitor in zip(lines[:10], visitors, strict=False):
            heard = read_to_the_end(line)
            whole = visitor.say("Hello", message_id="message_0001")["message"]["content"]
            events = [json.loads(row.removeprefix("data: ")) for row in heard.splitlines() if row.startswith("data: ")]
            assert "".join(event.get("delta", "") for event in events) == whole
            assert events[-1]["type"] == "RUN_FINISHED"
    finally:
        for line in lines:
            line.close()
