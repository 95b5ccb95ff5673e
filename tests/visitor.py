"""A visitor's browser over real HTTP: an origin, a session id, and the two ways to ask."""

import json
import secrets
import time
from collections.abc import Generator, Iterator
from typing import Any, Protocol

import httpx


class RefusedError(AssertionError):
    """A stream was asked for, and something else came; for a test that has not thought of it, a failure."""


class Site(Protocol):
    """Where a visitor's browser asks, and the origin that it sends from there."""

    @property
    def http(self) -> httpx.Client: ...

    def origin(self, domain: str) -> str: ...


class Visitor:
    """One browser on one website, with a session of its own."""

    def __init__(self, server: Site, domain: str, *, session_id: str | None = None, token: str | None = None) -> None:
        self.session_id = session_id or f"s_{secrets.token_hex(12)}"
        self.domain = domain
        self.token = token
        self.http = server.http
        self.headers = {"Origin": server.origin(domain)}
        self.query: dict[str, str] = {}

    def say(self, message: str, **more: Any) -> dict[str, Any]:
        """Sends a message and gives the answer's body; anything but 200 fails the test."""
        response = self.post(message, **more)
        assert response.status_code == httpx.codes.OK, response.text
        body: dict[str, Any] = response.json()
        return body

    def ask(self, message: str, *, stream: bool = False) -> str:
        """The words of the answer, as JSON or out of the event stream."""
        if stream:
            return "".join(event["delta"] for event in self.stream(message) if event["type"] == "TEXT_MESSAGE_CONTENT")
        content: str = self.say(message)["message"]["content"]
        return content

    def post(self, message: str, **more: Any) -> httpx.Response:
        body = {"message": message, "session_id": self.session_id, **more}
        return self.http.post("/api/v1/chat/", json=body, headers=self.all_headers)

    def wait_for(self, message: str, *, seconds: float = 15, **more: Any) -> dict[str, Any]:
        """Sends a message again until its turn has ended, and gives its answer."""
        deadline = time.monotonic() + seconds
        while (response := self.post(message, **more)).status_code == httpx.codes.CONFLICT:
            assert time.monotonic() < deadline, response.text
            time.sleep(0.1)
        assert response.status_code == httpx.codes.OK, response.text
        body: dict[str, Any] = response.json()
        return body

    def stream(self, message: str, **more: Any) -> list[dict[str, Any]]:
        """All events of an answer."""
        return [event for _, event in self.stream_with_ids(message, **more)]

    def stream_with_ids(self, message: str, **more: Any) -> Generator[tuple[int, dict[str, Any]], None, None]:
        body = {"message": message, "session_id": self.session_id, **more}
        headers = {"Accept": "text/event-stream", **self.all_headers}
        with self.http.stream("POST", "/api/v1/chat/", json=body, headers=headers) as response:
            if response.status_code != httpx.codes.OK:
                raise RefusedError(response.read())
            assert response.headers["content-type"] == "text/event-stream"
            yield from _events(response.iter_lines())

    def start(self, **more: Any) -> httpx.Response:
        """Starts the session with a token, and keeps it."""
        response = self.http.post(
            "/api/v1/sessions/", json={"session_id": self.session_id, **more}, headers=self.headers
        )
        if response.status_code == httpx.codes.CREATED:
            self.token = response.json()["token"]
        return response

    def messages(self, **query: Any) -> httpx.Response:
        params = {**self.query, **query}
        return self.http.get(f"/api/v1/sessions/{self.session_id}/messages/", params=params, headers=self.all_headers)

    def join(
        self, message_id: str, *, last_event_id: int | None = None
    ) -> Generator[tuple[int, dict[str, Any]], None, None]:
        """The events of a turn that was begun before, from the last one seen."""
        headers = {**self.all_headers, **({} if last_event_id is None else {"Last-Event-ID": str(last_event_id)})}
        address = self._events_address(message_id)
        with self.http.stream("GET", address, params=self.query, headers=headers) as response:
            if response.status_code != httpx.codes.OK:
                raise RefusedError(response.read())
            yield from _events(response.iter_lines())

    def get_events(self, message_id: str, **headers: str) -> httpx.Response:
        every = {**self.all_headers, **headers}
        return self.http.get(self._events_address(message_id), params=self.query, headers=every)

    def stop(self, message_id: str | None = None) -> httpx.Response:
        return self._post("stop", {} if message_id is None else {"message_id": message_id})

    def identify(self, identity_token: Any) -> httpx.Response:
        return self._post("identify", {"token": identity_token})

    def log_out(self) -> httpx.Response:
        return self._post("logout", {})

    def export(self, accept: str = "*/*", **query: Any) -> httpx.Response:
        headers = {**self.all_headers, "Accept": accept}
        return self.http.get(self._session_address("export/"), params={**self.query, **query}, headers=headers)

    def erase(self) -> httpx.Response:
        return self.http.delete(self._session_address(), params=self.query, headers=self.all_headers)

    def at(self, server: Site) -> "Visitor":
        """The same browser, its next requests served by another process."""
        other = Visitor(server, self.domain, session_id=self.session_id, token=self.token)
        other.headers = self.headers
        return other

    def _post(self, what: str, body: dict[str, Any]) -> httpx.Response:
        return self.http.post(
            f"/api/v1/sessions/{self.session_id}/{what}/", params=self.query, json=body, headers=self.all_headers
        )

    def _session_address(self, what: str = "") -> str:
        return f"/api/v1/sessions/{self.session_id}/{what}"

    def _events_address(self, message_id: str) -> str:
        return f"/api/v1/sessions/{self.session_id}/turns/{message_id}/events"

    def config(self, **query: Any) -> httpx.Response:
        return self.http.get("/api/v1/widget/config/", params=query, headers=self.headers)

    @property
    def all_headers(self) -> dict[str, str]:
        return {**self.headers, **({"Authorization": f"Bearer {self.token}"} if self.token else {})}


class Backend(Visitor):
    """A website's own server: it sends a key and no origin, and names a website of its tenant's where it must."""

    def __init__(
        self, server: Site, api_key: str, *, website_domain: str | None = None, session_id: str | None = None
    ) -> None:
        super().__init__(server, "", session_id=session_id)
        self.headers = {"Authorization": f"Bearer {api_key}"}
        self.metadata = {} if website_domain is None else {"website_domain": website_domain}
        self.query = self.metadata

    def post(self, message: str, **more: Any) -> httpx.Response:
        return super().post(message, **{"metadata": self.metadata, **more})

    def start(self, **more: Any) -> httpx.Response:
        """The token is for a browser: a server goes on with its key."""
        body = {"session_id": self.session_id, "metadata": self.metadata, **more}
        return self.http.post("/api/v1/sessions/", json=body, headers=self.headers)

    def every_call(self) -> dict[str, httpx.Response]:
        """One of each call that takes a key, about a message that may exist."""
        return {
            "chat": self.post("Hello", message_id="message_0001"),
            "start": self.start(),
            "messages": self.messages(),
            "events": self.get_events("message_0001"),
            "stop": self.stop("message_0001"),
            "export": self.export(),
            "erase": self.erase(),
        }


def _events(lines: Iterator[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    position = 0
    for line in lines:
        if line.startswith("id: "):
            position = int(line.removeprefix("id: "))
        if line.startswith("data: "):
            yield position, json.loads(line.removeprefix("data: "))
