"""Judging alerts: by keys, by mouse, and in each other's way."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.console.conftest import ADMIN, Centre, Desk, choose, item

pytestmark = pytest.mark.browser

IN_LAOJIE = (113.638062, 34.742359)
IN_HEMING = (113.653953, 34.760389)
IN_ZAOLIN = (113.660110, 34.716247)


def test_an_alert_appears_by_itself_and_a_key_confirms_it(centre: Centre, desk: Desk) -> None:
    page = desk.signed_in()
    centre.box.sees("key-c", IN_LAOJIE)
    expect(item(page, "key-c")).to_be_visible()
    expect(item(page, "key-c")).to_contain_text("new")
    expect(page.get_by_test_id("announcement")).to_contain_text("1 new alert")
    alert_id = choose(page, "key-c")
    expect(item(page, "key-c")).not_to_contain_text("new")
    expect(item(page, "key-c")).to_contain_text("You are judging")
    page.keyboard.press("c")
    expect(item(page, "key-c")).to_have_count(0)
    expect(page.get_by_test_id("toasts")).to_contain_text("Confirmed")

    page.get_by_test_id("show-closed").click()
    expect(item(page, "key-c")).to_contain_text("Confirmed")
    item(page, "key-c").get_by_role("button").click()
    expect(page.get_by_test_id("verdict-closed")).to_contain_text("Operator")
    assert page.url.endswith(alert_id)


def test_rejecting_takes_a_reason_by_keys_alone(centre: Centre, desk: Desk) -> None:
    centre.box.sees("key-r", IN_HEMING)
    page = desk.signed_in()
    choose(page, "key-r")
    page.keyboard.press("r")
    expect(page.get_by_test_id("reject-panel")).to_be_visible()
    page.keyboard.press("c")  # deaf while the reasons are open
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Choose a reason")
    page.keyboard.press("6")
    expect(page.get_by_test_id("reject-comment")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("needs a comment")
    page.keyboard.type("a kite, curled up")
    page.keyboard.press("Enter")
    expect(item(page, "key-r")).to_have_count(0)
    page.get_by_test_id("show-closed").click()
    item(page, "key-r").get_by_role("button").click()
    expect(page.get_by_test_id("verdict-closed")).to_contain_text("Other")
    expect(page.get_by_test_id("verdict-closed")).to_contain_text("a kite, curled up")


def test_escape_closes_the_reasons_before_the_alert(centre: Centre, desk: Desk) -> None:
    centre.box.sees("escape", IN_ZAOLIN)
    page = desk.signed_in()
    choose(page, "escape")
    page.keyboard.press("r")
    page.keyboard.press("1")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("reject-panel")).to_have_count(0)
    expect(page.get_by_test_id("detail")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("detail")).to_have_count(0)
    expect(item(page, "escape")).not_to_contain_text("You are judging")


def test_the_mouse_does_it_too_and_unsure_leaves_it_open(centre: Centre, desk: Desk) -> None:
    centre.box.sees("mouse", (113.6400, 34.7150), severity="yellow")
    page = desk.signed_in()
    choose(page, "mouse")
    page.get_by_test_id("verdict-unsure").click()
    expect(item(page, "mouse")).to_contain_text("unsure")
    choose(page, "mouse")
    page.get_by_test_id("verdict-reject").click()
    page.get_by_test_id("reason-weather").locator("xpath=..").click()
    page.get_by_test_id("reject-submit").click()
    expect(item(page, "mouse")).to_have_count(0)


def test_a_double_press_does_not_judge_the_next_alert(centre: Centre, desk: Desk) -> None:
    first = centre.box.sees("double-1", (113.6280, 34.7330))
    centre.box.sees("double-2", (113.6290, 34.7500))
    page = desk.signed_in()
    alert_id = choose(page, first.source_id)
    page.keyboard.press("c")
    expect(page.locator(f'[data-testid="detail"]:not([data-alert-id="{alert_id}"])')).to_be_visible()
    page.keyboard.press("c")
    page.wait_for_timeout(400)
    expect(item(page, "double-2")).to_have_count(1)


def test_another_persons_lease_is_shown_and_respected(centre: Centre, desk: Desk) -> None:
    centre.box.sees("lease", (113.6330, 34.7240))
    first, second = desk.signed_in(), desk.signed_in(ADMIN)
    choose(first, "lease")
    expect(item(second, "lease")).to_contain_text("Operator 值班员 is judging")
    item(second, "lease").get_by_role("button").click()
    expect(second.get_by_test_id("claim")).to_have_attribute("data-holder", "other")
    for name in ("confirm", "reject", "unsure"):
        expect(second.get_by_test_id(f"verdict-{name}")).to_be_disabled()
    second.wait_for_timeout(700)
    second.keyboard.press("c")
    expect(item(second, "lease")).to_have_count(1)
    first.keyboard.press("Escape")
    expect(second.get_by_test_id("verdict-confirm")).to_be_enabled()


def test_a_conflict_says_who_was_faster(centre: Centre, desk: Desk) -> None:
    centre.box.sees("race", (113.6500, 34.7250))
    slow = desk.signed_in()
    alert_id = choose(slow, "race")
    # The slow one's screen falls behind: it neither hears of changes nor prolongs its lease, which is given back.
    slow.route("**/api/v1/live*", lambda route: route.abort())
    slow.route("**/claim", lambda route: route.abort())
    with centre.outage():
        expect(slow.get_by_test_id("live-state")).to_have_attribute("data-state", "reconnecting")
    release(slow, alert_id)
    quick = desk.signed_in(ADMIN)
    choose(quick, "race")
    quick.keyboard.press("c")
    expect(item(quick, "race")).to_have_count(0)
    slow.get_by_test_id("verdict-unsure").click()
    expect(slow.get_by_test_id("toasts")).to_contain_text("already Confirmed by Administrator")
    expect(slow.get_by_test_id("verdict-closed")).to_be_visible()


def release(page: Page, alert_id: str) -> None:
    """Gives the page's lease back behind its back."""
    released = page.evaluate(
        """async (id) => {
            const account = await (await fetch('/api/v1/session')).json();
            const alert = await (await fetch(`/api/v1/alerts/${id}`)).json();
            const answer = await fetch(`/api/v1/alerts/${id}/release`, {
                method: 'POST',
                headers: {'Content-Type': 'application/json', 'X-CSRF-Token': account.csrf_token},
                body: JSON.stringify({version: alert.version}),
            });
            return answer.status;
        }""",
        alert_id,
    )
    assert released == 200
