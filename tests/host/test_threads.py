# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Threads that share the hardware: one after another uses it, and every answer is right."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lutforge import reference
from lutforge.host import Accelerator
from lutforge.host.emulated import EmulatedDevice
from lutforge.host.kernels import ReferenceKernel

THREADS, CALLS = 4, 10


class Watched(ReferenceKernel):
    """A kernel that notes how many threads are in any kernel at once."""

    count = threading.Lock()
    inside = most = 0

    def enter(self):
        with Watched.count:
            Watched.inside += 1
            Watched.most = max(Watched.most, Watched.inside)
        time.sleep(0.001)  # lets the other threads come in
        with Watched.count:
            Watched.inside -= 1

    def stream(self, data, images):
        self.enter()
        return super().stream(data, images)

    def trace(self, data, images):
        self.enter()
        return super().trace(data, images)


@pytest.fixture(autouse=True)
def nobody_inside():
    Watched.inside = Watched.most = 0


def in_threads(work):
    """Call work(thread) in threads that start together; an exception in any is raised here."""
    together = threading.Barrier(THREADS)

    def start(thread):
        together.wait(timeout=10)
        return work(thread)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(start, range(THREADS)))


@pytest.mark.parametrize("count", [1, 2])
def test_predictions_of_many_threads(make_network, make_overlay, make_images, count):
    """On one accelerator, and on two; timeout_s is of one batch and not of the wait for the others."""
    networks = [make_network(seed) for seed in range(count)]
    opened = [
        Accelerator.open(make_overlay(network, network.name), device=EmulatedDevice(Watched)) for network in networks
    ]

    def work(thread):
        network, accelerator = networks[thread % count], opened[thread % count]
        for call in range(CALLS):
            images = make_images(network, 5 + thread, seed=THREADS * call + thread)
            wanted = reference.run(network, images)
            assert np.array_equal(accelerator.predict(images, batch=2).logits, wanted)

    in_threads(work)
    assert Watched.most == 1


def test_each_kind_of_call_waits_for_the_others(make_network, make_overlay, make_images):
    network = make_network()
    images = make_images(network, 3)
    accelerator = Accelerator.open(make_overlay(network), device=EmulatedDevice(Watched))
    calls = [accelerator.trace, accelerator.throughput, accelerator.verify, accelerator.run]
    in_threads(lambda thread: [calls[thread](images) for _ in range(CALLS)])
    assert Watched.most == 1


def test_threads_load_once_after_a_failure(make_network, make_overlay):
    accelerator = Accelerator.open(make_overlay(make_network()), device=EmulatedDevice(Watched))
    accelerator._link = None  # as a batch that failed leaves it
    sessions = in_threads(lambda _: accelerator.session)
    assert all(session is accelerator.session for session in sessions)


def test_overlays_opened_by_many_threads_read_their_own_clocks(make_network, make_overlay):
    clocks = [125.0, 100.0, 50.0, 142.857]
    network = make_network()
    folders = [make_overlay(network, f"at_{clock}", clock_mhz=clock) for clock in clocks]

    def work(thread):
        for _ in range(2):
            found = Accelerator.open(folders[thread], device=EmulatedDevice(Watched)).session.clock_mhz
            assert found == pytest.approx(clocks[thread], rel=1e-4)  # pynq takes 33.333 MHz for the crystal

    in_threads(work)
