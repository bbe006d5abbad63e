# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The command as a user runs it: every stage, files in and out, JSON, exit codes, and what it says on mistakes."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import lutforge
from lutforge.training.frozen import load_frozen, save_frozen


def lutforge_command(*words, env=None):
    return subprocess.run(
        [sys.executable, "-m", "lutforge.cli", *map(str, words)], capture_output=True, text=True, check=False, env=env
    )


def good(*words):
    run = lutforge_command(*words, "--json")
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.fixture(scope="session")
def stages(tmp_path_factory):
    """Every stage once, on digits: a folder with what each wrote, and what each said."""
    folder = tmp_path_factory.mktemp("stages")
    said = {"train": good("train", "lutnet_digits", "-o", folder)}
    said["export"] = good("export", said["train"]["frozen"], "-o", folder / "net.npz")
    said["generate"] = good("generate", folder / "net.npz", "-o", folder / "overlay", "--output", "both")
    images = said["train"]["images"]
    said["csim"] = good("csim", folder / "overlay", "--images", images, "-o", folder / "csim.npz")
    said["run"] = good("run", folder / "net.npz", "--images", images, "-o", folder / "run.npz")
    return folder, said


def test_the_stages_agree_with_each_other(stages):
    folder, said = stages
    answers, simulated = np.load(folder / "run.npz"), np.load(folder / "csim.npz")
    assert np.array_equal(answers["logits"], simulated["logits"])
    assert str(answers["executor"]).startswith("fast (") and str(simulated["executor"]) == "csim"
    labels = np.load(said["train"]["images"])["labels"]
    accuracy = round(100 * float((answers["classes"] == labels).mean()), 2)
    assert accuracy == said["run"]["accuracy_percent"] == said["train"]["test_accuracy_percent"] > 90
    assert said["export"]["sha256"] == lutforge.digest(lutforge.load(folder / "net.npz"))
    assert said["generate"]["fits"] and said["generate"]["label"].startswith("estimated")


def test_check_of_all_executors(stages):
    folder, said = stages
    words = ["check", folder / "net.npz", "--images", said["train"]["images"], "--overlay", folder / "overlay"]
    run = lutforge_command(
        *words, "--executors", "torch,reference,fast,csim,device,device-csim", "--checkpoint", said["train"]["frozen"]
    )
    assert run.returncode == 0, run.stderr
    for name in ("fast (", "device (emulated: fast)", "device (emulated: csim)"):
        assert name in run.stdout
    assert "all 6 executors answer all 449 images with equal integers" in " ".join(run.stderr.split())


@pytest.fixture(scope="session")
def small(random_networks, tmp_path_factory):
    """A small network with tables, its images, and an overlay folder: Verilog of digits takes minutes to synthesise."""
    folder = tmp_path_factory.mktemp("small")
    rng = np.random.default_rng(18)
    network = random_networks.make_random_network(rng, "lut")
    lutforge.save(network, folder / "net.npz")
    np.savez(folder / "images.npz", images=random_networks.make_random_images(rng, network, 40))
    good("generate", folder / "net.npz", "-o", folder / "overlay", "--schedule", "2x2")
    return folder


def needs(*tools):
    for tool in tools:
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed (apt install {tool})")
    pytest.importorskip("pyosys", reason="pyosys is not installed: pip install 'lutforge[synth]'")


def test_rtl_measures_the_cycles_that_were_predicted(small):
    needs("verilator")
    said = good("rtl", small / "overlay", "--simulator", "verilator", "--limit", 30)
    assert said["executor"] == "rtl: verilator" and said["images"] == 30
    assert said["latency_cycles_measured"] == said["latency_cycles_predicted"]
    assert said["cycles_per_image_measured"] == said["cycles_per_image_predicted"]


def test_engines_answer_alike_and_say_who_they_are(small):
    def answers(*words):
        said = good("run", small / "net.npz", "--images", small / "images.npz", "-o", small / "answers.npz", *words)
        return said["executor"], np.load(small / "answers.npz")["logits"]

    golden = answers("--engine", "reference")
    assert golden[0] == "reference"
    for words in ((), ("--engine", "fast"), ("--threads", 2, "--max-memory", 64), ("--executor", "fast")):
        name, logits = answers(*words)
        assert name.startswith("fast (") and np.array_equal(logits, golden[1]), words
    run = lutforge_command("run", small / "net.npz", "--images", small / "images.npz", "--engine", "quick")
    assert run.returncode == 2
    assert "--engine quick: use one of auto, reference, fast" in " ".join(run.stderr.split())


def test_run_counts_flips(small):
    words = ("run", small / "net.npz", "--images", small / "images.npz", "--toggles", small / "toggles.npz")
    said = good(*words)
    network, images = lutforge.load(small / "net.npz"), np.load(small / "images.npz")["images"]
    counts = np.load(small / "toggles.npz")
    traced = lutforge.reference.trace(network, images)
    for name, kind in network.types.items():
        values = traced[name].reshape(len(images), -1)
        flips = ((values[1:] ^ values[:-1])[..., None] >> np.arange(kind.bits)) & 1
        assert np.array_equal(counts[name], flips.sum(axis=0)), name
        assert said["flips_per_image"][name] == round(flips.sum() / (len(images) - 1), 2)
    run = lutforge_command(*words, "--engine", "reference")
    assert run.returncode == 2 and "reference counts no flips; use --engine fast" in " ".join(run.stderr.split())


def test_rtl_names_the_simulators_it_knows(small):
    run = lutforge_command("rtl", small / "overlay", "--simulator", "modelsim")
    assert run.returncode == 2
    assert "--simulator modelsim: use one of auto, verilator, netlist" in " ".join(run.stderr.split())


@pytest.mark.slow
def test_check_of_every_simulation_of_the_verilog(small):
    needs("verilator")
    run = lutforge_command(
        *("check", small / "net.npz", "--images", small / "images.npz", "--schedule", "2x2+carry"),
        *("--executors", "reference,rtl,rtl-netlist,device-rtl"),
    )
    assert run.returncode == 0, run.stderr
    for name in ("rtl: verilator", "rtl: netlist", "device (emulated: rtl)"):
        assert name in run.stdout
    assert "all 4 executors answer all 40 images with equal integers" in " ".join(run.stderr.split())


@pytest.mark.slow
def test_synth_counts_and_says_what_it_is_not(small):
    needs()
    said = good("synth", small / "net.npz", "--schedule", "2x2", "-o", small / "synth.json")
    assert json.loads((small / "synth.json").read_text()) == said
    run = lutforge_command("synth", small / "net.npz", "--schedule", "2x2", "--html", small / "synth.html")
    assert run.returncode == 0 and "No place and route" in " ".join((run.stdout + run.stderr).split())
    assert "No place and route" in (small / "synth.html").read_text()


@pytest.mark.parametrize("route", ["hls", "rtl"])
def test_overlay_writes_a_plan(small, tmp_path, route):
    needs()
    said = good("overlay", small / "net.npz", "--route", route, "--schedule", "2x2", "-o", tmp_path / "plan")
    assert said["route"] == route and (tmp_path / "plan" / "build.sh").is_file()
    boxes = list((tmp_path / "plan").glob("black_boxes/*.json"))
    assert bool(boxes) == (route == "hls")


def test_report(stages):
    folder, said = stages
    target = folder / "report.html"
    document = good(
        "report", folder / "net.npz", "--images", said["train"]["images"], "--overlay", folder / "overlay", "-o", target
    )
    html = target.read_text()
    assert document["equal"] and document["report"] == str(target)
    assert html.count("data:image/png;base64,") == 3 and "http://" not in html and 'src="/' not in html
    for text in ("Confusion matrix", "equal to the last bit", document["sha256"], "not timing-closed", "estimated"):
        assert text in html


def flip(tables):
    """Flip one bit of the first table, at the address where all its inputs are 0."""
    tables[0, 0] ^= 1


def test_a_flipped_bit_in_the_torch_checkpoint_is_named(stages):
    folder, said = stages
    model = load_frozen(said["train"]["frozen"])
    node = next(name for name, step in model.steps if type(step).__name__ == "LutNeurons")
    flip(dict(model.steps)[node].tables)
    save_frozen(model, folder / "flipped.pt")
    run = lutforge_command(
        "check", folder / "net.npz", "--images", said["train"]["images"],
        "--executors", "reference,torch", "--checkpoint", folder / "flipped.pt",
    )  # fmt: skip
    names_the_place(run, node, "reference", "torch")


def test_a_flipped_bit_in_the_network_file_is_named(stages):
    """The reference runs the altered file, torch the untouched checkpoint."""
    folder, said = stages
    network = lutforge.load(folder / "net.npz")
    node = next(node for node in network.nodes if type(node.op).__name__ == "LutNeurons")
    tables = node.op.tables.copy()
    flip(tables)
    altered = type(node.op)(
        node.op.neurons, node.op.elements, node.op.bits, node.op.wiring, node.op.neuron, node.op.weight, tables
    )
    nodes = tuple(lutforge.Node(n.name, altered, n.inputs) if n is node else n for n in network.nodes)
    lutforge.save(lutforge.Network(network.name, nodes), folder / "flipped.npz")
    run = lutforge_command(
        "check", folder / "flipped.npz", "--images", said["train"]["images"],
        "--executors", "torch,reference", "--checkpoint", said["train"]["frozen"],
    )  # fmt: skip
    names_the_place(run, node.name, "torch", "reference")


@pytest.mark.parametrize("executor", ["csim", "device-csim"])
def test_a_flipped_bit_in_the_generated_tables_is_named(stages, tmp_path, executor):
    folder, said = stages
    overlay = tmp_path / "overlay"
    good("generate", folder / "net.npz", "-o", overlay)
    network = lutforge.load(folder / "net.npz")
    node = next(node.name for node in network.nodes if type(node.op).__name__ == "LutNeurons")
    header = overlay / "src" / "params" / f"{node}.hpp"
    text = header.read_text()
    match = re.search(rf"{node}_init\[\d+\] =\s*{{(\d+)", text)
    assert match, text[:400]
    flipped = str(int(match.group(1)) ^ 1)
    header.write_text(text[: match.start(1)] + flipped + text[match.end(1) :])
    run = lutforge_command(
        "check", folder / "net.npz", "--images", said["train"]["images"], "--executors", f"reference,{executor}",
        "--overlay", overlay,
    )  # fmt: skip
    names_the_place(run, node, "reference", "csim" if executor == "csim" else "device (emulated: csim)")


def names_the_place(run, node, left, right):
    """Exit code 1, and the node, the element and both executors by name."""
    said = " ".join(run.stderr.split())
    assert run.returncode == 1, said
    place = re.search(
        rf"image \d+, node {node}, element \[\d+\]: {re.escape(left)} says \d+, {re.escape(right)} says", said
    )
    assert place, said


@pytest.fixture
def fails(in_process):
    """A check that a command ends with code 2 and a message."""

    def check(text, *words):
        run = in_process(*words)
        said = " ".join(run.stderr.split())
        assert run.returncode == 2, (run.returncode, said)
        assert re.search(text, said), said
        assert "Traceback" not in said

    return check


def test_mistakes_are_explained(stages, tmp_path, fails):
    folder, said = stages
    net, images = folder / "net.npz", said["train"]["images"]
    fails(r"board 'pynq_z9' is unknown; known: .*pynq_z2.*, zcu104", "generate", net, "--board", "pynq_z9")
    fails(r"recipe 'nothing' is unknown; use one of .*lutna_mlp_mnist", "train", "nothing", "-o", tmp_path)
    fails(r"missing.npz: no such file", "run", tmp_path / "missing.npz", "--images", images)
    fails(r"either --images FILE.npz or --dataset NAME", "run", net)
    fails(
        r"executor 'magic' is unknown; use some of torch, reference",
        "check",
        net,
        "--images",
        images,
        "--executors",
        "magic",
    )
    fails(r"pe 7 does not divide", "generate", net, "-o", tmp_path / "o", "--schedule", schedule_file(tmp_path, net))
    fails(r"schedule 'fast': neither 'auto', nor PExSIMD", "generate", net, "--schedule", "fast")
    fails(r"output word 'words' is unknown; use one of logits, class, both", "generate", net, "--output", "words")
    (tmp_path / "cut.npz").write_bytes(net.read_bytes()[:1000])
    fails(r"cut.npz: cannot be read as a network file .*truncated", "run", tmp_path / "cut.npz", "--images", images)
    fails(r"cut.npz: cannot be read", "run", net, "--images", tmp_path / "cut.npz")
    fails(r"--limit 0: at least one image", "run", net, "--images", images, "--limit", 0)
    fails(
        r"manifest.json: no such file; `lutforge generate` writes",
        "run",
        net,
        "--images",
        images,
        "--executor",
        "csim",
        "--overlay",
        tmp_path,
    )
    np.savez(tmp_path / "wide.npz", images=np.zeros((2, 9, 9), dtype=np.uint8))
    fails(r"images have shape \(2, 9, 9\); \[batch, 8, 8, 1\] is wanted", "run", net, "--images", tmp_path / "wide.npz")


def test_files_that_are_not_what_they_should_be(stages, tmp_path, fails):
    folder, said = stages
    net, images = folder / "net.npz", said["train"]["images"]
    batch = np.load(images)["images"][:20]
    np.savez(tmp_path / "labels.npz", images=batch, labels=np.zeros(19, dtype=int))
    np.savez(tmp_path / "words.npz", images=batch, labels=np.array(["7"] * 20))
    np.savez(tmp_path / "high.npz", images=batch, labels=np.full(20, 10))
    np.savez(tmp_path / "scalar.npz", images=np.uint8(3))
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "main.cpp").write_text("mine")
    fails(r"labels have shape \(19,\) and dtype int64; 20 integers", "run", net, "--images", tmp_path / "labels.npz")
    fails(r"labels have shape \(20,\) and dtype <U1; 20 integers", "run", net, "--images", tmp_path / "words.npz")
    fails(r"images have shape \(\); \[batch, \.\.\.\] is wanted", "run", net, "--images", tmp_path / "scalar.npz")
    fails(r"labels 10\.\.10; the network has the classes 0\.\.9", "report", net, "--images", tmp_path / "high.npz")
    fails(r"bytes.json: not text", "generate", net, "--schedule", tmp_path / "bytes.json", "-o", tmp_path / "o")
    fails(r"the folder is not empty and holds no overlay", "generate", net, "-o", tmp_path / "taken")
    assert (tmp_path / "taken" / "main.cpp").read_text() == "mine"
    fails(r"Not a directory: .*net.npz.*; check the path", "generate", net, "-o", net / "below")
    fails(r"[Ii]s a directory: ", "report", net, "--images", images, "--executors", "reference,torch", "-o", tmp_path)
    fails(
        r"nothing to compare; name at least two of torch, ref",
        "check",
        net,
        "--images",
        images,
        "--executors",
        "csim,csim",
    )
    fails(r"manifest.json: no such file", "run", net, "--images", images, "--overlay", tmp_path / "none")


def test_report_takes_the_board_of_the_overlay(stages, tmp_path):
    folder, said = stages
    good("generate", folder / "net.npz", "-o", tmp_path / "overlay", "--board", "zcu104", "--schedule", "4x4")
    document = good(
        "report", folder / "net.npz", "--images", said["train"]["images"], "--overlay", tmp_path / "overlay",
        "--executors", "reference,torch", "-o", tmp_path / "report.html",
    )  # fmt: skip
    assert document["board"] == "zcu104"


def test_ctrl_c_stops_with_a_message(tmp_path):
    words = [sys.executable, "-m", "lutforge.cli", "train", "lutnet_digits", "-o", str(tmp_path)]
    run = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("steps/*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=60)
    assert run.returncode == 2 and said.strip().endswith("stopped")


def schedule_file(folder, net):
    from lutforge.schedule import is_foldable

    names = [node.name for node in lutforge.load(net).nodes if is_foldable(node)]
    foldings = dict.fromkeys(names, "unrolled")
    foldings[names[0]] = {"pe": 7, "simd": 1}
    path = folder / "schedule.json"
    path.write_text(json.dumps({"foldings": foldings}))
    return path


def test_an_overlay_of_another_network_is_refused(stages, tmp_path, fails):
    folder, said = stages
    network = lutforge.load(folder / "net.npz")
    lutforge.save(lutforge.Network("other", network.nodes), tmp_path / "other.npz")
    for executor in ("csim", "device"):
        fails(
            r"made from network [0-9a-f]{12}\.\.\., asked to run [0-9a-f]{12}",
            "run", tmp_path / "other.npz", "--images", said["train"]["images"], "--executor", executor,
            "--overlay", folder / "overlay",
        )  # fmt: skip


def test_data_that_is_not_there(tmp_path, fails):
    fails(
        r"data set mnist: neither .* in .*nowhere.*Get the files with",
        "train",
        "lutna_mlp_mnist",
        "--data",
        tmp_path / "nowhere",
        "-o",
        tmp_path,
    )


def test_no_compiler(stages, tmp_path):
    folder, _ = stages
    good("generate", folder / "net.npz", "-o", tmp_path / "overlay")
    run = lutforge_command("csim", tmp_path / "overlay", env={**os.environ, "CXX": "no-such-compiler"})
    assert run.returncode == 2 and "Traceback" not in run.stderr
    wanted = "C++ compiler 'no-such-compiler' was not found; the C simulation needs g++ 9 or newer (apt install g++)"
    assert wanted in " ".join(run.stderr.split())


def test_help_and_version(in_process):
    run = lutforge_command("--help")
    assert run.returncode == 0
    for command in ("train", "export", "generate", "csim", "run", "check", "report", "demo"):
        assert command in run.stdout
        assert in_process(command, "--help").returncode == 0
    assert in_process("--version").stdout.strip() == lutforge.__version__
    assert in_process("--nonsense").returncode == 2


def test_the_command_without_its_packages():
    code = "import sys; sys.modules['typer'] = None; from lutforge.cli_start import main; main()"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "the command line needs typer, which is not installed; pip install 'lutforge[cli]'" in run.stderr


@pytest.mark.parametrize(("missing", "extra"), [("torch", "train"), ("brevitas", "train")])
def test_a_stage_without_its_packages(missing, extra):
    code = f"import sys; sys.modules[{missing!r}] = None; sys.argv[1:] = ['train', 'lutna_mlp_digits']; "
    code += "from lutforge.cli import main; main()"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 2, run.stderr
    assert f"this needs {missing}, which is not installed; pip install 'lutforge[{extra}]'" in run.stderr
