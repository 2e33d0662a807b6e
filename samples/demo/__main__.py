"""``make demo``: everything on one machine, with sample cameras and sensors."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Annotated

import httpx
import typer
import yaml
from rich.console import Console
from rich.panel import Panel

from samples.demo.operator import Operator
from samples.demo.programs import ProgramError
from samples.demo.report import print_table, rows_of, write_json
from samples.demo.stack import EDGE_CONFIG, ROOT, Stack, choose_ports, running_stack
from samples.demo.watch import Kind, Watch, expected_episodes
from samples.sensors.publish import SENSORS, publish

ACCOUNTS = (("operator", "operator-demo"), ("admin", "admin-demo"))
ARRIVAL_SECONDS = 240.0
"""The last to come is the dark junction: it fails at 60 s and is certain 45 s later; a loaded machine falls behind."""
LISTENERS_SECONDS = 60.0
"""A box starts within seconds; on a machine with many other things to do it took half a minute."""

console = Console(stderr=True)


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Run until every sample episode has arrived, then stop.")
    ] = False,
    json_path: Annotated[Path | None, typer.Option("--json", help="With --once: write the table as data.")] = None,
    port: Annotated[int, typer.Option(help="Port of the console; another is taken if this one is busy.")] = 8080,
    folder: Annotated[Path, typer.Option(help="Where the demo keeps its files. Emptied at the start.")] = ROOT
    / "var"
    / "demo",
) -> None:
    """The whole line on one machine: MQTT broker, server, an edge box, sample cameras and sensors."""
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    try:
        with running_stack(folder, choose_ports(port)) as stack, Operator(stack.url, *ACCOUNTS[1]) as operator:
            watch = Watch(operator)
            watch.start()
            start_sensors(stack, operator, stopping, repeat=not once)
            if once:
                raise typer.Exit(run_once(stack, watch, json_path, stopping))
            announce(stack)
            while not stopping.wait(0.5):
                for program in stack.programs:
                    program.check()
            watch.stop()
            console.print("stopping …")
    except (ProgramError, httpx.HTTPError) as error:
        console.print(f"[red]demo:[/] {error}", highlight=False)
        raise typer.Exit(1) from None
    console.print("stopped")


def run_once(stack: Stack, watch: Watch, json_path: Path | None, stopping: threading.Event) -> int:
    """Waits for every sample episode; 0 if all have arrived."""
    expected = expected_by_config()
    console.print(f"waiting for {expected.total()} sample episodes …")
    waited = 0.0
    with console.status("watching the queues"):
        while not watch.wait_for(expected, 0.5) and waited < ARRIVAL_SECONDS and not stopping.is_set():
            waited += 0.5
            for program in stack.programs:
                program.check()
    watch.stop()
    rows = rows_of(expected, watch.arrivals)
    print_table(rows, Console())
    if json_path is not None:
        write_json(rows, json_path)
    return 1 if any(row.status == "missing" for row in rows) else 0


def expected_by_config() -> Counter[Kind]:
    """What the sources of the demo's configuration should show."""
    config = yaml.safe_load(EDGE_CONFIG.read_text(encoding="utf-8"))
    return expected_episodes(config["sources"])


def start_sensors(stack: Stack, operator: Operator, stopping: threading.Event, *, repeat: bool) -> None:
    """Plays the sample sensor logs to the broker, once or again and again, in threads that end with the demo.

    They begin when the box listens: what is published before that, nobody hears.
    """
    logs = sorted(SENSORS.glob("*.jsonl"))

    def play(log: Path) -> None:
        while not stopping.is_set():
            publish(log, "127.0.0.1", stack.ports.mqtt, start=datetime.now(UTC), stopping=stopping)
            if not repeat or stopping.wait(60):
                return

    def begin() -> None:
        wait_for_listeners(operator, {log.stem for log in logs}, stopping)
        for log in logs:
            threading.Thread(target=play, args=(log,), name=f"sensor {log.stem}", daemon=True).start()

    threading.Thread(target=begin, name="sensors", daemon=True).start()


def wait_for_listeners(operator: Operator, sensors: set[str], stopping: threading.Event) -> None:
    """Until the server knows all of these sensors as online, or it has waited for long enough."""
    deadline = time.monotonic() + LISTENERS_SECONDS
    while time.monotonic() < deadline and not stopping.wait(0.25):
        try:
            sources = operator.get("/api/v1/sources")["sources"]
        except httpx.TransportError:
            continue  # the server is being restarted
        if sensors <= {source["id"] for source in sources if source["health_state"] == "online"}:
            return


def announce(stack: Stack) -> None:
    """Where to look and how to get in."""
    accounts = "\n".join(f"  {name:10} {password}" for name, password in ACCOUNTS)
    console.print(
        Panel(
            f"Console   [bold]{stack.url}[/]\nAccounts (demo only)\n{accounts}\n"
            f"Edge box  http://127.0.0.1:{stack.ports.local}\n"
            f"  token   {stack.folder}/edge/local.token\n"
            f"MQTT      127.0.0.1:{stack.ports.mqtt}\nFiles     {stack.folder}\n\nCtrl-C stops everything.",
            title="GridSentry demo",
            expand=False,
        )
    )


if __name__ == "__main__":
    typer.run(demo)
