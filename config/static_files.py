"""Static files, whole in one answer."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware

from config.log_words import Route


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]  # whitenoise publishes no types
    """WhiteNoise answers with an open file, which an ASGI server must read whole before it sends, with a warning.

    The largest of ours has some hundred kilobytes: read at once, here in the middleware's thread, it is the same work.
    """

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        found = static_file.get_response(request.method, request.META)
        body = b""
        if found.file is not None:
            with found.file as file:
                body = file.read()
        response = HttpResponse(body, status=int(found.status))
        del response["Content-Type"]  # WhiteNoise knows it, and sends none where there is no body
        for name, value in found.headers:
            response[name] = value
        response.route = Route("static/<path>")  # type: ignore[attr-defined]  # for the request's line in the log
        return response
