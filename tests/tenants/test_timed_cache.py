"""The small cache of doors: fresh, bounded, loaded once, and without errors in it."""

import asyncio

import pytest

from tenants.timed_cache import RecentKeys, TimedCache


class Source:
    """Gives a new number each time, or fails while told to."""

    def __init__(self, *, slow: bool = False) -> None:
        self.loads = 0
        self.slow = slow
        self.fails = False

    async def load(self) -> int:
        self.loads += 1
        number = self.loads
        if self.slow:
            await asyncio.sleep(0.02)
        if self.fails:
            raise LookupError
        return number


async def test_value_is_loaded_once_while_it_is_fresh() -> None:
    cache, source = TimedCache[str, int](seconds=60, size=10), Source()
    assert [await cache.get("a", source.load) for _ in range(3)] == [1, 1, 1]
    assert await cache.get("b", source.load) == 2


async def test_value_is_loaded_again_once_its_time_is_over() -> None:
    cache, source = TimedCache[str, int](seconds=0, size=10), Source()
    assert [await cache.get("a", source.load) for _ in range(3)] == [1, 2, 3]


async def test_many_who_miss_at_once_wait_for_one_load() -> None:
    cache, source = TimedCache[str, int](seconds=60, size=10), Source(slow=True)
    assert await asyncio.gather(*(cache.get("a", source.load) for _ in range(50))) == [1] * 50


async def test_one_who_leaves_does_not_take_the_load_from_the_others() -> None:
    cache, source = TimedCache[str, int](seconds=60, size=10), Source(slow=True)
    leaving, staying = (asyncio.create_task(cache.get("a", source.load)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == 1


async def test_errors_are_not_kept() -> None:
    cache, source = TimedCache[str, int](seconds=60, size=10), Source()
    source.fails = True
    with pytest.raises(LookupError):
        await cache.get("a", source.load)
    source.fails = False
    assert await cache.get("a", source.load) == 2


async def test_size_is_bounded_and_the_oldest_goes_first() -> None:
    cache, source = TimedCache[int, int](seconds=60, size=3), Source()
    for key in range(5):
        await cache.get(key, source.load)
    assert [await cache.get(key, source.load) for key in (2, 3, 4)] == [3, 4, 5]
    assert await cache.get(0, source.load) == 6


async def test_values_whose_time_is_over_are_dropped() -> None:
    cache, source = TimedCache[int, int](seconds=0.01, size=1000), Source()
    for key in range(20):
        await cache.get(key, source.load)
    await asyncio.sleep(0.02)
    await cache.get(99, source.load)
    assert len(cache._loads) == 1


def test_noted_keys_are_known_for_their_time_until_forgotten() -> None:
    known, past = RecentKeys[str](seconds=60, size=10), RecentKeys[str](seconds=0, size=10)
    for keys in (known, past):
        keys.note("a")
        keys.note("b")
        keys.forget("b")
        keys.forget("never noted")
    assert [key in known for key in ("a", "b", "c")] == [True, False, False]
    assert "a" not in past


def test_noted_keys_are_bounded_and_the_longest_unnoted_goes_first() -> None:
    keys = RecentKeys[int](seconds=60, size=3)
    for key in (1, 2, 3, 1, 4):
        keys.note(key)
    assert [key for key in range(5) if key in keys] == [1, 3, 4]
