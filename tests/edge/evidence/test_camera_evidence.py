"""Evidence of a camera's episodes as settings ask for it, and what happens where the disk has no room."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from contract.evidence import Evidence
from edge.config.evidence import EvidenceSettings
from edge.detectors.interface import Frame
from edge.episodes.episode import Episode
from edge.evidence import camera as camera_module
from edge.evidence.camera import CameraEvidence, Inline
from edge.evidence.store import EvidenceStore
from tests.edge.evidence.small_disk import fill_up, small_disk
from tests.edge.evidence.streams import encode, frames_of, ring_of
from tests.edge.parts import T0, moment, observation, tracker


def opened(evidence: CameraEvidence) -> Episode:
    """An episode that is seen at 3 s of media time."""
    seen = observation(3.0)
    change = tracker().observe("d", seen, moment(3.0))
    assert change is not None
    picture = np.full((120, 160, 3), 100, np.uint8)
    frame = Frame("c", 30, 3.0, T0 + timedelta(seconds=3), picture[:, :, 0], lambda _region=None: picture)
    evidence.opened(change.episode, seen, frame)
    return change.episode


def made(evidence: CameraEvidence) -> dict[str, Evidence]:
    evidence.wait(30)
    return {item.kind: item for _, items in evidence.finished() for item in items}


def evidence_of(
    folder: Path, source: Path, *, executor: Inline | ThreadPoolExecutor | None = None, **settings: object
) -> CameraEvidence:
    store = EvidenceStore(folder / "evidence")
    asked = EvidenceSettings.model_validate({"clip_before_seconds": 1, "clip_after_seconds": 1, **settings})
    return CameraEvidence(store, asked, executor or Inline(), ring_of(source).ring)


@pytest.mark.parametrize("burnt", [False, True])
def test_the_track_is_data_and_burnt_in_only_on_request(tmp_path: Path, burnt: bool) -> None:
    evidence = evidence_of(tmp_path, encode(tmp_path / "c.mp4"), burn_overlay=burnt)
    opened(evidence)
    evidence.advance(10)
    found = made(evidence)
    assert set(found) == {"snapshot", "track", "clip"} | ({"overlay"} if burnt else set())
    document = json.loads((tmp_path / "evidence" / found["track"].sha256).read_bytes())
    assert document["size"] == [160, 120]
    assert document["tracks"][0]["box"] == [8, 36, 8, 8]


def test_a_clip_that_browsers_do_not_play_is_encoded_again_beside_the_pictures(tmp_path: Path) -> None:
    source = encode(tmp_path / "c.avi", "mjpeg", "yuvj420p")
    with ThreadPoolExecutor(1) as executor:
        evidence = evidence_of(tmp_path, source, executor=executor)
        opened(evidence)
        evidence.advance(10)
        found = made(evidence)
    replayed = evidence_of(tmp_path / "replay", source)
    opened(replayed)
    replayed.advance(10)
    assert made(replayed) == found, "what a replay makes is what the camera made"
    assert found["clip"].media_type.startswith('video/mp4; codecs="avc1.')
    assert found["clip"].short_seconds is None
    assert len(frames_of((tmp_path / "evidence" / found["clip"].sha256).read_bytes())) == 21


@pytest.mark.parametrize(("setting", "codec"), [("keep", "hvc1"), ("transcode", "avc1")])
def test_clips_of_h265_follow_the_setting(tmp_path: Path, setting: str, codec: str) -> None:
    source = encode(tmp_path / "c.mp4", "libx265", options={"x265-params": "log-level=error"})
    evidence = evidence_of(tmp_path, source, hevc_clips=setting)
    opened(evidence)
    evidence.advance(10)
    assert f'codecs="{codec}.' in made(evidence)["clip"].media_type


def test_a_clip_says_what_the_ring_had_not_kept(tmp_path: Path) -> None:
    evidence = evidence_of(tmp_path, encode(tmp_path / "c.mp4"), clip_before_seconds=10, clip_after_seconds=8)
    opened(evidence)
    evidence.advance(12)
    clip = made(evidence)["clip"]
    assert clip.short_seconds == pytest.approx(7 + 5.1, abs=0.11), "nothing before 0 s, nothing after 5.9 s"


def test_on_a_full_disk_evidence_waits_for_room(tmp_path: Path) -> None:
    source = encode(tmp_path / "c.mp4")
    with small_disk(tmp_path / "disk", 8_000_000) as disk, ThreadPoolExecutor(1) as executor:
        evidence = evidence_of(disk, source, executor=executor)
        filler = fill_up(disk, leave_bytes=0)
        opened(evidence)
        evidence.advance(10)
        threading.Timer(1.0, filler.unlink).start()
        found = made(evidence)
        assert set(found) == {"snapshot", "track", "clip"}
        assert all((disk / "evidence" / item.sha256).exists() for item in found.values())


def test_what_found_no_room_is_listed_so_that_its_loss_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_module, "ROOM_PATIENCE_SECONDS", 0.2)
    source = encode(tmp_path / "c.mp4")
    with small_disk(tmp_path / "disk", 8_000_000) as disk, ThreadPoolExecutor(1) as executor:
        evidence = evidence_of(disk, source, executor=executor)
        fill_up(disk, leave_bytes=0)
        opened(evidence)
        evidence.advance(10)
        found = made(evidence)
        assert set(found) == {"snapshot", "track", "clip"}
        assert list((disk / "evidence").iterdir()) == []
