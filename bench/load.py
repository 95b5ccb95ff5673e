"""The load generator, a process of its own: ``python -m bench.load``.

It reads a plan from the first line of its input, starts the sessions, says ``ready``, begins when the next line
comes, and writes its report. So nothing of its own start falls into what is measured.
"""

import asyncio
import secrets
import sys
import time

import orjson
import uvloop

from bench.connection import Connection, Reply
from bench.plan import LoadReport, Plan, TimedTurn

READY = "ready"
STARTING_AT_ONCE = 20


class SessionNotStartedError(RuntimeError):
    """A server that refuses to start sessions cannot be measured."""


class Client:
    """One visitor: a connection, and one session after the other."""

    def __init__(self, plan: Plan, report: LoadReport) -> None:
        self._plan = plan
        self._target = plan.target
        self._report = report
        self._connection = Connection(plan.target)
        self._sessions = [f"bench_{secrets.token_hex(12)}" for _ in range(plan.sessions)]
        self._tokens: dict[str, str] = {}

    async def prepare(self) -> None:
        """Starts the sessions. Raises ``SessionNotStartedError``."""
        if not self._target.start_path:
            return
        for session_id in self._sessions:
            reply = await self._connection.post(self._target.start_path, {"session_id": session_id})
            if reply.status != 201:
                raise SessionNotStartedError(f"status {reply.status}: {reply.body.decode(errors='replace')[:300]}")
            self._tokens[session_id] = orjson.loads(reply.body)["token"]

    async def talk(self, stops_at: float) -> None:
        try:
            for session_id in self._sessions:
                for number in range(1, self._plan.turns + 1):
                    if time.monotonic() >= stops_at:
                        return
                    await self._take_turn(session_id, number)
        finally:
            self._connection.close()

    async def _take_turn(self, session_id: str, number: int) -> None:
        try:
            reply = await self._connection.post(
                self._target.path, self._body(session_id, number), token=self._tokens.get(session_id, "")
            )
        except OSError as error:
            self._report.count_error(type(error).__name__)
            self._connection.close()
            return
        if reason := _fault(reply, self._target.end_mark):
            self._report.count_error(reason)
        else:
            self._report.turns.append(TimedTurn(number, reply.total_ms, reply.first_ms))

    def _body(self, session_id: str, number: int) -> dict[str, object]:
        if not self._target.is_conversation:
            return self._target.body
        words = self._plan.message.format(number=number)
        message = {"message": words, "session_id": session_id, "message_id": secrets.token_hex(8)}
        return {**self._target.body, **message}


def _fault(reply: Reply, end_mark: str) -> str:
    """Empty for a whole answer."""
    if reply.status != 200:
        return f"status {reply.status}"
    return "" if end_mark.encode() in reply.body else "incomplete answer"


async def prepare(plan: Plan, report: LoadReport) -> list[Client]:
    gate = asyncio.Semaphore(STARTING_AT_ONCE)
    clients = [Client(plan, report) for _ in range(plan.clients)]

    async def one(client: Client) -> None:
        async with gate:
            await client.prepare()

    await asyncio.gather(*map(one, clients))
    return clients


async def drive(plan: Plan) -> LoadReport:
    report = LoadReport()
    clients = await prepare(plan, report)
    print(READY, flush=True)
    if not await asyncio.to_thread(sys.stdin.readline):
        return report  # whoever asked is gone
    began_at = time.monotonic()
    await asyncio.gather(*(client.talk(began_at + plan.seconds) for client in clients))
    report.seconds = time.monotonic() - began_at
    return report


def main() -> None:
    report = uvloop.run(drive(Plan.from_json(sys.stdin.readline())))
    sys.stdout.buffer.write(report.to_json() + b"\n")


if __name__ == "__main__":
    main()
