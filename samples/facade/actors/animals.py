"""Birds that fly past or dive along the façade, and insects before the lens."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sin

import cv2
import numpy as np
from numpy.typing import NDArray

from samples.facade.actors.falling import through
from samples.facade.canvas import Canvas, World
from samples.facade.flight import Path
from samples.facade.scenario import Birds, Insects
from samples.facade.seeding import stream
from samples.facade.solids import Mesh, Patch, blur_steps, draw_bodies

Points = NDArray[np.float64]

BODY = ((-0.5, 0.0), (-0.2, 0.16), (0.15, 0.2), (0.42, 0.12), (0.55, 0.02))
"""(along, radius) of a bird's body as shares of its length, tail to beak."""


@dataclass(frozen=True, slots=True)
class _Bird:
    path: Path
    length_m: float
    beat_hz: float
    phase: float
    stroke: float
    """Half the angle the wings sweep, radians; a diving bird folds them."""
    mesh: Mesh
    seen_from: float
    """When it is there: one that takes off from the façade has been sitting there."""

    def vertices(self, seconds: float) -> Points:
        """(n, 3) in the world: body along its heading, wings at the moment's stroke, folded before it takes off."""
        size = self.length_m
        forward = self.path.velocity_at(seconds)
        forward = forward / max(float(np.linalg.norm(forward)), 1e-6)
        side = np.cross(forward, (0.0, 1.0, 0.0))
        side = side / max(float(np.linalg.norm(side)), 1e-6)
        up = np.cross(side, forward)
        perched = seconds < self.path.start_seconds
        beat = 0.0 if perched else self.stroke * sin(2 * pi * self.beat_hz * seconds + self.phase) + 0.15
        span = 0.2 if perched else 1.0
        shape = [(along * size, 0.0, 0.0) for along, _ in BODY]
        for along, radius in BODY[1:-1]:
            shape += [
                (along * size, radius * size * 0.6 * y, radius * size * z)
                for y, z in ((1, 0), (-1, 0), (0, 1), (0, -1))
            ]
        for hand in (-1, 1):
            elbow = np.array([0.12, 0.55 * np.sin(beat), hand * 0.55 * span * np.cos(beat)])
            tip = elbow + np.array([-0.18, 0.6 * np.sin(beat * 1.5), hand * 0.6 * span * np.cos(beat * 1.5)])
            parts = [
                (0.25, 0.0, hand * 0.08),
                (-0.12, 0.0, hand * 0.08),
                elbow + np.array([0.1, 0.0, 0.0]),
                elbow - np.array([0.25, 0.0, 0.0]),
                tip,
            ]
            shape += [(float(part[0]) * size, float(part[1]) * size, float(part[2]) * size) for part in parts]
        body = np.array(shape)
        turned = body[:, :1] * forward + body[:, 1:2] * up + body[:, 2:] * side
        return np.asarray(turned + self.path.at(np.array([seconds]))[0], np.float64)


def _bird_mesh(rng: np.random.Generator) -> Mesh:
    """Faces over the vertices that `_Bird.vertices` lays out: a body of two crossed diamonds, two wings."""
    tail, beak = 0, len(BODY) - 1
    faces: list[tuple[int, ...]] = []
    rings = [len(BODY) + 4 * ring for ring in range(3)]
    for up, side in ((0, 2), (2, 1), (1, 3), (3, 0)):
        faces.append((tail, rings[0] + up, rings[0] + side))
        faces += [(a + up, b + up, b + side, a + side) for a, b in ((rings[0], rings[1]), (rings[1], rings[2]))]
        faces.append((rings[2] + up, beak, rings[2] + side))
    for hand in range(2):
        root = len(BODY) + 12 + 5 * hand
        faces += [(root, root + 1, root + 3, root + 2), (root + 2, root + 3, root + 4)]
    tone = float(rng.choice([0.05, 0.12, 0.25]))
    grey = (tone, tone, tone * 1.08)
    return Mesh(np.zeros((0, 3)), tuple(faces), (grey,) * len(faces), two_sided=True)


class BirdFlock:
    """Pigeons, sparrows, swallows: each with its own size, way and wing beat."""

    def __init__(self, world: World, birds: Birds, number: int) -> None:
        self._world = world
        self._birds: list[_Bird] = []
        for index in range(birds.crossing + birds.swooping):
            rng = stream(world.scenario.seed, "bird", number, index)
            swoops = index >= birds.crossing
            path = _swoop(world, rng) if swoops else _crossing(world, rng)
            length = float(rng.uniform(0.16, 0.34))
            beat = float(rng.uniform(3.5, 5.5) * 0.33 / length)
            stroke = 0.35 if swoops else 0.85
            phase, seen_from = float(rng.uniform(0, 6)), 0.0 if swoops else path.start_seconds
            self._birds.append(_Bird(path, length, min(beat, 11.0), phase, stroke, _bird_mesh(rng), seen_from))

    def draw(self, canvas: Canvas, start_seconds: float, exposure_seconds: float) -> None:
        """Each where it is, its wings at the stroke of the moment."""
        camera = self._world.camera
        for bird in self._birds:
            if not bird.seen_from <= start_seconds < bird.path.end_seconds:
                continue
            places = bird.path.at(np.array([start_seconds, start_seconds + exposure_seconds]))
            if camera.depth(places).min() < 2.0:
                continue
            count = blur_steps(camera, places)
            moments = start_seconds + (np.arange(count) + 0.5) / count * exposure_seconds
            bodies = [bird.vertices(float(moment)) for moment in moments]
            canvas.lay(draw_bodies(bird.mesh, camera, self._world.light, bodies))


def _crossing(world: World, rng: np.random.Generator) -> Path:
    camera = world.camera
    z = float(rng.uniform(2.0, camera.distance_m * 0.65))
    middle = through(world, camera.width * rng.uniform(0.3, 0.7), camera.height * rng.uniform(0.1, 0.7), z)
    speed = float(rng.choice([-1, 1]) * rng.uniform(7.5, 13))
    passing = float(rng.uniform(0.1, 0.9) * world.scenario.seconds)
    half = 1.2 * camera.width / camera.focal_px * float(np.linalg.norm(middle - camera.position)) / abs(speed)
    t = np.linspace(-half, half, 160)
    wave = 0.25 * np.sin(2 * pi * 0.9 * t + rng.uniform(0, 6))
    climb = float(rng.uniform(-1.8, 1.8))
    places = middle + np.column_stack([speed * t, climb * t + wave, 0.8 * rng.uniform(-1, 1) * t])
    return Path(t + passing, places, np.gradient(places, t, axis=0))


def _swoop(world: World, rng: np.random.Generator) -> Path:
    """Off a ledge or the roof, down the wall with folded wings, and out in a curve: the start looks like a fall."""
    building = world.scenario.building
    x = float(rng.uniform(building.left_m, building.right_m)) * 0.6
    floor = int(rng.integers(max(2, building.floors - 3), building.floors + 2))
    roof = floor > building.floors
    perch = building.height_m if roof else building.floor_base(floor) + 0.1
    start = np.array([x, perch + 0.1, building.ledge_m + (0.1 if roof else 0.0)])
    begin = float(rng.uniform(0.1, 0.75) * world.scenario.seconds)
    dive = float(rng.uniform(0.7, 1.25))
    sinking, pulling = float(rng.uniform(4.5, 8.0)), float(rng.uniform(10, 15))  # m/s²: below g, and a hard pull-out
    t = np.linspace(0, dive + 6.0, 500)
    down = np.where(t < dive, -sinking * t, np.minimum(-sinking * dive + pulling * (t - dive), 1.5))
    away = np.clip((t - 0.4 * dive) / (0.6 * dive + 0.8), 0, 1)
    ahead = rng.choice([-1, 1]) * (1.2 + 7.0 * away * away * (3 - 2 * away))
    out = 1.0 + 1.5 * away
    velocity = np.column_stack([ahead, down, out])
    places = start + np.cumsum(velocity, axis=0) * (t[1] - t[0])
    places[:, 1] = np.maximum(places[:, 1], 1.0)
    return Path(t + begin, places, velocity)


class InsectSwarm:
    """Flies 5-20 cm before the lens: big, out of focus, erratic, gone within a second."""

    def __init__(self, world: World, insects: Insects, number: int) -> None:
        self._world = world
        camera = world.camera
        self._flies: list[tuple[Points, Points, float, float, float]] = []
        for index in range(insects.count):
            rng = stream(world.scenario.seed, "insect", number, index)
            lasting = float(rng.uniform(0.4, 1.4))
            begin = float(rng.uniform(0.05, 0.92) * world.scenario.seconds)
            knots = 5
            x = np.sort(np.append(rng.uniform(0.0, 1.0, knots - 2), (-0.12, 1.12))) * camera.width
            if rng.random() < 0.5:
                x = x[::-1]
            y = rng.uniform(-0.05, 1.0, knots) * camera.height
            moments = np.linspace(begin, begin + lasting, knots)
            radius = float(rng.uniform(0.010, 0.032) * camera.width)
            tone = 0.5 if world.light.monochrome else 0.03
            self._flies.append((moments, np.column_stack([x, y]), radius, float(rng.uniform(0.3, 0.7)), tone))

    def draw(self, canvas: Canvas, start_seconds: float, exposure_seconds: float) -> None:
        """A soft disc, averaged along its way during the exposure."""
        for moments, ways, radius, opacity, tone in self._flies:
            if not moments[0] <= start_seconds <= moments[-1]:
                continue
            shares = start_seconds + np.linspace(0.05, 0.95, 10) * exposure_seconds
            places = _smooth_way(moments, ways, shares)
            margin = int(radius * 1.8) + 2
            low = np.floor(places.min(axis=0)).astype(int) - margin
            high = np.ceil(places.max(axis=0)).astype(int) + margin
            cover = np.zeros((high[1] - low[1], high[0] - low[0]), np.float32)
            for place in places:
                disc = np.zeros(cover.shape, np.float32)
                spot = np.round((place - low) * 16).astype(int)
                cv2.circle(disc, (int(spot[0]), int(spot[1])), int(radius * 16), 1.0, cv2.FILLED, cv2.LINE_8, 4)
                cover += disc * np.float32(opacity / len(places))
            cover = np.asarray(cv2.GaussianBlur(cover, (0, 0), max(radius * 0.3, 0.8)), np.float32)
            colour = np.full(3, tone * float(np.mean(self._world.light.ambient)), np.float32)
            pixels = np.concatenate([cover[..., None] * colour, cover[..., None]], axis=2)
            canvas.lay(Patch(np.asarray(pixels, np.float32), int(low[0]), int(low[1])), soft=False)


def _smooth_way(moments: Points, ways: Points, wanted: Points) -> Points:
    """Catmull-Rom through the knots, (n, 2) pixels."""
    step = moments[1] - moments[0]
    position = np.clip((wanted - moments[0]) / step, 0, len(moments) - 1.001)
    index = position.astype(int)
    share = (position - index)[:, None]
    padded = np.vstack([2 * ways[0] - ways[1], ways, 2 * ways[-1] - ways[-2]])
    a, b, c, d = padded[index], padded[index + 1], padded[index + 2], padded[index + 3]
    curve = 2 * b + (c - a) * share + (2 * a - 5 * b + 4 * c - d) * share**2 + (3 * b - a - 3 * c + d) * share**3
    return np.asarray(0.5 * curve, np.float64)
