"""Keys that anybody may make up cost few look-ups, and those that work are not kept waiting by them."""

import pytest

from tenants.bounded_lookups import BoundedLookups
from tenants.errors import TooManyLookupsError


class Table:
    """Finds what begins with "good", and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.finds = True

    async def get(self, lookups: BoundedLookups[str, str], key: str) -> str | None:
        async def look_up() -> str | None:
            self.asked.append(key)
            return key.upper() if self.finds and key.startswith("good") else None

        return await lookups.get(key, look_up)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The second that it is, which moves when the test says so."""
    second = [1_000.0]
    monkeypatch.setattr("tenants.bounded_lookups.clock", lambda: second[0])
    return second


async def test_unknown_keys_are_looked_up_once_each_and_so_many_a_second(at: list[float]) -> None:
    lookups, table = BoundedLookups[str, str](seconds=60, size=1_000, most_a_second=50), Table()
    assert await table.get(lookups, "good") == "GOOD"
    for at[0] in (1_001.0, 1_002.0):
        for number in range(50):
            assert [await table.get(lookups, f"bad {at[0]} {number}") for _ in range(2)] == [None, None]
        for number in range(50, 2_000):
            with pytest.raises(TooManyLookupsError):
                await table.get(lookups, f"bad {at[0]} {number}")
        assert await table.get(lookups, "good") == "GOOD"
    assert table.asked == ["good", *(f"bad {second} {number}" for second in (1_001.0, 1_002.0) for number in range(50))]


async def test_key_that_worked_lately_is_looked_up_whatever_comes_with_it(at: list[float]) -> None:
    lookups, table = BoundedLookups[str, str](seconds=0, size=100, most_a_second=1), Table()
    assert await table.get(lookups, "good") == "GOOD"
    for key in ("bad", "good too"):
        with pytest.raises(TooManyLookupsError):
            await table.get(lookups, key)
    assert [await table.get(lookups, "good") for _ in range(3)] == ["GOOD"] * 3
    assert table.asked == ["good"] * 4


async def test_key_that_works_no_more_is_one_among_the_unknown(at: list[float]) -> None:
    lookups, table = BoundedLookups[str, str](seconds=0, size=100, most_a_second=1), Table()
    assert (await table.get(lookups, "good"), lookups.found_lately("good")) == ("GOOD", True)
    table.finds = False
    assert (await table.get(lookups, "good"), lookups.found_lately("good")) == (None, False)
    with pytest.raises(TooManyLookupsError):
        await table.get(lookups, "good")
