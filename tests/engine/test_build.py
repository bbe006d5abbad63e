# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Compiling the engine once: the cache, what damages it, what forbids it, and computers without a compiler.

Most tests take a script for the compiler, which notes each call and hands out an engine compiled before.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from lutforge import reference
from lutforge.engine import build
from lutforge.engine.executor import FastExecutor
from lutforge.errors import ToolError
from lutforge.network import Network, Node
from lutforge.operations import Input, TableMac, Threshold, TruthTables

SOURCES = Path(str(files("lutforge.engine"))) / "src"


def tiny_network():
    """Gates and products."""
    rng = np.random.default_rng(3)
    tables = TruthTables(4, 1, 2, np.array([[0, 1, 2], [3, 1, 0], [2, 3, 1]]), rng.integers(0, 4, (3, 8)))
    return Network(
        "tiny",
        (
            Node("x", Input((4,), 0, 255)),
            Node("code", Threshold(np.array([[99]])), ("x",)),
            Node("tables", tables, ("code",)),
            Node("last", TableMac(rng.integers(-9, 9, (5, 3)), np.zeros(5, dtype=np.int64)), ("tables",)),
        ),
    )


def answers_right(backend="native"):
    network = tiny_network()
    images = np.random.default_rng(4).integers(0, 256, (130, 4))
    engine = FastExecutor(network, backend=backend, threads=1)
    assert np.array_equal(engine.run(images), reference.run(network, images))
    return engine


RUN_ALONE = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
import test_build; print(test_build.answers_right().name)
"""


@pytest.fixture(scope="session")
def engine_file(tmp_path_factory):
    """The engine, compiled quickly."""
    made = tmp_path_factory.mktemp("engine") / "engine.so"
    command = [build.find_compiler(), *build.FLAGS, "-O0", str(SOURCES / "engine.cpp"), "-o", str(made)]
    subprocess.run(command, check=True, capture_output=True)
    return made


def script(path, text):
    """A new file that runs as a program."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


class Setup:
    """An empty cache, and a compiler that is a script. calls: how often it has run."""

    def __init__(self, folder, engine_file):
        self.folder, self.cache, self.log = folder, folder / "cache", folder / "calls"
        self.compiler = folder / "compiler"
        self.engine_file = engine_file
        self.log.write_text("")
        last = 'for last in "$@"; do :; done'
        script(self.compiler, f'echo "$@" >> "{self.log}"\n{last}\ncp "{engine_file}" "$last"')

    @property
    def calls(self):
        return len(self.log.read_text().splitlines())

    def kept(self):
        return sorted(self.cache.iterdir())

    def only(self):
        """The one file of the cache, which must be whole."""
        (kept,) = self.kept()
        data = kept.read_bytes()
        assert data == hashlib.sha256(data[32:]).digest() + self.engine_file.read_bytes()
        return kept


@pytest.fixture
def fresh():
    """No engine is loaded before, and none of a test's stays loaded behind it."""
    build._loaded.cache_clear()
    yield build._loaded.cache_clear
    build._loaded.cache_clear()


@pytest.fixture
def setup(tmp_path, monkeypatch, engine_file, fresh):
    made = Setup(tmp_path, engine_file)
    monkeypatch.setenv(build.CACHE_VARIABLE, str(made.cache))
    monkeypatch.setenv("CXX", str(made.compiler))
    monkeypatch.delenv(build.FLAGS_VARIABLE, raising=False)
    return made


def test_an_engine_is_compiled_once(setup, fresh):
    answers_right()
    setup.only()
    fresh()
    script(setup.compiler, "exit 1")
    answers_right()
    assert setup.calls == 1


def test_an_engine_in_use_is_not_loaded_again(setup):
    assert build.compiled() is build.compiled()
    setup.only().unlink()
    answers_right()
    assert setup.calls == 1


def test_the_real_compiler_fills_an_empty_cache(tmp_path, monkeypatch, fresh):
    monkeypatch.setenv(build.CACHE_VARIABLE, str(tmp_path / "deep" / "cache"))
    monkeypatch.setenv(build.FLAGS_VARIABLE, "-O0")
    answers_right()
    (kept,) = (tmp_path / "deep" / "cache").iterdir()
    assert build._whole(kept) is not None
    assert kept.stat().st_mode & 0o777 == 0o644


def test_other_flags_and_another_compiler_make_another_file(setup, fresh, monkeypatch):
    answers_right()
    monkeypatch.setenv(build.FLAGS_VARIABLE, " -O1   -g ")
    answers_right()
    assert setup.log.read_text().splitlines()[1].startswith(" ".join((*build.FLAGS, "-O1", "-g", "")))
    other = shutil.copy(setup.compiler, setup.folder / "other")
    monkeypatch.setenv("CXX", str(other))
    answers_right()
    assert setup.calls == len(setup.kept()) == 3


def test_other_sources_and_another_processor_make_another_key(tmp_path, monkeypatch):
    copy = Path(shutil.copytree(SOURCES, tmp_path / "src"))
    first = build._key(copy, "g++", ())
    assert first == build._key(SOURCES, "g++", ())
    with (copy / "lanes.hpp").open("a") as stream:
        stream.write("\n")
    second = build._key(copy, "g++", ())
    monkeypatch.setattr(build, "_processor", lambda: "flags: fpu")
    assert len({first, second, build._key(copy, "g++", ())}) == 3


def flipped(place):
    def damage(data):
        changed = bytearray(data)
        changed[place] ^= 4
        return bytes(changed)

    return damage


@pytest.mark.parametrize(
    "damage",
    [
        flipped(0),
        flipped(31),
        flipped(32),
        flipped(5000),
        flipped(-1),
        lambda data: b"",
        lambda data: data[:31],
        lambda data: data[:32],
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        lambda data: data + b"\0",
    ],
)
def test_a_damaged_file_is_compiled_again_and_repaired(setup, fresh, damage):
    answers_right()
    kept = setup.only()
    kept.write_bytes(damage(kept.read_bytes()))
    fresh()
    answers_right()
    assert setup.calls == 2 and setup.only() == kept
    fresh()
    answers_right()
    assert setup.calls == 2


def test_a_cache_that_cannot_be_read_is_no_hindrance(setup, fresh):
    answers_right()
    kept = setup.only()
    kept.unlink()
    kept.mkdir()  # a folder of that name can neither be read nor replaced
    fresh()
    answers_right()
    assert setup.calls == 2 and kept.is_dir() and setup.kept() == [kept]  # and nothing is left beside it


def test_a_cache_folder_that_cannot_be_made_means_compiling_each_time(setup, fresh, monkeypatch):
    (setup.folder / "file").write_text("")
    monkeypatch.setenv(build.CACHE_VARIABLE, str(setup.folder / "file" / "cache"))
    for calls in (1, 2):
        fresh()
        answers_right()
        assert setup.calls == calls


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC, errno.EDQUOT])
def test_a_cache_that_cannot_be_written_is_no_hindrance(setup, monkeypatch, number):
    def refuse(path, data):
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(build, "write_atomically", refuse)
    answers_right()
    assert setup.calls == 1 and not setup.cache.exists()


def test_two_processes_that_compile_at_once_both_answer_right(setup):
    """The compiler waits until both have begun, then is the real one."""
    begun, real = setup.folder / "begun", build.find_compiler("g++")
    begun.mkdir()
    wait = f'touch "{begun}/$$"; n=0; while [ $(ls "{begun}" | wc -l) -lt 2 ] && [ $n -lt 600 ]; do n=$((n+1)); sleep 0.1; done'
    script(setup.compiler, f'echo "$@" >> "{setup.log}"\n{wait}\nexec "{real}" "$@" -O0')
    both = [
        subprocess.Popen([sys.executable, "-c", RUN_ALONE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert all(out.startswith("fast") and "numpy" not in out for out, _ in said)
    assert setup.calls == 2 and len(list(begun.iterdir())) == 2
    (kept,) = setup.kept()  # one file, and nothing begun beside it
    assert build._whole(kept) is not None


def test_whether_the_engine_is_compiled_can_be_asked(setup, monkeypatch):
    assert build.has_compiler() and not build.is_compiled()
    build.compiled()
    assert build.is_compiled()
    setup.only().write_bytes(b"damaged")
    assert not build.is_compiled()
    monkeypatch.setenv("PATH", str(setup.folder / "nothing"))
    monkeypatch.delenv("CXX")
    assert not build.has_compiler() and build.is_compiled()  # there is nothing to wait for
    assert setup.calls == 1


@pytest.fixture
def no_compiler(setup, monkeypatch):
    monkeypatch.setenv("PATH", str(setup.folder / "nothing"))
    monkeypatch.delenv("CXX")
    return setup


def test_without_a_compiler_numpy_answers_and_says_why(no_compiler):
    engine = answers_right("auto")
    assert "numpy" in engine.name
    assert "no C++ compiler was found" in engine.why_numpy and "g++" in engine.why_numpy
    assert answers_right("numpy").why_numpy == ""


@pytest.mark.parametrize("backend", ["native", "interpreted"])
def test_without_a_compiler_native_code_is_refused(no_compiler, backend):
    with pytest.raises(ToolError, match=r"no C\+\+ compiler was found.*g\+\+ 9 or newer.*\$CXX"):
        FastExecutor(tiny_network(), backend=backend)


def test_with_a_compiler_nothing_is_to_be_explained(setup):
    engine = answers_right("auto")
    assert "numpy" not in engine.name and engine.why_numpy == ""


def test_a_compiler_that_is_named_but_missing_gives_way_to_another(setup, monkeypatch):
    monkeypatch.setenv("PATH", str(setup.folder))
    monkeypatch.setenv("CXX", "no-such-compiler")
    for name in ("clang++", "g++"):  # g++ first, where both are
        shutil.copy(setup.compiler, setup.folder / name)
        assert build.find_compiler() == str(setup.folder / name)
    assert build.find_compiler("clang++") == str(setup.folder / "clang++")
    monkeypatch.setenv("CXX", "clang++")
    assert build.find_compiler() == str(setup.folder / "clang++")


def test_a_compiler_that_fails_is_quoted(setup):
    lines = "".join(f'echo "engine.cpp:{n}: error: number {n}." >&2; echo "note {n}" >&2\n' for n in range(1, 21))
    script(setup.compiler, f'echo "$@" >> "{setup.log}"\n{lines}exit 1')
    with pytest.raises(ToolError) as raised:
        FastExecutor(tiny_network(), backend="native")
    first, *quoted = str(raised.value).splitlines()
    assert str(setup.compiler) in first and "g++ 9 or newer" in first
    assert quoted == [f"engine.cpp:{n}: error: number {n}." for n in range(1, 9)]
    assert not setup.cache.exists()
    engine = answers_right("auto")
    assert "numpy" in engine.name and "error: number 1." in engine.why_numpy


def test_a_compiler_that_fails_in_other_words_is_quoted_too(setup):
    script(setup.compiler, 'echo "Killed (signal 9)" >&2; exit 137')
    with pytest.raises(ToolError, match=r"Killed \(signal 9\)"):
        build.compiled()


def test_an_error_of_the_real_compiler_is_quoted(tmp_path, monkeypatch, fresh):
    monkeypatch.setenv(build.CACHE_VARIABLE, str(tmp_path))
    monkeypatch.setenv(build.FLAGS_VARIABLE, "-include /no/such/header.hpp")
    with pytest.raises(ToolError, match=r"fatal error: /no/such/header\.hpp"):
        build.compiled()
    assert list(tmp_path.iterdir()) == []


def test_a_compiler_that_does_not_end_is_given_up(setup, monkeypatch):
    script(setup.compiler, "exec sleep 60")
    monkeypatch.setattr(build, "COMPILE_DEADLINE_S", 0.05)
    with pytest.raises(ToolError, match=r"not compiled within 0\.05 s"):
        build.compiled()
    assert not setup.cache.exists()
    assert "numpy" in answers_right("auto").name


@pytest.mark.parametrize(
    "text",
    [
        "exit 0",
        'for last in "$@"; do :; done; echo "no library" > "$last"',
        'for last in "$@"; do :; done; : > "$last"',
    ],
    ids=["nothing", "text", "empty"],
)
def test_a_compiler_that_makes_no_library_is_refused_and_not_kept(setup, fresh, text):
    good = setup.compiler.read_text()
    script(setup.compiler, text)
    with pytest.raises(ToolError):
        build.compiled()
    assert "numpy" in answers_right("auto").name
    setup.compiler.write_text(good)
    fresh()
    answers_right()
    setup.only()


def test_a_compiler_that_cannot_be_started_is_refused(setup):
    setup.compiler.write_bytes(b"\x7fELF no program")
    with pytest.raises(ToolError):
        build.compiled()
    assert "numpy" in answers_right("auto").name


def test_a_library_that_may_not_be_loaded_is_refused(setup, monkeypatch):
    """As from a folder for temporary files that is mounted noexec."""

    def refuse(path):
        raise OSError(f"{path}: failed to map segment from shared object")

    monkeypatch.setattr(build.ctypes, "CDLL", refuse)
    with pytest.raises(ToolError, match="failed to map segment"):
        build.compiled()
    assert "numpy" in answers_right("auto").name


def test_no_room_for_temporary_files_is_refused(setup, monkeypatch):
    def refuse(**_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(build.tempfile, "TemporaryDirectory", refuse)
    with pytest.raises(ToolError, match="No space left"):
        build.compiled()
    assert "numpy" in answers_right("auto").name
