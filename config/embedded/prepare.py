"""``python -m config.embedded.prepare``: migrations and demo data in one process, loading Django is slow.

Standard output carries what ``seed_demo`` says, the demo logins; everything else goes to standard error.
"""

import sys

import django
from django.conf import settings
from django.core.management import call_command
from redis import Redis

from sessions.heartbeats import BEAT_KEY, WORKER_KEY


def main() -> None:
    django.setup()
    call_command("migrate", interactive=False, verbosity=1, stdout=sys.stderr)
    call_command("seed_demo")
    _forget_signs_of_life()


def _forget_signs_of_life() -> None:
    """Redis kept those of the last run, and ``/readyz`` would believe them for up to a minute."""
    with Redis.from_url(settings.REDIS_URL) as redis:
        redis.delete(WORKER_KEY, BEAT_KEY)


if __name__ == "__main__":
    main()
