# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Reports made up in the layouts that Vivado's guides show (UG906, UG907, UG835): every number is invented."""

from __future__ import annotations

HEAD = """Copyright notice
---------------------------------------------------------------------------------------------
| Tool Version : Vivado v.{version} (lin64) Build 1234567
| Date         : Mon Jan  1 00:00:00 2024
| Host         : host running 64-bit Linux
| Command      : report
| Design       : lutforge_wrapper
| Device       : {device}
---------------------------------------------------------------------------------------------

"""

UTILISATION_2022 = (
    HEAD.format(version="2022.1", device="xc7z020clg400-1")
    + """Utilization Design Information

1. Slice Logic
--------------

+----------------------------+-------+-------+------------+-----------+-------+
|          Site Type         |  Used | Fixed | Prohibited | Available | Util% |
+----------------------------+-------+-------+------------+-----------+-------+
| Slice LUTs                 | 13300 |     0 |          0 |     53200 | 25.00 |
|   LUT as Logic             | 12900 |     0 |          0 |     53200 | 24.25 |
|   LUT as Memory            |   400 |     0 |          0 |     17400 |  2.30 |
|     LUT as Distributed RAM |    24 |     0 |            |           |       |
|     LUT as Shift Register  |   376 |     0 |            |           |       |
| Slice Registers            | 21280 |     0 |          0 |    106400 | 20.00 |
|   Register as Flip Flop    | 21280 |     0 |          0 |    106400 | 20.00 |
| F7 Muxes                   |    12 |     0 |          0 |     26600 |  0.05 |
+----------------------------+-------+-------+------------+-----------+-------+

2. Memory
---------

+-------------------+------+-------+------------+-----------+-------+
|     Site Type     | Used | Fixed | Prohibited | Available | Util% |
+-------------------+------+-------+------------+-----------+-------+
| Block RAM Tile    |  7.5 |     0 |          0 |       140 |  5.36 |
|   RAMB36/FIFO*    |    5 |     0 |          0 |       140 |  3.57 |
|   RAMB18          |    5 |     0 |          0 |       280 |  1.79 |
+-------------------+------+-------+------------+-----------+-------+

3. DSP
------

+-----------+------+-------+------------+-----------+-------+
| Site Type | Used | Fixed | Prohibited | Available | Util% |
+-----------+------+-------+------------+-----------+-------+
| DSPs      |    0 |     0 |          0 |       220 |  0.00 |
+-----------+------+-------+------------+-----------+-------+
"""
)

UTILISATION_2019 = (
    HEAD.format(version="2019.1", device="xczu7ev-ffvc1156-2-e")
    + """1. CLB Logic
------------

+----------------------------+-------+-------+-----------+-------+
|          Site Type         |  Used | Fixed | Available | Util% |
+----------------------------+-------+-------+-----------+-------+
| CLB LUTs*                  | 23040 |     0 |    230400 | 10.00 |
|   LUT as Logic             | 23000 |     0 |    230400 |  9.98 |
|   LUT as Memory            |    40 |     0 |    101760 |  0.04 |
| CLB Registers              | 46080 |     0 |    460800 | 10.00 |
| CARRY8                     |   100 |     0 |     28800 |  0.35 |
+----------------------------+-------+-------+-----------+-------+

2. BLOCKRAM
-----------

+-------------------+------+-------+-----------+-------+
|     Site Type     | Used | Fixed | Available | Util% |
+-------------------+------+-------+-----------+-------+
| Block RAM Tile    |   12 |     0 |       312 |  3.85 |
| URAM              |    0 |     0 |        96 |  0.00 |
+-------------------+------+-------+-----------+-------+

3. ARITHMETIC
-------------

+-----------+------+-------+-----------+-------+
| Site Type | Used | Fixed | Available | Util% |
+-----------+------+-------+-----------+-------+
| DSPs      |    4 |     0 |      1728 |  0.23 |
+-----------+------+-------+-----------+-------+
"""
)

_SUMMARY = """
------------------------------------------------------------------------------------------------
| Design Timing Summary
| ---------------------
------------------------------------------------------------------------------------------------

    WNS(ns)      TNS(ns)  TNS Failing Endpoints  TNS Total Endpoints      WHS(ns)      THS(ns)  \
THS Failing Endpoints  THS Total Endpoints     WPWS(ns)     TPWS(ns)  TPWS Failing Endpoints  TPWS Total Endpoints  
    -------      -------  ---------------------  -------------------      -------      -------  \
---------------------  -------------------     --------     --------  ----------------------  --------------------  
{values}

{verdict}


------------------------------------------------------------------------------------------------
| Clock Summary
| -------------
------------------------------------------------------------------------------------------------

Clock       Waveform(ns)         Period(ns)      Frequency(MHz)
-----       ------------         ----------      --------------
{clocks}

"""  # noqa: W291  # the vendor ends lines with blanks

TIMING_MET = HEAD.format(version="2022.1", device="7z020-clg400") + _SUMMARY.format(
    values="      1.234        0.000                      0                30000        0.021        0.000"
    "                      0                30000        3.750        0.000                       0                21000  ",
    verdict="All user specified timing constraints are met.",
    clocks="clk_fpga_0  {0.000 5.000}        10.000          100.000         ",
)
TIMING_FAILED = HEAD.format(version="2024.1", device="xczu7ev-ffvc1156") + _SUMMARY.format(
    values="     -0.310      -12.500                     57                30000        0.010        0.000"
    "                      0                30000        1.500        0.000                       0                21000  ",
    verdict="Timing constraints are not met.",
    clocks="clk_pl_0    {0.000 2.667}        5.333           187.512         \n"
    "  derived   {0.000 1.333}        2.667           374.953         ",
)

POWER = (
    HEAD.format(version="2022.1", device="xc7z020clg400-1")
    + """1. Summary
----------

+--------------------------+--------------+
| Total On-Chip Power (W)  | 1.612        |
| Design Power Budget (W)  | Unspecified* |
| Power Budget Margin (W)  | NA           |
| Dynamic (W)              | 1.470        |
| Device Static (W)        | 0.142        |
| Effective TJA (C/W)      | 11.5         |
| Junction Temperature (C) | 43.6         |
| Confidence Level         | Medium       |
+--------------------------+--------------+
"""
)
