# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
# Synthesis, implementation and bitstream. overlay.bit appears only if timing is met at the clock that the board runs.

source [file join [file dirname [file normalize [info script]]] common.tcl]
source [in_plan processing_system.tcl]

# Waits for a run and fails unless it came to its end; wait_on_run itself says nothing of the result.
proc complete {run status} {
    wait_on_run -timeout $::run_minutes $run
    set run [get_runs $run]
    set found [get_property STATUS $run]
    if {[get_property PROGRESS $run] ne "100%" || ![string match "$status*" $found]} {
        error "run $run ended with '$found', wanted '$status'; its log is runme.log below work_vivado/$::design.runs"
    }
}

proc check_slack {name} {
    set slack [get_property STATS.$name [get_runs impl_1]]
    if {![string is double -strict $slack]} {
        error "the run has no $name ('$slack'); see reports/timing.rpt"
    }
    if {$slack < 0} {
        error "timing is not met: $name is $slack ns at $::clock_mhz MHz (reports/timing.rpt); take a slower clock"
    }
}

finish {
    check_folder
    file delete [in_plan overlay/overlay.bit]
    open_project [in_plan work_vivado/$design.xpr]
    # what an earlier, interrupted build finished is kept
    set synthesis [get_runs synth_1]
    if {[get_property PROGRESS $synthesis] ne "100%" || [get_property NEEDS_REFRESH $synthesis]} {
        reset_run synth_1
        launch_runs synth_1 -jobs $jobs
        complete synth_1 "synth_design Complete"
    }
    reset_run impl_1
    launch_runs impl_1 -to_step write_bitstream -jobs $jobs
    complete impl_1 "write_bitstream Complete"

    open_run impl_1
    report_utilization -file [in_plan reports/utilization.rpt]
    report_utilization -hierarchical -file [in_plan reports/utilization_hierarchical.rpt]
    report_timing_summary -file [in_plan reports/timing.rpt]
    report_power -file [in_plan reports/power.rpt]
    check_slack WNS
    check_slack WHS
    check_clock "the clock that timing was analysed for" [expr {1000.0 / [get_property PERIOD [get_clocks $timed_clock]]}]
    open_bd_design [get_files $design.bd]
    check_clock "the PL clock that the processing system makes" [get_property $ps_clock_property [get_bd_cells ps]]

    copy_handoff
    set bitstream [in_plan work_vivado/$design.runs/impl_1/${design}_wrapper.bit]
    if {![file exists $bitstream]} {
        error "Vivado wrote no bitstream at $bitstream"
    }
    file copy -force $bitstream [in_plan overlay/overlay.bit]
    close_project
}
