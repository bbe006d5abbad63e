# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
# The processing system of the Zynq UltraScale+, MPSoC and RFSoC: one PL clock, one master, one slave (UG1085, PG201).
# GP0 and GP1 of the masters are M_AXI_HPM0_FPD and M_AXI_HPM1_FPD, GP2 is M_AXI_HPM0_LPD; GP2 of the slaves is
# S_AXI_HP0_FPD. Masters that a board's preset switches on and nobody uses would be left without a clock.

set ps_ip zynq_ultra_ps_e
set ps_master M_AXI_HPM0_FPD
set ps_slave S_AXI_HP0_FPD
set ps_clock pl_clk0
set ps_clock_property CONFIG.PSU__CRL_APB__PL0_REF_CTRL__ACT_FREQMHZ
set timed_clock clk_pl_0

proc configure_ps {cell} {
    apply_bd_automation -rule xilinx.com:bd_rule:zynq_ultra_ps_e -config [list apply_board_preset 1] $cell
    set_property -dict [list \
        CONFIG.PSU__USE__M_AXI_GP0 1 \
        CONFIG.PSU__USE__M_AXI_GP1 0 \
        CONFIG.PSU__USE__M_AXI_GP2 0 \
        CONFIG.PSU__USE__S_AXI_GP2 1 \
        CONFIG.PSU__SAXIGP2__DATA_WIDTH $::beat_bits \
        CONFIG.PSU__OVERRIDE__BASIC_CLOCK 0 \
        CONFIG.PSU__FPGA_PL0_ENABLE 1 \
        CONFIG.PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ $::clock_mhz] $cell
}
