"""Stills: place, time, turn and lens from EXIF and XMP of many makers; broken and hostile pictures."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from edge.flights.reading.logs import Clues
from edge.flights.reading.stills import Still, read_still, read_still_log
from edge.flights.reading.xmp import MAX_XMP_BYTES, BadXmpError, values_of
from edge.flights.telemetry import Attitude, Positioning, TelemetryError
from edge.vision.pose import turned
from tests.edge.flights.reading.pictures import CAMERA, MAKER, PLACE, degrees, jpeg, tiff, xmp

DJI = {
    "drone-dji:AbsoluteAltitude": "+198.31",
    "drone-dji:RelativeAltitude": "+39.80",
    "drone-dji:GimbalYawDegree": "+45.00",
    "drone-dji:GimbalPitchDegree": "-89.90",
    "drone-dji:GimbalRollDegree": "+0.00",
    "drone-dji:FlightYawDegree": "+46.00",
    "drone-dji:FlightPitchDegree": "+1.80",
    "drone-dji:FlightRollDegree": "+3.00",
}
RTK = DJI | {
    "drone-dji:RtkFlag": "50",
    "drone-dji:RtkStdLon": "0.012",
    "drone-dji:RtkStdLat": "0.016",
    "drone-dji:RtkStdHgt": "0.03",
}


def read(tmp_path: Path, content: bytes, clues: Clues | None = None) -> Still:
    path = tmp_path / "DJI_0001.JPG"
    path.write_bytes(content)
    return read_still(path, clues)


def doubts(still: Still) -> set[str]:
    return {each.field for each in still.interpretations if not each.certain}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("as_tiff", [False, True])
def test_dji_picture(tmp_path: Path, order: str, as_tiff: bool) -> None:
    packet = xmp(DJI)
    if as_tiff:
        content = tiff(MAKER | {"ImageWidth": 4000, "ImageLength": 3000}, CAMERA, PLACE, order) + packet
    else:
        content = jpeg(tiff(MAKER, CAMERA, PLACE, order), packet)
    still = read(tmp_path, content)
    fix = still.fix
    assert fix is not None
    assert (fix.latitude, fix.longitude) == pytest.approx((34.75, 113.62), abs=1e-8)
    assert (fix.above_takeoff_m, fix.above_sea_m, fix.above_ellipsoid_m) == (39.8, 198.31, None)
    assert fix.gimbal == Attitude(45, -89.9, 0)
    assert fix.platform == Attitude(46, 1.8, 3)
    assert (fix.focal_mm, fix.focal_35mm_mm) == (12.29, 24.0)
    assert still.taken_at == fix.taken_at == datetime(2026, 5, 12, 9, 30, tzinfo=UTC)
    assert doubts(still) == {"time zone", "AbsoluteAltitude"}
    lens = still.lens
    assert (lens.width, lens.height, lens.make, lens.model, lens.focal_px) == (4000, 3000, "DJI", "M3E", None)


def test_size_of_a_preview_is_not_the_pictures(tmp_path: Path) -> None:
    small = MAKER | {"ImageWidth": 256, "ImageLength": 192, "SubIFDs": 8}
    lens = read(tmp_path, tiff(small, CAMERA, PLACE)).lens
    assert (lens.width, lens.height) == (None, None)
    lens = read(tmp_path, tiff(small, CAMERA | {"PixelXDimension": 5280, "PixelYDimension": 3956}, PLACE)).lens
    assert (lens.width, lens.height) == (5280, 3956)


def test_south_and_west_and_below_the_sea(tmp_path: Path) -> None:
    place = PLACE | {"LatitudeRef": "S", "LongitudeRef": "W", "AltitudeRef": b"\x01", "Longitude": degrees(-70.25)}
    fix = read(tmp_path, jpeg(tiff(MAKER, CAMERA, place))).fix
    assert fix is not None
    assert (fix.latitude, fix.longitude, fix.above_sea_m) == pytest.approx((-34.75, -70.25, -190.5))


def test_height_above_the_ellipsoid_of_exif_3(tmp_path: Path) -> None:
    fix = read(tmp_path, jpeg(tiff(MAKER, CAMERA, PLACE | {"AltitudeRef": b"\x02"}))).fix
    assert fix is not None
    assert (fix.above_sea_m, fix.above_ellipsoid_m) == (None, 190.5)


def test_missing_references_are_told(tmp_path: Path) -> None:
    place = {name: value for name, value in PLACE.items() if not name.endswith("Ref")}
    still = read(tmp_path, jpeg(tiff(MAKER, CAMERA, place)))
    assert {"GPSLatitudeRef", "GPSLongitudeRef"} <= doubts(still)


@pytest.mark.parametrize(
    ("flag", "how"),
    [("50", Positioning.RTK_FIXED), ("34", Positioning.RTK_FLOAT), ("16", Positioning.GNSS), ("0", Positioning.GNSS)],
)
def test_rtk(tmp_path: Path, flag: str, how: Positioning) -> None:
    fix = read(tmp_path, jpeg(tiff(MAKER, CAMERA, PLACE), xmp(RTK | {"drone-dji:RtkFlag": flag}))).fix
    assert fix is not None
    assert fix.positioning is how
    assert fix.horizontal_sigma_m == pytest.approx(np.sqrt((0.012**2 + 0.016**2) / 2))
    assert fix.vertical_sigma_m == 0.03
    rtk = how in (Positioning.RTK_FIXED, Positioning.RTK_FLOAT)
    assert (fix.above_sea_m is None, fix.above_ellipsoid_m is not None) == (rtk, rtk)


def test_gimbal_that_is_rolled_over(tmp_path: Path) -> None:
    turn = {
        "drone-dji:GimbalYawDegree": "-135.0",
        "drone-dji:GimbalPitchDegree": "-89.9",
        "drone-dji:GimbalRollDegree": "180.0",
    }
    fix = read(tmp_path, jpeg(tiff(MAKER, CAMERA, PLACE), xmp(DJI | turn))).fix
    assert fix is not None
    assert fix.gimbal is not None
    assert (fix.gimbal.yaw, fix.gimbal.pitch, fix.gimbal.roll) == pytest.approx((45, -90.1, 0))
    assert np.allclose(turned(45, -90.1, 0), turned(-135, -89.9, 180), atol=1e-12)


def test_position_in_xmp_only_with_djis_spelling(tmp_path: Path) -> None:
    place = {"drone-dji:GpsLatitude": "+34.75", "drone-dji:GpsLongtitude": "+113.62"}
    fix = read(tmp_path, jpeg(xmp=xmp(DJI | place))).fix
    assert fix is not None
    assert (fix.latitude, fix.longitude) == (34.75, 113.62)


# ---- other makers


def test_parrot(tmp_path: Path) -> None:
    turn = {
        "drone-parrot:CameraYawDegree": "176.310745",
        "drone-parrot:CameraPitchDegree": "-78.362686",
        "drone-parrot:CameraRollDegree": "-0.322913",
    }
    fix = read(tmp_path, jpeg(tiff({"Make": "Parrot"}, CAMERA, PLACE), xmp({}, turn))).fix
    assert fix is not None
    assert fix.gimbal == Attitude(176.310745, -78.362686, -0.322913)


def test_autel_counts_from_straight_down(tmp_path: Path) -> None:
    """`Camera:Pitch` of 66.04 looks 23.96 degrees below the horizon."""
    turn = {"Camera:Yaw": "2.420000", "Camera:Pitch": "66.040000", "Camera:Roll": "0.000000"}
    still = read(tmp_path, jpeg(tiff({"Make": "Autel Robotics"}, CAMERA, PLACE), xmp({}, turn)))
    assert still.fix is not None
    assert still.fix.gimbal is not None
    gimbal = still.fix.gimbal
    assert (gimbal.yaw, gimbal.pitch, gimbal.roll) == pytest.approx((2.42, -23.96, 0))
    assert "Camera:Pitch" in doubts(still)


def test_roll_of_a_camera_in_the_belly_tilts_it_sideways(tmp_path: Path) -> None:
    """Straight down and rolled by 10: it looks to the left of the way, and its picture's top stays ahead."""
    turn = {"Camera:Yaw": "90/1", "Camera:Pitch": "0", "Camera:Roll": "10.0"}
    fix = read(tmp_path, jpeg(tiff(MAKER, CAMERA, PLACE), xmp(turn))).fix
    assert fix is not None
    assert fix.gimbal is not None
    ahead = turned(fix.gimbal.yaw, fix.gimbal.pitch, fix.gimbal.roll)[:, 2]
    # On a way to the east the left is north; the right wing sinks, so the belly turns to the left.
    assert ahead == pytest.approx((0, np.sin(np.radians(10)), -np.cos(np.radians(10))), abs=1e-9)


def test_skydio(tmp_path: Path) -> None:
    """Two structures have the same names within: the one against north, east, down counts."""
    body = (
        '<drone-skydio:CameraOrientationFLU rdf:parseType="Resource"><drone-skydio:Roll>1</drone-skydio:Roll>'
        "<drone-skydio:Pitch>84</drone-skydio:Pitch><drone-skydio:Yaw>-146</drone-skydio:Yaw>"
        "</drone-skydio:CameraOrientationFLU>"
        '<drone-skydio:CameraOrientationNED rdf:parseType="Resource"><drone-skydio:Roll>0.2</drone-skydio:Roll>'
        "<drone-skydio:Pitch>-84.0</drone-skydio:Pitch><drone-skydio:Yaw>146.5</drone-skydio:Yaw>"
        "</drone-skydio:CameraOrientationNED>"
    )
    packet = xmp({}).replace(b"</rdf:Description>", body.encode() + b"</rdf:Description>")
    older = xmp({}, {"drone-skydio:CameraOrientationNED": "0.2, -84.0, 146.5"})
    for each in (packet, older):
        fix = read(tmp_path, jpeg(tiff(MAKER, CAMERA, PLACE), each)).fix
        assert fix is not None
        assert fix.gimbal == Attitude(146.5, -84, 0.2)


def test_djis_names_of_another_maker_are_less_certain(tmp_path: Path) -> None:
    """Autel writes DJI's namespace, with RTK."""
    still = read(tmp_path, jpeg(tiff({"Make": "Autel Robotics"}, CAMERA, PLACE), xmp(RTK)))
    assert still.fix is not None
    assert still.fix.above_ellipsoid_m == 198.31
    assert "AbsoluteAltitude" in doubts(still)


def test_accuracy_of_pix4d(tmp_path: Path) -> None:
    still = read(
        tmp_path, jpeg(tiff(MAKER, CAMERA, PLACE), xmp({"Camera:GPSXYAccuracy": "0.02", "Camera:GPSZAccuracy": "1/20"}))
    )
    assert still.fix is not None
    assert (still.fix.horizontal_sigma_m, still.fix.vertical_sigma_m) == (0.02, 0.05)
    assert "GPSXYAccuracy" in doubts(still)


# ---- time


@pytest.mark.parametrize(
    ("exif", "gps", "packet", "zone", "expected"),
    [
        (
            {"OffsetTimeOriginal": "+08:00", "SubSecTimeOriginal": "25"},
            {},
            {},
            0,
            datetime(2026, 5, 12, 1, 30, 0, 250_000, UTC),
        ),
        ({}, {}, {}, 8, datetime(2026, 5, 12, 1, 30, tzinfo=UTC)),
        ({}, {}, {}, 0, datetime(2026, 5, 12, 9, 30, tzinfo=UTC)),
        (
            {},
            {},
            {"drone-dji:UTCAtExposure": "2026-05-12T01:30:00.500000"},
            0,
            datetime(2026, 5, 12, 1, 30, 0, 500_000, UTC),
        ),
        ({}, {}, {"xmp:CreateDate": "2026-05-12T09:30:00+08:00"}, 0, datetime(2026, 5, 12, 1, 30, tzinfo=UTC)),
        (
            {},
            {"DateStamp": "2026:05:12", "TimeStamp": [(1, 1), (30, 1), (3, 2)]},
            {},
            8,
            datetime(2026, 5, 12, 1, 30, 1, 500_000, UTC),
        ),
        ({"OffsetTimeOriginal": "+99:00"}, {}, {}, 0, datetime(2026, 5, 12, 9, 30, tzinfo=UTC)),
        ({"DateTimeOriginal": "0000:00:00 00:00:00"}, {}, {}, 0, None),
    ],
)
def test_times(tmp_path: Path, exif, gps, packet, zone: int, expected: datetime | None) -> None:
    content = jpeg(tiff(MAKER, CAMERA | exif, PLACE | gps), xmp(packet))
    clues = Clues(zone=timezone(timedelta(hours=zone)) if zone else None)
    assert read(tmp_path, content, clues).taken_at == expected


# ---- lens


def test_djis_calibration(tmp_path: Path) -> None:
    data = {
        "drone-dji:DewarpData": "2026-01-31;3713.29,3713.29,7.02,-8.72,-0.11257524,0.01487443,0.00027,-8.5e-05,1e-07"
    }
    lens = read(tmp_path, jpeg(tiff(MAKER, CAMERA, PLACE), xmp(DJI | data), 5280, 3956)).lens
    assert lens.focal_px == (3713.29, 3713.29)
    assert lens.centre_px == pytest.approx((2640 + 7.02 - 0.5, 1978 - 8.72 - 0.5))
    assert lens.distortion == (-0.11257524, 0.01487443, 0.00027, -8.5e-05, 1e-07)
    assert (lens.calibrated, lens.straightened) == (True, False)
    lens = read(tmp_path, jpeg(tiff(MAKER, CAMERA, PLACE), xmp(DJI | data | {"drone-dji:DewarpFlag": "1"}))).lens
    assert (lens.distortion, lens.straightened) == (None, True)


def test_nominal_focal_length_in_pixels(tmp_path: Path) -> None:
    data = {
        "drone-dji:CalibratedFocalLength": "3666.666504",
        "drone-dji:CalibratedOpticalCenterX": "2736.000000",
        "drone-dji:CalibratedOpticalCenterY": "1824.000000",
    }
    lens = read(tmp_path, jpeg(tiff(MAKER, CAMERA, PLACE), xmp(DJI | data), 5472, 3648)).lens
    assert (lens.focal_px, lens.centre_px) == ((3666.666504, 3666.666504), (2735.5, 1823.5))
    assert (lens.distortion, lens.calibrated) == (None, False)


@pytest.mark.parametrize("data", ["2026-01-31;1,2,3", "x", "2026;nan,1,1,1,1,1,1,1,1", "2026;0,0,1,1,1,1,1,1,1"])
def test_calibration_that_cannot_be_read_is_told(tmp_path: Path, data: str) -> None:
    still = read(tmp_path, jpeg(tiff(MAKER, CAMERA, PLACE), xmp(DJI | {"drone-dji:DewarpData": data})))
    assert still.fix is not None
    assert still.lens.focal_px is None
    assert any(each.why.startswith("DewarpData is ") for each in still.unread)


def test_turned_picture_is_told(tmp_path: Path) -> None:
    assert "orientation" in doubts(read(tmp_path, jpeg(tiff(MAKER | {"Orientation": 6}, CAMERA, PLACE))))


# ---- broken and hostile pictures


def test_picture_without_a_position_keeps_its_lens(tmp_path: Path) -> None:
    still = read(tmp_path, jpeg(tiff(MAKER, CAMERA, {})))
    assert still.fix is None
    assert still.unread[0].why == "has no position, neither in EXIF nor in XMP"
    assert still.lens.focal_35mm_mm == 24.0
    path = tmp_path / "DJI_0001.JPG"
    with pytest.raises(TelemetryError, match=r"DJI_0001\.JPG: line 1 \(still\): has no position"):
        read_still_log(path)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"Latitude": degrees(0), "Longitude": degrees(0)}, "no fix"),
        ({"Latitude": [(95, 1), (0, 1), (0, 1)]}, "latitude 95, expected -90 to 90"),
        ({"Latitude": [(34, 1), (0, 0), (0, 1)]}, "has no position"),
        ({"Altitude": [(4_000_000_000, 1)]}, "height above the sea"),
    ],
)
def test_place_that_cannot_be(tmp_path: Path, change, why: str) -> None:
    still = read(tmp_path, jpeg(tiff(MAKER, CAMERA, PLACE | change)))
    assert still.fix is None
    assert still.unread[0].why.startswith(why)


def test_what_is_no_picture(tmp_path: Path) -> None:
    for content in (b"", b"GIF89a", b"\x89PNG\r\n"):
        with pytest.raises(TelemetryError, match="expected JPEG, TIFF or DNG"):
            read(tmp_path, content)


@pytest.mark.parametrize("tag", [0x927C, 0x9999])
def test_values_without_end_take_no_time(tmp_path: Path, tag: int) -> None:
    """EXIF that says that a value has four thousand million numbers: read one by one, they take an hour."""
    content = bytearray(tiff(MAKER, CAMERA | {"MakerNote": bytes(100)}, PLACE))
    at = content.index(struct.pack("<H", 0x927C))
    content[at : at + 8] = struct.pack("<HHI", tag, 3, 0xFFFFFFFF)
    assert read(tmp_path, jpeg(bytes(content))).fix is not None


def test_exif_that_asks_too_much_is_left_and_xmp_is_not_lost_with_it(tmp_path: Path) -> None:
    """Five thousand values that all stand in the same place."""
    entries = b"".join(struct.pack("<HHII", 0x9000, 3, 999, 8) for _ in range(5000))
    content = struct.pack("<4sIH", b"II*\x00", 8, 5000) + entries + bytes(4)
    packet = xmp(DJI | {"drone-dji:GpsLatitude": "34.75", "drone-dji:GpsLongitude": "113.62"})
    still = read(tmp_path, jpeg(content, packet))
    assert still.unread[0].why == "EXIF cannot be read: EXIF asks for more than any camera writes"
    assert still.fix is not None


def test_entities_are_refused(tmp_path: Path) -> None:
    """A billion laughs: a kilobyte of XML that unfolds to gigabytes."""
    laughs = b'<!DOCTYPE x [<!ENTITY a "haha">' + b"".join(
        f'<!ENTITY {chr(98 + level)} "{f"&{chr(97 + level)};" * 10}">'.encode() for level in range(9)
    )
    packet = laughs + b"]><x:xmpmeta xmlns:x='adobe:ns:meta/'>&j;</x:xmpmeta>"
    with pytest.raises(BadXmpError, match="declares a document type"):
        values_of(packet)
    still = read(tmp_path, jpeg(tiff(MAKER, CAMERA, PLACE), packet))
    assert still.fix is not None
    assert still.unread[0].why.startswith("XMP declares a document type")


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"<",
        b"<a></b>",
        b"<a>" * 100,
        b"x" * (MAX_XMP_BYTES + 1),
        b"<?xml version='1.0' encoding='klingon'?><a/>",
        b"\xff\xfe<a/>",
    ],
)
def test_broken_xmp(packet: bytes) -> None:
    with pytest.raises(BadXmpError):
        values_of(packet)


def test_every_beginning_of_a_picture_is_read_or_refused(tmp_path: Path) -> None:
    whole = jpeg(tiff(MAKER, CAMERA, PLACE), xmp(RTK))
    expected = read(tmp_path, whole).fix
    assert expected is not None
    for length in range(0, len(whole), 11):
        try:
            fix = read(tmp_path, whole[:length]).fix
        except TelemetryError:
            assert length < 4
            continue
        assert fix is None or abs(fix.latitude - expected.latitude) < 1 / 60


def test_real_survey(shared_data: Path) -> None:
    folder = shared_data / "drone" / "park_survey"
    if not folder.is_dir():
        pytest.skip("shared/data has no drone/park_survey")
    stills = [read_still(path) for path in sorted(folder.glob("*.JPG"))]
    assert len(stills) == 4
    for still in stills:
        assert still.fix is not None
        assert (still.fix.latitude, still.fix.longitude) == pytest.approx((46.8426, -91.9945), abs=2e-3)
        assert still.fix.above_takeoff_m == pytest.approx(40, abs=1)
        assert still.fix.gimbal is not None
        assert still.fix.gimbal.pitch == pytest.approx(-89.9, abs=0.2)
        assert (still.lens.width, still.lens.height, still.lens.focal_35mm_mm) == (4000, 2250, 20.0)
        assert still.unread == ()
