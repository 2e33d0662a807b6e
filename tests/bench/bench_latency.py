"""From an episode's opening at the edge to the operator's screen: reading published to alert in the DOM."""

from __future__ import annotations

import shutil
import tempfile
from datetime import datetime
from pathlib import Path

from playwright.sync_api import Page

from samples.demo.__main__ import ACCOUNTS
from tests.bench.rows import Row, at_most, percentile, publish, skipped
from tests.e2e.browser import chromium, sign_in
from tests.e2e.line import prepared_line
from tests.e2e.sensors import Publisher

SENSORS = 25
TARGET_SECONDS = 1.0

NOTE_ARRIVALS = """() => {
    window.arrivals = {};
    const note = () => {
        for (const item of document.querySelectorAll('[data-testid="alert-item"]')) {
            window.arrivals[item.dataset.alertId] ??= Date.now();
        }
    };
    note();
    new MutationObserver(note).observe(document.body, {childList: true, subtree: true, attributes: true});
}"""


def run() -> list[Row]:
    """Measures and publishes the rows."""
    if shutil.which("chromium") is None or shutil.which("mosquitto", path="/usr/sbin:/usr/bin") is None:
        rows = [skipped("opening to browser, p95", "s", TARGET_SECONDS, "needs chromium and mosquitto")]
    else:
        with tempfile.TemporaryDirectory() as folder:
            delays = delays_to_the_screen(Path(folder))
        note = f"{len(delays)} sensors, one after the other; real broker, edge, server, Chromium"
        p95 = percentile(delays, 0.95)
        within = (round(min(delays), 3), round(max(delays), 3))
        rows = [
            at_most("opening to browser, median", delays, "s", None, note),
            Row("opening to browser, p95", p95, "s", TARGET_SECONDS, p95 <= TARGET_SECONDS, len(delays), within, note),
        ]
    publish("latency", rows)
    return rows


def delays_to_the_screen(folder: Path) -> list[float]:
    """Seconds from the reading that opened each episode to its alert on the screen; every one must arrive."""
    with prepared_line(folder) as line, chromium() as browser:
        line.start()
        page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        sign_in(page, line.url, *ACCOUNTS[0])
        page.evaluate(NOTE_ARRIVALS)
        publisher = Publisher(line.ports.mqtt)
        for number in range(SENSORS):
            publisher.publish(f"s-{number:02}", 2.0)
            page.wait_for_timeout(200)
        publisher.close()
        page.get_by_test_id("alert-item").nth(SENSORS - 1).wait_for(timeout=30_000)
        return read_delays(page)


def read_delays(page: Page) -> list[float]:
    arrivals: dict[str, float] = page.evaluate("() => window.arrivals")
    alerts = page.evaluate("() => fetch('/api/v1/alerts?state=open&limit=100').then(answer => answer.json())")["alerts"]
    opened = {alert["id"]: datetime.fromisoformat(alert["opened_at"]).timestamp() for alert in alerts}
    return [arrived / 1000 - opened[alert_id] for alert_id, arrived in arrivals.items()]
