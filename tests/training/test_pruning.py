# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lutforge.errors import TrainingError
from lutforge.training.pruning import cubic_schedule, keep_mask
from lutforge.training.wiring import STRATEGIES, Evidence, wire


def magnitudes(outputs: int, fan_in: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(outputs, fan_in, generator=generator) * torch.rand(outputs, 1, generator=generator)


def test_without_binding_bounds_the_largest_stay() -> None:
    values = torch.tensor([[0.9, 0.1, 0.8], [0.2, 0.7, 0.3]])
    assert keep_mask(values, 0.5).tolist() == [[True, False, True], [False, True, False]]


def test_no_output_dies_and_none_is_crowded() -> None:
    values = torch.tensor([[0.9, 0.8, 0.7, 0.6], [0.01, 0.04, 0.02, 0.03], [0.5, 0.4, 0.3, 0.2]])
    assert keep_mask(values, 0.5, minimum=1, maximum=3).tolist() == [
        [True, True, True, False],
        [False, True, False, False],
        [True, True, False, False],
    ]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.integers(2, 12), st.integers(0, 9999), st.data())
def test_count_and_bounds_hold(outputs: int, fan_in: int, seed: int, data: st.DataObject) -> None:
    low = data.draw(st.integers(1, fan_in))
    high = data.draw(st.integers(low, fan_in))
    count = data.draw(st.integers(outputs * low, outputs * high))
    values = magnitudes(outputs, fan_in, seed)
    mask = keep_mask(values, count / (outputs * fan_in), low, high)
    per_output = mask.sum(dim=1)
    assert int(mask.sum()) == count
    assert low <= int(per_output.min()) <= int(per_output.max()) <= high
    for row, kept in zip(values, mask, strict=True):  # inside an output nothing small stays for something large
        assert not kept.any() or kept.all() or row[kept].min() >= row[~kept].max()


def test_pruning_mistakes_are_named() -> None:
    values = magnitudes(4, 5)
    with pytest.raises(TrainingError, match="keep 0; it is the part of synapses that stays"):
        keep_mask(values, 0)
    with pytest.raises(TrainingError, match=r"fan-in bounds 3\.\.2 for rows of 5"):
        keep_mask(values, 0.5, 3, 2)
    with pytest.raises(TrainingError, match=r"keep 0.1 leaves 2 synapses, .* allow 4\.\.20"):
        keep_mask(values, 0.1)


def test_cubic_schedule_falls_to_the_end() -> None:
    parts = cubic_schedule(0.05, 6)
    assert parts == sorted(parts, reverse=True)
    assert parts[-1] == 0.05
    assert parts[0] - parts[1] > parts[-2] - parts[-1]


@pytest.mark.parametrize("strategy", [name for name in STRATEGIES if name != "correlation"])
def test_wiring_starts_at_the_synapse_and_repeats_nothing(strategy: str) -> None:
    values = magnitudes(7, 8)
    mask = keep_mask(values, 0.6, 2, 7)  # so many survive that pruned inputs run out
    wiring, neuron = wire(strategy, values, mask, 4, seed=3)
    rows, columns = mask.nonzero(as_tuple=True)
    assert torch.equal(neuron, rows)
    assert torch.equal(wiring[:, 0], columns)
    assert 0 <= int(wiring.min()) <= int(wiring.max()) < 8
    assert all(len(set(row)) == 4 for row in wiring.tolist())
    again, _ = wire(strategy, values, mask, 4, seed=3)
    other, _ = wire(strategy, values, mask, 4, seed=4)
    assert torch.equal(wiring, again)
    assert not torch.equal(wiring, other)


def test_recover_deals_out_the_largest_pruned_inputs() -> None:
    values = torch.tensor([[0.9, 0.1, 0.8, 0.5, 0.3, 0.2]])
    mask = torch.tensor([[True, False, True, False, False, False]])
    wiring, _ = wire("recover", values, mask, 3, seed=0)
    assert wiring.tolist() == [[0, 3, 5], [2, 4, 1]]


def test_correlation_takes_what_explains_most_and_nothing_twice() -> None:
    draw = torch.Generator().manual_seed(0)
    signs = torch.randint(0, 2, (6, 4000), generator=draw).float() * 2 - 1
    mask = torch.tensor([[True, True, False, False, False, False]])
    # missing: 3 x_4, 2 x_0 x_3 and 1.2 x_1 x_2: the first edge (host 0) takes 4, the second (host 1) what is then left
    wanted = (3 * signs[4] + 2 * signs[0] * signs[3] + 1.2 * signs[1] * signs[2])[None]
    wiring, _ = wire("correlation", torch.zeros(1, 6), mask, 3, seed=0, evidence=Evidence(signs, wanted.clone()))
    assert wiring.tolist() == [[0, 4, 3], [1, 2, wiring[1, 2]]]
    assert all(len(set(row)) == 3 for row in wiring.tolist())
    again, _ = wire("correlation", torch.zeros(1, 6), mask, 3, seed=1, evidence=Evidence(signs, wanted.clone()))
    assert torch.equal(wiring, again)
    with pytest.raises(TrainingError, match="'correlation' chooses on images; give it evidence"):
        wire("correlation", torch.zeros(1, 6), mask, 3, seed=0)


def test_wiring_mistakes_are_named() -> None:
    values = magnitudes(3, 3)
    mask = torch.ones(3, 3, dtype=torch.bool)
    with pytest.raises(TrainingError, match="wiring 'any' is unknown; use one of random, recover"):
        wire("any", values, mask, 2, 0)
    with pytest.raises(TrainingError, match=r"4 inputs per table; the limits are 2\.\.3 \(a layer of 3 inputs"):
        wire("random", values, mask, 4, 0)
    with pytest.raises(TrainingError, match=r"7 inputs per table; the limits are 2\.\.6"):
        wire("random", magnitudes(3, 9), torch.ones(3, 9, dtype=torch.bool), 7, 0)
