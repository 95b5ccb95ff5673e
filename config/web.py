"""The web server: uvicorn, with what Parlour needs of it. ``python -m config.web --port 8000 --workers 2``."""

import argparse
import os

import uvicorn

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

from django.conf import settings  # the settings must be named before they are read

from config.logs import configure, tell_uncaught_errors


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m config.web", description="Serves Parlour over HTTP.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--workers", type=int, default=1, help="processes; any of them serves any turn")
    parser.add_argument("--log-level", default="info")
    options = parser.parse_args()
    configure(settings.LOGGING)
    tell_uncaught_errors()
    uvicorn.run(
        "config.asgi:application",
        host=options.host,
        port=options.port,
        workers=options.workers,
        log_level=options.log_level,
        lifespan="on",
        ws="none",
        access_log=False,  # config.request_lines has one that names no path and no address
        log_config=None,  # ours, in the process that only starts the others, too
        server_header=False,
        # It would believe X-Forwarded-For from this machine; TRUSTED_PROXY_COUNT decides.
        proxy_headers=False,
        # Half of the grace is for answers on their way, the other for turns whose visitors have left.
        timeout_graceful_shutdown=settings.SHUTDOWN_GRACE_SECONDS // 2,
    )


if __name__ == "__main__":
    main()
