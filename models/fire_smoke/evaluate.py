"""The stills half of `make eval-fire`: `python -m models.fire_smoke.evaluate --shared …/shared/data`.

Our proposer and the third-party one (`fire_detector` of the registry) look at the same pictures in one run; hits and
false alarms are told at several operating points, then at the recall that the other has. Needs no torch. Exit code 1:
more than a third of its false alarms on all quiet pictures together.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.errors import ModelsError
from models.fire_smoke.comparing import Answer, Matched, Point, Share, at_score, matched, ranked
from models.fire_smoke.plotting import plot
from models.fire_smoke.stills import BURNING, LABELS, QUIET, all_stills
from models.registry import ModelRow, load, onnx_path
from models.training.asking import Asked, Asker
from models.training.errors import TrainingError
from models.training.metrics import Answer as Boxes
from models.training.metrics import Truth, average_precision

POINTS = (0.1, 0.25, 0.4, 0.5)
PEER = "fire_detector"
OURS = "fire_smoke"
PEER_POINTS = (0.25, 0.4)
PROMISED = 0.4
"""The operating point of the peer at which a third of its false alarms is promised."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A model's answers to every picture, and its boxes where there is truth for them."""

    name: str
    sha256: str
    bytes: int
    answers: list[Answer]
    precision: dict[str, float | None]


def measure(name: str, asker: Asker, shared: Path) -> Measured:
    """Asks about every test picture.

    Raises:
        FileNotFoundError: a set is not there.
        TrainingError: the model fails.
    """
    answers: list[Answer] = []
    truths: list[Truth] = []
    found: list[Boxes] = []
    for still in all_stills(shared):
        boxes = asker.ask(still.bgr)
        answers.append(Answer(still.group, still.name, float(boxes.scores.max(initial=0.0))))
        if still.group.startswith("cctv") and still.marked is not None:
            drawn = np.array([one.box for one in still.marked], np.float32).reshape(-1, 4)
            truths.append(Truth(drawn, tuple(LABELS[one.label] for one in still.marked), still.burns))
            found.append(boxes)
        if sys.stderr.isatty() and len(answers) % 10 == 0:
            sys.stderr.write(f"\r{name}: {len(answers)} pictures ")
    precision = {label: average_precision(truths, found, label) for label in LABELS}
    return Measured(name, asker.sha256, asker.size_bytes, answers, precision)


def main(arguments: Sequence[str]) -> int:
    """Runs the comparison."""
    parser = argparse.ArgumentParser(prog="python -m models.fire_smoke.evaluate", description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared/data"), help="the shared data folder")
    parser.add_argument("--model", type=Path, help="an ONNX file of ours; default: the registry's")
    parser.add_argument("--side", type=int, default=416, help="its input, pixels")
    parser.add_argument("--peer", type=Path, help=f"{PEER} as ONNX; default: as fetched into --store")
    parser.add_argument("--store", type=Path, default=Path("var/models"), help="the folder of fetched models")
    parser.add_argument("--json", type=Path, default=Path("var/eval-fire-stills.json"))
    parser.add_argument("--plot", type=Path, default=Path("var/eval-fire-stills.png"))
    options = parser.parse_args(arguments)
    try:
        own = measure(OURS, _ours(options.model, options.side), options.shared)
        row = load().row(PEER)
        path = options.peer or onnx_path(options.store, PEER, row, row.file())
        peer = measure(PEER, _asker(row, path), options.shared) if path.is_file() else None
    except (FileNotFoundError, ModelsError, TrainingError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    models = [own] if peer is None else [own, peer]
    for model in models:
        sys.stdout.write("\n".join(_table(model)) + "\n\n")
    comparisons = [] if peer is None else [matched(own.answers, peer.answers, score) for score in PEER_POINTS]
    for comparison in comparisons:
        sys.stdout.write("\n".join(_compared(comparison)) + "\n\n")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(_rows(models, comparisons), indent=1) + "\n", encoding="utf-8")
    plot({model.name: model.answers for model in models}, options.plot)
    sys.stdout.write(f"rows in {options.json}, picture in {options.plot}\n")
    if peer is None:
        sys.stdout.write(
            f"{PEER} was not measured: found no {path}. Get it with `gridsentry-models fetch {PEER} --store "
            f"{options.store}`, then `gridsentry-models convert {PEER} --store {options.store}`, where torch is.\n"
        )
        return 0
    promise = next(one for one in comparisons if one.peer_score == PROMISED)
    return 0 if promise.holds_together() else 1


def _ours(path: Path | None, side: int) -> Asker:
    if path is not None:
        return Asker(Asked(path, "yolov8", LABELS, (side, side)))
    row = load().row(OURS)
    return _asker(row, onnx_path(Path(), OURS, row, row.file()))


def _asker(row: ModelRow, path: Path) -> Asker:
    return Asker(Asked(path, row.format, row.labels, (row.input.width, row.input.height) if row.input else None))


def _table(model: Measured) -> list[str]:
    points = [(f"≥ {score}", at_score(model.answers, score)) for score in POINTS]
    precision = ", ".join(f"{name} {value:.2f}" for name, value in model.precision.items() if value is not None)
    lines = [
        f"{model.name} ({model.bytes / 1e6:.1f} MB, sha256 {model.sha256[:12]}), mAP50 on cctv/val: {precision}",
        f"{'called burning':>22} " + "".join(f"{name:>22}" for name, _ in points),
    ]
    for group in (*BURNING, *QUIET):
        lines.append(f"{group:>22} " + "".join(f"{_said(point[group]):>22}" for _, point in points))
    ranks = [
        f"{burning} over {quiet} {ranked(model.answers, burning, quiet):.3f}" for burning in BURNING for quiet in QUIET
    ]
    return [*lines, "ranked right: " + "; ".join(ranks)]


def _said(share: Share) -> str:
    low, high = share.interval()
    return f"{share.called}/{share.pictures} {share.share:.0%} [{low:.0%}, {high:.0%}]".replace("%, ", ", ")


def _compared(one: Matched) -> list[str]:
    lines = [f"at the recall of {PEER} at {one.peer_score} (ours from {one.score:.3f} on): ours | theirs"]
    for group in BURNING:
        lines.append(f"{group:>22}  {_said(one.own[group])} | {_said(one.peer[group])}")
    for group in QUIET:
        verdict = "yes" if one.holds(group) else "no"
        lines.append(f"{group:>22}  {_said(one.own[group])} | {_said(one.peer[group])}, a third in this set: {verdict}")
    own, peer = one.total(own=True), one.total(own=False)
    verdict = "HOLDS" if one.holds_together() else "DOES NOT HOLD"
    return [*lines, f"{'all that is quiet':>22}  {_said(own)} | {_said(peer)}, at most a third: {verdict}"]


def _rows(models: Sequence[Measured], comparisons: Sequence[Matched]) -> dict[str, Any]:
    return {
        "models": [
            {
                "name": model.name,
                "sha256": model.sha256,
                "bytes": model.bytes,
                "mAP50": model.precision,
                "points": {str(score): _plain(at_score(model.answers, score)) for score in POINTS},
                "answers": [[one.group, one.name, round(one.score, 4)] for one in model.answers],
            }
            for model in models
        ],
        "matched": [
            {
                "peer_score": one.peer_score,
                "score": one.score,
                "own": _plain(one.own),
                "peer": _plain(one.peer),
                "holds": {group: one.holds(group) for group in QUIET},
                "holds_together": one.holds_together(),
            }
            for one in comparisons
        ],
    }


def _plain(point: Point) -> dict[str, Any]:
    return {group: asdict(share) for group, share in point.items()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
