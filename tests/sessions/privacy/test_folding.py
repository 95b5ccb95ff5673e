import pytest

from sessions.privacy.folding import fold


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("plain text", "plain text"),
        ("４１１１　１１１１", "4111 1111"),
        ("4111\u200b1111\u00ad1111", "411111111111"),
        ("٠١٢٣ ०१२३", "0123 0123"),
        ("𝐀𝐧𝐧𝐚 ⓐⓑ", "Anna ab"),
        ("re\u0301sume\u0301", "résumé"),
        ("ﬁn", "fin"),
        ("it’s — fine", "it's - fine"),
        ("a\u00a0b\u2009c", "a b c"),
        ("½ № ™", "½ № ™"),
        ("İzmir", "Izmir"),
    ],
)
def test_text_is_folded_to_its_plain_form(text: str, plain: str) -> None:
    assert fold(text).text == plain


def test_places_lead_back_to_the_original() -> None:
    text = "card\u200b \uff14\u200b1\u200b1 ok"
    folded = fold(text)
    start, end = folded.original(folded.text.index("411"), folded.text.index("411") + 3)
    assert folded.text == "card 411 ok"
    assert text[start:end] == "\uff14\u200b1\u200b1"


def test_small_letters_are_as_many_as_the_folded_text() -> None:
    folded = fold("İSTANBUL ẞ ŉ ΐ")
    assert len(folded.text.lower()) == len(folded.text) == len(folded.places)
