"""Development against a throw-away database, Redis and owner, as ``make test`` provides them."""

import os

from config.settings.base import DATABASES
from config.settings.development import *  # noqa: F403  the tests run what development runs

# The tests' database is made by the owner; ``default`` points at the same one in the application's role.
if "owner" in DATABASES:
    DATABASES["default"]["TEST"] = {"MIRROR": "owner"}
    DATABASES["default"]["OPTIONS"] = {}  # a pool would keep the test database from being dropped
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DOOR_CACHE_SECONDS = int(os.environ.get("DOOR_CACHE_SECONDS", "0"))
