from collections.abc import Iterator
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from agents.api_keys import api_key_place
from agents.models import ModelConnection
from agents.rotation import Rotation, rotate_tenant
from tenants.identity_secrets import make_identity_secret, open_identity_secrets
from tenants.keyring import needs_rotation, open_sealed
from tenants.models import Tenant, Website
from tenants.scoping import tenant_scope
from tests.cast import Cast

pytestmark = pytest.mark.django_db(transaction=True)

NEW_KEY = {"new": b"n" * 32}


def sealed_key(tenant: Tenant, connection_id: UUID) -> bytes:
    with tenant_scope(tenant.id):
        return bytes(ModelConnection.objects.get(id=connection_id).api_key_sealed)


def opened_key(tenant: Tenant, connection_id: UUID) -> str:
    return open_sealed(sealed_key(tenant, connection_id), place=api_key_place(tenant.id, connection_id))


@pytest.fixture
def _new_key_first(settings: Settings) -> Iterator[None]:
    """As after a restart with a new key before the old ones; the credentials of other tests go back afterwards."""
    before = settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = {**NEW_KEY, **before}
    yield
    settings.ENCRYPTION_KEYS = {**before, **NEW_KEY}
    call_command("rotate_encryption", stdout=StringIO(), stderr=StringIO())


def test_rotation_moves_every_tenants_keys(cast: Cast, settings: Settings, request: pytest.FixtureRequest) -> None:
    owners = [cast.tenant("Alice"), cast.tenant("Bob")]
    connections = [cast.connection(owner, "https://api.example.com/v1", f"sk-{owner.name}") for owner in owners]
    request.getfixturevalue("_new_key_first")

    call_command("rotate_encryption", stdout=StringIO())

    settings.ENCRYPTION_KEYS = NEW_KEY
    opened = [opened_key(owner, connection.id) for owner, connection in zip(owners, connections, strict=True)]
    assert opened == ["sk-Alice", "sk-Bob"]


def test_second_rotation_changes_nothing(cast: Cast, request: pytest.FixtureRequest) -> None:
    alice = cast.tenant()
    connection = cast.connection(alice, "https://api.example.com/v1", "sk-alice")
    request.getfixturevalue("_new_key_first")

    assert rotate_tenant(alice.id) == Rotation(alice.id, resealed=1, current=0, broken=())
    sealed = sealed_key(alice, connection.id)
    assert rotate_tenant(alice.id) == Rotation(alice.id, resealed=0, current=1, broken=())
    assert sealed_key(alice, connection.id) == sealed
    assert not needs_rotation(sealed)


def test_key_copied_from_another_tenant_is_reported_and_left(cast: Cast, request: pytest.FixtureRequest) -> None:
    alice, bob = cast.tenant(), cast.tenant()
    own = cast.connection(alice, "https://api.example.com/v1", "sk-alice")
    thief = cast.connection(bob, "https://api.example.com/v1", "sk-bob")
    stolen = sealed_key(alice, own.id)
    with tenant_scope(bob.id):
        ModelConnection.objects.filter(id=thief.id).update(api_key_sealed=stolen)
    request.getfixturevalue("_new_key_first")
    said = StringIO()

    with pytest.raises(CommandError):
        call_command("rotate_encryption", stdout=StringIO(), stderr=said)

    assert f"The api_key of ModelConnection {thief.id}, tenant {bob.id}, does not open." in said.getvalue()
    assert sealed_key(bob, thief.id) == stolen
    assert opened_key(alice, own.id) == "sk-alice"
    with tenant_scope(bob.id):
        ModelConnection.objects.filter(id=thief.id).delete()


def test_api_keys_that_still_need_the_old_key_are_named(cast: Cast, request: pytest.FixtureRequest) -> None:
    alice = cast.tenant()
    idle, _ = cast.api_key(alice)
    revoked, _ = cast.api_key(alice)
    cast.revoke(revoked)
    request.getfixturevalue("_new_key_first")
    cast.api_key(alice)
    said = StringIO()

    call_command("rotate_encryption", stdout=StringIO(), stderr=said)

    lines = [line for line in said.getvalue().splitlines() if str(alice.id) in line]
    moves = "moves when it is next used; without the old key it will be refused."
    assert lines == [f"API key sk_{idle.prefix}_..., tenant {alice.id}, {moves}"]


def test_rotation_moves_a_websites_identity_secrets(
    cast: Cast, settings: Settings, request: pytest.FixtureRequest
) -> None:
    alice = cast.tenant()
    website = cast.website(alice)
    with tenant_scope(alice.id):
        first, second = make_identity_secret(website), make_identity_secret(website)
    request.getfixturevalue("_new_key_first")

    assert rotate_tenant(alice.id) == Rotation(alice.id, resealed=2, current=0, broken=())

    settings.ENCRYPTION_KEYS = NEW_KEY
    with tenant_scope(alice.id):
        saved = Website.objects.get(id=website.id)
    sealed = (saved.identity_secret_sealed, saved.former_identity_secret_sealed)
    assert open_identity_secrets(alice.id, website.id, sealed) == [second, first]


def test_connection_without_a_key_is_passed_over(cast: Cast) -> None:
    alice = cast.tenant()
    with tenant_scope(alice.id):
        ModelConnection.objects.create(tenant_id=alice.id, name="Local", base_url="https://api.example.com/v1")

    assert rotate_tenant(alice.id) == Rotation(alice.id, resealed=0, current=0, broken=())
