"""What a survey flight found built: a sentence, its footprint on the map, before and after, and its end by sight."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect

from tests.console.box import Box, Episode
from tests.console.conftest import ADMIN, PHONE, Centre, Desk, item
from tests.console.test_pages import fits, violations

pytestmark = pytest.mark.browser

PLACE = (113.6480, 34.7420)
NOW = datetime.now(UTC).replace(microsecond=0)
SHED: dict[str, Any] = {
    "structure": "E113.64800N34.74200",
    "change": "new",
    "area_m2": 48.2,
    "exceeded_m2": 48.2,
    "cover": {"permit_id": "临建-2024-9", "permit_state": "expired", "valid_until": "2026-06-30"},
    "on": ["road"],
    "cues": ["blue_steel"],
    "sightings": {"frames": 4, "flights": 1, "first_seen": NOW.isoformat()},
    "flight": {"id": "f-2", "taken_at": NOW.isoformat()},
    "compared_with": {"id": "f-1", "taken_at": (NOW - timedelta(days=30)).isoformat()},
}


def yard(*, built: bool) -> bytes:
    """A yard from above, with a blue roof or without: JPEG."""
    picture = np.full((300, 300, 3), (92, 110, 104), np.uint8)
    cv2.rectangle(picture, (0, 220), (300, 300), (120, 120, 122), -1)
    if built:
        cv2.rectangle(picture, (90, 90), (210, 200), (170, 110, 60), -1)
        for x in range(90, 210, 10):
            cv2.line(picture, (x, 90), (x, 200), (185, 125, 75), 2)
    return cv2.imencode(".jpg", picture)[1].tobytes()


def footprint(place: tuple[float, float]) -> dict[str, Any]:
    """About eight metres by six."""
    (x, y), (across, down) = place, (4.4e-5, 2.7e-5)
    ring = [[x - across, y - down], [x + across, y - down], [x + across, y + down], [x - across, y + down]]
    area = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    point = {"type": "Point", "coordinates": place}
    return {"point": point, "accuracy_m": 1.2, "method": "drone_ray", "area": area}


def flown(box: Box, structure: str, place: tuple[float, float]) -> Episode:
    """A shed that a flight over the district has found, with its pictures."""
    source = {"id": "district-north", "kind": "flight", "name": "Camera District north"}
    remarks = {"location": footprint(place), "source": source}
    detail = {**SHED, "structure": structure}
    shed = box.sees(
        "district-north",
        place,
        hazard="illegal_structure",
        detail=detail,
        severity="yellow",
        tier="review",
        remarks=remarks,
        began_seconds_ago=3 * 86_400,
    )
    for kind, built, days in (("before", False, 33), ("after", True, 3)):
        content = yard(built=built) + structure.encode()
        box.announces(shed, kind, content, "image/jpeg", NOW - timedelta(days=days), label="")
    box.says(shed, "updated")
    for built in (False, True):
        box.uploads(yard(built=built) + structure.encode())
    return shed


def test_a_shed_is_shown_with_what_it_was_before(centre: Centre, desk: Desk) -> None:
    first = flown(centre.box, "E113.64800N34.74200", PLACE)
    flown(centre.box, "E113.64850N34.74200", (113.6485, 34.7420))
    page = desk.signed_in(ADMIN)
    expect(item(page, "District north")).to_have_count(2)
    item(page, "District north").last.get_by_role("button").click()
    headline = page.get_by_test_id("scene-headline")
    expect(headline).to_have_text(
        re.compile(
            r"Newly built, about 48\sm², none of it approved, permit 临建-2024-9 ended on 2026-06-30, on a road, "
            r"seen by 1 flight"
        )
    )
    expect(page.get_by_role("tab", name="Before and after")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_test_id("still")).to_have_count(2)
    expect(page.get_by_test_id("structure-panel").locator("figcaption")).to_contain_text(["before", "after"])
    facts = page.locator(".facts")
    expect(facts).to_contain_text("blue colour steel")
    expect(facts).to_contain_text("flight f-1")
    assert violations(page) == []
    page.wait_for_timeout(1500)
    page.get_by_test_id("still").last.click()
    expect(page.get_by_test_id("still-dialog")).to_be_visible()
    page.keyboard.press("Escape")
    gone(centre.box, first)
    # Alerts of other tests may be over as well: this one's are the district's.
    expect(item(page, "District north").get_by_test_id("repaired-badge")).to_have_count(1)


def gone(box: Box, shed: Episode) -> None:
    shed.detail = {**shed.detail, "change": "removed", "removed_at": datetime.now(UTC).isoformat()}
    box.says(shed, "cleared")


def test_demolished_it_is_said_above_everything_else(centre: Centre, desk: Desk) -> None:
    shed = flown(centre.box, "E113.64900N34.74200", (113.6490, 34.7420))
    gone(centre.box, shed)
    page = desk.signed_in(ADMIN, viewport=PHONE)
    over = item(page, "District north").filter(has=page.get_by_test_id("repaired-badge"))
    over.first.get_by_role("button").click()
    expect(page.get_by_test_id("repaired")).to_contain_text("Seen to be gone")
    expect(page.get_by_test_id("repaired")).to_contain_text("3 d after it was first seen")
    expect(page.get_by_test_id("scene-headline")).to_have_text(re.compile(r"Gone, about 48\sm²"))
    expect(page.get_by_test_id("history")).to_contain_text("Seen to be gone 3 d after it was first seen")
    assert fits(page)
