# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Generated text: golden, repeatable, its pragmas known, its memory files the tables of the network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lutforge import store
from lutforge.boards import load_board
from lutforge.errors import GenerationError, ScheduleError
from lutforge.hls import pragmas
from lutforge.hls.generator import generate, library, write_overlay
from lutforge.hls.memories import mem_text, packed_words, parse_mem, product_inits
from lutforge.multipliers import Conventional, DivideConquer, digit_table
from lutforge.network import Network, Node
from lutforge.numerics import pack_init
from lutforge.operations import Input, LutNeurons, TableMac, Window
from lutforge.schedule import Folded, Schedule, Unrolled

sys.path.insert(0, str(Path(__file__).parent))
from golden_network import FOLDER, golden_texts

BOARD = load_board("pynq_z2")


def test_golden_text():
    """After a change on purpose: python tests/hls/refresh_golden.py, and review the difference."""
    texts = golden_texts()
    committed = {path.relative_to(FOLDER).as_posix(): path.read_text() for path in FOLDER.rglob("*") if path.is_file()}
    assert sorted(texts) == sorted(committed)
    for path, text in texts.items():
        assert text == committed[path], path


def test_the_same_bytes_in_another_process():
    code = "import hashlib, golden_network as g; print(hashlib.sha256(repr(g.golden_texts()).encode()).hexdigest())"
    folder = str(Path(__file__).parent)
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": folder},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_no_generated_text_names_this_computer():
    for path, text in golden_texts().items():
        assert str(Path.home()) not in text and os.getcwd() not in text, path


def lut_network(seed=0):
    rng = np.random.default_rng(seed)
    wiring = np.stack([rng.choice(20, 5, replace=False) for _ in range(9)])
    op = LutNeurons(3, 10, 2, wiring, np.arange(9) // 3, np.ones(9, dtype=int), rng.integers(0, 2, (9, 32)))
    return Network("luts", (Node("x", Input((10,), 0, 3)), Node("fc", op, ("x",)))), Schedule({"fc": Unrolled()})


def test_init_files_hold_the_tables():
    network, schedule = lut_network()
    texts = generate(network, schedule, BOARD)
    words = parse_mem("mem/fc.init.mem", texts["mem/fc.init.mem"], 9, 32)
    assert words == pack_init(network.node("fc").op.tables).tolist()
    constants = texts["src/params/fc.hpp"].split("fc_init[9] =")[1].split(";")[0]
    assert [int(word.strip(" {}\nUL")) for word in constants.split(",")] == words


def test_a_shrunk_table_reads_what_matters_to_it():
    """Of tables of 3 inputs: a parity of all, one of inputs 0 and 2, input 1, its inverse, and a constant."""
    address = np.arange(8)
    bits = (address[:, None] >> np.arange(3)) & 1
    tables = [bits.sum(axis=1) % 2, bits[:, 0] ^ bits[:, 2], bits[:, 1], 1 - bits[:, 1], np.ones(8, dtype=int)]
    wiring = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9], [2, 4, 8], [0, 1, 2]])
    op = LutNeurons(1, 10, 1, wiring, np.zeros(5, dtype=int), np.ones(5, dtype=int), np.array(tables))
    network = Network("shrunk", (Node("x", Input((10,), 0, 1)), Node("fc", op, ("x",))))
    params = generate(network, Schedule({"fc": Unrolled()}), BOARD)["src/params/fc.hpp"]
    found = dict(re.findall(r"fc_(\w+)\[5\](?:\[3\])? =\n([^;]+);", params))
    assert found["init"] == f"{{{0b10010110}, {0b0110}, {0b10}, {0b01}, 1}}"
    assert found["inputs"] == "{3, 2, 1, 1, 0}"
    assert found["wiring"] == "{{1, 2, 3},\n{4, 6, 0},\n{8, 0, 0},\n{4, 0, 0},\n{0, 0, 0}}"


@pytest.mark.parametrize("multiplier", [DivideConquer(4), DivideConquer(2), Conventional()], ids=str)
@pytest.mark.parametrize("low", [0, -128], ids=["unsigned", "signed"])
def test_product_init_files_reproduce_every_product(multiplier, low):
    weights = np.array([[-128, 127, 3], [0, 1, -77]])
    op = TableMac(weights, np.array([0, 0]), multiplier)
    network = Network("t", (Node("x", Input((3,), low, low + 255)), Node("fc", op, ("x",))))
    texts = generate(network, Schedule({"fc": Unrolled()}), BOARD)
    digit = {Conventional(): 8, DivideConquer(2): 2, DivideConquer(4): 4}[multiplier]
    parts = {"toptable": digit_table(weights, digit, low < 0), "table": digit_table(weights, digit, False)}
    seen = 0
    for part, table in parts.items():
        text = texts.get(f"mem/fc.{part}.init.mem")
        if text is None:
            assert part == "table" and digit == 8
            continue
        bits = len(text.splitlines()) // weights.size
        words = np.array(parse_mem(part, text, weights.size * bits, 1 << digit), dtype=object).reshape(
            *weights.shape, bits
        )
        for index in np.ndindex(*weights.shape):
            for address in range(1 << digit):
                value = sum(((int(words[index][bit]) >> address) & 1) << bit for bit in range(bits))
                value -= (value >> (bits - 1)) << bits
                assert value == table[index][address]
        seen += 1
    assert seen == (1 if digit == 8 else 2)


def test_weight_files_hold_w_and_3w():
    weights = np.arange(-12, 12).reshape(4, 6)
    network = Network("t", (Node("x", Input((6,))), Node("fc", TableMac(weights, np.zeros(4, dtype=int)), ("x",))))
    text = generate(network, Schedule({"fc": Folded(2, 3)}), BOARD)["mem/fc.weights.mem"]
    words = parse_mem("fc", text, 4, 7 * 2 * 2 * 3)
    for row, word in enumerate(words):
        outputs, start = 2 * (row // 2), 3 * (row % 2)
        for pe in range(2):
            for lane in range(3):
                place = 14 * (pe * 3 + lane)
                pair = [(word >> place) & 127, (word >> (place + 7)) & 127]
                value = [item - 128 if item >= 64 else item for item in pair]
                w = int(weights[outputs + pe, start + lane])
                assert value == [w, 3 * w]


def test_memory_words_round_trip():
    rng = np.random.default_rng(0)
    rows = rng.integers(-8, 8, (5, 7))
    text = mem_text("comment", packed_words(rows, 4), 28)
    for row, word in zip(rows, parse_mem("m", text, 5, 28), strict=True):
        assert [((word >> (4 * i)) & 15) - 16 * ((word >> (4 * i + 3)) & 1) for i in range(7)] == row.tolist()
    table = digit_table(np.array([5]), 4, False)
    assert [word & 1 for word in product_inits(table, 8)] == [0] * 8


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("00\n01\n", r"m.mem: 2 words; 3 are wanted. A short table would read as zeros"),
        ("00\n01\n02\n03\n", r"m.mem: 4 words; 3 are wanted"),
        ("00\nxy\n02\n", r"m.mem: not hexadecimal"),
        ("00\n01\n1ff\n", r"m.mem: word 1ff does not fit 8 bits"),
    ],
)
def test_broken_memory_files(text, message):
    with pytest.raises(GenerationError, match=message):
        parse_mem("m.mem", text, 3, 8)


def test_static_pragmas_are_known():
    found = 0
    for path, text in library().items():
        pragmas.check(path, text)
        found += text.count("#pragma HLS")
    assert found > 30


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("#pragma HLS PIPELNE II=1", r"x.hpp: `#pragma HLS PIPELNE II=1`: unknown pragma 'PIPELNE'; known: "),
        ("#pragma HLS PIPELINE JJ=1", r"unknown option 'JJ=1' of PIPELINE; known: "),
        ("  # pragma HLS ARRAY_PARTITION variable=a completely", r"unknown option 'completely' of ARRAY_PARTITION"),
        ("#pragma HLS ARRAY_PARTITION variable=b complete", r"no variable 'b' in this file"),
        ("#pragma HSL UNROLL", r"not an HLS pragma"),
    ],
)
def test_a_misspelt_pragma_is_refused(line, message):
    with pytest.raises(GenerationError, match=message):
        pragmas.check("x.hpp", f"int a;\n{line}\n")


def test_what_cannot_be_generated():
    network, schedule = lut_network()
    with pytest.raises(
        GenerationError, match=r"output word 'probabilities' is unknown; use one of logits, class, both"
    ):
        generate(network, schedule, BOARD, "probabilities")
    with pytest.raises(ScheduleError, match=r"node fc: the schedule does not say how it is folded"):
        generate(network, Schedule({}), BOARD)
    picture = Network("p", (Node("x", Input((4, 4, 1))), Node("w", Window((2, 2)), ("x",))))
    with pytest.raises(GenerationError, match=r"the logits have shape \(3, 3, 4\); one vector per image is wanted"):
        generate(picture, Schedule({}), BOARD)


def test_writing_removes_what_is_stale_and_nothing_else(tmp_path):
    network, schedule = lut_network()
    write_overlay(tmp_path, network, generate(network, schedule, BOARD))
    others = ("src/main.cpp", "src/params/old.hpp", "mem/mine.mem", "images.npz", "notes.txt")
    for path in (*others, "kernel.so"):
        (tmp_path / path).write_text("the user's")
    table = TableMac(np.ones((2, 10), dtype=int), np.zeros(2, dtype=int))
    other = Network("other", (network.nodes[0], Node("mac", table, ("x",))))
    texts = generate(other, Schedule({"mac": Unrolled()}), BOARD)
    write_overlay(tmp_path, other, texts)
    assert not any((tmp_path / path).exists() for path in ("kernel.so", "src/params/fc.hpp", "mem/fc.init.mem"))
    assert all((tmp_path / path).read_text() == "the user's" for path in others)
    assert {path: (tmp_path / path).read_text() for path in texts} == texts
    assert store.load(tmp_path / "network.npz") == other


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.cpp").write_text("the user's")
    network, schedule = lut_network()
    with pytest.raises(GenerationError, match=r"the folder is not empty and holds no overlay; name an empty"):
        write_overlay(tmp_path, network, generate(network, schedule, BOARD))
    assert [path.name for path in tmp_path.rglob("*")] == ["src", "main.cpp"]


def test_a_manifest_cannot_name_files_outside_its_folder(tmp_path):
    network, schedule = lut_network()
    (tmp_path / "precious").write_text("the user's")
    write_overlay(tmp_path / "overlay", network, generate(network, schedule, BOARD))
    path = tmp_path / "overlay" / "manifest.json"
    path.write_text(path.read_text().replace('"mem/fc.init.mem"', '"../precious"'))
    write_overlay(tmp_path / "overlay", network, generate(network, schedule, BOARD))
    assert (tmp_path / "precious").exists()


def test_an_interrupted_write_leaves_whole_files(tmp_path, monkeypatch):
    network, schedule = lut_network()
    write_overlay(tmp_path, network, generate(network, schedule, BOARD))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    other, _ = lut_network(seed=1)

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(store.os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_overlay(tmp_path, other, generate(other, schedule, BOARD))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
