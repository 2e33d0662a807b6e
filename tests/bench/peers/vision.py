"""Association and zones: ours and the peers' in turn, in one process and one thread. Prints JSON.

PYTHONPATH=. var/bench/peers/bin/python -m tests.bench.peers.vision ROUNDS
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version

import numpy as np
import supervision as sv
from trackers import ByteTrackTracker

from edge.vision.association import UNTRACKED, Tracker
from edge.vision.zones import Anchor, Zones, anchor_points

FPS = 25
LOOKS = 250
WIDTH, HEIGHT = 1920, 1080


def scene(objects: int, seed: int) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Ten seconds of things that cross a street: boxes, scores and which thing each is; one look in ten misses one."""
    random = np.random.default_rng(seed)
    place = random.uniform((0, 100), (WIDTH, HEIGHT), (objects, 2))
    speed = random.uniform(-80, 80, (objects, 2))
    size = random.uniform((30, 50), (90, 150), (objects, 2))
    looks = []
    for number in range(LOOKS):
        centre = place + speed * number / FPS
        boxes = np.concatenate((centre - size / 2, centre + size / 2), axis=1) + random.normal(0, 1.5, (objects, 4))
        scores = random.uniform(0.35, 0.95, objects)
        seen = random.uniform(size=objects) > 0.1
        looks.append((boxes[seen].astype(np.float32), scores[seen].astype(np.float32), np.flatnonzero(seen)))
    return looks


def association(objects: int, rounds: int) -> dict[str, list[float]]:
    """Milliseconds an update, a round each, and how often a thing changed its id."""
    result: dict[str, list[float]] = {"ours": [], "peer": [], "our_changes": [], "peer_changes": []}
    for number in range(rounds):
        looks = scene(objects, seed=number)
        ours, changes = our_tracker(looks)
        result["ours"].append(ours)
        result["our_changes"].append(changes)
        peer, changes = byte_track(looks)
        result["peer"].append(peer)
        result["peer_changes"].append(changes)
    return result


def our_tracker(looks: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> tuple[float, float]:
    tracker, names, spent = Tracker(), [], 0.0
    for number, (boxes, scores, things) in enumerate(looks):
        classes = np.zeros(len(boxes), np.int32)
        began = time.perf_counter()
        ids = tracker.update(boxes, scores, classes, number / FPS)
        spent += time.perf_counter() - began
        names.append((things, np.where(ids == UNTRACKED, -1, ids)))
    return spent / len(looks) * 1000, id_changes(names)


def byte_track(looks: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> tuple[float, float]:
    tracker, names, spent = ByteTrackTracker(frame_rate=FPS), [], 0.0
    for boxes, scores, things in looks:
        found = sv.Detections(boxes, confidence=scores, class_id=np.zeros(len(boxes), int), data={"thing": things})
        began = time.perf_counter()
        tracked = tracker.update(found)
        spent += time.perf_counter() - began
        names.append((np.asarray(tracked.data["thing"]), np.asarray(tracked.tracker_id)))
    return spent / len(looks) * 1000, id_changes(names)


def id_changes(names: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """How often a thing got another id than it had; negative ids are none."""
    last: dict[int, int] = {}
    changes = 0
    for things, ids in names:
        for thing, name in zip(things.tolist(), ids.tolist(), strict=True):
            if name < 0:
                continue
            changes += last.get(thing, name) != name
            last[thing] = name
    return float(changes)


def zones(rounds: int) -> dict[str, list[float]]:
    """Milliseconds for 10 zones and 50 boxes, a round of 100 each, and the share of answers that agree."""
    random = np.random.default_rng(5)
    polygons = [blob(random) for _ in range(10)]
    theirs = [sv.PolygonZone(polygon=np.rint(polygon).astype(int)) for polygon in polygons]
    ours = Zones([np.rint(polygon) for polygon in polygons])
    result: dict[str, list[float]] = {"ours": [], "peer": [], "agree": []}
    for _ in range(rounds):
        corner = random.uniform((0, 0), (WIDTH - 120, HEIGHT - 120), (50, 2))
        boxes = np.concatenate((corner, corner + random.uniform(20, 110, (50, 2))), axis=1).astype(np.float32)
        found = sv.Detections(boxes)
        began = time.perf_counter()
        for _ in range(100):
            mine = ours.contain(anchor_points(boxes, Anchor.BOTTOM))
        between = time.perf_counter()
        for _ in range(100):
            other = [zone.trigger(found) for zone in theirs]
        ended = time.perf_counter()
        result["ours"].append((between - began) * 10)
        result["peer"].append((ended - between) * 10)
        result["agree"].append(float((mine == np.array(other)).mean()))
    return result


def blob(random: np.random.Generator) -> np.ndarray:
    """A zone as people draw them: eight corners around a place."""
    angles = np.sort(random.uniform(0, 2 * np.pi, 8))
    radii = random.uniform(100, 300, 8)
    around = np.stack((np.cos(angles), np.sin(angles)), axis=1) * radii[:, None]
    middle = random.uniform((300, 300), (WIDTH - 300, HEIGHT - 300))
    return np.clip(around + middle, 0, (WIDTH - 1, HEIGHT - 1))


def main() -> None:
    rounds = int(sys.argv[1])
    association(20, 1)  # warm
    result = {
        "association_20": association(20, rounds),
        "association_50": association(50, rounds),
        "zones": zones(rounds * 5),
        "versions": {name: version(name) for name in ("trackers", "supervision")},
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
