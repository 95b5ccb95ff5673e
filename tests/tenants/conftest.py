from collections.abc import Iterator

import pytest

from tests.tenants.internet import Internet, running_internet


@pytest.fixture
def internet() -> Iterator[Internet]:
    """Websites and name servers of this test's own."""
    with running_internet() as internet:
        yield internet
