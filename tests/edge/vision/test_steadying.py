"""Pictures of a moving camera laid onto a held one: how exactly, and what it does where there is nothing to hold."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from edge.vision.arrays import Grey
from edge.vision.pose import Pose
from edge.vision.steadying import Laid, Steadier, moved_box
from tests.edge.flights.live.filming import LENS, Film, circling, hovering, passing

SMALL = LENS.scaled(320, 180)
GROUND = np.array([(x, y, 0.0) for x in (-12, 0, 12) for y in (-12, 0, 12)])


def small(picture: np.ndarray) -> Grey:
    shrunk = cv2.resize(picture, (320, 180), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(shrunk, cv2.COLOR_BGR2GRAY), np.uint8)


@pytest.mark.parametrize(
    ("path", "held"),
    [(hovering(1.0, 0.6), 1), (circling(6.0), 2), (passing(5.0), 3)],
    ids=["hovers", "circles", "passes"],
)
def test_ground_stays_where_it_was(path: Callable[[float], Pose], held: int) -> None:
    """Against the drone's true path, to a third of a pixel, also through changes of the held picture."""
    steadier, began, off = Steadier(), 0, [0.0]
    base = path(0.0)
    for t, picture in Film(path).pictures(8, fps=5):
        before = pixels_of(base)
        laid = steadier.lay(small(picture))
        if laid.begins:
            began += 1
            if laid.carried is not None:
                now = cv2.perspectiveTransform(before[None], laid.carried)[0]
                off.append(float(np.nanmax(np.abs(now - pixels_of(path(t))))))
            base = path(t)
        seen = pixels_of(path(t))
        onto = cv2.perspectiveTransform(seen[None], laid.onto_held)[0]
        shown = np.all((seen > 5) & (seen < (315, 175)), axis=1)
        off += np.abs(onto - pixels_of(base))[shown].ravel().tolist()
    assert 1 <= began <= held + 1
    assert np.nanmax(off) < 0.5 and np.median(off) < 0.1


def pixels_of(pose: Pose) -> np.ndarray:
    return np.asarray(SMALL.pixels(pose.to_camera(GROUND)), np.float64)


def test_another_scene_begins_anew() -> None:
    steadier = Steadier()
    first = [small(picture) for _, picture in Film(hovering(), seed=1).pictures(1)]
    other = [small(picture) for _, picture in Film(circling(2.0), seed=9).pictures(1)]
    for picture in first:
        steadier.lay(picture)
    laid = [steadier.lay(picture) for picture in other]
    assert [one.begins for one in laid[:4]] == [False, False, False, True], "a jerk is waited out first"
    assert laid[3].carried is None
    assert not any(one.begins for one in laid[4:])


def test_with_nothing_to_hold_on_to_it_stands_still() -> None:
    """By night, and in fog: as for a camera that stands."""
    rng, steadier = np.random.default_rng(1), Steadier()
    laid: list[Laid] = [steadier.lay(np.zeros((180, 320), np.uint8)) for _ in range(6)]
    noise = [np.asarray(np.clip(rng.normal(20, 1.5, (180, 320)), 0, 255), np.uint8) for _ in range(20)]
    laid += [steadier.lay(picture) for picture in noise]
    assert [one.begins for one in laid] == [True] + [False] * 25
    assert all(np.array_equal(one.onto_held, np.eye(3)) for one in laid)
    path = circling(4.0)
    lit = [steadier.lay(small(picture)) for _, picture in Film(path).pictures(2)]
    assert not any(one.begins for one in lit)
    assert np.abs(lit[-1].onto_held - np.eye(3)).max() > 1, "and holds on where there is something"


def test_a_box_keeps_its_size_when_it_is_turned_and_returned() -> None:
    angle = np.radians(20)
    turn = np.array(((np.cos(angle), -np.sin(angle), 5.0), (np.sin(angle), np.cos(angle), 3.0), (0, 0, 1.0)))
    box = (100.0, 50.0, 20.0, 20.0)
    there = moved_box(box, turn)
    back = moved_box(there, np.linalg.inv(turn))
    assert back[0] + back[2] / 2 == pytest.approx(110, abs=1e-6)
    assert back[2] == pytest.approx(20, rel=0.15)
