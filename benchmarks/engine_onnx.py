# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The layers of integer products of a network as ONNX graphs, run by onnxruntime on one thread.

integer: MatMulInteger and ConvInteger, the shift as an exact float32 step; quantised: QGemm and QLinearConv, which
round ties to even; float32: Gemm and Conv without rounding, a clip in place of the saturation. Weights of 8 bits.
"""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, List, Optional, Tuple
from unittest import mock

import numpy as np
from engine_meter import Memory, Row, rate_of
from engine_workloads import Workload

from lutforge import reference
from lutforge.network import Network
from lutforge.operations import ArgMax, Input, MaxPool, Rescale, Reshape, TableMac, Window

BATCHES = (64, 512)
CHECKED = 512
FORMS = {
    "integer": "onnxruntime int8, *Integer",
    "quantised": "onnxruntime int8, QLinear*",
    "float32": "onnxruntime float32",
}


def measure(work: Workload) -> List[Row]:
    """Return a row for each form of graph."""
    try:
        import onnxruntime
    except ImportError as error:
        return [Row(work.title, "onnxruntime", note=f"not measured: {error}")]
    if not _all_products(work.network):
        return [Row(work.title, "onnxruntime", note="not applicable: layers of truth tables have no such form")]
    assert work.images is not None
    images = np.ascontiguousarray(work.images[: 4 * max(BATCHES)].transpose(0, 3, 1, 2))  # as onnxruntime has them
    floats = images.astype(np.float32)
    wanted = work.golden(work.images[:CHECKED])
    with mock.patch.object(reference, "shift_round", _ties_to_even):
        to_even = work.golden(work.images[:CHECKED])
    rows = []
    for form, name in FORMS.items():
        memory, begun = Memory(), time.perf_counter()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(Graph(work.network, form).made(), options, ["CPUExecutionProvider"])
        prepare_s = time.perf_counter() - begun
        fed = floats if form == "float32" else images
        best = max((rate_of(_all(session, fed, batch), len(fed) // batch * batch), batch) for batch in BATCHES)
        peak = memory.peak()
        found = session.run(None, {"x": fed[:CHECKED]})[0]
        even = ", exact with ties rounded to even" if np.array_equal(found, to_even) and form == "quantised" else ""
        note = f"batch {best[1]}; {_agreement(found, wanted)}{even}"
        rows.append(Row(work.title, name, prepare_s, best[0], peak, note=note))
    return rows


def _ties_to_even(values: np.ndarray, multiplier: np.ndarray, shift: np.ndarray) -> np.ndarray:
    return np.rint(values * multiplier / 2.0**shift).astype(np.int64)


def _all(session: Any, images: np.ndarray, batch: int) -> Callable[[], None]:
    parts = [images[start : start + batch] for start in range(0, len(images) - batch + 1, batch)]

    def call() -> None:
        for part in parts:
            session.run(None, {"x": part})

    return call


def _agreement(found: np.ndarray, wanted: np.ndarray) -> str:
    if np.array_equal(found, wanted):
        return f"exact on {len(wanted)} images"
    classes = 100 * np.mean(found.argmax(axis=1) == wanted.argmax(axis=1))
    differing, most = 100 * np.mean(found != wanted), np.abs(found - wanted).max()
    return (
        f"NOT exact: {differing:.0f} % of the logits differ, by {most:.0f} at most of {np.abs(wanted).max()}; "
        f"same class on {classes:.1f} %"
    )


def _all_products(network: Network) -> bool:
    kinds = (Input, Window, TableMac, Rescale, MaxPool, Reshape, ArgMax)
    return len(network.input.shape) == 3 and all(isinstance(node.op, kinds) for node in network.nodes)


class Graph:
    """An ONNX graph that grows along a chain of nodes; images are [batch, channels, height, width]."""

    def __init__(self, network: Network, form: str):
        self.network, self.form = network, form
        self._nodes: List[Any] = []
        self._constants: List[Any] = []
        self._edge = "x"

    def made(self) -> bytes:
        """Return the model, serialised: from images x to logits."""
        from onnx import TensorProto, helper

        nodes = [node for node in self.network.nodes if not isinstance(node.op, (Input, ArgMax))]
        window: Optional[Window] = None
        place = 0
        while place < len(nodes):
            node = nodes[place]
            place += 1
            match node.op:
                case Window():
                    window = node.op
                case TableMac() as op:
                    after = nodes[place].op if place < len(nodes) else None
                    rescale = after if isinstance(after, Rescale) else None
                    place += rescale is not None
                    weights = op.weights
                    before = self.network.types[node.inputs[0]]
                    if window is None:
                        weights = self._channels_first(weights, node.inputs[0])
                        if len(before.shape) != 1:
                            raise ValueError("a dense layer on more than a vector has no form here")
                    self._product(weights, op.bias, window, rescale)
                    window = None
                case MaxPool() as op:
                    self._add("MaxPool", [self._edge], kernel_shape=list(op.kernel), strides=list(op.stride))
                case Reshape():
                    self._add("Flatten", [self._edge], axis=1)
                case _:
                    raise ValueError(f"{type(node.op).__name__} has no form here")
        height, width, channels = self.network.input.shape
        kind = TensorProto.FLOAT if self.form == "float32" else TensorProto.UINT8
        images = helper.make_tensor_value_info("x", kind, ["batch", channels, height, width])
        logits = helper.make_tensor_value_info(
            self._edge, TensorProto.INT32 if self._whole() else TensorProto.FLOAT, None
        )
        graph = helper.make_graph(self._nodes, "layers", [images], [logits], self._constants)
        domains = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
        return bytes(helper.make_model(graph, opset_imports=domains, ir_version=8).SerializeToString())

    def _whole(self) -> bool:
        return self.form == "integer"

    def _channels_first(self, weights: np.ndarray, source: str) -> np.ndarray:
        """Return dense weights for elements in the order channel, row, column, where the vector was an image."""
        nodes = {node.name: node for node in self.network.nodes}
        if not isinstance(nodes[source].op, Reshape):
            return weights
        shape = self.network.types[nodes[source].inputs[0]].shape
        return weights.reshape(-1, *shape).transpose(0, 3, 1, 2).reshape(len(weights), -1)

    def _product(self, weights: np.ndarray, bias: np.ndarray, window: Optional[Window], rescale: Any) -> None:
        conv: Dict[str, Any] = {}
        if window is not None:
            channels = weights.shape[1] // (window.kernel[0] * window.kernel[1])
            weights = weights.reshape(-1, *window.kernel, channels).transpose(0, 3, 1, 2)
            top, bottom, left, right = window.padding
            conv = {"kernel_shape": list(window.kernel), "strides": list(window.stride)}
            conv["pads"] = [top, left, bottom, right]
        scale = np.ones(len(weights)) if rescale is None else rescale.multiplier / 2.0**rescale.shift
        scale = np.broadcast_to(scale, len(weights))
        {"integer": self._integer, "quantised": self._quantised, "float32": self._float}[self.form](
            weights, bias, conv, scale, rescale
        )

    def _integer(self, weights: np.ndarray, bias: np.ndarray, conv: Any, scale: np.ndarray, rescale: Any) -> None:
        aside = (-1, 1, 1) if conv else (-1,)
        held = weights.astype(np.int8)
        if conv:
            self._add("ConvInteger", [self._edge, self._constant(held)], **conv)
        else:
            self._add("MatMulInteger", [self._edge, self._constant(held.T)])
        self._add("Add", [self._edge, self._constant(bias.astype(np.int32).reshape(aside))])
        if rescale is not None:
            self._add("Cast", [self._edge], to=1)
            self._add("Mul", [self._edge, self._constant(scale.astype(np.float32).reshape(aside))])
            self._add("Add", [self._edge, self._constant(np.float32(0.5))])
            self._add("Floor", [self._edge])
            self._clip(rescale)
            self._add("Cast", [self._edge], to=2)

    def _quantised(self, weights: np.ndarray, bias: np.ndarray, conv: Any, scale: np.ndarray, rescale: Any) -> None:
        one, zero = self._constant(np.float32(1)), self._constant(np.uint8(0))
        scales = self._constant(scale.astype(np.float32))
        zeros, biases = self._constant(np.zeros(len(weights), dtype=np.int8)), self._constant(bias.astype(np.int32))
        held = weights.astype(np.int8)
        if conv:
            inputs = [self._edge, one, zero, self._constant(held), scales, zeros, one, zero, biases]
            self._add("QLinearConv", inputs, **conv)
            return
        inputs = [self._edge, one, zero, self._constant(held), scales, zeros, biases]
        if rescale is not None:
            inputs += [one, zero]
        self._add("QGemm", inputs, domain="com.microsoft", transB=1)

    def _float(self, weights: np.ndarray, bias: np.ndarray, conv: Any, scale: np.ndarray, rescale: Any) -> None:
        scaled = weights * scale.reshape(-1, *(1 for _ in weights.shape[1:]))
        inputs = [
            self._edge,
            self._constant(scaled.astype(np.float32)),
            self._constant((bias * scale).astype(np.float32)),
        ]
        self._add("Conv" if conv else "Gemm", inputs, **(conv or {"transB": 1}))
        if rescale is not None:
            self._clip(rescale)

    def _clip(self, rescale: Any) -> None:
        limits = [self._constant(np.float32(value)) for value in (rescale.low, rescale.high)]
        self._add("Clip", [self._edge, *limits])

    def _add(self, kind: str, inputs: List[str], **attributes: Any) -> None:
        from onnx import helper

        edge = f"e{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [edge], **attributes))
        self._edge = edge

    def _constant(self, value: Any) -> str:
        from onnx import numpy_helper

        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value).reshape(np.shape(value)), name))
        return name


def version() -> Tuple[str, ...]:
    """Return what is installed."""
    try:
        import onnxruntime
    except ImportError:
        return ("no onnxruntime",)
    return (f"onnxruntime {onnxruntime.__version__}",)
