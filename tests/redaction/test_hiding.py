"""How much of an old conversation one turn reads, where nothing of it was redacted yet."""

import asyncio
from dataclasses import replace
from typing import Any

from sessions.hiding import NOTHING_TOLD, Hiding
from tenants.privacy_choices import Redact, StoreIp
from tenants.privacy_policy import PrivacyPolicy

POLICY = PrivacyPolicy(
    Redact.BEFORE_MODEL, 24, frozenset(), 30, 30, StoreIp.NOT, stores_user_agent=False, is_held=False
)


def test_model_is_sent_the_newest_of_what_was_never_redacted() -> None:
    """Six long messages would keep the redactor for seconds, at every turn."""
    long: list[Any] = [{"role": "user", "content": "and so on " * 800} for _ in range(6)]
    hidden: list[Any] = [{"role": "user", "content": "x" * 8_000, "redacted": True} for _ in range(20)]
    for messages, sent in ((long, 3), (hidden, 20), ([*hidden, *long], 3), ([*long, *hidden], 23)):
        told = asyncio.run(Hiding(POLICY, b"key").for_model(replace(NOTHING_TOLD, messages=messages)))
        assert len(told.messages) == sent
