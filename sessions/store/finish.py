"""Ending turns: the exchange into the history."""

from dataclasses import dataclass
from typing import Any, Final

from sessions.store.begin import CONTEXT_MESSAGES
from sessions.store.hide import hide_told
from sessions.store.keep import SOMEBODY_WAITS
from sessions.store.visits import LOCK_BY_PK, Claim
from tenants.database import Statement, in_tenant
from tenants.identifiers import new_id

MOST_MESSAGES: Final = 100
MOST_BYTES: Final = 48 * 1024
KEPT_MESSAGES: Final = CONTEXT_MESSAGES
"""What a roll leaves in the history: all that the model may be shown, so that a turn never reads a segment."""

# The pair goes in by one ||, and only while the fence is still ours: half an exchange cannot be written. A history
# that has grown past its bounds leaves all but its newest messages to a new segment; segments there are already are
# neither read nor written, so that a turn costs the same however long the session is. The column's size is that of the
# value in memory: the length of its text would mean to write it out.
_FINISH: Final = f"""
WITH grown AS MATERIALIZED (
    SELECT s.tenant_id, s.id, s.history || %(pair)s::jsonb AS history, s.message_count + 2 AS message_count
      FROM turns t JOIN agent_sessions s ON s.tenant_id = t.tenant_id AND s.id = t.agent_session_id
     WHERE t.tenant_id = %(tenant_id)s AND t.id = %(turn_id)s AND t.fence = %(fence)s AND t.state = 'running'),
rolled AS MATERIALIZED (
    SELECT g.*, CASE WHEN jsonb_array_length(g.history) > {MOST_MESSAGES} OR pg_column_size(g.history) > {MOST_BYTES}
                     THEN GREATEST(jsonb_array_length(g.history) - {KEPT_MESSAGES}, 0) ELSE 0 END AS leaving
      FROM grown g),
segment AS (
    INSERT INTO history_segments (tenant_id, id, agent_session_id, first_position, message_count, messages)
    SELECT r.tenant_id, %(segment_id)s, r.id, r.message_count - jsonb_array_length(r.history), r.leaving,
           jsonb_path_query_array(r.history, '$[0 to $last]', jsonb_build_object('last', r.leaving - 1))
      FROM rolled r WHERE r.leaving > 0),
appended AS (
    UPDATE agent_sessions s
       SET history = CASE WHEN r.leaving = 0 THEN r.history
                          ELSE jsonb_path_query_array(r.history, '$[$first to last]',
                                                      jsonb_build_object('first', r.leaving)) END,
           message_count = r.message_count, last_activity_at = now()
      FROM rolled r
     WHERE s.tenant_id = r.tenant_id AND s.id = r.id
 RETURNING s.message_count)
UPDATE turns t
   SET state = %(state)s, message = '', partial_reply = '', lease_expires_at = NULL, finished_at = clock_timestamp(),
       reply_id = %(reply_id)s, message_count = appended.message_count, model = %(model)s, demo = %(demo)s,
       input_tokens = %(input_tokens)s, output_tokens = %(output_tokens)s,
       first_token_ms = %(first_token_ms)s, total_ms = %(total_ms)s
  FROM appended
 WHERE t.tenant_id = %(tenant_id)s AND t.id = %(turn_id)s
RETURNING t.message_count, {SOMEBODY_WAITS} AS somebody_waits
"""


@dataclass(frozen=True, slots=True)
class Finished:
    message_count: int
    somebody_waits: bool


async def finish_turn(claim: Claim, values: dict[str, Any], over_told: dict[str, Any] | None = None) -> Finished | None:
    """Appends the exchange and closes the turn; None where the fence is lost. ``over_told``: see ``store.hide``.

    ``state`` is ``completed``, or ``stopped`` where the reply is what was said until then.
    """
    everything = {**claim.values(), **values, "segment_id": new_id()}
    statements: list[Statement] = [(LOCK_BY_PK, everything), (_FINISH, everything)]
    _, rows, *_ = await in_tenant(claim.tenant_id, [*statements, *hide_told(claim, over_told)])
    return Finished(**rows[0]) if rows else None


# The visitor's words leave the turn with the exchange: one that others stopped, without an exchange, still has them.
_SAVED: Final = f"""
SELECT t.message_count, {SOMEBODY_WAITS} AS somebody_waits FROM turns t
 WHERE t.tenant_id = %(tenant_id)s AND t.id = %(turn_id)s AND t.reply_id = %(reply_id)s
   AND t.state IN ('completed', 'stopped') AND t.message = ''
"""


async def finished_before(claim: Claim, reply_id: str) -> Finished | None:
    """How a turn ended with this very reply: its commit came through, the answer to it did not."""
    [rows] = await in_tenant(claim.tenant_id, [(_SAVED, {**claim.values(), "reply_id": reply_id})])
    return Finished(**rows[0]) if rows else None
