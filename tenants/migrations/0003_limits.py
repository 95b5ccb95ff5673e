"""How many turns and tokens, what becomes of messages sent at once, and the door that tells it."""

import django.core.validators
from django.db import migrations, models

from tenants.policies import changed_door

_RETURNS = (
    "tenant_id uuid, website_id uuid, domain text, title text, site_key text,"
    " require_session_token boolean, is_active boolean, hosts text[]"
)
_COLUMNS = (
    "w.tenant_id, w.id, w.domain, w.title, w.site_key, w.require_session_token, w.is_active AND t.is_active,"
    " ARRAY(SELECT h.host::text FROM website_origins h WHERE h.tenant_id = w.tenant_id"
    " AND h.website_id = w.id AND h.proved_at IS NOT NULL)"
)
_ROWS = (
    " FROM website_origins o"
    " JOIN websites w ON w.tenant_id = o.tenant_id AND w.id = o.website_id"
    " JOIN tenants t ON t.id = w.tenant_id"
    " WHERE o.origin = p_origin AND o.proved_at IS NOT NULL"
)
_MORE_RETURNS = (
    ", double_send text, quota_message text, time_zone text, session_turns_per_minute integer,"
    " network_turns_per_minute integer, tenant_turns_per_minute integer, tenant_turns_per_day bigint,"
    " tenant_tokens_per_day bigint, website_turns_per_day bigint, website_tokens_per_day bigint"
)
_MORE_COLUMNS = (
    ", w.double_send, w.quota_message, t.time_zone, t.session_turns_per_minute, t.network_turns_per_minute,"
    " t.turns_per_minute, t.turns_per_day, t.tokens_per_day, w.turns_per_day, w.tokens_per_day"
)


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0002_isolation"),
    ]

    operations = [
        migrations.AddField(
            model_name="tenant",
            name="network_turns_per_minute",
            field=models.PositiveIntegerField(
                db_default=600,
                default=600,
                help_text="Of all visitors who come to one website from one address: an office, a school or a mobile network may have hundreds behind it.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(1000000),
                ],
                verbose_name="turns per minute of one network",
            ),
        ),
        migrations.AddField(
            model_name="tenant",
            name="session_turns_per_minute",
            field=models.PositiveIntegerField(
                db_default=60,
                default=60,
                help_text="Of one browser with one agent.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(1000000),
                ],
                verbose_name="turns per minute of one conversation",
            ),
        ),
        migrations.AddField(
            model_name="tenant",
            name="tokens_per_day",
            field=models.PositiveBigIntegerField(
                blank=True,
                help_text="What models read and write for all websites together. The turn that passes it is still finished. Empty: no limit.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(1000000000000),
                ],
                verbose_name="tokens per day",
            ),
        ),
        migrations.AddField(
            model_name="tenant",
            name="turns_per_day",
            field=models.PositiveBigIntegerField(
                blank=True,
                help_text="Of all websites together, counted from midnight to midnight in the tenant's time zone. Empty: no limit.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(1000000000),
                ],
                verbose_name="turns per day",
            ),
        ),
        migrations.AddField(
            model_name="tenant",
            name="turns_per_minute",
            field=models.PositiveIntegerField(
                db_default=6000,
                default=6000,
                help_text="Of all visitors of all websites of the tenant.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(1000000),
                ],
                verbose_name="turns per minute in all",
            ),
        ),
        migrations.AddField(
            model_name="website",
            name="double_send",
            field=models.CharField(
                choices=[("enqueue", "Answer one after the other"), ("reject", "Refuse until the answer is there")],
                db_default="enqueue",
                default="enqueue",
                help_text="What happens to a message that is sent while the one before it is still being answered.",
                max_length=16,
                verbose_name="messages sent during an answer",
            ),
        ),
        migrations.AddField(
            model_name="website",
            name="quota_message",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="What visitors read then, for example whom to call. Empty: a polite sentence of ours.",
                max_length=300,
                verbose_name="message when a day's budget is spent",
            ),
        ),
        migrations.AddField(
            model_name="website",
            name="tokens_per_day",
            field=models.PositiveBigIntegerField(
                blank=True,
                help_text="What models may read and write for this website. The turn that passes it is still finished. Empty: no limit.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(1000000000000),
                ],
                verbose_name="tokens per day",
            ),
        ),
        migrations.AddField(
            model_name="website",
            name="turns_per_day",
            field=models.PositiveBigIntegerField(
                blank=True,
                help_text="How many messages are answered from midnight to midnight in the tenant's time zone. Empty: no limit.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(1000000000),
                ],
                verbose_name="turns per day",
            ),
        ),
        migrations.AddConstraint(
            model_name="tenant",
            constraint=models.CheckConstraint(
                condition=models.Q(("session_turns_per_minute__range", (1, 1000000))), name="tenant_session_turns_sane"
            ),
        ),
        migrations.AddConstraint(
            model_name="tenant",
            constraint=models.CheckConstraint(
                condition=models.Q(("network_turns_per_minute__range", (1, 1000000))), name="tenant_network_turns_sane"
            ),
        ),
        migrations.AddConstraint(
            model_name="tenant",
            constraint=models.CheckConstraint(
                condition=models.Q(("turns_per_minute__range", (1, 1000000))), name="tenant_turns_per_minute_sane"
            ),
        ),
        migrations.AddConstraint(
            model_name="tenant",
            constraint=models.CheckConstraint(
                condition=models.Q(("turns_per_day__range", (1, 1000000000))), name="tenant_turns_per_day_sane"
            ),
        ),
        migrations.AddConstraint(
            model_name="tenant",
            constraint=models.CheckConstraint(
                condition=models.Q(("tokens_per_day__range", (1, 1000000000000))), name="tenant_tokens_per_day_sane"
            ),
        ),
        migrations.AddConstraint(
            model_name="website",
            constraint=models.CheckConstraint(
                condition=models.Q(("double_send__in", ["enqueue", "reject"])), name="website_double_send_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="website",
            constraint=models.CheckConstraint(
                condition=models.Q(("turns_per_day__range", (1, 1000000000))), name="website_turns_per_day_sane"
            ),
        ),
        migrations.AddConstraint(
            model_name="website",
            constraint=models.CheckConstraint(
                condition=models.Q(("tokens_per_day__range", (1, 1000000000000))), name="website_tokens_per_day_sane"
            ),
        ),
        changed_door(
            "door_website_by_origin(p_origin text)",
            before=(f"TABLE ({_RETURNS})", f"SELECT {_COLUMNS}{_ROWS}"),
            after=(f"TABLE ({_RETURNS}{_MORE_RETURNS})", f"SELECT {_COLUMNS}{_MORE_COLUMNS}{_ROWS}"),
        ),
    ]
