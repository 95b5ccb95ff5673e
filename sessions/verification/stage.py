"""The tenants that attack each other: made for one run, and gone after it.

Every text of theirs carries a canary, a word that exists nowhere else: where it turns up in an answer to somebody
else, something leaked.
"""

import secrets
import string
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import connection as database
from django.utils import timezone

from agents.models import Agent, ModelConnection, WebsiteAgent
from sessions.looks import Actor, record_look
from sessions.models import AgentSession, Erasure, HistorySegment, Look
from sessions.store.visits import NO_BROWSERS
from tenants.api_keys import create_api_key
from tenants.identifiers import OPERATOR_ID
from tenants.identity_secrets import make_identity_secret
from tenants.invitations import invite
from tenants.legal_holds import lift_hold, set_hold
from tenants.models import ApiKey, Invitation, Membership, Tenant, Website
from tenants.redaction_keys import redaction_key
from tenants.refused_origins import Refusals, store_refusals
from tenants.registration import prove_website, register_website
from tenants.scoping import tenant_scope

SLUG_PREFIX: Final = "isolation-check-"
_OUR_SLUG: Final = f"^{SLUG_PREFIX}[0-9a-f]{{12}}$"
_OUR_NAME: Final = "^Isolation check Canary[a-z]{16}$"
_DOMAIN: Final = ".isolation-check.example"
_LEFT_BEHIND: Final = timedelta(days=1)
_AT: Final = "2026-01-01T00:00:00Z"
_CANARY_LETTERS: Final = 16
_PLENTY: Final = {
    "session_turns_per_minute": 100_000,
    "network_turns_per_minute": 1_000_000,
    "turns_per_minute": 1_000_000,
}


def new_canary() -> str:
    """A word that looks like a name, so that the demo model remembers it as one."""
    letters = "".join(secrets.choice(string.ascii_lowercase) for _ in range(_CANARY_LETTERS))
    return f"Canary{letters}"


@dataclass(slots=True)
class Visitor:
    """A conversation in which a name was said: ``canary``. Without a ``token`` its id alone opens it."""

    session_id: str
    canary: str
    message_id: str
    token: str | None = None


@dataclass(slots=True)
class Place:
    """A website and its visitors."""

    website: Website
    identity_secret: str
    visitors: list[Visitor] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return f"https://{self.website.domain}"


@dataclass(slots=True)
class House:
    """A tenant with all that is its own. ``canary`` stands in every text of it but its visitors'."""

    tenant: Tenant
    canary: str
    agent: Agent
    places: list[Place]
    staff: dict[str, User]
    api_key: str
    narrow_keys: dict[str, str]
    """Keys by the one scope that each has."""
    invitations: dict[str, str]
    """Tokens by what became of them: ``open``, ``used``, ``withdrawn``, ``too old``."""

    @property
    def visitors(self) -> list[Visitor]:
        return [visitor for place in self.places for visitor in place.visitors]

    @property
    def canaries(self) -> set[str]:
        return {self.canary} | {visitor.canary for visitor in self.visitors}

    def rows(self) -> dict[str, str]:
        """A digest of each table's rows of the tenant: what an attack must leave as it was."""
        with tenant_scope(self.tenant.pk):
            return {table: _digest(table) for table in owned_tables() if table not in _WRITTEN_BY_JOBS}

    def conversation(self, place: Place, visitor: Visitor) -> str:
        """A digest of the visitor's session with its turns and segments."""
        with tenant_scope(self.tenant.pk), database.cursor() as cursor:
            cursor.execute(_CONVERSATION, {"website": place.website.pk, "session": visitor.session_id})
            return str(cursor.fetchall())


_CONVERSATION: Final = """
SELECT md5(s::text), (SELECT md5(string_agg(t::text, ',' ORDER BY t.id)) FROM turns t WHERE t.agent_session_id = s.id),
       (SELECT count(*) FROM history_segments g WHERE g.agent_session_id = s.id)
  FROM agent_sessions s WHERE s.website_id = %(website)s AND s.session_id = %(session)s
"""


_WRITTEN_BY_JOBS: Final = {"refused_origins"}
"""Beat counts there what the attacks themselves brought about, whenever it pleases."""


def owned_tables() -> dict[str, str]:
    """Every table of tenants' rows, as the database itself lists them, with the column that says whose a row is."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT c.table_name FROM information_schema.columns c JOIN information_schema.tables t"
            " USING (table_schema, table_name) WHERE c.table_schema = 'public' AND c.column_name = 'tenant_id'"
            " AND t.table_type = 'BASE TABLE' ORDER BY 1"
        )
        return {"tenants": "id", **{table: "tenant_id" for (table,) in cursor.fetchall()}}


def build_house(websites: int) -> House:
    """A tenant with an agent, websites of which every second one takes sessions without a token, and staff."""
    canary = new_canary()
    with tenant_scope(OPERATOR_ID):
        tenant = Tenant.objects.create(
            name=f"Isolation check {canary}", slug=f"{SLUG_PREFIX}{secrets.token_hex(6)}", **_PLENTY
        )
    with tenant_scope(tenant.pk):
        connection = ModelConnection.objects.create(
            tenant_id=tenant.pk, name=canary, base_url=f"https://model{_DOMAIN}/v1"
        )
        agent = _build_agent(tenant, canary)
        _build_agent(
            tenant, canary, connection=connection, model="one", fallback_connection=connection, fallback_model="two"
        )
        places = [_build_place(agent, canary, needs_token=number % 2 == 0) for number in range(websites)]
        staff = {role: _build_member(tenant, role) for role in Membership.Role.values}
        _, api_key = create_api_key(canary, list(ApiKey.Scope))
        narrow_keys = {scope.value: create_api_key(canary, [scope])[1] for scope in ApiKey.Scope}
        invitations = _build_invitations(staff["owner"], canary)
        refusal = Refusals(f"https://{canary.lower()}.example", timezone.now(), timezone.now(), 1)
        _build_long_session(places[0], agent, canary)
        redaction_key()
        _hold_for_a_moment(canary)
        store_refusals(places[0].website.pk, timezone.now().date(), [refusal])
        _build_erasure(tenant, canary)
        # The first line: it says that the record may be taken away again with its tenant.
        record_look(Actor("", canary, "verification"), Look.Kind.REHEARSAL)
    return House(tenant, canary, agent, places, staff, api_key, narrow_keys, invitations)


def _hold_for_a_moment(canary: str) -> None:
    """For the record of changes; a hold that lasted would keep the house from being cleared."""
    session = AgentSession.objects.earliest("created_at")
    set_hold(session, by=canary)
    lift_hold(session)


def clear_house(house: House) -> None:
    """Takes away everything that was built, also what the attacks have added to it."""
    _clear_tenant(house.tenant.pk)


def clear_left_behind() -> None:
    """Takes away what a run left behind that was broken off."""
    with tenant_scope(OPERATOR_ID):
        old = Tenant.objects.filter(
            slug__regex=_OUR_SLUG, name__regex=_OUR_NAME, created_at__lt=timezone.now() - _LEFT_BEHIND
        )
        tenant_ids = list(old.values_list("id", flat=True))
    for tenant_id in tenant_ids:
        if _is_ours(tenant_id):
            _clear_tenant(tenant_id)


def _is_ours(tenant_id: UUID) -> bool:
    """Whether no website of it could be a real one: the name and the slug alone could have been typed by somebody."""
    with tenant_scope(tenant_id):
        return not Website.objects.exclude(domain__endswith=_DOMAIN).exists()


def _build_agent(tenant: Tenant, canary: str, **more: Any) -> Agent:
    """Without a connection it answers by the demo model."""
    key = f"agent_{secrets.token_hex(4)}"
    return Agent.objects.create(
        tenant_id=tenant.pk, key=key, name=canary, instructions=f"Say nothing of {canary}.", **more
    )


def _build_place(agent: Agent, canary: str, *, needs_token: bool) -> Place:
    website = register_website(f"{secrets.token_hex(8)}{_DOMAIN}", title=canary, require_session_token=needs_token)
    prove_website(website)
    WebsiteAgent.objects.create(
        tenant_id=website.tenant_id, website=website, agent=agent, is_default=True, instructions=canary, welcome=canary
    )
    return Place(website, make_identity_secret(website))


def _build_long_session(place: Place, agent: Agent, canary: str) -> None:
    """A conversation whose oldest messages have left its history, as happens after a hundred."""
    said = [{"id": f"message_{role}", "role": role, "content": canary, "at": _AT} for role in ("user", "assistant")]
    session = AgentSession.objects.create(
        tenant_id=agent.tenant_id,
        website=place.website,
        agent_tenant_id=agent.tenant_id,
        agent=agent,
        session_id=f"s_{secrets.token_hex(12)}",
        origin_host=place.website.domain,
        token_hash=NO_BROWSERS,
        message_count=len(said),
    )
    HistorySegment.objects.create(
        tenant_id=agent.tenant_id, agent_session=session, first_position=0, message_count=len(said), messages=said
    )


def _build_erasure(tenant: Tenant, canary: str) -> None:
    """One that is done: what is due, the worker would work off meanwhile."""
    done = {"state": Erasure.State.DONE, "finished_at": timezone.now(), "receipt_hmac": canary.encode()}
    Erasure.objects.create(tenant_id=tenant.pk, kind=Erasure.Kind.VISITOR, **done)


def _build_member(tenant: Tenant, role: str) -> User:
    user = get_user_model().objects.create_user(f"{SLUG_PREFIX}{secrets.token_hex(8)}", is_staff=True)
    Membership.objects.create(tenant=tenant, user=user, role=role)
    return user


def _build_invitations(owner: User, canary: str) -> dict[str, str]:
    now, tokens = timezone.now(), {}
    for state, moments in (
        ("open", {}),
        ("used", {"accepted_at": now}),
        ("withdrawn", {"revoked_at": now}),
        ("too old", {"expires_at": now - timedelta(seconds=1)}),
    ):
        invitation, tokens[state] = invite(Membership.Role.ADMIN, invited_by=owner, note=canary)
        if moments:
            Invitation.objects.filter(pk=invitation.pk).update(**moments)
    return tokens


def _clear_tenant(tenant_id: UUID) -> None:
    with tenant_scope(tenant_id):
        members = list(Membership.objects.values_list("user_id", flat=True))
        with database.cursor() as cursor:
            cursor.execute("SELECT door_forget_rehearsal()")
        AgentSession.objects.all().delete()
        WebsiteAgent.objects.all().delete()
        Website.objects.all().delete()
        Agent.objects.filter(tenant_id=tenant_id).delete()
        own = get_user_model().objects.filter(pk__in=members, username__startswith=SLUG_PREFIX)
        LogEntry.objects.filter(user__in=own).delete()
        own.delete()
        Tenant.objects.filter(pk=tenant_id).delete()
        with database.cursor() as cursor:
            cursor.execute("SELECT door_forget_rehearsed_changes()")


def _digest(table: str) -> str:
    with database.cursor() as cursor:
        cursor.execute(f"SELECT count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) FROM \"{table}\" t")  # noqa: S608  a name of the catalogue
        return str(cursor.fetchone())


def changed_tables(before: dict[str, str], after: dict[str, str]) -> str:
    """The tables whose rows are others now, in one line; empty where none are."""
    return ", ".join(table for table in before if before[table] != after.get(table))
