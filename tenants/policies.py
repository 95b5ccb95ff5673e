"""Migration operations for what Django's models cannot say: row policies, composite keys, definer functions."""

from django.db.migrations.operations import RunSQL

_READING, _WRITING = "sql STABLE", "plpgsql VOLATILE"

# The sub-select makes PostgreSQL look the setting up once a statement, not once a row. After its transaction the
# setting is '' rather than NULL; both mean: no tenant, no rows.
ACTIVE_TENANT_SQL = "(select nullif(current_setting('app.tenant_id', true), '')::uuid)"


def tenant_policy(table: str, column: str = "tenant_id") -> RunSQL:
    """Rows of ``table`` exist for the tenant named by ``app.tenant_id`` alone; with none named, no row does."""
    return RunSQL(
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;"
        f"CREATE POLICY tenant_rows ON {table} USING ({column} = {ACTIVE_TENANT_SQL});",
        f"DROP POLICY tenant_rows ON {table}; ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;",
    )


def read_policy(table: str, name: str, condition: str) -> RunSQL:
    """Further rows of ``table`` that may be read, not written."""
    return RunSQL(f"CREATE POLICY {name} ON {table} FOR SELECT USING ({condition});", f"DROP POLICY {name} ON {table};")


def kept_while_held(table: str, is_free: str) -> RunSQL:
    """Rows of ``table`` that are under a legal hold cannot be deleted, whatever statement tries: it meets none."""
    return RunSQL(
        f"CREATE POLICY held_rows ON {table} AS RESTRICTIVE FOR DELETE USING ({is_free});",
        f"DROP POLICY held_rows ON {table};",
    )


def rows_as_found(table: str, record: str, columns: str) -> RunSQL:
    """Begins the record of changes of a table with its rows as they are now; their first change has a before, then."""
    columns = f"id, created_at, {columns}"
    return RunSQL(
        f"INSERT INTO {record} (pgh_created_at, pgh_label, {columns})"  # noqa: S608  names that a migration gives
        f" SELECT clock_timestamp(), 'found', {columns} FROM {table} ORDER BY created_at, id;",
        RunSQL.noop,
    )


def composite_foreign_key(table: str, columns: str, target: str, target_columns: str, on_delete: str) -> RunSQL:
    """A foreign key that carries the tenant, so that a row can never point at another tenant's."""
    name = f"{table}_{columns.replace(', ', '_')}_fk"
    return RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({columns})"
        f" REFERENCES {target} ({target_columns}) ON DELETE {on_delete} DEFERRABLE INITIALLY IMMEDIATE;",
        f"ALTER TABLE {table} DROP CONSTRAINT {name};",
    )


def one_tenant_each(table: str, column: str, *, condition: str, name: str) -> RunSQL:
    """Rows of ``table`` that meet ``condition`` and have the same text in ``column`` are all of one tenant.

    With the operators that every PostgreSQL has for GiST; ``btree_gist`` would say it in plainer words, but is an
    extension that not every server brings. A tenant's id is as long as an IPv6 address, for which there is ``<>``.
    """
    blocks = ":".join(rf"\{number}" for number in range(1, 9))
    tenant = f"regexp_replace(replace(tenant_id::text, '-', ''), '{'(....)' * 8}', '{blocks}')::inet"
    return RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} EXCLUDE USING gist"
        f" (text_range({column}, {column}, '[]') WITH =, ({tenant}) inet_ops WITH <>) WHERE ({condition});",
        f"ALTER TABLE {table} DROP CONSTRAINT {name};",
    )


def tenant_primary_key(table: str) -> RunSQL:
    """PRIMARY KEY (tenant_id, id): the form that a distributed table needs."""
    return RunSQL(
        f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey, ADD PRIMARY KEY (tenant_id, id);",
        f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey, ADD PRIMARY KEY (id);",
    )


def door(signature: str, returns: str, body: str) -> RunSQL:
    """A SECURITY DEFINER function: the only way to see a row before its tenant is known.

    It returns only what its caller needs, has its search path pinned, and is nobody's to call but the application's
    role, which ``tenants.grants`` names.
    """
    return RunSQL(_create_door(signature, returns, body), f"DROP FUNCTION {signature};")


def writing_door(signature: str, returns: str, body: str) -> RunSQL:
    """A door that changes rows: ``body`` is PL/pgSQL, each statement of which sees what was committed before it."""
    return RunSQL(_create_door(signature, returns, body, _WRITING), f"DROP FUNCTION {signature};")


def changed_door(signature: str, *, before: tuple[str, str], after: tuple[str, str], writes: bool = False) -> RunSQL:
    """A door that gives something else from now on: what it returns and its body, as they were and as they are."""
    drop, language = f"DROP FUNCTION {signature};", _WRITING if writes else _READING
    return RunSQL(drop + _create_door(signature, *after, language), drop + _create_door(signature, *before, language))


def _create_door(signature: str, returns: str, body: str, language: str = _READING) -> str:
    return (
        f"CREATE FUNCTION {signature} RETURNS {returns} LANGUAGE {language} SECURITY DEFINER"
        f" SET search_path = pg_catalog, public, pg_temp AS $door$ {body} $door$;"
        f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC;"
    )
