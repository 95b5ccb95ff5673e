"""What may not be erased, whoever asks: the one place that says so."""

from typing import Final

IS_HELD: Final = (
    "(s.legal_hold_at IS NOT NULL OR EXISTS (SELECT FROM websites hw WHERE hw.tenant_id = s.tenant_id"
    " AND hw.id = s.website_id AND hw.legal_hold_at IS NOT NULL))"
)
"""Whether the session ``s`` is under a legal hold, its own or its website's."""
