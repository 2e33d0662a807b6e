"""Training by ultralytics: what a recipe says, seeded, resumable, on a graphics processor if there is one.

Needs torch and ultralytics (`gridsentry[train]`); imported by the command alone.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from models.training.errors import MissingLibraryError, RecipeError, TrainingError
from models.training.gathering import Gathered, gather
from models.training.orders import Hooks, Machine, Order, find_trainer
from models.training.recipe import Places, Recipe, Round


def needs_library() -> None:
    """Raises MissingLibraryError: torch or ultralytics is not installed."""
    for library in ("torch", "ultralytics"):
        if find_spec(library) is None:
            raise MissingLibraryError(library, "training")


def quiet(work: Path) -> None:
    """Before ultralytics is imported: it must neither ask the network, nor write into people's homes, nor chat."""
    os.environ.setdefault("YOLO_CONFIG_DIR", str((work / "settings").absolute()))
    os.environ.setdefault("YOLO_OFFLINE", "true")
    os.environ.setdefault("YOLO_VERBOSE", "false")
    (work / "settings").mkdir(parents=True, exist_ok=True)


def train(recipe: Recipe, name: str | None, places: Places, machine: Machine, hooks: Hooks, *, fresh: bool) -> Path:
    """Trains a round and, before it, those that it starts from. What is done is not done again.

    Args:
        recipe: what to train.
        name: of the round; without one, the round that is exported.
        places: where things lie; state is kept in `work/rounds/NAME`.
        machine: what it runs on.
        hooks: who is told.
        fresh: forget what an earlier run of this round left (not of the rounds before it).

    Returns:
        The checkpoint of the best epoch.

    Raises:
        RecipeError: the recipe cannot be followed, or was changed since a run began.
        TrainingError: libraries are missing, or the trainer failed.
    """
    one = recipe.round(name)
    if one.trainer == "ultralytics":
        needs_library()
    before = None
    if one.start.round is not None:
        before = train(recipe, one.start.round, places, machine, hooks, fresh=False)
    place = places.work / "rounds" / one.name
    if fresh and place.exists():
        shutil.rmtree(place)
    resumes = _resumes(place, recipe.digest(one.name))
    done = place / "done.json"
    if done.is_file():
        found = place / str(json.loads(done.read_text(encoding="utf-8"))["checkpoint"])
        if found.is_file():
            hooks.tell(f"{one.name}: is trained already ({found}); --fresh trains it again")
            return found
    gathered = gather(recipe, one, places, hooks.report)
    for share in gathered.shares:
        boxes = ", ".join(f"{count} {label}" for label, count in share.boxes.items())
        times = f", {share.repeat} times" * (share.repeat > 1)
        hooks.tell(f"  {share.title}: {share.pictures} pictures ({boxes}){times}")
    checkpoint = _kept(place) if resumes else None
    # Only now: what was refused before it began may be corrected without further ado.
    (place / "begun.json").write_text(json.dumps({"digest": recipe.digest(one.name)}), encoding="utf-8")
    begun = time.monotonic()
    job = _Job(places, machine, hooks, gathered, place, before, checkpoint)
    best = _run(recipe, one, job) if one.trainer == "ultralytics" else _run_own(recipe, one, job)
    if not best.is_file():
        raise TrainingError(f"{place}: the trainer ended without {best}")
    note = {
        "round": one.name,
        "digest": recipe.digest(one.name),
        "checkpoint": os.path.relpath(best, place),
        "seconds": round(time.monotonic() - begun),
        "shares": [asdict(share) for share in gathered.shares],
    }
    half = done.with_suffix(".half")
    half.write_text(json.dumps(note, indent=2), encoding="utf-8")
    half.replace(done)
    (place / "kept.pt").unlink(missing_ok=True)
    return best


def trained(recipe: Recipe, name: str, places: Places) -> Path:
    """The checkpoint that a round gave.

    Raises:
        TrainingError: the round was not trained to its end here, or by another recipe.
    """
    place = places.work / "rounds" / name
    done = place / "done.json"
    if not done.is_file():
        raise TrainingError(
            f"{place}: {name} is not trained here; gridsentry-models train {recipe.name} --round {name}"
        )
    note = json.loads(done.read_text(encoding="utf-8"))
    if note["digest"] != recipe.digest(name):
        raise TrainingError(f"{place}: was trained by another recipe than the one given; train it again with --fresh")
    return place / str(note["checkpoint"])


@dataclass(frozen=True, slots=True)
class _Job:
    places: Places
    machine: Machine
    hooks: Hooks
    gathered: Gathered
    place: Path
    before: Path | None
    checkpoint: Path | None


def _resumes(place: Path, digest: str) -> bool:
    """Whether a run of this very recipe was begun here."""
    note = place / "begun.json"
    if note.is_file():
        found = json.loads(note.read_text(encoding="utf-8")).get("digest")
        if found != digest:
            raise RecipeError(
                f"{place}: was begun with another recipe; --fresh begins again, --work takes another place"
            )
        return True
    return False


def _kept(place: Path) -> Path | None:
    kept = place / "kept.pt"
    return kept if kept.is_file() else None


def _run_own(recipe: Recipe, one: Round, job: _Job) -> Path:
    assert one.steps is not None, "the form wants steps"
    start = job.places.data / one.start.weights if one.start.weights is not None else None
    job.hooks.tell(f"{one.name}: {one.steps} steps of {one.trainer}")
    order = Order(
        labels=recipe.labels,
        architecture=architecture_of(recipe, job.places.folder),
        side_px=recipe.input.width,
        rows=job.gathered.description,
        shares=one.shares,
        steps=one.steps,
        batch=one.batch,
        seed=one.seed,
        settings=one.settings,
        arrays=start,
        before=job.before,
        place=job.place,
        machine=job.machine,
        hooks=job.hooks,
    )
    return find_trainer(one.trainer)(order)


def _run(recipe: Recipe, one: Round, job: _Job) -> Path:
    quiet(job.places.work)
    import torch
    from ultralytics.models.yolo.detect import DetectionTrainer

    device = _device(torch, job.machine.device)
    start, architecture = one.start, architecture_of(recipe, job.places.folder)

    class Trainer(DetectionTrainer):
        """Takes the tensors that fit from a file of arrays."""

        def get_model(self, cfg: Any = None, weights: Any = None, verbose: bool = True) -> Any:
            model = super().get_model(cfg, weights, verbose=False)
            # After the trainer chose its own number of threads, and before it computes anything.
            torch.set_num_threads(job.machine.threads)
            if weights is None and start.weights is not None and start.weights.endswith(".npz"):
                job.hooks.tell(_take_arrays(torch, model, job.places.data / start.weights))
            return model

    settings = {
        **{"plots": False, "amp": False},
        **one.settings,
        "task": "detect",
        "model": _first_model(one, job, architecture),
        "data": str(job.gathered.description.absolute()),
        "epochs": one.epochs,
        "batch": one.batch,
        "imgsz": recipe.input.width,
        "seed": one.seed,
        "deterministic": True,
        "device": device,
        "workers": job.machine.workers,
        "project": str(job.place.absolute()),
        "name": "run",
        "save_dir": str((job.place / "run").absolute()),
        "exist_ok": True,
        "verbose": False,
    }
    if job.checkpoint is not None:
        settings["resume"] = str(job.checkpoint.absolute())
    job.hooks.tell(
        f"{one.name}: {one.epochs} epochs on {device}" + (", goes on where it stopped" * bool(job.checkpoint))
    )
    try:
        trainer = Trainer(overrides=settings)
        _listen(trainer, job)
        trainer.train()
    except (SyntaxError, AssertionError, FileNotFoundError) as error:
        # What the trainer says of settings and files that it does not like.
        raise RecipeError(f"rounds.{one.name}: the trainer refuses: {error}") from error
    except RuntimeError as error:
        raise TrainingError(f"{one.name}: the trainer failed: {error}") from error
    return job.place / "run" / "weights" / "best.pt"


def _first_model(one: Round, job: _Job, architecture: str) -> str:
    if job.before is not None:
        return str(job.before.absolute())
    if one.start.weights is not None and one.start.weights.endswith(".pt"):
        return str((job.places.data / one.start.weights).absolute())
    return architecture


def architecture_of(recipe: Recipe, folder: Path) -> str:
    """The architecture's file: beside the recipe, or one of ultralytics' own by name."""
    own = folder / recipe.architecture
    return str(own.absolute()) if own.is_file() else recipe.architecture


def _device(torch: Any, wanted: str) -> str:
    there = bool(torch.cuda.is_available())
    if wanted == "auto":
        return "0" if there else "cpu"
    if wanted != "cpu" and not there:
        raise RecipeError(f"--device: found {wanted!r}, but there is no graphics processor here; expected auto or cpu")
    return wanted


def _take_arrays(torch: Any, model: Any, path: Path) -> str:
    try:
        arrays = np.load(path)
    except (OSError, ValueError) as error:
        raise RecipeError(f"{path}: start.weights: cannot be read as arrays: {error}") from error
    state, taken = model.state_dict(), 0
    for key, tensor in state.items():
        if key in arrays.files and arrays[key].shape == tuple(tensor.shape):
            tensor.copy_(torch.from_numpy(arrays[key].astype(np.float32)))
            taken += 1
    if taken == 0:
        raise RecipeError(
            f"{path}: start.weights: found no tensor that fits, expected names as the architecture has them"
        )
    return f"start: {taken} of {len(state)} tensors from {path.name}"


def _listen(trainer: Any, job: _Job) -> None:
    """Tells of progress, and keeps each epoch's checkpoint safe from a stop while the next is written."""
    begun, first = time.monotonic(), [-1]

    def batch(now: Any) -> None:
        count = len(now.train_loader)
        done = getattr(now, "_batches_done", now.start_epoch * count) + 1
        now._batches_done = done
        job.hooks.batches(min(done, now.epochs * count), now.epochs * count)

    def epoch(now: Any) -> None:
        if now.epoch >= now.epochs:
            return  # the trainer looks at its best epoch once more
        if first[0] < 0:
            first[0] = now.epoch
        passed = time.monotonic() - begun
        left = passed / (now.epoch - first[0] + 1) * (now.epochs - now.epoch - 1)
        figures = {key.removeprefix("metrics/"): value for key, value in now.metrics.items() if "mAP50(" in key}
        words = ", ".join(f"{key} {value:.3f}" for key, value in figures.items())
        losses = ", ".join(f"{key} {float(value):.3f}" for key, value in (now.tloss or {}).items())
        job.hooks.tell(f"  epoch {now.epoch + 1}/{now.epochs}: {losses}; {words}; about {left / 60:.0f} min left")

    def keep(now: Any) -> None:
        half = job.place / "kept.half.pt"
        shutil.copyfile(now.last, half)
        half.replace(job.place / "kept.pt")

    trainer.add_callback("on_train_batch_end", batch)
    trainer.add_callback("on_fit_epoch_end", epoch)
    trainer.add_callback("on_model_save", keep)
