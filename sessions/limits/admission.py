"""May this visitor go on? Asked once for each turn, and once for each session that is started."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils.crypto import salted_hmac

from sessions.errors import QuotaExceededError, RateLimitedError
from sessions.limits import shared
from sessions.limits.headers import rate_limit_headers, refusal_headers
from sessions.limits.local import LocalCounter
from sessions.limits.rules import MICROSECONDS, Budget, Question, Rate, Verdict
from sessions.redis_link import RedisAwayError, redis_link
from tenants.client_address import Address, network_of
from tenants.doors import WebsiteProfile

_PREFIX: Final = "parlour:limits"
_local = LocalCounter()


@dataclass(slots=True)
class Allowance:
    """A turn that may begin, and the header fields that its answer carries."""

    website: WebsiteProfile
    day: int
    headers: dict[str, str]
    counts: bool = True
    """Against the day."""


async def admit_turn(
    website: WebsiteProfile, session_id: str, address: Address | None, *, is_servers: bool = False
) -> Allowance:
    """Counts a turn of the session, the visitor's network, the tenant, and the day.

    A website's own server (``is_servers``) asks for many visitors from one address: its network does not count.

    Raises ``RateLimitedError`` or ``QuotaExceededError``; what is refused has used up nothing.
    """
    limits = website.limits
    rates = (
        Rate("session", _key(website, f"session:{_digest(website, session_id)}"), limits.session_turns_per_minute),
        *([] if is_servers else [_network_rate(website, address, "turns")]),
        _tenant_rate(website, "turns"),
    )
    question = Question(rates, _budgets(website), _utc_offset_seconds(website.time_zone))
    verdict = await _decide(question)
    _refuse(website, question, verdict)
    return Allowance(website, verdict.day, rate_limit_headers(question, verdict))


def uncounted(website: WebsiteProfile) -> Allowance:
    """For what was counted when it came first."""
    return Allowance(website, day=0, headers={}, counts=False)


async def admit_start(website: WebsiteProfile, address: Address | None, *, is_servers: bool = False) -> dict[str, str]:
    """Counts a session that is started: as many as turns, but counted apart from them. Gives the header fields.

    Raises ``RateLimitedError``.
    """
    network = [] if is_servers else [_network_rate(website, address, "starts")]
    question = Question((*network, _tenant_rate(website, "starts")))
    verdict = await _decide(question)
    _refuse(website, question, verdict)
    return rate_limit_headers(question, verdict)


async def count_tokens(allowance: Allowance, tokens: int) -> None:
    """Adds what the turn used to the day it was admitted on. Costs nothing where nobody set a budget of tokens."""
    limits = allowance.website.limits
    if tokens and (limits.tenant_tokens_per_day is not None or limits.website_tokens_per_day is not None):
        await _count(allowance, tokens=tokens)


async def give_back_turn(allowance: Allowance) -> None:
    """The turn was a replay, or was refused after all: it does not count against the day. The minute keeps it."""
    if allowance.counts:
        allowance.counts = False
        await _count(allowance, turns=-1)


async def _decide(question: Question) -> Verdict:
    try:
        return await shared.decide(redis_link(), question)
    except RedisAwayError:
        return _local.decide(question)


async def _count(allowance: Allowance, *, turns: int = 0, tokens: int = 0) -> None:
    keys = [budget.key for budget in _budgets(allowance.website)]
    try:
        await shared.count(redis_link(), keys, allowance.day, turns=turns, tokens=tokens)
    except RedisAwayError:
        _local.count(keys, allowance.day, turns=turns, tokens=tokens)


def _refuse(website: WebsiteProfile, question: Question, verdict: Verdict) -> None:
    if verdict.refused_by is None:
        return
    seconds = math.ceil(verdict.wait / MICROSECONDS)
    headers = refusal_headers(question, verdict)
    if verdict.refused_by < len(question.rates):
        raise RateLimitedError(question.rates[verdict.refused_by].name, seconds, headers)
    raise QuotaExceededError(website.quota_message, seconds, headers)


def _network_rate(website: WebsiteProfile, address: Address | None, what: str) -> Rate:
    network = _digest(website, network_of(address))
    return Rate("network", _key(website, f"{what}:network:{network}"), website.limits.network_turns_per_minute)


def _tenant_rate(website: WebsiteProfile, what: str) -> Rate:
    return Rate("tenant", _key(website, f"{what}:tenant"), website.limits.tenant_turns_per_minute)


def _budgets(website: WebsiteProfile) -> tuple[Budget, ...]:
    limits = website.limits
    return (
        Budget(_key(website, "day"), limits.tenant_turns_per_day, limits.tenant_tokens_per_day),
        Budget(_key(website, f"day:{website.website_id}"), limits.website_turns_per_day, limits.website_tokens_per_day),
    )


def _key(website: WebsiteProfile, what: str) -> str:
    return f"{_PREFIX}:{{{website.tenant_id}}}:{what}"


def _digest(website: WebsiteProfile, text: str) -> str:
    """Neither addresses nor session ids lie in Redis, nor can they be guessed from what does."""
    return salted_hmac(f"parlour.limits:{website.website_id}", text, algorithm="sha256").hexdigest()[:32]


def _utc_offset_seconds(time_zone: str) -> int:
    """By this process's clock: one that is an hour off matters in the hour in which the zone changes its offset."""
    offset = datetime.now(_zone(time_zone)).utcoffset() or timedelta()
    return round(offset.total_seconds())


@cache
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
