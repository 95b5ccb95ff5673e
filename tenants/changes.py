"""The active tenant's record of changes, read: a page of lines, each with its row as it was before."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from django.apps import apps
from django.db.backends.utils import CursorWrapper
from django.db.models import Max, Model, OuterRef, QuerySet, Subquery, Value

from tenants.authors import Author
from tenants.models import Change, MembershipChange, Tenant, TenantChange, Website
from tenants.recording import FOUND
from tenants.roles import Role

PAGE_SIZE: Final = 50
MOST_PAGES: Final = 200
"""A page costs what all pages before it cost; further back one gets by the dates."""

SYSTEM: Final = "system"
OPERATOR: Final = "operator"

_Rows = Callable[[type[Change]], "QuerySet[Change]"]


@dataclass(frozen=True, slots=True)
class Line:
    """One change: the row as it became (as it was last, where it was removed), and as it was before."""

    change: Change
    before: Change | None

    @property
    def author(self) -> Author:
        """Nobody's change is the system's."""
        return Author(**(self.change.pgh_context or {}))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Empty is everything. ``who`` is a user's id, ``SYSTEM`` or ``OPERATOR``; the days are the tenant's own."""

    kind: str = ""
    who: str = ""
    since: date | None = None
    until: date | None = None


def kinds() -> dict[str, type[Change]]:
    """The models of the record, by the names of what they record."""
    found = [model for model in apps.get_models() if issubclass(model, Change)]
    return {recorded(model).__name__: model for model in found}


def recorded(model: type[Change]) -> type[Model]:
    tracked: type[Model] = model.pgh_tracked_model  # type: ignore[assignment]  # the library leaves it None in the base
    return tracked


def people() -> list[int]:
    """The ids of all who were ever members while changes were recorded."""
    return list(MembershipChange.objects.order_by().values_list("user", flat=True).distinct())


def changes(wanted: Wanted, *, page: int) -> tuple[list[Line], bool]:
    """A page of the newest lines, and whether there are older ones."""
    models = [model for name, model in kinds().items() if wanted.kind in {"", name}]
    return _page_of({model: _matching(model.objects.all(), wanted) for model in models}, _own, page)


def changes_of(row: Model, *, page: int) -> tuple[list[Line], bool]:
    """As ``changes``, of one row; of a website with its origins and its agents."""
    if isinstance(row, Tenant):
        # The operator reads it from its own scope, too; the row policy says who else.
        rows: _Rows = lambda model: QuerySet(model).filter(tenant_id=row.pk)  # noqa: E731
        return _page_of({TenantChange: rows(TenantChange).filter(id=row.pk)}, rows, page)
    found = {model: model.objects.filter(id=row.pk) for model in kinds().values() if recorded(model) is type(row)}
    if isinstance(row, Website):
        parts: list[Any] = [model for model in kinds().values() if any(f.name == "website" for f in model._meta.fields)]  # noqa: SLF001
        found |= {model: model.objects.filter(website=row.pk) for model in parts}
    return _page_of(found, _own, page)


def is_recorded(model: type[Model]) -> bool:
    """With all that happens to a row."""
    record: Any = kinds().get(model.__name__)
    return record is not None and record.is_whole


def last_known(model: type[Model], ids: set[Any]) -> list[Change]:
    """Rows of ``model`` as they were last, also those that are gone."""
    record = kinds().get(model.__name__)
    if record is None:
        return []
    last = record.objects.filter(id__in=ids).order_by().values("id").annotate(last=Max("pgh_id")).values("last")
    return list(record.objects.filter(pgh_id__in=last))


def erase_changes(cursor: CursorWrapper, tenant_id: UUID) -> int:
    """Erases a tenant's whole record, once its rows are gone; gives how many lines went.

    ``cursor`` is the database's owner's: the application's role is refused.
    """
    total = 0
    for model in kinds().values():
        cursor.execute(f'DELETE FROM "{model._meta.db_table}" WHERE tenant_id = %s', [tenant_id])  # noqa: S608, SLF001
        total += int(cursor.rowcount)
    return total


def _own(model: type[Change]) -> "QuerySet[Change]":
    return model.objects.all()


def _matching(rows: "QuerySet[Change]", wanted: Wanted) -> "QuerySet[Change]":
    if wanted.since is not None:
        rows = rows.filter(pgh_created_at__date__gte=wanted.since)
    if wanted.until is not None:
        rows = rows.filter(pgh_created_at__date__lte=wanted.until)
    if wanted.who == SYSTEM:
        return rows.exclude(pgh_context__role__in=list(Role))
    if wanted.who == OPERATOR:
        return rows.filter(pgh_context__role=Role.OPERATOR)
    return rows.filter(pgh_context__user_id=int(wanted.who)) if wanted.who else rows


def _page_of(found: dict[type[Change], "QuerySet[Change]"], rows: _Rows, page: int) -> tuple[list[Line], bool]:
    start = (page - 1) * PAGE_SIZE
    keys = _newest(found, start + PAGE_SIZE + 1)[start:]
    return _lines(keys[:PAGE_SIZE], rows), len(keys) > PAGE_SIZE


def _newest(found: dict[type[Change], "QuerySet[Change]"], many: int) -> list[tuple[str, int]]:
    """Of each kind its newest from the index, and of those the newest: by the kind's name and the line's id."""
    order = ("-pgh_created_at", "-pgh_id")
    parts: list[QuerySet[Any, tuple[str, int, datetime]]] = [
        matching.exclude(pgh_label=FOUND)
        .order_by(*order)
        .annotate(kind=Value(recorded(model).__name__))
        .values_list("kind", "pgh_id", "pgh_created_at")[:many]
        for model, matching in found.items()
    ]
    first, *rest = parts
    newest = first.union(*rest, all=True).order_by(*order)[:many] if rest else first
    return [(kind, pgh_id) for kind, pgh_id, _at in newest]


def _lines(keys: list[tuple[str, int]], rows: _Rows) -> list[Line]:
    """Two statements for each kind on the page."""
    ids: defaultdict[str, list[int]] = defaultdict(list)
    for kind, pgh_id in keys:
        ids[kind].append(pgh_id)
    found = {
        (kind, line.change.pk): line
        for kind, of_kind in ids.items()
        for line in _with_before(rows(kinds()[kind]), of_kind)
    }
    return [found[key] for key in keys]


def _with_before(rows: "QuerySet[Change]", ids: Iterable[int]) -> list[Line]:
    earlier = rows.filter(id=OuterRef("id"), pgh_id__lt=OuterRef("pgh_id")).order_by("-pgh_id")
    found: list[Any] = list(rows.filter(pgh_id__in=ids).annotate(before_id=Subquery(earlier.values("pgh_id")[:1])))
    before = rows.in_bulk({line.before_id for line in found if line.before_id is not None})
    return [Line(line, before.get(line.before_id)) for line in found]
