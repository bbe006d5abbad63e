# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""`lutforge synth` as a user types it: tables, JSON, HTML, and a document that belongs to another network."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape

import numpy as np
import pytest
from typer.testing import CliRunner

from lutforge import store
from lutforge.boards import load_board
from lutforge.cli import app
from lutforge.cli_synth import read_synthesis, synthesis_tables
from lutforge.comparison import compare
from lutforge.errors import BoardError, StoreError
from lutforge.folding import auto
from lutforge.multipliers import DivideConquer
from lutforge.network import Network, Node
from lutforge.operations import ArgMax, Input, TableMac
from lutforge.reference import ReferenceExecutor
from lutforge.report import Section, write_report

CELL = re.compile(r"<td[^>]*>(.*?)</td>", re.S)


def network(seed: int = 0) -> Network:
    weights = np.random.default_rng(seed).integers(-8, 8, (4, 6))
    weights[0, 0] = 7
    nodes = (
        Node("x", Input((6,), 0, 15)),
        Node("fc", TableMac(weights, np.zeros(4, dtype=np.int64), DivideConquer(4)), ("x",)),
        Node("answer", ArgMax(), ("fc",)),
    )
    return Network("small", nodes)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The command once: the network file, what it printed, and the folder with what it wrote."""
    folder = tmp_path_factory.mktemp("synth")
    store.save(network(), folder / "net.npz")
    words = [folder / "net.npz", "--schedule", "2x3", "--cache", folder / "cache"]
    files = ["--out", folder / "synth.json", "--html", folder / "synth.html"]
    result = CliRunner().invoke(app, ["synth", *map(str, (*words, *files)), "--json"])
    assert result.exit_code == 0, result.output
    return words, json.loads(result.stdout), folder


@pytest.mark.yosys
def test_the_document_names_network_board_and_every_unit(made):
    _, document, folder = made
    assert json.loads((folder / "synth.json").read_text()) == document
    assert document["sha256"] == store.digest(network()) and document["board"] == "pynq_z2"
    assert {row["node"] for row in document["by_layer"]} >= {"fc", "answers", "stream"}
    assert document["fits"] and 0 < document["total"]["lut6_packed_estimate"] <= document["total"]["lut6_raw"]
    assert document["total"]["ff"] == sum(row["ff"] for row in document["by_part"])
    assert document["longest_path"]["lut_levels"] >= max(row["depth"] for row in document["by_layer"])


@pytest.mark.yosys
def test_the_tables_show_the_same_numbers(made):
    words, document, _ = made
    result = CliRunner().invoke(app, ["synth", *map(str, words)], env={"COLUMNS": "160"})
    assert result.exit_code == 0, result.output
    assert f"small: synthesised with yosys {document['yosys']} for xc7, not placed" in result.stdout
    said = " ".join(result.output.split())
    assert "fits PYNQ-Z2" in said and "note: No place and route, no vendor packing" in said
    layers, parts, sizes = synthesis_tables(document)
    fc = next(row for row in document["by_layer"] if row["node"] == "fc")
    index = list(layers.columns[0].cells).index("fc")
    assert list(layers.columns[2].cells)[index] == f"{fc['lut6_raw']:,}"
    assert list(layers.columns[0].cells)[-2:] == ["total", "of pynq_z2"]
    assert list(parts.columns[0].cells) == ["encoder", "core", "head", "stream"]
    assert [column.header for column in sizes.columns] == list(document["total"]["luts_by_size"])


@pytest.mark.yosys
def test_the_html_report_shows_the_same_numbers(made):
    _, document, folder = made
    html = unescape((folder / "synth.html").read_text())
    rows = [CELL.findall(row) for row in html.split("<tr") if "<td" in row]
    total = next(row for row in rows if row[0] == "total")
    assert total[1:3] == [f"{document['total'][key]:,}" for key in ("lut6_raw", "lut6_packed_estimate")]
    assert [row[0] for row in rows if row[0].startswith("in part")] == [
        f"in part {part}" for part in ("encoder", "core", "head", "stream")
    ]
    for text in (document["label"], "fits PYNQ-Z2", document["limits"][0], document["longest_path"]["start"]):
        assert text in html
    assert "http" not in html


@pytest.mark.yosys
def test_a_report_takes_the_document_of_its_own_network_only(made, tmp_path):
    _, document, folder = made
    assert read_synthesis(folder / "synth.json", network()) == document
    with pytest.raises(StoreError, match=r"synth.json: made from another network .*synthesise this one with"):
        read_synthesis(folder / "synth.json", network(1))
    (tmp_path / "broken.json").write_text('{"board": "pynq_z2"}')
    with pytest.raises(
        StoreError, match=r"broken.json: no synthesis document \(KeyError\('sha256'\)\); `lutforge synth"
    ):
        read_synthesis(tmp_path / "broken.json", network())


@pytest.mark.yosys
def test_a_whole_report_holds_the_table_where_there_is_one(made, tmp_path):
    _, document, _ = made
    one, board = network(), load_board("pynq_z2")
    images = np.arange(12, dtype=np.uint8).reshape(2, 6)
    comparison = compare(one, [ReferenceExecutor(one), ReferenceExecutor(one)], images)
    section = Section(one, auto(one, board), board, comparison, images, None, "counted up")
    for synthesis in (None, document):
        write_report(tmp_path / "report.html", [replace(section, synthesis=synthesis)])
        assert (document["label"] in (tmp_path / "report.html").read_text()) is (synthesis is not None)


def test_an_unknown_board_is_refused(tmp_path):
    store.save(network(), tmp_path / "net.npz")
    result = CliRunner().invoke(app, ["synth", str(tmp_path / "net.npz"), "--board", "nexys"])
    assert isinstance(result.exception, BoardError) and "board 'nexys' is unknown" in str(result.exception)
