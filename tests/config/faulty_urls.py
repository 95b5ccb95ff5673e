"""Parlour's addresses, and some that break, or log without a thought, with the words they are sent."""

import asyncio
import logging
import threading
import warnings
from typing import Any

import structlog
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from config.urls import urlpatterns as served
from sessions.api.base import ApiView
from sessions.api.responses import json_response
from tests.config.faulty_tasks import break_down, give_back

log = structlog.get_logger("sessions.careless")


@csrf_exempt
def broken_page(request: HttpRequest) -> HttpResponse:
    words = request.POST["words"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::int", [words])
    return HttpResponse()


class BrokenView(ApiView):
    @extend_schema(exclude=True)
    async def post(self, request: Request) -> Any:
        words = dict(request.data)["words"]
        raise ValueError(words, request.headers)


class CarelessView(ApiView):
    @extend_schema(exclude=True)
    async def post(self, request: Request) -> Any:
        words: str = dict(request.data)["words"]
        log.warning(f"they said {words}")  # noqa: G004  what is not to be told
        log.info("said", message=words, code=words, reason=words, route=words)
        log.info("said", state=words, task=words, tenant_id=words, ms=words, logger=words)
        log.info("said %s", words)
        log.info("a turn", **{words: words})
        library = logging.getLogger("a.library")
        library.warning("said %s and %r", words, {"words": words})
        library.error(words, extra={"request": request, "words": words}, stack_info=True)
        library.info(f"they said {words}")
        library.info("%d", words)
        logging.getLogger(words).warning("a logger of their name")
        warnings.warn(words, stacklevel=1)
        threading.Thread(target=int, args=[words]).start()
        fail = asyncio.create_task(_fail(words))
        await asyncio.wait([fail])
        del fail  # nobody asked how it ended
        break_down.delay(words)
        give_back.delay(words)
        return json_response({})


async def _fail(words: str) -> None:
    raise RuntimeError(words)


urlpatterns = [
    path("broken/page/", broken_page),
    path("api/broken/", BrokenView.as_view()),
    path("api/careless/", CarelessView.as_view()),
    path("", include(served)),
]
