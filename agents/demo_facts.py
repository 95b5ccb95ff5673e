"""Facts out of an agent's instructions, for the demo model: the sentences that speak of what was asked.

Instructions are not for visitors. What directs the assistant is never said, and of an agent's own instructions, apart
from its website's, nothing that speaks to a "you".
"""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from agents.graphs.prompt import CONTEXT_HEADING, WEBSITE_HEADING

MOST_SENTENCES = 2
LONGEST_LOOK = 40_000
SHORT_WORD = 3
LONGEST_ABBREVIATION = 4  # with its full stop: Str. Nr. a.m.

# What a sentence scores for a topic or a word of the question, in its label ("Delivery: ...") and after it.
TOPIC_IN_LABEL, TOPIC_IN_TEXT = 6, 3
WORD_IN_LABEL, WORD_IN_TEXT = 3, 2
ENOUGH_FOR_A_QUESTION, ENOUGH = 2, 3


@dataclass(frozen=True, slots=True)
class Topic:
    """Words that ask for it, and words that a sentence about it holds. A final * stands for any ending."""

    asked: frozenset[str]
    told: frozenset[str]


@dataclass(frozen=True, slots=True)
class Fact:
    """One sentence, its words before the colon, and those after."""

    sentence: str
    label: frozenset[str]
    text: frozenset[str]


def word_set(text: str) -> frozenset[str]:
    """The words of a list kept as a line of text."""
    return frozenset(text.split())


def _singular(word: str) -> str:
    return word[:-1] if word.endswith("s") and len(word) > SHORT_WORD else word


def _topic(asked: str, told: str) -> Topic:
    return Topic(frozenset(map(_singular, asked.split())), frozenset(map(_singular, told.split())))


WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat sun weekend"
TOPICS = (
    _topic(f"open opening hour close* when time {WEEKDAYS} today tomorrow", "open opening hour close*"),
    _topic("where address located location find street direction* map visit", "address located location street"),
    _topic("phone telephone call number ring", "phone telephone tel"),
    _topic("email e-mail mail contact write reach", "email e-mail mail contact"),
    _topic("deliver* ship* courier send", "deliver* ship* courier"),
    _topic("pay payment paying cards card cash paypal", "pay payment card cash paypal"),
    _topic("return* refund* exchange", "return* refund*"),
    _topic("warranty guarantee repair* service* fix broken maintenance", "warranty guarantee repair* service"),
    _topic("price* cost* much expensive cheap sell offer product*", "price* cost* product*"),
    _topic("book* reserv* appointment* preorder* pre-order* order*", "book* reserv* appointment* order*"),
    _topic("gluten vegan allerg* nut vegetarian lactose sesame", "gluten gluten-free vegan allerg* nut"),
    _topic("park parking car", "park parking"),
)
TO_THE_ASSISTANT = (
    "you answer", "you are", "you must", "you should", "you may", "you can use", "you never", "you always", "your job",
    "be ", "never", "always", "do not", "don't", "answer", "keep ", "speak ", "use ", "if a", "if the visitor",
    "if some", "when asked", "act ", "reply", "respond", "help ", "stay ", "avoid", "say ", "tell ", "refuse",
)  # fmt: skip
COMMON_WORDS = word_set(
    """
    a about all am an and any are as at be been but by can could did do does for from get give had has have hello hey hi
    how i if in is it its know like me my need no not of on or our please print say show so some tell that the their
    there they this to us want was we what when where which who will with would you your
    """
)


def facts_about(question: str, system_text: str) -> list[str]:
    """The best matching sentences, at most two, in their order; none where nothing fits."""
    asked = words_of(question)
    topics = [topic for topic in TOPICS if _holds(asked, topic.asked)]
    rare = asked - COMMON_WORDS
    scored = [(_score(fact, topics, rare), fact.sentence) for fact in _facts(_instructions(system_text))]
    best = max((score for score, _ in scored), default=0)
    if best < (ENOUGH_FOR_A_QUESTION if "?" in question else ENOUGH):
        return []
    return [sentence for score, sentence in scored if score == best][:MOST_SENTENCES]


def words_of(text: str) -> frozenset[str]:
    """Small letters, no accents, no marks around a word, no plural s."""
    plain = unicodedata.normalize("NFKD", text[:LONGEST_LOOK].lower().replace("’", "'"))  # noqa: RUF001 - phones
    letters = "".join(character for character in plain if not unicodedata.combining(character))
    bare = (raw.strip(".,;:!?…()[]\"'“”„«»*_") for raw in letters.split())
    return frozenset(_singular(word) for word in bare if word)


def _instructions(system_text: str) -> str:
    """Without the page's context, which anybody may have written."""
    return system_text.partition(CONTEXT_HEADING)[0][:LONGEST_LOOK]


@lru_cache(maxsize=128)
def _facts(instructions: str) -> tuple[Fact, ...]:
    own, _, website = instructions.partition(WEBSITE_HEADING)
    spoken_of = [sentence for sentence in _sentences(own) if words_of(sentence).isdisjoint({"you", "your"})]
    return tuple(_fact(sentence) for sentence in (*spoken_of, *_sentences(website)))


def _fact(sentence: str) -> Fact:
    label, colon, text = sentence.partition(": ")
    return Fact(sentence, words_of(label if colon else ""), words_of(text if colon else label))


def _sentences(instructions: str) -> list[str]:
    found: list[str] = []
    for line in instructions.splitlines():
        found += _split_line(line.strip().lstrip("-*•# "))
    return [sentence for sentence in found if not sentence.lower().startswith(TO_THE_ASSISTANT)]


def _split_line(line: str) -> list[str]:
    """At a full stop before a capital, unless what ends there looks like an abbreviation."""
    words = line.split()
    ends = [
        position
        for position, (word, following) in enumerate(pairwise(words), start=1)
        if word[-1] in ".!?" and following[0].isupper() and not _abbreviates(word)
    ]
    cuts = [0, *ends, len(words)]
    parts = (" ".join(words[start:end]) for start, end in pairwise(cuts))
    return [part for part in parts if part]


def _abbreviates(word: str) -> bool:
    return len(word) <= LONGEST_ABBREVIATION and not word[:-1].isdigit()


def _score(fact: Fact, topics: list[Topic], rare: frozenset[str]) -> int:
    score = WORD_IN_LABEL * len(rare & fact.label) + WORD_IN_TEXT * len(rare & fact.text)
    for topic in topics:
        if _holds(fact.label, topic.told):
            score += TOPIC_IN_LABEL
        elif _holds(fact.text, topic.told):
            score += TOPIC_IN_TEXT
    return score


def _holds(words: frozenset[str], wanted: frozenset[str]) -> bool:
    if not words.isdisjoint(wanted):
        return True
    stems = tuple(word[:-1] for word in wanted if word.endswith("*"))
    return bool(stems) and any(word.startswith(stems) for word in words)
