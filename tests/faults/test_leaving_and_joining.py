"""A visitor who leaves does not lose the answer, and whoever joins hears it whole and once."""

import time
from collections.abc import Generator
from itertools import pairwise
from typing import Any

import pytest

from agents.models import Agent
from sessions.events import RUN_STRIDE
from tenants.models import Website
from tests.cast import Cast
from tests.faults.conversations import check_promise, messages
from tests.faults.stack import Stack
from tests.stub_model import StubModel
from tests.visitor import Visitor

Events = list[tuple[int, dict[str, Any]]]


@pytest.fixture
def agent(cast: Cast, stub_model: StubModel) -> Agent:
    """Its model takes three seconds for its words."""
    model = "stub;tokens=30;tokens_per_second=10"
    return cast.agent(connection=cast.connection(None, stub_model.url), model=model)


@pytest.fixture
def visitor(stack: Stack, website: Website) -> Visitor:
    """With a token, as the widget has one."""
    visitor = Visitor(stack.web[0], website.domain)
    visitor.start()
    return visitor


def words(events: Events) -> str:
    return "".join(event["delta"] for _, event in events if event["type"] == "TEXT_MESSAGE_CONTENT")


def hear_some(events: Generator[tuple[int, dict[str, Any]], None, None], pieces: int = 3) -> Events:
    """The first pieces of the answer; then the reader is gone."""
    heard: Events = []
    for numbered in events:
        heard.append(numbered)
        if sum(event["type"] == "TEXT_MESSAGE_CONTENT" for _, event in heard) == pieces:
            break
    events.close()
    return heard


def test_answer_is_there_after_the_visitor_left(stack: Stack, visitor: Visitor) -> None:
    heard = hear_some(visitor.stream_with_ids("Hello", message_id="message_0001"))
    [page] = [visitor.messages().json()]
    assert [turn["message_id"] for turn in page["ongoing"]] == ["message_0001"]
    assert page["ongoing"][0]["message"]["content"] == "Hello"
    body = visitor.say("Hello", message_id="message_0001")
    assert body["message"]["content"].startswith(words(heard))
    after = visitor.messages().json()
    assert [message["content"] for message in after["messages"]] == [body["message"]["content"], "Hello"]
    assert after["ongoing"] == []
    check_promise(stack, visitor.session_id)


@pytest.mark.parametrize("process", [0, 1], ids=["same process", "another process"])
def test_reader_who_comes_back_hears_the_rest(stack: Stack, visitor: Visitor, process: int) -> None:
    heard = hear_some(visitor.stream_with_ids("Hello", message_id="message_0001"))
    rest = list(visitor.at(stack.web[process]).join("message_0001", last_event_id=heard[-1][0]))
    whole = messages(stack, visitor.session_id)[1]
    assert words(heard) + words(rest) == whole.content
    assert rest[-1][1]["type"] == "RUN_FINISHED"
    assert rest[-1][1]["result"]["message"]["content"] == whole.content
    assert {event["messageId"] for _, event in rest if event["type"].startswith("TEXT_")} == {whole.id}


@pytest.mark.parametrize("process", [0, 1], ids=["same process", "another process"])
def test_second_reader_hears_the_words_while_they_come(stack: Stack, visitor: Visitor, process: int) -> None:
    first = visitor.stream_with_ids("Hello", message_id="message_0001")
    next(first)
    began = time.monotonic()
    moments = []
    second: Events = []
    for numbered in visitor.at(stack.web[process]).join("message_0001"):
        second.append(numbered)
        moments.append(time.monotonic() - began)
    assert words(second) == messages(stack, visitor.session_id)[1].content
    contents = [at for at, (_, event) in zip(moments, second, strict=True) if event["type"] == "TEXT_MESSAGE_CONTENT"]
    assert len(contents) >= 4
    assert contents[-1] - contents[0] > 1
    assert words(list(first)) == words(second)


def test_event_ids_are_the_same_for_every_reader(stack: Stack, visitor: Visitor) -> None:
    visitor.stream("Hello", message_id="message_0001")
    for process in (0, 1):
        events = list(visitor.at(stack.web[process]).join("message_0001"))
        whole = messages(stack, visitor.session_id)[1].content
        assert events[-1][0] == len(whole)
        assert words(events) == whole
        assert words(list(visitor.join("message_0001", last_event_id=7))) == whole[7:]
        assert all(earlier <= later for (earlier, _), (later, _) in pairwise(events))


def test_words_of_a_dead_run_do_not_continue_in_the_next(stack: Stack, visitor: Visitor) -> None:
    heard = hear_some(visitor.stream_with_ids("Hello", message_id="message_0001"))
    stack.rows(
        "UPDATE turns t SET state = 'abandoned', fence = fence + 1, lease_expires_at = NULL FROM agent_sessions s"
        " WHERE s.id = t.agent_session_id AND s.session_id = %s RETURNING t.id",
        visitor.session_id,
    )
    again = visitor.at(stack.web[1]).stream_with_ids("Hello", message_id="message_0001")
    hear_some(again, pieces=5)
    events = list(visitor.at(stack.web[1]).join("message_0001", last_event_id=heard[-1][0]))
    snapshot = events[1][1]
    assert snapshot["type"] == "MESSAGES_SNAPSHOT"
    whole = messages(stack, visitor.session_id)[1].content
    [asked, said] = snapshot["messages"]
    assert (asked["role"], asked["content"], said["role"]) == ("user", "Hello", "assistant")
    assert said["content"] + words(events) == whole
    assert events[-1][0] == 2 * RUN_STRIDE + len(whole)
    # The first owner lives still, and came to its end before: its fence kept it from saving.
    assert events[-1][1]["result"]["message"]["id"] == messages(stack, visitor.session_id)[1].id == said["id"]
    check_promise(stack, visitor.session_id)


def test_other_visitors_cannot_join(stack: Stack, cast: Cast, website: Website, visitor: Visitor) -> None:
    visitor.stream("Hello", message_id="message_0001")
    stranger = Visitor(stack.web[0], website.domain, session_id=visitor.session_id)
    assert stranger.get_events("message_0001").json()["code"] == "session_token_required"
    neighbour = Visitor(stack.web[0], website.domain)
    neighbour.start()
    assert neighbour.get_events("message_0001").status_code == 404
    elsewhere = Visitor(
        stack.web[0], cast.website(cast.tenant()).domain, session_id=visitor.session_id, token=visitor.token
    )
    assert elsewhere.get_events("message_0001").status_code == 403


def test_bad_last_event_id_is_refused(visitor: Visitor) -> None:
    visitor.stream("Hello", message_id="message_0001")
    for bad in ("-1", "x", "1" * 16, "1.5"):
        response = visitor.get_events("message_0001", **{"Last-Event-ID": bad})
        assert (response.status_code, list(response.json()["fields"])) == (400, ["Last-Event-ID"])


def test_old_turn_with_an_id_that_does_not_fit_brings_the_transcript_in_its_order(
    stack: Stack, cast: Cast, visitor: Visitor, agent: Agent
) -> None:
    cast.change(agent, model="stub")
    for number in range(27):
        visitor.say(f"Word {number}", message_id=f"message_{number:04}")
    events = list(visitor.join("message_0000", last_event_id=999_999))
    [snapshot] = [event for _, event in events if event["type"] == "MESSAGES_SNAPSHOT"]
    stored = [message.id for message in messages(stack, visitor.session_id)]
    assert [message["id"] for message in snapshot["messages"]] == stored[-50:]
    assert words(events) == ""


def test_running_turn_with_an_id_beyond_any_answer_brings_a_snapshot(stack: Stack, visitor: Visitor) -> None:
    hear_some(visitor.stream_with_ids("Hello", message_id="message_0001"))
    events = list(visitor.at(stack.web[1]).join("message_0001", last_event_id=999_999))
    [asked, *said] = next(event["messages"] for _, event in events if event["type"] == "MESSAGES_SNAPSHOT")
    assert asked["content"] == "Hello"
    whole = messages(stack, visitor.session_id)[1].content
    assert "".join(message["content"] for message in said) + words(events) == whole
