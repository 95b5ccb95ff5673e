"""One tenant at a time: the scope, and managers that refuse to work outside it.

``tenant_scope(tenant_id)`` opens a transaction, tells PostgreSQL the tenant for exactly that transaction (a
session-wide setting would reach the next request through a pool) and remembers it for the managers. Never ``yield`` to
a caller inside a scope, and carry the id, not the scope, into another thread or task.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q
from django.db.models.sql.compiler import SQLCompiler

from tenants.errors import TenantScopeConflictError, TenantScopeMissingError
from tenants.identifiers import OPERATOR_ID

_Model_co = TypeVar("_Model_co", bound=models.Model, covariant=True)
_active: ContextVar[UUID | None] = ContextVar("active_tenant", default=None)

SET_TENANT = "select set_config('app.tenant_id', %s, true)"
"""The statement that begins every transaction on tenants' rows; its parameter is the tenant's id as text."""


def active_tenant_id() -> UUID:
    """The tenant of the open scope. Raises ``TenantScopeMissingError`` outside any."""
    tenant_id = _active.get()
    if tenant_id is None:
        raise TenantScopeMissingError
    return tenant_id


@contextmanager
def tenant_scope(tenant_id: UUID) -> Iterator[None]:
    """A transaction in which exactly this tenant's rows exist.

    Entering the same tenant again inside is harmless; another one raises ``TenantScopeConflictError``.
    """
    if _active.get() == tenant_id:
        yield
        return
    if _active.get() is not None:
        raise TenantScopeConflictError
    # durable: inside somebody's outer transaction the setting would outlive this scope.
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute(SET_TENANT, [str(tenant_id)])
        token = _active.set(tenant_id)
        try:
            yield
        finally:
            _active.reset(token)


class ActiveTenant(models.Expression):
    """The active tenant's id, looked up when the query is compiled: no scope, no SQL."""

    output_field = models.UUIDField()

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:  # noqa: ARG002
        return "%s", (active_tenant_id(),)


class TenantManager(models.Manager[_Model_co]):
    """Finds the active tenant's rows and no others."""

    def get_queryset(self) -> models.QuerySet[_Model_co]:
        return super().get_queryset().filter(tenant_id=ActiveTenant())


class SharedManager(models.Manager[_Model_co]):
    """Finds the active tenant's rows and the operator's, which all tenants may use."""

    def get_queryset(self) -> models.QuerySet[_Model_co]:
        return super().get_queryset().filter(Q(tenant_id=ActiveTenant()) | Q(tenant_id=OPERATOR_ID))
