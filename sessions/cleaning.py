"""The one cleaning boundary: for what comes in from outside, and for what the model says.

What is refused in a visitor's text is replaced or removed in the model's, whose words cannot be sent back.
Everything else is treated alike, so that both can be stored as PostgreSQL `text` and `jsonb` and shown.

| in the text                                                      | visitor            | model   |
|------------------------------------------------------------------|--------------------|---------|
| lone surrogates                                                  | refused            | U+FFFD  |
| nothing visible left                                             | refused (required) | kept    |
| more UTF-8 bytes than allowed, once clean                        | refused            | kept    |
| blanks and newlines at both ends                                 | removed            | kept    |
| CR LF, CR, NEL, U+2028, U+2029                                   | LF                 | LF      |
| NUL and the other C0 and C1 controls, but tab and LF             | removed            | removed |
| bidi embeddings, overrides, isolates; U+206A..206F               | removed            | removed |
| tag characters, but in the flags of England, Scotland and Wales  | removed            | removed |
| byte order mark, interlinear annotations, noncharacters          | removed            | removed |
| unassigned invisible characters of plane 14                      | removed            | removed |
| combining marks and invisible joiners in a row, after the 8th    | removed            | removed |
| ZWJ, ZWNJ, LRM, RLM, ALM, soft hyphen, private use               | kept               | kept    |
| canonically equivalent spellings                                 | NFC                | NFC     |

Cleaning is idempotent and takes linear time. JSON: numbers beyond 64 bits, NaN, invalid UTF-8, lone
surrogates and nesting beyond 32 are refused; of a repeated key the last value counts, as usual.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Literal, TypeAlias

import orjson

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
UncleanCode = Literal[
    "empty",
    "invalid_id",
    "invalid_json",
    "invalid_text",
    "number_too_large",
    "too_deep",
    "too_large",
    "wrong_type",
]

MAX_BODY_BYTES = 65_536
MAX_MESSAGE_BYTES = 8_192  # of UTF-8, after cleaning
MAX_METADATA_BYTES = 4_096  # of compact JSON in UTF-8, after cleaning
MAX_METADATA_DEPTH = 5  # the object itself is the first level
MAX_METADATA_KEY_CHARS = 64
MAX_JSON_DEPTH = 32  # far beyond any body we accept, far below what breaks repr() and other recursion
ID_PATTERN = r"[A-Za-z0-9_-]{8,128}"

MAX_MARKS_IN_A_ROW = 8  # the tallest stack of a real writing system, in Tibetan, has 8
# Composing a run needs it whole, so its raw length is bounded too: for streams, and because sorting a run of
# marks takes time quadratic in its length.
_MAX_RAW_MARKS_IN_A_ROW = 32

_ID = re.compile(ID_PATTERN)
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_NEWLINE = re.compile(r"\r\n?|[\x85\u2028\u2029]")

_BLACK_FLAG = "\U0001f3f4"
_SUBDIVISIONS = ("gbeng", "gbsct", "gbwls")
_TAGS = "\U000e0000-\U000e007f"
_LONGEST_OPEN_FLAG_TAGS = 5


def _as_tags(subdivision: str) -> str:
    return "".join(chr(0xE0000 + ord(letter)) for letter in subdivision) + "\U000e007f"


_FLAGS = f"{_BLACK_FLAG}(?:{'|'.join(_as_tags(subdivision) for subdivision in _SUBDIVISIONS)})"
_NONCHARACTERS = "\ufdd0-\ufdef" + "".join(
    f"{chr(plane | 0xFFFE)}{chr(plane | 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
)
_REMOVED_CHARACTERS = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, once newlines are LF
    "\u202a-\u202e\u2066-\u206f"  # bidi embeddings, overrides, isolates; deprecated format controls
    "\ufeff\ufff9-\ufffb"
    f"{_TAGS}\U000e0080-\U000e00ff\U000e01f0-\U000e0fff{_NONCHARACTERS}"
)
_FLAG = re.compile(f"({_FLAGS})")
_REMOVED = re.compile(f"[{_REMOVED_CHARACTERS}]+")
# What a stream may end with for now: the next piece decides what it is.
_OPEN_END = re.compile(rf"(?:\r|{_BLACK_FLAG}[{_TAGS}]{{0,{_LONGEST_OPEN_FLAG_TAGS}}})\Z")

# Invisible characters that texts need now and then, never many in a row: unbounded, they smuggle hidden text.
_JOINERS = "\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2060-\u2065\u3164\uffa0"
_CONJOINING_VOWELS_AND_FINALS = "\u1161-\u11ff"  # of Hangul: they compose with what precedes them
_BLANK = re.compile(rf"[\s{_JOINERS}\u034f\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]*")


def _marks(start: int, stop: int) -> str:
    """The combining marks from `start` up to `stop`, as ranges for a character class."""
    is_mark = [unicodedata.category(chr(n)).startswith("M") for n in range(start, stop)]
    edges = [n for n in range(1, len(is_mark)) if is_mark[n] != is_mark[n - 1]]
    return "".join(f"{chr(start + a)}-{chr(start + b - 1)}" for a, b in zip(edges[::2], edges[1::2], strict=True))


def _marks_of_block(start: int, stop: int) -> str:
    """A guarded class: `re` walks the ranges of an astral class one by one, so each block has only a few."""
    return rf"(?=[{chr(start)}-{chr(stop - 1)}])[{_marks(start, stop)}]"


# A mark or joiner. It is also whatever could compose with the character before it, so that text may be cut
# before any other character and composed in parts.
_MARK = (
    rf"(?:[{_JOINERS}{_CONJOINING_VOWELS_AND_FINALS}{_marks(0x2FF, 0xFFFF)}]"
    rf"|{_marks_of_block(0x10000, 0x11400)}|{_marks_of_block(0x11400, 0x12000)}"
    rf"|{_marks_of_block(0x16000, 0x1F000)}|[\U000e0100-\U000e01ef])"
)
_RUN_OF_MARKS = re.compile(rf"{_MARK}+")
_LAST_CLUSTER = re.compile(rf"(?:(?!{_MARK}).)?{_MARK}*\Z", re.DOTALL)


class UncleanError(ValueError):
    """The input is refused. `code` is stable, for programs; `sentence` is for whoever reads it."""

    def __init__(self, field: str, code: UncleanCode, sentence: str) -> None:
        super().__init__(f"{field}: {sentence}")
        self.field = field
        self.code = code
        self.sentence = sentence


def parse_json(body: bytes) -> JsonValue:
    """The value in a request's body, its strings not clean yet. Raises UncleanError for the field `body`."""
    if len(body) > MAX_BODY_BYTES:
        raise UncleanError("body", "too_large", f"The body may have at most {MAX_BODY_BYTES:,} bytes.")
    try:
        value: JsonValue = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UncleanError("body", "invalid_json", "The body is not JSON in UTF-8.") from error
    _check_numbers_and_depth(value)
    return value


def clean_text(text: str, *, field: str, max_bytes: int, required: bool = True) -> str:
    """A visitor's text by the table above. Raises UncleanError for what is refused."""
    if _SURROGATE.search(text):
        raise UncleanError(field, "invalid_text", "This text is broken: it holds half a character.")
    clean = _compose(_filter(text)).strip()
    size = len(clean.encode())
    if size > max_bytes:
        raise UncleanError(field, "too_large", f"This text may have at most {max_bytes:,} bytes, not {size:,}.")
    if not _BLANK.fullmatch(clean):
        return clean
    if required:
        raise UncleanError(field, "empty", "This text may not be empty.")
    return ""


def clean_answer(text: str) -> str:
    """The model's words by the table above, whatever they are. Never raises."""
    return _compose(_filter(_without_surrogates(text)))


class AnswerCleaner:
    """`clean_answer` for a stream: what `feed` and `finish` return, joined, is the whole answer cleaned.

    Holds back the last character with its marks, a CR, or a flag that is not complete: 40 characters at most.
    """

    def __init__(self) -> None:
        self._raw = ""
        self._cluster = ""

    def feed(self, delta: str) -> str:
        """Take the next piece; the clean text that no later piece can change any more."""
        raw = self._raw + _without_surrogates(delta)
        open_end = _OPEN_END.search(raw)
        decided = open_end.start() if open_end else len(raw)
        self._raw = raw[decided:]
        return self._compose_all_but_last_cluster(_filter(raw[:decided]))

    def finish(self) -> str:
        """The end of the answer: what was held back. The cleaner can be used for another answer after it."""
        rest = _compose(self._cluster + _filter(self._raw))
        self._raw = self._cluster = ""
        return rest

    def _compose_all_but_last_cluster(self, filtered: str) -> str:
        text = self._cluster + filtered
        if text.isascii():
            self._cluster = text[-1:]
            return text[:-1]
        text = _bound_runs(text, _MAX_RAW_MARKS_IN_A_ROW)
        earliest = max(0, len(text) - 1 - _MAX_RAW_MARKS_IN_A_ROW)
        last = _LAST_CLUSTER.search(text, earliest)
        settled = last.start() if last else len(text)
        self._cluster = text[settled:]
        return _compose(text[:settled])


def clean_metadata(value: object, *, field: str = "metadata") -> dict[str, JsonValue]:
    """A JSON object with every key and text clean. Of keys that become equal the last one counts.

    Raises UncleanError for anything but a JSON object, and for one too deep or too large.
    """
    if not isinstance(value, dict):
        raise UncleanError(field, "wrong_type", "This must be an object.")
    clean = _clean_object(value, field, depth=1)
    if len(orjson.dumps(clean)) > MAX_METADATA_BYTES:
        raise UncleanError(field, "too_large", f"This may have at most {MAX_METADATA_BYTES:,} bytes as JSON.")
    return clean


def check_id(value: object, field: str) -> str:
    """`value`, if it is an identifier as clients make them. Raises UncleanError."""
    if not isinstance(value, str):
        raise UncleanError(field, "wrong_type", "This must be a string.")
    if _ID.fullmatch(value) is None:
        raise UncleanError(field, "invalid_id", "Use 8 to 128 letters, digits, hyphens and underscores.")
    return value


def _without_surrogates(text: str) -> str:
    return _SURROGATE.sub("\ufffd", text)


def _filter(text: str) -> str:
    """All that concerns characters by themselves; newlines first, so that their halves are not removed."""
    if text.isascii() and text.isprintable():
        return text
    flags_at_odd_places = _FLAG.split(_NEWLINE.sub("\n", text))
    return "".join(part if place % 2 else _REMOVED.sub("", part) for place, part in enumerate(flags_at_odd_places))


def _compose(text: str) -> str:
    """NFC with bounded runs: cut before it for the time it takes, and after it since it may lengthen them."""
    if text.isascii():
        return text
    composed = unicodedata.normalize("NFC", _bound_runs(text, _MAX_RAW_MARKS_IN_A_ROW))
    return _bound_runs(composed, MAX_MARKS_IN_A_ROW)


def _bound_runs(text: str, most: int) -> str:
    return _RUN_OF_MARKS.sub(lambda run: run[0][:most], text)


def _check_numbers_and_depth(value: JsonValue) -> None:
    """Level by level and without recursion, for the body is hostile until proven otherwise."""
    level = [value]
    for _ in range(MAX_JSON_DEPTH + 1):
        for item in level:
            if isinstance(item, int | float):
                _check_number(item, "body")
        containers = [item for item in level if isinstance(item, dict | list)]
        if not containers:
            return
        level = [child for item in containers for child in _children(item)]
    raise UncleanError("body", "too_deep", f"The body may be nested {MAX_JSON_DEPTH} deep at most.")


def _children(container: "dict[str, JsonValue] | list[JsonValue]") -> Iterable[JsonValue]:
    return container.values() if isinstance(container, dict) else container


def _check_number(number: float, field: str) -> None:
    """A whole number beyond 64 bits leaves the parser as a float with digits lost: those are refused."""
    is_exact = -(2**63) <= number < 2**64 if isinstance(number, int) else abs(number) < 2**63
    if not is_exact:  # or not a number, or infinite
        raise UncleanError(field, "number_too_large", "A number may have 64 bits at most.")


def _clean_object(value: dict[object, object], field: str, depth: int) -> dict[str, JsonValue]:
    return {_clean_key(key, field): _clean_value(item, field, depth) for key, item in value.items()}


def _clean_key(key: object, field: str) -> str:
    if not isinstance(key, str):
        raise UncleanError(field, "wrong_type", "A key must be a string.")
    clean = clean_text(key, field=field, max_bytes=MAX_METADATA_BYTES)
    if len(clean) > MAX_METADATA_KEY_CHARS:
        raise UncleanError(field, "too_large", f"A key may have at most {MAX_METADATA_KEY_CHARS} characters.")
    return clean


def _clean_value(value: object, field: str, depth: int) -> JsonValue:
    """`depth` is that of the object or list around the value."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return clean_text(value, field=field, max_bytes=MAX_METADATA_BYTES, required=False)
    if isinstance(value, int | float):
        _check_number(value, field)
        return value
    if not isinstance(value, dict | list):
        raise UncleanError(field, "wrong_type", "This may hold only what JSON can hold.")
    if depth >= MAX_METADATA_DEPTH:
        raise UncleanError(field, "too_deep", f"This may be nested {MAX_METADATA_DEPTH} deep at most.")
    if isinstance(value, dict):
        return _clean_object(value, field, depth + 1)
    return [_clean_value(item, field, depth + 1) for item in value]
