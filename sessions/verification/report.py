"""What was tried, and what came of it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Outcome = Literal["refused", "leaked", "broken"]
"""``broken``: the attack could not be made, or its rightful owner was refused as well, so that it proves nothing."""


@dataclass(frozen=True, slots=True)
class Attack:
    wall: str
    name: str
    outcome: Outcome
    detail: str = ""


@dataclass(slots=True)
class Report:
    """The attacks in the order in which they were made."""

    attacks: list[Attack] = field(default_factory=list)

    def note(self, wall: str, name: str, *, leak: str = "") -> None:
        """Notes an attack, and in a few words what it got hold of, if anything."""
        self.attacks.append(Attack(wall, name, "leaked" if leak else "refused", leak))

    def note_broken(self, wall: str, name: str, why: str) -> None:
        self.attacks.append(Attack(wall, name, "broken", why))

    def require(self, wall: str, name: str, *, holds: bool, why: str) -> None:
        """Notes a rightful request that did not work; one that did is worth no line."""
        if not holds:
            self.note_broken(wall, name, why)

    @contextmanager
    def breaking(self, wall: str, name: str) -> Iterator[None]:
        """What breaks inside is a line of the report, and the next attack is made all the same."""
        try:
            yield
        except Exception as error:  # noqa: BLE001  the report must be finished, whatever breaks
            self.note_broken(wall, name, f"{type(error).__name__}: {error}")

    @property
    def counts(self) -> dict[str, int]:
        counted = Counter(attack.outcome for attack in self.attacks)
        return {
            "tried": len(self.attacks),
            **{outcome: counted[outcome] for outcome in ("refused", "leaked", "broken")},
        }

    @property
    def holds(self) -> bool:
        """Whether attacks were made, and each was refused."""
        return bool(self.attacks) and self.counts["refused"] == len(self.attacks)

    def as_json(self) -> dict[str, Any]:
        return {"holds": self.holds, **self.counts, "attacks": [asdict(attack) for attack in self.attacks]}

    def as_text(self) -> str:
        """A line a wall, a line for each attack that was not refused, and the verdict."""
        walls: dict[str, Counter[str]] = {}
        for attack in self.attacks:
            walls.setdefault(attack.wall, Counter())[attack.outcome] += 1
        lines = [f"{'wall':<34}{'tried':>7}{'refused':>9}{'leaked':>8}{'broken':>8}"]
        lines += [
            f"{wall:<34}{counted.total():>7}{counted['refused']:>9}{counted['leaked']:>8}{counted['broken']:>8}"
            for wall, counted in walls.items()
        ]
        lines += [
            f"{attack.outcome.upper()}: {attack.wall}: {attack.name}: {attack.detail}"
            for attack in self.attacks
            if attack.outcome != "refused"
        ]
        return "\n".join([*lines, self._verdict()])

    def _verdict(self) -> str:
        counts = self.counts
        if self.holds:
            return f"All {counts['tried']} attacks were refused."
        return f"NOT ISOLATED: {counts['leaked']} attacks got through, {counts['broken']} could not be judged."
