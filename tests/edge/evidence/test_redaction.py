"""Stills are blurred before they leave the box: with small models that are asked for real, live and on replay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from contract.evidence import Evidence, EvidenceKind
from edge.checks import Grade, findings
from edge.config.document import config_from_text, load_config_with_lines
from edge.config.evidence import BlurSettings, EvidenceSettings
from edge.config.inference import InferenceSettings, ModelSettings
from edge.config.problems import ConfigError
from edge.detectors.interface import Exhibit, Frame, Mark, Observation
from edge.evidence.camera import CameraEvidence, Inline
from edge.evidence.redaction import WEIGHT, StillBlur
from edge.evidence.store import EvidenceStore
from edge.inference.errors import ModelError
from edge.inference.port import ReplayModels
from edge.inference.service import InferenceService
from tests.edge.evidence.streams import encode, ring_of
from tests.edge.inference.conftest import MakeSettings
from tests.edge.inference.test_service import opener, serving, until
from tests.edge.inference.tiny_model import tiny_model
from tests.edge.parts import T0, moment, observation, tracker

DATA = Path(__file__).parents[4] / "shared" / "data"
YOLOX, DASHCAM = DATA / "weights" / "yolox_nano.onnx", DATA / "streets" / "dashcam"

SETTINGS = BlurSettings(model="tiny", labels=("red",), min_score=0.5)


@pytest.fixture
def inference(tmp_path: Path) -> MakeSettings:
    """The tiny model: it finds red and blue cells of 32 × 32 px, in pictures of 128 × 96."""

    def make(also: dict[str, Any] | None = None, **model: Any) -> InferenceSettings:
        values = {"path": tiny_model(tmp_path / "tiny.onnx"), "format": "yolov8", "labels": ("red", "blue"), **model}
        return InferenceSettings.model_validate(
            {"models": {"tiny": ModelSettings.model_validate(values)}, "backend": "onnxruntime", **(also or {})}
        )

    return make


def scene(*cells: tuple[int, int, int]) -> np.ndarray:
    """A grey picture with striped cells (column, row, channel: 2 is red): stripes that blurring would take away."""
    picture = np.zeros((96, 128, 3), np.uint8)
    picture[::2] = 60
    for column, row, channel in cells:
        picture[row * 32 : row * 32 + 32, column * 32 : column * 32 + 32, channel] = 255
    return picture


def stripes(picture: np.ndarray, column: int, row: int) -> float:
    part = picture[row * 32 + 4 : row * 32 + 28, column * 32 + 4 : column * 32 + 28, 1].astype(float)
    return float(np.abs(np.diff(part, axis=0)).mean())


def replaying(inference: MakeSettings, settings: BlurSettings = SETTINGS, **model: Any) -> StillBlur:
    return StillBlur(settings, ReplayModels(inference(**model)).port())


def test_what_is_named_is_blurred_and_nothing_else(inference: MakeSettings) -> None:
    picture = scene((0, 0, 2), (3, 2, 0))
    still = replaying(inference).still(picture)
    assert still is not None
    assert still.redacted
    assert stripes(picture, 0, 0) > 50
    assert stripes(still.picture, 0, 0) < 5
    assert stripes(still.picture, 3, 2) > 50, "blue was not named"
    assert stripes(still.picture, 1, 1) > 50, "nothing is there"


def test_a_picture_without_anybody_is_redacted_too(inference: MakeSettings) -> None:
    still = replaying(inference).still(scene())
    assert still is not None
    assert still.redacted
    assert np.array_equal(still.picture, scene())


FLAMES = Mark(box=(8, 8, 10, 10))


def fine(picture: np.ndarray, left: int, top: int, right: int, bottom: int) -> bool:
    """Whether the stripes are still to be seen there."""
    return float(np.abs(np.diff(picture[top:bottom, left:right, 1].astype(float), axis=0)).mean()) > 50


def test_flames_at_a_car_stay_to_be_seen(inference: MakeSettings) -> None:
    still = replaying(inference).still(scene((0, 0, 2)), [FLAMES], "fire")
    assert still is not None
    assert still.redacted
    assert fine(still.picture, 9, 9, 17, 17)
    assert not fine(still.picture, 4, 20, 28, 30)


def test_people_are_hidden_whatever_burns_before_them(inference: MakeSettings) -> None:
    blur = replaying(inference, SETTINGS.model_copy(update={"labels": ("person",)}), labels=("person", "blue"))
    still = blur.still(scene((0, 0, 2)), [FLAMES], "fire")
    assert still is not None
    assert not fine(still.picture, 9, 9, 17, 17)


@pytest.mark.parametrize("hazard", ["parked_vehicle", "thrown_object", "a_plug_ins_own"])
def test_only_fire_is_seen_through_a_blurred_car(inference: MakeSettings, hazard: str) -> None:
    """The mark of a parked car may lie in a larger box, of it and its neighbour: it is no reason to show it."""
    still = replaying(inference).still(scene((0, 0, 2)), [FLAMES], hazard)
    assert still is not None
    assert not fine(still.picture, 9, 9, 17, 17)


@pytest.mark.parametrize("spared", [False, True])
def test_what_the_alarm_is_about_is_spared_only_on_request(inference: MakeSettings, spared: bool) -> None:
    settings = SETTINGS.model_copy(update={"spare_concerned": spared})
    picture = scene((0, 0, 2), (3, 2, 2))
    still = replaying(inference, settings).still(picture, [Mark(box=(1, 1, 31, 30))])
    assert still is not None
    assert still.redacted is not spared, "what shows a plate is not said to be redacted"
    assert (stripes(still.picture, 0, 0) > 50) is spared
    assert stripes(still.picture, 3, 2) < 5, "others are hidden all the same"


@contextmanager
def live(
    settings: InferenceSettings, folder: Path, blur: BlurSettings, **service: Any
) -> Iterator[tuple[StillBlur, Counter[str], InferenceService]]:
    with serving(settings, folder, service.get("open_model", opener())) as served:
        port, counts = served.port("gate stills", WEIGHT), Counter[str]()
        yield StillBlur(blur, port, counts, give_back=port.close), counts, served


def test_live_it_waits_for_the_model(inference: MakeSettings, tmp_path: Path) -> None:
    """At the first alarm the model is not open yet: its questions are shed until it is."""
    with live(inference(), tmp_path, SETTINGS) as (blur, counts, _):
        still = blur.still(scene((0, 0, 2)))
        assert still is not None
        assert still.redacted
        assert stripes(still.picture, 0, 0) < 5
        assert counts == {"blurred": 1}
        on_replay = replaying(inference).still(scene((0, 0, 2)))
        assert on_replay is not None
        assert np.array_equal(still.picture, on_replay.picture)


@pytest.mark.parametrize("choice", ["keep", "withhold"])
def test_a_model_that_does_not_answer_is_said(inference: MakeSettings, tmp_path: Path, choice: str) -> None:
    settings = SETTINGS.model_copy(update={"when_unable": choice, "patience_seconds": 0.5})
    with live(inference(path=tmp_path / "none.onnx"), tmp_path, settings) as (blur, counts, _):
        still = blur.still(scene((0, 0, 2)))
    if choice == "keep":
        assert still is not None
        assert not still.redacted
        assert np.array_equal(still.picture, scene((0, 0, 2)))
        assert counts == {"kept": 1}
    else:
        assert still is None
        assert counts == {"withheld": 1}


def test_waking_opens_the_model_before_it_is_needed(inference: MakeSettings, tmp_path: Path) -> None:
    with live(inference(), tmp_path, SETTINGS) as (blur, _, service):
        blur.wake()
        until(lambda: service.status()[0]["state"] == "ready", "the model is open")


def test_on_replay_a_broken_model_ends_the_replay(inference: MakeSettings, tmp_path: Path) -> None:
    """A result that shows people because a file was missing would look like one that does not."""
    with pytest.raises(ModelError, match="cannot be read"):
        replaying(inference, path=tmp_path / "none.onnx").still(scene())


def evidence_with(
    blur: StillBlur | None, folder: Path, shown: Observation, picture: np.ndarray, **settings: Any
) -> dict[str, Evidence]:
    """What is made for an episode of one observation."""
    source = encode(folder / "c.mp4")
    asked = EvidenceSettings.model_validate({"clip_before_seconds": 1, "clip_after_seconds": 1, **settings})
    made = CameraEvidence(EvidenceStore(folder / "evidence"), asked, Inline(), ring_of(source).ring, blur)
    change = tracker().observe("d", shown, moment(3.0))
    assert change is not None
    frame = Frame("c", 30, 3.0, T0 + timedelta(seconds=3), picture[:, :, 0], lambda _region=None: picture)
    made.opened(change.episode, shown, frame)
    made.advance(10)
    made.wait(30)
    return {item.kind: item for _, items in made.finished() for item in items}


def read(folder: Path, item: Evidence) -> np.ndarray:
    picture = cv2.imdecode(np.frombuffer((folder / "evidence" / item.sha256).read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture


def test_files_are_blurred_and_say_so(inference: MakeSettings, tmp_path: Path) -> None:
    picture = scene((0, 0, 2))
    before = Exhibit(EvidenceKind.BEFORE, scene((1, 1, 2)), T0, "head 1")
    shown = replace(observation(3.0), exhibits=(before,), marks=(Mark(box=(90, 60, 20, 20)),))
    found = evidence_with(replaying(inference), tmp_path, shown, picture, burn_overlay=True)
    assert {kind: item.redacted for kind, item in found.items()} == {
        "snapshot": True,
        "overlay": True,
        "before": True,
        "track": False,
        "clip": False,
    }
    assert stripes(read(tmp_path, found["snapshot"]), 0, 0) < 8
    assert stripes(read(tmp_path, found["overlay"]), 0, 0) < 8
    assert stripes(read(tmp_path, found["before"]), 1, 1) < 8
    assert stripes(read(tmp_path, found["before"]), 0, 0) > 40


def test_without_it_nothing_is_claimed(tmp_path: Path) -> None:
    found = evidence_with(None, tmp_path, observation(3.0), scene((0, 0, 2)))
    assert not any(item.redacted for item in found.values())
    assert stripes(read(tmp_path, found["snapshot"]), 0, 0) > 40


def test_clips_may_be_withheld(inference: MakeSettings, tmp_path: Path) -> None:
    blur = replaying(inference, SETTINGS.model_copy(update={"clips": "withhold"}))
    assert set(evidence_with(blur, tmp_path, observation(3.0), scene())) == {"snapshot", "track"}


CONFIG = """
device: {{id: box-1, state_dir: state}}
inference: {{models: {{tiny: {{path: tiny.onnx, format: yolov8, labels: [red, blue], min_score: 0.3}}}}}}
evidence: {{blur: {blur}}}
sources: {{}}
"""


@pytest.mark.parametrize(
    ("blur", "reason"),
    [
        ("{model: other, labels: [red]}", "evidence.blur.model: found 'other', expected one of inference.models: tiny"),
        ("{model: tiny, min_score: 0.4}", "evidence.blur.labels: found person, .* expected labels of tiny: red, blue"),
        ("{model: tiny, labels: [red], min_score: 0.2}", "evidence.blur.min_score: found 0.2, .* or a lower one there"),
    ],
    ids=["model", "labels", "score"],
)
def test_a_model_that_cannot_do_it_is_named_by_line(blur: str, reason: str, tmp_path: Path) -> None:
    config_from_text(CONFIG.format(blur="{model: tiny, labels: [red], min_score: 0.3}"), tmp_path / "edge.yaml")
    with pytest.raises(ConfigError, match=f"edge.yaml:4: {reason}"):
        config_from_text(CONFIG.format(blur=blur), tmp_path / "edge.yaml")


@pytest.mark.parametrize("clips", ["keep", "withhold"])
def test_check_says_what_is_not_blurred(clips: str, inference: MakeSettings, tmp_path: Path) -> None:
    inference()  # writes the model
    path = tmp_path / "edge.yaml"
    path.write_text(CONFIG.format(blur=f"{{model: tiny, labels: [red], min_score: 0.3, clips: {clips}}}"))
    config, parsed = load_config_with_lines(path)
    (said,) = [one for one in findings(path, config, parsed, online=False) if one.subject == "evidence.blur"]
    assert said.grade is (Grade.WARNING if clips == "keep" else Grade.FINE)
    assert "clips" in said.message


@pytest.mark.skipif(not (YOLOX.exists() and DASHCAM.exists()), reason=f"{YOLOX} or {DASHCAM} is not there")
def test_on_real_streets_plates_are_not_to_be_read() -> None:
    """Plates of the three nearest cars of a dashcam picture, found by hand; tiles find what the whole does not."""
    labels = ("person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck")
    model = ModelSettings.model_validate({"path": YOLOX, "format": "yolox", "labels": labels})
    models = ReplayModels(InferenceSettings(models={"things": model}))
    picture = cv2.imread(str(DASHCAM / "out02252.jpeg"))
    assert picture is not None
    still = StillBlur(BlurSettings(model="things"), models.port()).still(picture)
    assert still is not None
    for left, top, right, bottom in ((973, 928, 1074, 953), (1372, 912, 1430, 930), (1740, 930, 1870, 965)):
        plate, hidden = (one[top:bottom, left:right] for one in (picture, still.picture))
        assert _letters(hidden) < 0.1 * _letters(plate)
    assert np.array_equal(still.picture[:400], picture[:400]), "the sky and the roofs"


def _letters(part: np.ndarray) -> float:
    return float(np.abs(cv2.Laplacian(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY), cv2.CV_64F)).mean())


def test_what_is_spared_is_where_it_was_in_the_picture(inference: MakeSettings, tmp_path: Path) -> None:
    """The picture is of the opening; by the time that it is made the lorry may have driven on."""
    blur = replaying(inference, SETTINGS.model_copy(update={"spare_concerned": True}))
    asked = EvidenceSettings.model_validate({"clip_before_seconds": 1, "clip_after_seconds": 1})
    source = encode(tmp_path / "c.mp4")
    made = CameraEvidence(EvidenceStore(tmp_path / "evidence"), asked, Inline(), ring_of(source).ring, blur)
    tracked, picture = tracker(), scene((0, 0, 2))
    for seconds, x in ((3.0, 1.0), (3.3, 90.0)):
        seen = observation(seconds, marks=(Mark(box=(x, 1, 31, 30)),))
        change = tracked.observe("d", seen, moment(seconds))
        assert change is not None
        if change.opened:
            frame = Frame("c", 30, 3.0, T0 + timedelta(seconds=3), picture[:, :, 0], lambda _region=None: picture)
            made.opened(change.episode, seen, frame)
        else:
            made.observed(change.episode, seen)
    made.advance(10)
    made.wait(30)
    found = {item.kind: item for _, items in made.finished() for item in items}
    assert not found["snapshot"].redacted
    assert stripes(read(tmp_path, found["snapshot"]), 0, 0) > 40
