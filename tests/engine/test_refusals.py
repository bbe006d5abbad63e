# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""What the fast engine refuses, and what it does when it is refused something: memory, threads, time, or the answer."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from lutforge import reference
from lutforge.engine import executor
from lutforge.engine.build import find_compiler
from lutforge.engine.executor import FastExecutor
from lutforge.engine.native import NativeBackend
from lutforge.engine.program import Matmul, Netlist
from lutforge.errors import EngineError, InputError, ToolError
from lutforge.network import Network, Node
from lutforge.numerics import argmax
from lutforge.operations import Affine, ArgMax, Input, LutNeurons, TableMac, Threshold

DEADLINE_S = 20
"""For what should happen at once."""


def tables_network(low=0, high=255):
    """Gates: codes of two bits, tables, sums, and a head of its own."""
    rng = np.random.default_rng(5)
    wiring = np.stack([rng.choice(12, 4, replace=False) for _ in range(40)])
    neuron, weight = np.repeat(np.arange(5), 8), rng.integers(1, 4, 40)
    luts = LutNeurons(5, 6, 2, wiring, neuron, weight, rng.integers(0, 2, (40, 16)))
    return Network(
        "gates",
        (
            Node("x", Input((6,), low, high)),
            Node("code", Threshold(np.array([[low + 60, low + 130, low + 200]])), ("x",)),
            Node("luts", luts, ("code",)),
            Node("head", Affine(np.full(5, 3), np.arange(5)), ("luts",)),
            Node("argmax", ArgMax(), ("head",)),
        ),
    )


def products_network():
    rng = np.random.default_rng(6)
    weights = rng.integers(-9, 10, (4, 7))
    return Network("products", (Node("x", Input((7,), -8, 7)), Node("last", TableMac(weights, np.arange(4)), ("x",))))


def images_of(network, count, seed=7):
    kind = network.input
    return np.random.default_rng(seed).integers(kind.low, kind.high + 1, (count, *kind.shape))


@pytest.fixture
def small_parts(monkeypatch):
    """Parts of one block each, so that a few thousand images are many parts."""
    monkeypatch.setattr(executor, "CHUNK_BYTES", 1)


# --- Executable memory ---

REFUSE_EXEC = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
int mprotect(void *address, size_t size, int protection) {
    if (protection & PROT_EXEC) { errno = EACCES; return -1; }
    return ((int (*)(void *, size_t, int))dlsym(RTLD_NEXT, "mprotect"))(address, size, protection);
}
"""

RUN_ALONE = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
import numpy as np, test_refusals as here
from lutforge import reference
from lutforge.engine.build import compiled
network = here.tables_network()
images = here.images_of(network, 1500)
engine = here.FastExecutor(network, backend=sys.argv[1])
assert np.array_equal(engine.run(images), reference.run(network, images))
assert all(np.array_equal(a, b) for a, b in zip(engine.trace(images).values(), reference.trace(network, images).values()))
print(compiled().lutforge_engine_has_code(), "|", engine.name)
"""


def run_alone(backend, **environment):
    command = [sys.executable, "-c", RUN_ALONE, backend]
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    has_code, name = done.stdout.strip().split(" | ")
    return has_code != "0", name


@pytest.fixture(scope="module")
def no_executable_memory(tmp_path_factory):
    """A library to load before all others, which refuses memory that may be executed."""
    folder = tmp_path_factory.mktemp("refuse")
    source, made = folder / "refuse.c", folder / "refuse.so"
    source.write_text(REFUSE_EXEC)
    command = [find_compiler(), "-x", "c", "-shared", "-fPIC", str(source), "-o", str(made), "-ldl"]
    subprocess.run(command, check=True)
    return str(made)


def test_where_executable_memory_is_refused_gates_are_interpreted(no_executable_memory):
    has_code, name = run_alone("native", LD_PRELOAD=no_executable_memory)
    assert (", executable memory refused" in name) == has_code and ", code" not in name


def test_elsewhere_machine_code_runs(no_executable_memory):
    has_code, name = run_alone("native")
    assert (", code" in name) == has_code and "refused" not in name
    _, name = run_alone("interpreted", LD_PRELOAD=no_executable_memory)
    assert "code" not in name and "refused" not in name  # nothing was asked for


# --- An engine that differs ---


def altered(monkeypatch, change, only=None):
    """Let every program that is planned (or only one kind of them) be changed before it is made."""
    plan = executor.plan

    def planned(network, **how):
        program = plan(network, **how)
        if only is not None and not how.get(only):
            return program
        assert any(change(stage) is not stage for stage in program.stages)
        return replace(program, stages=tuple(change(stage) for stage in program.stages))

    monkeypatch.setattr(executor, "plan", planned)


def other_output(stage):
    """The lowest bit of the first sum, complemented: every answer differs."""
    if not isinstance(stage, Netlist):
        return stage
    tables = stage.tables.copy()
    tables[stage.outputs[0] - stage.inputs] ^= ~np.uint64(0)
    return replace(stage, tables=tables)


def silent_output(stage):
    """The highest bit of the last neuron, which never flips: to complement it would change no count."""
    if not isinstance(stage, Netlist):
        return stage
    tables, flipping = stage.tables.copy(), stage.outputs.tolist()[-2]
    tables[flipping - stage.inputs] = 0
    return replace(stage, tables=tables)


def other_bias(stage):
    return replace(stage, bias=stage.bias + (np.arange(len(stage.bias)) == 2)) if isinstance(stage, Matmul) else stage


def other_weight(stage):
    if not isinstance(stage, Matmul):
        return stage
    weights = stage.passes[0].weights.copy()
    weights[1, 3] ^= 1
    return replace(stage, passes=(replace(stage.passes[0], weights=weights), *stage.passes[1:]))


every_backend = pytest.mark.parametrize("backend", ["native", "interpreted", "numpy"])


def refused(make, of=f"{executor.CHECKED_IMAGES} random images"):
    """(images that differ, node) of the refusal."""
    with pytest.raises(EngineError) as raised:
        make()
    said = re.fullmatch(
        r"the fast engine \(([^)]*)\) differs from the reference on (\d+) of ([\w ]+), node (\w+); it is refused\. .*",
        str(raised.value),
    )
    assert said is not None, raised.value
    assert said[3] == of
    return int(said[2]), said[4]


@every_backend
def test_an_engine_with_another_table_is_refused(monkeypatch, backend):
    altered(monkeypatch, other_output)
    assert refused(lambda: FastExecutor(tables_network(), backend=backend)) == (executor.CHECKED_IMAGES, "head")


@every_backend
def test_an_engine_with_another_bias_is_refused(monkeypatch, backend):
    altered(monkeypatch, other_bias)
    assert refused(lambda: FastExecutor(products_network(), backend=backend)) == (executor.CHECKED_IMAGES, "last")


@every_backend
def test_an_engine_with_another_weight_is_refused_for_the_images_that_show_it(monkeypatch, backend):
    network, checked, run = products_network(), [], reference.run
    monkeypatch.setattr(reference, "run", lambda net, images: checked.append(images) or run(net, images))
    altered(monkeypatch, other_weight)
    count, node = refused(lambda: FastExecutor(network, backend=backend))
    assert node == "last" and count == np.count_nonzero(checked[0][:, 3] != network.input.low) < executor.CHECKED_IMAGES


@every_backend
def test_a_program_that_traces_wrongly_is_refused_when_it_is_made(monkeypatch, backend):
    network = tables_network()
    altered(monkeypatch, other_output, only="traced")
    engine = FastExecutor(network, backend=backend)
    images = images_of(network, 100)
    for _ in range(2):
        found = refused(lambda: engine.trace(images))
        assert found == (executor.CHECKED_IMAGES, "luts")  # the first node that differs, not the last
    assert np.array_equal(engine.run(images), reference.run(network, images))
    assert np.array_equal(engine.classes(images), argmax(reference.run(network, images)))


@every_backend
def test_a_program_that_counts_wrongly_is_refused_when_it_is_made(monkeypatch, backend):
    network = tables_network()
    altered(monkeypatch, silent_output, only="counting")
    engine = FastExecutor(network, backend=backend)
    images = images_of(network, 100)
    for _ in range(2):
        assert refused(lambda: engine.toggles(images), "5 elements") == (1, "luts")
    assert np.array_equal(engine.run(images), reference.run(network, images))


@every_backend
def test_a_program_that_classifies_wrongly_is_refused_when_it_is_made(monkeypatch, backend):
    network = products_network()

    def other(stage):
        return replace(stage, bias=stage.bias + (np.arange(4) == 2) * 100_000) if isinstance(stage, Matmul) else stage

    altered(monkeypatch, other, only="classes")
    engine, images = FastExecutor(network, backend=backend), images_of(network, 100)
    count, node = refused(lambda: engine.classes(images))
    assert node == "class" and 0 < count < executor.CHECKED_IMAGES
    assert np.array_equal(engine.run(images), reference.run(network, images))


# --- Arguments ---


def test_an_unknown_backend_is_refused():
    with pytest.raises(
        EngineError, match="engine backend 'gpu' is unknown; use one of auto, native, interpreted, numpy"
    ):
        FastExecutor(products_network(), backend="gpu")


@pytest.mark.parametrize("threads", [0, -3])
def test_no_threads_are_refused(threads):
    with pytest.raises(EngineError, match=f"{threads} threads; at least one is wanted"):
        FastExecutor(products_network(), threads=threads)


def wrong_images(network):
    good = images_of(network, 4)
    kind = network.input
    too_large, too_small = good.copy(), good.copy()
    too_large[3, -1], too_small[0, 0] = kind.high + 1, kind.low - 1
    return {
        "one element too few": good[:, :-1],
        "one element too many": np.concatenate([good, good[:, :1]], axis=1),
        "no batch": good[0],
        "an axis too many": good[..., None, None],
        "a number": good[0, 0],
        "floats": good.astype(np.float32),
        "bools": good.astype(bool),
        "objects": good.astype(object),
        "texts": good.astype(str),
        "too large": too_large,
        "too small": too_small,
        "far too large": good.astype(np.uint64) + np.uint64(2**63),
    }


@pytest.mark.parametrize("make", [tables_network, lambda: tables_network(-1000, 1000), products_network])
def test_wrong_images_are_refused_as_the_reference_does(make):
    network = make()
    engine = FastExecutor(network, threads=1)
    for what, images in wrong_images(network).items():
        with pytest.raises(InputError) as wanted:
            reference.run(network, images)
        for ask in (engine.run, engine.classes, engine.trace, engine.toggles):
            with pytest.raises(InputError) as raised:
                ask(images)
            assert str(raised.value) == str(wanted.value), what


@pytest.mark.parametrize(
    "dtype", [np.uint8, np.int8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64, ">i4"]
)
@every_backend
def test_images_of_any_integer_type_and_order_in_memory(dtype, backend):
    network = tables_network(3, 120)
    images = images_of(network, 70)
    wanted = reference.run(network, images)
    engine = FastExecutor(network, backend=backend, threads=1)
    typed = images.astype(dtype)
    for form in (typed, np.asfortranarray(typed), np.repeat(typed, 2, axis=0)[::2], typed[::-1].copy()[::-1]):
        assert np.array_equal(engine.run(form), wanted)


# --- Memory ---


@pytest.mark.parametrize("make", [tables_network, products_network])
@pytest.mark.parametrize("backend", ["native", "numpy"])
def test_too_little_memory_is_refused_and_the_least_is_enough_for_one_thread(make, backend, small_parts, monkeypatch):
    network = make()
    images = images_of(network, 9000)
    wanted = reference.run(network, images)
    engine = FastExecutor(network, backend=backend, threads=4, max_memory=1)
    with pytest.raises(InputError, match=r"9000 images want .* MiB .* for a thread; the limit is 0\.0 MiB\. Raise it"):
        engine.run(images)

    def runs(limit):
        engine.max_memory = limit
        try:
            assert np.array_equal(engine.run(images), wanted)
        except InputError:
            return False
        return True

    refused, enough = 1, 1 << 32
    assert runs(enough)
    while enough - refused > 1:
        middle = (refused + enough) // 2
        refused, enough = (refused, middle) if runs(middle) else (middle, enough)
    assert enough > wanted.nbytes  # the answers alone
    workers = set()
    run = type(engine._logits).run

    def noted(self, raw, outputs):
        workers.add(threading.get_ident())
        run(self, raw, outputs)

    monkeypatch.setattr(type(engine._logits), "run", noted)
    assert runs(enough) and workers == {threading.get_ident()}


def test_memory_for_few_images_may_be_too_little_for_many(small_parts):
    network = tables_network()
    images = images_of(network, 20_000)
    engine = FastExecutor(network, threads=2, max_memory=0)
    engine.max_memory = engine._logits.memory_bytes + (1 << 20)
    assert np.array_equal(engine.run(images[:100]), reference.run(network, images[:100]))
    engine.max_memory = engine._logits.memory_bytes + 20_000 * 5 * 8 - 1
    with pytest.raises(InputError, match=r"20000 images want 0\.8 MiB for their answers"):
        engine.run(images)


# --- Threads, progress, interruption ---


@pytest.mark.parametrize("make", [tables_network, products_network])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_do_not_depend_on_threads(make, threads, small_parts):
    network = make()
    images = images_of(network, 19_999)
    logits = reference.run(network, images)
    told = []
    engine = FastExecutor(network, threads=threads, on_images=told.append)
    assert np.array_equal(engine.run(images), logits)
    assert sum(told) == 19_999 and len(told) > 5 and min(told) > 0
    assert np.array_equal(engine.classes(images), argmax(logits))
    assert sum(told) == 2 * 19_999
    traced = engine.trace(images[:7001])
    for name, values in reference.trace(network, images[:7001]).items():
        assert np.array_equal(traced[name], values), name
    assert sum(told) == 2 * 19_999 + 7001


@pytest.mark.parametrize("threads", [2, 5])
def test_threads_work_side_by_side(threads, small_parts, monkeypatch):
    network = products_network()
    engine = FastExecutor(network, threads=threads)
    images = images_of(network, 3000)
    together, lock, begun = threading.Barrier(threads), threading.Lock(), []
    run = NativeBackend.run

    def meeting(self, raw, outputs):
        with lock:
            begun.append(threading.get_ident())
            first = len(begun) <= threads
        if first:
            together.wait(DEADLINE_S)  # breaks if fewer are at work
        run(self, raw, outputs)

    monkeypatch.setattr(NativeBackend, "run", meeting)
    assert np.array_equal(engine.run(images), reference.run(network, images))
    assert len(set(begun)) == threads and threading.get_ident() not in begun


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 5000])
@pytest.mark.parametrize("threads", [1, 3])
def test_progress_adds_up_to_the_images(count, threads, small_parts):
    network, told = products_network(), []
    engine = FastExecutor(network, threads=threads, on_images=told.append)
    assert told == []  # the check is no progress
    assert len(engine.run(images_of(network, count))) == count
    assert sum(told) == count


def working():
    return [thread for thread in threading.enumerate() if thread.name.startswith("lutforge-engine")]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_interruption_leaves_no_thread_at_work_and_the_engine_usable(error, small_parts, monkeypatch):
    """The first part ends and is told, the others wait until the pool was told to give up."""
    network, threads = products_network(), 3
    images = images_of(network, 20_000)
    cancelled, lock, begun = threading.Event(), threading.Lock(), []

    class Pool(ThreadPoolExecutor):
        def shutdown(self, wait=True, *, cancel_futures=False):
            super().shutdown(False, cancel_futures=cancel_futures)
            cancelled.set()
            super().shutdown(wait)

    def interrupt(_):
        raise error("stop")

    run = NativeBackend.run

    def waiting(self, raw, outputs):
        with lock:
            begun.append(len(raw))
            first = len(begun) == 1
        assert first or cancelled.wait(DEADLINE_S)
        run(self, raw, outputs)

    engine = FastExecutor(network, threads=threads, on_images=interrupt)
    with monkeypatch.context() as patched:
        patched.setattr(executor, "ThreadPoolExecutor", Pool)
        patched.setattr(NativeBackend, "run", waiting)
        with pytest.raises(error, match="stop"):
            engine.run(images)
        assert working() == []
        assert len(begun) <= threads + 1  # of more than 300 parts
    engine.on_images = None
    assert np.array_equal(engine.run(images), reference.run(network, images))


def test_an_interruption_of_one_thread_ends_at_once(small_parts):
    network, told = tables_network(), []

    def interrupt(images):
        told.append(images)
        if len(told) == 2:
            raise KeyboardInterrupt

    engine = FastExecutor(network, threads=1, on_images=interrupt)
    images = images_of(network, 20_000)
    with pytest.raises(KeyboardInterrupt):
        engine.run(images)
    assert len(told) == 2 and working() == []
    assert np.array_equal(engine.run(images), reference.run(network, images))


def test_an_error_of_one_thread_reaches_the_caller(small_parts, monkeypatch):
    network = products_network()
    images = images_of(network, 20_000)
    engine = FastExecutor(network, threads=3)
    run, parts = NativeBackend.run, []

    def failing(self, raw, outputs):
        parts.append(len(raw))
        if len(parts) == 7:
            raise ToolError("the engine failed: no memory for a block of images")
        run(self, raw, outputs)

    with monkeypatch.context() as patched:
        patched.setattr(NativeBackend, "run", failing)
        with pytest.raises(ToolError, match="no memory for a block"):
            engine.run(images)
    assert working() == []
    assert np.array_equal(engine.run(images), reference.run(network, images))


def test_callers_may_share_an_engine(small_parts):
    network = tables_network()
    images = images_of(network, 8000)
    wanted = reference.run(network, images)
    engine = FastExecutor(network, threads=2)
    with ThreadPoolExecutor(3) as pool:
        for found in pool.map(lambda _: engine.run(images), range(6)):
            assert np.array_equal(found, wanted)
        for found in pool.map(lambda _: engine.classes(images), range(6)):  # its program is made by whoever is first
            assert np.array_equal(found, argmax(wanted))


# --- Toggles ---


def flips(network, images):
    """Flips of each bit of each edge, one pair of images and one value at a time."""
    traced = reference.trace(network, images)
    counts = {}
    for name, kind in network.types.items():
        found = np.zeros((kind.elements, kind.bits), dtype=np.int64)
        values = (traced[name].reshape(len(images), kind.elements) % (1 << kind.bits)).tolist()
        for old, new in pairwise(values):
            for element, (a, b) in enumerate(zip(old, new, strict=True)):
                for bit in range(kind.bits):
                    found[element, bit] += (a >> bit & 1) != (b >> bit & 1)
        counts[name] = found
    return counts


@pytest.mark.parametrize("backend", ["native", "numpy"])
def test_toggles_count_the_bits_that_flip(random_networks, network_kind, backend, small_parts):
    for seed, count in enumerate((0, 1, 2, 9)):
        rng = np.random.default_rng([seed, len(network_kind)])
        network = random_networks.make_random_network(rng, network_kind)
        images = random_networks.make_random_images(rng, network, count)
        found, wanted = FastExecutor(network, backend=backend, threads=1).toggles(images), flips(network, images)
        assert set(found) == set(wanted)
        for name, counts in wanted.items():
            assert found[name].dtype == np.int64 and np.array_equal(found[name], counts), (network_kind, seed, name)
            assert count > 1 or not counts.any()


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("count", [63, 64, 65, 128, 129, 300])
def test_toggles_between_parts_are_counted_once(count, threads, small_parts):
    network = products_network()
    images = images_of(network, count)
    engine = FastExecutor(network, threads=threads)
    assert engine._counting.block == 64  # so that the counts lie around a part's end
    found = engine.toggles(images)
    for name, counts in flips(network, images).items():
        assert np.array_equal(found[name], counts), name


def test_toggles_of_many_images_take_no_more_memory_than_of_few(small_parts):
    network = products_network()
    few, many = images_of(network, 300), images_of(network, 20_000)
    engine = FastExecutor(network, threads=1, max_memory=1 << 20)
    assert engine.toggles(few)["last"].any()
    values = reference.run(network, many)[..., None] >> np.arange(network.types["last"].bits) & 1
    assert np.array_equal(engine.toggles(many)["last"], (values[1:] != values[:-1]).sum(axis=0))


def test_toggles_of_an_input_alone():
    network = Network("alone", (Node("x", Input((3,), -3, 4)),))
    images = images_of(network, 20)
    for backend in ("native", "numpy"):
        engine = FastExecutor(network, backend=backend)
        assert np.array_equal(engine.toggles(images)["x"], flips(network, images)["x"])
        assert np.array_equal(engine.run(images), images)


def test_toggles_of_many_images_of_gates(small_parts):
    network = tables_network(-1000, 1000)
    images = images_of(network, 7000)
    traced = reference.trace(network, images)
    for name, counts in FastExecutor(network, threads=2).toggles(images).items():
        kind = network.types[name]
        bits = traced[name].reshape(7000, -1)[..., None] >> np.arange(kind.bits) & 1
        assert np.array_equal(counts, (bits[1:] != bits[:-1]).sum(axis=0)), name
