"""The routes for traffic signals: the owner's alone, of limited size, and refusals that name the field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
import yaml

from edge.config.local import LocalSettings
from edge.local.guard import REQUEST_KEY_HEADER
from edge.local.server import LocalServer
from edge.local.signals import MAX_SETTINGS_BYTES
from edge.supervisor.reload import text_sha256
from tests.edge.brokers import free_port
from tests.edge.local.conftest import Served, answers, wait_until
from tests.edge.local.junction_box import SECRET, JunctionBox

SOURCE = "/api/sources/gate-3"
READ = (f"{SOURCE}/reports", f"{SOURCE}/signals", f"{SOURCE}/signals/still", "/calibrate/gate-3")
CHANGE = (f"{SOURCE}/signals", f"{SOURCE}/signals/plan", f"{SOURCE}/signals/save")


@pytest.fixture
def junction(tmp_path: Path) -> Iterator[tuple[Served, JunctionBox]]:
    box = JunctionBox(tmp_path)
    port = free_port()
    server = LocalServer(LocalSettings(port=port), tmp_path, box)
    server.start()
    url = f"http://127.0.0.1:{port}"
    wait_until(lambda: answers(url), "the server answers")
    yield Served(url, box, tmp_path, server), box
    assert server.stop(30), "it ends"


def told(client: httpx.Client, **question: Any) -> Any:
    answer = client.post(f"{SOURCE}/signals", content=json.dumps(question))
    assert answer.status_code == 200, answer.text
    return answer.json()


def wanted(box: JunctionBox, client: httpx.Client, **settings: Any) -> dict[str, Any]:
    """The body of a change: the scene's heads, and the hash of the file as it is."""
    return {"settings": {"heads": box.heads, **settings}, "sha256": client.get(f"{SOURCE}/signals").json()["sha256"]}


def test_nothing_of_it_is_a_strangers(junction: tuple[Served, JunctionBox]) -> None:
    served, box = junction
    file = box.path.read_text()
    with served.stranger() as client:
        for method, path in [*[("GET", path) for path in READ], *[("POST", path) for path in CHANGE]]:
            answer = client.request(method, path, content=b'{"do": "status"}')
            assert answer.status_code == 401, (method, path)
            assert "Nanjing" not in answer.text
    assert box.calls == []
    assert box.path.read_text() == file


def test_another_sites_page_changes_nothing(junction: tuple[Served, JunctionBox]) -> None:
    served, box = junction
    with served.browser() as client:
        body = json.dumps(wanted(box, client))
        key = {REQUEST_KEY_HEADER: client.get("/api/session").json()["request_key"]}
        for path in CHANGE:
            for headers in (
                {},
                {REQUEST_KEY_HEADER: "0" * 64},
                {**key, "Origin": "http://evil.example"},
                {**key, "Sec-Fetch-Site": "cross-site"},
            ):
                assert client.post(path, content=body, headers=headers).status_code == 403, (path, headers)
        assert box.calls == []
        assert box.applied == []
        assert client.post(f"{SOURCE}/signals/save", content=body, headers=key).status_code == 200
    assert len(box.applied) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"do": "explode"}, ["do"]),
        ({}, ["do"]),
        ({"do": "learn"}, ["settings"]),
        ({"do": "learn", "settings": {}, "seconds": "long"}, ["seconds"]),
        ({"do": "learn", "settings": {}, "seconds": 1e9}, ["seconds"]),
        ({"do": "check", "settings": []}, ["settings"]),
    ],
    ids=range(6),
)
def test_a_wrong_question_is_told_its_field(
    junction: tuple[Served, JunctionBox], body: dict[str, Any], field: list[str]
) -> None:
    served, box = junction
    with served.owner() as client:
        answer = client.post(f"{SOURCE}/signals", content=json.dumps(body))
    assert answer.status_code == 422
    assert [found["path"] for found in answer.json()["fields"]] == [field]
    assert box.calls == []


def test_what_is_no_json_or_too_much_is_refused(junction: tuple[Served, JunctionBox]) -> None:
    served, box = junction
    with served.owner() as client:
        for path in CHANGE:
            assert client.post(path, content=b"{").status_code == 422
            assert client.post(path, content=b"\xff\xfe").status_code == 422
            assert client.post(path, content=b"[1]").status_code == 422
            assert client.post(path, content=b" " * (MAX_SETTINGS_BYTES + 1)).status_code == 413
    assert box.calls == []


def test_the_still_is_whole_and_bare(junction: tuple[Served, JunctionBox]) -> None:
    served, box = junction
    with served.owner() as client:
        answer = client.get(f"{SOURCE}/signals/still")
        assert client.get("/api/sources/well-12/signals/still").status_code == 503
    assert answer.headers["content-type"] == "image/jpeg"
    picture = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (360, 640, 3)
    assert box.latest is not None
    assert np.abs(picture.astype(int) - box.latest.read_bgr()).mean() < 6, "nothing is drawn on it"


def test_no_picture_where_pictures_are_turned_off(tmp_path: Path) -> None:
    box = JunctionBox(tmp_path)
    port = free_port()
    server = LocalServer(LocalSettings(port=port, pictures=False), tmp_path, box)
    server.start()
    wait_until(lambda: answers(f"http://127.0.0.1:{port}"), "the server answers")
    with Served(f"http://127.0.0.1:{port}", box, tmp_path, server).owner() as client:
        assert client.get(f"{SOURCE}/signals/still").status_code == 404
        assert client.get(f"{SOURCE}/signals").json()["pictures"] is False
    assert box.calls == []
    assert server.stop(30)


def test_propose_check_and_learn_are_the_sessions(junction: tuple[Served, JunctionBox]) -> None:
    served, box = junction
    with served.owner() as client:
        settings = {"heads": box.heads}
        assert told(client, do="check", settings=settings)["problems"] == []
        settings["heads"]["n1"]["lamps"][0]["diameter_px"] = 4.0
        checked = told(client, do="check", settings=settings)
        assert checked["problems"][0]["path"][:4] == ["heads", "n1", "lamps", 0]
        assert {"head": "n1", "index": 0, "px": 4.0, "ok": False} in checked["lamps"]
        assert told(client, do="learn", settings={"heads": box.heads}, seconds=10)["state"] == "learning"
        box.watch(12)
        status = told(client, do="status")
        assert status["state"] == "learned"
        assert {head["head"] for head in status["timeline"]["heads"]} == {"n1", "e1", "w1"}
        refused = client.post(f"{SOURCE}/signals", content=json.dumps({"do": "learn", "settings": {"heads": {}}}))
        assert refused.status_code == 503
        assert "cannot be learned" in refused.json()["detail"]


def test_a_plan_changes_nothing_and_saving_writes_the_settings(junction: tuple[Served, JunctionBox]) -> None:
    served, box = junction
    file = box.path.read_text()
    with served.owner() as client:
        body = json.dumps(wanted(box, client, conflicts=[["ns", "ew"]]))
        plan = client.post(f"{SOURCE}/signals/plan", content=body).json()
        assert (plan["restarts"], plan["stays"], plan["empty"]) == (["gate-3"], ["well-12"], False)
        assert box.path.read_text() == file
        saved = client.post(f"{SOURCE}/signals/save", content=body)
        assert SECRET not in saved.text
        assert saved.json()["sha256"] == text_sha256(box.path.read_text())
        stored = client.get(f"{SOURCE}/signals").json()
        assert stored["sha256"] == saved.json()["sha256"]
    assert box.path.read_text().startswith("# the box beside the crossroads\n"), "comments stay"
    written = yaml.safe_load(box.path.read_text())["sources"]["gate-3"]["detectors"]["traffic_signal"]
    assert written["heads"].keys() == {"n1", "e1", "w1"}
    assert written["conflicts"] == [["ns", "ew"]]
    assert stored["settings"]["heads"]["n1"]["group"] == "ns"


def test_a_file_that_changed_meanwhile_is_not_overwritten(junction: tuple[Served, JunctionBox]) -> None:
    served, box = junction
    with served.owner() as client:
        body = json.dumps(wanted(box, client))
        changed = box.path.read_text() + "# somebody else was here\n"
        box.path.write_text(changed)
        answer = client.post(f"{SOURCE}/signals/save", content=body)
    assert answer.status_code == 409
    assert box.path.read_text() == changed


def test_refused_settings_name_their_fields(junction: tuple[Served, JunctionBox]) -> None:
    served, box = junction
    with served.owner() as client:
        body = wanted(box, client)
        heads = body["settings"]["heads"]
        heads["a.b[0].c"] = {**heads.pop("n1"), "kind": "tram"}
        heads["e1"]["lamps"][1]["diameter_px"] = -1
        answer = client.post(f"{SOURCE}/signals/plan", content=json.dumps(body))
        incomplete = client.post(f"{SOURCE}/signals/plan", content=json.dumps({"settings": {}}))
    assert answer.status_code == 422
    fields = {tuple(found["path"]): found["message"] for found in answer.json()["fields"]}
    assert "found 'tram', expected one of" in fields["heads", "a.b[0].c", "kind"]
    assert "greater than 0" in fields["heads", "e1", "lamps", 1, "diameter_px"]
    assert SECRET not in answer.text
    assert [found["path"] for found in incomplete.json()["fields"]] == [["sha256"]]


def test_only_cameras_are_calibrated(junction: tuple[Served, JunctionBox]) -> None:
    served, box = junction
    with served.owner() as client:
        assert client.get("/api/sources/well-12/signals").status_code == 404
        assert client.get("/api/sources/nobody/signals").status_code == 404
        body = json.dumps(wanted(box, client))
        answer = client.post("/api/sources/nobody/signals/save", content=body)
    assert answer.status_code == 422
    assert "nobody" in answer.json()["detail"]


def test_reports_are_handed_through(junction: tuple[Served, JunctionBox]) -> None:
    served, box = junction
    box.report = {"traffic_signal": {"not_judged": {"signal_flashing": "2 pictures a second"}}}
    with served.owner() as client:
        assert client.get(f"{SOURCE}/reports").json() == box.report
