"""Evidence that will never come is shown as such, and abandoned uploads are cleared away."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import func, select

from contract.canonical import sha256_hex
from contract.events import EvidenceDroppedData, event_of
from contract.ids import uuid7
from server.alerts.listing import alert_detail
from server.alerts.schemas import EvidenceView
from server.alerts.tables import alerts
from server.audit.tables import audit_log
from server.db import Database
from server.evidence.files import EvidenceFiles
from server.evidence.janitor import remove_abandoned
from server.evidence.tables import evidence_drops
from server.grids.model import EVERYWHERE
from server.live.tables import live_feed
from tests.server.conftest import DeviceBox
from tests.server.evidence.conftest import Uploader
from tests.server.evidence.test_uploads import state
from tests.server.support import Edge, describe, send, statuses

CLIP = os.urandom(5000)
PICTURE = os.urandom(900)


def report(edge: Edge, contents: list[bytes], reason: str = "disk_short", **changes: Any) -> bytes:
    """What an edge says when it gave files up."""
    now = datetime.now(UTC)
    size = sum(map(len, contents))
    data = EvidenceDroppedData.model_validate(
        {
            "reason": reason,
            "items": [{"sha256": sha256_hex(content), "kind": "clip", "bytes": len(content)} for content in contents],
            "files": len(contents),
            "bytes": size,
            "total_files": 7,
            "total_bytes": 70_000,
            **changes,
        }
    )
    event = event_of(data, event_id=uuid7(now), device_id=edge.device.id, time=now)
    return edge.link(event.as_json())


def shown(database: Database) -> dict[str, EvidenceView]:
    """The evidence of the only alert, by hash."""
    with database.read() as connection:
        alert_id = connection.execute(select(alerts.c.id)).scalar_one()
        return {item.sha256: item for item in alert_detail(connection, alert_id, EVERYWHERE).evidence}


def feed_position(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute(select(func.max(live_feed.c.seq))).scalar_one())


def test_what_was_dropped_at_the_edge_is_not_waited_for(
    client: TestClient, database: Database, device: DeviceBox
) -> None:
    edge = Edge(device)
    described = [
        describe(CLIP, "clip", 'video/mp4; codecs="avc1.64000a"', short_seconds=2.5),
        describe(PICTURE, label="north_1"),
    ]
    assert statuses(send(client, device, [edge.hazard(evidence=described)])) == ["accepted"]
    before = feed_position(database)
    assert statuses(send(client, device, [report(edge, [CLIP]), edge.head()])) == ["accepted", "accepted"]
    found = shown(database)
    clip, picture = found[sha256_hex(CLIP)], found[sha256_hex(PICTURE)]
    assert (clip.state, clip.dropped_reason, clip.short_seconds) == ("dropped", "disk_short", 2.5)
    assert (picture.state, picture.dropped_reason, picture.short_seconds) == ("expected", None, None)
    assert (picture.label, clip.label) == ("north_1", None), "what of the scene it shows is told on"
    assert feed_position(database) > before, "browsers are told"
    with database.read() as connection:
        row = connection.execute(select(audit_log).where(audit_log.c.action == "evidence.dropped")).one()
    assert row.actor == f"device:{device.id}"
    assert '"total_files":7' in row.after


def test_the_report_may_come_with_its_event_or_again(client: TestClient, database: Database, device: DeviceBox) -> None:
    edge = Edge(device)
    events = [edge.hazard(evidence=[describe(CLIP, "clip")]), report(edge, [CLIP], "quota"), report(edge, [CLIP])]
    assert statuses(send(client, device, events)) == ["accepted"] * 3
    assert shown(database)[sha256_hex(CLIP)].dropped_reason == "quota", "the first word stands"
    assert statuses(send(client, device, events)) == ["duplicate"] * 3


def test_a_file_that_comes_after_all_is_here(client: TestClient, database: Database, device: DeviceBox) -> None:
    edge = Edge(device)
    send(client, device, [edge.hazard(evidence=[describe(CLIP, "clip")]), report(edge, [CLIP])])
    assert Uploader(client, device).patch(sha256_hex(CLIP), 0, CLIP).status_code == 204
    item = shown(database)[sha256_hex(CLIP)]
    assert (item.state, item.dropped_reason) == ("whole", None)


def test_another_device_may_still_send_the_same_file(
    client: TestClient, database: Database, device: DeviceBox, other_device: DeviceBox
) -> None:
    send(client, device, [Edge(device).hazard(evidence=[describe(CLIP, "clip")])])
    send(client, other_device, [report(Edge(other_device), [CLIP])])
    assert shown(database)[sha256_hex(CLIP)].state == "expected"


def test_withheld_updates_are_on_record_without_a_file(
    client: TestClient, database: Database, device: DeviceBox
) -> None:
    assert statuses(send(client, device, [report(Edge(device), [], updates_withheld=41)])) == ["accepted"]
    with database.read() as connection:
        row = connection.execute(select(audit_log.c.after).where(audit_log.c.action == "evidence.dropped")).one()
        assert connection.execute(select(func.count()).select_from(evidence_drops)).scalar_one() == 0
    assert '"updates_withheld":41' in row.after


def test_a_report_that_does_not_fit_is_a_dead_letter(client: TestClient, database: Database, device: DeviceBox) -> None:
    edge = Edge(device)
    good = report(edge, [CLIP])
    bad = good.replace(b'"files":1', b'"files":-1')
    (answer,) = send(client, device, [bad])
    assert (answer["status"], answer["problem"]["field"]) == ("dead_letter", "data.files")


def test_abandoned_uploads_are_removed_and_begin_anew(uploader: Uploader, database: Database, folder: Path) -> None:
    old, young = uploader.announce(CLIP), uploader.announce(PICTURE)
    uploader.patch(old, 0, CLIP[:1000])
    uploader.patch(young, 0, PICTURE[:100])
    (path,) = (folder / "partial").glob(f"{old}-*")
    week_ago = time.time() - 8 * 86_400
    os.utime(path, (week_ago, week_ago))
    files = EvidenceFiles(folder)
    assert remove_abandoned(database, files, datetime.now(UTC) - timedelta(days=7)) == 1
    assert (state(database, old), state(database, young)) == ("expected", "partial")
    assert uploader.head(old).headers["Upload-Offset"] == "0"
    assert uploader.head(young).headers["Upload-Offset"] == "100"
    assert uploader.patch(old, 0, CLIP).status_code == 204
    assert state(database, old) == "whole"


def test_an_upload_under_way_is_left_alone(uploader: Uploader, database: Database, folder: Path) -> None:
    sha256 = uploader.announce(CLIP)
    files = EvidenceFiles(folder)
    with files.open_partial(sha256, uploader.device.id) as partial:
        partial.append(CLIP[:10])
        partial.flush()
        assert remove_abandoned(database, files, datetime.now(UTC) + timedelta(days=1)) == 0
    assert remove_abandoned(database, files, datetime.now(UTC) + timedelta(days=1)) == 1
