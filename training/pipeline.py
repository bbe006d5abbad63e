# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Takes a LUTNet through its steps. Each finished step leaves a checkpoint, named by all that it depends on.

So recipes that begin alike share their first steps, and a run goes on from any step that is there.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

import torch

from lutforge.errors import TrainingError
from lutforge.store import write_atomically
from lutforge.training.data import Dataset
from lutforge.training.fit import Epoch, Fitted, accuracy, fit
from lutforge.training.lutnet import LutNet
from lutforge.training.lutnet_plan import LutNetPlan
from lutforge.training.lutnet_steps import Step, steps_of
from lutforge.training.tiled import TiledNeurons

FORMAT = 1


@dataclass(frozen=True)
class Measured:
    """What one finished step left: seconds and epochs it took, validation accuracy 0..1, synapses of target layers,

    tables and their inputs that make a difference; reused: whether an earlier run had made it.
    """

    step: str
    seconds: float
    epochs: int
    validation: float
    synapses: int
    tables: int
    inputs: int
    key: str
    reused: bool = False


class Pipeline:
    """One training. folder: of the checkpoints, None: none are kept.

    resume: take what is there of all steps; begin: take all steps before this one (its kind), which must be
    there, and train from it on; neither: train everything. on_epoch, on_step: called as these end.
    """

    def __init__(
        self,
        model: LutNet,
        data: Dataset,
        plan: LutNetPlan,
        *,
        seed: int = 0,
        folder: Optional[Path] = None,
        resume: bool = False,
        begin: Optional[str] = None,
        on_epoch: Optional[Callable[[Epoch], None]] = None,
        on_step: Optional[Callable[[Measured], None]] = None,
    ):
        self.model, self.data, self.plan, self.seed = model, data, plan, seed
        self.folder, self.resume, self.begin = folder, resume, begin
        self.on_epoch, self.on_step = on_epoch, on_step
        self.steps = steps_of(plan, model, seed)
        self.keys = _keys(self.steps, data, seed)
        self.results: List[Tuple[Measured, List[Epoch], int]] = []
        _check_begin(begin, self.steps, folder)

    def run(self) -> Fitted:
        """Take the model through all steps and leave it in eval mode, ready to freeze.

        Each step starts from the best validation epoch of the one before. Result: all epochs, numbered through; the
        best one is the last step's.
        """
        kinds = [step.kind for step in self.steps]
        first = kinds.index(self.begin) if self.begin else len(kinds) if self.resume else 0
        phase = 0  # numbers the steps that have epochs: their seeds
        for index, step in enumerate(self.steps):
            found = self._load(index, wanted=bool(self.begin)) if index < first else None
            if found is None:
                self._train(index, phase)
            phase += bool(step.phase.epochs)
            measured = self.results[-1][0]
            if self.on_step is not None:
                self.on_step(measured)
        self.model.eval()
        return self._fitted()

    def _train(self, index: int, phase: int) -> None:
        step = self.steps[index]
        step.change(self.model, self.data)
        before = sum(len(history) for _, history, _ in self.results)
        partial = self._path(index, ".partial")
        if not step.phase.epochs:
            validation = accuracy(self.model, self.data.validation_images, self.data.validation_labels)
            fitted = Fitted(0, validation, 0.0, ())
        else:
            fitted = fit(
                self.model,
                self.data,
                epochs=step.phase.epochs,
                learning_rate=step.phase.learning_rate,
                weight_decay=step.phase.weight_decay,
                batch_size=self.plan.batch_size,
                seed=self.seed * 100 + phase,
                shift=self.plan.shift,
                flip=self.plan.flip,
                checkpoint=partial,
                resume=self.resume and partial is not None and partial.is_file(),
                on_epoch=lambda epoch: self._told(before, epoch),
            )
        measured = self._measured(step, fitted, self.keys[index])
        self.results.append((measured, list(fitted.history), fitted.best_epoch))
        self._save(index)
        if partial is not None:
            partial.unlink(missing_ok=True)

    def _told(self, before: int, epoch: Epoch) -> None:
        if self.on_epoch is not None:
            self.on_epoch(replace(epoch, number=before + epoch.number))

    def _measured(self, step: Step, fitted: Fitted, key: str) -> Measured:
        synapses = tables = inputs = 0
        for stage in self.model.chosen:
            if isinstance(stage.layer, TiledNeurons):
                tables += len(stage.layer.neuron)
                inputs += len(stage.layer.neuron) * int(stage.layer.latent.shape[1]).bit_length() - len(
                    stage.layer.neuron
                )
                synapses += stage.layer.weights[..., 0].numel()
            elif stage.is_tables:
                layer = stage.neurons
                synapses += layer.wiring.numel() // layer.levels if layer.gathered else len(layer.neuron)
                tables += len(layer.neuron) * layer.outputs
                inputs += int(layer.kept.sum()) * layer.outputs
            else:
                synapses += int(stage.binary.mask.sum())
        epochs = len(fitted.history)
        return Measured(step.name, fitted.seconds, epochs, fitted.best_validation, synapses, tables, inputs, key)

    def _path(self, index: int, ending: str = ".pt") -> Optional[Path]:
        if self.folder is None:
            return None
        return self.folder / f"{self.steps[index].name}-{self.keys[index][:16]}{ending}"

    def _save(self, index: int) -> None:
        path = self._path(index)
        if path is None:
            return
        measured, history, best = self.results[-1]
        buffer = io.BytesIO()
        document = {
            "format": FORMAT,
            "settings": _settings(self.steps[: index + 1], self.data, self.seed),
            "measured": asdict(measured),
            "history": [asdict(epoch) for epoch in history],
            "best": best,
            "model": self.model.state_dict(),
        }
        torch.save(document, buffer)
        write_atomically(path, buffer.getvalue())

    def _load(self, index: int, wanted: bool) -> Optional[Measured]:
        """Take a finished step, if it is there. wanted: TrainingError if it is not."""
        path, step = self._path(index), self.steps[index]
        if path is None or not path.is_file():
            if wanted:
                raise TrainingError(_missing(self.folder, step, self.steps[: index + 1], self.data, self.seed))
            return None
        try:
            document = torch.load(path, map_location=_device(self.model), weights_only=True)
            measured = Measured(**document["measured"])
            history = [Epoch(**epoch) for epoch in document["history"]]
            self.model.restore(document["model"], self.plan.tables.form, self.plan.tables.gathered)
        except Exception as error:  # torch raises many kinds on a damaged file
            raise TrainingError(
                f"checkpoint {path}: cannot be read ({type(error).__name__}: {error}). Remove it, and train this "
                "step again"
            ) from error
        if step.kind == "settle":
            self.model.freeze_statistics()
        self.results.append((replace(measured, reused=True), history, document["best"]))
        for epoch in history:
            self._told(sum(len(each) for _, each, _ in self.results[:-1]), epoch)
        return measured

    def _fitted(self) -> Fitted:
        epochs = [epoch for _, history, _ in self.results for epoch in history]
        history = tuple(replace(epoch, number=number) for number, epoch in enumerate(epochs, start=1))
        measured, last, best = self.results[-1]
        return Fitted(len(epochs) - len(last) + best, measured.validation, sum(e.seconds for e in epochs), history)


def _settings(steps: List[Step], data: Dataset, seed: int) -> List[Dict[str, Any]]:
    """Return all that the last of these steps depends on."""
    begun: List[Dict[str, Any]] = [{"step": "data", "name": data.name, "images": data.digest, "seed": seed}]
    return begun + [{"step": step.name, **asdict(step.phase), **step.settings} for step in steps]


def _keys(steps: List[Step], data: Dataset, seed: int) -> List[str]:
    keys = []
    for count in range(1, len(steps) + 1):
        text = json.dumps(_settings(steps[:count], data, seed), sort_keys=True)
        keys.append(hashlib.sha256(text.encode()).hexdigest())
    return keys


def _check_begin(begin: Optional[str], steps: List[Step], folder: Optional[Path]) -> None:
    known = list(dict.fromkeys(step.kind for step in steps))
    if begin is not None and begin not in known:
        raise TrainingError(f"step {begin!r}: this recipe has {', '.join(known)}")
    if begin is not None and folder is None:
        raise TrainingError(f"step {begin!r}: nothing to begin from without a folder of checkpoints")


def _missing(folder: Optional[Path], step: Step, steps: List[Step], data: Dataset, seed: int) -> str:
    """Say that a step is not there, and how the nearest one differs."""
    wanted = _settings(steps, data, seed)
    text = f"no checkpoint of step {step.name!r} with these settings in {folder}"
    for path in sorted(Path(folder or ".").glob(f"{step.name}-*.pt")):
        try:
            found = torch.load(path, map_location="cpu", weights_only=True)["settings"]
        except Exception:  # a damaged file is no help here, and named when it is wanted
            continue
        for ours, theirs in zip(wanted, found, strict=False):
            for key in ours:
                if ours[key] != theirs.get(key):
                    return (
                        f"{text}; {path.name} is of another recipe: {ours['step']}, {key} {theirs.get(key)!r}, here "
                        f"{ours[key]!r}. Train without --from, or with that setting"
                    )
    return f"{text}. Train without --from first"


def _device(model: LutNet) -> torch.device:
    return next(model.parameters()).device
