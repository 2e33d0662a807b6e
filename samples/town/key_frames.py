"""A survey in lines as a video of which only the key frames show something: all that a survey looks at.

Drawing every frame of a flight of minutes would take hours. Those between the key frames are empty here: the file is
smaller than a drone's, but its index is as long.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from edge.vision.arrays import Doubles
from edge.vision.pose import Pose
from samples.town.pairs import Flown
from samples.town.video import Course, path_of, subtitles

SPEED_M_S = 10.0
FPS = 30
_EMPTY = b"\x00\x00\x00\x03\x0c\xff\x80"
"""A unit of filler data (ITU-T H.264, 7.3.2.7). Writing leaves it out of the file; its place in the index stays."""


def to_and_fro(flown: Flown, speed_m_s: float = SPEED_M_S) -> Course:
    """Over the town, line beside line, without a pause at their ends; after the last one the drone hovers."""
    plan, side = flown.plan, flown.town.size_m
    across = plan.width * plan.gsd_m
    count = max(1, math.ceil((side - across) / (across * (1 - plan.side_overlap))) + 1)
    places = np.linspace(-(side - across) / 2, (side - across) / 2, count) if count > 1 else np.zeros(1)
    ends = [
        (x, end)
        for n, x in enumerate(places)
        for end in ((-side / 2, side / 2) if n % 2 == 0 else (side / 2, -side / 2))
    ]
    corners = np.array(ends, np.float64)
    flown_m = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(corners, axis=0), axis=1))))

    def course(seconds: float) -> Doubles:
        return np.array([np.interp(seconds * speed_m_s, flown_m, corners[:, axis]) for axis in (0, 1)])

    return course


def write_key_frames(
    path: Path, flown: Flown, seconds: int, on_picture: Callable[[], None] = lambda: None, times: int = 1
) -> list[tuple[Pose, Pose]]:
    """Writes H.264 in MP4, a key frame a second, and DJI's subtitles beside it; returns true and said poses, one a
    frame.

    `times`: so often it is flown, each time over the same town once more, beside the one before: long flights are soon
    drawn. On the way there nothing is shown. Raises ValueError for lengths that no video has.
    """
    once = path_of(flown, seconds, FPS, to_and_fro(flown))
    if times < 1:
        raise ValueError(f"flown {times} times; expected at least once")
    poses, starts = _in_laps(once, times, flown.town.size_m)
    path.parent.mkdir(parents=True, exist_ok=True)
    coding = {"preset": "veryfast", "crf": "12", "g": "1", "bf": "0", "threads": "1", "tune": "zerolatency"}
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart", "fflags": "+bitexact"}) as container:
        video = container.add_stream("libx264", rate=FPS, options={**coding, "flags": "+bitexact"})
        video.width, video.height, video.pix_fmt = flown.plan.width, flown.plan.height, "yuv420p"
        video.codec_context.thread_count = 1
        video.codec_context.time_base = Fraction(1, FPS)
        drawn = [_EMPTY] * len(poses)
        for first in range(0, len(once), FPS):
            frame = av.VideoFrame.from_ndarray(flown.view(once[first][0], first // FPS), format="bgr24")
            frame.pts, frame.time_base = first, Fraction(1, FPS)
            written = b"".join(bytes(packet) for packet in video.encode(frame))
            for start in starts:
                drawn[start + first] = written
            on_picture()
        for number, written in enumerate(drawn):
            packet = av.Packet(written)
            packet.stream, packet.time_base = video, Fraction(1, FPS)
            packet.pts = packet.dts = number
            packet.duration, packet.is_keyframe = 1, written is not _EMPTY
            container.mux(packet)
    path.with_suffix(".SRT").write_text(subtitles([said for _, said in poses], flown, FPS), encoding="utf-8")
    return poses


def _in_laps(once: list[tuple[Pose, Pose]], times: int, apart_m: float) -> tuple[list[tuple[Pose, Pose]], list[int]]:
    """Poses of a flight that is flown again and again, and where each lap begins."""
    poses: list[tuple[Pose, Pose]] = []
    starts = []
    for lap in range(times):
        north = lap * apart_m
        here = [(_north_of(true, north), _north_of(said, north)) for true, said in once]
        poses += _between(poses[-1], here[0]) if poses else []
        starts.append(len(poses))
        poses += here
    return poses, starts


def _between(end: tuple[Pose, Pose], start: tuple[Pose, Pose]) -> list[tuple[Pose, Pose]]:
    """The way from one town to the next, true and said: whole seconds."""
    metres = float(np.linalg.norm(start[0].centre - end[0].centre))
    count = FPS * math.ceil(metres / SPEED_M_S)
    shares = np.arange(1, count + 1) / (count + 1)
    true, said = ([_at(one, other, share) for share in shares] for one, other in zip(end, start, strict=True))
    return list(zip(true, said, strict=True))


def _at(one: Pose, other: Pose, share: float) -> Pose:
    east, north, up = (float(value) for value in one.centre + share * (other.centre - one.centre))
    return replace(one, east_m=east, north_m=north, up_m=up)


def _north_of(pose: Pose, metres: float) -> Pose:
    return replace(pose, north_m=pose.north_m + metres)
