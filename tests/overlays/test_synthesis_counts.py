# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Site costs, sharing of tables and levels, on netlists small enough to count by hand; no tool is needed."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import combinations
from typing import Dict, List, Sequence, Tuple, Union

import pytest

from lutforge.errors import NetlistError
from lutforge.netlist import Cell, Netlist, Port
from lutforge.overlays.synthesis_cells import MEMORY_SITES, Counts, count_cells
from lutforge.overlays.synthesis_depth import longest_path
from lutforge.overlays.synthesis_packing import packed_sites, shared_tables

Pins = Dict[str, Union[int, Sequence[int]]]


def netlist(cells: List[Tuple[str, Pins]], inputs: Sequence[int] = (), outputs: Sequence[int] = ()) -> Netlist:
    made = tuple(
        Cell(
            f"c{index}",
            kind,
            {},
            {pin: (nets,) if isinstance(nets, int) else tuple(nets) for pin, nets in pins.items()},
        )
        for index, (kind, pins) in enumerate(cells)
    )
    ports = {"in": Port("in", True, tuple(inputs)), "out": Port("out", False, tuple(outputs))}
    return Netlist("small", ports, made, 1000, {})


def table(output: int, *inputs: int) -> Tuple[str, Pins]:
    return f"LUT{len(inputs)}", {**{f"I{pin}": net for pin, net in enumerate(inputs)}, "O": output}


def register(output: int, data: int) -> Tuple[str, Pins]:
    return "FDRE", {"C": 2, "CE": 1, "R": 0, "D": data, "Q": output}


# sharing


@pytest.mark.parametrize(
    ("tables", "pairs"),
    [
        ([table(20, 2, 3, 4, 5, 6), table(21, 2, 3, 4, 5, 6)], 1),
        ([table(20, 2, 3, 4, 5, 6), table(21, 2, 3, 4, 5, 7)], 0),
        ([table(20, 2, 3, 4), table(21, 5, 6, 7)], 0),
        ([table(20, 2, 3, 4), table(21, 5, 6)], 1),
        ([table(20, 2, 3, 4, 5, 6, 7), table(21, 2)], 0),
        ([table(20, 2, 3, 4, 1, 1, 1), table(21, 2, 3, 5, 6)], 1),
        ([table(20, 2, 3, 4, 5), table(21, 2, 3, 6, 7)], 0),
        ([table(20, 2, 3, 4, 5), table(21, 2, 3, 4, 6), table(22, 2, 3, 4, 7)], 1),
        ([table(20, 2, 3), table(21, 4, 5), table(22, 2, 4), table(23, 6, 7)], 2),
        ([("INV", {"I": 2, "O": 20}), table(21, 2, 3, 4, 5, 6)], 1),
        ([("LUT6_2", {"I0": 2, "O6": 20, "O5": 21}), table(22, 2)], 0),
    ],
)
def test_tables_share_a_site_where_five_inputs_are_enough(tables, pairs):
    assert shared_tables(netlist(tables)) == pairs
    assert packed_sites(netlist(tables)) == len(tables) - pairs


def test_two_tables_that_both_must_be_o6_do_not_share():
    tables = [table(20, 2, 3), table(21, 2, 3)]
    assert shared_tables(netlist([*tables, ("MUXF7", {"I0": 20, "I1": 21, "S": 4, "O": 22})])) == 0
    carry = ("CARRY4", {"CI": 0, "CYINIT": 0, "S": (20, 21, 0, 0), "DI": (2, 2, 0, 0), "O": (30, 31, 32, 33)})
    assert shared_tables(netlist([*tables, carry])) == 0
    assert shared_tables(netlist([*tables, table(22, 2, 3), carry])) == 1


def test_the_tables_at_both_inputs_of_a_carry_bit_share_before_others_do():
    tables = [table(20, 2, 3, 4, 5, 6), table(21, 2, 3, 4), table(22, 2, 3, 4, 7, 8), table(23, 5, 6)]
    assert packed_sites(netlist(tables)) == 3  # the first takes the second, which leaves the others alone
    carry = ("CARRY4", {"CI": 0, "CYINIT": 0, "S": (0, 21), "DI": (0, 22), "O": (30, 31)})
    assert packed_sites(netlist([carry, *tables])) == 2


def test_greedy_sharing_leaves_no_pair_that_would_fit():
    chance = random.Random(3)
    for _ in range(20):
        tables = [table(100 + n, *chance.sample(range(2, 12), chance.randint(1, 5))) for n in range(40)]
        sets = [{net for pin, net in pins.items() if pin != "O"} for _, pins in tables]
        pairs = shared_tables(netlist(tables))
        possible = sum(len(left | right) <= 5 for left, right in combinations(sets, 2))
        assert (pairs > 0) == (possible > 0) and pairs >= _maximal(sets) / 2


def _maximal(sets):
    """Pairs of some maximal matching: at most twice as many as any other maximal matching has."""
    left, pairs = list(sets), 0
    while left:
        one = left.pop()
        fits = [other for other in left if len(one | other) <= 5]
        if fits:
            left.remove(fits[0])
            pairs += 1
    return pairs


def test_two_short_shift_registers_of_one_clock_enable_and_address_share_a_site():
    control = {"CLK": 2, "CE": 3, "A0": 1, "A1": 1, "A2": 1, "A3": 0}
    alike = [("SRL16E", {**control, "D": 10 + n, "Q": 20 + n}) for n in range(5)]
    other = ("SRL16E", {**control, "A3": 1, "D": 9, "Q": 19})
    assert packed_sites(netlist(alike)) == 3
    assert packed_sites(netlist([*alike, other])) == 4


# counts


@pytest.mark.parametrize(
    ("kind", "sites"),
    [("SRL16E", 1), ("SRLC32E", 1), ("RAM64X1D", 2), ("RAM32M", 4), ("RAM128X1D", 4), ("RAM64M8", 8)],
)
def test_memories_count_as_the_luts_they_occupy(kind, sites):
    counts = count_cells(netlist([(kind, {}), (kind, {"CLK": 3})]), 0)
    assert (counts.raw, counts.memory_sites, counts.memory) == (2 * sites, 2 * sites, {kind: 2})
    assert MEMORY_SITES[kind] == sites and counts.luts["LUT6"] == 0


def test_every_kind_of_cell_is_counted_where_it_belongs():
    kinds = ["LUT1", "INV", "LUT6_2", "FDRE", "FDSE", "CARRY4", "MUXF7", "MUXF8", "RAMB18E1", "RAMB36E2", "DSP48E1"]
    counts = count_cells(netlist([(kind, {}) for kind in kinds]), 3)
    assert counts == Counts(
        luts={"LUT1": 2, "LUT2": 0, "LUT3": 0, "LUT4": 0, "LUT5": 0, "LUT6": 0, "LUT6_2": 1},
        packed=3,
        ff=2,
        carry=1,
        wide={"MUXF7": 1, "MUXF8": 1, "MUXF9": 0},
        ramb18=1,
        ramb36=1,
        dsp=1,
    )
    assert (counts.raw, counts.bram36) == (3, 1.5)
    double = counts + counts
    assert (double.raw, double.ff, double.bram36, double.packed, double.dsp) == (6, 4, 3.0, 6, 2)


def test_a_cell_of_unknown_area_is_refused_by_name():
    with pytest.raises(NetlistError, match="module small: 2 cells of type URAM288, whose area is not known here"):
        count_cells(netlist([("URAM288", {}), ("URAM288", {})]), 0)
    assert count_cells(netlist([("my_unit", {})]), 0, frozenset(["my_unit"])).raw == 0


# levels


def test_levels_between_two_registers():
    chain = [register(10, 3), table(11, 10, 3), table(12, 11, 4, 5), table(13, 12), register(14, 13), register(15, 14)]
    path = longest_path(netlist(chain, inputs=(2, 3, 4, 5), outputs=(15,)))
    assert (path.levels, path.cells) == (3, ("LUT2", "LUT3", "LUT1"))
    assert (path.start.name, path.start.cell) == ("register net 10", "c0")
    assert (path.end.name, path.end.cell) == ("register net 14, pin D", "c4")


def test_ports_end_a_way_too():
    path = longest_path(netlist([table(10, 2, 3)], inputs=(2, 3), outputs=(10,)))
    assert (path.levels, path.start.name, path.end.name, path.start.cell) == (1, "port in", "port out", "")


def test_a_carry_chain_is_one_level_whatever_its_length():
    first = ("CARRY4", {"CI": 0, "CYINIT": 0, "S": (10, 0, 0, 0), "DI": (2, 0, 0, 0), "CO": (20, 21, 22, 23)})
    second = ("CARRY4", {"CI": 23, "CYINIT": 0, "S": (0, 0, 0, 0), "DI": (0, 0, 0, 0), "O": (30, 31, 32, 33)})
    path = longest_path(netlist([table(10, 2, 3), first, second, register(40, 33)], inputs=(2, 3)))
    assert (path.levels, path.cells) == (2, ("LUT2", "CARRY4"))
    late = longest_path(netlist([table(10, 2, 3), first, second, register(40, 30)], inputs=(2, 3)))
    assert late.levels == 2
    behind = [table(50, 20), ("CARRY4", {"CI": 0, "CYINIT": 50, "S": (0,), "DI": (0,), "O": (51,)}), register(52, 51)]
    assert longest_path(netlist([table(10, 2, 3), first, *behind], inputs=(2, 3))).levels == 4


def test_a_sum_does_not_wait_for_higher_bits():
    carry = ("CARRY4", {"CI": 0, "CYINIT": 0, "S": (2, 10), "DI": (2, 3), "O": (20, 21)})
    deep = [table(9, 2, 3), table(10, 9)]
    assert longest_path(netlist([*deep, carry, register(30, 20)], inputs=(2, 3))).levels == 1
    assert longest_path(netlist([*deep, carry, register(30, 21)], inputs=(2, 3))).levels == 3


def test_a_carry_that_enters_another_chain_by_its_first_input_is_a_new_level():
    first = ("CARRY4", {"CI": 0, "CYINIT": 2, "S": (3, 0), "DI": (2, 0), "CO": (20, 21)})
    second = ("CARRY4", {"CI": 0, "CYINIT": 20, "S": (4, 0), "DI": (3, 0), "O": (30, 31)})
    path = longest_path(netlist([first, second, register(40, 31)], inputs=(2, 3, 4)))
    assert path.levels == 2
    joined = ("CARRY4", {"CI": 20, "CYINIT": 0, "S": (4, 0), "DI": (3, 0), "O": (30, 31)})
    assert longest_path(netlist([first, joined, register(40, 31)], inputs=(2, 3, 4))).levels == 1


@pytest.mark.parametrize(("init", "levels"), [(0x00000000_0000AAAA, 1), (0x00000000_00000F00, 3)])
def test_each_output_of_a_table_waits_for_the_inputs_that_it_depends_on(init, levels):
    """O5 is I0 where the others are low, or a function of I2 and I3, which come late."""
    late = [table(10, 3), table(11, 10)]
    pins = {"I0": 2, "I1": 0, "I2": 11, "I3": 11, "I4": 0, "I5": 1, "O5": 20, "O6": 21}
    made = netlist([*late, ("LUT6_2", pins), register(30, 20)], inputs=(2, 3))
    both = replace(made.cells[2], parameters={"INIT": f"{init:064b}"})
    assert longest_path(replace(made, cells=(*made.cells[:2], both, made.cells[3]))).levels == levels


def test_a_wide_multiplexer_is_no_level():
    cells = [table(10, 2, 3), table(11, 2, 3), ("MUXF7", {"I0": 10, "I1": 11, "S": 4, "O": 12}), register(13, 12)]
    path = longest_path(netlist(cells, inputs=(2, 3, 4)))
    assert (path.levels, path.cells) == (1, ("LUT2", "MUXF7"))


def test_a_lut_used_as_memory_ends_a_way_and_lets_its_read_address_through():
    ram = {"A0": 3, "DPRA0": 10, "D": 11, "WE": 1, "WCLK": 2, "SPO": 20, "DPO": 21}
    read = [table(10, 3, 4), table(12, 3), table(13, 12), table(11, 13), ("RAM64X1D", ram), table(22, 21)]
    assert longest_path(netlist(read, inputs=(2, 3, 4), outputs=(22,))).levels == 3  # to D; to `out` as many
    assert longest_path(netlist([*read[:1], *read[4:]], inputs=(2, 3, 4, 11), outputs=(22,))).cells == (
        "LUT2",
        "RAM64X1D",
        "LUT1",
    )
    shift = ("SRL16E", {"A0": 1, "A1": 0, "A2": 0, "A3": 0, "D": 3, "CE": 4, "CLK": 2, "Q": 20})
    path = longest_path(netlist([shift, table(21, 20)], inputs=(2, 3, 4), outputs=(21,)))
    assert (path.levels, path.start.name) == (1, "SRL16E c0")


def test_block_ram_is_a_register():
    ram = ("RAMB18E1", {"ADDRARDADDR": (10, 11), "DOADO": (20, 21), "CLKARDCLK": 2})
    path = longest_path(netlist([table(10, 3, 4), ram, table(21, 20), table(22, 21)], inputs=(2, 3, 4), outputs=(22,)))
    assert (path.levels, path.start.name) == (2, "RAMB18E1 c1")


def test_a_loop_of_logic_is_an_error():
    with pytest.raises(NetlistError, match="module small: the logic at net 10 depends on itself; put a register into"):
        longest_path(netlist([table(10, 11, 2), table(11, 10)], inputs=(2,), outputs=(11,)))


def test_nothing_has_no_levels():
    assert longest_path(netlist([])).levels == 0
