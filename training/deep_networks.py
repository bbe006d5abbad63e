# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The deep networks of LUT-NA (arXiv 2406.05282) for small images, as graphs of layers: VGG, ResNet, GoogLeNet.

Sizes are those that are usual for images of 32 x 32: a first convolution of 3 x 3 without pooling, one dense layer.
All of them are multiplied by a width factor, the classes left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Callable, Dict, List, Sequence, Tuple, Union

from lutforge.errors import TrainingError

IMAGE = "image"


@dataclass(frozen=True)
class Convolution:
    """Convolution that keeps the image's size but for its stride, batch norm, pool, and ReLU where `relu` says so.

    pool: extent and stride of the max pool behind. scale: layers that name the same one share the scale of their
    activations, which their concatenation needs; without a name a layer has its own.
    """

    name: str
    source: str
    outputs: int
    kernel: int = 3
    stride: int = 1
    pool: int = 1
    relu: bool = True
    scale: str = ""


@dataclass(frozen=True)
class Sum:
    """Sum of two edges of one shape, then ReLU: the end of a residual block."""

    name: str
    sources: Tuple[str, str]


@dataclass(frozen=True)
class Concatenation:
    """Channels of several edges side by side; they share one scale."""

    name: str
    sources: Tuple[str, ...]


@dataclass(frozen=True)
class Pool:
    """Largest value of kernel x kernel windows; what lies outside the image is never the largest."""

    name: str
    source: str
    kernel: int = 2
    stride: int = 2
    padding: int = 0


@dataclass(frozen=True)
class Average:
    """Mean over the whole image, rounded: one vector."""

    name: str
    source: str


@dataclass(frozen=True)
class Dense:
    """The logits."""

    name: str
    source: str


Part = Union[Convolution, Sum, Concatenation, Pool, Average, Dense]

VGG11: Tuple[Union[int, str], ...] = (64, "pool", 128, "pool", 256, 256, "pool", 512, 512, "pool", 512, 512, "pool")
VGG19: Tuple[Union[int, str], ...] = (
    *(64, 64, "pool", 128, 128, "pool"),
    *(256, 256, 256, 256, "pool", 512, 512, 512, 512, "pool", 512, 512, 512, 512, "pool"),
)
INCEPTIONS: Tuple[Tuple[str, Tuple[int, ...]], ...] = (
    ("a3", (64, 96, 128, 16, 32, 32)),
    ("b3", (128, 128, 192, 32, 96, 64)),
    ("pool", ()),
    ("a4", (192, 96, 208, 16, 48, 64)),
    ("b4", (160, 112, 224, 24, 64, 64)),
    ("c4", (128, 128, 256, 24, 64, 64)),
    ("d4", (112, 144, 288, 32, 64, 64)),
    ("e4", (256, 160, 320, 32, 128, 128)),
    ("pool", ()),
    ("a5", (256, 160, 320, 32, 128, 128)),
    ("b5", (384, 192, 384, 48, 128, 128)),
)
"""Channels of each inception: 1 x 1; 1 x 1 and 3 x 3; 1 x 1 and 5 x 5 (as two of 3 x 3); 1 x 1 behind the pool."""


def vgg(sizes: Sequence[Union[int, str]]) -> List[Part]:
    """Return a chain of convolutions of 3 x 3; "pool" behind one halves the image."""
    parts: List[Part] = []
    source = IMAGE
    for number, size in enumerate(sizes):
        if isinstance(size, str):
            continue
        pooled = number + 1 < len(sizes) and isinstance(sizes[number + 1], str)
        parts.append(Convolution(f"conv{len(parts) + 1}", source, size, pool=2 if pooled else 1))
        source = parts[-1].name
    return [*parts, Dense("logits", source)]


def resnet(blocks: Sequence[int]) -> List[Part]:
    """Return basic blocks of two convolutions in four stages of 64, 128, 256 and 512 channels."""
    parts: List[Part] = [Convolution("conv1", IMAGE, 64)]
    source, channels = "conv1", 64
    for stage, count in enumerate(blocks):
        for block in range(count):
            name, size = f"s{stage + 1}b{block + 1}", 64 << stage
            stride = 2 if stage and not block else 1
            first = Convolution(f"{name}_conv1", source, size, stride=stride)
            second = Convolution(f"{name}_conv2", first.name, size, relu=False)
            parts += [first, second]
            if stride > 1 or channels != size:
                parts.append(Convolution(f"{name}_shortcut", source, size, kernel=1, stride=stride, relu=False))
                source = parts[-1].name
            parts.append(Sum(f"{name}_sum", (second.name, source)))
            source, channels = parts[-1].name, size
    return [*parts, Average("mean", source), Dense("logits", "mean")]


def googlenet() -> List[Part]:
    """Return nine inceptions; the branch of 5 x 5 is two convolutions of 3 x 3."""
    parts: List[Part] = [Convolution("conv1", IMAGE, 192)]
    for name, sizes in INCEPTIONS:
        source = parts[-1].name
        if name == "pool":
            parts.append(Pool(f"{source}_half", source, 3, 2, 1))
        else:
            parts += _inception(name, source, sizes)
    return [*parts, Average("mean", parts[-1].name), Dense("logits", "mean")]


def _inception(name: str, source: str, sizes: Tuple[int, ...]) -> List[Part]:
    one, before_three, three, before_five, five, behind_pool = sizes
    ends = tuple(f"{name}_{branch}" for branch in ("one", "three", "five", "pooled"))
    return [
        Convolution(ends[0], source, one, 1, scale=name),
        Convolution(f"{name}_to_three", source, before_three, 1),
        Convolution(ends[1], f"{name}_to_three", three, scale=name),
        Convolution(f"{name}_to_five", source, before_five, 1),
        Convolution(f"{name}_half_five", f"{name}_to_five", five),
        Convolution(ends[2], f"{name}_half_five", five, scale=name),
        Pool(f"{name}_pool", source, 3, 1, 1),
        Convolution(ends[3], f"{name}_pool", behind_pool, 1, scale=name),
        Concatenation(f"{name}_all", ends),
    ]


NETWORKS: Dict[str, Callable[[], List[Part]]] = {
    "vgg11": lambda: vgg(VGG11),
    "vgg19": lambda: vgg(VGG19),
    "resnet18": lambda: resnet((2, 2, 2, 2)),
    "resnet34": lambda: resnet((3, 4, 6, 3)),
    "googlenet": googlenet,
}


def deep_network(name: str, width: float = 1.0) -> List[Part]:
    """Return a network's parts by name, in an order in which each comes behind what it reads."""
    if name not in NETWORKS:
        raise TrainingError(f"network {name!r} is unknown; use one of {', '.join(NETWORKS)}")
    if not 0 < width <= 4:
        raise TrainingError(f"network {name}: width {width}; it must lie above 0 and be 4 at most")
    return [
        replace(part, outputs=max(1, round(part.outputs * width))) if isinstance(part, Convolution) else part
        for part in NETWORKS[name]()
    ]
