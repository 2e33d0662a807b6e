"""Faults of traffic signals: what is wrong in words, stills, the lamp timeline, and when it was mended."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.console.box import Box, Episode
from tests.console.conftest import ADMIN, PHONE, Centre, Desk, choose, item
from tests.console.junction import DARK_HEADS, FAULT, seconds_later, still, timeline_document
from tests.console.test_pages import fits, violations

pytestmark = pytest.mark.browser

PLACE = (113.6440, 34.7400)
GREEN = 2
LASTED = 4320.0
"""1 h 12 min."""


def goes_dark(box: Box, source: str, seconds_ago: float) -> Episode:
    """Both signals of the northern approach, with the proof that the edge sends at once."""
    episode = box.sees(source, PLACE, hazard="signal_dark", detail=dict(FAULT), began_seconds_ago=seconds_ago)
    began = episode.started_at
    proof = timeline_document(began, -300, 60, {"began": 0, "certain": 45})
    files = [proof]
    box.announces(episode, "timeline", proof, "application/json", began - timedelta(seconds=300))
    for number, head in enumerate(DARK_HEADS):
        for kind, lit, at in (("before", GREEN, -6.0), ("after", None, 45.0)):
            # Not the same bytes for two alerts: a file is sent once.
            picture = still(lit, 70 + number + round(seconds_ago) % 20)
            box.announces(episode, kind, picture, "image/jpeg", seconds_later(began, at), label=head)
            files.append(picture)
    box.says(episode, "updated")
    for content in dict.fromkeys(files):
        box.uploads(content)
    return episode


def works_again(box: Box, episode: Episode) -> None:
    """Two cycles after the repair the edge is sure of it."""
    began = episode.started_at
    proof = timeline_document(
        began, LASTED - 200, LASTED + 180, {"repaired": LASTED, "over": LASTED + 180}, dark_until=LASTED
    )
    picture = still(GREEN, 120)
    box.announces(episode, "timeline", proof, "application/json", seconds_later(began, LASTED - 200))
    box.announces(episode, "after", picture, "image/jpeg", seconds_later(began, LASTED + 180), label=DARK_HEADS[0])
    repaired_at = seconds_later(began, LASTED)
    episode.detail = {**FAULT, "seconds": LASTED, "repaired_at": repaired_at.isoformat()}
    episode.remarks = {"ended_at": repaired_at}
    box.says(episode, "cleared")
    for content in (proof, picture):
        box.uploads(content)


@pytest.fixture(scope="module")
def dark(centre: Centre) -> Iterator[Episode]:
    yield goes_dark(centre.box, "dark", LASTED + 300)


def row(page: Page, head: str):
    return page.locator(f'[data-testid="lamp-row"][data-head="{head}"]')


def test_a_dark_approach_is_told_drawn_and_read_by_keys(centre: Centre, desk: Desk, dark: Episode) -> None:
    page = desk.signed_in(ADMIN, timezone_id="Asia/Shanghai")
    choose(page, "dark")
    expect(page.get_by_test_id("signal-headline")).to_contain_text("Approach north (2 heads)")
    expect(page.get_by_test_id("signal-headline")).to_contain_text(re.compile(r"nothing lit for 1 h 1\d min"))
    rows = page.get_by_test_id("lamp-row")
    assert [rows.nth(n).get_attribute("data-head") for n in range(3)] == [*DARK_HEADS, "south_1"]
    assert row(page, "north_1").locator('[data-state="dark"]').count() == 1
    assert row(page, "south_1").locator('[data-state="unseen"]').count() == 1
    assert lamp_colour(page, "south_1", "0") == lamp_colour(page, "west_1", "0") == "rgb(255, 98, 87)"
    began = seconds_later(dark.started_at, 8 * 3600)
    expect(page.get_by_test_id("lamp-timeline").locator(".lamp-flag-began")).to_contain_text(f"began {began:%H:%M:%S}")

    slider = row(page, "south_1").get_by_role("slider")
    slider.focus()
    expect(slider).to_have_attribute("aria-valuetext", re.compile("green"))
    for _ in range(2):
        page.keyboard.press("ArrowLeft")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"not seen: something stands before it.*\(21 s\)"))
    expect(page.get_by_test_id("lamp-readout")).to_contain_text("南 1 South")
    page.keyboard.press("Tab")
    page.keyboard.press("Home")
    expect(page.get_by_test_id("lamp-readout")).to_contain_text("南左 South left")
    row(page, "north_2").get_by_role("slider").hover()
    expect(page.get_by_test_id("lamp-readout")).to_contain_text("北 2 North")
    wide = width(page)
    page.get_by_test_id("lamps-in").click()
    assert width(page) > 1.5 * wide
    page.get_by_test_id("lamps-fit").click()
    page.get_by_text("As text").click()
    table = page.get_by_test_id("lamp-table")
    expect(table).to_contain_text("dark")
    assert violations(page) == []


def test_stills_stand_side_by_side_and_a_tap_enlarges_them(centre: Centre, desk: Desk, dark: Episode) -> None:
    page = desk.signed_in(viewport=PHONE, has_touch=True, is_mobile=True, locale="zh-CN")
    item(page, "dark").get_by_role("button").tap()
    stills = page.get_by_test_id("still")
    expect(stills).to_have_count(4)
    expect(stills.first.locator("img")).to_have_js_property("naturalWidth", 64)
    first, second = stills.nth(0).bounding_box(), stills.nth(1).bounding_box()
    assert first is not None
    assert second is not None
    assert abs(first["y"] - second["y"]) < 2
    assert first["x"] + first["width"] <= second["x"]
    expect(stills.nth(0)).to_have_attribute("aria-label", re.compile("北 1 North，故障前"))
    stills.nth(1).tap()
    dialog = page.get_by_test_id("still-dialog")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("北 1 North，故障后")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.get_by_test_id("detail")).to_be_visible()
    expect(page.get_by_test_id("signal-headline")).to_contain_text("没有任何灯亮")
    assert fits(page)


def test_a_repair_is_said_at_once_and_stays_on_record(centre: Centre, desk: Desk, dark: Episode) -> None:
    page = desk.signed_in(timezone_id="Asia/Shanghai")
    item(page, "dark").get_by_role("button").click()
    expect(page.get_by_test_id("lamp-timeline")).to_be_visible()
    expect(page.get_by_test_id("repaired")).to_have_count(0)
    works_again(centre.box, dark)
    repaired = f"{seconds_later(dark.started_at, LASTED + 8 * 3600):%H:%M}"
    expect(page.get_by_test_id("repaired")).to_contain_text(re.compile(f"Repaired at (.* )?{repaired}"))
    expect(page.get_by_test_id("repaired")).to_contain_text("after 1 h 12 min")
    expect(item(page, "dark").get_by_test_id("repaired-badge")).to_contain_text(repaired)
    expect(page.get_by_test_id("history")).to_contain_text("Repaired 1 h 12 min after it began")
    expect(page.get_by_test_id("signal-headline")).to_contain_text("nothing lit for 1 h 12 min")
    # The drawing goes on to the timeline that shows the repair; the earlier one can be chosen.
    expect(page.locator(".lamp-flag-repaired")).to_be_visible()
    expect(page.locator(".still-mended")).to_have_count(1)
    page.locator(".signal-choice select").select_option(index=1)
    expect(page.locator(".lamp-flag-certain")).to_be_visible()


HOSTILE = {
    "no JSON": (b"<script>alert(1)</script>", None, "cannot be read"),
    "deep": (b"[" * 100_000, None, "cannot be read"),
    "newer": (json.dumps({"version": 2, "heads": [1]}).encode(), None, "newer version"),
    "odd": (b'{"version":1,"zero_at":"2026-11-21T08:00:00Z","start":0,"end":1e99,"heads":[{}]}', None, "too long"),
    "too large": (b"{}", 9_000_000, "too large"),
}  # fmt: skip


def test_a_hostile_document_breaks_nothing(centre: Centre, desk: Desk) -> None:
    page = desk.signed_in()
    for number, (name, (content, size, says)) in enumerate(HOSTILE.items()):
        source = f"hostile-{number}"
        episode = centre.box.sees(source, PLACE, hazard="signal_stuck", detail=dict(FAULT), severity="yellow")
        centre.box.announces(episode, "timeline", content, "application/json", size=size)
        centre.box.says(episode, "updated")
        if size is None:
            centre.box.uploads(content)
        item(page, source).get_by_role("button").click()
        fault = page.get_by_test_id("timeline-fault")
        expect(fault, name).to_contain_text(says)
        expect(fault.get_by_role("link")).to_be_visible()
        expect(page.get_by_test_id("signal-headline")).to_contain_text("no change for")


def lamp_colour(page: Page, head: str, state: str) -> str:
    """What a piece with this lamp lit is filled with."""
    lit = row(page, head).locator(f'[data-state="{state}"] .lamp-lit').first
    return str(lit.evaluate("rect => getComputedStyle(rect).fill"))


def width(page: Page) -> float:
    box = row(page, "north_1").locator(".lamp-line").bounding_box()
    assert box is not None
    return float(box["width"])
