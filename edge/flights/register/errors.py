"""What is wrong with a file of the register, told to people."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

MOST_REMARKS = 200
"""Of one file: whoever has read so many knows what is wrong. The rest is counted."""


class RegisterError(Exception):
    """A file that cannot be used at all: the message names it, what was found and what to do.

    Judging goes on without no file: where permits are missing, everything built looks illegal.
    """


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about one feature, or a whole file, that people should know."""

    file: str
    feature: int | None
    """Its number, as GIS programs show it (FID); None: the whole file."""
    what: str
    remedy: str = ""
    refused: bool = True
    """Whether the feature was left out for it."""

    def __str__(self) -> str:
        place = self.file if self.feature is None else f"{self.file}, feature {self.feature}"
        return f"{place}: {self.what}" + (f". {self.remedy}" if self.remedy else "")


@dataclass(slots=True)
class Remarks:
    """Collects the remarks about one file, no more than anybody reads."""

    file: str
    kept: list[Remark] = field(default_factory=list)
    unlisted: Counter[bool] = field(default_factory=Counter)

    def refuse(self, feature: int | None, what: str, remedy: str = "") -> None:
        """A feature that is left out."""
        self._add(Remark(self.file, feature, what, remedy))

    def note(self, feature: int | None, what: str, remedy: str = "") -> None:
        """Something that was read in one of several ways, or mended."""
        self._add(Remark(self.file, feature, what, remedy, refused=False))

    def all(self) -> tuple[Remark, ...]:
        """In the order in which they were found; at their end how many more there are."""
        more = [
            Remark(self.file, None, f"{count} more {'left out' if refused else 'with a note'}", refused=refused)
            for refused, count in sorted(self.unlisted.items(), reverse=True)
        ]
        return (*self.kept, *more)

    def _add(self, remark: Remark) -> None:
        if len(self.kept) < MOST_REMARKS or remark.feature is None:
            self.kept.append(remark)
        else:
            self.unlisted[remark.refused] += 1
