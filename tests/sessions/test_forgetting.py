"""Erasing and exporting a session that goes on being written to: nothing comes back, nothing is missed or doubled."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from sessions.errors import ErasureHeldError
from sessions.export_forms import Form
from sessions.exporting import session_export
from sessions.forgetting import forget_session
from sessions.models import AgentSession, Erasure, HistorySegment, Turn
from sessions.store import keep
from sessions.store.erase import erase_session, new_receipt
from tenants.legal_holds import set_hold
from tenants.scoping import tenant_scope
from tests.sessions.talk import Run, Talk


def rows(talk: Talk) -> tuple[int, ...]:
    with tenant_scope(talk.tenant_id):
        return tuple(model.objects.count() for model in (AgentSession, HistorySegment, Turn, Erasure))


def pieces_of(talk: Talk) -> AsyncIterator[bytes]:
    return session_export(talk.tenant_id, talk.session.pk, Form.JSON)


def next_piece(run: Run, pieces: AsyncIterator[bytes]) -> bytes:
    piece: bytes = run(anext(pieces, b""))
    return piece


def rest_of(run: Run, pieces: AsyncIterator[bytes]) -> bytes:
    text = b""
    while piece := next_piece(run, pieces):
        text += piece
    return text


def test_turn_that_ends_after_the_erasure_writes_nothing(talk: Talk, run: Run) -> None:
    talk.exchanges(60)
    claim, values = talk.begin("Too late.")
    receipt = run(erase_session(talk.visit, new_receipt(b"once")))
    assert (receipt.live_turns, receipt.receipt.messages_done, receipt.receipt.turns_done) == ([claim.turn_id], 120, 61)
    assert talk.finish(claim, values) is None
    assert run(keep.renew_lease(claim, 20)) is None
    assert run(keep.close_turn(claim, {**CLOSED, "partial_reply": "Too late."})) is False
    assert rows(talk) == (0, 0, 0, 1)


CLOSED: dict[str, Any] = {
    "state": "failed",
    "message": None,
    "error_code": "",
    "error_reason": "",
    "model": "",
    "demo": False,
    "first_token_ms": None,
    "total_ms": None,
}


@pytest.mark.parametrize("held", ["session", "website"])
def test_held_session_is_not_erased_and_its_visitor_is_told(talk: Talk, run: Run, held: str) -> None:
    talk.exchange()
    with tenant_scope(talk.tenant_id):
        set_hold(talk.session if held == "session" else talk.session.website, by="owner")
    with pytest.raises(ErasureHeldError):
        run(forget_session(talk.visit))
    assert rows(talk) == (1, 0, 1, 0)


@pytest.mark.parametrize("pieces_before", [0, 1, 2, 3])
def test_export_of_a_session_that_rolls_meanwhile_has_each_message_once(
    talk: Talk, run: Run, pieces_before: int
) -> None:
    """60 exchanges leave a segment and a history; 60 more move what stood in that history into segments."""
    talk.exchanges(60)
    pieces = pieces_of(talk)
    read = b"".join(next_piece(run, pieces) for _ in range(pieces_before))
    talk.exchanges(60)
    exported = orjson.loads(read + rest_of(run, pieces))
    assert [(message["role"], message["content"]) for message in exported["messages"]] == talk.said
    assert exported["complete"] is True


def test_export_says_that_its_session_was_erased_meanwhile(talk: Talk, run: Run) -> None:
    talk.exchanges(60)
    pieces = pieces_of(talk)
    read = next_piece(run, pieces) + next_piece(run, pieces)
    run(erase_session(talk.visit, new_receipt(b"once")))
    exported = orjson.loads(read + rest_of(run, pieces))
    assert (exported["complete"], 0 < len(exported["messages"]) < 120) == (False, True)
