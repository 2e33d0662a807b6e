"""Proposals of signal heads: found in rendered and in real pictures, at any size, and clear about what is wrong."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.calibrate.signals.heads_model import LIMIT, HeadProposer, ProposedHead
from edge.detectors.traffic_signal.settings import Colour
from edge.inference.errors import ModelError
from models.signal_heads.baseline import overlap
from models.signal_heads.evaluate import ask, judge, model, read_dusk
from models.signal_heads.labels import Picture8
from models.signal_heads.render import draw_head, made_background, put_head

Box = tuple[float, float, float, float]


@pytest.fixture(scope="module")
def proposer() -> HeadProposer:
    return HeadProposer()


def junction(seed: int, *, night: bool, long_px: Sequence[float]) -> tuple[Picture8, list[tuple[Box, str]]]:
    """A made 1024 × 768 street with heads in a row, each lit and of three lamps or more; seeds that training has not
    drawn."""
    rng = np.random.default_rng([99, seed])
    canvas = cv2.resize(made_background(rng, 256, night=night), (1024, 768)).astype(np.float32)
    heads: list[tuple[Box, str]] = []
    for index, size in enumerate(long_px):
        makes = (draw_head(rng, night=night, long_px=size) for _ in itertools.count())
        head = next(one for one in makes if one.colour != "dark" and max(one.alpha.shape) > 2 * min(one.alpha.shape))
        box = put_head(rng, canvas, head, 60 + 230 * index, 300, night=night)
        heads.append((box, head.colour))
    return np.clip(canvas, 0, 255).astype(np.uint8), heads


def plain_head(picture: Picture8, x: int, y: int) -> Box:
    """The plainest head there is: three lamps in a black housing, red lit."""
    cv2.rectangle(picture, (x, y), (x + 27, y + 75), (25, 25, 25), -1)
    for index, colour in enumerate(((60, 60, 250), (25, 45, 60), (35, 50, 25))):
        cv2.circle(picture, (x + 13, y + 13 + 25 * index), 10, colour, -1, cv2.LINE_AA)
    return (float(x), float(y), 28.0, 76.0)


def found(heads: Sequence[tuple[Box, str]], proposals: Sequence[ProposedHead], min_iou: float = 0.5) -> int:
    return sum(any(overlap(box, one.box) >= min_iou for one in proposals) for box, _ in heads)


def test_heads_of_all_sizes_are_found_by_day(proposer: HeadProposer) -> None:
    hits = total = right = 0
    for seed in range(3):
        picture, heads = junction(seed, night=False, long_px=(24.0, 60.0, 110.0, 210.0))
        proposals = proposer.propose(picture)
        hits += found(heads, proposals)
        total += len(heads)
        for box, colour in heads:
            best = max(proposals, key=lambda one: overlap(box, one.box))
            right += overlap(box, best.box) >= 0.5 and best.colour == Colour(colour)
    assert hits >= 0.8 * total
    assert right >= 0.6 * total


def test_lit_heads_are_pointed_at_by_night() -> None:
    # A housing that cannot be seen cannot be outlined: a box around the light is what a person needs to go on.
    proposer = HeadProposer(min_score=0.3)
    hits = total = 0
    for seed in range(3):
        picture, heads = junction(seed, night=True, long_px=(24.0, 60.0, 110.0, 210.0))
        hits += found(heads, proposer.propose(picture), min_iou=0.2)
        total += len(heads)
    assert hits >= 0.6 * total


def test_dusk_scene_as_measured(proposer: HeadProposer, shared_data: Path) -> None:
    signals = shared_data / "signals"
    if not (signals / "dusk_crossings.mp4").exists():
        pytest.skip("shared/data has no signals/dusk_crossings.mp4")
    pictures = read_dusk(signals, limit=2)
    score = judge(pictures, ask(pictures, model(proposer))[0])
    assert score.heads == 8
    assert score.found >= 0.95 * score.heads  # measured on all 128: see the card


@pytest.mark.parametrize(
    "shape",
    [(1, 1), (7, 300), (300, 7), (33, 1025), (609, 513), (2500, 40)],
    ids=lambda shape: f"{shape[1]}x{shape[0]}",
)
def test_hostile_sizes(proposer: HeadProposer, shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (*shape, 3)).astype(np.uint8)
    proposals = proposer.propose(picture)
    assert len(proposals) <= LIMIT
    for one in proposals:
        x, y, width, height = one.box
        assert 0 <= x < x + width <= shape[1] + 1e-3
        assert 0 <= y < y + height <= shape[0] + 1e-3
        assert 0 < one.score <= 1


def test_best_first_and_the_same_again(proposer: HeadProposer) -> None:
    picture = junction(11, night=False, long_px=(40.0, 90.0))[0][200:680, :512].copy()
    proposals = proposer.propose(picture)
    assert [one.score for one in proposals] == sorted((one.score for one in proposals), reverse=True)
    assert proposer.propose(picture) == proposals
    assert proposer.propose(np.asfortranarray(picture)) == proposals


def test_a_head_is_found_once_wherever_it_lies(proposer: HeadProposer) -> None:
    picture = cv2.resize(junction(3, night=False, long_px=())[0], (1800, 600)).astype(np.uint8)
    for x in (10, 762, 890, 1010):  # at a border, on the seams of two tiles (776 and 1024), between them
        copy = picture.copy()
        box = plain_head(copy, x, 280)
        proposals = proposer.propose(copy)
        assert sum(overlap(box, one.box) > 0.5 for one in proposals) == 1
        assert sum(overlap(box, one.box) > 0 for one in proposals) == 1


def test_infra_red_pictures_have_heads_too(proposer: HeadProposer) -> None:
    hits = total = 0
    for seed in range(2):
        picture, heads = junction(seed, night=False, long_px=(24.0, 60.0, 110.0, 210.0))
        grey = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
        hits += found(heads, proposer.propose(grey))
        total += len(heads)
    assert hits >= 0.5 * total


@pytest.mark.parametrize("value", [0, 114, 255])
def test_nothing_in_an_empty_picture(proposer: HeadProposer, value: int) -> None:
    assert proposer.propose(np.full((480, 640, 3), value, np.uint8)) == ()


@pytest.mark.parametrize(
    "picture",
    [np.zeros((40, 40), np.uint8), np.zeros((40, 40, 3), np.float32), np.zeros((0, 40, 3), np.uint8)],
    ids=["one channel", "floats", "empty"],
)
def test_what_is_no_picture_is_refused(proposer: HeadProposer, picture: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"expected \(height, width, 3\) of uint8"):
        proposer.propose(picture)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.onnx: the model cannot be read"):
        HeadProposer(tmp_path / "none.onnx")


def test_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "damaged.onnx"
    path.write_bytes(b"\x08\x07not a model")
    with pytest.raises(ModelError, match=r"damaged\.onnx"):
        HeadProposer(path)


def test_missing_weights_are_a_model_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> Path:
        raise FileNotFoundError("signal_heads.onnx: the weights of signal_heads are missing; install gridsentry again")

    monkeypatch.setattr("models.weights", missing)
    with pytest.raises(ModelError, match="install gridsentry again"):
        HeadProposer()


def test_another_model_is_refused(proposer: HeadProposer, shared_data: Path) -> None:
    path = shared_data / "weights" / "yolox_nano.onnx"
    if not path.exists():
        pytest.skip("shared/data has no weights/yolox_nano.onnx")
    with pytest.raises(ModelError, match="yolox_nano"):
        HeadProposer(path)
