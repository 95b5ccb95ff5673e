"""The served OpenAPI document."""

import json

from tests.live_server import LiveServer


def test_schema_names_every_call_and_its_fields(server: LiveServer) -> None:
    schema = server.http.get("/api/v1/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}).json()
    assert {path: sorted(calls) for path, calls in schema["paths"].items()} == {
        "/api/v1/chat/": ["post"],
        "/api/v1/sessions/": ["post"],
        "/api/v1/sessions/{session_id}/": ["delete"],
        "/api/v1/sessions/{session_id}/export/": ["get"],
        "/api/v1/sessions/{session_id}/identify/": ["post"],
        "/api/v1/sessions/{session_id}/logout/": ["post"],
        "/api/v1/sessions/{session_id}/messages/": ["get"],
        "/api/v1/sessions/{session_id}/stop/": ["post"],
        "/api/v1/sessions/{session_id}/turns/{message_id}/events": ["get"],
        "/api/v1/widget/config/": ["get"],
    }
    chat = schema["components"]["schemas"]["Chat"]
    assert sorted(chat["required"]) == ["message", "session_id"]
    assert chat["properties"]["session_id"]["pattern"] == "^[A-Za-z0-9_-]{8,128}$"
    identify = schema["components"]["schemas"]["Identify"]
    assert (identify["required"], list(identify["properties"])) == (["token"], ["token"])
    answers = schema["paths"]["/api/v1/chat/"]["post"]["responses"]["200"]["content"]
    assert sorted(answers) == ["application/json", "text/event-stream"]
    files = schema["paths"]["/api/v1/sessions/{session_id}/export/"]["get"]["responses"]["200"]["content"]
    assert sorted(files) == ["application/json", "text/csv"]
    receipt = schema["components"]["schemas"]["Erased"]
    assert sorted(receipt["required"]) == ["erased_at", "messages", "receipt_id", "session_id", "sessions", "turns"]


def test_schema_tells_what_each_call_is_opened_with(server: LiveServer) -> None:
    schema = server.http.get("/api/v1/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}).json()
    schemes = schema["components"]["securitySchemes"]
    assert {name: (kind["type"], kind["scheme"], kind["bearerFormat"]) for name, kind in schemes.items()} == {
        "apiKey": ("http", "bearer", "sk_..."),
        "sessionToken": ("http", "bearer", "st_..."),
    }
    calls = {path: call for path, methods in schema["paths"].items() for call in methods.values()}
    assert {path: [sorted(one) for one in call.get("security", [])] for path, call in calls.items()} == {
        "/api/v1/chat/": [[], ["sessionToken"], ["apiKey"]],
        "/api/v1/sessions/": [[], ["apiKey"]],
        "/api/v1/sessions/{session_id}/": [["sessionToken"], ["apiKey"]],
        "/api/v1/sessions/{session_id}/export/": [["sessionToken"], ["apiKey"]],
        "/api/v1/sessions/{session_id}/identify/": [["sessionToken"]],
        "/api/v1/sessions/{session_id}/logout/": [["sessionToken"]],
        "/api/v1/sessions/{session_id}/messages/": [["sessionToken"], ["apiKey"]],
        "/api/v1/sessions/{session_id}/stop/": [[], ["sessionToken"], ["apiKey"]],
        "/api/v1/sessions/{session_id}/turns/{message_id}/events": [["sessionToken"], ["apiKey"]],
        "/api/v1/widget/config/": [],
    }
    names_the_website = {
        path
        for path, call in calls.items()
        if any(parameter["name"] == "website_domain" for parameter in call.get("parameters", []))
    }
    for_browsers_alone = {f"/api/v1/sessions/{{session_id}}/{call}/" for call in ("identify", "logout")}
    assert names_the_website == {path for path in calls if "{session_id}" in path} - for_browsers_alone


def test_health_says_that_the_process_lives(server: LiveServer) -> None:
    assert json.loads(server.http.get("/healthz").content) == {"status": "ok"}
