"""From what a drone brought home to a flight: good, broken and hostile."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from edge.flights.flight_settings import ChoiceSettings, FlightSettings, GroundSettings, LensSettings
from edge.flights.ground import Datum
from edge.flights.ingesting import Ingested, ingest
from edge.flights.local import LocalPlane
from edge.flights.material import FlightError, shown
from edge.flights.pictures import VideoPictures
from edge.flights.telemetry import Positioning
from edge.sources.errors import SourceError
from samples.town import TownPair
from tests.edge.flights.reading.packets import flying, muxed, packet

ALL = ChoiceSettings(overlap=0.95)
"""Every picture of the small flights."""


@pytest.fixture(scope="module")
def of_stills(flown_stills: Path) -> Ingested:
    return ingest(flown_stills)


@pytest.fixture(scope="module")
def of_video(flown_video: Path) -> Ingested:
    return ingest(flown_video, FlightSettings(choice=ALL, zone="UTC"))


@pytest.fixture
def copied(flown_stills: Path, tmp_path: Path) -> Path:
    """Stills that a test may break."""
    return Path(shutil.copytree(flown_stills, tmp_path / "stills"))


@pytest.fixture
def video(flown_video: Path, tmp_path: Path) -> Path:
    """A video with its log that a test may break."""
    for path in (flown_video, flown_video.with_suffix(".SRT")):
        shutil.copy(path, tmp_path / path.name)
    return tmp_path / flown_video.name


def reasons(found: Ingested) -> dict[str, int]:
    return {one.reason: one.count for one in found.report.not_used}


def examples(found: Ingested) -> str:
    return " | ".join(example for one in found.report.not_used for example in one.examples)


# ---- stills


def test_stills_become_the_flight_that_was_flown(of_stills: Ingested, town: TownPair) -> None:
    """Poses as the drone stated them, lenses as written into the pictures."""
    flight, truth = of_stills.flight, town.truth.after
    assert [frame.name for frame in flight.frames] == [f"DJI_{n:04d}.JPG" for n in range(1, 13)]
    there = LocalPlane(truth.town.origin)
    for frame, shot in zip(flight.frames, truth.survey.shots, strict=False):
        place = there.at(flight.plane.point(frame.pose.east_m, frame.pose.north_m))
        assert place == pytest.approx((shot.said_pose.east_m, shot.said_pose.north_m), abs=0.02)
        assert frame.pose.up_m == pytest.approx(shot.said_pose.up_m, abs=0.01)
        assert np.abs(frame.pose.turn - shot.said_pose.turn).max() < math.radians(0.02)
        assert frame.lens.focal_x == pytest.approx(truth.survey.said_lens.focal_x, abs=1e-3)
        assert frame.taken_at == truth.began_at + timedelta(seconds=shot.seconds)
        assert frame.positioning is Positioning.GNSS
    assert [frame.index for frame in flight.frames] == list(range(12))
    assert len(of_stills.errors) == 12


def test_a_frame_reads_its_own_picture(of_stills: Ingested, flown_stills: Path) -> None:
    read = of_stills.flight.frames[3].read_bgr()
    expected = cv2.imread(str(flown_stills / "DJI_0004.JPG"))
    assert expected is not None and np.array_equal(read, expected)


def test_the_same_again(of_stills: Ingested, flown_stills: Path) -> None:
    assert ingest(flown_stills).report.as_json() == of_stills.report.as_json()


def test_pictures_are_in_the_order_of_time_not_of_names(copied: Path) -> None:
    (copied / "DJI_0001.JPG").rename(copied / "ZZZ.JPG")
    assert ingest(copied).flight.frames[0].name == "ZZZ.JPG"


def test_broken_pictures_cost_themselves_only(copied: Path) -> None:
    whole = (copied / "DJI_0004.JPG").read_bytes()
    (copied / "DJI_0004.JPG").write_bytes(whole[: len(whole) * 2 // 3])
    (copied / "DJI_0006.JPG").write_bytes(b"\xff\xd8\xff\xe0 no picture at all")
    (copied / "DJI_0008.JPG").write_bytes(b"")
    (copied / "DJI_0009.JPG").write_bytes(b"GIF89a or so")
    (copied / "notes.txt").write_text("windy")
    found = ingest(copied)
    assert found.report.pictures_found == 12
    assert [int(frame.name[4:8]) for frame in found.flight.frames] == [1, 2, 3, 5, 7, 10, 11, 12]
    assert found.report.pictures_used == 8
    for name in ("DJI_0004", "DJI_0006", "DJI_0008", "DJI_0009"):
        assert name in examples(found)
    assert "cut short" in examples(found)


def test_a_picture_of_another_size_than_it_says_is_not_used(copied: Path) -> None:
    """An editor has scaled it and left the frame's size in the header of a second picture."""
    frame = ingest(copied).flight.frames[2]
    small = cv2.imencode(".jpg", np.zeros((60, 80, 3), np.uint8))[1].tobytes()
    (copied / frame.name).write_bytes(small)
    with pytest.raises(SourceError, match="found 80 x 60 pixels, expected 320 x 240"):
        frame.read_bgr()


def test_a_blurred_picture_is_left_out(copied: Path) -> None:
    path = copied / "DJI_0005.JPG"
    content = path.read_bytes()
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    soft = cv2.imencode(".jpg", cv2.GaussianBlur(picture, (0, 0), 3))[1].tobytes()
    path.write_bytes(_with_notes_of(content, soft))
    found = ingest(copied)
    assert reasons(found) == {"blurred: far less sharp than its neighbours": 1}
    assert "DJI_0005.JPG" in examples(found)


def _with_notes_of(content: bytes, other: bytes) -> bytes:
    """`other` with the EXIF and XMP segments of `content`."""
    notes, at = b"", 2
    while content[at] == 0xFF and content[at + 1] != 0xDA:
        length = 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        notes += content[at : at + length] if content[at + 1] == 0xE1 else b""
        at += length
    return other[:2] + notes + other[2:]


def test_a_camera_that_looks_ahead_is_not_used(flown_stills: Path) -> None:
    found = ingest(flown_stills, FlightSettings(choice=ChoiceSettings(least_depression_degrees=90)))
    assert not found.flight.frames and not found.report.usable
    assert "looks down by less than 90°" in found.report.problems[-1]


def test_a_drone_on_the_ground_is_not_used(flown_stills: Path) -> None:
    found = ingest(flown_stills, FlightSettings(choice=ChoiceSettings(least_height_m=500)))
    assert found.report.pictures_used == 0
    assert "lower than 500 m" in found.report.not_used[0].reason


def test_the_ground_that_is_stated_counts(flown_stills: Path, of_stills: Ingested) -> None:
    """20 m above the sea under a takeoff point at 30 m: ten metres more of air."""
    ground = GroundSettings(height_m=20, datum=Datum.SEA, sigma_m=2)
    found = ingest(flown_stills, FlightSettings(ground=ground, takeoff_height_m=30))
    assert found.report.height_m is not None and of_stills.report.height_m is not None
    assert found.report.height_m.median == pytest.approx(of_stills.report.height_m.median + 10, abs=0.05)
    assert "level, 20 m above the sea" in found.report.ground


def test_positioning_is_told_where_it_is_not_what_was_expected(flown_stills: Path) -> None:
    found = ingest(flown_stills, FlightSettings(positioning=Positioning.RTK_FIXED))
    assert found.report.positioning == {"gnss": 12}
    assert any("12 of 12 pictures were not positioned by rtk_fixed" in one for one in found.report.problems)


def test_a_lens_can_be_stated(flown_stills: Path) -> None:
    lens = LensSettings(focal_px=200.0, distortion=(0.01,), calibrated=True)
    frame = ingest(flown_stills, FlightSettings(lens=lens)).flight.frames[0]
    assert (frame.lens.focal_x, frame.lens.distortion[0], frame.lens.focal_sigma) == (200.0, 0.01, 0.002)


# ---- several flights


def _retimed(path: Path, by: timedelta) -> None:
    """Moves the time of EXIF."""
    content = path.read_bytes()
    at = content.index(b"20", content.index(b"Exif"))
    text = content[at : at + 19]
    moment = datetime.strptime(text.decode(), "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC) + by
    path.write_bytes(content.replace(text, moment.strftime("%Y:%m:%d %H:%M:%S").encode()))


def test_two_flights_in_a_folder_are_told_apart(copied: Path) -> None:
    for number in range(7, 13):
        _retimed(copied / f"DJI_{number:04d}.JPG", timedelta(minutes=10))
    with pytest.raises(FlightError, match="found 2 flights") as refused:
        ingest(copied)
    assert "1. DJI_0001.JPG to DJI_0006.JPG: 6 pictures" in str(refused.value)
    assert "2. DJI_0007.JPG to DJI_0012.JPG: 6 pictures" in str(refused.value)
    second = ingest(copied, FlightSettings(part=2))
    assert [frame.name for frame in second.flight.frames] == [f"DJI_{n:04d}.JPG" for n in range(7, 13)]
    assert ingest(copied, FlightSettings(longest_pause_minutes=15)).report.pictures_used == 12
    with pytest.raises(FlightError, match="part 3 was asked for, but there are 2"):
        ingest(copied, FlightSettings(part=3))


def test_a_single_picture_of_another_day_is_left_out(copied: Path) -> None:
    _retimed(copied / "DJI_0012.JPG", timedelta(days=3))
    found = ingest(copied)
    assert found.report.pictures_used == 11
    assert "DJI_0012.JPG" in examples(found)


# ---- video


def test_a_video_becomes_the_flight_that_was_flown(of_video: Ingested, town: TownPair) -> None:
    frames, truth = of_video.flight.frames, town.truth.after
    assert [frame.media_time for frame in frames] == pytest.approx(list(range(10)))
    assert [frame.name for frame in frames[:2]] == ["00000.000", "00001.000"]
    there = LocalPlane(truth.town.origin)
    places = [there.at(of_video.flight.plane.point(frame.pose.east_m, frame.pose.north_m)) for frame in frames]
    # 8 m/s along a line through the town's middle, with GNSS's noise.
    ways = np.linalg.norm(np.diff(places, axis=0), axis=1)
    assert ways.mean() == pytest.approx(8, abs=0.4)
    assert np.abs(np.mean(places, axis=0)).max() < 10
    assert all(frame.taken_at == truth.began_at + timedelta(seconds=n) for n, frame in enumerate(frames))


def test_key_frames_are_read_in_any_order(of_video: Ingested, flown_video: Path) -> None:
    with av.open(str(flown_video)) as container:
        decoded = {round(frame.time or 0.0, 3): frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)}
    for index in (7, 0, 9, 3, 3):
        frame = of_video.flight.frames[index]
        assert np.array_equal(frame.read_bgr(), decoded[float(index)])


def test_a_video_is_thinned_by_overlap(flown_video: Path) -> None:
    """72 m of ground in the picture and 8 m a second: at 70 % two or three seconds pass."""
    found = ingest(flown_video)
    assert 3 <= len(found.flight.frames) <= 6
    assert found.report.coverage.along is not None and found.report.coverage.along.least >= 0.69
    assert reasons(found) == {"not needed: its neighbours overlap enough": 10 - len(found.flight.frames)}


def test_what_a_video_does_not_say_is_told(of_video: Ingested) -> None:
    fields = {one.field for one in of_video.report.readings if not one.certain}
    assert {"positioning", "lens", "focal_35mm_mm", "ground"} <= fields
    assert of_video.report.positioning == {"unknown": 10}


def test_a_transport_stream_is_read_as_well(flown_video: Path, tmp_path: Path, of_video: Ingested) -> None:
    path = tmp_path / "flight.ts"
    with av.open(str(flown_video)) as source, av.open(str(path), "w", format="mpegts") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    shutil.copy(flown_video.with_suffix(".SRT"), path.with_suffix(".SRT"))
    found = ingest(path, FlightSettings(choice=ALL))
    assert [frame.media_time for frame in found.flight.frames] == pytest.approx(list(range(10)), abs=0.01)
    for index in (8, 1):
        read = found.flight.frames[index].read_bgr()
        assert np.array_equal(read, of_video.flight.frames[index].read_bgr())


def test_a_truncated_video_keeps_what_is_whole(video: Path) -> None:
    content = video.read_bytes()
    video.write_bytes(content[: len(content) * 6 // 10])
    found = ingest(video, FlightSettings(choice=ALL))
    assert 4 <= found.report.pictures_used <= 7
    found.flight.frames[-1].read_bgr()


def test_a_video_that_lacks_its_index_is_refused(video: Path) -> None:
    content = video.read_bytes()
    video.write_bytes(content[:600])
    with pytest.raises(FlightError, match="cannot be opened as a video"):
        ingest(video)


def test_a_video_of_an_unknown_kind_is_refused(video: Path) -> None:
    video.write_bytes(video.read_bytes().replace(b"avc1", b"zzzz"))
    with pytest.raises(FlightError, match="of a kind that is not known"):
        ingest(video)


def test_a_broken_key_frame_costs_itself(video: Path) -> None:
    """Half of it is nothing: what the decoder makes up for it is no picture of the ground."""
    pictures = VideoPictures(video)
    with av.open(str(video)) as container:
        places = {packet.pts: (packet.pos, packet.size) for packet in container.demux(video=0) if packet.is_keyframe}
    moment = pictures.key_moments()[4]
    at, size = places[moment.pts]
    content = bytearray(video.read_bytes())
    content[at + size // 2 : at + size] = bytes(size - size // 2)
    video.write_bytes(bytes(content))
    found = ingest(video, FlightSettings(choice=ALL))
    assert found.report.pictures_used == 9
    assert reasons(found) == {"is broken": 1}
    assert "at 4.000 s" in examples(found)


def test_a_video_without_log_is_refused(video: Path) -> None:
    video.with_suffix(".SRT").unlink()
    with pytest.raises(FlightError, match=r"put the log beside the video, named DJI_0001\.SRT"):
        ingest(video)


def _long_log(text: str, seconds: int) -> str:
    """The same records, stretched."""
    records = text.strip().split("\n\n")
    later = []
    for number, record in enumerate(records):
        lines = record.splitlines()
        start = seconds * number // len(records)
        clock = f"00:{start // 60:02d}:{start % 60:02d}"
        later.append("\n".join([lines[0], f"{clock},000 --> {clock},900", *lines[2:]]))
    return "\n\n".join(later) + "\n"


def test_the_log_of_another_video_is_refused(video: Path) -> None:
    log = video.with_suffix(".SRT")
    log.write_text(_long_log(log.read_text(), 300))
    with pytest.raises(FlightError, match=r"lasts 10 s, its log DJI_0001.SRT .* is it the log of another video"):
        ingest(video)
    # Somebody who knows better says so.
    assert ingest(video, FlightSettings(log_offset_s=20)).report.pictures_found == 10


def test_a_log_that_ends_early_places_what_it_can(video: Path) -> None:
    log = video.with_suffix(".SRT")
    log.write_text("\n\n".join(log.read_text().split("\n\n")[:14]) + "\n")
    found = ingest(video, FlightSettings(choice=ALL))
    assert found.report.pictures_used == 4
    assert reasons(found)["the log has no record of its time"] == 6
    assert any("the log ends at 3 s, the video at 10 s" in one for one in found.report.problems)


def test_a_broken_line_of_a_log_costs_its_record(video: Path) -> None:
    log = video.with_suffix(".SRT")
    log.write_text(log.read_text().replace("[latitude: 34.7", "[latitude: 94.7", 1))
    found = ingest(video, FlightSettings(choice=ALL))
    assert sum(one.count for one in found.report.unread) == 1
    assert found.report.unread[0].examples[0].startswith("DJI_0001.SRT: line")
    assert found.report.pictures_used >= 9


def test_a_log_without_gimbal_angles(video: Path) -> None:
    log = video.with_suffix(".SRT")
    log.write_text("\n".join(line.split("[gb_yaw")[0] + "</font>" if "[gb_yaw" in line else line
                             for line in log.read_text().splitlines()))  # fmt: skip
    refused = ingest(video, FlightSettings(choice=ALL))
    assert not refused.report.usable and "assume_nadir" in refused.report.problems[-1]
    found = ingest(video, FlightSettings(choice=ALL, assume_nadir=True))
    assert found.report.pictures_used == 10
    assert any(one.field == "gimbal" and "course over ground" in one.taken_as for one in found.report.readings)
    # What is assumed costs accuracy: with angles it is 4 to 5 m.
    assert found.report.accuracy_m is not None and found.report.accuracy_m.median > 6


def test_the_course_is_that_of_the_log_also_where_key_frames_are_few(video: Path) -> None:
    """A single key frame has no course of its own."""
    log = video.with_suffix(".SRT")
    log.write_text("\n".join(line.split("[gb_yaw")[0] + "</font>" if "[gb_yaw" in line else line
                             for line in log.read_text().splitlines()))  # fmt: skip
    choice = ChoiceSettings(seconds_between=60)
    found = ingest(video, FlightSettings(choice=choice, assume_nadir=True))
    assert (found.report.pictures_found, found.report.pictures_used) == (1, 1)
    (frame,) = found.flight.frames
    told = np.array(found.report.track.coordinates)
    east, north = (told[-1] - told[0]) * (math.cos(math.radians(34.75)), 1)
    # The picture's upper edge (less y) points where the drone flies.
    assert -frame.pose.turn[:2, 1] @ np.array((east, north)) / math.hypot(east, north) > math.cos(math.radians(25))


def test_a_transport_stream_with_klv(tmp_path: Path) -> None:
    """MISB ST 0601 among the pictures. Its heights are above the sea, so the ground's must be, too."""
    path = tmp_path / "flight.ts"
    muxed(path, [packet(flying(index)) for index in range(20)])
    refused = ingest(path).report
    assert not refused.usable and "state the ground's height above the sea" in refused.problems[-1]
    ground = GroundSettings(height_m=110, datum=Datum.SEA)
    found = ingest(path, FlightSettings(ground=ground, choice=ALL)).report
    assert (found.kind, found.dialect) == ("video", "misb-0601")
    assert found.pictures_used >= 3
    assert found.height_m is not None and found.height_m.median == pytest.approx(80, abs=0.5)
    assert found.began_at is not None and found.began_at.year == 2026


# ---- folders and names


def test_a_folder_with_one_video_is_that_video(video: Path) -> None:
    found = ingest(video.parent)
    assert (found.report.kind, found.flight.id) == ("video", "DJI_0001")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "found no picture among 0 files"),
        (["notes.txt", "a.SRT"], "found no picture among 2 files"),
        (["a.mp4", "b.mp4"], "found 2 videos"),
        (["a.dng", "b.DNG"], "found 2 raw pictures"),
    ],
)
def test_folders_without_a_flight_say_so(tmp_path: Path, files: list[str], message: str) -> None:
    for name in files:
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(FlightError, match=message):
        ingest(tmp_path)


def test_paths_that_are_no_flight_say_so(tmp_path: Path) -> None:
    (tmp_path / "a.SRT").write_text("1\n")
    (tmp_path / "a.mp4").write_text("#EXTM3U\nhttp://example.org/elsewhere.ts\n")
    (tmp_path / "day" / "one").mkdir(parents=True)
    os.mkfifo(tmp_path / "pipe.mp4")
    for name, message in [
        ("nothing", "cannot be read"),
        ("a.SRT", "is a log, expected its video"),
        ("a.mp4", "is no video"),
        ("pipe.mp4", "is no file"),
        ("day", "it has 1 folders: give one of them"),
        ("\0", "cannot be read"),
    ]:
        with pytest.raises(FlightError, match=message):
            ingest(tmp_path / name)


def test_stills_that_are_all_garbage_give_a_report(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    for number in range(5):
        (tmp_path / f"{number}.jpg").write_bytes(b"\xff\xd8\xff" + rng.bytes(3_000))
    found = ingest(tmp_path)
    assert not found.flight.frames and found.report.pictures_found == 5
    assert "none of 5 pictures can be used" in found.report.problems[-1]


@pytest.mark.parametrize(
    "name", [b"\xff\xfe.JPG", "飞行 第1次.jpg".encode(), b"%03d.jpg", b"-x;rm [red].JPG", b"a\n\x1b[2J.JPG"]
)
def test_hostile_names_are_only_names(flown_stills: Path, tmp_path: Path, name: bytes) -> None:
    folder = tmp_path / "a [b] %d"
    folder.mkdir()
    for number in (1, 2, 3):
        shutil.copy(flown_stills / f"DJI_{number:04d}.JPG", folder)
    (folder / "DJI_0002.JPG").rename(folder / os.fsdecode(name))
    found = ingest(folder)
    assert found.report.pictures_used == 3
    told = found.report.as_json()
    assert told.encode() and "\x1b" not in told
    found.flight.frames[1].read_bgr()


def test_what_is_shown_of_a_name() -> None:
    assert shown("飞行-1.JPG") == "飞行-1.JPG"
    assert shown("a\x1b[2J\u202egpj\n") == "a\\x1b[2J\\x202egpj\\x0a"
    assert shown(os.fsdecode(b"\xff.JPG")) == "\\udcff.JPG"


@pytest.fixture
def every_byte_counts(video: Path) -> Callable[[int], None]:
    content = video.read_bytes()

    def damage(seed: int) -> None:
        rng = np.random.default_rng(seed)
        broken = bytearray(content)
        for at in rng.integers(0, len(content), 40):
            broken[at] = int(rng.integers(256))
        video.write_bytes(bytes(broken[: int(rng.integers(1, len(content)))]) if seed % 2 else bytes(broken))

    return damage


def test_damaged_videos_never_crash(video: Path, every_byte_counts: Callable[[int], None]) -> None:
    outcomes = set()
    for seed in range(12):
        every_byte_counts(seed)
        try:
            outcomes.add(ingest(video, FlightSettings(choice=ALL)).report.usable)
        except FlightError as error:
            assert str(video.name) in str(error)
            outcomes.add(None)
    assert True in outcomes
