"""The API of visitors and of websites' servers. Each view parses, asks one service, and answers."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from sessions.answers import StoredAnswer
from sessions.api.accepting import JSON_TYPES, accepted_types
from sessions.api.base import WebsiteView
from sessions.api.described import ERRORS, KEY, ORIGIN_ALONE, TOKEN, WEBSITE_DOMAIN
from sessions.api.responses import json_response, with_headers
from sessions.api.serializers import (
    AnswerSerializer,
    ChatSerializer,
    IdentifiedSerializer,
    IdentifySerializer,
    LoggedOutSerializer,
    LogoutSerializer,
    MessagePageSerializer,
    SessionStartedSerializer,
    SessionStartSerializer,
    StoppedSerializer,
    StopSerializer,
    WidgetConfigSerializer,
    validated,
)
from sessions.beginning import TurnRequest
from sessions.cleaning import JsonValue, UncleanError, check_id
from sessions.ending_access import log_out
from sessions.errors import InvalidRequestError, NotAcceptableError, OverloadedError, QuotaExceededError
from sessions.events import as_ended_turn, read_event_id, stream_turn
from sessions.identifying import identify_visitor
from sessions.joining import is_known, join_turn
from sessions.limits.admission import Allowance, admit_start, admit_turn, uncounted
from sessions.room import check_room
from sessions.starting import start_session, token_visit, visit_of
from sessions.stopping import stop_turn
from sessions.transcripts import BEYOND_THE_END, messages_page
from sessions.turns import answer_message, take_turn
from tenants.identifiers import REPLY_PREFIX, new_message_id
from tenants.models import ApiKey

_MAX_PAGE = 100


class LimitedView(WebsiteView):
    """A view whose answers, errors among them, tell what is left of the visitor's limits."""

    limit_headers: Mapping[str, str] = {}

    async def respond(self, request: Request) -> HttpResponseBase:
        return with_headers(await super().respond(request), self.limit_headers)


class ChatView(LimitedView):
    key_scope = ApiKey.Scope.CHAT

    async def respond(self, request: Request) -> HttpResponseBase:
        """Refuses what does not fit before anything is parsed or asked: that must cost next to nothing."""
        try:
            check_room()
        except OverloadedError as error:
            return self.refuse_at_the_door(request, error)
        return await super().respond(request)

    @extend_schema(
        auth=[ORIGIN_ALONE, TOKEN, KEY],
        request=ChatSerializer,
        responses={
            (200, "application/json"): AnswerSerializer,
            (200, "text/event-stream"): {"type": "string", "description": "AG-UI events"},
            **ERRORS,
        },
        parameters=[OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, description="As message_id.")],
    )
    async def post(self, request: Request) -> HttpResponseBase:
        """Send a message and get the agent's answer, as JSON or, for `Accept: text/event-stream`, as it is written."""
        wants_stream = _wants_stream(request)
        turn_request = await self._turn_request(request)
        allowance = await self._admit(turn_request)
        self.limit_headers = allowance.headers
        return await (self._stream if wants_stream else self._whole)(turn_request, allowance)

    async def _admit(self, turn_request: TurnRequest) -> Allowance:
        """A spent budget is no reason to hold back an answer that it has paid for already."""
        website = self.door.website
        try:
            return await admit_turn(website, turn_request.session_id, self.address, is_servers=self.door.is_servers)
        except QuotaExceededError:
            visit = visit_of(self.door, turn_request.session_id, turn_request.token_hash)
            if await is_known(visit, turn_request.message_id):
                return uncounted(website)
            raise

    async def _whole(self, turn_request: TurnRequest, allowance: Allowance) -> HttpResponseBase:
        body, is_replay = await answer_message(self.door, turn_request, allowance)
        return _marked(json_response(body), is_replay=is_replay)

    async def _stream(self, turn_request: TurnRequest, allowance: Allowance) -> HttpResponseBase:
        taken = await take_turn(self.door, turn_request, allowance)
        if isinstance(taken, StoredAnswer):
            return _marked(_stream(stream_turn(as_ended_turn(taken))), is_replay=True)
        return _stream(stream_turn(taken.live))

    async def _turn_request(self, request: Request) -> TurnRequest:
        body = validated(ChatSerializer(data=request.data))
        domain, context = _split_metadata(body)
        await self.enter(domain)
        return TurnRequest(
            session_id=body["session_id"],
            message_id=_message_id(body.get("message_id"), request.headers.get("Idempotency-Key")),
            message=body["message"],
            agent_key=body.get("agent_id"),
            user_id=body.get("user_id"),
            context=context,
            token_hash=self.token_hash,
            came_from=self.came_from,
        )


class SessionsView(LimitedView):
    key_scope = ApiKey.Scope.CHAT

    @extend_schema(
        auth=[ORIGIN_ALONE, KEY], request=SessionStartSerializer, responses={201: SessionStartedSerializer, **ERRORS}
    )
    async def post(self, request: Request) -> HttpResponseBase:
        """Start a session that only its token opens."""
        body = validated(SessionStartSerializer(data=request.data))
        domain, context = _split_metadata(body)
        door = await self.enter(domain)
        self.limit_headers = await admit_start(door.website, self.address, is_servers=door.is_servers)
        agent_id, token = await start_session(
            door,
            session_id=body["session_id"],
            agent_key=body.get("agent_id"),
            user_id=body.get("user_id"),
            context=context,
            came_from=self.came_from,
        )
        started = {"session_id": body["session_id"], "agent_id": agent_id, "token": token}
        return json_response(started, status=201)


class MessagesView(WebsiteView):
    key_scope = ApiKey.Scope.READ_SESSIONS

    @extend_schema(
        auth=[TOKEN, KEY],
        responses={200: MessagePageSerializer, **ERRORS},
        parameters=[
            OpenApiParameter("cursor", str, description="`next` of the page before."),
            OpenApiParameter("limit", int, description=f"1 to {_MAX_PAGE}, 50 by default."),
            WEBSITE_DOMAIN,
        ],
    )
    async def get(self, request: Request, session_id: str) -> HttpResponseBase:
        """The session's messages, newest first. Needs the session's token or a key."""
        door = await self.enter(request.query_params.get("website_domain"))
        visit = token_visit(door, session_id, self.token_hash)
        before = _number(request, "cursor", default=BEYOND_THE_END, maximum=BEYOND_THE_END)
        page = await messages_page(visit, before=before, limit=_number(request, "limit", default=50, maximum=_MAX_PAGE))
        return json_response({"messages": page.messages, "next": page.next, "ongoing": page.ongoing})


class TurnEventsView(WebsiteView):
    key_scope = ApiKey.Scope.CHAT

    @extend_schema(
        auth=[TOKEN, KEY],
        responses={(200, "text/event-stream"): {"type": "string", "description": "AG-UI events"}, **ERRORS},
        parameters=[
            OpenApiParameter("Last-Event-ID", str, OpenApiParameter.HEADER, description="The last id seen."),
            WEBSITE_DOMAIN,
        ],
    )
    async def get(self, request: Request, session_id: str, message_id: str) -> HttpResponseBase:
        """Join a turn that runs, or read one that has ended, from the last event seen. Needs its token or a key."""
        last_event_id = read_event_id(request.headers.get("Last-Event-ID"))
        door = await self.enter(request.query_params.get("website_domain"))
        visit = token_visit(door, session_id, self.token_hash)
        return _stream(await join_turn(door, visit, message_id, last_event_id))


class StopView(WebsiteView):
    key_scope = ApiKey.Scope.CHAT

    @extend_schema(
        auth=[ORIGIN_ALONE, TOKEN, KEY],
        request=StopSerializer,
        responses={200: StoppedSerializer, **ERRORS},
        parameters=[WEBSITE_DOMAIN],
    )
    async def post(self, request: Request, session_id: str) -> HttpResponseBase:
        """Stop the running turn; what was said so far stays. Without its session's token or a key it must be named."""
        body = validated(StopSerializer(data=request.data))
        door = await self.enter(request.query_params.get("website_domain"))
        stopped_id = await stop_turn(visit_of(door, session_id, self.token_hash), body.get("message_id"))
        return json_response({"session_id": session_id, "message_id": stopped_id, "stopped": stopped_id is not None})


class IdentifyView(WebsiteView):
    @extend_schema(auth=[TOKEN], request=IdentifySerializer, responses={200: IdentifiedSerializer, **ERRORS})
    async def post(self, request: Request, session_id: str) -> HttpResponseBase:
        """Prove who the visitor is, by the website's signature. Needs the session's token."""
        body = validated(IdentifySerializer(data=request.data))
        visit = token_visit(self.door, session_id, self.token_hash)
        user_id = await identify_visitor(visit, body["token"], self.door.website.hosts)
        return json_response({"user_id": user_id, "verified": True})


class LogoutView(WebsiteView):
    @extend_schema(auth=[TOKEN], request=LogoutSerializer, responses={200: LoggedOutSerializer, **ERRORS})
    async def post(self, request: Request, session_id: str) -> HttpResponseBase:
        """End the session's token, in every tab. Needs that token; the body may be empty."""
        validated(LogoutSerializer(data=request.data))
        await log_out(token_visit(self.door, session_id, self.token_hash))
        return json_response({"session_id": session_id, "logged_out": True})


class WidgetConfigView(WebsiteView):
    @extend_schema(
        responses={200: WidgetConfigSerializer, **ERRORS},
        parameters=[
            OpenApiParameter("agent_id", str, description="The website's default agent without it."),
            OpenApiParameter("site_key", str, description="As the header X-Parlour-Key."),
        ],
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


def _marked(response: HttpResponseBase, *, is_replay: bool) -> HttpResponseBase:
    if is_replay:
        response["Parlour-Replayed"] = "true"
    return response


def _wants_stream(request: Request) -> bool:
    """Whether ``Accept`` names the event stream. Raises ``NotAcceptableError`` where it takes neither form."""
    accepted = accepted_types(request)
    if "text/event-stream" in accepted:
        return True
    if accepted & JSON_TYPES:
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
    message_id = in_body or in_header or new_message_id()
    if message_id.startswith(REPLY_PREFIX):
        raise InvalidRequestError(fields={"message_id": f"Ids that begin with {REPLY_PREFIX} are those of answers."})
    return message_id


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
