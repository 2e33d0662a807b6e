"""Looking at evidence: it arrives while one looks, plays, steps, and shows what the detector saw."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.console.box import LEVEL, telemetry_document, track_document
from tests.console.conftest import Centre, Desk, choose

pytestmark = pytest.mark.browser

CLIP = (Path(__file__).parents[2] / "samples" / "clips" / "gate-3.mp4").read_bytes()


def picture(shade: int) -> bytes:
    """A JPEG of one colour."""
    encoded = cv2.imencode(".jpg", np.full((480, 854, 3), shade, dtype=np.uint8))[1]
    return encoded.tobytes()


def test_evidence_arrives_while_one_looks(centre: Centre, desk: Desk) -> None:
    box = centre.box
    episode = box.sees("evidence", (113.6440, 34.7400))
    page = desk.signed_in()
    choose(page, "evidence")
    expect(page.get_by_test_id("evidence-waiting")).to_contain_text("on its way")

    raw, drawn, track = picture(60), picture(200), track_document(episode)
    box.announces(episode, "snapshot", raw, "image/jpeg")
    box.announces(episode, "overlay", drawn, "image/jpeg")
    box.announces(episode, "track", track, "application/json")
    box.announces(episode, "clip", CLIP, "video/mp4", episode.started_at - timedelta(seconds=5))
    box.says(episode, "cleared")
    for content in (raw, drawn, track):
        box.uploads(content)
    shown = page.get_by_test_id("snapshot")
    expect(shown).to_have_attribute("data-overlay", "true")
    page.keyboard.press("o")
    expect(shown).to_have_attribute("data-overlay", "false")
    page.keyboard.press("o")

    box.uploads(CLIP)
    expect(page.get_by_test_id("clip")).to_be_visible()
    expect(page.get_by_test_id("clip")).to_have_js_property("readyState", 4)
    page.keyboard.press("Space")
    assert seconds(page, 5.9) == pytest.approx(5.9, abs=0.05)
    assert overlay_is_drawn(page)
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(300)
    after = position(page)
    page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(300)
    assert after - position(page) == pytest.approx(0.04, abs=0.005)
    page.get_by_test_id("overlay-toggle").click()
    expect(page.get_by_test_id("clip-overlay")).to_have_count(0)


def test_a_sensor_shows_its_readings_against_the_limit(centre: Centre, desk: Desk) -> None:
    box = centre.box
    episode = box.sees("level", (113.6520, 34.7480), hazard="water_level", detail=LEVEL, severity="yellow")
    content = telemetry_document(episode)
    box.announces(episode, "telemetry", content, "application/json")
    box.says(episode, "updated")
    box.uploads(content)
    page = desk.signed_in()
    choose(page, "level")
    chart = page.get_by_test_id("telemetry")
    expect(chart).to_be_visible()
    expect(chart).to_contain_text("limit 1.2")
    expect(chart).to_contain_text("clears 1.08")
    expect(page.get_by_test_id("overlay-toggle")).to_have_count(0)


def position(page: Page) -> float:
    found = page.get_by_test_id("clip").evaluate("video => video.currentTime")
    return float(found)


def seconds(page: Page, moment: float) -> float:
    """Moves the stopped clip to a moment and waits until it is there."""
    page.get_by_test_id("clip").evaluate(
        """(video, moment) => new Promise((done) => {
            video.pause();
            video.addEventListener('seeked', () => setTimeout(done, 300), {once: true});
            video.currentTime = moment;
        })""",
        moment,
    )
    return position(page)


def overlay_is_drawn(page: Page) -> bool:
    """Whether anything of the trajectory is on the canvas over the clip."""
    found = page.get_by_test_id("clip-overlay").evaluate(
        """canvas => {
            const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
            return pixels.some((value, k) => k % 4 === 3 && value > 200);
        }"""
    )
    return bool(found)
