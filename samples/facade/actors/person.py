"""Somebody at the rail: moves, leans, perhaps shakes a cloth. Nothing falls."""

from __future__ import annotations

from math import pi, sin

import numpy as np

from samples.facade.canvas import Canvas, World
from samples.facade.scenario import Onlooker
from samples.facade.seeding import stream
from samples.facade.solids import box_mesh, draw_bodies, draw_mesh, rotation, sheet_mesh


class PersonAtRail:
    """Head, trunk and two arms as boxes, seen from the rail upwards."""

    def __init__(self, world: World, onlooker: Onlooker, number: int) -> None:
        building = world.scenario.building
        rng = stream(world.scenario.seed, "person", number)
        x, rail, edge = building.release_point(onlooker.floor, onlooker.bay)
        self._spot = np.array([x, rail - 0.2, edge - 0.45])
        away = world.camera.distance_m - self._spot[2]
        # the rail hides what is behind it from below: the steeper the view, the more
        self._hidden = min(0.35, 0.3 * (self._spot[1] - world.camera.height_m) / away)
        shirt = rng.uniform(0.08, 0.7, 3)
        shirt_albedo = (float(shirt[0]), float(shirt[1]), float(shirt[2]))
        skin = (0.42, 0.28, 0.20)
        self._parts = (
            (box_mesh(0.42, 0.5, 0.24, shirt_albedo), np.array([0.0, 0.25, 0.0])),
            (box_mesh(0.18, 0.24, 0.2, skin), np.array([0.0, 0.62, 0.02])),
            (box_mesh(0.19, 0.1, 0.22, (0.02, 0.02, 0.02)), np.array([0.0, 0.76, 0.0])),
        )
        self._arm = box_mesh(0.09, 0.42, 0.09, shirt_albedo)
        self._cloth = sheet_mesh(rng, 0.7, 0.8, (0.7, 0.68, 0.6), 0.1)
        self._phase = rng.uniform(0, 2 * pi, 3)
        self._shake_from = float(rng.uniform(0.15, 0.5) * world.scenario.seconds)
        self._shakes_cloth = onlooker.shakes_cloth
        self._world = world

    def draw(self, canvas: Canvas, start_seconds: float, exposure_seconds: float) -> None:
        """Sways slowly; gestures every few seconds; shakes the cloth for three seconds if it has one."""
        t = start_seconds + exposure_seconds / 2
        camera, light = self._world.camera, self._world.light
        sway = 0.35 * sin(2 * pi * 0.06 * t + self._phase[0]) + 0.04 * sin(2 * pi * 0.5 * t + self._phase[1])
        base = self._spot + np.array([sway, self._hidden - 0.1, 0.0])
        turn = rotation((0, 1, 0), 0.6 * sin(2 * pi * 0.09 * t + self._phase[2]))
        for mesh, offset in self._parts:
            canvas.lay(draw_mesh(mesh, camera, light, [(turn, base + turn @ offset)]))
        gesture = max(0.0, sin(2 * pi * 0.21 * t + self._phase[1]))
        for hand in (-1, 1):
            lift = rotation((1, 0, 0), -0.4 - 1.1 * gesture * (0.6 + 0.4 * sin(2 * pi * 1.3 * t + hand)))
            canvas.lay(draw_mesh(self._arm, camera, light, [(turn @ lift, base + turn @ (hand * 0.26, 0.28, 0.08))]))
        if self._shakes_cloth and self._shake_from < t < self._shake_from + 3.0:
            wave = np.sin(2 * pi * 2.6 * t + 4 * self._cloth.vertices[:, 1])[:, None]
            hang = self._cloth.vertices + wave * np.array([0.0, 0.05, 0.16]) - np.array([0.0, 0.35, 0.0])
            canvas.lay(draw_bodies(self._cloth, camera, light, [hang + base + np.array([0.0, 0.1, 0.5])]))
