"""Shadows of clouds: broad, soft, over everything."""

from __future__ import annotations

import cv2
import numpy as np

from edge.detectors.interface import Image
from samples.facade.seeding import stream
from samples.town.camera import Camera
from samples.town.state import FlightState

STEP_PX = 24
STEEPNESS = 6.0
"""How sharp the edges are: light turns to dark within a tenth of a wave."""


def under_clouds(picture: Image, camera: Camera, state: FlightState) -> Image:
    """The picture (as the lens draws it), darker by up to `state.clouds` where a cloud stands before the sun."""
    height, width = picture.shape[:2]
    columns, rows = np.arange(0, width + STEP_PX, STEP_PX), np.arange(0, height + STEP_PX, STEP_PX)
    grid = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2).astype(np.float64)
    rays = camera.pose.to_world(camera.lens.directions(grid))
    places = camera.pose.centre[:2] - rays[:, :2] * (camera.pose.up_m / rays[:, 2:])
    rng = stream(state.seed, "clouds")
    total = np.zeros(len(places))
    for _ in range(4):
        angle, wavelength = rng.uniform(0, 2 * np.pi), rng.uniform(120, 420)
        wave = np.array((np.cos(angle), np.sin(angle))) * (2 * np.pi / wavelength)
        total += np.sin(places @ wave + rng.uniform(0, 2 * np.pi))
    shade = 1 - state.clouds / (1 + np.exp(-STEEPNESS * (total - 0.8)))
    coarse = shade.reshape(len(rows), len(columns)).astype(np.float32)
    x, y = np.arange(width, dtype=np.float32) / STEP_PX, np.arange(height, dtype=np.float32) / STEP_PX
    fine = cv2.remap(coarse, *np.meshgrid(x, y), cv2.INTER_LINEAR)
    grey = np.asarray(np.round(fine * 255), np.uint8)
    return np.asarray(cv2.multiply(picture, cv2.merge([grey, grey, grey]), scale=1 / 255), np.uint8)
