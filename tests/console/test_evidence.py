"""Looking at evidence: it arrives while one looks, plays, steps, and shows what the detector saw."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.console.box import LEVEL, telemetry_document, track_document
from tests.console.conftest import PHONE, Centre, Desk, choose

pytestmark = pytest.mark.browser

H264 = 'video/mp4; codecs="avc1.640028"'
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

    raw, track = picture(60), track_document(episode)
    box.announces(episode, "snapshot", raw, "image/jpeg")
    box.announces(episode, "track", track, "application/json")
    box.announces(episode, "clip", CLIP, H264, episode.started_at - timedelta(seconds=5), short_seconds=2.5)
    box.says(episode, "cleared")
    for content in (raw, track):
        box.uploads(content)
    shown = page.get_by_test_id("snapshot")
    expect(shown).to_have_attribute("data-overlay", "true")
    assert overlay_is_drawn(page, "snapshot-overlay")
    page.keyboard.press("o")
    expect(shown).to_have_attribute("data-overlay", "false")
    expect(page.get_by_test_id("snapshot-overlay")).to_have_count(0)
    page.keyboard.press("o")

    box.uploads(CLIP)
    expect(page.get_by_test_id("clip")).to_be_visible()
    expect(page.get_by_test_id("clip")).to_have_js_property("readyState", 4)
    page.keyboard.press("Space")
    assert seconds(page, 6.7) == pytest.approx(6.7, abs=0.05)
    assert overlay_is_drawn(page, "clip-overlay")
    expect(page.get_by_test_id("clip-note")).to_contain_text("2.5 s shorter")
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


def test_the_picture_is_saved_with_what_the_detector_saw(centre: Centre, desk: Desk, tmp_path: Path) -> None:
    box = centre.box
    episode = box.sees("saved", (113.6440, 34.7400))
    plain, track = picture(61), track_document(episode, size=(1708, 960))
    box.announces(episode, "snapshot", plain, "image/jpeg")
    box.announces(episode, "track", track, "application/json")
    box.says(episode, "updated")
    box.uploads(plain)
    box.uploads(track)
    page = desk.signed_in(locale="zh-CN", viewport=PHONE, device_scale_factor=2)
    choose(page, "saved")
    expect(page.get_by_test_id("snapshot")).to_have_attribute("data-overlay", "true")
    assert overlay_is_drawn(page, "snapshot-overlay")
    with page.expect_download() as waiting:
        page.get_by_test_id("save-overlay").click()
    name = waiting.value.suggested_filename
    assert name.startswith("Camera-saved_20")
    waiting.value.save_as(tmp_path / name)
    saved = cv2.imread(str(tmp_path / name))
    assert saved is not None
    assert saved.shape == (480, 854, 3), "in full size, whatever the screen's"
    changed = np.argwhere(np.abs(saved.astype(int) - 61).max(axis=2) > 60)
    assert len(changed) > 300
    # The track counts the pixels of a picture twice as large: it ends at (391, 398) / 2 here.
    assert changed[:, 1].min() > 150
    assert 190 <= changed[:, 0].max() <= 240


def test_a_file_that_its_box_gave_up_is_not_waited_for(centre: Centre, desk: Desk) -> None:
    box = centre.box
    episode = box.sees("dropped", (113.6440, 34.7400))
    raw = picture(90)
    box.announces(episode, "snapshot", raw, "image/jpeg")
    lost = box.announces(episode, "clip", b"x" * 70_000, H264)
    box.says(episode, "updated")
    page = desk.signed_in()
    choose(page, "dropped")
    page.get_by_role("tab", name="Clip").click()
    expect(page.get_by_test_id("evidence-waiting")).to_be_visible()
    box.drops(lost, 70_000, "disk_short")
    expect(page.get_by_test_id("evidence-dropped")).to_contain_text("Dropped at the edge: its disk is short")
    expect(page.get_by_test_id("evidence-dropped")).to_contain_text("68 KB")
    box.uploads(raw)
    page.get_by_role("tab", name="Picture").click()
    expect(page.get_by_test_id("snapshot")).to_be_visible()


def test_a_clip_that_this_browser_cannot_play_says_so(centre: Centre, desk: Desk) -> None:
    box = centre.box
    episode = box.sees("hevc", (113.6440, 34.7400))
    clip = b"no browser looks at this"
    box.announces(episode, "clip", clip, 'video/mp4; codecs="hvc1.1.6.L93.90"')
    box.says(episode, "updated")
    box.uploads(clip)
    page = desk.signed_in()
    choose(page, "hevc")
    message = page.get_by_test_id("clip-unplayable")
    expect(message).to_contain_text("This browser does not play H.265")
    expect(message.get_by_role("link", name="Download")).to_be_visible()


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


def overlay_is_drawn(page: Page, test_id: str) -> bool:
    """Whether the trajectory comes onto the canvas over the clip or picture, in the colours of its ages."""
    canvas = page.get_by_test_id(test_id)
    expect(canvas).to_be_visible()
    return any(canvas.evaluate(HAS_BLUE_AND_RED) or page.wait_for_timeout(100) for _ in range(100))


HAS_BLUE_AND_RED = """canvas => {
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    let red = 0, blue = 0;
    for (let k = 0; k < pixels.length; k += 4) {
        if (pixels[k + 3] < 200) continue;
        red += pixels[k] > 200 && pixels[k + 2] < 120;
        blue += pixels[k + 2] > 200 && pixels[k] < 120;
    }
    return red > 20 && blue > 20;
}"""
