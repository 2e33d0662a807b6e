"""A drone films a fire: drawn ground, flames of `samples.fire`, the camera's place and turn as a function of time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import cv2
import numpy as np

from contract.geometry import Point
from edge.detectors.interface import Image
from edge.flights.local import LocalPlane
from edge.flights.reading.angles import attitude_of
from edge.flights.telemetry import Attitude
from edge.vision.arrays import Doubles, Floats
from edge.vision.lens import Lens
from edge.vision.pose import Pose, turned
from samples.facade.seeding import stream
from samples.fire.fluid import Flow, Gas
from samples.fire.layers import shine_of
from samples.town.klv import packet

HOME = Point(coordinates=(113.6200017, 34.7500013))
"""Origin of the plane, and where the source says that the drone is at home."""
PLANE = LocalPlane(HOME)
WIDTH, HEIGHT, FPS = 640, 360, 8
LENS = Lens(WIDTH, HEIGHT, 0.7 * WIDTH, 0.7 * WIDTH, (WIDTH - 1) / 2, (HEIGHT - 1) / 2)
PLAN_M, PLAN_PX = 300.0, 1500
FLAME_STEPS, FLAME_PICTURES = 42, 8
"""Of the flow a second, as `samples.fire.burning` has it."""
_FLOW = Flow(
    Gas(source_width=0.45, buoyancy=0.2, cooling=0.03, curl=0.35, restless=0.08, patches=5.0), stream(1, "flame")
)
_LINEAR = ((np.arange(256) / 255) ** 2.2).astype(np.float32)
Path_ = Callable[[float], Pose]


@dataclass(frozen=True, slots=True)
class Fire:
    """What burns, and where: metres of the plane."""

    east_m: float
    north_m: float
    width_m: float = 5.0
    height_m: float = 6.0
    begins: float = 1.0


@dataclass(frozen=True, slots=True)
class Drone:
    """What it says differs from what is true by one draw for the whole clip."""

    path: Path_
    off_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    off_degrees: tuple[float, float] = (0.0, 0.0)
    """Of yaw and pitch."""

    def said(self, t: float) -> tuple[Point, float, Attitude]:
        """Place, height above takeoff, gimbal."""
        pose = self.path(t)
        place = PLANE.point(pose.east_m + self.off_m[0], pose.north_m + self.off_m[1])
        turn = attitude_of(pose.turn)
        yaw, pitch = self.off_degrees
        return place, pose.up_m + self.off_m[2], Attitude(turn.yaw + yaw, turn.pitch + pitch, turn.roll)


def looking_at(east: float, north: float, up: float, at: tuple[float, float]) -> Pose:
    """A camera that keeps a place in the middle of its picture."""
    across, along = at[0] - east, at[1] - north
    yaw, pitch = math.degrees(math.atan2(across, along)), -math.degrees(math.atan2(up, math.hypot(across, along)))
    return Pose(east, north, up, turned(yaw, pitch, 0.0))


def hovering(sway_m: float = 0.4, sway_degrees: float = 0.25) -> Path_:
    """In the wind, 60 m up, 45 m south of the middle, looking north."""

    def path(t: float) -> Pose:
        east, north = sway_m * math.sin(0.7 * t), -45 + sway_m * math.sin(0.45 * t + 1)
        yaw = 2.0 + sway_degrees * math.sin(1.1 * t)
        return Pose(east, north, 60.0, turned(yaw, -50 + sway_degrees * math.sin(0.8 * t + 2), 0.0))

    return path


def circling(speed_m_s: float, radius_m: float = 45.0) -> Path_:
    """Round the middle, looking at it."""

    def path(t: float) -> Pose:
        angle = speed_m_s * t / radius_m
        return looking_at(-radius_m * math.sin(angle), -radius_m * math.cos(angle), 60.0, (2.0, 3.0))

    return path


def passing(speed_m_s: float) -> Path_:
    """Straight north, looking ahead and down; the middle goes through the picture."""
    return lambda t: Pose(0.0, -60 + speed_m_s * t, 60.0, turned(0.0, -45.0, 0.0))


@dataclass(slots=True)
class Film:
    """Pictures of a flight, one after the other."""

    path: Path_
    fires: tuple[Fire, ...] = ()
    seed: int = 1
    noise: float = 1.5

    def pictures(self, seconds: float, fps: float = FPS) -> Iterator[tuple[float, Image]]:
        """Time and picture, BGR."""
        rng = stream(self.seed, "noise")
        grain = rng.normal(0, self.noise, (HEIGHT + 64, WIDTH + 64, 3)).astype(np.float32)
        for number in range(round(seconds * fps)):
            t = number / fps
            y, x = rng.integers(0, 64, 2)
            picture = self._picture(t) + grain[y : y + HEIGHT, x : x + WIDTH]
            yield t, np.clip(np.rint(picture), 0, 255).astype(np.uint8)

    def _picture(self, t: float) -> Floats:
        pose = self.path(t)
        seen = cv2.warpPerspective(
            _plan(self.seed), _onto_picture(pose), (WIDTH, HEIGHT), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT
        )
        light = _LINEAR[seen]
        for fire in self.fires:
            if t >= fire.begins:
                _burn(light, fire, _heat(round(t * FLAME_PICTURES)), pose)
        return np.asarray(255 * np.clip(light, 0, 1) ** np.float32(1 / 2.2), np.float32)


@lru_cache(maxsize=2048)
def _heat(number: int) -> Floats:
    """(height, width) of one fire, which all films share: so many pictures of it a second."""
    if number > 0:
        _heat(number - 1)
    for _ in range(round(FLAME_STEPS / FLAME_PICTURES) if number else 4 * FLAME_STEPS):
        _FLOW.step()
    return np.asarray(_FLOW.heat[:-4].copy(), np.float32)


@lru_cache(maxsize=4)
def _plan(seed: int) -> Image:
    """Fields, roofs and roads, seen from above; north is up."""
    rng = stream(seed, "plan")
    coarse = rng.uniform(70, 130, (30, 30, 3)) * (0.75, 1.0, 0.85)
    plan = cv2.resize(coarse, (PLAN_PX, PLAN_PX), interpolation=cv2.INTER_NEAREST)
    for _ in range(140):
        x, y = rng.integers(0, PLAN_PX, 2)
        w, h = rng.integers(15, 90, 2)
        colour = rng.uniform(50, 190) * rng.uniform(0.9, 1.1, 3)  # nothing orange: that is the fire's
        cv2.rectangle(plan, (int(x), int(y)), (int(x + w), int(y + h)), colour.tolist(), -1)
    plan += cv2.GaussianBlur(rng.normal(0, 40, plan.shape), (0, 0), 2.0)
    return np.asarray(np.clip(plan, 0, 255), np.uint8)


def _onto_picture(pose: Pose) -> Doubles:
    """(3, 3): from pixels of the plan to pixels of the picture."""
    scale = PLAN_M / PLAN_PX
    places = np.array(((scale, 0, -PLAN_M / 2), (0, -scale, PLAN_M / 2), (0, 0, 0), (0, 0, 1)))
    view = np.concatenate([pose.turn.T, -(pose.turn.T @ pose.centre)[:, None]], axis=1)
    return np.asarray(LENS.matrix @ view @ places, np.float64)


def _burn(light: Floats, fire: Fire, heat: Floats, pose: Pose) -> None:
    """Adds the flames, upright on their place."""
    ends = np.array([(fire.east_m, fire.north_m, 0.0), (fire.east_m, fire.north_m, fire.height_m)])
    foot, top = LENS.pixels(pose.to_camera(ends))
    if not np.isfinite((foot, top)).all():
        return
    depth = float(pose.to_camera(ends[:1])[0, 2])
    width = max(round(LENS.focal_x * fire.width_m / depth / 0.45), 2)
    height = max(round(float(foot[1] - top[1])), 2)
    heat = cv2.resize(heat, (width, height), interpolation=cv2.INTER_AREA)
    left, upper = round(float(foot[0])) - width // 2, round(float(foot[1])) - height
    x0, y0, x1, y1 = max(left, 0), max(upper, 0), min(left + width, WIDTH), min(upper + height, HEIGHT)
    if x0 < x1 and y0 < y1:
        light[y0:y1, x0:x1] += 1.6 * shine_of(heat, 0.7, 0.0)[y0 - upper : y1 - upper, x0 - left : x1 - left]


# ---- as files


def write_video(path: Path, film: Film, seconds: float, drone: Drone | None = None, fps: int = FPS) -> Path:
    """H.264; as an MPEG transport stream with a KLV packet for every picture, if `drone` is given."""
    with av.open(str(path), "w", format="mpegts" if drone is not None else None) as out:
        video = out.add_stream("libx264", rate=fps, options={"preset": "veryfast", "crf": "18", "bf": "0"})
        video.width, video.height, video.pix_fmt, video.gop_size = WIDTH, HEIGHT, "yuv420p", fps
        video.codec_context.time_base = Fraction(1, fps)
        video.codec_context.thread_count = 1
        data = out.add_data_stream("klv") if drone is not None else None
        for number, (t, picture) in enumerate(film.pictures(seconds, fps)):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            out.mux(video.encode(frame))
            if drone is not None and data is not None:
                sent = av.Packet(klv_of(drone, t))
                sent.stream, sent.time_base = data, Fraction(1, 90_000)
                sent.pts = sent.dts = round(t * 90_000)
                out.mux(sent)
        out.mux(video.encode(None))
    return path


def klv_of(drone: Drone, t: float) -> bytes:
    """One packet; its height is above the sea."""
    from datetime import UTC, datetime, timedelta

    place, up, gimbal = drone.said(t)
    return packet(datetime(2026, 5, 12, 1, 30, tzinfo=UTC) + timedelta(seconds=t), place, up, gimbal, 0.0, LENS)


def write_csv(path: Path, drone: Drone, seconds: float, rate: float = 5.0) -> Path:
    """A log of our own."""
    rows = ["media_time_s,latitude,longitude,above_takeoff_m,gimbal_yaw,gimbal_pitch,gimbal_roll"]
    for number in range(round(seconds * rate) + 1):
        place, up, gimbal = drone.said(number / rate)
        angles = f"{gimbal.yaw:.3f},{gimbal.pitch:.3f},{gimbal.roll:.3f}"
        rows.append(f"{number / rate:.3f},{place.latitude:.8f},{place.longitude:.8f},{up:.3f},{angles}")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path
