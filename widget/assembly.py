"""Puts the widget's one file together: the parts of ``script/`` in order, within one closure, its styles as a text.

The parts are plain JavaScript and there is nothing to compile; what is sent lacks their comments and indentation, and
keeps every name. Each part knows only what is declared in a part before it.
"""

import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

SCRIPT_DIR: Final = Path(__file__).with_name("script")
PARTS: Final = (
    "events.js",
    "text.js",
    "colours.js",
    "retrying.js",
    "api.js",
    "session.js",
    "identity.js",
    "elements.js",
    "message.js",
    "exchange.js",
    "transcript.js",
    "composer.js",
    "confirmation.js",
    "panel.js",
    "line.js",
    "conversation.js",
    "widget.js",
)
STYLES: Final = (
    "theme.css",
    "launcher.css",
    "dialog.css",
    "messages.css",
    "composer.css",
    "confirmation.css",
    "motion.css",
)


@dataclass(frozen=True)
class Script:
    """``widget.js`` as it is sent, plain and compressed; ``etag`` changes with every byte of it."""

    body: bytes
    gzipped: bytes
    etag: str


@cache
def assembled_script() -> Script:
    body = _assemble().encode()
    digest = hashlib.sha256(body).hexdigest()[:32]
    return Script(body=body, gzipped=gzip.compress(body, mtime=0), etag=f'"{digest}"')


def _assemble() -> str:
    styles = json.dumps(" ".join(line for name in STYLES for line in _bare_lines(name)))
    parts = [line for name in PARTS for line in _bare_lines(name)]
    return "\n".join(["(() => {", '"use strict";', f"const STYLES = {styles};", *parts, "})();", ""])


def _bare_lines(name: str) -> Iterator[str]:
    """Without the comments that have lines of their own. No text of the parts goes over several lines."""
    in_comment = False
    for line in map(str.strip, (SCRIPT_DIR / name).read_text(encoding="utf-8").splitlines()):
        begins = line.startswith("/*")
        if line and not (in_comment or begins or line.startswith("//")):
            yield line
        in_comment = (in_comment or begins) and not line.endswith("*/")
