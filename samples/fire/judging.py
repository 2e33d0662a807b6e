"""What was said against what burns: which alarm tells which fire, how late, and what the others are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from contract.events import Tier
from edge.evaluate.matching import EARLY_SECONDS
from samples.fire.running import Said, ShowResult, Variant
from samples.fire.shows import TrueFire, touches
from samples.junction.heads import Box

FLAME_SECONDS, SMOKE_SECONDS = 15.0, 45.0
"""After it can be seen a fire must be told: flames, and smoke."""
LATE_SECONDS = 5.0
"""It may still be told so long after its end: the picture that makes it certain was taken before."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A fire and the first that was said of it, or None."""

    show: str
    fire: TrueFire
    said: Said | None

    @property
    def since(self) -> float:
        """When it could first be seen."""
        return min(t for t in (self.fire.flame_since, self.fire.smoke_since) if t is not None)

    @property
    def flames(self) -> bool:
        """Whether flames could be seen at all; else it is smoke alone."""
        return self.fire.flame_since is not None

    @property
    def delay_seconds(self) -> float | None:
        """Of flames since they could be seen, of smoke alone since that could be; None where nothing was said."""
        if self.said is None:
            return None
        since = self.fire.flame_since if self.fire.flame_since is not None else self.since
        return max(self.said.raised - since, 0.0)

    @property
    def in_time(self) -> bool:
        """Flames within 15 s and smoke alone within 45 s of being visible."""
        delay = self.delay_seconds
        return delay is not None and delay <= (FLAME_SECONDS if self.flames else SMOKE_SECONDS)


@dataclass(slots=True)
class Judged:
    """All shows together, of one variant."""

    answered: list[Answered] = field(default_factory=list)
    false: list[tuple[str, Said]] = field(default_factory=list)
    """With the name of the show in which it was said."""
    duplicates: list[tuple[str, Said]] = field(default_factory=list)
    """The same hazard of the same fire again."""

    def false_in(self, shows: Iterable[str], tier: Tier) -> list[tuple[str, Said]]:
        wanted = set(shows)
        return [(name, said) for name, said in self.false if name in wanted and said.tier is tier]


def judge(results: Sequence[ShowResult], variant: Variant) -> Judged:
    """Matches what was said with what burns, show by show."""
    judged = Judged()
    for result in results:
        if variant in result.said:
            _judge_one(result, result.said[variant], judged)
    return judged


def _judge_one(result: ShowResult, said: Sequence[Said], judged: Judged) -> None:
    left = sorted(said, key=lambda one: one.raised)
    for fire in result.fires:
        answer = Answered(result.name, fire, None)
        mine = [one for one in left if _tells(answer, one)]
        left = [one for one in left if one not in mine]
        judged.answered.append(Answered(result.name, fire, mine[0] if mine else None))
        told: set[str] = set()
        for one in mine:
            # Fire and smoke of one fire are two hazards and may both be told, each once.
            if one.hazard in told:
                judged.duplicates.append((result.name, one))
            told.add(one.hazard)
    judged.false += [(result.name, one) for one in left]


def _tells(answer: Answered, said: Said) -> bool:
    left, top, right, bottom = (round(value) for value in said.box)
    if not touches(answer.fire.box, Box(left, top, right, bottom)):
        return False
    return answer.since - EARLY_SECONDS <= said.raised <= answer.fire.end + LATE_SECONDS
