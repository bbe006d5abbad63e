# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
# Sourced first by every script of a plan: where the plan lies, what it is about, and how a script ends.

set plan [file dirname [file normalize [info script]]]
cd $plan
source [file join $plan options.tcl]
set design lutforge
set reports [file join $plan reports]
file mkdir $reports [file join $plan overlay]

proc in_plan {path} {
    return [file normalize [file join $::plan $path]]
}

# Runs a script; whatever goes wrong in it becomes a message and exit code 1, in every tool alike.
proc finish {script} {
    if {[catch {uplevel #0 $script} message]} {
        puts stderr "ERROR: lutforge: $message"
        exit 1
    }
    exit 0
}

proc check_folder {} {
    if {[regexp {\s} $::plan]} {
        error "the plan lies in '$::plan': the tools break at spaces; move it to a folder without"
    }
}

# Words of a memory file, one to a line, behind which a comment may stand.
proc words_of {path} {
    set channel [open $path]
    set text [read $channel]
    close $channel
    set words 0
    foreach line [split $text "\n"] {
        if {[string trim [regsub {//.*} $line {}]] ne ""} { incr words }
    }
    return $words
}

# A table that is missing or short would be read as zeros.
proc check_tables {} {
    foreach table $::tables {
        lassign $table path words
        if {![file exists [in_plan $path]]} {
            error "table $path is missing; write the plan again with lutforge overlay"
        }
        set found [words_of [in_plan $path]]
        if {$found != $words} {
            error "table $path has $found words, $words are wanted; write the plan again with lutforge overlay"
        }
    }
}

# The newest version of an AMD block that this Vivado has.
proc newest_ip {name} {
    set found [lsort -dictionary [get_ipdefs "xilinx.com:ip:$name:*"]]
    if {[llength $found] == 0} {
        error "this Vivado has no block $name; install the devices of part $::part"
    }
    return [lindex $found end]
}

# A design is right at the clock it was timed for and at no other. The tolerance is that of a 33.333 MHz oscillator.
proc check_clock {what mhz} {
    if {![string is double -strict $mhz] || abs($mhz - $::clock_mhz) > 0.001 * $::clock_mhz} {
        error "$what is '$mhz' MHz, but the design is made for $::clock_mhz MHz; choose a clock that the board can make"
    }
}

# Vivado keeps what it generates below .gen; before 2020.2 that was .srcs.
proc copy_handoff {} {
    foreach kind {gen srcs} {
        set path [in_plan work_vivado/$::design.$kind/sources_1/bd/$::design/hw_handoff/$::design.hwh]
        if {[file exists $path]} {
            file copy -force $path [in_plan overlay/overlay.hwh]
            return
        }
    }
    error "Vivado wrote no $::design.hwh below work_vivado"
}
