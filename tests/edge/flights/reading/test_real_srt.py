"""Real subtitles of many models: each parses to plausible values, or is refused by line and dialect."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edge.flights.reading.sniff import read_telemetry
from edge.flights.telemetry import Positioning, TelemetryError

NAMES = (
    "CallMarcus_DJI_sample.SRT",
    "CallMarcus_clip.SRT",
    "CallMarcus_clip_nogps.SRT",
    "JuanIrache_air2s.srt",
    "JuanIrache_broken_empty2.SRT",
    "JuanIrache_broken_incomplete2.SRT",
    "JuanIrache_matrice_300.srt",
    "JuanIrache_mavic_2pro_new.SRT",
    "JuanIrache_mavic_air2.srt",
    "JuanIrache_mavic_pro.SRT",
    "JuanIrache_mix_p4rtk_mavic2pro.srt",
    "JuanIrache_p4_rtk.SRT",
    "JuanIrache_sample0.SRT",
    "JuanIrache_sample2.SRT",
    "JuanIrache_sample4.SRT",
    "Paisano7780_DJI_0002_format_b.SRT",
)

READ = {
    # name: dialect, records, unread, where it was flown (latitude, longitude), heights above take-off
    "CallMarcus_DJI_sample.SRT": ("dji-bracketed", 5, 0, (59.3023, 18.2031), (1.3, 1.5)),
    "CallMarcus_clip.SRT": ("dji-bracketed", 2, 0, (59.0, 18.0), (1, 2)),
    "CallMarcus_clip_nogps.SRT": ("dji-bracketed", 3, 3, (32.8489, -84.8620), (0.4, 0.4)),
    "JuanIrache_air2s.srt": ("dji-bracketed", 17, 0, (41.4247, 2.2341), (117, 117.1)),
    "JuanIrache_broken_incomplete2.SRT": ("dji-bracketed", 4, 2, (-34.8699, -57.8234), (74, 75)),
    "JuanIrache_matrice_300.srt": ("dji-gps", 381, 0, (36.615, -6.112), (-1, 90)),
    "JuanIrache_mavic_2pro_new.SRT": ("dji-bracketed", 8952, 0, (-35.08, -60.30), None),
    "JuanIrache_mavic_air2.srt": ("dji-bracketed", 25, 0, (41.4207, 2.1622), (27, 30)),
    "JuanIrache_mavic_pro.SRT": ("dji-gps", 468, 0, (-20.253, 149.025), (-2, 130)),
    "JuanIrache_mix_p4rtk_mavic2pro.srt": ("dji-p4rtk+dji-bracketed", 6, 6, (-34.6502, -59.4095), (17, 18)),
    "JuanIrache_p4_rtk.SRT": ("dji-p4rtk", 55, 0, (-34.235, -58.850), (85, 87)),
    "JuanIrache_sample0.SRT": ("dji-gps", 468, 0, (-20.253, 149.025), (-2, 130)),
    "JuanIrache_sample2.SRT": ("dji-gps", 494, 0, (-25.21, 131.16), (-3, 130)),
    "JuanIrache_sample4.SRT": ("dji-gps", 530, 16, (42.467, -1.222), (-3, 130)),
    "Paisano7780_DJI_0002_format_b.SRT": ("dji-comma", 4, 0, (34.0523, -118.2437), (1, 4.2)),
}


@pytest.fixture
def folder(shared_data: Path) -> Path:
    folder = shared_data / "drone" / "srt"
    if not folder.is_dir():
        pytest.skip("shared/data has no drone/srt")
    return folder


def test_every_file_parses_to_plausible_values_or_is_refused_by_line_and_dialect(folder: Path) -> None:
    files = sorted(each for each in folder.iterdir() if each.is_file())
    assert {each.name for each in files} >= set(NAMES)
    for path in files:
        try:
            log = read_telemetry(path)
        except TelemetryError as error:
            assert re.search(r": line \d+ \((srt|dji-[a-z0-9-]+)\): ", str(error)), str(error)
            continue
        assert log.dialect.startswith("dji-"), path.name
        assert log.fixes, path.name
        for fix in log.fixes:
            assert abs(fix.latitude) <= 90, path.name
            assert abs(fix.longitude) <= 180, path.name
            assert (fix.latitude, fix.longitude) != (0, 0), path.name
            assert fix.above_takeoff_m is None or -10 < fix.above_takeoff_m < 500, path.name
            assert fix.above_sea_m is None or -430 < fix.above_sea_m < 6000, path.name
            assert fix.focal_35mm_mm in (None, 24.0, 28.0), path.name
            assert fix.taken_at is None or fix.taken_at.tzinfo is not None, path.name
            assert fix.gimbal is None or -90.5 < fix.gimbal.pitch < 30, path.name
            assert fix.positioning in (Positioning.GNSS, Positioning.UNKNOWN), path.name
        times = [fix.media_time for fix in log.fixes]
        assert times == sorted(times), path.name  # type: ignore[type-var]
        assert [fix.line for fix in log.fixes] == sorted({fix.line for fix in log.fixes}), path.name


@pytest.mark.parametrize("name", READ)
def test_what_each_file_holds(folder: Path, name: str) -> None:
    dialect, records, unread, place, heights = READ[name]
    log = read_telemetry(folder / name)
    assert (log.dialect, len(log.fixes), len(log.unread)) == (dialect, records, unread)
    for fix in log.fixes:
        assert (fix.latitude, fix.longitude) == pytest.approx(place, abs=0.03)
        if heights is None:
            assert fix.above_takeoff_m is None
        else:
            assert fix.above_takeoff_m is not None
            assert heights[0] <= fix.above_takeoff_m <= heights[1]


def test_empty_file_is_refused(folder: Path) -> None:
    with pytest.raises(TelemetryError, match=r"broken_empty2\.SRT: line 1 \(srt\): holds no record"):
        read_telemetry(folder / "JuanIrache_broken_empty2.SRT")


def test_every_beginning_of_a_real_file_is_read_or_refused(folder: Path, tmp_path: Path) -> None:
    """Cut anywhere: what was whole before stays, and nothing that was cut is taken for a value."""
    whole = (folder / "Paisano7780_DJI_0002_format_b.SRT").read_bytes()
    fixes = read_telemetry(folder / "Paisano7780_DJI_0002_format_b.SRT").fixes
    path = tmp_path / "cut.SRT"
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        try:
            cut = read_telemetry(path).fixes
        except TelemetryError:
            cut = ()
        assert cut == fixes[: len(cut)] or cut[:-1] == fixes[: len(cut) - 1]
        if cut and cut[-1] != fixes[len(cut) - 1]:
            # Only whole lines are believed: a record whose second line is missing lacks its turn, and nothing else.
            last = cut[-1]
            assert (last.gimbal, last.platform) == (None, None)
            assert last.latitude == fixes[len(cut) - 1].latitude
