"""STUCK: a head shows the same for far longer than it ever does, while others go on."""

from __future__ import annotations

from collections.abc import Iterable

from edge.detectors.traffic_signal.cycles import Change
from edge.detectors.traffic_signal.durations import DARK, Quantiles
from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.heads import Head
from edge.detectors.traffic_signal.junction import Found, Junction, confidence
from edge.detectors.traffic_signal.settings import Colour, HeadKind

LEAST_SECONDS = 60.0
"""Shorter than this nothing is stuck, whoever tells against it."""
AMBER_SECONDS = 45.0
"""Amber: ten times as long as any."""
MATE_DIFFERS_SECONDS = 30.0
"""How long in all a head of the same group must have shown something else: together with two changes of it."""
STEADY_RATIO, VARYING_RATIO = 1.5, 2.0
"""Times the learned p99, where others became green twice and more meanwhile: fixed-time control, and traffic-actuated
control whose p99 holds the cycles in which nobody asks."""


LEARNED = 200
"""Observations in which nobody's asking has been seen: five hours of cycles."""
HIDE_SECONDS = 4.0
MATES = 3


class StuckJudge:
    """Compares how long heads have not changed with what they normally do, and with what others did meanwhile."""

    def __init__(self) -> None:
        self._differs: dict[str, tuple[float, float]] = {}
        """By head: since when it is unchanged, and how long a mate has shown something else since."""
        self._asked = 0.0

    def changed(self, junction: Junction, head: Head, change: Change) -> None:
        self._differs.pop(head.id, None)

    def judge(self, junction: Junction) -> Iterable[Found]:
        step, self._asked = min(junction.now - self._asked, 5.0), junction.now
        found = []
        for head in junction.heads.values():
            if not head.seen or head.unchanged_label in (None, DARK) or head.flash_allowed is not None:
                continue
            if len(junction.groups[head.group]) > 1:
                self._compare(junction, head, step)
            if junction.now - head.unchanged_since < AMBER_SECONDS:
                continue
            key = f"head:{head.id}"
            if junction.open.is_open(Fault.STUCK, key) or head.label != head.unchanged_label:
                continue
            if junction.open.concerning(head.id, (Fault.DARK, Fault.FLASHING)) or head.is_restless(junction.now):
                continue
            single = self._judge(junction, head)
            if single is not None:
                found.append(single)
        return found

    def _compare(self, junction: Junction, head: Head, step: float) -> None:
        differs = any(mate.label not in (None, DARK, head.label) for mate in junction.mates(head))
        since, seconds = self._differs.get(head.id, (head.unchanged_since, 0.0))
        if since != head.unchanged_since:
            seconds = 0.0
        self._differs[head.id] = head.unchanged_since, seconds + (step if differs else 0.0)

    def _judge(self, junction: Junction, head: Head) -> Found | None:
        age = junction.now - head.unchanged_since
        share = head.share_seen_since_change(junction.now)
        if age < LEAST_SECONDS and head.unchanged_label != "amber":
            return None
        if share < junction.settings.judge.visible_share:
            return None
        label = head.unchanged_label
        assert label is not None
        known = junction.durations.of(head.group, label)
        served = max(
            (junction.served_since(g, head.unchanged_since) for g in junction.groups if g != head.group), default=0
        )
        if served < 1 and self._differs.get(head.id, (0.0, 0.0))[1] < MATE_DIFFERS_SECONDS:
            return None  # nobody else moves
        hides = self._hides(junction, head, known)
        limit, witnesses = self._limit(junction, head, label, known, served - hides)
        if limit is not None and witnesses < MATES:
            # Each time it was hidden it may have changed and changed back: so many runs may look like one.
            limit = max(limit, (hides + 1.2) * (known.p99 if known is not None else junction.typical_cycle()))
        if limit is None or age < limit:
            return None
        index = next((i for i, colour in enumerate(head.colours) if colour.value in label), None)
        return Found(
            Fault.STUCK,
            f"head:{head.id}",
            "head",
            (head.id,),
            head.unchanged_since,
            confidence(share, age / limit, witnesses),
            round(share, 3),
            approach=head.settings.approach or None,
            groups=(head.group,),
            lamp=index,
            expected_seconds=None if known is None else known.p99,
            cycles=max(served - 1, 0),
        )

    def _limit(
        self, junction: Junction, head: Head, label: str, known: Quantiles | None, served: int
    ) -> tuple[float | None, int]:
        """How long is too long, and how many witnesses say so. None: nothing tells that it is stuck."""
        p99 = 0.0 if known is None else known.p99
        mate_seconds = self._differs.get(head.id, (0.0, 0.0))[1]
        own = junction.served_since(head.group, head.unchanged_since + 1.0)
        if mate_seconds >= MATE_DIFFERS_SECONDS and own >= 1:
            return max(LEAST_SECONDS, 1.1 * p99), MATES
        if junction.open.concerning(head.id, (Fault.CONFLICT,)):
            # Groups wired together are green for longer than ever, but not for cycles on end.
            rounds = max(
                (junction.served_since(g, head.unchanged_since) for g in junction.conflicting(head.group)), default=0
            )
            return (max(LEAST_SECONDS, 2.5 * p99) if rounds >= 2 and label == Colour.GREEN else None), 2
        if served < 1:
            return None, 0
        if label == Colour.AMBER:
            return max(AMBER_SECONDS, 10 * p99), 1
        if label == Colour.GREEN and self._conflict_served(junction, head):
            return max(LEAST_SECONDS, 1.5 * p99) if known is not None else junction.settings.judge.stuck_seconds, 2
        return self._limit_alone(junction, head, label, known, served), 0

    def _limit_alone(
        self, junction: Junction, head: Head, label: str, known: Quantiles | None, served: int
    ) -> float | None:
        """The same for a head against which only the changes of others tell."""
        seconds = junction.settings.judge.stuck_seconds
        if known is None:
            # Nobody knows its cycle: others must have gone round often.
            return 3 * seconds if served >= 5 else None
        if label == Colour.GREEN and head.kind is not HeadKind.PEDESTRIAN:
            # It may rest in green while groups that do not cross it come and go.
            return max(3 * known.p99, seconds) if served >= 4 else None
        if served >= 2 and junction.fixed_time(head.group):
            return max(STEADY_RATIO * known.p99, LEAST_SECONDS)
        if served >= 3 and known.n >= LEARNED:
            return min(max(3 * known.p99, seconds), max(VARYING_RATIO * known.p99, LEAST_SECONDS))
        return max(3 * known.p99, seconds) if served >= 4 else None

    def _hides(self, junction: Junction, head: Head, known: Quantiles | None) -> int:
        """How often since its last change it was unseen for long enough to have shown another colour."""
        others = [junction.durations.of(head.group, colour) for colour in ("red", "green")]
        shortest = min(
            (other.usual_shortest for other in others if other is not None and other is not known), default=HIDE_SECONDS
        )
        hides = 0
        for stretch, end in head.history.newest_first():
            if end <= head.unchanged_since:
                break
            hides += stretch.unseen is not None and end - stretch.start > min(max(0.7 * shortest, 2.0), 10.0)
        return hides

    def _conflict_served(self, junction: Junction, head: Head) -> bool:
        groups = junction.conflicting(head.group)
        return any(junction.served_since(group, head.unchanged_since) for group in groups)
