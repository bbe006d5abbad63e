# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""lutforge: networks whose multiplications are table look-ups, bit for bit from PyTorch to a PYNQ board."""

from lutforge.errors import LutforgeError
from lutforge.network import Network, Node, TensorType
from lutforge.reference import run
from lutforge.store import digest, load, save

__version__ = "0.1.0"
__all__ = ["LutforgeError", "Network", "Node", "TensorType", "digest", "load", "run", "save", "__version__"]
