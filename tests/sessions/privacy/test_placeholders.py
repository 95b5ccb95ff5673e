import re

from sessions.privacy import Kind, SessionRedactor, redact_text
from sessions.privacy.placeholders import PLACEHOLDER, placeholder


def test_placeholder_is_the_kind_and_six_digits() -> None:
    assert re.fullmatch(r"write to \[EMAIL_[0-9a-f]{6}\]", redact_text("write to a@b.com", key=b"k"))


def test_same_value_has_the_same_placeholder_in_every_spelling() -> None:
    spellings = {
        "EMAIL": ["Alice@Example.com", "alice@example.com", "alice [at] example [dot] com"],
        "PHONE": ["+49 30 1234567", "+49 (30) 123-45-67", "0049 30 1234567"],
        "CARD": ["4111 1111 1111 1111", "4111-1111-1111-1111", "4111111111111111"],
        "IBAN": ["DE89 3704 0044 0532 0130 00", "de89370400440532013000"],
        "NAME": ["I am Alice", "I am ALICE", "I am alice"],
        "IP": ["2001:db8::1", "2001:0db8:0:0::0001"],
        "MAC": ["00:1A:2B:3C:4D:5E", "00-1a-2b-3c-4d-5e"],
    }
    for kind, texts in spellings.items():
        found = {PLACEHOLDER.findall(redact_text(text, key=b"k"))[-1] for text in texts}
        assert len(found) == 1, (kind, found)


def test_other_key_or_kind_or_value_has_another_placeholder() -> None:
    names = [
        placeholder(Kind.NAME, "alice", b"k"),
        placeholder(Kind.NAME, "alice", b"other"),
        placeholder(Kind.NAME, "bob", b"k"),
        placeholder(Kind.EMAIL, "alice", b"k"),
    ]
    assert len({name.partition("_")[2] for name in names}) == 4


def test_each_word_of_a_name_has_a_placeholder_of_its_own() -> None:
    """So that who was introduced with both names is known by either, when nothing but placeholders is left."""
    alice, smith = (placeholder(Kind.NAME, word, b"k") for word in ("alice", "smith"))
    text = redact_text("Alice\tSmith came. ALICE left. alice smith's coat stayed.", known=["Alice Smith"], key=b"k")
    assert text == f"{alice}\t{smith} came. {alice} left. {alice} {smith}'s coat stayed."


def test_placeholders_already_there_are_never_entered() -> None:
    text = "my name is [NAME_abcdef], mail [EMAIL_3f9a1c], [SECRET_0123456789ab] and [NATIONAL_ID_4e4e4e]"
    assert redact_text(text, known=["abcdef", "Smith"], key=b"k") == text


def test_two_values_of_one_placeholder_stay_apart_in_a_session() -> None:
    session = SessionRedactor(key=b"k")
    session._meant[placeholder(Kind.EMAIL, "b@b.com", b"k")] = (Kind.EMAIL, "a@a.com")
    redacted = session.text("b@b.com")
    assert re.fullmatch(r"\[EMAIL_[0-9a-f]{12}\]", redacted)
    assert session.placeholders == {redacted: "b@b.com"}
    assert SessionRedactor(key=b"k").text(redacted) == redacted
