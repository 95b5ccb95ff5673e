"""Sessions taken out whole, as a stream: bounded in memory, and no connection is held while its reader is slow."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from sessions.export_forms import EndPart, Form, Part, SessionPart, WordsPart, written
from sessions.history import read_history
from sessions.starting import check_right
from sessions.store import export
from sessions.store.visits import Visit
from tenants.database import Row


@dataclass(frozen=True, slots=True)
class Exported:
    """A session that is about to be exported: what is kept of it beside its words."""

    tenant_id: UUID
    session_pk: UUID
    facts: dict[str, Any]

    @classmethod
    def of(cls, tenant_id: UUID, row: Row) -> "Exported":
        facts = {name: value for name, value in row.items() if name not in {"session_pk", "may_use"}}
        return cls(tenant_id, row["session_pk"], facts)


Sessions: TypeAlias = AsyncIterator[Exported]


async def visitors_export(visit: Visit, form: Form) -> AsyncIterator[bytes]:
    """The visitor's session, as a file. Raises the session token's errors before its first byte."""
    facts = await export.facts_of_visit(visit)
    check_right(visit, facts)
    assert facts is not None
    return written(_parts(_only(Exported.of(visit.tenant_id, facts))), form, is_one=True)


def session_export(tenant_id: UUID, session_pk: UUID, form: Form) -> AsyncIterator[bytes]:
    """One session, for staff."""
    return written(_parts(_by_pk(tenant_id, session_pk)), form, is_one=True)


def user_export(tenant_id: UUID, user_ids: list[str], form: Form, *, verified_only: bool) -> AsyncIterator[bytes]:
    """All of a user's sessions, on all websites of the tenant, for staff; by the ids under which they are stored."""
    return written(_parts(_of_user(tenant_id, user_ids, verified_only=verified_only)), form, is_one=False)


async def _only(exported: Exported) -> Sessions:
    yield exported


async def _by_pk(tenant_id: UUID, session_pk: UUID) -> Sessions:
    facts = await export.facts_of_session(tenant_id, session_pk)
    if facts is not None:
        yield Exported.of(tenant_id, facts)


async def _of_user(tenant_id: UUID, user_ids: list[str], *, verified_only: bool) -> Sessions:
    after = export.FIRST_ID
    while rows := await export.facts_of_user(tenant_id, user_ids, verified_only=verified_only, after=after):
        for row in rows:
            yield Exported.of(tenant_id, row)
        after = rows[-1]["session_pk"]


async def _parts(sessions: Sessions) -> AsyncIterator[Part]:
    async for session in sessions:
        yield SessionPart(session.facts)
        position: int = 0
        while found := await export.messages_from(session.tenant_id, session.session_pk, position):
            yield WordsPart(messages=[message.public() for message in read_history(found)])
            position += len(found)
        number = 0
        while turns := await export.unanswered_after(session.tenant_id, session.session_pk, number):
            yield WordsPart(unanswered=turns)
            number = turns[-1]["number"]
        yield EndPart(is_complete=found is not None)
