"""Frames counted at the source against frames that were judged: nothing in between may be lost."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.edge.hardship.box import LiveBox
from tests.edge.hardship.farm import Farm

QUIET_SECONDS = 2.5
"""Workers report each second: what has not changed for longer has come to rest."""


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
