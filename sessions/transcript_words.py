"""How a turn that got no answer is told to staff: in words, not in codes."""

from typing import Final

STATES: Final = {
    "queued": "Waiting for its turn",
    "running": "Being answered right now",
    "failed": "No answer",
    "abandoned": "No answer",
    "stopped": "Stopped by the visitor",
}

BROKEN_OFF: Final = "Broken off"
"""Instead of the state of a turn that failed after its first words."""

_ABANDONED: Final = "The server that was answering went away, and nobody asked again."
_REASONS: Final = {
    "address_refused": "The model's address leads to a private network, which may not be called.",
    "connection_failed": "The model could not be reached.",
    "credentials_rejected": "The model refused the API key.",
    "credentials_unreadable": "The model's API key cannot be opened any more; it must be typed again.",
    "rate_limited": "The model's provider limits how often it may be asked.",
    "request_rejected": "The model's provider refused the request.",
    "redirected": "The model's address points elsewhere, which is not followed.",
    "provider_failed": "The model's provider had an error of its own.",
    "protocol_broken": "What the model's provider sent could not be read.",
    "error_in_stream": "The model's provider broke off with an error.",
    "stream_cut": "The connection to the model was cut in the middle of the answer.",
    "finish_missing": "The answer ended without a sign that it was complete.",
    "answer_empty": "The model said nothing.",
    "answer_too_long": "The answer was longer than allowed.",
    "answer_refused": "The model provider's filter held the answer back.",
    "tokens_spent": "The model used up its output tokens before its first word.",
    "breaker_open": "The model had just failed several times in a row, so it was not asked again yet.",
    "connect": "The model could not be reached in time.",
    "first_token": "The model took too long to begin its answer.",
    "idle": "The model fell silent in the middle of its answer.",
    "total": "The answer took longer than allowed in all.",
    "broken": "Something broke on our side; the server's log says what.",
}
_CODES: Final = {
    "abandoned": _ABANDONED,
    "model_unavailable": "The model could not answer.",
    "model_timeout": "The model took too long.",
    "internal_error": "Something broke on our side; the server's log says what.",
}


def why(error_code: str, error_reason: str) -> str:
    """A sentence for why a turn failed; empty where nothing is recorded."""
    return _REASONS.get(error_reason) or _CODES.get(error_code) or error_code.replace("_", " ").capitalize()


def seconds(milliseconds: int) -> str:
    """``1.2 s``; short times in milliseconds."""
    return f"{milliseconds} ms" if milliseconds < 1_000 else f"{milliseconds / 1_000:.1f} s"  # noqa: PLR2004
