"""Calls out of the house, to addresses that tenants name: never to our own network.

What a name means is decided when it is called: `GuardedBackend` resolves it, refuses it where any of its addresses is
not public, and connects to the very address it looked at, so that a name that changes between the two gains nothing.
TLS still names and verifies the host. Beneath it is httpcore2, which follows no redirect and reads no proxy from the
environment.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import Context
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpcore2

from tenants.errors import AddressRefusedError

CONNECTING_AT_ONCE = 64
"""Of one provider. A burst of a thousand keeps the loop busy for seconds, while the clock of each would run."""

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
AllowsPrivate = Callable[[str, int], bool]

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
    """Opens connections for an HTTP client, to public addresses unless ``allows_private`` knows host and port.

    Raises `AddressRefusedError`, and httpcore2's `ConnectError` and `ConnectTimeout` as any backend does.
    """

    def __init__(
        self,
        allows_private: AllowsPrivate,
        resolve: Resolve = resolve,
        inner: httpcore2.AsyncNetworkBackend | None = None,
    ) -> None:
        """``inner`` opens the connection to an address that was looked at."""
        self._allows_private = allows_private
        self._resolve = resolve
        self._inner = inner or httpcore2.AnyIOBackend()
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
        private_allowed = self._allows_private(host, port)
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
