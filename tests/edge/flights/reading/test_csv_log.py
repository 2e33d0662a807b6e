"""CSV logs: headers decide, units are converted or told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from edge.flights.reading.csv_log import read_csv
from edge.flights.reading.logs import Clues
from edge.flights.telemetry import Attitude, Interpretation, TelemetryError, TelemetryLog
from tests.edge.flights.reading.dialects import AIRDATA, OURS

FOOT = 0.3048


def read(tmp_path: Path, text: str, clues: Clues | None = None) -> TelemetryLog:
    path = tmp_path / "log.csv"
    path.write_text(text, encoding="utf-8", newline="")
    return read_csv(path, clues)


def reading(log: TelemetryLog, field: str) -> Interpretation:
    return next(each for each in log.interpretations if each.field == field)


def test_our_own_columns_leave_no_doubt(tmp_path: Path) -> None:
    log = read(tmp_path, OURS)
    fix = log.fixes[1]
    assert (log.dialect, fix.line, fix.media_time) == ("csv", 3, 0.5)
    assert (fix.latitude, fix.longitude) == (34.75001, 113.62)
    assert (fix.above_takeoff_m, fix.above_sea_m, fix.above_ellipsoid_m) == (80.1, None, 170.6)
    assert fix.gimbal == Attitude(12.5, -89.5, 0.25)
    assert fix.taken_at == datetime(2026, 5, 12, 1, 30, 0, 500_000, UTC)
    assert (fix.focal_35mm_mm, fix.horizontal_sigma_m, fix.vertical_sigma_m) == (24.0, 0.02, 0.04)
    assert log.interpretations == ()


def test_airdata_in_feet(tmp_path: Path) -> None:
    log = read(tmp_path, AIRDATA)
    fix = log.fixes[1]
    assert fix.above_takeoff_m == pytest.approx(262.6 * FOOT)
    assert fix.above_sea_m == pytest.approx(625.4 * FOOT)
    assert fix.gimbal == Attitude(180, -90, 0)
    assert fix.platform == Attitude(-178.5, -4.5, 1.5)
    assert fix.taken_at == datetime(2026, 5, 12, 1, 30, tzinfo=UTC)
    assert fix.media_time == pytest.approx(0.1)
    assert not reading(log, "time(millisecond)").certain


def test_airdata_in_metres(tmp_path: Path) -> None:
    text = AIRDATA.replace("(feet)", "(meters)")
    assert read(tmp_path, text).fixes[0].above_takeoff_m == 262.5


def test_litchi(tmp_path: Path) -> None:
    text = (
        "latitude,longitude,altitude(m),speed(mps),time(millisecond),datetime(utc),pitch(deg),roll(deg),yaw(deg),"
        "gimbalPitchRaw,gimbalRollRaw,gimbalYawRaw\n"
        "34.75,113.62,60.5,3.1,100,2026-05-12 01:30:00.250,1.0,-2.0,200.0,-900,0,-1600\n"
    )
    log = read(tmp_path, text)
    assert log.fixes[0].gimbal == Attitude(-160, -90, 0)
    assert log.fixes[0].platform == Attitude(-160, 1, -2)
    assert log.fixes[0].above_takeoff_m == 60.5
    assert not reading(log, "altitude(m)").certain
    assert log.fixes[0].taken_at == datetime(2026, 5, 12, 1, 30, 0, 250_000, UTC)


def test_djis_own_records(tmp_path: Path) -> None:
    text = (
        "sep=,\n"
        "CUSTOM.date [local],CUSTOM.updateTime [local],OSD.flyTime [formatted],OSD.flyTime [s],OSD.latitude,"
        "OSD.longitude,OSD.height [ft],OSD.height [m],OSD.altitude [ft],OSD.pitch,OSD.roll,OSD.yaw,GIMBAL.pitch,"
        "GIMBAL.roll,GIMBAL.yaw\n"
        "8/29/2026,10:30:28.9 PM,0m 2.8s,2.8,34.75,113.62,3.3,1.0,360.0,0.5,-0.2,-110.2,-90,0,-110\n"
        "8/29/2026,10:30:29.0 PM,0m 2.9s,2.9,34.75,113.62,6.6,2.0,363.0,0.5,-0.2,-110.2,-90,0,-110\n"
    )
    log = read(tmp_path, text, Clues(zone=timezone(timedelta(hours=8))))
    fix = log.fixes[1]
    assert fix.above_takeoff_m == 2.0  # in metres where both are logged
    assert fix.above_sea_m == pytest.approx(363 * FOOT)
    assert fix.taken_at == datetime(2026, 8, 29, 14, 30, 29, tzinfo=UTC)
    assert fix.media_time == pytest.approx(0.1)
    assert fix.gimbal == Attitude(-110, -90, 0)
    assert "OSD.height [ft]" in reading(log, "columns passed over").taken_as


def test_ardupilot(tmp_path: Path) -> None:
    text = (
        "TimeUS,GPSTime,Lat,Lng,Alt,RelAlt,R,P,Y\n"
        "61000000,1,34.75,113.62,190.2,80.1,1.5,-2.5,350\n"
        "62000000,2,34.75001,113.62,190.3,80.2,1.5,-2.5,350\n"
    )
    log = read(tmp_path, text)
    fix = log.fixes[1]
    assert (fix.above_takeoff_m, fix.above_sea_m, fix.media_time) == (80.2, 190.3, 1.0)
    assert fix.platform == Attitude(-10, -2.5, 1.5)
    assert reading(log, "Alt").taken_as == "height above the sea"


def test_mavlinks_integers(tmp_path: Path) -> None:
    log = read(tmp_path, "time_s,lat,lon\n0,0,0\n1,347500000,1136200000\n2,347500100,1136200000\n")
    assert log.fixes[0].latitude == pytest.approx(34.75)
    assert log.unread[0].why.startswith("no fix")
    assert reading(log, "latitude, longitude").taken_as == "1e-7 degrees"


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("1778549400", datetime(2026, 5, 12, 1, 30, tzinfo=UTC)),
        ("1778549400250", datetime(2026, 5, 12, 1, 30, 0, 250_000, UTC)),
        ("1778549400250000", datetime(2026, 5, 12, 1, 30, 0, 250_000, UTC)),
        ("2026-05-12T01:30:00Z", datetime(2026, 5, 12, 1, 30, tzinfo=UTC)),
        ("2026/05/12 09:30:00", datetime(2026, 5, 12, 1, 30, tzinfo=UTC)),
        ("5/12/2026 9:30:00 AM", datetime(2026, 5, 12, 1, 30, tzinfo=UTC)),
        ("17", None),
        ("soon", None),
        ("13/45/2026 99:00:00", None),
    ],
)
def test_moments(tmp_path: Path, moment: str, expected: datetime | None) -> None:
    clues = Clues(zone=timezone(timedelta(hours=8)))
    assert read(tmp_path, f"timestamp,lat,lon\n{moment},34.75,113.62\n", clues).fixes[0].taken_at == expected


def test_order_of_day_and_month_is_told(tmp_path: Path) -> None:
    assert not reading(read(tmp_path, "timestamp,lat,lon\n5/12/2026 9:30:00,34.75,113.62\n"), "date").certain
    assert reading(read(tmp_path, "timestamp,lat,lon\n5/29/2026 9:30:00,34.75,113.62\n"), "date").certain


def test_height_without_unit_is_told(tmp_path: Path) -> None:
    log = read(tmp_path, "lat,lon,rel_alt\n34.75,113.62,80\n")
    assert log.fixes[0].above_takeoff_m == 80
    assert not reading(log, "unit of rel_alt").certain


def test_height_in_unknown_unit_is_not_used(tmp_path: Path) -> None:
    log = read(tmp_path, "lat,lon,rel_alt(fathoms)\n34.75,113.62,80\n")
    assert log.fixes[0].above_takeoff_m is None
    assert reading(log, "columns passed over").taken_as == "rel_alt(fathoms) (unit unknown)"


def test_bare_altitude_over_500_m_is_above_the_sea(tmp_path: Path) -> None:
    log = read(tmp_path, "lat,lon,altitude(m)\n34.75,113.62,780\n")
    assert (log.fixes[0].above_takeoff_m, log.fixes[0].above_sea_m) == (None, 780)
    assert not reading(log, "altitude(m)").certain


def test_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    log = read(tmp_path, "\ufefflatitude;longitude;above_takeoff_m\r\n34,75;113,62;80,5\r\n")
    assert (log.fixes[0].latitude, log.fixes[0].longitude, log.fixes[0].above_takeoff_m) == (34.75, 113.62, 80.5)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("34.75,113.62", None),
        ("34.75", "has no latitude and longitude"),
        (",,,", "has no latitude and longitude"),
        ("x,113.62", "lat is 'x', expected a number"),
        ("34.75,113.62,inf", "rel_alt_m is 'inf', expected a number"),
        ("94.75,113.62,80", "latitude 94.75, expected -90 to 90"),
        ("0,0,80", "no fix: latitude and longitude are 0"),
        ("36.75,113.62,80", "jumps by"),
        ('"34.75,113.62,80', "lat is '34.75,113.62,80', expected a number"),
        ("34.75,113.62,80" + "," * 20_000, "is cut short, or longer than a row can be"),
    ],
)
def test_bad_rows_cost_themselves(tmp_path: Path, row: str, why: str | None) -> None:
    good = "34.75,113.62,80\n"
    log = read(tmp_path, f"lat,lon,rel_alt_m\n{good * 3}{row}\n{good * 3}")
    assert len(log.fixes) == (7 if why is None else 6)
    if why is not None:
        assert log.unread[0].line == 5
        assert log.unread[0].why.startswith(why)


def test_last_row_without_end_may_be_cut(tmp_path: Path) -> None:
    log = read(tmp_path, "lat,lon,rel_alt_m\n34.75,113.62,80\n34.75,113.62,8")
    assert len(log.fixes) == 1
    assert log.unread[0].why.startswith("is cut short")


@pytest.mark.parametrize(
    "text", ["", "a,b,c\n1,2,3\n", "lat,altitude\n34.75,80\n", "\n" * 30 + "lat,lon\n34.75,113.62\n"]
)
def test_header_without_places_names_what_was_found_and_expected(tmp_path: Path, text: str) -> None:
    with pytest.raises(TelemetryError) as raised:
        read(tmp_path, text)
    message = str(raised.value)
    assert ": line 1 (csv): found columns " in message
    assert "expected a header with latitude or lat" in message
    if text.startswith("a,b"):
        assert "found columns a, b, c;" in message


def test_exchanged_columns_are_refused_by_their_numbers(tmp_path: Path) -> None:
    with pytest.raises(TelemetryError, match=r"line 2 \(csv\): none of 1 records can be used, this one: latitude 113"):
        read(tmp_path, "latitude,longitude\n113.62,34.75\n")
