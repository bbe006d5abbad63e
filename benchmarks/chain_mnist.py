# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The whole chain on all MNIST test images: torch, reference, csim and the emulated device, equal integers.

    OMP_NUM_THREADS=1 python benchmarks/chain_mnist.py --data DIR [network ...]

Each network of tests/golden is scheduled by `auto` for the board, generated, compiled and run on all test images
by all four executors, logits compared; then 500 images on one other schedule. torch is the frozen checkpoint of
benchmarks/train_mnist.py where build/frozen has it, else the torch operations on the network file; the table says
which. Times are wall times of this computer, one thread; areas are estimates.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import List, Tuple

import lutforge
from lutforge.boards import Board, load_board
from lutforge.comparison import Comparison, compare
from lutforge.cost import estimate, fits
from lutforge.executors import Executor
from lutforge.folding import auto, folded
from lutforge.hls.csim import CsimExecutor, compile_kernel
from lutforge.hls.generator import generate, write_overlay
from lutforge.host import Accelerator
from lutforge.reference import ReferenceExecutor
from lutforge.schedule import Schedule
from lutforge.training.data import Dataset, load_dataset
from lutforge.training.export import from_network
from lutforge.training.frozen import load_frozen

ROOT = Path(__file__).parents[1]
NETWORKS = ("lutnet_mnist", "lutna_mlp_mnist", "lutna_conv_mnist")
OTHER_IMAGES = 500


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", default=NETWORKS, help=f"any of: {', '.join(NETWORKS)}")
    parser.add_argument("--data", type=Path, help="folder of the data sets (else LUTFORGE_DATA)")
    parser.add_argument("--board", default="pynq_z2")
    parser.add_argument("--frozen", type=Path, default=Path("build/frozen"))
    options = parser.parse_args()
    board, data = load_board(options.board), load_dataset("mnist", options.data)
    good = [_chain(name, data, board, options.frozen) for name in options.networks]
    return 0 if all(good) else 1


def _chain(name: str, data: Dataset, board: Board, frozen: Path) -> bool:
    begun = time.perf_counter()
    network = lutforge.load(ROOT / "tests" / "golden" / f"{name}.npz")
    loaded = time.perf_counter() - begun
    schedule = auto(network, board)
    cost = estimate(network, schedule, board.beat_bits)
    fit = fits(cost, board)
    print(f"\n{name}: loaded in {loaded:.3f} s; {cost.label}: {cost.lut6:,} LUT6 {cost.lut6_by_part()}")
    used = ", ".join(f"{resource} {percent:.1f} %" for resource, percent in fit.utilisation.items())
    rate = cost.throughput_fps(board.clock_mhz)
    print(f"  auto schedule on {board.title}: {used}; {'fits' if fit.ok else 'DOES NOT FIT'}")
    speed = f"{rate:,.0f} images/s predicted at {board.clock_mhz:g} MHz, not timing-closed"
    print(f"  {cost.interval_cycles} cycles/image, {speed}")
    checkpoint = frozen / f"{name}.pt"
    torch_executor = load_frozen(checkpoint) if checkpoint.is_file() else from_network(network)
    everything = _run(
        network, schedule, board, data, len(data.test_images), [torch_executor, ReferenceExecutor(network)]
    )
    other = _run(network, folded(network, 2, 2), board, data, OTHER_IMAGES, [ReferenceExecutor(network)])
    return fit.ok and everything.equal and other.equal


def _run(
    network: lutforge.Network, schedule: Schedule, board: Board, data: Dataset, count: int, software: List[Executor]
) -> Comparison:
    with tempfile.TemporaryDirectory() as folder:
        seconds = _build(Path(folder), network, schedule, board)
        print(f"  {count} images; generate {seconds[0]:.2f} s, compile {seconds[1]:.1f} s")
        with Accelerator.open(folder) as device:
            executors = [*software, CsimExecutor(folder, network), device]
            comparison = compare(network, executors, data.test_images[:count])
    for run in comparison.runs:
        accuracy = run.accuracy(data.test_labels[:count])
        print(f"    {run.name:26} {accuracy:6.2f} %  {run.seconds:7.2f} s  {run.throughput_fps:10,.0f} images/s")
    print(f"    logits of all {count} images equal: {'yes' if comparison.equal else 'NO'}")
    for difference in comparison.differences:
        print(f"    {difference}")
    return comparison


def _build(folder: Path, network: lutforge.Network, schedule: Schedule, board: Board) -> Tuple[float, float]:
    begun = time.perf_counter()
    write_overlay(folder, network, generate(network, schedule, board))
    generated = time.perf_counter()
    compile_kernel(folder)
    return generated - begun, time.perf_counter() - generated


if __name__ == "__main__":
    sys.exit(main())
