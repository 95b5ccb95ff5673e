"""Secrets: keys of known forms, tokens, PEM blocks, credentials in URLs, and what stands after a word for a secret."""

import re
from collections.abc import Iterator
from typing import Final

from sessions.privacy.cues import cue_list, cue_pattern, has_cue
from sessions.privacy.folding import BARRIER
from sessions.privacy.kinds import Kind
from sessions.privacy.reading import Reading, Span

_PEM = re.compile(r"-{3,6}\s?BEGIN [A-Z0-9 ]{3,40}-{3,6}")
_PEM_END = re.compile(r"-{3,6}\s?END [A-Z0-9 ]{3,40}-{3,6}")
_LONG_TOKEN = re.compile(r"[\w\-.+/=~]{16,}", re.ASCII)
_KNOWN_FORM: Final = re.compile(
    r"""(?<![A-Za-z0-9])(?:
      sk-(?:ant-|proj-|or-|svcacct-|admin-)?[\w\-]{16,} | (?:sk|pk|rk)_(?:live|test|prod)_\w{10,} | sk_\w{20,} | pk_[A-Za-z0-9]{24,}
    | whsec_\w{16,} | gh[pousr]_\w{20,} | github_pat_\w{20,} | gl(?:pat|dt|ptt|rt|soat|cbt|ft)-[\w\-]{16,}
    | (?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA|ANVA|AIPA)[A-Z0-9]{12,} | AIza[\w\-]{30,} | ya29\.[\w\-]{20,} | GOCSPX-[\w\-]{20,}
    | xox[abeoprs]-[\w\-]{10,} | xapp-[\w\-]{16,} | xoxe\.[\w\-.]{16,} | SG\.[\w\-]{10,}\.[\w\-]{20,}
    | npm_\w{30,} | pypi-[\w\-]{30,} | dop_v1_\w{40,} | do[or]_v1_\w{40,} | hf_\w{20,} | r8_\w{30,} | gsk_\w{30,}
    | shp(?:at|ss|ca|pa)_[A-Fa-f0-9]{24,} | sq0(?:atp|csp|idp)-[\w\-]{20,} | EAA[A-Za-z0-9]{40,} | key-[a-f0-9]{32}
    | AC[a-f0-9]{32} | SK[a-f0-9]{32} | lin_api_\w{30,} | ntn_\w{30,} | secret_\w{30,} | pat[A-Za-z0-9]{14}\.[a-f0-9]{40,}
    | figd_[\w\-]{30,} | dapi[a-f0-9]{30,} | glsa_\w{30,} | hvs\.[\w\-]{20,} | sntrys_[\w=+/\-]{20,} | PMAK-[\w\-]{30,}
    | rk_\w{20,} | st_[\w\-]{30,} | AGE-SECRET-KEY-\w{30,} | tskey-[\w\-]{16,} | whk_\w{16,} | xkeysib-[\w\-]{30,} | [\da-f]{32}-us\d{1,2}
    | \d{8,10}:AA[\w\-]{30,} | [MN][A-Za-z\d]{23,27}\.[\w\-]{6}\.[\w\-]{27,} | eyJ[\w\-]{8,}\.[\w\-]{4,}(?:\.[\w\-]{4,}){0,3}
    | (?:vault|pul|sl|ATATT|ATCTT|dckr_pat|nvapi|tvly|pplx|fw|co|csk|xai|rpa|jina)[_\-][\w\-=]{24,} | ATATT[\w\-=]{30,}
    )""",
    re.VERBOSE | re.ASCII,
)
_BEARER = re.compile(r"(?<!\w)(?:bearer|basic|token)\s{1,3}([\w\-.~+/=]{12,})", re.IGNORECASE | re.ASCII)
_CREDENTIALS = re.compile(r"[a-z][a-z0-9+.\-]{1,20}://([^\s/@:\ue000]{0,80}:[^\s/@\ue000]{1,120})@", re.IGNORECASE)
_QUERY = re.compile(
    r"[?&#;](?:[a-z_\-]{0,20}(?:token|key|secret|password|passwd|pwd|signature|sig|auth|session|code|otp))=([^\s&#\ue000]{6,400})",
    re.IGNORECASE,
)

_ASSIGNED = re.compile(
    r"(?<![\w\-])[a-z0-9_\-]{0,40}?(?:secret|token|passw(?:or)?d|api_?key|access_?key|private_?key)[a-z0-9_\-]{0,20}[\"']?"
    rf"\s{{0,3}}[=:]\s{{0,3}}[\"'`]?([^\s\"'`,;{BARRIER}]{{8,400}})",
    re.IGNORECASE | re.ASCII,
)
_COOKIE = re.compile(
    rf"(?<!\w)(?:set-)?cookie\s?:\s{{0,3}}([^\s=;{BARRIER}]{{1,60}}=[^\s;{BARRIER}]{{6,400}})", re.IGNORECASE
)
_QUOTED = re.compile(rf"[\"'`“„«]([^\"'`“”„«»\n{BARRIER}]{{6,80}})[\"'`“”»]")
_OPENS = "\"'`«“„<("
_IS = (
    r"(?:number|code|nummer|is\snow|was|is|ist|lautet|est|es|é|è|e|este|jest|to|er|är|on|je|van|now|это|є|είναι|هو|هي|היא|הוא|है|คือ|là"
    r"|adalah|ini|bu|saya|μου|שלי|mea|meu|minun|min|mitt|tôi)(?!\w)|:|=|->|=>|»|[是为為はが가는은이]"
)
_AFTER_CUE = re.compile(
    rf"[\"'`]?\s{{0,3}}(?:(?:for|für|pour|para|per|voor|dla|для|of|von|de|del|do|da)\s(?:[^\s:=]{{1,20}}\s){{1,3}}?(?={_IS}))?"
    rf"(?:(?:{_IS})\s{{0,3}}[:=]?\s{{0,3}}){{0,3}}"
)
_VALUE = re.compile(rf"[\"'`«“„<(\[]?([^\s\"'`«»“”„{BARRIER}]{{3,128}})")
_SPACED = re.compile("[^\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_TRAILING = ".,;:!?)]}>、。"
_CHANGED = re.compile(r"[\d_#$%&*+=@!?~^]|[a-z][A-Z]|[A-Z]{2,}[a-z]")
_END_OF_SENTENCE = re.compile(r"\s*(?:[.,;!?\n)\"'»”]|\Z|and\b|und\b|et\b|y\b|e\b|en\b|i\b|и\b)")
_STRONG_LINK = re.compile(r"[:=]|->")
_LINK_WORD = re.compile(
    r"(?:is|ist|lautet|est|es|é|è|jest|to|er|är|on|je|это|є|是|为|為|は|는|은|هو|هي|היא|הוא|है|คือ|là|adalah)\b|[是为為は는은]"
)
_SHORT_NUMBER = re.compile(r"\d{3,8}")
_SPACED_CODE = re.compile(r"\d{3}[ -]\d{3}(?!\w)")


def find_secrets(reading: Reading) -> Iterator[Span]:
    text = reading.text
    if "BEGIN " in text:
        yield from _pem_blocks(text)
    if "=" in text or ":" in text:
        yield from (_secret(text, *match.span(1)) for match in _ASSIGNED.finditer(text) if _CHANGED.search(match[1]))
        yield from (_secret(text, *match.span(1)) for match in _COOKIE.finditer(text))
    if "://" in text or "=" in text:
        yield from (_secret(text, *match.span(1)) for match in _CREDENTIALS.finditer(text))
        yield from (_secret(text, *match.span(1)) for match in _QUERY.finditer(text) if _CHANGED.search(match[1]))
    if _LONG_TOKEN.search(text):
        yield from (_secret(text, match.start(), _without_full_stop(match)) for match in _KNOWN_FORM.finditer(text))
    yield from (_secret(text, *match.span(1)) for match in _BEARER.finditer(text) if _CHANGED.search(match[1]))
    yield from _after_cues(reading)
    if reading.after and has_cue("secret_cues", reading.after) and "?" in reading.after:
        yield from _as_answer(reading)


def _secret(text: str, start: int, end: int) -> Span:
    return Span(Kind.SECRET, start, end, text[start:end])


def _without_full_stop(match: re.Match[str]) -> int:
    return match.start() + len(match[0].rstrip(".-"))


def _pem_blocks(text: str) -> Iterator[Span]:
    """From BEGIN to END; to the end of the text where the block is cut off."""
    place = 0
    while begin := _PEM.search(text, place):
        end = _PEM_END.search(text, begin.end())
        place = end.end() if end else len(text)
        if end or "PRIVATE" in begin[0]:
            yield _secret(text, begin.start(), place)


def _after_cues(reading: Reading) -> Iterator[Span]:
    if not reading.may_hold("secret_cues"):
        return
    for cue in cue_pattern("secret_cues").finditer(reading.lower):
        link = _AFTER_CUE.match(reading.lower, cue.end())
        assert link is not None  # every part of it may be missing
        quoted = _QUOTED.match(reading.text, link.end())
        if quoted and " " in quoted[1] and _STRONG_LINK.search(link[0]) and cue[0] not in _VAGUE:
            yield _secret(reading.text, *quoted.span(1))
            continue
        value = _VALUE.match(reading.text, link.end())
        if value is None:
            continue
        code = _SPACED_CODE.match(reading.text, value.start(1))
        end = code.end() if code else value.start(1) + len(_without_tail(value[1]))
        if _is_secret(reading, cue[0], link[0], value.start(1), end):
            yield _secret(reading.text, value.start(1), end)


def _without_tail(value: str) -> str:
    """Without the sentence's punctuation, and without what a script without blanks goes on with."""
    plain = _SPACED.match(value)
    return (plain[0] if plain else value).rstrip(_TRAILING)


def _is_secret(reading: Reading, cue: str, link: str, start: int, end: int) -> bool:
    value = reading.text[start:end]
    if len(value) < 3 or value.lower() in _not_a_secret() or value.lower() in cue_list("secret_cues"):  # noqa: PLR2004
        return False
    if _SHORT_NUMBER.fullmatch(value) or _SPACED_CODE.fullmatch(value):
        return True
    if "token" in cue or "key" in cue or cue in _VAGUE:
        return len(value) >= _LEAST_TOKEN and _CHANGED.search(value) is not None
    if _STRONG_LINK.search(link):
        return len(value) >= _LEAST_PASSWORD
    if _CHANGED.search(value) and len(value) >= _LEAST_PASSWORD:
        return bool(link.strip()) or any(letter.isdigit() for letter in value)
    return (
        bool(_LINK_WORD.search(link))
        and len(value) >= _LEAST_PASSWORD
        and _END_OF_SENTENCE.match(reading.lower, end) is not None
    )


_VAGUE = frozenset(
    {
        "secret",
        "authorization",
        "key",
        "pass",
        "pw",
        "clave",
        "parola",
        "пин",
        "mk",
        "رمز",
        "sandi",
        "pin",
        "kod är",
        "lösen",
    }
)
_LEAST_TOKEN = 6
_LEAST_LONE_WORD = 6
_LEAST_PASSWORD = 4


def _not_a_secret() -> frozenset[str]:
    return frozenset(cue_list("not_a_secret"))


def _as_answer(reading: Reading) -> Iterator[Span]:
    """The assistant asked for it: a lone word that looks like one is the answer."""
    answer = _VALUE.match(reading.text.strip())
    if answer is None:
        return
    for match in re.finditer(rf"[^\s{BARRIER}]{{4,128}}", reading.text[:200]):
        value = match[0].rstrip(_TRAILING)
        is_plain_answer = " " not in reading.text.strip() and value.lower() not in _not_a_secret()
        if (
            any(map(str.isdigit, value))
            or _CHANGED.search(value)
            or (is_plain_answer and value.isascii() and len(value) >= _LEAST_LONE_WORD)
        ):
            yield _secret(reading.text, match.start(), match.start() + len(value))
