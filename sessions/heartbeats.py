"""Signs of life of the worker and of beat, kept in Redis for a minute; what each job did is in ``tenants.jobs``."""

from typing import Any, Final

from celery.signals import beat_init, worker_ready
from django.conf import settings
from redis import Redis

WORKER_KEY: Final = "parlour:heartbeat:worker"
BEAT_KEY: Final = "parlour:heartbeat:beat"
_SECONDS_REMEMBERED: Final = 60


def record_signs_of_life(*keys: str) -> None:
    with Redis.from_url(settings.REDIS_URL) as redis:
        for key in keys:
            redis.set(key, "alive", ex=_SECONDS_REMEMBERED)


@worker_ready.connect
def _worker_is_ready(**_: Any) -> None:
    record_signs_of_life(WORKER_KEY)


@beat_init.connect
def _beat_begins(**_: Any) -> None:
    record_signs_of_life(BEAT_KEY)
