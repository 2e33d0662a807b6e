"""The training loop of fire_smoke, which `gridsentry-models train fire_smoke` calls (`trainer:` in its recipe).

Ultralytics' YOLOv5n (anchor-free head) and its assignment of boxes; the loop is ours, because one shared core has to
do: bfloat16 on channels-last tensors (2.3 times as fast as f32 on a Xeon with AMX), early layers that stay as COCO left
them, pictures held in memory, areas that count neither way, and a loss on the best answers of a whole picture, which is
what an alarm begins with. It goes on from its own checkpoint.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn
from ultralytics.nn.tasks import DetectionModel
from ultralytics.utils import IterableSimpleNamespace
from ultralytics.utils.loss import BboxLoss
from ultralytics.utils.tal import TaskAlignedAssigner, dist2bbox, make_anchors

from models.fire_smoke.stills import LABELS, Picture, read
from models.fire_smoke.views import PADDING, Example, Rows, exposed, mosaic, near, view
from models.training.orders import Order

GAINS = {"box": 7.5, "cls": 0.5, "dfl": 1.5}
"""Ultralytics' own."""
BEST = 4
"""Answers of a picture whose mean decides: one alone would be noise, many would leave out small fires."""
SURE = 0.9
"""What a burning picture should score: nobody needs to be surer."""
ZOOM = (0.8, 1.7)
LONGEST_PX = 512
"""Of pictures in memory: views are at most 416 wide."""
NEW_HEAD = 2.0
DECAY = 0.02
WARM_UP = 100
LEAST_WEIGHT, MINED_WEIGHT = 0.3, 4.0
"""Of a quiet picture: what it has at least, and what it has more for a score of 1."""
MINED_AT_ONCE = 16
MAX_GRADIENT = 10.0
TOLD_EVERY = 20
KEPT_EVERY = 100


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a manifest: a picture in memory and how often it comes up."""

    example: Example
    weight: float
    group: str


def read_rows(path: Path, longest_px: int) -> list[Row]:
    """Pictures of the round, made smaller to `longest_px` at most.

    Raises:
        ValueError: one cannot be read.
    """
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        item = json.loads(line)
        bgr = read(Path(item["path"]))
        scale = min(1.0, longest_px / max(bgr.shape[:2]))
        if scale < 1:
            bgr = cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        boxes, unsure = (_boxes(item.get(key), scale) for key in ("boxes", "unsure"))
        rows.append(Row(Example(bgr, boxes, unsure), float(item["weight"]), item["group"]))
    return rows


def _boxes(found: list[list[float]] | None, scale: float) -> Rows:
    boxes = np.array(found or np.zeros((0, 5)), np.float32).reshape(-1, 5)
    boxes[:, 1:] *= scale
    return boxes


def without_fog(row: Row, share: float) -> Row | None:
    """A picture whose large smoke counts neither way; None if nothing else was marked in it."""
    boxes = row.example.boxes
    if not len(boxes):
        return row
    area = (boxes[:, 3] - boxes[:, 1]) * (boxes[:, 4] - boxes[:, 2])
    fog = (boxes[:, 0] == LABELS.index("smoke")) & (area > share * row.example.bgr[..., 0].size)
    if fog.all():
        return None
    unsure = np.concatenate((row.example.unsure, boxes[fog]))
    return Row(Example(row.example.bgr, boxes[~fog], unsure), row.weight, row.group)


def mine(model: DetectionModel, rows: list[Row], side: int) -> list[Row]:
    """Weighs pictures in which nothing burns by what a model believes of them."""
    model.eval()
    quiet = [row for row in rows if not len(row.example.boxes)]
    weighed = [row for row in rows if len(row.example.boxes)]
    for first in range(0, len(quiet), MINED_AT_ONCE):
        some = quiet[first : first + MINED_AT_ONCE]
        for row, best in zip(some, _best_of(model, [row.example.bgr for row in some], side), strict=True):
            weighed.append(Row(row.example, LEAST_WEIGHT + MINED_WEIGHT * best, row.group))
    model.train()
    return weighed


def _best_of(model: DetectionModel, pictures: list[Picture], side: int) -> list[float]:
    """The best score in each, of any label."""
    squares = []
    for bgr in pictures:
        scale = side / max(bgr.shape[:2])
        small = cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[:side, :side]
        whole = np.full((side, side, 3), PADDING, np.uint8)
        top, left = (side - small.shape[0]) // 2, (side - small.shape[1]) // 2
        whole[top : top + small.shape[0], left : left + small.shape[1]] = small
        squares.append(whole)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        answer = model(_tensor(squares))
    scores: torch.Tensor = (answer[0] if isinstance(answer, tuple) else answer)[:, 4:]
    return [float(one) for one in scores.float().amax(dim=(1, 2))]


class Mixer:
    """Batches: groups by their shares, rows by their weights."""

    def __init__(self, rows: list[Row], shares: Mapping[str, float], seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.groups = {}
        for name in shares:
            own = [row for row in rows if row.group == name]
            if own:
                weights = np.array([row.weight for row in own])
                self.groups[name] = (own, weights / weights.sum())
        chances = np.array([shares[name] for name in self.groups])
        self.names, self.chances = list(self.groups), chances / chances.sum()

    def one(self) -> Example:
        own, weights = self.groups[self.names[self.rng.choice(len(self.names), p=self.chances)]]
        return own[self.rng.choice(len(own), p=weights)].example

    def batch(self, size: int, side: int, mosaics: float, near_share: float) -> tuple[torch.Tensor, list[Example]]:
        examples = []
        for _ in range(size):
            if self.rng.random() < mosaics:
                shown = mosaic(self.rng, [self.one() for _ in range(4)], side)
            elif self.rng.random() < near_share:
                shown = near(self.rng, self.one(), side)
            else:
                shown = view(self.rng, self.one(), side, side, ZOOM)
            examples.append(exposed(self.rng, shown))
        return _tensor([example.bgr for example in examples]), examples


def _tensor(pictures: list[Picture]) -> torch.Tensor:
    pixels = np.ascontiguousarray(np.stack(pictures)[..., ::-1])
    tensor = torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div_(255)
    return tensor.contiguous(memory_format=torch.channels_last)


class Loss:
    """Ultralytics' detection loss with areas that count neither way, and a loss of the whole picture."""

    def __init__(self, model: nn.Module, whole: float) -> None:
        self.whole = whole
        head = model.model[-1]
        self.stride, self.classes, self.bins = head.stride, head.nc, head.reg_max
        self.assign = TaskAlignedAssigner(
            topk=10, num_classes=head.nc, alpha=0.5, beta=6.0, stride=head.stride.tolist(), topk2=None
        )
        self.boxes = BboxLoss(head.reg_max)
        self.bins_at = torch.arange(head.reg_max, dtype=torch.float)

    def __call__(self, preds: dict[str, torch.Tensor], examples: list[Example], side: int) -> dict[str, torch.Tensor]:
        distances = preds["boxes"].float().permute(0, 2, 1).contiguous()
        logits = preds["scores"].float().permute(0, 2, 1).contiguous()
        points, strides = make_anchors([f.float() for f in preds["feats"]], self.stride, 0.5)
        most = max(1, *(len(example.boxes) for example in examples))
        wanted = torch.zeros(len(examples), most, 5)
        for index, example in enumerate(examples):
            wanted[index, : len(example.boxes)] = torch.from_numpy(example.boxes)
        labels, corners = wanted.split((1, 4), 2)
        mask = corners.sum(2, keepdim=True).gt(0)
        batch, anchors, channels = distances.shape
        spread = distances.view(batch, anchors, 4, channels // 4).softmax(3).matmul(self.bins_at)
        found = dist2bbox(spread, points, xywh=False)
        _, boxes, scores, positive, _ = self.assign(
            logits.detach().sigmoid(), found.detach() * strides, points * strides, labels, corners, mask.float()
        )
        total = scores.sum().clamp(min=1)
        counts = torch.ones_like(logits)
        centre = points * strides
        for index, example in enumerate(examples):
            for label, left, top, right, bottom in example.unsure:
                inside = (centre[:, 0] > left) & (centre[:, 0] < right) & (centre[:, 1] > top) & (centre[:, 1] < bottom)
                counts[index, inside & ~positive[index], int(label)] = 0
        entropy = nn.functional.binary_cross_entropy_with_logits(logits, scores, reduction="none")
        cls = (entropy * counts).sum() / total
        size = torch.tensor([side, side], dtype=torch.float)
        box, dfl = self.boxes(distances, found, points, boxes / strides, scores, total, positive, size, strides)
        return {
            "box": GAINS["box"] * box,
            "cls": GAINS["cls"] * cls,
            "dfl": GAINS["dfl"] * dfl,
            "picture": self.whole * self._picture(logits, counts, examples),
        }

    def _picture(self, logits: torch.Tensor, counts: torch.Tensor, examples: list[Example]) -> torch.Tensor:
        """The mean of a label's best answers against whether it burns in the picture."""
        best = (logits - 1e4 * (1 - counts)).topk(BEST, dim=1).values.mean(1)
        truth = torch.zeros_like(best)
        for index, example in enumerate(examples):
            for label in example.boxes[:, 0]:
                truth[index, int(label)] = SURE
        return nn.functional.binary_cross_entropy_with_logits(best, truth, reduction="none").sum(1).mean()


@dataclass(frozen=True, slots=True)
class Settings:
    """`settings` of a round in the recipe."""

    side_px: int = 416
    """Of the training pictures. Smaller ones are many more in the same time; the last round has the model's own."""
    rate: float = 1e-3
    """Of AdamW, falling as a cosine. 0: nothing is trained, only averaged and lowered."""
    last: float = 0.02
    """Share of the rate that is left at the end."""
    mosaics: float = 0.3
    """Share of pictures that are four in one."""
    plain: float = 0.0
    """Share of the steps, at the end, without mosaics."""
    frozen: int = 3
    """First layers that stay as they are."""
    near: float = 0.3
    """Share of single pictures seen from near what burns in them."""
    whole: float = 1.0
    """Weight of the whole picture's loss."""
    averaged: float = 600.0
    """Over how many steps the exported weights are averaged."""
    mean_with: str = ""
    """Names of earlier rounds, with commas between, whose weights are averaged with those of the round before: they lie
    on one path, and their mean errs less than any of them (Wortsman et al. 2022, "Model soups")."""
    mean_with_steps: str = ""
    """Steps of this round, with commas between, whose weights are averaged with the last ones."""
    fog: float = 1.0
    """Share of the picture from which on smoke counts neither way: what fills the picture has no shape."""
    smoke_less: float = 0.0
    """Logits that smoke is lowered by in the end: a still picture tells it from a bare wall or a sky less surely than
    fire from a lamp, and one limit is to serve both."""
    mined: bool = False
    """Pictures in which nothing burns come up the more often the surer the round before is that something does."""
    precision: str = "bfloat16"
    """Or float32, on processors that are no faster with bfloat16."""

    def steps_kept(self) -> tuple[int, ...]:
        """`mean_with_steps` as numbers."""
        return tuple(int(word) for word in self.mean_with_steps.split(",") if word.strip())


@dataclass(slots=True)
class Run:
    """What a checkpoint keeps."""

    model: DetectionModel
    optimiser: torch.optim.Optimizer
    ema: dict[str, torch.Tensor]
    step: int = 0
    sums: dict[str, float] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Under its name at once: a run that is killed leaves no half of a file."""
        half = path.with_suffix(".half")
        state = {"model": self.model.state_dict(), "ema": self.ema, "optimiser": self.optimiser.state_dict()}
        torch.save({**state, "step": self.step}, half)
        half.replace(path)

    def load(self, path: Path) -> None:
        """Goes on from a checkpoint."""
        saved = torch.load(path, weights_only=True)
        self.model.load_state_dict(saved["model"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.ema, self.step = saved["ema"], int(saved["step"])

    def average(self, steps: float) -> None:
        """The weights that are exported: a running mean, shorter at the beginning."""
        keep = min(1 - 1 / steps, (1 + self.step) / (20 + self.step))
        with torch.no_grad():
            for key, value in self.model.state_dict().items():
                if value.dtype.is_floating_point:
                    self.ema[key].lerp_(value, 1 - keep)
                else:
                    self.ema[key].copy_(value)


def train(order: Order) -> Path:
    """Trains a round, or goes on with it; the checkpoint's `ema` is to be exported.

    Raises:
        ValueError: a picture cannot be read.
        TypeError: the recipe has settings that this loop does not know.
    """
    settings = Settings(**dict(order.settings))  # type: ignore[arg-type]  # the recipe's are checked by their names
    torch.set_num_threads(order.machine.threads)
    cv2.setNumThreads(1)
    torch.manual_seed(order.seed)
    order.place.mkdir(parents=True, exist_ok=True)
    checkpoint = order.place / "last.pt"
    run = _begin(order, settings)
    if checkpoint.exists():
        run.load(checkpoint)
    rows = read_rows(order.rows, LONGEST_PX)
    if settings.fog < 1:
        rows = [kept for row in rows if (kept := without_fog(row, settings.fog)) is not None]
    if settings.mined:
        rows = mine(run.model, rows, order.side_px)
        freeze(run.model, settings.frozen)
    # Pictures that were drawn before a break are not drawn again: another seed.
    mixer = Mixer(rows, order.shares, order.seed + run.step)
    loss = Loss(run.model, settings.whole)
    begun, since = time.monotonic(), run.step
    if not settings.rate:
        run.step = order.steps
        run.save(checkpoint)
    batches = _batches(mixer, order, settings, run.step)
    while run.step < order.steps:
        _step(run, order, settings, next(batches), loss)
        if run.step % TOLD_EVERY == 0:
            speed = (time.monotonic() - begun) / (run.step - since)
            figures = ", ".join(f"{name} {value / TOLD_EVERY:.3f}" for name, value in run.sums.items())
            order.hooks.tell(f"  step {run.step} of {order.steps}: {figures}; {speed:.2f} s a step")
            run.sums.clear()
        if run.step % KEPT_EVERY == 0 or run.step == order.steps:
            run.save(checkpoint)
        if run.step in settings.steps_kept():
            run.save(_kept_at(order.place, run.step))
        order.hooks.batches(run.step, order.steps)
    return _finished(run, order.place, settings, checkpoint)


def _kept_at(place: Path, step: int) -> Path:
    return place / f"step-{step}.pt"


def _finished(run: Run, place: Path, settings: Settings, checkpoint: Path) -> Path:
    """The checkpoint that counts: the last one, or what is made of it."""
    if not settings.smoke_less and not settings.steps_kept():
        return checkpoint
    earlier = [torch.load(_kept_at(place, step), weights_only=True)["ema"] for step in settings.steps_kept()]
    run.model.load_state_dict(mean_of([run.ema, *earlier]))
    lower(run.model, "smoke", settings.smoke_less)
    made = place / "made.pt"
    torch.save({"ema": run.model.state_dict(), "step": run.step}, made)
    return made


def _begin(order: Order, settings: Settings) -> Run:
    model = new_model(order.architecture, len(order.labels), order.arrays)
    if order.before is not None:
        names = [name.strip() for name in settings.mean_with.split(",") if name.strip()]
        paths = [order.before, *(order.place.parent / name / order.before.name for name in names)]
        model.load_state_dict(mean_of([torch.load(path, weights_only=True)["ema"] for path in paths]))
    model = model.to(memory_format=torch.channels_last).train()
    freeze(model, settings.frozen)
    trained = [(name, one) for name, one in model.named_parameters() if one.requires_grad]
    fresh = f"model.{len(model.model) - 1}."
    # The head of a first round knows nothing yet; the rest only needs to learn what is new.
    faster = 1.0 if order.before is not None else NEW_HEAD
    weights = [one for name, one in trained if one.ndim > 1 and not name.startswith(fresh)]
    head = [one for name, one in trained if one.ndim > 1 and name.startswith(fresh)]
    plain = [one for _, one in trained if one.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [
            {"params": weights, "weight_decay": DECAY, "share": 1.0},
            {"params": head, "weight_decay": DECAY, "share": faster},
            {"params": plain, "weight_decay": 0.0, "share": 1.0},
        ],
        lr=settings.rate,
    )
    return Run(model, optimiser, {name: value.clone() for name, value in model.state_dict().items()})


Batch = tuple[torch.Tensor, list[Example]]


def _batches(mixer: Mixer, order: Order, settings: Settings, first: int) -> Iterator[Batch]:
    """One batch is made while the one before is learnt from: pictures take half as long as the network."""

    def made(step: int) -> Batch:
        mosaics = settings.mosaics if step < order.steps * (1 - settings.plain) else 0.0
        return mixer.batch(order.batch, settings.side_px, mosaics, settings.near)

    with ThreadPoolExecutor(1) as beside:
        coming = beside.submit(made, first)
        for step in range(first, order.steps):
            batch = coming.result()
            coming = beside.submit(made, step + 1)
            yield batch


def _step(run: Run, order: Order, settings: Settings, batch: Batch, loss: Loss) -> None:
    done = run.step / order.steps
    falling = settings.last + (1 - settings.last) * 0.5 * (1 + float(np.cos(np.pi * done)))
    rate = settings.rate * min(1.0, (run.step + 1) / WARM_UP) * falling
    for group in run.optimiser.param_groups:
        group["lr"] = rate * group["share"]
    pixels, examples = batch
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=settings.precision == "bfloat16"):
        answers = run.model(pixels)
    parts = loss(answers, examples, settings.side_px)
    run.optimiser.zero_grad(set_to_none=True)
    torch.stack(list(parts.values())).sum().backward()
    torch.nn.utils.clip_grad_norm_(run.model.parameters(), MAX_GRADIENT)
    run.optimiser.step()
    run.step += 1
    run.average(settings.averaged)
    for name, part in parts.items():
        run.sums[name] = run.sums.get(name, 0.0) + float(part)


def new_model(architecture: str, labels: int, arrays: Path | None) -> DetectionModel:
    """The network, with what fits by name and shape of a file of arrays."""
    model = DetectionModel(architecture, nc=labels, verbose=False)
    model.args = IterableSimpleNamespace(**GAINS)
    if arrays is not None:
        state = model.state_dict()
        with np.load(arrays) as stored:
            found = {name: torch.from_numpy(stored[name]) for name in stored.files if name in state}
        fitting = {name: one.to(state[name].dtype) for name, one in found.items() if one.shape == state[name].shape}
        model.load_state_dict({**state, **fitting})
    return model


def mean_of(states: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Of weights, name by name; counters are the first one's."""
    first = states[0]
    return {
        name: torch.stack([state[name] for state in states]).mean(0) if one.dtype.is_floating_point else one
        for name, one in first.items()
    }


def lower(model: DetectionModel, label: str, logits: float) -> None:
    """Makes a label less sure of itself by so many logits, everywhere."""
    with torch.no_grad():
        for branch in model.model[-1].cv3:
            branch[-1].bias[LABELS.index(label)] -= logits


def freeze(model: DetectionModel, layers: int) -> None:
    """Early layers see edges and colours as COCO taught them; not to train five of them saves a quarter of a step."""
    for layer in model.model[:layers]:
        layer.eval()
        for parameter in layer.parameters():
            parameter.requires_grad = False
