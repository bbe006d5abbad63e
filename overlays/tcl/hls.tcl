# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
# C synthesis: the C++ of the network becomes an IP. For vitis-run, vitis_hls and vivado_hls.

source [file join [file dirname [file normalize [info script]]] common.tcl]

# The tools take paths in a black box's description as they stand, so they are made absolute here.
proc place_black_box {path} {
    set channel [open [in_plan $path]]
    set text [read $channel]
    close $channel
    set placed [in_plan [file join work_black_boxes [file tail $path]]]
    file mkdir [file dirname $placed]
    set channel [open $placed w]
    puts -nonewline $channel [string map [list @PLAN@ $::plan] $text]
    close $channel
    return $placed
}

finish {
    check_folder
    check_tables
    open_project -reset work_hls
    set_top $top
    foreach path $sources {
        add_files [in_plan $path] -cflags [string map [list @PLAN@ $plan] $cflags]
    }
    foreach path $black_boxes {
        add_files -blackbox [place_black_box $path]
    }
    # vivado_hls has one flow and no option for it
    if {[catch {open_solution -reset solution1 -flow_target vivado}]} {
        open_solution -reset solution1
    }
    set_part $part
    create_clock -period $clock_ns -name default
    if {[info exists pipeline_style]} { config_compile -pipeline_style $pipeline_style }
    csynth_design
    export_design -format ip_catalog -vendor $ip_vendor -library $ip_library -ipname $top -version $ip_version
    if {![file exists [in_plan $ip_folder/component.xml]]} {
        error "the IP was not exported: $ip_folder has no component.xml"
    }
    foreach path [glob -nocomplain -directory [in_plan work_hls/solution1/syn/report] *csynth.rpt] {
        file copy -force $path $reports
    }
}
