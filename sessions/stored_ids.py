"""Under which ids a user's sessions are stored: as typed, and as placeholders where a claimed id was redacted."""

from sessions.hiding import hidden_claimed_id
from tenants.privacy_policy import policies_of_websites
from tenants.redaction_keys import redaction_key_if_any


def stored_ids(user_id: str) -> list[str]:
    """In the active tenant. What was hidden with a key that was removed is not among them: nobody can tell any more."""
    key = redaction_key_if_any()
    if key is None:
        return [user_id]
    by_kinds = {policy.kinds_kept: policy for policy in policies_of_websites().values()}
    hidden = {hidden_claimed_id(user_id, policy, key) for policy in by_kinds.values()}
    return [user_id, *sorted(one for one in hidden if one is not None)]
