"""Makes the model of a record of changes: a table beside the recorded one, to which triggers add a row a change.

Triggers see what no code of ours can miss or forget: bulk updates, raw SQL, cascades. They work as whoever makes the
change, so that row policies hold for the record, too. What is not named is not recorded, and costs nothing: a row
whose unnamed columns alone change is left alone by the trigger's condition.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import pghistory
import pgtrigger
from django.db import models

ADDED: Final = "added"
CHANGED: Final = "changed"
REMOVED: Final = "removed"
KEY_SET: Final = "key_set"
FOUND: Final = "found"
"""How a row was when recording began."""


def change_model(
    base: Any,
    recorded: type[models.Model],
    fields: Iterable[str],
    *,
    sealed: pgtrigger.Condition | None = None,
    only: Sequence[pghistory.RowEvent] = (),
    triggers: Iterable[pgtrigger.Trigger] = (),
) -> Any:
    """The model of the changes of ``recorded``, a subclass of ``base``; of the columns ``fields`` are kept.

    What ``sealed`` says of a column that is kept out is recorded as a fact (``KEY_SET``), without a value. With
    ``only`` these events alone are recorded: of rows whose life is no member's doing. References are kept as plain
    values: no row of the record points at anything, or keeps anything from being deleted.
    """
    trackers = list(only) or [
        pghistory.InsertEvent(ADDED),
        pghistory.UpdateEvent(CHANGED),
        pghistory.DeleteEvent(REMOVED),
    ]
    if sealed is not None:
        trackers.append(pghistory.UpdateEvent(KEY_SET, condition=sealed))
    table = recorded._meta.db_table.removesuffix("s")  # noqa: SLF001  Django's documented way to the table's name
    names = ["id", *fields]
    return pghistory.create_event_model(
        recorded,
        *trackers,
        fields=names,
        obj_field=None,  # type: ignore[arg-type]  # as the library documents it
        context_field=pghistory.ContextJSONField(),
        context_id_field=None,  # type: ignore[arg-type]  # as above
        model_name=f"{recorded.__name__}Change",
        base_model=base,
        attrs={**_plain_references(recorded, names), "is_whole": not only},
        meta={
            "db_table": f"{table}_changes",
            "base_manager_name": "objects",
            "indexes": [
                models.Index(fields=["tenant", "id", "pgh_id"], name=f"{table}_change_row"),
                models.Index(fields=["tenant", "-pgh_created_at"], name=f"{table}_change_time"),
            ],
            "triggers": list(triggers),
        },
        abstract=False,
    )


def _plain_references(recorded: type[models.Model], names: list[str]) -> "dict[str, models.Field[Any, Any]]":
    return {
        field.name: _plain(field)
        for field in recorded._meta.local_fields  # noqa: SLF001  Django's documented way to walk fields
        if isinstance(field, models.ForeignKey) and field.name in names and field.name != "tenant"
    }


def _plain(reference: "models.ForeignKey[Any, Any]") -> "models.Field[Any, Any]":
    # People alone have numbers, and are named by a setting.
    is_person = isinstance(reference.remote_field.model, str)
    kind = models.BigIntegerField if is_person else models.UUIDField
    return kind(reference.verbose_name, null=reference.null, db_column=reference.column, editable=False)
