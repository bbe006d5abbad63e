# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
# The block design: processing system, one AXI DMA in simple mode, the network's IP. It ends with the .hwh, with which
# the driver can be tried before anything is implemented.

source [file join [file dirname [file normalize [info script]]] common.tcl]
source [in_plan processing_system.tcl]

# Joins a memory-mapped master to a slave; the rule adds interconnects, resets and clocks on its way.
proc connect_axi {master slave pin} {
    set clock /ps/$::ps_clock
    apply_bd_automation -rule xilinx.com:bd_rule:axi4 -config [list \
        Clk_master $clock Clk_slave $clock Clk_xbar $clock Master $master Slave $slave \
        ddr_seg Auto intc_ip Auto master_apm 0] [get_bd_intf_pins $pin]
}

proc clockless_pins {} {
    set found {}
    foreach pin [get_bd_pins -of_objects [get_bd_cells] -filter {DIR == I && TYPE == clk}] {
        if {[llength [get_bd_nets -quiet -of_objects $pin]] == 0} { lappend found $pin }
    }
    return $found
}

finish {
    check_folder
    check_tables
    file delete [in_plan overlay/overlay.bit] [in_plan overlay/overlay.hwh]
    create_project -force $design work_vivado -part $part
    if {[llength [get_board_parts -quiet $board_part]] == 0} {
        error "the files of board $board_part are not installed in this Vivado; docs/build.md says where they come from"
    }
    set_property board_part $board_part [current_project]
    set_property ip_repo_paths [list [in_plan $ip_folder]] [current_project]
    update_ip_catalog -rebuild
    set ip_vlnv $ip_vendor:$ip_library:$top:$ip_version
    if {[llength [get_ipdefs $ip_vlnv]] == 0} {
        error "$ip_folder holds no IP $ip_vlnv; run the step before this one"
    }

    create_bd_design $design
    set ps [create_bd_cell -type ip -vlnv [newest_ip $ps_ip] ps]
    configure_ps $ps
    check_clock "the PL clock that the processing system makes" [get_property $ps_clock_property $ps]

    set dma [create_bd_cell -type ip -vlnv [newest_ip axi_dma] $dma_name]
    set_property -dict [list \
        CONFIG.c_include_sg 0 \
        CONFIG.c_sg_include_stscntrl_strm 0 \
        CONFIG.c_sg_length_width $dma_length_bits \
        CONFIG.c_addr_width $address_bits \
        CONFIG.c_include_mm2s 1 \
        CONFIG.c_m_axi_mm2s_data_width $beat_bits \
        CONFIG.c_m_axis_mm2s_tdata_width $beat_bits \
        CONFIG.c_mm2s_burst_size $dma_burst \
        CONFIG.c_include_s2mm 1 \
        CONFIG.c_m_axi_s2mm_data_width $beat_bits \
        CONFIG.c_s2mm_burst_size $dma_burst] $dma
    create_bd_cell -type ip -vlnv $ip_vlnv $ip_name

    connect_bd_intf_net [get_bd_intf_pins $dma_name/M_AXIS_MM2S] [get_bd_intf_pins $ip_name/images_in]
    connect_bd_intf_net [get_bd_intf_pins $ip_name/answers_out] [get_bd_intf_pins $dma_name/S_AXIS_S2MM]
    connect_axi /ps/$ps_master /$dma_name/S_AXI_LITE $dma_name/S_AXI_LITE
    connect_axi /ps/$ps_master /$ip_name/s_axi_control $ip_name/s_axi_control
    connect_axi /$dma_name/M_AXI_MM2S /ps/$ps_slave ps/$ps_slave
    connect_axi /$dma_name/M_AXI_S2MM /ps/$ps_slave $dma_name/M_AXI_S2MM
    foreach pin [clockless_pins] {
        apply_bd_automation -rule xilinx.com:bd_rule:clkrst -config [list Clk /ps/$ps_clock] $pin
    }
    if {[llength [clockless_pins]] != 0} {
        error "these pins got no clock: [clockless_pins]"
    }
    assign_bd_address
    validate_bd_design
    save_bd_design

    set wrapper [make_wrapper -files [get_files $design.bd] -top]
    add_files -norecurse $wrapper
    set_property top ${design}_wrapper [current_fileset]
    add_files -fileset constrs_1 -norecurse [in_plan constraints.xdc]
    update_compile_order -fileset sources_1
    generate_target all [get_files $design.bd]
    copy_handoff
    close_project
}
