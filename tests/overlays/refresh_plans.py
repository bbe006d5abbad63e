# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Write the golden plans anew: `python tests/overlays/refresh_plans.py`, then review the difference as code."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from plan_examples import FOLDER, ROUTES, golden_texts

for route in ROUTES:
    shutil.rmtree(FOLDER / route, ignore_errors=True)
for path, text in golden_texts().items():
    target = FOLDER / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    print(target)
