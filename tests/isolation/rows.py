"""One row of every model that belongs to a tenant, and what a tenant's rows amount to."""

from typing import Any

from django.apps import apps
from django.db import connections
from django.db.models import Model
from django.utils import timezone
from psycopg import sql

from agents.models import WebsiteAgent
from sessions.erasing import ask_for_erasure
from sessions.looks import Actor, record_look
from sessions.models import HistorySegment, Look, LookHead, Turn
from sessions.targets import Target
from tenants.invitations import invite
from tenants.legal_holds import lift_hold, set_hold
from tenants.models import Change, Membership, RedactionKey, RefusedOrigin, Tenant, TenantOwned, WebsiteOrigin
from tenants.redaction_keys import redaction_key
from tenants.refused_origins import Refusals, store_refusals
from tenants.scoping import tenant_scope
from tests.admin.shops import exchange, make_session, make_shop, roll
from tests.cast import Cast

OWNED: list[type[TenantOwned]] = [model for model in apps.get_models() if issubclass(model, TenantOwned)]


def make_rows(cast: Cast, word: str) -> tuple[Tenant, dict[type[TenantOwned], Any]]:
    """A new tenant with a row of every model, none of whose foreign keys is empty; ``word`` is in all of its texts."""
    shop = make_shop(cast, word)
    told = [message for number in (1, 2) for message in exchange(number, f"Question of {word}", f"Answer of {word}")]
    long_session = make_session(shop.website, shop.agent, told, session_id=f"session_long_{word}")
    roll(long_session, 2)
    cast.change(
        shop.agent, connection=shop.connection, model="one", fallback_connection=shop.connection, fallback_model="two"
    )
    key, _ = cast.api_key(shop.tenant, name=f"Key of {word}")
    made: list[Any] = [shop.website, shop.agent, shop.connection, shop.session, key]
    with tenant_scope(shop.tenant.id):
        made.append(invite("admin", invited_by=shop.owner, note=f"Note of {word}")[0])
        refusal = Refusals(f"https://{word.lower()}.example", timezone.now(), timezone.now(), 1)
        store_refusals(shop.website.pk, timezone.now().date(), [refusal])
        record_look(Actor("1", f"Reader of {word}", "owner"), Look.Kind.VIEW, subject=long_session.session_id)
        made.append(ask_for_erasure(Target.user(f"User of {word}")))
        redaction_key()
        set_hold(long_session, by=f"Owner of {word}")
        lift_hold(long_session)
        changes: list[Any] = [model for model in OWNED if issubclass(model, Change)]
        models: tuple[Any, ...] = (
            Membership,
            WebsiteOrigin,
            HistorySegment,
            Turn,
            RefusedOrigin,
            Look,
            LookHead,
            RedactionKey,
            *changes,
        )
        found: list[Any] = [model.objects.first() for model in models]
        found.append(WebsiteAgent.objects.select_related("agent").first())
    return shop.tenant, {type(row): row for row in [*made, *found] if row is not None}


def stored(model: type[Model], tenant_id: Any) -> list[str]:
    """All of a tenant's rows of a model, as their owner sees them."""
    column = "id" if model is Tenant else "tenant_id"
    statement = sql.SQL("SELECT t::text FROM {} t WHERE {} = %s ORDER BY id").format(
        sql.Identifier(model._meta.db_table), sql.Identifier(column)
    )
    with connections["owner"].cursor() as cursor:
        cursor.execute(statement, [tenant_id])
        return [text for (text,) in cursor.fetchall()]


def everything_of(tenant: Tenant) -> dict[str, list[str]]:
    models: list[type[Model]] = [Tenant, *OWNED]
    return {model.__name__: stored(model, tenant.id) for model in models}
