"""Several detectors of one camera: each gets the answers to its own questions, and so does a copy of one."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from edge.inference.port import ReplayModels
from tests.edge.inference.conftest import MakeSettings, frame
from tests.edge.inference.test_service import answer_to, opener, serving, until


def test_detectors_of_one_camera_do_not_take_each_others_answers(inference: MakeSettings, tmp_path: Path) -> None:
    with serving(inference(), tmp_path, opener()) as service:
        ports = service.ports("gate")
        first, second = ports.new(), ports.new()
        answer_to(first, "tiny", 0.0)
        assert first.ask("tiny", frame(1.0, (0, 0, "red")))
        assert second.ask("tiny", frame(2.0, (1, 1, "blue"))), "it replaces no question but its own"
        until(lambda: not any(one["waiting"] for one in service.status()), "both answers")
        found = {}
        until(lambda: bool(found.setdefault("first", first.answers())) or not found.pop("first"), "the first's answer")
        until(lambda: bool(found.setdefault("second", second.answers())) or not found.pop("second"), "the second's")
        assert [answer.media_time for answer in found["first"]] == [1.0]
        assert [answer.media_time for answer in found["second"]] == [2.0]
        ports.close()
        assert not first.ask("tiny", frame(3.0))
        assert not second.ask("tiny", frame(3.0))


def test_a_copy_of_a_detector_asks_by_itself(inference: MakeSettings, tmp_path: Path) -> None:
    """A drill looks with a copy of the detector: the original must not miss an answer by it."""
    with serving(inference(), tmp_path, opener()) as service:
        port = service.port("gate")
        answer_to(port, "tiny", 0.0)
        drill = copy.deepcopy(port)
        assert answer_to(drill, "tiny", 5.0, (2, 1, "red")).media_time == 5.0
        assert port.answers() == []
        again = copy.deepcopy(port)
        assert not drill.ask("tiny", frame(6.0)), "one drill at a time: the one before is over"
        port.close()
        assert not again.ask("tiny", frame(7.0)), "it ends with its original"


def test_a_copy_in_a_replay_asks_by_itself(inference: MakeSettings) -> None:
    port = ReplayModels(inference()).port()
    port.ask("tiny", frame(1.0, (0, 0, "red")))
    drill = copy.deepcopy(port)
    drill.ask("tiny", frame(2.0))
    assert [answer.media_time for answer in drill.answers()] == [2.0]
    assert [answer.media_time for answer in port.answers()] == [1.0]


def test_a_fault_of_any_port_ends_the_replay(inference: MakeSettings, tmp_path: Path) -> None:
    ports = ReplayModels(inference(path=tmp_path / "none.onnx")).ports()
    ports.new()
    asking = ports.new()
    assert ports.fault is None
    with pytest.raises(Exception, match="cannot be read"):
        asking.ask("tiny", frame(0.0))
    assert ports.fault is asking.fault is not None
