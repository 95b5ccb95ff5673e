"""Where a model may live, so that a tenant cannot make us call our own network.

`check_base_url` looks at what a person types, without the network. What a name means is decided when it is called, by
`tenants.egress`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

import idna

from agents.errors import BaseUrlError
from tenants.egress import is_public

MAX_URL_CHARACTERS = 300
DEFAULT_PORTS = {"https": 443, "http": 80}
INNER_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "arpa", "test", "onion")
"""Last labels that mean nothing on the public internet, but may inside a network."""


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
