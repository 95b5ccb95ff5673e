"""Development against a throw-away database, Redis and owner, as ``make test`` provides them."""

import os

from config.settings.base import DATABASES, REDIS_URL
from config.settings.development import *  # noqa: F403  the tests run what development runs

# The tests' database is made by the owner; ``default`` points at the same one in the application's role.
if "owner" in DATABASES:
    DATABASES["default"]["TEST"] = {"MIRROR": "owner"}
    del DATABASES["default"]["OPTIONS"]["pool"]  # it would keep the test database from being dropped
# Test processes side by side have a broker each, or one's worker would take the other's tasks.
REDIS_URL = REDIS_URL.rpartition("/")[0] + "/" + os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
CELERY_BROKER_URL = REDIS_URL
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DOOR_CACHE_SECONDS = int(os.environ.get("DOOR_CACHE_SECONDS", "0"))
