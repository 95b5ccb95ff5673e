"""Erasing what staff asked for: in the background, a bounded piece at a time, one erasure of a tenant after another.

A piece is one transaction: sessions with their segments and turns go, and the figures grow with them. Whoever dies in
the middle has done nothing; whoever comes next goes on where the last piece ended.
"""

import contextlib
from functools import partial
from typing import Any, Final
from uuid import UUID

import structlog
from celery import current_app
from django.contrib.admin.models import LogEntry
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from sessions.models import Erasure
from sessions.refusals import forget_website
from sessions.relay import tell_of_erased
from sessions.store.holds import IS_HELD, LOCK_HOLDS_OF_WEBSITES
from sessions.targets import Kind, Target, preview_of
from tenants.models import Website
from tenants.rounds import each_of_tenants, each_tenant
from tenants.scoping import active_tenant_id, tenant_scope

log = structlog.get_logger(__name__)

DOOR: Final = "door_tenants_with_erasures_due"
_CHUNK: Final = 100
_UNFINISHED: Final = (Erasure.State.RUNNING, Erasure.State.WAITING)

_ALONE: Final = "SELECT pg_try_advisory_xact_lock(hashtextextended('parlour.erasure:' || %s, 0))"

# Locked first, then counted: what a turn was just adding is in the figures. Others who lock several sessions pass over
# locked ones, so nobody waits in a circle.
_LOCK_DUE: Final = """
SELECT s.id FROM agent_sessions s
 WHERE s.tenant_id = %(tenant_id)s AND {condition} AND NOT {held}
 ORDER BY s.id LIMIT %(chunk)s FOR UPDATE
"""
_HELD: Final = """
SELECT count(*) FROM agent_sessions s WHERE s.tenant_id = %(tenant_id)s AND {condition} AND {held}
"""
_FIGURES: Final = """
SELECT COALESCE(sum(s.message_count), 0)::bigint,
       (SELECT count(*) FROM turns t WHERE t.tenant_id = %(tenant_id)s AND t.agent_session_id = ANY(%(ids)s)),
       ARRAY(SELECT t.id FROM turns t WHERE t.tenant_id = %(tenant_id)s AND t.agent_session_id = ANY(%(ids)s)
                                        AND t.state IN ('queued', 'running'))
  FROM agent_sessions s WHERE s.tenant_id = %(tenant_id)s AND s.id = ANY(%(ids)s)
"""
_DELETE: Final = "DELETE FROM agent_sessions WHERE tenant_id = %(tenant_id)s AND id = ANY(%(ids)s)"


def ask_for_erasure(target: Target) -> Erasure:
    """Puts it in the active tenant's line. A website that is to go refuses its visitors from now on."""
    if target.kind is Kind.WEBSITE and target.website_pk is not None:
        Website.objects.filter(pk=target.website_pk).update(is_active=False)
    tenant_id, total = active_tenant_id(), preview_of(target).would_go
    erasure = Erasure.objects.create(tenant_id=tenant_id, kind=target.kind, sessions_total=total, **target.columns())
    transaction.on_commit(partial(_tell_worker, tenant_id), robust=True)
    return erasure


def run_erasures() -> int:
    """Works off what is due, of all tenants; gives the number of sessions and erasures brought to their end."""
    return each_tenant(DOOR, erase_some, reason="erasures")


def run_erasures_of(tenant_id: UUID) -> int:
    """Works off one tenant's line."""
    return each_of_tenants([tenant_id], _erase_some_of, reason="erasures")


def _tell_worker(tenant_id: UUID) -> None:
    """So that it begins at once; where that fails, beat's next round begins it."""
    current_app.send_task("sessions.tasks.run_erasures_of", args=[str(tenant_id)])


def _erase_some_of(tenant_id: UUID) -> int:
    with tenant_scope(tenant_id):
        return erase_some()


def erase_some() -> int:
    """Does a bounded piece of the active tenant's erasures, and gives how much; 0 where there is no more to do here."""
    erasure = _next_alone()
    if erasure is None:
        return 0
    _lock_holds()
    ids = _lock_due(Target.of(erasure), erasure)
    if ids:
        _erase(erasure, ids)
        return len(ids)
    return _finish(erasure)


def _next_alone() -> Erasure | None:
    """The tenant's erasure that is under way, or the first in line; None where there is none, or somebody is at it."""
    with connection.cursor() as cursor:
        cursor.execute(_ALONE, [str(active_tenant_id())])
        (is_alone,) = cursor.fetchone()
    if not is_alone:
        return None
    erasure = Erasure.objects.filter(state__in=_UNFINISHED).order_by("state", "created_at", "id").first()
    if erasure is not None and erasure.state == Erasure.State.WAITING:
        Erasure.objects.filter(pk=erasure.pk).update(state=Erasure.State.RUNNING, started_at=Now())
    return erasure


def _lock_holds() -> None:
    with connection.cursor() as cursor:
        cursor.execute(LOCK_HOLDS_OF_WEBSITES, {"tenant_id": active_tenant_id()})


def _lock_due(target: Target, erasure: Erasure) -> list[UUID]:
    return [session_pk for (session_pk,) in _ask(_LOCK_DUE, target, erasure)]


def _held(target: Target, erasure: Erasure) -> int:
    [(held,)] = _ask(_HELD, target, erasure)
    return int(held)


def _ask(statement: str, target: Target, erasure: Erasure) -> list[tuple[Any, ...]]:
    """About the sessions that the erasure is about."""
    values = {**target.values(), "asked_at": erasure.created_at, "chunk": _CHUNK, "tenant_id": active_tenant_id()}
    with connection.cursor() as cursor:
        cursor.execute(statement.format(condition=target.condition, held=IS_HELD), values)
        return list(cursor.fetchall())


def _erase(erasure: Erasure, ids: list[UUID]) -> None:
    values: dict[str, Any] = {"tenant_id": active_tenant_id(), "ids": ids}
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, values)
        messages, turns, live_turns = cursor.fetchone()
        cursor.execute(_DELETE, values)
    Erasure.objects.filter(pk=erasure.pk).update(
        sessions_done=F("sessions_done") + len(ids),
        messages_done=F("messages_done") + messages,
        turns_done=F("turns_done") + turns,
    )
    transaction.on_commit(partial(tell_of_erased, live_turns), robust=True)


def _finish(erasure: Erasure) -> int:
    """Closes the erasure, which names nobody from then on. 0 where something came in between: later, then."""
    target = Target.of(erasure)
    held = _held(target, erasure)
    website_pk = target.website_pk if target.kind is Kind.WEBSITE and not held else None
    if website_pk is not None and not _is_held(website_pk) and not _delete_website(website_pk):
        return 0
    Erasure.objects.filter(pk=erasure.pk).update(
        state=Erasure.State.DONE, finished_at=Now(), session_pk=None, website_pk=None, user_id="", sessions_held=held
    )
    return 1


def _is_held(website_pk: UUID) -> bool:
    return Website.objects.filter(pk=website_pk, legal_hold_at__isnull=False).exists()


def _delete_website(website_pk: UUID) -> bool:
    """The website with all that names it. False where a visitor got in by a door that is still remembered."""
    tenant_id = active_tenant_id()
    with contextlib.suppress(Website.DoesNotExist):
        website = Website.objects.get(pk=website_pk)
        try:
            with transaction.atomic():
                website.delete()
        except IntegrityError:
            log.info("a website is still in use: it goes in the next round", tenant_id=tenant_id, website_id=website_pk)
            return False
    _forget_deeds(website_pk)
    transaction.on_commit(partial(forget_website, tenant_id, website_pk), robust=True)
    return True


def _forget_deeds(website_pk: UUID) -> None:
    """What staff did to it is listed by its name."""
    LogEntry.objects.filter(
        content_type__app_label="tenants", content_type__model="website", object_id=str(website_pk)
    ).delete()
