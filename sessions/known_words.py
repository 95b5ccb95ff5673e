"""The words that a session itself tells are somebody's: its user id, and what its context says under such keys."""

import re
from collections.abc import Iterator
from typing import Any, Final

from sessions.cleaning import JsonValue

_LONGEST_KNOWN: Final = 120
_SHORTEST_KNOWN: Final = 2
_MOST_KNOWN: Final = 50
_WORDS_OF_KEY: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")

# Of a key's last word, in the languages that keys are written in; nothing counts below a key that names a thing.
_PERSONAL_KEYS: Final = """
    name firstname lastname surname fullname givenname familyname forename nickname nick username user userid login
    email mail phone mobile tel telephone fax address street iban birthday birthdate dob passport
    vorname nachname kunde telefon adresse strasse geburtstag prenom nom nombre apellido apellidos correo cognome
    nome sobrenome naam voornaam achternaam imie nazwisko
"""
_THING_KEYS: Final = """
    product item page site website shop store company brand category plan agent bot file event course article
    campaign browser device os app city country host domain path theme variant collection list tag
    produkt seite firma marke laden filiale
"""
_PERSONAL: Final = frozenset(_PERSONAL_KEYS.split())
_THINGS: Final = frozenset(_THING_KEYS.split())


def known_words(user_id: str | None, context: dict[str, JsonValue]) -> list[str]:
    """For the redactor, the longest first: a full name before its parts."""
    found = {word.strip() for word in (user_id or "", *_personal_values(context, is_thing=False))}
    known = sorted(filter(_is_telling, found), key=lambda word: (-len(word), word))
    return known[:_MOST_KNOWN]


def _personal_values(value: Any, *, is_thing: bool, is_personal: bool = False) -> Iterator[str]:
    """What stands under a key that tells of a person, however deep; not under one that tells of a thing."""
    if isinstance(value, str) and is_personal and not is_thing:
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _personal_values(item, is_thing=is_thing, is_personal=is_personal)
    elif isinstance(value, dict):
        for key, item in value.items():
            words = [word.lower() for word in _WORDS_OF_KEY.findall(key)]
            yield from _personal_values(
                item,
                is_thing=is_thing or not _THINGS.isdisjoint(words),
                is_personal=bool(words) and not _PERSONAL.isdisjoint({words[-1], "".join(words)}),
            )


def _is_telling(word: str) -> bool:
    """Numbers and single letters would be found everywhere; what is a number's own kind the redactor knows itself."""
    return _SHORTEST_KNOWN < len(word) <= _LONGEST_KNOWN and any(map(str.isalpha, word))
