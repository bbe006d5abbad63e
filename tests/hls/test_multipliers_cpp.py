# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The C++ products, exhaustively: every 8-bit activation times every 8- and 9-bit weight, unsigned and signed."""

from __future__ import annotations

import subprocess

import pytest

from lutforge.errors import ToolError
from lutforge.hls.csim import as_file, files, find_compiler, find_headers

PROGRAM = """
#include <cstdio>
#include <lutforge/mac.hpp>

// Signed activations arrive sign-extended, as `unpack` gives them.
template <bool SIGNED, int DIGIT>
int tables(int x, int w) {
    const int lower = (8 - 1) / DIGIT, top_bits = 8 - lower * DIGIT;
    int table[1 << DIGIT], top[1 << top_bits];
    for (int a = 0; a < 1 << DIGIT; ++a) table[a] = a * w;
    for (int a = 0; a < 1 << top_bits; ++a) top[a] = (SIGNED && a >= 1 << (top_bits - 1) ? a - (1 << top_bits) : a) * w;
    return lutforge::table_product<8, DIGIT>(x, table, top);
}

template <bool SIGNED>
long count() {
    long wrong = 0;
    for (int w = -256; w < 256; ++w) {
        for (int x = SIGNED ? -128 : 0; x < (SIGNED ? 128 : 256); ++x) {
            wrong += lutforge::digit_product<8, SIGNED>(x, w, 3 * w FAULT) != x * w;
            wrong += tables<SIGNED, 2>(x, w) != x * w;
            wrong += tables<SIGNED, 4>(x, w) != x * w;
            wrong += tables<SIGNED, 8>(x, w) != x * w;
        }
    }
    return wrong;
}

int main() { std::printf("%ld\\n", count<false>() + count<true>()); }
"""


def wrong_products(folder, fault):
    (folder / "products.cpp").write_text(PROGRAM.replace("FAULT", fault))
    try:
        compiler, headers = find_compiler(), find_headers()
    except ToolError as error:
        pytest.skip(str(error))
    with as_file(files("lutforge.hls")) as root:
        include = [f"-I{root / 'shims'}", f"-I{root / 'include'}", f"-I{headers}", "-Wno-unknown-pragmas"]
        command = [
            compiler,
            "-std=c++14",
            "-O1",
            *include,
            str(folder / "products.cpp"),
            "-o",
            str(folder / "products"),
        ]
        subprocess.run(command, check=True, capture_output=True)
    return int(subprocess.run([folder / "products"], check=True, capture_output=True, text=True).stdout)


def test_every_product_is_exact(tmp_path):
    assert wrong_products(tmp_path, "") == 0


def test_a_wrong_3w_is_seen(tmp_path):
    assert wrong_products(tmp_path, "+ 1") > 100_000


@pytest.mark.slow
def test_every_static_header_compiles_alone(tmp_path):
    try:
        compiler, headers = find_compiler(), find_headers()
    except ToolError as error:
        pytest.skip(str(error))
    with as_file(files("lutforge.hls")) as root:
        names = sorted(path.name for path in (root / "include" / "lutforge").glob("*.hpp"))
        assert len(names) >= 6
        include = [f"-I{root / 'shims'}", f"-I{root / 'include'}", f"-I{headers}", "-Wno-unknown-pragmas"]
        for name in names:
            source = tmp_path / f"{name}.cpp"
            source.write_text(f"#include <lutforge/{name}>\n#include <lutforge/{name}>\n")
            subprocess.run([compiler, "-std=c++14", "-fsyntax-only", *include, str(source)], check=True)
