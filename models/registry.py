"""The registry: every model that the project knows, one row each, in `registry.yaml`.

A row says what a model is for, how its output reads, where its files come from and what they must hash to. Adding a
model whose output format is known is adding a row. `docs/models.md` explains the fields for people.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, Self
from urllib.parse import unquote, urlsplit

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from models.errors import ModelsError

FOLDER = Path(__file__).parent
"""The house: paths of rows start here."""
REGISTRY_NAME = "registry.yaml"
MAX_COMMITTED_BYTES = 15_000_000
"""Of one committed file: above it a clone and a wheel become slow for people who never run that model."""
MAX_FILE_BYTES = 1 << 30
"""A gigabyte: above any detector for a box of this size."""


class RegistryError(ModelsError, ValueError):
    """The registry cannot be used, or has no such model. The message names file, row and field."""


class Origin(StrEnum):
    """Who trained a model."""

    OURS = "ours"
    THIRD_PARTY = "third_party"


class Precision(StrEnum):
    """How exactly the numbers of a file are kept."""

    F32 = "f32"
    INT8 = "int8"


def _inside(path: str) -> str:
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts or not parts.parts:
        raise ValueError(f"found {path!r}, expected a path below the folder of the registry")
    return path


def _https(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not PurePosixPath(parts.path).name:
        raise ValueError(f"found {url!r}, expected the URL of a file")
    return url


ModelName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Version = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}$")]
"""It is a part of file names."""
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=256, strip_whitespace=True)]
RowPath = Annotated[str, AfterValidator(_inside)]
FileUrl = Annotated[str, AfterValidator(_https)]


class Row(BaseModel):
    """The base of all values of the registry: frozen, and unknown keys are faults."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Title(Row):
    """What people call a model."""

    zh: Text
    en: Text


class InputSize(Row):
    """Pixels of a model's input."""

    width: Annotated[int, Field(ge=32, le=4096)]
    height: Annotated[int, Field(ge=32, le=4096)]


class Loss(Row):
    """What a smaller precision costs: `points` of `metric` (in hundredths; 0.4 of mAP50 is 0.600 → 0.596), measured
    against the f32 file on the same pictures."""

    metric: Text
    points: float


class PackageMember(Row):
    """A file inside a wheel of the package index."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    version: Version
    member: RowPath


class Export(Row):
    """What is fetched is no ONNX yet: `gridsentry-models convert NAME` makes it, once, where torch is installed.

    Exporters write other bytes with each of their versions, so the ONNX file has no hash of its own to expect.
    """

    framework: Literal["ultralytics"]
    """What reads the fetched file."""
    code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.]*$")] | None = None
    """A module of the publisher's package whose classes the file refers to, as if its own main program had them."""


class WeightsFile(Row):
    """One file with a model's weights: committed (`path`), or fetched (`url`, `package`)."""

    precision: Precision = Precision.F32
    path: RowPath | None = None
    """Below the folder of the registry."""
    url: FileUrl | None = None
    package: PackageMember | None = None
    sha256: Sha256
    bytes: Annotated[int, Field(gt=0, le=MAX_FILE_BYTES)] | None = None
    """Absent for a file that this project never had in its hands and whose publisher does not say."""
    loss: Loss | None = None
    export: Export | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = [name for name in ("path", "url", "package") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"found {' and '.join(given) or 'no place'}, expected one of path, url, package")
        if self.path is not None and not 0 < (self.bytes or 0) <= MAX_COMMITTED_BYTES:
            raise ValueError(f"found bytes: {self.bytes}, expected a committed file of at most {MAX_COMMITTED_BYTES}")
        if self.path is not None and self.export is not None:
            raise ValueError("found export beside path, expected a committed ONNX file")
        return self

    @property
    def published_name(self) -> str:
        """What the publisher calls the file: the name that is looked for in a mirror."""
        if self.url is not None:
            return unquote(PurePosixPath(urlsplit(self.url).path).name)
        inner = self.package.member if self.package is not None else self.path
        assert inner is not None, "a file has one place"
        return PurePosixPath(inner).name


class Figure(Row):
    """Something measured, with what gives it again."""

    name: Text
    value: float
    unit: Text
    machine: Text
    command: Text


class ModelRow(Row):
    """One model."""

    task: Text
    title: Title
    version: Version
    format: Text
    """How its output reads: a format of `inference.models` of the edge, or the name of what alone reads it."""
    labels: tuple[Text, ...] = ()
    input: InputSize | None = None
    """Absent: it takes any size."""
    origin: Origin
    licence: Text
    """Of the weights, as SPDX says it."""
    source: Text
    """The recipe (ours) or the publisher's page."""
    card: RowPath | None = None
    files: Annotated[tuple[WeightsFile, ...], Field(min_length=1)]
    min_score: Annotated[float, Field(gt=0, lt=1)] | None = None
    """From which boxes of this model mean something, where that is not the edge's usual limit."""
    selftest: RowPath | None = None
    figures: tuple[Figure, ...] = ()
    note: Text | None = None
    """What somebody who chooses it should know."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        precisions = [file.precision for file in self.files]
        if len(set(precisions)) < len(precisions):
            raise ValueError(f"found files of precision {', '.join(precisions)}, expected one of each")
        if self.origin is Origin.OURS and self.card is None:
            raise ValueError("found no card, expected one: it says what a model of ours was trained on")
        return self

    def file(self, precision: Precision | None = None) -> WeightsFile:
        """The file of a precision; without one f32, or the first if there is none.

        Raises:
            RegistryError: there is no file of that precision.
        """
        for file in self.files:
            if file.precision is (precision or Precision.F32):
                return file
        if precision is None:
            return self.files[0]
        have = ", ".join(file.precision for file in self.files)
        raise RegistryError(f"found no file of precision {precision}, expected one of {have}")


class Registry(Row):
    """All rows, by name."""

    models: dict[ModelName, ModelRow]

    def row(self, name: str) -> ModelRow:
        """The row of a model.

        Raises:
            RegistryError: there is none; the message names those that there are.
        """
        if name not in self.models:
            raise RegistryError(f"found {name!r}, expected a model of the registry: {', '.join(sorted(self.models))}")
        return self.models[name]


def fetched_path(store: Path, name: str, row: ModelRow, file: WeightsFile) -> Path:
    """Where a fetched file lies in the store: with its version, so that the one that runs is never written over."""
    suffix = PurePosixPath(file.published_name).suffix or ".onnx"
    return store / f"{name}-{row.version}-{file.precision}{suffix}"


def onnx_path(store: Path, name: str, row: ModelRow, file: WeightsFile) -> Path:
    """The ONNX file that the edge runs: in the house, or in the store (there it may not be fetched or made yet)."""
    if file.path is not None:
        return FOLDER / file.path
    return fetched_path(store, name, row, file).with_suffix(".onnx")


def made_note(path: Path) -> Path:
    """Where the hash of an ONNX file stands that was made on site: no row can state it."""
    return path.with_name(path.name + ".sha256")


def made_sha256(path: Path) -> str | None:
    """The hash that was noted when the file was made; None if nothing is noted."""
    try:
        return noted_hash(made_note(path).read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError):
        return None


def noted_hash(text: str) -> str | None:
    """The hash in a line as `sha256sum` writes it; None if it is none."""
    words = text.split()
    return words[0] if words and re.fullmatch(r"[0-9a-f]{64}", words[0]) else None


def load(path: Path | None = None) -> Registry:
    """Reads the registry of this installation, or another file. It is read again only if it changed.

    Raises:
        RegistryError: it is missing, no YAML, or a row is faulty; every fault is named with its row and field.
    """
    path = path or FOLDER / REGISTRY_NAME
    try:
        changed = path.stat().st_mtime_ns
    except OSError as error:
        raise RegistryError(f"{path}: cannot be read: {error.strerror}; install gridsentry again") from error
    return _load(path, changed)


class _Loader(yaml.SafeLoader):
    """Refuses a key that comes twice: the later row would win without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"found {twice!r} twice", node.start_mark)
        return super().construct_mapping(node, deep)


@lru_cache(maxsize=4)
def _load(path: Path, _changed: int) -> Registry:
    try:
        value: Any = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a SafeLoader
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RegistryError(f"{path}: cannot be read: {' '.join(str(error).split())}") from error
    if not isinstance(value, Mapping) or set(value) != {"models"}:
        raise RegistryError(f"{path}: found {_kind(value)}, expected a mapping with the one key models")
    try:
        return Registry.model_validate(value)
    except ValidationError as error:
        raise RegistryError("\n".join(_faults(path, error))) from error


def _kind(value: Any) -> str:
    return f"the keys {', '.join(map(str, value))}" if isinstance(value, Mapping) else type(value).__name__


def _faults(path: Path, error: ValidationError) -> Sequence[str]:
    found = []
    for one in error.errors(include_url=False):
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in one["loc"]).lstrip(".")
        message = one["msg"].removeprefix("Value error, ")
        if one["type"] not in {"value_error", "missing", "extra_forbidden"}:
            message = f"found {str(one['input'])[:60]!r}: {message[:1].lower()}{message[1:]}"
        found.append(f"{path}: {where}: {message}")
    return found
