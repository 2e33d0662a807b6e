"""``kill -9`` in the middle of surveys, at any moment: nothing lost, nothing told twice, the chain whole."""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from contract.chain import verify_chain
from contract.details import StructureDetail
from edge.detectors.illegal_structure.saved import loaded
from edge.flights.surveys.area import survey_name
from edge.flights.surveys.records import records_from
from edge.outbox.store import Outbox
from samples.demo.programs import installed
from tests.edge.flights.surveys.town import AREA, DEVICE, configuration, flown_corner

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

KILLS = 5
LONGEST_SECONDS = 9.0
"""About as long as a survey takes; a kill that comes after its end tests the end."""


def test_a_survey_that_is_killed_again_and_again_tells_everything_once(tmp_path: Path) -> None:
    corner = flown_corner(tmp_path / "town", flights=("1-before", "2-after"))
    config = configuration(tmp_path, corner)
    dice = random.Random(5)
    state = tmp_path / "state"
    commands = [
        [installed("gridsentry-edge"), "survey", str(corner.folder / name), "--config", str(config)]
        for name in ("1-before", "2-after")
    ]
    begin_and_kill(commands[0], seconds=dice.uniform(0.3, 2.0))
    finish(commands[0])
    for _ in range(KILLS):
        begin_and_kill(commands[1], seconds=dice.uniform(0.5, LONGEST_SECONDS))
    # Between its pictures and its events: the shortest moment of all.
    begin_and_kill(commands[1], seconds=60, until=state / "evidence")
    finish(commands[1])
    assert "nothing to do" in finish(commands[1])

    outbox = Outbox(state, DEVICE)
    try:
        waiting = outbox.next_batch(1000, 10**8)
        records = records_from(outbox.state(survey_name(AREA)))
        still_open = outbox.open_episodes()[AREA]
    finally:
        outbox.close()
    contents = [each.content for each in waiting]
    assert verify_chain(DEVICE, contents, [], None).problem is None
    events = [json.loads(content)["data"] for content in contents]
    told = {one.key for one in loaded(records.structures).structures if one.told}
    assert told, "the new house"
    assert Counter(map(structure_of, events)) == Counter(dict.fromkeys(told, 2)), "opened, and updated with pictures"
    for key in told:
        own = [event for event in events if structure_of(event) == key]
        assert [(event["revision"], event["phase"]) for event in own] == [(1, "opened"), (2, "updated")]
        assert len({event["episode_id"] for event in own}) == 1
        for item in own[1]["evidence"]:
            assert (state / "evidence" / item["sha256"]).stat().st_size == item["bytes"]
    assert {episode.key for episode in still_open} == told
    assert [each.finished for each in records.flights] == [True, True]
    assert len(records.comparisons) == 1


def structure_of(event: dict[str, Any]) -> str:
    return StructureDetail.model_validate(event["detail"]).structure


def begin_and_kill(command: list[str], seconds: float, until: Path | None = None) -> None:
    """SIGKILL after so many seconds, or as soon as a file appears in the folder `until`."""
    before = count(until)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as program:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and program.poll() is None and count(until) == before:
            time.sleep(0.001)
        program.kill()


def count(folder: Path | None) -> int:
    return 0 if folder is None or not folder.is_dir() else sum(1 for _ in folder.iterdir())


def finish(command: list[str]) -> str:
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout
