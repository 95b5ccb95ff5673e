"""What the redactor must reach."""

from typing import Final

from bench.results import Goal

STRUCTURED: Final = Goal(4)
NAMES_IN_CHAT: Final = Goal(10)
NAMES_IN_PROSE: Final = Goal(25)
FALSE_HITS: Final = Goal(50)
ALTERED: Final = Goal(0)
RATE: Final = Goal(3000, at_least=True)
HOSTILE: Final = Goal(0.5)

LEAKS: Final = {
    "EMAIL": STRUCTURED,
    "PHONE": STRUCTURED,
    "CARD": STRUCTURED,
    "IBAN": STRUCTURED,
    "NATIONAL_ID": STRUCTURED,
    "IP": STRUCTURED,
    "MAC": STRUCTURED,
    "SECRET": STRUCTURED,
    "BIRTH_DATE": STRUCTURED,
    "ADDRESS": STRUCTURED,
    "NAME in chat": NAMES_IN_CHAT,
    "NAME in prose": NAMES_IN_PROSE,
}
"""In percent, for each of ``Measured.kinds``."""
