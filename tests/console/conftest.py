"""One server with the fictional district for all tests of the console; each test brings its own alerts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from samples.demo.programs import Program, free_port
from samples.demo.stack import answers, prepare_server, server_environment, server_program
from tests.console.box import Box
from tests.e2e.browser import chromium, sign_in

CONSOLE = Path(__file__).parents[2] / "server" / "console"
OPERATOR = ("operator", "operator-demo")
ADMIN = ("admin", "admin-demo")
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


@dataclass(frozen=True)
class Centre:
    """The running server, and the box that reports to it."""

    url: str
    server: Program
    box: Box
    folder: Path

    @contextmanager
    def outage(self) -> Iterator[None]:
        """The server is gone inside the block, as after a power cut, and back behind it."""
        self.server.kill()
        try:
            yield
        finally:
            self.server.start()
            self.server.wait_until(lambda: answers(f"{self.url}/readyz"))


@pytest.fixture(scope="package")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    """A server that serves the built console, with grids, lists, demo accounts and one device."""
    if not (CONSOLE / "dist" / "index.html").is_file():
        pytest.skip("the console is not built: run `make setup`")
    folder = tmp_path_factory.mktemp("centre")
    library = folder / "library"
    library.mkdir()
    environment = {**server_environment(folder), "GRIDSENTRY_MOSAICS_DIR": str(library)}
    prepare_server(environment, folder)
    port = free_port()
    server = server_program(folder, port, environment)
    url = f"http://127.0.0.1:{port}"
    with server:
        server.wait_until(lambda: answers(f"{url}/readyz"))
        box = Box(url, (folder / "edge.token").read_text(encoding="utf-8"))
        yield Centre(url, server, box, folder)
        box.close()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for this folder; not for the session: Playwright runs once in a process, and others want it too."""
    with chromium() as started:
        yield started


class Desk:
    """Opens browsers (contexts) for people, and collects what their pages complain about."""

    def __init__(self, browser: Browser, centre: Centre) -> None:
        self._browser = browser
        self._centre = centre
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []
        self.foreign_requests: list[str] = []

    def context(
        self, *, locale: str = "en-GB", viewport: dict[str, int] | None = None, **more: object
    ) -> BrowserContext:
        context = self._browser.new_context(locale=locale, viewport=viewport or DESK, **more)
        context.set_default_timeout(15_000)
        self._contexts.append(context)
        return context

    def page(self, context: BrowserContext) -> Page:
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._note_request)
        return page

    def signed_in(self, who: tuple[str, str] = OPERATOR, **context: object) -> Page:
        page = self.page(self.context(**context))
        sign_in(page, self._centre.url, *who)
        return page

    def close(self) -> None:
        for context in self._contexts:
            context.close()

    def _note_request(self, request: object) -> None:
        url = str(getattr(request, "url"))  # noqa: B009 -- Playwright types events as objects
        if not url.startswith((self._centre.url, "data:", "blob:")):
            self.foreign_requests.append(url)


@pytest.fixture
def desk(browser: Browser, centre: Centre) -> Iterator[Desk]:
    """People's browsers; no page may raise an error or ask anybody but our server for anything."""
    opened = Desk(browser, centre)
    yield opened
    opened.close()
    assert opened.complaints == []
    assert opened.foreign_requests == []


def item(page: Page, source_id: str):
    """The list's row of the alert from this source."""
    return page.get_by_test_id("alert-item").filter(has_text=f"Camera {source_id}")


def choose(page: Page, source_id: str) -> str:
    """Chooses the alert from this source and waits until it is claimed; returns its id."""
    row = item(page, source_id)
    row.get_by_role("button").click()
    expect(page.get_by_test_id("claim")).to_have_attribute("data-holder", "me")
    # A person looks before judging; keys are deaf for that moment.
    page.wait_for_timeout(700)
    alert_id = page.get_by_test_id("detail").get_attribute("data-alert-id")
    assert alert_id is not None
    return alert_id
