"""The same message again and again, and many messages at once: one model call each, in one order."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest

from agents.models import Agent
from sessions.beginning import MAX_WAITING
from tests.cast import Cast
from tests.faults.conversations import check_promise, messages, turns
from tests.faults.stack import Stack, Web
from tests.stub_model import StubModel
from tests.visitor import Visitor
from tests.waiting import wait_until

AT_ONCE = 50
CONNECTIONS = 4
DIFFERENT = 20


@pytest.fixture
def agent(cast: Cast, stub_model: StubModel) -> Agent:
    """Its model takes 0.3 s to answer."""
    return cast.agent(connection=cast.connection(None, stub_model.url), model="stub;latency_ms=300")


def post_together(visitor: Visitor, servers: list[Web], bodies: list[dict[str, str]]) -> list[httpx.Response]:
    """All bodies at once, spread over four clients of the servers."""
    with ExitStack() as closing, ThreadPoolExecutor(len(bodies)) as pool:
        addresses = [server.http.base_url for server in servers for _ in range(CONNECTIONS // len(servers))]
        clients = [closing.enter_context(httpx.Client(base_url=address, timeout=60)) for address in addresses]

        def post(number: int) -> httpx.Response:
            client = clients[number % len(clients)]
            body = {"session_id": visitor.session_id, **bodies[number]}
            return client.post("/api/v1/chat/", json=body, headers=visitor.all_headers)

        return list(pool.map(post, range(len(bodies))))


def test_same_message_many_times_at_once_is_answered_by_one_model_call(
    stack: Stack, cast: Cast, agent: Agent, stub_model: StubModel
) -> None:
    visitor = Visitor(stack.web[0], cast.website(cast.tenant(), agents=[agent]).domain)
    body = {"message": "My name is Alice", "message_id": "message_0001"}
    responses = post_together(visitor, stack.web, [body] * AT_ONCE)
    assert Counter(response.status_code for response in responses) == {200: AT_ONCE}
    assert len({response.text for response in responses}) == 1
    replays = post_together(visitor, stack.web, [body] * 4)
    assert {response.headers["Parlour-Replayed"] for response in replays} == {"true"}
    assert {response.text for response in replays} == {responses[0].text}
    assert stub_model.calls() == 1
    assert [message.role for message in messages(stack, visitor.session_id)] == ["user", "assistant"]
    check_promise(stack, visitor.session_id)


def test_different_messages_at_once_are_answered_in_the_order_of_their_arrival(
    stack: Stack, cast: Cast, agent: Agent, stub_model: StubModel
) -> None:
    visitor = Visitor(stack.web[0], cast.website(cast.tenant(), agents=[agent]).domain)
    visitor.say("Hello", message_id="message_first")
    bodies = [{"message": f"Word {n}", "message_id": f"message_{n:04}"} for n in range(DIFFERENT)]
    responses = post_together(visitor, stack.web, bodies)
    assert Counter(response.status_code for response in responses) == {200: DIFFERENT}
    assert stub_model.calls() == DIFFERENT + 1
    said = [message.id for message in messages(stack, visitor.session_id) if message.role == "user"]
    assert said == [turn.message_id for turn in turns(stack, visitor.session_id)]
    assert sorted(said) == sorted(["message_first", *(body["message_id"] for body in bodies)])
    check_promise(stack, visitor.session_id)


def test_each_queued_turn_is_shown_what_was_said_before_it(
    stack: Stack, cast: Cast, agent: Agent, stub_model: StubModel
) -> None:
    visitor = Visitor(stack.web[0], cast.website(cast.tenant(), agents=[agent]).domain)
    bodies = [{"message": f"Word {n}", "message_id": f"message_{n:04}"} for n in range(4)]
    post_together(visitor, stack.web, bodies)
    shown = [len([m for m in call["body"]["messages"] if m["role"] != "system"]) for call in stub_model.bodies(4)]
    assert shown == [1, 3, 5, 7]


def test_website_that_rejects_double_sends_answers_one_and_refuses_the_others(
    stack: Stack, cast: Cast, agent: Agent, stub_model: StubModel
) -> None:
    website = cast.website(cast.tenant(), agents=[agent], double_send="reject")
    visitor = Visitor(stack.web[0], website.domain)
    bodies = [{"message": f"Word {n}", "message_id": f"message_{n:04}"} for n in range(DIFFERENT)]
    responses = post_together(visitor, stack.web, bodies)
    assert Counter(response.status_code for response in responses) == {200: 1, 409: DIFFERENT - 1}
    refused = [response for response in responses if response.status_code == httpx.codes.CONFLICT]
    assert {(response.json()["code"], response.headers["Retry-After"]) for response in refused} == {
        ("turn_in_progress", "1")
    }
    assert stub_model.calls() == 1
    assert len(turns(stack, visitor.session_id)) == 1
    check_promise(stack, visitor.session_id)


def test_line_of_a_session_is_bounded(stack: Stack, cast: Cast, stub_model: StubModel) -> None:
    agent = cast.agent(connection=cast.connection(None, stub_model.url), model="stub;latency_ms=20000")
    visitor = Visitor(stack.web[0], cast.website(cast.tenant(), agents=[agent]).domain)
    with ThreadPoolExecutor(40) as pool:
        sent = [pool.submit(visitor.post, f"Word {n}", message_id=f"message_{n:04}") for n in range(40)]
        wait_until(lambda: sum(answer.done() for answer in sent) == len(sent) - 1 - MAX_WAITING)
        refused = [answer.result() for answer in sent if answer.done()]  # the first is still being answered
        assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(503, "overloaded")}
        assert len(turns(stack, visitor.session_id)) == len(sent) - len(refused) == 1 + MAX_WAITING
        for turn in reversed(turns(stack, visitor.session_id)):
            assert visitor.stop(turn.message_id).json()["stopped"]
    assert Counter(turn.state for turn in turns(stack, visitor.session_id)) == {"stopped": 1 + MAX_WAITING}
    assert Counter(answer.result().status_code for answer in sent) == {200: 1 + MAX_WAITING, 503: len(refused)}


@pytest.fixture
def impatient(stack: Stack) -> None:
    """The second server lets a message wait for a second."""
    stack.web[1].kill()
    stack.web[1].start(TURN_WAIT_SECONDS="1")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("message_id", ["message_0001", "message_0002"], ids=["joined", "queued"])
def test_wait_for_another_turn_is_bounded_in_time(
    stack: Stack, cast: Cast, stub_model: StubModel, message_id: str
) -> None:
    agent = cast.agent(connection=cast.connection(None, stub_model.url), model="stub;latency_ms=4000")
    visitor = Visitor(stack.web[0], cast.website(cast.tenant(), agents=[agent]).domain)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(visitor.say, "Hello", message_id="message_0001")
        while not turns(stack, visitor.session_id):
            time.sleep(0.02)
        response = visitor.at(stack.web[1]).post("Hello", message_id=message_id)
        assert (response.status_code, response.json()["code"]) == (409, "turn_in_progress")
        assert response.headers["Retry-After"] == "1"
        assert not first.done()
    assert visitor.say("Hello", message_id=message_id)["message_count"] == (2 if message_id == "message_0001" else 4)
    check_promise(stack, visitor.session_id)


def test_same_id_with_other_words_is_refused_while_the_first_runs(stack: Stack, cast: Cast, agent: Agent) -> None:
    visitor = Visitor(stack.web[0], cast.website(cast.tenant(), agents=[agent]).domain)
    bodies = [{"message": "One", "message_id": "message_0001"}, {"message": "Two", "message_id": "message_0001"}]
    responses = post_together(visitor, stack.web, bodies)
    assert sorted(response.status_code for response in responses) == [200, 409]
    [refused] = [response for response in responses if response.status_code == httpx.codes.CONFLICT]
    assert refused.json()["code"] == "message_id_reused"
