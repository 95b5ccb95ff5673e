"""A visitor's access to a session ends: they log out, or staff end it. What was said stays, for staff to read."""

from django.db.models.functions import Now

from sessions.models import AgentSession
from sessions.starting import check_right
from sessions.store import end
from sessions.store.visits import Visit


async def log_out(visit: Visit) -> None:
    """Ends the session's token at once, in every tab; an answer under way is still stored. Twice is as once.

    Raises the session token's errors.
    """
    check_right(visit, {"may_use": await end.end_access(visit)})


def end_access(session: AgentSession) -> bool:
    """Refuses the session to its visitor from now on, with a token or without. False where that is so already."""
    ended = AgentSession.objects.filter(pk=session.pk, access_ended_at__isnull=True).update(access_ended_at=Now())
    return bool(ended)
