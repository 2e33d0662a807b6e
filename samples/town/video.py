"""A flight as a video with DJI's subtitles beside it."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from contract.geometry import Point
from edge.flights.local import LocalPlane
from edge.flights.reading.angles import attitude_of
from edge.flights.telemetry import Attitude
from edge.vision.arrays import Doubles
from edge.vision.pose import Pose, turned
from samples.facade.seeding import stream
from samples.town.exif import SITE_M
from samples.town.pairs import Flown

SPEED_M_S = 8.0
LONGEST_FRAMES = 30_000


Course = Callable[[float], Doubles]
"""(2,): where the drone is after so many seconds, in metres across and along the survey's lines from its middle."""


def path_of(flown: Flown, seconds: float, fps: int, course: Course | None = None) -> list[tuple[Pose, Pose]]:
    """True and said poses, one a frame, with the survey's noise. `course`: absent, its first line at 8 m/s.

    Raises ValueError for lengths and rates that no video has.
    """
    if not (seconds > 0 and 1 <= fps <= 60 and seconds * fps <= LONGEST_FRAMES):
        raise ValueError(
            f"{seconds} s at {fps} frames/s; expected 1 to 60 frames/s and at most {LONGEST_FRAMES} frames"
        )
    rng = stream(flown.state.seed, "video")
    noise, plan = flown.noise, flown.plan
    heading = math.radians(plan.heading_deg)
    lines = np.array(((math.cos(heading), -math.sin(heading)), (math.sin(heading), math.cos(heading))))
    shift = rng.normal(0, 1, 3) * noise.bias_m * (1, 1, noise.vertical)
    lean = rng.normal(0, 1, 3) * (noise.tilt_bias_deg, noise.tilt_bias_deg, noise.heading_bias_deg)
    phases = rng.uniform(0, 2 * np.pi, 6)
    length = SPEED_M_S * seconds
    found = []
    for n in range(round(seconds * fps)):
        time = n / fps
        wave = np.sin(phases + time * np.array((0.3, 0.23, 0.4, 0.9, 1.1, 0.5)))
        at = np.array((0.0, SPEED_M_S * time - length / 2)) if course is None else course(time)
        place = np.append(at @ lines, plan.up_m) + wave[:3] * plan.wander_m
        angles = wave[3:] * plan.sway_deg
        told = place + shift + rng.normal(0, 1, 3) * noise.white_m * (1, 1, noise.vertical)
        off = lean + rng.normal(0, 1, 3) * (noise.tilt_deg, noise.tilt_deg, noise.heading_deg)
        poses = []
        for centre, (yaw, pitch, roll) in ((place, angles), (told, angles + off)):
            # Past -90 the camera looks a little backwards: `turned` takes that as it is.
            turn = turned(plan.heading_deg + yaw, -90 + pitch, roll)
            poses.append(Pose(float(centre[0]), float(centre[1]), float(centre[2]), turn, noise.covariance))
        found.append((poses[0], poses[1]))
    return found


def write_video(
    path: Path, flown: Flown, seconds: float, fps: int = 30, on_frame: Callable[[], None] = lambda: None
) -> list[tuple[Pose, Pose]]:
    """Writes H.264 in MP4, and subtitles of the same name; returns the true and the said poses, one a frame."""
    if flown.plan.width % 2 or flown.plan.height % 2:
        raise ValueError(f"{flown.plan.width} by {flown.plan.height}: H.264 takes even sizes only")
    poses = path_of(flown, seconds, fps)
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    coding = {"preset": "veryfast", "crf": "20", "g": str(fps), "bf": "0", "threads": "1", "flags": "+bitexact"}
    with av.open(str(path), "w", format="mp4", options=options) as container:
        video = container.add_stream("libx264", rate=fps, options=coding)
        video.width, video.height, video.pix_fmt = flown.plan.width, flown.plan.height, "yuv420p"
        video.codec_context.thread_count = 1
        video.codec_context.time_base = Fraction(1, fps)
        for n, (true, _) in enumerate(poses):
            frame = av.VideoFrame.from_ndarray(flown.view(true, n), format="bgr24")
            frame.pts, frame.time_base = n, Fraction(1, fps)
            container.mux(video.encode(frame))
            on_frame()
        container.mux(video.encode(None))
    path.with_suffix(".SRT").write_text(subtitles([said for _, said in poses], flown, fps), encoding="utf-8")
    return poses


def subtitles(poses: list[Pose], flown: Flown, fps: int) -> str:
    """DJI's bracketed dialect with gimbal angles, one record a frame."""
    plane = LocalPlane(flown.town.origin)
    records = []
    for n, pose in enumerate(poses):
        place, gimbal = plane.point(pose.east_m, pose.north_m), attitude_of(pose.turn)
        begin, end = (_stamp(at / fps) for at in (n, n + 1))
        taken = flown.began_at + timedelta(seconds=n / fps)
        records.append(f"{n + 1}\n{begin} --> {end}\n" + _record(n, fps, taken, place, pose.up_m, gimbal))
    return "\n".join(records)


def _record(number: int, fps: int, taken: datetime, place: Point, up_m: float, gimbal: Attitude) -> str:
    written = taken.strftime("%Y-%m-%d %H:%M:%S.") + f"{taken.microsecond // 1000:03d}"
    return (
        f'<font size="28">FrameCnt: {number + 1}, DiffTime: {round(1000 / fps)}ms\n{written}\n'
        "[iso: 100] [shutter: 1/1000.0] [fnum: 2.8] [ev: 0] [color_md: default] [focal_len: 24.00] "
        f"[latitude: {place.latitude:.7f}] [longitude: {place.longitude:.7f}] "
        f"[rel_alt: {up_m:.3f} abs_alt: {SITE_M + up_m:.3f}] [ct: 5300] "
        f"[gb_yaw: {math.remainder(gimbal.yaw, 360.0):.1f} gb_pitch: {gimbal.pitch:.1f} gb_roll: {gimbal.roll:.1f}] "
        "</font>\n"
    )


def _stamp(seconds: float) -> str:
    whole = round(seconds * 1000)
    return f"{whole // 3_600_000:02d}:{whole // 60_000 % 60:02d}:{whole // 1000 % 60:02d},{whole % 1000:03d}"
