"""Getting a page of somebody else's server, which may be hostile.

Only https on its own port, only public addresses, looked at when they are called; redirects only within the website,
each looked at anew; a bounded time for everything, and a bounded part of the body. No cookie, no referrer.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import urljoin, urlsplit

import httpcore2

from tenants.egress import GuardedBackend, Resolve
from tenants.errors import AddressRefusedError
from tenants.proof.report import LOOKED_AT_KB, Outcome

MAX_BODY_BYTES: Final = LOOKED_AT_KB * 1024
MAX_REDIRECTS: Final = 3
SECONDS_IN_ALL: Final = 5.0

_MAX_URL_CHARS: Final = 2_000
_HEADERS: Final = (
    (b"user-agent", b"Parlour (domain proof)"),
    (b"accept", b"text/html, text/plain, */*"),
    (b"accept-encoding", b"identity"),
    (b"connection", b"close"),
)
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_OK: Final = 200


class FetchError(Exception):
    """There is no page to read. ``outcome`` says why, ``status`` where it was the server that said so."""

    def __init__(self, outcome: Outcome, status: int | None = None) -> None:
        super().__init__(outcome)
        self.outcome: Outcome = outcome
        self.status = status


class PageFetcher:
    """``resolve`` tells a host's addresses, ``inner`` connects to one of them, ``tls`` says whom to trust."""

    def __init__(
        self,
        resolve: Resolve,
        *,
        inner: httpcore2.AsyncNetworkBackend | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._backend = GuardedBackend(_never_private, resolve, inner)
        self._tls = tls

    async def fetch(self, domain: str, path: str) -> bytes:
        """The first 64 KB of ``https://domain/path``. Raises ``FetchError``."""
        try:
            async with asyncio.timeout(SECONDS_IN_ALL):
                return await self._follow(domain, path)
        except (TimeoutError, httpcore2.TimeoutException):
            raise FetchError("too_slow") from None
        except AddressRefusedError:
            raise FetchError("not_public") from None
        except (httpcore2.ProtocolError, UnicodeError):
            raise FetchError("not_http") from None
        except (httpcore2.NetworkError, OSError) as error:
            raise FetchError(_why(error)) from None

    async def _follow(self, domain: str, path: str) -> bytes:
        url = f"https://{domain}{path}"
        for _ in range(MAX_REDIRECTS + 1):
            location, body = await self._get(url)
            if location is None:
                return body
            url = _next_url(url, location, domain)
        raise FetchError("too_many_redirects")

    async def _get(self, url: str) -> tuple[str | None, bytes]:
        """Where it redirects to, or else its body. A connection of its own, closed at once."""
        address = httpcore2.URL(url)
        async with (
            httpcore2.AsyncHTTPConnection(address.origin, self._tls, network_backend=self._backend) as connection,
            connection.stream("GET", address, headers=list(_HEADERS)) as response,
        ):
            headers = {name.lower(): value for name, value in response.headers}
            if response.status in _REDIRECTS:
                return headers.get(b"location", b"").decode("ascii"), b""
            if response.status != _OK:
                raise FetchError("bad_status", response.status)
            if headers.get(b"content-encoding", b"identity").strip().lower() not in {b"", b"identity"}:
                raise FetchError("compressed")
            return None, await _beginning(response.aiter_stream())


async def _beginning(chunks: AsyncIterator[bytes]) -> bytes:
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) >= MAX_BODY_BYTES:
            break
    return bytes(body[:MAX_BODY_BYTES])


def _next_url(url: str, location: str, domain: str) -> str:
    """Where a redirect leads, if that is the same website: the domain, or the same with or without ``www.``."""
    if not location.isprintable() or " " in location or "\\" in location or len(location) > _MAX_URL_CHARS:
        raise FetchError("redirected_away")
    try:
        target = urlsplit(urljoin(url, location))
        port, host = target.port, target.hostname
    except ValueError:
        raise FetchError("redirected_away") from None
    is_ours = host in {domain, f"www.{domain}", domain.removeprefix("www.")}
    if target.scheme != "https" or not is_ours or port not in {None, 443} or "@" in target.netloc:
        raise FetchError("redirected_away")
    query = f"?{target.query}" if target.query else ""
    return f"https://{host}{target.path or '/'}{query}"


def _why(error: Exception) -> Outcome:
    return "bad_certificate" if isinstance(error.__cause__, ssl.SSLCertVerificationError) else "unreachable"


def _never_private(_host: str, _port: int) -> bool:
    return False
