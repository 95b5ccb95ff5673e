from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from tenants.errors import KeyringError, SealBrokenError, UnknownEncryptionKeyError
from tenants.keyring import SealedPlace, needs_rotation, open_sealed, seal

PLACE = SealedPlace(UUID(int=1), "ModelConnection", "api_key", UUID(int=2))
SECRET = "sk-canary-0123456789"


@pytest.fixture(autouse=True)
def _ring(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = {"k2": b"2" * 32, "k1": b"1" * 32}


@given(st.text())
def test_sealed_text_opens_in_its_place(text: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in text):
        return
    assert open_sealed(memoryview(seal(text, place=PLACE)), place=PLACE) == text


def test_sealed_text_is_not_in_the_bytes_and_never_the_same_twice() -> None:
    first, second = seal(SECRET, place=PLACE), seal(SECRET, place=PLACE)

    assert first != second
    assert SECRET.encode() not in first


@pytest.mark.parametrize(
    "elsewhere",
    [
        replace(PLACE, tenant_id=UUID(int=9)),
        replace(PLACE, row_id=UUID(int=9)),
        replace(PLACE, field="api_ke"),
        replace(PLACE, model="ModelConnectiona", field="pi_key"),
        replace(PLACE, tenant_id=PLACE.row_id, row_id=PLACE.tenant_id),
    ],
)
def test_sealed_text_opens_nowhere_else(elsewhere: SealedPlace) -> None:
    with pytest.raises(SealBrokenError):
        open_sealed(seal(SECRET, place=PLACE), place=elsewhere)


def test_every_changed_bit_is_noticed() -> None:
    sealed = seal(SECRET, place=PLACE)
    for position in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises(KeyringError):
            open_sealed(changed, place=PLACE)


def test_every_cut_is_noticed() -> None:
    sealed = seal(SECRET, place=PLACE)
    for length in range(len(sealed)):
        with pytest.raises(SealBrokenError):
            open_sealed(sealed[:length], place=PLACE)


def test_old_keys_open_and_ask_for_rotation(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = {"k1": b"1" * 32}
    old = seal(SECRET, place=PLACE)
    assert not needs_rotation(old)

    settings.ENCRYPTION_KEYS = {"k2": b"2" * 32, "k1": b"1" * 32}

    assert needs_rotation(old)
    assert open_sealed(old, place=PLACE) == SECRET
    assert not needs_rotation(seal(SECRET, place=PLACE))


def test_missing_key_is_named(settings: Settings) -> None:
    sealed = seal(SECRET, place=PLACE)
    settings.ENCRYPTION_KEYS = {"k1": b"1" * 32}

    with pytest.raises(UnknownEncryptionKeyError, match="'k2'"):
        open_sealed(sealed, place=PLACE)


def test_key_of_the_same_name_but_other_bytes_does_not_open(settings: Settings) -> None:
    sealed = seal(SECRET, place=PLACE)
    settings.ENCRYPTION_KEYS = {"k2": b"3" * 32}

    with pytest.raises(SealBrokenError) as caught:
        open_sealed(sealed, place=PLACE)
    assert str(caught.value) == f"A sealed api_key does not open as row {PLACE.row_id}."
