"""How well set-up finds what is there: heads, lamps, phase groups and conflicts of rendered junctions.

    python -m tests.evaluate.signals_calibration [--junctions 12] [--model]

Each junction is watched as an installer's box would, at a picture a second: four minutes for heads, then six for the
cycle of the heads *that were found*. The junctions are those of the evaluation set without infra-red pictures, which
have no colours to find lamps by; fog, rain, low sun, shake and night are among them. Truth: the scene's own settings;
conflicts: pairs that are never green together in a day of the controller.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from math import hypot

from edge.calibrate.signals.history import LampHistory
from edge.calibrate.signals.learning import Learned
from edge.calibrate.signals.looks import boxes_in, load_proposer
from edge.calibrate.signals.proposing import propose
from edge.calibrate.signals.session import Learning
from edge.calibrate.yaml_text import plain
from edge.detectors.registry import PictureSize
from edge.detectors.traffic_signal.optics import too_small
from edge.detectors.traffic_signal.settings import Colour, HeadSettings, TrafficSignalSettings
from samples.junction.camera import Camera
from samples.junction.controller import COLOURS, Controller
from samples.junction.installed import settings_of
from samples.junction.render import Renderer
from samples.junction.scenario import Scene, Sky
from samples.junction.suite import evaluation_set
from tests.bench.rows import Row, publish

LOOK_SECONDS, LEARN_SECONDS = 240.0, 360.0
MATCH_SHARE = 0.5
"""A proposed head is the true one if each true lamp has one of its colour nearer than this share of its diameter."""
DAY_SECONDS = 86_400


@dataclass
class Figures:
    """Sums over junctions."""

    looked_at: int = 0
    heads: int = 0
    found: int = 0
    false: int = 0
    errors_px: list[float] = field(default_factory=list)
    errors_share: list[float] = field(default_factory=list)
    sizes: list[float] = field(default_factory=list)
    pairs: int = 0
    pairs_right: int = 0
    junctions: int = 0
    junctions_right: int = 0
    conflicts: int = 0
    conflicts_found: int = 0
    conflicts_false: int = 0
    seconds: float = 0.0


def main() -> None:
    """Prints the table and writes var/bench/signals-calibration.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--junctions", type=int, default=12)
    parser.add_argument("--model", action="store_true", help="with the model's boxes as well")
    asked = parser.parse_args()
    scenes = [scene for scene in evaluation_set() if scene.name.startswith("calm")]
    coloured = [scene for scene in scenes if all(moment.sky is not Sky.INFRARED for moment in scene.light)]
    figures = Figures()
    small = [scene for scene in coloured if scene.width == 640]  # the smallest pictures: lamps as small, half the time
    for scene in small[: asked.junctions]:
        began = time.perf_counter()
        calibrate(replace(scene, fps=1.0, seconds=LEARN_SECONDS), figures, with_model=asked.model)
        said = f"{scene.name}: {time.perf_counter() - began:.0f} s, {figures.found} of {figures.heads} heads so far"
        print(said, flush=True)
    publish("signals-calibration", rows(figures))


def calibrate(scene: Scene, figures: Figures, *, with_model: bool) -> None:
    """Proposes and learns one junction, and compares."""
    truth = settings_of(scene)
    history = LampHistory()
    boxes = []
    camera = Camera(Renderer(scene))
    began = time.perf_counter()
    for frame in camera.frames():
        if frame.media_time > LOOK_SECONDS:
            break
        picture = frame.read_bgr()
        history.add(picture)
        if with_model and frame.index == 0 and (proposer := load_proposer([])) is not None:
            boxes = boxes_in(proposer, picture)
    proposal = propose(history.heads(), boxes, history.displays(), size=PictureSize(scene.width, scene.height))
    matches = matched(truth.heads, proposal.heads, figures)
    figures.looked_at += 1
    figures.heads += len(truth.heads)
    figures.found += len(matches)
    figures.false += len(proposal.heads) - len(matches)
    figures.seconds += time.perf_counter() - began
    if matches:
        learn(scene, truth, {true: proposal.heads[found] for true, found in matches.items()}, figures)


def matched(
    truth: Mapping[str, HeadSettings], proposed: Mapping[str, HeadSettings], figures: Figures
) -> dict[str, str]:
    """The proposed head of each true one that was found; adds the lamps' errors."""
    result: dict[str, str] = {}
    for head_id, head in truth.items():
        for other_id, other in proposed.items():
            errors = [_nearest(lamp.centre, lamp.colour, other) for lamp in head.lamps]
            size = head.lamps[0].diameter_px
            if len(other.lamps) != len(head.lamps) or max(errors) > MATCH_SHARE * size:
                continue
            result[head_id] = other_id
            figures.errors_px += errors
            figures.errors_share += [error / size for error in errors]
            figures.sizes += [lamp.diameter_px / size for lamp in other.lamps]
            break
    return result


def _nearest(centre: tuple[float, float], colour: Colour, head: HeadSettings) -> float:
    distances = [
        hypot(lamp.centre[0] - centre[0], lamp.centre[1] - centre[1]) for lamp in head.lamps if lamp.colour is colour
    ]
    return min(distances, default=float("inf"))


def learn(scene: Scene, truth: TrafficSignalSettings, heads: Mapping[str, HeadSettings], figures: Figures) -> None:
    """Learns the heads that were found, under their true ids, and compares groups and conflicts. Those whose lamps are
    too small are refused, as on the command line, and the others learned."""
    size = PictureSize(scene.width, scene.height)
    heads = {head_id: head for head_id, head in heads.items() if not too_small(head, size)}
    if not heads:
        return
    document = {head_id: {**plain(head), "group": f"group-{number}"} for number, (head_id, head) in
                enumerate(heads.items(), start=1)}  # fmt: skip
    learning = Learning(TrafficSignalSettings.model_validate({"heads": document}))
    for frame in Camera(Renderer(scene)).frames():
        problem = learning.take(frame)
        if problem:
            return
    learned = learning.learner.learned()
    right = 0
    pairs = list(combinations(heads, 2))
    for one, other in pairs:
        same = truth.heads[one].group == truth.heads[other].group
        right += same == (learned.groups[one] == learned.groups[other])
    figures.pairs += len(pairs)
    figures.pairs_right += right
    figures.junctions += 1
    figures.junctions_right += right == len(pairs)
    _compare_conflicts(scene, truth, heads, learned, figures)


def _compare_conflicts(
    scene: Scene, truth: TrafficSignalSettings, heads: Mapping[str, HeadSettings], learned: Learned, figures: Figures
) -> None:
    """By pairs of heads, so that a wrong grouping counts as what it does."""
    groups = sorted({truth.heads[head_id].group for head_id in heads})
    apart = never_green_together(scene, groups)
    said = {frozenset(pair) for pair in learned.conflicts}
    for one, other in combinations(heads, 2):
        pair = frozenset((truth.heads[one].group, truth.heads[other].group))
        found = frozenset((learned.groups[one], learned.groups[other])) in said
        figures.conflicts += pair in apart
        figures.conflicts_found += found and pair in apart
        figures.conflicts_false += found and pair not in apart


def never_green_together(scene: Scene, groups: Sequence[str]) -> set[frozenset[str]]:
    """Pairs of groups that the controller gives no green together in a day."""
    controller = Controller(scene.spec, scene.seed, scene.second_of_day)
    together: set[frozenset[str]] = set()
    for t in range(0, DAY_SECONDS, 2):
        green = [group for group in groups if COLOURS[controller.aspect(group, t).aspect] == (Colour.GREEN,)]
        together |= {frozenset(pair) for pair in combinations(green, 2)}
    return {frozenset(pair) for pair in combinations(groups, 2)} - together


def rows(figures: Figures) -> list[Row]:
    """The table."""
    n = figures.heads
    lamps = len(figures.errors_px)
    return [
        Row("heads proposed", _share(figures.found, n), "share", n=n, note="each lamp within half a diameter"),
        Row("proposed and not there", round(figures.false / max(figures.looked_at, 1), 2), "a junction",
            n=figures.looked_at),
        Row("lamp centre error", _median(figures.errors_px), "px", n=lamps, note="median"),
        Row("lamp centre error", _median(figures.errors_share), "of the diameter", n=lamps, note="median"),
        Row("lamp diameter", _median(figures.sizes), "of the true one", n=lamps, note="median"),
        Row("pairs of heads grouped right", _share(figures.pairs_right, figures.pairs), "share", n=figures.pairs),
        Row("junctions grouped right", _share(figures.junctions_right, figures.junctions), "share",
            n=figures.junctions, note="every pair"),
        Row("conflicts found", _share(figures.conflicts_found, figures.conflicts), "share", n=figures.conflicts,
            note="pairs of heads never green together in a day"),
        Row("conflicts that are none", float(figures.conflicts_false), "pairs of heads", n=figures.pairs),
    ]  # fmt: skip


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _median(values: Sequence[float]) -> float | None:
    return round(statistics.median(values), 3) if values else None


if __name__ == "__main__":
    main()
