"""The door: who is refused, that refusals write nothing, and who may read what in a browser."""

from collections.abc import Callable

import httpx
import pytest

from agents.models import Agent
from tenants.models import Tenant, Website
from tenants.registration import register_website
from tenants.scoping import tenant_scope
from tests.cast import Cast
from tests.live_server import LiveServer
from tests.visitor import Visitor

Counter = Callable[[], dict[str, str]]
CORS_HEADERS = ("access-control-allow-origin", "access-control-allow-methods", "access-control-expose-headers")


def refused(response: httpx.Response, code: str) -> bool:
    body = response.json()
    return (response.status_code, body["status"], body["code"]) == (403, 403, code)


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "",
        "null",
        "https://nobody-registered-this.example",
        "https://{domain}.evil.net",
        "https://evil{domain}",
        "http://{domain}",
        "http://{domain}:{other_port}",
        "http://{domain}:{port}/",
        "http://{domain}:{port}/path",
        "http://{domain}:{port},http://{domain}:{port}",
        "http://user@{domain}:{port}",
        "HTTP://{domain}:{port}",
        "ftp://{domain}",
        "http://sub.{domain}:{port}",
        "http://{domain}.:{port}",
        "http://127.0.0.1:{port}",
        "http://localhost:{port}",
        "x" * 5000,
    ],
)
def test_origin_that_is_not_registered_is_refused(
    server: LiveServer, website: Website, rows_written: Counter, origin: str | None
) -> None:
    visitor = Visitor(server, website.domain)
    if origin is None:
        del visitor.headers["Origin"]
    else:
        visitor.headers["Origin"] = origin.format(domain=website.domain, port=server.port, other_port=server.port + 1)
    before = rows_written()
    for response in (visitor.post("Hello"), visitor.start(), visitor.messages(), visitor.config()):
        assert refused(response, "origin_not_allowed")
        assert not set(CORS_HEADERS) & set(response.headers)
    assert rows_written() == before


def test_look_alike_of_a_registered_domain_is_another_domain(
    server: LiveServer, cast: Cast, tenant: Tenant, agent: Agent, rows_written: Counter
) -> None:
    cast.website(tenant, "example.com", agents=[agent])
    visitor = Visitor(server, "example.com")
    visitor.headers["Origin"] = "https://example.com"
    assert visitor.say("Hello")["message_count"] == 2
    before = rows_written()
    for origin in ("https://example.com.evil.net", "https://evilexample.com", "https://example.com:8443"):
        visitor.headers["Origin"] = origin
        assert refused(visitor.post("Hello"), "origin_not_allowed")
    assert rows_written() == before


def test_extra_origin_is_served_and_unlisted_ones_are_not(
    server: LiveServer, cast: Cast, tenant: Tenant, agent: Agent
) -> None:
    website = cast.website(tenant, agents=[agent], extra_origins=[])
    with tenant_scope(tenant.id):
        extra = register_website(f"shop-{website.domain}", extra_origins=[f"https://www.shop-{website.domain}:8443"])
    cast.use(extra, agent)
    visitor = Visitor(server, extra.domain)
    visitor.headers["Origin"] = f"https://www.shop-{website.domain}:8443"
    assert refused(visitor.post("Hello"), "session_token_required")
    visitor.headers["Origin"] = f"https://www.shop-{website.domain}"
    assert refused(visitor.post("Hello"), "origin_not_allowed")


@pytest.mark.parametrize("switched_off", ["website", "tenant"])
def test_switched_off_website_is_refused_and_its_page_may_read_why(
    visitor: Visitor, website: Website, tenant: Tenant, cast: Cast, rows_written: Counter, switched_off: str
) -> None:
    if switched_off == "website":
        cast.change(website, is_active=False)
    else:
        cast.suspend(tenant)
    before = rows_written()
    for response in (visitor.post("Hello"), visitor.start(), visitor.messages(), visitor.config()):
        assert refused(response, "website_inactive")
        assert response.headers["access-control-allow-origin"] == visitor.headers["Origin"]
    assert rows_written() == before


def test_unproved_website_is_refused(server: LiveServer, tenant: Tenant, cast: Cast, agent: Agent) -> None:
    with tenant_scope(tenant.id):
        website = register_website("waiting-for-proof.example", require_session_token=False)
    cast.use(website, agent)
    visitor = Visitor(server, website.domain)
    visitor.headers["Origin"] = "https://waiting-for-proof.example"
    assert refused(visitor.post("Hello"), "origin_not_allowed")


def test_site_key_must_fit_the_origin(visitor: Visitor, website: Website, cast: Cast, tenant: Tenant) -> None:
    visitor.headers["X-Parlour-Key"] = website.site_key
    assert visitor.say("Hello")["message_count"] == 2
    visitor.headers["X-Parlour-Key"] = cast.website(tenant).site_key
    assert refused(visitor.post("Hello"), "origin_not_allowed")


def test_preflight_allows_exactly_the_registered_origin(visitor: Visitor, server: LiveServer) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    allowed = server.http.options("/api/v1/chat/", headers={**visitor.headers, **asked})
    assert allowed.status_code == httpx.codes.NO_CONTENT
    assert allowed.headers["access-control-allow-origin"] == visitor.headers["Origin"]
    assert allowed.headers["access-control-allow-methods"] == "POST"
    assert {name.strip() for name in allowed.headers["access-control-allow-headers"].split(",")} == {
        "Authorization",
        "Content-Type",
        "Idempotency-Key",
        "Last-Event-ID",
        "X-Parlour-Key",
    }
    assert "access-control-allow-credentials" not in allowed.headers
    assert allowed.headers["vary"] == "Origin"

    refusal = server.http.options("/api/v1/chat/", headers={"Origin": "https://evil.example", **asked})
    assert refused(refusal, "origin_not_allowed")
    assert not set(CORS_HEADERS) & set(refusal.headers)


def test_errors_and_streams_carry_cors_headers(visitor: Visitor) -> None:
    for response in (visitor.post(""), visitor.messages(), visitor.post("Hello", agent_id="none_such")):
        assert response.status_code >= httpx.codes.BAD_REQUEST
        assert response.headers["access-control-allow-origin"] == visitor.headers["Origin"]
    visitor.headers["Accept"] = "text/event-stream"
    assert visitor.post("Hello").headers["access-control-allow-origin"] == visitor.headers["Origin"]


def test_unknown_address_and_method_have_the_error_shape(server: LiveServer, visitor: Visitor) -> None:
    unknown = server.http.get("/api/v1/no-such-thing/")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    assert "access-control-allow-origin" not in unknown.headers
    asked = server.http.get("/api/v1/no-such-thing/", headers=visitor.headers)
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (404, visitor.headers["Origin"])
    wrong = server.http.put("/api/v1/chat/", headers=visitor.headers, json={})
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")


def test_host_that_is_not_ours_is_refused(visitor: Visitor, rows_written: Counter) -> None:
    before = rows_written()
    visitor.headers["Host"] = "evil.example"
    response = visitor.post("Hello")
    assert (response.status_code, response.json()["code"]) == (400, "invalid_request")
    assert rows_written() == before


def test_stream_that_is_ruled_out_is_not_sent(visitor: Visitor) -> None:
    visitor.headers["Accept"] = "text/event-stream;q=0, application/json"
    assert visitor.post("Hello").headers["content-type"] == "application/json"
