"""`gridsentry-edge calibrate signals`: a junction camera set up from the command line."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import click
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from edge.config.document import EdgeConfig, load_config, read_config_text
from edge.config.inputs import CameraInput, is_live
from edge.config.problems import suggestion
from edge.config.sources import CameraSource
from edge.config.text import parse
from edge.probe.cli import input_for

if TYPE_CHECKING:
    from edge.calibrate.signals.learning import Learned
    from edge.calibrate.signals.watching import Watch
    from edge.detectors.interface import Image
    from edge.detectors.traffic_signal.settings import TrafficSignalSettings

FOUND_A_PROBLEM = 1
WRONG_USAGE = 2
DETECTOR = "traffic_signal"
PROPOSE_SECONDS = 180.0
"""Of a first look at a live camera, before learning: two cycles, so that most lamps have been lit. A recording is
looked at for as long as it is learned from, which costs no waiting."""

calibrate_app = typer.Typer(
    name="calibrate", help="Sets up what a camera's detector must be told.", no_args_is_help=True
)

_out = Console(highlight=False)
_err = Console(stderr=True, highlight=False, soft_wrap=True)


@calibrate_app.callback()
def _calibrate() -> None:
    """Sets up what a camera's detector must be told."""


@calibrate_app.command("signals")
def signals_command(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    target: Annotated[
        str, typer.Argument(metavar="SOURCE|CLIP", help="A source of the configuration, a video, or an address.")
    ],
    config: Annotated[Path, typer.Option("--config", "-c", help="The configuration, a YAML file.")],
    seconds: Annotated[float, typer.Option(min=10, max=86_400, help="How long to learn.")] = 600,
    propose_seconds: Annotated[
        float | None,
        typer.Option(min=1, max=3600, help="How long to look for heads first: 180 if it is live, else --seconds."),
    ] = None,
    propose_only: Annotated[bool, typer.Option("--propose-only", help="Find heads, learn nothing.")] = False,
    heads: Annotated[Path | None, typer.Option(help="Heads, approaches, conflicts, night programme: YAML.")] = None,
    source: Annotated[str | None, typer.Option(help="The source that a clip or address belongs to.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="A folder for the proposal and its pictures.")] = Path(
        "calibration"
    ),
    write: Annotated[bool, typer.Option("--write", help="Put what is accepted into the configuration.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Accept without asking.")] = False,
) -> None:
    """Finds the signal heads of a junction camera, learns their cycle, and writes both down."""
    if write and not yes and not sys.stdin.isatty():
        _usage("--write asks before it writes; where nobody can be asked, give --yes")
    settings = load_config(config)
    source_id, address, recorded = _target(target, source, settings, config)
    if write and not isinstance(settings.sources.get(source_id), CameraSource):
        near = suggestion(source_id, settings.sources)
        _usage(f"{config}: found no camera {source_id!r} to write to; name it with --source{near}")
    given = _given(heads, config, source_id)
    from edge.calibrate.signals.watching import Watch

    watch = Watch(source_id, address, recorded)
    with _stopped_by_ctrl_c(watch.stop):
        calibration = _Calibration(watch, given, out)
        calibration.propose(propose_seconds or (PROPOSE_SECONDS if is_live(address) else seconds))
        if not propose_only and not watch.stopped:
            calibration.learn(seconds)
    calibration.show()
    if watch.stopped:
        _err.print(f"interrupted: what was found until then lies in {out}", markup=False)
        raise typer.Exit(FOUND_A_PROBLEM)
    if write:
        calibration.write(config, source_id, ask=not yes)
    elif not propose_only:
        again = f"gridsentry-edge calibrate signals {target} --config {config} --heads {out / 'proposal.yaml'} --write"
        _err.print(f"nothing was written; to correct {out / 'proposal.yaml'} and write it: {again}", markup=False)


class _Calibration:
    """One run: what is known so far, and where it is put."""

    def __init__(self, watch: Watch, given: dict[str, Any], out: Path) -> None:
        self._watch = watch
        self._document = given
        self._out = out
        self._still: Image
        self._settings: TrafficSignalSettings
        self._learned: Learned | None = None
        self._notes: list[str] = []
        out.mkdir(parents=True, exist_ok=True)

    def propose(self, seconds: float) -> None:
        """Heads: those given, or those found."""
        from edge.calibrate.signals.heads_file import without_unknown_groups
        from edge.calibrate.yaml_text import plain
        from edge.detectors.registry import PictureSize
        from edge.detectors.traffic_signal.optics import picture_problems
        from edge.detectors.traffic_signal.settings import TrafficSignalSettings

        if self._document.get("heads"):
            self._still = self._watch.still()
        else:
            with _progress("looking for heads", seconds) as progress:
                watched = self._watch.look(seconds, progress)
            self._still = watched.still
            self._notes += watched.proposal.notes
            size = PictureSize(self._still.shape[1], self._still.shape[0])
            proposed = without_refused(watched.proposal.heads, size, self._notes)
            if not proposed:
                self._say_notes()
                _fail(f"{self._watch.source_id}: no head was found that can be judged; give them with --heads")
            self._document = {"heads": {head_id: plain(head) for head_id, head in proposed.items()}, **self._document}
            self._document, left_out = without_unknown_groups(self._document)
            self._notes += left_out
        self._settings = TrafficSignalSettings.model_validate(self._document)
        size = PictureSize(self._still.shape[1], self._still.shape[0])
        problems = picture_problems(self._settings, size)
        for problem in problems:
            _err.print(f"refused: {problem.message}", markup=False)
        if problems:
            _fail(f"{self._watch.source_id}: {len(problems)} of the heads' settings cannot be used")

    def learn(self, seconds: float) -> None:
        """Groups, conflicts and durations."""
        from edge.calibrate.signals.learning import applied

        with _progress("learning the cycle", seconds) as progress:
            learning = self._watch.learn(self._settings, seconds, progress)
        record = learning.learner.record
        if record.samples < 2:
            return
        self._learned = learning.learner.learned()
        self._settings = applied(self._settings, self._learned)
        record.heads = dict(self._settings.heads)
        self._timeline = record.timeline()

    def show(self) -> None:
        """Prints what was found, and puts it into the folder."""
        from edge.calibrate.signals.terminal import groups_table, heads_table, print_timeline

        self._save()
        _out.print(heads_table(self._settings.heads))
        if self._learned is not None:
            if self._timeline is not None:
                print_timeline(_out, self._timeline)
            _out.print(groups_table(self._learned))
        self._say_notes()
        for doubt in () if self._learned is None else self._learned.doubts:
            _out.print(f"! {doubt}", style="yellow", markup=False, soft_wrap=True)
        _out.print(f"written: {', '.join(sorted(path.name for path in self._files()))} in {self._out}", markup=False)

    def write(self, config: Path, source_id: str, *, ask: bool) -> None:
        """Into the configuration, if it is accepted."""
        from edge.calibrate.writing import write_detector

        while ask:
            answer = str(typer.prompt("accept? [y/N/edit]", default="N", show_default=False)).strip().lower()
            if answer in {"y", "yes"}:
                break
            if answer not in {"e", "edit"}:
                _err.print(f"not accepted, nothing was written to {config}", markup=False)
                raise typer.Exit(FOUND_A_PROBLEM)
            self._edited()
        kept = write_detector(config, source_id, DETECTOR, self._settings)
        _out.print(f"{config}: written; as it was: {kept}", markup=False, soft_wrap=True)

    def _edited(self) -> None:
        from edge.calibrate.signals.heads_file import read_heads_file
        from edge.calibrate.signals.terminal import heads_table
        from edge.config.problems import ConfigError
        from edge.detectors.traffic_signal.settings import TrafficSignalSettings

        path = self._out / "proposal.yaml"
        click.edit(filename=str(path))
        try:
            self._settings = TrafficSignalSettings.model_validate(read_heads_file(path))
        except ConfigError as error:
            _err.print(str(error), markup=False)
            return
        except ValueError as error:
            _err.print(f"{path}: {error}", markup=False)
            return
        _out.print(heads_table(self._settings.heads))

    def _files(self) -> Sequence[Path]:
        names = ["proposal.yaml", "heads.jpg"]
        if self._learned is not None and self._timeline is not None:
            names.append("timeline.png")
        return [self._out / name for name in names]

    def _save(self) -> None:
        import cv2

        from edge.calibrate.signals.drawing import draw_heads, draw_timeline
        from edge.calibrate.yaml_text import block, plain

        text = block(plain(self._settings), 0) + "\n"
        (self._out / "proposal.yaml").write_text(text, encoding="utf-8")
        _write_picture(self._out / "heads.jpg", draw_heads(self._still, self._settings.heads), cv2.IMWRITE_JPEG_QUALITY)
        if self._learned is not None and self._timeline is not None:
            title = f"{self._watch.source_id}: {self._timeline.end:.0f} s"
            _write_picture(self._out / "timeline.png", draw_timeline(self._timeline, title))

    def _say_notes(self) -> None:
        for note in self._notes:
            _out.print(f"· {note}", markup=False, soft_wrap=True)


def without_refused(heads: Mapping[str, Any], size: Any, notes: list[str]) -> dict[str, Any]:
    """The proposed heads that can be judged; each other one as a note with its reason, and the lens that would do."""
    from edge.detectors.traffic_signal.optics import too_small

    kept = {}
    for head_id, head in heads.items():
        problems = too_small(head, size)
        if problems:
            notes.append(f"{head_id} refused: {problems[0].message}")
        else:
            kept[head_id] = head
    return kept


def _target(target: str, source: str | None, settings: EdgeConfig, config: Path) -> tuple[str, CameraInput, Any]:
    """The source's id, what to open, and when it was recorded."""
    known = settings.sources.get(target)
    if isinstance(known, CameraSource) and known.input is not None:
        return source or target, known.input, known.recorded_at
    path = Path(target)
    if known is None and "://" not in target and not path.exists() and not target.startswith("/dev/"):
        cameras = [name for name, its in settings.sources.items() if isinstance(its, CameraSource)]
        _usage(
            f"found {target!r}, expected a file, an address, or a camera of {config}: "
            f"{', '.join(cameras) or 'it has none'}{suggestion(target, cameras)}"
        )
    if known is not None and not path.exists():
        _usage(f"{config}: {target!r} has no camera input; give a clip with --source {target}")
    source_id = source or (path.stem if "://" not in target else "camera")
    belongs = settings.sources.get(source_id)
    recorded = belongs.recorded_at if isinstance(belongs, CameraSource) else None
    return source_id, input_for(target, None, "", "tcp"), recorded


def _given(heads: Path | None, config: Path, source_id: str) -> dict[str, Any]:
    """What stands in the heads' file; what it does not say is taken from the configuration, but for heads."""
    from edge.calibrate.signals.heads_file import read_heads_file

    value: Any = parse(read_config_text(config)).value
    for part in ("sources", source_id, "detectors", DETECTOR):
        value = value.get(part) if isinstance(value, dict) else None
    before = {key: item for key, item in (value or {}).items() if key not in {"heads", "plan", "anchors"}}
    if heads is None:
        return before
    return {**before, **read_heads_file(heads)}


@contextmanager
def _stopped_by_ctrl_c(stop: Callable[[], None]) -> Iterator[None]:
    """The first Ctrl-C ends the watching and keeps what was found; the second one ends the program."""

    def stopped(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, before)
        stop()

    before = signal.signal(signal.SIGINT, stopped)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _progress(what: str, seconds: float) -> Iterator[Callable[[float], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:.0f} of {task.total:.0f} s"))
    with Progress(*columns, TimeRemainingColumn(), console=_err, transient=True) as display:
        task = display.add_task(what, total=seconds)
        yield lambda at: display.update(task, completed=min(at, seconds))


def _write_picture(path: Path, picture: Image, quality: int | None = None) -> None:
    import cv2

    fine, content = cv2.imencode(path.suffix, picture, [] if quality is None else [quality, 92])
    assert fine, "pictures of these types can be encoded"
    path.write_bytes(content.tobytes())


def _usage(message: str) -> NoReturn:
    _err.print(message, markup=False)
    raise typer.Exit(WRONG_USAGE)


def _fail(message: str) -> NoReturn:
    _err.print(f"error: {message}", markup=False)
    raise typer.Exit(FOUND_A_PROBLEM)
