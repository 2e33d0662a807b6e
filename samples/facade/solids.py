"""Small 3-D things: their meshes, how they tumble, and how they are drawn with sub-pixel edges and motion blur."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin, sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

from samples.facade.building import Colour
from samples.facade.camera import Camera
from samples.facade.flight import Body
from samples.facade.scenario import Light, Thing
from samples.facade.scene import irradiance, lamp_falloff
from samples.facade.textures import Plane

Points = NDArray[np.float64]

BLUR_STEPS_MAX = 16
"""Positions within one exposure; at most 1-2 px apart for anything that falls here."""


@dataclass(frozen=True, slots=True)
class Mesh:
    """Flat faces around a body's centre. `two_sided` for sheets, which have no inside."""

    vertices: Points
    """(n, 3) metres in body axes."""
    faces: tuple[tuple[int, ...], ...]
    """Indices, anticlockwise seen from outside."""
    albedo: tuple[Colour, ...]
    """One a face."""
    two_sided: bool = False

    @property
    def mean_diameter_m(self) -> float:
        """Diameter of the disc that is as large as the thing looks, averaged over all directions.

        A convex body's mean shadow is a quarter of its surface (Cauchy); a sheet has two sides.
        """
        surface = 0.0
        for face in self.faces:
            corners = self.vertices[list(face)]
            for index in range(1, len(face) - 1):
                cross = np.cross(corners[index] - corners[0], corners[index + 1] - corners[0])
                surface += float(np.linalg.norm(cross)) / 2
        return sqrt(surface * (2 if self.two_sided else 1) / pi)

    def moved(self, rotation: Points, place: Points) -> Points:
        """(n, 3) vertices in the world."""
        return np.asarray(self.vertices @ rotation.T + place, np.float64)


@dataclass(frozen=True, slots=True)
class Patch:
    """A small picture to lay over another: (h, w, 4) premultiplied red, green, blue and coverage, and its corner."""

    pixels: Plane
    left: int
    top: int


def rotation(axis: tuple[float, float, float], angle: float) -> Points:
    """(3, 3) rotation about an axis, by Rodrigues' formula."""
    x, y, z = np.array(axis) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + sin(angle) * cross + (1 - cos(angle)) * (cross @ cross), np.float64)


def box_mesh(wide: float, high: float, deep: float, albedo: Colour) -> Mesh:
    """A box of the given size in metres."""
    x, y, z = wide / 2, high / 2, deep / 2
    vertices = np.array([(i, j, k) for i in (-x, x) for j in (-y, y) for k in (-z, z)])
    faces = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
    return Mesh(vertices, faces, (albedo,) * 6)


def turned_mesh(profile: tuple[tuple[float, float], ...], albedo: Colour, sides: int = 8) -> Mesh:
    """A turned thing (bottle, pot): `profile` is (height, radius) from bottom to top, metres."""
    middle = (profile[0][0] + profile[-1][0]) / 2
    rings = [
        (radius * cos(2 * pi * side / sides), height - middle, radius * sin(2 * pi * side / sides))
        for height, radius in profile
        for side in range(sides)
    ]
    faces: list[tuple[int, ...]] = []
    for level in range(len(profile) - 1):
        for side in range(sides):
            here, beside = level * sides + side, level * sides + (side + 1) % sides
            faces.append((here, here + sides, beside + sides, beside))
    faces.append(tuple(range(sides)))
    faces.append(tuple(reversed(range(len(rings) - sides, len(rings)))))
    return Mesh(np.array(rings), tuple(faces), (albedo,) * len(faces))


def lump_mesh(rng: np.random.Generator, wide: float, high: float, albedo: Colour) -> Mesh:
    """A filled bag: a knotted, uneven drop."""
    shape = ((0.0, 0.25), (0.12, 0.42), (0.35, 0.5), (0.6, 0.42), (0.8, 0.2), (0.9, 0.08), (1.0, 0.16))
    mesh = turned_mesh(tuple((level * high, radius * wide) for level, radius in shape), albedo)
    dents = rng.uniform(0.85, 1.15, (len(mesh.vertices), 1)) * np.array([1.0, 1.0, 0.9])
    tones = tuple(_tone(albedo, float(value)) for value in rng.uniform(0.8, 1.2, len(mesh.faces)))
    return Mesh(mesh.vertices * dents, mesh.faces, tones)


def sheet_mesh(rng: np.random.Generator, wide: float, high: float, albedo: Colour, crumple: float = 0.25) -> Mesh:
    """A crumpled sheet (empty plastic bag, leaf, cloth): 3 × 3 points, eight triangles."""
    grid = np.array([(x * wide / 2, y * high / 2, 0.0) for y in (-1, 0, 1) for x in (-1, 0, 1)])
    grid += rng.normal(0, crumple * min(wide, high) / 2, grid.shape)
    faces: list[tuple[int, ...]] = []
    for row in (0, 1):
        for column in (0, 1):
            corner = row * 3 + column
            faces += [(corner, corner + 1, corner + 4), (corner, corner + 4, corner + 3)]
    tones = tuple(_tone(albedo, float(value)) for value in rng.uniform(0.75, 1.15, len(faces)))
    return Mesh(grid, tuple(faces), tones, two_sided=True)


def _tone(albedo: Colour, factor: float) -> Colour:
    return (albedo[0] * factor, albedo[1] * factor, albedo[2] * factor)


def make_thing(thing: Thing, rng: np.random.Generator) -> tuple[Mesh, Body]:
    """Shape and air resistance of a thing; sizes and masses are those of household objects, ±10 %."""
    grow = float(rng.uniform(0.9, 1.1))
    match thing:
        case Thing.BOTTLE:
            made = _bottle(grow, (0.10, 0.22, 0.10)), Body(0.9, 0.024 * grow**2, 0.9)
        case Thing.EMPTY_BOTTLE:
            made = _bottle(grow, (0.72, 0.78, 0.82)), Body(0.04, 0.024 * grow**2, 0.9)
        case Thing.RUBBISH_BAG:
            colour = (0.035, 0.035, 0.04) if rng.random() < 0.5 else (0.75, 0.74, 0.70)
            made = lump_mesh(rng, 0.34 * grow, 0.40 * grow, colour), Body(2.2, 0.085, 0.8)
        case Thing.PLASTIC_BAG:
            colour = (0.82, 0.30, 0.28) if rng.random() < 0.5 else (0.85, 0.86, 0.88)
            body = Body(0.012, 0.05, 1.1, flutter_m_s2=5.0, flutter_hz=float(rng.uniform(0.7, 1.4)))
            made = sheet_mesh(rng, 0.34 * grow, 0.40 * grow, colour, 0.4), body
        case Thing.BOX:
            made = box_mesh(0.34 * grow, 0.24 * grow, 0.22 * grow, (0.46, 0.32, 0.19)), Body(1.1, 0.075, 1.05)
        case Thing.FLOWERPOT:
            profile = ((0.0, 0.08), (0.16, 0.11), (0.20, 0.12), (0.23, 0.06), (0.30, 0.09))
            clay = turned_mesh(tuple((h * grow, r * grow) for h, r in profile), (0.42, 0.18, 0.10))
            made = clay, Body(2.0, 0.045, 0.9)
        case Thing.CIGARETTES:
            made = box_mesh(0.056, 0.09, 0.024, (0.7, 0.12, 0.10)), Body(0.02, 0.0042, 1.1)
        case Thing.SHOE:
            made = box_mesh(0.29 * grow, 0.10, 0.11, (0.10, 0.11, 0.16)), Body(0.45, 0.024, 1.0)
    return made


def _bottle(grow: float, tint: Colour) -> Mesh:
    profile = ((0.0, 0.045), (0.20, 0.045), (0.26, 0.018), (0.33, 0.016))
    return turned_mesh(tuple((h * grow, r * grow) for h, r in profile), tint)


def blur_steps(camera: Camera, places: Points) -> int:
    """How many positions within an exposure keep its streak smooth, from the first and last place, (2, 3) metres."""
    ends = camera.project(places)
    if not np.all(np.isfinite(ends)):
        return 1
    length = float(np.linalg.norm(ends[1] - ends[0]))
    return int(np.clip(np.ceil(length / 1.2), 1, BLUR_STEPS_MAX))


def draw_mesh(mesh: Mesh, camera: Camera, light: Light, poses: list[tuple[Points, Points]]) -> Patch | None:
    """Draws a mesh averaged over `poses` [(rotation (3, 3), place (3,))], one per moment of the exposure.

    Returns None where nothing of it is in the picture or it is behind the camera.
    """
    return draw_bodies(mesh, camera, light, [mesh.moved(turn, place) for turn, place in poses])


def draw_bodies(mesh: Mesh, camera: Camera, light: Light, bodies: list[Points]) -> Patch | None:
    """As `draw_mesh`, for things that change their shape: the world's (n, 3) vertices at each moment."""
    radiances = [_radiances(mesh, camera, light, vertices) for vertices in bodies]
    return _accumulate(mesh, camera, bodies, radiances)


def draw_shadow(mesh: Mesh, camera: Camera, light: Light, poses: list[tuple[Points, Points]]) -> Patch | None:
    """The shadow that a mesh throws on the façade, as a patch of coverage (its colour is black); None without sun."""
    x, y, z = light.sun_towards
    if z < 0.15 or sum(light.sun) < 0.3:
        return None
    sheared = []
    for turn, place in poses:
        vertices = mesh.moved(turn, place)
        away = vertices[:, 2:3] / z
        flat = vertices - away * np.array([[x, y, z]])
        sheared.append(flat)
    if np.mean([np.linalg.norm(flat.mean(axis=0) - pose[1]) for flat, pose in zip(sheared, poses, strict=True)]) > 6.0:
        return None  # so far away that penumbra and wall texture hide it
    black = [np.zeros((len(mesh.faces), 3), np.float32)] * len(poses)
    sheet = Mesh(mesh.vertices, mesh.faces, mesh.albedo, two_sided=True)
    return _accumulate(sheet, camera, sheared, black)


def _normals(mesh: Mesh, vertices: Points) -> tuple[Points, Points]:
    """Unit normals and centres of the faces, both (faces, 3)."""
    first = vertices[[face[0] for face in mesh.faces]]
    second = vertices[[face[1] for face in mesh.faces]]
    third = vertices[[face[2] for face in mesh.faces]]
    normals = np.cross(second - first, third - first)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return normals, (first + second + third) / 3


def _radiances(mesh: Mesh, camera: Camera, light: Light, vertices: Points) -> Plane:
    normals, centres = _normals(mesh, vertices)
    if mesh.two_sided:
        away = np.sum(normals * (camera.position - centres), axis=1) < 0
        normals = np.where(away[:, None], -normals, normals)
    falling = np.stack([irradiance(light, (float(n[0]), float(n[1]), float(n[2]))) for n in normals])
    if mesh.two_sided:  # thin: half of the light from behind comes through
        falling = 0.7 * falling + 0.3 * irradiance(light, (0.0, 1.0, 0.0))
    fade = lamp_falloff(light, camera, vertices.mean(axis=0, keepdims=True))
    return np.asarray(np.array(mesh.albedo) * falling * fade, np.float32)


def _accumulate(mesh: Mesh, camera: Camera, bodies: list[Points], radiances: list[Plane]) -> Patch | None:
    everything = np.concatenate(bodies)
    if np.any(camera.depth(everything) < 0.15):
        return None
    pixels = camera.project(everything)
    low, high = np.floor(pixels.min(axis=0)) - 2, np.ceil(pixels.max(axis=0)) + 3
    if high[0] < 0 or high[1] < 0 or low[0] >= camera.width or low[1] >= camera.height:
        return None
    low, high = np.maximum(low, -64), np.minimum(high, (camera.width + 64, camera.height + 64))
    left, top = int(low[0]), int(low[1])
    wide, tall = int(high[0]) - left, int(high[1]) - top
    zoom = 8 if max(wide, tall) < 40 else 4 if max(wide, tall) < 160 else 2
    total = np.zeros((tall, wide, 4), np.float32)
    for vertices, radiance in zip(bodies, radiances, strict=True):
        layer = np.zeros((tall * zoom, wide * zoom, 4), np.float32)
        _paint_faces(layer, mesh, camera, vertices, radiance, (left, top, zoom))
        total += cv2.resize(layer, (wide, tall), interpolation=cv2.INTER_AREA)
    return Patch(total / np.float32(len(bodies)), left, top)


def _paint_faces(
    layer: Plane, mesh: Mesh, camera: Camera, vertices: Points, radiance: Plane, frame: tuple[int, int, int]
) -> None:
    left, top, zoom = frame
    normals, centres = _normals(mesh, vertices)
    facing = np.sum(normals * (camera.position - centres), axis=1)
    flat = (camera.project(vertices) - (left, top)) * zoom + (zoom - 1) / 2
    fixed = np.round(flat * 16).astype(np.int32)
    order = np.argsort(-np.linalg.norm(centres - camera.position, axis=1), kind="stable")
    for index in order:
        if facing[index] <= 0 and not mesh.two_sided:
            continue
        colour = (*(float(value) for value in radiance[index]), 1.0)
        cv2.fillConvexPoly(layer, fixed[list(mesh.faces[index])], colour, shift=4)
