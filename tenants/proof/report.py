"""What was found where, as it is kept with the website. Nothing that the other side sent is in it but a status."""

from datetime import UTC, datetime
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

Way = Literal["meta", "file", "dns"]
Outcome = Literal[
    "found",
    "missing",
    "other_token",  # a proof is there, but another website's
    "bad_status",
    "unreachable",
    "not_public",
    "bad_certificate",
    "too_slow",
    "redirected_away",
    "too_many_redirects",
    "not_http",
    "compressed",
]

PROOF_NAME: Final = "parlour-verify"
PROOF_FILE: Final = "/.well-known/parlour-verify.txt"
PROOF_LABEL: Final = "_parlour"
LOOKED_AT_KB: Final = 64

_SENTENCES: Final[dict[Outcome, str]] = {
    "found": "Found.",
    "bad_status": "The server answered with status {status}.",
    "unreachable": "Nothing answers there.",
    "not_public": "The name does not lead to a public address.",
    "bad_certificate": "The connection is not safe: the certificate does not fit the domain, or is not trusted.",
    "too_slow": "There was no whole answer within 5 seconds.",
    "redirected_away": "It redirects to another website, or away from https.",
    "too_many_redirects": "It redirects more than 3 times.",
    "not_http": "What answers there does not speak HTTP.",
    "compressed": "The answer came compressed, though it was asked for plain.",
}
_MISSING: Final[dict[Way, str]] = {
    "meta": f"The page answers, but has no such tag in the head, within its first {LOOKED_AT_KB} KB.",
    "file": "The file is there, but has no such line.",
    "dns": "There is no such TXT record yet. A new one may take an hour to be seen everywhere.",
}
_OTHER_TOKEN: Final[dict[Way, str]] = {
    "meta": "The page has such a tag, but with another value.",
    "file": "The file is there, but with another value.",
    "dns": "There is such a TXT record, but with another value.",
}


class Finding(BaseModel):
    """One way, and what came of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    way: Way
    outcome: Outcome
    status: int | None = None

    @property
    def is_found(self) -> bool:
        return self.outcome == "found"

    @property
    def sentence(self) -> str:
        if self.outcome == "missing":
            return _MISSING[self.way]
        if self.outcome == "other_token":
            return _OTHER_TOKEN[self.way]
        if self.way == "dns" and self.outcome == "unreachable":
            return "The domain's name servers did not answer."
        return _SENTENCES[self.outcome].format(status=self.status)


class ProofReport(BaseModel):
    """One look at all three ways; ``websites.proof_report`` holds the last one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    v: Literal[1] = 1
    at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    findings: tuple[Finding, ...]

    @property
    def found(self) -> tuple[Way, ...]:
        return tuple(finding.way for finding in self.findings if finding.is_found)

    def of(self, way: Way) -> Finding | None:
        return next((finding for finding in self.findings if finding.way == way), None)

    @classmethod
    def read(cls, stored: object) -> Self | None:
        return None if stored is None else cls.model_validate(stored)


def proof_text(token: str) -> str:
    """The line of the file, and the text of the DNS record."""
    return f"{PROOF_NAME}={token}"


def proof_tag(token: str) -> str:
    return f'<meta name="{PROOF_NAME}" content="{token}">'


def judge(texts: list[str], token: str) -> Outcome:
    """Of the values that claim to be proofs: the tag's content, the file's lines, the records."""
    values = [text.strip().removeprefix(f"{PROOF_NAME}=") for text in texts]
    if token in values:
        return "found"
    return "other_token" if values else "missing"
