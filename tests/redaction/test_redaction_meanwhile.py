"""The modes that redact while a visitor writes: what the model is sent, what is heard, and what is kept anywhere."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.db import connections
from redis import Redis

from agents.models import Agent
from sessions.models import AgentSession, Turn
from sessions.privacy import redact_text
from tenants.legal_holds import set_hold
from tenants.models import RedactionKey, Tenant, Website
from tenants.redaction_keys import redaction_key
from tenants.scoping import tenant_scope
from tests.cast import Cast
from tests.live_server import LiveServer, start_server
from tests.redaction.conversations import everything_stored, transcript
from tests.stub_model import StubModel
from tests.visitor import Visitor
from tests.waiting import wait_until

ALICE, ZEB, NAME = "alice.liddell@wonder.example", "zeb@quux.example", "Zebediah Quux"
CANARIES = (ALICE, ZEB, "Zebediah", "Quux", "Wintergreen")
SAID = f"I am Alice Wintergreen, a friend of {NAME}, mail {ALICE}"
HELD = "stub;tokens=60;hold_after=30;test="
TOLD: dict[str, Any] = {"user_id": ZEB, "metadata": {"customer_name": NAME, "basket": "two loaves"}}
BOTH = pytest.mark.parametrize("mode", ["at_turn_end", "before_model"])


class Stage:
    """A website with one of the modes, its visitor, and all places where a word could be left."""

    def __init__(self, cast: Cast, server: LiveServer, stub: StubModel, mode: str, model: str) -> None:
        self.stub, self.model, self.mode = stub, f"{model}{mode}-{id(self)}", mode
        self.tenant: Tenant = cast.tenant(redact_when=mode)
        connection = cast.connection(None, stub.url)
        agent: Agent = cast.agent(connection=connection, model=self.model, context_keys=["customer_name"])
        self.website: Website = cast.website(self.tenant, agents=[agent])
        self.visitor = Visitor(server, self.website.domain)
        assert self.visitor.start().status_code == 201

    @property
    def session(self) -> AgentSession:
        with tenant_scope(self.tenant.id):
            return AgentSession.objects.get(session_id=self.visitor.session_id)

    def visitor_at(self, server: LiveServer) -> Visitor:
        """The same browser at another process, by that one's port."""
        return Visitor(server, self.website.domain, session_id=self.visitor.session_id, token=self.visitor.token)

    def turn(self, message_id: str) -> Turn:
        with tenant_scope(self.tenant.id):
            return Turn.objects.get(message_id=message_id)

    def placeholder(self, words: str) -> str:
        """As the job would make it."""
        with tenant_scope(self.tenant.id):
            return redact_text(words, key=redaction_key())

    def left(self) -> list[str]:
        """The canaries that stand anywhere in the database's rows of the session, or in Redis."""
        everything = everything_stored(self.session) + in_redis()
        return [word for word in CANARIES if word in everything]

    def sent(self) -> str:
        return str(self.stub.bodies()[-1]["body"])


def in_redis() -> str:
    with Redis.from_url(settings.REDIS_URL) as redis:
        texts = [(key, redis.get(key)) for key in redis.keys("*") if redis.type(key) == b"string"]
    return str(texts)


def content(events: list[tuple[int, dict[str, Any]]]) -> str:
    return "".join(event["delta"] for _, event in events if event["type"] == "TEXT_MESSAGE_CONTENT")


def kinds(events: list[tuple[int, dict[str, Any]]]) -> list[str]:
    return [event["type"] for _, event in events]


def until_held(events: Iterator[tuple[int, dict[str, Any]]]) -> list[tuple[int, dict[str, Any]]]:
    """Reads until the whole echo was heard: it ends with the message that was sent."""
    heard = [next(events)]
    while "]]}" not in content(heard):
        heard.append(next(events))
    return heard


@pytest.mark.parametrize("stream", [False, True], ids=["json", "sse"])
@BOTH
def test_visitor_hears_real_words_and_placeholders_are_kept(
    cast: Cast, server: LiveServer, stub_model: StubModel, mode: str, stream: bool
) -> None:
    stage = Stage(cast, server, stub_model, mode, "stub;test=")
    visitor = stage.visitor
    if stream:
        events = list(visitor.stream_with_ids(SAID, message_id="message_0001", **TOLD))
        heard = content(events)
        assert (kinds(events)[-1], events[-1][1]["result"]["message"]["content"]) == ("RUN_FINISHED", heard)
    else:
        heard = visitor.say(SAID, message_id="message_0001", **TOLD)["message"]["content"]
    assert (SAID in heard, "[EMAIL_" in heard, "[NAME_" in heard) == (True, False, False)
    is_hidden = mode == "before_model"
    assert [word in stage.sent() for word in (ALICE, "Wintergreen", NAME)] == [not is_hidden] * 3

    [(_, question), (_, answer)] = transcript(stage.session)
    mail = stage.placeholder(ALICE)
    assert (question.endswith(f"mail {mail}"), question in answer, stage.left()) == (True, True, [])
    session = stage.session
    assert session.context == {"customer_name": session.context["customer_name"], "basket": "two loaves"}
    assert re.fullmatch(r"(\[NAME_[0-9a-f]{6}\] ?){2}", session.context["customer_name"])
    assert session.user_id == stage.placeholder(ZEB)
    assert [message["content"] for message in visitor.messages().json()["messages"]] == [answer, question]

    replay = visitor.post(SAID, message_id="message_0001", **TOLD)
    assert (replay.headers["Parlour-Replayed"], replay.json()["message"]["content"]) == ("true", answer)
    assert visitor.post("Other words", message_id="message_0001").json()["code"] == "message_id_reused"
    assert (stub_model.calls(stage.model), stage.left()) == (1, [])


@BOTH
def test_later_turn_knows_who_was_named_before_and_keeps_placeholders(
    cast: Cast, server: LiveServer, stub_model: StubModel, mode: str
) -> None:
    stage = Stage(cast, server, stub_model, mode, "stub;test=")
    stage.visitor.say("My name is Xqzanthe", message_id="message_0001")
    [name] = re.findall(r"\[NAME_[0-9a-f]+\]", transcript(stage.session)[0][1])
    heard = stage.visitor.ask(f"keep loaves for xqzanthe, {ALICE}")
    assert f"keep loaves for xqzanthe, {ALICE}" in heard
    assert transcript(stage.session)[2][1] == f"keep loaves for {name}, {stage.placeholder(ALICE)}"
    assert "xqzanthe" not in everything_stored(stage.session).lower()
    assert ("xqzanthe" in stage.sent().lower()) == (mode == "at_turn_end")


def test_model_is_not_sent_what_was_stored_before_the_policy(
    cast: Cast, server: LiveServer, stub_model: StubModel
) -> None:
    stage = Stage(cast, server, stub_model, "never", "stub;test=")
    stage.visitor.say(SAID, **TOLD)
    with tenant_scope(stage.tenant.id):
        assert RedactionKey.objects.count() == 0
    assert transcript(stage.session)[0][1] == SAID
    cast.change(stage.website, redact_when="before_model")
    assert SAID in stage.visitor.ask("And what did I say?")
    assert [word for word in (*CANARIES, "Alice") if word in stage.sent()] == []
    stored = everything_stored(stage.session)
    assert (ZEB in stored, f'"customer_name": "{NAME}"' in stored) == (False, False)


@BOTH
def test_whoever_joins_hears_what_is_stored(cast: Cast, server: LiveServer, stub_model: StubModel, mode: str) -> None:
    stage = Stage(cast, server, stub_model, mode, HELD)
    own = stage.visitor.stream_with_ids(SAID, message_id="message_0001", **TOLD)
    heard = until_held(own)
    seen_id = heard[-1][0]
    tab = stage.visitor  # of the two processes each join meets one or the other
    others = [
        *(tab.join("message_0001") for _ in range(3)),
        tab.stream_with_ids(SAID, message_id="message_0001", **TOLD),
        *(tab.join("message_0001", last_event_id=seen_id) for _ in range(3)),
    ]
    begun = [next(other) for other in others]
    assert kinds(begun) == ["RUN_STARTED"] * 7
    waiting = everything_stored(stage.session)
    assert (SAID in waiting, in_redis().count(ALICE)) == (mode == "at_turn_end", 0)
    with ThreadPoolExecutor(8) as readers:
        rest = [readers.submit(lambda stream=stream: list(stream)) for stream in (own, *others)]  # type: ignore[misc]
        stub_model.release(stage.model)
        heard += rest[0].result()
        joined = [[first, *more.result()] for first, more in zip(begun, rest[1:], strict=True)]
    answer = transcript(stage.session)[1][1]
    assert SAID in content(heard)
    assert [content(events) for events in joined] == [answer] * 7
    assert [events[-1][1]["result"]["message"]["content"] for events in joined] == [answer] * 7
    assert ["MESSAGES_SNAPSHOT" in kinds(events) for events in joined] == [False] * 4 + [True] * 3
    replayed = list(tab.join("message_0001", last_event_id=heard[-1][0]))
    assert kinds(replayed) == ["RUN_STARTED", "MESSAGES_SNAPSHOT", "RUN_FINISHED"]
    assert replayed[1][1]["messages"][-1]["content"] == answer
    again = list(tab.join("message_0001", last_event_id=joined[0][-1][0] - 5))
    assert (kinds(again)[1], content(again)) == ("TEXT_MESSAGE_START", answer[-5:])
    assert (stub_model.calls(stage.model), stage.left()) == (1, [])


@BOTH
def test_turn_stopped_in_the_middle_keeps_placeholders(
    cast: Cast, server: LiveServer, stub_model: StubModel, mode: str
) -> None:
    stage = Stage(cast, server, stub_model, mode, HELD)
    own = stage.visitor.stream_with_ids(SAID, message_id="message_0001", **TOLD)
    heard = until_held(own)
    assert stage.visitor.stop("message_0001").status_code == 200
    heard += list(own)
    result = heard[-1][1]["result"]
    assert (result["stopped"], result["message"]["content"], SAID in content(heard)) == (True, content(heard), True)
    [(_, question), (_, answer)] = transcript(stage.session)
    assert (question in answer, stage.left()) == (True, [])


@BOTH
def test_turn_that_fails_leaves_placeholders_and_runs_again(
    cast: Cast, server: LiveServer, stub_model: StubModel, mode: str
) -> None:
    stage = Stage(cast, server, stub_model, mode, "stub;fault=cut;fail_first=1;test=")
    message = f"{SAID}, {'and so on ' * 40}"
    assert stage.visitor.post(message, message_id="message_0001", **TOLD).status_code == 502
    turn = stage.turn("message_0001")
    assert (turn.state, stage.placeholder(ALICE) in turn.message) == ("failed", True)
    assert ("[NAME_" in turn.partial_reply, transcript(stage.session), stage.left()) == (True, [], [])
    assert ALICE in stage.visitor.say(message, message_id="message_0001", **TOLD)["message"]["content"]
    assert (stub_model.calls(stage.model), len(transcript(stage.session)), stage.left()) == (2, 2, [])


def test_message_that_waits_is_stored_with_placeholders(cast: Cast, server: LiveServer, stub_model: StubModel) -> None:
    stage = Stage(cast, server, stub_model, "before_model", HELD)
    own = stage.visitor.stream_with_ids("First", message_id="message_0001")
    until_held(own)
    with ThreadPoolExecutor(1) as sender:
        second = sender.submit(stage.visitor.say, SAID, message_id="message_0002", **TOLD)
        try:
            wait_until(lambda: bool(_turns(stage, "queued")))
            [waiting] = _turns(stage, "queued")
        finally:
            stub_model.release(stage.model)
        list(own)
        assert SAID in second.result()["message"]["content"]
    assert (stage.placeholder(ALICE) in waiting.message, stage.left()) == (True, [])


def _turns(stage: Stage, state: str) -> list[Turn]:
    with tenant_scope(stage.tenant.id):
        return list(Turn.objects.filter(state=state))


def test_killed_process_leaves_no_real_words_and_the_message_runs_elsewhere(
    cast: Cast, server: LiveServer, stub_model: StubModel
) -> None:
    with start_server() as dying:
        stage = Stage(cast, dying, stub_model, "before_model", HELD)
        own = stage.visitor.stream_with_ids(SAID, message_id="message_0001", **TOLD)
        until_held(own)
        for process in dying.processes():
            process.kill()
        with suppress(httpx.TransportError):
            list(own)
    assert (stage.turn("message_0001").state, stage.left()) == ("running", [])
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "UPDATE turns SET lease_expires_at = now() - interval '1 second' WHERE agent_session_id = %s",
            [stage.session.id],
        )
    stub_model.release(stage.model)
    body = stage.visitor_at(server).say(SAID, message_id="message_0001", **TOLD)
    assert (body["message_count"], SAID in body["message"]["content"], stage.left()) == (2, True, [])


def test_session_begins_with_placeholders_where_nothing_may_be_stored_before(
    cast: Cast, server: LiveServer, stub_model: StubModel
) -> None:
    stage = Stage(cast, server, stub_model, "before_model", "stub;test=")
    stage.visitor = Visitor(server, stage.website.domain)
    assert stage.visitor.start(**TOLD).status_code == 201
    assert (stage.session.user_id, stage.left()) == (stage.placeholder(ZEB), [])


@pytest.mark.parametrize("held", ["website", "conversation"])
@BOTH
def test_hold_keeps_words_as_they_are(
    cast: Cast, server: LiveServer, stub_model: StubModel, mode: str, held: str
) -> None:
    stage = Stage(cast, server, stub_model, mode, "stub;test=")
    with tenant_scope(stage.tenant.id):
        set_hold(stage.website if held == "website" else stage.session, by="carol")
    stage.visitor.say(SAID, **TOLD)
    assert (transcript(stage.session)[0][1], stage.session.user_id) == (SAID, ZEB)
