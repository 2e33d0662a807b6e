"""The page's server over a box that the test writes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from edge.config.local import LocalSettings
from edge.local.server import LocalServer
from tests.edge.brokers import free_port
from tests.edge.local.box import WrittenBox


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").status_code in {200, 503}
    except httpx.TransportError:
        return False


@dataclass(frozen=True)
class Served:
    """A running server, its box and its owner's token."""

    url: str
    box: WrittenBox
    state_dir: Path
    server: LocalServer

    @property
    def token(self) -> str:
        return (self.state_dir / "local.token").read_text().strip()

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def owner(self) -> httpx.Client:
        """A client with the token."""
        return httpx.Client(base_url=self.url, headers=self.bearer)

    def stranger(self) -> httpx.Client:
        return httpx.Client(base_url=self.url)

    @contextmanager
    def browser(self) -> Iterator[httpx.Client]:
        """A client that has signed in through the form."""
        with httpx.Client(base_url=self.url) as client:
            assert client.post("/sign-in", data={"token": self.token}).status_code == 303
            yield client


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    port = free_port()
    box = WrittenBox()
    server = LocalServer(LocalSettings(port=port), tmp_path, box)
    server.start()
    url = f"http://127.0.0.1:{port}"
    wait_until(lambda: answers(url), "the server answers")
    yield Served(url, box, tmp_path, server)
    assert server.stop(30), "it ends"
