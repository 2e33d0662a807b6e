"""An hour of ordinary footage: a day and its night in sixty minutes, with weather, traffic and a breathing exposure."""

from __future__ import annotations

from collections.abc import Callable

from tests.edge.health.scenes import Moment, Regime, Rig, Weather, wrapped_gain

HOUR_SECONDS = 3600
HALF_SECONDS = HOUR_SECONDS // 2


def day_half(rig: Rig) -> Callable[[float], Moment]:
    """Thirty minutes: clear, a shower, a fog that comes and goes, afternoon to dusk. Gusts shake the pole."""
    gain = wrapped_gain(rig)

    def moment(t: float) -> Moment:
        bright, shake = gain(t), 0.0015 if int(t / 200) % 3 == 0 else 0.0
        if t < 600:
            return Moment(Regime.DAY, gain=bright, shake=shake)
        if t < 900:
            return Moment(Regime.DAY, Weather(rain=min(1.0, (t - 600) / 60)), gain=bright, shake=shake)
        if t < 1350:
            thick = min(0.8, (t - 900) / 150, (1350 - t) / 150)
            return Moment(Regime.DAY, Weather(fog=thick), gain=bright)
        return Moment(Regime.DAY, next_regime=Regime.DUSK, blend=(t - 1350) / 450, gain=bright, shake=shake)

    return moment


def night_half(rig: Rig) -> Callable[[float], Moment]:
    """Thirty minutes: dusk to night, rain at night, infra-red switched on and off at once, an empty street, dawn at
    once."""
    gain = wrapped_gain(rig)

    def moment(t: float) -> Moment:
        bright, shake = gain(t), 0.0015 if int(t / 200) % 3 == 0 else 0.0
        if t < 450:
            return Moment(Regime.DUSK, next_regime=Regime.NIGHT, blend=t / 450, gain=bright)
        if t < 700:
            return Moment(Regime.NIGHT, Weather(rain=1.0 if t > 600 else 0.0), gain=bright, shake=shake)
        if t < 1200:
            return Moment(Regime.INFRARED, gain=bright, traffic=0.3)
        if t < 1350:
            return Moment(Regime.NIGHT, gain=bright)
        if t < 1550:
            return Moment(Regime.INFRARED, gain=bright, traffic=0.0)
        return Moment(Regime.DAY, gain=bright)

    return moment
