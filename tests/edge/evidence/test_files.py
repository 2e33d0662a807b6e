"""Evidence files: whole or not there; pictures that show what was seen; clips that play."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from contract.canonical import sha256_hex
from contract.evidence import EvidenceKind
from edge.detectors.interface import Mark
from edge.evidence.pictures import jpeg, with_marks
from edge.evidence.store import EvidenceStore, NoRoomError
from tests.edge.parts import T0


def test_a_file_is_named_by_its_hash_and_described(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    item = store.put(b"picture", EvidenceKind.SNAPSHOT, "image/jpeg", T0)
    assert store.path_of(item.sha256).read_bytes() == b"picture"
    assert (item.sha256, item.bytes, item.kind, item.redacted) == (sha256_hex(b"picture"), 7, "snapshot", False)
    assert store.put(b"picture", EvidenceKind.SNAPSHOT, "image/jpeg", T0) == item
    store.remove(item.sha256)
    store.remove(item.sha256)
    assert list(tmp_path.iterdir()) == []


def test_what_a_kill_left_behind_is_removed(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path)
    kept = store.put(b"kept", EvidenceKind.TRACK, "application/json", T0)
    store.put(b"unlisted", EvidenceKind.TRACK, "application/json", T0)
    (tmp_path / "ab.1-22.part").write_bytes(b"half")
    assert store.remove_unlisted({kept.sha256}) == 2
    assert [path.name for path in tmp_path.iterdir()] == [kept.sha256]


def test_a_full_disk_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = EvidenceStore(tmp_path)

    def refuse(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("edge.evidence.store.os.fsync", refuse)
    with pytest.raises(NoRoomError, match="no room for snapshot of 1000 bytes") as caught:
        store.put(b"x" * 1000, EvidenceKind.SNAPSHOT, "image/jpeg", T0)
    assert caught.value.evidence.sha256 == sha256_hex(b"x" * 1000), "an event may list it all the same"
    assert list(tmp_path.iterdir()) == []


def test_the_overlay_shows_the_track_the_box_and_nothing_else() -> None:
    wall = np.full((540, 960, 3), 128, np.uint8)
    line = tuple((n / 10, 300.0 + n, 100.0 + 20 * n) for n in range(15))
    drawn = with_marks(wall, [Mark(polyline=line, box=(310, 370, 12, 12), label="thrown_object 0.92 · 9.8 m/s²")])
    assert np.all(wall == 128), "the picture itself stays as it was"
    changed = np.argwhere(np.any(drawn != wall, axis=2))
    assert len(changed) > 500
    top, left = changed.min(axis=0)
    bottom, right = changed.max(axis=0)
    assert (top, left) >= (90, 290)
    assert bottom < 100 + 20 * 14 + 20
    assert right < 700
    early, late = drawn[100, 300].astype(int), drawn[380, 314].astype(int)
    assert early[0] > early[2], "blue at the beginning"
    assert late[2] > late[0], "red at the end"


@pytest.mark.parametrize(
    "mark",
    [
        Mark(),
        Mark(polyline=((0, 5.0, 5.0),), label="one point"),
        Mark(polyline=((1, 5.0, 5.0), (1, 6.0, 6.0)), label="no time between"),
        Mark(box=(-50, -50, 20, 20), label="outside the picture " * 20),
        Mark(polyline=((0, -1e4, 1e4), (1, 1e4, -1e4)), box=(158, 118, 50, 50), label="高空抛物"),
    ],
)
def test_odd_marks_are_drawn_too(mark: Mark) -> None:
    wall = np.full((120, 160, 3), 128, np.uint8)
    assert with_marks(wall, [mark]).shape == wall.shape


def test_a_jpeg_is_the_picture() -> None:
    wall = np.zeros((120, 160, 3), np.uint8)
    wall[:, :80] = (200, 30, 30)
    back = cv2.imdecode(np.frombuffer(jpeg(wall, 85), np.uint8), cv2.IMREAD_COLOR)
    assert back is not None
    assert np.abs(back.astype(int) - wall).mean() < 5
