"""E-mail addresses, also those written to be read by people only: ``name [at] host dot com``."""

import re
from collections.abc import Iterator

from sessions.privacy.kinds import Kind
from sessions.privacy.reading import Reading, Span

_LONGEST_LOCAL = 64
_LOCAL = re.compile(r"[\w.!#$%&'*+/=?^{|}~-]{1,64}\Z")
_HOST = re.compile(r"(?:[\w-]{1,63}\.){1,8}[^\W\d_][\w-]{1,30}")
_LITERAL_HOST = re.compile(r"\[?\d{1,3}(?:\.\d{1,3}){3}\]?|localhost")
_FRINGE = ".!#$%&'*/=?^{|}~"

_AT_WORD = "at|arroba|arobase|chez|chiocciola|kukac|zavináč|małpa|собака|собачка|ät|apestaart|snabel-a|alfakrøll|et|em"
_AT = re.compile(
    rf"\s{{0,2}}[\[({{<]\s?(?:{_AT_WORD}|@|a)\s?[\])}}>]\s{{0,2}}|\s{{1,2}}(?:{_AT_WORD})\s{{1,2}}|\s{{1,2}}@\s{{0,2}}|@\s{{1,2}}"
)
_SIGNS_OF_SPEECH = (
    " at ",
    "@",
    "at]",
    "at)",
    "at}",
    "at>",
    "at ",
    "arroba",
    "arobase",
    "chiocciola",
    " et ",
    " em ",
    "kukac",
    "zavin",
    "małpa",
    "собак",
    "ät",
    "apestaart",
    "snabel",
    "alfakr",
)
_DOT_WORD = "dot|punkt|point|punto|ponto|точка|nokta|piste|pont|tečka|kropka|punct|prick|titik"
_DOT = rf"(?:\s{{0,2}}[\[({{<]\s?(?:{_DOT_WORD}|\.)\s?[\])}}>]\s{{0,2}}|\s{{1,2}}(?:{_DOT_WORD})\s{{1,2}})"
_SPOKEN_DOT = re.compile(_DOT)
_SPOKEN_HOST = re.compile(
    rf"[\w-]{{1,63}}(?:(?:{_DOT}|\s?\.\s?)[\w-]{{1,63}}){{0,3}}(?:{_DOT}|\s?\.\s?)([a-z]{{2,12}})(?!\w)"
)
_SPOKEN_LOCAL = re.compile(
    rf"(?:(?<!\w)[\w+-]{{1,40}}(?:{_DOT}|\.|\s(?:underscore|dash|minus|unterstrich|guion)\s)){{0,3}}(?<!\w)[\w+-]{{1,40}}\Z"
)
_SPOKEN_LOCAL_REACH = 90
_NOT_A_LOCAL = frozenset(
    "it me us you him her them look looking was is are am be been were see this that here there order bought buy "
    "found available works working worked live lives shop shopped store person email mail located located in on or "
    "and arrive arrived site website online page pages visit visited saw laugh good bad only all not just while "
    "back up down out".split()
)


def find_emails(reading: Reading) -> Iterator[Span]:
    text = reading.text
    place = text.find("@")
    while place >= 0:
        span = _around_at(text, place)
        if span:
            yield span
        place = text.find("@", span.end if span else place + 1)
    if any(map(reading.lower.__contains__, _SIGNS_OF_SPEECH)):
        yield from _spoken(reading)


def _around_at(text: str, at: int) -> Span | None:
    host = _HOST.match(text, at + 1) or _LITERAL_HOST.match(text, at + 1)
    if host is None:
        return None
    reach = text[max(0, at - _LONGEST_LOCAL) : at]
    local = _LOCAL.search(reach, max(0, len(reach) - _LONGEST_LOCAL)) if reach[-1:].strip() else None
    if local is None:
        return _quoted(text, at, host.end())
    name = local[0].lstrip(_FRINGE)
    if not name:
        return None
    start, end = at - len(name), host.start() + len(host[0].rstrip("-_"))
    return Span(Kind.EMAIL, start, end, text[start:end].lower())


def _quoted(text: str, at: int, end: int) -> Span | None:
    """``"john smith"@example.com``"""
    if text[at - 1 : at] != '"':
        return None
    opening = text.rfind('"', max(0, at - 1 - _LONGEST_LOCAL), at - 1)
    return Span(Kind.EMAIL, opening, end, text[opening:end].lower()) if opening >= 0 else None


def _spoken(reading: Reading) -> Iterator[Span]:
    for at in _AT.finditer(reading.lower):
        host = _SPOKEN_HOST.match(reading.lower, at.end())
        if host is None:
            continue
        reach = reading.lower[max(0, at.start() - _SPOKEN_LOCAL_REACH) : at.start()]
        local = _SPOKEN_LOCAL.search(reach, max(0, len(reach) - _SPOKEN_LOCAL_REACH))
        if local is None or not _is_address(at[0], local[0], host[0]):
            continue
        start = at.start() - len(local[0])
        yield Span(Kind.EMAIL, start, host.end(), _plain(local[0]) + "@" + _plain(host[0]))


def _is_address(at: str, local: str, host: str) -> bool:
    """A bare word for @ is an address only where the dot is spoken too; 'I was at example.com' is none."""
    is_bare = at.strip().isalpha()
    return not (is_bare and (_SPOKEN_DOT.search(host) is None or local.rsplit(maxsplit=1)[-1] in _NOT_A_LOCAL))


def _plain(spoken: str) -> str:
    dotted = _SPOKEN_DOT.sub(".", spoken)
    return re.sub(r"\s(?:underscore|unterstrich)\s", "_", re.sub(r"\s(?:dash|minus|guion)\s", "-", dotted)).replace(
        " ", ""
    )
