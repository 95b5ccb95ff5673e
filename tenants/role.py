"""Whether the application's role is as ordinary as isolation needs it to be."""

from typing import Final

IS_UNSAFE_ROLE: Final = """
SELECT r.rolsuper OR r.rolbypassrls OR EXISTS (
           SELECT FROM pg_class c WHERE c.relname = 'websites' AND pg_has_role(r.oid, c.relowner, 'MEMBER'))
  FROM pg_roles r WHERE r.rolname = current_user
"""
"""True for a superuser, one who bypasses row policies, and the tables' owner or a member of it."""
