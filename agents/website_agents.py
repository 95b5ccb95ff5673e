"""Which of a website's agents answers by default: exactly one, if it has any."""

from collections.abc import Iterable

from agents.models import WebsiteAgent
from tenants.models import Website
from tenants.scoping import active_tenant_id


def save_website_agents(
    website: Website, *, saved: Iterable[WebsiteAgent], removed: Iterable[WebsiteAgent], chosen: WebsiteAgent | None
) -> None:
    """Writes the rows, then makes ``chosen`` the default: or else the one that was, or else the first."""
    for row in removed:
        row.delete()
    before = WebsiteAgent.objects.filter(website=website, is_default=True).first()
    WebsiteAgent.objects.filter(website=website, is_default=True).update(is_default=False)
    for row in saved:
        row.tenant_id = active_tenant_id()
        row.is_default = False
        row.save()
    default = chosen or before or WebsiteAgent.objects.filter(website=website).order_by("created_at", "id").first()
    if default is not None:
        WebsiteAgent.objects.filter(pk=default.pk).update(is_default=True)
