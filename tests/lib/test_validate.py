"""The checks of arguments that everything else relies on."""

import numpy as np
import pytest
import torch

from replearn.validate import check_finite


@pytest.mark.parametrize("make", [np.array, torch.tensor])
def test_finite_means_every_entry(make):
    check_finite("x", make([1.0, -2.0]))
    for bad in (float("nan"), float("inf"), -float("inf")):
        with pytest.raises(ValueError, match="x contains NaN or infinite"):
            check_finite("x", make([1.0, bad, 0.0]))
    with pytest.raises(ValueError, match="x contains"):
        check_finite("x", make([float("inf"), -float("inf")]))


def test_large_finite_numbers_whose_sum_overflows_are_finite():
    check_finite("x", torch.full((4,), 3e38))
    check_finite("x", torch.full((4,), 60_000.0, dtype=torch.float16))
    check_finite("x", torch.tensor([1, 2]))
