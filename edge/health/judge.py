"""What single pictures of a camera say of its sight, against the views that were learned of it.

All figures below were set on drawn scenes and real clips, see docs/edge/health.md. They are measures of structure that
stays where it was, so that neither the light nor the weather nor the traffic decides.
"""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from edge.config.health import CameraCondition, CameraHealthSettings
from edge.detectors.interface import Image
from edge.health.views import MAX_VIEWS, Size, View, ViewsBySize, new_view, views_as_text, views_from_text
from edge.vision.halving import Halver
from edge.vision.registration import Shift, orientation_spectrum, shift_between
from edge.vision.stillness import StillWatch
from edge.vision.structure import Blocks, Gradients, Tones, coarse, common_structure, gradients, tones

SEEN_FROM = 0.5
"""Mean product of the gradients of two successive pictures above which a block shows something."""
FLAT_BELOW = 0.15
"""The same below which it shows nothing; between the two lie dense fog and dark corners."""
FLAT_COARSE_BELOW = 0.3
"""The same for the coarse picture of a flying camera, against itself: strong noise (4 levels of grey) leaves 0.2, drawn
ground 5-50."""
FLAT_SHARE = 0.95
KNOWN_FROM = 0.3
"""Correlation of a block with the view: what stands there is what stood there. Chance gives 0.00 ± 0.05."""
LOST_BELOW = 0.1
"""Share of a block's structure below which it is gone."""
COVERED_SHARE, STILL_COVERED_SHARE = 0.65, 0.55
"""Share of the textured blocks that are neither known nor show anything: below the first a vehicle stands before the
lens; paint leaves a corner free; once covered, the second holds."""
ALIVE_SHARE = 0.5
SUDDEN_SECONDS = 20.0
"""What covers a lens does it in a second; a fog, or the night, takes minutes. Slower losses are nobody's act."""
DARK_HIGH, DARK_TOP = 30.0, 24.0
"""Grey levels that 95 and 99 % of a dark picture stay below (black is 0 or 16)."""
DARK_SEEN_SHARE = 0.15
"""A dark street with one lamp shows more blocks than this: it is dark, and not underexposed."""
CLIPPED_SHARE = 0.5
BLURRED_BELOW = 0.5
"""Fine structure against coarse, both against the view: fog and night take from both (0.6-1), bad focus takes the fine
(at 240 pixels 0.5 at a blur of 0.4 % of the width and 0.3 at 0.6 %)."""
SHARP_FROM = 0.6
LEARN_SHARP_FROM = 0.7
"""A view is not taught by a picture that is losing its focus, however slowly."""
SHARPNESS_SECONDS = 10.0
SHARP_LOOKS = 7
"""Looks that the median is taken over: a camera that trembles is sharp in some and less in others."""
BLUR_BLOCKS = 12
"""Blocks that must show their coarse structure before focus is judged."""
SAME_LIGHT_FROM = 0.6
"""Correlation of a block's coarse structure with the view: lower, and other edges are lit than those that were
learned, whose sharpness nobody knows."""
PEAK_FROM, PEAK_TO_RIVAL = 12.0, 1.4
"""A shift is believed from here. Noise alone peaks at 5; the same place in another light at 24-100."""
REGISTER_SECONDS = 3.0
ELSEWHERE_SECONDS = 10.0
"""How long nothing of the view must be found in a clear picture before the camera is taken to look elsewhere."""
ELSEWHERE_SEEN_SHARE = 0.3
BORROWED_SECONDS = 30.0
"""How long pictures of another size must show something, and nothing that the other size shows, before they are taken
to show another part of the place: some cameras crop one of their streams."""
NEW_LIGHT_SECONDS = 30.0
"""How long the place must look different, without having moved, before its new light gets a view of its own."""
SAME_LIGHT_SHARE = 0.6
STILL_MARGIN, LONGEST_STILL_SECONDS = 1.5, 120.0
"""A camera that has often stood still for so long by itself counts as frozen only after 1.5 times that, up to two
minutes."""
UNKNOWN_SECONDS, UNKNOWN_STILL_SECONDS = 120.0, 15.0
"""While a camera is new, nobody knows how long its encoder repeats a still picture."""

Figures = Mapping[CameraCondition, Mapping[str, float]]
_NO_FIGURES: Figures = {}


@dataclass(frozen=True, slots=True)
class Look:
    """What one picture says. A condition that is missing, or None, cannot be judged by it.

    `sees`: there is something to be seen; None: nobody can tell. `shift` in shares of the picture's width.
    """

    verdicts: Mapping[CameraCondition, bool | None] = field(default_factory=dict)
    figures: Figures = field(default_factory=lambda: _NO_FIGURES)
    sees: bool | None = None
    shift: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class _Sample:
    """One picture and what is measured of it."""

    picture: Image
    tones: Tones
    along: Gradients
    rough_along: Gradients
    stable: Blocks
    """Structure that the previous picture has too."""
    rough: Blocks
    energy: Blocks
    rough_energy: Blocks
    """Of the coarse picture alone."""
    seen_share: float
    """Of all blocks, those that show something."""


@dataclass(frozen=True, slots=True)
class _Against:
    """A sample against a view, over the view's textured blocks. Shares are of them."""

    known_share: float
    lost_share: float
    """Neither known nor showing anything."""
    sharpness: float | None
    """Fine against coarse structure, about 1 as learned. None: too little to judge by."""


class PictureJudge:
    """Judges one camera's pictures, one after the other. `remembered` is what `saved` gave in an earlier run.

    `moves`: the camera flies. It has no view to be compared with, so that neither movement nor focus can be judged, and
    a cover only by a picture without any structure of its own.
    """

    def __init__(self, settings: CameraHealthSettings, remembered: str | None, *, moves: bool = False) -> None:
        self._moves = moves
        self.view_is_new = False
        """A view was learned or dropped since `saved`."""
        self._settings = settings
        views, longest = ([], 0.0) if remembered is None else views_from_text(remembered)
        self._by_size = ViewsBySize(views)
        self._size: Size | None = None
        self._views: list[View] = []
        """Those of the present size."""
        self._halver = Halver()
        self._still = StillWatch()
        self._usual_still = longest
        self._watched = 0.0
        self._learning: View | None = None
        self._sharp: deque[float] = deque(maxlen=SHARP_LOOKS)
        self._previous: _Sample | None = None
        self._last = 0.0
        self._active = 0
        self._alive_at: float | None = None
        self._lost: bool | None = None
        """Whether the view was lost suddenly, while it is lost; None: not lost."""
        self._lost_slowly = False
        self._shift: Shift | None = None
        self._registered_at = float("-inf")
        self._elsewhere_since: float | None = None
        self._other_light_since: float | None = None
        self._unknown_seconds = 0.0
        """For how long nothing of a borrowed view has been recognised."""

    @property
    def views(self) -> Sequence[View]:
        """The views of pictures of the present size."""
        return tuple(self._views)

    def look(self, luma: Image, now: float, *, moved: bool = False) -> Look:
        """What a picture says; `now` in seconds on the camera's time axis. `moved`: it is known to look elsewhere."""
        small = self._halver.small(luma)
        if luma.shape != self._size:
            self._take_size(luma, small)
        sample = self._measure(small)
        seconds = max(0.0, min(now - self._last, 5.0)) if self._previous is not None else 0.0
        self._previous, self._last = sample, now
        still_seconds = self._still.saw(luma, now)
        if seconds == 0.0:
            # The first picture has no other to be compared with.
            return Look()
        # Of a flying camera two pictures show the same only by chance; what is coarse is structure and no noise.
        shown = sample.rough_energy if self._moves else sample.stable
        flat = float((shown < (FLAT_COARSE_BELOW if self._moves else FLAT_BELOW)).mean()) >= FLAT_SHARE
        view = None if self._moves else self._choose(sample, now)
        against = None if view is None else _compare(sample, view)
        if view is not None and against is not None and not flat:
            self._register(sample, view, against, now)
            if view.is_borrowed:
                self._recognise(sample, against, seconds, moved=moved)
        doubted = view is not None and view.is_borrowed
        verdicts = {
            CameraCondition.FROZEN: None if flat else self._frozen(still_seconds, seconds),
            CameraCondition.COVERED: self._covered(sample, against, flat, now),
            CameraCondition.MOVED: None if against is None or flat or doubted else self._moved(sample, against, now),
            CameraCondition.DEFOCUSED: self._blurred(view, against),
            CameraCondition.OVEREXPOSED: sample.tones.clipped >= CLIPPED_SHARE,
            CameraCondition.UNDEREXPOSED: self._too_dark(sample, flat, against),
        }
        if verdicts[CameraCondition.OVEREXPOSED] or verdicts[CameraCondition.UNDEREXPOSED]:
            verdicts[CameraCondition.COVERED] = None
        if still_seconds == 0.0 and not doubted and not self._moves and not any(verdicts.values()):
            self._learn(sample, view, against, seconds, now)
        figures = self._figures(sample, against, still_seconds)
        return Look(verdicts, figures, _sees(flat, against), self._moved_by())

    def forget_view(self) -> None:
        """Learns the view anew."""
        self._by_size.clear()
        self._lost, self._alive_at = None, None
        self._begin_comparing()
        self.view_is_new = True

    def forget_stream(self) -> None:
        """Another stream begins: its first picture is compared with none."""
        self._still.forget()
        self._previous = None

    def saved(self) -> str | None:
        """The views, for the outbox."""
        self.view_is_new = False
        return views_as_text(self._by_size.every, self._usual_still)

    # ---- sizes

    def _take_size(self, luma: Image, small: Image) -> None:
        """Pictures have another size from now on: the camera's other stream, or a setting of it."""
        rows, columns = luma.shape
        self._size = rows, columns
        self._views = self._by_size.of(self._size, (small.shape[0], small.shape[1]))
        self._previous = None
        self._active = 0
        self._begin_comparing()

    def _begin_comparing(self) -> None:
        """What was found against the views so far says nothing of those of now."""
        self._learning = None
        self._elsewhere_since = self._other_light_since = None
        self._shift = None
        self._registered_at = float("-inf")
        self._unknown_seconds = 0.0
        self._sharp.clear()

    def _recognise(self, sample: _Sample, against: _Against, seconds: float, *, moved: bool) -> None:
        """Takes borrowed views for this size's own once they prove to show this place. If they never do they are
        dropped, and learned anew; unless the camera was moved before, for then it is no wonder."""
        near = self._shift is not None and _is_certain(self._shift) and not self._is_far(self._shift)
        if near or against.known_share >= SAME_LIGHT_SHARE:
            for view in self._views:
                view.is_borrowed = False
            self.view_is_new = True
            return
        if sample.seen_share >= ELSEWHERE_SEEN_SHARE and not moved:
            self._unknown_seconds += seconds
            if self._unknown_seconds >= BORROWED_SECONDS:
                self._views.clear()

    # ---- measuring

    def _measure(self, small: Image) -> _Sample:
        along, rough_along = gradients(small), gradients(coarse(small))
        energy = common_structure(along, along)
        previous = self._previous
        stable = energy if previous is None else common_structure(along, previous.along)
        rough_energy = common_structure(rough_along, rough_along)
        rough = rough_energy if previous is None else common_structure(rough_along, previous.rough_along)
        seen = float(((rough_energy if self._moves else stable) >= SEEN_FROM).mean())
        return _Sample(small, tones(small), along, rough_along, stable, rough, energy, rough_energy, seen)

    def _choose(self, sample: _Sample, now: float) -> View | None:
        """The view whose light is that of the picture."""
        if not self._views:
            return None
        self._active = min(self._active, len(self._views) - 1)
        if len(self._views) > 1 and _known_share(sample, self._views[self._active]) < SAME_LIGHT_SHARE:
            shares = [_known_share(sample, view) for view in self._views]
            self._active = int(np.argmax(shares))
        view = self._views[self._active]
        view.used_at = now
        return view

    def _register(self, sample: _Sample, view: View, against: _Against, now: float) -> None:
        if now - self._registered_at < REGISTER_SECONDS and now >= self._registered_at:
            return
        self._registered_at = now
        spectrum = orientation_spectrum(sample.picture)
        shift = shift_between(view.spectrum, spectrum)
        if not _is_certain(shift) and against.known_share < SAME_LIGHT_SHARE:
            others = [shift_between(other.spectrum, spectrum) for other in self._views if other is not view]
            shift = max((shift, *others), key=lambda one: one.peak)
        self._shift = shift

    # ---- judging

    def _frozen(self, still_seconds: float, seconds: float) -> bool:
        self._watched += seconds
        self._usual_still = max(self._usual_still, self._still.usual)
        expected = self._usual_still * STILL_MARGIN
        if self._watched < UNKNOWN_SECONDS:
            expected = max(expected, UNKNOWN_STILL_SECONDS)
        return still_seconds > 0 and still_seconds >= min(expected, LONGEST_STILL_SECONDS)

    def _covered(self, sample: _Sample, against: _Against | None, flat: bool, now: float) -> bool | None:
        if against is None:
            return flat
        limit = COVERED_SHARE if self._lost is None else STILL_COVERED_SHARE
        if against.lost_share < limit and not flat:
            if against.lost_share <= 1 - ALIVE_SHARE:
                self._alive_at, self._lost = now, None
            return False
        if self._lost is None:
            # At a start there is no before: then only a picture without anything counts.
            self._lost = flat if self._alive_at is None else now - self._alive_at <= SUDDEN_SECONDS
        return True if self._lost else None

    def _moved(self, sample: _Sample, against: _Against, now: float) -> bool | None:
        shift = self._shift
        if shift is not None and _is_certain(shift):
            self._elsewhere_since = None
            return self._is_far(shift)
        if against.known_share >= KNOWN_FROM:
            self._elsewhere_since = None
            return False
        if sample.seen_share < ELSEWHERE_SEEN_SHARE or against.known_share > KNOWN_FROM / 2:
            return None
        if self._elsewhere_since is None or now < self._elsewhere_since:
            self._elsewhere_since = now
        return True if now - self._elsewhere_since >= ELSEWHERE_SECONDS else None

    def _is_far(self, shift: Shift) -> bool:
        x, y = self._total(shift)
        return float(np.hypot(x, y)) >= self._settings.moved_share

    def _total(self, shift: Shift) -> tuple[float, float]:
        moved = self._views[self._active].moved if self._views else (0.0, 0.0)
        return shift.x + moved[0], shift.y + moved[1]

    def _moved_by(self) -> tuple[float, float] | None:
        return None if self._shift is None or not _is_certain(self._shift) else self._total(self._shift)

    def _blurred(self, view: View | None, against: _Against | None) -> bool | None:
        if view is None or against is None or against.sharpness is None:
            self._sharp.clear()
            return None
        self._sharp.append(against.sharpness)
        if view.sharpness_seconds < SHARPNESS_SECONDS:
            return None
        sharpness = self._sharpness(view)
        if sharpness < BLURRED_BELOW:
            return True
        return False if sharpness >= SHARP_FROM else None

    def _sharpness(self, view: View) -> float:
        """Of the latest few pictures, against what is usual."""
        return statistics.median(self._sharp) / max(view.sharpness, 0.05)

    def _too_dark(self, sample: _Sample, flat: bool, against: _Against | None) -> bool:
        dim = sample.tones.high < DARK_HIGH and sample.seen_share < DARK_SEEN_SHARE
        dark = sample.tones.top < DARK_TOP or dim
        # Black at once is a cap on the lens, or the lamps went out; black from the start is no picture. `covered`
        # says both.
        return dark and not self._lost and not (flat and against is None)

    def _figures(self, sample: _Sample, against: _Against | None, still_seconds: float) -> Figures:
        bright = {"clipped_share": round(sample.tones.clipped, 3), "level_95": sample.tones.high}
        figures: dict[CameraCondition, Mapping[str, float]] = {
            CameraCondition.FROZEN: {"still_seconds": round(still_seconds, 1)},
            CameraCondition.OVEREXPOSED: bright,
            CameraCondition.UNDEREXPOSED: bright,
        }
        if against is not None:
            figures[CameraCondition.COVERED] = {
                "lost_share": round(against.lost_share, 3),
                "known_share": round(against.known_share, 3),
            }
            figures[CameraCondition.MOVED] = {"known_share": round(against.known_share, 3)}
            if self._sharp and self._views:
                figures[CameraCondition.DEFOCUSED] = {"sharpness": round(self._sharpness(self._views[self._active]), 3)}
        return figures

    # ---- learning

    def _learn(self, sample: _Sample, view: View | None, against: _Against | None, seconds: float, now: float) -> None:
        energies = (sample.stable, sample.rough, np.maximum(sample.energy - sample.stable, 0))
        if view is None or against is None:
            self._learn_new(sample, energies, seconds, now)
            return
        same_light = against.known_share >= SAME_LIGHT_SHARE
        certain = self._shift is not None and _is_certain(self._shift)
        if same_light:
            self._other_light_since = None
            self._learning = None
            new = view.sharpness_seconds < SHARPNESS_SECONDS
            sharp = not self._sharp or new or self._sharpness(view) >= LEARN_SHARP_FROM
            if certain and sharp:
                assert self._shift is not None, "it is certain"
                view.learn(sample.picture, energies, seconds, now)
                view.follow((self._shift.x, self._shift.y), seconds)
                if against.sharpness is not None:
                    view.learn_sharpness(against.sharpness, seconds)
            return
        if not certain:
            # Neither the light we know nor surely the place: nothing is learned of what may be another view.
            return
        if self._other_light_since is None or now < self._other_light_since:
            self._other_light_since = now
        if now - self._other_light_since >= NEW_LIGHT_SECONDS:
            self._learn_new(sample, energies, seconds, now)

    def _learn_new(self, sample: _Sample, energies: tuple[Blocks, Blocks, Blocks], seconds: float, now: float) -> None:
        if self._learning is None:
            assert self._size is not None, "a picture was looked at"
            self._learning = new_view(sample.picture, energies, self._size, now)
        self._learning.learn(sample.picture, energies, seconds, now)
        if self._learning.seconds < self._settings.learn_seconds:
            return
        learned, self._learning = self._learning, None
        learned.derive(now)
        if not learned.is_usable:
            return
        if self._views and self._shift is not None:
            learned.moved = self._total(self._shift)
        if len(self._views) >= MAX_VIEWS:
            self._views.remove(min(self._views, key=lambda view: view.used_at))
        self._views.append(learned)
        learned.used_at = now
        self._active = len(self._views) - 1
        self._other_light_since = None
        self.view_is_new = True


def _is_certain(shift: Shift) -> bool:
    return shift.peak >= PEAK_FROM and shift.peak >= PEAK_TO_RIVAL * shift.rival


def _correlation(sample: _Sample, view: View) -> Blocks:
    common = common_structure(sample.along, view.along)
    return np.asarray(common / np.sqrt(np.maximum(sample.energy * view.energy, 1e-6)), np.float32)


def _rough_correlation(sample: _Sample, view: View) -> Blocks:
    common = common_structure(sample.rough_along, view.rough_along)
    return np.asarray(common / np.sqrt(np.maximum(sample.rough * view.rough, 1e-6)), np.float32)


def _known_share(sample: _Sample, view: View) -> float:
    return float((_correlation(sample, view)[view.textured] >= KNOWN_FROM).mean())


def _compare(sample: _Sample, view: View) -> _Against | None:
    """None: the view has too little texture to be compared with."""
    if not view.is_usable:
        return None
    textured = view.textured
    known = _correlation(sample, view) >= KNOWN_FROM
    shows = (sample.stable >= LOST_BELOW * view.fine) | (sample.stable >= SEEN_FROM)
    lost = ~known & ~shows
    shown = (sample.rough >= 0.2 * view.rough) & (view.rough >= SEEN_FROM) & (view.fine >= SEEN_FROM)
    usable = textured & shown & (_rough_correlation(sample, view) >= SAME_LIGHT_FROM)
    sharpness = None
    if int(usable.sum()) >= BLUR_BLOCKS:
        # What shakes is sharp in each picture and differs between two: so the better of both measures counts.
        fine = np.maximum(sample.stable, sample.energy - view.noise)
        ratio = (fine[usable] / view.fine[usable]) / (sample.rough[usable] / view.rough[usable])
        ratio.sort()  # np.median costs six times as much
        sharpness = float(ratio[len(ratio) // 2])
    return _Against(float(known[textured].mean()), float(lost[textured].mean()), sharpness)


def _sees(flat: bool, against: _Against | None) -> bool | None:
    if flat or against is None:
        return not flat
    return True if against.known_share >= KNOWN_FROM else None
