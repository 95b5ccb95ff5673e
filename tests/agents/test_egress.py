import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpcore2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from agents.egress import EgressPolicy, check_base_url
from agents.errors import BaseUrlError
from tenants.egress import GuardedBackend, is_public, resolve
from tenants.errors import AddressRefusedError

TENANT = EgressPolicy(operator_owned=False, private_hosts=frozenset())
OPERATOR = EgressPolicy(operator_owned=True, private_hosts=frozenset())

PRIVATE_ADDRESSES = [
    "0.0.0.0",  # noqa: S104 - the unspecified address, to be refused
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2002:a9fe:a9fe::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]
PUBLIC_ADDRESSES = ["1.1.1.1", "8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", PRIVATE_ADDRESSES)
def test_private_address_is_refused(address: str) -> None:
    assert not is_public(ip_address(address))
    literal = f"[{address}]" if ":" in address else address
    with pytest.raises(BaseUrlError):
        check_base_url(f"https://{literal}/v1", operator_owned=False, private_hosts=[])


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_public_address_is_taken(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    ("typed", "saved"),
    [
        ("https://api.example.com/v1", "https://api.example.com/v1"),
        ("https://api.example.com/v1/", "https://api.example.com/v1"),
        ("https://API.Example.com.:443/v1", "https://api.example.com/v1"),
        ("https://api.example.com:8443", "https://api.example.com:8443"),
        ("https://münchen.example/v1", "https://xn--mnchen-3ya.example/v1"),
        ("https://8.8.8.8/v1", "https://8.8.8.8/v1"),
        ("https://[2606:4700:0::1111]/v1", "https://[2606:4700::1111]/v1"),
    ],
)
def test_public_url_is_saved_in_one_spelling(typed: str, saved: str) -> None:
    assert check_base_url(typed, operator_owned=False, private_hosts=[]) == saved


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "api.example.com",
        "http://api.example.com/v1",
        "ftp://api.example.com",
        "file:///etc/passwd",
        "gopher://api.example.com",
        "//api.example.com/v1",
        "https://",
        "https:///v1",
        "https://user@api.example.com/v1",
        "https://user:pass@api.example.com/v1",
        "https://api.example.com@127.0.0.1/",
        "https://api.example.com\\@127.0.0.1/",
        "https://api.example.com/v1?key=1",
        "https://api.example.com/v1#x",
        "https://api.example.com:99999/v1",
        "https://api.example.com:x/v1",
        "https://api.exa mple.com/v1",
        "https://api.example.com/\nv1",
        "https://api.example.com/\u200bv1",
        "https://localhost/v1",
        "https://LOCALHOST./v1",
        "https://api.localhost/v1",
        "https://metadata.google.internal/v1",
        "https://printer.local/v1",
        "https://postgres/v1",
        "https://my_service/v1",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://127.0.0.1./",
        "https://１２７.０.０.１/",  # noqa: RUF001 - full-width digits
        "https://127。0。0。1/",  # ideographic full stops
        "https://ⓛocalhost/",
        "https://%31%32%37.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:7f00:1]/",
        "https://[fe80::1%25eth0]/",
        "https://[::1/",
        "https://-.example..com/",
        f"https://{'a' * 300}.example.com/",
    ],
)
def test_bad_url_is_refused_with_a_sentence(typed: str) -> None:
    with pytest.raises(BaseUrlError) as caught:
        check_base_url(typed, operator_owned=False, private_hosts=[])

    assert str(caught.value).endswith(".")


def test_operator_may_use_private_addresses() -> None:
    for url in ("http://127.0.0.1:9000/v1", "http://vllm:8000/v1", "http://my_service:8000/v1", "http://[::1]:1/v1"):
        assert check_base_url(url, operator_owned=True, private_hosts=[]) == url


def test_operators_url_is_still_a_plain_one() -> None:
    for url in ("file:///etc/passwd", "http://a:b@vllm/v1", "http://2130706433/v1"):
        with pytest.raises(BaseUrlError):
            check_base_url(url, operator_owned=True, private_hosts=[])


def test_private_hosts_are_for_everybody_at_their_port() -> None:
    def check(url: str) -> str:
        return check_base_url(url, operator_owned=False, private_hosts=["vllm:8000", "ollama"])

    assert check("http://vllm:8000/v1") == "http://vllm:8000/v1"
    assert check("http://ollama:11434/v1") == "http://ollama:11434/v1"
    for url in ("http://vllm:8001/v1", "http://evil.vllm:8000/v1", "http://127.0.0.1:8000/v1"):
        with pytest.raises(BaseUrlError):
            check(url)


class FakeResolver:
    """Gives one answer after another, and remembers how often it was asked."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, _host: str, _port: int) -> Sequence[str]:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


@pytest.fixture
async def listener() -> AsyncIterator[tuple[int, list[bytes]]]:
    """A plain server on this machine: its port, and what came in."""
    received: list[bytes] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.readline())
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], received


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::ffff:127.0.0.1"], ["nonsense"], []])
async def test_name_that_leads_inside_is_not_connected(listener: tuple[int, list[bytes]], addresses: list[str]) -> None:
    port, received = listener

    with pytest.raises(AddressRefusedError):
        await GuardedBackend(TENANT.allows_private, FakeResolver(addresses)).connect_tcp("models.example", port, 1.0)

    await asyncio.sleep(0.05)
    assert received == []


async def test_rebound_name_gains_nothing(listener: tuple[int, list[bytes]], monkeypatch: pytest.MonkeyPatch) -> None:
    """First public, then this machine: the name is asked once, and the address looked at is the one dialled."""
    port, received = listener
    resolver = FakeResolver(["8.8.8.8"], ["127.0.0.1"])
    dialled: list[str] = []

    async def dial(self: object, host: str, *_: object, **__: object) -> httpcore2.AsyncNetworkStream:
        dialled.append(host)
        raise httpcore2.ConnectError("nobody there")

    monkeypatch.setattr(httpcore2.AnyIOBackend, "connect_tcp", dial)
    with pytest.raises(httpcore2.ConnectError):
        await GuardedBackend(TENANT.allows_private, resolver).connect_tcp("models.example", port, 1.0)

    assert (dialled, resolver.asked, received) == (["8.8.8.8"], 1, [])


async def test_next_address_is_tried_when_one_does_not_answer(listener: tuple[int, list[bytes]]) -> None:
    port, received = listener
    backend = GuardedBackend(OPERATOR.allows_private, FakeResolver(["127.0.0.2", "127.0.0.1"]))

    stream = await backend.connect_tcp("models.example", port, 1.0)
    await stream.write(b"hello\n")
    assert await stream.read(10, 1.0) == b""
    await stream.aclose()

    assert received == [b"hello\n"]


async def test_connection_is_opened_in_an_empty_context(
    listener: tuple[int, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept open must not keep the conversation that opened it."""
    said: ContextVar[str] = ContextVar("said", default="nothing")
    heard: list[str] = []

    async def dial(_: object, *__: object) -> httpcore2.AsyncNetworkStream:
        heard.append(said.get())
        raise httpcore2.ConnectError

    monkeypatch.setattr(httpcore2.AnyIOBackend, "connect_tcp", dial)
    said.set("a secret")
    with pytest.raises(httpcore2.ConnectError):
        await GuardedBackend(OPERATOR.allows_private, FakeResolver(["127.0.0.1"])).connect_tcp(
            "models.example", listener[0], 1.0
        )
    assert heard == ["nothing"]


async def test_slow_resolver_is_a_connect_timeout() -> None:
    async def sleep(_: str, __: int) -> Sequence[str]:
        await asyncio.sleep(10)
        return ["8.8.8.8"]

    with pytest.raises(httpcore2.ConnectTimeout):
        await GuardedBackend(TENANT.allows_private, sleep).connect_tcp("models.example", 443, 0.1)


async def test_name_that_does_not_exist_is_a_connect_error() -> None:
    async def fail(_: str, __: int) -> Sequence[str]:
        raise OSError("no such name")

    with pytest.raises(httpcore2.ConnectError):
        await GuardedBackend(TENANT.allows_private, fail).connect_tcp("models.example", 443, 0.1)


async def test_addresses_need_no_resolver() -> None:
    assert await resolve("127.0.0.1", 80) == ["127.0.0.1"]
    assert "127.0.0.1" in await resolve("localhost", 80)


async def test_tls_names_and_verifies_the_host_not_the_address(tmp_path: Path) -> None:
    authority, served = _certificates(tmp_path, "models.example")
    names: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(served)
    context.sni_callback = lambda _, name, __: names.append(name)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert await _status(f"https://models.example:{port}/", authority) == 204
        with pytest.raises(httpcore2.ConnectError):
            await _status(f"https://other.example:{port}/", authority)

    assert names == ["models.example", "other.example"]


async def _status(url: str, authority: Path) -> int:
    backend = GuardedBackend(OPERATOR.allows_private, FakeResolver(["127.0.0.1"]))
    trusted = ssl.create_default_context(cafile=str(authority))
    async with httpcore2.AsyncConnectionPool(ssl_context=trusted, network_backend=backend) as pool:
        return (await pool.request("GET", url)).status


def _certificates(folder: Path, host: str) -> tuple[Path, Path]:
    """A self-signed certificate for the host: what to trust, and what to serve."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "authority.pem").write_bytes(public)
    (folder / "served.pem").write_bytes(private + public)
    return folder / "authority.pem", folder / "served.pem"
