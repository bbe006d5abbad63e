# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lutforge.errors import TrainingError
from lutforge.training import lut_neurons
from lutforge.training.lut_neurons import LutNeurons, half_differences, look_up

ELEMENTS, NEURONS, EDGES, BATCH = 9, 4, 11, 7


def draw(inputs: int, levels: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Signs, tables, wiring and neuron numbers of a small layer; neuron 2 has no edges."""
    generator = torch.Generator().manual_seed(100 * inputs + levels)
    wiring = torch.stack([torch.randperm(ELEMENTS, generator=generator)[:inputs] for _ in range(EDGES)])
    neuron = torch.tensor([0, 0, 0, 1, 1, 1, 1, 3, 3, 3, 3])
    signs = torch.randint(0, 2, (levels, ELEMENTS, BATCH), generator=generator).double() * 2 - 1
    tables = torch.randn(EDGES, levels, 1 << inputs, generator=generator, dtype=torch.float64)
    return signs, tables, wiring, neuron


def multilinear(signs: Tensor, tables: Tensor, wiring: Tensor, neuron: Tensor) -> Tensor:
    """The paper's form, row by row: sum over p of c_p * product over k of (1 + p_k x_k) / 2."""
    sums = torch.zeros(len(signs), NEURONS, signs.shape[2], dtype=torch.float64)
    for edge in range(EDGES):
        for row in range(tables.shape[2]):
            weight = torch.ones(len(signs), signs.shape[2], dtype=torch.float64)
            for position, element in enumerate(wiring[edge]):
                corner = 1 if row >> position & 1 else -1
                weight = weight * (1 + corner * signs[:, element]) / 2
            part = torch.zeros_like(sums)
            part[:, neuron[edge]] = tables[edge, :, row, None] * weight
            sums = sums + part
    return sums


@pytest.mark.parametrize("levels", [1, 2, 3])
@pytest.mark.parametrize("inputs", [2, 3, 4, 5, 6])
def test_value_and_gradients_are_those_of_the_multilinear_form(
    inputs: int, levels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lut_neurons, "BLOCK_ELEMENTS", 3 * BATCH)  # several blocks, the last one shorter
    signs, tables, wiring, neuron = draw(inputs, levels)
    signs.requires_grad_()
    tables.requires_grad_()
    flow = torch.randn(levels, NEURONS, BATCH, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    ours = look_up(signs, tables, wiring, neuron, NEURONS)
    wanted = multilinear(signs, tables, wiring, neuron)
    # Both add the same products in another order, in float64.
    torch.testing.assert_close(ours, wanted, rtol=0, atol=1e-12)
    for got, want in zip(
        torch.autograd.grad(ours, (signs, tables), flow),
        torch.autograd.grad(wanted, (signs, tables), flow),
        strict=True,
    ):
        torch.testing.assert_close(got, want, rtol=0, atol=1e-12)


def test_layer_weighs_levels_and_sums_signs() -> None:
    signs, tables, wiring, neuron = draw(4, 2)
    layer = LutNeurons(ELEMENTS, NEURONS, wiring, neuron, tables.float())
    layer.binarise()
    out = layer(signs.float(), torch.tensor([2.0, 1.0]))
    per_level = multilinear(signs, torch.where(tables.clamp(-1, 1) > 0, 1.0, -1.0), wiring, neuron)
    assert torch.equal(out, (2 * per_level[0] + per_level[1]).float())
    assert torch.equal(out, out.round())


def test_tables_are_clipped_then_signs_and_zero_is_minus_one() -> None:
    _, _, wiring, neuron = draw(2, 1)
    layer = LutNeurons(ELEMENTS, NEURONS, wiring, neuron, torch.tensor([-3.0, 0.0, 0.25, 2.0]).expand(EDGES, 1, 4))
    assert layer.tables()[0, 0].tolist() == [-1.0, 0.0, 0.25, 1.0]
    layer.binarise()
    assert layer.tables()[0, 0].tolist() == [-1.0, -1.0, 1.0, 1.0]
    layer.tables().sum().backward()
    assert layer.latent.grad is not None
    assert layer.latent.grad[0, 0].tolist() == [0.0, 1.0, 1.0, 0.0]  # outside the window nothing passes
    layer.after_step()
    assert layer.latent[0, 0].tolist() == [-1.0, 0.0, 0.25, 1.0]


def test_layer_without_batch_gives_no_sums() -> None:
    signs, tables, wiring, neuron = draw(3, 2)
    assert look_up(signs[..., :0], tables, wiring, neuron, NEURONS).shape == (2, NEURONS, 0)


def test_helper_tensors_lie_where_the_inputs_do() -> None:
    # "meta" stands for a GPU: a tensor left on the CPU mixes with none of its own.
    signs, tables, wiring, neuron = (tensor.to("meta") for tensor in draw(4, 2))
    signs.requires_grad_()
    tables.requires_grad_()
    sums = look_up(signs, tables, wiring, neuron, NEURONS)
    sums.sum().backward()
    assert signs.grad is not None and tables.grad is not None
    assert {tensor.device.type for tensor in (sums, signs.grad, tables.grad)} == {"meta"}
    assert half_differences(tables.detach()).device.type == "meta"


def test_mistakes_are_named() -> None:
    _, tables, wiring, neuron = draw(3, 2)
    with pytest.raises(TrainingError, match=r"tables of 7 inputs; the limits are 2\.\.6"):
        LutNeurons(9, NEURONS, torch.arange(7).expand(EDGES, 7), neuron, torch.zeros(EDGES, 1, 128))
    with pytest.raises(TrainingError, match=r"tables of shape \(11, 2, 4\); 11 edges of 3 inputs need"):
        LutNeurons(ELEMENTS, NEURONS, wiring, neuron, tables[..., :4])
    with pytest.raises(TrainingError, match=r"wiring 0\.\.8 leaves the elements 0\.\.7"):
        LutNeurons(8, NEURONS, wiring, neuron, tables)
    twice = wiring.clone()
    twice[4] = torch.tensor([5, 1, 5])
    with pytest.raises(TrainingError, match=r"edge 4 reads an element twice: \[5, 1, 5\]"):
        LutNeurons(ELEMENTS, NEURONS, twice, neuron, tables)
    with pytest.raises(TrainingError, match="must rise from edge to edge"):
        LutNeurons(ELEMENTS, NEURONS, wiring, neuron.flip(0), tables)
