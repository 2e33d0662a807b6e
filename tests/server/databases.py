"""Databases for tests: a migrated SQLite file to copy, a migrated PostgreSQL template to clone."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from server.db import Database
from server.migrations import upgrade

TEMPLATE = "gridsentry_template"
FOLDER_PREFIX = "gs-pg-"


def find_postgresql() -> Path | None:
    """The newest installed PostgreSQL's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def remove_leftovers() -> None:
    """Ends the clusters of test runs that were killed: their processes outlive them."""
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*-*"):
        owner = folder.name.removeprefix(FOLDER_PREFIX).partition("-")[0]
        if not owner.isdecimal() or Path(f"/proc/{owner}").exists():
            continue
        try:
            postmaster = int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])
            if str(folder) in Path(f"/proc/{postmaster}/cmdline").read_text():
                os.kill(postmaster, signal.SIGQUIT)
        except (OSError, ValueError, IndexError):
            pass  # it has ended, or another run is removing it at the same moment
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class PostgresCluster:
    """A throw-away cluster on a unix socket, without fsync: these tests are not about power cuts."""

    programs: Path
    folder: Path
    _numbers: Iterator[int] = field(default_factory=lambda: iter(range(1_000_000)))

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o777)
        data = self.folder / "data"
        self._run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        options = (
            f"-k {self.folder} -c listen_addresses='' -c fsync=off -c full_page_writes=off "
            "-c max_connections=200 -c shared_buffers=64MB -c autovacuum=off"
        )
        log = self.folder / "log"
        self._run("pg_ctl", "-D", data, "-w", "-t", "60", "-l", log, "-o", options, "start")
        self.execute(f"CREATE DATABASE {TEMPLATE}")
        database = Database(self.url(TEMPLATE))
        upgrade(database)
        database.close()

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "-w", "stop")

    def url(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def execute(self, statement: str) -> None:
        with psycopg.connect(dbname="postgres", user="postgres", host=str(self.folder), autocommit=True) as connection:
            connection.execute(statement)

    @contextmanager
    def fresh(self, template: str = TEMPLATE) -> Iterator[str]:
        """The URL of a new database like the template."""
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self.programs / program), *map(str, arguments)]
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            command = ["runuser", "-u", "postgres", "--", *command]
        # Not a pipe: the server that pg_ctl starts would keep it open.
        output = self.folder / f"{program}.{time.monotonic_ns()}.out"
        with output.open("wb") as file:
            code = subprocess.run(command, stdout=file, stderr=file, cwd="/", check=False, timeout=90).returncode
        if code != 0:
            raise RuntimeError(f"{program} failed ({code}): {output.read_text(errors='replace')}")
