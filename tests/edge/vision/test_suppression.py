"""Non-maximum suppression against the same rule written plainly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.vision.suppression import iou_matrix, suppress


def plain_iou(a: list[float], b: list[float]) -> float:
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height
    return width * height / union if union > 0 else 0.0


def plainly(boxes: list[list[float]], scores: list[float], classes: list[int], max_iou: float, most: int) -> list[int]:
    """One box after the other, best first; equal scores in the order given."""
    order = sorted(range(len(scores)), key=lambda index: (-scores[index], index))[:most]
    kept: list[int] = []
    for index in order:
        rivals = (other for other in kept if classes[other] == classes[index])
        if all(plain_iou(boxes[other], boxes[index]) <= max_iou for other in rivals):
            kept.append(index)
    return kept


@st.composite
def detections(draw: st.DrawFn) -> tuple[list[list[float]], list[float], list[int]]:
    """Boxes on a coarse raster, so that many overlap and many scores are equal."""
    count = draw(st.integers(0, 40))
    corner, size = st.integers(0, 12), st.integers(0, 6)
    boxes = []
    for _ in range(count):
        x, y, width, height = draw(st.tuples(corner, corner, size, size))
        boxes.append([float(x), float(y), float(x + width), float(y + height)])
    scores = [draw(st.integers(1, 8)) / 8 for _ in range(count)]
    return boxes, scores, [draw(st.integers(0, 2)) for _ in range(count)]


@given(found=detections(), max_iou=st.sampled_from((0.3, 0.45, 0.61)), most=st.sampled_from((5, 300)))
@settings(deadline=None)
def test_as_written_plainly(found: tuple[list[list[float]], list[float], list[int]], max_iou: float, most: int) -> None:
    boxes, scores, classes = found
    kept = suppress(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(scores, np.float32),
        np.array(classes, np.int32),
        max_iou=max_iou,
        candidates=most,
    )
    assert kept.tolist() == plainly(boxes, scores, classes, max_iou, most)


def test_only_so_many_are_returned() -> None:
    boxes = np.array([[x, 0, x + 5, 5] for x in range(0, 100, 10)], np.float32)
    scores = np.linspace(0.1, 0.9, 10, dtype=np.float32)
    assert suppress(boxes, scores, np.zeros(10, np.int32), max_iou=0.5, limit=3).tolist() == [9, 8, 7]


def test_overlap_of_known_boxes() -> None:
    boxes = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 20, 30]], np.float32)
    assert iou_matrix(boxes, boxes) == pytest.approx(np.array([[1, 1 / 3, 0], [1 / 3, 1, 0], [0, 0, 0]]))
