"""Names that visitors give in passing, for the demo model.

Words are compared, not patterns: the time is linear in the text, whatever the text is.
"""

import unicodedata
from collections.abc import Sequence

from agents.demo_facts import word_set

LONGEST_LOOK = 2000  # characters of one message
LONGEST_NAME_WORDS = 3
LONGEST_NAME = 60
LONGEST_NAME_ON_ING = 4  # Ming, Qing; longer ones are what somebody is doing
SENTENCE_END = ".!?,;:…)"

INTRODUCTIONS = (
    ("my", "name", "is"),
    ("my", "name's"),
    ("my", "names"),
    ("call", "me"),
    ("i'm",),
    ("im",),
    ("i", "am"),
)
CAPITAL_NEEDED = {("i'm",), ("im",), ("i", "am")}
"""After these a small letter is rather a state than a name: "I'm fine", "I am vegan"."""

NO_NAMES = word_set(
    """
    a about afraid after again all allergic already also always an and any anything are as asking at available away back
    bad because both bored but buying by celiac confused could curious customer done embarrassed even excited fine first
    for free from glad going good great happy hard here home how hungry i if in interested is it its just kind late
    later lost maybe me monday tuesday wednesday thursday friday saturday sunday my name new nice no not nothing now of
    off ok okay on only or our out over please ready really right sad same sick so some sorry still such sure that the
    there they thinking thirsty this tired to today tomorrow tonight too trying unhappy unsure vegan vegetarian very
    waiting was we welcome well what when where which who why with wondering would you your
    american australian austrian british canadian chinese danish dutch english european finnish french german greek
    indian irish italian japanese korean mexican norwegian polish portuguese russian scottish spanish swedish swiss
    turkish ukrainian
    """
)


def introduced_name(message: str) -> str | None:
    """The name in "My name is Alice", "I'm Alice", "call me Alice"; the last where there are several."""
    words = message[:LONGEST_LOOK].replace("’", "'").split()  # noqa: RUF001 - typed by phones
    bare = [word.strip(SENTENCE_END + "\"'(").lower() for word in words]
    for start in range(len(words) - 1, -1, -1):
        for opening in INTRODUCTIONS:
            end = start + len(opening)
            if tuple(bare[start:end]) == opening and not _ends_sentence(words[end - 1]):
                name = _name_at(words[end : end + LONGEST_NAME_WORDS], capital_needed=opening in CAPITAL_NEEDED)
                if name:
                    return name
    return None


def _ends_sentence(word: str) -> bool:
    return word[-1] in SENTENCE_END


def _name_at(words: Sequence[str], *, capital_needed: bool) -> str | None:
    parts: list[str] = []
    for word in words:
        part = _name_part(word)
        if part is None or (parts and not _begins_as_name(part)) or (capital_needed and not _begins_as_name(part)):
            break
        parts.append(part if _begins_as_name(part) else part[0].upper() + part[1:])
        if _ends_sentence(word):
            break
    return " ".join(parts)[:LONGEST_NAME] or None


def _name_part(word: str) -> str | None:
    """The word without what surrounds it, where it can be one of a name's: letters, hyphens and apostrophes."""
    part = word.strip(SENTENCE_END + "\"'(“”„«»*_")
    lower = part.lower()
    if not part or not part[0].isalpha() or not all(_in_name(character) for character in part):
        return None
    if lower in NO_NAMES or lower.endswith("'s") or (lower.endswith("ing") and len(part) > LONGEST_NAME_ON_ING):
        return None
    return part


def _in_name(character: str) -> bool:
    """A letter, or a mark that belongs to one; many scripts write vowels as marks."""
    return character in "-'" or unicodedata.category(character)[0] in "LM"


def _begins_as_name(part: str) -> bool:
    """A capital, or a letter of a script that has none."""
    return not part[0].islower()
