# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Random networks on random schedules as Verilog: every probed edge and every answer equal, with and without stalls."""

from __future__ import annotations

import numpy as np
import pytest

from lutforge.boards import load_board
from lutforge.cycles import count
from lutforge.errors import ToolError
from lutforge.hls import verilator, verilog_lint
from lutforge.hls.generator import generate, write_overlay
from lutforge.hls.rtl_generator import generate_rtl
from lutforge.hls.rtlsim import compile_rtl, write_rtl
from lutforge.pipeline import stages
from lutforge.reference import trace
from lutforge.rtl_kernel import FLOWING, RtlKernel, Stalls

IMAGES = 23
BOARDS, OUTPUTS = ("pynq_z2", "zcu104"), ("logits", "both", "class")

SLOW_KINDS = {"inception", "residual"}  # test_graph_streams.py has such


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory):
    """Return folder_of(network, schedule, board, output): an overlay folder with a compiled simulation."""
    try:
        verilator.find_verilator()
    except ToolError as error:
        pytest.skip(str(error))
    root = tmp_path_factory.mktemp("rtl")
    made = iter(range(1000))

    def build(network, schedule, board, output):
        folder = root / f"{network.name}_{next(made)}"
        write_overlay(folder, network, generate(network, schedule, board, output))
        design = generate_rtl(network, schedule, board, output, luts="generic")
        write_rtl(folder, design, network)
        compile_rtl(folder, quick=True)
        return folder, design

    return build


def same_cycles(kernel, predicted):
    """Every answer comes in the cycle that the equations say."""
    ends = kernel.last_stats.answer_cycles
    assert kernel.performance.latency_cycles == predicted.latency
    assert [end - ends[0] for end in ends] == [end - predicted.ends[0] for end in predicted.ends[: len(ends)]]


def equal_everywhere(random_networks, folder_of, kind, seed, board, output):
    rng = np.random.default_rng([seed, len(kind)])
    network = random_networks.make_random_network(rng, kind)
    while network.logits.elements != network.classes:
        network = random_networks.make_random_network(rng, kind)
    schedule = random_networks.make_random_schedule(rng, network)
    folder, design = folder_of(network, schedule, load_board(board), output)
    images = random_networks.make_random_images(rng, network, IMAGES)
    wanted = trace(network, images)
    for stalls, batch in ((FLOWING, None), (Stalls(seed, 30, 50), 9)):
        kernel = RtlKernel(folder, stalls=stalls, batch=batch)
        layout = kernel.manifest.output_stream
        data = kernel.manifest.input_stream.pack(images)
        answers = kernel.stream(data, IMAGES)
        assert np.array_equal(answers, layout.pack(wanted[network.output.name].reshape(IMAGES, -1))), f"{kind} {seed}"
        if stalls == FLOWING:
            same_cycles(kernel, count(stages(network, schedule, load_board(board).beat_bits, output), IMAGES))
        traced = kernel.trace(data, IMAGES)
        assert network.nodes[0].name in traced and network.output.name in traced
        for name, values in traced.items():
            assert np.array_equal(values, wanted[name]), f"{kind} {seed} {stalls}: {name}"
    return design


def test_equals_the_reference(random_networks, folder_of, network_kind):
    """The kinds share out both boards' beats and all outputs between them."""
    index = random_networks.KINDS.index(network_kind)
    board, output = BOARDS[index % 2], OUTPUTS[index % 3]
    design = equal_everywhere(random_networks, folder_of, network_kind, 1, board, output)
    pytest.importorskip("pyslang", reason="pyslang is not installed: pip install 'lutforge[synth]'")
    for defines in ((), ("LUTFORGE_PROBE",)):
        verilator.lint(design.texts, design.top, defines)
        verilog_lint.lint(design.texts, design.top, defines)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 7))
def test_equals_the_reference_on_more(random_networks, folder_of, network_kind, seed):
    board, output = BOARDS[seed % 2], OUTPUTS[seed % 3]
    equal_everywhere(random_networks, folder_of, network_kind, seed, board, output)
