"""A visitor takes their conversation along, or has it erased; so may the website's own server for them."""

from typing import Final

from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from sessions.api.accepting import JSON_TYPES, accepted_types
from sessions.api.base import WebsiteView
from sessions.api.described import ERRORS, KEY, TOKEN, WEBSITE_DOMAIN
from sessions.api.responses import json_response
from sessions.api.serializers import ErasedSerializer, ExportSerializer
from sessions.errors import InvalidRequestError, NotAcceptableError
from sessions.export_forms import Form
from sessions.exporting import visitors_export
from sessions.forgetting import forget_session, receipt_body
from sessions.starting import token_visit
from tenants.models import ApiKey

_FORMS: Final = "Exports come as application/json or text/csv."


class ExportView(WebsiteView):
    key_scope = ApiKey.Scope.READ_SESSIONS

    @extend_schema(
        auth=[TOKEN, KEY],
        responses={
            (200, "application/json"): ExportSerializer,
            (200, "text/csv"): {"type": "string", "description": "A row for each message."},
            **ERRORS,
        },
        parameters=[
            OpenApiParameter("format", str, enum=list(Form), description="Or by `Accept`; JSON without either."),
            WEBSITE_DOMAIN,
        ],
    )
    async def get(self, request: Request, session_id: str) -> HttpResponseBase:
        """Take the whole conversation, and what is kept of its visitor, as a file. Needs its token or a key."""
        form = _form(request)
        door = await self.enter(request.query_params.get("website_domain"))
        pieces = await visitors_export(token_visit(door, session_id, self.token_hash), form)
        response = StreamingHttpResponse(pieces, content_type=form.content_type)
        response["Content-Disposition"] = f'attachment; filename="conversation.{form}"'
        return response


class SessionView(WebsiteView):
    key_scope = ApiKey.Scope.ERASE_SESSIONS

    @extend_schema(auth=[TOKEN, KEY], responses={200: ErasedSerializer, **ERRORS}, parameters=[WEBSITE_DOMAIN])
    async def delete(self, request: Request, session_id: str) -> HttpResponseBase:
        """Erase the conversation for good. Needs its token, which gets the same receipt again, or a key."""
        door = await self.enter(request.query_params.get("website_domain"))
        receipt = await forget_session(token_visit(door, session_id, self.token_hash))
        return json_response(receipt_body(session_id, receipt))


def _form(request: Request) -> Form:
    """By ``format``, else by ``Accept``. Raises ``InvalidRequestError`` and ``NotAcceptableError``."""
    named = request.query_params.get("format")
    if named is not None:
        if named not in set(Form):
            raise InvalidRequestError(fields={"format": "This must be json or csv."})
        return Form(named)
    accepted = accepted_types(request)
    if accepted & JSON_TYPES:
        return Form.JSON
    if accepted & {"text/csv", "text/*"}:
        return Form.CSV
    raise NotAcceptableError(_FORMS)
