# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Network files: what is saved comes back equal, and what is damaged, newer or foreign is refused."""

from __future__ import annotations

import json
import os
import time

import numpy as np
import pytest

import lutforge
from lutforge import store
from lutforge.errors import NetworkError, StoreError
from lutforge.network import Network, Node
from lutforge.operations import Input, LutNeurons, Threshold


@pytest.fixture
def network(random_networks):
    return random_networks.make_random_network(np.random.default_rng(3), "conv_lut")


def rewrite(path, change, seal=True):
    """Change the JSON header of a network file; with `seal` its sha256 is made to match again."""
    with np.load(path) as archive:
        arrays = {key: archive[key] for key in archive.files}
    document = json.loads(arrays.pop("header").tobytes())
    change(document, arrays)
    if seal:
        document["sha256"] = store._digest(document["network"], arrays)
    entry = np.frombuffer(json.dumps(document, sort_keys=True).encode(), dtype=np.uint8)
    np.savez_compressed(path, header=entry, **arrays)


@pytest.mark.parametrize("seed", range(8))
def test_random_networks_come_back_equal(random_networks, network_kind, seed, tmp_path):
    network = random_networks.make_random_network(np.random.default_rng(seed), network_kind)
    digest = lutforge.save(network, tmp_path / "n.npz")
    loaded = lutforge.load(tmp_path / "n.npz")
    assert loaded == network
    assert loaded.types == network.types
    assert digest == lutforge.digest(network) == lutforge.digest(loaded)


def test_the_same_network_gives_the_same_bytes(network, tmp_path):
    for name in ("a.npz", "b.npz"):
        lutforge.save(network, tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_the_digest_covers_meaning_and_not_notes(network):
    other = Network(network.name, network.nodes, {"accuracy": 97.5})
    assert lutforge.digest(other) == lutforge.digest(network)
    renamed = Network("other", network.nodes, network.about)
    assert lutforge.digest(renamed) != lutforge.digest(network)


def test_one_bit_of_one_table_changes_the_digest(network):
    def flipped(node):
        if node.name != "luts1":
            return node
        op = node.op
        tables = op.tables.copy()
        tables[0, 0] ^= 1
        return Node(
            node.name,
            LutNeurons(op.neurons, op.elements, op.bits, op.wiring, op.neuron, op.weight, tables),
            node.inputs,
        )

    other = Network(network.name, tuple(flipped(node) for node in network.nodes), network.about)
    assert lutforge.digest(other) != lutforge.digest(network)


def test_a_truncated_file_is_refused_at_every_length(network, tmp_path):
    path = tmp_path / "n.npz"
    lutforge.save(network, path)
    whole = path.read_bytes()
    for length in {*range(0, len(whole), 97), 1, 4, len(whole) - 1}:
        path.write_bytes(whole[:length])
        with pytest.raises(StoreError, match="Export it again"):
            lutforge.load(path)


def test_an_altered_byte_is_refused_or_means_nothing(network, tmp_path):
    """Bytes without meaning are the time stamps and the like of the archive; the network is then the same."""
    path = tmp_path / "n.npz"
    lutforge.save(network, path)
    whole = path.read_bytes()
    positions = range(0, len(whole), 7)  # all 3,301 were tried once; these take a second or two
    refused = 0
    for position in positions:
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x10]) + whole[position + 1 :])
        try:
            assert lutforge.load(path) == network, position
        except StoreError:
            refused += 1
    assert refused > len(positions) / 2


def test_altered_content_with_a_valid_archive_is_refused(network, tmp_path):
    path = tmp_path / "n.npz"
    lutforge.save(network, path)
    rewrite(path, lambda document, arrays: document["network"].update(name="other"), seal=False)
    with pytest.raises(StoreError, match=r"does not match its sha256 [0-9a-f]{12}\.\.\.; the file was altered"):
        lutforge.load(path)

    def add(document, arrays):
        arrays["smuggled"] = np.zeros(3)

    lutforge.save(network, path)
    rewrite(path, add, seal=False)
    with pytest.raises(StoreError, match="was altered or damaged"):
        lutforge.load(path)


@pytest.mark.parametrize("version", [2, "one", None])
def test_a_newer_format_is_refused(network, tmp_path, version):
    path = tmp_path / "n.npz"
    lutforge.save(network, path)
    rewrite(path, lambda document, arrays: document.update(format=version))
    with pytest.raises(StoreError, match=f"file format {version}; this lutforge reads up to 1. Update lutforge"):
        lutforge.load(path)


def test_an_unknown_operation_is_refused(network, tmp_path):
    path = tmp_path / "n.npz"
    lutforge.save(network, path)
    rewrite(path, lambda document, arrays: document["network"]["nodes"][1].update(op="Softmax"))
    with pytest.raises(StoreError, match="unknown operation 'Softmax' in node code0; known: Input, Encode"):
        lutforge.load(path)


def test_a_missing_field_is_refused(network, tmp_path):
    path = tmp_path / "n.npz"
    lutforge.save(network, path)
    rewrite(path, lambda document, arrays: document["network"]["nodes"][1].pop("inputs"))
    with pytest.raises(StoreError, match="not a lutforge network"):
        lutforge.load(path)


def test_a_table_of_wrong_length_in_a_file_is_refused(network, tmp_path):
    path = tmp_path / "n.npz"
    lutforge.save(network, path)

    def halve(document, arrays):
        arrays["luts1.tables"] = arrays["luts1.tables"][:, ::2]

    rewrite(path, halve)
    with pytest.raises(NetworkError, match=r"LutNeurons: tables have \d+ entries; \d inputs need"):
        lutforge.load(path)


def test_what_is_no_network_file_is_refused(tmp_path):
    with pytest.raises(StoreError, match="no such file"):
        lutforge.load(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("hello")
    with pytest.raises(StoreError, match="cannot be read as a network file"):
        lutforge.load(tmp_path / "text.npz")
    np.save(tmp_path / "array.npy", np.arange(3))
    with pytest.raises(StoreError):
        lutforge.load(tmp_path / "array.npy")
    np.savez(tmp_path / "other.npz", weights=np.arange(3))
    with pytest.raises(StoreError, match="cannot be read as a network file"):
        lutforge.load(tmp_path / "other.npz")
    np.savez(tmp_path / "list.npz", header=np.frombuffer(b"[1]", dtype=np.uint8))
    with pytest.raises(StoreError, match="not a lutforge network"):
        lutforge.load(tmp_path / "list.npz")


@pytest.mark.parametrize("where", ["replace", "fsync"])
def test_an_interrupted_save_leaves_the_old_file_whole(network, random_networks, tmp_path, monkeypatch, where):
    path = tmp_path / "n.npz"
    lutforge.save(network, path)

    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, where, interrupt)
    other = random_networks.make_random_network(np.random.default_rng(4), "lut")
    with pytest.raises(KeyboardInterrupt):
        lutforge.save(other, path)
    monkeypatch.undo()
    assert lutforge.load(path) == network
    assert [entry.name for entry in tmp_path.iterdir()] == ["n.npz"]


def test_a_network_of_20_000_tables_loads(tmp_path, capsys):
    rng = np.random.default_rng(0)
    nodes = [Node("x", Input((256,), 0, 3))]
    for layer in range(3):
        wiring = np.argsort(rng.random((6554, 512)), axis=1)[:, :4]
        neuron = np.sort(rng.integers(0, 256, 6554))
        tables = rng.integers(0, 2, (6554, 16))
        op = LutNeurons(256, 256, 2, wiring, neuron, np.full(6554, 1 + layer % 2), tables)
        nodes.append(Node(f"luts{layer}", op, (nodes[-1].name,)))
        if layer < 2:
            nodes.append(Node(f"code{layer}", Threshold([[8, 12, 16]]), (nodes[-1].name,)))
    network = Network("wide", tuple(nodes))
    lutforge.save(network, tmp_path / "wide.npz")
    begun = time.perf_counter()
    loaded = lutforge.load(tmp_path / "wide.npz")
    with capsys.disabled():
        print(f" [19,662 tables loaded in {time.perf_counter() - begun:.3f} s]", end="")
    assert loaded == network
