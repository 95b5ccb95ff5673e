"""Of the origins that are proved, a host is one tenant's."""

from django.db import migrations

from tenants.policies import one_tenant_each


class Migration(migrations.Migration):
    dependencies = [("tenants", "0008_invitations")]

    operations = [
        # GiST keeps ranges, not plain texts; one of a single text is equal where the text is.
        migrations.RunSQL(
            'CREATE TYPE text_range AS RANGE (subtype = text, collation = "C");', "DROP TYPE text_range;"
        ),
        # Refuses to be made where two tenants have a host already, and names it: one of them must give it up first.
        one_tenant_each("website_origins", "host", condition="proved_at IS NOT NULL", name="website_host_proved_once"),
    ]
