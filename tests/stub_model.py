"""The stub model server as tests use it: a process of its own, on a free port, over real HTTP."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class StubModel:
    """A running stub. `url` is the base URL for a connection; behaviour also goes into a model's name."""

    url: str

    @property
    def port(self) -> int:
        return int(self.url.split(":")[2].split("/")[0])

    def control(self, **settings: Any) -> dict[str, Any]:
        """Change how it answers from now on, `reset=True` first; returns its counts."""
        return self._ask("/control", json.dumps(settings).encode())

    def release(self, model: str) -> None:
        """Lets the answers go on that ``hold_after`` in the model's name holds back."""
        self.control(release=model)

    def calls(self, model: str | None = None) -> int:
        """Requests for an answer so far, all or those of one model's name."""
        query = f"?model={quote(model)}" if model else ""
        return int(self._ask(f"/control{query}")["calls"])

    def bodies(self, newest: int = 1) -> list[dict[str, Any]]:
        """The newest requests, as `{"authorization": ..., "body": ...}`, the last one last."""
        return list(self._ask(f"/control?bodies={newest}")["bodies"])

    def _ask(self, path: str, body: bytes | None = None) -> dict[str, Any]:
        request = Request(self.url.removesuffix("/v1") + path, body)  # noqa: S310 - our own server
        with urlopen(request, timeout=10) as response:  # noqa: S310
            return dict(json.load(response))


@contextmanager
def running_stub(*options: str) -> Iterator[StubModel]:
    """Start one and end it; `options` as on its command line."""
    command = [sys.executable, "-m", "bench.stub_llm", "--port", "0", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield StubModel(process.stdout.readline().split()[-1])
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def stub_process() -> Iterator[StubModel]:
    with running_stub() as stub:
        yield stub


@pytest.fixture
def stub_model(stub_process: StubModel) -> StubModel:
    """The stub as it was at its start, with all counts at zero."""
    stub_process.control(reset=True)
    return stub_process
