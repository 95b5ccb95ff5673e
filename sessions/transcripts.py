"""Reading a session's messages back, page by page, wherever they are kept."""

from dataclasses import dataclass
from typing import Any, Final

from sessions.history import HistoryMessage, read_history
from sessions.starting import check_right
from sessions.store import read
from sessions.store.visits import Visit

BEYOND_THE_END: Final = 2_147_483_647


@dataclass(frozen=True, slots=True)
class MessagePage:
    messages: list[dict[str, Any]]
    """Newest first."""
    next: str | None
    """The cursor of the page with older messages."""
    ongoing: list[dict[str, Any]]
    """Turns that wait or run, the first in line first: their messages are not in the transcript yet."""


async def messages_page(visit: Visit, *, before: int, limit: int) -> MessagePage:
    """Up to ``limit`` messages older than position ``before``. Raises the session token's errors."""
    page = await read.message_page(visit, before=before, limit=limit)
    check_right(visit, page)
    assert page is not None
    messages = [message.public() for message in reversed(read_history(page["messages"]))]
    oldest = max(min(page["total"], before) - limit, 0)
    return MessagePage(messages, str(oldest) if oldest else None, [_ongoing(turn) for turn in page["ongoing"]])


def _ongoing(turn: dict[str, Any]) -> dict[str, Any]:
    asked = HistoryMessage(id=turn["message_id"], role="user", content=turn["message"], at=turn["at"])
    return {"message_id": turn["message_id"], "state": turn["state"], "message": asked.public()}
