"""Light of the day and what the camera makes of it: exposure, colour, noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from samples.junction.backdrop import Linear
from samples.junction.scenario import Moment, Sky

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Light:
    """Light and camera at one moment. Colours are RGB factors of linear light."""

    red: float
    green: float
    blue: float
    sky: float
    """How bright the sky is against a white wall."""
    windows: float
    """Share of the lights at night that burn."""
    lamps: float
    """Light of a signal's lit lamp against white paper in the sun; dimmed at night."""
    gain: float
    glow: float
    """Share of a lamp's light that lens and air scatter around it."""
    noise: float
    """Standard deviation, grey levels."""
    phantom: float = 0.0
    """Sun in the lenses of signals."""
    veil: float = 0.0
    """Stray light in the camera's lens, over all the picture."""
    infrared: float = 0.0
    """Above 0.5 the picture is grey."""


LIGHTS: dict[Sky, Light] = {
    Sky.SUNNY: Light(1.0, 0.97, 0.9, 1.0, 0.0, 1.7, 0.85, 0.01, 1.2),
    Sky.DULL: Light(0.45, 0.47, 0.5, 1.1, 0.1, 1.5, 1.7, 0.012, 1.6),
    Sky.LOW_SUN: Light(0.95, 0.72, 0.45, 1.3, 0.0, 1.6, 0.95, 0.02, 1.4, phantom=1.0, veil=0.09),
    Sky.DUSK: Light(0.07, 0.075, 0.1, 1.5, 0.6, 1.1, 7.0, 0.02, 2.4),
    Sky.NIGHT: Light(0.014, 0.012, 0.009, 0.2, 1.0, 0.7, 18.0, 0.03, 3.6),
    Sky.INFRARED: Light(0.016, 0.016, 0.016, 0.1, 0.8, 0.7, 20.0, 0.035, 3.8, infrared=1.0),
}
STEPS = 12
"""Levels of light between two moments: finer ones cannot be told apart."""
GREY = np.array([0.4, 0.35, 0.25], np.float32)
"""What a camera without its infra-red filter makes of RGB."""


def light_at(moments: Sequence[Moment], t: float) -> tuple[Light, tuple[int, int]]:
    """The light at t seconds, and a key that equals that of every other moment with this light."""
    place = max((i for i, moment in enumerate(moments) if moment.at <= t), default=0)
    now = moments[place]
    following = moments[place + 1] if place + 1 < len(moments) else None
    if following is None or Sky.INFRARED in (now.sky, following.sky) or following.sky is now.sky:
        return LIGHTS[now.sky], (place, 0)
    step = int((t - now.at) / (following.at - now.at) * STEPS)
    return _mixed(LIGHTS[now.sky], LIGHTS[following.sky], step / STEPS), (place, step)


def _mixed(a: Light, b: Light, share: float) -> Light:
    """In between; light spans decades, so it goes by factors."""

    def between(name: str) -> float:
        low, high = getattr(a, name), getattr(b, name)
        if low > 0 and high > 0:
            return float(low ** (1 - share) * high**share)
        return float(low * (1 - share) + high * share)

    return Light(**{field.name: between(field.name) for field in fields(Light)})


def exposed(linear: Linear, light: Light, gain: float = 1.0) -> Picture:
    """Linear RGB light to a BGR picture: veil, gain, a shoulder before saturation, gamma."""
    signal = (linear + light.veil) * np.float32(light.gain * gain)
    if light.infrared > 0.5:
        signal = np.repeat((signal @ GREY)[..., None], 3, axis=2)
    np.clip(signal, 0, 40, out=signal)
    # Linear to 0.7, then ever flatter: highlights keep some colour, lamps at night lose it in their middle.
    soft = np.where(signal > 0.7, 1 - 0.3 * np.exp(-(signal - 0.7) / 0.6), signal)
    return np.ascontiguousarray((soft ** (1 / 2.2) * 255).astype(np.uint8)[..., ::-1])
