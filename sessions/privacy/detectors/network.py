"""IP and MAC addresses."""

import ipaddress
import re
from collections.abc import Iterator

from sessions.privacy.kinds import Kind
from sessions.privacy.reading import Reading, Span

_V4 = re.compile(r"(?<![A-Za-z0-9_.\-])(?:\d{1,3}\.){3}\d{1,3}(?![A-Za-z0-9_\-]|\.\d)")
_V6 = re.compile(
    r"(?<![A-Za-z0-9_:.])(?=[0-9A-Fa-f]{0,4}:)[0-9A-Fa-f:]{3,39}(?:\.\d{1,3}){0,3}(?:%\w{1,15})?(?![A-Za-z0-9_:])"
)
_MAC = re.compile(
    r"(?<![A-Za-z0-9_:.\-])(?:[0-9A-Fa-f]{2}([:\-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4})(?![A-Za-z0-9_:\-]|\.[A-Za-z0-9])"
)
_VERSION = re.compile(
    r"(?:version|ver|v|firmware|build|release|update|upgrade|fw|rev|software|driver|app|aktualisierung|versi[oó]n|vers[aã]o|versione|versie|wersj[aęi]|verz[eiy]|верси[яиюей]|версія|версії|версію|прошивк[аиу]|έκδοση|sürüm|versiunea?|versio|versjon|verzi[oó]|versi|phiên bản|גרסה|גרסת|वर्ज़न|संस्करण|إصدار|الإصدار|版本|バージョン|버전|เวอร์ชัน|版)(?!\w)"
)
_VERSION_AFTER = re.compile(r"\s?(?:verzió|version|sürüm|バージョン|버전|版本)")
_ASKED_VERSION = re.compile(r"(?:^|\s)(?:version|ver|v|build|release|firmware)\?\Z")
_VERSION_REACH = 60
_LEAST_HEX = 4


def find_ips(reading: Reading) -> Iterator[Span]:
    for match in _V4.finditer(reading.text):
        if _is_ip(match[0]) and not _is_version(reading, match):
            yield Span(Kind.IP, match.start(), match.end(), str(ipaddress.ip_address(match[0])))
    if "::" not in reading.text and reading.text.count(":") < 7:  # noqa: PLR2004 (of a whole IPv6 address)
        return
    for match in _V6.finditer(reading.text):
        address = match[0].rstrip(":") if match[0].count(":") > 2 and not match[0].endswith("::") else match[0]  # noqa: PLR2004
        if _is_ip(address) and sum(letter in "0123456789abcdefABCDEF" for letter in address) >= _LEAST_HEX:
            yield Span(Kind.IP, match.start(), match.start() + len(address), str(ipaddress.ip_address(address)))


def _is_version(reading: Reading, match: re.Match[str]) -> bool:
    before = reading.before(match.start(), _VERSION_REACH)
    if "ip" in before or "server" in before or "address" in before:
        return False
    if match.start() == 0 and _ASKED_VERSION.search(reading.after):
        return True
    return (
        _VERSION.search(before) is not None
        or _VERSION_AFTER.match(reading.lower, match.end()) is not None
        or before.endswith((" v", " r"))
    )


def find_macs(reading: Reading) -> Iterator[Span]:
    for match in _MAC.finditer(reading.text):
        compact = re.sub(r"[:\-.]", "", match[0]).lower()
        if not (match[1] is None and compact.isdigit()):
            yield Span(Kind.MAC, match.start(), match.end(), compact)


def _is_ip(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified or text.startswith(("0.", "255.255.")))
