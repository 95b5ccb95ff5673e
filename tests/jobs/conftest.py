"""Every test of jobs finds and leaves none that ran: readiness tells about all of them."""

from collections.abc import Iterator

import pytest

from tenants.models import JobHeartbeat


@pytest.fixture(autouse=True)
def _no_job_ran(database: None) -> Iterator[None]:
    JobHeartbeat.objects.all().delete()
    yield
    JobHeartbeat.objects.all().delete()
