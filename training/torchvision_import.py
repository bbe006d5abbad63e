# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""The one place that imports torchvision.

torchvision's compiled operators are linked against CUDA in the common wheel. Beside a CPU build of torch
they do not load, and `import torchvision` then stops at the first operator for which it registers a shape
function ("operator torchvision::nms does not exist", seen with 0.28). Declaring the two operators it asks for
lets the import pass; data sets need neither.
"""

from __future__ import annotations

import importlib
import re
import sys
from types import ModuleType
from typing import Any, List

import torch

_MISSING = re.compile(r"operator torchvision::\w+ does not exist")
_SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_declared: List[Any] = []  # a library's declarations vanish with its object


def torchvision() -> ModuleType:
    """Return the torchvision package with `datasets` loaded, beside a CUDA or a CPU build of torch alike."""
    try:
        package = importlib.import_module("torchvision")
    except RuntimeError as error:
        if not _MISSING.search(str(error)):
            raise
        _drop_half_imported()
        _declare_operators()
        package = importlib.import_module("torchvision")
    importlib.import_module("torchvision.datasets")
    return package


def _drop_half_imported() -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]


def _declare_operators() -> None:
    if not _declared:
        library = torch.library.Library("torchvision", "FRAGMENT")
        for operator in ("nms", "qnms"):
            library.define(operator + _SIGNATURE)
        _declared.append(library)
