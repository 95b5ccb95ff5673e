"""Finding a session among very many and loading its history: PostgreSQL's own time, and what the row policy costs."""

import os
import random
import time
from collections.abc import Callable
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg

from bench.results import Goal
from bench.scenarios.scenario import Figures, Metric, Scenario, percentile
from bench.servers import ROOT
from bench.stage import Stage, System
from sessions.store.begin import READ
from sessions.store.visits import LOCK, Visit
from tenants.doors import TokenLife
from tenants.scoping import SET_TENANT

PLANS: Final = ROOT / ".run" / "bench-plans.txt"
LOOKED_AT: Final = 300
TRANSACTIONS: Final = 3_000
LOOKUP_MS: Final = Goal(1.0)
HISTORY_MS: Final = Goal(5.0)

# A hundred tenants beside the bench's own, each with a website; the sessions are spread over them by turns.
_TENANTS: Final = """
INSERT INTO tenants (id, name, slug, is_active, time_zone, retention_days)
SELECT gen_random_uuid(), 'Many ' || n, 'many-' || n, true, 'UTC', 30 FROM generate_series(0, 99) n
"""
_WEBSITES: Final = """
INSERT INTO websites (id, tenant_id, domain, title, site_key, proof_token, is_active, require_session_token)
SELECT gen_random_uuid(), id, slug || '.example', '', 'pk_' || slug, slug, true, false
  FROM tenants WHERE slug LIKE 'many-%'
"""
_SESSIONS: Final = """
WITH places AS MATERIALIZED (
    SELECT row_number() OVER () - 1 AS number, w.id, w.tenant_id FROM websites w WHERE w.site_key LIKE 'pk_many-%%'),
talks AS MATERIALIZED (
    SELECT k AS kind, (SELECT jsonb_agg(jsonb_build_object(
                                  'id', 'msg_' || md5(k::text || m), 'at', now(),
                                  'role', CASE m %% 2 WHEN 1 THEN 'user' ELSE 'assistant' END,
                                  'content', (SELECT string_agg(md5(random()::text), ' ')
                                                FROM generate_series(1, 12 + 0 * m))))
                         FROM generate_series(1, 10) m) AS history
      FROM generate_series(0, 49) k)
INSERT INTO agent_sessions (tenant_id, id, website_id, agent_tenant_id, agent_id, session_id, origin_host, history,
                            message_count, last_activity_at)
SELECT p.tenant_id, gen_random_uuid(), p.id, a.tenant_id, a.id, 's_' || md5(n::text), 'example', t.history, 10,
       now() - interval '40 days'
  FROM generate_series(%(first)s::int, %(last)s::int) n
  JOIN places p ON p.number = n %% 100
  JOIN talks t ON t.kind = n %% 50
 CROSS JOIN (SELECT tenant_id, id FROM agents LIMIT 1) a
"""
_CHUNK: Final = 50_000
_SOME: Final = "SELECT tenant_id, website_id, session_id, agent_id FROM agent_sessions WHERE session_id = ANY(%s)"


def measure(stage: Stage, system: System) -> Figures:  # noqa: ARG001  the database alone is measured
    count = stage.size.many_sessions
    with psycopg.connect(os.environ["EMBEDDED_SUPERUSER_URL"], autocommit=True) as superuser:
        fill(superuser, count)
        chosen = [f"s_{_md5(superuser, number)}" for number in random.sample(range(count), min(count, LOOKED_AT))]
        visits = [_visit(row) for row in superuser.execute(_SOME, [chosen]).fetchall()]
    cpu = stage.servers.postgres_cpu
    with psycopg.connect(os.environ["DATABASE_URL"]) as app, psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as owner:
        lookups = [_explained_ms(app, LOCK, visit) for visit in visits]
        histories = [_explained_ms(app, READ, visit) for visit in visits]
        _write_plans(app, visits[0])
        scoped_ms = _cpu_ms(cpu, lambda visit: _in_scope(app, visit), visits)
        bare_ms = _cpu_ms(cpu, lambda visit: _bare(owner, visit), visits)
    return {
        "lookup_p50": percentile(lookups, 50),
        "lookup_p99": percentile(lookups, 99),
        "history_p50": percentile(histories, 50),
        "history_p99": percentile(histories, 99),
        "walls_cpu": scoped_ms - bare_ms,
    }


def fill(superuser: psycopg.Connection[Any], count: int) -> None:
    """Once: the sessions are older than their tenants keep them, which nobody sees to here."""
    if superuser.execute("SELECT FROM tenants WHERE slug LIKE 'many-%'").fetchone() is not None:
        return
    superuser.execute(_TENANTS)
    superuser.execute(_WEBSITES)
    for first in range(0, count, _CHUNK):
        superuser.execute(_SESSIONS, {"first": first, "last": min(first + _CHUNK, count) - 1})
    superuser.execute("VACUUM ANALYZE agent_sessions")


def _md5(superuser: psycopg.Connection[Any], number: int) -> str:
    row = superuser.execute("SELECT md5(%s::text)", [number]).fetchone()
    assert row is not None
    return str(row[0])


def _visit(row: tuple[UUID, UUID, str, UUID]) -> dict[str, Any]:
    tenant_id, website_id, session_id, _ = row
    visit = Visit(tenant_id, website_id, session_id, None, plain_allowed=True, token_life=TokenLife(30, 180))
    return {**visit.values(), "message_id": "message_0001", "user_id": None}


def _explained_ms(app: psycopg.Connection[Any], statement: LiteralString, visit: dict[str, Any]) -> float:
    """Planning and running the statement in its tenant's scope, by PostgreSQL's own clock."""
    with app.transaction(force_rollback=True):
        app.execute(SET_TENANT, [str(visit["tenant_id"])])
        row = app.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + statement, visit).fetchone()
    assert row is not None
    [plan] = row[0]
    return float(plan["Planning Time"] + plan["Execution Time"])


def _write_plans(app: psycopg.Connection[Any], visit: dict[str, Any]) -> None:
    """For people to read: how the two statements are run among so many."""
    texts = []
    for statement in (LOCK, READ):
        with app.transaction(force_rollback=True):
            app.execute(SET_TENANT, [str(visit["tenant_id"])])
            rows = app.execute("EXPLAIN (ANALYZE, BUFFERS) " + statement, visit).fetchall()
        texts.append("\n".join(line for (line,) in rows))
    PLANS.parent.mkdir(exist_ok=True)
    PLANS.write_text("\n\n".join(texts) + "\n")


def _cpu_ms(
    cpu: Callable[[], float], transact: Callable[[dict[str, Any]], None], visits: list[dict[str, Any]]
) -> float:
    """Of PostgreSQL for one transaction: the system counts in steps of 10 ms, hence so many."""
    before = cpu()
    for number in range(TRANSACTIONS):
        transact(visits[number % len(visits)])
    time.sleep(0.05)
    return (cpu() - before) * 1000 / TRANSACTIONS


def _in_scope(app: psycopg.Connection[Any], visit: dict[str, Any]) -> None:
    with app.pipeline(), app.transaction():
        app.execute(SET_TENANT, [str(visit["tenant_id"])])
        app.execute(READ, visit)


def _bare(owner: psycopg.Connection[Any], visit: dict[str, Any]) -> None:
    """As it would be without scopes and policies, which do not bind the owner."""
    with owner.pipeline(), owner.transaction():
        owner.execute(READ, visit)


MANY_SESSIONS = Scenario(
    "many-sessions",
    "{many_sessions} sessions of 5 KB",
    (
        Metric("lookup_p50", "finding one, p50", "ms"),
        Metric("lookup_p99", "finding one, p99", "ms", LOOKUP_MS),
        Metric("history_p50", "loading its history, p50", "ms"),
        Metric("history_p99", "loading its history, p99", "ms", HISTORY_MS),
        Metric("walls_cpu", "CPU of PostgreSQL for scope and policy, a transaction", "ms"),
    ),
    measure,
)
