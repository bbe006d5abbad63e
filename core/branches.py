# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Which stream each input of a node reads: one per reader, so that a stream forks where several nodes read an edge.

`Reshape` is wiring and `ArgMax` a part of the answers: neither has hardware, so their readers read what lies in front.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Tuple

from lutforge.network import Network, Node
from lutforge.operations import ArgMax, Reshape

ANSWERS = ""
"""Reader of the logits: the output stage, which is no node."""


@dataclass(frozen=True)
class Branch:
    """The stream from one node with hardware to one input of another.

    source: who writes it; place: its number among the streams that the source writes, in order of their readers.
    reader: who reads it (`ANSWERS`: the output stage); port: as which of its inputs, 0 the first.
    """

    source: str
    place: int
    reader: str
    port: int

    @property
    def stream(self) -> str:
        """Name in a schedule of the stream that the source writes: its own, and from the second on with a number."""
        return self.source if not self.place else f"{self.source}.output{self.place}"

    @property
    def converted(self) -> str:
        """Name in a schedule of the stream behind the width converter in front of the reader."""
        return f"{self.reader}.input{self.port or ''}"


@dataclass(frozen=True)
class Branches:
    """All branches of a network: those that a node reads, those that it writes, and one that carries each edge."""

    read: Dict[str, Tuple[Branch, ...]]
    written: Dict[str, Tuple[Branch, ...]]
    carrying: Dict[str, Branch]

    @property
    def forks(self) -> bool:
        """Whether an edge has several readers; only then can streams meet again."""
        return any(len(each) > 1 for each in self.written.values())


def is_wiring(node: Node) -> bool:
    """Whether a node has no hardware of its own."""
    return isinstance(node.op, (Reshape, ArgMax))


def branches(network: Network) -> Branches:
    """Return who reads whose stream.

    `carrying` gives for each edge the first of its branches, which is read no earlier than by a node behind it.
    """
    through: Dict[str, Tuple[str, ...]] = {}  # by node the edges of one stream, the node's own last
    written: Dict[str, List[Branch]] = {}
    read: Dict[str, List[Branch]] = {}
    carrying: Dict[str, Branch] = {}

    def add(reader: str, port: int, edge: str) -> None:
        source = through[edge][0]
        branch = Branch(source, len(written[source]), reader, port)
        written[source].append(branch)
        read.setdefault(reader, []).append(branch)
        for name in through[edge]:
            carrying.setdefault(name, branch)

    for node in network.nodes:
        if is_wiring(node):
            through[node.name] = (*through[node.inputs[0]], node.name)
            continue
        through[node.name], written[node.name] = (node.name,), []
        for port, edge in enumerate(node.inputs):
            add(node.name, port, edge)
    add(ANSWERS, 0, network.output.name)
    return Branches(_frozen(read), _frozen(written), carrying)


def _frozen(lists: Dict[str, List[Branch]]) -> Dict[str, Tuple[Branch, ...]]:
    return {name: tuple(each) for name, each in lists.items()}
