"""Redacting twice changes nothing, whatever the text, the history or the JSON."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.privacy import SessionRedactor, redact_history, redact_text

# Pieces at whose borders detectors meet.
PIECES = [
    "my name is ",
    "Anna",
    "Maria",
    "hi im sarah",
    "its tom here",
    " ",
    ", ",
    "\n",
    ". ",
    "Müller",
    "Иванов",
    "王小明",
    "我叫",
    "私は田中です",
    "김민수",
    "4111 1111 1111 1111",
    "4111",
    "1111",
    "DE89 3704 0044 0532 0130 00",
    "+49 30 1234567",
    "030 123456",
    "call me",
    "order",
    "a@b.co",
    "@",
    "at",
    "dot",
    "com",
    "password: ",
    "hunter2",
    "born on ",
    "12.03.1985",
    "12 Oak Street",
    "Hauptstr. 5",
    "[NAME_abcdef]",
    "[EMAIL_3f9a1c]",
    "[",
    "]",
    "192.168.1.1",
    "::1",
    "1",
    "2",
    "-",
    "\u200b",
    "４",
    "ssn ",
    "123-45-6789",
    "Dr. ",
    "Frau ",
    "thanks",
    "Regards,\n",
    "Tom",
    "said",
    "Xyzzy",
    '{"name": "',
    '"}',
    "'s",
    "Jean-Pierre",
    "van der",
    "Will",
    "May",
    "what's your name?",
]
pieces = st.sampled_from(PIECES)
texts = st.lists(pieces | st.text(max_size=3), max_size=12).map("".join) | st.lists(pieces, max_size=12).map(" ".join)
keys = st.sampled_from(["name", "id", "password", "note", "phone", "user_id"]) | st.text(max_size=4)
values = st.recursive(
    texts | st.integers() | st.none(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(keys, children, max_size=4),
    max_leaves=8,
)
quick = settings(max_examples=80, deadline=None)


@quick
@given(texts, st.sampled_from([(), ("Anna Smith", "tom")]))
def test_text_redacted_twice_is_as_redacted_once(text: str, known: tuple[str, ...]) -> None:
    once = redact_text(text, known=known, key=b"k")
    assert redact_text(once, known=known, key=b"k") == once


@quick
@given(st.lists(texts, max_size=5))
def test_history_redacted_twice_is_as_redacted_once(said: list[str]) -> None:
    messages = [{"id": str(at), "role": "user", "content": text} for at, text in enumerate(said)]
    once = redact_history(messages, key=b"k")
    assert redact_history(once, key=b"k") == once


@quick
@given(values)
def test_json_redacted_twice_is_as_redacted_once(value: Any) -> None:
    once = SessionRedactor(key=b"k").json(value)
    assert SessionRedactor(key=b"k").json(once) == once
