"""Every call that names a session, so that what holds for one is tested for all of them."""

from collections.abc import Callable

import httpx

from tests.visitor import Visitor

MESSAGE_ID = "message_0001"
"""Of a turn that has ended, where the test's session has one."""

SESSION_CALLS: dict[str, Callable[[Visitor], httpx.Response]] = {
    "/api/v1/chat/": lambda visitor: visitor.post("What's my name?"),
    "/api/v1/sessions/{session_id}/export/": lambda visitor: visitor.export(),
    "/api/v1/sessions/{session_id}/messages/": lambda visitor: visitor.messages(),
    "/api/v1/sessions/{session_id}/turns/{message_id}/events": lambda visitor: visitor.get_events(MESSAGE_ID),
    "/api/v1/sessions/{session_id}/stop/": lambda visitor: visitor.stop(MESSAGE_ID),
    "/api/v1/sessions/{session_id}/identify/": lambda visitor: visitor.identify("a.b.c"),
    "/api/v1/sessions/{session_id}/logout/": lambda visitor: visitor.log_out(),
    "/api/v1/sessions/{session_id}/": lambda visitor: visitor.erase(),
}
"""By their paths in the schema."""

METHODS = {
    "/api/v1/sessions/{session_id}/": "DELETE",
    "/api/v1/sessions/{session_id}/export/": "GET",
    "/api/v1/sessions/{session_id}/messages/": "GET",
    "/api/v1/sessions/{session_id}/turns/{message_id}/events": "GET",
}
"""Of the calls that do not post."""

NAMES_NO_SESSION = {"/api/v1/sessions/", "/api/v1/widget/config/"}
