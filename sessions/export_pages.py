"""Conversations as files, for staff who may take them out of the house."""

from collections.abc import AsyncIterator

from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, StreamingHttpResponse

from sessions.export_forms import Form
from tenants.admin_scope import role_in
from tenants.roles import Deed, Thing, may


def may_export(request: HttpRequest) -> bool:
    return may(role_in(request), Deed.VIEW, Thing.EXPORTS)


def check_may_export(request: HttpRequest) -> None:
    """Raises ``PermissionDenied``."""
    if not may_export(request):
        raise PermissionDenied


def chosen_form(request: HttpRequest) -> Form:
    """Raises ``BadRequest`` for another than there are."""
    try:
        return Form(request.POST.get("form", ""))
    except ValueError:
        raise BadRequest("The form of an export is json or csv.") from None


def as_file(pieces: AsyncIterator[bytes], form: Form, name: str) -> StreamingHttpResponse:
    """Read while it is sent, outside any scope: each piece opens one of its own."""
    response = StreamingHttpResponse(pieces, content_type=form.content_type)
    response["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    response["Cache-Control"] = "no-store"
    return response
