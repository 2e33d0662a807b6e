"""Rendered signal heads and made backgrounds: what the photographs of one country do not show.

Horizontal heads, arrows, pedestrian heads, countdowns in the housing, yellow and green housings, back plates, dark
heads, halos at night, infra-red. Drawn quickly rather than beautifully: thousands a minute on one core.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.signal_heads.labels import Box, Picture8

Rng = np.random.Generator
Floats = NDArray[np.float32]

LIT = {"red": (40, 30, 255), "amber": (30, 170, 255), "green": (150, 235, 40)}
"""BGR of lit lenses; greens of signals are bluish (EN 12368)."""
LENSES = {"red": (25, 22, 60), "amber": (25, 45, 62), "green": (38, 48, 26)}
HOUSINGS = ((28, 28, 28), (18, 18, 20), (40, 44, 40), (38, 58, 30), (30, 165, 215), (95, 98, 100), (20, 60, 22))
"""Black mostly; dark green and yellow as in cities of China, the US; grey."""
LAMP_PX = 26
"""A lamp's pitch in a drawing before it is scaled to size; four times a small head's in the picture."""
ORDERS = (
    (("red", "amber", "green"), 12),
    (("red", "green"), 4),
    (("red",), 1),
    (("amber",), 1),
    (("red", "red", "amber", "green"), 1),
    (("red", "amber", "amber", "green"), 2),
    (("red", "amber", "green", "green"), 2),
)


@dataclass(frozen=True, slots=True)
class DrawnHead:
    """A head before it is put into a picture. `alpha` is 0-1; `lit`: centres of the lit lamps in its pixels."""

    bgr: Floats
    alpha: Floats
    colour: str
    lit: tuple[tuple[float, float], ...]
    pitch: float


def draw_head(rng: Rng, *, night: bool, long_px: float) -> DrawnHead:
    """One head of a random make, `long_px` pixels long on its long side."""
    weights = np.array([weight for _, weight in ORDERS], float)
    order = ORDERS[int(rng.choice(len(ORDERS), p=weights / weights.sum()))][0]
    pitch = int(max(LAMP_PX, 1.3 * long_px / len(order)))
    pedestrian = len(order) == 2
    square = pedestrian or rng.random() < 0.1
    countdown = rng.random() < (0.35 if pedestrian else 0.08)
    cells = len(order) + int(countdown)
    side = int(pitch * rng.uniform(0.06, 0.30))
    width, height = pitch + 2 * side, pitch * cells + 2 * int(side * rng.uniform(0.5, 1.2))
    top = (height - pitch * cells) // 2
    housing = _jittered(rng, HOUSINGS[int(rng.choice(len(HOUSINGS), p=(0.4, 0.2, 0.1, 0.06, 0.12, 0.06, 0.06)))], 12)
    if night:
        housing = housing * rng.uniform(0.1, 0.5)
    bgr = np.empty((height, width, 3), np.float32)
    bgr[:] = housing
    alpha = np.zeros((height, width), np.float32)
    _rounded(alpha, int(pitch * rng.uniform(0, 0.35)))
    if rng.random() < 0.35:  # a back plate, perhaps with a bright border
        rim = (30, 190, 230) if rng.random() < 0.3 else (200, 200, 200)
        border = max(1, pitch // 12)
        shade = np.array(rim, np.float32) * (0.25 if night else rng.uniform(0.5, 1))
        cv2.rectangle(bgr, (0, 0), (width - 1, height - 1), shade.tolist(), border if rng.random() < 0.5 else 1)
    lit = _lit_lamps(rng, order)
    centres = []
    for index, colour in enumerate(order):
        centre = (width / 2, top + pitch * (index + 0.5))
        radius = pitch * rng.uniform(0.36, 0.46)
        _lamp(rng, bgr, centre, radius, colour, on=index in lit, square=square, night=night)
        if index in lit:
            centres.append(centre)
    if countdown:
        _countdown(rng, bgr, (width / 2, top + pitch * (len(order) + 0.5)), pitch, order[lit[0]] if lit else None)
    colour_shown = order[lit[0]] if lit else "dark"
    return _laid_out(rng, bgr, alpha, colour_shown, centres, pitch, long_px)


def _lit_lamps(rng: Rng, order: tuple[str, ...]) -> tuple[int, ...]:
    if rng.random() < 0.18:
        return ()
    first = int(rng.integers(len(order)))
    if order[first] == "red" and rng.random() < 0.05 and "amber" in order:
        return (first, order.index("amber"))
    return (first,)


def _lamp(
    rng: Rng,
    bgr: Floats,
    centre: tuple[float, float],
    radius: float,
    colour: str,
    *,
    on: bool,
    square: bool,
    night: bool,
) -> None:
    x, y = int(centre[0]), int(centre[1])
    r = int(radius)
    dim = rng.uniform(0.05, 0.4) if night else rng.uniform(0.4, 2.2)
    lens = _jittered(rng, LENSES[colour], 10) * dim
    if rng.random() < 0.15 and not night:  # sun on the lens, or a grey lens
        lens = np.full(3, rng.uniform(60, 150), np.float32) + lens * 0.5
    _disc(bgr, x, y, r, lens, square=square)
    if not night and rng.random() < 0.6:  # a visor: a bright or dark crescent above the lens
        shade = (bgr[0, bgr.shape[1] // 2] * rng.uniform(0.2, 1.8)).clip(0, 255).tolist()
        cv2.ellipse(bgr, (x, y), (r, r), 0, 180, 360, shade, max(1, r // 4))
        if rng.random() < 0.4:
            cv2.ellipse(bgr, (x, y - r // 3), (r, r // 2), 0, 180, 360, (np.array(shade) * 0.4).tolist(), -1)
    if not on:
        return
    light = _jittered(rng, LIT[colour], 25) * rng.uniform(0.75, 1.1)
    form = rng.random()
    if square or form < 0.2:
        _pictogram(rng, bgr, x, y, r, light)
    else:
        _disc(bgr, x, y, max(2, int(r * rng.uniform(0.7, 1.0))), light, square=False)
        if form < 0.7:  # washed out in the middle, as most cameras show a lamp
            _disc(bgr, x, y, max(1, int(r * rng.uniform(0.2, 0.75))), 0.4 * light + 150, square=False)
        elif form < 0.78 and r > 6:  # single diodes
            bgr[y - r : y + r : 3, x - r : x + r] *= 0.6


def _disc(bgr: Floats, x: int, y: int, r: int, colour: Floats, *, square: bool) -> None:
    shade = np.clip(colour, 0, 255).tolist()
    if square:
        cv2.rectangle(bgr, (x - r, y - r), (x + r, y + r), shade, -1)
    else:
        cv2.circle(bgr, (x, y), r, shade, -1, cv2.LINE_AA)


def _pictogram(rng: Rng, bgr: Floats, x: int, y: int, r: int, light: Floats) -> None:
    """An arrow, a person or a bicycle, about as much light as each has."""
    shade = np.clip(light, 0, 255).tolist()
    thick = max(2, r // 3)
    kind = int(rng.integers(4))
    if kind < 2:
        tip = (x + (r - 2) * (1 if kind else -1), y)
        cv2.arrowedLine(bgr, (2 * x - tip[0], y), tip, shade, thick, cv2.LINE_AA, tipLength=0.5)
    elif kind == 2:
        cv2.arrowedLine(bgr, (x, y + r - 2), (x, y - r + 2), shade, thick, cv2.LINE_AA, tipLength=0.5)
    else:
        cv2.circle(bgr, (x, y - int(0.6 * r)), max(1, r // 4), shade, -1, cv2.LINE_AA)
        cv2.line(bgr, (x, y - r // 3), (x, y + r // 4), shade, thick)
        spread = int(r * rng.uniform(0.1, 0.5))
        cv2.line(bgr, (x, y + r // 4), (x - spread, y + int(0.9 * r)), shade, max(1, thick // 2))
        cv2.line(bgr, (x, y + r // 4), (x + spread, y + int(0.9 * r)), shade, max(1, thick // 2))


def _countdown(rng: Rng, bgr: Floats, centre: tuple[float, float], pitch: int, colour: str | None) -> None:
    if colour is None:
        return
    shade = np.clip(_jittered(rng, LIT[colour], 20), 0, 255).tolist()
    size = pitch / 38
    place = (int(centre[0] - 0.4 * pitch), int(centre[1] + 0.3 * pitch))
    _text(bgr, f"{int(rng.integers(1, 99)):02d}", place, size, shade)


def _text(canvas: Floats, text: str, place: tuple[int, int], size: float, colour: Sequence[float]) -> None:
    mask = np.zeros(canvas.shape[:2], np.uint8)
    cv2.putText(mask, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, 255, max(1, int(4 * size)))
    canvas[mask > 0] = np.array(colour, np.float32)


def _rounded(alpha: Floats, radius: int) -> None:
    height, width = alpha.shape
    radius = max(0, min(radius, width // 2 - 1))
    cv2.rectangle(alpha, (radius, 0), (width - 1 - radius, height - 1), 1.0, -1)
    cv2.rectangle(alpha, (0, radius), (width - 1, height - 1 - radius), 1.0, -1)
    for x, y in ((radius, radius), (width - 1 - radius, radius)):
        cv2.circle(alpha, (x, y), radius, 1.0, -1)
        cv2.circle(alpha, (x, height - 1 - y), radius, 1.0, -1)


def _laid_out(
    rng: Rng, bgr: Floats, alpha: Floats, colour: str, lit: list[tuple[float, float]], pitch: float, long_px: float
) -> DrawnHead:
    """Turned to the horizontal in a part of the cases, seen from the side, scaled to size."""
    if rng.random() < 0.22:
        height = bgr.shape[0]
        bgr, alpha = np.ascontiguousarray(bgr.transpose(1, 0, 2)), np.ascontiguousarray(alpha.T)
        lit = [(y, x) for x, y in lit]
        if rng.random() < 0.3:  # red on the right, where traffic keeps left
            bgr, alpha = np.ascontiguousarray(bgr[:, ::-1]), np.ascontiguousarray(alpha[:, ::-1])
            lit = [(height - x, y) for x, y in lit]
    height, width = bgr.shape[:2]
    scale = long_px / max(height, width)
    squeeze = rng.uniform(0.75, 1.05)  # turned a little away from the camera
    to_width, to_height = (scale * squeeze, scale) if height >= width else (scale, scale * rng.uniform(0.9, 1.05))
    size = (max(3, round(width * to_width)), max(3, round(height * to_height)))
    return DrawnHead(
        cv2.resize(bgr, size, interpolation=cv2.INTER_AREA).astype(np.float32),
        cv2.resize(alpha, size, interpolation=cv2.INTER_AREA).astype(np.float32),
        colour,
        tuple((x * size[0] / width, y * size[1] / height) for x, y in lit),
        pitch * scale,
    )


def put_head(rng: Rng, canvas: Floats, head: DrawnHead, x: int, y: int, *, night: bool) -> Box:
    """Lays a head over a picture, its top left corner at (x, y), with pole or arm and halo. Its box in the picture."""
    height, width = head.alpha.shape
    if rng.random() < 0.7:
        _mount(rng, canvas, x, y, width, height, night=night)
    top, left = max(0, y), max(0, x)
    bottom, right = min(canvas.shape[0], y + height), min(canvas.shape[1], x + width)
    part = np.s_[top - y : bottom - y, left - x : right - x]
    alpha = head.alpha[part][..., None]
    patch = canvas[top:bottom, left:right]
    patch += alpha * (head.bgr[part] - patch)
    if head.colour != "dark":
        strength = rng.uniform(0.2, 1.2) if night else rng.choice((0.0, rng.uniform(0, 0.35)))
        for centre in head.lit:
            reach = head.pitch * (rng.uniform(0.5, 1.8) if night else rng.uniform(0.3, 0.8))
            _glow(canvas, x + centre[0], y + centre[1], reach, LIT[head.colour], float(strength))
    return (float(x), float(y), float(width), float(height))


def _mount(rng: Rng, canvas: Floats, x: int, y: int, width: int, height: int, *, night: bool) -> None:
    shade = float(rng.uniform(5, 40) if night else rng.uniform(20, 200))
    colour = (shade, shade, shade)
    thick = max(1, int(min(width, height) * rng.uniform(0.1, 0.4)))
    middle = (x + width // 2, y + height // 2)
    if rng.random() < 0.5:
        cv2.line(canvas, middle, (middle[0] + int(rng.integers(-4, 5)), canvas.shape[0]), colour, thick)
    else:
        far = canvas.shape[1] if rng.random() < 0.5 else 0
        cv2.line(canvas, middle, (far, middle[1] + int(rng.integers(-12, 13))), colour, thick)


def _glow(canvas: Floats, x: float, y: float, reach: float, colour: tuple[int, int, int], strength: float) -> None:
    if strength <= 0:
        return
    span = int(3 * reach) + 1
    x0, x1 = max(0, int(x) - span), min(canvas.shape[1], int(x) + span)
    y0, y1 = max(0, int(y) - span), min(canvas.shape[0], int(y) + span)
    if x0 >= x1 or y0 >= y1:
        return
    across = np.exp(-0.5 * ((np.arange(x0, x1, dtype=np.float32) - x) / reach) ** 2)
    down = np.exp(-0.5 * ((np.arange(y0, y1, dtype=np.float32) - y) / reach) ** 2)
    canvas[y0:y1, x0:x1] += (strength * down[:, None, None] * across[None, :, None]) * np.array(colour, np.float32)


def made_background(rng: Rng, size: int, *, night: bool) -> Floats:
    """Sky, buildings with windows, foliage, a road with lights, signs, wires: what heads stand before, and no head."""
    sky = np.array(
        ((235, 225, 215), (230, 190, 150), (200, 200, 200), (140, 160, 220))[int(rng.integers(4))], np.float32
    )
    low = sky * rng.uniform(0.6, 1.05) + rng.uniform(-20, 20, 3).astype(np.float32)
    ramp = np.linspace(0, 1, size, dtype=np.float32)[:, None, None]
    canvas: Floats = np.repeat(sky * (1 - ramp) + low * ramp, size, axis=1)
    horizon = int(size * rng.uniform(0.1, 1.1))
    for _ in range(int(rng.integers(0, 4))):
        _building(rng, canvas, horizon)
    for _ in range(int(rng.integers(0, 5))):
        _foliage(rng, canvas, horizon)
    if horizon < size:
        canvas[horizon:] = rng.uniform(50, 130)
        for _ in range(int(rng.integers(0, 5))):
            x, y = int(rng.integers(size)), int(rng.integers(horizon, size))
            cv2.line(canvas, (x, y), (x + int(rng.integers(-60, 60)), size), (210, 210, 210), int(rng.integers(1, 6)))
    for _ in range(int(rng.integers(0, 4))):
        a, b = rng.integers(0, size, 2).tolist(), rng.integers(0, size, 2).tolist()
        cv2.line(canvas, a, b, (float(rng.uniform(10, 200)),) * 3, int(rng.integers(1, 4)), cv2.LINE_AA)
    grain = cv2.resize(rng.normal(0, 1, (size // 8, size // 8, 3)).astype(np.float32), (size, size))
    canvas += grain * rng.uniform(2, 14)
    if night:
        canvas *= rng.uniform(0.04, 0.35)
    for _ in range(int(rng.integers(0, 6))):
        _distractor(rng, canvas, night=night)
    return canvas


def _building(rng: Rng, canvas: Floats, horizon: int) -> None:
    size = canvas.shape[0]
    x, width = int(rng.integers(-40, size)), int(rng.integers(30, 160))
    top = int(horizon * rng.uniform(0, 0.8))
    wall = rng.uniform(30, 220) + rng.uniform(-25, 25, 3)
    cv2.rectangle(canvas, (x, top), (x + width, horizon), wall.tolist(), -1)
    pane = (wall * rng.uniform(0.2, 1.3)).tolist()
    step, w, h = int(rng.integers(8, 30)), int(rng.integers(3, 12)), int(rng.integers(4, 18))
    for wx in range(x + 4, x + width - w, step):
        for wy in range(top + 4, horizon - h, step + 4):
            cv2.rectangle(canvas, (wx, wy), (wx + w, wy + h), pane, -1)


def _foliage(rng: Rng, canvas: Floats, horizon: int) -> None:
    size = canvas.shape[0]
    x, y, r = int(rng.integers(size)), int(horizon * rng.uniform(0.3, 1)), int(rng.integers(15, 90))
    green = np.array((30, 70, 40), np.float32) * rng.uniform(0.15, 1.6)
    count = 60
    spots = rng.normal((x, y), r / 2, (count, 2))
    shades = rng.uniform(0.5, 1.5, count)
    for spot, shade in zip(spots.astype(int).tolist(), shades, strict=True):
        cv2.circle(canvas, spot, int(rng.integers(2, max(3, r // 4))), (green * shade).tolist(), -1)


def _distractor(rng: Rng, canvas: Floats, *, night: bool) -> None:
    """Round or oblong things that shine or are dark, but are no heads."""
    size = canvas.shape[0]
    x, y = int(rng.integers(size)), int(rng.integers(size))
    kind = int(rng.integers(7))
    r = int(rng.integers(2, 14))
    if kind < 2:  # tail lamps in pairs, headlights
        colour = LIT["red"] if kind else (220, 240, 255)
        for side in (0, int(rng.integers(3 * r, 8 * r))):
            cv2.ellipse(canvas, (x + side, y), (r, max(1, int(r * 0.6))), 0, 0, 360, colour, -1)
            _glow(canvas, x + side, y, r * 1.2, colour, 0.9 if night else 0.2)
    elif kind == 2:  # a street lamp, an advertisement's light
        colour = LIT[("red", "amber", "green")[int(rng.integers(3))]] if rng.random() < 0.6 else (180, 220, 255)
        cv2.circle(canvas, (x, y), max(1, r // 2), colour, -1)
        _glow(canvas, x, y, r, colour, 1.0 if night else 0.3)
    elif kind == 3:  # a sign
        colours = ((60, 40, 200), (190, 110, 30), (60, 120, 20), (240, 240, 240))
        paint = np.array(colours[int(rng.integers(4))], np.float32) * (0.3 if night else 1)
        if rng.random() < 0.5:
            cv2.circle(canvas, (x, y), 2 * r, paint.tolist(), -1)
            cv2.circle(canvas, (x, y), r + r // 2, (paint * 0.3 + 150 * (not night)).tolist(), -1)
        else:
            cv2.rectangle(canvas, (x, y), (x + 5 * r, y + 3 * r), paint.tolist(), -1)
            _text(canvas, "AB 25", (x + 2, y + 2 * r), r / 20, (240, 240, 240))
    elif kind == 4:  # a countdown in a box of its own, or a board with digits
        cv2.rectangle(canvas, (x, y), (x + 4 * r, y + 3 * r), (15, 15, 15), -1)
        shade = LIT["red" if rng.random() < 0.6 else "green"]
        _text(canvas, f"{int(rng.integers(10, 99))}", (x + r // 2, y + 5 * r // 2), r / 11, shade)
    elif kind == 5:  # a dark oblong: window, box on a pole, head seen from behind (which nobody can judge)
        w, h = (r, 3 * r) if rng.random() < 0.6 else (3 * r, r)
        cv2.rectangle(canvas, (x, y), (x + w, y + h), (float(rng.uniform(5, 50)),) * 3, -1)
    else:  # a string of lights
        glare = rng.uniform(80, 255, 3).tolist()
        for step in range(int(rng.integers(3, 8))):
            cv2.circle(canvas, (x + step * 3 * r, y), max(1, r // 2), glare, -1)


def camera(rng: Rng, canvas: Floats) -> Picture8:
    """What a camera makes of a scene: exposure, tint, blur, noise, compression; sometimes no colour at all."""
    gain = rng.uniform(0.65, 1.3)
    tint = rng.uniform(0.9, 1.1, 3).astype(np.float32)
    canvas = canvas * (gain * tint) + np.float32(rng.uniform(-12, 12))
    sigma = rng.choice((0.0, rng.uniform(0.3, 0.8), rng.uniform(0.6, 1.4)))
    if sigma > 0:
        canvas = cv2.GaussianBlur(canvas, (0, 0), float(sigma)).astype(np.float32)
    noise = rng.choice((0.0, rng.uniform(1, 8)))
    if noise > 0:
        canvas = canvas + rng.standard_normal(canvas.shape, np.float32) * np.float32(noise)
    picture = np.clip(canvas, 0, 255).astype(np.uint8)
    if rng.random() < 0.6:
        _, coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 92))])
        picture = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return picture


def _jittered(rng: Rng, colour: tuple[int, int, int], spread: float) -> Floats:
    return np.clip(np.array(colour, np.float32) + rng.uniform(-spread, spread, 3).astype(np.float32), 0, 255)
