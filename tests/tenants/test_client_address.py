"""Which address of a request is believed."""

from ipaddress import ip_address

import pytest
from django.conf import LazySettings

from tenants.client_address import network_of, visitor_address

PEER = "10.0.0.1"


@pytest.mark.parametrize(
    ("proxies", "forwarded_for", "believed"),
    [
        (0, None, PEER),
        (0, "198.51.100.1", PEER),
        (1, None, PEER),
        (1, "198.51.100.1", "198.51.100.1"),
        (1, "203.0.113.9, 198.51.100.1", "198.51.100.1"),
        (1, "203.0.113.9,203.0.113.8,198.51.100.1", "198.51.100.1"),
        (2, "203.0.113.9, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        (2, "198.51.100.1", "198.51.100.1"),
        (3, "198.51.100.1, 10.0.0.2", "198.51.100.1"),
        (1, "203.0.113.9, unknown", PEER),
        (2, "<script>, 198.51.100.1", "198.51.100.1"),
        (1, "", PEER),
        (1, ",,,", PEER),
        (1, "1" * 60_000, PEER),
        (1, "999.1.1.1", PEER),
        (1, "198.51.100.1:4711", "198.51.100.1"),
        (1, "[2001:db8::1]:4711", "2001:db8::1"),
        (1, "[2001:db8::1]", "2001:db8::1"),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, "::ffff:198.51.100.1", "198.51.100.1"),
    ],
)
def test_only_what_our_proxies_wrote_is_believed(
    settings: LazySettings, proxies: int, forwarded_for: str | None, believed: str
) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    assert visitor_address(PEER, forwarded_for) == ip_address(believed)


def test_connection_without_an_address_is_no_error() -> None:
    assert visitor_address(None, None) is None
    assert network_of(None) == "None"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("198.51.100.1", "198.51.100.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_network_is_what_one_visitor_has_to_themselves(address: str, network: str) -> None:
    assert network_of(ip_address(address)) == network


def test_settings_have_no_trusted_proxy_by_default(settings: LazySettings) -> None:
    assert settings.TRUSTED_PROXY_COUNT == 0
