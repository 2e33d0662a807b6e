"""Falls and their mirror images: one group, one key, origin from the upper track."""

from __future__ import annotations

from dataclasses import dataclass, field

from edge.detectors.thrown_object.gates import Evidence
from edge.detectors.thrown_object.settings import GroupSettings
from edge.detectors.thrown_object.tracks import Track


@dataclass(slots=True, eq=False)
class Member:
    """A track that passed the gates, with what it showed when it last grew."""

    track: Track
    evidence: Evidence

    @property
    def start(self) -> float:
        return self.evidence.sightings[0].t

    @property
    def end(self) -> float:
        return self.evidence.sightings[-1].t

    @property
    def middle_x_m(self) -> float:
        return self.evidence.fall.position_m((self.start + self.end) / 2)[0]


@dataclass(slots=True, eq=False)
class FallGroup:
    """One fall as the world sees it: the object, its reflections, and the pieces that a branch cut it into."""

    key: str
    members: list[Member] = field(default_factory=list)

    @property
    def start(self) -> float:
        return min(member.start for member in self.members)

    @property
    def end(self) -> float:
        return max(member.end for member in self.members)

    @property
    def origin(self) -> Member:
        """The upper track: glass shows the fall beside itself and lower in the picture, sometimes first.

        Only tracks that were seen at least half as often as the longest count: others are pieces of the same thing.
        """
        longest = max(len(member.evidence.sightings) for member in self.members)
        whole = [member for member in self.members if len(member.evidence.sightings) >= longest / 2]
        best = whole[0]
        for other in whole[1:]:
            if _above(other, best):
                best = other
        return best

    def belongs(self, member: Member, settings: GroupSettings) -> bool:
        """Whether it falls at the same time and beside one that is already here."""
        return any(
            member.start <= other.end + settings.gap_seconds
            and other.start <= member.end + settings.gap_seconds
            and abs(member.middle_x_m - other.middle_x_m) <= settings.sideways_m
            for other in self.members
        )


def _above(a: Member, b: Member) -> bool:
    """Whether `a` is the upper one, compared at a time when both were seen; else the earlier one."""
    start, end = max(a.start, b.start), min(a.end, b.end)
    if start > end:
        return a.start < b.start
    t = (start + end) / 2
    return a.evidence.fall.position_m(t)[1] > b.evidence.fall.position_m(t)[1]
