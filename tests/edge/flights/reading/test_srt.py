"""DJI's subtitles: dialects, what is read how, what costs a record and what the file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from contract.geometry import Point
from edge.flights.reading.logs import MAX_UNREAD, Clues
from edge.flights.reading.srt import CUE_LINES, RESOLUTION, read_srt
from edge.flights.telemetry import Attitude, Interpretation, Positioning, TelemetryError, TelemetryLog
from tests.edge.flights.reading.dialects import (
    DIALECTS,
    bracketed,
    commas,
    cues,
    matrice,
    mavic_pro,
    misspelt,
    phantom_rtk,
    sample,
    settings_only,
)


def written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "DJI_0001.SRT"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def reading(log: TelemetryLog, field: str) -> Interpretation:
    return next(each for each in log.interpretations if each.field == field)


def test_bracketed_record_says_everything(tmp_path: Path) -> None:
    log = read_srt(written(tmp_path, sample("dji-bracketed")), Clues(zone=timezone(timedelta(hours=8))))
    assert (log.dialect, len(log.fixes), log.unread) == ("dji-bracketed", 6, ())
    fix = log.fixes[1]
    assert (fix.latitude, fix.longitude, fix.media_time, fix.line) == (34.75001, 113.61999, 1.0, 11)
    assert (fix.above_takeoff_m, fix.above_sea_m, fix.above_ellipsoid_m) == (80.1, 190.1, None)
    assert fix.gimbal == Attitude(-29, -90, 0)
    assert (fix.focal_35mm_mm, fix.focal_mm, fix.digital_zoom) == (24.0, None, 1.0)
    assert fix.taken_at == datetime(2026, 5, 12, 1, 30, 1, 251_000, UTC)
    assert not reading(log, "abs_alt").certain
    assert reading(log, "rel_alt").certain
    assert reading(log, "time zone").certain


def test_misspelt_record(tmp_path: Path) -> None:
    log = read_srt(written(tmp_path, sample("dji-bracketed misspelt")))
    fix = log.fixes[0]
    assert (fix.latitude, fix.longitude) == (-34.86995, -57.823395)
    assert fix.taken_at == datetime(2020, 8, 12, 8, 55, 0, 745_078, UTC)
    assert (fix.above_takeoff_m, fix.above_sea_m, fix.focal_35mm_mm, fix.gimbal) == (74.725998, None, 28.0, None)
    assert not reading(log, "altitude").certain
    assert not reading(log, "time zone").certain


def test_mavic_pro_has_longitude_first(tmp_path: Path) -> None:
    log = read_srt(written(tmp_path, sample("dji-gps")))
    fix = log.fixes[2]
    assert (fix.latitude, fix.longitude, fix.above_takeoff_m) == (34.7501, 113.6202, 3.9)
    assert fix.positioning is Positioning.GNSS
    assert reading(log, "GPS(…)").certain  # 113 is no latitude
    assert reading(log, RESOLUTION).taken_as == "steps of 11 m"


def test_matrice_300_has_latitude_first_which_is_told_as_doubtful(tmp_path: Path) -> None:
    log = read_srt(written(tmp_path, sample("dji-gps metres")))
    assert (log.fixes[0].latitude, log.fixes[0].longitude) == (36.6146, -6.1120)
    assert log.fixes[0].taken_at == datetime(2022, 6, 21, 16, 6, 0, tzinfo=UTC)
    assert not reading(log, "GPS(…)").certain


@pytest.mark.parametrize(("near", "place"), [((-6.1, 36.6), (36.6146, -6.112)), ((36.6, -6.1), (-6.112, 36.6146))])
def test_where_the_flight_was_decides(tmp_path: Path, near: tuple[float, float], place: tuple[float, float]) -> None:
    log = read_srt(written(tmp_path, sample("dji-gps metres")), Clues(near=Point(coordinates=near)))
    assert (log.fixes[0].latitude, log.fixes[0].longitude) == place
    assert reading(log, "GPS(…)").certain


def test_a_place_far_from_both_orders_decides_nothing(tmp_path: Path) -> None:
    log = read_srt(written(tmp_path, sample("dji-gps metres")), Clues(near=Point(coordinates=(113.6, 34.7))))
    assert (log.fixes[0].latitude, log.fixes[0].longitude) == (36.6146, -6.112)
    assert not reading(log, "GPS(…)").certain


def test_distance_to_home_decides(tmp_path: Path) -> None:
    log = read_srt(written(tmp_path, sample("dji-p4rtk")))
    fix = log.fixes[0]
    assert (log.dialect, fix.latitude, fix.longitude, fix.above_takeoff_m) == (
        "dji-p4rtk",
        -34.237922,
        -58.851745,
        85.0,
    )
    assert fix.gimbal == Attitude(110.4, -24.4, 0)
    assert fix.platform == Attitude(110.1, 2.7, -7)
    assert reading(log, "GPS(…)").because == "the logged distance to home fits only so"
    # The same numbers the other way round: latitude first.
    swapped = cues([phantom_rtk(index) for index in range(3)])
    swapped = swapped.replace("-58.851745", "@").replace("-58.847509", "#")
    for index in range(3):
        swapped = swapped.replace(f"(@, {-34.237922 + index * 1e-5:.6f}", f"({-34.237922 + index * 1e-5:.6f}, @")
    swapped = swapped.replace("(#, -34.232707", "(-34.232707, #").replace("@", "-58.851745").replace("#", "-58.847509")
    log = read_srt(written(tmp_path, swapped))
    assert (log.fixes[0].latitude, log.fixes[0].longitude) == (-34.237922, -58.851745)


def test_other_records_of_the_file_decide(tmp_path: Path) -> None:
    """A model that writes GPS(…) beside one that leaves no doubt."""
    texts = [f"GPS(34.75{index},36.62{index},9) BAROMETER:1.0" for index in range(3)]
    plain = read_srt(written(tmp_path, cues(texts)))
    assert (plain.fixes[0].latitude, reading(plain, "GPS(…)").certain) == (36.620, False)
    texts += [f"[latitude: 34.75{index}000] [longitude: 36.62{index}000]" for index in range(3, 6)]
    log = read_srt(written(tmp_path, cues(texts)))
    assert (log.fixes[0].latitude, log.fixes[0].longitude) == (34.750, 36.620)
    assert log.dialect == "dji-gps+dji-bracketed"
    assert reading(log, "GPS(…)").certain


def test_comma_record(tmp_path: Path) -> None:
    log = read_srt(written(tmp_path, sample("dji-comma")))
    fix = log.fixes[1]
    assert (log.dialect, fix.line, fix.latitude, fix.longitude) == ("dji-comma", 8, 34.05221, -118.2437)
    assert fix.gimbal == Attitude(12, -80, 0)
    assert fix.platform == Attitude(10, 3, 1)
    assert fix.above_takeoff_m == 3.0
    assert not reading(log, "altitude").certain
    assert not reading(log, "roll of the gimbal").certain


@pytest.mark.parametrize(
    ("text", "film", "own", "certain"),
    [
        ("240", 24.0, None, True),
        ("280", 28.0, None, True),
        ("1620", 162.0, None, False),
        ("162", 16.2, None, False),
        ("24.00", 24.0, None, False),
        ("35", 35.0, None, False),
        ("4.5", None, 4.5, False),
        ("0", None, None, None),
    ],
)
def test_focal_lengths(tmp_path: Path, text: str, film: float | None, own: float | None, certain: bool | None) -> None:
    record = f"[focal_len: {text}] [latitude: 34.750000] [longitude: 113.620000]"
    log = read_srt(written(tmp_path, cues([record])))
    assert (log.fixes[0].focal_35mm_mm, log.fixes[0].focal_mm) == (film, own)
    if certain is not None:
        assert reading(log, "focal_len").certain is certain


@pytest.mark.parametrize(
    ("text", "zoom"), [("10000", 1.0), ("20000", 2.0), ("1.00", 1.0), ("7", 7.0), ("500", None), ("0.5", None)]
)
def test_zooms(tmp_path: Path, text: str, zoom: float | None) -> None:
    record = f"[dzoom_ratio: {text}, delta:0] [latitude: 34.750000] [longitude: 113.620000]"
    log = read_srt(written(tmp_path, cues([record])))
    assert log.fixes[0].digital_zoom == zoom
    assert reading(log, "dzoom_ratio").certain is (zoom is not None)


def test_altitude_that_no_drone_has_above_take_off_is_above_the_sea(tmp_path: Path) -> None:
    texts = [misspelt(index).replace("74.7", "574.7") for index in range(4)]
    log = read_srt(written(tmp_path, cues(texts)))
    assert (log.fixes[0].above_takeoff_m, log.fixes[0].above_sea_m) == (None, 574.725998)
    assert not reading(log, "altitude").certain


def test_one_wild_altitude_does_not_turn_the_log(tmp_path: Path) -> None:
    texts = [misspelt(index) for index in range(6)]
    texts[3] = texts[3].replace("74.7", "874.7")
    log = read_srt(written(tmp_path, cues(texts)))
    assert [fix.above_takeoff_m for fix in log.fixes] == [74.725998] * 5


def test_short_lines_of_the_phantom(tmp_path: Path) -> None:
    texts = [
        f"F/3.5, SS 1000, ISO 100, EV 0, GPS (8.6499, 53.1665, 18), D 24.26m, H {6 + index}.00m, H.S 2.10m/s "
        for index in range(3)
    ]
    log = read_srt(written(tmp_path, cues(texts)), Clues(near=Point(coordinates=(8.6, 53.2))))
    assert (log.dialect, log.fixes[2].latitude, log.fixes[2].above_takeoff_m) == ("dji-p4rtk", 53.1665, 8)
    assert log.fixes[2].gimbal is None


def test_camera_turned_over_is_written_upright(tmp_path: Path) -> None:
    text = bracketed(0).replace(
        "gb_yaw: -30.0 gb_pitch: -90.0 gb_roll: 0.0", "gb_yaw: 90.0 gb_pitch: -89.9 gb_roll: 180.0"
    )
    fix = read_srt(written(tmp_path, cues([text]))).fixes[0]
    assert fix.gimbal is not None
    assert (fix.gimbal.yaw, round(fix.gimbal.pitch, 6), fix.gimbal.roll) == (-90, -90.1, 0)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.encode("latin-1", "replace"),
        lambda text: text.replace("\n\n", "\n").encode(),
        lambda text: ("\n\n" + text + "\n\n").encode(),
        lambda text: text.replace(",000 -->", ".000 -->").encode(),
    ],
    ids=["bom", "crlf", "latin-1", "no empty lines", "empty lines", "points"],
)
@pytest.mark.parametrize("name", DIALECTS)
def test_ways_of_writing_change_nothing(tmp_path: Path, name: str, change) -> None:
    plain = read_srt(written(tmp_path, sample(name)))
    other = read_srt(written(tmp_path, change(sample(name))))
    assert [fix.latitude for fix in other.fixes] == [fix.latitude for fix in plain.fixes]
    assert [fix.media_time for fix in other.fixes] == [fix.media_time for fix in plain.fixes]
    assert [(fix.gimbal, fix.above_takeoff_m) for fix in other.fixes] == [
        (fix.gimbal, fix.above_takeoff_m) for fix in plain.fixes
    ]
    assert not other.unread


# ---- what costs a record


def refused(tmp_path: Path, bad: str) -> str:
    """Why a record is refused that stands between good ones."""
    texts = [bracketed(index) for index in range(6)]
    texts[3] = bad
    log = read_srt(written(tmp_path, cues(texts)))
    assert [fix.media_time for fix in log.fixes] == [0, 1, 2, 4, 5]
    (unread,) = log.unread
    assert 19 <= unread.line <= 25
    return unread.why


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("latitude: 34.750030", "latitude: 0.000000] [longitude: 0.000000", "says longitude twice"),
        ("latitude: 34.750030", "latitude: 94.750030", "latitude 94.75, expected -90 to 90"),
        ("longitude: 113.619970", "longitude: 213.6", "longitude 213.6, expected -180 to 180"),
        ("latitude: 34.750030", "latitude: 36.750030", "jumps by 222 km in 1 s"),
        ("latitude: 34.750030", "latitude: nan", "latitude is 'nan', expected a number"),
        ("latitude: 34.750030", "latitude: 1e1", "latitude is '1e1', expected a number"),
        ("latitude: 34.750030] ", "latit", "has no latitude"),
        ("rel_alt: 80.300", "rel_alt: 99999", "height above take-off 99999"),
        ("rel_alt: 80.300", "rel_alt: 480", "height jumps by 400 m in 1 s"),
        ("abs_alt: 190.300", "abs_alt: -5000", "height above the sea -5000"),
        ("gb_pitch: -90.0", "gb_pitch: -900.0", "pitch of the gimbal -900"),
        ("focal_len : 240", "focal_len : 99999999", "focal length of 35 mm film"),
        ("focal_len : 240", "focal_len : x", "focal_len is 'x'"),
    ],
)
def test_what_cannot_be_costs_its_record(tmp_path: Path, old: str, new: str, why: str) -> None:
    assert old in bracketed(3)
    assert refused(tmp_path, bracketed(3).replace(old, new)).startswith(why)


def test_no_fix_costs_its_record(tmp_path: Path) -> None:
    bad = "[latitude: 0.000000] [longitude: 0.000000] [rel_alt: 80.300 abs_alt: 269.099]"
    assert refused(tmp_path, bad) == "no fix: latitude and longitude are 0"
    assert refused(tmp_path, "GPS(N/A,N/A,3) BAROMETER:0.0") == "no fix: GPS(N/A…)"
    assert refused(tmp_path, settings_only(3)) == "holds settings of the camera, but no position"
    assert refused(tmp_path, "") == "is empty"
    assert refused(tmp_path, "nothing to see") == "holds nothing that is known"
    assert refused(tmp_path, "GPS(34.75, 113.") == "GPS(…) cannot be read: cut short, or no numbers"
    cut = bracketed(3)
    assert refused(tmp_path, cut[: cut.index("latitude")]) == "is cut short"


def test_lines_without_bounds_cost_their_record(tmp_path: Path) -> None:
    assert refused(tmp_path, bracketed(3) + " " + "x" * 200_000).startswith("is cut short, or longer")
    texts = [bracketed(0), bracketed(1) + "\nand more" * (CUE_LINES + 1), bracketed(2)]
    log = read_srt(written(tmp_path, cues(texts)))
    assert [fix.media_time for fix in log.fixes] == [0, 2]


def test_time_that_cannot_be_read_costs_its_record(tmp_path: Path) -> None:
    text = sample("dji-bracketed").replace("00:00:02,000 -->", "00:xx:02,000 -->")
    log = read_srt(written(tmp_path, text))
    assert len(log.fixes) == 5
    assert log.unread[0].why.startswith("its time cannot be read")


@pytest.mark.parametrize(("clock", "why"), [("00:00:00,500", "time goes back"), ("70:00:02,000", "time jumps ahead")])
def test_time_that_leaps_costs_its_record(tmp_path: Path, clock: str, why: str) -> None:
    log = read_srt(written(tmp_path, sample("dji-bracketed").replace("00:00:02,000 -->", f"{clock} -->")))
    assert [fix.media_time for fix in log.fixes] == [0, 1, 3, 4, 5]
    assert log.unread[0].why.startswith(why)


def test_last_line_without_end_may_be_cut(tmp_path: Path) -> None:
    """A height of 4 may have been 48: nobody knows."""
    log = read_srt(written(tmp_path, sample("dji-gps metres").rstrip("\n").removesuffix(".3M")))
    assert [fix.media_time for fix in log.fixes] == [0, 1, 2, 3, 4]
    assert log.unread[0].why.startswith("is cut short")
    # Brackets close: nothing can be missing of such a record.
    log = read_srt(written(tmp_path, sample("dji-bracketed").rstrip("\n")))
    assert len(log.fixes) == 6


def test_log_of_two_flights_keeps_the_longer(tmp_path: Path) -> None:
    first = [bracketed(index) for index in range(12)]
    second = [bracketed(index).replace("34.75", "34.95") for index in range(40)]
    text = cues(first) + cues(second)
    log = read_srt(written(tmp_path, text))
    assert len(log.fixes) == 40
    assert len(log.unread) == 12


def test_log_with_a_pause_keeps_both_parts_and_says_so(tmp_path: Path) -> None:
    text = cues([bracketed(index) for index in range(20)])
    later = cues([bracketed(index) for index in range(20)]).replace("00:00:", "00:30:")
    log = read_srt(written(tmp_path, text + later))
    assert len(log.fixes) == 40
    assert reading(log, "track").taken_as.startswith("2 parts")


def test_refusals_are_counted_not_hoarded(tmp_path: Path) -> None:
    bad = cues(["[latitude: 0.0] [longitude: 0.0]"] * (MAX_UNREAD + 50), seconds=0.04)
    log = read_srt(written(tmp_path, sample("dji-bracketed") + bad))
    assert len(log.unread) == MAX_UNREAD + 1
    assert log.unread[-1].why == "and 50 more records that could not be used"


# ---- what costs the file


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1 (srt): holds no record"),
        ("1\n\n", "line 1 (srt)"),
        (
            cues([settings_only(0)] * 3),
            "line 4 (dji-settings-only): none of 3 records can be used, this one: holds settings",
        ),
        (cues(["[latitude: 0.0] [longitude: 0.0]"] * 2), "line 3 (dji-bracketed): none of 2 records can be used"),
        ("\xff\xfe1\x00", "line 1"),
    ],
)
def test_file_without_a_record_is_refused_by_line_and_dialect(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text.encode("latin-1"))
    with pytest.raises(TelemetryError) as raised:
        read_srt(path)
    assert str(raised.value).startswith(str(path))
    assert message in str(raised.value)


def test_utf_16_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(TelemetryError, match="UTF-16, expected UTF-8; save it"):
        read_srt(written(tmp_path, sample("dji-gps").encode("utf-16")))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(TelemetryError, match="cannot be read: No such file"):
        read_srt(tmp_path / "none.srt")
    with pytest.raises(TelemetryError, match="is no file"):
        read_srt(tmp_path)
    with pytest.raises(TelemetryError, match="is no file"):
        read_srt(Path("/dev/zero"))


def test_all_makers_are_read(tmp_path: Path) -> None:
    for make in (bracketed, misspelt, mavic_pro, matrice, phantom_rtk, commas):
        assert len(read_srt(written(tmp_path, cues([make(index) for index in range(3)]))).fixes) == 3
