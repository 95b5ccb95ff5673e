"""Celery's tasks in the log: the ids that their lines carry, and the one line that tells how each ended."""

import time
from typing import Any, Final

import structlog
from celery import signals
from celery.states import SUCCESS
from django.conf import settings
from structlog.contextvars import bind_contextvars, clear_contextvars

from config.logs import configure, tell_uncaught_errors
from config.request_ids import accepted_id, current_request_id
from tenants.authors import Author, begin_writing_as

log = structlog.get_logger(__name__)

_HEADER: Final = "parlour_request_id"
_began_at: Final[dict[str, float]] = {}


@signals.setup_logging.connect
def _configure(**_: Any) -> None:
    """Celery leaves logging alone where somebody listens here; its own would not pass the net."""
    configure(settings.LOGGING)
    tell_uncaught_errors()


@signals.before_task_publish.connect
def _send_request_id(headers: dict[str, Any], **_: Any) -> None:
    """A task that a request queues carries on its id."""
    if (request_id := current_request_id()) is not None:
        headers[_HEADER] = request_id


@signals.task_prerun.connect
def _begin(task_id: str, task: Any, **_: Any) -> None:
    clear_contextvars()
    begin_writing_as(Author.system(task.name))
    bind_contextvars(task_id=task_id, task=task.name, request_id=accepted_id(getattr(task.request, _HEADER, None)))
    _began_at[task_id] = time.perf_counter()


@signals.task_failure.connect
def _fail(exception: BaseException, **_: Any) -> None:
    log.error("task failed", exc_info=exception)


@signals.task_postrun.connect
def _end(task_id: str, state: str | None, retval: Any, **_: Any) -> None:
    """Quiet where there was nothing to do: heartbeats are many."""
    milliseconds = round((time.perf_counter() - _began_at.pop(task_id, time.perf_counter())) * 1000)
    is_dull = state == SUCCESS and not retval
    (log.debug if is_dull else log.info)("task ended", state=state, ms=milliseconds)
    clear_contextvars()
    begin_writing_as(None)
