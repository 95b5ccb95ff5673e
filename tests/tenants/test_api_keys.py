"""API keys as they are stored and looked up."""

import hashlib
import hmac
from typing import Any

import pytest
from django.db import IntegrityError, connections, transaction
from pytest_django.fixtures import Settings

from tenants import key_holders
from tenants.api_key_hmac import first_key_id, fits, hmac_of, prefix_of
from tenants.api_keys import create_api_key
from tenants.errors import ApiKeyRefusedError
from tenants.models import ApiKey
from tenants.scoping import tenant_scope
from tests.cast import Cast

KEY = "sk_0123456789ab_" + "x" * 43


def test_key_has_a_prefix_to_find_it_by_and_256_random_bits(cast: Cast) -> None:
    tenant = cast.tenant()
    made = [cast.api_key(tenant) for _ in range(200)]
    assert [prefix_of(text) for _, text in made] == [row.prefix for row, _ in made]
    assert {len(text) for _, text in made} == {len("sk_") + 12 + 1 + 43}
    assert len({text[16:] for _, text in made}) == 200


@pytest.mark.parametrize(
    "text", ["", "sk_", KEY[:-1], KEY + "x", KEY.upper(), "pk" + KEY[2:], KEY.replace("_", "-"), KEY + "\n", " " + KEY]
)
def test_what_is_no_key_has_no_prefix(text: str) -> None:
    assert prefix_of(text) is None


def test_stored_is_an_hmac_that_nothing_in_the_database_can_make(cast: Cast, settings: Settings) -> None:
    row, text = cast.api_key(cast.tenant())
    assert fits(text, row.hmac_key_id, bytes(row.secret_hmac))
    assert not fits(text[:-1] + "-", row.hmac_key_id, bytes(row.secret_hmac))
    settings.ENCRYPTION_KEYS = {row.hmac_key_id: b"another key of the same name...."}
    assert not fits(text, row.hmac_key_id, bytes(row.secret_hmac))
    settings.SECRET_KEY = "another secret, which has nothing to do with it"
    settings.ENCRYPTION_KEYS = {}
    assert not fits(text, "gone", hmac_of(text, "gone")), "of a key that has left the ring nothing fits"


def test_ring_key_is_not_the_hmacs_own_key(settings: Settings) -> None:
    """It encrypts already: one key, one purpose."""
    ring_key = settings.ENCRYPTION_KEYS[first_key_id()]
    assert hmac_of(KEY, first_key_id()) != hmac.digest(ring_key, KEY.encode(), hashlib.sha256)


@pytest.mark.parametrize("text", [KEY, "nonsense"])
async def test_unknown_key_costs_the_look_up_and_the_hmac_as_well(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    done: list[str] = []

    async def door(query: str, values: dict[str, Any]) -> list[Any]:
        done.append(query.partition("(")[0])
        return []

    def compare(api_key: str, key_id: str, stored: bytes) -> bool:
        done.append(f"{api_key} {key_id} {len(stored)}")
        return fits(api_key, key_id, stored)

    monkeypatch.setattr(key_holders, "through_door", door)
    monkeypatch.setattr(key_holders, "fits", compare)
    with pytest.raises(ApiKeyRefusedError):
        await key_holders.key_holder(text)
    assert done == ["SELECT * FROM door_api_key", f"{text} {first_key_id()} 32"]


def test_door_tells_what_checking_needs_and_no_more(cast: Cast) -> None:
    row, _ = cast.api_key(cast.tenant(), "chat")
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT * FROM door_api_key(%s)", [row.prefix])
        assert [column.name for column in cursor.description] == [
            "api_key_id",
            "tenant_id",
            "secret_hmac",
            "hmac_key_id",
            "scopes",
            "is_active",
        ]
        assert len(cursor.fetchall()) == 1
        cursor.execute("SELECT count(*) FROM api_keys")
        assert cursor.fetchone() == (0,)


def test_keys_exist_for_their_own_tenant_alone(cast: Cast) -> None:
    alice, bob = cast.tenant(), cast.tenant()
    row, _ = cast.api_key(alice)
    with tenant_scope(bob.id), connections["default"].cursor() as cursor:
        assert list(ApiKey.objects.all()) == []
        cursor.execute("UPDATE api_keys SET revoked_at = now() WHERE id = %s", [row.id])
        assert cursor.rowcount == 0
        cursor.execute("DELETE FROM api_keys WHERE id = %s", [row.id])
        assert cursor.rowcount == 0
    with tenant_scope(alice.id):
        assert ApiKey.objects.get().revoked_at is None


@pytest.mark.parametrize("scopes", [[], ["everything"], ["chat", "everything"]])
def test_scopes_that_do_not_exist_cannot_be_stored(cast: Cast, scopes: list[str]) -> None:
    with tenant_scope(cast.tenant().id):
        with pytest.raises(IntegrityError), transaction.atomic():
            create_api_key("Shop server", scopes)
        assert list(ApiKey.objects.all()) == []
