# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
# The processing system of the Zynq-7000: one PL clock, one general-purpose master, one high-performance slave (UG585).

set ps_ip processing_system7
set ps_master M_AXI_GP0
set ps_slave S_AXI_HP0
set ps_clock FCLK_CLK0
set ps_clock_property CONFIG.PCW_ACT_FPGA0_PERIPHERAL_FREQMHZ
set timed_clock clk_fpga_0

proc configure_ps {cell} {
    apply_bd_automation -rule xilinx.com:bd_rule:processing_system7 -config [list \
        make_external {FIXED_IO, DDR} apply_board_preset 1 Master Disable Slave Disable] $cell
    set_property -dict [list \
        CONFIG.PCW_USE_M_AXI_GP0 1 \
        CONFIG.PCW_USE_S_AXI_HP0 1 \
        CONFIG.PCW_S_AXI_HP0_DATA_WIDTH $::beat_bits \
        CONFIG.PCW_FPGA0_PERIPHERAL_FREQMHZ $::clock_mhz] $cell
}
