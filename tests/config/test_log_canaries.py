"""What real processes log while every address, every task and every fault meets words that nobody may read there.

All that a visitor, a member of staff or a provider sends holds one mark; keys and tokens that are made on the way are
kept. Then all that was logged, down to DEBUG and by every library, is searched for them. An address or a task without
a case here fails.
"""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
import pytest
from django.conf import settings
from django.db import connections
from django.test import Client
from django.urls import get_resolver
from kombu import Connection
from redis import Redis as RedisClient

from config.celery import app
from config.log_net import FIELDS
from tenants.identity_secrets import make_identity_secret
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.admin.shops import ADMIN, Shop, make_shop
from tests.admin.test_every_address import OBJECT, ROUTES, page_of, routes, rows_of
from tests.api.session_calls import SESSION_CALLS
from tests.cast import Cast
from tests.config import faulty_tasks  # registers them here, too
from tests.faults.stack import Redis
from tests.live_server import ROOT, LiveServer, database_url, server_environment, start_server
from tests.redis_server import own_redis
from tests.stub_model import StubModel
from tests.visitor import Backend, Visitor
from tests.waiting import wait_until

MARK = f"cnry{secrets.token_hex(6)}"
ADDRESS = "198.51.100.77"
ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "tests.config.faulty_settings",
    "LOG_LEVEL": "DEBUG",
    "LOG_FORMAT": "json",
    "TRUSTED_PROXY_COUNT": "1",
}
HEADERS = {
    "X-Forwarded-For": ADDRESS,
    "User-Agent": f"{MARK}-agent",
    "Referer": f"https://example.com/{MARK}",
    "Cookie": f"theirs={MARK}",
}
FAULTS = ("500", "429", "401", "garbage", "error_event", "cut", "hang_up")
TASKS: dict[str, tuple[str | None, ...]] = {
    "sessions.tasks.abandon_lapsed_turns": (),
    "sessions.tasks.delete_expired_sessions": (),
    "sessions.tasks.flush_refused_origins": (),
    "sessions.tasks.forget_old_turns": (),
    "sessions.tasks.go_over_again": ("00000000-0000-4000-8000-000000000000", None),
    "sessions.tasks.record_heartbeat": (),
    "sessions.tasks.redact_sessions": (),
    "sessions.tasks.run_erasures": (),
    "sessions.tasks.run_erasures_of": ("00000000-0000-4000-8000-000000000000",),
    "tenants.tasks.recheck_domains": (),
    faulty_tasks.break_down.name: (MARK,),
    faulty_tasks.give_back.name: (MARK,),
}
LINE = {"time", "level", "event", "logger", "at", "error", "trace", *FIELDS}


@dataclass
class House:
    """The processes whose logs are searched, and what must not be found there."""

    web: LiveServer
    redis: Redis
    folder: Path
    shop: Shop
    """Whose pages are visited; conversations are another tenant's."""
    tenant: Tenant
    secrets: set[str] = field(default_factory=set)

    def lines(self, process: str) -> list[dict[str, Any]]:
        """A process's log; a line that is none fails the test."""
        return [json.loads(line) for line in (self.folder / process).read_text().splitlines()]

    def text(self, process: str) -> str:
        return (self.folder / process).read_text()

    def visitor(self, domain: str, name: str) -> Visitor:
        return Visitor(self.web, domain, session_id=f"s_{MARK}_{name}")

    def keep(self, *made: str | None) -> None:
        self.secrets |= {secret for secret in made if secret}


@contextmanager
def celery(folder: Path, redis: Redis, name: str, *arguments: str) -> Iterator[None]:
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "config", "--skip-checks", name, *arguments]
    environment = server_environment(1, REDIS_URL=redis.url, **ENVIRONMENT)
    with (folder / name).open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


@pytest.fixture
def house(cast: Cast, tmp_path: Path) -> Iterator[House]:
    alone = ["--without-mingle", "--without-gossip", "--concurrency", "1"]
    with ExitStack() as ending:
        redis = ending.enter_context(own_redis())
        ending.enter_context(celery(tmp_path, redis, "worker", *alone))
        ending.enter_context(celery(tmp_path, redis, "beat", "--schedule", str(tmp_path / "schedule"), "--pidfile", ""))
        log = ending.enter_context((tmp_path / "web").open("wb"))
        web = ending.enter_context(start_server(workers=1, log=log, REDIS_URL=redis.url, **ENVIRONMENT))
        web.http.headers.update(HEADERS)
        yield House(web, redis, tmp_path, make_shop(cast, "Alpha"), cast.tenant())


def test_nothing_logged_holds_what_anybody_said_or_keeps_secret(
    house: House, cast: Cast, stub_process: StubModel
) -> None:
    began = {name: (folder_of(name)).stat().st_size for name in ("postgres", "redis")}
    talk(house, cast, stub_process)
    call_as_a_server(house, cast)
    break_models(house, cast, stub_process)
    break_the_database(house, cast)
    send_nonsense(house)
    visit_pages(house)
    answer = be_careless(house)
    run_tasks(house)
    lose_redis(house, cast)
    wait_until(lambda: requests_of_turns_have_ended(house))

    seen = [line for process in ("web", "worker", "beat") for line in house.lines(process)]
    assert {name for line in seen for name in line} <= LINE
    for process in ("web", "worker", "beat"):
        check(house, process, house.text(process))
        assert [line for line in house.text(process).splitlines() if "127.0.0.1" in line or ADDRESS in line] == []
    for name, size in began.items():
        with folder_of(name).open("rb") as log:
            log.seek(size)
            check(house, name, log.read().decode(errors="replace"))
    check(house, "redis", (house.redis.log).read_text())
    check_that_all_was_driven(seen)
    check_ids(seen, answer)
    # Django would warn of static files, too, were they not whole.
    careless = [line for line in house.lines("web") if line["logger"] == "py.warnings"]
    assert [line["at"].split(":")[0] for line in careless] == ["tests/config/faulty_urls.py"]


def check(house: House, process: str, text: str) -> None:
    for secret in [MARK, *house.secrets]:
        found = [line for line in text.splitlines() if secret in line]
        assert found == [], f"{process} logged what it must not"


def check_that_all_was_driven(lines: list[dict[str, Any]]) -> None:
    driven = {plain(line["route"]) for line in lines if line["event"] == "request ended"}
    assert {plain(route) for route in routes(get_resolver("config.urls").url_patterns)} - driven == set()
    app.loader.import_default_modules()
    assert {name for name in app.tasks if not name.startswith(("celery.", "tests.isolation."))} == set(TASKS)
    assert {line["task"] for line in lines if line["event"] == "task ended"} == set(TASKS)


def requests_of_turns_have_ended(house: House) -> bool:
    """A request's line is written when its last byte is on its way: whoever has the answer may be quicker."""
    lines = [json.loads(line) for line in house.text("web").rpartition("\n")[0].splitlines()]
    began, ended = (
        {line["request_id"] for line in lines if line["event"] == event} for event in ("turn ended", "request ended")
    )
    return began <= ended


def check_ids(lines: list[dict[str, Any]], answer: httpx.Response) -> None:
    turns = [line for line in lines if line["event"] == "turn ended"]
    assert {line["state"] for line in turns} == {"completed", "failed"}
    wanted = {"request_id", "tenant_id", "website_id", "turn_id", "state", "ms"}
    assert [line for line in turns if not wanted <= line.keys()] == []
    requests = {line["request_id"]: line for line in lines if line["event"] == "request ended"}
    assert [line for line in turns if requests[line["request_id"]]["turn_id"] != line["turn_id"]] == []
    request_id = answer.headers["Parlour-Request-Id"]
    assert requests[request_id]["route"] == "api/careless/"
    queued = [line for line in lines if line["event"] == "task ended" and line.get("request_id") == request_id]
    assert {line["task"]: line["state"] for line in queued} == {
        faulty_tasks.break_down.name: "FAILURE",
        faulty_tasks.give_back.name: "SUCCESS",
    }
    [failed] = [line for line in lines if line["event"] == "task failed" and line.get("request_id") == request_id]
    assert (failed["error"], failed["trace"][0]) == (
        "builtins.ValueError",
        "psycopg.errors.InvalidTextRepresentation (SQLSTATE 22P02)",
    )


def plain(route: str) -> str:
    return route.replace("^", "") or "/"


def folder_of(name: str) -> Path:
    """The log of the servers around the tests."""
    return Path(os.environ["EMBEDDED_DIR"]) / f"{name}.log"


# -- what is done


def talk(house: House, cast: Cast, stub: StubModel) -> None:
    """Every call of a visitor, with a model that says it all again."""
    connection = cast.connection(house.tenant, stub.url, api_key=f"sk-{MARK}")
    agent = cast.agent(house.tenant, connection=connection, model="stub;well=1", instructions=f"{MARK} rules")
    website = cast.website(house.tenant, agents=[agent])
    with tenant_scope(house.tenant.pk):
        secret = make_identity_secret(website)
    visitor = house.visitor(website.domain, "talk")
    assert visitor.start(user_id=f"{MARK}@example.com", metadata={"page": MARK}).status_code == 201
    assert MARK in visitor.ask(f"My e-mail is {MARK}@example.com", stream=True)
    assert MARK in visitor.say("Again", message_id="message_0001", user_id=MARK)["message"]["content"]
    identity = jwt.encode({"sub": MARK, "email": f"{MARK}@example.com", "exp": time.time() + 300}, secret, "HS256")
    assert visitor.identify(identity).status_code == 200
    house.keep(visitor.token, secret, *identity.split(".")[1:])
    for call in SESSION_CALLS.values():
        call(visitor)
    visitor.query = {"website_domain": MARK, "cursor": MARK}
    visitor.token = f"st_{MARK}"
    for call in SESSION_CALLS.values():
        call(visitor)
    visitor.config(agent_id=MARK, site_key=f"pk_{MARK}")
    Visitor(house.web, f"{MARK}.example", session_id=f"s_{MARK}").post(MARK)
    for address in ("/healthz", "/readyz", "/api/v1/schema/", f"/api/v1/{MARK}", f"/api/v1/chat/?q={MARK}"):
        house.web.http.get(address)


def call_as_a_server(house: House, cast: Cast) -> None:
    website = cast.website(house.tenant, agents=[cast.agent(house.tenant)])
    key, secret = cast.api_key(house.tenant)
    house.keep(secret, secret.split("_")[-1])
    for api_key in (secret, f"sk_{MARK}", f"{secret}x"):
        Backend(house.web, api_key, website_domain=website.domain, session_id=f"s_{MARK}_b").every_call()
    cast.revoke(key)
    Backend(house.web, secret, session_id=f"s_{MARK}_b").every_call()


def break_models(house: House, cast: Cast, stub: StubModel) -> None:
    """All at once, for those that are asked again pause meanwhile."""
    connection = cast.connection(house.tenant, stub.url, api_key=f"sk-{MARK}-x")
    domains = [
        cast.website(
            house.tenant, agents=[cast.agent(house.tenant, connection=connection, model=f"m;fault={fault}")]
        ).domain
        for fault in FAULTS
    ]
    with ThreadPoolExecutor(len(FAULTS)) as pool:
        answers = pool.map(lambda domain: house.visitor(domain, f"f_{domain[:8]}").post(MARK).status_code, domains)
    assert set(answers) == {502}


def break_the_database(house: House, cast: Cast) -> None:
    """A row that does not fit: PostgreSQL quotes all of it."""
    website = cast.website(house.tenant, agents=[cast.agent(house.tenant)])
    with broken_rows():
        assert house.visitor(website.domain, "row").post(f"{MARK} breaks").status_code == 500
    assert house.web.http.post("/broken/page/", data={"words": MARK}).status_code == 500
    assert house.web.http.post("/api/broken/", json={"words": MARK}).status_code == 500


@contextmanager
def broken_rows() -> Iterator[None]:
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"ALTER TABLE turns ADD CONSTRAINT no_canary CHECK (message NOT LIKE '{MARK} breaks') NOT VALID")
        try:
            yield
        finally:
            cursor.execute("ALTER TABLE turns DROP CONSTRAINT no_canary")


def send_nonsense(house: House) -> None:
    """What is no request, no JSON, no name of this host, and too much of anything."""
    http, json_type = house.web.http, {"Content-Type": "application/json"}
    for body in (f'{{"message": "{MARK}', f'{{"{MARK}": 1}}', f'["{MARK}"]', f'"{MARK}\ud800"', MARK * 6_000):
        content = body.encode(errors="surrogatepass")
        http.post("/api/v1/chat/", content=content, headers={**json_type, "Origin": f"https://{MARK}.example"})
        http.post("/api/careless/", content=content, headers=json_type)
    for address in ("/", "/admin/", "/api/v1/chat/", "/readyz"):
        http.get(address, headers={"Host": f"{MARK}.example"})
    http.request(MARK.upper(), "/api/v1/chat/")
    http.get(f"/{MARK}/%ff{MARK}?q={MARK}")
    with socket.create_connection(("127.0.0.1", house.web.port)) as line:
        line.sendall(f"{MARK} {MARK}\r\n{MARK}\r\n\r\n".encode())
        line.recv(1000)


def visit_pages(house: House) -> None:
    """Every page of the admin and all others, as somebody who is logged in, and the login as somebody who is not."""
    shop, http = house.shop, house.web.http
    ids = rows_of(shop).ids
    for address in ("/", "/widget.js", "/static/admin/css/base.css", "/invitation/"):
        http.get(address, params={"q": MARK})
    for address in ("/invitation/open/", "/invitation/join/", "/invitation/sign-up/", f"{ADMIN}login/"):
        http.get(address)
        post_form(http, address, {"username": MARK, "password": f"{MARK}-password", "token": MARK, "link": MARK})
        http.post(address, data={"password": MARK})  # without a form's token
    cookie = log_in(shop)
    house.keep(cookie)
    signed_in = {"Cookie": f"{HEADERS['Cookie']}; {settings.SESSION_COOKIE_NAME}={cookie}"}
    ends = (f"{ADMIN}login/", f"{ADMIN}logout/")
    for address in sorted((admin_address(route, ids) for route in ROUTES), key=ends.__contains__):
        http.get(address, params={"q": MARK}, headers=signed_in)
        if address in ends or not address.endswith(("delete/", "history/")):
            post_form(http, address, {"title": MARK, "name": MARK, "email": f"{MARK}@example.com"}, signed_in["Cookie"])


def admin_address(route: str, ids: dict[str, str]) -> str:
    named = ids[page_of(route)] if OBJECT in route or "<id>" in route else ""
    for pattern, value in (
        ("<path:object_id>", named),
        ("<id>", named),
        ("^(?P<app_label>tenants|auth|agents|agent_sessions)/$", "agents/"),
        ("(?P<url>.*)$", MARK),
    ):
        route = route.replace(pattern, value)
    return ADMIN + route


def post_form(http: httpx.Client, address: str, fields: dict[str, str], cookies: str = HEADERS["Cookie"]) -> None:
    token = secrets.token_hex(16)
    headers = {"Cookie": f"{cookies}; {settings.CSRF_COOKIE_NAME}={token}"}
    http.post(address, data={**fields, "csrfmiddlewaretoken": token}, headers=headers)


def log_in(shop: Shop) -> str:
    """As somebody's login would leave it; gives the cookie."""
    client = Client()
    client.force_login(shop.owner)
    session = client.session
    session["written_at"] = time.time()
    session.save()
    return str(client.cookies[settings.SESSION_COOKIE_NAME].value)


def be_careless(house: House) -> httpx.Response:
    answer = house.web.http.post("/api/careless/", json={"words": MARK})
    assert answer.status_code == 200
    return answer


def run_tasks(house: House) -> None:
    """Every task, one that nobody knows, and what is no message of a task."""
    with Connection(house.redis.url) as connection:
        for name, values in TASKS.items():
            app.send_task(name, args=values, connection=connection)
            app.send_task(name, args=[MARK, MARK], connection=connection)
        app.send_task(f"{MARK}.unknown", args=[MARK], connection=connection)
        last = app.send_task(faulty_tasks.give_back.name, args=[MARK], connection=connection)
    with RedisClient.from_url(house.redis.url) as redis:
        wait_until(lambda: ended(house, last.id))
        assert redis.keys("celery-task-meta-*") == []
    wait_until(lambda: house.text("beat") != "")


def ended(house: House, task_id: str) -> bool:
    return any(
        line["event"] == "task ended" and line["task_id"] == task_id
        for line in map(json.loads, house.text("worker").rpartition("\n")[0].splitlines())
    )


def lose_redis(house: House, cast: Cast) -> None:
    website = cast.website(house.tenant, agents=[cast.agent(house.tenant)])
    visitor = house.visitor(website.domain, "away")
    house.redis.kill()
    visitor.say(f"My name is {MARK}")
    is_told: Callable[[], bool] = lambda: "redis.exceptions.ConnectionError" in house.text("worker")  # noqa: E731
    wait_until(is_told)
    assert "Redis is away" in house.text("web")
    house.keep(urlsplit(house.redis.url).password, urlsplit(database_url("default")).password, settings.SECRET_KEY)
