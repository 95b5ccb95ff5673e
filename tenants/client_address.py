"""Where a visitor comes from, as far as that can be known behind proxies.

``X-Forwarded-For`` is what the sender wrote, with the address of its own peer added at the right by each proxy. Only
as many entries as there are proxies of ours can be believed; whatever stands further left may be forged.
"""

import re
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

from django.conf import settings

Address = IPv4Address | IPv6Address

_WITH_PORT: Final = re.compile(r"\[(?P<ipv6>[^\]]*)\](?::\d+)?|(?P<ipv4>[\d.]+):\d+")
_LONGEST_ADDRESS: Final = 60
_VISITORS_IPV6_BITS: Final = 64


def visitor_address(peer: str | None, forwarded_for: str | None) -> Address | None:
    """The visitor's address behind ``settings.TRUSTED_PROXY_COUNT`` proxies; None where there is none to be had.

    ``peer`` is the other end of the connection. With fewer entries than proxies the leftmost counts; what is no
    address is passed over, towards the right and at last to the peer.
    """
    proxies: int = settings.TRUSTED_PROXY_COUNT
    entries = forwarded_for.rsplit(",", proxies)[-proxies:] if forwarded_for and proxies else []
    return next((address for entry in [*entries, peer] if (address := _address(entry))), None)


def network_of(address: Address | None) -> str:
    """What one visitor has to themselves: an IPv4 address, or the /64 that IPv6 gives to every household."""
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), _VISITORS_IPV6_BITS), strict=False))
    return str(address)


def _address(text: str | None) -> Address | None:
    if text is None or len(text) > _LONGEST_ADDRESS:
        return None
    text = text.strip()
    if found := _WITH_PORT.fullmatch(text):
        text = found["ipv6"] or found["ipv4"] or ""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
