"""The page in a real browser, over a box that the test writes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from edge.view import ChildState
from tests.e2e.browser import chromium
from tests.edge.local.box import WrittenBox, child, meter, whole_view
from tests.edge.local.conftest import Served

pytestmark = pytest.mark.browser

DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


class Visitor:
    """Opens the page, and collects what it complains about and whom it asks."""

    def __init__(self, browser: Browser, served: Served) -> None:
        self._browser = browser
        self._served = served
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []
        self.foreign: list[str] = []

    def page(self, *, locale: str = "en-GB", viewport: dict[str, int] | None = None, **more: Any) -> Page:
        context = self._browser.new_context(locale=locale, viewport=viewport or DESK, **more)
        context.set_default_timeout(20_000)
        self._contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if "Content Security" in said.text else None)
        page.on("request", lambda request: self._note(request.url))
        return page

    def signed_in(self, **more: Any) -> Page:
        page = self.page(**more)
        page.goto(self._served.url)
        page.locator("#token").fill(self._served.token)
        page.keyboard.press("Enter")
        page.get_by_test_id("source-list").wait_for()
        page.get_by_test_id("source-gate-3").wait_for()
        return page

    def close(self) -> None:
        for context in self._contexts:
            context.close()

    def _note(self, url: str) -> None:
        if not url.startswith((self._served.url, "blob:", "data:")):
            self.foreign.append(url)


@pytest.fixture
def visitor(browser: Browser, served: Served) -> Iterator[Visitor]:
    opened = Visitor(browser, served)
    yield opened
    opened.close()
    assert opened.complaints == []
    assert opened.foreign == [], "nobody but the box is asked for anything"


def source(page: Page, source_id: str):
    return page.get_by_test_id(f"source-{source_id}")


def part(page: Page, name: str):
    return page.get_by_test_id(name)


def violations(page: Page, root: Path) -> list[str]:
    """What axe finds wrong on the page as it is now."""
    axe = root / "server/console/node_modules/axe-core/axe.min.js"
    if not axe.is_file():
        pytest.skip("axe-core is not installed: run `npm ci` in server/console")
    page.evaluate(axe.read_text(encoding="utf-8"))
    found = page.evaluate("async () => (await axe.run(document, {resultTypes: ['violations']})).violations")
    return [f"{rule['id']}: {node['html'][:160]} {node['failureSummary']}" for rule in found for node in rule["nodes"]]


def test_sources_come_and_go(visitor: Visitor, served: Served) -> None:
    page = visitor.signed_in()
    expect(part(page, "ready")).to_have_text("Ready")
    expect(part(page, "sources-count")).to_have_text("3 of 4 online")
    expect(source(page, "tower-2")).to_contain_text("offline")
    expect(part(page, "device-conditions")).to_contain_text("disk short: 412 MB free")
    expect(source(page, "court-5")).to_contain_text("online · defocused · moved")
    view = served.box.now
    sources = {**view.sources, "tower-2": meter("tower-2"), "new-1": meter("new-1", name="新 · New")}
    del sources["well-12"]
    served.box.now = replace(view, sources=sources, children=(child(state=ChildState.WAITING, reason="ended: 11"),))
    expect(source(page, "tower-2")).to_have_attribute("data-state", "online")
    expect(source(page, "new-1")).to_contain_text("新 · New")
    expect(source(page, "well-12")).to_have_count(0)
    expect(part(page, "ready")).to_contain_text("cameras-1: will be started anew")
    expect(part(page, "children")).to_contain_text("ended: 11")


def test_the_picture_lives_while_somebody_looks(visitor: Visitor, served: Served) -> None:
    page = visitor.signed_in()
    still = page.locator("#still")
    expect(still).to_be_visible()
    seen = still.get_attribute("src")
    expect(still).not_to_have_attribute("src", seen or "")
    assert page.evaluate("document.getElementById('still').naturalWidth") == 960
    source(page, "tower-2").click()
    expect(part(page, "picture")).to_contain_text("No picture: tower-2: rtsp://***@10.0.0.7/live did not answer")
    source(page, "well-12").click()
    expect(part(page, "picture")).to_contain_text("is a sensor")
    asked = len(served.box.calls)
    page.wait_for_timeout(1500)
    assert len(served.box.calls) == asked, "nobody is asked for a picture of a sensor"
    source(page, "gate-3").click()
    expect(still).to_be_visible()
    part(page, "pause").click()
    page.wait_for_timeout(1000)  # one that was under way
    asked = len(served.box.calls)
    page.wait_for_timeout(1500)
    assert len(served.box.calls) == asked, "a held picture costs nothing"


def test_both_languages_and_every_text(visitor: Visitor, root: Path) -> None:
    page = visitor.signed_in(locale="zh-CN")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(part(page, "sources-count")).to_have_text("4 个中 3 个在线")
    expect(source(page, "court-5")).to_contain_text("失焦 · 被移动")
    expect(part(page, "events")).to_contain_text("高空抛物 · 开始")
    part(page, "language").click()
    expect(part(page, "sources-count")).to_have_text("3 of 4 online")
    expect(part(page, "events")).to_contain_text("thrown object · opened")
    page.reload()
    expect(part(page, "sources-count")).to_have_text("3 of 4 online")
    keys = page.evaluate(
        """async () => {
            const { CALIBRATION: TEXTS } = await import("/static/calibrate/texts.js");
            const paths = (value, at) =>
                typeof value === "object" ? Object.entries(value).flatMap(([k, v]) => paths(v, `${at}.${k}`)) : [at];
            return { en: paths(TEXTS.en, "").sort(), zh: paths(TEXTS.zh, "").sort() };
        }"""
    )
    assert keys["en"] == keys["zh"]
    static = root / "edge/local/static"
    scripts = "".join(path.read_text(encoding="utf-8") for path in sorted(static.rglob("*.js")))
    markup = "".join(path.read_text(encoding="utf-8") for path in sorted(static.glob("*.html")))
    used = set(re.findall(r'\bt\("(\w+)"', scripts)) | set(re.findall(r't\.word\("(\w+)"', scripts))
    used |= set(re.findall(r'data-t(?:-\w+)?="(\w+)"', markup))
    assert used <= {path.split(".")[1] for path in keys["en"]}


def test_a_phone_needs_no_sideways_scrolling(visitor: Visitor) -> None:
    page = visitor.signed_in(viewport=PHONE, has_touch=True, is_mobile=True, locale="zh-CN")
    page.get_by_text("修改配置").tap()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    boxes = [page.locator(f"[data-place={name}]").bounding_box() for name in ("sources", "look", "events")]
    tops = [box["y"] for box in boxes if box]
    assert tops == sorted(tops), "the picture stands below its list"
    assert len(tops) == 3
    source(page, "gate-3").tap()
    expect(page.get_by_test_id("picture")).to_be_in_viewport()
    expect(page.locator("#still")).to_be_visible()


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_everybody_can_use_it(visitor: Visitor, served: Served, root: Path, scheme: str) -> None:
    served.box.now = replace(
        served.box.now, config=replace(served.box.now.config, refused_at=whole_view().started_at, problems=("a:1: b",))
    )
    stranger = visitor.page(color_scheme=scheme)
    stranger.goto(served.url)
    assert not (found := violations(stranger, root)), "\n".join(found)
    page = visitor.signed_in(color_scheme=scheme)
    expect(page.locator("#still")).to_be_visible()
    page.get_by_text("Change the configuration").click()
    page.wait_for_timeout(300)  # colours are judged at rest
    assert not (found := violations(page, root)), "\n".join(found)
    page.keyboard.press("?")
    page.locator("#help").wait_for()
    assert not (found := violations(page, root)), "\n".join(found)


def test_the_keyboard_is_enough(visitor: Visitor) -> None:
    page = visitor.signed_in()
    expect(source(page, "court-5")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("j")
    expect(source(page, "gate-3")).to_have_attribute("aria-pressed", "true")
    expect(source(page, "gate-3")).to_be_focused()
    page.keyboard.press("k")
    expect(source(page, "court-5")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("/")
    page.keyboard.type("tower")
    expect(source(page, "gate-3")).to_be_hidden()
    expect(source(page, "tower-2")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    expect(part(page, "pause")).to_have_text("Go on")
    page.keyboard.press("t")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.keyboard.press("z")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")


def test_the_log_by_level_and_source(visitor: Visitor) -> None:
    page = visitor.signed_in()
    expect(part(page, "log").locator("li")).to_have_count(2)
    part(page, "log-level").select_option("error")
    expect(part(page, "log").locator("li")).to_have_count(1)
    expect(part(page, "log")).to_contain_text("reason=no answer within 10 s")
    part(page, "log-level").select_option("debug")
    part(page, "log-source").select_option("gate-3")
    expect(part(page, "log")).to_contain_text("Nothing was said that fits.")


def test_a_configuration_is_applied_after_its_plan_was_seen(visitor: Visitor, served: Served) -> None:
    page = visitor.signed_in()
    page.get_by_text("Change the configuration").click()
    expect(part(page, "config-apply")).to_be_disabled()
    part(page, "config-text").fill("nonsense")
    part(page, "config-check").click()
    expect(part(page, "plan")).to_contain_text("edge.yaml:3: sources: found nothing, expected a value")
    expect(part(page, "config-apply")).to_be_disabled()
    part(page, "config-text").fill(WrittenBox.GOOD)
    part(page, "config-check").click()
    expect(part(page, "plan")).to_contain_text("start (1)")
    expect(part(page, "plan")).to_contain_text("notice nothing (1)")
    part(page, "config-text").press_sequentially("#")
    expect(part(page, "config-apply")).to_be_disabled()
    part(page, "config-text").fill(WrittenBox.GOOD)
    expect(part(page, "config-apply")).to_be_enabled()
    assert served.box.applied == []
    part(page, "config-apply").click()
    expect(part(page, "plan")).to_contain_text("Taken up.")
    assert served.box.applied == [WrittenBox.GOOD]


def test_a_drill_is_followed_to_its_end(visitor: Visitor, served: Served) -> None:
    page = visitor.signed_in()
    source(page, "gate-3").click()
    page.locator("#canary").click()
    expect(part(page, "said")).to_have_text("Canary: found, thrown_object, after 0.8 s")
    expect(page.locator("#accept-view")).to_be_hidden()
    source(page, "court-5").click()
    page.locator("#accept-view").click()
    expect(part(page, "said")).to_have_text("The view as it is now is learnt.")
    assert ("court-5", "accept_view", {}) in served.box.calls


def test_models_and_what_was_measured_of_them(visitor: Visitor, served: Served) -> None:
    one = {"backend": "onnxruntime", "threads": 1, "precision": "f32", "batch": 1, "cpu_ms": 31.25, "refused": None}
    other = {**one, "backend": "openvino", "cpu_ms": None, "refused": "differs by 3 from the reference"}
    stored = {
        "machine": {"cpu": "A Processor", "cores": 2},
        "choices": [{"model": "people", "chosen": 0, "measurements": [one, other]}],
    }
    (served.state_dir / "inference.json").write_text(json.dumps(stored))
    page = visitor.signed_in()
    expect(part(page, "inference")).to_contain_text("people")
    expect(part(page, "inference")).to_contain_text("asked 100, answered 90, shed 3")
    expect(part(page, "inference")).to_contain_text("cdcdcdcdcdcd")
    expect(part(page, "inference")).to_contain_text(
        "1.1: refused, the one before serves, people.onnx: fails its self-test"
    )
    expect(part(page, "measured").locator("tr")).to_have_count(2)
    expect(part(page, "measured").locator("tr").first).to_contain_text("✓")
    expect(part(page, "measured")).to_contain_text("differs by 3 from the reference")
    expect(page.locator("#measured-on")).to_contain_text("A Processor, 2")


def test_markup_in_a_name_is_text(visitor: Visitor, served: Served) -> None:
    evil = "<img src=x onerror=alert(1)><b>bold</b>"
    row = {"timestamp": "2026-11-21T08:00:00Z", "level": "error", "event": evil, "process": evil, "more": evil}
    event = {"id": "1", "type": evil, "time": "2026-11-21T08:00:00Z", "source_id": evil, "reason": evil}
    served.box.now = whole_view(
        sources={"gate-3": meter(name=evil, reason=evil, address=evil, conditions=[evil], codec=evil)},
        log=[row],
        events=[event],
        uplink={"waiting_events": 1, "trouble": evil, "configured": True},
    )
    page = visitor.signed_in()
    expect(source(page, "gate-3")).to_contain_text("<b>bold</b>")
    expect(part(page, "log")).to_contain_text("<b>bold</b>")
    assert page.locator("img[src=x]").count() == 0
    assert page.locator("main b", has_text=re.compile("^bold$")).count() == 0


def test_a_box_that_is_silent_is_said_to_be(visitor: Visitor, served: Served) -> None:
    page = visitor.signed_in()
    expect(page.locator("#lost")).to_be_hidden()
    served.server.stop(30)
    expect(page.locator("#lost")).to_contain_text("has not answered for", timeout=30_000)


def test_signing_out(visitor: Visitor) -> None:
    page = visitor.signed_in()
    page.locator("#sign-out").click()
    page.locator("#token").wait_for()
    page.locator("#token").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("That was not the token.")
