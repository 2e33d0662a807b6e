"""The demo's programs, set up from nothing in one folder: accounts, grids, lists, a device and its token."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from samples.demo.programs import (
    Program,
    ProgramError,
    free_port,
    installed,
    listens,
    mqtt_broker,
    port_is_free,
)

ROOT = Path(__file__).parents[2]
DISTRICT = ROOT / "samples" / "district" / "generated"
EDGE_CONFIG = ROOT / "configs" / "demo" / "edge.yaml"
DEVICE_ID = "demo-box"
LOCAL_PORT = 8790
MARK = ".gridsentry-demo"


@dataclass(frozen=True, slots=True)
class Ports:
    """Loopback ports of the demo."""

    http: int
    mqtt: int
    local: int
    """The edge box's own page."""


@dataclass(frozen=True, slots=True)
class Stack:
    """What runs, and where its files are."""

    folder: Path
    ports: Ports
    broker: Program
    server: Program
    edge: Program

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports.http}"

    @property
    def programs(self) -> tuple[Program, ...]:
        return (self.broker, self.server, self.edge)


def choose_ports(preferred_http: int | None = None) -> Ports:
    """The preferred port if there is one and it is free, else any."""
    http = preferred_http if preferred_http and port_is_free(preferred_http) else free_port()
    local = LOCAL_PORT if port_is_free(LOCAL_PORT) else free_port()
    return Ports(http=http, mqtt=free_port(), local=local)


@contextmanager
def running_stack(folder: Path, ports: Ports) -> Iterator[Stack]:
    """Starts broker, server and edge in this order and stops them in the opposite one.

    Raises:
        ProgramError: one of them could not be set up or started.
    """
    prepare_folder(folder)
    environment = server_environment(folder)
    broker = mqtt_broker(ports.mqtt, folder / "broker")
    server = server_program(folder, ports.http, environment)
    edge_config = write_edge_config(folder, ports)
    edge = Program("edge", [installed("gridsentry-edge"), "run", "--config", str(edge_config)], folder / "edge.log")
    with ExitStack() as exits:
        prepare_server(environment, folder)
        exits.enter_context(broker)
        broker.wait_until(lambda: listens(ports.mqtt))
        exits.enter_context(server)
        server.wait_until(lambda: answers(f"http://127.0.0.1:{ports.http}/readyz"))
        exits.enter_context(edge)
        yield Stack(folder, ports, broker, server, edge)


def prepare_folder(folder: Path) -> None:
    """Empties the demo's folder: every demo starts from the same state.

    Raises:
        ProgramError: the folder holds something that no demo put there; it is left as it is.
    """
    mark = folder / MARK
    if folder.exists() and any(folder.iterdir()):
        if not mark.exists():
            raise ProgramError(f"{folder} is not empty and no demo made it: name another folder or empty it yourself")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    mark.write_text("A demo may empty this folder.\n", encoding="utf-8")


def server_environment(folder: Path, database_url: str | None = None) -> dict[str, str]:
    """The server's settings for this folder."""
    return {
        "GRIDSENTRY_DATABASE_URL": database_url or f"sqlite:///{(folder / 'server.db').resolve()}",
        "GRIDSENTRY_DATA_DIR": str((folder / "server").resolve()),
        "GRIDSENTRY_DEMO": "true",
    }


def server_program(folder: Path, port: int, environment: dict[str, str]) -> Program:
    """The server, with the demo's accounts."""
    command = [installed("gridsentry-server"), "run", "--demo", "--host", "127.0.0.1", "--port", str(port)]
    return Program("server", command, folder / "server.log", environment)


def prepare_server(environment: dict[str, str], folder: Path) -> None:
    """Tables, the fictional district, its lists, and a device whose token goes to the edge."""
    run_server_command(environment, "migrate")
    run_server_command(environment, "import-grids", str(DISTRICT / "grids.geojson"))
    run_server_command(environment, "import-matters", str(DISTRICT))
    token_file = folder / "edge.token"
    token_file.touch(mode=0o600)
    token = run_server_command(environment, "device", "add", DEVICE_ID, "--name", "Demo box 演示盒").split()[-1]
    token_file.write_text(token, encoding="utf-8")


def run_server_command(environment: dict[str, str], *arguments: str) -> str:
    """Runs one `gridsentry-server` command and returns what it printed.

    Raises:
        ProgramError: it failed; the message holds what it said.
    """
    command = [installed("gridsentry-server"), *arguments]
    result = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, check=False)
    if result.returncode != 0:
        said = (result.stderr or result.stdout).strip()
        raise ProgramError(f"gridsentry-server {' '.join(arguments)} failed ({result.returncode}):\n{said}")
    return result.stdout


def write_edge_config(folder: Path, ports: Ports) -> Path:
    """The committed demo configuration with this run's ports and folder."""
    config: dict[str, Any] = yaml.safe_load(EDGE_CONFIG.read_text(encoding="utf-8"))
    config["device"] = {"id": DEVICE_ID, "state_dir": str((folder / "edge").resolve())}
    config["server"] = {"url": f"http://127.0.0.1:{ports.http}", "token_file": str((folder / "edge.token").resolve())}
    config["mqtt"] = {"host": "127.0.0.1", "port": ports.mqtt, "client_id": DEVICE_ID}
    config["local"] = {"port": ports.local}
    for source in config["sources"].values():
        if source["input"]["type"] == "file":
            source["input"]["path"] = str((EDGE_CONFIG.parent / source["input"]["path"]).resolve())
    path = folder / "edge.yaml"
    path.write_text(yaml.safe_dump(config, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path


def answers(url: str) -> bool:
    """Whether an HTTP server answers 200 there."""
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
