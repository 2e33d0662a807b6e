"""A flight as an MPEG transport stream with its telemetry in it, as MISB ST 0601 packets (KLV).

The standard maps numbers to integers evenly over fixed ranges; a packet is a universal key, a length, tags, and a sum.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path

import av

from contract.geometry import Point
from edge.flights.local import LocalPlane
from edge.flights.reading.angles import attitude_of
from edge.flights.telemetry import Attitude
from edge.vision.lens import Lens
from edge.vision.pose import Pose
from samples.town.exif import SITE_M
from samples.town.pairs import Flown
from samples.town.video import path_of

KEY = bytes.fromhex("060e2b34020b01010e01030101000000")
VERSION = 13
CLOCK = 90_000
"""Ticks a second of a transport stream."""


def packet(taken_at: datetime, place: Point, up_m: float, gimbal: Attitude, heading: float, lens: Lens) -> bytes:
    """What a drone that flies level towards `heading` sends about one picture."""
    across = 2 * math.degrees(math.atan(lens.width / 2 / lens.focal_x))
    down = 2 * math.degrees(math.atan(lens.height / 2 / lens.focal_y))
    return _framed(
        {
            2: round(taken_at.timestamp() * 1e6).to_bytes(8, "big"),
            5: _unsigned(heading % 360, 0, 360, 2),
            6: _signed(0.0, 20, 2),
            7: _signed(0.0, 50, 2),
            13: _signed(place.latitude, 90, 4),
            14: _signed(place.longitude, 180, 4),
            15: _unsigned(SITE_M + up_m, -900, 19_000, 2),
            16: _unsigned(across, 0, 180, 2),
            17: _unsigned(down, 0, 180, 2),
            18: _unsigned((gimbal.yaw - heading) % 360, 0, 360, 4),
            19: _signed(gimbal.pitch, 180, 4),
            20: _unsigned(gimbal.roll % 360, 0, 360, 4),
            65: bytes([VERSION]),
        }
    )


def _unsigned(value: float, least: float, most: float, size: int) -> bytes:
    steps: int = (1 << 8 * size) - 1
    return min(steps, max(0, round((value - least) / (most - least) * steps))).to_bytes(size, "big")


def _signed(value: float, reach: float, size: int) -> bytes:
    steps: int = (1 << 8 * size - 1) - 1
    return min(steps, max(-steps, round(value / reach * steps))).to_bytes(size, "big", signed=True)


def _framed(items: Mapping[int, bytes]) -> bytes:
    value = b"".join(bytes([tag, len(content)]) + content for tag, content in items.items()) + b"\x01\x02"
    length = len(value) + 2
    head = KEY + (bytes([length]) if length < 128 else bytes([0x81, length])) + value
    # The sum of its 16-bit words, the last of which may be half.
    total = sum(byte << (8 if index % 2 == 0 else 0) for index, byte in enumerate(head))
    return head + (total & 0xFFFF).to_bytes(2, "big")


def write_transport_stream(
    path: Path, flown: Flown, seconds: float, fps: int = 25, on_frame: Callable[[], None] = lambda: None
) -> list[tuple[Pose, Pose]]:
    """Writes H.264 with a packet for every picture; returns the true and the said poses. Raises as `path_of`."""
    if flown.plan.width % 2 or flown.plan.height % 2:
        raise ValueError(f"{flown.plan.width} by {flown.plan.height}: H.264 takes even sizes only")
    poses = path_of(flown, seconds, fps)
    plane = LocalPlane(flown.town.origin)
    path.parent.mkdir(parents=True, exist_ok=True)
    coding = {"preset": "veryfast", "crf": "20", "g": str(fps), "bf": "0", "threads": "1", "flags": "+bitexact"}
    with av.open(str(path), "w", format="mpegts", options={"fflags": "+bitexact"}) as container:
        video = container.add_stream("libx264", rate=fps, options=coding)
        video.width, video.height, video.pix_fmt = flown.plan.width, flown.plan.height, "yuv420p"
        video.codec_context.thread_count = 1
        video.codec_context.time_base = Fraction(1, fps)
        data = container.add_data_stream("klv")
        for n, (true, said) in enumerate(poses):
            frame = av.VideoFrame.from_ndarray(flown.view(true, n), format="bgr24")
            frame.pts, frame.time_base = n, Fraction(1, fps)
            container.mux(video.encode(frame))
            content = packet(
                flown.began_at + timedelta(seconds=n / fps), plane.point(said.east_m, said.north_m), said.up_m,
                attitude_of(said.turn), flown.plan.heading_deg, flown.survey.said_lens,
            )  # fmt: skip
            sent = av.Packet(content)
            sent.stream, sent.time_base = data, Fraction(1, CLOCK)
            sent.pts = sent.dts = round(n / fps * CLOCK)
            container.mux(sent)
            on_frame()
        container.mux(video.encode(None))
    return poses
