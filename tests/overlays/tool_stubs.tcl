# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
# Runtime of the stubs: checks each call against its row, records it, and gives what the real command would.

namespace eval ipx {}
namespace eval hook_ipx {}
set stub_called {}
set stub_clocked {}
set stub_reset {}
set stub_launched {}
set stub_finished {}

proc stub_define {name options low high after} {
    proc ::$name {args} "return \[stub_call $name {$options} $low $high {$after} \$args\]"
}

proc stub_call {name options low high after arguments} {
    foreach wanted $after {
        set met 0
        foreach one [split $wanted |] { if {$one in $::stub_called} { set met 1 } }
        if {!$met} { error "stub: $name before $wanted" }
    }
    set given [dict create]
    set words {}
    while {[llength $arguments]} {
        set arguments [lassign $arguments word]
        if {[regexp {^-[a-z]} $word]} {
            if {![dict exists $options $word]} { error "stub: $name has no option $word" }
            set value 1
            if {[dict get $options $word]} {
                if {![llength $arguments]} { error "stub: $name $word wants a value" }
                set arguments [lassign $arguments value]
            }
            dict set given $word $value
        } else {
            lappend words $word
        }
    }
    if {[llength $words] < $low || [llength $words] > $high} {
        error "stub: $name got [llength $words] words, $low to $high are wanted"
    }
    set channel [open $::stub_log a]
    puts $channel [join [list $name {*}[dict keys $given] {*}[dict values $given] {*}$words] \t]
    close $channel
    lappend ::stub_called $name
    if {[llength [info commands hook_$name]]} { return [hook_$name $given {*}$words] }
    return [lindex $words 0]
}

proc stub_answer {name default} {
    if {[dict exists $::stub_answers $name]} { return [dict get $::stub_answers $name] }
    return $default
}

proc stub_touch {path {text {}}} {
    file mkdir [file dirname $path]
    set channel [open $path w]
    puts -nonewline $channel $text
    close $channel
}

# What is neither Tcl nor in the table of the tool.
proc unknown {args} { error "stub: no command [lindex $args 0] in this tool" }

proc stub_check_part {part} {
    if {$part ne $::stub_part} { error "stub: part $part is not known" }
}

proc stub_start {script} { uplevel #0 [list source $script] }

# Vitis HLS
proc hook_open_solution {given name} {
    if {[stub_answer old_hls 0] && [dict exists $given -flow_target]} { error "stub: no option -flow_target" }
}
proc hook_set_part {given part} { stub_check_part $part }
proc hook_add_files {given args} {
    set path [expr {[dict exists $given -blackbox] ? [dict get $given -blackbox] : [lindex $args 0]}]
    if {[file pathtype $path] ne "absolute" || ![file exists $path]} { error "stub: add_files: no file $path" }
}
proc hook_csynth_design {given} {
    if {[stub_answer csynth ok] ne "ok"} { error "stub: synthesis failed" }
    stub_touch work_hls/solution1/syn/report/csynth.rpt report
}
proc hook_export_design {given} {
    if {[stub_answer export ok] eq "ok"} { stub_touch work_hls/solution1/impl/ip/component.xml }
}

# Vivado
proc hook_create_project {given name {folder .}} { stub_check_part [dict get $given -part] }
proc hook_current_project {given} { return project }
proc hook_current_fileset {given} { return sources_1 }
proc hook_set_property {given args} {
    if {[dict exists $given -dict]} {
        set pairs [lindex $args 0]
    } else {
        if {[llength $args] != 3} { error "stub: set_property wants name, value and object" }
        set pairs [lrange $args 0 1]
    }
    foreach {name value} $pairs {
        if {$name ni $::stub_properties} { error "stub: no property $name" }
        lappend ::stub_called set:$name
    }
}
proc hook_get_board_parts {given part} { return [stub_answer board_parts $part] }
proc hook_get_ipdefs {given pattern} {
    switch -glob $pattern {
        *processing_system7* { return xilinx.com:ip:processing_system7:5.5 }
        *zynq_ultra_ps_e* { return {xilinx.com:ip:zynq_ultra_ps_e:3.10 xilinx.com:ip:zynq_ultra_ps_e:3.5} }
        *axi_dma* { return [stub_answer axi_dma xilinx.com:ip:axi_dma:7.1] }
        lutforge:* { return [stub_answer network_ip $pattern] }
        default { error "stub: get_ipdefs $pattern" }
    }
}
proc hook_apply_bd_automation {given object} {
    set rule [dict get $given -rule]
    if {![regsub {^xilinx\.com:bd_rule:} $rule {} rule] || ![dict exists $::stub_rules $rule]} {
        error "stub: no automation rule $rule"
    }
    foreach {key value} [dict get $given -config] {
        if {$key ni [dict get $::stub_rules $rule]} { error "stub: rule $rule has no setting $key" }
    }
    lappend ::stub_called rule:[expr {$rule in {processing_system7 zynq_ultra_ps_e} ? "processing_system" : $rule}]
    if {$rule eq "clkrst" && [stub_answer clkrst ok] eq "ok"} { lappend ::stub_clocked $object }
}
proc hook_get_bd_pins {given} { return {lutforge_0/ap_clk axi_dma_0/m_axi_mm2s_aclk} }
proc hook_get_bd_nets {given} {
    return [expr {[dict get $given -of_objects] in $::stub_clocked ? "net" : ""}]
}
proc hook_get_bd_cells {given args} { return [expr {[llength $args] ? [lindex $args 0] : "ps axi_dma_0 lutforge_0"}] }
proc hook_make_wrapper {given} {
    set path [file normalize work_vivado/lutforge.gen/sources_1/bd/lutforge/hdl/lutforge_wrapper.v]
    stub_touch $path
    return $path
}
proc hook_generate_target {given name object} {
    stub_touch work_vivado/lutforge.[stub_answer generated gen]/sources_1/bd/lutforge/hw_handoff/lutforge.hwh hwh
}
proc hook_validate_bd_design {given} {
    if {[stub_answer validate ok] ne "ok"} { error "stub: validation failed" }
}

# IP packager
proc hook_ipx::current_core {given} { return core }
proc hook_ipx::get_bus_interfaces {given name} { return [expr {$name eq [stub_answer no_interface {}] ? "" : $name}] }
proc hook_ipx::associate_bus_interfaces {given core} {
    foreach {option prefix} {-busif busif -reset reset} {
        if {[dict exists $given $option]} { lappend ::stub_called $prefix:[dict get $given $option] }
    }
}
proc hook_ipx::save_core {given core} { stub_touch ip/component.xml }

# Runs
proc hook_get_runs {given name} { return $name }
proc hook_reset_run {given run} { lappend ::stub_reset $run }
proc hook_launch_runs {given run} {
    if {$run ni $::stub_reset} { error "stub: $run still holds an earlier result" }
    lappend ::stub_launched $run
    if {$run eq "impl_1" && "synth_1" ni $::stub_finished && [stub_answer synth_before no] ne "yes"} {
        error "stub: impl_1 before synth_1 is complete"
    }
    if {$run eq "impl_1" && [dict get $given -to_step] ne "write_bitstream"} { error "stub: no such step" }
}
proc hook_wait_on_run {given run} {
    if {$run ni $::stub_launched} { error "stub: $run was not launched" }
    lappend ::stub_finished $run
    if {$run eq "impl_1" && [stub_answer bitstream ok] eq "ok"} {
        stub_touch work_vivado/lutforge.runs/impl_1/lutforge_wrapper.bit bits
    }
}
proc hook_open_run {given run} {
    if {$run ni $::stub_finished} { error "stub: run $run is not complete" }
}
# A report is a sample, where the test gives one by the name of the file.
proc stub_report {path} {
    set sample [stub_answer [file tail $path] {}]
    if {$sample eq ""} { stub_touch $path } else { file copy -force $sample $path }
}
proc hook_report_utilization {given} { stub_report [dict get $given -file] }
proc hook_report_timing_summary {given} { stub_report [dict get $given -file] }
proc hook_report_power {given} { stub_report [dict get $given -file] }
proc hook_get_property {given name object} {
    set finished [expr {$object in $::stub_finished}]
    set status [dict create synth_1 "synth_design Complete!" impl_1 "write_bitstream Complete!"]
    switch -glob $name {
        STATUS { return [stub_answer $object.status [dict get $status $object]] }
        PROGRESS {
            if {!$finished && [stub_answer synth_before no] ne "yes"} { return "0%" }
            return [stub_answer $object.progress "100%"]
        }
        NEEDS_REFRESH { return [stub_answer needs_refresh 0] }
        STATS.WNS { return [stub_answer wns 0.512] }
        STATS.WHS { return [stub_answer whs 0.021] }
        PERIOD { return [stub_answer period 10.000] }
        CONFIG.PCW_ACT_FPGA0_PERIPHERAL_FREQMHZ { return [stub_answer clock 100.000000] }
        CONFIG.PSU__CRL_APB__PL0_REF_CTRL__ACT_FREQMHZ { return [stub_answer clock 187.498123] }
        default { error "stub: no property $name" }
    }
}
