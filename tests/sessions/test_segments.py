"""Long sessions: the history rolls into segments, the transcript reads as one, and a turn costs what it always did."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from statistics import median
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, connections, transaction

from sessions.history import HistoryMessage, as_json
from sessions.models import AgentSession, HistorySegment
from sessions.store import finish, read
from sessions.store.visits import LOCK_BY_PK
from tenants.database import in_tenant
from tenants.identifiers import new_id
from tenants.scoping import tenant_scope
from tests.cast import Cast
from tests.live_server import LiveServer
from tests.sessions.talk import Run, Talk, said_now
from tests.stub_model import StubModel
from tests.visitor import Visitor

Counter = Callable[[], dict[str, str]]
BIG = "x" * 1_100
"""50 messages, every second of them this big, stay below 48 KiB; 90 do not."""
HUGE = "x" * 2_500
"""50 messages, every second of them this big, are more than 48 KiB."""


def test_history_rolls_past_100_messages_and_keeps_the_newest_50(talk: Talk) -> None:
    talk.exchanges(50)
    assert (len(talk.kept()), talk.segments()) == (100, [])
    assert talk.exchange() == 102
    assert (talk.kept(), talk.segments()) == (talk.said[-50:], [(0, 52)])
    talk.exchanges(25)
    assert (len(talk.kept()), talk.segments()) == (100, [(0, 52)])
    assert talk.exchange() == 154
    assert (talk.kept(), talk.segments()) == (talk.said[-50:], [(0, 52), (52, 52)])


def test_history_rolls_past_48_kib(talk: Talk) -> None:
    talk.exchanges(30, BIG)
    assert talk.segments() == []
    while not talk.segments() and len(talk.said) < 100:
        talk.exchange(BIG)
    rolled_at = len(talk.said)
    assert 60 < rolled_at < 100
    assert (talk.kept(), talk.segments()) == (talk.said[-50:], [(0, rolled_at - 50)])


@pytest.mark.parametrize(("excess", "segments"), [(0, []), (1, [(0, 12)])])
def test_history_of_48_kib_does_not_roll_and_one_larger_does(
    talk: Talk, excess: int, segments: list[tuple[int, int]]
) -> None:
    talk.exchanges(30)
    claim, values = talk.begin()
    pair = [said_now(name, "user", "") for name in ("message_last", "reply_last")]

    def size(padding: int) -> int:
        values["pair"] = as_json([pair[0], pair[1].model_copy(update={"content": "x" * padding})])
        with tenant_scope(talk.tenant_id), connections["default"].cursor() as cursor:
            grown = "SELECT pg_column_size(history || %s::jsonb) FROM agent_sessions WHERE id = %s"
            cursor.execute(grown, [values["pair"], talk.session.id])
            return int(cursor.fetchone()[0])

    wanted = 48 * 1024 + excess
    assert size(wanted - size(0)) == wanted
    assert talk.finish(claim, values) == 62
    assert talk.segments() == segments


def test_history_keeps_50_messages_however_large_they_are(talk: Talk) -> None:
    talk.exchanges(25, HUGE)
    assert (len(talk.kept()), talk.segments()) == (50, [])
    talk.exchanges(2, HUGE)
    assert (talk.kept(), talk.segments()) == (talk.said[-50:], [(0, 2), (2, 2)])


def test_transcript_reads_as_one_with_every_page_size(talk: Talk, full_size: bool) -> None:
    chance = random.Random(4)
    for _ in range(140):
        talk.exchange("x" * chance.choice([1, 50, 700, 6_000]))
    assert len(talk.segments()) > 3
    sizes = range(1, 101) if full_size else (1, 2, 3, 7, 49, 50, 51, 52, 99, 100)
    assert [size for size in sizes if talk.pages(size) != talk.said] == []


def test_cursor_stays_true_while_the_conversation_grows_and_rolls(talk: Talk) -> None:
    talk.exchanges(50)
    newest = talk.page(limit=20)
    older = talk.page(int(str(newest.next)), 20)
    assert [message["content"] for message in reversed(older.messages)] == [text for _, text in talk.said[60:80]]
    talk.exchanges(60)
    assert len(talk.segments()) == 3
    assert talk.page(int(str(newest.next)), 20) == older


def test_segments_are_never_written_again(talk: Talk) -> None:
    talk.exchanges(80)
    before = stored_segments(talk)
    talk.exchanges(80, BIG)
    after = stored_segments(talk)
    assert len(before) == 2
    assert len(after) > 4
    assert after[: len(before)] == before


def stored_segments(talk: Talk) -> list[Any]:
    """Each as it lies in the table: a write would leave another version of the row, at another place."""
    with connections["owner"].cursor() as cursor:
        rows = "SELECT ctid::text, xmin::text, g.* FROM history_segments g WHERE tenant_id = %s ORDER BY first_position"
        cursor.execute(rows, [talk.tenant_id])
        return list(cursor.fetchall())


def test_every_replay_finds_its_own_answer_wherever_it_lies(talk: Talk) -> None:
    talk.exchanges(130)
    talk.exchange(state="stopped")
    answers = [talk.answer_of(turn_id) for turn_id in talk.turns]
    assert [(answer["reply"]["content"], answer["message_count"]) for answer in answers if answer] == [
        (text, position + 1) for position, (_, text) in enumerate(talk.said) if position % 2
    ]
    assert [answer["reply"].get("stopped") for answer in answers[-2:] if answer] == [None, True]


def test_replay_gives_no_other_message_for_an_answer(talk: Talk) -> None:
    talk.exchanges(60)
    with connections["owner"].cursor() as cursor:
        cursor.execute("UPDATE turns SET reply_id = 'reply_other' WHERE tenant_id = %s", [talk.tenant_id])
    answers = [talk.answer_of(turn_id) for turn_id in (talk.turns[0], talk.turns[-1])]
    assert [answer["reply"] for answer in answers if answer] == [None, None]


def test_turn_stopped_before_its_first_word_has_no_answer(talk: Talk) -> None:
    talk.exchanges(60)
    claim, _ = talk.begin()
    with connections["owner"].cursor() as cursor:
        ended = "UPDATE turns SET state = 'stopped', lease_expires_at = NULL, message_count = %s WHERE id = %s"
        cursor.execute(ended, [120, claim.turn_id])
    answer = talk.answer_of(claim.turn_id)
    assert answer is not None
    assert (answer["state"], answer["reply"]) == ("stopped", None)


def test_crash_between_append_and_roll_undoes_both(talk: Talk, run: Run, rows_written: Counter) -> None:
    talk.exchanges(50)
    claim, values = talk.begin()
    before = rows_written()
    everything = {**claim.values(), **values, "segment_id": new_id()}
    with pytest.raises(psycopg.errors.DivisionByZero):
        run(in_tenant(talk.tenant_id, [(LOCK_BY_PK, everything), (finish._FINISH, everything), ("SELECT 1 / 0", {})]))
    assert rows_written() == before
    assert talk.finish(claim, values) == 102
    assert talk.segments() == [(0, 52)]
    assert talk.pages(50) == talk.said


def test_owner_whose_fence_is_lost_rolls_nothing(talk: Talk, rows_written: Counter) -> None:
    talk.exchanges(50)
    claim, values = talk.begin()
    with connections["owner"].cursor() as cursor:
        cursor.execute("UPDATE turns SET fence = 2 WHERE id = %s", [claim.turn_id])
    before = rows_written()
    assert talk.finish(claim, values) is None
    assert rows_written() == before


@pytest.mark.parametrize("state", ["completed", "stopped"])
def test_finish_whose_acknowledgement_was_lost_is_found(talk: Talk, run: Run, state: str) -> None:
    claim, values = talk.begin(state=state)
    assert run(finish.finished_before(claim, values["reply_id"])) is None
    talk.finish(claim, values)
    assert run(finish.finished_before(claim, values["reply_id"])) == finish.Finished(2, somebody_waits=False)
    assert run(finish.finished_before(claim, "reply_other")) is None


def test_turn_that_others_stopped_without_its_answer_is_not_taken_for_saved(talk: Talk, run: Run) -> None:
    claim, values = talk.begin()
    with connections["owner"].cursor() as cursor:
        stopped = "UPDATE turns SET state = 'stopped', lease_expires_at = NULL, message_count = 0 WHERE id = %s"
        cursor.execute(stopped, [claim.turn_id])
    assert talk.finish(claim, values) is None
    assert run(finish.finished_before(claim, values["reply_id"])) is None


def test_finish_forgets_what_an_earlier_try_had_come_to(talk: Talk) -> None:
    claim, values = talk.begin()
    with connections["owner"].cursor() as cursor:
        cursor.execute("UPDATE turns SET partial_reply = 'Half' WHERE id = %s", [claim.turn_id])
        talk.finish(claim, values)
        cursor.execute("SELECT state, partial_reply FROM turns WHERE id = %s", [claim.turn_id])
        assert cursor.fetchone() == ("completed", "")


def test_segments_of_another_tenant_do_not_exist(new_talk: Callable[[], Talk], run: Run) -> None:
    mine, theirs = new_talk(), new_talk()
    for talk in (mine, theirs):
        talk.exchanges(60)
    assert [segments_seen(talk) for talk in (mine, theirs, None)] == [1, 1, 0]
    visit = replace(theirs.visit, tenant_id=mine.tenant_id)
    assert run(read.message_page(visit, before=50, limit=50)) is None
    assert run(read.answered_turn(mine.tenant_id, theirs.turns[0])) is None
    with tenant_scope(mine.tenant_id):
        rows = HistorySegment.objects.filter(agent_session_id=theirs.session.id)
        assert (rows.count(), rows.update(messages=[]), rows.delete()) == (0, 0, (0, {}))
    assert theirs.pages(50) == theirs.said


def segments_seen(talk: Talk | None) -> int:
    """What plain SQL of the application's role sees inside a tenant, or outside any."""
    with transaction.atomic(), connections["default"].cursor() as cursor:
        if talk is not None:
            cursor.execute("SELECT set_config('app.tenant_id', %s, true)", [str(talk.tenant_id)])
        cursor.execute("SELECT count(*) FROM history_segments")
        return int(cursor.fetchone()[0])


def test_segment_cannot_point_at_another_tenants_session(new_talk: Callable[[], Talk]) -> None:
    mine, theirs = new_talk(), new_talk()
    with pytest.raises(IntegrityError), tenant_scope(mine.tenant_id):
        HistorySegment.objects.create(
            tenant_id=mine.tenant_id,
            agent_session_id=theirs.session.id,
            first_position=0,
            message_count=1,
            messages=[{}],
        )


@pytest.mark.parametrize(("count", "messages"), [(2, [{}]), (0, [])])
def test_segment_holds_as_many_messages_as_it_says(talk: Talk, count: int, messages: list[Any]) -> None:
    talk.exchanges(60)
    with pytest.raises(IntegrityError, match="history_segment_holds_its_count"), tenant_scope(talk.tenant_id):
        HistorySegment.objects.update(message_count=count, messages=messages)


def test_turn_600_costs_what_turn_60_cost(talk: Talk, run: Run) -> None:
    talk.exchanges(50)
    early = [plan_of_finish(talk, run) for _ in range(26)]
    talk.exchanges(494)
    late = [plan_of_finish(talk, run) for _ in range(26)]
    assert len(talk.segments()) == 21
    # A whole cycle from roll to roll each: within one, the history grows. As its statistics change, the server may join
    # another way, which is a row or two; one row of each segment would be twenty.
    assert median(map(written, late)) < 1.3 * median(map(written, early))
    assert max(map(rows_touched, late)) < 1.5 * max(map(rows_touched, early))
    assert {node["Operation"] for plan in late for node in nodes(plan) if is_about_segments(node)} == {"Insert"}
    assert talk.pages(100) == talk.said


def plan_of_finish(talk: Talk, run: Run) -> dict[str, Any]:
    """Finishes a turn, and tells how the database did it."""
    claim, values = talk.begin()
    everything = {**claim.values(), **values, "segment_id": new_id()}
    # The tests' tables are small enough to be read whole, which says nothing about those of a real installation.
    by_index, explained = "SET LOCAL enable_seqscan = off", "EXPLAIN (ANALYZE, WAL, FORMAT JSON) "
    statements = [(by_index, {}), (LOCK_BY_PK, everything), (explained + finish._FINISH, everything)]
    *_, rows = run(in_tenant(talk.tenant_id, statements))
    [[plan]] = [list(row.values()) for row in rows]
    return dict(plan[0]["Plan"])


def test_page_reads_only_the_segments_it_overlaps(talk: Talk, run: Run) -> None:
    talk.exchanges(400)
    seen = {before: segments_read(talk, run, before) for before in (800, 760, 751, 130, 50, 40)}
    assert len(talk.segments()) == 14
    assert seen == {800: 0, 760: 1, 751: 1, 130: 2, 50: 1, 40: 1}


def segments_read(talk: Talk, run: Run, before: int) -> int:
    """How many segments' messages a page of 50 took out of the table."""
    values = {**talk.visit.values(), "before": before, "limit": 50}
    rows = run(in_tenant(talk.tenant_id, [("EXPLAIN (ANALYZE, FORMAT JSON) " + read._PAGE, values)]))
    [[plan]] = [list(row.values()) for row in rows[0]]
    found = [node for node in nodes(plan[0]["Plan"]) if node.get("Alias") == "g"]
    assert "Seq Scan" not in {node["Node Type"] for node in found}
    return sum(int(node["Actual Rows"] * node["Actual Loops"]) for node in found)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def is_about_segments(node: dict[str, Any]) -> bool:
    return bool(node.get("Relation Name") == "history_segments")


def written(plan: dict[str, Any]) -> int:
    """Bytes of the write-ahead log. Blocks read would count rows left dead, which are swept when the machine likes."""
    return int(plan["WAL Bytes"])


def rows_touched(plan: dict[str, Any]) -> int:
    """A bitmap's entries are left out: those of rows left dead are among them."""
    return sum(int(node["Actual Rows"]) for node in nodes(plan) if node["Node Type"] != "Bitmap Index Scan")


@pytest.mark.parametrize("earlier", [24, 25, 26, 49, 50, 51, 76, 77])
def test_model_is_shown_the_newest_50_messages_on_either_side_of_a_roll(
    server: LiveServer, stub_process: StubModel, cast: Cast, new_talk: Callable[[], Talk], earlier: int
) -> None:
    talk = new_talk()
    model = f"stub;context-{earlier}"
    connection = cast.connection(None, stub_process.url)
    agent = cast.agent(connection=connection, model=model, max_context_tokens=100_000)
    talk.exchanges(earlier)
    with tenant_scope(talk.tenant_id):
        website = talk.session.website
        AgentSession.objects.update(agent=agent, token_hash=None)
    cast.use(website, agent)
    visitor = Visitor(server, website.domain, session_id=talk.session.session_id)
    visitor.say("And now?")
    sent = [seen["body"] for seen in stub_process.bodies(100) if seen["body"]["model"] == model]
    messages = [(message["role"], message["content"]) for message in sent[-1]["messages"]]
    assert messages == [*talk.said[-50:], ("user", "And now?")]


def test_conversation_of_130_turns_is_kept_whole_over_the_api(
    server: LiveServer, stub_process: StubModel, cast: Cast
) -> None:
    agent = cast.agent(connection=cast.connection(None, stub_process.url), model="stub;long")
    visitor = Visitor(server, cast.website(cast.tenant(), agents=[agent]).domain)
    visitor.start()
    bodies = [visitor.say(f"Message {number}", message_id=f"message_{number:04d}") for number in range(130)]
    assert [body["message_count"] for body in bodies] == list(range(2, 262, 2))

    for number in (0, 20, 64, 129):
        again = visitor.post(f"Message {number}", message_id=f"message_{number:04d}")
        assert (again.headers["Parlour-Replayed"], again.json()) == ("true", bodies[number])
    assert stub_process.calls(model="stub;long") == 130

    heard, cursor = list[str](), None
    while True:
        page = visitor.messages(limit=33, **({"cursor": cursor} if cursor else {})).json()
        heard += [message["id"] for message in page["messages"]]
        cursor = page["next"]
        if cursor is None:
            break
    expected = [name for number, body in enumerate(bodies) for name in (f"message_{number:04d}", body["message"]["id"])]
    assert heard[::-1] == expected


def test_stopped_is_written_only_where_it_is_true() -> None:
    whole = said_now("reply_0001", "assistant", "Yes.")
    cut = said_now("reply_0002", "assistant", "Ye", stopped=True)
    stored = json.loads(as_json([whole, cut]))
    assert [message.get("stopped") for message in stored] == [None, True]
    assert [message.public().get("stopped") for message in (whole, cut)] == [None, True]
    assert [HistoryMessage.model_validate(message) for message in stored] == [whole, cut]
