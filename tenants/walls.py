"""Whether the walls stand in the database that we are connected to: row policies on all tables, doors well hung.

What is not listed here is a breach: a new door is added to ``DOORS``, a further policy to ``FURTHER_POLICIES``.
"""

from typing import Final

from tenants.identifiers import OPERATOR_ID

DOORS: Final = frozenset(
    {
        "door_api_key(text)",
        "door_chain_look()",
        "door_domain_has_lapsed(uuid)",
        "door_forget_rehearsal()",
        "door_forget_rehearsed_changes()",
        "door_invitation_by_hash(bytea)",
        "door_memberships_of(integer)",
        "door_release_lapsed_domain(uuid)",
        "door_shared_connection(uuid)",
        "door_shared_fallback(uuid)",
        "door_tenants_with_erasures_due()",
        "door_tenants_with_expired_sessions()",
        "door_tenants_with_lapsed_turns()",
        "door_tenants_with_old_refusals()",
        "door_tenants_with_old_turns()",
        "door_tenants_with_proofs_due()",
        "door_tenants_with_unredacted_sessions(integer)",
        "door_website_by_origin(text)",
        "door_website_by_site_key(text)",
    }
)
"""Every function that works as its owner. A new one is a new hole in the wall: what does it return, and to whom?"""

APPEND_ONLY: Final = (
    "agent_changes",
    "agent_session_changes",
    "api_key_changes",
    "invitation_changes",
    "looks",
    "membership_changes",
    "model_connection_changes",
    "redaction_key_changes",
    "tenant_changes",
    "website_agent_changes",
    "website_changes",
    "website_origin_changes",
)
"""Tables to which the application may add and which it may read, nothing else."""

READ_ONLY: Final = ("look_heads",)
"""Tables that a trigger writes, as the owner."""

# As PostgreSQL writes them down.
_ACTIVE: Final = "( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS \"nullif\")"
_OPERATOR: Final = f"'{OPERATOR_ID}'::uuid"
_TENANT_ROWS: Final = f"(tenant_id = {_ACTIVE})"

FURTHER_POLICIES: Final = {
    ("tenants", "tenant_rows"): ("*", f"(id = {_ACTIVE})"),
    ("tenants", "operator_rows"): ("*", f"({_ACTIVE} = {_OPERATOR})"),
    ("tenant_changes", "operator_rows"): ("*", f"({_ACTIVE} = {_OPERATOR})"),
    ("agents", "shared_agents"): ("r", f"(tenant_id = {_OPERATOR})"),
}
"""By table and name, the command (as ``pg_policy.polcmd``) and the condition of every policy that there is beside
``tenant_rows`` on ``tenant_id``."""

_HELD_WEBSITE: Final = (
    "SELECT FROM websites w WHERE ((w.tenant_id = agent_sessions.tenant_id)"
    " AND (w.id = agent_sessions.website_id) AND (w.legal_hold_at IS NOT NULL))"
)


def _held_session(table: str) -> str:
    return (
        "SELECT FROM (agent_sessions s JOIN websites w ON (((w.tenant_id = s.tenant_id) AND (w.id = s.website_id))))"
        f" WHERE ((s.tenant_id = {table}.tenant_id) AND (s.id = {table}.agent_session_id)"
        " AND ((s.legal_hold_at IS NOT NULL) OR (w.legal_hold_at IS NOT NULL)))"
    )


HOLDS: Final = {
    ("agent_sessions", "held_rows"): ("d", f"((legal_hold_at IS NULL) AND (NOT (EXISTS ( {_HELD_WEBSITE}))))"),
    ("history_segments", "held_rows"): ("d", f"(NOT (EXISTS ( {_held_session('history_segments')})))"),
    ("turns", "held_rows"): ("d", f"(NOT (EXISTS ( {_held_session('turns')})))"),
    ("websites", "held_rows"): ("d", "(legal_hold_at IS NULL)"),
}
"""As ``FURTHER_POLICIES``, those that take away from what the others grant: what is under a legal hold stays."""


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _row(*values: str) -> str:
    return "(" + ", ".join(map(_text, values)) + ")"


_FURTHER_ROWS: Final = ", ".join(
    _row(*which, *what, kind)
    for kind, policies in (("permissive", FURTHER_POLICIES), ("restrictive", HOLDS))
    for which, what in policies.items()
)
_HOLD_ROWS: Final = ", ".join(_row(*which) for which in HOLDS)
_RECORD: Final = ", ".join(map(_text, (*APPEND_ONLY, *READ_ONLY)))
_READ_ONLY: Final = ", ".join(map(_text, READ_ONLY))
_DOOR_NAMES: Final = ", ".join(map(_text, sorted(DOORS)))

BROKEN_WALLS: Final = rf"""
WITH relations AS (
    SELECT c.oid, c.relname, c.relkind, c.relrowsecurity, c.reloptions
      FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace
       AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid
                          AND e.deptype = 'e')),
tenant_tables AS (
    SELECT * FROM relations c
     WHERE relkind IN ('r', 'p', 'f')
       AND (relname = 'tenants'
            OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'))),
further (relname, polname, polcmd, condition, kind) AS (VALUES {_FURTHER_ROWS}),
policies AS (
    SELECT t.relname, p.polname,
           coalesce(p.polpermissive = (f.kind IS DISTINCT FROM 'restrictive')
                    AND p.polroles = '{{0}}' AND p.polwithcheck IS NULL AND p.polcmd = coalesce(f.polcmd, '*')
                    AND regexp_replace(pg_get_expr(p.polqual, p.polrelid), '\s+', ' ', 'g')
                        = coalesce(f.condition, CASE p.polname WHEN 'tenant_rows' THEN {_text(_TENANT_ROWS)} END),
                    false) AS is_ours
      FROM tenant_tables t JOIN pg_policy p ON p.polrelid = t.oid
      LEFT JOIN further f ON f.relname = t.relname AND f.polname = p.polname),
definers AS (
    SELECT p.oid, p.proname, p.proname || '(' || oidvectortypes(p.proargtypes) || ')' AS signature, p.proconfig
      FROM pg_proc p
     WHERE p.prosecdef AND p.pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
       AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid
                          AND e.deptype = 'e'))
SELECT relname || ': row security is off' FROM tenant_tables WHERE NOT relrowsecurity
UNION ALL
SELECT relname || ': no policy compares its rows with the active tenant' FROM tenant_tables t
 WHERE NOT EXISTS (SELECT FROM policies p WHERE p.relname = t.relname AND p.polname = 'tenant_rows' AND p.is_ours)
UNION ALL
SELECT relname || ': the policy ' || polname || ' is none of ours, or was changed' FROM policies
 WHERE NOT is_ours AND polname <> 'tenant_rows'
UNION ALL
SELECT h.relname || ': what is under a legal hold can be deleted, the policy ' || h.polname || ' is missing'
  FROM (VALUES {_HOLD_ROWS}) h (relname, polname)
 WHERE NOT EXISTS (SELECT FROM policies p WHERE p.relname = h.relname AND p.polname = h.polname AND p.is_ours)
UNION ALL
SELECT relname || ': a view that asks as its owner' FROM relations
 WHERE relkind = 'm'
    OR relkind = 'v' AND NOT coalesce(reloptions && '{{security_invoker=true,security_invoker=on}}', false)
UNION ALL
SELECT relname || ': the application may truncate it, whatever its policies' FROM tenant_tables
 WHERE has_table_privilege(oid, 'TRUNCATE')
UNION ALL
SELECT signature || ': works as its owner, and is no door of ours' FROM definers
 WHERE signature NOT IN ({_DOOR_NAMES})
UNION ALL
SELECT relname || ': the application may change or delete its rows, which are a record' FROM tenant_tables
 WHERE relname IN ({_RECORD}) AND (has_table_privilege(oid, 'DELETE') OR has_any_column_privilege(oid, 'UPDATE'))
UNION ALL
SELECT relname || ': the application may write it, which a trigger alone should' FROM tenant_tables
 WHERE relname IN ({_READ_ONLY}) AND has_any_column_privilege(oid, 'INSERT')
UNION ALL
SELECT relname || ': its rows are not chained, the trigger is off' FROM tenant_tables t
 WHERE relname = 'looks' AND NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = t.oid AND g.tgname = 'chain_look'
                                                                  AND g.tgenabled IN ('O', 'A'))
UNION ALL
SELECT proname || ': everybody may call this function, which works as its owner' FROM definers
 WHERE signature IN ({_DOOR_NAMES}) AND has_function_privilege('public', oid, 'EXECUTE')
UNION ALL
SELECT proname || ': works as its owner with its caller''s search path' FROM definers
 WHERE signature IN ({_DOOR_NAMES}) AND 'search_path=pg_catalog, public, pg_temp' <> ALL (coalesce(proconfig, '{{}}'))
ORDER BY 1
"""  # noqa: S608  of the lists above alone
"""A sentence for each breach; no row where all is well. Reads catalogues alone, in a few milliseconds."""
