"""One look at a domain, all three ways at once."""

import asyncio
import ssl
from typing import Final

import httpcore2

from tenants.proof.fetch import FetchError, PageFetcher
from tenants.proof.names import Names
from tenants.proof.page import proofs_in_file, proofs_in_page
from tenants.proof.report import PROOF_FILE, PROOF_LABEL, PROOF_NAME, Finding, ProofReport, judge

_SECONDS_OF_DNS: Final = 5.0


class DomainProber:
    """By itself it asks the system's name servers and the real internet.

    ``names``, ``inner`` and ``tls`` let tests answer in its place; what may be called is checked all the same.
    """

    def __init__(
        self,
        *,
        names: Names | None = None,
        inner: httpcore2.AsyncNetworkBackend | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._names = names or Names()
        self._inner = inner
        self._tls = tls

    async def probe(self, domain: str, token: str) -> ProofReport:
        """Takes some 5 seconds at most and raises nothing: what goes wrong is the finding."""
        fetcher = PageFetcher(self._names.addresses, inner=self._inner, tls=self._tls)
        findings = await asyncio.gather(
            self._meta(fetcher, domain, token), self._file(fetcher, domain, token), self._dns(domain, token)
        )
        return ProofReport(findings=tuple(findings))

    async def _meta(self, fetcher: PageFetcher, domain: str, token: str) -> Finding:
        try:
            body = await fetcher.fetch(domain, "/")
        except FetchError as error:
            return Finding(way="meta", outcome=error.outcome, status=error.status)
        return Finding(way="meta", outcome=judge(proofs_in_page(body), token))

    async def _file(self, fetcher: PageFetcher, domain: str, token: str) -> Finding:
        try:
            body = await fetcher.fetch(domain, PROOF_FILE)
        except FetchError as error:
            return Finding(way="file", outcome=error.outcome, status=error.status)
        return Finding(way="file", outcome=judge(proofs_in_file(body), token))

    async def _dns(self, domain: str, token: str) -> Finding:
        names = (f"{PROOF_LABEL}.{domain}", domain)
        try:
            async with asyncio.timeout(_SECONDS_OF_DNS):
                answers = await asyncio.gather(*map(self._names.texts, names), return_exceptions=True)
        except TimeoutError:
            return Finding(way="dns", outcome="too_slow")
        proofs = [text for answer in answers if isinstance(answer, list) for text in answer if _is_proof(text)]
        if not proofs and any(isinstance(answer, BaseException) for answer in answers):
            return Finding(way="dns", outcome="unreachable")
        return Finding(way="dns", outcome=judge(proofs, token))


def _is_proof(text: str) -> bool:
    return text.strip().startswith(f"{PROOF_NAME}=")
