"""Headers and cookies of the pages as an installation serves them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tenants.content_policy import CONTENT_POLICY
from tests.live_server import ROOT, database_url

HOST = "chat.example.com"
_ASK = """
import json, sys, django
django.setup()
from django.test import Client
answers = {}
for path in ("/", "/admin/login/", "/invitation/", "/admin/", "/nothing"):
    client = Client(HTTP_HOST="chat.example.com")
    response = client.get(path, secure=True)
    cookies = {name: {key: value for key, value in morsel.items() if value} for name, morsel in client.cookies.items()}
    answers[path] = [response.status_code, dict(response.headers), cookies]
client = Client(HTTP_HOST="chat.example.com")
page = client.post("/admin/login/", json.loads(sys.argv[1]), secure=True)
cookies = {name: {key: value for key, value in morsel.items() if value} for name, morsel in client.cookies.items()}
answers["login"] = [page.status_code, dict(page.headers), cookies]
answers["plain"] = [Client(HTTP_HOST="chat.example.com").get("/admin/login/").status_code, {}, {}]
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory, database: None) -> dict[str, Any]:
    """What a process with production's settings answers."""
    from tests.cast import Cast  # noqa: PLC0415  models, once Django is up

    cast = Cast()
    user = cast.staff((cast.tenant(), "owner"))
    cast.let_log_in(user, "a long password")
    static: Path = tmp_path_factory.mktemp("static")
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.production",
        "DATABASE_URL": database_url("default"),
        "PUBLIC_URL": f"https://{HOST}",
        "ALLOWED_HOSTS": HOST,
        "STATIC_ROOT": str(static),
    }
    collect = [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity", "0"]
    subprocess.run(collect, cwd=ROOT, env=environment, check=True)
    login = json.dumps({"username": user.username, "password": "a long password", "next": "/admin/"})
    asked = subprocess.run(
        [sys.executable, "-c", _ASK, login], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    )
    answers: dict[str, Any] = json.loads(asked.stdout.splitlines()[-1])
    return answers


HEADERS = {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains; preload",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": CONTENT_POLICY,
}


@pytest.mark.parametrize("path", ["/", "/admin/login/", "/invitation/", "/admin/", "/nothing", "login"])
def test_every_page_carries_the_headers(production: dict[str, Any], path: str) -> None:
    _, headers, _ = production[path]
    assert {name: headers.get(name) for name in HEADERS} == HEADERS


def test_start_page_sets_no_cookie(production: dict[str, Any]) -> None:
    status, headers, cookies = production["/"]
    assert (status, cookies, "Cookie" in headers.get("Vary", "")) == (200, {}, False)


COOKIE = {"path": "/", "samesite": "Lax", "secure": True, "httponly": True}


def test_cookies_of_staff_are_locked_to_this_host(production: dict[str, Any]) -> None:
    status, _, cookies = production["login"]
    locked = {name: {key: morsel.get(key) for key in (*COOKIE, "domain")} for name, morsel in cookies.items()}
    expected = {**COOKIE, "domain": None}
    assert (status, locked) == (302, {"__Host-parlour-session": expected, "__Host-parlour-csrf": expected})
    assert cookies["__Host-parlour-session"]["max-age"] == 12 * 3600


def test_http_is_sent_to_https(production: dict[str, Any]) -> None:
    assert production["plain"][0] == 301
