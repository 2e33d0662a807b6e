"""Truth files: what happens in which clip."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from contract.base import Slug
from edge.config.problems import ConfigError, ConfigProblem, field_name, found_text, problems_of
from edge.config.text import MAX_CONFIG_BYTES, ParsedText, parse

Seconds = Annotated[float, Field(ge=0, le=1e7)]


class _Truth(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class TrueEpisode(_Truth):
    """One occurrence of a hazard, in seconds of the clip's media time."""

    hazard: Slug
    start_seconds: Seconds
    end_seconds: Seconds
    box: Annotated[tuple[float, float, float, float], Field()] | None = None
    """[x, y, width, height] in pixels, where the place matters: an alarm must overlap it."""

    @model_validator(mode="after")
    def _ordered(self) -> TrueEpisode:
        if self.end_seconds < self.start_seconds:
            raise ValueError(f"found end_seconds {self.end_seconds:g}, expected at least start_seconds")
        return self


class TrueClip(_Truth):
    """A recording. Without episodes it is nuisance: every event of it is false."""

    file: Annotated[Path, Field()]
    """From the truth file's folder; its stem names the clip in events."""
    episodes: tuple[TrueEpisode, ...] = ()
    duration_seconds: Annotated[float, Field(gt=0)] | None = None
    """Absent: read from the file."""

    @property
    def name(self) -> str:
        """As events call it."""
        return self.file.stem

    @property
    def is_nuisance(self) -> bool:
        return not self.episodes


class Truth(_Truth):
    """The whole file."""

    clips: Annotated[tuple[TrueClip, ...], Field(min_length=1)]


def load_truth(path: Path) -> Truth:
    """Reads a truth file; `file` of each clip becomes a path that can be opened.

    Raises:
        ConfigError: it cannot be read or used; every fault with file, line, field, found and expected.
    """
    parsed = parse(_text(path))
    problems = [ConfigProblem(path, fault.line, field_name(fault.path), fault.message) for fault in parsed.problems]
    if not problems and not isinstance(parsed.value, dict):
        found = "an empty file" if parsed.value is None else found_text(parsed.value)
        problems.append(ConfigProblem(path, 1, "", f"found {found}, expected clips: [{{file, episodes}}]"))
    if problems:
        raise ConfigError(problems)
    try:
        truth = Truth.model_validate(parsed.value)
    except ValidationError as error:
        raise ConfigError(problems_of(error, Truth, path, parsed)) from None
    problems = _repeated(truth, path, parsed)
    if problems:
        raise ConfigError(problems)
    clips = tuple(clip.model_copy(update={"file": path.parent / clip.file}) for clip in truth.clips)
    return Truth(clips=clips)


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        if len(content) > MAX_CONFIG_BYTES:
            problem = f"found {len(content)} bytes, expected at most {MAX_CONFIG_BYTES}"
            raise ConfigError([ConfigProblem(path, 1, "", problem)])
        return content.decode("utf-8-sig")
    except OSError as error:
        raise ConfigError([ConfigProblem(path, 1, "", f"cannot be read: {error.strerror or error}")]) from None
    except UnicodeDecodeError:
        raise ConfigError([ConfigProblem(path, 1, "", "found bytes that are not UTF-8, expected text")]) from None


def _repeated(truth: Truth, path: Path, parsed: ParsedText) -> list[ConfigProblem]:
    """Events name a clip by its stem: two of one stem cannot be told apart."""
    first: dict[str, int] = {}
    problems = []
    for number, clip in enumerate(truth.clips):
        where = ("clips", number, "file")
        line = parsed.line_of(where)
        if clip.name in first:
            message = f"found the clip {clip.name!r} again, first on line {first[clip.name]}; expected every stem once"
            problems.append(ConfigProblem(path, line, field_name(where), message))
        first.setdefault(clip.name, line)
    return problems
