"""The served OpenAPI document."""

import json

from tests.live_server import LiveServer


def test_schema_names_every_call_and_its_fields(server: LiveServer) -> None:
    schema = server.http.get("/api/v1/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}).json()
    assert {path: sorted(calls) for path, calls in schema["paths"].items()} == {
        "/api/v1/chat/": ["post"],
        "/api/v1/sessions/": ["post"],
        "/api/v1/sessions/{session_id}/messages/": ["get"],
        "/api/v1/sessions/{session_id}/stop/": ["post"],
        "/api/v1/sessions/{session_id}/turns/{message_id}/events": ["get"],
        "/api/v1/widget/config/": ["get"],
    }
    chat = schema["components"]["schemas"]["Chat"]
    assert sorted(chat["required"]) == ["message", "session_id"]
    assert chat["properties"]["session_id"]["pattern"] == "^[A-Za-z0-9_-]{8,128}$"
    answers = schema["paths"]["/api/v1/chat/"]["post"]["responses"]["200"]["content"]
    assert sorted(answers) == ["application/json", "text/event-stream"]


def test_health_says_that_the_process_lives(server: LiveServer) -> None:
    assert json.loads(server.http.get("/healthz").content) == {"status": "ok"}
