"""Truth and calibration: complete, in the picture, and refused where they would be wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from samples.facade.render import Renderer
from samples.facade.scenario import Branch, Fall, Scenario, Side, Thing
from samples.facade.truth import clip_truth, episodes_of, facade_settings, homography_points


def test_an_episode_lasts_from_the_release_until_it_is_gone(small: Scenario) -> None:
    renderer = Renderer(small)
    (episode,) = episodes_of(renderer)
    assert episode.start_seconds == small.falls[0].release_seconds
    assert episode.start_seconds < episode.end_seconds < small.seconds
    assert not episode.landed
    assert episode.seen_drop_m > 4
    assert episode.contrast_to_noise > 5
    end = renderer.things()[0].path.at(np.array([episode.end_seconds, episode.end_seconds + 0.02]))
    assert small.camera.contains(small.camera.project(end)).tolist() == [True, False]


def test_an_episode_ends_on_the_ground_where_the_ground_is_seen(small: Scenario) -> None:
    level = replace(small, camera=replace(small.camera, tilt_degrees=8.0), falls=(replace(small.falls[0], floor=3),))
    (episode,) = episodes_of(Renderer(level))
    assert episode.landed
    assert episode.track[-1].metres[1] < 1.5


def test_clip_truth_has_the_form_that_eval_reads(small: Scenario) -> None:
    entry = clip_truth(small, episodes_of(Renderer(small)))
    assert entry["file"] == "small.mp4"
    assert [set(episode) for episode in entry["episodes"]] == [{"hazard", "start_seconds", "end_seconds"}]
    assert clip_truth(small, []) == {"file": "small.mp4", "episodes": []}


@pytest.mark.parametrize(
    ("fall", "problem"),
    [
        (Fall(Thing.BOX, 2.8, floor=5, bay=2), "ends at"),
        (Fall(Thing.BOX, 0.5, floor=5, bay=2, sideways_m_s=400.0, outward_m_s=-30), "never in the picture"),
    ],
)
def test_falls_that_cannot_be_judged_are_refused(small: Scenario, fall: Fall, problem: str) -> None:
    hidden = replace(
        small, falls=(fall,), building=replace(small.building, centre_x_m=0.0 if "ends" in problem else 300.0)
    )
    with pytest.raises(ValueError, match=problem):
        episodes_of(Renderer(hidden))


def test_calibration_lies_in_the_picture_and_leads_to_the_same_metres(small: Scenario) -> None:
    branches = (Branch(Side.LEFT, 0.3), Branch(Side.RIGHT, 0.2, masked=False))
    settings = facade_settings(Renderer(replace(small, nuisances=branches, caption="CAM")))
    assert len(settings["ignore"]) == 2  # the masked branch and the caption
    for ring in (settings["polygon"], *settings["ignore"]):
        assert len(ring) >= 3
        assert all(0 <= x < small.camera.width and 0 <= y < small.camera.height for x, y in ring)
    for point in homography_points(small.camera):
        there = small.camera.to_facade(np.array([point["pixel"]]))[0]
        assert there == pytest.approx(point["metres"], abs=0.1)


def test_masked_outline_holds_all_that_swings(quiet: Scenario) -> None:
    import cv2

    calm = replace(quiet, falls=(), nuisances=(Branch(Side.RIGHT, 0.3, swing_px=5),), seconds=10.0)
    renderer, still = Renderer(calm), Renderer(replace(calm, nuisances=()))
    (outline,) = renderer.masked_outlines()
    inside = np.zeros((calm.camera.height, calm.camera.width), np.uint8)
    cv2.fillPoly(inside, [np.array(outline, np.int32)], 1)
    reference = still.frame(0)[: calm.camera.height].astype(int)
    for index in range(0, 100, 5):
        changed = np.abs(renderer.frame(index)[: calm.camera.height].astype(int) - reference) > 6
        assert not np.any(changed & (inside == 0))
