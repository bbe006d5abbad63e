# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""`lutforge train`: a recipe from its first step to the frozen model."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional

from lutforge import cli_sources as sources
from lutforge import store
from lutforge.cli_console import progress, say


def train_recipe(
    name: str, out: Path, data: Optional[Path], seed: int, resume: bool, begin: Optional[str], device: str
) -> Dict[str, Any]:
    """Train and freeze; return what was written and measured.

    The steps' checkpoints lie in OUT/steps, for all recipes.
    """
    from lutforge.training.frozen import save_frozen
    from lutforge.training.pipeline import Measured
    from lutforge.training.recipe import Run, checked_device, follow, measured_line, recipe_named

    chosen = recipe_named(name)
    folder = out / chosen.name
    folder.mkdir(parents=True, exist_ok=True)
    lines: List[str] = []

    def finished(measured: Measured) -> None:
        lines.append(measured_line(measured) + "\n")
        store.write_atomically(folder / "steps.jsonl", "".join(lines).encode())
        say(_sentence(measured))

    with progress(f"training {chosen.name}", chosen.epochs, "epochs") as step:
        run = Run(
            seed=seed,
            folder=folder,
            resume=resume,
            begin=begin,
            device=checked_device(device),
            on_epoch=lambda epoch: step(1),
            on_step=finished,
        )
        trained = follow(chosen, data, run)
    save_frozen(trained.frozen, folder / "frozen.pt")
    sources.save_images(folder / "images.npz", trained.data.test_images, trained.data.test_labels)
    return {
        "recipe": chosen.name,
        "frozen": str(folder / "frozen.pt"),
        "images": str(folder / "images.npz"),
        "seconds": round(trained.fitted.seconds, 1),
        "best_epoch": trained.fitted.best_epoch,
        "validation_accuracy_percent": round(100 * trained.fitted.best_validation, 2),
        "test_accuracy_percent": round(100 * trained.report.frozen_accuracy, 2),
        "test_images_answered_differently_when_frozen": trained.report.differing,
    }


def _sentence(measured: Any) -> str:
    tables = (
        f", {measured.tables:,} tables of {measured.inputs / measured.tables:.2f} inputs" if measured.tables else ""
    )
    made = "found" if measured.reused else f"{measured.epochs} epochs, {measured.seconds:.0f} s"
    return (
        f"{measured.step}: {made}; validation {100 * measured.validation:.2f} %, {measured.synapses:,} synapses in the "
        f"target layers{tables}"
    )
