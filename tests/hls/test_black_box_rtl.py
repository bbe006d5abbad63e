# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The Verilog that stands in for a LUT array in Vitis HLS, against the C++ model, beat by beat under random stalls."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from lutforge.boards import load_board
from lutforge.errors import GenerationError, ToolError
from lutforge.hls.black_box import black_box
from lutforge.hls.csim import find_compiler, find_headers
from lutforge.hls.generator import generate
from lutforge.hls.verilator import compile_objects, find_verilator, run_tool
from lutforge.network import Network, Node
from lutforge.operations import Input, LutNeurons
from lutforge.schedule import Schedule, Unrolled

HERE = Path(__file__).parent
SHIMS = HERE.parents[1] / "hls" / "shims"
VECTORS = 400
SHAPES = [pytest.param((400, 3, 300, 900), marks=pytest.mark.slow), (12, 2, 7, 30)]


def network(elements: int, bits: int, neurons: int, tables: int, seed: int) -> Network:
    rng = np.random.default_rng(seed)
    wiring = np.stack([rng.choice(elements * bits, 4, replace=False) for _ in range(tables)])
    contents = rng.integers(0, 2, (tables, 16))
    contents[0], contents[1] = 1, 0  # constants are part of it
    neuron = np.sort(rng.integers(0, neurons, tables))
    weight = rng.integers(1, 4, tables)
    luts = LutNeurons(neurons, elements, bits, wiring, neuron, weight, contents)
    return Network("box", (Node("x", Input((elements,), 0, (1 << bits) - 1)), Node("luts", luts, ("x",))))


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """built(elements, bits, neurons, tables, flip) -> (executable, the module's facts)."""
    try:
        verilator, _, headers = find_verilator(), find_compiler(), find_headers()
    except ToolError as error:
        pytest.skip(str(error))
    made = {}

    def build(elements, bits, neurons, tables, flip=False):
        key = (elements, bits, neurons, tables, flip)
        if key in made:
            return made[key]
        folder = tmp_path_factory.mktemp("box")
        board, net = load_board("pynq_z2"), network(elements, bits, neurons, tables, 3)
        schedule = Schedule({"luts": Unrolled()})
        box = black_box(net, schedule, board, "luts", luts="generic")
        for path, text in {**generate(net, schedule, board), **box.verilog}.items():
            if flip and path == "rtl/lutforge_node_luts.v":
                text = re.sub(r"16'h([0-9a-f])", lambda found: f"16'h{int(found[1], 16) ^ 1:x}", text, count=1)
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        defines = {
            "MODEL": '\\"Vluts_lut_array.h\\"',
            "BOX": "Vluts_lut_array",
            "SOURCE": '\\"luts_lut_array.cpp\\"',
            "FUNCTION": "luts_lut_array",
            "BOX_IN_BITS": box.in_bits,
            "BOX_OUT_BITS": box.out_bits,
            "BOX_IN_BEATS": elements * bits // box.in_bits,
            "BOX_OUT_BEATS": neurons * net.logits.bits // box.out_bits,
            "VECTORS": VECTORS,
        }
        flags = " ".join(f"-D{name}={value}" for name, value in defines.items())
        includes = f"-I{SHIMS} -I{folder / 'src'} -isystem {headers}"
        command = [verilator, "--cc", "--exe", "-Wno-fatal", "-O3", "--top-module", "luts_lut_array"]
        command += ["-CFLAGS", f"-std=c++17 -Wno-unknown-pragmas {includes} {flags}"]
        command += [str(folder / path) for path in box.verilog] + [str(HERE / "black_box_bench.cpp"), "-o", "bench"]
        run_tool([*command, "--Mdir", "obj"], folder, 300)
        compile_objects(folder / "obj", "-O1", verilator)
        made[key] = folder / "obj" / "bench", box
        return made[key]

    return build


def run(bench: Path, seed: int, stall: int) -> subprocess.CompletedProcess:
    return subprocess.run([bench, str(seed), str(stall)], capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("shape", SHAPES)
def test_equal_to_the_c_model_under_stalls(built, shape):
    """The first shape reads two beats a vector and writes two; the second one of each."""
    bench, _ = built(*shape)
    for seed in range(6):
        done = run(bench, seed, stall=seed * 15)
        assert done.returncode == 0, f"seed {seed}: {done.stdout}"


@pytest.mark.parametrize("shape", SHAPES)
def test_latency_and_interval_are_those_described(built, shape):
    bench, box = built(*shape)
    cycles, latency = map(int, re.search(r"(\d+) cycles latency (\d+)", run(bench, 1, stall=0).stdout).groups())
    assert latency == box.latency
    assert 0 <= cycles - VECTORS * box.interval - box.latency < 12  # reset, and the last done


def test_a_flipped_table_bit_is_seen(built):
    bench, _ = built(12, 2, 7, 30, flip=True)
    done = run(bench, 1, stall=0)
    assert done.returncode == 1 and "differs from the C++ model" in done.stdout


def test_other_nodes_are_refused():
    net = network(12, 2, 7, 30, 3)
    with pytest.raises(
        GenerationError, match=r"node x: a Input is no array of tables; .* LutNeurons and TruthTables only"
    ):
        black_box(net, Schedule({"luts": Unrolled()}), load_board("pynq_z2"), "x")
