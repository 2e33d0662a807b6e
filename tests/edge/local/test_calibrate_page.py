"""The calibration page in a real browser, over a box whose camera is a rendered junction."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Browser, Locator, Page, expect

from edge.config.local import LocalSettings
from edge.local.server import LocalServer
from tests.e2e.browser import chromium
from tests.edge.brokers import free_port
from tests.edge.local.conftest import Served, answers, wait_until
from tests.edge.local.junction_box import JunctionBox
from tests.edge.local.test_page import PHONE, Visitor, part, violations

pytestmark = pytest.mark.browser

OUTLINES = {"n1": (137, 46, 164, 120), "e1": (318, 57, 343, 124), "w1": (511, 170, 531, 209)}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def box(tmp_path: Path) -> JunctionBox:
    return JunctionBox(tmp_path)


@pytest.fixture
def visitor(browser: Browser, box: JunctionBox, tmp_path: Path) -> Iterator[Visitor]:
    port = free_port()
    server = LocalServer(LocalSettings(port=port), tmp_path, box)
    server.start()
    url = f"http://127.0.0.1:{port}"
    wait_until(lambda: answers(url), "the server answers")
    opened = Visitor(browser, Served(url, box, tmp_path, server))
    yield opened
    opened.close()
    assert server.stop(30), "it ends"
    assert opened.complaints == []
    assert opened.foreign == [], "nobody but the box is asked for anything"


def calibrating(visitor: Visitor, **more: object) -> Page:
    """The page of a camera, signed in, with its picture."""
    page = visitor.signed_in(**more)
    page.get_by_test_id("calibrate").click()
    page.locator("svg.stage > image[href]").wait_for()
    return page


def head(page: Page, head_id: str) -> Locator:
    return page.locator(f'g.head[data-head="{head_id}"]')


def draw(page: Page, corners: tuple[int, int, int, int]) -> None:
    """Draws a head with the mouse, in pixels of the picture."""
    area = page.locator("svg.stage").bounding_box()
    assert area is not None
    scale = area["width"] / 640
    left, top, right, bottom = (round(value * scale) for value in corners)
    page.get_by_test_id("draw").click()
    page.mouse.move(area["x"] + left, area["y"] + top)
    page.mouse.down()
    page.mouse.move(area["x"] + right, area["y"] + bottom, steps=3)
    page.mouse.up()


def test_heads_are_drawn_named_and_saved(visitor: Visitor, box: JunctionBox) -> None:
    page = calibrating(visitor)
    expect(part(page, "verdict")).to_have_text("Not calibrated")
    for corners in (OUTLINES["n1"], OUTLINES["e1"]):
        draw(page, corners)
    expect(part(page, "head-list").locator("li")).to_have_count(2)
    expect(part(page, "verdict")).to_have_text("All lamps can be judged")
    page.locator("[data-at=group]").fill("ew")
    page.locator("[data-at=id]").fill("east 1")
    page.keyboard.press("Tab")
    expect(head(page, "east 1")).to_be_attached()
    page.get_by_label("A and ew are never green together").check()
    part(page, "night-add").click()
    page.get_by_label("From").fill("22:30")
    expect(part(page, "save")).to_be_disabled()
    part(page, "plan").click()
    expect(part(page, "saved")).to_contain_text("start anew (1)")
    assert box.applied == []
    page.locator("[data-at=name]").fill("East, on the left")
    page.locator("[data-at=approach]").fill("east")
    page.keyboard.press("Tab")
    expect(part(page, "save")).to_be_disabled()
    part(page, "plan").click()
    part(page, "save").click()
    expect(part(page, "saved")).to_contain_text("Saved.")
    stored = yaml.safe_load(box.path.read_text())["sources"]["gate-3"]["detectors"]["traffic_signal"]
    assert stored["conflicts"] == [["A", "ew"]]
    assert stored["night_flash"] == [{"start": "22:30", "end": "06:00", "colour": "amber"}]
    found = stored["heads"]["east 1"]
    assert (found["name"], found["approach"], found["group"]) == ("East, on the left", "east", "ew")
    assert [lamp["colour"] for lamp in found["lamps"]] == ["red", "amber", "green"]
    assert found["polygon"][0] == pytest.approx(OUTLINES["e1"][:2], abs=1.5)
    page.reload()
    expect(part(page, "head-list").locator("li")).to_have_count(2)


def test_what_is_wrong_stands_at_the_lamp_while_one_edits(visitor: Visitor) -> None:
    page = calibrating(visitor)
    draw(page, OUTLINES["n1"])
    expect(part(page, "verdict")).to_have_text("All lamps can be judged")
    row = page.locator(".lamp-row").nth(1)
    row.get_by_label("Diameter").fill("3")
    page.keyboard.press("Tab")
    expect(row.locator(".problems")).to_contain_text("lens")
    expect(row).to_have_attribute("data-faulty", "true")
    expect(part(page, "verdict")).to_contain_text("Problems: 1")
    expect(head(page, "h1")).to_have_attribute("data-faulty", "true")
    row.get_by_label("Diameter").fill("14")
    page.keyboard.press("Tab")
    expect(part(page, "verdict")).to_have_text("All lamps can be judged")
    row.get_by_label("Colour").select_option("red")
    expect(part(page, "head-form")).to_contain_text("expected each colour and shape once in a head")
    part(page, "undo").click()
    expect(part(page, "verdict")).to_have_text("All lamps can be judged")


def test_the_keyboard_is_enough(visitor: Visitor) -> None:
    page = calibrating(visitor)
    page.keyboard.press("n")
    expect(head(page, "h1")).to_be_focused()
    left = page.get_by_label("Left, px")
    before = float(left.input_value())
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(left).to_have_value(f"{before + 11:g}")
    width = float(page.get_by_label("Width, px").input_value())
    page.keyboard.press("Alt+ArrowRight")
    expect(page.get_by_label("Width, px")).to_have_value(f"{width + 1:g}")
    page.keyboard.press("l")
    diameter = float(page.get_by_label("Diameter").first.input_value())
    page.keyboard.press("]")
    expect(page.get_by_label("Diameter").first).to_have_value(f"{diameter + 0.5:g}")
    page.keyboard.press("a")
    expect(page.locator(".lamp-row")).to_have_count(4)
    page.keyboard.press("Delete")
    expect(page.locator(".lamp-row")).to_have_count(3)
    page.keyboard.press("d")
    expect(part(page, "head-list").locator("li")).to_have_count(2)
    page.keyboard.press("Delete")
    page.keyboard.press("u")
    expect(part(page, "head-list").locator("li")).to_have_count(2)
    page.keyboard.press("u")
    expect(part(page, "head-list").locator("li")).to_have_count(1)
    page.keyboard.press("?")
    expect(page.locator("#help")).to_contain_text("move the head or lamp by 1 px")


def test_proposals_are_accepted_one_by_one_or_left(visitor: Visitor, box: JunctionBox) -> None:
    page = calibrating(visitor)
    box.watch(36)
    page.keyboard.press("p")
    ghosts = page.locator("g.ghost")
    expect(ghosts.first).to_be_attached()
    proposed = ghosts.count()
    ghosts.first.focus()
    page.keyboard.press("Enter")
    expect(ghosts).to_have_count(proposed - 1)
    expect(part(page, "head-list").locator("li")).to_have_count(1)
    ghosts.first.focus()
    page.keyboard.press("Delete")
    expect(ghosts).to_have_count(proposed - 2)
    expect(part(page, "head-list").locator("li")).to_have_count(1)


def test_everybody_can_use_it(visitor: Visitor, box: JunctionBox, root: Path) -> None:
    page = calibrating(visitor, color_scheme="dark")
    for corners in OUTLINES.values():
        draw(page, corners)
        page.locator("[data-at=group]").fill(f"g{corners[0]}")
        page.keyboard.press("Tab")
    part(page, "night-add").click()
    part(page, "learn-minutes").fill("0.2")
    part(page, "learn-start").click()
    expect(part(page, "learn-said")).to_contain_text("of 12 s watched")
    box.watch(14)
    part(page, "learned").wait_for()
    part(page, "adopt").click()
    for _ in range(3):  # dark, as chosen by the system; by the button; light
        page.wait_for_timeout(300)  # colours are judged at rest
        assert not (found := violations(page, root)), "\n".join(found)
        part(page, "theme").click()
    page.keyboard.press("?")
    page.locator("#help").wait_for()
    assert not (found := violations(page, root)), "\n".join(found)


def test_a_phone_needs_no_sideways_scrolling(visitor: Visitor) -> None:
    page = calibrating(visitor, viewport=PHONE, has_touch=True, is_mobile=True, locale="zh-CN")
    expect(page.locator("h1")).to_contain_text("的信号灯")
    page.keyboard.press("n")
    page.get_by_test_id("head-h1").tap()
    part(page, "night-add").tap()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    stage, heads = (page.locator(f"[data-place={name}]").bounding_box() for name in ("stage", "heads"))
    assert stage is not None
    assert heads is not None
    assert stage["y"] < heads["y"]


def test_what_was_not_saved_survives_a_reload(visitor: Visitor) -> None:
    page = calibrating(visitor)
    draw(page, OUTLINES["n1"])
    page.reload()
    expect(part(page, "head-list").locator("li")).to_have_count(1)
    page.locator("#revert").click()
    expect(part(page, "head-list")).to_contain_text("No head yet")


def test_the_live_panel_draws_what_the_detector_reports(visitor: Visitor, box: JunctionBox) -> None:
    lamps = [{"colour": "red"}, {"colour": "amber"}, {"colour": "green"}]
    spans = [
        {"start": -60, "end": -20, "lit": [0]},
        {"start": -20, "end": -10, "unseen": "occluded"},
        {"start": -10, "end": 0, "lit": [2]},
    ]
    row = {"head": "n1", "name": "<b>North</b>", "group": "ns", "concerned": False, "lamps": lamps, "spans": spans}
    timeline = {"zero_at": "2026-11-22T02:00:00Z", "start": -600, "end": 0, "samples_per_second": 2, "heads": [row]}
    box.report = {
        "traffic_signal": {
            "heads": {"n1": {"lit": [2], "unseen": None, "since_seconds": 10}},
            "timeline": timeline,
            "not_judged": {"signal_flashing": "found 2 pictures a second, it needs 4"},
            "samples_per_second": 2.0,
        }
    }
    page = visitor.signed_in()
    panel = part(page, "signals")
    panel.scroll_into_view_if_needed()
    expect(panel.locator("svg rect.lamp-green").first).to_be_visible()
    expect(panel).to_contain_text("green")
    expect(panel).to_contain_text("<b>North</b>")
    expect(panel).to_contain_text("signal flashes is not judged now: found 2 pictures a second, it needs 4")
    box.report = {}
    expect(panel).to_be_hidden(timeout=15_000)
