"""What each kind of staff may do. The one place that answers "may this person do this here".

The admin's pages ask it for every button and every address, and an API for staff would ask the same question.
"""

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


class Thing(StrEnum):
    """What a deed is done to, in words that staff read."""

    WEBSITES = "Websites and their agents' settings"
    DOMAIN_PROOFS = "The word that a domain is a tenant's"
    AGENTS = "Agents"
    CONNECTIONS = "Model connections and their keys"
    API_KEYS = "API keys"
    CONVERSATIONS = "Conversations"
    LOOKS = "The record of looks at conversations"
    EXPORTS = "Conversations as files"
    ERASURES = "Erasures"
    CHANGES = "The record of changes"
    MEMBERS = "Members"
    INVITATIONS = "Invitations"
    SETTINGS = "The tenant's settings"
    PRIVACY = "Privacy: what is redacted, kept, held"
    TENANTS = "The list of tenants"
    PEOPLE = "The people who log in"


Rights = frozenset[Deed]

NOTHING: Final[Rights] = frozenset()
READS: Final[Rights] = frozenset({Deed.VIEW})
_EDITS: Final = READS | {Deed.CHANGE}
_ERASES: Final = READS | {Deed.DELETE}
_MANAGES: Final = READS | {Deed.CHANGE, Deed.DELETE}
_KEEPS: Final = READS | {Deed.ADD, Deed.CHANGE}
_ASKS: Final = READS | {Deed.ADD}
_ALL: Final = frozenset(Deed)

# Members are added by invitation: whoever could add them by name would learn who else has a login here.
# Nobody writes conversations, or the records of looks and changes. Invitations are withdrawn (a change), and stay to
# be read; so do people.
_POLICY: Final[dict[Thing, dict[Role, Rights]]] = {
    Thing.WEBSITES: {Role.OPERATOR: _ALL, Role.OWNER: _ALL, Role.ADMIN: _ALL, Role.AUDITOR: READS},
    Thing.AGENTS: {Role.OPERATOR: _ALL, Role.OWNER: _ALL, Role.ADMIN: _ALL, Role.AUDITOR: READS},
    Thing.CONNECTIONS: {Role.OPERATOR: _ALL, Role.OWNER: _ALL, Role.ADMIN: _ALL, Role.AUDITOR: READS},
    Thing.API_KEYS: {Role.OPERATOR: _ALL, Role.OWNER: _ALL, Role.ADMIN: _ALL, Role.AUDITOR: READS},
    Thing.CONVERSATIONS: {Role.OPERATOR: _ERASES, Role.OWNER: _ERASES, Role.ADMIN: _ERASES, Role.AUDITOR: READS},
    Thing.LOOKS: {Role.OPERATOR: READS, Role.OWNER: READS, Role.ADMIN: READS, Role.AUDITOR: READS},
    # A file leaves the house, where no look at it is recorded any more: it is for those who answer for it.
    Thing.EXPORTS: {Role.OPERATOR: READS, Role.OWNER: READS, Role.ADMIN: READS},
    Thing.ERASURES: {Role.OPERATOR: _ASKS, Role.OWNER: _ASKS, Role.ADMIN: _ASKS, Role.AUDITOR: READS},
    Thing.CHANGES: {Role.OPERATOR: READS, Role.OWNER: READS, Role.ADMIN: READS, Role.AUDITOR: READS},
    Thing.MEMBERS: {Role.OPERATOR: _ALL, Role.OWNER: _MANAGES, Role.ADMIN: READS, Role.AUDITOR: READS},
    Thing.INVITATIONS: {Role.OPERATOR: _KEEPS, Role.OWNER: _KEEPS, Role.ADMIN: READS, Role.AUDITOR: READS},
    Thing.SETTINGS: {Role.OPERATOR: _EDITS, Role.OWNER: _EDITS, Role.ADMIN: READS, Role.AUDITOR: READS},
    # The tenant's policy stands among its settings; this is about websites that depart from it, holds, and the key.
    Thing.PRIVACY: {Role.OPERATOR: _EDITS, Role.OWNER: _EDITS, Role.ADMIN: READS, Role.AUDITOR: READS},
    # Others prove a domain by what they can put on it.
    Thing.DOMAIN_PROOFS: {Role.OPERATOR: _EDITS},
    # These two from the operator's own tenant alone, where several tenants can be seen.
    Thing.TENANTS: {Role.OPERATOR: _KEEPS},
    Thing.PEOPLE: {Role.OPERATOR: _KEEPS},
}

_IN_WORDS: Final = {
    NOTHING: "-",
    READS: "read",
    _EDITS: "read, change",
    _ERASES: "read, delete",
    _MANAGES: "read, change, remove",
    _KEEPS: "read, add, change",
    _ASKS: "read, ask for",
    _ALL: "read, add, change, delete",
}


def rights_of(role: Role | None, thing: Thing) -> Rights:
    """What ``role`` may do to the active tenant's rows of that kind; nobody (None) may do nothing."""
    return NOTHING if role is None else _POLICY[thing].get(role, NOTHING)


def may(role: Role | None, deed: Deed, thing: Thing) -> bool:
    return deed in rights_of(role, thing)


def policy_in_words() -> list[tuple[str, list[str]]]:
    """The table as people read it: each kind of thing with what owner, admin and auditor may do to it.

    What is the operator's alone is left out.
    """
    roles = (Role.OWNER, Role.ADMIN, Role.AUDITOR)
    shown = [thing for thing in Thing if rights_of(Role.OWNER, thing)]
    return [(thing.value, [_IN_WORDS[rights_of(role, thing)] for role in roles]) for thing in shown]
