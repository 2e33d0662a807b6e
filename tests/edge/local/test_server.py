"""The server is never in the supervisor's way: a taken port, a broken page, an end in the middle."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import structlog
from structlog.testing import capture_logs

from edge.config.local import LocalSettings
from edge.local import server as module
from edge.local.server import LocalServer
from edge.view import BoxView, Plan
from tests.edge.brokers import free_port
from tests.edge.local.box import WrittenBox
from tests.edge.local.conftest import Served, answers, wait_until


@contextmanager
def started(settings: LocalSettings, state_dir: Path, box: WrittenBox | None = None) -> Iterator[LocalServer]:
    server = LocalServer(settings, state_dir, box or WrittenBox())
    server.start()
    try:
        yield server
    finally:
        assert server.stop(30)


def test_a_port_in_use_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_WAIT_SECONDS", 0.05)
    port = free_port()
    taken = socket.create_server(("127.0.0.1", port))
    with capture_logs() as said, taken, started(LocalSettings(port=port), tmp_path):
        wait_until(lambda: len([row for row in said if "will be tried again" in row["event"]]) >= 2, "two tries")
        assert "in use" in said[-1]["reason"]
        taken.close()
        wait_until(lambda: answers(f"http://127.0.0.1:{port}"), "it serves once the port is free")


def test_a_state_folder_that_cannot_be_used_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_WAIT_SECONDS", 0.05)
    token = tmp_path / "local.token"
    token.write_text("short")
    port = free_port()
    with capture_logs() as said, started(LocalSettings(port=port), tmp_path):
        wait_until(lambda: any("at least 20" in row.get("reason", "") for row in said), "it says why")
        token.unlink()
        wait_until(lambda: answers(f"http://127.0.0.1:{port}"), "it serves with a new token")


class Breaking(WrittenBox):
    """A box whose view breaks while it is told to."""

    broken = False

    def view(self) -> BoxView:
        if self.broken:
            raise RuntimeError("a fault of ours")
        return super().view()


def test_a_view_that_breaks_breaks_one_answer(tmp_path: Path) -> None:
    box, port = Breaking(), free_port()
    url = f"http://127.0.0.1:{port}"
    with started(LocalSettings(port=port), tmp_path, box):
        wait_until(lambda: answers(url), "it serves")
        box.broken = True
        answer = httpx.get(f"{url}/readyz")
        assert answer.status_code == 500
        assert "fault of ours" not in answer.text
        box.broken = False
        assert httpx.get(f"{url}/readyz").status_code == 200


def test_a_server_that_breaks_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_WAIT_SECONDS", 0.05)
    whole, breaks = module.local_app, iter([True, True, False])

    def sometimes(*arguments: object) -> object:
        if next(breaks, False):
            raise RuntimeError("a fault of ours")
        return whole(*arguments)  # type: ignore[arg-type] # passed on as they came

    monkeypatch.setattr(module, "local_app", sometimes)
    port = free_port()
    with capture_logs() as said, started(LocalSettings(port=port), tmp_path):
        wait_until(lambda: answers(f"http://127.0.0.1:{port}"), "it serves in the end")
    assert len([row for row in said if row["event"].startswith("the local page broke")]) == 2


def test_the_port_is_free_after_the_end_even_with_a_slow_answer(tmp_path: Path) -> None:
    """A reload that changes the port, and a shutdown, must not wait for a picture."""
    port = free_port()
    asked, go_on = threading.Event(), threading.Event()

    class Slow(WrittenBox):
        def call(self, source_id: str, name: str, arguments: object) -> object:
            asked.set()
            go_on.wait(60)
            return {"jpeg": ""}

    server = LocalServer(LocalSettings(port=port), tmp_path, Slow())
    server.start()
    url = f"http://127.0.0.1:{port}"
    wait_until(lambda: answers(url), "it serves")
    token = (tmp_path / "local.token").read_text().strip()

    def ask() -> None:
        try:
            httpx.get(f"{url}/api/sources/a/still", headers={"Authorization": f"Bearer {token}"}, timeout=60)
        except httpx.TransportError:
            return  # cut off by the end, as it should be

    asking = threading.Thread(target=ask)
    asking.start()
    assert asked.wait(60)
    stopping = threading.Thread(target=server.stop, args=(60,))
    stopping.start()
    wait_until(lambda: _is_free(port), "the port is free")
    go_on.set()
    asking.join(60)
    stopping.join(60)
    assert not stopping.is_alive()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def test_an_end_before_the_beginning(tmp_path: Path) -> None:
    server = LocalServer(LocalSettings(port=free_port()), tmp_path, WrittenBox())
    assert server.stop()
    server.start()
    assert server.stop(30)


def test_nothing_is_logged_for_an_answer(served: Served) -> None:
    with capture_logs() as said, served.owner() as client:
        for _ in range(3):
            client.get("/api/box")
    assert said == []
    assert structlog.get_logger() is not None


def test_unchanged_answers_are_not_sent_again(served: Served) -> None:
    with served.owner() as client:
        first = client.get("/static/app.js")
        again = client.get("/static/app.js", headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        box = client.get("/api/box").json()
        tags = {name: box[name]["tag"] for name in ("log", "events")}
        assert box["log"]["rows"][-1]["source"] == "tower-2"
        later = client.get("/api/box", params=tags).json()
        assert later["log"] == {"tag": tags["log"], "rows": None}
        assert later["events"]["rows"] is None


def test_what_the_page_shows(served: Served) -> None:
    with served.owner() as client:
        box = client.get("/api/box").json()
        assert [source["source_id"] for source in box["sources"]] == ["court-5", "gate-3", "tower-2", "well-12"]
        gate = box["sources"][1]
        assert gate["last_frame_age_seconds"] >= 0.2
        assert box["config"]["problems"] == []
        wait_until(lambda: len(client.get("/api/box").json()["sources"][1]["history"]) >= 2, "two samples")
        history = client.get("/api/box").json()["sources"]
        assert set(history[1]["history"]) == {24.9}
        assert set(history[2]["history"]) == {0.0}, "offline is no rate"


def test_changing_the_configuration(served: Served) -> None:
    with served.owner() as client:
        refused = client.post("/api/config/plan", content="nonsense")
        assert refused.status_code == 422
        assert refused.json()["problems"] == ["edge.yaml:3: sources: found nothing, expected a value"]
        assert client.post("/api/config", content=b"\xff\xfe\xfd").status_code == 422
        plan = client.post("/api/config/plan", content=WrittenBox.GOOD).json()
        assert (plan["starts"], plan["restarts"], plan["stays"], plan["empty"]) == (
            ["new-1"],
            ["gate-3"],
            ["court-5"],
            False,
        )
        assert served.box.applied == []
        assert client.post("/api/config", content=WrittenBox.GOOD).status_code == 200
    assert served.box.applied == [WrittenBox.GOOD]


def test_calls_to_workers(served: Served, tmp_path: Path) -> None:
    with served.owner() as client:
        picture = client.get("/api/sources/gate-3/still")
        assert picture.headers["content-type"] == "image/jpeg"
        assert picture.content.startswith(b"\xff\xd8")
        assert client.post("/api/sources/gate-3/canary").json()["state"] == "waiting"
        assert client.get("/api/sources/gate-3/canary/c1").json()["state"] == "found"
        assert client.get("/api/inference").status_code == 404
        (tmp_path / "inference.json").write_text('{"choices": []}')
        assert client.get("/api/inference").json() == {"choices": []}
    assert served.box.calls[0] == ("gate-3", "still", {"max_width": 960})
    assert served.box.calls[2] == ("gate-3", "canary", {"id": "c1"})


def test_pictures_can_be_turned_off(tmp_path: Path) -> None:
    box, port = WrittenBox(), free_port()
    url = f"http://127.0.0.1:{port}"
    with started(LocalSettings(port=port, pictures=False), tmp_path, box):
        wait_until(lambda: answers(url), "it serves")
        owner = {"Authorization": f"Bearer {(tmp_path / 'local.token').read_text().strip()}"}
        assert httpx.get(f"{url}/api/sources/gate-3/still", headers=owner).status_code == 404
        assert httpx.get(f"{url}/api/box", headers=owner).json()["pictures"] is False
    assert box.calls == []


def test_answers_are_sent_at_once(tmp_path: Path) -> None:
    """asyncio turns off Nagle's algorithm only for sockets that name TCP; with it each answer took 40 ms more."""
    port = free_port()
    with module._listening(LocalSettings(port=port)) as listening:
        assert listening.proto == socket.IPPROTO_TCP
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = listening.accept()
            accepted.close()
            assert accepted.proto == socket.IPPROTO_TCP


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.9.9.9"])
def test_loopback(host: str) -> None:
    assert LocalSettings(host=host).is_loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "box.example", "192.168.1.5"])
def test_beyond_the_loopback(host: str) -> None:
    assert not LocalSettings(host=host).is_loopback


@pytest.mark.parametrize("host", ["", "http://a", "a:80", "a/b", "a b", "-a", "user@a", "[::1]"])
def test_what_is_no_host(host: str) -> None:
    with pytest.raises(ValueError, match="host"):
        LocalSettings(host=host)


def test_a_change_that_is_not_taken_up_in_time_is_no_failure_to_write(served: Served) -> None:
    class Busy(WrittenBox):
        def apply(self, text: str) -> Plan:
            raise TimeoutError

    served.box.__class__ = Busy
    with served.owner() as client:
        answer = client.post("/api/config", content=WrittenBox.GOOD)
    assert answer.status_code == 503
    assert "the file is written" in answer.json()["detail"]
