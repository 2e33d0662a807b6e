"""A calibration session as the box's page uses it: asked from one thread, fed from another."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest

from contract.timeline import SignalTimeline
from edge.calibrate.signals.session import SignalSession
from edge.detectors.interface import Frame
from edge.detectors.traffic_signal.settings import HeadSettings
from samples.junction.camera import Camera
from samples.junction.installed import document_of
from samples.junction.render import Renderer
from tests.edge.calibrate.signals.drawn import HEIGHT, WIDTH, small_scene

SCENE = small_scene(90)


class NoModel:
    """Proposes nothing: what history finds is to be seen alone."""

    def propose(self, bgr: np.ndarray) -> tuple[()]:
        assert bgr.shape == (HEIGHT, WIDTH, 3)
        return ()


@cache
def frames() -> Sequence[Frame]:
    """All of the scene, rendered once."""
    return tuple(Camera(Renderer(SCENE)).frames())


@pytest.fixture(scope="module")
def watched() -> SignalSession:
    session = SignalSession("crossing", NoModel())
    assert session.call({"do": "learn", "settings": document_of(SCENE), "seconds": 60})["state"] == "learning"
    for frame in frames():
        session.take(frame)
    return session


def test_heads_are_proposed_from_history(watched: SignalSession) -> None:
    answer = watched.call({"do": "propose"})
    json.dumps(answer)
    assert (answer["width"], answer["height"]) == (WIDTH, HEIGHT)
    heads = {head_id: HeadSettings.model_validate(head) for head_id, head in answer["heads"].items()}
    assert [[lamp.colour.value for lamp in head.lamps] for head in heads.values()][:4] == [
        ["red", "amber", "green"]
    ] * 4
    true = sorted(look.x for head_id, look in SCENE.looks.items() if head_id != "w1")
    found = [head.lamps[0].centre[0] for head in heads.values()][:4]
    assert found == pytest.approx(true, abs=1.5)
    assert any("not by its looks" in note for note in answer["notes"])


def test_what_was_learned_is_told(watched: SignalSession) -> None:
    answer = watched.call({"do": "status"})
    json.dumps(answer)
    assert (answer["state"], answer["of_seconds"]) == ("learned", 60)
    timeline = SignalTimeline.model_validate(answer["timeline"])
    assert {head.head for head in timeline.heads} == set(SCENE.looks)
    assert timeline.end == pytest.approx(60, abs=2)
    assert answer["learned"]["groups"]["n1"] == answer["learned"]["groups"]["n2"]


def test_a_draft_is_checked_part_by_part(watched: SignalSession) -> None:
    draft = document_of(SCENE)
    draft["heads"]["n1"]["lamps"][2]["diameter_px"] = 4.2
    answer = watched.call({"do": "check", "settings": draft})
    assert [problem["path"] for problem in answer["problems"]] == [["heads", "n1", "lamps", 2, "diameter_px"]]
    assert "it needs a lens of" in answer["problems"][0]["message"]
    assert [lamp for lamp in answer["lamps"] if not lamp["ok"]] == [{"head": "n1", "index": 2, "px": 4.2, "ok": False}]
    draft["heads"]["e1"]["lamps"][0]["colour"] = "blue"
    answer = watched.call({"do": "check", "settings": draft})
    assert answer["problems"][0]["path"] == ["heads", "e1", "lamps", 0, "colour"]
    assert watched.call({"do": "check", "settings": document_of(SCENE)})["problems"] == []


def test_the_still_is_the_latest_picture(watched: SignalSession) -> None:
    answer = watched.call({"do": "still"})
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(answer["jpeg"]), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (HEIGHT, WIDTH, 3)


def test_learning_survives_a_loss_of_the_stream() -> None:
    session = SignalSession("crossing")
    session.call({"do": "learn", "settings": document_of(SCENE), "seconds": 40})
    taken = frames()[:42]
    for frame in taken[:20]:
        session.take(frame)
    lost = taken[25].media_time
    for frame in taken[25:]:
        session.take(replace(frame, media_time=frame.media_time - lost))
    answer = session.call({"do": "status"})
    assert answer["state"] == "learned"
    assert answer["seconds"] == pytest.approx(40, abs=1)


def test_pictures_of_another_size_end_it_with_the_reason() -> None:
    session = SignalSession("crossing")
    session.call({"do": "learn", "settings": document_of(SCENE), "seconds": 40})
    frame = frames()[0]
    session.take(frame)
    half = frame.read_bgr()[::2, ::2].copy()
    session.take(replace(frame, media_time=1.0, luma=half[..., 1].copy(), read_bgr=lambda region=None: half))
    answer = session.call({"do": "status"})
    assert answer["state"] == "failed"
    assert "the pictures are 200 × 112 now, they were 400 × 224" in answer["reason"]


def test_stopping_keeps_what_was_seen() -> None:
    session = SignalSession("crossing")
    assert session.call({"do": "stop"})["state"] == "idle"
    session.call({"do": "learn", "settings": document_of(SCENE), "seconds": 600})
    for frame in frames()[:10]:
        session.take(frame)
    answer = session.call({"do": "stop"})
    assert (answer["state"], answer["reason"]) == ("learned", "stopped before its time")
    assert not session.learning
    assert any("no whole cycle" in doubt for doubt in answer["learned"]["doubts"])


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"do": "dance"}, "expected one of propose, check, learn, status, stop, still"),
        ({"do": "propose"}, "there is no picture yet"),
        ({"do": "learn", "settings": {}}, "the heads cannot be learned"),
        ({"do": "learn", "settings": document_of(SCENE), "seconds": 1}, "expected a number of at least 10"),
        ({"do": "learn", "settings": document_of(SCENE), "seconds": float("nan")}, "expected a number of at least 10"),
    ],
    ids=["unknown", "no_picture", "no_settings", "too_short", "nan"],
)
def test_what_makes_no_sense_is_refused(asked: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        SignalSession("crossing").call(asked)


def test_it_may_be_asked_while_it_is_fed() -> None:
    session = SignalSession("crossing")
    session.call({"do": "learn", "settings": document_of(SCENE), "seconds": 600})
    done = threading.Event()
    faults: list[Exception] = []

    def ask() -> None:
        while not done.is_set():
            try:
                session.call({"do": "status"})
            except Exception as error:
                faults.append(error)
                return

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for frame in frames()[:15]:
            session.take(frame)
    finally:  # else a fault would leave the thread asking for ever
        done.set()
        asking.join()
    assert not faults
    assert session.call({"do": "status"})["timeline"] is not None
