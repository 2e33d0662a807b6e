"""What burns, and what stands where it may not: a sentence, the stage, who else saw it, and which weights."""

from __future__ import annotations

import json
import re
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.console.box import Box, Episode
from tests.console.conftest import ADMIN, PHONE, Centre, Desk, choose, item
from tests.console.test_pages import fits, violations

pytestmark = pytest.mark.browser

PLACE = (113.6480, 34.7420)
SHA256 = "ab12cd34ef56" + "0" * 52
PRODUCER = {
    "software": "gridsentry 0.1.0",
    "detector": "fire_smoke 1",
    "model": {"name": "fire_smoke", "version": "2026.11.1", "sha256": SHA256},
    "config_sha256": "0" * 64,
}
BOX = {"x": 300.0, "y": 180.0, "width": 60.0, "height": 80.0}
WARNING: dict[str, Any] = {
    "box": BOX,
    "stage": "warning",
    "proposers": ["model"],
    "light": "day",
    "seconds": 6.0,
    "area_share": 0.0208,
}
CRITICAL = {
    **WARNING,
    "stage": "critical",
    "proposers": ["model", "flame"],
    "seconds": 11.0,
    "growth_per_minute": 1.3,
    "width_m": 1.4,
    "height_m": 1.9,
    "witnesses": [{"source": "hall-2", "hazard": "smoke_density", "seconds_ago": 3.0, "distance_m": 31.0}],
}
PARKED = {
    "zone": "消防通道 · fire lane",
    "rule": "dwell",
    "count": 2,
    "seconds": 185.0,
    "limit": 60.0,
    "objects": [
        {"label": "car", "box": BOX, "seconds": 185.0},
        {"label": "truck", "box": {**BOX, "x": 100.0}, "seconds": 70.0},
    ],
}


def yard() -> bytes:
    """A yard with a bright patch where the box is: JPEG."""
    picture = np.full((360, 640, 3), (96, 104, 98), np.uint8)
    picture[:150] = (150, 128, 110)
    cv2.ellipse(picture, (330, 225), (22, 36), 0, 0, 360, (60, 150, 255), -1, cv2.LINE_AA)
    cv2.ellipse(picture, (330, 238), (12, 20), 0, 0, 360, (150, 235, 255), -1, cv2.LINE_AA)
    return cv2.imencode(".jpg", cv2.GaussianBlur(picture, (0, 0), 1.5))[1].tobytes()


def boxed(episode: Episode) -> bytes:
    """The track document of what stays where it is: a box, and no path."""
    document = {
        "format": "gridsentry.track.v1",
        "source_id": episode.source_id,
        "hazard": episode.hazard,
        "size": [640, 360],
        "started_at": episode.started_at.isoformat(),
        "start_seconds": 5.0,
        "tracks": [{"label": "fire 0.82", "points": [], "box": [BOX["x"], BOX["y"], BOX["width"], BOX["height"]]}],
    }
    return json.dumps(document).encode()


def burns(box: Box, source: str) -> Episode:
    """A warning with its picture."""
    remarks = {"producer": PRODUCER}
    fire = box.sees(source, PLACE, hazard="fire", detail=WARNING, severity="yellow", tier="review", remarks=remarks)
    picture, track = yard() + source.encode(), boxed(fire)
    box.announces(fire, "snapshot", picture, "image/jpeg")
    box.announces(fire, "track", track, "application/json")
    box.says(fire, "updated")
    for content in (picture, track):
        box.uploads(content)
    return fire


def grows(box: Box, fire: Episode) -> None:
    fire.detail, fire.severity, fire.tier = CRITICAL, "red", "alarm"
    box.says(fire, "updated")


def yellow_pixels(page: Page) -> int:
    """Of the box that is drawn over the still."""
    count = page.get_by_test_id("snapshot-overlay").evaluate(
        """(canvas) => {
            const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            let found = 0;
            for (let i = 0; i < data.length; i += 4) {
                if (data[i] > 200 && data[i + 1] > 170 && data[i + 2] < 120 && data[i + 3] > 200) found += 1;
            }
            return found;
        }"""
    )
    return int(count)


def test_a_warning_becomes_critical_before_the_operators_eyes(centre: Centre, desk: Desk) -> None:
    fire = burns(centre.box, "yard-a")
    page = desk.signed_in(ADMIN)
    choose(page, "yard-a")
    headline = page.get_by_test_id("scene-headline")
    expect(headline).to_have_attribute("data-stage", "warning")
    expect(headline).to_contain_text(re.compile(r"Warning\s*Flames seen for .*, 2\.1\s% of the picture\s*$"))
    expect(item(page, "yard-a")).to_have_attribute("data-severity", "yellow")
    expect(page.get_by_test_id("snapshot")).to_be_visible()
    assert yellow_pixels(page) > 100
    grows(centre.box, fire)
    expect(headline).to_have_attribute("data-stage", "critical")
    expect(headline).to_contain_text("about 1.4 m wide and 1.9 m high, growing by 130 % a minute")
    expect(headline).to_contain_text("confirmed by hall-2 (smoke sensor, 3 s before, 31 m away)")
    expect(item(page, "yard-a")).to_have_attribute("data-severity", "red")
    expect(page.get_by_test_id("history")).to_contain_text("Severity changed from yellow to red")
    facts = page.locator(".facts")
    expect(facts).to_contain_text("Noticed by")
    expect(facts).to_contain_text("model, look of flames")
    expect(facts).to_contain_text("fire_smoke 2026.11.1")
    expect(page.get_by_test_id("model-hash")).to_have_text("ab12cd34ef56…")
    expect(page.get_by_test_id("model-hash")).to_have_attribute("title", SHA256)
    assert violations(page) == []


def test_a_phone_reads_it_in_chinese(centre: Centre, desk: Desk) -> None:
    fire = burns(centre.box, "yard-b")
    grows(centre.box, fire)
    page = desk.signed_in(viewport=PHONE, has_touch=True, is_mobile=True, locale="zh-CN")
    item(page, "yard-b").get_by_role("button").tap()
    headline = page.get_by_test_id("scene-headline")
    expect(headline).to_contain_text("确认")
    expect(headline).to_contain_text(
        "宽约 1.4 米、高约 1.9 米，每分钟扩大 130 %，旁证：hall-2（烟感，3秒前，相距 31 米）"
    )
    assert fits(page)


def test_what_stands_in_a_zone_is_counted_and_timed(centre: Centre, desk: Desk) -> None:
    centre.box.sees("lane-a", PLACE, hazard="blocked_fire_lane", detail=PARKED, began_seconds_ago=185)
    page = desk.signed_in()
    choose(page, "lane-a")
    expect(page.get_by_test_id("detail")).to_contain_text("Blocked fire lane")
    expect(page.get_by_test_id("scene-headline")).to_contain_text(
        re.compile(r"In “消防通道 · fire lane”: car, truck, for 3 min \d\d s, at most 1 min 00 s allowed")
    )
    expect(page.get_by_test_id("model-hash")).to_have_count(0)
