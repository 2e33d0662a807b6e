"""Models, and how they are run."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, model_validator
from pydantic_core import InitErrorDetails

from contract.base import Identifier, Label, Sha256Hex
from edge.config.base import ConfigPath, Seconds, Settings
from edge.config.registered import RowError, from_registry


class ModelFormat(StrEnum):
    """How a network wants its pictures and says what it found."""

    YOLOX = "yolox"
    """BGR 0-255, padded right and below; rows of x, y, w, h, objectness, classes, not decoded."""
    YOLOX_DECODED = "yolox_decoded"
    """The same, with boxes in pixels already (exported with `decode_in_inference`)."""
    YOLOV5 = "yolov5"
    """RGB 0-1, padded on both sides; rows of x, y, w, h, objectness, classes (YOLOv5 of its own repository, YOLOv7)."""
    YOLOV8 = "yolov8"
    """RGB 0-1, padded on both sides; columns of x, y, w, h, classes (YOLOv8, YOLO11 and what exports like them)."""
    YOLOV10 = "yolov10"
    """As yolov8, with rows of left, top, right, bottom, score, class, one a thing (YOLOv10, YOLO26)."""
    NANODET = "nanodet"
    """BGR with ImageNet's mean taken off, stretched; rows of classes and 4 × 8 distances (NanoDet-Plus)."""
    RTDETR = "rtdetr"
    """RGB 0-1, stretched; rows of x, y, w, h as shares, then classes, or score and class (RT-DETR of Ultralytics)."""


class BackendChoice(StrEnum):
    """Which library runs models."""

    AUTO = "auto"
    ONNXRUNTIME = "onnxruntime"
    OPENVINO = "openvino"


class Precision(StrEnum):
    """How exactly a model is computed."""

    F32 = "f32"
    BF16 = "bf16"
    """OpenVINO only, on processors that have it: up to twice as fast, and boxes move by pixels."""
    INT8 = "int8"
    """A file of its own, with whole numbers for weights: its loss was measured when it was made."""


class PictureSizeSettings(Settings):
    """Pixels of a model's input."""

    width: Annotated[int, Field(ge=32, le=4096, multiple_of=32)]
    height: Annotated[int, Field(ge=32, le=4096, multiple_of=32)]


class LossSettings(Settings):
    """What a variant loses against the f32 file: `points` (hundredths) of `metric`, on the same pictures."""

    metric: Label
    points: float


class VariantSettings(Settings):
    """The same model in another precision."""

    precision: Precision
    path: ConfigPath
    sha256: Sha256Hex | None = None
    loss: LossSettings | None = None
    """Without it a variant is not chosen by itself: nobody has measured what it misses."""


def _either_registry_or_path(schema: dict[str, Any]) -> None:
    """A model of the registry brings its path and format with it."""
    schema["required"] = [name for name in schema.get("required", ()) if name not in {"path", "format"}]
    if not schema["required"]:
        del schema["required"]
    schema["anyOf"] = [{"required": ["registry"]}, {"required": ["path", "format"]}]


class ModelSettings(Settings, json_schema_extra=_either_registry_or_path):
    """One ONNX file: of the registry (`registry`), or described here (`path`, `format`).

    Whoever reads these settings finds a registry row already resolved into the other fields. What is written beside
    `registry` wins over the row; with a `path` of one's own nothing is taken over that speaks of the row's own file
    (hash, version, input size, variants, self-test).
    """

    registry: Identifier | None = None
    """A row of the model registry (`gridsentry-models list`)."""
    path: ConfigPath
    format: ModelFormat
    sha256: Sha256Hex | None = None
    """What the file must hash to; without it any file is taken, and its hash is written into events all the same."""
    version: Label = "unversioned"
    labels: tuple[Label, ...] = ()
    """Names of the classes, in the model's order."""
    input_size: PictureSizeSettings | None = None
    """Only for models that leave their input's size open."""
    min_score: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Boxes below are dropped. Low, for trackers and votes make use of weak boxes; detectors set their own limits."""
    max_iou: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Of two boxes of one class that overlap by more, the better one stays."""
    max_boxes: Annotated[int, Field(ge=1, le=1000)] = 100
    optional: bool = False
    """Shed when the box is overloaded and nothing else helped."""
    reduced: Identifier | None = None
    """Another model of this list, with the same labels and a smaller input, that stands in when the box is
    overloaded."""
    variants: tuple[VariantSettings, ...] = ()
    """The same model in other precisions, from which this machine may choose by measuring."""
    selftest: ConfigPath | None = None
    """What the model must say of which picture, before it is asked anything."""

    @model_validator(mode="after")
    def _check(self) -> ModelSettings:
        precisions = [variant.precision for variant in self.variants]
        if len(set(precisions)) < len(precisions):
            raise ValueError(f"variants: found {', '.join(precisions)}, expected each precision once")
        if Precision.BF16 in precisions:
            raise ValueError("variants: found bf16, expected a precision that a file has: f32 or int8")
        return self

    @model_validator(mode="before")
    @classmethod
    def _from_registry(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, Mapping) or not isinstance(value.get("registry"), str):
            return value
        try:
            return from_registry(value, tuple(ModelFormat), (info.context or {}).get("store"))
        except RowError as error:
            fault: InitErrorDetails = {
                "type": "value_error",
                "loc": ("registry",),
                "input": value["registry"],
                "ctx": {"error": error},
            }
            raise ValidationError.from_exception_data(cls.__name__, [fault]) from error


class OverloadSettings(Settings):
    """When questions are shed: first their rate, then their resolution, then optional models; never the heartbeat."""

    wait_seconds: Seconds = 1.0
    """How long a source may wait for a model. Detectors ask about twice a second: more than two of them are late."""
    rise_seconds: Seconds = 3.0
    """For how long the wait must be too long before the next step is taken."""
    relax_seconds: Seconds = 15.0
    """For how long it must be under half of the limit before a step is taken back: longer than the rise, or the box
    would swing between two states."""
    rate_seconds: Seconds = 2.0
    """With the rate shed, a source of weight 1 is heard once in this time."""


def _default_store(path: Path | None, info: ValidationInfo) -> Path | None:
    return path or (info.context or {}).get("store")


class InferenceSettings(Settings):
    """What runs models and how. Without models, nothing of it is loaded."""

    store: Annotated[ConfigPath | None, AfterValidator(_default_store)] = Field(default=None, validate_default=True)
    """Where `gridsentry-models fetch` puts models of the registry that are not installed with the program. Absent:
    `models` in `device.state_dir`."""
    models: dict[Identifier, ModelSettings] = Field(default_factory=dict)
    backend: BackendChoice = BackendChoice.AUTO
    """`auto`: what costs the least processor time, measured once on this machine."""
    precision: Precision | None = None
    """Absent: f32, or an int8 file of the model that is cheaper here, passes its self-test and states its loss.
    Never bf16, which is OpenVINO's own default where the processor has it."""
    threads: Annotated[int, Field(ge=1, le=2)] | Literal["auto"] = "auto"
    """Of one session. `auto` measures both: two halve the time of an answer at best and cost more in all."""
    max_batch: Annotated[int, Field(ge=1, le=16)] = 4
    """Pictures of several streams at once, for models that leave it open, where measuring says that it pays."""
    heartbeat_seconds: Seconds = 10.0
    """Each source that asks is heard at least this often, before any other is heard twice. Slow smoke needs a look
    every 10-15 s."""
    hang_seconds: Seconds = 30.0
    """A session that does not answer for so long is replaced. The largest usual model takes 2 s on a slow core."""
    trial_seconds: Seconds = 60.0
    """For so long the model before is held beside a changed one: what a self-test of a few pictures cannot show (a
    session that breaks or hangs under load) shows in the first hundred questions, and its memory is free again soon."""
    measure_seconds: Annotated[float, Field(gt=0, le=60)] = 2.0
    """For how long each way of running a model is measured at first boot."""
    pin: bool | Literal["auto"] = "auto"
    """Whether a session's thread stays on one core. `auto`: from 4 cores on; with fewer it would wait for a camera
    that decodes on its core while another core idles."""
    overload: OverloadSettings = OverloadSettings()

    @model_validator(mode="after")
    def _check(self) -> InferenceSettings:
        for name, model in self.models.items():
            if model.reduced is None:
                continue
            other = self.models.get(model.reduced)
            if other is None or model.reduced == name:
                known = ", ".join(key for key in self.models if key != name) or "none: there is no other model"
                raise ValueError(f"models.{name}.reduced: found {model.reduced!r}, expected another model: {known}")
            if other.labels != model.labels:
                raise ValueError(f"models.{name}.reduced: {model.reduced!r} has other labels, expected the same")
        if self.precision is Precision.BF16 and self.backend is not BackendChoice.OPENVINO:
            raise ValueError(f"precision: found bf16 with backend {self.backend}, expected backend: openvino")
        return self
