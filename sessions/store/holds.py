"""What may not be erased, whoever asks: the one place that says so."""

from typing import Final

IS_HELD: Final = "(false)"
"""Whether the session ``s`` is under a legal hold, its own or its website's."""
