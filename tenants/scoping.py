"""One tenant at a time: the scope, and managers that refuse to work outside it.

``tenant_scope(tenant_id)`` opens a transaction, tells PostgreSQL the tenant for exactly that transaction (a
session-wide setting would reach the next request through a pool) and remembers it for the managers.

A scope is its transaction: it ends with the block, and reaches no other connection. Python copies the context into
tasks and threads, which may outlive the block or use another connection; there the scope counts as none. Carry the id
into them, and never ``yield`` to a caller inside a scope.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q
from django.db.models.query import RawQuerySet
from django.db.models.sql.compiler import SQLCompiler

from tenants.authors import SET_TENANT_AND_AUTHOR, author_in_database
from tenants.errors import TenantMismatchError, TenantScopeConflictError, TenantScopeMissingError
from tenants.identifiers import OPERATOR_ID

_Model = TypeVar("_Model", bound=models.Model)
_Model_co = TypeVar("_Model_co", bound=models.Model, covariant=True)

SET_TENANT = "select set_config('app.tenant_id', %s, true)"
"""The statement that begins every transaction on tenants' rows; its parameter is the tenant's id as text."""


@dataclass(slots=True, eq=False)
class _Scope:
    tenant_id: UUID
    connection: BaseDatabaseWrapper
    is_open: bool = True


_active: ContextVar[_Scope | None] = ContextVar("active_tenant", default=None)


class _Owned(Protocol):
    tenant_id: UUID


def active_tenant_id() -> UUID:
    """The tenant of the scope that is open here. Raises ``TenantScopeMissingError`` where none is."""
    return _scope_on(_connection()).tenant_id


@contextmanager
def tenant_scope(tenant_id: UUID) -> Iterator[None]:
    """A transaction in which exactly this tenant's rows exist.

    Entering the same tenant again inside is harmless; another one raises ``TenantScopeConflictError``.
    """
    connection = _connection()
    if (outer := _open_scope(connection)) is not None:
        if outer.tenant_id != tenant_id:
            raise TenantScopeConflictError
        yield
        return
    # durable: inside somebody's outer transaction the setting would outlive this scope.
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute(SET_TENANT_AND_AUTHOR, [str(tenant_id), author_in_database()])
        scope = _Scope(tenant_id, connection)
        token = _active.set(scope)
        try:
            yield
        finally:
            scope.is_open = False  # for every copy of this context, too
            _active.reset(token)


def check_own(rows: Iterable[_Owned]) -> None:
    """Raises ``TenantMismatchError`` where one of ``rows`` is not the active tenant's, before anything is written."""
    tenant_id = active_tenant_id()
    if any(row.tenant_id != tenant_id for row in rows):
        raise TenantMismatchError


def _connection() -> BaseDatabaseWrapper:
    """This thread's."""
    return connections[DEFAULT_DB_ALIAS]


def _open_scope(connection: BaseDatabaseWrapper) -> _Scope | None:
    scope = _active.get()
    return scope if scope is not None and scope.is_open and scope.connection is connection else None


def _scope_on(connection: BaseDatabaseWrapper) -> _Scope:
    scope = _open_scope(connection)
    if scope is None:
        raise TenantScopeMissingError
    return scope


class ActiveTenant(models.Expression):
    """The active tenant's id, looked up when the query is compiled: no scope on its connection, no SQL."""

    output_field = models.UUIDField()

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:  # noqa: ARG002
        return "%s", (_scope_on(connection).tenant_id,)


class TenantQuerySet(models.QuerySet[_Model]):
    """What the condition on ``ActiveTenant`` does not reach: rows on their way in, and SQL that carries no condition.

    Whatever is read, changed or deleted passes the condition. Single rows on their way in pass ``TenantOwned``.
    """

    def bulk_create(self, objs: Iterable[_Model], *args: Any, **kwargs: Any) -> list[_Model]:
        return super().bulk_create(_own(objs), *args, **kwargs)

    def bulk_update(self, objs: Iterable[_Model], *args: Any, **kwargs: Any) -> int:
        return super().bulk_update(_own(objs), *args, **kwargs)

    def update(self, **values: Any) -> int:
        _check_not_moved(values)
        return super().update(**values)

    def raw(self, *args: Any, **kwargs: Any) -> "RawQuerySet[Any]":
        active_tenant_id()
        return super().raw(*args, **kwargs)


class SharedQuerySet(TenantQuerySet[_Model]):
    """Reads the operator's rows beside the tenant's own, and writes the tenant's own alone."""

    def update(self, **values: Any) -> int:
        return TenantQuerySet.update(self.filter(tenant_id=ActiveTenant()), **values)

    def delete(self) -> tuple[int, dict[str, int]]:
        return TenantQuerySet.delete(self.filter(tenant_id=ActiveTenant()))


class TenantManager(models.Manager[_Model_co]):
    """Finds the active tenant's rows and no others."""

    _queryset_class = TenantQuerySet

    def get_queryset(self) -> models.QuerySet[_Model_co]:
        return super().get_queryset().filter(tenant_id=ActiveTenant())


class SharedManager(models.Manager[_Model_co]):
    """Finds the active tenant's rows and the operator's, which all tenants may use."""

    _queryset_class = SharedQuerySet

    def get_queryset(self) -> models.QuerySet[_Model_co]:
        return super().get_queryset().filter(Q(tenant_id=ActiveTenant()) | Q(tenant_id=OPERATOR_ID))


class TenantRouter:
    """Django asks it whenever a row is made to point at another: never at another tenant's."""

    def allow_relation(self, pointed_at: models.Model, row: models.Model, **_: Any) -> None:
        """No opinion, or ``TenantMismatchError``. The operator's rows of shared models are everybody's to point at."""
        # What is loaded of them: a row that is being made has no tenant yet, and asking for it would run a query.
        owner, tenant_id = vars(pointed_at).get("tenant_id"), vars(row).get("tenant_id")
        if None in {owner, tenant_id} or owner == tenant_id:
            return
        if owner != OPERATOR_ID or not isinstance(type(pointed_at)._base_manager, SharedManager):  # noqa: SLF001
            raise TenantMismatchError


def _own(rows: Iterable[Any]) -> list[Any]:
    rows = list(rows)
    check_own(rows)
    return rows


def _check_not_moved(values: dict[str, Any]) -> None:
    """An update may not give rows to another tenant; what is computed in SQL cannot be known, and is refused too."""
    tenant_id = active_tenant_id()
    for name in {"tenant", "tenant_id"} & values.keys():
        if str(getattr(values[name], "pk", values[name])) != str(tenant_id):
            raise TenantMismatchError
