"""What the stub model says: its behaviour, the echo of what it was sent, and both in a provider's events."""

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from email.utils import formatdate
from typing import Any

import orjson

ECHO_MARK = "echo:"
ECHO_PIECES = 16
ECHO_CHARACTERS = 300  # of each message
HUGE_CHARACTERS = 1_000_000
SAYS_NOTHING = {"empty", "content_filter", "spent"}
FINISH_REASONS = {"content_filter": "content_filter", "spent": "length", "length": "length", "no_finish": None}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How one call is answered. Without `tokens` the answer is the echo alone."""

    latency_ms: float = 0.0
    tokens: int = 0
    tokens_per_second: float = 0.0
    fault: str = ""
    fail_first: int = 0
    retry_after: str = "20"
    hold_after: int = 0

    def overridden(self, settings: Mapping[str, Any]) -> "Behaviour":
        """Take the settings it knows, as text or as numbers, and leave the others."""
        known = {name: type(getattr(self, name))(settings[name]) for name in asdict(self) if name in settings}
        return replace(self, **known)

    def for_model(self, model: str) -> "Behaviour":
        return self.overridden(dict(part.split("=", 1) for part in model.split(";") if "=" in part))

    def at_call(self, number: int) -> "Behaviour":
        return replace(self, fault="") if 0 < self.fail_first < number else self

    @property
    def answers_in_one_write(self) -> bool:
        return not (self.fault or self.tokens_per_second or self.hold_after)

    def retry_after_header(self) -> bytes:
        if not self.retry_after:
            return b""
        head, is_date, seconds = self.retry_after.partition("date+")
        value = formatdate(time.time() + float(seconds), usegmt=True) if is_date else head
        return b"retry-after: %b\r\n" % value.encode()


def echo(messages: Sequence[Json]) -> str:
    """`echo:{"system":412,"messages":[["user","Hi"],["assistant","~Hi"],["user","Who am I?"]]}`.

    Of an earlier echo in the conversation only the message it answered is shown, after `~`: whole, every answer would
    be twice as long as the one before.
    """
    system = sum(len(message["content"]) for message in messages if message["role"] in {"system", "developer"})
    spoken = [
        [message["role"], _shown(message["content"])]
        for message in messages
        if message["role"] not in {"system", "developer"}
    ]
    return ECHO_MARK + orjson.dumps({"system": system, "messages": spoken}).decode()


def _shown(content: str) -> str:
    if content.startswith(ECHO_MARK):
        with contextlib.suppress(ValueError, LookupError, TypeError):
            body = content[len(ECHO_MARK) : content.rindex("}") + 1]
            return "~" + str(orjson.loads(body)["messages"][-1][1])
    return content if len(content) <= ECHO_CHARACTERS else f"{content[:ECHO_CHARACTERS]}…({len(content)})"


def answer_pieces(messages: Sequence[Json], behaviour: Behaviour) -> list[str]:
    """The tokens of the answer, in order: the echo in a few of them, then words up to `tokens`."""
    if behaviour.fault in SAYS_NOTHING:
        return []
    if behaviour.fault == "huge":
        return ["x" * 1000] * (HUGE_CHARACTERS // 1000)
    text = echo(messages)
    wanted = min(behaviour.tokens or ECHO_PIECES, ECHO_PIECES)
    size = max(1, -(-len(text) // wanted))
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    return pieces + [" word"] * (behaviour.tokens - len(pieces))


def sse(payload: Json) -> bytes:
    return b"data: " + orjson.dumps(payload) + b"\n\n"


def chunked(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@dataclass(slots=True)
class Call:
    """One request for a completion and how to answer it."""

    body: Json
    behaviour: Behaviour
    pieces: list[str]

    def usage(self) -> Json:
        asked = sum(len(message["content"]) for message in self.body["messages"]) // 4
        return {
            "prompt_tokens": asked,
            "completion_tokens": len(self.pieces),
            "total_tokens": asked + len(self.pieces),
        }

    def event(self, choices: list[Json], **extra: Any) -> bytes:
        head = {
            "id": "chatcmpl-stub",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": self.body["model"],
        }
        return sse({**head, "choices": choices, **extra})

    def delta(self, delta: Json, finish_reason: str | None = None) -> bytes:
        return self.event([{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}])

    def opening(self) -> bytes:
        return self.delta({"role": "assistant", "content": "", "refusal": None})

    def token_events(self) -> list[bytes]:
        if self.behaviour.fault == "refusal":
            return [self.delta({"refusal": "I cannot help with that."})]
        once = {piece: self.delta({"content": piece}) for piece in set(self.pieces)}
        return [once[piece] for piece in self.pieces]

    def finish_reason(self) -> str | None:
        return FINISH_REASONS.get(self.behaviour.fault, "stop")

    def closing(self) -> bytes:
        finish_reason = self.finish_reason()
        events = b"" if finish_reason is None else self.delta({}, finish_reason)
        if (self.body.get("stream_options") or {}).get("include_usage"):
            events += self.event([], usage=self.usage())
        return events + b"data: [DONE]\n\n"

    def whole(self) -> Json:
        refused = self.behaviour.fault == "refusal"
        message = {
            "role": "assistant",
            "content": None if refused else "".join(self.pieces),
            "refusal": "I cannot help with that." if refused else None,
        }
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self.finish_reason()}
        head = {"id": "chatcmpl-stub", "object": "chat.completion", "created": 1, "model": self.body["model"]}
        return {**head, "choices": [choice], "usage": self.usage()}
