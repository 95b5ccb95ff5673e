"""Domains and origins: what people type and browsers send, turned into one comparable form.

A domain is kept as its IDNA A-label host: lower case ASCII, no scheme, port or trailing dot. An origin is
kept exactly as browsers serialise it, so that equality of strings is equality of origins.

    ValueError
    ├── DomainError   this is not a domain a website can have
    └── OriginError   this is not an origin a browser page can have

Each error's text is a sentence for the person who typed.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal, NamedTuple, Self, cast

import idna

Scheme = Literal["http", "https"]

MAX_TYPED_CHARS = 2_048
MAX_TYPED_HOST_CHARS = 1_000  # as typed, before mapping may shorten it; `idna` takes no more than 1,024
MAX_DOMAIN_CHARS = 253
MAX_LABEL_CHARS = 63
MAX_PORT = 65_535
DEFAULT_PORTS: dict[Scheme, int] = {"http": 80, "https": 443}

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_AUTHORITY_END = re.compile(r"[/?#]")
_HOST_AND_PORT = re.compile(r"(?P<host>[^:]*)(?::(?P<port>[0-9]{0,5}))?")
_SERIALISED_ORIGIN = re.compile(
    rf"(?P<scheme>https?)://(?P<host>[a-z0-9.-]{{1,{MAX_DOMAIN_CHARS}}})(?::(?P<port>[1-9][0-9]{{0,4}}))?"
)
_LDH_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_HEX_NUMBER = re.compile(r"0x[0-9a-f]*")
_BLANK_OR_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"})

# Scripts, by the first word of their letters' Unicode names, that are written together.
_EAST_ASIAN = frozenset({"CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"})
# Cyrillic letters that look like Latin ones: a label of these alone reads as a Latin word.
_LATIN_LOOKING_CYRILLIC = frozenset("асԁеһіјӏорԛѕԝхуъьҽпгѵѡ")


class DomainError(ValueError):
    """The text is not a domain a website can be registered under."""


class OriginError(ValueError):
    """The text is not the origin of a page on the web."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, normalised host and port of a page. Made by the functions below, which do the checking."""

    scheme: Scheme
    host: str
    port: int

    def __str__(self) -> str:
        """The serialisation browsers put into the `Origin` header: a default port is left out."""
        port = "" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"

    @classmethod
    def for_domain(cls, domain: str) -> Self:
        """The one origin a normalised domain stands for: https on its default port."""
        return cls("https", domain, DEFAULT_PORTS["https"])


class _Address(NamedTuple):
    scheme: Scheme | None
    host: str
    port: int | None
    rest: str


def normalise_domain(text: str) -> str:
    """The A-label host in what a person typed or pasted, be it `EXAMPLE.com.` or `https://münchen.de/shop`.

    Idempotent. Raises DomainError where there is no such host, or where a port would be lost that matters.
    """
    address = _split_address(text)
    if address.port not in {None, DEFAULT_PORTS[address.scheme or "https"]}:
        raise DomainError("A domain has no port: add the address with its port as an extra origin instead.")
    return _a_label_host(address.host)


def parse_origin(text: str) -> Origin:
    """The origin in an `Origin` header, exactly as browsers serialise it: `str()` of it is `text` again.

    Stricter than the web in one way: hosts that no website can be registered under (IP addresses, a trailing
    dot, an underscore) are refused here already. Raises OriginError.
    """
    match = _SERIALISED_ORIGIN.fullmatch(text)
    if match is None:
        raise OriginError("This is not a web origin such as https://example.com.")
    scheme, host = cast("Scheme", match["scheme"]), match["host"]
    port = int(match["port"] or DEFAULT_PORTS[scheme])
    origin = Origin(scheme, _origin_host(host), port)
    if str(origin) != text or port > MAX_PORT:
        raise OriginError("This origin is not written as browsers write it.")
    return origin


def normalise_origin(text: str) -> Origin:
    """The origin in what a person typed: `HTTPS://WWW.Example.com:443/` is `https://www.example.com`.

    The scheme is never guessed, and nothing but `/` may follow the host. Raises OriginError.
    """
    try:
        address = _split_address(text)
    except DomainError as error:
        raise OriginError(str(error)) from error
    if address.scheme is None:
        raise OriginError("Begin the origin with https:// or http://.")
    if address.rest not in {"", "/"}:
        raise OriginError("An origin ends after the host or port: leave out the path.")
    port = DEFAULT_PORTS[address.scheme] if address.port is None else address.port
    return Origin(address.scheme, _origin_host(address.host), port)


def display_domain(domain: str) -> str:
    """A normalised domain as people write it, `münchen.de`; a label that could mislead stays as `xn--...`."""
    labels = domain.split(".")
    return ".".join(_display_label(label, top_level=labels[-1]) for label in labels)


def is_local_host(host: str) -> bool:
    """Whether a normalised host is the machine itself, whichever that is."""
    return host == "localhost" or host.endswith(".localhost")


def _split_address(text: str) -> _Address:
    typed = _visible(text)
    scheme = _SCHEME.match(typed)
    after_scheme = typed[scheme.end() :] if scheme else typed
    authority = _AUTHORITY_END.split(after_scheme, maxsplit=1)[0]
    host, port = _split_authority(authority)
    return _Address(_web_scheme(scheme[1]) if scheme else None, host, port, after_scheme[len(authority) :])


def _visible(text: str) -> str:
    stripped = text.strip()
    if not stripped:
        raise DomainError("Type a domain such as example.com.")
    if len(stripped) > MAX_TYPED_CHARS:
        raise DomainError("This is too long for a domain.")
    if any(unicodedata.category(char) in _BLANK_OR_INVISIBLE for char in stripped):
        raise DomainError("A domain has no blanks, line breaks or invisible characters in it.")
    return stripped


def _web_scheme(scheme: str) -> Scheme:
    lowered = scheme.lower()
    if lowered not in DEFAULT_PORTS:
        raise DomainError("Only addresses that begin with https:// or http:// belong to websites.")
    return lowered


def _split_authority(authority: str) -> tuple[str, int | None]:
    if "@" in authority:
        raise DomainError("Leave out the user name: a domain has no @.")
    if authority.startswith("[") or authority.count(":") > 1:
        raise DomainError("Use a domain name: an IP address cannot be registered.")
    match = _HOST_AND_PORT.fullmatch(authority)
    if match is None:
        raise DomainError("What follows the colon is not a port, so this is not a web address.")
    port = int(match["port"]) if match["port"] else None
    if port is not None and not 0 < port <= MAX_PORT:
        raise DomainError(f"A port is a number from 1 to {MAX_PORT}.")
    return match["host"], port


def _origin_host(host: str) -> str:
    try:
        return _a_label_host(host)
    except DomainError as error:
        raise OriginError(str(error)) from error


def _a_label_host(host: str) -> str:
    labels = _mapped_labels(host)
    if labels[-1].isdecimal() or _HEX_NUMBER.fullmatch(labels[-1]):
        # Browsers read any host that ends in a number as an IPv4 address: 127.1, 0x7f000001, 2130706433.
        raise DomainError("Use a domain name: an IP address or a name ending in a number cannot be registered.")
    encoded = ".".join(_a_label(label) for label in labels)
    if len(encoded) > MAX_DOMAIN_CHARS:
        raise DomainError(f"A domain has at most {MAX_DOMAIN_CHARS} characters.")
    if len(labels) == 1 and encoded != "localhost":
        raise DomainError("Type the whole domain with its ending, such as example.com.")
    return encoded


def _mapped_labels(host: str) -> list[str]:
    if len(host) > MAX_TYPED_HOST_CHARS:
        raise DomainError("This is too long for a domain.")
    if "*" in host:
        raise DomainError("A wildcard cannot be registered: add each domain by itself.")
    try:
        # UTS #46 quietly drops some characters (variation selectors, fillers): two looks, one domain.
        if not host.isascii() and any(not idna.uts46_remap(char) for char in host):
            raise DomainError("A domain has no invisible characters in it.")
        mapped = idna.uts46_remap(host).removesuffix(".")
    except idna.IDNAError as error:
        raise DomainError("A domain has only letters, digits, hyphens and dots.") from error
    labels = mapped.split(".")
    if "" in labels:
        raise DomainError("Type a domain such as example.com, with something between its dots.")
    return labels


def _a_label(label: str) -> str:
    """IDNA rules bind internationalised labels; plain ones are bound by DNS (`my--shop` is a real host)."""
    if label.isascii() and not label.startswith("xn--"):
        encoded, is_valid = label, _LDH_LABEL.fullmatch(label) is not None
    else:
        encoded, is_valid = _idna_label(label)
    if len(encoded) > MAX_LABEL_CHARS:
        raise DomainError(f"A part between two dots has at most {MAX_LABEL_CHARS} characters.")
    if not is_valid:
        raise DomainError(f"“{label}” cannot be part of a domain name.")
    return encoded


def _idna_label(label: str) -> tuple[str, bool]:
    try:
        return idna.alabel(label).decode("ascii"), True
    except idna.IDNAError:
        as_encoded = label if label.isascii() else f"xn--{label.encode('punycode').decode('ascii')}"
        return as_encoded, False


def _display_label(label: str, *, top_level: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        unicode_label = idna.ulabel(label)
    except idna.IDNAError:
        return label
    reads_as_latin = not top_level.startswith("xn--") and _LATIN_LOOKING_CYRILLIC.issuperset(unicode_label)
    return label if reads_as_latin or _mixes_scripts(unicode_label) else unicode_label


def _mixes_scripts(label: str) -> bool:
    letters = [char for char in label if unicodedata.category(char).startswith("L")]
    scripts = {re.split(r"[ -]", unicodedata.name(char, "UNKNOWN"))[0] for char in letters}
    return len(scripts) > 1 and not scripts <= _EAST_ASIAN
