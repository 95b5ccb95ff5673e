"""The proofs that a page's head and a file hold."""

import contextlib
from html.parser import HTMLParser
from typing import Final

from tenants.proof.report import PROOF_NAME

_OF_THE_HEAD: Final = frozenset(
    {"html", "head", "meta", "title", "link", "script", "style", "base", "noscript", "template"}
)
_INERT: Final = frozenset({"title", "noscript", "template"})


def proofs_in_page(body: bytes) -> list[str]:
    """The contents of the head's ``parlour-verify`` tags. Below the head visitors may write; there none counts."""
    head = _Head()
    # The parser fails so on a broken declaration; what stood before it counts. It is never closed: on what is left
    # over, its time grows with the square of the length (30 s for 64 KB).
    with contextlib.suppress(AssertionError):
        head.feed(body.decode("utf-8-sig", "replace"))
    return head.proofs


def proofs_in_file(body: bytes) -> list[str]:
    """The lines that begin as a proof does."""
    lines = (line.strip() for line in body.decode("utf-8-sig", "replace").splitlines())
    return [line for line in lines if line.startswith(f"{PROOF_NAME}=")]


class _Head(HTMLParser):
    """Reads to the first tag that cannot be in a head, as browsers do where ``</head>`` is left out."""

    def __init__(self) -> None:
        super().__init__()
        self.proofs: list[str] = []
        self._inside: str | None = None
        self._is_over = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._is_over or self._inside is not None:
            return
        if tag not in _OF_THE_HEAD:
            self._is_over = True
        elif tag in _INERT:
            self._inside = tag
        elif tag == "meta":
            self._take(dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = None
        elif tag == "head" and self._inside is None:
            self._is_over = True

    def handle_data(self, data: str) -> None:
        """Words outside a title, a script or a style begin the body."""
        if data.strip() and self._inside is None and self.cdata_elem is None:
            self._is_over = True

    def _take(self, attributes: dict[str, str | None]) -> None:
        if (attributes.get("name") or "").strip().lower() == PROOF_NAME:
            self.proofs.append(attributes.get("content") or "")
