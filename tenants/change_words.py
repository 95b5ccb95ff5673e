"""Lines of the record of changes as people read them: who did what, and each value that changed, in words."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.contrib.auth.models import User
from django.db.models import Field, ForeignKey, Model
from django.utils.dateformat import format as format_date
from django.utils.text import capfirst
from django.utils.timezone import localtime

from tenants.authors import Author
from tenants.changes import Line, last_known, recorded
from tenants.models import Change, Website
from tenants.privacy_choices import PERSONAL_DATA
from tenants.privacy_policy import PrivacyPolicy
from tenants.recording import ADDED, CHANGED, KEY_SET, REMOVED
from tenants.roles import Role

NOTHING: Final = "nothing"
_GONE: Final = "one that is gone"
_AS_THE_TENANT: Final = "as the tenant"
_POLICY: Final = {one.name for one in fields(PrivacyPolicy)}
_SHORT_CHARS: Final = 120
_DEEDS: Final = {ADDED: "Added", CHANGED: "Changed", REMOVED: "Removed", KEY_SET: "Changed"}
_KEY_SET: Final = "The key was replaced, or sealed anew."
_NAMED_BY: Final = {
    "Membership": ("user",),
    "Invitation": ("note",),
    "WebsiteAgent": ("agent", "website"),
    "AgentSession": ("session_id",),
}
_NAMES: Final = ("domain", "origin", "name")


@dataclass(frozen=True, slots=True)
class ShownValue:
    """``old`` and ``new`` are None where there is none: of what was added or removed."""

    label: str
    old: str | None
    new: str | None

    @property
    def is_long(self) -> bool:
        return any(len(text) > _SHORT_CHARS or "\n" in text for text in (self.old or "", self.new or ""))


@dataclass(frozen=True, slots=True)
class ShownChange:
    at: datetime
    who: str
    role: str
    address: str
    deed: str
    kind: str
    name: str
    note: str = ""
    values: list[ShownValue] = field(default_factory=list)


def in_words(lines: list[Line], *, for_operator: bool) -> list[ShownChange]:
    """Who the operator's people are is told to the operator alone."""
    names = _names_on(lines, for_operator=for_operator)
    return [_shown(line, names, for_operator=for_operator) for line in lines]


def who_in_words(author: Author, *, for_operator: bool) -> str:
    if author.role == Role.OPERATOR and not for_operator:
        return "The operator"
    if author.name:
        return author.name
    job = author.job.rpartition("tasks.")[2].replace("_", " ")
    return f"The system: {job}" if job else "The system"


def _shown(line: Line, names: dict[Any, str], *, for_operator: bool) -> ShownChange:
    author, change = line.author, line.change
    is_hidden = author.role == Role.OPERATOR and not for_operator
    return ShownChange(
        at=change.pgh_created_at,
        who=who_in_words(author, for_operator=for_operator),
        role=author.role,
        address="" if is_hidden else author.address,
        deed=_DEEDS[change.pgh_label],
        kind=str(recorded(type(change))._meta.verbose_name),  # noqa: SLF001  Django's documented way to names
        name=_name_of(change, names),
        note=_KEY_SET if change.pgh_label == KEY_SET else "",
        values=_values(line, names),
    )


def _values(line: Line, names: dict[Any, str]) -> list[ShownValue]:
    change, before = line.change, line.before
    if change.pgh_label == KEY_SET:
        return []
    values = []
    for column in _columns(change):
        new = _in_words(column, getattr(change, column.name), names)
        old = _in_words(column, getattr(before, column.name), names) if before is not None else NOTHING
        label = capfirst(str(column.verbose_name))
        if change.pgh_label == CHANGED and old != new:
            values.append(ShownValue(label, old, new))
        elif change.pgh_label != CHANGED and new not in {NOTHING, _AS_THE_TENANT}:
            is_added = change.pgh_label == ADDED
            values.append(ShownValue(label, None if is_added else new, new if is_added else None))
    return values


def _columns(change: Change) -> "list[Field[Any, Any]]":
    """Of the recorded model, those that say something: with their choices, and what they point at."""
    kept = {one.name for one in change._meta.fields}  # noqa: SLF001  Django's documented way to walk fields
    fields = recorded(type(change))._meta.concrete_fields  # noqa: SLF001
    return [one for one in fields if one.name in kept - {"id", "tenant", "created_at"}]


def _in_words(column: "Field[Any, Any]", value: Any, names: dict[Any, str]) -> str:
    if value is None and column.model is Website and column.name in _POLICY:
        return _AS_THE_TENANT
    if value is None or value in ("", []):
        return NOTHING
    if isinstance(column, ForeignKey):
        return names.get((column.related_model, value), _GONE)
    if column.choices:
        return str(dict(column.flatchoices).get(value, value))
    if column.name == "kinds_kept":
        return ", ".join(dict(PERSONAL_DATA)[kind] for kind in value)
    return _plain(value)


def _plain(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case datetime():
            return format_date(localtime(value), "j M Y, H:i")
        case list():
            return ", ".join(map(str, value))
        case Decimal():
            return f"{value.normalize():f}"
        case _:
            return str(value)


def _name_of(change: Change, names: dict[Any, str]) -> str:
    columns = {column.name: column for column in _columns(change)}
    by = _NAMED_BY.get(recorded(type(change)).__name__) or [name for name in _NAMES if name in columns][:1]
    words = [_in_words(columns[name], getattr(change, name), names) for name in by]
    return " on ".join(word for word in words if word != NOTHING)


def _names_on(lines: list[Line], *, for_operator: bool) -> dict[Any, str]:
    """The names of all rows that the lines point at, by model and id."""
    wanted: defaultdict[type[Model], set[Any]] = defaultdict(set)
    for row in [row for line in lines for row in (line.change, line.before) if row is not None]:
        for column in _columns(row):
            if isinstance(column, ForeignKey):
                wanted[column.related_model].add(getattr(row, column.name))
    names = {}
    for model, ids in wanted.items():
        for pk, name in _names_of(model, ids - {None}, for_operator=for_operator):
            names[model, pk] = name
    return names


def _names_of(model: type[Model], ids: set[Any], *, for_operator: bool) -> Iterable[tuple[Any, str]]:
    """As they were last recorded, and as they are now; the later counts."""
    yield from ((change.id, _name_of(change, {})) for change in last_known(model, ids))
    for row in model._base_manager.filter(pk__in=ids):  # noqa: SLF001  Django's documented way to a model's rows
        is_operator = isinstance(row, User) and row.is_superuser and not for_operator
        yield row.pk, "the operator" if is_operator else str(row)
