"""What can go wrong here.

    AgentsError
    ├── ModelError                     a turn got no answer; carries a short `reason`, safe to log and to count
    │   ├── ModelUnavailableError      the provider refused, failed, or said nothing usable
    │   └── ModelTimeoutError          the provider was too slow
    └── BaseUrlError                   a model's address that may not be saved; its text is for the person typing it

None of them carries what a provider said, a credential, or a plaintext: they end in logs, and some reach visitors.
"""

from typing import Literal

UnavailableReason = Literal[
    "address_refused",  # the name led to a private address, see `tenants.egress`
    "connection_failed",
    "credentials_unreadable",  # the key was sealed with one that the ring no longer holds
    "credentials_rejected",  # 401, 403
    "rate_limited",  # 429
    "request_rejected",  # any other 4xx
    "redirected",  # 3xx: never followed
    "provider_failed",  # 5xx
    "protocol_broken",  # not HTTP, not an event stream, not JSON, or none of the shape agreed
    "error_in_stream",
    "stream_cut",
    "finish_missing",  # the stream ended in good order but never said that the answer was complete
    "answer_empty",
    "answer_too_long",
    "answer_refused",  # the provider's filter let nothing through; a refusal in the model's own words is an answer
    "tokens_spent",  # the model reached its limit of output tokens, by thinking, before its first word
    "breaker_open",  # not called at all, see `agents.breaker`
]
TimeoutReason = Literal["connect", "first_token", "idle", "total"]


class AgentsError(Exception):
    """Base of all below."""


class ModelError(AgentsError):
    """The model gave no answer. `reason` is a word of ours, never the provider's.

    `attempts` is how often models were called; `retry_after_seconds` how long the provider asked to be left alone.
    """

    reason: str
    attempts: int = 0
    retry_after_seconds: float | None = None

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ModelUnavailableError(ModelError):
    """The provider could not be reached, refused, failed, or answered with nothing usable."""

    def __init__(self, reason: UnavailableReason, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class ModelTimeoutError(ModelError):
    """The provider did not connect, start, go on or finish in the time allowed."""

    def __init__(self, reason: TimeoutReason) -> None:
        super().__init__(reason)


class BaseUrlError(AgentsError):
    """The address cannot be a model's base URL; the text says why, to the person who typed it."""
