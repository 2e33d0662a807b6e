"""Uploads: resumable, bounded, believed only when the hash is right."""

from __future__ import annotations

import fcntl
import hashlib
import random
import threading
from collections.abc import Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from server.db import Database
from server.evidence.tables import evidence_files, evidence_links
from server.live.tables import live_feed
from server.settings import Settings
from tests.server.conftest import DeviceBox
from tests.server.evidence.conftest import Uploader, where
from tests.server.support import Edge, describe, send

CLIP = random.Random(7).randbytes(300_000)


def state(database: Database, sha256: str) -> str:
    with database.read() as connection:
        found: str = connection.execute(
            select(evidence_files.c.state).where(evidence_files.c.sha256 == sha256)
        ).scalar_one()
    return found


def test_a_file_arrives_in_pieces(uploader: Uploader, database: Database, folder: Path) -> None:
    sha256 = uploader.announce(CLIP, kind="clip", media_type="video/mp4")
    answer = uploader.head(sha256)
    assert answer.status_code == 200
    assert (answer.headers["Upload-Offset"], answer.headers["Upload-Complete"]) == ("0", "?0")
    assert answer.headers["Upload-Length"] == str(len(CLIP))
    assert state(database, sha256) == "expected"
    answer = uploader.patch(sha256, 0, CLIP[:100_000])
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "100000")
    assert state(database, sha256) == "partial"
    assert uploader.head(sha256).headers["Upload-Offset"] == "100000"
    answer = uploader.patch(sha256, 100_000, CLIP[100_000:])
    assert (answer.status_code, answer.headers["Upload-Complete"]) == (204, "?1")
    assert state(database, sha256) == "whole"
    assert where(folder, CLIP).read_bytes() == CLIP
    assert list((folder / "partial").iterdir()) == []
    assert uploader.head(sha256).headers["Upload-Complete"] == "?1"


def test_the_alert_tells_the_browsers_when_a_file_is_whole(uploader: Uploader, database: Database) -> None:
    sha256 = uploader.announce(CLIP)
    with database.read() as connection:
        before = connection.execute(select(func.max(live_feed.c.seq))).scalar_one()
    uploader.patch(sha256, 0, CLIP)
    with database.read() as connection:
        after = connection.execute(select(func.max(live_feed.c.seq))).scalar_one()
    assert after > before


def test_a_wrong_offset_is_told_the_right_one(uploader: Uploader) -> None:
    sha256 = uploader.announce(CLIP)
    uploader.patch(sha256, 0, CLIP[:1000])
    for offset in (0, 999, 1001, 10**9):
        answer = uploader.patch(sha256, offset, CLIP[offset : offset + 10])
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (409, "1000")
        assert answer.json()["offset"] == 1000
    assert uploader.patch(sha256, 1000, CLIP[1000:]).status_code == 204


@pytest.mark.parametrize(("last", "whole"), [(CLIP[-1:], True), (bytes([CLIP[-1] ^ 1]), False)], ids=["right", "wrong"])
def test_a_server_that_ended_after_the_last_byte_finishes_later(
    uploader: Uploader, database: Database, folder: Path, last: bytes, whole: bool
) -> None:
    """Every byte is here, but it was killed before it looked at the hash: "complete" must not be said untried."""
    sha256 = uploader.announce(CLIP)
    uploader.patch(sha256, 0, CLIP[:-1])
    (partial,) = (folder / "partial").iterdir()
    with partial.open("ab") as file:
        file.write(last)
    answer = uploader.head(sha256)
    assert answer.headers["Upload-Complete"] == f"?{int(whole)}"
    assert answer.headers["Upload-Offset"] == str(len(CLIP) if whole else 0)
    assert (state(database, sha256) == "whole") is whole
    assert uploader.patch(sha256, len(CLIP) if whole else 0, b"" if whole else CLIP).status_code == 204
    assert where(folder, CLIP).read_bytes() == CLIP


def test_finishing_twice_is_fine(uploader: Uploader) -> None:
    sha256 = uploader.upload(CLIP)
    assert uploader.patch(sha256, len(CLIP), b"").status_code == 204
    assert uploader.patch(sha256, 0, CLIP).status_code == 409


def test_wrong_bytes_are_discarded_and_one_begins_again(uploader: Uploader, database: Database, folder: Path) -> None:
    sha256 = uploader.announce(CLIP)
    answer = uploader.patch(sha256, 0, random.Random(8).randbytes(len(CLIP)))
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (422, "0")
    assert answer.json()["title"] == "Hash mismatch"
    assert not where(folder, CLIP).exists()
    assert state(database, sha256) != "whole"
    assert uploader.patch(sha256, 0, CLIP).headers["Upload-Complete"] == "?1"


def test_more_than_was_announced_is_refused(uploader: Uploader) -> None:
    sha256 = uploader.announce(CLIP)
    assert uploader.patch(sha256, 0, CLIP + b"!").status_code == 413
    uploader.patch(sha256, 0, CLIP[:1000])

    def endless() -> Iterator[bytes]:  # without a Content-Length
        for _ in range(40):
            yield CLIP[:10_000]

    assert uploader.patch(sha256, 1000, endless()).status_code == 413
    assert uploader.head(sha256).headers["Upload-Offset"] == "1000"
    assert uploader.patch(sha256, 1000, CLIP[1000:]).status_code == 204


class TestLimit:
    @pytest.fixture
    def settings(self, database_url: str, tmp_path: Path) -> Settings:
        return Settings(
            database_url=database_url,
            data_dir=tmp_path,
            console_dir=tmp_path / "none",
            evidence_max_bytes=1_000,
            evidence_document_max_bytes=100,
        )

    def test_a_file_beyond_the_servers_own_limit_is_refused(self, uploader: Uploader) -> None:
        sha256 = uploader.announce(CLIP)
        assert uploader.patch(sha256, 0, CLIP[:10]).status_code == 413

    def test_a_document_has_a_limit_of_its_own(self, uploader: Uploader) -> None:
        uploader.upload(b"[" + b" " * 98 + b"]", kind="timeline", media_type="application/json")
        sha256 = uploader.announce(b"[" + b" " * 99 + b"]", kind="timeline", media_type="application/json")
        answer = uploader.patch(sha256, 0, b"[")
        assert (answer.status_code, "document has 101 bytes" in answer.text) == (413, True)


def test_what_nobody_announced_is_not_taken(uploader: Uploader, other_device: DeviceBox, folder: Path) -> None:
    sha256 = hashlib.sha256(CLIP).hexdigest()
    assert uploader.head(sha256).status_code == 404
    assert uploader.patch(sha256, 0, CLIP).status_code == 404
    uploader.announce(CLIP)
    stranger = Uploader(uploader.client, other_device)
    assert stranger.head(sha256).status_code == 404
    assert stranger.patch(sha256, 0, CLIP).status_code == 404
    assert not folder.exists() or list(folder.rglob("*-*")) == []


@pytest.mark.parametrize(
    "name",
    [
        "..%2F..%2Fetc%2Fpasswd",
        "..",
        "%2e%2e%2f" * 4,
        "A" * 64,
        "g" * 64,
        "0" * 63,
        "0" * 65,
        "0" * 64 + "%00",
        "partial",
        "%2Ftmp%2Fx",
        "0" * 62 + "/0",
    ],
)
def test_names_that_are_no_hash_never_reach_the_disk(uploader: Uploader, folder: Path, name: str) -> None:
    for answer in (uploader.head(name), uploader.patch(name, 0, b"x")):
        assert answer.status_code in (404, 405, 422)
    assert not folder.exists()


def test_other_content_types_and_missing_offsets_are_refused(uploader: Uploader) -> None:
    sha256 = uploader.announce(CLIP)
    assert uploader.patch(sha256, 0, CLIP, **{"Content-Type": "video/mp4"}).status_code == 415
    assert uploader.patch(sha256, 0, CLIP, **{"Upload-Offset": "-1"}).status_code == 422
    assert uploader.patch(sha256, 0, CLIP, **{"Upload-Offset": "none"}).status_code == 422
    assert uploader.patch(sha256, 0, CLIP, **{"Content-Encoding": "gzip"}).status_code == 415


def test_two_devices_may_have_the_same_file(
    uploader: Uploader, other_device: DeviceBox, database: Database, folder: Path
) -> None:
    sha256 = uploader.announce(CLIP)
    other = Uploader(uploader.client, other_device)
    other.announce(CLIP)
    uploader.patch(sha256, 0, CLIP[:1000])
    assert other.head(sha256).headers["Upload-Offset"] == "0", "one device's bytes are not another's"
    assert other.patch(sha256, 0, CLIP).headers["Upload-Complete"] == "?1"
    assert uploader.head(sha256).headers["Upload-Complete"] == "?1", "the file is here, whoever brought it"
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(evidence_files)).scalar_one() == 1
        assert connection.execute(select(func.count()).select_from(evidence_links)).scalar_one() == 2
    assert [path for path in folder.rglob("*") if path.name == sha256] == [where(folder, CLIP)]


def test_a_foreign_announcement_with_another_length_spoils_nothing(uploader: Uploader, other_device: DeviceBox) -> None:
    spoiler = Uploader(uploader.client, other_device)
    sha256 = spoiler.announce(CLIP, bytes=10)
    uploader.announce(CLIP)
    assert spoiler.patch(sha256, 0, CLIP[:10]).status_code == 422
    assert uploader.patch(sha256, 0, CLIP).headers["Upload-Complete"] == "?1"


def test_two_requests_at_once_for_one_file(uploader: Uploader, folder: Path) -> None:
    sha256 = uploader.announce(CLIP)
    uploader.patch(sha256, 0, CLIP[:10])
    (partial,) = (folder / "partial").iterdir()
    with partial.open("rb") as held:  # another request (or process) has it
        fcntl.flock(held, fcntl.LOCK_EX)
        answer = uploader.patch(sha256, 10, CLIP[10:])
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (409, "10")
    assert uploader.patch(sha256, 10, CLIP[10:]).status_code == 204


def test_a_crowd_of_requests_leaves_one_whole_file(uploader: Uploader, folder: Path) -> None:
    sha256 = uploader.announce(CLIP)
    barrier = threading.Barrier(6)

    def sender(_number: int) -> list[int]:
        barrier.wait(timeout=30)
        codes = []
        for _ in range(20):
            offset = int(uploader.head(sha256).headers["Upload-Offset"])
            if offset == len(CLIP):
                return codes
            codes.append(uploader.patch(sha256, offset, CLIP[offset : offset + 40_000]).status_code)
        return codes

    with ThreadPoolExecutor(6) as pool:
        codes = {code for found in pool.map(sender, range(6)) for code in found}
    assert codes <= {204, 409}
    assert uploader.head(sha256).headers["Upload-Complete"] == "?1"
    assert where(folder, CLIP).read_bytes() == CLIP


def test_a_file_moved_before_the_end_is_noted_afterwards(uploader: Uploader, database: Database, folder: Path) -> None:
    sha256 = uploader.announce(CLIP)
    place = where(folder, CLIP)
    place.parent.mkdir(parents=True)
    place.write_bytes(CLIP)  # the server ended between moving the verified file and its commit
    assert uploader.head(sha256).headers["Upload-Complete"] == "?1"
    assert state(database, sha256) == "whole"


def test_more_bytes_than_announced_on_disk_begin_again(uploader: Uploader, folder: Path) -> None:
    sha256 = uploader.announce(CLIP)
    uploader.patch(sha256, 0, CLIP[:10])
    (partial,) = (folder / "partial").iterdir()
    partial.write_bytes(CLIP + b"killed before it was taken back")
    assert uploader.head(sha256).headers["Upload-Offset"] == "0"
    assert uploader.patch(sha256, 0, CLIP).headers["Upload-Complete"] == "?1"


def test_a_body_that_breaks_off_is_kept_and_gone_on_with(app: FastAPI, uploader: Uploader) -> None:
    sha256 = uploader.announce(CLIP)
    headers = {**uploader.device.headers, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "PATCH",
        "scheme": "http",
        "path": f"/api/v1/evidence-uploads/{sha256}",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
    }
    comes = [
        {"type": "http.request", "body": CLIP[:100_000], "more_body": True},
        {"type": "http.request", "body": CLIP[100_000:123_456], "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> dict[str, Any]:
        return comes.pop(0)

    async def send(_message: MutableMapping[str, Any]) -> None:
        """Nobody is there to hear it."""

    assert uploader.client.portal is not None
    uploader.client.portal.call(app, scope, receive, send)
    answer = uploader.head(sha256)
    assert (answer.headers["Upload-Offset"], answer.headers["Upload-Complete"]) == ("123456", "?0")
    assert uploader.patch(sha256, 123_456, CLIP[123_456:]).headers["Upload-Complete"] == "?1"


def test_announced_once_listed_in_every_later_event(client: TestClient, database: Database, device: DeviceBox) -> None:
    edge, described = Edge(device), [describe(CLIP), describe(CLIP[:5], kind="track", media_type="application/json")]
    first = edge.hazard_json(evidence=described[:1])
    episode = first["data"]["episode_id"]
    later = [
        edge.link(first),
        edge.hazard(episode, 2, "updated", evidence=described),
        edge.hazard(episode, 3, "cleared", evidence=described),
    ]
    send(client, device, later)
    with database.read() as connection:
        rows = connection.execute(select(evidence_links.c.kind).order_by(evidence_links.c.kind)).scalars().all()
    assert list(rows) == ["snapshot", "track"]
