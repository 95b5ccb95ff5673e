"""What each kind of staff may do. The one place that answers "may this person do this here"."""

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """A person's part in the active tenant. The operator's superusers are ``OPERATOR`` in every tenant."""

    OPERATOR = "operator"
    OWNER = "owner"
    ADMIN = "admin"
    AUDITOR = "auditor"


class Deed(StrEnum):
    VIEW = "view"
    ADD = "add"
    CHANGE = "change"
    DELETE = "delete"


READS: Final = frozenset({Deed.VIEW})
_WRITES: Final = frozenset(Deed)
_RIGHTS: Final = {Role.OPERATOR: _WRITES, Role.OWNER: _WRITES, Role.ADMIN: _WRITES, Role.AUDITOR: READS}


def rights_of(role: Role | None) -> frozenset[Deed]:
    """What ``role`` may do to rows of the active tenant; nobody (None) may do nothing."""
    return frozenset() if role is None else _RIGHTS[role]
