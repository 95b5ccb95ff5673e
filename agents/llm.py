"""Models behind OpenAI-compatible addresses: the only place that knows providers.

A `Client` gives `ChatOpenAI`s ready to stream. Clients are kept per connection and event loop, so that calls share
open connections; a connection whose address, key or timeouts changed gets a new client, and the old one closes when
its calls have ended. There is no retry here, see `agents.attempts`.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

from django.conf import settings
from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from agents.breaker import Breaker
from agents.completions import ChatCompletions, Timeouts
from agents.egress import EgressPolicy, check_base_url
from agents.errors import BaseUrlError, ModelUnavailableError
from agents.kept_connections import KeptConnections
from agents.profiles import ConnectionProfile

CLIENTS_KEPT = 256
MODELS_KEPT = 64  # of each client, and as many breakers

K = TypeVar("K")
V = TypeVar("V")
ModelSettings = tuple[str, float | None, int | None]


class Client:
    """One connection's way to its provider, with the chat models that use it."""

    def __init__(self, connection: ConnectionProfile) -> None:
        self.connection = connection
        self._base_url, policy = _checked(connection)
        self._connections = KeptConnections(self._base_url, policy)
        self._completions = ChatCompletions(
            self._connections,
            base_url=self._base_url,
            api_key=connection.api_key,
            timeouts=Timeouts(
                connection.connect_timeout_seconds,
                connection.first_token_timeout_seconds,
                connection.idle_timeout_seconds,
            ),
        )
        self._models: OrderedDict[ModelSettings, ChatOpenAI] = OrderedDict()
        self._breakers: OrderedDict[str, Breaker] = OrderedDict()

    def model(self, model: str, temperature: float | None, max_output_tokens: int | None) -> BaseChatModel:
        key = (model, temperature, max_output_tokens)
        return _kept(self._models, key, lambda: self._build(*key))

    def breaker(self, model: str) -> Breaker:
        """One for each model, not one for all: a second model at the same address may live while the first is dead."""
        connection_id = self.connection.id
        return _kept(self._breakers, model, lambda: Breaker(connection_id, asyncio.get_running_loop().time))

    async def retire(self) -> None:
        """Close now what is idle, and the rest when its call ends."""
        await self._connections.retire()

    def _build(self, model: str, temperature: float | None, max_output_tokens: int | None) -> ChatOpenAI:
        return ChatOpenAI(
            model=model,
            temperature=temperature,
            max_completion_tokens=max_output_tokens,
            async_client=self._completions,
            client=self._completions,  # or it would build one of its own, for calls that are not awaited
            base_url=self._base_url,
            api_key=SecretStr("held by agents.completions"),
            max_retries=0,
            stream_usage=True,
            stream_chunk_timeout=None,
            use_responses_api=False,
        )


class Clients:
    """One event loop's clients, the least used of which is closed when there are too many."""

    def __init__(self) -> None:
        self._clients: OrderedDict[UUID, Client] = OrderedDict()

    async def client_for(self, connection: ConnectionProfile) -> Client:
        """Raises `ModelUnavailableError` where the connection's address is not allowed; calls nothing."""
        client = self._clients.get(connection.id)
        if client is not None and client.connection == connection:
            self._clients.move_to_end(connection.id)
            return client
        fresh = Client(connection)
        self._clients[connection.id] = fresh
        if client is not None:
            await client.retire()
        elif len(self._clients) > CLIENTS_KEPT:
            await self._clients.popitem(last=False)[1].retire()
        return fresh

    def __len__(self) -> int:
        return len(self._clients)

    async def close(self) -> None:
        while self._clients:
            await self._clients.popitem()[1].retire()


_clients_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Clients] = WeakKeyDictionary()


def clients() -> Clients:
    """This event loop's: an open connection belongs to the loop that opened it."""
    return _clients_by_loop.setdefault(asyncio.get_running_loop(), Clients())


async def close_clients() -> None:
    """Close this event loop's connections to models; for the end of a process or a test."""
    await clients().close()


def _kept(kept: OrderedDict[K, V], key: K, make: Callable[[], V]) -> V:
    """What is kept under the key, made if it is not; the least used goes when there are too many."""
    if key not in kept:
        kept[key] = make()
        if len(kept) > MODELS_KEPT:
            kept.popitem(last=False)
    kept.move_to_end(key)
    return kept[key]


def _checked(connection: ConnectionProfile) -> tuple[str, EgressPolicy]:
    """Once more as when it was saved: the list of private hosts may have become shorter since."""
    private_hosts = frozenset(settings.PRIVATE_MODEL_HOSTS)
    try:
        base_url = check_base_url(
            connection.base_url, operator_owned=connection.operator_owned, private_hosts=private_hosts
        )
    except BaseUrlError:
        raise ModelUnavailableError("address_refused") from None
    return base_url, EgressPolicy(connection.operator_owned, private_hosts)
