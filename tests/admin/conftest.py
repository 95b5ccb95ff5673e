"""Who looks: staff of two tenants, and the operator."""

import time
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.admin.shops import Shop, make_shop
from tests.cast import Cast


@pytest.fixture
def alice(cast: Cast) -> Shop:
    return make_shop(cast, "Alpha")


@pytest.fixture
def bob(cast: Cast) -> Shop:
    return make_shop(cast, "Bravo")


@pytest.fixture
def operator(cast: Cast) -> User:
    return cast.staff(is_superuser=True)


@pytest.fixture
def enter() -> Callable[[User], Client]:
    """A browser in which the person is logged in."""

    def enter(user: User) -> Client:
        client = Client(headers={"Host": "localhost"})
        client.force_login(user)
        session = client.session
        session["written_at"] = time.time()  # as a login leaves it
        session.save()
        return client

    return enter
