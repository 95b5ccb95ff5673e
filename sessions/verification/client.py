"""The attackers' HTTP client, as bare as can be: no browser stands between an attacker and the server."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPMessage, HTTPSConnection
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

_SECONDS: Final = 60.0
_OK: Final = 200
_REDIRECTS: Final = range(300, 400)


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: HTTPMessage
    text: str

    @property
    def is_ok(self) -> bool:
        return self.status // 100 == _OK // 100

    @property
    def is_redirect(self) -> bool:
        return self.status in _REDIRECTS

    @property
    def whole(self) -> str:
        """All that came back, headers too: a leak may hide in a redirect's address."""
        return f"{self.status} {self.headers.as_string()}{self.text}"

    def json(self) -> Any:
        return json.loads(self.text)


class Client:
    """Asks the server at ``url``; ``public_url`` is what it believes to be called. For many threads at once."""

    def __init__(self, url: str, public_url: str) -> None:
        target = urlsplit(url)
        self._https = target.scheme == "https"
        self._host, self._port = target.hostname or "", target.port
        self.public_url = public_url.rstrip("/")
        self._named = {"Host": urlsplit(public_url).netloc, "X-Forwarded-Proto": urlsplit(public_url).scheme}

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        return self.ask("GET", path, headers or {})

    def post_json(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> Reply:
        headers = {"Content-Type": "application/json", **(headers or {})}
        return self.ask("POST", path, headers, json.dumps(body))

    def post_form(self, path: str, fields: Mapping[str, str], headers: Mapping[str, str]) -> Reply:
        headers = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        return self.ask("POST", path, headers, urlencode(fields))

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: str | None = None) -> Reply:
        """The reply, read to its end; an event stream too. Raises ``OSError`` and ``http.client.HTTPException``."""
        kind = HTTPSConnection if self._https else HTTPConnection
        connection = kind(self._host, self._port, timeout=_SECONDS)
        try:
            connection.request(method, path, body, {**self._named, "Connection": "close", **headers})
            response = connection.getresponse()
            return Reply(response.status, response.headers, response.read().decode("utf-8", "replace"))
        finally:
            connection.close()
