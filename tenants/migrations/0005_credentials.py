"""How long session tokens are good, the secrets that sign identities, and the door that tells the former."""

import django.core.validators
from django.db import migrations, models

from tenants.policies import changed_door

_RETURNS = (
    "tenant_id uuid, website_id uuid, domain text, title text, site_key text,"
    " require_session_token boolean, is_active boolean, hosts text[], double_send text, quota_message text,"
    " time_zone text, session_turns_per_minute integer, network_turns_per_minute integer,"
    " tenant_turns_per_minute integer, tenant_turns_per_day bigint, tenant_tokens_per_day bigint,"
    " website_turns_per_day bigint, website_tokens_per_day bigint"
)
_COLUMNS = (
    "w.tenant_id, w.id, w.domain, w.title, w.site_key, w.require_session_token, w.is_active AND t.is_active,"
    " ARRAY(SELECT h.host::text FROM website_origins h WHERE h.tenant_id = w.tenant_id"
    " AND h.website_id = w.id AND h.proved_at IS NOT NULL), w.double_send, w.quota_message, t.time_zone,"
    " t.session_turns_per_minute, t.network_turns_per_minute, t.turns_per_minute, t.turns_per_day, t.tokens_per_day,"
    " w.turns_per_day, w.tokens_per_day"
)
_ROWS = (
    " FROM website_origins o"
    " JOIN websites w ON w.tenant_id = o.tenant_id AND w.id = o.website_id"
    " JOIN tenants t ON t.id = w.tenant_id"
    " WHERE o.origin = p_origin AND o.proved_at IS NOT NULL"
)
_MORE_RETURNS = ", token_idle_days integer, token_lifetime_days integer"
_MORE_COLUMNS = ", t.token_idle_days, t.token_lifetime_days"


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0004_api_keys"),
    ]

    operations = [
        migrations.AddField(
            model_name="tenant",
            name="token_idle_days",
            field=models.PositiveIntegerField(
                db_default=30,
                default=30,
                help_text="A browser that was silent for longer begins a new conversation; the old one stays until it is deleted.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(365),
                ],
                verbose_name="days without a message",
            ),
        ),
        migrations.AddField(
            model_name="tenant",
            name="token_lifetime_days",
            field=models.PositiveIntegerField(
                db_default=180,
                default=180,
                help_text="After so many days a browser begins a new conversation, however much is said in the old one.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(730),
                ],
                verbose_name="days in all",
            ),
        ),
        migrations.AddConstraint(
            model_name="tenant",
            constraint=models.CheckConstraint(
                condition=models.Q(("token_idle_days__range", (1, 365))), name="tenant_token_idle_days_sane"
            ),
        ),
        migrations.AddConstraint(
            model_name="tenant",
            constraint=models.CheckConstraint(
                condition=models.Q(("token_lifetime_days__range", (1, 730))), name="tenant_token_lifetime_days_sane"
            ),
        ),
        migrations.AddField(
            model_name="website",
            name="identity_secret_sealed",
            field=models.BinaryField(db_default=b"", default=b""),
        ),
        migrations.AddField(
            model_name="website",
            name="former_identity_secret_sealed",
            field=models.BinaryField(db_default=b"", default=b""),
        ),
        migrations.AddField(
            model_name="website",
            name="identity_secret_made_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        changed_door(
            "door_website_by_origin(p_origin text)",
            before=(f"TABLE ({_RETURNS})", f"SELECT {_COLUMNS}{_ROWS}"),
            # A proof stands at the website and at each of its origins: both are asked.
            after=(
                f"TABLE ({_RETURNS}{_MORE_RETURNS})",
                f"SELECT {_COLUMNS}{_MORE_COLUMNS}{_ROWS} AND w.proved_at IS NOT NULL",
            ),
        ),
    ]
