# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What yosys makes of each part that `area` counts: LUT cells per part.

The values are the last ones that `benchmarks/cost_model.py --fit` printed: non-negative least squares of the relative
errors of all units of the networks in `benchmarks/cost_zoo.py` that are not held out, with yosys 0.70. The last four
were fitted again, in the same way, on the output stages of these networks alone (three answers each) when that stage
was written anew; of `control` the LUTs were taken off that its comparison took before. Forks, joins, turns and choices
were set by hand on twelve nodes and eight forks: `benchmarks/cost_joins.py` says how far they are off, 20 % at most but
for four narrow FIFOs behind one fork (39 %).
"""

from __future__ import annotations

from typing import Dict

LABEL = "estimated, calibrated with yosys 0.70"

LUT6: Dict[str, float] = {
    # a module: its handshake with what is around it
    "unit": 0.294,
    # a register of an elastic pipeline: its enable
    "stage": 1.642,
    # a bit of a counter, which also is compared with its end
    "counter_bit": 0.872,
    # a bit of a wide word that is loaded or shifted
    "shift_bit": 1.042,
    # converter to narrow beats, bits apart
    "narrow": 24.275,
    # converter to wide beats
    "widen": 5.224,
    # a FIFO's flags
    "fifo": 0.279,
    # a bit of two registers in front of each other
    "fifo_bit": 1.323,
    # a bit of a FIFO's pointers and of its count
    "fifo_counter_bit": 1.284,
    # a LUT that is memory: UG474, not fitted
    "ram_site": 1.000,
    # a bank of 64 words of a deeper memory: its write enable
    "ram_bank": 1.000,
    # a 4:1 multiplexer between banks
    "ram_bank_bit": 1.000,
    # a column of a memory of constants of up to 16 words
    "rom_column_16": 1.085,
    # a column of 17 to 32 words
    "rom_column_32": 1.438,
    # 64 words of a column of a deeper one
    "rom_column_64": 2.765,
    # a table that the Verilog instantiates: not fitted
    "table": 1.000,
    # a bit of the sum of two numbers
    "adder_bit": 0.843,
    # a LUT6_2 of a product: not fitted
    "product_bit": 1.000,
    # a bit of an integer that a weight of -1 inverts
    "sign_bit": 0.493,
    # a bit of an integer that a pruned weight removes
    "mask_bit": 0.026,
    # a bit of a code's value times its weight
    "code_bit": 0.225,
    # a bit of an accumulator that starts from a bias
    "accumulator_bit": 0.852,
    # two bits of factors that both change
    "multiplier_bit": 1.807,
    # a bit of an adder of a product by a constant, left to yosys
    "constant_multiplier_bit": 1.333,
    # a bit chosen between what arrives and what is kept
    "vector_bit": 1.449,
    # loops and flags of a folded layer
    "folded": 0.000,
    # a reader more of a stream: all FIFOs are written at once
    "fork": 1.000,
    # two streams that wait for each other, and their elements side by side
    "join": 3.000,
    # an input of a concatenation: whose turn it is
    "turn": 2.000,
    # up to four bits of which one is chosen by a register
    "choice_bit": 1.000,
    # position of a window, its compare and its padding, bits apart
    "window": 60.404,
    # a 4:1 multiplexer
    "mux": 1.394,
    # a bit that padding replaces
    "pad_bit": 0.745,
    # a bit of compare and select of a pool
    "pool_bit": 1.293,
    # a bit compared with a threshold from memory
    "compare_bit": 0.606,
    # a bit of a shifted add
    "shift_add_bit": 0.915,
    # a bit of an offset that is a constant
    "offset_bit": 0.600,
    # a rounding, whose constant has a single 1
    "round": 1.880,
    # half a bit between bounds, or a table that compares with one
    "clamp_bit": 0.093,
    # a bit chosen between shifts
    "select_bit": 1.000,
    # steps of the output stage, bits apart
    "answers": 15.445,
    # a bit of logits that wait
    "answer_bit": 0.812,
    # a bit of an index chosen with its value
    "class_bit": 0.164,
    # AXI-Lite registers, and the gate behind the input, without the comparison of their counts
    "control": 94.911,
}
