"""`gridsentry-edge outbox`: what waits, what was refused, and whether the chain is whole."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from edge.config.document import load_config
from edge.outbox.report import OutboxReader, Summary

outbox_app = typer.Typer(help="What waits for the server.", no_args_is_help=True)

ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="The configuration, a YAML file.")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, help="At most so many of each.")]

# A pipe has no width of its own; 80 columns would cut the reasons short.
_out = Console(highlight=False, width=None if sys.stdout.isatty() else 220)


@outbox_app.command()
def state(
    config: ConfigOption, as_json: Annotated[bool, typer.Option("--json", help="The same as data.")] = False
) -> None:
    """How many events and files wait, since when, and why."""
    summary = _reader(config).summary()
    if as_json:
        fields = {name: getattr(summary, name) for name in Summary.__slots__}
        sys.stdout.write(json.dumps(fields, ensure_ascii=False) + "\n")
        return
    table = Table(show_header=False, box=None)
    table.add_row("device", summary.device_id)
    table.add_row("chain", f"{summary.chain_seq} events, {summary.chain_sha256[:16]}…")
    oldest = f", the oldest of {summary.oldest_waiting_at}" if summary.oldest_waiting_at else ""
    table.add_row("events waiting", f"{summary.waiting_events}{oldest}")
    table.add_row("events refused", str(summary.refused_events))
    table.add_row("files waiting", f"{summary.waiting_files}, {summary.waiting_bytes / 1e6:.1f} MB")
    table.add_row("files failed", str(summary.failed_files))
    table.add_row("files dropped", f"{summary.dropped_files}, {summary.dropped_bytes / 1e6:.1f} MB")
    table.add_row("updates withheld", str(summary.updates_withheld))
    table.add_row("episodes open", str(summary.open_episodes))
    trouble = f"{summary.trouble} (since {summary.trouble_since})" if summary.trouble else "none"
    table.add_row("trouble", trouble)
    _out.print(table)


@outbox_app.command("list")
def list_waiting(config: ConfigOption, limit: LimitOption = 50) -> None:
    """Events and files that the server has not got, refused and failed ones first."""
    reader = _reader(config)
    events = Table("seq", "type", "subject", "observed", "state", "bytes", "why")
    for event in reader.events(limit):
        kind = event.type.removeprefix("gridsentry.").removesuffix(".v1")
        events.add_row(
            str(event.seq), kind, event.subject, event.observed_at, event.state, str(event.bytes), event.problem
        )
    files = Table("sha256", "kind", "bytes", "state", "attempts", "why")
    for item in reader.evidence(limit):
        files.add_row(item.sha256[:16], item.kind, str(item.bytes), item.state, str(item.attempts), item.problem)
    _out.print(events)
    _out.print(files)


@outbox_app.command()
def show(config: ConfigOption, seq: Annotated[int, typer.Argument(help="The event's place in the chain.")]) -> None:
    """One event, as it will be sent."""
    content = _reader(config).content(seq)
    if content is None:
        sys.stderr.write(f"error: event {seq} is not here: the server has it, or it never was\n")
        raise typer.Exit(1)
    sys.stdout.write(json.dumps(json.loads(content), ensure_ascii=False, indent=2) + "\n")


@outbox_app.command()
def verify(config: ConfigOption) -> None:
    """Checks the hash chain over the events that are here."""
    checked, problem = _reader(config).verify()
    if problem is not None:
        sys.stderr.write(f"error: {problem.fault} at event {problem.seq}: {problem.message}\n")
        raise typer.Exit(1)
    sys.stdout.write(f"fine: {checked} events, every link holds\n")


@outbox_app.command()
def retry(config: ConfigOption) -> None:
    """Puts failed uploads back into the queue. The edge must be stopped."""
    from edge.outbox.lock import StateLock
    from edge.outbox.store import Outbox

    device = load_config(config).device
    _reader(config)  # says so if there is no outbox, instead of making one
    lock = StateLock(device.state_dir)
    try:
        outbox = Outbox(device.state_dir, device.id)
        count = outbox.retry_failed()
        outbox.close()
    finally:
        lock.release()
    sys.stdout.write(f"{count} files will be uploaded again\n")


def _reader(config: Path) -> OutboxReader:
    return OutboxReader(load_config(config).device.state_dir)
