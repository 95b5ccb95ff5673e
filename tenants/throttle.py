"""How often somebody may try what must not be guessed: a password, an invitation.

Counted in PostgreSQL, which a login needs anyway, by one statement before the try is looked at: of a hundred that come
at once as many pass as may. (Counting failures afterwards, as ``django-axes`` does, lets all of them through that come
while the first password is still being hashed.)
"""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import connection
from django.http import HttpRequest

from tenants.client_address import network_of, visitor_address

# A window begins with the first try. The one that fills it begins it anew: from then on it is a lock.
_COUNT: Final = """
INSERT INTO throttles AS kept (key, tries, expires_at)
VALUES (%(key)s, 1, clock_timestamp() + make_interval(secs => %(seconds)s))
ON CONFLICT (key) DO UPDATE SET
    tries = CASE WHEN kept.expires_at <= clock_timestamp() THEN 1 ELSE least(kept.tries + 1, %(most)s + 1) END,
    expires_at = CASE WHEN kept.expires_at <= clock_timestamp() OR kept.tries + 1 = %(most)s
                      THEN excluded.expires_at ELSE kept.expires_at END
RETURNING tries, ceil(extract(epoch FROM expires_at - clock_timestamp()))::integer
"""
_FORGIVE: Final = "UPDATE throttles SET tries = greatest(tries - 1, 0) WHERE key = %s"
_CLEAR: Final = "DELETE FROM throttles WHERE key = %s"
_SWEEP: Final = """
DELETE FROM throttles WHERE key IN (
    SELECT key FROM throttles WHERE expires_at <= clock_timestamp() LIMIT 50 FOR UPDATE SKIP LOCKED)
"""


@dataclass(frozen=True, slots=True)
class Throttle:
    """At most ``most`` tries within ``seconds``; then none for ``seconds`` after the last of them."""

    name: str
    most: int
    seconds: int

    def take(self, *who: str) -> int | None:
        """Counts a try of ``who``. None where it may be made, else the seconds until the next may."""
        with connection.cursor() as cursor:
            cursor.execute(_SWEEP)
            cursor.execute(_COUNT, {"key": self._key(who), "most": self.most, "seconds": self.seconds})
            tries, seconds = cursor.fetchone()
        return max(int(seconds), 1) if tries > self.most else None

    def forgive(self, *who: str) -> None:
        """Takes one try back: it was a good one."""
        self._run(_FORGIVE, who)

    def clear(self, *who: str) -> None:
        self._run(_CLEAR, who)

    def _run(self, statement: str, who: tuple[str, ...]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement, [self._key(who)])

    def _key(self, who: tuple[str, ...]) -> bytes:
        text = "\0".join(["throttle", self.name, *who])
        return hmac.new(settings.SECRET_KEY.encode(), text.encode(errors="replace"), hashlib.sha256).digest()


def network_behind(request: HttpRequest) -> str:
    """The network that the request comes from, as far as the trusted proxies tell."""
    return network_of(visitor_address(request.META.get("REMOTE_ADDR"), request.META.get("HTTP_X_FORWARDED_FOR")))
