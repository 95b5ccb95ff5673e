"""A small internet for domain proofs: name servers over UDP and websites over TLS, on this machine, in a thread.

Its websites live at public addresses; ``Internet.prober`` connects to this machine in their place, and to no other.
"""

import asyncio
import ssl
import tempfile
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dns.asyncresolver
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import httpcore2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tenants.proof.names import Names
from tenants.proof.prober import DomainProber
from tenants.proof.report import PROOF_FILE, proof_tag, proof_text

ADDRESS = "8.8.8.8"
Reply = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Internet:
    """What its hosts answer, by host and path, and what its name servers say, by name and type."""

    def __init__(self) -> None:
        self.pages: dict[tuple[str, str], bytes | Reply] = {}
        self.records: dict[tuple[str, str], list[list[str]]] = {}
        """The answers to one question after another; the last one stays."""
        self.silent_names: set[str] = set()
        self.untrusted: set[str] = set()
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.questions: list[tuple[str, str]] = []
        self.dialled: list[tuple[str, int]] = []
        self._authority = Authority()

    # -- what is there

    def put_page(self, host: str, path: str, answer: bytes | str | Reply) -> None:
        if not isinstance(answer, str):
            self.pages[host, path] = answer
            return
        body = answer.encode()
        self.pages[host, path] = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)

    def put_redirect(self, host: str, path: str, location: str, status: int = 302) -> None:
        head = f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
        self.pages[host, path] = head.encode()

    def put_host(self, host: str, *answers: list[str]) -> None:
        """The addresses of a host: a list for each time it is asked, the last one for good."""
        self.records[f"{host}.", "A"] = list(answers) or [[ADDRESS]]

    def put_texts(self, name: str, *texts: str) -> None:
        self.records[f"{name}.", "TXT"] = [list(texts)]

    def prove(self, domain: str, token: str, way: str = "file") -> None:
        """Puts the proof there, as the website's owner does."""
        self.put_host(domain)
        match way:
            case "meta":
                self.put_page(domain, "/", f"<html><head>{proof_tag(token)}</head><body>Hello</body></html>")
            case "file":
                self.put_page(domain, PROOF_FILE, proof_text(token) + "\n")
            case _:
                self.put_texts(f"_parlour.{domain}", f'"{proof_text(token)}"')

    def take_proofs_away(self, domain: str) -> None:
        for key in [key for key in self.pages if key[0] == domain]:
            del self.pages[key]
        self.records.pop((f"_parlour.{domain}.", "TXT"), None)

    # -- who looks

    def prober(self) -> DomainProber:
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers, resolver.port, resolver.timeout = ["127.0.0.1"], self.dns_port, 1.0
        return DomainProber(names=Names(resolver), inner=_Dialler(self), tls=self._authority.trusted())

    # -- how it runs

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._udp, _ = await loop.create_datagram_endpoint(lambda: _NameServer(self), ("127.0.0.1", 0))
        self.dns_port = self._udp.get_extra_info("sockname")[1]
        self._tcp = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._authority.serving(self))
        self.web_port = self._tcp.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._udp.close()
        self._tcp.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            host, path = headers["host"], first.split(" ")[1]
            self.requests.append((host, path, headers))
            answer = self.pages.get((host, path), b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the other side had enough
        finally:
            writer.transport.abort()


class _Dialler(httpcore2.AsyncNetworkBackend):
    def __init__(self, internet: Internet) -> None:
        self._internet = internet
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  the interface's own parameter
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        self._internet.dialled.append((host, port))
        if (host, port) != (ADDRESS, 443):
            raise httpcore2.ConnectError("nobody there")
        return await self._inner.connect_tcp(
            "127.0.0.1", self._internet.web_port, timeout, local_address, socket_options
        )


class _NameServer(asyncio.DatagramProtocol):
    def __init__(self, internet: Internet) -> None:
        self._internet = internet

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        query = dns.message.from_wire(data)
        name, kind = query.question[0].name.to_text().lower(), query.question[0].rdtype.name
        self._internet.questions.append((name, kind))
        if name not in self._internet.silent_names:
            self._transport.sendto(self._answer(query, name, kind).to_wire(), addr)

    def _answer(self, query: dns.message.Message, name: str, kind: str) -> dns.message.Message:
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        records = self._internet.records
        while (name, "CNAME") in records:
            target = records[name, "CNAME"][0][0]
            response.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", target))
            name = target
        answers = records.get((name, kind))
        if answers:
            texts = answers.pop(0) if len(answers) > 1 else answers[0]
            response.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *texts))
        elif not any(known == name for known, _ in records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response


class Authority:
    """Signs a certificate for whichever name is asked for."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tests")])
        self._certificate = self._signed(self._name, self._key, "tests.example", is_authority=True)

    def trusted(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self._certificate.public_bytes(serialization.Encoding.PEM).decode())

    def serving(self, internet: Internet) -> ssl.SSLContext:
        context = self._context("nobody.example")

        def choose(connection: Any, name: str | None, _: ssl.SSLContext) -> None:
            if name is not None and name not in internet.untrusted:
                connection.context = self._context(name)

        context.sni_callback = choose
        return context

    def _context(self, host: str) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Served")])
        pems = self._signed(name, key, host).public_bytes(serialization.Encoding.PEM) + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            (path := Path(folder) / "served.pem").write_bytes(pems)
            context.load_cert_chain(path)
        return context

    def _signed(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, host: str, *, is_authority: bool = False
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )


@contextmanager
def running_internet() -> Iterator[Internet]:
    """In a thread of its own, for tests with and without an event loop."""
    internet, loop = Internet(), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def wait_for(work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, loop).result(10)

    try:
        wait_for(internet.start())
        yield internet
    finally:
        wait_for(internet.stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
