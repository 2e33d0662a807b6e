"""What the eye reads in rendered pictures against what is lit: where time alone cannot mend what sight gets wrong."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from edge.detectors.interface import Frame
from edge.detectors.registry import PictureSize
from edge.detectors.traffic_signal.eye import Eye
from edge.detectors.traffic_signal.placer import Placer
from edge.detectors.traffic_signal.readings import HeadReading, Lit
from samples.junction.camera import Camera
from samples.junction.controller import HeadTruth
from samples.junction.installed import settings_of
from samples.junction.render import Renderer
from samples.junction.scenario import Scene
from samples.junction.suite import PHOTOGRAPHS, SEED, evaluation_set


@dataclass(slots=True)
class HeadScore:
    """Samples of one head."""

    right: int = 0
    wrong: int = 0
    unseen: int = 0
    """It could be seen, and the eye said that it could not."""
    doubtful: int = 0
    """Seen, but a lamp is unknown."""
    blind_reading: int = 0
    """It was hidden, and the eye read something all the same."""
    hidden: int = 0
    confusions: Counter[str] = field(default_factory=Counter)
    digits_right: int = 0
    digits_wrong: int = 0
    digits_unknown: int = 0


def score(scene: Scene, photographs: Path | None, start: float = 0.0, end: float | None = None) -> dict[str, HeadScore]:
    """Reads every picture of a scene from `start` to `end` with the real placer and eye."""
    camera = Camera(Renderer(scene, photographs))
    settings, size = settings_of(scene), PictureSize(scene.width, scene.height)
    placer, eye = Placer(settings, size), Eye(settings, size)
    scores = {head.id: HeadScore() for head in scene.spec.heads}
    for index, t in camera.times():
        if t < start or (end is not None and t >= end):
            continue
        frame: Frame = camera.frame(index, t)
        read = eye.look(frame, placer.place(frame))
        truth, hidden = camera.renderer.states(t), camera.renderer.hidden(t)
        for head, reading in read.heads.items():
            _count(scores[head], reading, truth[head], hidden.get(head))
    return scores


def _count(counted: HeadScore, reading: HeadReading, truth: HeadTruth, hidden: str | None) -> None:
    if hidden is not None:
        counted.hidden += 1
        counted.blind_reading += reading.seen
        return
    if not reading.seen:
        counted.unseen += 1
        counted.confusions[f"{reading.unseen}"] += 1
        return
    if Lit.UNKNOWN in reading.lamps:
        counted.doubtful += 1
        return
    lit = tuple(index for index, lamp in enumerate(reading.lamps) if lamp is Lit.ON)
    if lit == truth.lit:
        counted.right += 1
    else:
        counted.wrong += 1
        counted.confusions[f"{truth.lit} read {lit}"] += 1
    if truth.countdown is not None:
        if reading.countdown is Lit.UNKNOWN:
            counted.digits_unknown += 1
        elif (reading.countdown is Lit.ON) == truth.countdown:
            counted.digits_right += 1
        else:
            counted.digits_wrong += 1
            counted.confusions[f"digits {truth.countdown} read {reading.countdown}"] += 1


def main() -> None:
    """`python -m samples.junction.readings SCENE [start end]`: shows each head's score."""
    folder = PHOTOGRAPHS if PHOTOGRAPHS.is_dir() else None
    start, end = (float(value) for value in (sys.argv[2:4] or ("0", "600")))
    console = Console(soft_wrap=True, highlight=False)
    for scene in evaluation_set(SEED, folder, sys.argv[1]):
        console.print(f"{scene.name} {scene.width} px, {scene.fps} fps, {scene.codec.value} {scene.quality}")
        for head, found in score(scene, folder, start, end).items():
            console.print(f"  {head} {scene.looks[head].diameter} px {found}")


if __name__ == "__main__":
    main()
