"""The ``RateLimit-Policy`` and ``RateLimit`` fields of draft-ietf-httpapi-ratelimit-headers (10 and 11).

A visitor reads their own limits. What the tenant's other visitors leave of its limits, and what its owner pays for a
day, is told in a refusal alone, and only as far as it refuses.
"""

import math
from typing import Final

from sessions.limits.rules import MICROSECONDS, MINUTE, Question, Rate, Verdict

_TOLD: Final = ("session", "network")


def rate_limit_headers(question: Question, verdict: Verdict) -> dict[str, str]:
    rates = [(rate, ahead) for rate, ahead in zip(question.rates, verdict.ahead, strict=True) if rate.name in _TOLD]
    return _fields(
        [_policy(rate) for rate, _ in rates],
        [_standing(rate.name, rate.remaining(ahead), ahead) for rate, ahead in rates],
    )


def refusal_headers(question: Question, verdict: Verdict) -> dict[str, str]:
    """Of a refused request: the limit that refused is at zero for as long as ``Retry-After`` says."""
    assert verdict.refused_by is not None
    refused = question.rates[verdict.refused_by] if verdict.refused_by < len(question.rates) else None
    name = "day" if refused is None else refused.name
    told = [
        (rate, ahead)
        for rate, ahead in zip(question.rates, verdict.ahead, strict=True)
        if rate.name in _TOLD and rate is not refused
    ]
    policies = [_policy(rate) for rate, _ in told] + ([_policy(refused)] if refused else [])
    standings = [_standing(rate.name, rate.remaining(ahead), ahead) for rate, ahead in told]
    return _fields(policies, [*standings, _standing(name, 0, verdict.wait)])


def _policy(rate: Rate) -> str:
    return f'"{rate.name}";q={rate.per_minute};w={MINUTE}'


def _standing(name: str, remaining: int, microseconds: int) -> str:
    return f'"{name}";r={remaining};t={math.ceil(microseconds / MICROSECONDS)}'


def _fields(policies: list[str], standings: list[str]) -> dict[str, str]:
    if not standings:
        return {}
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(standings)}
