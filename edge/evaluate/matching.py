"""Which alarm answers which episode: one to one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy.optimize import linear_sum_assignment

from edge.evaluate.alarms import Alarm, Box
from edge.evaluate.truth import TrueClip, TrueEpisode

EARLY_SECONDS = 1.0
"""An alarm may come so much before the labelled start: labels are made by hand."""
T_MAX_SECONDS = MappingProxyType(
    {"thrown_object": 10.0, "fire": 60.0, "smoke": 120.0, "water_level": 60.0, "gas": 60.0, "temperature": 120.0}
)
"""How late an alarm of a hazard is still an answer."""
DEFAULT_T_MAX_SECONDS = 120.0
"""For other hazards: signals and slow sensors are given two minutes (detectors.md §3)."""
_IMPOSSIBLE = 1e9


@dataclass(frozen=True, slots=True)
class Answer:
    """An episode and the alarm that answered it."""

    episode: TrueEpisode
    alarm: Alarm

    @property
    def delay_seconds(self) -> float:
        """From the labelled start to the alarm; negative if the label is late."""
        return self.alarm.raised_seconds - self.episode.start_seconds


@dataclass(frozen=True, slots=True)
class ClipResult:
    """What became of a clip's episodes and alarms. Every alarm is in exactly one list."""

    clip: TrueClip
    answers: tuple[Answer, ...]
    missed: tuple[TrueEpisode, ...]
    duplicates: tuple[Alarm, ...]
    """Alarms that would answer an episode that another alarm answers."""
    false: tuple[Alarm, ...]


def t_max_seconds(hazard: str) -> float:
    """How late an alarm of this hazard may come."""
    return T_MAX_SECONDS.get(hazard, DEFAULT_T_MAX_SECONDS)


def evaluate(clips: Sequence[TrueClip], alarms: Sequence[Alarm]) -> list[ClipResult]:
    """Matches every clip with its own alarms; alarms of other clips are left out."""
    by_clip: dict[str, list[Alarm]] = {}
    for alarm in alarms:
        by_clip.setdefault(alarm.clip, []).append(alarm)
    return [match(clip, by_clip.get(clip.name, [])) for clip in clips]


def match(clip: TrueClip, alarms: Sequence[Alarm]) -> ClipResult:
    """As many answers as possible, and among those ways the one with the least delay in all."""
    cost = np.full((len(clip.episodes), len(alarms)), _IMPOSSIBLE)
    for row, episode in enumerate(clip.episodes):
        for column, alarm in enumerate(alarms):
            if answers(episode, alarm):
                cost[row, column] = abs(alarm.raised_seconds - episode.start_seconds)
    pairs = [
        (int(row), int(column))
        for row, column in zip(*linear_sum_assignment(cost), strict=True)
        if cost[row, column] < _IMPOSSIBLE
    ]
    answered, used = {row for row, _ in pairs}, {column for _, column in pairs}
    left = [alarm for column, alarm in enumerate(alarms) if column not in used]
    duplicates = [alarm for alarm in left if any(answers(episode, alarm) for episode in clip.episodes)]
    return ClipResult(
        clip=clip,
        answers=tuple(Answer(clip.episodes[row], alarms[column]) for row, column in pairs),
        missed=tuple(episode for row, episode in enumerate(clip.episodes) if row not in answered),
        duplicates=tuple(duplicates),
        false=tuple(alarm for alarm in left if alarm not in duplicates),
    )


def answers(episode: TrueEpisode, alarm: Alarm) -> bool:
    """Same hazard, in time, and overlapping where a place is known on both sides."""
    if episode.hazard != alarm.hazard:
        return False
    latest = episode.start_seconds + t_max_seconds(episode.hazard)
    if not episode.start_seconds - EARLY_SECONDS <= alarm.raised_seconds <= latest:
        return False
    return episode.box is None or alarm.place is None or _overlap(episode.box, alarm.place)


def _overlap(a: Box, b: Box) -> bool:
    return a[0] <= b[0] + b[2] and b[0] <= a[0] + a[2] and a[1] <= b[1] + b[3] and b[1] <= a[1] + a[3]
