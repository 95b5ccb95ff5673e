"""Whether the walls stand in the database that we are connected to: row policies on all tables, doors well hung."""

from typing import Final

BROKEN_WALLS: Final = """
WITH tenant_tables AS (
    SELECT c.oid, c.relname, c.relkind, c.relrowsecurity, c.relowner, c.reloptions
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
       AND (c.relname = 'tenants'
            OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'))),
doors AS (
    SELECT p.oid, p.proname, p.proconfig
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE n.nspname = 'public' AND p.prosecdef)
SELECT relname || ': row security is off' FROM tenant_tables WHERE relkind IN ('r', 'p', 'f') AND NOT relrowsecurity
UNION ALL
SELECT relname || ': no policy compares its rows with the active tenant' FROM tenant_tables t
 WHERE relkind IN ('r', 'p', 'f') AND NOT EXISTS (
           SELECT FROM pg_policy p WHERE p.polrelid = t.oid AND p.polname = 'tenant_rows' AND p.polcmd = '*'
              AND starts_with(pg_get_expr(p.polqual, p.polrelid),
                              CASE relname WHEN 'tenants' THEN '(id = ' ELSE '(tenant_id = ' END)
              AND strpos(pg_get_expr(p.polqual, p.polrelid), 'app.tenant_id') > 0)
UNION ALL
SELECT t.relname || ': the policy ' || p.polname || ' lets every row pass'
  FROM tenant_tables t JOIN pg_policy p ON p.polrelid = t.oid
 WHERE p.polpermissive AND 'true' IN (pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
UNION ALL
SELECT relname || ': a view that asks as its owner' FROM tenant_tables
 WHERE relkind = 'm'
    OR relkind = 'v' AND NOT coalesce(reloptions && '{security_invoker=true,security_invoker=on}', false)
UNION ALL
SELECT relname || ': the application may truncate it, whatever its policies' FROM tenant_tables
 WHERE has_table_privilege(oid, 'TRUNCATE')
UNION ALL
SELECT proname || ': everybody may call this function, which works as its owner' FROM doors
 WHERE has_function_privilege('public', oid, 'EXECUTE')
UNION ALL
SELECT proname || ': works as its owner with its caller''s search path' FROM doors
 WHERE NOT EXISTS (SELECT FROM unnest(proconfig) setting WHERE starts_with(setting, 'search_path='))
ORDER BY 1
"""
"""A sentence for each breach; no row where all is well. Reads catalogues alone, in a few milliseconds."""
