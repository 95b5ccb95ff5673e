"""A visitor has heard enough: the running turn ends, and what it said so far stays."""

from sessions.errors import InvalidRequestError
from sessions.relay import tell
from sessions.starting import check_right
from sessions.store import line
from sessions.store.visits import Visit


async def stop_turn(visit: Visit, message_id: str | None) -> str | None:
    """Asks the session's running turn, or the one of ``message_id``, to stop; gives its message_id.

    None where there is nothing to stop, which is no error: it may have ended a moment ago. Raises
    ``InvalidRequestError`` for a browser without token and message_id, and the errors of ``check_right``.
    """
    if visit.token_hash is None and message_id is None and not visit.is_servers:
        raise InvalidRequestError(fields={"message_id": "Without the session's token this is required."})
    stopped, session = await line.stop_turn(visit, message_id)
    check_right(visit, session)
    if stopped is None:
        return None
    tell("stop", stopped["turn_id"])
    tell("next", stopped["session_pk"])
    stopped_id: str = stopped["message_id"]
    return stopped_id
