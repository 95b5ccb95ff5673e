"""A website's proof in words, for its page in the admin."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils import timezone
from django.utils.formats import date_format

from tenants.models import Website
from tenants.proof.report import PROOF_FILE, PROOF_LABEL, Finding, ProofReport, Way, proof_tag, proof_text
from tenants.proving import GRACE, LAPSES_AFTER

STATES: Final = {
    "live": "Live",
    "lapsed": "Proof lapsed",
    "waiting": "Waiting for proof",
    "off": "Switched off",
}


@dataclass(frozen=True, slots=True)
class WayInWords:
    """One way to prove the domain, what to put where, and what the last look found."""

    name: str
    title: str
    place: str
    code: str
    finding: Finding | None


@dataclass(frozen=True, slots=True)
class ProofInWords:
    """All that the page shows. ``ways`` is empty where somebody's word is the proof."""

    kind: str
    state: str
    sentence: str
    ways: tuple[WayInWords, ...]
    checked_at: datetime | None


def state_of(website: Website) -> tuple[str, str]:
    """The kind and the words of the badge."""
    kind = "waiting"
    if not website.is_active:
        kind = "off"
    elif website.is_proved:
        kind = "live" if website.proof_lapsed_at is None else "lapsed"
    return kind, STATES[kind]


def proof_in_words(website: Website) -> ProofInWords:
    report = ProofReport.read(website.proof_report)
    vouched = website.is_proved and not website.is_checked_again
    return ProofInWords(
        kind=_kind(website),
        state=_state(website),
        sentence=_sentence(website),
        ways=() if vouched else _ways(website, report),
        checked_at=None if vouched or report is None else report.at,
    )


def _kind(website: Website) -> str:
    if not website.is_proved:
        return "waiting"
    if website.proof_lapsed_at is not None:
        return "lapsed"
    return "live" if website.proof_failing_since is None else "failing"


def _state(website: Website) -> str:
    if not website.is_proved:
        return "Not proved" if website.proof_lapsed_at is None else "No longer proved"
    if website.proof_lapsed_at is not None:
        return "Proof lapsed"
    return "Proved" if website.proof_failing_since is None else "Proof missing"


def _sentence(website: Website) -> str:
    if not website.is_proved:
        return _what_to_do(website)
    if website.proof_lapsed_at is not None:
        return (
            f"The proof has not been found since {_day(website.proof_failing_since)}. Put one of these back and check: "
            f"from {_day(website.proof_lapsed_at + GRACE)} on visitors are refused, and whoever proves the domain "
            "meanwhile may take it over."
        )
    if website.proof_failing_since is not None:
        return (
            f"The proof has not been found since {_day(website.proof_failing_since)}. Put it back and check, "
            f"before it lapses on {_day(website.proof_failing_since + LAPSES_AFTER)}. Visitors may chat meanwhile."
        )
    since = f"Proved by {website.get_proof_method_display()} on {_day(website.proved_at)}."
    return f"{since} Leave it there: it is looked for every day." if website.is_checked_again else since


def _what_to_do(website: Website) -> str:
    ways = f"Show that {website} is yours in any one of these ways, then check."
    if website.proof_lapsed_at is None:
        return f"{ways} Until then visitors are refused."
    return f"Visitors are refused: the proof was gone for too long. {ways}"


def _ways(website: Website, report: ProofReport | None) -> tuple[WayInWords, ...]:
    domain, token = website.domain, website.proof_token

    def way(name: Way, title: str, place: str, code: str) -> WayInWords:
        return WayInWords(name, title, place, code, report.of(name) if report else None)

    return (
        way("meta", "A tag", f"in the <head> of https://{domain}/", proof_tag(token)),
        way("file", "A file", f"at https://{domain}{PROOF_FILE}, with this line", proof_text(token)),
        way("dns", "A DNS record", f"of type TXT, at {PROOF_LABEL}.{domain} or {domain}", proof_text(token)),
    )


def _day(moment: datetime | None) -> str:
    assert moment is not None
    return date_format(timezone.localtime(moment), "j F Y")
