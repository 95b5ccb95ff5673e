"""Who uses Parlour: tenants, their members, their websites, their keys, and the record of what they change."""

from tenants.models.changes import (
    ApiKeyChange,
    InvitationChange,
    MembershipChange,
    RedactionKeyChange,
    TenantChange,
    WebsiteChange,
    WebsiteOriginChange,
)
from tenants.models.everybodys import JobHeartbeat, Throttle
from tenants.models.keys import ApiKey, RedactionKey
from tenants.models.owned import Change, Holdable, TenantOwned
from tenants.models.people import Invitation, Membership
from tenants.models.tenant import Tenant, check_time_zone
from tenants.models.website import RefusedOrigin, Website, WebsiteOrigin

__all__ = [
    "ApiKey",
    "ApiKeyChange",
    "Change",
    "Holdable",
    "Invitation",
    "InvitationChange",
    "JobHeartbeat",
    "Membership",
    "MembershipChange",
    "RedactionKey",
    "RedactionKeyChange",
    "RefusedOrigin",
    "Tenant",
    "TenantChange",
    "TenantOwned",
    "Throttle",
    "Website",
    "WebsiteChange",
    "WebsiteOrigin",
    "WebsiteOriginChange",
    "check_time_zone",
]
