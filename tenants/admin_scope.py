"""Every request to the admin runs inside exactly one tenant.

The scope closes when the view has answered; Django renders its deferred responses before that. A streaming body would
be read after it, and then finds no tenant and no rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from structlog.contextvars import bind_contextvars

from tenants.authors import Author, writing_as
from tenants.client_address import visitor_address
from tenants.identifiers import OPERATOR_ID
from tenants.models import Tenant
from tenants.roles import Role
from tenants.scoping import tenant_scope

CHOSEN_TENANT: Final = "admin_tenant"
"""Where the login session keeps the tenant that was chosen in the header."""

_SERVER_ERROR: Final = 500

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Seat:
    """A tenant that a person may work in, and as what."""

    tenant_id: UUID
    tenant_name: str
    role: Role


class AdminScopeMiddleware:
    """Opens the chosen tenant's scope around each admin view and closes it with the view's answer.

    Sets ``request.seats``, ``request.tenant`` and ``request.tenant_role``; the latter two are None for whoever has no
    seat, who sees the login page alone. What a view wrote before it failed is undone.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(reverse("admin:index")):
            return self._get_response(request)
        seats = _seats_of(request.user)
        seat = _chosen(seats, request.session.get(CHOSEN_TENANT))
        if seat is None:
            _place(request, seats, None, None)
            return self._get_response(request)
        return self._answer_in(seat, seats, request)

    def _answer_in(self, seat: Seat, seats: tuple[Seat, ...], request: HttpRequest) -> HttpResponse:
        bind_contextvars(tenant_id=seat.tenant_id)  # for the request's lines in the log
        with writing_as(author_behind(request, seat.role)):
            return self._answer_as_author(seat, seats, request)

    def _answer_as_author(self, seat: Seat, seats: tuple[Seat, ...], request: HttpRequest) -> HttpResponse:
        if _opens_own_scopes(request):
            with tenant_scope(seat.tenant_id):
                tenant = Tenant.objects.get(pk=seat.tenant_id)
            _place(request, seats, tenant, seat.role)
            return self._get_response(request)
        with tenant_scope(seat.tenant_id):
            tenant = Tenant.objects.get(pk=seat.tenant_id)
            _place(request, seats, tenant, seat.role)
            with timezone.override(ZoneInfo(tenant.time_zone)):
                response = self._get_response(request)
            if response.status_code >= _SERVER_ERROR:
                transaction.set_rollback(True)
        return response


def author_behind(request: HttpRequest, role: str, name: str | None = None) -> Author:
    """For the record of changes; ``name`` is that of somebody who has no login yet."""
    address = visitor_address(request.META.get("REMOTE_ADDR"), request.META.get("HTTP_X_FORWARDED_FOR"))
    user_id, known_name = request.user.pk, request.user.get_username()
    return Author.person(user_id, name or known_name, role, str(address or ""))


def opens_own_scopes(view: View) -> View:
    """Marks a view that waits for something else than the database: no transaction stays open around it.

    It finds its tenant in the request, opens its scope around each step, and answers without a page of its own.
    """
    view.opens_own_scopes = True  # type: ignore[attr-defined]  # as Django marks views, too
    return view


def role_in(request: HttpRequest) -> Role | None:
    """The person's role in the active tenant."""
    return getattr(request, "tenant_role", None)


def tenant_of(request: HttpRequest) -> Tenant | None:
    """The tenant that the request runs in."""
    return getattr(request, "tenant", None)


def is_operators_desk(request: HttpRequest) -> bool:
    """Whether this is the operator at home: the one place from which several tenants can be seen."""
    tenant = tenant_of(request)
    return role_in(request) is Role.OPERATOR and tenant is not None and tenant.is_operator


def active_tenant_context(request: HttpRequest) -> dict[str, Any]:
    """For templates: which tenant the page is in, as what, and where else its reader may go."""
    tenant = tenant_of(request)
    if tenant is None:
        return {}
    return {"active_tenant": tenant, "tenant_role": role_in(request), "seats": getattr(request, "seats", ())}


def _opens_own_scopes(request: HttpRequest) -> bool:
    try:
        return getattr(resolve(request.path_info).func, "opens_own_scopes", False)
    except Resolver404:
        return False


def _place(request: Any, seats: tuple[Seat, ...], tenant: Tenant | None, role: Role | None) -> None:
    request.seats, request.tenant, request.tenant_role = seats, tenant, role


def _seats_of(user: Any) -> tuple[Seat, ...]:
    if not (user.is_authenticated and user.is_active and user.is_staff):
        return ()
    return _every_tenant() if user.is_superuser else _memberships_of(user)


def _every_tenant() -> tuple[Seat, ...]:
    """The list of tenants is the operator's own data: its scope alone shows it."""
    with tenant_scope(OPERATOR_ID):
        names = list(Tenant.objects.values_list("id", "name"))
    seats = [Seat(tenant_id, name, Role.OPERATOR) for tenant_id, name in names]
    return tuple(sorted(seats, key=lambda seat: seat.tenant_id != OPERATOR_ID))


def _memberships_of(user: User) -> tuple[Seat, ...]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tenant_id, tenant_name, role FROM door_memberships_of(%s)", [user.pk])
        return tuple(Seat(tenant_id, name, Role(role)) for tenant_id, name, role in cursor.fetchall())


def _chosen(seats: tuple[Seat, ...], chosen: str | None) -> Seat | None:
    """The seat in the chosen tenant; the first where none is chosen, or where it was taken away since."""
    return next((seat for seat in seats if str(seat.tenant_id) == chosen), seats[0] if seats else None)
