"""DARK: nothing lit for too long at a head, at all heads of an approach, or at the whole junction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from contract.events import Severity, Tier
from edge.detectors.traffic_signal.cycles import Change, Run
from edge.detectors.traffic_signal.durations import DARK
from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.heads import Head
from edge.detectors.traffic_signal.junction import Found, Junction, Scope, confidence, ids_of
from edge.detectors.traffic_signal.settings import Colour, HeadKind

TOGETHER_SECONDS = 8.0
"""Heads dark for so long count when others have been dark long enough: chance does not darken several at once."""
WAIT_FOR_OTHERS_SECONDS = 12.0
"""While others have only just gone dark: the one alarm for all is worth so long a wait."""
GLITCH_SHARE = 0.03
"""Single pictures that show a dark head lit (a headlight in its lens, noise) do not end its darkness …"""
GLITCH_SECONDS = 0.45
"""As long as a lamp is held lit after one picture, and one picture more."""
GLITCH_INTERVAL_SECONDS = 1.2
"""… where pictures come often enough to tell them from a short green."""
FLASH_INTERVAL_SECONDS = 0.5
"""With pictures farther apart one may see nothing but the gaps of a head that flashes once a second."""
RECENT_SECONDS = 60.0
"""Something was lit so short a time before the first dark picture, and nothing is known of the time between: it went
dark then."""
RELAPSE_SECONDS = 10.0
"""Dark again for so long, a head does not work yet. Green that flashes before red may look dark for five seconds."""
HIDE_SECONDS = 4.0
"""A head that is dark by nature may have been lit while it was hidden for so long."""
MOST_WAIT_SECONDS, MOST_WAIT_WITH_MATES_SECONDS = 85.0, 105.0
"""A head may be dark for no longer than this before it is told, whatever colour of it may be missing: two minutes are
promised. Other heads of its group know better than habit what is due. But one that has missed that very colour before,
and has shown the others since, is not dark."""
_STRETCHES = 400


@dataclass(frozen=True, slots=True)
class Darkness:
    """A time until now in which nothing was seen lit."""

    since: float
    """The last picture that showed something lit; the first dark one, where that is too long ago or unknown."""
    seconds: float
    visible_share: float


class DarkJudge:
    """Judges darkness from the heads' histories."""

    def changed(self, junction: Junction, head: Head, change: Change) -> None:
        before = change.before
        if before.label == DARK and not head.may_be_dark and before.seconds > RELAPSE_SECONDS:
            self._abnormal(junction, head, change.after.start)

    def judge(self, junction: Junction) -> Iterable[Found]:
        for head in junction.heads.values():
            run = head.runs.current
            if head.may_be_dark or not head.is_dark or run is None or run.label != DARK:
                continue
            if junction.now - run.start > RELAPSE_SECONDS:  # said now: perhaps nobody will see how it ends
                self._abnormal(junction, head, junction.now)
        if junction.open.is_open(Fault.DARK, "junction"):
            self._join(junction)
            return ()
        dark = {}
        for head in junction.heads.values():
            if head.is_dark and not self._may_flash(junction, head):
                found = darkness(junction, head)
                if found is not None:
                    dark[head.id] = found
        due = [junction.heads[head] for head, found in dark.items() if self._is_due(junction, head, found)]
        if not due:
            return ()
        return self._found(junction, due, dark)

    def _abnormal(self, junction: Junction, head: Head, until: float) -> None:
        for key in ("junction", f"approach:{head.settings.approach}", f"head:{head.id}"):
            junction.open.abnormal(Fault.DARK, key, head.id, until)

    def _join(self, junction: Junction) -> None:
        """Heads that come out from behind something while all that is seen is dark are dark by the same failure."""
        watched = [head for head in junction.heads.values() if head.seen]
        if not all(head.is_dark for head in watched):
            return
        for head in watched:
            if not junction.open.concerning(head.id, (Fault.DARK,)) and not self._may_flash(junction, head):
                found = darkness(junction, head)
                if found is not None and found.seconds >= TOGETHER_SECONDS:
                    junction.open.join(Fault.DARK, "junction", head)

    def _outlived(self, head: Head, since: float) -> bool:
        """Whether a head that is hidden now was seen lit after others went dark: then it is no failure of all."""
        for stretch, _ in head.history.newest_first():
            if stretch.last <= since + TOGETHER_SECONDS:
                return False
            if stretch.lit:
                return True
        return False

    def _hidden(self, junction: Junction, dark: dict[str, Darkness]) -> list[Head]:
        """Heads behind something at the moment that were as dark as the others until then."""
        hidden = []
        for head in junction.heads.values():
            if not head.seen and not self._normally_dark(junction, head) and not self._may_flash(junction, head):
                found = darkness(junction, head)
                if found is not None and found.seconds >= TOGETHER_SECONDS:
                    dark[head.id] = found
                    hidden.append(head)
        return hidden

    def _found(self, junction: Junction, due: list[Head], dark: dict[str, Darkness]) -> list[Found]:
        watched = [head for head in junction.heads.values() if head.seen]
        hidden = [head for head in junction.heads.values() if not head.seen]
        always = [head for head in watched if not self._normally_dark(junction, head)]
        together = [head for head in always if head.id in dark and dark[head.id].seconds >= TOGETHER_SECONDS]
        if any(head.is_dark and head not in together for head in always):
            longest = max(dark[head.id].seconds - self._limit(junction, head) for head in due)
            if longest < WAIT_FOR_OTHERS_SECONDS:
                return []
        if (
            len(junction.heads) >= 2
            and len(together) >= max(2, len(junction.heads) // 2)
            and all(head in together or (head.is_dark and head not in always) for head in watched)
            and not any(self._outlived(head, min(dark[one.id].since for one in together)) for head in hidden)
        ):
            concerned = [head for head in (*watched, *self._hidden(junction, dark)) if head.id in dark]
            return [self._all(junction, "junction", "junction", concerned, dark)]
        found = []
        told: set[str] = set()
        for approach in {head.settings.approach: None for head in due if head.settings.approach}:
            ids = [head for head in junction.heads.values() if head.settings.approach == approach]
            seen = [head for head in ids if head.seen]
            if len(ids) < 2 or len(seen) < 2 or not all(head in together or head in due for head in seen):
                continue
            told.update(head.id for head in ids)
            if not junction.open.is_open(Fault.DARK, f"approach:{approach}"):
                found.append(self._all(junction, f"approach:{approach}", "approach", seen, dark))
        for head in due:
            if head.id in told or junction.open.concerning(head.id, (Fault.DARK, Fault.LAMP, Fault.FLASHING)):
                continue
            if not self._wait_for_lamp(junction, head, dark[head.id], len(together)):
                found.append(self._all(junction, f"head:{head.id}", "head", [head], dark))
        return found

    def _all(
        self, junction: Junction, key: str, scope: Scope, heads: Sequence[Head], dark: dict[str, Darkness]
    ) -> Found:
        ages = [dark[head.id] for head in heads]
        share = sum(age.visible_share for age in ages) / len(ages)
        others = sum(head.seen and bool(head.lit) for head in junction.heads.values())
        known = any(head.ever_lit or head.group in junction.settings.plan for head in heads)
        margin = max(dark[head.id].seconds / self._limit(junction, head) for head in heads)
        sure = confidence(share, margin, len(heads) - 1 + min(others, 2), base=0.8 if known else 0.5)
        return Found(
            Fault.DARK,
            key,
            scope,
            ids_of(heads),
            min(age.since for age in self._telling(junction, heads, dark)),
            sure,
            round(share, 3),
            severity=Severity.RED if scope == "junction" else Severity.YELLOW,
            # What never was seen lit and stands in no plan may be drawn on the wrong thing.
            tier=Tier.ALARM if known else Tier.REVIEW,
            approach=None if scope == "junction" else heads[0].settings.approach or None,
            expected_seconds=max(junction.normal_dark_seconds(head) for head in heads),
        )

    def _telling(self, junction: Junction, heads: Sequence[Head], dark: dict[str, Darkness]) -> list[Darkness]:
        """Of heads of which some are dark by nature, the darkness of those that are not."""
        return [dark[h.id] for h in heads if not self._normally_dark(junction, h)] or [dark[h.id] for h in heads]

    def _limit(self, junction: Junction, head: Head) -> float:
        judge = junction.settings.judge
        normal = junction.normal_dark_seconds(head)
        if self._normally_dark(junction, head):
            # Nobody asked for it in one cycle: that is normal, though it may not have been seen yet.
            normal = max(normal, (normal + 1.5 * junction.typical_cycle()) / 2)
        return max(judge.dark_seconds, 2 * normal) + judge.dark_dwell_seconds

    def _is_due(self, junction: Junction, head_id: str, found: Darkness) -> bool:
        return found.seconds >= self._limit(junction, junction.heads[head_id])

    def _normally_dark(self, junction: Junction, head: Head) -> bool:
        return junction.normal_dark_seconds(head) > TOGETHER_SECONDS

    def _may_flash(self, junction: Junction, head: Head) -> bool:
        """Whether its darkness may be that of flashing: the gaps of amber, or a head that is off meanwhile."""
        if junction.open.is_open(Fault.FLASHING, "junction"):
            return True
        if head.flash_allowed is not None and junction.interval > FLASH_INTERVAL_SECONDS:
            return True
        return junction.flash_anywhere and (head.kind is not HeadKind.VEHICLE or Colour.AMBER not in head.colours)

    def _wait_for_lamp(self, junction: Junction, head: Head, found: Darkness, together: int) -> bool:
        """Whether one lamp of it may have failed: the colour that was lit when it went dark, or the one that was due
        then, is not over yet. Lamps fail when they are switched on, and also in between."""
        if together >= 2:
            return False
        suspects = junction.lamp_suspects.get(head.id, set())
        last = next((run for run in reversed(head.runs.recent) if run.label != DARK), None)
        if last is None or last.end is None or abs(last.end - found.since) > 5 + 2 * junction.interval:
            last, expected = None, set(suspects)  # it was hidden when it went dark
        else:
            expected = self._expected(junction, head, last)
        mates = [mate.label for mate in junction.mates(head) if mate.label not in (None, DARK)]
        if found.seconds > (MOST_WAIT_WITH_MATES_SECONDS if mates else MOST_WAIT_SECONDS):
            expected &= suspects
        if mates:
            return any(colour in label.split("+") for label in mates if label is not None for colour in expected)
        if any(junction.group_is_green(group) for group in junction.conflicting(head.group)):
            expected.discard(Colour.GREEN)
        if last is None:
            return False
        ends = [self._end_of(junction, head, colour, last) for colour in expected]
        return any(junction.now < end for end in ends)

    def _expected(self, junction: Junction, head: Head, last: Run) -> set[str]:
        """The colours of which one may be what is missing."""
        expected = {colour for colour in last.label.split("+") if colour in head.colours}
        known = junction.durations.of(head.group, last.label)
        if last.whole_start and known is not None and last.seconds < 0.85 * known.p1 - junction.interval:
            return expected  # no other was due yet
        due = {"red": {Colour.GREEN}, "green": {Colour.AMBER}, "amber": {Colour.RED}}.get(last.label, {Colour.GREEN})
        if due == {Colour.AMBER} and (junction.interval > 1 or Colour.AMBER not in head.colours):
            due = {Colour.AMBER, Colour.RED}  # it passes between two pictures
        return expected | {colour.value for colour in due if colour in head.colours}

    def _end_of(self, junction: Junction, head: Head, colour: str, last: Run) -> float:
        """When a colour that may be missing must be over, seconds of media time."""
        known = junction.durations.of(head.group, colour)
        if known is None or last.end is None:
            return junction.now
        begin = last.start if colour in last.label.split("+") else last.end
        return begin + known.p99 + 3


def darkness(junction: Junction, head: Head) -> Darkness | None:
    """The darkness a head is in: the longest time until now with nothing lit and enough of it seen. None: none."""
    allowed = junction.settings.judge.visible_share
    seen = glitches = 0.0
    best: Darkness | None = None
    now = junction.now
    hide = HIDE_SECONDS if junction.normal_dark_seconds(head) > TOGETHER_SECONDS else RECENT_SECONDS * 60
    earliest_dark = now
    for number, (stretch, end) in enumerate(head.history.newest_first()):
        length = end - stretch.start
        if stretch.lit:
            single = length <= max(GLITCH_SECONDS, 1.1 * junction.interval)
            glitch = single and junction.interval <= GLITCH_INTERVAL_SECONDS and number > 0
            glitches += length
            if not glitch or glitches > GLITCH_SHARE * max(now - stretch.start, 1.0):
                if best is not None and best.since - stretch.last <= RECENT_SECONDS and best.since == earliest_dark:
                    return Darkness(stretch.last, best.seconds, best.visible_share)
                return best
        elif stretch.unseen is not None:
            if length > hide:
                return best
        else:
            seen += length
            earliest_dark = stretch.start
            total = now - stretch.start
            if total > 0 and seen >= allowed * total:
                best = Darkness(stretch.start, total, min(seen / total, 1.0))
        if number > _STRETCHES:
            break
    return best
