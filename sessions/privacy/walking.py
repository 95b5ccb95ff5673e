"""Every string in a JSON value, wherever it stands; a string that is JSON itself is walked in its own form."""

import json
import re
from collections.abc import Callable
from typing import Any, Final

_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"(\s*:)?', re.DOTALL)
Redact = Callable[[str, str, bool], str]
"""From a string, the key that it stands under or "", and whether it is an opaque id, to what may be kept of it."""
_OPENINGS: Final = ("{", "[", '"')
_DEEPEST: Final = 64
_ID_KEY: Final = re.compile(r"(?:.*[_\-])?(?:id|ids|uuid|role|type|at|kind|version)|.*[a-z]Id|v", re.IGNORECASE)
_OPAQUE: Final = re.compile(r"[A-Za-z0-9_\-:.]{1,128}")
# Ids and moments that cannot be anything else.
_NOBODYS: Final = re.compile(
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?Z?"
)


def walk(value: Any, redact: Redact, depth: int = 0, key: str = "") -> Any:
    """A copy of the value, its strings redacted. Keys stay; of what is opaque under a key for ids, ``redact`` knows."""
    if isinstance(value, str):
        return _walk_string(value, redact, depth, key)
    if isinstance(value, dict):
        return {name: walk(item, redact, depth + 1, str(name)) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [walk(item, redact, depth + 1, key) for item in value]
    return value


def _walk_string(text: str, redact: Redact, depth: int, key: str) -> str:
    if depth < _DEEPEST and _is_json(text):
        return _walk_literals(text, redact, depth, key)
    is_id = _ID_KEY.fullmatch(key) is not None and _OPAQUE.fullmatch(text) is not None
    return text if is_id and _NOBODYS.fullmatch(text) else redact(text, key, is_id)


def _is_json(text: str) -> bool:
    if not text.lstrip().startswith(_OPENINGS) or not text.rstrip().endswith(("}", "]", '"')):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _walk_literals(text: str, redact: Redact, depth: int, key: str) -> str:
    """Literal by literal, so that numbers, blanks and repeated keys stay as they were written.

    ``key``: that of the whole text, which holds for what has none of its own.
    """

    def replaced(literal: re.Match[str]) -> str:
        nonlocal key
        if literal[1] is not None:
            key = json.loads(literal[0].rpartition(":")[0], strict=False)
            return literal[0]
        value = json.loads(literal[0], strict=False)
        redacted = _walk_string(value, redact, depth + 1, key)
        return literal[0] if redacted == value else json.dumps(redacted, ensure_ascii=literal[0].isascii())

    return _STRING.sub(replaced, text)
