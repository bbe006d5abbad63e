# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The fast engine against the reference on random networks of every operation: logits, classes and every edge."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutforge import reference
from lutforge.engine.executor import FastExecutor
from lutforge.numerics import argmax

COUNTS = (0, 1, 2, 63, 64, 65, 511, 512, 513, 700)
"""Images: none, one, and numbers around words and blocks."""


def equal_everywhere(random_networks, kind, seed, backend):
    rng = np.random.default_rng([seed, len(kind)])
    network = random_networks.make_random_network(rng, kind)
    images = random_networks.make_random_images(rng, network, COUNTS[seed % len(COUNTS)])
    engine = FastExecutor(network, backend=backend, threads=1)
    said = f"kind {kind} seed {seed} {engine.name}"
    wanted = reference.trace(network, images)
    logits = wanted[network.output.name]
    assert np.array_equal(engine.run(images), logits), said
    assert np.array_equal(engine.classes(images), argmax(logits)), said
    traced = engine.trace(images)
    assert set(traced) == set(wanted), said
    for name, values in wanted.items():
        assert traced[name].dtype == np.int64 and np.array_equal(traced[name], values), f"{said}: {name}"


@pytest.mark.parametrize("backend", ["native", "interpreted", "numpy"])
def test_equals_the_reference(random_networks, network_kind, backend):
    for seed in range(10):
        equal_everywhere(random_networks, network_kind, seed, backend)


@pytest.mark.slow
@settings(max_examples=2000, deadline=None, derandomize=True, print_blob=True)
@given(seed=st.integers(0, 2**32 - 1), kind=st.integers(0, 7), backend=st.sampled_from(["native", "interpreted"]))
def test_equals_the_reference_on_thousands(random_networks, seed, kind, backend):
    equal_everywhere(random_networks, random_networks.KINDS[kind], seed, backend)
