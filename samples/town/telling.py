"""The truth of a pair as one JSON file: poses, lenses, changes, nuisances."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from edge.flights.local import LocalPlane
from edge.flights.reading.angles import attitude_of
from edge.vision.arrays import Doubles
from edge.vision.lens import Lens
from edge.vision.pose import Pose
from samples.town.pairs import Flown, Truth


def told(truth: Truth, made_by: str) -> dict[str, Any]:
    """Plain values. Outlines are rings of [longitude, latitude], closed, and of [east, north] in metres."""
    plane = LocalPlane(truth.before.town.origin)
    return {
        "made_by": made_by,
        "origin": list(truth.before.town.origin.coordinates),
        "size_m": truth.before.town.size_m,
        "flights": [_flight(flown, plane) for flown in (truth.before, truth.after, truth.again)],
        "changes": [
            {
                "key": change.key,
                "kind": change.kind.value,
                "must_be_found": change.is_new_structure,
                "area_m2": round(change.area_m2, 2),
                "top_m": round(change.top_m, 2),
                "base_m": round(change.base_m, 2),
                "built_between": [truth.before.began_at.isoformat(), truth.after.began_at.isoformat()],
                **_ring(change.outline, plane),
            }
            for change in truth.changes
        ],
        "nuisances": [{"kind": n.kind.value, **_ring(n.outline, plane)} for n in truth.nuisances],
    }


def write_truth(path: Path, truth: Truth, made_by: str) -> None:
    """Writes `told` to a file; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told(truth, made_by), indent=1) + "\n", encoding="utf-8")


def pose_values(pose: Pose, plane: LocalPlane) -> dict[str, float]:
    """Place in degrees and metres, turn in degrees."""
    attitude, point = attitude_of(pose.turn), plane.point(pose.east_m, pose.north_m)
    return {
        "longitude": round(point.longitude, 9),
        "latitude": round(point.latitude, 9),
        "east_m": round(pose.east_m, 4),
        "north_m": round(pose.north_m, 4),
        "up_m": round(pose.up_m, 4),
        "yaw": round(attitude.yaw, 5),
        "pitch": round(attitude.pitch, 5),
        "roll": round(attitude.roll, 5),
    }


def lens_values(lens: Lens) -> dict[str, Any]:
    """The fields of a lens."""
    return asdict(lens)


def _flight(flown: Flown, plane: LocalPlane) -> dict[str, Any]:
    return {
        "name": flown.name,
        "began_at": flown.began_at.isoformat(),
        "positioning": flown.noise.positioning.value,
        "day": {name: getattr(flown.state, name) for name in flown.state.__slots__},
        "true_lens": lens_values(flown.survey.true_lens),
        "said_lens": lens_values(flown.survey.said_lens),
        "shots": [
            {
                "number": n,
                "seconds": shot.seconds,
                "true": pose_values(shot.true_pose, plane),
                "said": pose_values(shot.said_pose, plane),
            }
            for n, shot in enumerate(flown.survey.shots)
        ],
    }


def _ring(outline: Doubles, plane: LocalPlane) -> dict[str, Any]:
    closed = np.concatenate((outline, outline[:1]))
    return {"outline": np.round(plane.degrees(closed), 9).tolist(), "outline_m": np.round(closed, 3).tolist()}
