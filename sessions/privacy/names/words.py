"""A text as words, with what names need to know of each."""

import re
from collections.abc import Callable
from functools import cached_property
from typing import Any, Final, TypeVar

from sessions.privacy.names.lexicon import Lexicon, lexicon
from sessions.privacy.reading import Reading

# Letters with their marks, joined by apostrophes and hyphens. Written as what it is not, for one fast class; beyond
# punctuation and digits: symbols, arrows, emoji, full-width forms, and the private letter of placeholders.
_NOT = r"\s\d_!-&(-@\[-`{-\xa9\xab-\xb4\xb6-\xb9\xbb-\xbf\xd7\xf7\u2000-\u206f\u20a0-\u20cf\u2100-\u2bff\u3000-\u3004\u3008-\u3020\u30fb\ue000-\uf8ff\u060c\u061b\u061f\u066a-\u066d\u06d4\u0964\u0965\u055a-\u055f\u0589\u05be\u05c0\u05c3\u05f3\u05f4\U0001f000-\U0001ffff'"
_WORD: Final = re.compile(rf"[^{_NOT}]+(?:['\-][^{_NOT}]+)*")
_SENTENCE_BREAK: Final = re.compile(
    r"[.!?:;\n\xa1\xbf\u3002\uff01\uff1f\u061f\u06d4\u0964\"\u201c\u201d\u201e\xab\xbb(\[*>\u2022]"
)
_JOINS_NAME: Final = re.compile(r" ?[ \xa0-] ?|\. ?| ")
_ELISIONS: Final = frozenset({"d", "l", "qu", "dell", "all", "nell", "sull", "dall", "un"})
_LONGEST_SUFFIX = 8
GERMAN: Final = frozenset(
    "ich und nicht ist für eine einen wir bitte mein meine habe wurde wird auch noch ihre zum zur sind beim vom "
    "über sagte können möchte haben sie ein auf nach wie aus kann kein keine mich mir wurden dem des".split()
)
_ENGLISH: Final = frozenset("the and of is was are were has have had by with his her for from won said".split())

T = TypeVar("T")

FIRST, LAST, MAYBE_FIRST, MAYBE_LAST, PLACE, ORDINARY, UNKNOWN = "F", "L", "f", "l", "p", "o", "u"


class Words:
    """The words of a reading, numbered from 0."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        text, lower = reading.text, reading.lower
        spans = [match.span() for match in _WORD.finditer(text)]
        self.starts = [start for start, _ in spans]
        self.ends = [end for _, end in spans]
        self.lowers = [lower[start:end] for start, end in spans]
        self._classes: dict[int, str] = {}
        self._told: dict[Callable[[Words], Any], Any] = {}
        if "'" in text:
            self._open_contractions()

    def __len__(self) -> int:
        return len(self.starts)

    def once(self, tell: Callable[["Words"], T]) -> T:
        """What ``tell`` says of the whole text, asked for when it is first needed and never again."""
        if tell not in self._told:
            self._told[tell] = tell(self)
        told: T = self._told[tell]
        return told

    def _open_contractions(self) -> None:
        """``Sarah's`` and ``d'Anna`` become the name alone; ``I'm`` and ``m'appelle`` stay."""
        for index, low in enumerate(self.lowers):
            head, apostrophe, tail = low.partition("'")
            if not apostrophe:
                continue
            if head in _ELISIONS and len(tail) > 1:
                self._shorten(index, len(head) + 1, 0)
            elif (
                len(head) > 1
                and len(tail) <= _LONGEST_SUFFIX
                and (tail == "s" or lexicon().is_any(head) or head in lexicon().places)
                and head not in _NEVER_POSSESSIVE
            ):
                self._shorten(index, 0, len(tail) + 1)

    def _shorten(self, index: int, front: int, back: int) -> None:
        self.starts[index] += front
        self.ends[index] -= back
        self.lowers[index] = self.reading.lower[self.starts[index] : self.ends[index]]

    @cached_property
    def is_shouted(self) -> bool:
        text = self.reading.text
        return text.isupper() and len(self) > 1

    @cached_property
    def is_german(self) -> bool:
        """Whether nouns are written with a capital here."""
        return not GERMAN.isdisjoint(self.lowers)

    def is_capital(self, index: int) -> bool:
        return not self.is_shouted and self.reading.text[self.starts[index]].isupper()

    def is_upper(self, index: int) -> bool:
        return self.reading.text[self.starts[index] : self.ends[index]].isupper()

    def has_case(self, index: int) -> bool:
        letter = self.reading.text[self.starts[index]]
        return letter.lower() != letter.upper()

    def gap(self, index: int) -> str:
        """What stands between the word and the one before it."""
        return self.reading.text[self.ends[index - 1] if index else 0 : self.starts[index]]

    def is_alone(self, index: int) -> bool:
        """Whether no word with a capital stands right before it."""
        return index == 0 or not (self.continues_name(index) and self.is_capital(index - 1))

    def begins_sentence(self, index: int) -> bool:
        return index == 0 or _SENTENCE_BREAK.search(self.gap(index)) is not None

    def continues_name(self, index: int) -> bool:
        """Whether only a blank, a hyphen or an initial's full stop stands before the word."""
        gap = self.gap(index)
        if gap in {" ", "-"}:
            return True
        return gap in {". ", "."} and self.ends[index - 1] - self.starts[index - 1] <= _LONGEST_INITIAL

    def after(self, index: int) -> str:
        """What stands between the word and the next one, or the text's end."""
        end = self.starts[index + 1] if index + 1 < len(self) else len(self.reading.text)
        return self.reading.text[self.ends[index] : end]

    def ends_clause(self, index: int) -> bool:
        following = self.after(index).lstrip(" ")
        return (
            index + 1 >= len(self)
            or (following != "" and following[0] in _CLAUSE_ENDS)
            or self.lowers[index + 1] in _JOINING
            or self.is_followed_by_and(index)
        )

    def is_followed_by_and(self, index: int) -> bool:
        """Whether the next word begins with the 'and' of Arabic or Hebrew."""
        following = self.lowers[index + 1] if index + 1 < len(self) else ""
        return len(following) > _LONGEST_INITIAL and following[0] in _WRITTEN_AND

    def kind(self, index: int) -> str:
        found = self._classes.get(index)
        if found is None:
            found = classify(self.lowers[index], lexicon())
            if found == UNKNOWN and self.is_capital(index) and self._is_surname(index):
                found = LAST
            self._classes[index] = found
        return found

    def _is_surname(self, index: int) -> bool:
        """By its ending; some of those are endings of adjectives too, which only begin sentences with a capital."""
        low = self.lowers[index]
        if (SURNAME.search(low) and not self.is_german) or _SCOTTISH.match(self.reading.text, self.starts[index]):
            return True
        return SURNAME_INSIDE.search(low) is not None and not self.begins_sentence(index) and not self.is_german

    @cached_property
    def is_english(self) -> bool:
        return not _ENGLISH.isdisjoint(self.lowers)

    @cached_property
    def is_vietnamese(self) -> bool:
        return _VIETNAMESE.search(self.reading.lower) is not None


_VIETNAMESE: Final = re.compile("[ăđơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]")
_SCOTTISH: Final = re.compile("(?:Mac|Mc|O'|Fitz)[A-Z][a-z]{2}")
SURNAME: Final = re.compile(
    r"(?:(?:ow|ew|in|iń|yń|un|ec|ań)sk[iaąy]|[aeiouy]ń?ck[ia]|.czyk|.czak|.wicz|ovi[čć]|evi[čć]|.ssen|sson|dóttir|.escu|.eanu|enko|.chuk|shvili|.adze|oğlu|"
    r"opoulos|opoulou|.akis|.idis|iadis|.oglou|.zadeh|.bayev|.baeva?|..gaard|..gård|.kowskiego|енко|ович|евич|.овна|.евна|.івна|ишвили|чук|щук|όπουλος|οπούλου|άκης|ίδης|ιάδης|ίδου|άκη)$"
)
SURNAME_INSIDE: Final = re.compile(
    r"(?:..ov[áý]|..ová|..nen|..yan|..ian|..mann|..meier|..meyer|..hofer|..bauer|..elli|..etti|..ucci|..acci|..otti|..izzi|..ozzi|..aldi|..ström|..qvist|..quist|..gren|..lund|..berg|..dahl|..strand|..stra|..inga|..[aeiou]ez|..ski|..ska|..cki|..ić|..ič|"
    r"..[оеё]в|..[оеё]ва|..ин|..ина|..ский|..ская|..ского|..скому|..ської|..ський|..ська|..іна|..юк|..ук|..ян|..дзе|..ίου|..άκου|..pour|..wala|..sen|..son)$"
)
_NEVER_POSSESSIVE: Final = frozenset(
    {"it", "that", "what", "name", "he", "she", "who", "here", "there", "let", "how", "where", "names"}
)
_LONGEST_INITIAL = 2
_WRITTEN_AND: Final = frozenset("\u0648\u05d5")  # 'and' as a part of the next word, in Arabic and Hebrew
_CLAUSE_ENDS: Final = frozenset(",.!?;:\n)-\u3002\uff01\uff1f\u060c\u061f\u0964")
_JOINING: Final = frozenset(
    "à btw but where when why please pls aber mais pero mas ma maar ale no но men mutta and from here speaking "
    "again with calling i my und aus von hier et de ici y e di da en van hier i z tutaj и из с och från og fra ja "
    "és și ve من في عن لدي أريد بدي عندي מ ולא יש רוצה צריך बोल हूँ हूं है से और ने को mau ingin dari và ở ạ nhé đây muốn cần ich im i'm asap about regarding wegen".split()
)
_LEAST_BASE = 3


def classify(low: str, names: Lexicon) -> str:
    """The class of a word by itself."""
    for words, kind in (
        (names.first, FIRST),
        (names.last, LAST),
        (names.places, PLACE),
        (names.ambiguous_first, MAYBE_FIRST),
        (names.ambiguous_last, MAYBE_LAST),
        (names.ordinary, ORDINARY),
    ):
        if low in words:
            return kind
    if "-" in low:
        return _of_parts(low.split("-"), names)
    base = base_form(low, names) or _without_prefix(low, names)
    return classify(base, names) if base else UNKNOWN


def _without_prefix(low: str, names: Lexicon) -> str | None:
    """In Arabic and Hebrew 'and', 'to' and the like are written together with the name."""
    prefixes = "وفبلك" if "\u0600" <= low[0] <= "\u06ff" else "ובלמשהכ" if "\u0590" <= low[0] <= "\u05ff" else ""
    if low[0] in prefixes and len(low) > _LEAST_BASE and (names.is_any(low[1:]) or low[1:] in names.ordinary):
        return low[1:]
    return None


def _of_parts(parts: list[str], names: Lexicon) -> str:
    kinds = {classify(part, names) for part in parts if part}
    if kinds & {FIRST, LAST} and not kinds & {ORDINARY, UNKNOWN}:
        return FIRST if FIRST in kinds else LAST
    if kinds <= {MAYBE_FIRST, MAYBE_LAST}:
        return MAYBE_FIRST if MAYBE_FIRST in kinds else MAYBE_LAST
    return ORDINARY if ORDINARY in kinds else UNKNOWN


# Endings of the cases, and what they stand for in the nominative.
_ENDINGS: Final = (
    ("ами", ("",)), ("ого", ("ый", "ий", "")), ("ому", ("ый", "ий")), ("ыми", ("",)), ("ова", ("ов",)), ("ым", ("", "ый")),
    ("ой", ("а", "ая")), ("ей", ("я", "ья", "а")), ("ою", ("а",)), ("ом", ("",)), ("ем", ("й", "ь")), ("єм", ("й",)),
    ("ові", ("",)), ("еві", ("й", "ь")), ("ию", ("ия", "ий")), ("ии", ("ия",)), ("ия", ("ий",)), ("ію", ("ія",)), ("ії", ("ія",)),
    ("у", ("", "а")), ("ю", ("я", "й", "ь")), ("а", ("",)), ("я", ("й", "ь")), ("е", ("а", "", "я")), ("ы", ("а", "")),
    ("и", ("а", "я", "ь", "")), ("і", ("а", "")), ("ї", ("я",)),
    ("owskiego", ("owski",)), ("skiego", ("ski",)), ("ckiego", ("cki",)), ("skiej", ("ska",)), ("ckiej", ("cka",)), ("skim", ("ski",)),
    ("skiemu", ("ski",)), ("ską", ("ska",)), ("owi", ("",)), ("ovi", ("",)), ("iem", ("", "i")), ("em", ("", "ek")), ("ą", ("a",)), ("ę", ("a",)), ("ové", ("ová",)), ("ovou", ("ová",)),
    ("ου", ("ος", "ης")), ("η", ("ης",)), ("α", ("ας",)), ("ο", ("ος",)),
    ("lle", ("",)), ("lta", ("",)), ("lla", ("",)), ("nak", ("",)), ("nek", ("",)), ("val", ("",)), ("vel", ("",)), ("s", ("",)),
)  # fmt: skip
_LEAST_WORD = 5


def base_form(low: str, names: Lexicon) -> str | None:
    """The name of which this may be a case, if the lexicon knows one that is nothing but a name."""
    if len(low) < _LEAST_WORD - (low[0] > "\u03ff"):
        return None
    for ending, replacements in _ENDINGS:
        if low.endswith(ending):
            stem = low[: -len(ending)]
            for replacement in replacements:
                base = stem + replacement
                if len(base) >= _LEAST_BASE and names.is_solid(base):
                    return base
    return None
