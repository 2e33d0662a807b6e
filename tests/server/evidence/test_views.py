"""Evidence in the browser: for those whose scope covers it, in ranges, and never as a program."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import select, update

from server.accounts.schemas import Role
from server.audit.tables import audit_log
from server.db import Database
from server.evidence.tables import evidence_views
from tests.server.conftest import DeviceBox, Person, make_person
from tests.server.evidence.conftest import Uploader, where

CLIP = random.Random(9).randbytes(50_000)


@pytest.fixture
def viewer(app: FastAPI, operator: Person) -> Person:
    """Sees everything."""
    return make_person(app, "zhao", Role.OPERATOR, "*")


def test_a_clip_is_served_as_what_it_is(uploader: Uploader, viewer: Person) -> None:
    sha256 = uploader.upload(CLIP, kind="clip", media_type="video/mp4")
    answer = viewer.client.get(f"/api/v1/evidence/{sha256}")
    assert answer.status_code == 200
    assert answer.content == CLIP
    headers = answer.headers
    assert headers["Content-Type"] == "video/mp4"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]
    assert headers["Content-Disposition"].startswith("inline")
    assert headers["ETag"] == f'"{sha256}"'
    assert "private" in headers["Cache-Control"]
    assert "immutable" in headers["Cache-Control"]


def test_a_timeline_is_served_as_data_and_only_as_data(uploader: Uploader, viewer: Person) -> None:
    content = b'{"version":1,"heads":"</script><script>alert(1)</script>"}'
    sha256 = uploader.upload(content, kind="timeline", media_type="application/json")
    answer = viewer.client.get(f"/api/v1/evidence/{sha256}")
    assert (answer.content, answer.headers["Content-Type"]) == (content, "application/json")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert f'"timeline-{sha256[:16]}.json"' in answer.headers["Content-Disposition"]


def test_ranges_let_a_player_seek(uploader: Uploader, viewer: Person) -> None:
    sha256 = uploader.upload(CLIP, kind="clip", media_type="video/mp4")
    url = f"/api/v1/evidence/{sha256}"
    answer = viewer.client.get(url, headers={"Range": "bytes=1000-1999"})
    assert (answer.status_code, answer.content) == (206, CLIP[1000:2000])
    assert answer.headers["Content-Range"] == f"bytes 1000-1999/{len(CLIP)}"
    assert viewer.client.get(url, headers={"Range": "bytes=-10"}).content == CLIP[-10:]
    assert viewer.client.get(url, headers={"Range": f"bytes={len(CLIP)}-"}).status_code == 416
    assert viewer.client.get(url, headers={"If-None-Match": f'"{sha256}"'}).status_code == 304


@pytest.mark.parametrize("media_type", ["text/html", "image/svg+xml", "application/pdf", "text/javascript"])
def test_what_could_be_a_program_is_a_download(uploader: Uploader, viewer: Person, media_type: str) -> None:
    sha256 = uploader.upload(b"<script>alert(1)</script>", kind="telemetry", media_type=media_type)
    answer = viewer.client.get(f"/api/v1/evidence/{sha256}")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_outside_the_scope_there_is_no_such_file(uploader: Uploader, app: FastAPI, viewer: Person) -> None:
    sha256 = uploader.upload(CLIP)  # no grids: the alert waits in the catch-all queue, which belongs to the root
    stranger = make_person(app, "sun", Role.ADMIN, "410199002")
    answer = stranger.client.get(f"/api/v1/evidence/{sha256}")
    assert answer.status_code == 404
    nothing = viewer.client.get(f"/api/v1/evidence/{'0' * 64}")
    assert nothing.status_code == 404
    assert answer.json()["detail"] == nothing.json()["detail"], "the two must look the same"


def test_what_is_not_whole_is_not_shown(uploader: Uploader, viewer: Person) -> None:
    sha256 = uploader.announce(CLIP)
    uploader.patch(sha256, 0, CLIP[:100])
    assert viewer.client.get(f"/api/v1/evidence/{sha256}").status_code == 404


def test_a_lost_file_is_missed_and_may_come_again(uploader: Uploader, viewer: Person, folder: Path) -> None:
    sha256 = uploader.upload(CLIP)
    where(folder, CLIP).unlink()
    assert viewer.client.get(f"/api/v1/evidence/{sha256}").status_code == 404
    assert uploader.head(sha256).headers["Upload-Offset"] == "0"
    assert uploader.patch(sha256, 0, CLIP).status_code == 204
    assert viewer.client.get(f"/api/v1/evidence/{sha256}").content == CLIP


def test_looks_at_unredacted_evidence_are_on_record_once_an_hour(
    uploader: Uploader, viewer: Person, database: Database, operator: Person
) -> None:
    sha256 = uploader.upload(CLIP, redacted=False)
    url = f"/api/v1/evidence/{sha256}"

    def looks() -> list[str]:
        with database.read() as connection:
            query = select(audit_log).where(audit_log.c.action == "evidence.view").order_by(audit_log.c.seq)
            rows = connection.execute(query).all()
        assert all(row.subject_id == sha256 and row.request_id for row in rows)
        return [row.actor for row in rows]

    for start in range(5):
        viewer.client.get(url, headers={"Range": f"bytes={start}-"})
    assert looks() == ["zhao"]
    with database.write() as connection:
        long_ago = evidence_views.c.viewed_at
        row = connection.execute(select(long_ago)).scalar_one()
        connection.execute(update(evidence_views).values(viewed_at=row.replace(year=row.year - 1)))
    viewer.client.get(url)
    assert looks() == ["zhao", "zhao"]


def test_looks_at_redacted_evidence_are_nobodys_business(
    uploader: Uploader, viewer: Person, database: Database, other_device: DeviceBox
) -> None:
    sha256 = uploader.upload(CLIP, redacted=True)
    viewer.client.get(f"/api/v1/evidence/{sha256}")
    with database.read() as connection:
        assert connection.execute(select(audit_log).where(audit_log.c.action == "evidence.view")).all() == []
