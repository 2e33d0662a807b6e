"""What of the settings does not fit a picture, or the models that are configured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from edge.detectors.fire_smoke.settings import FireSmokeSettings, Pixel
from edge.detectors.registry import PictureSize, SettingProblem
from edge.vision.regions import polygon_mask, without


def picture_problems(settings: FireSmokeSettings, size: PictureSize) -> Sequence[SettingProblem]:
    """Polygons that leave a picture of this size, and masks that leave nothing to be watched."""
    problems: list[SettingProblem] = []
    if settings.watch is not None:
        problems += _outside(("watch",), settings.watch, size)
    for number, polygon in enumerate(settings.ignore):
        problems += _outside(("ignore", number), polygon, size)
    for number, region in enumerate(settings.allowed):
        problems += _outside(("allowed", number, "polygon"), region.polygon, size)
    if not problems:
        whole: tuple[Pixel, ...] = ((0, 0), (size.width, 0), (size.width, size.height), (0, size.height))
        watched = polygon_mask(settings.watch or whole, size.width, size.height)
        if not without(watched, settings.ignore).any():
            problems.append(
                SettingProblem(("ignore",), "found everything masked, expected a part of the picture to be watched")
            )
    return problems


def model_problems(settings: FireSmokeSettings, models: Mapping[str, Sequence[str]]) -> Sequence[SettingProblem]:
    """Models that are named and not configured, or that know nothing of fire, smoke or people.

    `models`: the labels of each model by its name.
    """
    learned = settings.learned
    wanted = (
        ("model", settings.model, (*learned.fire_labels, *learned.smoke_labels)),
        ("people_model", settings.people_model, (learned.person_label,)),
    )
    problems = []
    for field, name, labels in wanted:
        if name is None:
            continue
        if name not in models:
            known = ", ".join(models) or "none: inference.models is empty; leave it out to look without a model"
            problems.append(SettingProblem((field,), f"found no model {name!r}, expected one of {known}"))
        elif not {label.casefold() for label in models[name]} & {label.casefold() for label in labels}:
            found = ", ".join(models[name]) or "none"
            problems.append(
                SettingProblem(
                    (field,), f"found model {name!r} with the classes {found}; expected one of {', '.join(labels)}"
                )
            )
    return problems


def _outside(path: tuple[str | int, ...], polygon: Sequence[Pixel], size: PictureSize) -> Iterator[SettingProblem]:
    for number, (x, y) in enumerate(polygon):
        if not (0 <= x <= size.width and 0 <= y <= size.height):
            yield SettingProblem(
                (*path, number),
                f"found [{x:g}, {y:g}], expected a pixel of the {size.width} x {size.height} picture",
            )
