"""The settings that an installer would have accepted for a scene: from the truth, not from its pictures."""

from __future__ import annotations

from typing import Any

from edge.detectors.traffic_signal.settings import TrafficSignalSettings
from samples.junction.heads import digits_box, housing, lamp_centres
from samples.junction.plans import HeadSpec
from samples.junction.scenario import HeadLook, Scene
from samples.junction.truth import accepted_plan, flash_periods

Corners = list[tuple[float, float]]


def settings_of(scene: Scene) -> TrafficSignalSettings:
    """Heads, groups, conflicts, timetable and durations of a scene.

    Raises:
        pydantic.ValidationError: the scene is none that could be set up.
    """
    return TrafficSignalSettings.model_validate(document_of(scene))


def document_of(scene: Scene) -> dict[str, Any]:
    """The same as JSON types, as they stand in a configuration."""
    return {
        "heads": {head.id: _head(head, scene.looks[head.id]) for head in scene.spec.heads},
        "conflicts": [list(pair) for pair in scene.spec.conflicts],
        "order": scene.spec.order.value,
        "night_flash": [period.model_dump(mode="json") for period in flash_periods(scene.spec)],
        "plan": {group: plan.model_dump(mode="json") for group, plan in accepted_plan(scene.spec).items()},
    }


def _head(head: HeadSpec, look: HeadLook) -> dict[str, Any]:
    panel = digits_box(head, look)
    return {
        "kind": head.kind.value,
        "polygon": _corners(housing(head, look)),
        "lamps": [
            {"colour": colour.value, "shape": shape.value, "centre": [round(x, 1), round(y, 1)],
             "diameter_px": round(look.diameter, 1)}
            for (x, y), (colour, shape) in zip(lamp_centres(head, look), head.lamps, strict=True)
        ],
        "group": head.group,
        "approach": head.approach,
        "countdown": None if panel is None else {"polygon": _corners(panel)},
    }  # fmt: skip


def _corners(box: tuple[float, float, float, float]) -> Corners:
    left, top, right, bottom = (round(value, 1) for value in box)
    return [(left, top), (right, top), (right, bottom), (left, bottom)]
