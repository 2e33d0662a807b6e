"""Whether a head can be seen. Unknown is an answer; that nothing shines is not its synonym.

What stands before a head hides its outline and what is around it; fog takes their contrast. Both are compared with what
they looked like while a lamp of the head was lit, for that proves that one saw it:

- *structure*: the direction of edges, which no light changes (housing against the sky, unlit parts, wires, houses
  behind). Where there is enough of it, it decides: by day, at dusk, and at night wherever street lamps reach.
- *levels*: how bright each part is. A head that is black before a black sky has no edges to compare. But darkness
  hides no lamp: only a thing before it does, and that is hardly ever as black as the night, and if nothing of the
  head's surroundings has changed but that the lamps went out, nothing came before it.

Cells that a lit lamp's halo reaches are neither compared nor learned. Each light has its own memory.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.detectors.traffic_signal.chips import GRID, Layout, Samples
from edge.detectors.traffic_signal.lamps import Light
from edge.detectors.traffic_signal.readings import Unseen
from edge.detectors.traffic_signal.saved import number_in, unless_damaged
from edge.vision.arrays import Floats

Flags = NDArray[np.bool_]

_CELLS = GRID - 2
"""Cells that have neighbours on all sides, and so a gradient."""
_NOISE = np.array([7.0, 6.0, 4.0, 5.0], np.float32)
"""Grey levels between neighbours, by light: a gradient of this size counts half. What noise and compression leave in
cells, averaged over _SMOOTH_SECONDS at night."""
_SMOOTH_SECONDS = np.array([0.0, 0.5, 2.0, 2.0], np.float32)
"""By light: pictures of the night are noisier, and cells averaged over this time are not."""
_REACH = (0.9, 1.2, 1.4, 1.6)
"""Diameters from the centre of a lit lamp, by light, that its halo changes: the darker, the farther."""
_BLOCKS = 4
_LEARN_SECONDS = 240.0
_KNOWN_SECONDS, _LONG_KNOWN_SECONDS = 4.0, 40.0
"""For which a cell must have been seen to be compared; and for it to be known that nothing steady is there."""
_ENOUGH = 10.0
"""Cells' worth of learned structure that decides by itself; an outline of a head has 20-60."""
_STEADY = 1.5
"""A cell's mean direction must outweigh how much it wobbles."""
_COLD_SHARE = 0.13
"""Of the outline as drawn, found before anything is learned: drawings are a pixel or two off."""
_SHARE, _CORRELATION = 0.45, 0.4
"""Of the learned structure: how much of it must be there, and how much of what is there must be it."""
_CONTRAST = 0.42
"""Of the usual contrast: less, and a lamp's light may be lost as well."""
_FOREIGN_SHARE, _CLEAR_EDGE = 0.5, 0.3
"""Of the clear edges within a housing; and what is one, far above noise."""
_LAMP_ENOUGH, _LAMP_SHARE = 3.0, 0.3
"""Cells' worth of structure around a lamp, and how much of it must be there."""
_ALIGN_BELOW, _ALIGN_GAIN, _ALIGN_TO = 0.7, 0.15, 0.5
"""Share of the structure below which a head is looked for beside its place, and what it must gain and reach there."""
_SHIFT = 2
"""Cells on each side."""
_CERTAIN_SHARE = 0.75
_HIDDEN_SHARE = 0.35
"""Of the structure, or of the blocks, that may differ: a wire, a leaf, a bird."""
_INTACT_SHARE = 0.7
"""Of the structure of blocks that are not hidden."""
_BLOCK_SHARE = 0.3
_LEVEL_STEP, _LEVEL_SHARE = 5.0, 0.2
"""Grey levels, and share of the level, by which a block may differ when only levels are there to compare."""
_JUDGED_SECONDS = 0.5
"""How long a judgement stands while nothing has changed: what comes before a head changes what is seen there."""
_SAME_CELLS, _SAME = 4, 5.0
"""Cells across and down a part of a head, and grey levels by which its mean may differ for the head to look the same:
noise and compression move such a mean by one."""
_SCENE_CONTRAST = 25.0
"""Grey levels between the darkest and the brightest of a picture: less, and nothing can be seen anywhere."""


@dataclass(slots=True, eq=False)
class _Memory:
    """What heads look like in one light: all (h, …, cells, cells)."""

    edges: Floats
    """(h, 2, …) mean orientation, length 0-1."""
    strength: Floats
    """Mean length of the gradient, grey levels: what fog takes."""
    levels: Floats
    spread: Floats
    """Mean distance from the level."""
    wobble: Floats
    """Mean squared distance of the orientation from its mean: of noise and leaves it is more than the mean's own."""
    seconds: Floats
    """For how long each cell was seen."""


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """h heads. `unseen`: why, if one cannot be seen. `lit_only` (h,): a lamp that shines would be seen, but that none
    does could not be told."""

    unseen: tuple[Unseen | None, ...]
    lit_only: Flags
    certain: Flags
    """(h,): what was learned is there so well that more may be learned from this picture, lit or not."""
    hidden_lamps: Flags
    """(n,): something is before this lamp, though not before all of its head."""
    contrast: Floats
    """(h,) of the usual contrast, how much is left: in fog lamps stand out less by as much."""


class Sight:
    """Remembers what each head and its surroundings look like."""

    def __init__(self, points: Layout) -> None:
        heads = len(points.ids)
        self._points = points
        self._drawn, self._reach, self._near, self._housing = _drawn(points)
        self._glowed = np.zeros(len(points.colours), bool)
        self._all = np.ones((heads, _CELLS, _CELLS), np.float32)
        cells = (_CELLS, _CELLS)
        self._memories = [
            _Memory(
                np.zeros((heads, 2, *cells), np.float32), *(np.zeros((heads, *cells), np.float32) for _ in range(5))
            )
            for _ in Light
        ]
        self._smooth = np.zeros((heads, GRID, GRID), np.float32)
        self._smooth_light: Light | None = None
        self._edges = np.zeros((heads, 2, *cells), np.float32)
        self._levels = np.zeros((heads, *cells), np.float32)
        self._strength = np.zeros((heads, *cells), np.float32)
        self._light: Light | None = None
        self._scene_level = np.zeros(len(Light), np.float32)
        self._judgement: Judgement | None = None
        self._judged_on: tuple[Light, bytes, bytes] | None = None
        self._judged_grids = np.zeros((heads, GRID, GRID), np.float32)
        self._waited_seconds = 0.0
        self._fresh = False
        """The latest picture was judged for itself, and nothing learned from it yet."""
        self._weights = self._all

    def judge(self, samples: Samples, light: Light, lit: Flags, glowing: Flags, seconds: float) -> Judgement:
        """Why heads cannot be seen. `lit` (h,): a lamp of it surely is. `glowing` (n,): lamps whose halo is not to be
        compared. `seconds` since the last picture.

        A judgement stands for a while (the same object is given) if the heads look the same, the same lamps shine, and
        each head that was seen has a lamp that surely does: that nothing shines is never said on an older look.
        """
        self._take(samples, light, glowing, seconds)
        self._waited_seconds += seconds
        on = light, lit.tobytes(), glowing.tobytes()
        if self._judgement is not None and on == self._judged_on and self._stands(self._judgement, lit):
            return self._judgement
        self._judged_on, self._judged_grids, self._fresh = on, self._smooth, True
        self._judgement = self._judge(samples, light, lit, glowing)
        return self._judgement

    def _stands(self, judgement: Judgement, lit: Flags) -> bool:
        if self._waited_seconds >= _JUDGED_SECONDS - 1e-6:
            return False
        if not all(shines or reason is not None for shines, reason in zip(lit, judgement.unseen, strict=True)):
            return False
        apart = (self._smooth - self._judged_grids).reshape(-1, GRID)
        parts = cv2.resize(apart, (GRID // _SAME_CELLS, len(apart) // _SAME_CELLS), interpolation=cv2.INTER_AREA)
        return bool(np.abs(parts).max() <= _SAME)

    def _judge(self, samples: Samples, light: Light, lit: Flags, glowing: Flags) -> Judgement:
        self._look(light)
        memory = self._memories[light]
        weights = self._weights = self._usable(glowing, light)
        known = weights * (memory.seconds >= _KNOWN_SECONDS)
        steady = known * ((memory.edges**2).sum(axis=1) > _STEADY * memory.wobble)
        structure = _structure(self._edges, memory.edges, steady)
        contrast = self._contrast(memory, steady, structure)
        foreign = self._foreign(weights * (memory.seconds >= _LONG_KNOWN_SECONDS), steady)
        hidden_lamps = self._hidden_lamps(memory, steady)
        enough = structure.energy >= _ENOUGH
        is_known = (known.sum(axis=(1, 2)) > 0.3 * weights.sum(axis=(1, 2))) | enough
        # Hardly ever asked for, and each as dear as all else.
        cold_share = structure.energy if is_known.all() else self._as_drawn(weights)
        changed = structure.energy if enough.all() else self._changed(samples, memory, known, light)
        ordered = samples.scene
        blind = float(ordered[int(0.997 * len(ordered))] - ordered[len(ordered) // 50]) < _SCENE_CONTRAST
        unseen: list[Unseen | None] = []
        lit_only = np.zeros(len(lit), bool)
        for head in range(len(lit)):
            reason: Unseen | None = None
            if blind and not lit[head]:
                reason = Unseen.FOG
            elif not is_known[head]:
                reason = None if lit[head] or cold_share[head] >= _COLD_SHARE else Unseen.OCCLUDED
            elif structure.energy[head] >= _ENOUGH:
                reason = structure.reason(head)
                if reason is None and foreign[head] > _FOREIGN_SHARE:
                    reason = Unseen.OCCLUDED
                if reason is None and contrast[head] < _CONTRAST:
                    reason = Unseen.FOG
                lit_only[head] = reason is Unseen.FOG
            elif changed[head] > _HIDDEN_SHARE:
                reason = Unseen.OCCLUDED
            unseen.append(reason)
        certain = (structure.energy >= _ENOUGH) & (structure.share > _CERTAIN_SHARE) & (structure.hidden < 0.1)
        return Judgement(tuple(unseen), lit_only, certain & (contrast > _CERTAIN_SHARE), hidden_lamps, contrast)

    def _foreign(self, known: Floats, steady: Floats) -> Floats:
        """(h,) the share of clear edges within the housing that do not belong there: leaves, mostly."""
        clear = (self._edges**2).sum(axis=1)
        clear = np.where((clear > _CLEAR_EDGE) & (self._housing > 0), clear, 0) * known
        total = clear.sum(axis=(1, 2))
        return np.asarray((clear * (steady == 0)).sum(axis=(1, 2)) / np.maximum(total, _ENOUGH / 2), np.float32)

    def _hidden_lamps(self, memory: _Memory, steady: Floats) -> Flags:
        """(n,) lamps around which what was learned is gone."""
        heads = self._points.head_of
        weights = self._near * steady[heads]
        then = memory.edges[heads]
        own = ((then * then).sum(axis=1) * weights).sum(axis=(1, 2))
        both = ((self._edges[heads] * then).sum(axis=1) * weights).sum(axis=(1, 2))
        return np.asarray((own >= _LAMP_ENOUGH) & (both < _LAMP_SHARE * own))

    def _contrast(self, memory: _Memory, steady: Floats, structure: _Structure) -> Floats:
        """(h,) the contrast of what is known to be there against what it usually is; 1 where that cannot be told."""
        weights = steady * memory.strength
        usual = (weights * memory.strength).sum(axis=(1, 2))
        found = (weights * self._strength).sum(axis=(1, 2)) / np.maximum(usual, 1e-3)
        told = (structure.energy >= _ENOUGH) & (structure.correlation >= _CORRELATION)
        return np.where(told, np.clip(found, 0, 1), 1).astype(np.float32)

    def _as_drawn(self, weights: Floats) -> Floats:
        """(h,) how much of the drawn outline, or of the drawn lenses, is there."""
        shares = []
        for drawn, where in ((self._drawn[:, :2], weights), (self._drawn[:, 2:], np.float32(1))):
            common = ((self._edges * drawn).sum(axis=1) * where).sum(axis=(1, 2))
            shares.append(common / np.maximum(((drawn**2).sum(axis=1) * where).sum(axis=(1, 2)), 1e-3))
        return np.asarray(np.maximum(*shares), np.float32)

    def _take(self, samples: Samples, light: Light, glowing: Flags, seconds: float) -> None:
        smooth = float(_SMOOTH_SECONDS[light])
        share = 1.0 if light is not self._smooth_light else seconds / max(smooth, seconds, 1e-3)
        self._smooth = (
            samples.grids if share == 1.0 else self._smooth + np.float32(share) * (samples.grids - self._smooth)
        )
        if share < 1 and light is Light.DUSK:
            # What a lamp's halo left in the average is no edge of anything: flashing would look like leaves. By night
            # single pictures' noise would look like them too.
            for lamp in np.flatnonzero(self._glowed & ~glowing):
                head, reached = self._points.head_of[lamp], np.pad(self._reach[lamp, light], 1, mode="edge")
                self._smooth[head][reached] = samples.grids[head][reached]
        self._glowed = glowing
        self._smooth_light = light

    def _look(self, light: Light) -> None:
        self._edges, self._strength = _orientation(self._smooth, float(_NOISE[light]))
        self._levels = self._smooth[:, 1:-1, 1:-1].copy()
        self._align(light)
        if light is not self._light and self._light is not None:
            self._carry_over(self._light, light)
        self._light = light

    def _align(self, light: Light) -> None:
        """Moves heads that are a cell or two beside their place onto it: a placement is exact to a few pixels only,
        and heads at different distances do not shift alike."""
        memory = self._memories[light]
        known = (memory.seconds >= _KNOWN_SECONDS) * ((memory.edges**2).sum(axis=1) > _STEADY * memory.wobble)
        energy = ((memory.edges**2).sum(axis=1) * known).sum(axis=(1, 2))
        share = ((self._edges * memory.edges).sum(axis=1) * known).sum(axis=(1, 2)) / np.maximum(energy, 1e-3)
        for head in np.flatnonzero((energy >= _ENOUGH) & (share < _ALIGN_BELOW)):
            then = memory.edges[head] * known[head]
            found = np.zeros((2 * _SHIFT + 1, 2 * _SHIFT + 1), np.float32)
            for now, part in zip(self._edges[head], then, strict=True):
                wide = cv2.copyMakeBorder(now, _SHIFT, _SHIFT, _SHIFT, _SHIFT, cv2.BORDER_WRAP)
                found += cv2.matchTemplate(wide, part, cv2.TM_CCORR)
            down, across = np.unravel_index(int(found.argmax()), found.shape)
            gained = float(found.max()) / energy[head]
            if gained < max(share[head] + _ALIGN_GAIN, _ALIGN_TO):
                continue
            best = _SHIFT - int(down), _SHIFT - int(across)
            self._edges[head] = np.roll(self._edges[head], best, (1, 2))
            self._strength[head] = np.roll(self._strength[head], best, (0, 1))
            self._levels[head] = np.roll(self._levels[head], best, (0, 1))

    def _carry_over(self, before: Light, now: Light) -> None:
        """Light fades: what was just seen in one is how the next begins, where that is not known yet."""
        old, new = self._memories[before], self._memories[now]
        fresh = (new.seconds < _KNOWN_SECONDS) & (old.seconds >= _KNOWN_SECONDS)
        if Light.INFRA_RED in (before, now):
            return
        for mine, theirs in (
            (new.levels, old.levels),
            (new.spread, old.spread),
            (new.wobble, old.wobble),
            (new.strength, old.strength),
        ):
            mine[fresh] = theirs[fresh]
        new.edges[:] = np.where(fresh[:, None], old.edges, new.edges)
        new.seconds[fresh] = _KNOWN_SECONDS
        if not self._scene_level[now]:
            self._scene_level[now] = self._scene_level[before]

    def _usable(self, glowing: Flags, light: Light) -> Floats:
        """Weights of cells that no halo reaches."""
        weights = self._all
        if glowing.any():
            weights = weights.copy()
            for lamp in np.flatnonzero(glowing):
                weights[self._points.head_of[lamp]] *= ~self._reach[lamp, light]
        return weights

    def _changed(self, samples: Samples, memory: _Memory, known: Floats, light: Light) -> Floats:
        """(h,) the share of blocks whose level is another than it was, allowing for what the whole scene did."""
        level = samples.level
        usual = float(self._scene_level[light])
        # A quarter of the street lamps may go out with the signals: not brighter, though, for a thing that comes
        # before the camera may be.
        gain = np.clip((level + 4) / (usual + 4), 0.3, 1.3) if usual else 1.0
        count = np.maximum(_blocks(known), 1e-3)
        usable = count >= 4
        now, then = _blocks(self._levels * known) / count, gain * _blocks(memory.levels * known) / count
        spread = _blocks(memory.spread * known) / count
        off = np.abs(now - then) > _LEVEL_STEP + _LEVEL_SHARE * then + 2 * spread
        return np.asarray((off & usable).sum(axis=(1, 2)) / np.maximum(usable.sum(axis=(1, 2)), 1), np.float32)

    def learn(self, proven: Flags, level: float) -> None:
        """Takes the latest picture as what `proven` (h,) heads look like, if it was judged for itself; for all the time
        since the one before that was. `level` of the whole picture."""
        if self._light is None or not self._fresh:
            return
        self._fresh, seconds, self._waited_seconds = False, self._waited_seconds, 0.0
        if not proven.any():
            return
        memory = self._memories[self._light]
        usable = (self._weights > 0) & proven[:, None, None]
        memory.seconds[usable] += seconds
        share = np.where(usable, np.minimum(seconds / np.clip(memory.seconds, 1e-3, _LEARN_SECONDS), 1.0), 0)
        share = share.astype(np.float32)
        off = self._edges - memory.edges
        memory.wobble += share * ((off * off).sum(axis=1) - memory.wobble)
        memory.edges += share[:, None] * off
        memory.strength += share * (self._strength - memory.strength)
        memory.spread += share * (np.abs(self._levels - memory.levels) - memory.spread)
        memory.levels += share * (self._levels - memory.levels)
        usual = float(self._scene_level[self._light])
        step = min(seconds / _LEARN_SECONDS, 1.0) if usual else 1.0
        self._scene_level[self._light] = usual + step * (level - usual)

    def save(self) -> Mapping[str, Any]:
        return {
            light.name.lower(): {
                "edges": _packed(memory.edges * 127, np.int8),
                "strength": _packed(memory.strength, np.uint8),
                "levels": _packed(memory.levels, np.uint8),
                "spread": _packed(memory.spread * 4, np.uint8),
                "wobble": _packed(memory.wobble * 100, np.uint8),
                "seconds": _packed(memory.seconds, np.uint8),
                "scene": round(float(self._scene_level[light]), 1),
            }
            for light, memory in zip(Light, self._memories, strict=True)
            if memory.seconds.any()
        }

    def load(self, saved: Mapping[str, Any]) -> None:
        """Takes up each light that is as it was saved."""
        self._judgement = None
        for light, memory in zip(Light, self._memories, strict=True):
            kept = saved.get(light.name.lower())
            if kept is None:
                continue
            with unless_damaged():
                edges = _unpacked(kept["edges"], np.int8, memory.edges.shape) / 127
                strength, levels, spread, wobble, seconds = (
                    _unpacked(kept[name], np.uint8, memory.levels.shape)
                    for name in ("strength", "levels", "spread", "wobble", "seconds")
                )
                self._scene_level[light] = number_in(kept["scene"], 0, 255)
                memory.edges[:], memory.strength[:], memory.levels[:] = edges, strength, levels
                memory.spread[:], memory.wobble[:], memory.seconds[:] = spread / 4, wobble / 100, seconds


@dataclass(frozen=True, slots=True, eq=False)
class _Structure:
    """h heads: how much learned structure there is (cells), what share of it is there, in how much it is like, and the
    share that lies in blocks that lost theirs."""

    energy: Floats
    share: Floats
    correlation: Floats
    hidden: Floats

    def reason(self, head: int) -> Unseen | None:
        if self.correlation[head] < _CORRELATION:
            return Unseen.OCCLUDED
        if self.hidden[head] > _HIDDEN_SHARE and self.share[head] > _INTACT_SHARE * (1 - self.hidden[head]):
            return Unseen.OCCLUDED  # fog takes a little everywhere; this took all of a part
        if self.share[head] < _SHARE:
            return Unseen.FOG
        return Unseen.OCCLUDED if self.hidden[head] > _HIDDEN_SHARE else None


def _structure(now: Floats, then: Floats, weights: Floats) -> _Structure:
    both = _blocks((now * then).sum(axis=1) * weights)
    own = _blocks((then * then).sum(axis=1) * weights)
    present = ((now * now).sum(axis=1) * weights).sum(axis=(1, 2))
    energy, common = own.sum(axis=(1, 2)), both.sum(axis=(1, 2))
    total = np.maximum(energy, 1e-3)
    return _Structure(
        energy=energy,
        share=common / total,
        correlation=common / np.sqrt(total * np.maximum(present, 1e-3)),
        hidden=(own * (both < _BLOCK_SHARE * own)).sum(axis=(1, 2)) / total,
    )


def _orientation(grids: Floats, noise: float) -> tuple[Floats, Floats]:
    """(h, 2, cells, cells): the gradient's direction, doubled so that dark on bright is as bright on dark; its length
    goes from 0 (nothing but noise) to 1. And (h, cells, cells), its length in grey levels."""
    x = grids[:, 1:-1, 2:] - grids[:, 1:-1, :-2]
    y = grids[:, 2:, 1:-1] - grids[:, :-2, 1:-1]
    x2, y2 = x * x, y * y
    over = 1 / (x2 + y2 + 4 * noise * noise)
    return np.stack(((x2 - y2) * over, 2 * x * y * over), axis=1), np.sqrt(x2 + y2)


def _blocks(cells: Floats) -> Floats:
    """(h, blocks, blocks) sums over near-equal parts."""
    edges = np.linspace(0, _CELLS, _BLOCKS + 1).astype(int)[:-1]
    return np.asarray(np.add.reduceat(np.add.reduceat(cells, edges, axis=1), edges, axis=2), np.float32)


def _drawn(points: Layout) -> tuple[Floats, Flags, Floats, Floats]:
    """The outline and the lenses as drawn (h, 2 + 2, cells,
    cells), as gradients; and what each
    lamp's halo reaches (n, lights, cells, cells); what lies around each lamp (n, cells, cells); the housing (h, …)."""
    drawn, reach, near, housing = [], [], [], []
    for number, (left, top, right, bottom) in enumerate(points.windows):
        x = left + (np.arange(1, GRID - 1) + 0.5) / GRID * (right - left)
        y = top + (np.arange(1, GRID - 1) + 0.5) / GRID * (bottom - top)
        weight = np.ones((_CELLS, _CELLS), np.float32)
        lenses = np.zeros((_CELLS, _CELLS), bool)
        for lamp in range(points.first[number], points.first[number + 1]):
            centre, diameter = points.centres[lamp], points.diameters[lamp]
            distance = np.hypot(x[None] - centre[0], y[:, None] - centre[1])
            weight[distance < 0.75 * diameter] = 0
            lenses |= distance < 0.5 * diameter
            near.append(distance < 0.95 * diameter)
            reach.append([distance < r * diameter for r in _REACH])
        box = points.boxes[number]
        solid = (x[None] >= box[0]) & (x[None] <= box[2]) & (y[:, None] >= box[1]) & (y[:, None] <= box[3])
        housing.append(solid)
        drawn.append(np.concatenate((_edges_of(solid) * weight, _edges_of(lenses))))
    return np.stack(drawn), np.stack(reach), np.stack(near).astype(np.float32), np.stack(housing).astype(np.float32)


def _edges_of(solid: Flags) -> Floats:
    smooth = cv2.GaussianBlur(np.pad(solid.astype(np.float32), 1), (3, 3), 0.8) * 120
    edges, _ = _orientation(smooth[None].astype(np.float32), float(_NOISE[0]))
    return np.asarray(edges[0], np.float32)


def _packed(values: Floats, kind: type[np.int8 | np.uint8]) -> str:
    limits = np.iinfo(kind)
    whole = np.clip(np.rint(values), limits.min, limits.max).astype(kind)
    return base64.b64encode(whole.tobytes()).decode("ascii")


def _unpacked(text: str, kind: type[np.int8 | np.uint8], shape: tuple[int, ...]) -> Floats:
    found = np.frombuffer(base64.b64decode(text), kind).reshape(shape)
    return np.asarray(found.astype(np.float32), np.float32)
