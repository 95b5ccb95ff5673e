"""The admin's site, with what the record of looks adds to it."""

from django.http import HttpRequest

from sessions.looks import record_look
from sessions.models import Look
from tenants.admin_site import ParlourAdminSite
from tenants.models import Tenant


class RecordedAdminSite(ParlourAdminSite):
    def record_entry(self, request: HttpRequest, tenant: Tenant) -> None:
        """Also as a line of the operator's record, unless it comes home."""
        super().record_entry(request, tenant)
        if not tenant.is_operator:
            record_look(request, Look.Kind.ENTRY, subject=str(tenant.pk))
