"""`python -m samples.sensors --seed 7 --out DIR [--scenario NAME …] [--suite]`: writes sensor logs with their truth."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rapidfuzz import process
from rich.console import Console
from rich.progress import track
from rich.table import Table

from samples.facade.truth import write_yaml
from samples.sensors.catalogue import demo_logs, evaluation_logs
from samples.sensors.generate import HazardSpan, encode, spans
from samples.sensors.scenario import SensorLog

DEMO_SEED = 7
console = Console(stderr=True)


def generate(
    out: Annotated[Path, typer.Option(help="Folder for the logs; made if it is not there.")],
    seed: Annotated[int, typer.Option(help="Same seed, same logs.")] = DEMO_SEED,
    scenario: Annotated[list[str] | None, typer.Option(help="Only these, by source; repeat the option.")] = None,
    suite: Annotated[bool, typer.Option("--suite", help="Day-long logs for evaluation, not the demo's.")] = False,
    count: Annotated[int, typer.Option(min=1, help="Suite: how many logs.")] = 20,
) -> None:
    """Writes <source>.jsonl, truth.yaml, and settings.yaml: each source as an edge configuration names it."""
    logs = _chosen(evaluation_logs(seed, count) if suite else demo_logs(seed), scenario or [])
    out.mkdir(parents=True, exist_ok=True)
    command = f"python -m samples.sensors --seed {seed}" + (f" --suite --count {count}" if suite else "")
    table = Table("log", "lines", "kB", "episodes")
    truth = []
    for log in track(logs, description="sensor logs", console=console):
        text, found = encode(log), spans(log)
        (out / f"{log.source}.jsonl").write_text(text, encoding="utf-8")
        truth.append(log_truth(log, found))
        episodes = ", ".join(f"{span.hazard} {span.start_seconds:g}-{span.end_seconds:g}" for span in found)
        table.add_row(log.source, str(text.count("\n")), f"{len(text) / 1000:.0f}", episodes or "none")
    write_yaml(out / "truth.yaml", {"logs": truth}, f"What happens in the logs beside this file. Made by: {command}")
    comment = f"Inputs and rules of the sensors, ready for an edge configuration's sources. Made by: {command}"
    write_yaml(out / "settings.yaml", {log.source: source_settings(log) for log in logs}, comment)
    console.print(table)


def log_truth(log: SensorLog, found: Sequence[HazardSpan]) -> dict[str, Any]:
    """One entry of `logs` in a truth file; without episodes the log is nuisance."""
    return {
        "file": f"{log.source}.jsonl",
        "source": log.source,
        "episodes": [
            {"hazard": span.hazard, "start_seconds": span.start_seconds, "end_seconds": span.end_seconds}
            for span in found
        ],
    }


def source_settings(log: SensorLog) -> dict[str, Any]:
    """The source as an edge configuration names it, without its place."""
    channels = {
        channel.key: {"path": f"data.{channel.key}", "unit": channel.unit}
        for channel in log.channels
        if any(limit.channel == channel.key for limit in log.limits)
    }
    rules = [
        {
            "hazard": limit.hazard,
            "channel": limit.channel,
            "above": limit.above,
            "clear": limit.clear,
            "dwell_seconds": limit.dwell_seconds,
            "clear_dwell_seconds": limit.clear_dwell_seconds,
            "severity": limit.severity,
            "tier": "alarm",
        }
        for limit in log.limits
    ]
    return {
        "kind": "sensor",
        "name": log.name,
        "input": {"type": "mqtt", "topic": f"sensors/{log.source}/+", "time_path": "ts", "channels": channels},
        "detectors": {"threshold": {"rules": rules}},
    }


def _chosen(logs: Sequence[SensorLog], names: list[str]) -> list[SensorLog]:
    known = {log.source: log for log in logs}
    for name in names:
        if name not in known:
            near = process.extractOne(name, list(known))
            hint = f"; did you mean {near[0]}?" if near else ""
            raise typer.BadParameter(f"no log is called {name!r}{hint} There are: {', '.join(known)}")
    return [known[name] for name in names] if names else list(logs)


if __name__ == "__main__":
    app = typer.Typer(add_completion=False)
    app.command()(generate)
    sys.exit(app())
