"""The evaluation set is whole and in order, and its scorer tells a good redactor from a bad one."""

import re
from collections import Counter

import pytest

from tests.privacy.evaluation.reading import EITHER, Half, Item, Message, half_of, read_items, read_message
from tests.privacy.evaluation.scoring import (
    Hidden,
    Outcome,
    Tally,
    by_kind,
    evaluate,
    false_hits_per_thousand,
    lay_over,
    leaks,
    structured,
    tally,
)
from tests.privacy.evaluation.stand_ins import HIDES_EVERYTHING, HIDES_NOTHING, StandIn, exact

HALVES: tuple[Half, Half] = ("development", "held_out")
ITEMS = [item for half in HALVES for item in read_items(half)]
KINDS = {"EMAIL", "PHONE", "CARD", "IBAN", "NATIONAL_ID", "IP", "MAC", "SECRET", "BIRTH_DATE", "ADDRESS", "NAME"}
SECTIONS = {"chat", "prose", "structured", "harmless"}


@pytest.mark.parametrize("half", HALVES)
def test_half_is_large_and_of_many_languages(half: Half) -> None:
    items = read_items(half)
    messages = Counter(item.section for item in items for _ in item.messages)
    assert set(messages) == SECTIONS
    assert messages.total() >= 350
    assert messages["harmless"] >= 150
    assert [section for section in SECTIONS if len({i.language for i in items if i.section == section}) < 14] == []
    assert {span.kind for item in items for message in item.messages for span in message.spans} == KINDS | {EITHER}


def test_every_item_stands_in_its_half_and_once() -> None:
    assert [item.source for item in ITEMS if half_of(item.source) != item.half] == []
    assert [source for source, times in Counter(item.source for item in ITEMS).items() if times > 1] == []


def test_harmless_messages_have_nothing_marked() -> None:
    marked = [item.source for item in ITEMS if item.section == "harmless" and any(m.spans for m in item.messages)]
    assert marked == []


def test_every_other_item_has_something_marked() -> None:
    bare = [item.source for item in ITEMS if item.section != "harmless" and not any(m.spans for m in item.messages)]
    assert bare == []


def test_marked_cards_and_ibans_have_right_checksums() -> None:
    values = [
        (span.kind, re.sub(r"[^0-9A-Za-z]", "", message.text[span.start : span.end]))
        for item in ITEMS
        for message in item.messages
        for span in message.spans
    ]
    cards = [value for kind, value in values if kind == "CARD"]
    ibans = [value for kind, value in values if kind == "IBAN"]
    assert len(cards) > 30
    assert len(ibans) > 30
    assert [card for card in cards if luhn_sum(card) % 10] == []
    assert [iban for iban in ibans if iban_number(iban.upper()) % 97 != 1] == []


def luhn_sum(card: str) -> int:
    digits = [int(digit) for digit in reversed(card)]
    return sum(digits[::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])


def iban_number(iban: str) -> int:
    return int("".join(str(int(character, 36)) for character in iban[4:] + iban[:4]))


def test_read_message_takes_marks_and_signs_away() -> None:
    message = read_message("a ⟦NAME:Bo⟨200B⟩b⟧,⏎key ⟦SECRET:sk⟨⟩_1⟧")
    assert message.text == "a Bo\u200bb,\nkey sk_1"
    assert [(message.text[span.start : span.end], span.kind) for span in message.spans] == [
        ("Bo\u200bb", "NAME"),
        ("sk_1", "SECRET"),
    ]


@pytest.mark.parametrize("line", ["a ⟦NAME:Bob", "a Bob⟧", "⟦NAME:a ⟦NAME:b⟧⟧"])
def test_read_message_refuses_a_wrong_mark(line: str) -> None:
    with pytest.raises(ValueError, match="a mark"):
        read_message(line)


def test_redactor_that_hides_nothing_leaks_everything() -> None:
    outcomes = evaluate(ITEMS, HIDES_NOTHING)
    assert {counted.rate for counted in tally(outcomes, by_kind).values()} == {1.0}
    assert false_hits_per_thousand(outcomes) == 0


def test_redactor_that_hides_everything_leaks_nothing_and_hits_all() -> None:
    outcomes = evaluate(ITEMS, HIDES_EVERYTHING)
    assert {counted.leaked for counted in tally(outcomes, by_kind).values()} == {0}
    harmless = [outcome for outcome in outcomes if outcome.item.section == "harmless"]
    assert false_hits_per_thousand(harmless) == 1000


def test_exact_redactor_is_without_a_fault() -> None:
    outcomes = evaluate(ITEMS, exact(ITEMS))
    assert [outcome.message.text for outcome in outcomes if outcome.hidden is None] == []
    assert [outcome.message.text for outcome in outcomes if outcome.leaked or outcome.mistaken] == []
    assert false_hits_per_thousand(outcomes) == 0


def test_redactor_that_alters_the_rest_leaks_all_that_was_marked() -> None:
    item = make_item("Hi, ⟦NAME:Bob⟧ here")
    [outcome] = evaluate([item], StandIn(lambda _: "hi, [NAME_0] here"))
    assert outcome.hidden is None
    assert outcome.leaked == list(item.messages[0].spans)


def test_outcome_counts_what_was_hidden_as_something_else() -> None:
    [outcome] = evaluate([make_item("Hi, ⟦NAME:Bob⟧ here")], StandIn(lambda _: "Hi, [EMAIL_0] here"))
    assert (outcome.leaked, outcome.mistaken) == ([], list(outcome.message.spans))


def test_false_hit_is_a_placeholder_that_touches_nothing_marked() -> None:
    message = read_message("Hi, Mrs ⟦NAME:Bob⟧ of ⟦EITHER:Bath⟧ in May or June")
    outputs = "Hi, [NAME_0] of [ADDRESS_0] in [NAME_1] or [NAME_2][NAME_3]"
    [outcome] = [Outcome(make_item(""), message, outputs, lay_over(message.text, outputs))]
    assert outcome.false_hits == ["May", "June", "June"]


def test_tally_counts_by_what_it_is_told() -> None:
    items = [make_item("⟦NAME:Bob⟧ ⟦IP:192.0.2.1⟧"), make_item("⟦IP:192.0.2.2⟧ ⟦EITHER:Bath⟧")]
    outcomes = evaluate(items, StandIn(lambda text: text.replace("192.0.2.1", "[IP_0]")))
    assert tally(outcomes, by_kind) == {"IP": Tally(2, 1), "NAME in chat": Tally(1, 1)}
    assert tally(outcomes, structured) == {"structured": Tally(2, 1)}


@pytest.mark.parametrize(
    ("original", "output", "hidden"),
    [
        ("Bob", "Bob", ()),
        ("Bob", "Bobby", None),
        ("Bob", "[NAME_0]", (Hidden(0, 3, ("NAME",)),)),
        ("Hi Bob", "Hi Bob[NAME_0]", None),
        ("Hi Bob, a@b", "Hi [NAME_0], [EMAIL_1]", (Hidden(3, 6, ("NAME",)), Hidden(8, 11, ("EMAIL",)))),
        ("Bob Lee", "[NAME_0][NAME_1]", (Hidden(0, 7, ("NAME", "NAME")),)),
        ("a b a b a", "[NAME_0] b a", (Hidden(0, 5, ("NAME",)),)),
        ('{"a": "Bob"}', '{"a":"[NAME_0]"}', (Hidden(7, 10, ("NAME",)),)),
        (", , z", "[NAME_0], [NAME_1]", (Hidden(0, 2, ("NAME",)), Hidden(4, 5, ("NAME",)))),
        ("Bob and Al", "[NAME_0] or Al", None),
    ],
)
def test_lay_over_finds_what_went(original: str, output: str, hidden: tuple[Hidden, ...] | None) -> None:
    assert lay_over(original, output) == hidden


@pytest.mark.parametrize(
    ("marked", "readable", "leaked"),
    [
        ("⟦NAME:Anna Maria Lund⟧", "", False),
        ("⟦NAME:Anna Maria Lund⟧", "Maria", True),
        ("⟦NAME:Anna J. Lund⟧", "J", False),
        ("⟦NAME:Jan van der Berg⟧", "van der", False),
        ("⟦NAME:jan van der berg⟧", "van", True),
        ("⟦NAME:Müllers⟧", "s", False),
        ("⟦NAME:सुलोचना⟧", "सुलोचना", True),
        ("⟦NAME:王小明⟧", "小明", True),
        ("⟦NAME:王小明⟧", "王", False),
        ("⟦NAME:王⟧", "王", True),
        ("⟦CARD:4242 4242 4242 4242⟧", "4242", False),
        ("⟦CARD:4242 4242 4242 4242⟧", "42 4242", True),
        ("⟦IP:10.1.2.3⟧", "3", False),
        ("⟦IP:10.1.2.3⟧", "2.3", True),
        ("⟦EMAIL:jo@example.org⟧", "example.org", True),
        ("⟦BIRTH_DATE:03.07.1996⟧", "03", False),
        ("⟦BIRTH_DATE:03.07.1996⟧", "1996", True),
        ("⟦ADDRESS:12 Harbour Road⟧", "Road", False),
        ("⟦ADDRESS:12 Harbour Road⟧", "Harbour Road", True),
    ],
)
def test_leak_is_what_can_still_be_read(marked: str, readable: str, leaked: bool) -> None:
    message = read_message(marked)
    start = message.text.rindex(readable)
    around = (Hidden(0, start, ("NAME",)), Hidden(start + len(readable), len(message.text), ("NAME",)))
    assert leaks(message.text, message.spans[0], around) is leaked


def make_item(line: str) -> Item:
    return Item("development", "chat", "en", line, (read_message(line),), ())


def test_histories_know_their_roles_and_what_was_known() -> None:
    [item] = [item for item in ITEMS if item.known == ("Ulyana Prescott",)]
    assert [message.role for message in item.messages] == ["user", "assistant"]
    assert isinstance(item.messages[0], Message)
