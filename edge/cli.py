"""`gridsentry-edge`: the program beside the cameras."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import Progress as RichProgress
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from contract.keys import KeyFileError
from edge.calibrate.cli import calibrate_app
from edge.calibrate.writing import WritingError
from edge.canary.cli import CanaryError, canary_command
from edge.config.document import EdgeConfig, load_config, load_config_with_lines
from edge.config.problems import ConfigError
from edge.evaluate.cli import evaluate_command
from edge.evidence.cli import overlay_command
from edge.flights.flights_cli import flight_command
from edge.flights.library.command import library_app
from edge.flights.locate_cli import locate_command
from edge.flights.mosaic.command import mosaic_command
from edge.flights.survey_cli import survey_command
from edge.inference.cli import bench_command
from edge.inference.selftest_cli import selftest_command
from edge.logs import LogLevel
from edge.outbox.cli import outbox_app
from edge.outbox.store import OutboxError
from edge.probe.cli import probe_command
from edge.sources.errors import SourceError

if TYPE_CHECKING:
    from edge.replay import ClipResult

FOUND_A_PROBLEM = 1
WRONG_USAGE = 2

app = typer.Typer(
    name="gridsentry-edge",
    help="Watches cameras and sensors, and sends what it finds to the server.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(outbox_app, name="outbox")
app.add_typer(calibrate_app, name="calibrate")
app.add_typer(library_app, name="library")
app.command("eval")(evaluate_command)
app.command("overlay")(overlay_command)
app.command("probe")(probe_command)
app.command("flight")(flight_command)
app.command("locate")(locate_command)
app.command("mosaic")(mosaic_command)
app.command("survey")(survey_command)
app.command("canary")(canary_command)
app.command("bench")(bench_command)
app.command("selftest")(selftest_command)

ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="The configuration, a YAML file.")]

_err = Console(stderr=True, highlight=False, soft_wrap=True)
_out = Console(highlight=False)


@app.command()
def run(
    config: ConfigOption,
    log_json: Annotated[bool, typer.Option("--log-json", help="One JSON object a log line.")] = False,
    log_level: Annotated[
        LogLevel, typer.Option("--log-level", help="What is said from this level on.")
    ] = LogLevel.INFO,
) -> None:
    """Watches all sources until it is stopped by Ctrl-C or SIGTERM; SIGHUP has the configuration read again."""
    from edge import logs
    from edge.supervisor.supervisor import Supervisor

    recent = logs.RecentRecords()
    logs.configure(as_json=log_json, level=log_level, process="supervisor", recent=recent)
    supervisor = Supervisor(config, log_json=log_json, log_level=log_level, recent=recent)
    supervisor.stop_on_signals()
    raise typer.Exit(supervisor.run())


@app.command()
def check(
    config: ConfigOption,
    online: Annotated[bool, typer.Option("--online", help="Also reach cameras, the broker and the server.")] = False,
) -> None:
    """Checks a configuration and opens everything that it names."""
    from edge.checks import Grade, findings

    settings, parsed = load_config_with_lines(config)
    styles = {Grade.FINE: "green", Grade.WARNING: "yellow", Grade.PROBLEM: "red"}
    problems = 0
    for finding in findings(config, settings, parsed, online=online):
        problems += finding.grade is Grade.PROBLEM
        _out.print(f"[{styles[finding.grade]}]{finding.grade:8}[/] ", end="")
        _out.print(f"{finding.subject}: {finding.message}", markup=False, soft_wrap=True)
    if problems:
        _err.print(f"{config}: {problems} problem{'s' if problems > 1 else ''} found", markup=False)
        raise typer.Exit(FOUND_A_PROBLEM)
    _out.print(f"{config}: fine, {len(settings.sources)} sources", markup=False, soft_wrap=True)


@app.command()
def replay(
    video: Annotated[Path, typer.Argument(help="A video, or a folder of videos; each is a source named by its stem.")],
    config: ConfigOption,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the events go, one a line.")],
    evidence: Annotated[
        Path | None, typer.Option(help="A folder for pictures and clips; none are made without.")
    ] = None,
) -> None:
    """Runs recordings through the same pipeline, as fast as the machine can; the result is always the same."""
    from edge import replay as replaying

    settings = load_config(config)
    clips = replaying.clips_in(video)
    results = _with_progress(clips, settings, out, evidence)
    table = Table("clip", "frames", "seconds", "result")
    for result in results:
        said = "[green]fine[/]" if result.problem is None else "[red]failed[/]"
        table.add_row(result.path.name, str(result.frames), f"{result.media_seconds:.1f}", said)
    _err.print(table)
    broken = [result for result in results if result.problem is not None]
    for result in broken:
        _err.print(f"error: {result.problem}", markup=False)
    if broken:
        raise typer.Exit(FOUND_A_PROBLEM)


def _with_progress(
    clips: Sequence[Path], settings: EdgeConfig, out: Path, evidence: Path | None
) -> Sequence[ClipResult]:
    from edge.replay import Progress, replay

    # transient: the table that follows says it better; on a file or pipe rich draws nothing.
    columns = (TextColumn("{task.description}"), SpinnerColumn(), TextColumn("{task.fields[at]}"), TimeElapsedColumn())
    with RichProgress(*columns, console=_err, transient=True) as display:
        task = display.add_task("", total=None, at="")

        class Shown(Progress):
            def clip_begins(self, path: Path, number: int, total: int) -> None:
                display.update(task, description=f"{number}/{total} {path.name}", at="")

            def frame(self, media_time: float) -> None:
                display.update(task, at=f"{media_time:7.1f} s")

        return replay(clips, settings, out, evidence, Shown())


def main() -> None:
    """The console script: expected errors end in one clear message and exit code 1 or 2."""
    from edge.outbox.lock import StateInUseError
    from edge.replay import ReplayError
    from edge.supervisor.supervisor import StartError

    try:
        app()
    except ConfigError as error:
        _fail(str(error), WRONG_USAGE)
    except (
        ReplayError,
        OutboxError,
        SourceError,
        KeyFileError,
        CanaryError,
        StartError,
        StateInUseError,
        WritingError,
    ) as error:
        _fail(f"error: {error}", FOUND_A_PROBLEM)
    except OSError as error:
        about = f"{error.filename}: " if error.filename else ""
        _fail(f"error: {about}{error.strerror or error}", FOUND_A_PROBLEM)


def _fail(message: str, code: int) -> NoReturn:
    _err.print(message, markup=False)
    sys.exit(code)


if __name__ == "__main__":
    main()
