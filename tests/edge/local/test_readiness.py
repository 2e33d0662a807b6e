"""Ready means fit to watch; a camera or a server that is away is no reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from edge.local.readiness import HUNG_AFTER_SECONDS, SILENT_AFTER_SECONDS, is_alive, unready_reasons
from edge.view import BoxView, ChildKind, ChildState
from tests.edge.local.box import child, whole_view
from tests.edge.local.conftest import Served


def with_child(**changes: Any) -> BoxView:
    return whole_view(children=(child(**changes), child("uplink", ChildKind.UPLINK)))


def test_a_whole_box_is_ready_though_a_camera_and_the_server_are_away() -> None:
    view = whole_view()
    assert view.sources["tower-2"].state == "offline"
    assert view.uplink["trouble"]
    assert unready_reasons(view) == []


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (whole_view(stopping=True), ("supervisor", "stopping")),
        (whole_view(loop_age_seconds=HUNG_AFTER_SECONDS), ("supervisor", "hangs")),
        (whole_view(config=replace(whole_view().config, sha256="")), ("config", "none in force")),
        (with_child(state=ChildState.STARTING), ("child", "starting")),
        (with_child(state=ChildState.WAITING, reason="rtsp://10.0.0.7 broke"), ("child", "waiting")),
        (with_child(state=ChildState.ENDED), ("child", "ended")),
        (with_child(last_report_age_seconds=None), ("child", "no report yet")),
        (with_child(last_report_age_seconds=SILENT_AFTER_SECONDS + 1), ("child", "silent")),
        (whole_view(uplink={}), ("outbox", "no report yet")),
        (whole_view(uplink={"waiting_events": 0, "outbox_trouble": "disk I/O error"}), ("outbox", "cannot be used")),
    ],
    ids=["stopping", "hangs", "config", "starting", "waiting", "ended", "new", "silent", "no-outbox", "outbox"],
)
def test_reasons(view: BoxView, expected: tuple[str, str]) -> None:
    reasons = unready_reasons(view)
    assert [(reason["part"], reason["reason"]) for reason in reasons] == [expected]
    assert all(set(reason) <= {"part", "name", "reason"} for reason in reasons)


def test_what_a_probe_sees(served: Served) -> None:
    with served.stranger() as client:
        assert client.get("/healthz").json() == {"alive": True}
        assert (client.get("/readyz").status_code, client.get("/readyz").json()) == (
            200,
            {"ready": True, "reasons": []},
        )
        served.box.now = with_child(state=ChildState.WAITING, reason="rtsp://admin:s3cret@10.0.0.7 broke")
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["reasons"] == [{"part": "child", "name": "cameras-1", "reason": "waiting"}]
        assert "10.0.0.7" not in answer.text, "open to all: no address"
        assert client.get("/healthz").status_code == 200, "a child that is started anew is no reason to end the program"
        served.box.now = whole_view(loop_age_seconds=HUNG_AFTER_SECONDS + 1)
        assert not is_alive(served.box.now)
        assert client.get("/healthz").status_code == 503
