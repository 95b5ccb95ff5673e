"""Turns whose owner is taken for dead: their lease ran out. What becomes of them is the same, whoever finds them."""

from typing import Final

IS_LAPSED: Final = "t.state IN ('queued', 'running') AND t.lease_expires_at < clock_timestamp()"

# A wish to stop outlives the owner that should have heard it. For ``UPDATE turns t``.
LET_LAPSE: Final = """
       fence = t.fence + 1, lease_expires_at = NULL, finished_at = clock_timestamp(),
       state = CASE WHEN t.stop_requested_at IS NULL THEN 'abandoned' ELSE 'stopped' END,
       error_code = CASE WHEN t.stop_requested_at IS NULL THEN 'abandoned' ELSE '' END,
       message_count = CASE WHEN t.stop_requested_at IS NOT NULL
                            THEN (SELECT c.message_count FROM agent_sessions c
                                   WHERE c.tenant_id = t.tenant_id AND c.id = t.agent_session_id) END
"""
