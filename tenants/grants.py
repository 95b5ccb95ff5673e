"""What the application's role may do: rows of the tables, the doors, and nothing else."""

from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper
from psycopg import sql

from tenants.walls import APPEND_ONLY, READ_ONLY

DOOR_PREFIX = "door_"

_GRANTS = """
GRANT USAGE ON SCHEMA public TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role};
REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {role};
"""

# The library's switches: a global table of contexts, which nobody here uses, and a setting that silences triggers.
_NO_SWITCHES = """
DO $$ BEGIN
    IF to_regclass('public.pghistory_context') IS NOT NULL THEN
        REVOKE ALL ON public.pghistory_context FROM {role};
    END IF;
    IF to_regproc('public._pgtrigger_should_ignore') IS NOT NULL THEN
        CREATE OR REPLACE FUNCTION public._pgtrigger_should_ignore(trigger_name NAME) RETURNS BOOLEAN
            LANGUAGE sql IMMUTABLE AS 'SELECT false';
    END IF;
END $$;
"""

# A table may be missing: ``migrate`` goes to older states, too.
_NARROWED = """
SELECT relname, relname = ANY (%(append_only)s::text[]) FROM pg_class
 WHERE relnamespace = 'public'::regnamespace AND relname = ANY (%(append_only)s::text[] || %(read_only)s::text[])
"""


def grant_application_role(role: str) -> None:
    """Gives ``role`` its rights on everything the owner has made so far. Run as the owner, after every migration.

    All at once: a server that is running never sees more rights or fewer.
    """
    with transaction.atomic("owner"), connections["owner"].cursor() as cursor:
        cursor.execute(sql.SQL(_GRANTS).format(role=sql.Identifier(role)))
        _narrow(cursor, role)
        cursor.execute(sql.SQL(_NO_SWITCHES).format(role=sql.Identifier(role)))
        cursor.execute(
            "select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace"
            " where n.nspname = 'public' and starts_with(p.proname, %s)",
            [DOOR_PREFIX],
        )
        for (signature,) in cursor.fetchall():
            cursor.execute(
                sql.SQL("GRANT EXECUTE ON FUNCTION {door} TO {role}").format(
                    door=sql.SQL(signature), role=sql.Identifier(role)
                )
            )


def _narrow(cursor: CursorWrapper, role: str) -> None:
    """Takes back what the record's tables must not suffer."""
    cursor.execute(_NARROWED, {"append_only": list(APPEND_ONLY), "read_only": list(READ_ONLY)})
    for table, may_insert in cursor.fetchall():
        rights = "UPDATE, DELETE" if may_insert else "INSERT, UPDATE, DELETE"
        statement = sql.SQL("REVOKE {rights} ON {table} FROM {role}")
        cursor.execute(statement.format(rights=sql.SQL(rights), table=sql.Identifier(table), role=sql.Identifier(role)))
