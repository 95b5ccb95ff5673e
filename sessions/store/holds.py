"""What may not be erased, whoever asks: the one place that says so."""

from typing import Final

IS_HELD: Final = (
    "(s.legal_hold_at IS NOT NULL OR EXISTS (SELECT FROM websites hw WHERE hw.tenant_id = s.tenant_id"
    " AND hw.id = s.website_id AND hw.legal_hold_at IS NOT NULL))"
)
"""Whether the session ``s`` is under a legal hold, its own or its website's."""

# Whoever sets a hold on a website waits for this until the transaction ends, and this for them. So it comes first, in a
# statement of its own: those after it see what held then, and it still holds when they have deleted.
LOCK_HOLDS_OF_WEBSITES: Final = "SELECT FROM websites w WHERE w.tenant_id = %(tenant_id)s FOR SHARE"
LOCK_HOLD_OF_WEBSITE: Final = (
    "SELECT FROM websites w WHERE w.tenant_id = %(tenant_id)s AND w.id = %(website_id)s FOR SHARE"
)
