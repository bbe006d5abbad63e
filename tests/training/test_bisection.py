# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Thresholds found by bisection give the module's own code at every integer, ties included."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lutforge.errors import TrainingError
from lutforge.training.bisection import bisect_thresholds

LOW, HIGH = -70, 90
GAIN = torch.tensor([0.25, 0.125, 1.0, 0.0, 100.0, 1e-3])
OFFSET = torch.tensor([0.0, 1.5, -60.0, 2.0, 0.0, 40.0])


def half_up(values: Tensor) -> Tensor:
    return torch.floor(values * GAIN + OFFSET + 0.5).clamp(0, 3)


def strictly_positive(values: Tensor) -> Tensor:
    return (values * GAIN + OFFSET > 0).long()


@pytest.mark.parametrize(("code_of", "steps"), [(half_up, 3), (half_up, 5), (strictly_positive, 1)])
def test_every_integer_gets_its_code(code_of, steps):
    thresholds = bisect_thresholds(code_of, len(GAIN), LOW, HIGH, steps)
    values = torch.arange(LOW, HIGH + 1)[:, None].expand(-1, len(GAIN))
    counted = (values[..., None] > thresholds).sum(dim=-1)
    assert thresholds.dtype == torch.int64 and thresholds.shape == (len(GAIN), steps)
    assert torch.equal(counted, code_of(values.double()).long())


def test_ends_stand_for_always_and_never():
    thresholds = bisect_thresholds(lambda a: torch.ones_like(a), 1, LOW, HIGH, 2)
    assert thresholds.tolist() == [[LOW - 1, HIGH]]


def test_tie_at_sign_of_zero():
    assert bisect_thresholds(lambda a: (a > 0).long(), 1, LOW, HIGH, 1).tolist() == [[0]]
    assert bisect_thresholds(lambda a: (a >= 0).long(), 1, LOW, HIGH, 1).tolist() == [[-1]]


def test_falling_code_is_refused():
    with pytest.raises(TrainingError, match=r"code of channel 1 falls from 1 to 0 between -70 and 90.*Negate"):
        bisect_thresholds(lambda a: (a * torch.tensor([1.0, -1.0]) > 0).long(), 2, LOW, HIGH, 1)


def test_too_few_steps_are_refused():
    with pytest.raises(TrainingError, match=r"codes 0\.\.3 at the ends -70\.\.90; 2 thresholds make codes 0\.\.2"):
        bisect_thresholds(half_up, len(GAIN), LOW, HIGH, 2)
