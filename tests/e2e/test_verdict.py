"""A real clip becomes an operator's verdict: the whole line, in a real browser, with a second one watching."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Page, expect

from samples.demo.__main__ import ACCOUNTS, expected_by_config
from samples.demo.stack import EDGE_CONFIG, choose_ports, running_stack
from tests.e2e.browser import chromium, sign_in

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(300)]

FALL_SECONDS = 60_000


def test_a_clip_becomes_a_verdict_that_others_see(tmp_path: Path) -> None:
    (operator_name, operator_password), (admin_name, admin_password) = ACCOUNTS
    camera = next(kind.source for kind in sorted(expected_by_config(), key=str) if kind.hazard == "thrown_object")
    with running_stack(tmp_path / "demo", choose_ports()) as stack, chromium() as browser:
        operator = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB").new_page()
        sign_in(operator, stack.url, operator_name, operator_password)
        admin = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB").new_page()
        sign_in(admin, stack.url, admin_name, admin_password)

        # It appears by itself: nobody reloads the page.
        alert = operator.locator(f'[data-testid="alert-item"]:has-text("{source_name(camera)}")').first
        expect(alert).to_be_visible(timeout=FALL_SECONDS)
        alert_id = alert.get_attribute("data-alert-id")
        other = admin.locator(f'[data-testid="alert-item"][data-alert-id="{alert_id}"]')
        expect(other).to_be_visible()

        alert.click()
        assert_clip_plays(operator)
        operator.keyboard.press("c")
        expect(operator.locator(f'[data-alert-id="{alert_id}"]')).to_have_count(0, timeout=10_000)
        expect(other).to_have_count(0, timeout=10_000)

        admin.goto(f"{stack.url}/audit")
        row = admin.get_by_role("row").filter(has_text=alert_id or "").filter(has_text="confirmed").first
        expect(row).to_contain_text(operator_name, timeout=10_000)


def source_name(source_id: str) -> str:
    config = yaml.safe_load(EDGE_CONFIG.read_text(encoding="utf-8"))
    return str(config["sources"][source_id]["name"])


def assert_clip_plays(page: Page) -> None:
    """The clip arrives (after the fall has ended and 5 s more), decodes and moves."""
    clip = page.get_by_test_id("clip")
    expect(clip).to_be_visible(timeout=60_000)
    clip.evaluate("video => { video.muted = true; video.currentTime = 0; return video.play(); }")
    page.wait_for_timeout(1500)
    state = clip.evaluate(
        "video => ({at: video.currentTime, ready: video.readyState, width: video.videoWidth, "
        "error: video.error && video.error.message})"
    )
    assert state["error"] is None, state
    assert state["at"] > 0.3, state
    assert state["ready"] >= 2, state
    assert state["width"] > 0, state
