"""Logs of every dialect, written here: short, whole, and with known values."""

from __future__ import annotations

from collections.abc import Callable


def cues(bodies: list[str], seconds: float = 1.0, end: str = "\n") -> str:
    """A subtitle file with these texts, one after another."""
    parts = []
    for index, body in enumerate(bodies):
        start, stop = _clock(index * seconds), _clock((index + 1) * seconds)
        parts.append(f"{index + 1}{end}{start} --> {stop}{end}{body}{end}{end}")
    return "".join(parts)


def _clock(seconds: float) -> str:
    whole = round(seconds * 1000)
    return f"{whole // 3_600_000:02}:{whole // 60_000 % 60:02}:{whole // 1000 % 60:02},{whole % 1000:03}"


def bracketed(index: int) -> str:
    return (
        f'<font size="28">SrtCnt : {index + 1}, DiffTime : 33ms\n'
        f"2026-05-12 09:30:{index:02}.{250 + index:03}\n"
        "[iso : 100] [shutter : 1/640.0] [fnum : 280] [ev : 0] [ct : 5500] [color_md : default] [focal_len : 240] "
        "[dzoom_ratio: 10000, delta:0],"
        f"[latitude: {34.75 + index * 1e-5:.6f}] [longitude: {113.62 - index * 1e-5:.6f}] "
        f"[rel_alt: {80 + index / 10:.3f} abs_alt: {190 + index / 10:.3f}] "
        f"[gb_yaw: {index - 30:.1f} gb_pitch: -90.0 gb_roll: 0.0] </font>"
    )


def misspelt(index: int) -> str:
    return (
        f'<font size="36">FrameCnt : {index + 1}, DiffTime : 40ms\n'
        f"2020-08-12 08:55:{index:02},745,078\n"
        "[iso : 100] [fnum : 280] [focal_len : 280] "
        f"[latitude : {-34.86995 + index * 1e-5:.6f}] [longtitude : -57.823395] [altitude: 74.725998] </font>"
    )


def mavic_pro(index: int) -> str:
    return (
        f"HOME(113.6200,34.7500) 2017.08.05 14:11:{index:02}\n"
        f"GPS({113.62 + index * 1e-4:.4f},34.7501,16) BAROMETER:{1.9 + index:.1f}\n"
        "ISO:100 Shutter:60 EV: Fnum:2.2 "
    )


def matrice(index: int) -> str:
    return f"2022.06.21 16:06:{index:02}\nGPS({36.6146 + index * 1e-4:.4f},-6.1120,0.0M) BAROMETER:{0.3 + index:.1f}M"


def phantom_rtk(index: int) -> str:
    return (
        f"F/5.6, SS 400, ISO 100, EV +0.7, GPS (-58.851745, {-34.237922 + index * 1e-5:.6f}, 15), "
        f"HOME (-58.847509, -34.232707, -57.98m), D {698.7 - index:.2f}m, H 85.{index:02}m, H.S 1.84m/s, V.S 0.00m/s, "
        "F.PRY (2.7°, -7.0°, 110.1°), G.PRY (-24.4°, 0.0°, 110.4°)"
    )


def commas(index: int) -> str:
    return (
        f"Lat: {34.0522 + index * 1e-5:.6f}, Lon: -118.243700, Alt: {2 + index:.1f}m, ISO: 100, Fnum: 2.8, GPS: 18\n"
        f"Time: 00:00:{index:02}.000, Speed: 0.8 m/s, VelD: 0.3 m/s, Throttle: 15%, Pitch: 3.0, Roll: 1.0, Yaw: 10.0, "
        "Distance: 0.0m, CameraMode: video, GimbalYaw: 12.0, GimbalPitch: -80.0"
    )


def settings_only(_index: int) -> str:
    return '<font size="28">SrtCnt : 1, DiffTime : 33ms\n[iso : 110] [shutter : 1/60.0] [fnum : 2.8] [ev : 0]</font>'


DIALECTS: dict[str, Callable[[int], str]] = {
    "dji-bracketed": bracketed,
    "dji-bracketed misspelt": misspelt,
    "dji-gps": mavic_pro,
    "dji-gps metres": matrice,
    "dji-p4rtk": phantom_rtk,
    "dji-comma": commas,
}
"""Dialects whose records have a position."""


def sample(name: str, count: int = 6) -> str:
    return cues([DIALECTS[name](index) for index in range(count)])


AIRDATA = (
    "time(millisecond),datetime(utc),latitude,longitude,height_above_takeoff(feet),altitude_above_seaLevel(feet),"
    "speed(mph), compass_heading(degrees), pitch(degrees), roll(degrees),isVideo,gimbal_heading(degrees),"
    "gimbal_pitch(degrees),gimbal_roll(degrees),altitude(feet),message\n"
    "0,2026-05-12 01:30:00,34.75,113.62,262.5,625.3,3.2,181.5,-4.5,1.5,1,180.0,-90.0,0.0,262.5,\n"
    '100,2026-05-12 01:30:00,34.750001,113.62,262.6,625.4,3.2,181.5,-4.5,1.5,1,180.0,-90.0,0.0,262.6,"Home, set"\n'
)
OURS = (
    "media_time_s,taken_at,latitude,longitude,above_takeoff_m,above_ellipsoid_m,gimbal_yaw,gimbal_pitch,gimbal_roll,"
    "focal_35mm_mm,horizontal_sigma_m,vertical_sigma_m\n"
    "0.0,2026-05-12T09:30:00+08:00,34.75,113.62,80.0,170.5,12.5,-89.5,0.25,24.0,0.02,0.04\n"
    "0.5,2026-05-12T09:30:00.5+08:00,34.75001,113.62,80.1,170.6,12.5,-89.5,0.25,24.0,0.02,0.04\n"
)
