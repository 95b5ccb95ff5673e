"""Nothing remains: after an erasure the whole database, all of Redis and the processes' logs are searched for canaries.

The visitor's words were everywhere that they come to: in history and segments, in turns that failed or still run, in
the context, and in Redis, where another process follows the running turn.
"""

import io
import re
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.test import Client
from psycopg import sql
from redis import Redis

from agents.models import Agent
from sessions.erasing import run_erasures_of
from sessions.models import AgentSession, Erasure, Look
from tenants.changes import kinds
from tenants.identifiers import OPERATOR_ID
from tenants.invitations import invite
from tenants.legal_holds import lift_hold, set_hold
from tenants.models import Tenant, Website
from tenants.scoping import tenant_scope
from tests.admin.shops import ADMIN, exchange, make_turn, roll
from tests.cast import Cast
from tests.faults.stack import Stack
from tests.stub_model import StubModel
from tests.visitor import RefusedError, Visitor
from tests.waiting import wait_until

RUNNING = "message_running"


@dataclass
class Told:
    """A visitor in whose every word there is the canary, in the middle of an answer.

    ``place`` is in every word of the website's own people.
    """

    canary: str
    place: str
    visitor: Visitor
    tenant: Tenant
    website: Website
    session: AgentSession
    stub: StubModel
    model: str
    endings: list[str]
    readers: list[threading.Thread]

    def let_answer(self) -> None:
        self.stub.release(self.model)
        for reader in self.readers:
            reader.join(30)
            assert not reader.is_alive()


@pytest.fixture
def model() -> str:
    return f"stub;hold_after=3;tokens=6;erasing={secrets.token_hex(4)}"


@pytest.fixture
def agent(cast: Cast, stub_model: StubModel, model: str) -> Agent:
    return cast.agent(connection=cast.connection(None, stub_model.url), model=model)


@pytest.fixture
def told(stack: Stack, cast: Cast, agent: Agent, stub_model: StubModel, model: str, settings: Any) -> Iterator[Told]:
    settings.REDIS_URL = stack.redis.url
    canary, place = f"canary{secrets.token_hex(8)}", f"place{secrets.token_hex(8)}"
    tenant = cast.tenant(f"Tenant {place}")
    website = cast.website(tenant, f"{place}.localhost", title=place)
    cast.use(website, agent, instructions=place, welcome=place)
    visitor = Visitor(stack.web[0], website.domain, session_id=f"session_{canary}")
    visitor.start(user_id=f"{canary}@example.com", metadata={"plan": canary})
    with tenant_scope(tenant.pk):
        session = AgentSession.objects.get()
        session.history = exchange(1, canary, f"Hello {canary}") + exchange(2, canary, canary)
        session.message_count = 4
        session.save(update_fields=["history", "message_count"])
    roll(session, 2)
    make_turn(session, 1, "message_lost", state="failed", message=canary, partial_reply=canary)
    told = Told(canary, place, visitor, tenant, website, session, stub_model, model, [], [])
    _begin_to_answer(stack, told)
    yield told
    told.let_answer()


def _begin_to_answer(stack: Stack, told: Told) -> None:
    """A turn runs in one process; a reader in the other follows it, so that its words are in Redis, too."""
    own = told.visitor.stream_with_ids(f"What of {told.canary}?", message_id=RUNNING)
    follower = told.visitor.at(stack.web[1])
    for events in (own, follower.join(RUNNING)):
        heard = next(event for _, event in events if event["type"] == "TEXT_MESSAGE_CONTENT")
        assert heard
        reader = threading.Thread(target=lambda events=events: told.endings.append(_ending(events)))
        reader.start()
        told.readers.append(reader)
    wait_until(lambda: told.canary in redis_dump(stack))


def _ending(events: Any) -> str:
    *_, (_, last) = events
    return str(last.get("code", last["type"]))


def database_dump(stack: Stack) -> dict[str, str]:
    """Every row of every table as text, as the superuser sees it."""
    with psycopg.connect(stack.postgres.superuser_url) as superuser:
        tables = superuser.execute(
            "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'm', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"
        ).fetchall()
        rows = sql.SQL("SELECT COALESCE(string_agg(t::text, E'\\n'), '') FROM {} t")
        names = [name for (name,) in tables]
        return {name: str(superuser.execute(rows.format(sql.Identifier(name.strip('"')))).fetchone()) for name in names}


def redis_dump(stack: Stack) -> str:
    """Every key with its value, in all of its databases."""
    found: list[bytes] = []
    with Redis.from_url(stack.redis.url) as redis:
        for key in redis.scan_iter():
            found += [key, redis.dump(key) or b"", _plain(redis, key)]
    return b"\n".join(found).decode(errors="replace")


def _plain(redis: Any, key: bytes) -> bytes:
    match redis.type(key):
        case b"string":
            return bytes(redis.get(key) or b"")
        case b"hash":
            return repr(redis.hgetall(key)).encode()
        case b"set":
            return repr(redis.smembers(key)).encode()
        case b"list":
            return repr(redis.lrange(key, 0, -1)).encode()
    return b""


def holding(stack: Stack, *canaries: str) -> list[str]:
    """The tables, and Redis, in which one of them is found."""
    found = [table for table, rows in database_dump(stack).items() if any(canary in rows for canary in canaries)]
    return sorted([*found, *(["redis"] if any(canary in redis_dump(stack) for canary in canaries) else [])])


THE_RECORD = {model._meta.db_table for model in kinds().values()}
"""What was changed, by whom; a visitor's words are in none of it."""
EVERYWHERE = ["agent_sessions", "history_segments", "redis", "turns"]
OF_THE_WEBSITE = ["tenants", "website_agents", "website_origins", "websites"]
OF_THE_TENANT = ["agents", "api_keys", "auth_user", "look_heads", "looks", "memberships", "model_connections"]


def test_nothing_of_a_visitor_remains_after_their_own_erasure(stack: Stack, told: Told) -> None:
    assert holding(stack, told.canary) == EVERYWHERE
    receipt = told.visitor.at(stack.web[1]).erase().json()
    assert (receipt["messages"], receipt["turns"]) == (4, 2)
    for reader in told.readers:
        reader.join(30)
    assert told.endings == ["overloaded", "overloaded"], "whoever read along is told, in both processes"
    wait_until(lambda: holding(stack, told.canary) == [])
    told.let_answer()
    assert told.stub.calls(model=told.model) == 1
    assert holding(stack, told.canary, told.visitor.token or "-") == []
    assert set(holding(stack, told.place)) - THE_RECORD == set(OF_THE_WEBSITE)
    assert [web for web in stack.web if told.canary in web.log_text()] == []
    with pytest.raises(RefusedError, match="session_token_invalid"):
        list(told.visitor.join(RUNNING))


def test_nothing_of_a_website_remains_after_staff_erased_it(
    stack: Stack, cast: Cast, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    owner = cast.staff((told.tenant, "owner"))
    client = Client(headers={"Host": "localhost"})
    client.force_login(owner)
    page = f"{ADMIN}tenants/website/{told.website.pk}/"
    assert client.post(f"{ADMIN}agent_sessions/agentsession/{told.session.pk}/end-access/").status_code == 302
    form = {"title": told.place, "website_agents-TOTAL_FORMS": "0", "website_agents-INITIAL_FORMS": "0"}
    assert client.post(page + "change/", {**form, "double_send": "enqueue"}).status_code == 302
    told.visitor.http.post(
        "/api/v1/chat/",
        json={"message": "x", "session_id": "session_0001"},
        headers={"Origin": f"https://{told.place}.evil.example", "X-Parlour-Key": told.website.site_key},
    )
    wait_until(lambda: "redis" in holding(stack, told.place))
    assert holding(stack, told.canary) == EVERYWHERE
    held = set(holding(stack, told.place)) - THE_RECORD
    assert held == {*OF_THE_WEBSITE, "agent_sessions", "django_admin_log", "redis"}
    answer = client.post(page + "erase/", {"scope": "website", "word": str(told.website)})
    assert answer.status_code == 302
    run_erasures_of(told.website.tenant_id)
    wait_until(lambda: holding(stack, told.canary) == [])
    told.let_answer()
    assert holding(stack, told.canary, told.website.site_key) == []
    of_website = {"tenant_changes", "website_changes", "website_origin_changes", "website_agent_changes"}
    assert set(holding(stack, told.place)) == {"looks", "tenants", *of_website}, "what staff did is still on record"
    assert [word for word in (told.canary, told.place) if word in caplog.text] == []


def test_nothing_of_a_tenant_remains_but_one_receipt(stack: Stack, cast: Cast, told: Told) -> None:
    tenant, other = told.tenant, cast.tenant("Another")
    only_here, elsewhere = cast.staff((tenant, "owner")), cast.staff((tenant, "admin"), (other, "owner"))
    with tenant_scope(other.pk):
        invite("admin", invited_by=only_here, note="by a person who goes")
    key, _ = cast.api_key(tenant, name=told.place)
    cast.agent(tenant, name=told.place, connection=cast.connection(tenant, "https://example.com/v1"), model="m")
    client = Client(headers={"Host": "localhost"})
    client.force_login(only_here)
    for _ in range(2):
        assert client.get(f"{ADMIN}agent_sessions/agentsession/{told.session.pk}/change/").status_code == 200
    names = [told.canary, told.place, str(tenant.pk), only_here.username, key.prefix]
    assert set(holding(stack, *names)) - THE_RECORD == {*EVERYWHERE, *OF_THE_WEBSITE, *OF_THE_TENANT}
    assert THE_RECORD - set(holding(stack, *names)) == {
        "agent_session_changes",
        "invitation_changes",
        "redaction_key_changes",
    }
    with pytest.raises(CommandError, match="no tenant"):
        call_command("erase_tenant", "nobody", "--yes", stdout=io.StringIO())
    said = io.StringIO()
    call_command("erase_tenant", tenant.slug, "--yes", "--reason", "Contract ended", stdout=said)
    assert "1 websites, 1 conversations, and 1 people" in said.getvalue()
    wait_until(lambda: holding(stack, *names) == ["looks"])
    told.let_answer()
    names.remove(str(tenant.pk))
    assert holding(stack, *names) == []
    assert {user.pk for user in get_user_model().objects.filter(pk__in=[only_here.pk, elsewhere.pk])} == {elsewhere.pk}
    with tenant_scope(OPERATOR_ID):
        receipt = Erasure.objects.get(kind=Erasure.Kind.TENANT)
        assert not Tenant.objects.filter(pk=tenant.pk).exists()
        [line] = Look.objects.filter(subject=str(tenant.pk))
    assert (line.kind, line.count, line.reason) == (Look.Kind.TENANT_ERASURE, 2, "Contract ended")
    assert re.findall("er_[0-9a-f]{32}", said.getvalue()) == [receipt.receipt_id]
    assert (receipt.sessions_done, receipt.messages_done, receipt.turns_done) == (1, 4, 2)


def test_tenant_is_erased_after_its_name_was_typed(
    stack: Stack, cast: Cast, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = database_dump(stack)
    monkeypatch.setattr("builtins.input", lambda _: "no")
    with pytest.raises(CommandError, match=r"Nothing was erased\."):
        call_command("erase_tenant", told.tenant.slug, stdout=io.StringIO())
    with tenant_scope(told.tenant.pk):
        set_hold(told.website, by="owner")
    with pytest.raises(CommandError, match="2 of its websites and conversations are under a legal hold"):
        call_command("erase_tenant", told.tenant.slug, "--yes", stdout=io.StringIO())
    with tenant_scope(told.tenant.pk):
        lift_hold(told.website)
    with pytest.raises(CommandError, match="operator"):
        call_command("erase_tenant", "operator", "--yes", stdout=io.StringIO())
    after = database_dump(stack)
    changed = {table for table in before if before[table] != after[table]}
    assert changed <= {"turns", "website_changes"}, "where a lease was renewed, and the hold was set and lifted"
