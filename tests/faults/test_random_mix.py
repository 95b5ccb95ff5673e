"""Sends, retries, stops, joins, leaving and crashes in any mix: the promise about turns holds after every step.

The mix comes from a seed, which a failure names: the same seed does the same things again, as far as time allows.
"""

import os
import random
import secrets
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from itertools import islice
from typing import Any

import httpx
import pytest

from tests.cast import Cast
from tests.faults.conversations import check_promise, messages, turns
from tests.faults.stack import Stack
from tests.stub_model import StubModel
from tests.visitor import RefusedError, Visitor

SESSIONS = 4
MODELS = ("stub;latency_ms=50", "stub;latency_ms=200;tokens=20;tokens_per_second=60", "stub;fault=cut;tokens=20")
LAPSE = "UPDATE turns SET lease_expires_at = now() - interval '1 s' WHERE state IN ('queued', 'running') RETURNING id"


class Mix:
    """Visitors who do as chance wills, and what each of their messages was answered."""

    def __init__(self, stack: Stack, domain: str, chance: random.Random, pool: ThreadPoolExecutor) -> None:
        self.stack, self.chance, self._pool = stack, chance, pool
        self.visitors = [Visitor(stack.web[0], domain) for _ in range(SESSIONS)]
        for visitor in self.visitors:
            visitor.start()
        self.sent: dict[str, list[str]] = {visitor.session_id: [] for visitor in self.visitors}
        self.answers: dict[str, str] = {}
        self._under_way: list[Future[None]] = []

    def step(self) -> None:
        visitor = self.chance.choice(self.visitors).at(self.chance.choice(self.stack.web))
        actions: list[tuple[Callable[[Visitor], None], int]] = [
            (self.send, 8),
            (self.retry, 6),
            (self.leave, 3),
            (self.join, 3),
            (self.stop, 3),
            (self.pause, 2),
        ]
        [(action, _)] = self.chance.choices(actions, [weight for _, weight in actions])
        action(visitor)

    def send(self, visitor: Visitor) -> None:
        message_id = f"message_{len(self.sent[visitor.session_id]):05}"
        self.sent[visitor.session_id].append(message_id)
        self._later(lambda: self.ask(visitor, message_id))

    def retry(self, visitor: Visitor) -> None:
        if known := self.sent[visitor.session_id]:
            message_id = self.chance.choice(known[-3:])
            self._later(lambda: self.ask(visitor, message_id))

    def leave(self, visitor: Visitor) -> None:
        if known := self.sent[visitor.session_id]:
            message_id, pieces = known[-1], self.chance.randrange(4)
            self._later(lambda: self._hear(visitor.stream_with_ids(f"Say {message_id}", message_id=message_id), pieces))

    def join(self, visitor: Visitor) -> None:
        if known := self.sent[visitor.session_id]:
            message_id, seen = self.chance.choice(known), self.chance.choice([None, 0, 3, 1_000_005])
            self._later(lambda: self._hear(visitor.join(message_id, last_event_id=seen), 1_000))

    def stop(self, visitor: Visitor) -> None:
        message_id = self.chance.choice([None, *self.sent[visitor.session_id][-2:]])
        self._later(lambda: self._stopped(visitor.stop(message_id)))

    def pause(self, visitor: Visitor) -> None:  # noqa: ARG002  an action like the others
        time.sleep(self.chance.random() / 2)

    def crash(self) -> None:
        """One server dies, and is back a little later; meanwhile every turn is taken for dead, also the living ones."""
        web = self.chance.choice(self.stack.web)
        web.kill()
        self.stack.rows(LAPSE)
        web.start()

    def ask(self, visitor: Visitor, message_id: str) -> bool:
        response = visitor.post(f"Say {message_id}", message_id=message_id)
        if response.status_code == httpx.codes.OK:
            first = self.answers.setdefault(visitor.session_id + message_id, response.text)
            assert response.text == first, "a retry was answered otherwise"
            return True
        assert response.status_code in {409, 429, 502, 503}, response.text
        return False

    def check(self) -> None:
        for done in [each for each in self._under_way if each.done()]:
            self._under_way.remove(done)
            done.result()
        for visitor in self.visitors:
            check_promise(self.stack, visitor.session_id)

    def settle(self) -> None:
        """Every message is sent again until it is answered, as patient visitors do."""
        for each in self._under_way:
            each.result()
        for visitor in self.visitors:
            for message_id in self.sent[visitor.session_id]:
                deadline = time.monotonic() + 40
                while not self.ask(visitor.at(self.chance.choice(self.stack.web)), message_id):
                    assert time.monotonic() < deadline, f"{message_id} finds no answer"
                    time.sleep(0.05)

    def _later(self, act: Callable[[], object]) -> None:
        def acting() -> None:
            with suppress(httpx.TransportError):
                act()

        self._under_way.append(self._pool.submit(acting))

    def _hear(self, events: Generator[tuple[int, dict[str, Any]], None, None], pieces: int) -> None:
        """Reads some of a stream, and leaves; a refusal is as good as an answer, two halves of answers are not."""
        heard = []
        with closing(events), suppress(RefusedError):
            heard = [event for _, event in islice(events, pieces)]
        if heard and heard[-1]["type"] == "RUN_FINISHED" and (message := heard[-1]["result"]["message"]):
            words = "".join(event["delta"] for event in heard if event["type"] == "TEXT_MESSAGE_CONTENT")
            assert message["content"].endswith(words)

    @staticmethod
    def _stopped(response: httpx.Response) -> None:
        assert response.status_code in {200, 503}, response.text


@pytest.mark.timeout(900)
def test_promise_holds_in_any_mix(stack: Stack, cast: Cast, stub_model: StubModel, full_size: bool) -> None:
    seed = int(os.environ.get("SEED") or secrets.randbelow(10**6))
    print(f"SEED={seed}")  # noqa: T201  the failure shows it
    chance = random.Random(seed)
    steps, steps_to_crash = (2_000, 100) if full_size else (120, 50)
    agent = cast.agent(connection=cast.connection(None, stub_model.url), model=MODELS[0])
    domain = cast.website(cast.tenant(), agents=[agent]).domain
    with ThreadPoolExecutor(64) as pool:
        mix = Mix(stack, domain, chance, pool)
        for number in range(1, steps + 1):
            mix.step()
            if number % 10 == 0:
                cast.change(agent, model=chance.choice(MODELS))
            if number % steps_to_crash == 0:
                mix.crash()
            mix.check()
        cast.change(agent, model=MODELS[0])
        mix.settle()
    for visitor in mix.visitors:
        check_promise(stack, visitor.session_id)
        asked = {message.id for message in messages(stack, visitor.session_id) if message.role == "user"}
        stopped = {turn.message_id for turn in turns(stack, visitor.session_id) if turn.state == "stopped"}
        assert asked | stopped == set(mix.sent[visitor.session_id])
