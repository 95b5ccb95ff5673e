"""Redaction on the chat path: what a turn writes, and in one mode what its model is asked, holds placeholders.

``Hiding`` is of one turn: what its placeholders stand for is known to it alone, in memory, until the turn ends.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import orjson

from sessions.cleaning import JsonValue
from sessions.known_words import known_words
from sessions.privacy import ALL_KINDS, Kind, SessionRedactor
from sessions.privacy.recalling import names_said_before
from sessions.redactor_thread import in_redactor_thread
from tenants.database import Row
from tenants.privacy_choices import Redact
from tenants.privacy_policy import PrivacyPolicy

Message = dict[str, Any]

_MOST_HEARD: Final = 10
"""Of the newest messages that were stored as they were written: so many are read for names, when a turn ends."""
_MOST_READ_CHARS: Final = 24_000
"""Of what was stored as it was written, before the mode was chosen; each turn reads it anew, until the job has been
there. The model is not sent what is older."""
_LONGEST_QUESTION: Final = 600


@dataclass(frozen=True, slots=True)
class Told:
    """What a session's row tells of its visitor, and its newest messages as they are stored, the oldest first."""

    user_id: str | None
    user_verified: bool
    context: dict[str, JsonValue]
    messages: list[Message]

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(row["user_id"], row["user_verified"], row["context"], row["messages"])


NOTHING_TOLD: Final = Told(None, False, {}, [])


@dataclass(frozen=True, slots=True)
class Asked:
    """A request in the words in which it may be stored."""

    message: str
    user_id: str | None
    context: dict[str, JsonValue] | None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A turn's words as they may be stored, and what must be written over ``told``; None where nothing must."""

    message: str
    reply: str
    told: Told | None = None
    context: dict[str, JsonValue] | None = None
    user_id: str | None = None

    def over_told(self) -> dict[str, Any] | None:
        """As values of a statement that writes only where what was told still stands."""
        if self.told is None or (self.context is None and self.user_id is None):
            return None
        return {
            "told_context": orjson.dumps(self.told.context).decode(),
            "hidden_context": None if self.context is None else orjson.dumps(self.context).decode(),
            "told_user_id": self.told.user_id,
            "hidden_user_id": self.user_id,
        }


class Hiding:
    """One turn's redaction. Its work is done in the redactor's thread, one piece after the other."""

    def __init__(self, policy: PrivacyPolicy, key: bytes) -> None:
        self.is_before_model = policy.redact_when is Redact.BEFORE_MODEL
        self._policy, self._key = policy, key
        self._redactor: SessionRedactor | None = None
        self._heard: dict[str, str] = {}

    @property
    def real_words(self) -> Mapping[str, str]:
        """What the placeholders stand for that this turn has made."""
        return {} if self._redactor is None else self._redactor.placeholders

    async def ask(self, asked: Asked, told: Told, *, is_vouched: bool) -> Asked:
        """Before anything is written. ``is_vouched``: the user id is a website's own, which stays."""
        return await in_redactor_thread(lambda: self._ask(asked, told, is_vouched))

    async def for_model(self, told: Told) -> Told:
        """What was stored before the policy held is hidden from the model, too."""
        return await in_redactor_thread(lambda: self._for_model(told))

    async def exchange(self, told: Told, message: str, reply: str) -> Exchange:
        return await in_redactor_thread(lambda: self._exchange(told, message, reply))

    def _ask(self, asked: Asked, told: Told, is_vouched: bool) -> Asked:
        context = asked.context or {}
        redactor = self._listening(told, asked.message, known_words(asked.user_id, context))
        for position in _readable(told.messages):
            self._hear(redactor, told.messages, position)
        return Asked(
            message=_hidden(redactor, [*_last(told.messages), _said("user", asked.message)])[-1],
            user_id=asked.user_id if is_vouched else self._claimed_id(asked.user_id) or asked.user_id,
            context=None if asked.context is None else redactor.json(asked.context),
        )

    def _for_model(self, told: Told) -> Told:
        redactor = self._redactor or self._listening(told, "")
        messages = [
            {**told.messages[position], "content": self._hear(redactor, told.messages, position)}
            for position in _readable(told.messages)
        ]
        return replace(told, messages=messages, context=redactor.json(told.context))

    def _exchange(self, told: Told, message: str, reply: str) -> Exchange:
        redactor = self._redactor or self._listening_to_newest(told, f"{message}\n{reply}")
        pair = [_said("user", message), _said("assistant", reply)]
        *_, message, reply = _hidden(redactor, [*_last(told.messages), *pair])
        context = redactor.json(told.context)
        user_id = None if told.user_verified else self._claimed_id(told.user_id)
        return Exchange(message, reply, told, context if context != told.context else None, user_id)

    def _listening_to_newest(self, told: Told, text: str) -> SessionRedactor:
        redactor = self._listening(told, text)
        for position in range(max(0, len(told.messages) - _MOST_HEARD), len(told.messages)):
            self._hear(redactor, told.messages, position)
        return redactor

    def _listening(self, told: Told, text: str, known: list[str] | None = None) -> SessionRedactor:
        stored = [*(message["content"] for message in told.messages), orjson.dumps(told.context).decode()]
        names = names_said_before(stored, text, self._key)
        everything = [*(known or []), *known_words(told.user_id, told.context), *names]
        self._redactor = SessionRedactor(known=everything, key=self._key, kinds=kinds_replaced(self._policy))
        return self._redactor

    def _hear(self, redactor: SessionRedactor, messages: list[Message], position: int) -> str:
        """The message's words with placeholders. One that was written with them is not read again."""
        content: str = messages[position]["content"]
        if messages[position].get("redacted"):
            return content
        if content not in self._heard:
            before = _last(messages[:position])
            self._heard[content] = _hidden(redactor, [*before, messages[position]])[-1]
        return self._heard[content]

    def _claimed_id(self, user_id: str | None) -> str | None:
        return None if user_id is None else hidden_claimed_id(user_id, self._policy, self._key)


async def hidden_at_start(
    policy: PrivacyPolicy,
    key: bytes | None,
    user_id: str | None,
    context: dict[str, JsonValue] | None,
    *,
    is_vouched: bool,
) -> tuple[str | None, dict[str, JsonValue] | None]:
    """What a session may begin with: in the mode that hides from the first write on, placeholders."""
    if key is None or policy.redact_when is not Redact.BEFORE_MODEL or (user_id is None and not context):
        return user_id, context
    asked = await Hiding(policy, key).ask(Asked("", user_id, context), NOTHING_TOLD, is_vouched=is_vouched)
    return asked.user_id, asked.context


def kinds_replaced(policy: PrivacyPolicy) -> frozenset[Kind]:
    return frozenset(kind for kind in ALL_KINDS if kind.name.lower() not in policy.kinds_kept)


def hidden_claimed_id(user_id: str, policy: PrivacyPolicy, key: bytes) -> str | None:
    """What a browser says its visitor is called, where that is personal data: an e-mail address, a name. Or None."""
    is_name = len(user_id.split()) > 1
    redactor = SessionRedactor(known=[user_id] if is_name else [], key=key, kinds=kinds_replaced(policy))
    replaced = redactor.text(user_id)
    return replaced if replaced != user_id else None


def _readable(messages: list[Message]) -> range:
    """The positions of the newest messages, back to where too much would have to be read."""
    left = _MOST_READ_CHARS
    for position in reversed(range(len(messages))):
        left -= 0 if messages[position].get("redacted") else len(messages[position]["content"])
        if left < 0:
            return range(position + 1, len(messages))
    return range(len(messages))


def _said(role: str, content: str) -> Message:
    return {"role": role, "content": content}


def _last(messages: list[Message]) -> list[Message]:
    """The end of the last message: what comes next may answer the question that stands there."""
    return [_said(message["role"], message["content"][-_LONGEST_QUESTION:]) for message in messages[-1:]]


def _hidden(redactor: SessionRedactor, messages: list[Message]) -> list[str]:
    """Their contents, gone over as the job would."""
    said = [_said(message["role"], message["content"]) for message in messages]
    return [message["content"] for message in redactor.history(said)]
