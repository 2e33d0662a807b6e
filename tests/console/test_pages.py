"""What else there is: the map, the phone, languages, the admin's pages; and that everybody can use them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from contract.canonical import canonical_bytes
from contract.events import HealthData, event_of
from contract.ids import uuid7
from tests.console.box import DEVICE_ID
from tests.console.conftest import ADMIN, CONSOLE, PHONE, Centre, Desk, choose, item

pytestmark = pytest.mark.browser

AXE = CONSOLE / "node_modules" / "axe-core" / "axe.min.js"


def violations(page: Page) -> list[str]:
    """What axe finds wrong on the page as it is now."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: run `npm ci` in server/console")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("async () => (await axe.run(document, {resultTypes: ['violations']})).violations")
    return [f"{rule['id']}: {node['html'][:160]} {node['failureSummary']}" for rule in found for node in rule["nodes"]]


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_everything_can_be_used_by_everybody(centre: Centre, desk: Desk, scheme: str) -> None:
    centre.box.sees(f"axe-{scheme}", (113.6300, 34.7450 if scheme == "dark" else 34.7150), tier="review")
    stranger = desk.page(desk.context(color_scheme=scheme))
    stranger.goto(centre.url)
    stranger.get_by_test_id("sign-in").wait_for()
    assert violations(stranger) == []

    page = desk.signed_in(ADMIN, color_scheme=scheme)
    expect(item(page, f"axe-{scheme}")).to_be_visible()
    assert violations(page) == []
    choose(page, f"axe-{scheme}")
    page.keyboard.press("r")
    page.keyboard.press("2")
    page.get_by_test_id("reject-panel").wait_for()
    page.wait_for_timeout(400)  # colours are judged at rest, not while something fades in
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.get_by_test_id("help-dialog").wait_for()
    assert violations(page) == []
    page.keyboard.press("Escape")
    for name in ("audit", "dead-letters", "devices"):
        page.get_by_test_id(f"nav-{name}").click()
        page.get_by_test_id(f"page-{name}").wait_for()
        page.wait_for_timeout(300)
        assert violations(page) == []


def test_a_phone_shows_one_thing_at_a_time(centre: Centre, desk: Desk) -> None:
    centre.box.sees("phone", (113.6590, 34.7300))
    page = desk.signed_in(viewport=PHONE, has_touch=True, is_mobile=True, locale="zh-CN")
    assert fits(page)
    item(page, "phone").get_by_role("button").tap()
    expect(page.get_by_test_id("alert-list")).to_be_hidden()
    for name in ("confirm", "reject", "unsure"):
        button = page.get_by_test_id(f"verdict-{name}")
        expect(button).to_be_in_viewport()
        size = button.bounding_box()
        assert size is not None
        assert min(size["width"], size["height"]) >= 44
    expect(page.get_by_test_id("verdict-confirm")).to_contain_text("确认")
    assert fits(page)
    page.get_by_test_id("verdict-reject").tap()
    assert fits(page)
    page.go_back()
    expect(page.get_by_test_id("alert-list")).to_be_visible()
    expect(page.get_by_test_id("detail")).to_have_count(0)


def test_an_admins_pages_fit_a_phone(centre: Centre, desk: Desk) -> None:
    page = desk.signed_in(ADMIN, viewport=PHONE, has_touch=True, is_mobile=True)
    assert fits(page)
    for name in ("audit", "dead-letters", "devices"):
        page.get_by_test_id(f"nav-{name}").tap()
        page.get_by_test_id(f"page-{name}").wait_for()
        page.wait_for_timeout(500)
        assert fits(page)


def fits(page: Page) -> bool:
    """Nothing reaches over the right edge of the screen."""
    over = page.evaluate(
        """() => [...document.querySelectorAll('main *, header *')].filter((element) => {
            const box = element.getBoundingClientRect();
            return box.width > 0 && box.right > innerWidth + 1 && getComputedStyle(element).position !== 'absolute'
                && !element.closest('.map-host, .visually-hidden, .table-scroll')
                && !element.parentElement.closest('.stills, .lamp-scroll');
        }).map((element) => element.outerHTML.slice(0, 120))"""
    )
    assert over == []
    return bool(page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"))


def test_the_language_is_the_browsers_until_one_chooses(centre: Centre, desk: Desk) -> None:
    page = desk.signed_in(locale="zh-CN")
    expect(page.get_by_test_id("live-state")).to_contain_text("实时")
    page.get_by_test_id("language").click()
    expect(page.get_by_test_id("live-state")).to_contain_text("Live")
    page.reload()
    expect(page.get_by_test_id("live-state")).to_contain_text("Live")
    assert page.evaluate("document.documentElement.lang") == "en"


def test_the_map_draws_grids_and_pins(centre: Centre, desk: Desk) -> None:
    centre.box.sees("map", (113.6460, 34.7360))
    page = desk.signed_in()
    canvas = page.locator(".maplibregl-canvas")
    expect(canvas).to_be_visible()
    expect(item(page, "map")).to_be_visible()
    page.wait_for_timeout(1500)
    assert colours(canvas.screenshot()) > 20, "the map is blank"


def colours(png: bytes) -> int:
    import cv2
    import numpy as np

    pixels = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    return len(np.unique(pixels.reshape(-1, 3), axis=0))


def test_without_webgl_there_is_a_simple_map(centre: Centre, desk: Desk) -> None:
    centre.box.sees("no-webgl", (113.6310, 34.7390))
    context = desk.context()
    context.add_init_script(
        """const original = HTMLCanvasElement.prototype.getContext;
        HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
            return kind.startsWith('webgl') ? null : original.call(this, kind, ...rest);
        };"""
    )
    page = desk.page(context)
    from tests.e2e.browser import sign_in

    sign_in(page, centre.url, *ADMIN)
    expect(page.get_by_test_id("simple-map")).to_be_visible()
    expect(item(page, "no-webgl")).to_be_visible()


def test_the_filter_and_the_queues_narrow_the_list(centre: Centre, desk: Desk) -> None:
    centre.box.sees("narrow-a", (113.638062, 34.743000))
    centre.box.sees("narrow-b", (113.653953, 34.761000))
    page = desk.signed_in()
    expect(item(page, "narrow-b")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("narrow-a")
    expect(item(page, "narrow-b")).to_have_count(0)
    expect(item(page, "narrow-a")).to_be_visible()
    page.get_by_test_id("filter").fill("")
    page.keyboard.press("Escape")
    # A street's queue holds what waits in its communities.
    page.get_by_test_id("queue-picker").select_option("410199004")
    expect(item(page, "narrow-a")).to_be_visible()
    expect(item(page, "narrow-b")).to_have_count(0)


def test_an_admin_sees_who_did_what_and_mends_a_dead_letter(centre: Centre, desk: Desk) -> None:
    centre.box.sees("audited", (113.6370, 34.7280))
    page = desk.signed_in(ADMIN)
    alert_id = choose(page, "audited")
    page.keyboard.press("c")
    expect(item(page, "audited")).to_have_count(0)
    page.goto(f"{centre.url}/audit/{alert_id}")
    row = page.get_by_test_id("audit-table").get_by_role("row").filter(has_text="alert.confirm")
    expect(row).to_contain_text("admin")
    expect(row).to_contain_text("confirmed")

    centre.box.sends(json.dumps({"specversion": "1.0", "id": "nonsense"}).encode(), status="dead_letter")
    page.get_by_test_id("nav-dead-letters").click()
    letter = page.get_by_test_id("dead-letters").get_by_role("listitem").first
    letter.get_by_text("Edit").click()
    letter.get_by_role("textbox").fill("{ this is not JSON")
    letter.get_by_role("button", name="Replay").click()
    expect(letter.get_by_role("alert")).to_contain_text("Not valid JSON")
    letter.get_by_role("textbox").fill('{"still": "wrong"}')
    letter.get_by_role("button", name="Replay").click()
    expect(letter.get_by_role("alert")).to_contain_text("Still refused")
    page.on("dialog", lambda dialog: dialog.accept())
    letter.get_by_role("button", name="Discard").click()
    expect(letter).to_contain_text("Discarded")

    page.get_by_test_id("nav-devices").click()
    expect(page.get_by_test_id("device").first).to_contain_text("demo-box")


def test_an_operator_has_no_admin_pages(centre: Centre, desk: Desk) -> None:
    page = desk.signed_in()
    expect(page.get_by_test_id("nav-audit")).to_have_count(0)
    page.goto(f"{centre.url}/audit")
    expect(page.get_by_role("alert")).to_contain_text("for administrators")


def test_a_devices_page_tells_what_its_cameras_cannot_see(centre: Centre, desk: Desk) -> None:
    now = datetime.now(UTC)
    said = HealthData.model_validate(
        {
            "source": {"id": "gate-9", "kind": "camera", "name": "北门9 · North gate 9"},
            "state": "covered",
            "reason": "the lens is covered",
            "since": now,
            "conditions": ["covered", "overexposed"],
            "unwatched": {"moved": "PTZ"},
            "sight": {"counted_from": now, "sight_seconds": 975.0, "blind_seconds": 25.0},
        }
    )
    event = event_of(said, event_id=uuid7(now), device_id=DEVICE_ID, time=now)
    centre.box.sends(canonical_bytes(event.as_json()), status="accepted")
    page = desk.signed_in(ADMIN)
    page.get_by_test_id("nav-devices").click()
    row = page.get_by_role("row").filter(has_text="gate-9")
    expect(row).to_contain_text("covered · overexposed")
    expect(row).to_contain_text("not watched for: moved (PTZ)")
    expect(row).to_contain_text("97.5%")
