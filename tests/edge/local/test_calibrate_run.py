"""The real program: heads are proposed, corrected, learned and saved on its page, and then watched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from playwright.sync_api import Page, expect

from samples.demo.programs import Program, installed
from tests.e2e.browser import chromium
from tests.edge.brokers import free_port
from tests.edge.local.conftest import answers
from tests.edge.local.junction import small_scene, write_junction

pytestmark = [pytest.mark.browser, pytest.mark.e2e]


def document(clip: Path, port: int) -> dict[str, Any]:
    """One camera that nobody has calibrated; its junction runs as fast as it can be decoded."""
    source = {
        "kind": "camera",
        "name": "Nanjing Road × Park Street",
        "location": {"lon": 113.6, "lat": 34.7, "accuracy_m": 20},
        "input": {"type": "file", "path": str(clip), "loop": True, "pace": "fastest"},
    }
    return {"device": {"id": "box-1", "state_dir": "state"}, "local": {"port": port}, "sources": {"junction-7": source}}


def test_from_nothing_to_a_watched_junction(tmp_path: Path) -> None:
    clip, port, config = tmp_path / "junction.mp4", free_port(), tmp_path / "edge.yaml"
    write_junction(clip, small_scene(fps=4))  # enough to learn by, and half to decode
    config.write_text("# by hand\n" + yaml.safe_dump(document(clip, port), allow_unicode=True))
    program = Program("edge", [installed("gridsentry-edge"), "run", "-c", str(config), "--log-json"], tmp_path / "log")
    url = f"http://127.0.0.1:{port}"
    with program, chromium() as browser:
        program.wait_until(lambda: answers(url))
        context = browser.new_context(locale="en-GB", viewport={"width": 1440, "height": 900})
        context.set_default_timeout(30_000)
        page = context.new_page()
        page.goto(f"{url}/calibrate/junction-7")
        page.locator("#token").fill((tmp_path / "state/local.token").read_text().strip())
        page.keyboard.press("Enter")
        page.get_by_test_id("source-junction-7").wait_for()
        page.goto(f"{url}/calibrate/junction-7")
        _propose(page)
        _edit(page)
        _learn(page)
        _save(page)
        _is_watched(page, url)
        context.close()
        _is_written(config)
        assert program.stop() == 0
    assert "Traceback" not in (tmp_path / "log").read_text()


def _propose(page: Page) -> None:
    """Asked again until enough of the cycle was seen to know heads by their changes."""
    page.locator("svg.stage > image[href]").wait_for()
    ghosts = page.locator("g.ghost")
    for _ in range(40):
        page.get_by_test_id("propose").click()
        expect(page.get_by_test_id("propose")).to_be_enabled()
        if ghosts.count() >= 2:
            break
        page.wait_for_timeout(700)
    assert ghosts.count() >= 2, "the two heads for vehicles, by what changes"
    page.get_by_test_id("accept-all").click()
    expect(page.get_by_test_id("verdict")).to_have_text("All lamps can be judged")


def _edit(page: Page) -> None:
    """The two heads for vehicles stay, by their place in the picture: a head's own box comes before its digits'."""
    rows = page.get_by_test_id("head-list").locator("button")
    for _ in range(rows.count()):
        for at in range(rows.count()):
            rows.nth(at).click()
            left = float(page.get_by_label("Left, px").first.input_value())
            width = float(page.get_by_label("Width, px").first.input_value())
            name = next((name for name, x in (("ns", 150), ("ew", 330)) if left < x < left + width), None)
            if name is None or page.locator(".lamp-row").count() != 3:
                page.get_by_test_id("removeHead").click()
                break
            page.locator("[data-at=group]").fill(name)
            page.keyboard.press("Tab")
    expect(rows).to_have_count(2)


def _learn(page: Page) -> None:
    """A cycle and a bit: its timeline is shown, and what so little cannot teach is said."""
    page.get_by_test_id("learn-minutes").fill("0.6")
    page.get_by_test_id("learn-start").click()
    learned = page.get_by_test_id("learned")
    learned.wait_for(timeout=90_000)
    timeline = page.get_by_test_id("learn-timeline")
    expect(timeline.locator("g.timeline-row")).to_have_count(2)
    expect(timeline.locator("rect.lamp-red, rect.lamp-green").first).to_be_attached()
    expect(learned).to_contain_text("learn for longer")
    page.get_by_label("groups", exact=True).uncheck()  # their names are ours
    page.get_by_test_id("adopt").click()
    conflict = page.get_by_test_id("conflicts").get_by_role("checkbox")
    if not conflict.is_checked():
        conflict.check()


def _save(page: Page) -> None:
    page.get_by_test_id("plan").click()
    expect(page.get_by_test_id("saved")).to_contain_text("start anew (1)")
    page.get_by_test_id("save").click()
    expect(page.get_by_test_id("saved")).to_contain_text("Saved.")


def _is_watched(page: Page, url: str) -> None:
    """What the detector sees is on the camera's page."""
    page.goto(url)
    panel = page.get_by_test_id("signals")
    panel.scroll_into_view_if_needed(timeout=60_000)
    expect(panel.locator("g.timeline-row")).to_have_count(2, timeout=60_000)
    cookie = {"Cookie": "; ".join(f"{one['name']}={one['value']}" for one in page.context.cookies())}
    told = httpx.get(f"{url}/api/sources/junction-7/reports", headers=cookie).json()
    assert len(told["traffic_signal"]["heads"]) == 2


def _is_written(config: Path) -> None:
    text = config.read_text()
    assert text.startswith("# by hand\n")
    settings = yaml.safe_load(text)["sources"]["junction-7"]["detectors"]["traffic_signal"]
    assert {head["group"] for head in settings["heads"].values()} == {"ns", "ew"}
    assert {frozenset(pair) for pair in settings["conflicts"]} == {frozenset(("ns", "ew"))}
