"""Draws cars, stalls, tarpaulins, heaps, washing: small things, as a few faces each."""

from __future__ import annotations

import numpy as np

from edge.detectors.interface import Image
from edge.vision.arrays import Doubles
from samples.town.brush import fill
from samples.town.camera import Camera
from samples.town.light import face_gain
from samples.town.state import FlightState, Season
from samples.town.world import Thing, ThingKind

CARS = ((236, 236, 234), (226, 226, 224), (198, 200, 200), (150, 150, 148), (60, 58, 58), (44, 42, 42), (46, 44, 150),
        (150, 86, 44), (86, 104, 126), (232, 232, 230))  # fmt: skip
CARGO = ((196, 140, 70), (70, 70, 178), (190, 190, 186), (90, 140, 80), (60, 90, 170), (210, 212, 212))
SHEETS = ((196, 132, 60), (92, 148, 66), (190, 180, 172), (64, 72, 190), (96, 120, 110), (206, 206, 200))
CLOTHES = ((210, 205, 205), (170, 90, 80), (80, 80, 190), (90, 160, 200), (150, 140, 120), (200, 180, 230))
HEAPS = ((132, 164, 186), (106, 122, 132), (96, 104, 110), (90, 112, 140))
JUNK = ((110, 116, 120), (80, 96, 120), (150, 150, 146), (66, 74, 84), (150, 110, 70))
GLASS = np.array((62.0, 54.0, 46.0))
CIRCLE = np.linspace(0, 2 * np.pi, 12, endpoint=False)
UP = np.array((0.0, 0.0, 1.0))


def draw_thing(canvas: Image, camera: Camera, thing: Thing, state: FlightState, shaded: bool) -> None:
    """One thing, over what is behind it. `shaded`: it stands where the sun does not reach."""
    gain = state.shade if shaded else face_gain(state, UP)
    pencil = _Pencil(canvas, camera, thing, gain, state)
    if thing.kind in (ThingKind.CAR, ThingKind.VAN):
        _car(pencil, thing)
    elif thing.kind is ThingKind.TRUCK:
        _truck(pencil, thing)
    elif thing.kind is ThingKind.CONTAINER:
        pencil.box(_of(CARGO, thing.key), (-0.5, -0.5, 0.5, 0.5), 0.0, 1.0)
        for x in np.arange(-0.46, 0.5, 0.07):
            pencil.face(_of(CARGO, thing.key) * 0.93, (x, -0.5, x + 0.02, 0.5), 1.0)
    elif thing.kind is ThingKind.UMBRELLA:
        _umbrella(pencil, thing)
    elif thing.kind is ThingKind.HEAP:
        _heap(pencil, thing, state)
    elif thing.kind is ThingKind.LAUNDRY:
        _laundry(pencil, thing)
    elif thing.kind is ThingKind.SOLAR:
        pencil.face(np.array((60.0, 50.0, 44.0)), (-0.5, -0.5, 0.5, 0.3), 0.5)
        pencil.face(np.array((206.0, 206.0, 204.0)), (-0.5, 0.3, 0.5, 0.5), 1.0)
    elif thing.kind is ThingKind.TANK:
        ring = np.stack((np.cos(CIRCLE), np.sin(CIRCLE)), axis=1) * 0.5
        pencil.outline(np.array((96.0, 98.0, 98.0)), ring, 0.1)
        pencil.outline(np.array((206.0, 208.0, 208.0)), ring * 0.96, 1.0)
        pencil.outline(np.array((150.0, 152.0, 152.0)), ring * 0.4, 1.0)
    elif thing.kind is ThingKind.PLANTS:
        _plants(pencil, thing, state)
    elif thing.kind is ThingKind.TARPAULIN:
        _sheet(pencil, thing)
    else:
        pencil.box(_of(JUNK, thing.key), (-0.5, -0.5, 0.5, 0.5), 0.0, 1.0)


def _of(colours: tuple[tuple[int, int, int], ...], key: int) -> Doubles:
    mixed = (key * 2654435761) >> 9
    return np.array(colours[mixed % len(colours)], np.float64) * (0.92 + 0.16 * ((mixed >> 8) % 64) / 64)


class _Pencil:
    """Draws in the thing's own measures: its length and width from -0.5 to 0.5, its height from 0 to 1."""

    def __init__(self, canvas: Image, camera: Camera, thing: Thing, gain: float, state: FlightState) -> None:
        self.canvas, self.camera, self.thing, self.gain, self.state = canvas, camera, thing, gain, state
        c, s = np.cos(thing.turn), np.sin(thing.turn)
        self._turn = np.array(((c, s), (-s, c)))

    def at(self, along: Doubles, up: float | Doubles) -> Doubles:
        """(n, 2) pixels of (n, 2) shares of length and width at a share of the height."""
        level = along * (self.thing.length_m, self.thing.width_m) @ self._turn + (self.thing.east_m, self.thing.north_m)
        height = self.thing.base_m + np.broadcast_to(np.asarray(up) * self.thing.height_m, len(level))
        return self.camera.pixels(np.concatenate((level, height[:, None]), axis=1))

    def outline(self, colour: Doubles, along: Doubles, up: float, gain: float = 1.0) -> None:
        fill(self.canvas, self.at(along, up), np.minimum(255, colour * (self.gain * gain)))

    def face(self, colour: Doubles, box: tuple[float, float, float, float], up: float, gain: float = 1.0) -> None:
        a, b, c, d = box
        self.outline(colour, np.array(((a, b), (c, b), (c, d), (a, d))), up, gain)

    def box(self, colour: Doubles, box: tuple[float, float, float, float], low: float, high: float) -> None:
        """A block with its sides."""
        a, b, c, d = box
        ring = np.array(((a, b), (c, b), (c, d), (a, d)))
        foot, top = self.at(ring, low), self.at(ring, high)
        centre = top.mean(axis=0) - foot.mean(axis=0)
        if np.hypot(*centre) > 0.7:
            for n in range(4):
                m = (n + 1) % 4
                edge = foot[m] - foot[n]
                # Pictures have y downwards: an anticlockwise ring is clockwise there; a side that faces us lies away
                # from where the top has moved to.
                if edge[0] * centre[1] - edge[1] * centre[0] > 0:
                    shade = 0.62 + 0.12 * (n % 2)
                    fill(self.canvas, np.stack((foot[n], foot[m], top[m], top[n])), colour * (self.gain * shade))
        fill(self.canvas, top, np.minimum(255, colour * self.gain))


def _car(pencil: _Pencil, thing: Thing) -> None:
    colour = _of(CARS, thing.key)
    body = np.array(((-0.5, -0.4), (-0.44, -0.5), (0.42, -0.5), (0.5, -0.36), (0.5, 0.36), (0.42, 0.5), (-0.44, 0.5),
                     (-0.5, 0.4)))  # fmt: skip
    pencil.outline(np.array((40.0, 40.0, 40.0)), body, 0.1)
    pencil.outline(colour * 0.94, body, 0.55)
    if thing.kind is ThingKind.VAN:
        pencil.face(GLASS, (0.2, -0.44, 0.4, 0.44), 0.8)
        pencil.face(colour, (-0.48, -0.46, 0.26, 0.46), 1.0)
        return
    pencil.face(GLASS, (-0.4, -0.43, 0.24, 0.43), 0.72)
    pencil.face(colour, (-0.27, -0.37, 0.08, 0.37), 1.0)


def _truck(pencil: _Pencil, thing: Thing) -> None:
    cargo = _of(CARGO, thing.key)
    pencil.box(_of(CARS, thing.key + 5), (0.32, -0.46, 0.5, 0.46), 0.0, 0.85)
    pencil.face(GLASS, (0.45, -0.42, 0.5, 0.42), 0.7)
    if thing.key % 3:
        pencil.box(cargo, (-0.5, -0.5, 0.3, 0.5), 0.1, 1.0)
    else:
        pencil.box(cargo * 0.7, (-0.5, -0.5, 0.3, 0.5), 0.1, 0.5)
        pencil.face(_of(HEAPS, thing.key), (-0.48, -0.44, 0.28, 0.44), 0.5)


def _umbrella(pencil: _Pencil, thing: Thing) -> None:
    first, second = _of(SHEETS, thing.key), _of(SHEETS, thing.key + 3)
    angles = np.linspace(0, 2 * np.pi, 9)
    for n in range(8):
        wedge = np.array(((0, 0), (0.5 * np.cos(angles[n]), 0.5 * np.sin(angles[n])),
                          (0.5 * np.cos(angles[n + 1]), 0.5 * np.sin(angles[n + 1]))))  # fmt: skip
        pencil.outline(first if n % 2 else second, wedge, 0.95, 0.93 + 0.07 * np.sin(angles[n] + thing.key))


def _plants(pencil: _Pencil, thing: Thing, state: FlightState) -> None:
    pencil.face(np.array((88.0, 104.0, 120.0)), (-0.5, -0.5, 0.5, 0.5), 0.4)
    leaves = np.array((92.0, 108.0, 118.0) if state.season is Season.WINTER else (52.0, 108.0, 78.0))
    for n in range(7):
        x, y = -0.42 + 0.14 * n, ((thing.key >> n) % 5 - 2) * 0.1
        ring = np.stack((np.cos(CIRCLE) * 0.1 + x, np.sin(CIRCLE) * 0.4 + y), axis=1)
        pencil.outline(leaves * (0.8 + 0.06 * ((thing.key >> (2 * n)) % 7)), ring, 1.0)


def _heap(pencil: _Pencil, thing: Thing, state: FlightState) -> None:
    colour = _of(HEAPS, thing.key)
    angles = np.linspace(0, 2 * np.pi, 17)
    radii = 0.42 + 0.06 * np.sin(2 * angles + thing.key) + 0.04 * np.sin(5 * angles + 3 * thing.key)
    ring = np.stack((np.cos(angles), np.sin(angles)), axis=1) * radii[:, None]
    sun = state.to_sun[:2]
    for n in range(16):
        side = np.array((np.cos(angles[n] + thing.turn), np.sin(angles[n] + thing.turn)))
        gain = 0.86 + 0.26 * float(side @ sun) * (1 - state.overcast)
        foot = pencil.at(ring[n : n + 2], 0.0)
        peak = pencil.at(np.array([[0.04, 0.02]]), 1.0)
        fill(pencil.canvas, np.concatenate((foot, peak)), np.minimum(255, colour * pencil.gain * gain))


def _laundry(pencil: _Pencil, thing: Thing) -> None:
    for line in (-0.3, 0.3):
        for n, x in enumerate(np.arange(-0.5, 0.46, 0.17)):
            pencil.face(_of(CLOTHES, thing.key + n * 7), (x, line - 0.09, x + 0.12, line + 0.09), 0.9)


def _sheet(pencil: _Pencil, thing: Thing) -> None:
    colour = _of(SHEETS, thing.key)
    wobble = [((thing.key >> n) % 7 - 3) * 0.025 for n in range(8)]
    ring = np.array(((-0.5 + wobble[0], -0.48 + wobble[1]), (0, -0.5 + wobble[2]), (0.48 + wobble[3], -0.5 + wobble[4]),
                     (0.5, 0.46 + wobble[5]), (-0.1, 0.5 + wobble[6]), (-0.5 + wobble[7], 0.46)))  # fmt: skip
    pencil.outline(colour, ring, 1.0)
    for n in range(4):
        x = -0.4 + 0.2 * n + wobble[n]
        pencil.outline(colour, np.array(((x, -0.45), (x + 0.06, -0.45), (x + 0.1 + wobble[n], 0.42))), 1.0, 0.9)
