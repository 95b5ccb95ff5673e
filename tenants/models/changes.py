"""The record of changes. Neither what is sealed, hashed or secret is in it, nor what jobs count."""

from typing import Final

import pghistory
import pgtrigger

from tenants import recording
from tenants.models.keys import ApiKey, RedactionKey
from tenants.models.owned import Change
from tenants.models.people import Invitation, Membership
from tenants.models.tenant import Tenant
from tenants.models.website import Website, WebsiteOrigin

_TENANT_ITSELF: Final = pgtrigger.Trigger(
    name="of_itself",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    func="NEW.tenant_id := NEW.id; RETURN NEW;",
)
TenantChange = recording.change_model(
    Change,
    Tenant,
    [
        "name",
        "slug",
        "is_active",
        "time_zone",
        "retention_days",
        "turn_retention_days",
        "redact_when",
        "redact_after_hours",
        "kinds_kept",
        "ip_storage",
        "stores_user_agent",
        "token_idle_days",
        "token_lifetime_days",
        "session_turns_per_minute",
        "network_turns_per_minute",
        "turns_per_minute",
        "turns_per_day",
        "tokens_per_day",
    ],
    triggers=[_TENANT_ITSELF],
)
MembershipChange = recording.change_model(Change, Membership, ["user", "role"])
InvitationChange = recording.change_model(
    Change,
    Invitation,
    ["role", "note", "invited_by", "expires_at", "accepted_at", "accepted_by", "revoked_at"],
)
WebsiteChange = recording.change_model(
    Change,
    Website,
    [
        "domain",
        "title",
        "is_active",
        "require_session_token",
        "double_send",
        "turns_per_day",
        "tokens_per_day",
        "quota_message",
        "retention_days",
        "turn_retention_days",
        "redact_when",
        "redact_after_hours",
        "kinds_kept",
        "ip_storage",
        "stores_user_agent",
        "legal_hold_at",
        "legal_hold_by",
        "identity_secret_made_at",
        "proved_at",
        "proof_method",
        "proof_lapsed_at",
    ],
    # Made by us, it changes together with its date, which is recorded; by others it does not.
    sealed=pgtrigger.Condition(
        "OLD.identity_secret_sealed IS DISTINCT FROM NEW.identity_secret_sealed"
        " AND OLD.identity_secret_made_at IS NOT DISTINCT FROM NEW.identity_secret_made_at"
    ),
)
RedactionKeyChange = recording.change_model(
    Change,
    RedactionKey,
    [],
    only=[pghistory.InsertEvent(recording.ADDED), pghistory.DeleteEvent(recording.REMOVED)],
)
WebsiteOriginChange = recording.change_model(Change, WebsiteOrigin, ["website", "origin", "proved_at"])
ApiKeyChange = recording.change_model(
    Change, ApiKey, ["name", "prefix", "scopes", "expires_at", "revoked_at", "created_by"]
)
