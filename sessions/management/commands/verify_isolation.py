"""Attacks this installation as strangers, visitors and staff would, and reports what they got hold of."""

import json
import signal
import sys
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from sessions.verification.client import Client
from sessions.verification.report import Report
from sessions.verification.server import running_server
from sessions.verification.verify import ATTACKS, Size, verify_isolation


class Command(BaseCommand):
    help = (
        "Builds tenants, websites and conversations, attacks every endpoint, page and table with swapped ids, tokens, "
        "keys, origins and roles, takes everything away again, and prints a report. Touches no other row. Ends with "
        "status 1 where anything leaked."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", help="the server to attack; without it one is started for the purpose")
        parser.add_argument("--tenants", type=_several, default=2)
        parser.add_argument("--websites", type=_several, default=2, help="of each tenant")
        parser.add_argument("--sessions", type=_several, default=2, help="of each website")
        parser.add_argument("--only", nargs="+", choices=ATTACKS, default=list(ATTACKS), help="these attacks alone")
        parser.add_argument("--json", type=Path, metavar="FILE", help="writes every attack into this file, too")

    def handle(self, *args: Any, **options: Any) -> None:
        size = Size(options["tenants"], options["websites"], options["sessions"])
        with _ending_in_order():
            report = self._verified(options["url"], size, options["only"])
        if options["json"]:
            options["json"].write_text(json.dumps(report.as_json(), indent=2) + "\n")
        self.stdout.write(report.as_text())
        if not report.holds:
            raise CommandError("Isolation does not hold.", returncode=1)

    def _verified(self, url: str | None, size: Size, kinds: list[str]) -> Report:
        try:
            if url is not None:
                return verify_isolation(Client(url, settings.PUBLIC_URL), size, kinds)
            with running_server() as started:
                return verify_isolation(Client(started, settings.PUBLIC_URL), size, kinds)
        except (RuntimeError, OSError, HTTPException, DatabaseError) as error:
            raise CommandError(f"The server could not be attacked: {error}", returncode=2) from error


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """SIGTERM ends the run as Ctrl-C does: what was built is taken away."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _several(text: str) -> int:
    if not text.isdecimal() or int(text) < 2:  # noqa: PLR2004
        raise ArgumentTypeError("two or more are needed: somebody must be attacked")
    return int(text)
