"""Builds the two generated lists of ``sessions/privacy/lists``: ``names.txt.xz`` and ``ordinary.txt.xz``.

A development tool, run by hand when the lists should change (``python -m bench.gazetteer``). It needs what the project
itself does not: ``Faker`` (the names of all its locales), ``wordfreq`` (which words are frequent) and Debian's
``hunspell`` with its dictionaries (which words may be written small, and so are ordinary words rather than names).
"""

import importlib
import lzma
import pkgutil
import re
import subprocess
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import faker.providers.address
import faker.providers.person
import wordfreq

LISTS = Path(__file__).resolve().parents[1] / "sessions" / "privacy" / "lists"
UNSPACED = frozenset({"zh", "ja", "ko"})
DICTIONARIES = {
    "en": "en_US en_GB", "de": "de_DE", "fr": "fr", "es": "es_ES", "it": "it_IT", "pt": "pt_BR pt_PT", "nl": "nl",
    "pl": "pl_PL", "ru": "ru_RU", "sv": "sv_SE", "da": "da_DK", "nb": "nb_NO", "cs": "cs_CZ", "sk": "sk_SK",
    "hu": "hu_HU", "ro": "ro_RO", "uk": "uk_UA", "bg": "bg_BG", "sh": "hr_HR sr_RS", "sl": "sl_SI", "el": "el_GR",
    "lt": "lt_LT", "lv": "lv_LV", "tr": "tr_TR", "ca": "ca", "id": "id_ID",
    "he": "he_IL", "ar": "ar", "hi": "hi_IN",
}  # fmt: skip
TOP_WORDS = 10_000
TOP_WORDS_UNCHECKED = 3000  # of a language without a dictionary: further down names become too many
FREQUENT = 3.0  # Zipf: once in a million words
VERY_FREQUENT = 4.7
COMMON_NAME = (
    3  # a first name in so many locales is ordinary only where the word is very frequent (English has many locales)
)
# Capitalised in a German dictionary like every noun, yet in a chat far more often somebody's name.
NAMES_ALL_THE_SAME = frozenset(
    "müller schmidt schneider fischer weber meyer wagner becker schulz hoffmann schäfer bauer richter klein "
    "schröder neumann schwarz zimmermann braun krüger hofmann hartmann lange schmitt werner krause meier lehmann "
    "schmid schulze maier köhler herrmann walter könig mayer huber kaiser fuchs peters lang scholz möller weiß "
    "jung hahn schubert vogel friedrich keller günther frank berger winkler roth beck lorenz baumann franke "
    "albrecht schuster simon ludwig böhm winter kraus martin schumacher krämer vogt stein jäger otto sommer groß "
    "seidel heinrich brandt haas anna maria peter paul martin thomas alexander michael daniel david laura lena "
    "julia sarah sara lisa emma sophie marie charlotte clara jan max felix leon lukas jonas tim tom ben finn nina "
    "eva sofia chris amir luca marco marina carmen nora rita bruno carla omar elena dario irene lola vera dan dave "
    "mike nick rob tony steve kate jane jean pierre jacques claire hugo louis mario carlos pedro pablo diego rosa "
    "ines olga ivan nadia karim wang zhang chen liu yang nguyen tran pham".split()
)
_WHOLE_LISTS = re.compile(r"(first|last|middle)_names?|surnames?|family_names|prefix_.*first")
_PLACES = re.compile(r"cit(y|ies)|countr(y|ies)|state|province|region|department|canton|prefecture|municipalit|island")
_SPLIT = re.compile(r"[\s\-‐'’.]+")


def main() -> None:
    firsts, lasts, common = faker_names()
    places = faker_places()
    names = firsts | lasts
    small = {language: written_small(language, names) for language in DICTIONARIES}
    ordinary_names = {name for name in names if is_ordinary(name, small, is_common=name in common)}
    lines = []
    for name in sorted(names):
        flags = ("f" if name in firsts else "") + ("l" if name in lasts else "")
        flags += "w" if name in ordinary_names else ""
        flags += "c" if name in common and not is_ordinary(name, small, is_common=False) else ""
        flags += "p" if name in places - common and name not in NAMES_ALL_THE_SAME else ""
        lines.append(f"{name} {flags}")
    write("names.txt.xz", lines)
    words = {word for word in top_words(firsts) if word not in names or word in ordinary_names} | places
    write("ordinary.txt.xz", sorted(words))


def faker_names() -> tuple[set[str], set[str], set[str]]:
    """First and last names of all locales, folded, those of two words in their parts; and the first names of many."""
    firsts: Counter[str] = Counter()
    lasts: set[str] = set()
    for provider in providers(faker.providers.person):
        here: set[str] = set()
        for attribute in dir(provider):
            if not _WHOLE_LISTS.match(attribute):
                continue
            into = here if "first" in attribute else lasts
            into.update(parts(strings(getattr(provider, attribute))))
        firsts.update(here)
    return set(firsts), lasts, {name for name, locales in firsts.items() if locales >= COMMON_NAME}


def faker_places() -> set[str]:
    found: set[str] = set()
    for provider in providers(faker.providers.address):
        for attribute in dir(provider):
            if _PLACES.search(attribute) and "suffix" not in attribute and "prefix" not in attribute:
                values = [value for value in strings(getattr(provider, attribute)) if " " not in value]
                found.update(parts(values))
    return {place for place in found if max_frequency(place) >= FREQUENT}


def providers(package: object) -> Iterator[type]:
    for module in pkgutil.iter_modules(package.__path__):  # type: ignore[attr-defined]
        name = f"{package.__name__}.{module.name}"  # type: ignore[attr-defined]
        yield importlib.import_module(name).Provider


def strings(value: object) -> Iterable[str]:
    if isinstance(value, dict):
        return [key for key in value if isinstance(key, str)]
    if not isinstance(value, list | tuple | set | frozenset):
        return []
    return [item for entry in value for item in ([entry] if isinstance(entry, str) else strings(entry))]


def parts(values: Iterable[str]) -> Iterator[str]:
    for value in values:
        if "{{" in value:
            continue
        for part in _SPLIT.split(unicodedata.normalize("NFC", value)):
            folded = part.casefold() if part.isascii() else part.lower()
            if is_wordlike(folded):
                yield folded


def is_wordlike(word: str) -> bool:
    least = 1 if "぀" <= word[:1] <= "鿿" or "가" <= word[:1] <= "힣" else 2
    return len(word) >= least and all(unicodedata.category(letter)[0] in "LM" for letter in word)


def written_small(language: str, words: Iterable[str]) -> set[str]:
    """Which of the words the dictionaries of the language accept in small letters."""
    listed = "\n".join(words)
    accepted: set[str] = set()
    for name in DICTIONARIES[language].split():
        command = ["hunspell", "-i", "utf-8", "-d", name, "-G"]
        accepted.update(
            subprocess.run(command, input=listed, capture_output=True, text=True, check=True).stdout.split()
        )
    return accepted


def is_ordinary(name: str, small: dict[str, set[str]], *, is_common: bool) -> bool:
    if name in NAMES_ALL_THE_SAME:
        return False
    return any(
        name in words
        and wordfreq.zipf_frequency(name, language) >= (VERY_FREQUENT if is_common and language != "en" else FREQUENT)
        for language, words in small.items()
    )


def max_frequency(word: str) -> float:
    languages = ("en", "de", "fr", "es", "it", "pt", "pl", "nl", "ru")
    return max(float(wordfreq.zipf_frequency(word, language)) for language in languages)


def top_words(firsts: set[str]) -> Iterator[str]:
    """The frequent words of all languages, as far as a dictionary says that they are no proper names."""
    for language in wordfreq.available_languages("best"):
        if language in UNSPACED:
            yield from (word for word in wordfreq.top_n_list(language, 2 * TOP_WORDS) if is_unspaced_word(word))
            continue
        known = language in DICTIONARIES
        top = wordfreq.top_n_list(language, TOP_WORDS if known else TOP_WORDS_UNCHECKED)
        words = [word for word in top if is_wordlike(word) and len(word) > 1]
        if known:
            nouns = german_nouns(words, firsts) if language == "de" else set()
            words = sorted(written_small(language, words) | nouns)
        yield from words


def is_unspaced_word(word: str) -> bool:
    return len(word) > 1 and "\u3040" <= word[0] <= "\ud7af" and is_wordlike(word)


def german_nouns(words: Iterable[str], firsts: set[str]) -> set[str]:
    """Nouns are written with a capital, so only lists of first names tell them from names."""
    capitals = [word.capitalize() for word in words if word not in firsts]
    return {word.lower() for word in written_small("de", capitals)}


def write(name: str, lines: list[str]) -> None:
    data = ("\n".join(lines) + "\n").encode()
    path = LISTS / name
    path.write_bytes(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME))
    print(f"{name}: {len(lines):,} lines, {len(data):,} bytes, {path.stat().st_size:,} compressed")


if __name__ == "__main__":
    main()
