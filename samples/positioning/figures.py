"""What positioning is held to: exactness without noise, the stated radius with it, agreement of real photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edge.evaluate.intervals import wilson
from edge.evaluate.rows import Row
from edge.flights.telemetry import Positioning
from samples.positioning.park import agreements, photos_of
from samples.positioning.rendered import flat_town, rendered_errors
from samples.positioning.trials import PITCHES, drawn, exact_errors

MOST_ERROR_M = 0.2
LEAST_WITHIN, MOST_WITHIN = 0.93, 0.97
MODES = (Positioning.GNSS, Positioning.RTK_FLOAT, Positioning.RTK_FIXED)


def rows_of(folder: Path | None) -> list[Row]:
    """All figures; `folder` holds the photographs of the park survey, None leaves them out. Half a minute."""
    return [*_exact(), *_rendered(), *_uncertain(), *(_real(folder) if folder is not None else ())]


def _exact() -> list[Row]:
    rows = []
    for hills in (False, True):
        errors = np.concatenate([exact_errors(pitch, hills=hills) for pitch in PITCHES])
        name = f"position_error_without_noise_max.{'hills' if hills else 'level'}"
        note = "90, 75, 60 and 45° down, 140 m up, bending lens, 5 km from the origin"
        worst = float(errors.max())
        rows.append(Row(name=name, value=worst, unit="m", target=MOST_ERROR_M, ok=worst <= MOST_ERROR_M,
                        n=len(errors), note=note))  # fmt: skip
    return rows


def _rendered() -> list[Row]:
    town = flat_town()
    errors = np.concatenate([rendered_errors(pitch, town) for pitch in (-90.0, -75.0, -60.0)])
    worst = float(errors.max())
    note = f"patches of pictures 90, 75 and 60° down, a decimetre a pixel: median {np.median(errors):.3f} m"
    return [
        Row(
            name="position_error_rendered_max",
            value=worst,
            unit="m",
            target=MOST_ERROR_M,
            ok=worst <= MOST_ERROR_M,
            n=len(errors),
            note=note,
        )
    ]


def _uncertain() -> list[Row]:
    rows = []
    for mode in MODES:
        for pitch in (-90.0, -60.0, -45.0):
            trial = drawn(mode, pitch)
            share, count = trial.share_within, len(trial.errors_m)
            median, p90 = np.percentile(trial.errors_m, (50, 90))
            rows.append(
                Row(
                    name=f"within_stated_radius.{mode.value}.{-pitch:.0f}",
                    value=share,
                    unit="share",
                    target=0.95,
                    ok=LEAST_WITHIN <= share <= MOST_WITHIN,
                    n=count,
                    interval=wilson(round(share * count), count),
                    note=f"anywhere in the picture, 100 m up: error median {median:.2f}, p90 {p90:.2f} m; "
                    f"radius median {np.median(trial.radii_m):.2f} m; target 0.93 to 0.97",
                )
            )
    return rows


def _real(folder: Path) -> list[Row]:
    pairs = agreements(photos_of(folder))
    if not pairs:
        return []
    per_pair = ", ".join(
        f"{first + 1}-{second + 1}: {np.median(found.distances_m):.2f} of {np.median(found.radii_95_m):.2f} m"
        for (first, second), found in pairs.items()
    )
    distances = np.concatenate([found.distances_m for found in pairs.values()])
    radii = np.concatenate([found.radii_95_m for found in pairs.values()])
    median, p95 = np.percentile(distances, (50, 95))
    share, count = float((distances <= radii).mean()), len(distances)
    note = f"median distance of median radius by pair of photographs: {per_pair}"
    return [
        Row(name="park_survey.distance_median", value=float(median), unit="m", n=count, note=note),
        Row(name="park_survey.distance_p95", value=float(p95), unit="m", n=count),
        Row(name="park_survey.stated_radius_median", value=float(np.median(radii)), unit="m", n=count),
        Row(name="park_survey.within_stated_radius", value=share, unit="share", target=0.95, ok=share >= 0.95, n=count,
            note="features of one pair are wrong together: rather three independent trials"),
    ]  # fmt: skip
