"""Staying up to date: one stream for all tabs, outages that are seen, nothing missed."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from contract.ids import uuid7
from server.accounts.throttle import FREE_FAILURES_PER_NAME
from tests.console.conftest import OPERATOR, Centre, Desk, item
from tests.e2e.browser import sign_in

pytestmark = pytest.mark.browser


def test_seven_tabs_share_one_stream_and_outlive_its_holder(centre: Centre, desk: Desk) -> None:
    context = desk.context()
    streams: list[str] = []
    context.on("request", lambda request: streams.append(request.url) if "/api/v1/live" in request.url else None)
    first = desk.page(context)
    sign_in(first, centre.url, *OPERATOR)
    others = [desk.page(context) for _ in range(6)]
    for page in others:
        page.goto(centre.url)
        expect(page.get_by_test_id("live-state")).to_have_attribute("data-state", "live")
    assert len(streams) == 1, "each tab opened a stream of its own"

    centre.box.sees("tabs-1", (113.6420, 34.7180))
    for page in (first, *others):
        expect(item(page, "tabs-1")).to_be_visible()

    first.close()  # it held the stream: another tab takes over where it was
    centre.box.sees("tabs-2", (113.6560, 34.7450))
    for page in others:
        expect(item(page, "tabs-2")).to_be_visible()
        expect(page.get_by_test_id("live-state")).to_have_attribute("data-state", "live")
    assert len(streams) == 2


def test_an_outage_is_seen_and_nothing_is_missed(centre: Centre, desk: Desk) -> None:
    page = desk.signed_in()
    with centre.outage():
        expect(page.get_by_test_id("live-state")).to_have_attribute("data-state", "reconnecting")
        expect(page.get_by_test_id("stale-banner")).to_contain_text("out of date", timeout=15_000)
    centre.box.sees("outage", (113.6480, 34.7550))
    expect(item(page, "outage")).to_be_visible(timeout=30_000)
    expect(page.get_by_test_id("live-state")).to_have_attribute("data-state", "live")
    expect(page.get_by_test_id("stale-banner")).to_have_count(0)


def test_the_title_counts_and_muting_is_remembered(centre: Centre, desk: Desk) -> None:
    page = desk.signed_in()
    listed = page.evaluate("() => fetch('/api/v1/alerts?state=open&limit=100').then(answer => answer.json())")
    before = sum(alert["canary"] is None for alert in listed["alerts"])
    # The list may not have been drawn yet: counting its rows now would race with it.
    expect(page.get_by_test_id("alert-item")).to_have_count(len(listed["alerts"]))
    centre.box.sees("title", (113.6350, 34.7600))
    expect(page).to_have_title(f"({before + 1}) GridSentry")
    expect(page.get_by_test_id("mute")).to_have_attribute("data-state", "on")
    page.keyboard.press("m")
    expect(page.get_by_test_id("mute")).to_have_attribute("data-state", "muted")
    page.reload()
    expect(page.get_by_test_id("mute")).to_have_attribute("data-state", "muted")


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_a_drill_is_shown_as_one_and_counted_nowhere(centre: Centre, desk: Desk, locale: str) -> None:
    page = desk.signed_in(locale=locale)
    listed = page.evaluate("() => fetch('/api/v1/alerts?state=open&limit=100').then(answer => answer.json())")
    expect(page.get_by_test_id("alert-item")).to_have_count(len(listed["alerts"]))
    title, count = page.title(), page.get_by_test_id("show-open").inner_text()
    source = f"drill-{locale}"
    centre.box.sees(source, (113.6350, 34.7600), drill=True)
    row = item(page, source)
    expect(row.get_by_test_id("drill")).to_have_text("演练 CANARY")
    expect(page).to_have_title(title)
    expect(page.get_by_test_id("show-open")).to_have_text(count.replace("\n", ""))
    row.click()
    expect(page.get_by_test_id("detail").get_by_test_id("drill")).to_be_visible()
    facts = page.locator(".facts")
    shown = {
        "en-GB": ("Drill: found", "Drill: received", "Drill: shown here"),
        "zh-CN": ("演练:识别", "演练:送达", "演练:显示"),
    }
    for words in shown[locale]:
        expect(facts).to_contain_text(words)


@pytest.mark.parametrize(
    ("locale", "demoted", "stale", "continued"),
    [
        ("en-GB", "over budget", "fixture?", "continues · 3 quiet repeats"),
        ("zh-CN", "超出限额", "疑为固定物", "延续 · 其间重现 3 次"),
    ],
)
def test_what_the_device_remarks_is_shown(
    centre: Centre, desk: Desk, locale: str, demoted: str, stale: str, continued: str
) -> None:
    page = desk.signed_in(locale=locale)
    source = f"remarks-{locale}"
    said = {"demoted": "budget", "stale": True, "repeat_of": uuid7(datetime.now(UTC)), "quiet_repeats": 3}
    centre.box.sees(source, (113.6350, 34.7600), tier="review", remarks=said)
    row, detail = item(page, source), page.get_by_test_id("detail")
    row.click()
    for place in (row, detail):
        expect(place.get_by_test_id("remark-demoted")).to_have_text(demoted)
        expect(place.get_by_test_id("remark-stale")).to_have_text(stale)
    expect(detail.get_by_test_id("remark-continued")).to_have_text(continued)
    expect(detail.get_by_test_id("remark-continued")).to_have_attribute("title", re.compile("3"))
    expect(row.get_by_test_id("remark-continued")).to_have_count(0)


def test_the_end_of_the_session_closes_every_tab(centre: Centre, desk: Desk) -> None:
    context = desk.context()
    first, second = desk.page(context), desk.page(context)
    sign_in(first, centre.url, *OPERATOR)
    second.goto(centre.url)
    expect(second.get_by_test_id("live-state")).to_have_attribute("data-state", "live")
    first.get_by_test_id("sign-out").click()
    expect(first.get_by_test_id("sign-in")).to_be_visible()
    expect(second.get_by_test_id("sign-in")).to_be_visible(timeout=25_000)


def test_wrong_passwords_are_told_apart_from_a_locked_account(centre: Centre, desk: Desk) -> None:
    page = desk.page(desk.context())
    page.goto(centre.url)
    page.get_by_test_id("username").fill("nobody-here")
    page.get_by_test_id("sign-in").click()
    expect(page.get_by_test_id("sign-in-problem")).to_contain_text("Enter a user name and a password")
    for number in range(FREE_FAILURES_PER_NAME):
        page.get_by_test_id("password").fill(f"not the password {number}")
        page.get_by_test_id("sign-in").click()
        expect(page.get_by_test_id("sign-in-problem")).to_contain_text("is wrong")
        expect(page.get_by_test_id("sign-in")).to_be_enabled()
    page.get_by_test_id("sign-in").click()
    expect(page.get_by_test_id("sign-in-problem")).to_contain_text("locked for now; try again in")


COUNT_NOTES = """
window.notes = 0;
const make = AudioContext.prototype.createOscillator;
AudioContext.prototype.createOscillator = function () { window.notes += 1; return make.call(this); };
"""


def test_an_alarm_is_heard_a_review_is_not_and_mute_is_obeyed(centre: Centre, desk: Desk) -> None:
    context = desk.context()
    context.add_init_script(COUNT_NOTES)
    page = desk.page(context)
    sign_in(page, centre.url, *OPERATOR)

    def notes_after(source_id: str, place: tuple[float, float], *, heard: bool = False, **more: str) -> int:
        before = int(page.evaluate("window.notes"))
        centre.box.sees(source_id, place, **more)
        expect(item(page, source_id)).to_be_visible()
        if heard:
            page.wait_for_function("before => window.notes > before", arg=before)
        else:
            page.wait_for_timeout(2_000)
        return int(page.evaluate("window.notes")) - before

    calm = notes_after("sound-yellow", (113.6250, 34.7520), heard=True, severity="yellow")
    # At once: the calm sound is still being played.
    urgent = notes_after("sound-red", (113.6260, 34.7250), heard=True)
    assert 0 < calm < urgent
    assert notes_after("sound-review", (113.6270, 34.7350), tier="review") == 0
    page.keyboard.press("m")
    assert notes_after("sound-muted", (113.6550, 34.7150)) == 0
