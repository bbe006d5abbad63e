# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The layer of learned tables and the ternary head: values and gradients against plain loops, wiring, errors."""

from __future__ import annotations

import math

import pytest
import torch

from lutforge.errors import TrainingError
from lutforge.training.learned_tables import SPREAD, STEEPNESS, LearnedTables, random_linear_functions
from lutforge.training.ternary_head import TernaryHead

BITS, GROUPS, TABLES, BATCH = 9, 2, 4, 7


def layer(inputs=3, choices=5, seed=0):
    torch.manual_seed(seed)
    candidates = torch.stack([torch.randperm(BITS)[:choices] for _ in range(GROUPS)])
    made = LearnedTables(candidates, TABLES, inputs)
    with torch.no_grad():
        made.latent.uniform_(-1, 1)
        made.latent[0, 0] = 0.0  # counts as -1
    return made


def some_bits(seed=1):
    return torch.randint(0, 2, (BITS, BATCH), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


def address(made, bits, table, sample):
    return sum(int(bits[wire, sample]) << pin for pin, wire in enumerate(made.wiring[table].tolist()))


@pytest.mark.parametrize("inputs", [1, 3, 6])
def test_forward_is_a_look_up(inputs):
    made, bits = layer(inputs, choices=7), some_bits()
    with torch.no_grad():
        values = made(bits)
    for table in range(TABLES):
        for sample in range(BATCH):
            latent = made.latent[table, address(made, bits, table, sample)]
            assert values[table, sample] == (1 if latent > 0 else -1)


@pytest.mark.parametrize("inputs", [1, 3, 6])
def test_gradients_are_finite_differences_of_the_soft_tables(inputs):
    made, bits = layer(inputs, choices=7), some_bits()
    flow = torch.randn(TABLES, BATCH, generator=torch.Generator().manual_seed(2))
    made(bits).backward(flow)
    latent_grad, score_grad = torch.zeros_like(made.latent), torch.zeros_like(made.scores)
    for table in range(TABLES):
        candidates = made.candidates[table // (TABLES // GROUPS)].tolist()
        for sample in range(BATCH):
            at, amount = address(made, bits, table, sample), float(flow[table, sample])
            latent_grad[table, at] += amount
            for pin in range(inputs):
                latent_grad[table, at ^ (1 << pin)] += SPREAD * amount
                with_one, with_zero = (
                    math.tanh(STEEPNESS / 2 * float(made.latent.detach()[table, row]))
                    for row in (at | (1 << pin), at & ~(1 << pin))
                )
                for choice, wire in enumerate(candidates):
                    value = 2 * int(bits[wire, sample]) - 1
                    score_grad[table, pin, choice] += amount * (with_one - with_zero) / 2 * value
    # Float32 sums of a few numbers of size 1, in two orders.
    assert torch.allclose(made.latent.grad, latent_grad, rtol=0, atol=1e-5)
    assert torch.allclose(made.scores.grad, score_grad, rtol=0, atol=1e-5)
    assert made.scores.grad.abs().max() > 0.1


def test_pins_take_the_best_candidate_that_is_left():
    made = layer()
    with torch.no_grad():
        made.scores.copy_(torch.tensor([0.0, 3.0, 1.0, 2.0, -1.0]).expand_as(made.scores))
        made.scores[3, 0] = torch.tensor([9.0, 0.0, 0.0, 0.0, 0.0])
    made.after_step()
    first, second = made.candidates.tolist()
    assert made.wiring.tolist()[:3] == [[row[1], row[3], row[2]] for row in (first, first, second)]
    assert made.wiring[3].tolist() == [second[0], second[1], second[3]]


def test_pins_of_a_table_always_differ():
    made = layer(inputs=6, choices=6)
    for seed in range(20):
        torch.manual_seed(seed)
        with torch.no_grad():
            made.scores.normal_()
        made.after_step()
        assert all(
            sorted(row) == sorted(made.candidates[table // 2].tolist())
            for table, row in enumerate(made.wiring.tolist())
        )


def test_held_wires_stay_and_latents_stay_within_bounds():
    made = layer()
    before = made.wiring.clone()
    made.hold_wiring()
    with torch.no_grad():
        made.scores.mul_(-1)
        made.latent.mul_(3)
    made.after_step()
    assert torch.equal(made.wiring, before) and made.latent.abs().max() == 1
    made(some_bits()).sum().backward()
    assert made.scores.grad is None and made.latent.grad is not None


def test_tables_start_as_linear_functions():
    torch.manual_seed(0)
    table = random_linear_functions(50, 4)
    rows = torch.arange(16)
    assert torch.allclose(table, -table[:, 15 - rows], atol=1e-6)  # odd, but for rounding
    steps = [table[:, rows | (1 << pin)] - table[:, rows & ~(1 << pin)] for pin in range(4)]
    assert all(torch.allclose(step, step[:, :1].expand_as(step), atol=1e-6) for step in steps)
    assert 0.08 < table.std() < 0.12


@pytest.mark.parametrize(
    ("candidates", "tables", "inputs", "text"),
    [
        ([[0, 1, 2]], 2, 7, r"tables of 7 inputs; the limits are 1\.\.6"),
        ([[0, 1, 2]], 2, 4, r"3 candidates for 4 pins; give at least one for each"),
        ([[0, 1, 2], [2, 3, 4]], 3, 2, r"3 tables in 2 groups; the tables must be a multiple"),
        ([[0, 1, 2], [2, 4, 4]], 2, 2, r"group 1 has candidate 4 twice; each bit may stand once"),
    ],
)
def test_what_the_layer_refuses(candidates, tables, inputs, text):
    with pytest.raises(TrainingError, match=text):
        LearnedTables(torch.tensor(candidates), tables, inputs)


def test_head_counts_the_largest_latents():
    head = TernaryHead(2, 4, 3)
    with torch.no_grad():
        head.latent.copy_(torch.tensor([[0.1, -5.0, 0.3, 2.0], [-0.2, 0.0, -0.4, 0.35]]))
    values = torch.tensor([[1.0], [-1.0], [1.0], [1.0]])
    sums = head(values)
    assert head.weights().tolist() == [[0, -1, 0, 1], [0, 0, -1, 0]] and sums.flatten().tolist() == [2, -1]
    sums.backward(torch.tensor([[3.0], [5.0]]))
    assert head.latent.grad.tolist() == [[3, -3, 3, 3], [5, -5, 5, 5]]  # those that do not count learn as well


@pytest.mark.parametrize("slots", [1, 9])
def test_head_refuses_slots_that_it_has_no_room_for(slots):
    with pytest.raises(TrainingError, match=rf"{slots} slots for 2 classes of 4 inputs; the limits are 2\.\.8"):
        TernaryHead(2, 4, slots)
