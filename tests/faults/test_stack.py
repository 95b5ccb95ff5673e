"""The fault tests' own ground: each part can be broken alone, and comes back at the same address."""

import httpx
import psycopg
import pytest
import redis

from tests.cast import Cast
from tests.faults.stack import Stack
from tests.visitor import Visitor


def test_every_server_of_the_stack_serves_the_same_conversation(stack: Stack, cast: Cast) -> None:
    domain = cast.website(cast.tenant(), agents=[cast.agent()]).domain
    visitor = Visitor(stack.web[0], domain)
    visitor.say("My name is Ada")
    other = Visitor(stack.web[1], domain, session_id=visitor.session_id)
    assert "Ada" in other.ask("What is my name?")
    assert stack.value("SELECT message_count FROM agent_sessions WHERE session_id = %s", visitor.session_id) == 4


def test_one_web_server_dies_alone_and_comes_back(stack: Stack) -> None:
    stack.web[0].kill()
    assert stack.web[1].http.get("/healthz").status_code == 200
    with pytest.raises(httpx.ConnectError):
        stack.web[0].http.get("/healthz")
    stack.web[0].start()
    assert stack.web[0].http.get("/readyz").status_code == 200


def test_servers_come_back_where_they_were_with_what_was_committed(stack: Stack, cast: Cast) -> None:
    tenant = cast.tenant()
    stack.postgres.kill()
    with pytest.raises(psycopg.OperationalError):
        stack.rows("SELECT 1")
    stack.postgres.start()
    assert stack.value("SELECT slug FROM tenants WHERE id = %s", tenant.id) == tenant.slug
    stack.redis.kill()
    stack.redis.start()
    with redis.Redis.from_url(stack.redis.url) as client:
        assert client.ping()


def test_stack_is_mended_with_its_usual_environment(stack: Stack) -> None:
    stack.web[0].kill()
    stack.web[0].start(MAX_TURNS_IN_FLIGHT="1")
    stack.redis.kill()
    stack.postgres.pause()
    stack.web[1].pause()
    stack.mend()
    assert [web.is_as_usual for web in stack.web] == [True, True]
    assert [web.http.get("/readyz").status_code for web in stack.web] == [200, 200]
    assert stack.redis.is_running
