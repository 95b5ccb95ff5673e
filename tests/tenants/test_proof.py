"""Looking at a domain: the three ways, and what a hostile website gains by its answers."""

import asyncio
import secrets
import time

import pytest

from tenants.proof import fetch
from tenants.proof.report import PROOF_FILE, ProofReport, proof_tag, proof_text
from tests.tenants.internet import ADDRESS, Internet, Reply

TOKEN = "0123456789abcdef0123456789abcdef"
OTHER = "fedcba9876543210fedcba9876543210"
SEEN_INSIDE = ["127.0.0.1", "10.0.0.1", "169.254.169.254", "100.64.0.1", "192.168.1.1", "224.0.0.1", "0.0.0.0"]  # noqa: S104  to be refused


@pytest.fixture
def domain() -> str:
    return f"shop-{secrets.token_hex(4)}.example"


async def outcomes(internet: Internet, domain: str) -> dict[str, str]:
    report = await internet.prober().probe(domain, TOKEN)
    assert [finding.way for finding in report.findings] == ["meta", "file", "dns"]
    return {finding.way: finding.outcome for finding in report.findings}


NOTHING = {"meta": "bad_status", "file": "bad_status", "dns": "missing"}


@pytest.mark.parametrize("way", ["meta", "file", "dns"])
async def test_each_way_is_found_by_itself(internet: Internet, domain: str, way: str) -> None:
    internet.prove(domain, TOKEN, way)
    report = await internet.prober().probe(domain, TOKEN)
    assert report.found == (way,)
    assert {(finding.way, finding.outcome) for finding in report.findings} == {*{**NOTHING, way: "found"}.items()}


@pytest.mark.parametrize("way", ["meta", "file", "dns"])
async def test_another_websites_token_proves_nothing(internet: Internet, domain: str, way: str) -> None:
    internet.prove(domain, OTHER, way)
    assert await outcomes(internet, domain) == {**NOTHING, way: "other_token"}


async def test_proof_beside_another_websites_is_found(internet: Internet, domain: str) -> None:
    internet.put_host(domain)
    internet.put_page(domain, "/", f"<head>{proof_tag(OTHER)}{proof_tag(TOKEN)}</head>")
    internet.put_page(domain, PROOF_FILE, f"\ufeff{proof_text(OTHER)}\r\n {proof_text(TOKEN)} \r\n")
    internet.put_texts(domain, f'"{proof_text(OTHER)}"', '"v=spf1 -all"', f'"{proof_text(TOKEN)}"')
    assert await outcomes(internet, domain) == {"meta": "found", "file": "found", "dns": "found"}


@pytest.mark.parametrize(
    ("page", "outcome"),
    [
        ("<!doctype html><html><head><title>A</title><META content='{token}' NAME='Parlour-Verify'></head>", "found"),
        ("<title>A</title><meta name=parlour-verify content={token}>", "found"),
        ("<head><meta name='parlour-verify' content='parlour-verify={token}'>", "found"),
        ("<head><noscript><img src=x></noscript><style>b</style><script>if (a<b) c('</p>')</script>{tag}", "found"),
        ("<head></head><body>{tag}</body>", "missing"),
        ("<head><p>{tag}", "missing"),
        ("Words {tag}", "missing"),
        ("<head><title>{tag}</title></head>", "missing"),
        ("<head><!-- {tag} --></head>", "missing"),
        ("<head><script>'{tag}'</script></head>", "missing"),
        ("<head><template>{tag}</template></head>", "missing"),
        ("<head><meta name='description' content='{token}'></head>", "missing"),
        ("<head><meta name='parlour-verify'></head>", "other_token"),
        ("<head>" + " " * 65_536 + "{tag}</head>", "missing"),
        ("<![" * 10 + "{tag}", "missing"),
        ("{tag}<![", "found"),
        ("", "missing"),
    ],
)
async def test_tag_counts_in_the_head_alone(internet: Internet, domain: str, page: str, outcome: str) -> None:
    internet.put_host(domain)
    internet.put_page(domain, "/", page.format(tag=proof_tag(TOKEN), token=TOKEN))
    assert await outcomes(internet, domain) == {**NOTHING, "meta": outcome}


@pytest.mark.parametrize("junk", ["<a ", "<a b='", "<!--", "</", "<![CDATA[", "<script>", "<title>", "&#", "<meta "])
async def test_page_made_to_be_slow_to_read_is_read_at_once(internet: Internet, domain: str, junk: str) -> None:
    internet.put_host(domain)
    internet.put_page(domain, "/", junk * (70_000 // len(junk)))
    began = time.process_time()
    assert (await outcomes(internet, domain))["meta"] == "missing"
    assert time.process_time() - began < 5


async def test_file_is_read_line_by_line(internet: Internet, domain: str) -> None:
    internet.put_host(domain)
    for body in (f"x {proof_text(TOKEN)}", TOKEN, f"<html>{proof_text(TOKEN)}</html>"):
        internet.put_page(domain, PROOF_FILE, body)
        assert (await outcomes(internet, domain))["file"] == "missing"


async def test_request_names_the_product_and_carries_nothing_else(internet: Internet, domain: str) -> None:
    internet.prove(domain, TOKEN, "meta")
    internet.put_page(
        domain, PROOF_FILE, b"HTTP/1.1 302 Found\r\nSet-Cookie: a=b\r\nLocation: /here\r\nContent-Length: 0\r\n\r\n"
    )
    await outcomes(internet, domain)
    assert {path for _, path, _ in internet.requests} == {"/", PROOF_FILE, "/here"}
    for _, _, headers in internet.requests:
        assert {name: value for name, value in headers.items() if name} == {
            "host": domain,
            "user-agent": "Parlour (domain proof)",
            "accept": "text/html, text/plain, */*",
            "accept-encoding": "identity",
            "connection": "close",
        }
    assert {*internet.dialled} == {(ADDRESS, 443)}


# -- where it may not go


@pytest.mark.parametrize("address", SEEN_INSIDE)
async def test_domain_that_leads_inside_is_not_called(internet: Internet, domain: str, address: str) -> None:
    internet.prove(domain, TOKEN)
    for addresses in ([address], [ADDRESS, address]):
        internet.put_host(domain, addresses)
        assert await outcomes(internet, domain) == {"meta": "not_public", "file": "not_public", "dns": "missing"}
    assert internet.dialled == []


@pytest.mark.parametrize("address", ["::1", "fe80::1", "fd00:ec2::254", "::ffff:127.0.0.1", "64:ff9b::7f00:1"])
async def test_ipv6_address_that_leads_inside_is_not_called(internet: Internet, domain: str, address: str) -> None:
    internet.prove(domain, TOKEN)
    internet.records[f"{domain}.", "AAAA"] = [[address]]
    assert (await outcomes(internet, domain))["file"] == "not_public"
    assert internet.dialled == []


async def test_rebound_name_gains_nothing(internet: Internet, domain: str) -> None:
    """First public, then this machine: what is dialled is what was looked at, and each hop is looked at anew."""
    internet.prove(domain, TOKEN, "dns")
    internet.put_host(domain, [ADDRESS], [ADDRESS], ["127.0.0.1"])
    for path in ("/", PROOF_FILE):
        internet.put_redirect(domain, path, "/again")
    internet.put_page(domain, "/again", proof_tag(TOKEN))
    assert await outcomes(internet, domain) == {"meta": "not_public", "file": "not_public", "dns": "found"}
    assert internet.dialled == [(ADDRESS, 443), (ADDRESS, 443)]


@pytest.mark.parametrize(
    "location",
    [
        "https://169.254.169.254/latest/meta-data/",
        "https://localhost/",
        "https://127.0.0.1/",
        "https://other.example/",
        "https://{domain}.other.example/",
        "https://shop.{domain}/",
        "https://example/",
        "http://{domain}/",
        "https://{domain}:8443/",
        "https://user@{domain}/",
        "https://{domain}\\@other.example/",
        "//other.example/",
        "ftp://{domain}/",
        "https://[::1]/",
        "https://[::1/",
        "https://{domain}:x/",
        "/with a space",
    ],
)
async def test_redirect_elsewhere_is_not_followed(internet: Internet, domain: str, location: str) -> None:
    internet.put_host(domain)
    for host in ("localhost", "other.example", f"shop.{domain}", f"{domain}.other.example", "example"):
        internet.prove(host, TOKEN)
        internet.put_page(host, "/", proof_tag(TOKEN))
    internet.put_redirect(domain, "/", location.format(domain=domain))
    assert (await outcomes(internet, domain))["meta"] == "redirected_away"
    assert {host for host, _, _ in internet.requests} == {domain}
    assert {*internet.dialled} == {(ADDRESS, 443)}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirect_within_the_website_is_followed(internet: Internet, domain: str, status: int) -> None:
    www = f"www.{domain}"
    internet.put_host(domain)
    internet.put_host(www)
    internet.put_redirect(domain, "/", f"https://{www}/", status)
    internet.put_redirect(www, "/", "home?lang=en#top", status)
    internet.put_page(www, "/home?lang=en", proof_tag(TOKEN))
    assert (await outcomes(internet, domain))["meta"] == "found"
    assert (await outcomes(internet, www))["meta"] == "found"


async def test_www_that_leads_inside_is_not_called(internet: Internet, domain: str) -> None:
    internet.put_host(domain)
    internet.put_host(f"www.{domain}", ["127.0.0.1"])
    internet.put_redirect(domain, "/", f"https://www.{domain}/")
    assert (await outcomes(internet, domain))["meta"] == "not_public"


async def test_three_redirects_are_followed_and_no_more(internet: Internet, domain: str) -> None:
    internet.put_host(domain)
    internet.put_redirect(domain, "/", "/1")
    internet.put_redirect(domain, "/1", "/2")
    internet.put_redirect(domain, "/2", "/3")
    internet.put_page(domain, "/3", proof_tag(TOKEN))
    assert (await outcomes(internet, domain))["meta"] == "found"
    internet.put_redirect(domain, "/3", "/4")
    internet.put_page(domain, "/4", proof_tag(TOKEN))
    assert (await outcomes(internet, domain))["meta"] == "too_many_redirects"


async def test_certificate_that_does_not_fit_is_refused(internet: Internet, domain: str) -> None:
    internet.prove(domain, TOKEN)
    internet.untrusted.add(domain)
    assert await outcomes(internet, domain) == {"meta": "bad_certificate", "file": "bad_certificate", "dns": "missing"}
    assert internet.requests == []


# -- servers that would keep us


async def _drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def _silence(_: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


async def _endless_headers(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while not writer.is_closing():
        writer.write(b"X-More: " + b"x" * 1000 + b"\r\n")
        await writer.drain()
        await asyncio.sleep(0)


@pytest.mark.parametrize("answer", [_drip, _silence])
async def test_slow_server_is_given_up(
    internet: Internet, domain: str, answer: Reply, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "SECONDS_IN_ALL", 0.5)
    internet.put_host(domain)
    internet.put_page(domain, "/", answer)
    began = time.monotonic()
    assert (await outcomes(internet, domain))["meta"] == "too_slow"
    assert time.monotonic() - began < 5


async def test_endless_headers_are_given_up(internet: Internet, domain: str) -> None:
    internet.put_host(domain)
    internet.put_page(domain, "/", _endless_headers)
    assert (await outcomes(internet, domain))["meta"] == "not_http"


@pytest.mark.parametrize(("where", "outcome"), [(0, "found"), (65_000, "found"), (66_000, "missing")])
async def test_endless_body_is_read_to_64_kilobytes(internet: Internet, domain: str, where: int, outcome: str) -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * where + proof_tag(TOKEN).encode())
        while not writer.is_closing():
            writer.write(b" " * 10_000)
            await writer.drain()
            await asyncio.sleep(0)

    internet.put_host(domain)
    internet.put_page(domain, "/", endless)
    assert (await outcomes(internet, domain))["meta"] == outcome


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (b"SSH-2.0-OpenSSH\r\n\r\n", "not_http"),
        (b"HTTP/1.1 302 Found\r\nLocation: /caf\xe9\r\nContent-Length: 0\r\n\r\n", "not_http"),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", "too_many_redirects"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b", "compressed"),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "bad_status"),
        (b"", "not_http"),
    ],
)
async def test_odd_answer_is_a_finding(internet: Internet, domain: str, answer: bytes, outcome: str) -> None:
    internet.put_host(domain)
    internet.put_page(domain, "/", answer)
    assert (await outcomes(internet, domain))["meta"] == outcome


# -- DNS


async def test_domain_that_does_not_exist_is_unreachable(internet: Internet, domain: str) -> None:
    assert await outcomes(internet, domain) == {"meta": "unreachable", "file": "unreachable", "dns": "missing"}


@pytest.mark.parametrize("name", ["_parlour.{domain}", "{domain}"])
async def test_record_is_read_joined_and_through_a_cname(internet: Internet, domain: str, name: str) -> None:
    name = name.format(domain=domain)
    internet.put_texts("kept.elsewhere.example", '"v=spf1"', f'"parlour-ver" "ify={TOKEN}"')
    internet.records[f"{name}.", "CNAME"] = [["kept.elsewhere.example."]]
    assert (await outcomes(internet, domain))["dns"] == "found"


async def test_name_servers_that_keep_silent_are_given_up(
    internet: Internet, domain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenants.proof.names.SECONDS_A_QUESTION", 0.5)
    internet.silent_names |= {f"{domain}.", f"_parlour.{domain}."}
    assert await outcomes(internet, domain) == {"meta": "unreachable", "file": "unreachable", "dns": "unreachable"}


async def test_longest_domain_is_a_finding_too(internet: Internet) -> None:
    domain = ".".join(["a" * 63] * 3 + ["b" * 57, "com"])
    internet.prove(domain, TOKEN, "meta")
    assert await outcomes(internet, domain) == {"meta": "found", "file": "bad_status", "dns": "unreachable"}


# -- what is kept of it


async def test_report_keeps_nothing_that_the_website_sent(internet: Internet, domain: str) -> None:
    internet.prove(domain, OTHER, "meta")
    internet.put_page(domain, PROOF_FILE, b"HTTP/1.1 418 Canary\r\nX-Canary: 1\r\nContent-Length: 6\r\n\r\ncanary")
    report = await internet.prober().probe(domain, TOKEN)
    stored = report.model_dump(mode="json")
    assert stored == {
        "v": 1,
        "at": stored["at"],
        "findings": [
            {"way": "meta", "outcome": "other_token", "status": None},
            {"way": "file", "outcome": "bad_status", "status": 418},
            {"way": "dns", "outcome": "missing", "status": None},
        ],
    }
    assert ProofReport.read(stored) == report
    assert [finding.sentence for finding in report.findings] == [
        "The page has such a tag, but with another value.",
        "The server answered with status 418.",
        "There is no such TXT record yet. A new one may take an hour to be seen everywhere.",
    ]
