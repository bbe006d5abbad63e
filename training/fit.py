# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The training loop: Adam or SGD, cosine schedule, best validation epoch, checkpoints that resume exactly.

Every epoch seeds its own random numbers from (seed, epoch), so that a resumed run draws what an uninterrupted
one would have drawn. On one thread the same call gives the same weights.
"""

from __future__ import annotations

import io
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

import torch
from torch import Tensor, nn

from lutforge.errors import TrainingError
from lutforge.store import write_atomically
from lutforge.training.data import Dataset, Images, Labels

FINAL_RATE = 0.01
"""Learning rate of the last step, as a part of the first one."""
MOMENTUM = 0.9


@dataclass(frozen=True)
class Epoch:
    """One epoch: its number (from 1), mean training loss, validation accuracy 0..1, seconds."""

    number: int
    loss: float
    validation_accuracy: float
    seconds: float


@dataclass(frozen=True)
class Fitted:
    """A finished training: the epoch that was kept, its validation accuracy 0..1, all seconds, all epochs."""

    best_epoch: int
    best_validation: float
    seconds: float
    history: Tuple[Epoch, ...]


@dataclass(frozen=True)
class _Settings:
    """What must be equal for a run to be resumed."""

    epochs: int
    learning_rate: float
    batch_size: int
    seed: int
    shift: int
    weight_decay: float
    dataset: str
    flip: bool
    shift_until: float = 1.0
    optimiser: str = "adam"
    half: bool = False
    smoothing: float = 0.0
    cutout: int = 0
    aim: str = ""


def fit(
    model: nn.Module,
    data: Dataset,
    *,
    epochs: int,
    learning_rate: float,
    batch_size: int = 256,
    seed: int = 0,
    shift: int = 0,
    checkpoint: Optional[Path] = None,
    resume: bool = False,
    on_epoch: Optional[Callable[[Epoch], None]] = None,
    weight_decay: float = 0.0,
    flip: bool = False,
    shift_until: float = 1.0,
    optimiser: str = "adam",
    half: bool = False,
    smoothing: float = 0.0,
    cutout: int = 0,
    aim: str = "",
) -> Fitted:
    """Train a model in place and leave it, in eval mode, with the weights of its best validation epoch.

    model: takes float32 [batch, height, width, channels] of raw pixel values, returns float logits; it stays on
    its device. If it has `after_step()`, that is called after each optimiser step; if it has
    `start_epoch(fraction)`, at the start of each epoch with the part of the training that is done, 0..1. If it has
    `is_complete()`, only epochs at whose end that is true can be the best one.
    shift: each training image is moved by up to this many pixels in both directions, in the epochs that begin
    before this part of the training is done: shift_until. flip: each is mirrored with probability a half.
    optimiser: 'adam', or 'sgd' with Nesterov momentum; half: products in bfloat16, which some processors do faster.
    smoothing: part of the label that is spread over all classes (Szegedy et al., 2016, section 7).
    cutout: side, in pixels, of a square of zeros about a random pixel of each image (DeVries and Taylor, 2017).
    checkpoint: file written after every epoch; resume: continue from it. aim: what the training is for, which must be
    the same when it is resumed, such as how a network is pruned meanwhile.
    """
    settings = _Settings(
        epochs,
        learning_rate,
        batch_size,
        seed,
        shift,
        weight_decay,
        data.name,
        flip,
        shift_until,
        optimiser,
        half,
        smoothing,
        cutout,
        aim,
    )
    run = _Run(model, data, settings)
    if resume:
        run.restore(checkpoint)
    while run.done < epochs:
        epoch = run.epoch()
        if checkpoint is not None:
            run.save(checkpoint)
        if on_epoch is not None:
            on_epoch(epoch)
    return run.finish()


def accuracy(model: nn.Module, images: Images, labels: Labels, batch_size: int = 1000) -> float:
    """Return the part of images (uint8 [n, h, w, c]) that the model, in eval mode, gives their label."""
    predicted = predict(model, images, batch_size).argmax(dim=1)
    return float((predicted == torch.from_numpy(labels)).float().mean())


def predict(model: nn.Module, images: Images, batch_size: int = 1000) -> Tensor:
    """Return the float logits [n, classes], on the CPU, of a model in eval mode; its mode is put back."""
    training = model.training
    model.eval()
    device = _device(model)
    try:
        with torch.no_grad():
            blocks = torch.from_numpy(images).split(batch_size)
            return torch.cat([model(block.to(device).float()).cpu() for block in blocks])
    finally:
        model.train(training)


class _Run:
    """The state of a training: what a checkpoint holds."""

    def __init__(self, model: nn.Module, data: Dataset, settings: _Settings):
        self.model, self.data, self.settings = model, data, settings
        self.device = _device(model)
        self.optimizer = _optimizer(model, settings)
        self.images = torch.from_numpy(data.train_images).to(self.device)
        self.labels = torch.from_numpy(data.train_labels).to(self.device)
        self.history: List[Epoch] = []
        self.best: Dict[str, Any] = {}
        self.best_epoch, self.best_validation = 0, -1.0

    @property
    def done(self) -> int:
        return len(self.history)

    def epoch(self) -> Epoch:
        started = time.perf_counter()
        seed = self.settings.seed * 100_003 + self.done
        torch.manual_seed(seed)
        draw = torch.Generator().manual_seed(seed)
        if hasattr(self.model, "start_epoch"):
            self.model.start_epoch(self.done / self.settings.epochs)
        loss = self._train(draw)
        validation = accuracy(self.model, self.data.validation_images, self.data.validation_labels)
        result = Epoch(self.done + 1, loss, validation, time.perf_counter() - started)
        self.history.append(result)
        complete = not hasattr(self.model, "is_complete") or self.model.is_complete()
        # on a tie the later epoch, which had the lower learning rate
        if complete and validation >= self.best_validation:
            self.best_epoch, self.best_validation = result.number, validation
            self.best = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        return result

    def _train(self, draw: torch.Generator) -> float:
        self.model.train()
        batches = torch.randperm(len(self.images), generator=draw).to(self.device).split(self.settings.batch_size)
        total, count = 0.0, len(batches)
        shift = self.settings.shift if self.done < self.settings.shift_until * self.settings.epochs else 0
        for index, batch in enumerate(batches):
            progress = (self.done * count + index) / max(1, self.settings.epochs * count - 1)
            for group in self.optimizer.param_groups:
                group["lr"] = self.settings.learning_rate * cosine(progress)
            images = _shifted(self.images[batch], shift, draw).float()
            if self.settings.flip:
                images = _flipped(images, draw)
            images = _cut_out(images, self.settings.cutout, draw)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.settings.half):
                logits = self.model(images)
            labels, smoothing = self.labels[batch], self.settings.smoothing
            loss = nn.functional.cross_entropy(logits.float(), labels, label_smoothing=smoothing)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            if hasattr(self.model, "after_step"):
                self.model.after_step()
            total += float(loss.detach()) * len(batch)
        if not math.isfinite(total):
            raise TrainingError(
                f"the loss is {total} in epoch {self.done + 1}; lower the learning rate {self.settings.learning_rate}"
            )
        return total / len(self.images)

    def finish(self) -> Fitted:
        if self.best:
            self.model.load_state_dict(self.best)
        self.model.eval()
        seconds = sum(epoch.seconds for epoch in self.history)
        return Fitted(self.best_epoch, self.best_validation, seconds, tuple(self.history))

    def save(self, path: Path) -> None:
        state = {
            "settings": asdict(self.settings),
            "history": [asdict(epoch) for epoch in self.history],
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "best": self.best,
            "best_epoch": self.best_epoch,
            "best_validation": self.best_validation,
        }
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_atomically(path, buffer.getvalue())

    def restore(self, path: Optional[Path]) -> None:
        if path is None or not Path(path).is_file():
            raise TrainingError(f"checkpoint {path}: no such file, nothing to resume. Start without resume")
        try:
            state = torch.load(path, map_location=self.device, weights_only=True)
            settings = _Settings(**state["settings"])
        except Exception as error:  # torch raises many kinds on a damaged file
            raise TrainingError(
                f"checkpoint {path}: cannot be read ({type(error).__name__}). Start without resume"
            ) from error
        if settings != self.settings:
            raise TrainingError(
                f"checkpoint {path}: made with {settings}, asked for {self.settings}. "
                "Resume with the same settings, or start without resume"
            )
        try:
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
        except (RuntimeError, ValueError, KeyError) as error:
            raise TrainingError(f"checkpoint {path}: it belongs to another model. Start without resume") from error
        self.history = [Epoch(**epoch) for epoch in state["history"]]
        self.best = state["best"]
        self.best_epoch, self.best_validation = state["best_epoch"], state["best_validation"]


def _optimizer(model: nn.Module, settings: _Settings) -> torch.optim.Optimizer:
    values: Dict[str, Any] = {"lr": settings.learning_rate, "weight_decay": settings.weight_decay}
    if settings.optimiser == "sgd":
        return torch.optim.SGD(model.parameters(), momentum=MOMENTUM, nesterov=True, **values)
    if settings.optimiser != "adam":
        raise TrainingError(f"optimiser {settings.optimiser!r} is unknown; use 'adam' or 'sgd'")
    return torch.optim.Adam(model.parameters(), **values)


def cosine(progress: float) -> float:
    """Return the learning rate at progress 0..1 as a part of the first one: half a cosine down to FINAL_RATE."""
    return FINAL_RATE + (1 - FINAL_RATE) * 0.5 * (1 + math.cos(math.pi * progress))


def _shifted(images: Tensor, shift: int, draw: torch.Generator) -> Tensor:
    """Move each image of [batch, h, w, c] by -shift..shift pixels per axis; what enters is 0."""
    if not shift:
        return images
    count, height, width, _ = images.shape
    padded = nn.functional.pad(images, (0, 0, shift, shift, shift, shift))
    top, left = torch.randint(0, 2 * shift + 1, (2, count, 1, 1), generator=draw).to(images.device)
    rows = top + torch.arange(height, device=images.device)[None, :, None]
    columns = left + torch.arange(width, device=images.device)[None, None, :]
    return padded[torch.arange(count, device=images.device)[:, None, None], rows, columns]


def _flipped(images: Tensor, draw: torch.Generator) -> Tensor:
    """Mirror half of [batch, h, w, c], left to right."""
    chosen = (torch.rand(len(images), generator=draw) < 0.5).to(images.device)
    return torch.where(chosen[:, None, None, None], images.flip(2), images)


def _cut_out(images: Tensor, side: int, draw: torch.Generator) -> Tensor:
    """Set a square of each image of [batch, h, w, c] to 0; it may reach over the edges."""
    if not side:
        return images
    count, height, width, _ = images.shape
    top = torch.randint(0, height, (count, 1), generator=draw) - side // 2
    left = torch.randint(0, width, (count, 1), generator=draw) - side // 2
    rows, columns = torch.arange(height)[None], torch.arange(width)[None]
    in_rows, in_columns = (top <= rows) & (rows < top + side), (left <= columns) & (columns < left + side)
    square = in_rows[:, :, None] & in_columns[:, None, :]
    return images.masked_fill(square[..., None].to(images.device), 0)


def _device(model: nn.Module) -> torch.device:
    return next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
