"""The whole detector before four real heads at dusk: hand-held, one picture a second, two of them dark at times.

Scene C of `dusk_crossings`: settings as `tests.evaluate.signals_real` draws them, on its first picture. It lasts for
half a minute, in which nothing can become certain: it is also shown as a junction that is four times as slow, so that a
head that was misread for as long as its arrow flashes would be an alarm; and with a head that is truly dark, which must
be one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from contract.details import SignalDetail
from contract.events import Clock, HazardData, HazardEvent
from contract.ids import DeterministicIds
from edge.assembly import camera_detectors, tracker_for, writer_for
from edge.canary.painting import painted
from edge.config.evidence import EvidenceSettings
from edge.config.sources import CameraSource, location_of
from edge.detectors.interface import Frame, Visibility
from edge.detectors.registry import CameraContext, PictureSize
from edge.detectors.traffic_signal.canary import dark_head
from edge.detectors.traffic_signal.detector import TrafficSignalDetector
from edge.detectors.traffic_signal.settings import TrafficSignalSettings
from edge.outbox.sink import Commit
from edge.pipeline import CameraPipeline
from tests.evaluate.signals_real import COLOURS, SHARED, TARGET, Labels, drawn, labels, pictures

SIZE = PictureSize(1920, 1080)
SLOWER = 4
HALF = 0.5
"""Of all heads must be read: what is not is unknown, which is no error, but half of nothing proves nothing."""

pytestmark = pytest.mark.skipif(
    not (SHARED / "dusk_crossings.mp4").exists(), reason="real data is not here: no dusk_crossings.mp4"
)


class Kept:
    """A sink that keeps events."""

    def __init__(self) -> None:
        self.data: list[HazardData] = []

    def commit(self, commit: Commit) -> None:
        self.data += [event.data for event in commit.events if isinstance(event, HazardEvent)]


@dataclass(frozen=True)
class Street:
    """The pictures of scene C and what is true of them."""

    frames: Sequence[Frame]
    truth: Labels
    settings: TrafficSignalSettings

    def slowed(self, times: int) -> list[Frame]:
        """The same pictures, so many seconds apart."""
        first = self.frames[0]
        return [
            replace(
                frame,
                media_time=float(times * number),
                wall_time=first.wall_time + timedelta(seconds=times * number),
            )
            for number, frame in enumerate(self.frames)
        ]


@pytest.fixture(scope="module")
def street() -> Street:
    """Decoded once."""
    truth = labels()
    frames = [frame for frame in pictures() if frame.index in truth]
    return Street(frames, truth, drawn(truth[min(truth)]))


def pipeline(settings: TrafficSignalSettings, sink: Kept) -> tuple[CameraPipeline, TrafficSignalDetector]:
    """The camera's pipeline as `replay` puts it together, and the detector in it."""
    source = CameraSource.model_validate(
        {
            "kind": "camera",
            "location": {"lon": 113.62, "lat": 34.75, "accuracy_m": 30},
            "detectors": {"traffic_signal": settings},
        }
    )
    location = location_of(source)
    assert location is not None
    clock = Clock(synced=True, offset_seconds=0.0)
    ids = DeterministicIds("dusk")
    writer = writer_for("box", "dusk", source, EvidenceSettings(), location, new_id=ids, clock=lambda: clock)
    detectors = camera_detectors(source, CameraContext("dusk", SIZE))
    detector = detectors["traffic_signal"].inner
    assert isinstance(detector, TrafficSignalDetector)
    return CameraPipeline(detectors, tracker_for(source, writer), writer, None, sink), detector


@pytest.mark.parametrize("seconds", [1, SLOWER], ids=["as filmed", "four times slower"])
def test_lamps_are_read_as_labelled_and_nothing_is_raised(street: Street, seconds: int) -> None:
    sink = Kept()
    taking, detector = pipeline(street.settings, sink)
    wrong, right, unread = [], 0, 0
    for frame in street.slowed(seconds):
        taking.take(frame)
        assert detector.visibility is Visibility.CLEAR, frame.index
        heads = detector.report()["heads"]
        for name, (_, state) in street.truth[frame.index].items():
            said = heads[name]["lamps"]
            if "unknown" in said:
                unread += 1
                continue
            lamps = street.settings.heads[name].lamps
            shown = {lamp.colour.value for lamp, lit in zip(lamps, said, strict=True) if lit == "on"}
            if shown == COLOURS[state]:
                right += 1
            else:
                wrong.append((frame.index, name, state, shown))
    taking.finish(clear_all=True)
    assert not taking.meter.detector_faults
    assert [one for one in wrong if not one[3]] == [], "said to be dark while it is lit"
    assert right >= TARGET * (right + len(wrong)), wrong
    assert right >= HALF * (right + len(wrong) + unread)
    assert sink.data == []


def test_a_head_that_is_truly_dark_is_told(street: Street) -> None:
    """Painted dark where the detector's registration finds it, in moving real pictures; and only this one."""
    sink = Kept()
    taking, detector = pipeline(street.settings, sink)
    drill = dark_head(street.settings, SIZE, 1)
    drill.aim(detector)
    began = 3 * SLOWER
    for frame in street.slowed(SLOWER):
        taking.take(painted(frame, drill, frame.media_time - began))
    assert [(one.hazard, one.phase) for one in sink.data[:1]] == [("signal_dark", "opened")]
    details = [SignalDetail.model_validate(one.detail) for one in sink.data]
    assert {(detail.scope, detail.heads) for detail in details} == {("head", (drill.head_id,))}
    assert {one.hazard for one in sink.data} == {"signal_dark"}
