#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
# Builds the overlay of this folder: build.sh [STEP...]; without a step, all of them in order.
# A finished step leaves a stamp of what it read and is not run again until that changes.
# LUTFORGE_HLS and LUTFORGE_VIVADO name the tools; else they are looked for. EDITED=1 builds although files of the plan were changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

if [ -f hls.tcl ]; then first=hls; else first=package_ip; fi
all="$first block_design implement"

fail() { printf 'ERROR: lutforge: %s\n' "$1" >&2; exit 2; }

# Looks for tools, the first name that is there: on PATH, then where the vendor's settings point.
find_tool() {
    local name root
    for name in "$@"; do
        if command -v "$name"; then return; fi
        for root in "${XILINX_VITIS:-}" "${XILINX_HLS:-}" "${XILINX_VIVADO:-}"; do
            if [ -n "$root" ] && [ -x "$root/bin/$name" ]; then echo "$root/bin/$name"; return; fi
        done
    done
    fail "none of $* was found, on PATH or below XILINX_VITIS, XILINX_HLS, XILINX_VIVADO; source the tool's settings64.sh"
}

# Files that a step reads. What the step before made is covered by that step's stamp.
inputs_of() {
    printf '%s\n' common.tcl options.tcl "$1.tcl"
    case $1 in
        hls) find src mem rtl black_boxes -type f 2>/dev/null ;;
        package_ip) find ip/rtl ip/mem -type f 2>/dev/null ;;
        block_design) printf '%s\n' processing_system.tcl constraints.xdc ;;
        implement) printf '%s\n' processing_system.tcl ;;
    esac || true
}

stamp_of() { # STEP, STEP BEFORE
    { inputs_of "$1" | LC_ALL=C sort | tr '\n' '\0' | xargs -0 sha256sum; cat "stamps/$2" 2>/dev/null || true; } |
        sha256sum | cut -d ' ' -f 1
}

start() { # STEP
    local tool command
    if [ "$1" = hls ]; then
        tool=${LUTFORGE_HLS:-$(find_tool vitis-run vitis_hls vivado_hls)}
        case $(basename "$tool") in
            vitis-run*) command=("$tool" --mode hls --tcl hls.tcl) ;;
            *) command=("$tool" -f hls.tcl) ;;
        esac
    else
        tool=${LUTFORGE_VIVADO:-$(find_tool vivado)}
        command=("$tool" -mode batch -nojournal -log "logs/vivado_$1.log" -source "$1.tcl")
    fi
    [ -n "$tool" ] || exit 2
    echo "step $1: ${command[*]}"
    "${command[@]}" 2>&1 < /dev/null | tee "logs/$1.log"
}

[ $# -gt 0 ] || set -- $all
for step in "$@"; do
    case " $all " in *" $step "*) ;; *) fail "no step '$step'; this plan has: $all" ;; esac
done
if [ -z "${EDITED:-}" ] && ! sha256sum --check --quiet digest.sha256; then
    fail "files of the plan were changed or lost; write the plan again, or set EDITED=1 to build what is there"
fi
mkdir -p logs stamps
before=none
for step in $all; do
    case " $* " in
        *" $step "*)
            stamp=$(stamp_of "$step" "$before")
            if [ "$(cat "stamps/$step" 2>/dev/null)" = "$stamp" ]; then
                echo "step $step: done before"
            else
                rm -f "stamps/$step"
                start "$step" || { echo "ERROR: lutforge: step $step failed; logs/$step.log says why" >&2; exit 1; }
                echo "$stamp" > "stamps/$step"
            fi ;;
    esac
    before=$step
done
