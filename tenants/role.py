"""Whether the application's role is as ordinary as isolation needs it to be."""

from typing import Final

IS_UNSAFE_ROLE: Final = """
WITH roles AS (SELECT * FROM pg_roles WHERE pg_has_role(current_user, oid, 'MEMBER'))
SELECT EXISTS (SELECT FROM roles
                WHERE rolsuper OR rolbypassrls OR rolcreaterole
                   OR rolname IN ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program'))
    OR EXISTS (SELECT FROM pg_class c JOIN roles r ON r.oid = c.relowner
                WHERE c.relnamespace = 'public'::regnamespace)
"""
"""True where the role, or one that it is a member of, is a superuser, bypasses row policies, gives roles to itself,
reaches the server's files, or owns a table."""
