"""The visitors' API. Each view parses, asks one service, and answers."""

from typing import Any

from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from sessions.api.base import VisitorView
from sessions.api.responses import json_response
from sessions.api.serializers import (
    AnswerSerializer,
    ChatSerializer,
    ErrorSerializer,
    MessagePageSerializer,
    SessionStartedSerializer,
    SessionStartSerializer,
    WidgetConfigSerializer,
    validated,
)
from sessions.beginning import TurnRequest
from sessions.cleaning import JsonValue, UncleanError, check_id
from sessions.errors import InvalidRequestError, NotAcceptableError
from sessions.events import stream_stored, stream_turn
from sessions.live import LiveTurn
from sessions.starting import start_session
from sessions.store.visits import Visit
from sessions.transcripts import BEYOND_THE_END, messages_page
from sessions.turns import take_turn
from tenants.identifiers import new_message_id

_ERRORS: dict[Any, Any] = {"4XX": ErrorSerializer, "5XX": ErrorSerializer}
_MAX_PAGE = 100


class ChatView(VisitorView):
    @extend_schema(
        request=ChatSerializer,
        responses={
            (200, "application/json"): AnswerSerializer,
            (200, "text/event-stream"): {"type": "string", "description": "AG-UI events"},
            **_ERRORS,
        },
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, description="As message_id.")],
    )
    async def post(self, request: Request) -> HttpResponseBase:
        """Send a message and get the agent's answer, as JSON or, for `Accept: text/event-stream`, as it is written."""
        wants_stream = _wants_stream(request)
        turn_request = self._turn_request(request)
        turn = await take_turn(self.door, turn_request)
        if isinstance(turn, LiveTurn):
            return _stream(stream_turn(turn)) if wants_stream else json_response(await turn.outcome())
        response = _stream(stream_stored(turn)) if wants_stream else json_response(turn)
        response["Parlour-Replayed"] = "true"
        return response

    def _turn_request(self, request: Request) -> TurnRequest:
        body = validated(ChatSerializer(data=request.data))
        domain, context = _split_metadata(body)
        self.door.check_domain(domain)
        return TurnRequest(
            session_id=body["session_id"],
            message_id=_message_id(body.get("message_id"), request.headers.get("Idempotency-Key")),
            message=body["message"],
            agent_key=body.get("agent_id"),
            user_id=body.get("user_id"),
            context=context,
            token_hash=self.token_hash,
            origin_host=self.origin_host,
        )


class SessionsView(VisitorView):
    @extend_schema(request=SessionStartSerializer, responses={201: SessionStartedSerializer, **_ERRORS})
    async def post(self, request: Request) -> HttpResponseBase:
        """Start a session that only its token opens."""
        body = validated(SessionStartSerializer(data=request.data))
        domain, context = _split_metadata(body)
        self.door.check_domain(domain)
        agent_id, token = await start_session(
            self.door,
            session_id=body["session_id"],
            agent_key=body.get("agent_id"),
            user_id=body.get("user_id"),
            context=context,
            origin_host=self.origin_host,
        )
        return json_response({"session_id": body["session_id"], "agent_id": agent_id, "token": token}, status=201)


class MessagesView(VisitorView):
    @extend_schema(
        responses={200: MessagePageSerializer, **_ERRORS},
        parameters=[
            OpenApiParameter("cursor", str, description="`next` of the page before."),
            OpenApiParameter("limit", int, description=f"1 to {_MAX_PAGE}, 50 by default."),
        ],
    )
    async def get(self, request: Request, session_id: str) -> HttpResponseBase:
        """The session's messages, newest first. Needs the session's token."""
        website = self.door.website
        # Without a token nothing is listed, wherever the plain flow is allowed.
        visit = Visit(website.tenant_id, website.website_id, session_id, self.token_hash, plain_allowed=False)
        before = _number(request, "cursor", default=BEYOND_THE_END, maximum=BEYOND_THE_END)
        page = await messages_page(visit, before=before, limit=_number(request, "limit", default=50, maximum=_MAX_PAGE))
        return json_response({"messages": page.messages, "next": page.next})


class WidgetConfigView(VisitorView):
    @extend_schema(
        responses={200: WidgetConfigSerializer, **_ERRORS},
        parameters=[OpenApiParameter("agent_id", str, description="The website's default agent without it.")],
    )
    async def get(self, request: Request) -> HttpResponseBase:
        """What the widget needs to draw itself on the website that asks."""
        shown = self.door.agent(request.query_params.get("agent_id"))
        return json_response(
            {
                "agent_id": shown.agent.key,
                "agent_name": shown.agent.name,
                "website_title": self.door.website.title,
                "welcome": shown.welcome,
                "starters": shown.starters,
                "look": {"accent": shown.accent, "position": shown.position},
                "demo": shown.agent.is_demo,
            }
        )


def _wants_stream(request: Request) -> bool:
    """Whether ``Accept`` names the event stream. Raises ``NotAcceptableError`` where it takes neither form."""
    entries = [entry.replace(" ", "").lower() for entry in request.headers.get("Accept", "*/*").split(",")]
    accepted = {entry.partition(";")[0] for entry in entries if not entry.endswith((";q=0", ";q=0.0"))}
    if "text/event-stream" in accepted:
        return True
    if accepted & {"", "*/*", "application/*", "application/json"}:
        return False
    raise NotAcceptableError


def _stream(events: Any) -> StreamingHttpResponse:
    response = StreamingHttpResponse(events, content_type="text/event-stream")
    response["X-Accel-Buffering"] = "no"  # nginx would hold the words back
    return response


def _split_metadata(body: dict[str, Any]) -> tuple[str | None, dict[str, JsonValue] | None]:
    """The domain that the metadata claims, and the rest, which is the session's context; None where there is none."""
    context = dict(body.get("metadata", {}))
    domain = context.pop("website_domain", None)
    return domain, context or None


def _message_id(in_body: str | None, in_header: str | None) -> str:
    if in_header is not None:
        _checked_header(in_header)
    if in_body is not None and in_header is not None and in_body != in_header:
        raise InvalidRequestError(fields={"message_id": "The Idempotency-Key header says something else."})
    return in_body or in_header or new_message_id()


def _checked_header(value: str) -> None:
    try:
        check_id(value, "Idempotency-Key")
    except UncleanError as error:
        raise InvalidRequestError(fields={error.field: error.sentence}) from None


def _number(request: Request, name: str, *, default: int, maximum: int) -> int:
    value = request.query_params.get(name)
    if value is None:
        return default
    if value.isascii() and value.isdigit() and len(value) <= len(str(maximum)) and 1 <= int(value) <= maximum:
        return int(value)
    raise InvalidRequestError(fields={name: f"This must be a whole number from 1 to {maximum}."})
