"""What is stored of a visitor's address and browser: nothing, unless the policy asks for it."""

from typing import Any

import pytest

from sessions.models import AgentSession
from tenants.scoping import tenant_scope
from tests.cast import Cast
from tests.live_server import LiveServer

BROWSER = "Canary/5.0 (of a browser)"
BOTH: dict[str, Any] = {"ip_storage": "whole", "stores_user_agent": True}


def stored(cast: Cast, server: LiveServer, path: str, tenants: dict[str, Any], own: dict[str, Any]) -> tuple[str, str]:
    tenant = cast.tenant(**tenants)
    website = cast.website(tenant, agents=[cast.agent()], **own)
    body = {"session_id": "session_stored", **({"message": "Hello"} if path == "chat" else {})}
    headers = {"Origin": server.origin(website.domain), "User-Agent": BROWSER}
    assert server.http.post(f"/api/v1/{path}/", json=body, headers=headers).status_code in {200, 201}
    with tenant_scope(tenant.id):
        session = AgentSession.objects.get()
    return session.visitor_ip, session.user_agent


@pytest.mark.parametrize("path", ["chat", "sessions"])
@pytest.mark.parametrize(
    ("tenants", "own", "kept"),
    [
        ({}, {}, ("", "")),
        (BOTH, {}, ("127.0.0.1", BROWSER)),
        ({}, BOTH, ("127.0.0.1", BROWSER)),
        (BOTH, {"ip_storage": "not", "stores_user_agent": False}, ("", "")),
        ({"ip_storage": "truncated"}, {}, ("127.0.0.0/24", "")),
    ],
)
def test_policy_says_what_is_stored(
    cast: Cast, server: LiveServer, path: str, tenants: dict[str, Any], own: dict[str, Any], kept: tuple[str, str]
) -> None:
    assert stored(cast, server, path, tenants, own) == kept


def test_of_a_websites_own_server_nothing_is_stored(cast: Cast, server: LiveServer) -> None:
    tenant = cast.tenant(**BOTH)
    website = cast.website(tenant, agents=[cast.agent()])
    _, key = cast.api_key(tenant)
    body = {"session_id": "session_server", "message": "Hello", "metadata": {"website_domain": website.domain}}
    headers = {"Authorization": f"Bearer {key}", "User-Agent": BROWSER}
    assert server.http.post("/api/v1/chat/", json=body, headers=headers).status_code == 200
    with tenant_scope(tenant.id):
        session = AgentSession.objects.get()
    assert (session.visitor_ip, session.user_agent) == ("", "")
