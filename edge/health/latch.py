"""A lasting state from single looks: dwell both ways, in seconds, and deaf to flicker."""

from __future__ import annotations

from dataclasses import dataclass

DOUBT = 2.0
"""How much more a look to the contrary weighs: what is so less than two thirds of the time never turns the state."""


@dataclass(slots=True)
class Latch:
    """Turns on when the evidence for it has gathered for `on_seconds`, off when that against it has for `off_seconds`.

    Evidence leaks instead of being forgotten at once: one odd look in the middle of a fault must not begin the dwell
    anew, and a state that flickers stays what it was.
    """

    on_seconds: float
    off_seconds: float
    active: bool = False
    began: float | None = None
    """When what is seen now began, while it is suspected or active."""
    _gathered: float = 0.0

    @property
    def suspected(self) -> bool:
        """Something speaks for it, and it is not active."""
        return not self.active and self._gathered > 0

    @property
    def gathered_seconds(self) -> float:
        """How much speaks for a change."""
        return self._gathered

    def saw(self, bad: bool | None, now: float, seconds: float) -> bool:
        """Takes in a look that stands for the last `seconds`. None says nothing. Returns whether the state turned."""
        if bad is None:
            return False
        if bad and not self.active and self._gathered <= 0:
            self.began = now - seconds
        against = bad == self.active
        self._gathered = max(0.0, self._gathered + (-DOUBT * seconds if against else seconds))
        if self._gathered < (self.off_seconds if self.active else self.on_seconds):
            if not self.active and self._gathered <= 0:
                self.began = None
            return False
        self.active = not self.active
        self._gathered = 0.0
        if not self.active:
            self.began = None
        return True

    def settle(self, active: bool) -> None:
        """Takes up a state from before, or drops what has gathered."""
        self.active = active
        self._gathered = 0.0
        if not active:
            self.began = None
