"""What a domain's name servers say: its addresses and its texts, asked in bounded time and never from a cache."""

import asyncio
from collections.abc import Sequence
from typing import Final, Literal, cast

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rdata
import dns.resolver
from dns.rdtypes.ANY.TXT import TXT

SECONDS_A_QUESTION: Final = 4.0


class Names:
    """Asks the system's name servers, or those of ``resolver``. CNAMEs are followed."""

    def __init__(self, resolver: dns.asyncresolver.Resolver | None = None) -> None:
        self._given = resolver

    async def addresses(self, host: str, port: int) -> Sequence[str]:  # noqa: ARG002  the form of ``egress.Resolve``
        """IPv4 first. Raises ``OSError`` where there is none, or nobody says."""
        kinds: tuple[Literal["A", "AAAA"], ...] = ("A", "AAAA")
        answers = await asyncio.gather(*(self._ask(host, kind) for kind in kinds), return_exceptions=True)
        found = [record.to_text() for answer in answers if not isinstance(answer, BaseException) for record in answer]
        if not found:
            raise OSError("the name leads to no address")
        return found

    async def texts(self, name: str) -> list[str]:
        """The name's TXT records, the strings of each joined. Raises ``OSError`` where nobody says."""
        records = [cast("TXT", record) for record in await self._ask(name, "TXT")]
        return [b"".join(record.strings).decode("utf-8", "replace") for record in records]

    async def _ask(self, name: str, kind: Literal["A", "AAAA", "TXT"]) -> Sequence[dns.rdata.Rdata]:
        try:
            absolute = dns.name.from_text(name)  # absolute: no search list of the machine's applies
            answer = await self._resolver().resolve(
                absolute, kind, raise_on_no_answer=False, lifetime=SECONDS_A_QUESTION
            )
        except dns.resolver.NXDOMAIN:
            return []
        except dns.exception.DNSException as error:
            raise OSError(type(error).__name__) from None
        return list(answer.rrset or [])

    def _resolver(self) -> dns.asyncresolver.Resolver:
        return self._given or dns.asyncresolver.Resolver()
