"""The commands, as programs: what they print and how they end."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from server.cli import main
from server.db import Database
from tests.server.conftest import DeviceBox
from tests.server.support import Edge, send


@dataclass(frozen=True)
class Outcome:
    """How a command ended and what it said."""

    returncode: int
    stdout: str
    stderr: str


class Commands:
    """Runs `gridsentry-server` with settings of its own: here and now, for a program takes a second to start."""

    def __init__(self, url: str, folder: Path, patch: pytest.MonkeyPatch, captured: pytest.CaptureFixture[str]) -> None:
        self.environment = {
            "GRIDSENTRY_DATABASE_URL": url,
            "GRIDSENTRY_DATA_DIR": str(folder / "data"),
            "COLUMNS": "200",
        }
        self._patch = patch
        self._captured = captured

    def __call__(self, *arguments: str, given: str = "", **environment: str) -> Outcome:
        self._captured.readouterr()
        with self._patch.context() as patch:
            for name, value in (self.environment | environment).items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["gridsentry-server", *arguments])
            patch.setattr(sys, "stdin", io.StringIO(given))
            with pytest.raises(SystemExit) as ending:
                main()
        said = self._captured.readouterr()
        return Outcome(int(ending.value.code or 0), said.out, said.err)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What the commands do is the same on both databases."""
    return sqlite_url


@pytest.fixture
def commands(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Commands:
    return Commands(sqlite_url, tmp_path, monkeypatch, capsys)


def test_a_first_day(commands: Commands) -> None:
    password = "correct horse battery\n"
    add = ("user", "add", "Li", "--role", "operator", "--scope", "410199", "--display-name", "李敏")
    made = commands(*add, "--password-stdin", given=password)
    assert (made.returncode, made.stdout.strip()) == (0, "account li: operator, sees 410199")
    listed = commands("user", "list")
    assert "李敏" in listed.stdout
    again = commands(*add, "--password-stdin", given=password)
    assert again.returncode == 2
    assert "there is an account 'li' already" in again.stderr
    assert "Traceback" not in again.stderr
    device = commands("device", "add", "box-1", "--name", "Box 1")
    assert device.stdout.startswith("gsd_")
    assert len(device.stdout.split()) == 1, "the token alone, so that it can be redirected into a file"
    assert "no key yet" in commands("device", "list").stdout
    audit = commands("verify-audit")
    assert (audit.returncode, audit.stdout.split()[0]) == (0, "2")


def test_weak_passwords_and_unknown_names_are_wrong_usage(commands: Commands) -> None:
    weak = commands("user", "add", "li", "--role", "admin", "--scope", "*", "--password-stdin", given="short\n")
    assert (weak.returncode, "at least 10" in weak.stderr) == (2, True)
    assert commands("user", "password", "nobody", "--password-stdin", given="long enough 1\n").returncode == 2
    assert commands("device", "rotate", "box-9").returncode == 2
    assert commands("device", "revoke", "box-9").returncode == 2
    assert commands("user", "add", "li", "--role", "king", "--scope", "*").returncode == 2
    assert commands("nonsense").returncode == 2


def test_a_scope_is_a_grid_once_there_are_grids(commands: Commands, root: Path) -> None:
    add = ("user", "add", "li", "--role", "operator", "--password-stdin", "--scope")
    grids = root / "samples" / "district" / "generated" / "grids.geojson"
    assert commands("import-grids", str(grids)).returncode == 0
    mistyped = commands(*add, "41019900", given="correct horse battery\n")
    assert (mistyped.returncode, "did you mean 410199" in mistyped.stderr) == (2, True)
    assert commands(*add, "410199004", given="correct horse battery\n").returncode == 0


def test_a_disabled_account_is_over(commands: Commands) -> None:
    add = ("user", "add", "li", "--role", "operator", "--scope", "*", "--password-stdin")
    assert commands(*add, given="correct horse battery\n").returncode == 0
    assert commands("user", "disable", "li").returncode == 0
    assert "disabled" in commands("user", "list").stdout
    assert commands("user", "disable", "li").returncode == 2
    assert commands("user", "disable", "nobody").returncode == 2


def test_wrong_settings_are_named(commands: Commands) -> None:
    misspelt = commands("check", GRIDSENTRY_DATABSE_URL="x")
    assert (misspelt.returncode, "did you mean GRIDSENTRY_DATABASE_URL?" in misspelt.stderr) == (2, True)
    wrong = commands("check", GRIDSENTRY_LEASE_SECONDS="soon")
    assert (wrong.returncode, "GRIDSENTRY_LEASE_SECONDS: found 'soon'" in wrong.stderr) == (2, True)
    assert commands("migrate", GRIDSENTRY_DATABASE_URL="mysql://x/y").returncode == 2


def test_check_says_what_is_missing(commands: Commands, tmp_path: Path) -> None:
    found = commands("check", GRIDSENTRY_CONSOLE_DIR=str(tmp_path))
    assert found.returncode == 1
    for words in ("import-grids", "import-matters", "user add", "build the console"):
        assert words in found.stdout
    fresh = commands("check", GRIDSENTRY_DATABASE_URL=f"sqlite:///{tmp_path}/fresh.db")
    assert fresh.returncode == 1
    assert "gridsentry-server migrate" in fresh.stdout


def test_commands_want_a_migrated_database(commands: Commands, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/sub/fresh.db"
    early = commands("user", "list", GRIDSENTRY_DATABASE_URL=url)
    assert (early.returncode, "gridsentry-server migrate" in early.stderr) == (2, True)
    assert commands("migrate", GRIDSENTRY_DATABASE_URL=url).returncode == 0
    assert commands("user", "list", GRIDSENTRY_DATABASE_URL=url).returncode == 0


def test_a_broken_audit_log_is_a_problem_found(commands: Commands, database: Database) -> None:
    commands("device", "add", "box-1")
    commands("device", "rotate", "box-1")
    with database.write() as connection:
        connection.execute(text("DROP TRIGGER audit_log_no_update"))
        connection.execute(text("UPDATE audit_log SET actor = 'nobody' WHERE seq = 1"))
    found = commands("verify-audit")
    assert found.returncode == 1
    assert "entry 1 was altered" in found.stderr


def test_a_chain_is_verified_from_its_first_event(
    commands: Commands, client: TestClient, device: DeviceBox, database: Database
) -> None:
    edge = Edge(device)
    send(client, device, [*edge.hazards(4), edge.head()])
    fine = commands("verify-chain", "box-1")
    assert (fine.returncode, "proven up to event 4" in fine.stdout) == (0, True)
    with database.write() as connection:
        connection.execute(text("DELETE FROM events WHERE seq = 2"))
    broken = commands("verify-chain", "box-1")
    assert (broken.returncode, "broken at event 2" in broken.stderr) == (1, True)
    assert commands("verify-chain", "box-9").returncode == 1


class Running:
    """`gridsentry-server run`, until the test is done with it."""

    def __init__(self, commands: Commands, log: Path, *arguments: str) -> None:
        self.log = log
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "server.cli", "run", "--port", "0", *arguments],
                env=os.environ | commands.environment,
                stderr=file,
            )

    def address(self) -> str:
        end = time.monotonic() + 60
        while "Application startup complete" not in (said := self.log.read_text()):
            assert self.process.poll() is None, said
            assert time.monotonic() < end, said
            time.sleep(0.05)
        return said.split("address=")[1].split()[0]

    def stop(self, with_signal: signal.Signals) -> int:
        self.process.send_signal(with_signal)
        return self.process.wait(timeout=60)


@pytest.mark.parametrize("with_signal", [signal.SIGINT, signal.SIGTERM])
def test_run_serves_until_it_is_told_to_stop(commands: Commands, tmp_path: Path, with_signal: signal.Signals) -> None:
    running = Running(commands, tmp_path / "log", "--demo")
    address = running.address()
    with httpx.Client(base_url=address) as http:
        assert http.get("/readyz").status_code == 200
        answer = http.post("/api/v1/session", json={"username": "operator", "password": "operator-demo"})
        assert answer.status_code == 200, answer.text
        assert answer.json()["grid_scope"] == "*"
        with http.stream("GET", "/api/v1/live") as stream:  # an open stream must not keep the server from stopping
            assert stream.status_code == 200
            assert running.stop(with_signal) == 0
    assert "Traceback" not in running.log.read_text()


def test_run_refuses_the_demos_passwords_and_a_port_in_use(commands: Commands, tmp_path: Path) -> None:
    running = Running(commands, tmp_path / "log", "--demo")
    port = running.address().rsplit(":", 1)[1]
    taken = Running(commands, tmp_path / "taken", "--demo", "--port", port)
    assert taken.process.wait(timeout=60) == 2
    assert f"port {port}" in taken.log.read_text()
    running.stop(signal.SIGTERM)
    refused = Running(commands, tmp_path / "refused")
    assert refused.process.wait(timeout=60) == 2
    said = refused.log.read_text()
    assert "the demo's password" in said
    assert "Traceback" not in said
    assert commands("check").returncode == 1


def test_run_migrates_a_fresh_database(commands: Commands, tmp_path: Path) -> None:
    commands.environment["GRIDSENTRY_DATABASE_URL"] = f"sqlite:///{tmp_path}/new/server.db"
    running = Running(commands, tmp_path / "log", "--log-json")
    end = time.monotonic() + 60
    while '"address": "http://127.0.0.1' not in running.log.read_text():
        assert time.monotonic() < end, running.log.read_text()
        time.sleep(0.05)
    assert running.stop(signal.SIGTERM) == 0
