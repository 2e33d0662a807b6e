"""Pictures of the ground from survey flights under the map: chosen by keyboard, compared, and for signed-in people."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect
from pyproj import Transformer

from edge.detectors.interface import Image
from edge.flights.mosaic.grid import Block, Grid
from edge.flights.mosaic.pyramid import Pyramid, Words, write_pmtiles
from edge.flights.shots import NoProgress
from tests.console.conftest import Centre, Desk
from tests.console.test_pages import violations
from tests.server.mosaics.shelves import put

pytestmark = pytest.mark.browser

PLACE = (113.6480, 34.7420)
SIDE_PX, GSD_M = 800, 0.5
RED, GREEN = (40, 40, 220), (60, 190, 60)
"""Blue, green, red: of the later and of the earlier flight."""
SHARE = 0.75
"""Of the middle of the map that must have a colour."""


def tiles(path: Path, colour: tuple[int, int, int]) -> Pyramid:
    """Writes a mosaic of 400 m squared in one colour."""
    there = Transformer.from_crs("EPSG:4326", "EPSG:32649", always_xy=True)
    east, north = there.transform(*PLACE)
    half = SIDE_PX * GSD_M / 2
    grid = Grid(32649, east - half, north + half, GSD_M, SIDE_PX, SIDE_PX)
    whole = np.full((SIDE_PX, SIDE_PX, 4), (*colour, 255), np.uint8)

    def read(block: Block) -> Image:
        found = np.zeros((block.rows, block.columns, 4), np.uint8)
        left, top = max(block.column, 0), max(block.row, 0)
        part = whole[top : block.row + block.rows, left : block.column + block.columns]
        found[top - block.row : top - block.row + part.shape[0], left - block.column :][:, : part.shape[1]] = part
        return found

    return write_pmtiles(path, grid, read, Words("test", "", "Survey"), 80, NoProgress())


@pytest.fixture(scope="module")
def flown(centre: Centre, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """The ids of two mosaics of one place, the later one first."""
    folder, library = tmp_path_factory.mktemp("tiles"), centre.folder / "library"
    ids = []
    for date, colour in (("2026-11-20", RED), ("2026-08-14", GREEN)):
        path = folder / f"{date}.pmtiles"
        made = tiles(path, colour)
        zooms = made.least_zoom, made.most_zoom
        ids.append(put(library, "market", date, made.bounds, path.read_bytes(), zooms))
    yield ids
    shutil.rmtree(library / "market")


def shown_share(page: Page, colour: tuple[float, float, float]) -> float:
    """Of the middle of the map, how much is of a colour."""
    picture = cv2.imdecode(np.frombuffer(page.get_by_test_id("map").screenshot(), np.uint8), cv2.IMREAD_COLOR)
    height, width = picture.shape[:2]
    middle = picture[height * 2 // 5 : height * 3 // 5, width * 2 // 5 : width * 3 // 5].astype(int)
    return float((np.abs(middle - np.array(colour)).max(axis=2) < 30).mean())


def wait_for(page: Page, colour: tuple[float, float, float]) -> None:
    for _ in range(300):
        if shown_share(page, colour) > SHARE:
            return
        page.wait_for_timeout(150)
    raise AssertionError(f"the map never showed {colour}: {shown_share(page, colour):.0%}")


def test_a_flight_is_chosen_and_compared_by_keyboard(desk: Desk, flown: list[str]) -> None:
    page = desk.signed_in()
    answers: list[tuple[str, int]] = []
    page.on("response", lambda answer: answers.append((answer.url, answer.status)))
    button = page.get_by_test_id("mosaic-button")
    expect(button).to_have_attribute("aria-expanded", "false")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("mosaic-panel")).to_be_visible()
    page.keyboard.press("Tab")
    after = page.get_by_test_id("mosaic-after")
    expect(after).to_be_focused()
    expect(after.locator("option")).to_have_text(["None: grids only", "market · 2026-11-20", "market · 2026-08-14"])
    page.keyboard.press("ArrowDown")
    expect(after).to_have_value(flown[0])
    wait_for(page, RED)
    expect(page.get_by_text("Survey, 5 cm a pixel")).to_be_visible()

    page.keyboard.press("Tab")
    before = page.get_by_test_id("mosaic-before")
    expect(before).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(before).to_have_value(flown[1])
    share = page.get_by_test_id("mosaic-share")
    expect(share).to_have_attribute("aria-valuetext", "50 % of the later picture")
    wait_for(page, tuple((a + b) / 2 for a, b in zip(RED, GREEN, strict=True)))
    share.focus()
    page.keyboard.press("Home")
    wait_for(page, GREEN)
    assert violations(page) == []

    page.keyboard.press("Escape")
    expect(page.get_by_test_id("mosaic-panel")).to_have_count(0)
    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-pressed", "true")
    taken = [status for url, status in answers if ".pmtiles" in url]
    assert taken and set(taken) == {206}


def test_in_chinese_on_a_small_desk(desk: Desk, flown: list[str]) -> None:
    page = desk.signed_in(locale="zh-CN", viewport={"width": 1000, "height": 760})
    page.get_by_role("button", name="航测影像").click()
    page.get_by_label("航测架次").select_option(flown[1])
    wait_for(page, GREEN)
    expect(page.get_by_label("对比影像")).to_be_visible()
    assert [each for each in violations(page) if "mosaic" in each or "map" in each] == []


def test_a_stranger_sees_none(centre: Centre, desk: Desk, flown: list[str]) -> None:
    context = desk.context()
    for path in ("", f"/{flown[0]}.pmtiles"):
        answer = context.request.get(f"{centre.url}/api/v1/mosaics{path}", headers={"Range": "bytes=0-9"})
        assert answer.status == 401
        assert not re.search(b"PMTiles", answer.body())


def test_without_mosaics_there_is_no_button(centre: Centre, desk: Desk, flown: list[str]) -> None:
    page = desk.page(desk.context())
    page.route("**/api/v1/mosaics", lambda route: route.fulfill(json={"mosaics": []}))
    page.goto(centre.url)
    page.get_by_test_id("username").fill("operator")
    page.get_by_test_id("password").fill("operator-demo")
    page.get_by_test_id("sign-in").click()
    expect(page.get_by_test_id("map")).to_be_visible()
    expect(page.get_by_role("button", name="Whole area")).to_be_visible()
    expect(page.get_by_test_id("mosaic-button")).to_have_count(0)
