# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Time of a training epoch with tables against the plain binarised network, CNV at half width on one core.

    OMP_NUM_THREADS=1 python benchmarks/lutnet_epochs.py

Steps of the networks take turns on random images of CIFAR-10's shape; the best of each counts, times the batches of an
epoch of 45,000 images.
"""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Dict, Tuple

import torch
from torch import nn

from lutforge.training.lutnet import LutNet
from lutforge.training.recipe import recipe_named

TURNS, IMAGES = 12, 45_000


def main() -> None:
    torch.set_num_threads(1)
    plan = recipe_named("cnv_cifar10_half").plan
    cifar = SimpleNamespace(name="random", shape=(32, 32, 3), low=0, high=255, classes=10)
    networks: Dict[str, Tuple[LutNet, torch.optim.Optimizer]] = {}
    for kind in ("plain", "a table per synapse and level", "gathered"):
        torch.manual_seed(0)
        model = plan.build(cifar)
        if kind != "plain":
            model.prune(plan.pruning.keep, plan.pruning.fan_in)
            if kind == "gathered":
                model.gather(6)
            else:
                model.expand(plan.tables.inputs, plan.tables.wiring, 0)
            model.binarise_tables()
        networks[kind] = model, torch.optim.Adam(model.parameters(), lr=0.001)
    images = torch.randint(0, 256, (plan.batch_size, *cifar.shape)).float()
    labels = torch.randint(0, 10, (plan.batch_size,))
    best = dict.fromkeys(networks, float("inf"))
    for _ in range(TURNS):
        for kind, (model, optimizer) in networks.items():
            began = time.perf_counter()
            loss = nn.functional.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            model.after_step()
            best[kind] = min(best[kind], time.perf_counter() - began)
    for kind, seconds in best.items():
        epoch = seconds * IMAGES / plan.batch_size
        print(f"{kind}: {epoch:.0f} s an epoch, {seconds / best['plain']:.2f} times the plain network's")


if __name__ == "__main__":
    main()
