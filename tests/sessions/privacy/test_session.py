from collections import Counter
from typing import Any

from sessions.privacy import ALL_KINDS, Kind, SessionRedactor, redact_history, redact_text
from sessions.privacy.placeholders import PLACEHOLDER, placeholder


def history(*turns: str) -> list[dict[str, Any]]:
    roles = ("assistant", "user")
    return [
        {"v": 1, "id": f"m{number}", "role": roles[number % 2], "content": text, "at": "2026-01-01T00:00:00Z"}
        for number, text in enumerate(turns)
    ]


def contents(messages: list[dict[str, Any]]) -> list[str]:
    return [PLACEHOLDER.sub("_", message["content"]) for message in messages]


def test_history_keeps_everything_but_what_was_said() -> None:
    before = history("Hello!", "im sarah")
    after = redact_history(before, key=b"k")
    assert [{**message, "content": ""} for message in after] == [{**message, "content": ""} for message in before]
    assert before == history("Hello!", "im sarah")


def test_answer_to_the_question_for_the_name_is_a_name() -> None:
    assert contents(redact_history(history("What's your name?", "priyanka"))) == ["What's your name?", "_"]
    assert contents(redact_history(history("What's your size?", "priyanka"))) == ["What's your size?", "priyanka"]


def test_name_learnt_late_is_hidden_in_earlier_messages() -> None:
    after = redact_history(history("Hi, any news from Xolani?", "none. my name is xolani, who asks", "ok"))
    assert contents(after) == ["Hi, any news from _?", "none. my name is _, who asks", "ok"]


def test_name_heard_is_hidden_in_later_texts_of_the_session_alone() -> None:
    session = SessionRedactor()
    session.text("my name is xolani")
    assert PLACEHOLDER.sub("_", session.text("has xolani paid? Xolanis bill")) == "has _ paid? _ bill"
    assert SessionRedactor().text("has xolani paid?") == "has xolani paid?"


def test_name_that_stands_as_a_placeholder_is_known_when_the_session_goes_on() -> None:
    before = redact_history(history("Who is it?", "my name is xolani"), key=b"k")
    late = {"role": "user", "content": "the parcel for xolani is late"}
    assert contents(redact_history([*before, late], key=b"k"))[-1] == "the parcel for _ is late"
    assert contents(redact_history([*before, late], key=b"another"))[-1] == late["content"]


def test_answers_to_questions_for_other_things_are_taken_as_such() -> None:
    for question, answer, kind in [
        ("What is your phone number?", "5550100", Kind.PHONE),
        ("And your date of birth?", "3/4/85", Kind.BIRTH_DATE),
        ("Your passport number, please?", "c01x00t47", Kind.NATIONAL_ID),
        ("Where shall we deliver, what is your address?", "Am Hang 3, Wien", Kind.ADDRESS),
        ("Which password did you choose?", "hunter2", Kind.SECRET),
    ]:
        session = SessionRedactor()
        session.text(answer, after=question)
        assert session.found == Counter({kind: 1}), question


def test_known_values_are_hidden_with_their_parts() -> None:
    text = redact_text("Ask ZANELE KHOZA or Khoza, account zk-2001.", known=["Zanele Khoza", "zk-2001"])
    assert PLACEHOLDER.sub("_", text) == "Ask _ _ or _, account _."


def test_known_value_does_not_eat_into_words() -> None:
    assert redact_text("A tomato for tomorrow", known=["Tom"]) == "A tomato for tomorrow"


def test_only_the_kinds_asked_for_are_hidden() -> None:
    text = "im sarah, a@b.com, 4111 1111 1111 1111"
    hidden = SessionRedactor(kinds=frozenset({Kind.EMAIL})).text(text)
    assert PLACEHOLDER.sub("_", hidden) == "im sarah, _, 4111 1111 1111 1111"
    assert SessionRedactor(kinds=frozenset()).text(text) == text
    assert set(Kind) == ALL_KINDS


def test_session_counts_what_it_found_and_keeps_the_real_words() -> None:
    session = SessionRedactor(key=b"k")
    redacted = session.text("im Sarah, Sarah@b.com. sarah again")
    name, mail = placeholder(Kind.NAME, "sarah", b"k"), placeholder(Kind.EMAIL, "sarah@b.com", b"k")
    assert redacted == f"im {name}, {mail}. {name} again"
    assert session.found == Counter({Kind.NAME: 2, Kind.EMAIL: 1})
    assert session.placeholders == {name: "Sarah", mail: "Sarah@b.com"}


def test_what_is_not_hidden_stays_to_the_byte() -> None:
    text = "  a\u200bb\t４２ ’x’ \u00a0\r\n im sarah\u200b\u00ad  ﬁn "
    assert PLACEHOLDER.sub("sarah", redact_text(text)) == text


def test_kind_that_is_kept_hides_no_other_inside_it() -> None:
    for kept, text, after in [
        (Kind.SECRET, "my password is alice.liddell@example.com", "my password is _"),
        (Kind.SECRET, "see /pay?token=alice.liddell@example.com", "see /_"),
        (Kind.NATIONAL_ID, "my id number is +49 170 1234567", "my id number is _"),
        (
            Kind.ADDRESS,
            "my address is Am Hang 3, Wien, phone +49 170 1234567",
            "my address is Am Hang 3, Wien, phone _",
        ),
    ]:
        assert PLACEHOLDER.sub("_", SessionRedactor(kinds=ALL_KINDS - {kept}).text(text)) == after


def test_kind_that_is_kept_stays_whole_where_its_form_proves_it() -> None:
    for kept, text in [
        (Kind.EMAIL, "write to alice.liddell@example.com"),
        (Kind.IBAN, "to DE89 3704 0044 0532 0130 00"),
        (Kind.CARD, "card 4111 1111 1111 1111"),
        (Kind.BIRTH_DATE, "born on 03.04.1985"),
        (Kind.SECRET, "my password is hunter2"),
    ]:
        assert SessionRedactor(kinds=ALL_KINDS - {kept}).text(text) == text


def test_either_name_is_known_when_both_are_placeholders_already() -> None:
    """As when a visitor comes back the next day."""
    said = redact_history([{"role": "user", "content": "hey im Grombolt Vexley"}], key=b"k")
    later = [{"role": "user", "content": "grombolt here"}, {"role": "user", "content": "for VEXLEY, please"}]
    texts = [message["content"] for message in redact_history(said + later, key=b"k")]
    first, last = PLACEHOLDER.findall(texts[0])
    assert texts == [f"hey im {first} {last}", f"{first} here", f"for {last}, please"]
