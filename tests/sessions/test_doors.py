"""Made-up origins and keys: once too many of them come, nobody asks the database."""

from collections.abc import Awaitable, Callable

import pytest

from sessions import doors, key_doors
from sessions.doors import open_door
from sessions.errors import OriginRefusedError, OverloadedError
from sessions.key_doors import recognise_key


@pytest.fixture(autouse=True)
def _no_more_lookups(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no pool here, either: who asked it would break."""
    for lookups in (doors._doors, key_doors._holders):
        monkeypatch.setattr(lookups, "_most_a_second", 0)


@pytest.mark.parametrize(
    "ask", [lambda: open_door("https://made-up.example"), lambda: recognise_key("sk_made_up", "chat")]
)
async def test_one_unknown_too_many_is_told_to_come_back(ask: Callable[[], Awaitable[object]]) -> None:
    with pytest.raises(OverloadedError):
        await ask()


async def test_what_is_no_origin_costs_no_lookup() -> None:
    with pytest.raises(OriginRefusedError):
        await open_door("https://made-up.example/with-a-path")
