"""The time machine: from what pictures show to faults and their end. Everything in seconds of media time."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from edge.detectors.traffic_signal.cycles import Change
from edge.detectors.traffic_signal.durations import CYCLE, DARK, Durations, LearnedCycle
from edge.detectors.traffic_signal.faults import Faults
from edge.detectors.traffic_signal.findings import Fault, Finding
from edge.detectors.traffic_signal.heads import Head, unseen_reading
from edge.detectors.traffic_signal.history import Span
from edge.detectors.traffic_signal.judges import conflict, countdown, dark, flashing, lamp, sequence, stuck
from edge.detectors.traffic_signal.junction import Judge, Junction
from edge.detectors.traffic_signal.rates import not_judged_at
from edge.detectors.traffic_signal.readings import HeadReading, SceneReading
from edge.detectors.traffic_signal.saved import list_of, mapping_of, unless_damaged
from edge.detectors.traffic_signal.settings import Colour, TrafficSignalSettings
from edge.detectors.traffic_signal.timetable import Timetable

JUDGE_SECONDS = 0.5
"""How often judges are asked: every limit is in seconds, and asking costs more than a picture that shows the same."""
TELL_SECONDS = 30.0
"""How often the hour is looked up."""
GAP_SECONDS = 2.0
GAP_INTERVALS = 3.0
"""No picture for so long, or for three times as long as usual: nobody knows what was shown meanwhile."""
FIRST_GAP_SECONDS = 15.0
"""Before it is known how often pictures come: key frames may be ten seconds apart."""
CLOCK_JUMP_SECONDS = 60.0
CLOCK_GRACE_SECONDS = 600.0
"""After a clock was set, the timetable is not held against heads for so long."""
LONGEST_AWAY_SECONDS = 366 * 86400.0
"""Who was away for longer has had a wrong clock, before or after: boxes without a battery begin in 1970."""
_INTERVALS = 31


class TimeMachine:
    """Judges one camera's heads over time. Deterministic; used by one thread."""

    def __init__(self, settings: TrafficSignalSettings) -> None:
        self.settings = settings
        self._start()

    def _start(self) -> None:
        settings = self.settings
        heads = {head_id: Head(head_id, head) for head_id, head in settings.heads.items()}
        self._unseen: dict[str, HeadReading] = {
            head_id: unseen_reading(head) for head_id, head in settings.heads.items()
        }
        self._faults = Faults(settings)
        self._junction = Junction(settings, heads, Durations(settings), Timetable(settings), self._faults)
        self._conflict = conflict.ConflictJudge()
        self._countdown = countdown.CountdownJudge()
        self._judges: tuple[Judge, ...] = (
            flashing.FlashingJudge(),
            dark.DarkJudge(),
            self._conflict,
            lamp.LampJudge(),
            stuck.StuckJudge(),
            sequence.SequenceJudge(),
            self._countdown,
        )
        self._intervals: deque[float] = deque(maxlen=_INTERVALS)
        self._last: float | None = None
        self._wall: datetime | None = None
        self._judged = self._told = -1e9
        self._grace_until = -1e9
        self._cycle_from: dict[str, float] = {}
        self._learned_at: dict[tuple[str, str], float] = {}
        self._saved_at: datetime | None = None
        """When what was loaded was saved, until the first picture."""

    @property
    def samples_per_second(self) -> float:
        """What arrives, as measured over the last pictures."""
        return 1 / max(self._junction.interval, 1e-3)

    def observe(self, scene: SceneReading) -> Sequence[Finding]:
        """What a picture adds. Pictures in order; one that is no later than the last one adds nothing."""
        now, junction = scene.media_time, self._junction
        if self._last is not None and now <= self._last:
            if self._last - now < GAP_SECONDS:
                return ()
            self._begin_anew(scene)
            junction = self._junction
        step = 0.0 if self._last is None else now - self._last
        self._measure(step)
        self._tell(scene, step)
        junction.now, junction.wall_time = now, scene.wall_time
        if self._last is None:
            self._take_up(scene)
        if step > max(GAP_SECONDS, GAP_INTERVALS * junction.interval) and step > self._first_gap():
            for head in junction.heads.values():
                head.gap(now)
            self._cycle_from.clear()
            step = 0.0
        for head_id, head in junction.heads.items():
            before = head.runs.current
            change = head.take(scene.heads.get(head_id) or self._unseen[head_id], now, step, junction.interval)
            if change is not None:
                self._changed(head, change)
            elif head.runs.current is not before:
                self._appeared(head)
        self._last, self._wall = now, scene.wall_time
        if junction.settings.conflicts:
            self._conflict.watch(junction)
        if now - self._judged >= JUDGE_SECONDS - 1e-6:
            self._judged = now
            self._judge()
        return tuple(self._faults.say(junction))

    def head_spans(self, head_id: str, start: float, end: float) -> Sequence[Span]:
        """What a head showed from `start` to `end`, seconds of media time; the last half hour is kept."""
        return self._junction.heads[head_id].history.spans(start, end)

    def cycle(self, group: str) -> LearnedCycle:
        """What is known of a phase group at this hour."""
        return self._junction.durations.cycle(group)

    def not_judged(self) -> Mapping[Fault, str]:
        """What cannot be judged at the rate of pictures that arrives, with the reason."""
        return not_judged_at(self.samples_per_second)

    def is_open(self, hazard: str, key: str) -> bool:
        """Whether a fault is open, or its end is still being said."""
        if hazard not in set(Fault):
            return False
        return self._faults.is_told(Fault(hazard), key)

    def save(self) -> Mapping[str, Any]:
        """What is learned and what is open, as JSON types; ages instead of media times."""
        wall_time = self._saved_at or self._wall
        return {
            "version": 1,
            "wall_time": None if wall_time is None else wall_time.isoformat(),
            "durations": self._junction.durations.save(),
            "countdowns": self._countdown.save(),
            "ever_lit": [head.id for head in self._junction.heads.values() if head.ever_lit],
            "open": self._faults.save(self._junction.now),
        }

    def load(self, saved: Mapping[str, Any]) -> None:
        """Takes up what was saved, perhaps with other settings: heads and groups that are gone are left out, and what
        is damaged.

        Open faults begin before 0 until the first picture: only then it is known how long nobody looked.
        """
        saved = mapping_of(saved)
        if saved.get("version") != 1:
            return
        self._start()
        self._junction.durations.load(mapping_of(saved.get("durations")))
        self._countdown.load(mapping_of(saved.get("countdowns")), self._junction)
        for head_id, head in self._junction.heads.items():
            head.ever_lit = head_id in list_of(saved.get("ever_lit"))
        self._faults.load(list_of(saved.get("open")), self._junction)
        with unless_damaged():
            at = datetime.fromisoformat(saved["wall_time"])
            self._saved_at = at if at.tzinfo is not None else None

    def _take_up(self, scene: SceneReading) -> None:
        """The first picture: what was loaded is as old as it says, and by the time nobody looked."""
        away = 0.0
        if self._saved_at is not None:
            away = (scene.wall_time - self._saved_at).total_seconds()
            self._saved_at = None
        self._faults.shift(scene.media_time - (away if 0 <= away <= LONGEST_AWAY_SECONDS else 0.0))

    def _begin_anew(self, scene: SceneReading) -> None:
        """Media time went back: another opening of the stream."""
        self.load(self.save())

    def _first_gap(self) -> float:
        return FIRST_GAP_SECONDS if len(self._intervals) < 5 else 0.0

    def _measure(self, step: float) -> None:
        if step <= 0:
            return
        known = len(self._intervals) >= 5
        if known and step > 20 * self._junction.interval and step > FIRST_GAP_SECONDS:
            return  # the stream was away: that is no rate
        self._intervals.append(step)
        self._junction.interval = statistics.median(self._intervals)

    def _tell(self, scene: SceneReading, step: float) -> None:
        if self._wall is not None:
            drift = (scene.wall_time - self._wall).total_seconds() - step
            if abs(drift) > CLOCK_JUMP_SECONDS:
                self._grace_until = scene.media_time + CLOCK_GRACE_SECONDS
                self._told = -1e9
        if scene.media_time - self._told < TELL_SECONDS:
            return
        self._told = scene.media_time
        junction = self._junction
        junction.durations.tell(scene.wall_time)
        if not junction.timetable.empty:
            junction.flash_anywhere = junction.timetable.any_allowed(scene.wall_time)
            in_grace = scene.media_time < self._grace_until
            for head in junction.heads.values():
                head.flash_allowed = junction.timetable.allowed(head.group, scene.wall_time)
                if head.flash_allowed is None and in_grace:
                    head.flash_allowed = self.settings.night_flash[0]

    def _changed(self, head: Head, change: Change) -> None:
        junction = self._junction
        if change.after.label == Colour.GREEN:  # red and green together is a lens misread, and serves nobody
            junction.note_green(head.group, change.after.start)
        self._learn(head, change)
        for judge in self._judges:
            judge.changed(junction, head, change)
        self._faults.changed(junction, head, change)

    def _appeared(self, head: Head) -> None:
        """Seen again after blindness, or for the first time."""
        self._cycle_from.pop(head.id, None)
        run = head.runs.current
        if run is not None:
            if run.label == Colour.GREEN:
                self._junction.note_green(head.group, run.start)
            self._faults.seen_again(self._junction, head)

    def _learn(self, head: Head, change: Change) -> None:
        before, after = change.before, change.after
        if not change.seen:
            self._cycle_from.pop(head.id, None)
        recent = head.runs.recent
        earlier = recent[-2].label if len(recent) > 1 else None
        odd = not head.may_be_dark and DARK in (earlier, before.label, after.label)
        if odd or head.flash_allowed is not None or self._faults.any_concerning(head.id):
            self._cycle_from.pop(head.id, None)
            return
        if before.whole:
            owner = f"@{head.id}" if before.label == DARK else head.group
            self._learn_once(owner, before.label, before.start, before.end or before.last)
        if after.label == Colour.GREEN and after.whole_start:
            since = self._cycle_from.get(head.id)
            if since is not None:
                self._learn_once(head.group, CYCLE, since, after.start)
            self._cycle_from[head.id] = after.start

    def _learn_once(self, owner: str, state: str, start: float, end: float) -> None:
        """Heads of a group change together: that is one observation."""
        if start - self._learned_at.get((owner, state), -1e9) < 1.0:
            return
        self._learned_at[owner, state] = start
        self._junction.durations.learn(owner, state, end - start)

    def _judge(self) -> None:
        junction = self._junction
        for judge in self._judges:
            for found in judge.judge(junction):
                self._faults.open(found)
        self._faults.end_repaired(junction)
