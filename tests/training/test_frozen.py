# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The frozen operations in torch: values worked out by hand, equality with the reference, checkpoints."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lutforge import reference
from lutforge.errors import InputError, TrainingError
from lutforge.multipliers import Approximate, Conventional, Digital, DivideConquer
from lutforge.training import frozen as frozen_module
from lutforge.training.export import to_network
from lutforge.training.frozen import (
    Affine,
    ArgMax,
    BinaryMac,
    Encode,
    FrozenModel,
    Input,
    LutNeurons,
    MaxPool,
    Rescale,
    Reshape,
    TableMac,
    Threshold,
    TiledLutNeurons,
    Window,
    load_frozen,
    save_frozen,
)

DRAW = np.random.default_rng(11)


def tables(count, inputs, elements, bits, neurons):
    return LutNeurons(
        neurons,
        elements,
        bits,
        np.stack([DRAW.permutation(elements * bits)[:inputs] for _ in range(count)]),
        np.sort(DRAW.integers(0, neurons, count)),
        DRAW.integers(1, 5, count),
        DRAW.integers(0, 2, (count, 1 << inputs)),
    )


def tiles(neurons, elements, levels, outer, inner, inputs, weight_bits, count):
    return TiledLutNeurons(
        neurons,
        elements,
        levels,
        np.stack([DRAW.permutation(elements // inner)[: inputs - weight_bits] for _ in range(count)]),
        np.sort(DRAW.integers(0, neurons // outer, count)),
        DRAW.integers(0, 2, (count, 1 << inputs)),
        DRAW.integers(0, 1 << weight_bits, (outer, inner, count)),
    )


def chain(*operations, shape=(6, 5, 3), low=0, high=255):
    steps = [("image", Input(shape, low, high)), *((f"step{i}", operation) for i, operation in enumerate(operations))]
    return FrozenModel("chain", steps, {"dataset": "none", "seed": 1})


CHAINS = {
    "windows": chain(
        Window((3, 2), (2, 1), (1, 0, 2, 1), 7),
        TableMac(DRAW.integers(-255, 256, (4, 18)), DRAW.integers(-9999, 9999, 4), Conventional()),
        Rescale([1, 3, 1, 70], [9, 0, 12, 16], -100, 100),
        MaxPool((2, 2), (1, 2)),
        TableMac(DRAW.integers(-127, 128, (5, 4)), DRAW.integers(-99, 99, 5)),
        Threshold(np.sort(DRAW.integers(-9000, 9000, (5, 3)), axis=1)),
    ),
    "signed": chain(
        Reshape((90,)),
        TableMac(DRAW.integers(-256, 256, (7, 90)), np.zeros(7, np.int64), Digital()),
        Affine(DRAW.integers(-9, 9, 7), DRAW.integers(-999, 999, 7)),
        ArgMax(),
        low=-128,
        high=127,
    ),
    "tables": chain(
        Reshape((90,)),
        BinaryMac(DRAW.integers(-1, 2, (20, 90))),
        Threshold(np.sort(DRAW.integers(-900, 900, (20, 3)), axis=1)),
        tables(60, 4, 20, 2, 12),
        Threshold(np.array([[2, 5, 9]])),
        BinaryMac(DRAW.integers(-1, 2, (6, 12)), (2, 1)),
        ArgMax(),
    ),
    "tiles": chain(
        Threshold(np.array([[50, 100, 200]])),
        Window((3, 2), (1, 2), (1, 0, 0, 1), 1),
        tiles(6, 18, (2, 1), 3, 6, 4, 2, 7),
        Threshold(np.array([[8]])),
        Reshape((5 * 3 * 6,)),
        tiles(4, 90, (3,), 2, 1, 6, 1, 20),
    ),
    "tables of an image": chain(tables(30, 6, 3, 8, 9), Reshape((270,))),
    "thermometer": chain(Encode(np.sort(DRAW.integers(0, 255, (3, 4)), axis=1)), tables(30, 2, 12, 1, 5)),
    "binary digits": chain(Encode(np.sort(DRAW.integers(0, 255, (1, 5)), axis=1), "bits"), tables(30, 5, 9, 1, 5)),
}


@pytest.mark.parametrize("name", CHAINS)
def test_every_step_equals_the_reference(name):
    model = CHAINS[name]
    entry = model.steps[0][1]
    images = DRAW.integers(entry.low, entry.high + 1, (9, *entry.shape))
    network = to_network(model)
    ours, theirs = model.trace(images), reference.trace(network, images)
    assert list(ours) == list(theirs)
    for step in theirs:
        assert ours[step].dtype == np.int64
        assert np.array_equal(ours[step], theirs[step]), step
    assert np.array_equal(model.run(images), reference.run(network, images))


def values(operation, *rows):
    return operation(torch.tensor(rows)).tolist()


def test_rescale_rounds_half_up():
    assert values(Rescale([1], [2], -9, 9), [-10, -7, -6, -5, -2, -1, 1, 2, 5, 6, 99]) == [
        [-2, -2, -1, -1, 0, 0, 0, 1, 1, 2, 9]
    ]
    assert values(Rescale([3, 1], [0, 1], 0, 99), [5, 5]) == [[15, 3]]


def test_thresholds_are_strict():
    assert values(Threshold([[0, 3], [-1, 5]]), [0, 5], [1, 6], [4, -1]) == [[0, 1], [1, 2], [2, 0]]
    assert values(Encode([[0, 3]]), [0, 1, 4]) == [[0, 0, 1, 0, 1, 1]]
    assert values(Encode([[0, 3]], "bits"), [0, 1, 4]) == [[0, 0, 1, 0, 0, 1]]


def test_window_order_and_padding():
    image = torch.arange(8).reshape(1, 2, 2, 2)  # row, column, channel
    got = Window((2, 2), (1, 1), (1, 0, 0, 0), 9)(image)
    assert got.tolist() == [[[[9, 9, 9, 9, 0, 1, 2, 3]], [[0, 1, 2, 3, 4, 5, 6, 7]]]]


def test_table_address_has_input_0_lowest():
    table = np.zeros((1, 8), np.uint8)
    table[0, 0b110] = 1  # input 1 and 2 set
    operation = LutNeurons(2, 2, 2, [[0, 3, 2]], [1], [5], table)
    assert values(operation, [0, 3], [1, 3], [0, 2], [2, 3]) == [[0, 5], [0, 0], [0, 0], [0, 5]]


def test_weight_bits_of_a_tile_lie_above_its_activations():
    """Two tiles of two elements; the table is x1 and not w, counted once for the lower level, thrice for the upper."""
    table = np.array([[0, 1, 0, 0]])  # address 0b01: activation 1, weight bit 0
    operation = TiledLutNeurons(2, 4, (3, 1), [[1]], [0], table, [[[0], [1]], [[1], [0]]])
    assert values(operation, [0, 2, 0, 1], [3, 3, 0, 0], [0, 0, 0, 3]) == [[3, 1], [4, 0], [0, 4]]


def test_levels_have_the_top_bit_first():
    assert values(BinaryMac([[1, -1, 0]], (2, 1)), [3, 0, 1], [2, 1, 0]) == [[6], [2]]


def test_argmax_tie_goes_to_the_lowest_index():
    assert values(ArgMax(), [3, 7, 7], [-5, -5, -6]) == [[1], [0]]


def test_sum_beyond_float32_is_exact():
    weights = np.full((1, 70_000), 255)
    x = torch.full((1, 70_000), 255)
    x[0, 0] = 254
    assert int(TableMac(weights, [1])(x)[0, 0]) == 70_000 * 255 * 255 - 255 + 1


def test_blocks_change_nothing(monkeypatch):
    model = CHAINS["tables"]
    images = DRAW.integers(0, 256, (23, 6, 5, 3), dtype=np.uint8)
    whole = model.run(images)
    monkeypatch.setattr(frozen_module, "BLOCK_BYTES", 8 * 200)
    assert len(list(model._blocks(images))) > 10
    assert np.array_equal(model.run(images), whole) and whole.shape == (23, 6)
    assert model.run(images[:0]).shape == (0, 6)


def test_executor_name_and_flat_images():
    model = CHAINS["signed"]
    images = DRAW.integers(-128, 128, (3, 6, 5, 3))
    assert model.name == "torch" and model.network_name == "chain"
    assert np.array_equal(model.run(images), model.run(images.reshape(3, 90)))


@pytest.mark.parametrize(
    ("images", "text"),
    [
        (np.zeros((2, 6, 5, 3)), r"dtype float64; integers 0\.\.255 are wanted"),
        (np.zeros((2, 6, 5, 2), int), r"shape \(2, 6, 5, 2\); \[batch, 6, 5, 3\] is wanted"),
        # As many values as an image has, in another shape: no executor guesses what was meant.
        (np.zeros((2, 3, 6, 5), int), r"shape \(2, 3, 6, 5\); \[batch, 6, 5, 3\] is wanted"),
        (np.zeros((2, 45, 2), int), r"shape \(2, 45, 2\); \[batch, 6, 5, 3\] is wanted"),
        (np.full((2, 6, 5, 3), 256), r"hold values 256\.\.256; the network reads 0\.\.255"),
    ],
)
def test_wrong_images(images, text):
    with pytest.raises(InputError, match=text):
        CHAINS["windows"].run(images)


def test_wrong_chains():
    with pytest.raises(TrainingError, match="the first step must be an Input"):
        FrozenModel("x", [("flat", Reshape((4,)))], {})
    with pytest.raises(TrainingError, match="a step name is taken twice: a, a"):
        FrozenModel("x", [("a", Input((4,))), ("a", Reshape((4,)))], {})


@pytest.mark.parametrize("name", CHAINS)
def test_save_and_load(tmp_path, name):
    model, path = CHAINS[name], tmp_path / "x.pt"
    save_frozen(model, path)
    loaded = load_frozen(path)
    assert to_network(loaded) == to_network(model) and loaded.about == model.about


def test_multipliers_survive(tmp_path):
    for multiplier in (Conventional(), DivideConquer(2, True), Digital()):
        save_frozen(chain(TableMac([[1, 2, 3]], [0], multiplier)), tmp_path / "x.pt")
        assert load_frozen(tmp_path / "x.pt").steps[1][1].multiplier == multiplier


def test_files_that_cannot_be_loaded(tmp_path):
    path = tmp_path / "x.pt"
    with pytest.raises(TrainingError, match=r"x\.pt: no such file"):
        load_frozen(path)
    save_frozen(CHAINS["tables"], path)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(TrainingError, match=r"x\.pt: cannot be read .*Train or freeze again"):
        load_frozen(path)
    torch.save({"format": 99}, path)
    with pytest.raises(TrainingError, match=r"file format 99; this lutforge reads up to 2"):
        load_frozen(path)
    torch.save({"format": 1, "name": "x", "steps": [("a", {"kind": "Sigmoid", "fields": {}})], "about": {}}, path)
    with pytest.raises(TrainingError, match=r"not a frozen model \(KeyError\('Sigmoid'\)"):
        load_frozen(path)


def test_interrupted_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x.pt"
    save_frozen(CHAINS["tables"], path)
    before = path.read_bytes()
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        save_frozen(CHAINS["signed"], path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def graph(form):
    """Two branches of one image, summed and side by side, into a layer of `form`."""
    steps = [
        ("x", frozen_module.Input((2, 2, 2), -8, 7)),
        ("largest", frozen_module.MaxPool((2, 2), (1, 1), (1, 0, 1, 0))),
        ("sum", frozen_module.Add()),
        ("small", frozen_module.Rescale(torch.tensor([1]), torch.tensor([1]), -8, 7)),
        ("all", frozen_module.Concat()),
        ("total", frozen_module.SumPool((2, 2), (1, 1))),
        ("code", frozen_module.Rescale(torch.tensor([1]), torch.tensor([2]), -8, 7)),
        ("flat", frozen_module.Reshape((4,))),
        ("fc", frozen_module.TableMac(torch.tensor([[3, -4, 5, 7]]), torch.tensor([1]), form)),
    ]
    sources = {"largest": ("x",), "sum": ("x", "largest"), "all": ("small", "x")}
    return frozen_module.FrozenModel("graph", steps, {}, sources)


@pytest.mark.parametrize("form", [DivideConquer(4), Approximate(round_bits=2), Approximate(2, drop_digits=1)], ids=str)
def test_a_graph_equals_the_reference_and_survives_its_file(form, tmp_path):
    model = graph(form)
    images = np.random.default_rng(3).integers(-8, 8, (50, 2, 2, 2))
    wanted = reference.trace(to_network(model), images)
    save_frozen(model, tmp_path / "g.pt")
    for each in (model, load_frozen(tmp_path / "g.pt")):
        for name, values in each.trace(images).items():
            assert np.array_equal(values, wanted[name]), name


def test_wrong_graphs():
    x, pool = frozen_module.Input((2, 2, 1)), frozen_module.MaxPool((1, 1), (1, 1))
    with pytest.raises(TrainingError, match="step a reads b, which is no step before it"):
        frozen_module.FrozenModel("g", [("x", x), ("a", pool), ("b", pool)], {}, {"a": ("b",)})
    layer = frozen_module.TableMac(torch.tensor([[1]]), torch.tensor([0]), DivideConquer(4))
    rough = frozen_module.TableMac(torch.tensor([[1]]), torch.tensor([0]), Approximate(round_bits=4))
    with pytest.raises(TrainingError, match="b reads activations of unknown bounds"):
        frozen_module.FrozenModel("g", [("x", frozen_module.Input((1,))), ("a", layer), ("b", rough)], {})
