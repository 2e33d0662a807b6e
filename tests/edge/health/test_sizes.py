"""A camera whose pictures change their size: its other stream is decoded, or somebody set it so."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.config.health import CameraCondition as Is
from tests.edge.health.scenes import Moment, Regime, Rig, hand
from tests.edge.health.watching import Watched

Picture = NDArray[np.uint8]
Encoder = Callable[[Picture], Picture]
AWAY = (0.1, 0.0)


def main(picture: Picture) -> Picture:
    return picture


def scaled(width: int, height: int) -> Encoder:
    """A sub stream: smaller, and worse."""

    def sub(picture: Picture) -> Picture:
        small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        coded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 30])[1]
        return np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)

    return sub


def cropped(picture: Picture) -> Picture:
    """Of the same aspect, and the upper left corner only."""
    height, width = picture.shape
    return scaled(480, 270)(np.ascontiguousarray(picture[: height // 2, : width // 2]))


SUBS = {
    "same-aspect": scaled(480, 270),
    "same-when-small": scaled(640, 360),
    "squeezed": scaled(640, 480),
    "cut": cropped,
}


def play(watched: Watched, rig: Rig, stream: Encoder, start: int, end: int, away: int | None = None) -> None:
    """A session of one stream; from `away` on the camera looks elsewhere."""
    for t in range(start, end):
        moved = away is not None and t >= away
        watched.show(t, stream(rig.picture(t, Moment(Regime.DAY, shift=AWAY if moved else (0, 0)))))
    watched.lose(end, "the stream is opened anew")


@pytest.mark.parametrize("name", SUBS)
def test_another_size_is_no_movement_and_loses_no_view(name: str) -> None:
    rig, watched = Rig(3, 1280, 720), Watched(learn_seconds=20)
    play(watched, rig, main, 0, 40)
    play(watched, rig, SUBS[name], 40, 140)
    play(watched, rig, main, 140, 160)
    assert watched.outbox.hazards == []
    play(watched, rig, SUBS[name], 160, 180)
    assert watched.outbox.hazards == [], "both are known by now"
    play(watched, rig, main, 180, 200, away=180)
    assert watched.outbox.story() == [("camera_moved", "opened")], "sooner than a view could be learned: it was kept"


@pytest.mark.parametrize("name", SUBS)
def test_each_size_has_its_view_after_a_restart_too(name: str) -> None:
    rig, first = Rig(3, 1280, 720), Watched(learn_seconds=20)
    play(first, rig, main, 0, 40)
    play(first, rig, SUBS[name], 40, 140)
    first.health.close(first.wall(140))
    for stream in (main, SUBS[name]):
        again = Watched(first.outbox, learn_seconds=20)
        before = len(again.outbox.story())
        play(again, rig, stream, 200, 208)
        assert len(again.outbox.story()) == before
        play(again, rig, stream, 208, 226, away=208)
        assert again.outbox.story()[before:] == [("camera_moved", "opened")]
        play(again, rig, stream, 226, 245)
        assert again.outbox.story()[before:] == [("camera_moved", "opened"), ("camera_moved", "cleared")]
        again.health.close(again.wall(245))


@pytest.mark.parametrize("name", ["same-aspect", "same-when-small"])
def test_a_movement_is_found_and_ended_in_the_other_size(name: str) -> None:
    rig, watched = Rig(3, 1280, 720), Watched(learn_seconds=20)
    play(watched, rig, main, 0, 40)
    play(watched, rig, main, 40, 60, away=40)
    assert watched.outbox.story() == [("camera_moved", "opened")]
    play(watched, rig, SUBS[name], 60, 160, away=60)
    assert watched.health.conditions == (Is.OFFLINE, Is.MOVED), "what is seen now is not learned as the view"
    play(watched, rig, SUBS[name], 160, 185)
    assert watched.outbox.story() == [("camera_moved", "opened"), ("camera_moved", "cleared")]
    play(watched, rig, SUBS[name], 185, 205, away=185)
    assert watched.outbox.story()[2:] == [("camera_moved", "opened")]


def test_a_covered_camera_stays_covered_in_the_other_size() -> None:
    rig, watched = Rig(2, 1280, 720), Watched(learn_seconds=20)
    play(watched, rig, main, 0, 40)
    for stream, start in ((main, 40), (SUBS["same-aspect"], 60)):
        for t in range(start, start + 20):
            watched.show(t, stream(rig.picture(t, Moment(Regime.DAY), hand)))
        watched.lose(start + 20, "the stream is opened anew")
    assert watched.outbox.story() == [("camera_covered", "opened")]
    play(watched, rig, SUBS["same-aspect"], 80, 100)
    assert watched.outbox.story()[1:] == [("camera_covered", "cleared")]


def test_a_view_that_is_accepted_is_learned_anew_in_every_size() -> None:
    rig, watched = Rig(3, 1280, 720), Watched(learn_seconds=20)
    play(watched, rig, main, 0, 40)
    play(watched, rig, SUBS["squeezed"], 40, 80)
    watched.health.accept_view()
    play(watched, rig, SUBS["squeezed"], 80, 120, away=80)
    play(watched, rig, main, 120, 160, away=120)
    assert watched.outbox.hazards == []
