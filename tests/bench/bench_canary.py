"""What a drill costs while it lasts: a detector that runs twice, and pictures that are painted and copied."""

from __future__ import annotations

import statistics
import time
from functools import partial

from contract.ids import DeterministicIds
from edge.canary.camera import CameraDrills
from edge.canary.desk import CanaryDesk
from edge.detectors.interface import Frame
from edge.detectors.registry import FrameNeeds, PictureSize
from edge.detectors.thrown_object import EPISODES, ThrownObjectDetector
from edge.detectors.thrown_object.canary import painted_fall
from edge.episodes.tracker import EpisodeTracker
from edge.guard import GuardedDetector
from edge.outbox.sink import Commit
from edge.pipeline import CameraPipeline, LivePart
from edge.status import SourceMeter
from tests.bench.rows import Row, at_most, publish, skipped
from tests.edge.detectors.falls import EPOCH, OFFICE1, clip, no_colour, office1_settings
from tests.edge.parts import PLACE, SOURCE, T0, writer

ROUNDS = 5
BEGIN_SECONDS, END_SECONDS = 9.0, 11.0
"""Of office1: from the end of its fall to the end of the clip. The first frame of a drill costs some 10 ms."""


class _Nowhere:
    def commit(self, commit: Commit) -> None:
        """Nothing: the outbox has a bench of its own."""


def run() -> list[Row]:
    """The bench's rows."""
    name = "canary.cost_while_drilling"
    if not OFFICE1.exists():
        rows = [skipped(name, "ratio", None, f"{OFFICE1.name} is not here")]
    else:
        _ms_per_frame(drilled=True)  # warms up
        pairs = [(_ms_per_frame(drilled=True), _ms_per_frame(drilled=False)) for _ in range(ROUNDS)]
        note = f"office1, the first {END_SECONDS - BEGIN_SECONDS:g} s of a drill, without decoding, interleaved"
        rows = [
            at_most(name, [drilled / plain for drilled, plain in pairs], "ratio", None, note),
            at_most("canary.ms_a_frame", [drilled for drilled, _ in pairs], "ms", None, note),
        ]
    publish("canary", rows)
    return rows


def _ms_per_frame(*, drilled: bool) -> float:
    settings, size = office1_settings(), PictureSize(1280, 720)
    meter = SourceMeter("office1", "camera")
    desk = CanaryDesk("office1", DeterministicIds("bench"), meter, now=lambda: T0)
    detector = GuardedDetector("office1", FrameNeeds(fps=25), lambda: ThrownObjectDetector(settings, size))
    drills = CameraDrills(desk, {"thrown_object": detector}, {"thrown_object": partial(painted_fall, settings, size)})
    tracker = EpisodeTracker(SOURCE, PLACE, DeterministicIds("e"), {"thrown_object": EPISODES})
    live = LivePart(drills=drills, meter=meter)
    pipeline = CameraPipeline({"thrown_object": detector}, tracker, writer(), None, _Nowhere(), live)
    spent: list[float] = []
    for number, (t, luma) in enumerate(clip(OFFICE1)):
        if drilled and not meter.canaries and t >= BEGIN_SECONDS and not spent:
            desk.call({})
        began = time.thread_time()
        pipeline.take(Frame("office1", number, t, EPOCH, luma, no_colour))
        if BEGIN_SECONDS <= t < END_SECONDS:
            spent.append(1000 * (time.thread_time() - began))
    assert not drilled or meter.canaries["found"] == 1, "the drill was lost: the figure would be of something else"
    return statistics.fmean(spent)
