"""Frames counted at the source against frames that were judged: nothing in between may be lost."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psutil

from tests.edge.hardship.box import LiveBox
from tests.edge.hardship.farm import Farm

QUIET_SECONDS = 2.5
"""Workers report each second: what has not changed for longer has come to rest."""

MAX_LOST = 0.01
"""What is promised, is promised for a box that has its cores to itself: these tests run alone."""


@dataclass(frozen=True, slots=True)
class Account:
    """What one camera sent to the box, and what a detector of the box looked at."""

    sent: int
    judged: int

    def since(self, before: Account) -> Account:
        """What came on top."""
        return Account(self.sent - before.sent, self.judged - before.judged)

    @property
    def lost(self) -> int:
        return self.sent - self.judged


def settled(farm: Farm, box: LiveBox, names: Sequence[str]) -> Mapping[str, Account]:
    """Has the cameras pause, waits until the box has judged all that was on its way, and has them go on.

    The cameras' read timeouts must be longer than this takes.
    """
    for name in names:
        farm.say(f"pause {name}")

    def judged() -> list[int]:
        sources = box.sources()
        return [sources[name]["frames_judged"] for name in names]

    latest, since = judged(), time.monotonic()
    while time.monotonic() - since < QUIET_SECONDS:
        time.sleep(0.2)
        now = judged()
        if now != latest:
            latest, since = now, time.monotonic()
    sent = farm.counts()
    for name in names:
        farm.say(f"resume {name}")
    return {name: Account(sent[name], count) for name, count in zip(names, latest, strict=True)}


def lost_share(before: Mapping[str, Account], after: Mapping[str, Account]) -> float:
    """Share of what all these cameras sent in between that nobody looked at."""
    spans = [after[name].since(before[name]) for name in before]
    return sum(span.lost for span in spans) / sum(span.sent for span in spans)


class OtherLoad:
    """How much of the machine everybody else takes, from here on."""

    def __init__(self, farm: Farm, box: LiveBox) -> None:
        self._farm, self._box = farm, box
        self._began = time.monotonic()
        self._busy, self._ours = _busy_seconds(), self._our_seconds()

    def share(self) -> float:
        """Since the beginning, of all cores."""
        seconds = (time.monotonic() - self._began) * (os.cpu_count() or 1)
        return (_busy_seconds() - self._busy - (self._our_seconds() - self._ours)) / seconds

    def _our_seconds(self) -> float:
        own = psutil.Process().cpu_times()
        return self._box.footprint().cpu_seconds + self._farm.cpu_seconds() + own.user + own.system


def _busy_seconds() -> float:
    times = psutil.cpu_times()
    return float(sum(times[:8]) - times.idle - times.iowait)  # guests are counted as user time already
