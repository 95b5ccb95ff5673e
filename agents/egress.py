"""Calls out of the house: where a model may live, so that a tenant cannot make us call our own network.

`check_base_url` looks at what a person types, without the network. What a name means is decided when it is called:
`GuardedBackend` resolves it, refuses it where any of its addresses is not public, and connects to the very address it
looked at, so that a name that changes between the two gains nothing. TLS still names and verifies the host. Beneath
it is httpcore2, which follows no redirect and reads no proxy from the environment.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import Context
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

import httpcore2
import idna

from agents.errors import AddressRefusedError, BaseUrlError

CONNECTING_AT_ONCE = 64
"""Of one provider. A burst of a thousand keeps the loop busy for seconds, while the clock of each would run."""

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

MAX_URL_CHARACTERS = 300
DEFAULT_PORTS = {"https": 443, "http": 80}
INNER_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "arpa", "test", "onion")
"""Last labels that mean nothing on the public internet, but may inside a network."""

# What `is_global` lets through, or has judged differently from one Python to the next.
NEVER_PUBLIC = tuple(
    ip_network(block)
    for block in (
        "100.64.0.0/10",  # carrier-grade NAT; also a cloud's metadata service (100.100.100.200)
        "168.63.129.16/32",  # Azure's host agent, reachable from inside its machines alone
        "192.0.0.0/24",  # protocol assignments; also a cloud's metadata service
        "192.88.99.0/24",  # 6to4 relays
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/96",  # IPv4-compatible
        "64:ff9b:1::/48",  # NAT64 for local use
        "100::/64",
        "2001::/23",  # Teredo and other assignments
        "5f00::/16",
        "fec0::/10",  # site-local
        "ff00::/8",
    )
)
NAT64 = ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """Who calls. `private_hosts` (`host` or `host:port`, lower case) are exempt for everybody."""

    operator_owned: bool
    private_hosts: frozenset[str]

    def allows_private(self, host: str, port: int) -> bool:
        return self.operator_owned or not self.private_hosts.isdisjoint({host, f"{host}:{port}"})


def check_base_url(url: str, *, operator_owned: bool, private_hosts: Iterable[str]) -> str:
    """The URL in its one spelling (no slash at the end), or `BaseUrlError` with a sentence for whoever typed it."""
    parts = _split(url)
    host = _plain_host(parts.hostname or "")
    port = _port(parts) or DEFAULT_PORTS[parts.scheme]
    policy = EgressPolicy(operator_owned, frozenset(private_hosts))
    if not policy.allows_private(host, port):
        _require_public(parts.scheme, host)
    shown_host = f"[{host}]" if ":" in host else host
    shown_port = "" if port == DEFAULT_PORTS[parts.scheme] else f":{port}"
    return f"{parts.scheme}://{shown_host}{shown_port}{parts.path.rstrip('/')}"


def _split(url: str) -> SplitResult:
    if len(url) > MAX_URL_CHARACTERS:
        raise BaseUrlError(f"The address is longer than {MAX_URL_CHARACTERS} characters.")
    if any(character.isspace() or not character.isprintable() or character == "\\" for character in url):
        raise BaseUrlError("The address holds a space, a backslash or an invisible character.")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise BaseUrlError("This is not an address such as https://api.example.com/v1.") from None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise BaseUrlError("The address must be like https://api.example.com/v1.")
    if "@" in parts.netloc:
        raise BaseUrlError("The address must not hold a user name or password; the key has its own field.")
    if "?" in url or "#" in url:
        raise BaseUrlError("The address must end with its path: no ? and no #.")
    return parts


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        raise BaseUrlError("The port must be a number from 1 to 65535.") from None


def _plain_host(host: str) -> str:
    """Lower-case ASCII, as the resolver will see it: full-width digits and the like are read before any check."""
    if ":" in host:
        return _plain_ipv6(host)
    try:
        plain = idna.encode(host.rstrip("."), uts46=True).decode().lower()
    except (idna.IDNAError, UnicodeError):
        plain = host.rstrip(".").lower()
        if not _names_a_container(plain):
            raise BaseUrlError("The address holds a host name that cannot exist.") from None
    _refuse_odd_numbers(plain)
    return plain


def _names_a_container(host: str) -> bool:
    """Underscores are no part of the internet's names, but of those that container networks give."""
    labels = [label.replace("_", "").replace("-", "") for label in host.split(".")]
    return host.isascii() and "_" in host and all(label.isalnum() for label in labels)


def _plain_ipv6(host: str) -> str:
    try:
        address = IPv6Address(host)
    except ValueError:
        raise BaseUrlError("The address holds an IPv6 address that cannot exist.") from None
    if address.scope_id is not None:
        raise BaseUrlError("The address must not name a network interface.")
    return str(address)


def _refuse_odd_numbers(host: str) -> None:
    """2130706433, 0x7f.1, 127.1 and 0177.0.0.1 are all 127.0.0.1 to a resolver; only the usual form is read."""
    last = host.rsplit(".", 1)[-1]
    if not (last.isdigit() or last.startswith("0x")):
        return
    try:
        IPv4Address(host)
    except ValueError:
        raise BaseUrlError("Write an IP address as four plain numbers, such as 203.0.113.7.") from None


def _require_public(scheme: str, host: str) -> None:
    if scheme != "https":
        raise BaseUrlError("The address must begin with https://.")
    try:
        address = ip_address(host)
    except ValueError:
        labels = host.split(".")
        if len(labels) == 1 or labels[-1] in INNER_NAMES:
            raise BaseUrlError(f"{host} is a name inside a network, not on the public internet.") from None
        return
    if not is_public(address):
        raise BaseUrlError(f"{host} is not an address on the public internet.")


def is_public(address: Address) -> bool:
    """Whether the address, and any IPv4 address wrapped in it, belongs to the public internet."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in NAT64:
            inner = IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not any(address in block for block in NEVER_PUBLIC)


async def resolve(host: str, port: int) -> list[str]:
    """The host's addresses, IPv4 first: on a machine without IPv6 routes nothing is lost in trying."""
    if _is_literal(host):
        return [host]
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in sorted(found, key=lambda entry: entry[0] != socket.AF_INET)]


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Opens connections for an HTTP pool, to public addresses unless the policy knows the host as private.

    Raises `AddressRefusedError`, and httpcore2's `ConnectError` and `ConnectTimeout` as any backend does.
    """

    def __init__(self, policy: EgressPolicy, resolve: Resolve = resolve) -> None:
        self._policy = policy
        self._resolve = resolve
        self._inner = httpcore2.AnyIOBackend()
        self._gate = asyncio.Semaphore(CONNECTING_AT_ONCE)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface's own parameter
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        try:
            async with self._gate, asyncio.timeout(timeout):
                addresses = await self._addresses(host, port)
                connecting = self._connect_any(addresses, port, local_address, socket_options)
                # A connection keeps the context it is opened in, and LangGraph keeps the conversation in its own.
                return await asyncio.create_task(connecting, context=Context())
        except TimeoutError:
            raise httpcore2.ConnectTimeout from None

    async def _addresses(self, host: str, port: int) -> list[str]:
        try:
            addresses = list(await self._resolve(host, port))
        except OSError:
            raise httpcore2.ConnectError(f"{host} does not resolve") from None
        private_allowed = self._policy.allows_private(host, port)
        if not addresses or not (private_allowed or all(map(_reads_public, addresses))):
            raise AddressRefusedError(f"{host} does not resolve to public addresses only.")
        return addresses

    async def _connect_any(
        self,
        addresses: Sequence[str],
        port: int,
        local_address: str | None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None,
    ) -> httpcore2.AsyncNetworkStream:
        for address in addresses[:-1]:
            try:
                return await self._inner.connect_tcp(address, port, None, local_address, socket_options)
            except httpcore2.ConnectError:
                continue
        return await self._inner.connect_tcp(addresses[-1], port, None, local_address, socket_options)


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _reads_public(address: str) -> bool:
    try:
        return is_public(ip_address(address))
    except ValueError:
        return False
