"""`gridsentry-edge selftest`: what the models answer where they must, and drafts of new self-tests."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from edge.config.document import load_config
from edge.config.inference import Precision
from edge.inference.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edge.config.inference import ModelSettings
    from edge.inference.detecting import DetectionModel
    from edge.inference.proving import Parts
    from edge.inference.sessions import SessionPlan

DRAFT_SCORE = 0.25
"""Boxes from this score on are put into a draft."""
DRAFT_SHARE = 0.6
"""Of the score that was found, what a draft asks for: coarser numbers move scores by some hundredths."""
DRAFT_LIMITS = {Precision.F32: 0.02}
COARSE_SLACK = 2.0
"""A coarser variant may be off by so many times what it is off here."""

_err = Console(stderr=True, highlight=False, soft_wrap=True)


def selftest_command(
    config: Annotated[Path, typer.Option("--config", "-c", help="The configuration, a YAML file.")],
    draft: Annotated[
        str | None, typer.Option("--draft", metavar="MODEL", help="Print a self-test for this model, to be edited.")
    ] = None,
    pictures: Annotated[
        list[Path] | None, typer.Option("--picture", help="A picture for the draft; say it again for more.")
    ] = None,
) -> None:
    """Runs every model's self-test, of each of its files; or prints a draft of a new one."""
    models = load_config(config).inference.models
    if draft is not None:
        if draft not in models:
            known = ", ".join(models) or "none: inference.models is empty"
            _err.print(f"--draft: found {draft!r}, expected one of {known}", markup=False)
            raise typer.Exit(2)
        try:
            sys.stdout.write(_draft(draft, models[draft], pictures or ()))
        except ModelError as error:
            _err.print(str(error), markup=False)
            raise typer.Exit(1) from error
        return
    if pictures:
        _err.print("--picture: found no --draft MODEL beside it, which says what it is for")
        raise typer.Exit(2)
    if not models:
        _err.print(f"{config}: no models are configured: there is nothing to test; see inference.models")
        return
    faults = 0
    for name, settings in models.items():
        for subject, fault in _tested(name, settings):
            faults += fault is not None
            typer.echo(
                f"{'passed' if fault is None else 'failed':8}{name} {subject}{'' if fault is None else f': {fault}'}"
            )
    if faults:
        raise typer.Exit(1)


def _tested(name: str, settings: ModelSettings) -> Iterator[tuple[str, str | None]]:
    """Each file of a model with what it was tested with, and what is wrong."""
    from edge.inference.proving import open_proven, read_parts

    test = "the drawn picture alone" if settings.selftest is None else str(settings.selftest)
    try:
        parts = read_parts(settings)
    except ModelError as error:
        yield Precision.F32.value, str(error)
        return
    for plan in _plans(parts):
        subject = f"{plan.precision} {parts.file_for(plan).path}, by {test}"
        try:
            open_proven(name, settings, parts, plan)
        except ModelError as error:
            yield subject, str(error)
        else:
            yield subject, None
    for precision, why in parts.missing.items():
        yield precision.value, why


def _plans(parts: Parts) -> Sequence[SessionPlan]:
    from edge.inference.sessions import REFERENCE, SessionPlan

    return (REFERENCE, *(SessionPlan(precision=precision) for precision in parts.variants))


def _draft(name: str, settings: ModelSettings, pictures: Sequence[Path]) -> str:
    from edge.inference.detecting import DetectionModel
    from edge.inference.proving import raw_answer, read_parts
    from edge.inference.selftest import as_yaml, fingerprint_distance, fingerprint_of
    from edge.inference.sessions import REFERENCE

    parts = read_parts(settings.model_copy(update={"selftest": None}))
    model = DetectionModel(name, settings, parts.file, REFERENCE)
    numbers = fingerprint_of(raw_answer(model))
    limits = dict(DRAFT_LIMITS)
    for plan in _plans(parts)[1:]:
        coarse = fingerprint_of(raw_answer(DetectionModel(name, settings, parts.file_for(plan), plan)))
        limits[plan.precision] = round(COARSE_SLACK * max(fingerprint_distance(coarse, numbers), 0.01), 3)
    said = f"# {name} {settings.version}, drafted from {parts.file.path.name} ({parts.file.sha256[:12]})\n"
    if pictures:
        said += "pictures:\n" + "".join(_drafted(model, settings, path) for path in pictures)
    return said + as_yaml(numbers, limits)


def _drafted(model: DetectionModel, settings: ModelSettings, path: Path) -> str:
    from edge.inference.proving import question_of
    from edge.inference.selftest import read_picture

    picture, sha256 = read_picture(path)
    found = model.answer([question_of(picture)])[0]
    lines = [f"  - path: {path.name}", f"    sha256: {sha256}"]
    strong = [index for index, score in enumerate(found.scores) if score >= DRAFT_SCORE]
    if strong:
        lines.append("    expect:")
    else:
        lines.append(f"    others_below: {DRAFT_SCORE}")
    for index in strong:
        corners = ", ".join(f"{value:.0f}" for value in found.boxes[index])
        kind = int(found.classes[index])
        label = settings.labels[kind] if kind < len(settings.labels) else f"class {kind}"
        score = DRAFT_SHARE * float(found.scores[index])
        lines.append(
            f"      - {{label: {label}, box: [{corners}], min_score: {score:.2f}}}  # {found.scores[index]:.2f}"
        )
    return "\n".join(lines) + "\n"
