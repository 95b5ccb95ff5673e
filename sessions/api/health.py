"""Probes: alive, and able to serve."""

from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from sessions.api.base import ApiView
from sessions.api.responses import json_response
from sessions.readiness import check_readiness


class HealthView(ApiView):
    @extend_schema(exclude=True)
    async def get(self, request: Request) -> HttpResponseBase:  # noqa: ARG002  a probe says nothing
        """The process is alive; nothing else is looked at."""
        return json_response({"status": "ok"})


class ReadyView(ApiView):
    @extend_schema(exclude=True)
    async def get(self, request: Request) -> HttpResponseBase:  # noqa: ARG002  a probe says nothing
        """503 where this process cannot serve a turn; otherwise 200 with ``ok`` or ``degraded`` and each part."""
        readiness = await check_readiness()
        return json_response(
            {"status": readiness.status, "parts": readiness.parts}, status=200 if readiness.can_serve else 503
        )
