"""A device that has announced a file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from server.settings import Settings
from tests.server.conftest import DeviceBox
from tests.server.support import Edge, describe, send, statuses


@dataclass
class Uploader:
    """Sends a device's files."""

    client: TestClient
    device: DeviceBox

    def announce(self, content: bytes, **changes: Any) -> str:
        """An event that lists the file; returns its hash."""
        described = describe(content, **changes)
        event = Edge(self.device).hazard(evidence=[described])
        assert statuses(send(self.client, self.device, [event])) == ["accepted"]
        sha256: str = described["sha256"]
        return sha256

    def head(self, sha256: str) -> Response:
        return self.client.head(f"/api/v1/evidence-uploads/{sha256}", headers=self.device.headers)

    def patch(self, sha256: str, offset: int, content: Any, **headers: str) -> Response:
        return self.client.patch(
            f"/api/v1/evidence-uploads/{sha256}",
            content=content,
            headers={
                **self.device.headers,
                "Upload-Offset": str(offset),
                "Content-Type": "application/offset+octet-stream",
                **headers,
            },
        )

    def upload(self, content: bytes, **changes: Any) -> str:
        """Announces and sends the whole file."""
        sha256 = self.announce(content, **changes)
        answer = self.patch(sha256, 0, content)
        assert answer.status_code == 204, answer.text
        assert answer.headers["Upload-Complete"] == "?1"
        return sha256


@pytest.fixture
def uploader(client: TestClient, device: DeviceBox) -> Uploader:
    return Uploader(client, device)


@pytest.fixture
def folder(settings: Settings) -> Path:
    """Where the files lie."""
    return settings.data_dir / "evidence"


def where(folder: Path, content: bytes) -> Path:
    """Where a whole file lies."""
    sha256 = hashlib.sha256(content).hexdigest()
    return folder / sha256[:2] / sha256
