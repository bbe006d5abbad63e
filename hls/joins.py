# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""C++ of nodes that read several streams: sums, and channels of several edges side by side."""

from __future__ import annotations

from typing import Any, List

from lutforge.hls.layers import Layer, Site, stream_type
from lutforge.hls.text import flag, pragma
from lutforge.network import TensorType


def add(site: Site) -> Layer:
    """Return the sum of two edges; the second stream is `in1`."""
    lanes, (right,) = site.lanes.inputs, site.more
    arguments = [site.kind.elements // lanes, lanes, *_element(site.source), *_element(right), site.kind.bits]
    return Layer("", f"    lutforge::add<{_listed(arguments)}>(in, in1, out, images);\n")


def concat(site: Site) -> Layer:
    """Return a concatenation: inputs join what lies in front of them one after the other."""
    lanes, kind, parts = site.lanes.inputs, site.kind, site.source.channels // site.lanes.inputs
    left, body, text = site.source, "", "in"
    for port, right in enumerate(site.more, 1):
        more, last = right.channels // lanes, port == len(site.more)
        target = "out" if last else f"joined{port}"
        if not last:
            body += f'    {stream_type(lanes, kind.bits)} {target}("{site.name}_{target}");\n'
            body += pragma("STREAM", f"variable={target}", "depth=2")
        arguments = [site.vectors, parts, more, lanes, *_element(left), *_element(right), kind.bits]
        body += f"    lutforge::concat<{_listed(arguments)}>({text}, in{port}, {target}, images);\n"
        parts, left, text = parts + more, kind, target
    return Layer("", (pragma("DATAFLOW") if len(site.more) > 1 else "") + body)


def _element(kind: TensorType) -> List[Any]:
    return [kind.bits, flag(kind.signed)]


def _listed(arguments: List[Any]) -> str:
    return ", ".join(map(str, arguments))
