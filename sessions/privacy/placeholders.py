"""The words that stand where personal data stood: ``[EMAIL_3f9a1c]``.

A placeholder is the kind and the first six hexadecimal digits of HMAC-SHA256 over kind and normalised value. So one
value has one placeholder wherever the same key is used, and nothing links it to the placeholder of another key.
Without a key (``b""``) anybody can try values and compare: that is for previews and tests, never for what is stored.

Six digits are 24 bits. Among a thousand values of one kind in a tenant two share a placeholder with a chance of 3 %;
in a session of a hundred values it is 0.03 %. Sharing only blurs: both are hidden, yet they read as the same person or
address. Nothing may therefore be counted or joined by placeholders alone. Where one session would give two of its own
values the same placeholder, the later one gets twelve digits, since its map back to the real words must be exact.
"""

import hmac
import re
from typing import Final

from sessions.privacy.kinds import Kind

SHORT: Final = 6
LONG: Final = 12
PLACEHOLDER: Final = re.compile(rf"\[(?:{'|'.join(Kind)})_(?:[0-9a-f]{{{LONG}}}|[0-9a-f]{{{SHORT}}})\]")


def placeholder(kind: Kind, normalised: str, key: bytes, digits: int = SHORT) -> str:
    """The placeholder of a value that its detector has normalised."""
    message = f"{kind}\0{normalised}".encode("utf-8", "surrogatepass")
    digest = hmac.digest(key, message, "sha256").hex()
    return f"[{kind}_{digest[:digits]}]"
