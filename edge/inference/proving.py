"""A model is opened and shown what it must know. Only what passes may serve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from edge.config.inference import ModelSettings, Precision
from edge.inference.detecting import DetectionModel, Question
from edge.inference.drawn import likely_picture
from edge.inference.errors import ModelError
from edge.inference.selftest import SelfTest, fingerprint_fault, fingerprint_of, picture_fault, read_selftest
from edge.inference.sessions import ModelFile, SessionPlan, read_model
from edge.vision.arrays import Floats
from edge.vision.planes import Colour
from edge.vision.regions import Window


class SelfTestError(ModelError):
    """The model runs, and says what it must not."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything of a model that was read from the disk. `missing`: variants that could not be, and why."""

    file: ModelFile
    variants: Mapping[Precision, ModelFile] = field(default_factory=dict)
    missing: Mapping[Precision, str] = field(default_factory=dict)
    selftest: SelfTest | None = None

    def file_for(self, plan: SessionPlan) -> ModelFile:
        """What is run by a plan: the variant of its precision, or the model's own file.

        Raises:
            ModelError: there is no such variant.
        """
        if plan.precision is not Precision.INT8:
            return self.file
        found = self.variants.get(plan.precision)
        if found is None:
            why = self.missing.get(plan.precision, "none is configured")
            raise ModelError(f"{self.file.path}: has no {plan.precision} variant: {why}")
        return found


def read_parts(settings: ModelSettings) -> Parts:
    """Reads a model's file, its variants and its self-test.

    Raises:
        ModelError: the file or the self-test is missing, or another than was expected. A variant may be missing.
    """
    file = read_model(settings.path, settings.sha256)
    variants: dict[Precision, ModelFile] = {}
    missing: dict[Precision, str] = {}
    for variant in settings.variants:
        try:
            variants.setdefault(variant.precision, read_model(variant.path, variant.sha256))
        except ModelError as error:
            missing[variant.precision] = str(error)
    test = None if settings.selftest is None else read_selftest(settings.selftest)
    return Parts(file, variants, missing, test)


def open_proven(name: str, settings: ModelSettings, parts: Parts, plan: SessionPlan) -> DetectionModel:
    """A model that has passed its self-test, in the very session that will serve.

    Raises:
        SelfTestError: it has not passed.
        ModelError: the file cannot be run that way.
    """
    model = DetectionModel(name, settings, parts.file_for(plan), plan)
    fault = fault_of(model, settings, parts.selftest)
    if fault is not None:
        raise SelfTestError(f"{model.path}: fails its self-test by {plan}: {fault}")
    return model


def fault_of(model: DetectionModel, settings: ModelSettings, test: SelfTest | None) -> str | None:
    """Why a model must not serve; None: it passed.

    Also without a self-test of its own it must answer the drawn picture with finite numbers of the configured format
    and no more classes than it has labels.

    Raises:
        ModelError: the session fails, or its output is not of the configured format.
    """
    output = raw_answer(model)
    if not np.isfinite(output).all():
        return "found what is no number in its answer to the drawn picture"
    if settings.labels and (classes := model.classes_in(output[0])) > len(settings.labels):
        return f"found {classes} classes or more, expected the {len(settings.labels)} of labels"
    if test is None:
        return None
    wanted, precision = test.file.fingerprint, model.plan.precision
    # bf16 is asked for by name, of the same file. Another file needs a limit of its own, or pictures that it must know.
    passes_without = precision is Precision.BF16 or bool(test.pictures)
    if wanted is not None and (precision in wanted.limits or not passes_without):
        fault = fingerprint_fault(wanted, fingerprint_of(output), precision)
        if fault is not None:
            return fault
    for one, picture in zip(test.file.pictures, test.pictures, strict=True):
        fault = picture_fault(one, model.answer([question_of(picture)])[0], settings.labels)
        if fault is not None:
            return fault
    return None


def raw_answer(model: DetectionModel) -> Floats:
    """The network's own output (1, …) for the drawn picture.

    Raises:
        ModelError: the session fails.
    """
    return model.run(input_of(model))


def input_of(model: DetectionModel) -> Floats:
    """The drawn picture as the model wants it: (1, 3, height, width)."""
    picture = likely_picture(model.shape.width, model.shape.height)
    for channel in range(3):
        picture[:, channel] *= model.layout.scale(channel)
        picture[:, channel] += model.layout.offset(channel)
    return picture


def question_of(picture: Colour) -> Question:
    """A whole picture as a question."""
    height, width = picture.shape[:2]
    return Question(0.0, Window(0, 0, width, height), None, picture)
