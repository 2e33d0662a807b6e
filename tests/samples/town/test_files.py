"""What is written to disk: stills with notes, videos with subtitles, the register, the truth, the command."""

from __future__ import annotations

import json
import math
import re
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import av
import cv2
import exifread
import numpy as np
import pytest
from shapely.geometry import Polygon
from typer.testing import CliRunner

from contract.geometry import Point
from edge.flights.local import LocalPlane
from edge.flights.reading.angles import attitude_of
from edge.flights.reading.sniff import read_telemetry
from edge.flights.reading.stills import read_still
from edge.flights.register.features import Layer, Validity
from edge.flights.register.reading import read_register
from edge.flights.register.settings import RegisterSettings
from edge.vision.pose import turned
from samples.town import GNSS, Plan, TownPair, make_pair, register_of
from samples.town.__main__ import generate
from samples.town.exif import SITE_M, with_notes
from samples.town.klv import write_transport_stream
from samples.town.register import FILES, write_register
from samples.town.stills import notes_of, write_stills
from samples.town.telling import told
from samples.town.video import path_of, write_video

DJI = "{http://www.dji.com/drone-dji/1.0/}"


@pytest.fixture(scope="module")
def pair() -> TownPair:
    return make_pair(6, 130.0, plan=Plan(320, 240, 0.3), noise=GNSS, changes=12)


@pytest.fixture(scope="module")
def stills(pair: TownPair, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_stills(tmp_path_factory.mktemp("stills"), pair.truth.after, only=[0, 2])


def test_stills_open_and_say_where_they_were_taken(pair: TownPair, stills: list[Path]) -> None:
    assert [path.name for path in stills] == ["DJI_0001.JPG", "DJI_0003.JPG"]
    with stills[1].open("rb") as file:
        tags = exifread.process_file(file)
    frame = pair.after.frames[2]
    for name, expected in zip(("Longitude", "Latitude"), _degrees(pair, 2), strict=True):
        parts = [float(part) for part in tags[f"GPS GPS{name}"].values]
        assert parts[0] + parts[1] / 60 + parts[2] / 3600 == pytest.approx(expected, abs=1e-9)
    assert str(tags["EXIF DateTimeOriginal"]) == frame.taken_at.strftime("%Y:%m:%d %H:%M:%S")  # type: ignore[union-attr]
    assert (tags["EXIF ExifImageWidth"].values, tags["EXIF ExifImageLength"].values) == ([320], [240])
    assert str(tags["GPS GPSLatitudeRef"]) == "N"


def _degrees(pair: TownPair, number: int) -> tuple[float, float]:
    pose = pair.after.frames[number].pose
    point = pair.after.plane.point(pose.east_m, pose.north_m)
    return point.longitude, point.latitude


def test_stills_have_djis_notes(pair: TownPair, stills: list[Path]) -> None:
    data = stills[1].read_bytes()
    packet = data[data.index(b"<x:xmpmeta") : data.index(b"</x:xmpmeta>") + 12]
    (described,) = ElementTree.fromstring(packet).iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description")
    pose = pair.after.frames[2].pose
    assert float(described.attrib[f"{DJI}RelativeAltitude"]) == pytest.approx(pose.up_m, abs=1e-3)
    angles = [float(described.attrib[f"{DJI}Gimbal{name}Degree"]) for name in ("Yaw", "Pitch", "Roll")]
    assert np.abs(turned(*angles) - pose.turn).max() < math.radians(0.02)
    assert described.attrib[f"{DJI}RtkFlag"] == "16"


def test_our_own_reader_finds_the_said_pose_and_lens(pair: TownPair, stills: list[Path]) -> None:
    still, frame = read_still(stills[1]), pair.after.frames[2]
    assert still.fix is not None and still.fix.gimbal is not None
    gimbal = still.fix.gimbal
    assert np.abs(turned(gimbal.yaw, gimbal.pitch, gimbal.roll) - frame.pose.turn).max() < math.radians(0.02)
    place = LocalPlane(pair.truth.after.town.origin).at(Point(coordinates=(still.fix.longitude, still.fix.latitude)))
    assert np.hypot(place[0] - frame.pose.east_m, place[1] - frame.pose.north_m) < 0.01
    assert still.fix.above_takeoff_m == pytest.approx(frame.pose.up_m, abs=1e-3)
    assert still.taken_at == frame.taken_at
    assert still.lens.focal_px == pytest.approx((frame.lens.focal_x, frame.lens.focal_y), abs=1e-4)
    assert still.lens.centre_px == pytest.approx((frame.lens.centre_x, frame.lens.centre_y), abs=1e-4)
    assert still.lens.distortion == pytest.approx(frame.lens.distortion, abs=1e-8)


def test_a_still_is_the_picture_of_the_flight(pair: TownPair, stills: list[Path]) -> None:
    read, rendered = cv2.imread(str(stills[1])), pair.after.frames[2].read_bgr()
    assert read is not None and np.array_equal(read, rendered)


def test_notes_go_into_jpegs_only(pair: TownPair) -> None:
    with pytest.raises(ValueError, match="expected a JPEG"):
        with_notes(b"\x89PNG", notes_of(pair.truth.after, 0))


@pytest.fixture(scope="module")
def video(pair: TownPair, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / "flight.mp4"
    write_video(path, pair.truth.after, 0.5, 10)
    return path


def test_video_and_subtitles_have_the_same_frames(video: Path) -> None:
    with av.open(str(video)) as container:
        frames = list(container.decode(video=0))
    assert [(frame.width, frame.height) for frame in frames] == [(320, 240)] * 5
    records = video.with_suffix(".SRT").read_text(encoding="utf-8").strip().split("\n\n")
    assert len(records) == 5
    for n, record in enumerate(records):
        lines = record.splitlines()
        assert lines[0] == str(n + 1)
        assert re.fullmatch(r"\d\d:\d\d:\d\d,\d{3} --> \d\d:\d\d:\d\d,\d{3}", lines[1])
        assert lines[2].startswith(f'<font size="28">FrameCnt: {n + 1},') and lines[-1].endswith("</font>")


def test_our_own_reader_finds_the_said_poses_in_subtitles(pair: TownPair, video: Path) -> None:
    log = read_telemetry(video.with_suffix(".SRT"))
    poses = path_of(pair.truth.after, 0.5, 10)
    assert log.dialect == "dji-bracketed" and not log.unread and len(log.fixes) == 5
    for fix, (_, said) in zip(log.fixes, poses, strict=True):
        assert fix.above_takeoff_m == pytest.approx(said.up_m, abs=1e-3)
        assert fix.gimbal is not None
        turn = turned(fix.gimbal.yaw, fix.gimbal.pitch, fix.gimbal.roll)
        assert np.abs(turn - said.turn).max() < math.radians(0.15)
        east, north = pair.after.plane.at(Point(coordinates=(fix.longitude, fix.latitude)))
        assert math.hypot(east - said.east_m, north - said.north_m) < 0.02


def test_our_own_reader_finds_the_said_poses_in_a_transport_stream(pair: TownPair, tmp_path: Path) -> None:
    path = tmp_path / "flight.ts"
    poses = write_transport_stream(path, pair.truth.after, 0.4, 10)
    log = read_telemetry(path)
    assert log.dialect == "misb-0601" and not log.unread and len(log.fixes) == len(poses) == 4
    for n, (fix, (_, said)) in enumerate(zip(log.fixes, poses, strict=True)):
        assert fix.media_time == pytest.approx(n / 10, abs=1e-3)
        assert fix.taken_at == pair.truth.after.began_at + timedelta(seconds=n / 10)
        assert fix.above_sea_m == pytest.approx(SITE_M + said.up_m, abs=0.16)
        assert fix.gimbal is not None
        turn = turned(fix.gimbal.yaw, fix.gimbal.pitch, fix.gimbal.roll)
        assert np.abs(turn - said.turn).max() < math.radians(0.01)
        east, north = pair.after.plane.at(Point(coordinates=(fix.longitude, fix.latitude)))
        assert math.hypot(east - said.east_m, north - said.north_m) < 0.02
    with av.open(str(path)) as container:
        assert len(list(container.decode(video=0))) == 4


@pytest.mark.parametrize(("seconds", "fps"), [(0, 30), (1, 0), (1e9, 30), (-1, 30), (float("nan"), 30)])
def test_videos_that_cannot_be_are_refused(pair: TownPair, seconds: float, fps: int) -> None:
    with pytest.raises(ValueError, match="expected 1 to 60 frames/s"):
        path_of(pair.truth.after, seconds, fps)


def test_register_is_read_back_by_our_own_reader(pair: TownPair, tmp_path: Path) -> None:
    written = write_register(tmp_path, pair.truth)
    assert [path.name for path in written] == [f"{name}.geojson" for name in FILES.values()]
    settings = RegisterSettings.model_validate(
        {FILES[layer]: [{"path": path.name}]
         for layer, path in zip(FILES, written, strict=True)}
    )  # fmt: skip
    box = Polygon(((-400, -400), (400, -400), (400, 400), (-400, 400))).bounds
    loaded = read_register(settings, tmp_path, pair.after.plane, box)
    got = {(entry.layer, entry.id): entry for entry in loaded.register.entries}
    entries = register_of(pair.truth)
    assert set(got) == {(entry.layer, entry.id) for entry in entries}
    for entry in entries:
        found = got[entry.layer, entry.id]
        assert found.outline.symmetric_difference(entry.outline).area < 0.01 * entry.outline.area + 0.01
        assert (found.valid_from, found.valid_until) == (entry.valid_from, entry.valid_until)


def test_permits_are_of_new_structures_and_some_have_expired() -> None:
    found: set[Validity] = set()
    for seed in range(3):
        truth = make_pair(seed, 160.0, changes=14, nuisances=False).truth
        new = {f"P{c.key}" for c in truth.changes if c.is_new_structure}
        permits = [entry for entry in register_of(truth) if entry.layer is Layer.PERMIT]
        assert {permit.id for permit in permits} <= new and len(permits) < len(new)
        found |= {permit.validity(truth.after.began_at.date()) for permit in permits}
    assert found == {Validity.VALID, Validity.EXPIRED}


def test_truth_is_plain_and_in_degrees(pair: TownPair) -> None:
    truth = json.loads(json.dumps(told(pair.truth, "a test")))
    plane = pair.after.plane
    for written, change in zip(truth["changes"], pair.truth.changes, strict=True):
        ring = np.array(written["outline"])
        assert np.array_equal(ring[0], ring[-1])
        assert np.abs(plane.metres(ring[:-1, 0], ring[:-1, 1]) - change.outline).max() < 1e-3
        assert written["kind"] == change.kind.value and written["must_be_found"] == change.is_new_structure
    shot, pose = truth["flights"][1]["shots"][2]["true"], pair.truth.after.survey.shots[2].true_pose
    assert np.allclose(turned(shot["yaw"], shot["pitch"], shot["roll"]), pose.turn, atol=1e-6)
    assert attitude_of(pose.turn).pitch == pytest.approx(shot["pitch"], abs=1e-4)


def test_command_writes_everything(tmp_path: Path) -> None:
    options = "--size-m 60 --gsd-m 0.4 --width 200 --height 160 --changes 2 --video-seconds 0.1 --stream-seconds 0.1"
    result = _run("--out", str(tmp_path / "made"), *options.split())
    assert result.exit_code == 0, result.output
    made = {path.relative_to(tmp_path / "made").as_posix() for path in (tmp_path / "made").rglob("*")}
    for flight in ("before", "after", "again"):
        assert {f"{flight}/DJI_0001.JPG", f"{flight}.mp4", f"{flight}.SRT", f"{flight}.ts"} <= made
    assert {"truth.json", "register/approved.geojson", "register/permits.geojson"} <= made


def test_command_draws_a_sheet(tmp_path: Path) -> None:
    options = "--size-m 60 --gsd-m 0.4 --width 200 --height 160 --changes 2 --sheet --seed 3"
    assert _run("--out", str(tmp_path), *options.split()).exit_code == 0
    picture = cv2.imread(str(tmp_path / "town-3.png"))
    assert picture is not None and picture.shape[1] == 2000


@pytest.mark.parametrize(
    ("options", "what"),
    [("--mix moon", "village"), ("--size-m 5", "60"), ("--gsd-m 0.02 --width 100", "larger"), ("--changes -1", "0")],
)
def test_command_refuses_what_cannot_be(tmp_path: Path, options: str, what: str) -> None:
    result = _run("--out", str(tmp_path / "made"), *options.split())
    assert result.exit_code == 2 and what in result.output
    assert not (tmp_path / "made").exists()


def _run(*arguments: str):
    import typer

    app = typer.Typer()
    app.command()(generate)
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})
