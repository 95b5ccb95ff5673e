"""What stands around a word with a capital and says that it is no person's name."""

import re
from functools import cache
from typing import Final

from sessions.privacy.cues import cue_list
from sessions.privacy.names.lexicon import lexicon
from sessions.privacy.names.taking import is_brand
from sessions.privacy.names.words import PLACE, Words

_MODEL_NUMBER: Final = re.compile(r" \d{3,4}(?![\d\-/.]| \d)")
_SAINTS: Final = frozenset(
    "saint st san santa santo são sankt sainte ste sant sint szent svatý święty "
    "sv svaté svatá svaty άγιος άγιο αγίου αγία αγίας святой святого святая saints sfântul sfânta".split()
)
_IN: Final = frozenset("in nach em im w v в во στη στην στο near around nahe zi зі".split())
AND: Final = frozenset(
    "and or und oder et ou y o e i lub и или en of och eller og ja tai és vagy a nebo și sau ve veya και ή".split()
)
ARTICLES: Final = frozenset(
    "the a an my your our this that le la les l un une mon ma votre el los las una mi su o os as um uma il lo gli "
    "het een de den det en ett et die der das new model brand app".split()
)
_ARTICLES_OF_THINGS: Final = frozenset(
    "the this these that your our an wrong another el il le lo het gli les un une los las un una ein eine".split()
)

_TO_PLACES: Final = frozenset(
    [
        "deliver to", "delivery to", "ship to", "shipping to", "ferry to", "flight to", "flights to", "train to",
        "bus to", "trip to", "travel to", "directions to", "isle of", "city of", "tickets for", "ticket for",
        "live in", "store in", "shop in", "liefern nach", "liefert nach", "flug nach", "livrez à", "livraison à",
        "livrer à", "près de", "envíos a", "envío a", "envían a", "enviáis a", "cerca de", "cerca del", "perto de",
        "entregam em", "entrega em", "entrega para", "spedite a", "spedizione a", "vicino a", "доставка до",
        "доставка в", "доставляете в", "leveren in", "levert in", "skickar till", "leverera till", "wysyłka do",
        "wysyłacie do", "giao đến", "giao tới", "shop ở", "nhà ở", "kirim ke", "ongkir ke",
    ]
)  # fmt: skip
_LEAST_BEFORE_PLACE = 2
_IN_ROW: Final = frozenset({" ", ", "})
_SURNAMES_TOO: Final = frozenset(
    "brown green black white gray grey rose rosa lily lilly iris daisy poppy cherry maple palm fern bush house park "
    "hall castle field fields berry bell cook banks lane street church bridge hill wood stone lake rivers ring bond "
    "case book page bird fox wolf lamb salt pepper rice bean plum drake cotton silk leather silver gold may king "
    "koch bauer berger weber schneider kaiser stein baum busch brot bär wolff haus burg turm schloss werk pfanne "
    "castillo torre rosas casas casa costa villa mata leite couto pinto leal".split()
)
_LEAST_HEAD = 3
_BESIDE: Final = frozenset({" ", ' "', " '"})
_SELLING: Final = frozenset(
    "stock sell sells stocks carry carries selling wear wearing install drive verkaufen führen vendez vendéis venden "
    "vendete vendem vendono verkoopt verkopen sprzedajecie säljer sælger продаете продаёте продаєте".split()
)
_OFFERING: Final = frozenset(
    ["you have", "you got", "haben sie", "habt ihr", "avez-vous", "vous avez", "heeft u", "hebben jullie"]
)
_SHOPS: Final = frozenset(
    "wendy denny macy kohl sainsbury mcdonald levi lay reese hershey kellogg domino trader papa arby carl chili "
    "applebee friendly dillard lowe dick bloomingdale victoria sotheby christie moody lloyd debenham".split()
)


def is_no_person(words: Words, start: int, end: int) -> bool:
    if _MODEL_NUMBER.match(words.reading.text, words.ends[end - 1]) or is_beside_thing(words, start, end):
        return True
    if _is_saint(words, start) or _is_brand_of_shop(words, start, end):
        return True
    if end - start == 1:
        return (
            _is_at_place(words, start)
            or _is_beside_place(words, start)
            or is_beside_article(words, start)
            or _is_for_sale(words, start)
        )
    return words.lowers[start] in _SAINTS or is_brand(words, start, end) or _is_at_place(words, start)


def is_beside_thing(words: Words, start: int, end: int) -> bool:
    """'the sofa Oscar', 'Harris Tweed', 'Stanley cups', 'Weber-Grill'."""
    things = _things()
    if any(_is_thing(low, things) for low in words.lowers[start:end]):
        return True
    if not _SURNAMES_TOO.isdisjoint(words.lowers[start:end]):
        return False
    if words.lowers[start] in things or words.lowers[end - 1] in things:
        return True
    if start and words.gap(start) in _BESIDE and words.lowers[start - 1] in things:
        return True
    if end < len(words) and words.lowers[end] in things:
        is_house = words.gap(end) == "'s " and words.is_capital(end)  # 'Jenna's Kitchen'
        if words.gap(end) == " " or is_house:
            return True
    return words.is_german and _is_compound(words.lowers[start], things)


def _is_compound(low: str, things: frozenset[str]) -> bool:
    """'Schlafsack', 'Küchenstuhl': the thing is the end of the word."""
    return any(low[at:] in things for at in range(_LEAST_HEAD, len(low) - _LEAST_HEAD))


def _is_thing(low: str, things: frozenset[str]) -> bool:
    """Among words with a capital: one that is no name too, or a compound with it."""
    head = low.rpartition("-")[2]
    return head in things and (not lexicon().is_any(head) or (head != low and head not in _SURNAMES_TOO))


@cache
def _things() -> frozenset[str]:
    return frozenset(cue_list("things"))


def _is_at_place(words: Words, index: int) -> bool:
    """'deliver to Skye', 'доставка до Саратова', 'près de Nogent', 'tickets for Hamilton'."""
    if index < _LEAST_BEFORE_PLACE or words.gap(index) != " " or words.gap(index - 1) != " ":
        return False
    before = f"{words.lowers[index - 2]} {words.lowers[index - 1]}"
    return before in _TO_PLACES and "?" in words.reading.text


def _is_for_sale(words: Words, index: int) -> bool:
    """'do you sell Wilson?'"""
    if not index or words.gap(index) != " " or words.reading.text.startswith("'s", words.ends[index]):
        return False
    before = words.lowers[index - 1]
    return before in _SELLING or (index > 1 and f"{words.lowers[index - 2]} {before}" in _OFFERING)


def _is_brand_of_shop(words: Words, start: int, end: int) -> bool:
    return end - start == 1 and words.lowers[start] in _SHOPS and words.reading.text.startswith("'s", words.ends[start])


def _is_saint(words: Words, start: int) -> bool:
    if words.lowers[start].partition("-")[0] in _SAINTS and "-" in words.lowers[start]:
        return True
    return start > 0 and words.lowers[start - 1] in _SAINTS and words.continues_name(start)


def _is_beside_place(words: Words, index: int) -> bool:
    """'in X' is a place, and so is what is named in one breath with a place; unless a genitive says otherwise."""
    if not index or (words.gap(index) not in _IN_ROW and words.lowers[index - 1] not in AND):
        return False
    return words.once(_beside_places)[index]


def _beside_places(words: Words) -> list[bool]:
    """For each word. From left to right: a row of thousands costs no more than as many words apart."""
    found: list[bool] = []
    for index in range(len(words)):
        found.append(_follows_place(words, index, found))
    return found


def _follows_place(words: Words, index: int, found: list[bool]) -> bool:
    """``found``: of the words before it."""
    if not index or words.reading.text.startswith("'s", words.ends[index]):
        return False
    before = words.lowers[index - 1]
    if before in _IN and words.gap(index) == " ":
        return True
    other = index - 2 if before in AND else index - 1
    is_row = before in AND or words.gap(index) == ", "
    if not is_row or other < 0 or not words.is_capital(other):
        return False
    return words.kind(other) == PLACE or found[other]


def is_beside_article(words: Words, index: int) -> bool:
    """'the Oliver sofa'. Not in languages that put an article before names."""
    return index > 0 and words.gap(index) == " " and words.lowers[index - 1] in _ARTICLES_OF_THINGS


def without_article(words: Words, start: int, end: int) -> int:
    """A sentence may begin with one: 'The Victorian lamp'."""
    return start + 1 if end - start > 1 and words.lowers[start] in _ARTICLES_OF_THINGS else start
