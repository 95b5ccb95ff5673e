"""Every public method of Django's managers and querysets, used once; the synchronous and the asynchronous alike.

A case is given a manager or a queryset, and a row that it tries to find or to write. What has no case here fails
``test_models``: a new Django is looked at before it is used.
"""

import copy
import functools
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from asgiref.sync import async_to_sync
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Count, F, Manager, QuerySet
from django.utils import timezone

from tenants.errors import TenantMismatchError
from tenants.identifiers import new_id
from tenants.models import Tenant, TenantOwned

Use = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Case:
    """A use of a method, and what comes of it where the row is another tenant's: a value, or an error."""

    use: Use
    elsewhere: Any


def public_methods() -> set[str]:
    kinds = (QuerySet, Manager)
    names = {name for kind in kinds for name in dir(kind) if not name.startswith("_")}
    return {name for name in names if any(callable(getattr(kind, name, None)) for kind in kinds)}


def asynchronous(names: set[str]) -> set[str]:
    """The asynchronous twins of the methods that have one."""
    return {f"a{name}" for name in names if hasattr(QuerySet, f"a{name}")}


class Awaited:
    """A queryset whose methods are the asynchronous ones, waited for as a synchronous caller would."""

    def __init__(self, rows: Any) -> None:
        self.rows = rows
        self.model = rows.model

    def __iter__(self) -> Any:
        return iter(_collected(self.rows.all()))

    def __getattr__(self, name: str) -> Any:
        if name == "iterator":
            return lambda: _collected(self.rows.aiterator())
        if hasattr(self.rows, f"a{name}"):
            return async_to_sync(functools.partial(_awaited, getattr(self.rows, f"a{name}")))

        def chained(*args: Any, **kwargs: Any) -> Any:
            given = getattr(self.rows, name)(*args, **kwargs)
            return Awaited(given) if isinstance(given, QuerySet) else given

        return chained


async def _awaited(method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return await method(*args, **kwargs)


@async_to_sync
async def _collected(rows: Any) -> list[Any]:
    return [row async for row in rows]


def another(row: TenantOwned) -> TenantOwned:
    """A new row like this one, of the same tenant."""
    twin = copy.copy(row)
    twin.pk, twin._state.adding = new_id(), True
    return twin


def values_of(row: TenantOwned) -> dict[str, Any]:
    """All but its id; what it points at as far as that is loaded."""
    fields: list[Any] = [field for field in row._meta.concrete_fields if not field.primary_key]
    names = [field.name if field.is_relation and field.is_cached(row) else field.attname for field in fields]
    return {name: getattr(row, name) for name in names}


READS: dict[str, Case] = {
    "aggregate": Case(lambda rows, _: rows.aggregate(n=Count("pk")), {"n": 0}),
    "alias": Case(lambda rows, _: list(rows.alias(n=F("pk"))), []),
    "all": Case(lambda rows, _: list(rows.all()), []),
    "annotate": Case(lambda rows, _: list(rows.annotate(n=F("pk"))), []),
    "complex_filter": Case(lambda rows, row: list(rows.complex_filter({"pk": row.pk})), []),
    "contains": Case(lambda rows, row: rows.contains(row), elsewhere=False),
    "count": Case(lambda rows, _: rows.count(), 0),
    "dates": Case(lambda rows, _: list(rows.dates("created_at", "day")), []),
    "datetimes": Case(lambda rows, _: list(rows.datetimes("created_at", "hour")), []),
    "defer": Case(lambda rows, _: list(rows.defer("created_at")), []),
    "difference": Case(lambda rows, _: list(rows.difference(rows.filter(created_at=None))), []),
    "distinct": Case(lambda rows, _: list(rows.distinct()), []),
    "earliest": Case(lambda rows, _: rows.earliest("created_at"), ObjectDoesNotExist),
    "exclude": Case(lambda rows, _: list(rows.exclude(created_at=None)), []),
    "exists": Case(lambda rows, _: rows.exists(), elsewhere=False),
    "extra": Case(lambda rows, _: list(rows.extra(where=["true"])), []),
    "filter": Case(lambda rows, row: list(rows.filter(pk=row.pk)), []),
    "first": Case(lambda rows, _: rows.first(), None),
    "get": Case(lambda rows, row: rows.get(pk=row.pk), ObjectDoesNotExist),
    "get_queryset": Case(lambda rows, _: list(getattr(rows, "get_queryset", rows.all)()), []),
    "db_manager": Case(lambda rows, _: list(getattr(rows, "db_manager", rows.using)("default").all()), []),
    "in_bulk": Case(lambda rows, row: rows.in_bulk([row.pk]), {}),
    "intersection": Case(lambda rows, row: list(rows.intersection(rows.filter(pk=row.pk))), []),
    "iterator": Case(lambda rows, _: list(rows.iterator()), []),
    "last": Case(lambda rows, _: rows.last(), None),
    "latest": Case(lambda rows, _: rows.latest("created_at"), ObjectDoesNotExist),
    "only": Case(lambda rows, _: list(rows.only("created_at")), []),
    "order_by": Case(lambda rows, _: list(rows.order_by("created_at")), []),
    "prefetch_related": Case(lambda rows, _: list(rows.prefetch_related("tenant")), []),
    "raw": Case(lambda rows, row: list(rows.raw(f"SELECT * FROM {_table(rows)} WHERE id = %s", [row.pk])), []),  # noqa: S608
    "resolve_expression": Case(lambda rows, _: list(Tenant.objects.filter(pk__in=rows.values("tenant_id"))), []),
    "reverse": Case(lambda rows, _: list(rows.order_by("created_at").reverse()), []),
    "select_for_update": Case(lambda rows, _: list(rows.select_for_update(of=("self",))), []),
    "select_related": Case(lambda rows, _: list(rows.select_related("tenant")), []),
    "union": Case(lambda rows, row: list(rows.union(rows.filter(pk=row.pk))), []),
    "using": Case(lambda rows, _: list(rows.using("default")), []),
    "values": Case(lambda rows, _: list(rows.values("pk")), []),
    "values_list": Case(lambda rows, _: list(rows.values_list("pk")), []),
}
"""All but ``explain``: it gives a plan wherever there is a scope."""

WRITES: dict[str, Case] = {
    "bulk_create": Case(lambda rows, row: rows.bulk_create([another(row)]), TenantMismatchError),
    "bulk_update": Case(lambda rows, row: rows.bulk_update([row], ["created_at"]), TenantMismatchError),
    "create": Case(lambda rows, row: rows.create(**values_of(row)), TenantMismatchError),
    "delete": Case(lambda rows, _: rows.all().delete(), (0, {})),
    "get_or_create": Case(
        lambda rows, row: rows.get_or_create(pk=row.pk, defaults=values_of(row)), TenantMismatchError
    ),
    "update": Case(lambda rows, _: rows.update(created_at=timezone.now()), 0),
    "update_or_create": Case(
        lambda rows, row: rows.update_or_create(pk=row.pk, defaults=values_of(row)), TenantMismatchError
    ),
}

EXPLAIN = {"explain": Case(lambda rows, _: bool(rows.explain()), elsewhere=True)}
CASES = {**READS, **WRITES, **EXPLAIN}

OPERATORS: dict[str, Case] = {
    "for": Case(lambda rows, _: [row for row in rows.all()], []),  # noqa: C416  the loop itself
    "async for": Case(lambda rows, _: _collected(rows.all()), []),
    "len": Case(lambda rows, _: len(rows.all()), 0),
    "bool": Case(lambda rows, _: bool(rows.all()), elsewhere=False),
    "in": Case(lambda rows, row: row in rows.all(), elsewhere=False),
    "[0]": Case(lambda rows, _: rows.all()[0], IndexError),
    "[:1]": Case(lambda rows, _: list(rows.all()[:1]), []),
    "repr": Case(lambda rows, _: repr(rows.all()).partition(" ")[2], "[]>"),
    "&": Case(lambda rows, _: list(rows.all() & rows.all()), []),
    "|": Case(lambda rows, row: list(rows.all() | rows.filter(pk=row.pk)), []),
    "^": Case(lambda rows, _: list(rows.all() ^ rows.filter(created_at=None)), []),
    "pickle": Case(lambda rows, _: list(pickle.loads(pickle.dumps(rows.all()))), []),  # noqa: S301  our own bytes
}
"""What is done with a queryset without calling a method of it."""

ASK_NOTHING = {
    "as_manager": "makes a manager of a queryset's class",
    "from_queryset": "makes a manager's class of a queryset's",
    "none": "asks the database nothing",
    "check": "looks at the declaration",
    "contribute_to_class": "belongs to the declaration",
    "deconstruct": "writes the declaration into a migration",
}
"""Public methods without a case, and why."""


def _table(rows: Any) -> str:
    return str(rows.model._meta.db_table)
