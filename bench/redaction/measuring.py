"""The figures of a redactor."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.redaction.hostile import hostile_inputs
from tests.privacy.evaluation.reading import read_items
from tests.privacy.evaluation.scoring import (
    KEY,
    Door,
    Outcome,
    Tally,
    by_kind,
    evaluate,
    false_hits_per_thousand,
    structured,
    tally,
)


@dataclass(frozen=True, slots=True)
class Measured:
    outcomes: list[Outcome]
    messages_per_second: float
    """Of one core."""
    hostile_seconds: dict[str, float]
    """CPU time by the name of the input, the worst first."""

    @property
    def kinds(self) -> dict[str, Tally]:
        return tally(self.outcomes, by_kind)

    @property
    def structured(self) -> Tally:
        return tally(self.outcomes, structured).get("structured", Tally())

    @property
    def false_hits(self) -> float:
        """Per 1,000 harmless messages."""
        return false_hits_per_thousand([outcome for outcome in self.outcomes if outcome.item.section == "harmless"])

    @property
    def false_hits_elsewhere(self) -> float:
        """Per 1,000 messages of the other sections: what went beside the marked spans."""
        return false_hits_per_thousand([outcome for outcome in self.outcomes if outcome.item.section != "harmless"])

    @property
    def altered(self) -> int:
        return sum(outcome.hidden is None for outcome in self.outcomes)


def measure(door: Door, *, rate_seconds: float, hostile_kb: int) -> Measured:
    """``rate_seconds``: the CPU time to spend on messages per second."""
    outcomes = evaluate([*read_items("development"), *read_items("held_out")], door)
    texts = [outcome.message.text for outcome in outcomes]
    return Measured(outcomes, _messages_per_second(door, texts, rate_seconds), _hostile_seconds(door, hostile_kb))


def _messages_per_second(door: Door, texts: Sequence[str], seconds: float) -> float:
    """Warm: the evaluation has gone over the same texts. A number behind each makes it a new one every round."""
    rounds, began = 0, time.process_time()
    while (spent := time.process_time() - began) < seconds:
        for text in texts:
            door.redact_text(f"{text} ({rounds})", key=KEY)
        rounds += 1
    return rounds * len(texts) / spent


def _hostile_seconds(door: Door, kb: int) -> dict[str, float]:
    spent = {}
    for name, text in hostile_inputs(kb * 1024).items():
        began = time.process_time()
        door.redact_text(text, key=KEY)
        spent[name] = time.process_time() - began
    return dict(sorted(spent.items(), key=lambda pair: -pair[1]))
