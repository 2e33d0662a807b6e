"""The way of an installer: a clip, a proposal, a learned cycle, a written configuration, a fault found with it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import pytest
import yaml
from typer.testing import CliRunner

from edge.cli import app
from edge.config.document import load_config
from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.settings import Colour, TrafficSignalSettings
from samples.junction.faults import TrueFault
from samples.junction.heads import lamp_centres
from tests.edge.calibrate.signals.drawn import small_scene, write_clip

CONFIG = """\
device: {id: box, state_dir: state}
sources:
  crossing: # the junction
    kind: camera
    location: {lon: 113.65, lat: 34.73, accuracy_m: 10}
    detectors: {} # none yet
"""
SECONDS, DARK_FROM = 230.0, 155.0
ALL = ("n1", "n2", "e1", "e2", "w1")
POWER = TrueFault(kind=Fault.DARK, heads=ALL, start_seconds=DARK_FROM, end_seconds=SECONDS, scope="junction")
SCENE = small_scene(SECONDS, (POWER,))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("junction") / "crossing.mp4"
    write_clip(SCENE, path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "edge.yaml").write_text(CONFIG, encoding="utf-8")
    return tmp_path


def calibrate(folder: Path, target: str | Path, *options: str) -> Any:
    arguments = [
        "calibrate",
        "signals",
        str(target),
        "--config",
        str(folder / "edge.yaml"),
        "--out",
        str(folder / "out"),
    ]
    return CliRunner().invoke(app, [*arguments, *options], catch_exceptions=False)


def settings_in(folder: Path) -> TrafficSignalSettings:
    settings = load_config(folder / "edge.yaml").sources["crossing"].detectors["traffic_signal"]
    assert isinstance(settings, TrafficSignalSettings)
    return settings


def test_from_a_clip_to_a_power_failure_found(clip: Path, folder: Path) -> None:
    result = calibrate(folder, clip, "--seconds", "150", "--propose-seconds", "100", "--write", "--yes")
    assert result.exit_code == 0, result.output
    settings = settings_in(folder)
    by_place = {}
    for spec in SCENE.spec.heads:
        first = lamp_centres(spec, SCENE.looks[spec.id])[0]
        near = [
            head_id
            for head_id, head in settings.heads.items()
            if abs(head.lamps[0].centre[0] - first[0]) < 3 and abs(head.lamps[0].centre[1] - first[1]) < 3
        ]
        assert len(near) == 1, spec.id
        by_place[spec.id] = settings.heads[near[0]]
    groups = {head_id: head.group for head_id, head in by_place.items()}
    assert groups["n1"] == groups["n2"] != groups["e1"] == groups["e2"]
    assert frozenset((groups["n1"], groups["e1"])) in {frozenset(pair) for pair in settings.conflicts}
    assert settings.plan[groups["n1"]].durations[Colour.GREEN].typical == pytest.approx(15, abs=3)
    assert "sources:\n  crossing: # the junction\n" in (folder / "edge.yaml").read_text(encoding="utf-8")
    assert [path.read_text(encoding="utf-8") for path in folder.glob("edge.yaml.*.bak")] == [CONFIG]
    for name in ("heads.jpg", "timeline.png"):
        assert cv2.imread(str(folder / "out" / name)) is not None
    events = folder / "events.jsonl"
    replayed = CliRunner().invoke(
        app, ["replay", str(clip), "--config", str(folder / "edge.yaml"), "--out", str(events)], catch_exceptions=False
    )
    assert replayed.exit_code == 0, replayed.output
    opened = [json.loads(line)["data"] for line in events.read_text(encoding="utf-8").splitlines()]
    opened = [event for event in opened if event["phase"] == "opened"]
    assert [(event["hazard"], event["detail"]["scope"]) for event in opened] == [("signal_dark", "junction")]
    assert opened[0]["media"]["observed_seconds"] - DARK_FROM <= 120


def test_a_proposal_is_corrected_by_hand_and_given_back(clip: Path, folder: Path) -> None:
    assert calibrate(folder, clip, "--propose-only", "--propose-seconds", "90").exit_code == 0
    assert (folder / "edge.yaml").read_text(encoding="utf-8") == CONFIG
    heads = folder / "heads.yaml"
    shutil.copy(folder / "out" / "proposal.yaml", heads)
    document = yaml.safe_load(heads.read_text(encoding="utf-8"))
    for head in document["heads"].values():
        head["approach"] = "north" if head["lamps"][0]["centre"][0] < 200 else "east"
    document["night_flash"] = [{"start": "23:00", "end": "05:00"}]
    heads.write_text(yaml.safe_dump(document), encoding="utf-8")
    result = calibrate(folder, clip, "--heads", str(heads), "--seconds", "100", "--write", "--yes")
    assert result.exit_code == 0, result.output
    settings = settings_in(folder)
    assert {head.approach for head in settings.heads.values()} == {"north", "east"}
    assert f"{settings.night_flash[0].start:%H:%M}" == "23:00"
    assert "timeline.png" in result.output


def test_what_is_too_small_is_refused_with_the_lens(clip: Path, folder: Path) -> None:
    heads = folder / "heads.yaml"
    heads.write_text(
        "heads:\n  a:\n    polygon: [[30, 20], [50, 20], [50, 70], [30, 70]]\n    group: g\n"
        "    lamps: [{colour: red, centre: [40, 30], diameter_px: 5}]\n",
        encoding="utf-8",
    )
    result = calibrate(folder, clip, "--heads", str(heads))
    assert result.exit_code == 1
    assert "found a red lamp of 5.0 px" in result.output
    assert "lens of 1.2 × the focal length" in result.output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["crossin"], "did you mean 'crossing'?"),
        (["crossing"], "'crossing' has no camera input; give a clip with --source crossing"),
        (["{clip}", "--write"], "--write asks before it writes; where nobody can be asked, give --yes"),
        (["{clip}", "--write", "--yes", "--source", "gate"], "found no camera 'gate' to write to"),
    ],
    ids=["unknown", "no_input", "nobody_to_ask", "unknown_source"],
)
def test_wrong_usage_is_told(clip: Path, folder: Path, options: list[str], said: str) -> None:
    result = calibrate(folder, *(option.format(clip=clip) for option in options))
    assert result.exit_code == 2
    assert said in result.output


def test_a_faulty_heads_file_names_line_and_field(clip: Path, folder: Path) -> None:
    from edge.config.problems import ConfigError

    heads = folder / "heads.yaml"
    heads.write_text("night_flash:\n  - {start: '23:00', end: '23:00'}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"heads\.yaml:2: night_flash\[0\]: found start and end 23:00"):
        calibrate(folder, clip, "--heads", str(heads))
    heads.write_text("nigth_flash: []\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="did you mean 'night_flash'"):
        calibrate(folder, clip, "--heads", str(heads))
