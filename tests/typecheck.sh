#!/bin/sh
# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
# Type-check the package. mypy cannot follow the import hook of an editable install, so lay the mapped
# folders out as links below build/types first. PYTHON names the interpreter that has mypy.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
farm="$root/build/types/lutforge"
rm -rf "$root/build/types"
mkdir -p "$farm"
for entry in "$root"/core/*; do
    case "$entry" in *__pycache__*) ;; *) ln -s "$entry" "$farm/" ;; esac
done
for folder in training hls overlays host board_configs; do
    ln -s "$root/$folder" "$farm/$folder"
done
cd "$root"
exec "${PYTHON:-python3}" -m mypy -p lutforge "$@"
