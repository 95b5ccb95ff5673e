"""A server to attack, where none is named: one more process of this installation, on a port of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import Final

from django.conf import settings

from sessions.verification.client import Client

_READY_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 30.0
_LOG_BYTES: Final = 2_000


@contextmanager
def running_server() -> Iterator[str]:
    """Its address while it runs. Raises ``RuntimeError`` where it does not come up."""
    port = _free_port()
    command = [sys.executable, "-m", "config.web", "--port", str(port), "--log-level", "warning"]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": settings.SETTINGS_MODULE}
    with TemporaryFile() as log:  # a line for each refusal: the report says it shorter
        process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment, stderr=log)  # noqa: S603  our own
        try:
            address = f"http://127.0.0.1:{port}"
            if not _comes_up(address, process):
                log.seek(0)
                raise RuntimeError(f"it did not come up: {log.read()[-_LOG_BYTES:].decode(errors='replace')}")
            yield address
        finally:
            process.terminate()
            process.wait(timeout=_STOP_SECONDS)


def _comes_up(address: str, process: "subprocess.Popen[bytes]") -> bool:
    deadline, client = time.monotonic() + _READY_SECONDS, Client(address, settings.PUBLIC_URL)
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if client.get("/healthz").is_ok:
                return True
        except OSError:
            time.sleep(0.1)
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
