"""Development with addresses and tasks that break in every way, for the test of what is logged then."""

from config.settings.development import *  # noqa: F403  a settings module is the sum of its base and its own

ROOT_URLCONF = "tests.config.faulty_urls"
CELERY_IMPORTS = ["tests.config.faulty_tasks"]
