# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The engine built in other ways: with sanitizers, for older processors, by another compiler.

Each build runs random networks of every kind in a process of its own, against the reference.
"""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lutforge.engine.build import CACHE_VARIABLE, FLAGS_VARIABLE, _processor, find_compiler

HERE = Path(__file__).parent
SANITIZE = "-fsanitize=address,undefined -fno-sanitize-recover=all -g -O1"
REPORTS = ("AddressSanitizer", "runtime error", "UndefinedBehaviorSanitizer", "LeakSanitizer")
DEADLINE_S = 560

RUN_NETWORKS = f"""
import sys
sys.path[:0] = [{str(HERE.parent)!r}, {str(HERE)!r}]
import numpy as np
import random_networks, test_extremes
from lutforge import reference
from lutforge.engine.executor import FastExecutor
from lutforge.engine.build import compiled
from lutforge.numerics import argmax

counts = (1, 2, 63, 65, 127, 513, 700, 0)
done = 0
for number in range({{count}}):
    kind = random_networks.KINDS[number % len(random_networks.KINDS)]
    rng = np.random.default_rng([17, number])
    network = random_networks.make_random_network(rng, kind)
    images = random_networks.make_random_images(rng, network, counts[number % len(counts)])
    wanted = reference.trace(network, images)
    logits = wanted[network.output.name]
    for backend in ("native", "interpreted"):
        engine = FastExecutor(network, backend=backend, threads=1 + number % 2)
        assert np.array_equal(engine.run(images), logits), (number, kind, backend)
        assert np.array_equal(engine.classes(images), argmax(logits)), (number, kind, backend)
        found = engine.trace(images)
        assert all(np.array_equal(found[name], values) for name, values in wanted.items()), (number, kind, backend)
        engine.toggles(images)
        done += 1
for name, network in test_extremes.ALL.items():
    for backend in ("native", "interpreted"):
        test_extremes.equal_everywhere(network, backend, 77)
        done += 1
print(compiled().lutforge_engine_has_code(), "|", done)
"""


def run_networks(cache, flags, count=63, **environment):
    """Run `count` random networks and those of test_extremes; return whether machine code was made."""
    env = {**os.environ, CACHE_VARIABLE: str(cache), FLAGS_VARIABLE: flags, **environment}
    command = [sys.executable, "-c", RUN_NETWORKS.replace("{count}", str(count))]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    said = done.stdout + done.stderr
    assert not any(report in said for report in REPORTS), said[:8000]
    assert done.returncode == 0, said[-8000:]
    has_code, ran = done.stdout.strip().split(" | ")
    assert int(ran) >= 2 * count and len(list(Path(cache).iterdir())) == 1
    return has_code != "0"


def sanitizers():
    """What a process needs that loads a library built with SANITIZE."""
    libraries = []
    for name in ("libasan.so", "libubsan.so", "libstdc++.so"):  # the last, so that exceptions are seen
        command = [find_compiler("g++"), f"-print-file-name={name}"]
        found = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        assert Path(found).is_absolute(), f"{name} is not installed"
        libraries.append(str(Path(found).resolve()))
    return {
        "LD_PRELOAD": " ".join(libraries),
        "ASAN_OPTIONS": "detect_leaks=0",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "CXX": find_compiler("g++"),
    }


WRONG = """
#include <cstdlib>
#include <cstdint>
extern "C" int beyond(int count) {
    volatile char* bytes = static_cast<volatile char*>(std::malloc(size_t(count)));
    bytes[count] = 1;
    return bytes[0];
}
extern "C" int overflow(int x) { return x + 2147483647; }
extern "C" int shift(int x) { return 1 << x; }
extern "C" int misaligned(const int32_t* place) { return *place; }
extern "C" int right(int x) { return x + 1; }
"""


@pytest.fixture(scope="module")
def wrong_library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wrong")
    (folder / "wrong.cpp").write_text(WRONG)
    command = [find_compiler("g++"), "-std=c++17", "-fPIC", "-shared", *SANITIZE.split()]
    subprocess.run([*command, str(folder / "wrong.cpp"), "-o", str(folder / "wrong.so")], check=True)
    return folder / "wrong.so"


@pytest.mark.slow
@pytest.mark.parametrize(
    "call, report",
    [
        ("right(1)", None),
        ("beyond(9)", "heap-buffer-overflow"),
        ("overflow(5)", "signed integer overflow"),
        ("shift(40)", "shift exponent 40 is too large"),
        ("misaligned(ctypes.byref(ctypes.create_string_buffer(16), 1))", "misaligned address"),
    ],
)
def test_the_sanitizers_report_what_is_wrong(wrong_library, call, report):
    command = [sys.executable, "-c", f"import ctypes; ctypes.CDLL({str(wrong_library)!r}).{call}"]
    done = subprocess.run(
        command, env={**os.environ, **sanitizers()}, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode == 0) == (report is None), done.stderr
    if report:
        assert report in done.stderr and any(each in done.stderr for each in REPORTS)


def levels():
    """Processors of x86-64 that this one can stand for."""
    if platform.machine() != "x86_64":
        return []
    flags = _processor().split()
    return [
        "x86-64",
        *(["x86-64-v3"] if {"avx2", "bmi2", "fma"} <= set(flags) else []),
        *(["x86-64-v4"] if {"avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512cd"} <= set(flags) else []),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("march", ["native", *(march for march in levels() if march != "x86-64-v4")])
def test_sanitizers_find_nothing_in_the_engine(march, tmp_path):
    run_networks(tmp_path, f"{SANITIZE} -march={march}", **sanitizers())


@pytest.mark.slow
@pytest.mark.parametrize("march", levels())
def test_builds_for_older_processors_equal_the_reference(march, tmp_path):
    assert run_networks(tmp_path, f"-march={march}") == (march in ("x86-64-v3", "x86-64-v4"))


@pytest.mark.slow
def test_a_build_without_machine_code_equals_the_reference(tmp_path):
    assert not run_networks(tmp_path, "-DLUTFORGE_NO_CODE")


@pytest.mark.slow
@pytest.mark.tool
def test_a_build_by_clang_equals_the_reference(tmp_path):
    clang = shutil.which("clang++")
    if not clang:
        pytest.skip("clang++ is not installed")
    run_networks(tmp_path, "", CXX=clang)
    (kept,) = tmp_path.iterdir()
    copy = tmp_path / "clang.so"
    copy.write_bytes(kept.read_bytes()[32:])
    assert ctypes.CDLL(str(copy)).lutforge_engine_run
