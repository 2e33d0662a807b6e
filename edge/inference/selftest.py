"""What a model must answer before it may serve: pictures with what is on them, and a fingerprint of its numbers.

Written beside the weights as `selftest.yaml`, checked whenever a model is opened. Without one, the drawn picture must
still be answered by finite numbers of the configured format and labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
from pydantic import Field, ValidationError, model_validator

from contract.base import Label, Sha256Hex
from contract.canonical import sha256_hex
from edge.config.base import ConfigPath, Settings
from edge.config.inference import Precision
from edge.config.problems import problems_of
from edge.config.text import parse
from edge.detectors.interface import Detections
from edge.inference.errors import ModelError
from edge.vision.arrays import Floats
from edge.vision.planes import Colour
from edge.vision.suppression import iou_matrix

MAX_FILE_BYTES = 4 * 1024 * 1024
"""Of the file and of each picture: a self-test is one or two small pictures, decoded at every opening."""
MAX_PICTURE_PIXELS = 4096 * 2176
LEAST_SPREAD = 0.01
"""What a number's distance is measured in at the least: scores that are all near nought differ by nothing real, and a
constant has no spread at all."""
Share = Annotated[float, Field(gt=0, le=1)]


class ExpectedBox(Settings):
    """A box that must be found."""

    label: Label
    box: tuple[float, float, float, float]
    """Left, top, right, bottom, in pixels of the picture."""
    min_score: Share = 0.25
    min_iou: Share = 0.5

    @model_validator(mode="after")
    def _has_an_area(self) -> ExpectedBox:
        left, top, right, bottom = self.box
        if not (left < right and top < bottom):
            raise ValueError(f"found box {list(self.box)}, expected [left, top, right, bottom]")
        return self


class PictureTest(Settings):
    """A picture and what must, and what must not, be found on it."""

    path: ConfigPath
    """Beside the self-test's own file."""
    sha256: Sha256Hex
    expect: tuple[ExpectedBox, ...] = ()
    others_below: Share | None = None
    """No box but those expected may score as much; absent: others do not matter."""

    @model_validator(mode="after")
    def _says_something(self) -> PictureTest:
        if not self.expect and self.others_below is None:
            raise ValueError("found neither expect nor others_below: this picture would test nothing")
        return self


class FingerprintTest(Settings):
    """The numbers that the model gives for the drawn picture, in brief."""

    numbers: Annotated[tuple[tuple[float, float, float], ...], Field(min_length=1, max_length=2048)]
    """Of each feature of the output (coordinates, scores): mean, standard deviation, largest."""
    limits: dict[Precision, Annotated[float, Field(gt=0)]] = Field(default_factory=lambda: {Precision.F32: 0.02})
    """How far the furthest of them may be, in the feature's spread. Two libraries at f32 differ by 0.0003; coarser
    computing has to be allowed for by name, with twice what was measured of it."""


class SelfTestFile(Settings):
    """The whole file."""

    pictures: Annotated[tuple[PictureTest, ...], Field(max_length=8)] = ()
    fingerprint: FingerprintTest | None = None

    @model_validator(mode="after")
    def _says_something(self) -> SelfTestFile:
        if not self.pictures and self.fingerprint is None:
            raise ValueError("found neither pictures nor fingerprint: this self-test would test nothing")
        return self


@dataclass(frozen=True, slots=True)
class SelfTest:
    """A self-test that is ready to be run. `pictures`: BGR, in the order of the file's."""

    path: Path
    sha256: str
    """Of the file; it names the hashes of its pictures."""
    file: SelfTestFile
    pictures: tuple[Colour, ...]


def read_selftest(path: Path) -> SelfTest:
    """Reads a self-test and its pictures.

    Raises:
        ModelError: it is missing, faulty, or a picture is not the one that it was written for.
    """
    content = _read(path, "self-test")
    try:
        parsed = parse(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ModelError(f"{path}: the self-test is no text: {error.reason}") from error
    if parsed.problems:
        fault = parsed.problems[0]
        raise ModelError(f"{path}:{fault.line}: {fault.message}")
    try:
        file = SelfTestFile.model_validate(parsed.value, context={"folder": path.parent})
    except ValidationError as error:
        problems = problems_of(error, SelfTestFile, path, parsed)
        raise ModelError("; ".join(str(problem) for problem in problems)) from error
    return SelfTest(path, sha256_hex(content), file, tuple(_picture(one) for one in file.pictures))


def _read(path: Path, what: str) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise ModelError(f"{path}: found {size} bytes, expected a {what} of at most {MAX_FILE_BYTES}")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: the {what} cannot be read: {error.strerror or error}") from error


def _picture(test: PictureTest) -> Colour:
    picture, found = read_picture(test.path)
    if found != test.sha256:
        raise ModelError(
            f"{test.path}: found a picture with sha256 {found}, expected {test.sha256}: fetch it again, or correct the "
            "self-test"
        )
    return picture


def read_picture(path: Path) -> tuple[Colour, str]:
    """A picture as BGR, and the hash of its file.

    Raises:
        ModelError: it cannot be read, or is no picture of a usual size.
    """
    content = _read(path, "self-test's picture")
    try:
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise ModelError(f"{path}: is no picture: {error.err}") from error
    if picture is None or picture.shape[0] * picture.shape[1] > MAX_PICTURE_PIXELS:
        raise ModelError(f"{path}: is no picture of at most {MAX_PICTURE_PIXELS} pixels")
    return np.asarray(picture, np.uint8), sha256_hex(content)


# ---- judging


def picture_fault(test: PictureTest, found: Detections, labels: Sequence[str]) -> str | None:
    """Why the answer to a picture is wrong; None: it is as expected.

    Each expected box takes the best free one of its label that overlaps it enough.
    """
    free = np.ones(len(found.scores), bool)
    unexpected = free.copy()
    for wanted in test.expect:
        if wanted.label not in labels:
            return f"{test.path.name}: expects label {wanted.label!r}, found a model with {', '.join(labels) or 'none'}"
        overlap = iou_matrix(np.array([wanted.box], np.float32), found.boxes)[0] if len(found.boxes) else np.zeros(0)
        fits = free & (found.classes == labels.index(wanted.label)) & (overlap >= wanted.min_iou)
        best = int(np.argmax(np.where(fits, found.scores, -1.0))) if fits.any() else None
        if best is None or found.scores[best] < wanted.min_score:
            score = "nothing there" if best is None else f"a score of {found.scores[best]:.2f}"
            corners = ", ".join(f"{value:g}" for value in wanted.box)
            return f"{test.path.name}: found {score}, expected {wanted.label} at [{corners}] with {wanted.min_score:g}"
        free[best] = False
        # What lies on the same thing is no other thing, whatever the model calls it.
        unexpected &= overlap < wanted.min_iou
    others = found.scores[unexpected]
    if test.others_below is not None and len(others) and others.max() >= test.others_below:
        worst = int(np.argmax(np.where(unexpected, found.scores, -1.0)))
        kind = int(found.classes[worst])
        name = labels[kind] if kind < len(labels) else f"class {kind}"
        expected = f"expected nothing else from {test.others_below:g} on"
        return f"{test.path.name}: found {name} with {others.max():.2f}, {expected}"
    return None


def fingerprint_of(output: Floats) -> Floats:
    """(features, 3): mean, standard deviation and largest of each feature of a raw output of one picture.

    Features are the shorter of the last two axes: columns (YOLOv8) and rows (YOLOX) give the same kind of numbers.
    """
    is_table = output.ndim >= 2 and output.size == output.shape[-2] * output.shape[-1]
    table: Floats = output.reshape(output.shape[-2:]) if is_table else output.reshape(1, -1)
    if table.shape[0] > table.shape[1]:
        table = table.T
    exact = table.astype(np.float64)
    return np.stack((exact.mean(axis=1), exact.std(axis=1), exact.max(axis=1)), axis=1).astype(np.float32)


def fingerprint_fault(test: FingerprintTest, numbers: Floats, precision: Precision) -> str | None:
    """Why the numbers are not those of the model that the self-test was written for; None: they are."""
    limit = test.limits.get(precision)
    if limit is None:
        allowed = ", ".join(kind.value for kind in test.limits) or "none"
        return f"fingerprint: has no limit for {precision}, only for {allowed}"
    expected = np.array(test.numbers, np.float32)
    if not np.isfinite(numbers).all():
        return "fingerprint: found what is no number"
    if expected.shape != numbers.shape:
        return f"fingerprint: found {len(numbers)} features, expected {len(expected)}"
    distance = fingerprint_distance(numbers, expected)
    return (
        None if distance <= limit else f"fingerprint: off by {distance:.3g}, expected at most {limit:g} at {precision}"
    )


def fingerprint_distance(numbers: Floats, expected: Floats) -> float:
    """The furthest number, in the spread of its feature; infinite if one is not a number."""
    spread = np.maximum(expected[:, 1:2], np.maximum(LEAST_SPREAD, LEAST_SPREAD * np.abs(expected[:, :1])))
    worst = float(np.max(np.abs(numbers - expected) / spread, initial=0.0))
    return worst if np.isfinite(worst) else float("inf")


def as_yaml(numbers: Floats, limits: Mapping[Precision, float]) -> str:
    """A `fingerprint:` to be put into a self-test's file."""
    lines = ["fingerprint:", f"  limits: {{{', '.join(f'{kind}: {limit:g}' for kind, limit in limits.items())}}}"]
    lines.append("  numbers:  # of each feature: mean, standard deviation, largest")
    lines += [f"    - [{', '.join(f'{value:.6g}' for value in row)}]" for row in numbers]
    return "\n".join(lines) + "\n"
