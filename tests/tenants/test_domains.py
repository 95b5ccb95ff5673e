# ruff: noqa: RUF001, RUF003 (look-alike letters are what is tested here)
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tenants.domains import (
    MAX_TYPED_CHARS,
    DomainError,
    Origin,
    OriginError,
    display_domain,
    normalise_domain,
    normalise_origin,
    parse_origin,
)

LABEL_63 = "a" * 63
DOMAIN_253 = ".".join([LABEL_63, LABEL_63, LABEL_63, "a" * 61])

hosts = st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,4})?\.[a-z]{2,6}", fullmatch=True)
web_like_text = st.text(
    st.sampled_from("aez09.-_:/@*[]%?#\\ \n\0üßе日本❤٣१。．℀\u200b\u200d\ufe0f\u202e\u034f\ud800") | st.characters(),
    max_size=40,
) | st.builds("".join, st.lists(st.sampled_from(["https://", "xn--", "localhost", ".com", ":443", "é", "a", "0x"])))


@pytest.mark.parametrize(
    ("typed", "domain"),
    [
        ("example.com", "example.com"),
        ("https://Example.com:443/x", "example.com"),
        ("HTTP://example.com:80", "example.com"),
        ("example.com:443", "example.com"),
        ("example.com:", "example.com"),
        ("EXAMPLE.com.", "example.com"),
        (" \t example.com\u3000\n", "example.com"),
        ("https://example.com?next=http://other.org:8443/", "example.com"),
        ("example.com#top", "example.com"),
        ("example.com/@user:pass", "example.com"),
        ("münchen.de", "xn--mnchen-3ya.de"),
        ("MÜNCHEN.DE", "xn--mnchen-3ya.de"),
        ("mu\u0308nchen.de", "xn--mnchen-3ya.de"),
        ("XN--MNCHEN-3YA.de", "xn--mnchen-3ya.de"),
        ("straße.de", "xn--strae-oqa.de"),
        ("日本語.jp", "xn--wgv71a119e.jp"),
        ("example。com", "example.com"),
        ("ｅｘａｍｐｌｅ．ｃｏｍ", "example.com"),
        ("my--shop.example.com", "my--shop.example.com"),
        ("1e100.net", "1e100.net"),
        ("localhost", "localhost"),
        ("LocalHost.", "localhost"),
        ("http://bakery.localhost", "bakery.localhost"),
        (f"{LABEL_63}.com", f"{LABEL_63}.com"),
        (DOMAIN_253, DOMAIN_253),
        ("example.com.evil.net", "example.com.evil.net"),
        ("evilexample.com", "evilexample.com"),
        ("www.example.com", "www.example.com"),
    ],
)
def test_domain_is_normalised(typed: str, domain: str) -> None:
    assert normalise_domain(typed) == domain


IP = "Use a domain name: an IP address cannot be registered."
NUMBER = "Use a domain name: an IP address or a name ending in a number cannot be registered."
EMPTY_PART = "Type a domain such as example.com, with something between its dots."
INVISIBLE = "A domain has no blanks, line breaks or invisible characters in it."
CHARACTERS = "A domain has only letters, digits, hyphens and dots."
PORT = "A domain has no port: add the address with its port as an extra origin instead."
NO_PORT = "What follows the colon is not a port, so this is not a web address."
SCHEME = "Only addresses that begin with https:// or http:// belong to websites."
WHOLE = "Type the whole domain with its ending, such as example.com."
LONG_LABEL = "A part between two dots has at most 63 characters."


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Type a domain such as example.com."),
        (" \n ", "Type a domain such as example.com."),
        ("https://", EMPTY_PART),
        ("/shop", EMPTY_PART),
        (".", EMPTY_PART),
        (".example.com", EMPTY_PART),
        ("example..com", EMPTY_PART),
        ("example.com..", EMPTY_PART),
        ("com", WHOLE),
        ("com.", WHOLE),
        ("intranet", WHOLE),
        ("127.0.0.1", NUMBER),
        ("http://127.1", NUMBER),
        ("2130706433", NUMBER),
        ("0x7f000001", NUMBER),
        ("0x7f.0.0.0x1", NUMBER),
        ("0177.0.0.01", NUMBER),
        ("１２７.０.０.１", NUMBER),
        ("example.123", NUMBER),
        ("example.१२", NUMBER),
        ("example.0x", NUMBER),
        ("[::1]", IP),
        ("http://[::1]:8000/", IP),
        ("::ffff:127.0.0.1", IP),
        ("fe80::1", IP),
        ("*", "A wildcard cannot be registered: add each domain by itself."),
        ("*.example.com", "A wildcard cannot be registered: add each domain by itself."),
        ("user@example.com", "Leave out the user name: a domain has no @."),
        ("https://user:pass@example.com", "Leave out the user name: a domain has no @."),
        ("https://example.com\\@evil.net", "Leave out the user name: a domain has no @."),
        ("ftp://example.com", SCHEME),
        ("javascript://example.com/%0aalert(1)", SCHEME),
        ("javascript:alert(1)", NO_PORT),
        ("https:example.com", NO_PORT),
        ("example.com:http", NO_PORT),
        ("example.com:123456", NO_PORT),
        ("example.com:４４３", NO_PORT),
        ("example.com:0", "A port is a number from 1 to 65535."),
        ("example.com:65536", "A port is a number from 1 to 65535."),
        ("example.com:8443", PORT),
        ("https://example.com:80", PORT),
        ("http://example.com:443", PORT),
        ("example.com:80", PORT),
        ("http://bakery.localhost:8000", PORT),
        ("exa mple.com", INVISIBLE),
        ("example.com\nevil.net", INVISIBLE),
        ("example.com/a b", INVISIBLE),
        ("exam\0ple.com", INVISIBLE),
        ("exam\u200bple.com", INVISIBLE),
        ("exam\u200dple.com", INVISIBLE),
        ("exam\u00adple.com", INVISIBLE),
        ("exam\u202eple.com", INVISIBLE),
        ("\ufeffexample.com", INVISIBLE),
        ("exam\ud800ple.com", INVISIBLE),
        ("exam\u034fple.com", "A domain has no invisible characters in it."),
        ("exam\ufe0fple.com", "A domain has no invisible characters in it."),
        ("_dmarc.example.com", CHARACTERS),
        ("exam%70le.com", CHARACTERS),
        ("example.com\\evil", CHARACTERS),
        ("example.com,other.com", CHARACTERS),
        ("℀.com", CHARACTERS),
        ("example.com／evil.net", CHARACTERS),
        ("-example.com", "“-example” cannot be part of a domain name."),
        ("example-.com", "“example-” cannot be part of a domain name."),
        ("i❤.ws", "“i❤” cannot be part of a domain name."),
        ("xn--i-7iq.ws", "“xn--i-7iq” cannot be part of a domain name."),
        ("xn--.com", "“xn--” cannot be part of a domain name."),
        (f"{LABEL_63}a.com", LONG_LABEL),
        ("ü" * 60 + ".com", LONG_LABEL),
        ("ü" * 1_900 + ".com", "This is too long for a domain."),
        (DOMAIN_253 + "a", "A domain has at most 253 characters."),
        ("a" * (MAX_TYPED_CHARS + 1), "This is too long for a domain."),
    ],
)
def test_domain_that_cannot_be_registered_is_refused_with_a_sentence(typed: str, sentence: str) -> None:
    with pytest.raises(DomainError) as refusal:
        normalise_domain(typed)
    assert str(refusal.value) == sentence


@given(web_like_text)
@example("ﬀ.com")
@example("xn--a-ecp.ru")
def test_domain_is_refused_or_stays_the_same_when_normalised_again(text: str) -> None:
    try:
        domain = normalise_domain(text)
    except DomainError:
        return
    assert normalise_domain(domain) == domain
    assert parse_origin(f"https://{domain}") == Origin.for_domain(domain)
    assert normalise_domain(display_domain(domain)) == domain


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://example.com", Origin("https", "example.com", 443)),
        ("http://example.com", Origin("http", "example.com", 80)),
        ("http://bakery.localhost:8000", Origin("http", "bakery.localhost", 8000)),
        ("https://example.com:80", Origin("https", "example.com", 80)),
        ("http://localhost:65535", Origin("http", "localhost", 65535)),
        ("https://xn--mnchen-3ya.de", Origin("https", "xn--mnchen-3ya.de", 443)),
        (f"https://{DOMAIN_253}:8443", Origin("https", DOMAIN_253, 8443)),
    ],
)
def test_origin_is_parsed_and_serialised_back(text: str, origin: Origin) -> None:
    parsed = parse_origin(text)
    assert parsed == origin
    assert str(parsed) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "example.com",
        "//example.com",
        "https://",
        "https://example.com/",
        "https://example.com/x",
        "https://example.com?x",
        "https://example.com#x",
        "https://example.com\n",
        " https://example.com",
        "https://example.com, https://example.com",
        "https://example.com https://other.com",
        "https://example.com:443",
        "http://example.com:80",
        "https://example.com:",
        "https://example.com:0",
        "https://example.com:08443",
        "https://example.com:65536",
        "https://example.com:８443",
        "HTTPS://example.com",
        "https://Example.com",
        "https://münchen.de",
        "https://example.com.",
        "https://example..com",
        "https://user@example.com",
        "https://ex_ample.com",
        "https://*.example.com",
        "https://com",
        "https://127.0.0.1",
        "http://[::1]:8000",
        "https://xn--i-7iq.ws",
        "ftp://example.com",
        "file://",
        "chrome-extension://abcdefghijklmnop",
        "https://" + "a." * 100_000 + "com",
    ],
)
def test_origin_not_as_browsers_serialise_it_is_refused(text: str) -> None:
    with pytest.raises(OriginError):
        parse_origin(text)


@given(web_like_text)
def test_origin_of_any_text_is_refused_or_serialised_back(text: str) -> None:
    try:
        origin = parse_origin(text)
    except OriginError:
        return
    assert str(origin) == text
    assert normalise_origin(text) == origin


@given(st.sampled_from(["http", "https"]), hosts, st.integers(1, 65535))
def test_origin_made_of_parts_survives_the_round_trip(scheme: str, host: str, port: int) -> None:
    origin = normalise_origin(f"{scheme.upper()}://{host.upper()}.:{port}/")
    assert (origin.scheme, origin.host, origin.port) == (scheme, host, port)
    assert parse_origin(str(origin)) == origin


def test_origin_equals_only_itself() -> None:
    texts = [
        "https://example.com",
        "http://example.com",
        "https://example.com:8443",
        "https://www.example.com",
        "https://example.com.evil.net",
        "https://evilexample.com",
        "https://example.co",
        "https://xn--xample-2of.com",
    ]
    mine = Origin.for_domain("example.com")
    assert [parse_origin(text) == mine for text in texts] == [True] + [False] * 7
    assert len({parse_origin(text) for text in texts}) == len(texts)


@pytest.mark.parametrize(
    ("typed", "serialised"),
    [
        ("HTTPS://WWW.Example.com:443/", "https://www.example.com"),
        (" https://www.example.com ", "https://www.example.com"),
        ("http://example.com:80", "http://example.com"),
        ("https://example.com:08443", "https://example.com:8443"),
        ("http://Bakery.LOCALHOST:8000/", "http://bakery.localhost:8000"),
        ("https://münchen.de:8443", "https://xn--mnchen-3ya.de:8443"),
        ("https://example.com.", "https://example.com"),
    ],
)
def test_extra_origin_is_normalised(typed: str, serialised: str) -> None:
    assert str(normalise_origin(typed)) == serialised


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("www.example.com", "Begin the origin with https:// or http://."),
        ("//www.example.com", "Begin the origin with https:// or http://."),
        ("https://example.com/shop", "An origin ends after the host or port: leave out the path."),
        ("https://example.com/?a", "An origin ends after the host or port: leave out the path."),
        ("https://example.com#a", "An origin ends after the host or port: leave out the path."),
        ("ftp://example.com", SCHEME),
        ("https://user@example.com", "Leave out the user name: a domain has no @."),
        ("https://127.0.0.1:8000", NUMBER),
        ("null", "Begin the origin with https:// or http://."),
        ("", "Type a domain such as example.com."),
    ],
)
def test_extra_origin_that_is_none_is_refused_with_a_sentence(typed: str, sentence: str) -> None:
    with pytest.raises(OriginError) as refusal:
        normalise_origin(typed)
    assert str(refusal.value) == sentence


@pytest.mark.parametrize(
    ("domain", "shown"),
    [
        ("example.com", "example.com"),
        ("xn--mnchen-3ya.de", "münchen.de"),
        ("shop.xn--wgv71a119e.jp", "shop.日本語.jp"),
        ("xn--u8j2c547sncbk91h.jp", "日本語かな.jp"),
        ("xn--d1acufc.xn--p1ai", "домен.рф"),
        ("xn--3e0b707e.kr", "한국.kr"),
        ("xn--pple-43d.com", "xn--pple-43d.com"),  # Cyrillic а, then Latin
        ("xn--80ak6aa92e.com", "xn--80ak6aa92e.com"),  # all Cyrillic, reads as "apple"
        ("xn--i-7iq.ws", "xn--i-7iq.ws"),  # not IDNA 2008
    ],
)
def test_domain_is_displayed_for_people_unless_it_misleads(domain: str, shown: str) -> None:
    assert display_domain(domain) == shown
