"""The demo's bookkeeping: its folder, what it waits for, what its table says."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from rich.console import Console

from samples.demo.__main__ import expected_by_config
from samples.demo.programs import Program, ProgramError, free_port, installed, listens, port_is_free
from samples.demo.report import print_table, rows_of, write_json
from samples.demo.stack import choose_ports, prepare_folder
from samples.demo.watch import Arrival, Kind, missing, unexpected

FALL, GAS = Kind("gate-3", "thrown_object"), Kind("shop-4", "gas")


def arrival(kind: Kind) -> Arrival:
    return Arrival(kind, "410199004", "Huaishi Street", 0.04, "an-alert")


def test_it_waits_for_every_sample_episode() -> None:
    expected = expected_by_config()
    assert Counter(kind.hazard for kind in expected) == {
        "thrown_object": 3,
        "signal_dark": 1,
        "fire": 1,
        "smoke": 1,
        "water_level": 1,
        "gas": 1,
        "smoke_density": 1,
        "tilt": 1,
    }


def test_what_is_missing_and_what_is_too_much() -> None:
    expected = Counter({FALL: 1, GAS: 2})
    arrivals = (arrival(FALL), arrival(FALL), arrival(GAS))
    assert missing(expected, arrivals) == {GAS: 1}
    assert unexpected(expected, arrivals) == {FALL: 1}
    assert [(row.source, row.status) for row in rows_of(expected, arrivals)] == [
        ("gate-3", "arrived"),
        ("gate-3", "unexpected"),
        ("shop-4", "arrived"),
        ("shop-4", "missing"),
    ]


def test_the_table_and_the_data_say_the_same(tmp_path: Path) -> None:
    rows = rows_of(Counter({FALL: 1, GAS: 1}), (arrival(FALL),))
    console = Console(record=True, width=120)
    print_table(rows, console)
    text = console.export_text()
    assert "410199004 Huaishi Street" in text
    assert "missing" in text
    write_json(rows, tmp_path / "deep" / "demo.json")
    data = json.loads((tmp_path / "deep" / "demo.json").read_text(encoding="utf-8"))
    assert [(row["source"], row["value"], row["ok"]) for row in data] == [
        ("gate-3", 0.04, True),
        ("shop-4", None, False),
    ]


def test_it_empties_only_a_folder_of_its_own(tmp_path: Path) -> None:
    own = tmp_path / "demo"
    prepare_folder(own)
    (own / "server.db").touch()
    prepare_folder(own)
    assert not (own / "server.db").exists()
    foreign = tmp_path / "home"
    foreign.mkdir()
    (foreign / "letter.txt").write_text("keep me", encoding="utf-8")
    with pytest.raises(ProgramError, match="not empty and no demo made it"):
        prepare_folder(foreign)
    assert (foreign / "letter.txt").exists()


def test_a_busy_port_is_left_alone() -> None:
    import socket

    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        assert listens(port)
        assert not port_is_free(port)
        assert choose_ports(port).http != port
    free = free_port()
    assert choose_ports(free).http == free


def test_a_program_that_ends_while_starting_shows_its_log(tmp_path: Path) -> None:
    program = Program("short", ["sh", "-c", "echo broken pipe dream; exit 3"], tmp_path / "log")
    program.start()
    with pytest.raises(ProgramError, match=r"(?s)short ended while starting.*broken pipe dream"):
        program.wait_until(lambda: False)
    assert program.stop() == 3


def test_a_program_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    with Program("deaf", ["sh", "-c", "trap '' TERM; sleep 60"], tmp_path / "log") as program:
        program.check()
        program.kill()
        assert not program.running
        with pytest.raises(ProgramError, match="ended by itself"):
            program.check()


def test_what_is_not_installed_is_named() -> None:
    with pytest.raises(ProgramError, match="no-such-program is not installed"):
        installed("no-such-program")
