"""From placeholders back to real words, in whatever pieces a model's answer comes."""

import pytest

from sessions.privacy import SessionRedactor
from sessions.privacy.recalling import names_said_before
from sessions.privacy.restoring import Restorer

KEY = b"the tenant's"
REAL = {"[EMAIL_3f9a1c]": "a@b.example", "[NAME_3f9a1c]": "Ann", "[NAME_3f9a1c0d2e4f]": "Bob"}
SAID = "[[EMAIL_3f9a1c]], [NAME_3f9a1c0d2e4f] and [NAME_3f9a1c][NAME_000000] [EMAIL [ok] [NAME_3f9a1"
HEARD = "[a@b.example], Bob and Ann[NAME_000000] [EMAIL [ok] [NAME_3f9a1"


@pytest.mark.parametrize("size", range(1, 30))
def test_placeholders_cut_at_any_place_are_restored(size: int) -> None:
    restorer, heard = Restorer(REAL), ""
    for start in range(0, len(SAID), size):
        heard += restorer.feed(SAID[start : start + size])
    assert (heard + restorer.finish(), restorer.said) == (HEARD, SAID)


def test_nothing_is_held_back_that_no_placeholder_begins() -> None:
    restorer = Restorer(REAL)
    assert [restorer.feed(piece) for piece in ("See [", "NAME", "S] [NAME_3f", "9a1c", "]!", "[x")] == [
        "See ",
        "",
        "[NAMES] ",
        "",
        "Ann!",
        "[x",
    ]
    assert Restorer({}).feed("[EMAIL_3f9a1c") == "[EMAIL_3f9a1c"


def test_answer_broken_off_within_a_placeholder_tells_the_same_in_both_texts() -> None:
    restorer = Restorer(REAL)
    assert (restorer.feed("Dear [NAME_3f9a1c], [EMAIL_3f"), restorer.said) == ("Dear Ann, ", "Dear [NAME_3f9a1c], ")


def test_names_are_recalled_by_their_placeholders_alone() -> None:
    redactor = SessionRedactor(known=["Xqzanthe", "Mary-Ann O'Neil Zorblatt"], key=KEY)
    stored = [redactor.text("Xqzanthe is Mary-Ann O'Neil Zorblatt's friend")]
    text = "so xqzanthe, mary-ann o'neil zorblatt and qwyx met"
    assert sorted(names_said_before(stored, text, KEY)) == ["mary-ann", "o'neil", "xqzanthe", "zorblatt"]
    assert names_said_before(stored, text, b"another") == names_said_before(["nothing"], text, KEY) == []
