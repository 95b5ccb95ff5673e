"""What belongs to a held session stays, too; and no record of looks can be made to look like a rehearsal's."""

from django.db import migrations

from tenants.policies import ACTIVE_TENANT_SQL, changed_door, kept_while_held

_HELD_SESSION = (
    "SELECT FROM agent_sessions s JOIN websites w ON w.tenant_id = s.tenant_id AND w.id = s.website_id"
    " WHERE s.tenant_id = {table}.tenant_id AND s.id = {table}.agent_session_id"
    " AND (s.legal_hold_at IS NOT NULL OR w.legal_hold_at IS NOT NULL)"
)

# As the record of changes knows it: a tenant that ever had another name than a rehearsal's keeps its record of looks,
# whatever its first line says.
_IS_REHEARSAL = f"""
    EXISTS (SELECT FROM looks WHERE tenant_id = {ACTIVE_TENANT_SQL} AND number = 1 AND kind = 'rehearsal')
"""
_WAS_NEVER_ANYTHING_ELSE = f"""
    EXISTS (SELECT FROM tenant_changes WHERE tenant_id = {ACTIVE_TENANT_SQL})
    AND NOT EXISTS (SELECT FROM tenant_changes c WHERE c.tenant_id = {ACTIVE_TENANT_SQL}
                                                   AND c.slug !~ '^isolation-check-[0-9a-f]{{12}}$')
"""
_FORGET = f"""
BEGIN
    IF %s THEN
        DELETE FROM looks WHERE tenant_id = {ACTIVE_TENANT_SQL};
        DELETE FROM look_heads WHERE tenant_id = {ACTIVE_TENANT_SQL};
    END IF;
END
"""


def _kept(table: str) -> migrations.RunSQL:
    return kept_while_held(table, f"NOT EXISTS ({_HELD_SESSION.format(table=table)})")


class Migration(migrations.Migration):
    dependencies = [
        ("agent_sessions", "0008_redaction"),
        ("tenants", "0012_changes"),
    ]

    operations = [
        _kept("turns"),
        _kept("history_segments"),
        changed_door(
            "door_forget_rehearsal()",
            before=("void", _FORGET % _IS_REHEARSAL),
            after=("void", _FORGET % f"{_IS_REHEARSAL} AND {_WAS_NEVER_ANYTHING_ELSE}"),
            writes=True,
        ),
    ]
