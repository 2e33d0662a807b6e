"""Event files (one contract event a line) as alarms: one per episode, at its first event."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from contract.details import ThrownObjectDetail
from contract.events import HazardData, HazardEvent, Tier
from edge.config.problems import ConfigError, ConfigProblem

Box = tuple[float, float, float, float]
MAX_PROBLEMS = 5
"""Named before reading stops: a file of another kind is wrong on every line."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """An episode as the edge reported it: raised at `raised_seconds`, when its first event was observed.

    Times are media seconds of the clip. `place` is a box (x, y, width, height) in pixels around all that was seen.
    `tier` is the highest that the episode reached.
    """

    clip: str
    hazard: str
    episode_id: str
    tier: Tier
    started_seconds: float
    raised_seconds: float
    confidence: float
    place: Box | None


def read_alarms(path: Path) -> list[Alarm]:
    """The alarms of an event file, in order of time.

    Raises:
        ConfigError: the file cannot be read, or a line is no contract event; names the lines.
    """
    problems: list[ConfigProblem] = []
    episodes: dict[str, list[HazardData]] = {}
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
            if not str(value.get("type", "")).startswith("gridsentry.hazard."):
                continue
            data = HazardEvent.model_validate_json(line).data
        except (ValueError, AttributeError) as error:
            problems.append(ConfigProblem(path, number, *_fault(error)))
            if len(problems) >= MAX_PROBLEMS:
                break
            continue
        episodes.setdefault(data.episode_id, []).append(data)
    if problems:
        raise ConfigError(problems)
    alarms = [alarm for events in episodes.values() if (alarm := _alarm(events)) is not None]
    return sorted(alarms, key=lambda a: (a.clip, a.raised_seconds, a.episode_id))


def _lines(path: Path) -> Iterable[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigError([ConfigProblem(path, 1, "", f"cannot be read: {error.strerror or error}")]) from None
    except UnicodeDecodeError:
        raise ConfigError([ConfigProblem(path, 1, "", "found bytes that are not UTF-8, expected events")]) from None


def _fault(error: Exception) -> tuple[str, str]:
    """(field, message) of what is wrong with a line."""
    if isinstance(error, ValidationError):
        details = error.errors(include_url=False)[0]
        return ".".join(str(part) for part in details["loc"]), f"not a contract event: {details['msg']}"
    return "", "found no JSON object, expected one contract event a line (as `replay` writes)"


def _alarm(events: list[HazardData]) -> Alarm | None:
    events = sorted(events, key=lambda e: e.revision)
    first = events[0]
    if first.media is None or first.canary is not None:
        return None
    return Alarm(
        clip=first.media.clip,
        hazard=first.hazard,
        episode_id=first.episode_id,
        tier=Tier.ALARM if any(e.tier is Tier.ALARM for e in events) else Tier.REVIEW,
        started_seconds=min(e.media.start_seconds for e in events if e.media is not None),
        raised_seconds=first.media.observed_seconds,
        confidence=events[-1].confidence,
        place=_place(events),
    )


def _place(events: list[HazardData]) -> Box | None:
    boxes: list[Box] = []
    for event in events:
        detail = event.typed_detail()
        if isinstance(detail, ThrownObjectDetail):
            boxes.append((detail.box.x, detail.box.y, detail.box.width, detail.box.height))
            boxes += [(point.x, point.y, 0.0, 0.0) for point in detail.track]
    if not boxes:
        return None
    left, top = min(b[0] for b in boxes), min(b[1] for b in boxes)
    return left, top, max(b[0] + b[2] for b in boxes) - left, max(b[1] + b[3] for b in boxes) - top
