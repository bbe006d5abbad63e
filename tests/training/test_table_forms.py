# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The two parametrisations of tables are one function, and an input that is removed makes no difference."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lutforge.errors import TrainingError
from lutforge.training.learned_wiring import LearnedLutNeurons
from lutforge.training.lut_neurons import LutNeurons
from lutforge.training.table_forms import saliency, to_coefficients, to_rows, walsh_matrix, without_inputs


def layer_of(inputs: int, form: str = "lagrange", levels: int = 2, shared: bool = False, seed: int = 0) -> LutNeurons:
    draw = torch.Generator().manual_seed(seed)
    wiring = torch.stack([torch.randperm(9, generator=draw)[:inputs] for _ in range(7)])
    rows = torch.rand(7, 1 if shared else levels, 1 << inputs, generator=draw, dtype=torch.float64) * 1.8 - 0.9
    return LutNeurons(9, 4, wiring, torch.tensor([0, 0, 1, 2, 2, 2, 3]), rows, form, levels).double()


def signs_of(levels: int = 2, batch: int = 50) -> Tensor:
    draw = torch.Generator().manual_seed(5)
    return torch.randint(0, 2, (levels, 9, batch), generator=draw).double() * 2 - 1


@pytest.mark.parametrize("inputs", [2, 3, 4, 5, 6])
def test_walsh_coefficients_are_weights_of_products(inputs: int) -> None:
    coefficients = torch.rand(1 << inputs, dtype=torch.float64)
    rows = to_rows(coefficients)
    for corner in range(1 << inputs):
        x = [1.0 if corner >> k & 1 else -1.0 for k in range(inputs)]
        value = 0.0
        for s in range(1 << inputs):
            product = 1.0
            for k in range(inputs):
                product *= x[k] if s >> k & 1 else 1.0
            value += float(coefficients[s]) * product
        assert float(rows[corner]) == pytest.approx(value, abs=1e-12)  # float64 sums in another order
    matrix = walsh_matrix(inputs, rows)
    assert torch.equal(matrix.T @ matrix, torch.eye(1 << inputs).double() * (1 << inputs))
    torch.testing.assert_close(to_coefficients(rows), coefficients)


@pytest.mark.parametrize("inputs", [4, 5, 6])
@pytest.mark.parametrize("binary", [False, True])
def test_both_forms_are_one_function_with_one_gradient(inputs: int, binary: bool) -> None:
    results = []
    for form in ("lagrange", "walsh"):
        layer, signs = layer_of(inputs, form), signs_of().requires_grad_()
        if binary:
            layer.binarise()
        out = layer(signs, torch.tensor([2.0, 1.0]))
        out.square().sum().backward()
        gradient = layer.latent.grad
        # a coefficient's gradient is the sum over rows of the rows' gradients times its product
        results.append((out, signs.grad, gradient if form == "walsh" else gradient @ walsh_matrix(inputs, gradient)))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other)


def test_walsh_rows_are_held_in_the_window() -> None:
    layer = layer_of(4, "walsh")
    with torch.no_grad():
        layer.latent.mul_(5)
    outside = to_rows(layer.latent.detach())
    assert float(outside.abs().max()) > 1
    layer.after_step()
    torch.testing.assert_close(to_rows(layer.latent.detach()), outside.clamp(-1, 1))


@pytest.mark.parametrize("inputs", [2, 4, 6])
def test_a_removed_input_makes_no_difference(inputs: int) -> None:
    draw = torch.Generator().manual_seed(1)
    rows = torch.rand(40, 2, 1 << inputs, generator=draw, dtype=torch.float64) - 0.5
    kept = torch.rand(40, inputs, generator=draw) < 0.5
    shrunk = without_inputs(rows, kept)
    assert torch.equal(saliency(shrunk) > 1e-12, kept)
    products = torch.arange(1 << inputs)
    for edge in range(40):  # Walsh coefficients that hold a removed input are gone, the others as they were
        held = torch.zeros(1 << inputs, dtype=torch.bool)
        for k in range(inputs):
            if not kept[edge, k]:
                held |= (products >> k & 1).bool()
        expected = to_coefficients(rows[edge]).masked_fill(held, 0.0)
        torch.testing.assert_close(to_coefficients(shrunk[edge]), expected)


def test_saliency_is_the_sum_of_differences_of_pairs() -> None:
    rows = torch.tensor([[[0.0, 1.0, 0.5, -1.0]]])  # pairs of input 0: (0, 1), (0.5, -1); of input 1: (0, 0.5), (1, -1)
    assert saliency(rows).tolist() == [[2.5, 2.5]]
    assert saliency(torch.tensor([[[0.0, 0.0, 1.0, 1.0]], [[0.25, 0.5, 0.25, 0.5]]])).tolist() == [
        [0.0, 2.0],
        [0.5, 0.0],
    ]


@pytest.mark.parametrize("form", ["lagrange", "walsh"])
def test_shrinking_removes_the_least_salient_and_what_becomes_constant(form: str) -> None:
    layer = layer_of(4, form)
    scores = saliency(layer.rows().detach())
    smaller = layer.shrink(0.5)
    assert smaller.form == form and smaller.levels == 2
    best = {int(n): float(scores[layer.neuron == n].max()) for n in layer.neuron.unique()}
    removed = 28 - int(smaller.kept.sum())
    assert removed == 14
    limit = scores.flatten().sort().values[13]
    for edge in range(7):
        wanted = [float(s) > limit or float(s) == best[int(layer.neuron[edge])] for s in scores[edge]]
        found = (smaller.wiring == layer.wiring[edge]).all(dim=1).nonzero()
        assert len(found) == int(any(wanted))
    assert sorted(smaller.neuron.unique().tolist()) == [0, 1, 2, 3]  # no neuron lost its last table
    signs = signs_of()
    flipped = signs.clone()
    unread = [e for e in range(9) if e not in smaller.wiring[smaller.kept].tolist()]
    flipped[:, unread] *= -1
    levels = torch.tensor([2.0, 1.0]).double()
    assert torch.equal(smaller(signs, levels), smaller(flipped, levels))


def test_shared_tables_serve_all_levels() -> None:
    layer = layer_of(3, shared=True, levels=3)
    signs = signs_of(3)
    sums = [layer(signs[[level] * 3], torch.tensor([1.0, 0.0, 0.0]).double()) for level in range(3)]
    torch.testing.assert_close(
        layer(signs, torch.tensor([4.0, 2.0, 1.0]).double()), 4 * sums[0] + 2 * sums[1] + sums[2]
    )
    assert layer.tables().shape == (7, 3, 8)


def test_gradients_of_scores_are_what_each_candidate_would_have_given() -> None:
    layer = LearnedLutNeurons(layer_of(3), candidates=5, seed=3).double()
    signs, levels = signs_of(), torch.tensor([2.0, 1.0]).double()
    weights = torch.rand(4, 50, generator=torch.Generator().manual_seed(9)).double()
    (layer(signs, levels) * weights).sum().backward()
    for edge in (0, 3, 6):
        for position in (1, 2):
            for number, candidate in enumerate(layer.candidates[edge, position - 1].tolist()):
                wanted = 0.0
                for level in range(2):
                    for image in range(50):
                        bits = [int(signs[level, int(e), image] > 0) for e in layer.wiring[edge]]
                        pair = []
                        for value in (0, 1):
                            bits[position] = value
                            row = sum(bit << k for k, bit in enumerate(bits))
                            pair.append(float(layer.tables().detach()[edge, level, row]))
                        slope = (pair[1] - pair[0]) / 2 * float(levels[level] * weights[int(layer.neuron[edge]), image])
                        wanted += slope * float(signs[level, candidate, image])
                assert float(layer.scores.grad[edge, position - 1, number]) == pytest.approx(wanted)


def test_the_wiring_follows_the_scores_and_no_element_comes_twice() -> None:
    layer = LearnedLutNeurons(layer_of(4), candidates=6, seed=3)
    before = layer.wiring.clone()
    layer.after_step()
    assert torch.equal(layer.wiring, before)  # the present inputs lead
    for seed in range(20):
        with torch.no_grad():
            layer.scores.copy_(torch.rand(layer.scores.shape, generator=torch.Generator().manual_seed(seed)))
        layer.after_step()
        assert torch.equal(layer.wiring[:, 0], before[:, 0])
        assert ((layer.wiring.sort(dim=1).values.diff(dim=1)) > 0).all()
        best = layer.candidates[:, 0].gather(1, layer.scores[:, 0].argmax(dim=1, keepdim=True))[:, 0]
        assert torch.equal(layer.wiring[:, 1], best)
    settled = layer.settled()
    assert type(settled) is LutNeurons and torch.equal(settled.wiring, layer.wiring)


def test_refusals() -> None:
    with pytest.raises(TrainingError, match="form 'fourier' is unknown; use one of lagrange, walsh"):
        layer_of(3, "fourier")
    with pytest.raises(TrainingError, match=r"shrink: 1\.0 of the inputs to remove; it must be at least 0 and below 1"):
        layer_of(3).shrink(1.0)
    with pytest.raises(TrainingError, match=r"2 candidates per input; the limits are 3 \(.*\) and 8"):
        LearnedLutNeurons(layer_of(3), candidates=2, seed=0)
