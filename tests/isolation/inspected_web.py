"""The web server's application with a window into its process: what text does it still hold?

``/inspect/search?mark=`` gives the canaries that any Python object of the process holds, with the way to each;
``/inspect/plant`` hides some where leaks would be; ``/inspect/forget`` empties the caches that may know websites.
A mark comes in backwards, so that the question is not its own answer.
"""

import asyncio
import functools
import gc
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from config.asgi import application as served

# After Django is set up by the line above.
from agents import demo_facts  # isort: skip
from agents.graphs.chat import CHAT_GRAPH  # isort: skip
from agents.llm import close_clients  # isort: skip
from sessions import doors  # isort: skip

_MOST_STEPS = 15
_MOST_COLLECTIONS = 50
_planted: list[Any] = []


async def application(scope: Any, receive: Any, send: Any) -> None:
    action = ACTIONS.get(scope.get("path", ""))
    if action is None:
        await served(scope, receive, send)
        return
    backwards = parse_qs(scope["query_string"].decode()).get("mark", [""])[0]
    body = json.dumps(await action(backwards)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})


async def search(backwards: str) -> dict[str, list[str]]:
    """Each kind of canary with one way to it, as types and modules."""
    for _ in range(_MOST_COLLECTIONS):
        if not gc.collect():
            break
        await asyncio.sleep(0.01)  # what was found may have an end of its own to run
    canary = re.compile(rf"{backwards[::-1]}-([a-z]+)_[0-9]")
    in_bytes = re.compile(canary.pattern.encode())
    holders: dict[int, Any] = {}
    found: dict[str, list[str]] = {}
    waiting = [(thing, None) for thing in gc.get_objects()]
    while waiting:
        thing, holder = waiting.pop()
        if id(thing) in holders:
            continue
        holders[id(thing)] = holder
        if isinstance(thing, str):
            kinds = canary.findall(thing)
        elif isinstance(thing, bytes | bytearray):
            kinds = [kind.decode() for kind in in_bytes.findall(thing)]
        else:
            waiting += [(held, thing) for held in gc.get_referents(thing)]
            continue
        for kind in kinds:
            found.setdefault(kind, _way(thing, holders))
    return found


def _way(thing: Any, holders: dict[int, Any]) -> list[str]:
    steps: list[str] = []
    while thing is not None and len(steps) < _MOST_STEPS:
        steps.append(f"{type(thing).__module__}.{type(thing).__qualname__} {getattr(thing, '__name__', '')}".strip())
        thing = holders.get(id(thing))
    return steps


async def plant(backwards: str) -> None:
    """Where a careless line would leave it: in a module's global, a function's cache, a compiled graph, a closure."""
    mark = backwards[::-1]
    _planted.append({"said": [f"{mark}-global_1"]})
    _remember(f"{mark}-cache_1")
    CHAT_GRAPH.config = {"metadata": {"said": f"{mark}-graph_1"}}
    said = f"{mark}-closure_1".encode()
    _planted.append(lambda: said)


async def forget(_: str) -> None:
    """The caches that may hold what a website's own people wrote; of visitors they hold nothing."""
    doors._doors._found._loads.clear()
    demo_facts._facts.cache_clear()
    await close_clients()


@functools.lru_cache
def _remember(text: str) -> int:
    return len(text)


ACTIONS: dict[str, Callable[[str], Awaitable[Any]]] = {
    "/inspect/search": search,
    "/inspect/plant": plant,
    "/inspect/forget": forget,
}
