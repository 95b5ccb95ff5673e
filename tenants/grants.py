"""What the application's role may do: rows of the tables, the doors, and nothing else."""

from django.db import connections
from psycopg import sql

DOOR_PREFIX = "door_"

_GRANTS = """
GRANT USAGE ON SCHEMA public TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role};
REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {role};
"""


def grant_application_role(role: str) -> None:
    """Gives ``role`` its rights on everything the owner has made so far. Run as the owner, after every migration."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(sql.SQL(_GRANTS).format(role=sql.Identifier(role)))
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
