"""What comes down: the things that matter, and leaves."""

from __future__ import annotations

from math import pi

import numpy as np
from numpy.typing import NDArray

from samples.facade.canvas import Canvas, World
from samples.facade.flight import Body, Path, fly
from samples.facade.scenario import Leaves
from samples.facade.seeding import stream
from samples.facade.solids import Mesh, blur_steps, draw_mesh, draw_shadow, make_thing, rotation, sheet_mesh

Points = NDArray[np.float64]

MIRROR = np.diag([1.0, 1.0, -1.0])
SHADOW_DEPTH = 0.45
"""Share of a wall's light that the sun gives: what a shadow takes away."""


class FallingThing:
    """One thing of the scenario's `falls`, with its mirror image in the glass and its shadow on the wall."""

    def __init__(self, world: World, number: int) -> None:
        scenario = world.scenario
        self.fall = scenario.falls[number]
        rng = stream(scenario.seed, "fall", number)
        self.mesh, self.body = make_thing(self.fall.thing, rng)
        start = scenario.building.release_point(self.fall.floor, self.fall.bay)
        velocity = (self.fall.sideways_m_s, self.fall.upward_m_s, self.fall.outward_m_s)
        self.path: Path = fly(
            self.body,
            self.fall.release_seconds,
            start,
            velocity,
            wind=(scenario.wind_m_s, 0.0, 0.0),
            flutter_phase=float(rng.uniform(0, 2 * pi)),
        )
        self._axis = _random_axis(rng)
        self._phase = float(rng.uniform(0, 2 * pi))
        self._world = world

    def draw(self, canvas: Canvas, start_seconds: float, exposure_seconds: float) -> None:
        """Nothing before the release; at rest on the ground after the impact."""
        if start_seconds + exposure_seconds < self.path.start_seconds:
            return
        camera, light = self._world.camera, self._world.light
        poses = self._poses(start_seconds, exposure_seconds)
        canvas.lay(draw_shadow(self.mesh, camera, light, poses), strength=SHADOW_DEPTH, mask=_wall(self._world))
        mirrored = [(MIRROR @ turn, place * (1, 1, -1)) for turn, place in poses]
        image = draw_mesh(_inside_out(self.mesh), camera, light, mirrored)
        canvas.lay(image, strength=self._world.scenario.building.reflectance, mask=self._world.scene.glass)
        canvas.lay(draw_mesh(self.mesh, camera, light, poses))

    def _poses(self, start_seconds: float, exposure_seconds: float) -> list[tuple[Points, Points]]:
        ends = np.array([start_seconds, start_seconds + exposure_seconds])
        count = blur_steps(self._world.camera, self.path.at(ends))
        moments = start_seconds + (np.arange(count) + 0.5) / count * exposure_seconds
        moments = np.clip(moments, self.path.start_seconds, self.path.end_seconds)
        return [
            (rotation(self._axis, self._phase + 2 * pi * self.fall.spin_hz * (t - self.path.start_seconds)), place)
            for t, place in zip(moments, self.path.at(moments), strict=True)
        ]


class FallingLeaves:
    """Leaves let go above the picture, anywhere between the camera and the façade."""

    def __init__(self, world: World, leaves: Leaves, number: int) -> None:
        self._world = world
        scenario, camera = world.scenario, world.camera
        count = leaves.count
        self._fallers: list[tuple[Mesh, Path, tuple[float, float, float], float]] = []
        for index in range(count):
            rng = stream(scenario.seed, "leaf", number, index)
            green = np.array([0.30, 0.26, 0.07]) * rng.uniform(0.5, 1.3, 3)
            size = float(rng.uniform(0.05, 0.11))
            albedo = (float(green[0]), float(green[1]), float(green[2]))
            mesh = sheet_mesh(rng, size, size * 0.7, albedo, 0.12)
            body = Body(
                0.0012, 0.0032, 1.6, flutter_m_s2=float(rng.uniform(2, 6)), flutter_hz=float(rng.uniform(0.6, 2))
            )
            away = float(rng.uniform(3.0, camera.distance_m - 1.0))
            begin = float(rng.uniform(-2.0, scenario.seconds - 1.0))
            # only what was on its way before the clip began may start within the picture
            row = float(rng.uniform(-0.3, 0.4) if begin < 0 else rng.uniform(-0.35, -0.08)) * camera.height
            column = float(rng.uniform(0.05, 0.95)) * camera.width
            start = through(world, column, row, camera.distance_m - away)
            path = fly(
                body,
                begin,
                (float(start[0]), float(start[1]), float(start[2])),
                (0.0, -0.5, 0.0),
                wind=(scenario.wind_m_s * float(rng.uniform(0.5, 2.0)), 0.0, 0.0),
                flutter_phase=float(rng.uniform(0, 2 * pi)),
                longest_seconds=scenario.seconds - begin,
            )
            self._fallers.append((mesh, path, _random_axis(rng), float(rng.uniform(0.5, 2.0))))

    def draw(self, canvas: Canvas, start_seconds: float, exposure_seconds: float) -> None:
        """Each leaf tumbles as it comes."""
        camera, light = self._world.camera, self._world.light
        for mesh, path, axis, spin_hz in self._fallers:
            if not path.start_seconds <= start_seconds < path.end_seconds:
                continue
            places = path.at(np.array([start_seconds, start_seconds + exposure_seconds]))
            if camera.depth(places).min() < 1.0:
                continue
            count = blur_steps(camera, places)
            moments = start_seconds + (np.arange(count) + 0.5) / count * exposure_seconds
            spins = [rotation(axis, 2 * pi * spin_hz * float(moment)) for moment in moments]
            canvas.lay(draw_mesh(mesh, camera, light, list(zip(spins, path.at(moments), strict=True))))


def through(world: World, column: float, row: float, z: float) -> Points:
    """(3,) the place at depth coordinate `z` metres before the façade that is seen at a pixel."""
    camera = world.camera
    ray = np.array(
        [(column - (camera.width - 1) / 2) / camera.focal_px, -(row - (camera.height - 1) / 2) / camera.focal_px, 1.0]
    )
    direction = ray @ camera.axes()
    share = (z - camera.position[2]) / direction[2]
    return np.asarray(camera.position + share * direction, np.float64)


def _wall(world: World) -> NDArray[np.float32]:
    """Where shadows show: on the building, not in the sky, half on glass."""
    return np.asarray((1 - world.scene.sky_share[..., 0]) * (1 - 0.6 * world.scene.glass), np.float32)


def _inside_out(mesh: Mesh) -> Mesh:
    """A mirror image turns faces over: turn their order back."""
    faces = tuple(tuple(reversed(face)) for face in mesh.faces)
    return Mesh(mesh.vertices, faces, mesh.albedo, mesh.two_sided)


def _random_axis(rng: np.random.Generator) -> tuple[float, float, float]:
    axis = rng.normal(0, 1, 3)
    return (float(axis[0]), float(axis[1]), float(axis[2]) + 0.3)
