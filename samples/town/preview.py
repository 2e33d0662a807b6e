"""Pictures to look at: both flights side by side, with the truth drawn where the true camera sees it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from edge.detectors.interface import Image
from samples.town.camera import Camera
from samples.town.changes import Change
from samples.town.pairs import Flown, TownPair

INK = {True: (60, 60, 255), False: (255, 120, 255)}


def sheet(path: Path, pair: TownPair, most: int = 4, width: int = 1000) -> None:
    """Rows of (before, after), `most` of them, each around the pictures of the second flight that show most changes."""
    truth = pair.truth
    shows = [_changes_in(truth.after, n, truth.changes) for n in range(len(truth.after.survey.shots))]
    order = sorted(range(len(shows)), key=lambda n: -len(shows[n]))
    chosen: list[int] = []
    seen: set[int] = set()
    for n in order:
        if len(chosen) < most and (not chosen or any(c.key not in seen for c in shows[n])):
            chosen.append(n)
            seen |= {c.key for c in shows[n]}
    rows = []
    for n in chosen:
        # The second flight's camera over the first flight's town: the same view, another day.
        after = truth.after.picture(n)
        shot = truth.after.survey.shots[n]
        before = truth.before.renderer.picture(truth.after.survey.true_lens, shot.true_pose, n)
        rows.append(np.hstack([_drawn(p, truth.after, n, shows[n], width) for p in (before, after)]))
    cv2.imwrite(str(path), np.vstack(rows))


def _changes_in(flown: Flown, number: int, changes: tuple[Change, ...]) -> list[Change]:
    found = []
    for change in changes:
        seen = outline_in(flown, number, change)
        if (seen > 0).all() and (seen < (flown.plan.width, flown.plan.height)).all():
            found.append(change)
    return found


def outline_in(flown: Flown, number: int, change: Change) -> np.ndarray:
    """(n, 2) pixels of a change's roof edge in a picture, by the true camera."""
    survey = flown.survey
    pose = survey.shots[number].true_pose
    points = np.concatenate((change.outline, np.full((len(change.outline), 1), change.top_m)), axis=1)
    return survey.true_lens.pixels(pose.to_camera(points))


def _drawn(picture: Image, flown: Flown, number: int, changes: list[Change], width: int) -> Image:
    scale = width / picture.shape[1]
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    for change in changes:
        points = np.round(outline_in(flown, number, change) * scale * 16).astype(np.int32)
        cv2.polylines(small, [points], True, INK[change.is_new_structure], 1, cv2.LINE_AA, 4)
        at = (int(points[0][0] / 16), int(points[0][1] / 16) - 3)
        cv2.putText(small, change.kind.value, at, cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1, cv2.LINE_AA)
    return np.asarray(small, np.uint8)


__all__ = ["Camera", "outline_in", "sheet"]
