# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
# The Verilog of the network becomes an IP, with the register map that Vitis HLS would give it: the driver reads
# register offsets from the .hwh. An IP and no module reference, of which pynq cannot read registers.

source [file join [file dirname [file normalize [info script]]] common.tcl]

proc need_interface {core name} {
    if {[llength [ipx::get_bus_interfaces $name -of_objects $core]] == 0} {
        error "the packager found no interface $name among the ports of $::top"
    }
}

proc add_register {block name offset fields} {
    set register [ipx::add_register $name $block]
    set_property address_offset $offset $register
    set_property size 32 $register
    foreach entry $fields {
        lassign $entry field bit width access
        set added [ipx::add_field $field $register]
        set_property bit_offset $bit $added
        set_property bit_width $width $added
        set_property access $access $added
    }
}

finish {
    check_folder
    check_tables
    create_project -force $top work_ip -part $part
    foreach path [concat $verilog $memories] {
        add_files -norecurse [in_plan $path]
    }
    set_property top $top [current_fileset]
    update_compile_order -fileset sources_1

    ipx::package_project -root_dir [in_plan $ip_folder] -vendor $ip_vendor -library $ip_library -taxonomy /UserIP -force
    set core [ipx::current_core]
    set_property name $top $core
    set_property version $ip_version $core
    set_property display_name "lutforge $network" $core

    foreach name {ap_clk ap_rst_n s_axi_control images_in answers_out} {
        need_interface $core $name
    }
    foreach name {s_axi_control images_in answers_out} {
        ipx::associate_bus_interfaces -busif $name -clock ap_clk $core
    }
    ipx::associate_bus_interfaces -clock ap_clk -reset ap_rst_n $core
    set polarity [ipx::add_bus_parameter -quiet POLARITY [ipx::get_bus_interfaces ap_rst_n -of_objects $core]]
    set_property value ACTIVE_LOW $polarity

    set map [ipx::add_memory_map -quiet s_axi_control $core]
    set block [ipx::add_address_block -quiet Reg $map]
    set_property range 65536 $block
    set_property usage register $block
    foreach entry $registers {
        add_register $block {*}$entry
    }
    set_property slave_memory_map_ref s_axi_control [ipx::get_bus_interfaces s_axi_control -of_objects $core]

    ipx::create_xgui_files $core
    ipx::update_checksums $core
    ipx::check_integrity $core
    ipx::save_core $core
    if {![file exists [in_plan $ip_folder/component.xml]]} {
        error "the IP was not packaged: $ip_folder has no component.xml"
    }
    close_project
}
