"""Erasing a tenant: everything that is its own, by the owner of the tables, whom no row policy binds.

The application could not: its role may not take anything out of the record of looks. The tenant is suspended first, its
conversations go in short transactions, and all the rest in one. Whoever breaks it off runs it again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import connections, transaction
from psycopg import sql
from redis import Redis
from redis.exceptions import RedisError

from sessions.errors import ErasureHeldError
from sessions.looks import Actor, erase_record
from sessions.refusals import DUE_KEY
from sessions.relay import tell_of_erased
from sessions.store.holds import IS_HELD, LOCK_HOLDS_OF_WEBSITES
from tenants.changes import erase_changes
from tenants.identifiers import OPERATOR_ID, new_id
from tenants.walls import APPEND_ONLY, READ_ONLY

log = structlog.get_logger(__name__)

OWNER: Final = "owner"
_CHUNK: Final = 500

_PEOPLE: Final = """
SELECT m.user_id FROM memberships m JOIN auth_user u ON u.id = m.user_id
 WHERE m.tenant_id = {tenant} AND NOT u.is_superuser
   AND NOT EXISTS (SELECT FROM memberships o WHERE o.user_id = m.user_id AND o.tenant_id <> m.tenant_id)
"""
_HELD: Final = f"""
SELECT (SELECT count(*) FROM agent_sessions s WHERE s.tenant_id = {{tenant}} AND {IS_HELD})
       + (SELECT count(*) FROM websites w WHERE w.tenant_id = {{tenant}} AND w.legal_hold_at IS NOT NULL)
"""
_FOUND: Final = f"""
SELECT t.id, t.name,
       (SELECT count(*) FROM websites w WHERE w.tenant_id = t.id),
       (SELECT count(*) FROM agent_sessions s WHERE s.tenant_id = t.id),
       ({_HELD.format(tenant="t.id")}),
       ARRAY({_PEOPLE.format(tenant="t.id")})
  FROM tenants t WHERE t.slug = %s AND t.id <> %s
"""
_LOCK_SOME: Final = f"""
SELECT s.id, s.message_count FROM agent_sessions s
 WHERE s.tenant_id = %(tenant_id)s AND NOT {IS_HELD} ORDER BY s.id LIMIT %(chunk)s FOR UPDATE
"""
_TURNS_OF: Final = """
SELECT count(*), COALESCE(array_agg(id) FILTER (WHERE state IN ('queued', 'running')), '{}') FROM turns
 WHERE tenant_id = %s AND agent_session_id = ANY(%s)
"""
_OWN_TABLES: Final = """
SELECT c.table_name FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
 WHERE c.table_schema = 'public' AND c.column_name = 'tenant_id' AND t.table_type = 'BASE TABLE' ORDER BY 1
"""
_RECORD: Final = {*APPEND_ONLY, *READ_ONLY}
"""What ``note_tenant_erasure`` and ``erase_changes`` erase."""
_NAMING_PEOPLE: Final = """
SELECT k.conrelid::regclass::text, a.attname, a.attnotnull
  FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
 WHERE k.contype = 'f' AND k.confrelid = 'auth_user'::regclass
"""
_DEEDS_TO_PEOPLE: Final = """
DELETE FROM django_admin_log l USING django_content_type c
 WHERE c.id = l.content_type_id AND (c.app_label, c.model) = ('auth', 'user') AND l.object_id = ANY(%s)
"""
_RECEIPT: Final = """
INSERT INTO erasures (tenant_id, id, kind, state, sessions_total, sessions_done, messages_done, turns_done, started_at,
                      finished_at)
VALUES (%(operator)s, %(id)s, 'tenant', 'done', %(sessions)s, %(sessions)s, %(messages)s, %(turns)s, %(started_at)s,
        now())
"""


@dataclass(frozen=True, slots=True)
class DoomedTenant:
    """What would go. ``held`` are its websites and conversations under a legal hold, for which it may not; ``people``
    belong to no other tenant, and go along."""

    id: UUID
    name: str
    websites: int
    sessions: int
    held: int
    people: list[int]


@dataclass(slots=True)
class _Figures:
    started_at: Any
    sessions: int = 0
    messages: int = 0
    turns: int = 0


def find_tenant(slug: str) -> DoomedTenant | None:
    """None where there is no such tenant, or it is the operator."""
    with connections[OWNER].cursor() as cursor:
        cursor.execute(_FOUND, [slug, OPERATOR_ID])
        row = cursor.fetchone()
    return DoomedTenant(*row) if row else None


def erase_tenant(tenant: DoomedTenant, progress: Callable[[int], None], *, reason: str = "") -> UUID:
    """Erases everything of the tenant, and gives the receipt in the operator's list. ``progress`` hears of sessions.

    ``reason`` is kept in the operator's record of looks.

    Raises ``ErasureHeldError`` where a legal hold forbids it: then nothing is changed, or, where it was set meanwhile,
    the tenant is suspended, and of its conversations those are gone that were not held yet.
    """
    if tenant.held:
        raise ErasureHeldError
    figures = _Figures(_suspend(tenant.id))
    while done := _erase_some(tenant.id, figures):
        progress(done)
    with transaction.atomic(using=OWNER):
        receipt_id = _erase_the_rest(tenant, figures)
        note_tenant_erasure(tenant.id, reason)
    _forget_in_redis(tenant.id)
    return receipt_id


def note_tenant_erasure(tenant_id: UUID, reason: str) -> None:
    """The tenant's record of looks becomes one line of the operator's, in the same transaction.

    Last of all, for other lines of the operator's record wait for it.
    """
    owner = connections[OWNER]
    with owner.cursor() as cursor:
        erase_record(cursor, tenant_id, Actor("", owner.settings_dict["USER"], "database owner"), reason=reason)
    log.info("a tenant was erased", tenant_id=tenant_id)


def _suspend(tenant_id: UUID) -> Any:
    """Its doors close at once, within the seconds that they are remembered. Gives the time."""
    with transaction.atomic(using=OWNER), connections[OWNER].cursor() as cursor:
        cursor.execute("UPDATE tenants SET is_active = false WHERE id = %s RETURNING now()", [tenant_id])
        return cursor.fetchone()[0]


def _erase_some(tenant_id: UUID, figures: _Figures) -> int:
    with transaction.atomic(using=OWNER), connections[OWNER].cursor() as cursor:
        cursor.execute(LOCK_HOLDS_OF_WEBSITES, {"tenant_id": tenant_id})
        cursor.execute(_LOCK_SOME, {"tenant_id": tenant_id, "chunk": _CHUNK})
        rows = cursor.fetchall()
        ids = [session_pk for session_pk, _ in rows]
        cursor.execute(_TURNS_OF, [tenant_id, ids])
        turns, live = cursor.fetchone()
        cursor.execute("DELETE FROM django_admin_log WHERE object_id = ANY(%s)", [[str(one) for one in ids]])
        cursor.execute("DELETE FROM agent_sessions WHERE tenant_id = %s AND id = ANY(%s)", [tenant_id, ids])
    figures.sessions += len(rows)
    figures.messages += sum(count for _, count in rows)
    figures.turns += turns
    tell_of_erased(live)
    return len(rows)


def _erase_the_rest(tenant: DoomedTenant, figures: _Figures) -> UUID:
    """In any order, for the foreign keys are looked at in the end; twice, for rows that deleting others has made."""
    receipt_id = new_id()
    with connections[OWNER].cursor() as cursor:
        _check_nothing_is_held(cursor, tenant.id)
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute(_PEOPLE.format(tenant="%s"), [tenant.id])
        people = [person for (person,) in cursor.fetchall()]
        cursor.execute(_OWN_TABLES)
        tables = [table for (table,) in cursor.fetchall() if table not in _RECORD]
        for table in [*tables, *tables]:
            _empty(cursor, table, tenant.id)
        _erase_people(cursor, people)
        cursor.execute("DELETE FROM django_admin_log WHERE object_id = %s", [str(tenant.id)])
        cursor.execute("DELETE FROM tenants WHERE id = %s", [tenant.id])
        erase_changes(cursor, tenant.id)  # now that no row is left to add a line
        counts = {"sessions": figures.sessions, "messages": figures.messages, "turns": figures.turns}
        values = {"operator": OPERATOR_ID, "id": receipt_id, "started_at": figures.started_at}
        cursor.execute(_RECEIPT, {**values, **counts})
    return receipt_id


def _check_nothing_is_held(cursor: Any, tenant_id: UUID) -> None:
    """Since it was asked somebody may have set a hold; nobody can any more until this transaction ends."""
    cursor.execute("SELECT FROM websites WHERE tenant_id = %s FOR UPDATE", [tenant_id])
    cursor.execute(_HELD.format(tenant="%(tenant_id)s"), {"tenant_id": tenant_id})
    if cursor.fetchone()[0]:
        raise ErasureHeldError


def _empty(cursor: Any, table: str, tenant_id: UUID) -> None:
    """With what staff did to its rows, which is listed by their names."""
    named = sql.Identifier(table)
    deeds = "DELETE FROM django_admin_log l USING {} t WHERE t.tenant_id = %s AND l.object_id = t.id::text"
    cursor.execute(sql.SQL(deeds).format(named), [tenant_id])
    cursor.execute(sql.SQL("DELETE FROM {} WHERE tenant_id = %s").format(named), [tenant_id])


def _erase_people(cursor: Any, people: list[int]) -> None:
    """Their accounts, their logins, what they did and what was done to them, which is listed by their names; where
    another tenant's row names one, it names nobody then."""
    for session in Session.objects.using(OWNER).iterator():
        if session.get_decoded().get(SESSION_KEY) in {str(person) for person in people}:
            session.delete(using=OWNER)
    cursor.execute(_NAMING_PEOPLE)
    for table, column, is_required in cursor.fetchall():
        statement = (
            "DELETE FROM {} WHERE {} = ANY(%s)" if is_required else "UPDATE {0} SET {1} = NULL WHERE {1} = ANY(%s)"
        )
        cursor.execute(sql.SQL(statement).format(sql.Identifier(table), sql.Identifier(column)), [people])
    cursor.execute(_DEEDS_TO_PEOPLE, [[str(person) for person in people]])
    cursor.execute("DELETE FROM auth_user WHERE id = ANY(%s)", [people])


def _forget_in_redis(tenant_id: UUID) -> None:
    """All keys of a tenant carry its id. Where Redis is away they go by themselves, within two days."""
    try:
        with Redis.from_url(settings.REDIS_URL) as redis:
            for key in redis.scan_iter(match=f"parlour:*{tenant_id}*"):
                redis.delete(key)
            for name in redis.sscan_iter(DUE_KEY, match=f"{tenant_id}/*"):
                redis.srem(DUE_KEY, name)
    except RedisError as error:
        log.warning("what Redis counts of a tenant goes in two days", tenant_id=tenant_id, error=error)
