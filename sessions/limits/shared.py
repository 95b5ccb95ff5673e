"""Counting in Redis, for all processes together: one script, one round trip, Redis's own clock.

All keys of a tenant carry its id as their hash tag, so that they stay together in a Redis cluster.
"""

from hashlib import sha1
from typing import Any, Final

from redis.exceptions import NoScriptError, ResponseError

from sessions.limits.rules import Question, Verdict
from sessions.redis_link import RedisAwayError, RedisLink

# KEYS: the rates' moments, then the budgets' hashes (day, turns, tokens).
# ARGV: number of rates, UTC offset; each rate's interval and room; each budget's turns and tokens, -1 for any.
_DECIDE: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local here = clock[1] + ARGV[2]
local today = math.floor(here / 86400)
local rates, refused, wait = tonumber(ARGV[1]), 0, 0
local ahead, days = {}, {}
for i = 1, #KEYS do
  local first, second = tonumber(ARGV[2 * i + 1]), tonumber(ARGV[2 * i + 2])
  local late = 0
  if i <= rates then
    local moment = tonumber(redis.call('GET', KEYS[i]) or now)
    ahead[i] = math.min(math.max(moment - now, 0), second)
    late = ahead[i] + first - second
  else
    local kept = redis.call('HMGET', KEYS[i], 'day', 'turns', 'tokens')
    days[i] = kept[1] and tonumber(kept[1]) or -1
    if days[i] >= today and ((first >= 0 and tonumber(kept[2]) >= first)
        or (second >= 0 and tonumber(kept[3]) >= second)) then
      late = (86400 - here % 86400) * 1000000
    end
  end
  if late > wait then refused, wait = i, late end
end
if refused == 0 then
  for i = 1, #KEYS do
    if i <= rates then
      ahead[i] = ahead[i] + tonumber(ARGV[2 * i + 1])
      redis.call('SET', KEYS[i], string.format('%.0f', now + ahead[i]), 'PX', math.ceil(ahead[i] / 1000))
    elseif days[i] >= today then
      redis.call('HINCRBY', KEYS[i], 'turns', 1)
    else
      redis.call('HSET', KEYS[i], 'day', today, 'turns', 1, 'tokens', 0)
      redis.call('EXPIRE', KEYS[i], 172800)
    end
  end
end
return {refused, wait, today, unpack(ahead)}
"""

# KEYS: the budgets' hashes. ARGV: the day that is counted on, turns and tokens to add. A day that is over stays so.
_COUNT: Final = """
for i = 1, #KEYS do
  if redis.call('HGET', KEYS[i], 'day') == ARGV[1] then
    redis.call('HINCRBY', KEYS[i], 'turns', ARGV[2])
    redis.call('HINCRBY', KEYS[i], 'tokens', ARGV[3])
  end
end
"""


class _Script:
    def __init__(self, text: str) -> None:
        self._text = text
        self._sha = sha1(text.encode()).hexdigest()  # noqa: S324  how Redis names its scripts

    async def run(self, link: RedisLink, keys: list[str], values: list[int]) -> Any:
        """Raises ``RedisAwayError``, also where Redis is there but cannot write: full, read-only, out of disk."""
        arguments = [len(keys), *keys, *values]
        try:
            try:
                return await link.ask("EVALSHA", self._sha, *arguments)
            except NoScriptError:
                return await link.ask("EVAL", self._text, *arguments)
        except ResponseError as error:
            link.lose(error)
            raise RedisAwayError from error


_decide, _count = _Script(_DECIDE), _Script(_COUNT)


async def decide(link: RedisLink, question: Question) -> Verdict:
    """Raises ``RedisAwayError``."""
    keys = [rate.key for rate in question.rates] + [budget.key for budget in question.budgets]
    values: list[int] = [len(question.rates), question.utc_offset_seconds]
    for rate in question.rates:
        values += [rate.interval, rate.room]
    for budget in question.budgets:
        values += [_limit(budget.turns), _limit(budget.tokens)]
    refused, wait, day, *ahead = await _decide.run(link, keys, values)
    return Verdict(refused_by=refused - 1 if refused else None, wait=wait, day=day, ahead=tuple(ahead))


async def count(link: RedisLink, keys: list[str], day: int, *, turns: int = 0, tokens: int = 0) -> None:
    """Adds to what the budgets of ``keys`` have spent on ``day``. Raises ``RedisAwayError``."""
    await _count.run(link, keys, [day, turns, tokens])


def _limit(most: int | None) -> int:
    return -1 if most is None else most
