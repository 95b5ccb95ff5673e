"""Nothing that a visitor said stays in the process that served it: after the streams ended its objects are searched."""

import asyncio
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.cast import Cast
from tests.live_server import ROOT, free_port, server_environment
from tests.stub_model import StubModel

SESSIONS = 40
SLOW = "tokens=60;tokens_per_second=300"


@dataclass(frozen=True)
class Inspected:
    port: int

    async def ask(self, action: str, mark: str) -> Any:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=60) as http:
            response = await http.get(f"/inspect/{action}", params={"mark": mark[::-1]})
            return response.json()

    async def kinds_held(self, mark: str) -> set[str]:
        return set(await self.ask("search", mark))


@contextmanager
def inspected_server() -> Iterator[Inspected]:
    """One process, which remembers doors for longer than the test takes."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "tests.isolation.inspected_web:application", "--lifespan", "on"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--log-level", "warning", "--no-access-log"],
        cwd=ROOT,
        env=server_environment(port, DOOR_CACHE_SECONDS="60"),
    )
    try:
        deadline = time.monotonic() + 60
        while not _is_ready(port):
            assert process.poll() is None, "the server ended at once"
            assert time.monotonic() < deadline, "the server was not ready in time"
            time.sleep(0.1)
        yield Inspected(port)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).is_success
    except httpx.TransportError:
        return False


@pytest.fixture
def inspected(database: None) -> Iterator[Inspected]:
    with inspected_server() as server:
        yield server


@pytest.fixture
def domains(cast: Cast, stub_model: StubModel, mark: str) -> list[str]:
    """Websites of four tenants: two with the demo model, one whose model takes its time, one whose model fails."""
    made = []
    for number, model in enumerate(("", "", f"stub;{SLOW}", "stub;fault=garbage")):
        tenant = cast.tenant()
        connection = cast.connection(tenant, stub_model.url, f"{mark}-key_{number}") if model else None
        agent = cast.agent(
            tenant,
            instructions=f"Be kind. {mark}-instructions_{number}",
            context_keys=["plan"],
            connection=connection,
            model=model,
        )
        website = cast.website(tenant, title=f"{mark}-title_{number}")
        cast.use(
            website, agent, instructions=f"Opening hours: {mark}-hours_{number}", welcome=f"{mark}-welcome_{number}"
        )
        made.append(website.domain)
    return made


@pytest.fixture
def mark() -> str:
    return f"canary{secrets.token_hex(8)}"


class Talker:
    """A visitor, in whose every word there is a canary."""

    def __init__(self, http: httpx.AsyncClient, domain: str, mark: str, number: int) -> None:
        self.http, self.mark, self.number = http, mark, number
        self.headers = {"Origin": f"http://{domain}:{http.base_url.port}"}

    def canary(self, kind: str) -> str:
        return f"{self.mark}-{kind}_{self.number}"

    def body(self, message: str, turn: int) -> dict[str, Any]:
        return {
            "session_id": self.canary("session"),
            "message_id": self.canary(f"message_{turn}").replace("message_", "id_"),
            "message": message,
            "user_id": self.canary("user"),
            "metadata": {"plan": self.canary("context"), "other": self.canary("unseen")},
        }

    async def talk(self) -> list[str]:
        """Three turns: as JSON, as a stream, and one more stream that every third visitor leaves in the middle."""
        outcomes = [await self.ask(f"My name is {self.canary('name')}", 1)]
        outcomes.append(await self.listen(f"What do you know of {self.canary('message')}?", 2))
        outcomes.append(
            await self.listen(f"And {self.canary('message')}, what is my name?", 3, leave=self.number % 3 == 0)
        )
        return outcomes

    async def ask(self, message: str, turn: int) -> str:
        response = await self.http.post("/api/v1/chat/", json=self.body(message, turn), headers=self.headers)
        body = response.json()
        return str(body.get("code", "answered"))

    async def listen(self, message: str, turn: int, *, leave: bool = False) -> str:
        headers = {**self.headers, "Accept": "text/event-stream"}
        async with self.http.stream(
            "POST", "/api/v1/chat/", json=self.body(message, turn), headers=headers
        ) as response:
            async for line in response.aiter_lines():
                if line.startswith("data: "):
                    event = json.loads(line.removeprefix("data: "))
                    if event["type"] == "RUN_ERROR":
                        return str(event["code"])
                    if leave:
                        return "left"
        return "answered"


async def talk_all(inspected: Inspected, domains: list[str], mark: str) -> list[list[str]]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{inspected.port}", timeout=60, limits=limits) as http:
        talkers = [Talker(http, domains[number % len(domains)], mark, number) for number in range(SESSIONS)]
        return await asyncio.gather(*(talker.talk() for talker in talkers))


WEBSITES_OWN = {"instructions", "hours", "title", "welcome", "key"}
"""What the caches of doors, of the demo model's facts and of models' clients keep: the website's people wrote it."""


async def test_process_keeps_nothing_of_what_visitors_said(inspected: Inspected, domains: list[str], mark: str) -> None:
    spoken = await talk_all(inspected, domains, mark)
    assert {outcome for outcomes in spoken for outcome in outcomes} == {"answered", "left", "model_unavailable"}
    assert [outcomes[-1] == "left" for outcomes in spoken] == [number % 3 == 0 for number in range(SESSIONS)]
    deadline = time.monotonic() + 60  # turns whose visitors left are finished all the same
    while (held := await inspected.ask("search", mark)).keys() - WEBSITES_OWN:  # each with the way to it
        assert time.monotonic() < deadline, json.dumps(held, indent=1)
        await asyncio.sleep(0.2)
    assert held.keys() == WEBSITES_OWN
    await inspected.ask("forget", mark)
    assert await inspected.ask("search", mark) == {}


async def test_search_finds_what_is_planted(inspected: Inspected, mark: str) -> None:
    assert await inspected.kinds_held(mark) == set()
    await inspected.ask("plant", mark)
    assert await inspected.kinds_held(mark) == {"global", "cache", "graph", "closure"}
