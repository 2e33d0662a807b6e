"""Real photographs of one flight, minutes apart: nothing has changed."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.vision.change.comparing import Compared, CompareSettings, compare
from edge.vision.change.registering import Refused, RegisterSettings
from edge.vision.change.views import View, view_of
from edge.vision.lens import Lens
from edge.vision.pose import Pose, turned

FOLDER = Path(__file__).parents[5] / "shared" / "data" / "drone" / "park_survey"
LENS = Lens(4000, 2250, 2222.0, 2222.0, 1999.5, 1124.5, focal_sigma=0.02)
POSES = {"DJI_0019": (0.0, 0.0, 40.1, 42.8), "DJI_0020": (9.7, 9.7, 40.1, 44.2), "DJI_0021": (19.1, 19.4, 40.1, 45.0)}
"""East, north, up, yaw as the photographs say. DJI_0018 says that it was taken 220 m away from what it shows."""


@lru_cache
def seen(name: str) -> View:
    picture = cv2.imread(str(FOLDER / f"{name}.JPG"))
    if picture is None:
        pytest.skip("the shared photographs of a park are not on this machine")
    east, north, up, yaw = POSES[name]
    return view_of(np.asarray(picture, np.uint8), LENS, Pose(east, north, up, turned(yaw, -90, 0)), gsd_m=0.08)


@pytest.mark.parametrize(("before", "after"), [("DJI_0019", "DJI_0020"), ("DJI_0020", "DJI_0021")])
def test_nothing_has_changed_between_two_photographs(before: str, after: str) -> None:
    settings = CompareSettings(registering=RegisterSettings(reach_px=150, least_inliers=25), highest_m=18)
    found = compare(seen(before), seen(after), settings)
    # Tree tops at half the flying height fill most of them: that they cannot be registered is an answer too.
    if isinstance(found, Refused):
        assert "points" in found.why
        return
    assert isinstance(found, Compared)
    assert [each for each in found.candidates if each.confidence >= 0.5] == []
