"""Descent against problems whose minimum is known."""

import numpy as np
import pytest
import torch
from scipy.optimize import rosen

from replearn.descent import minimize


def test_it_solves_a_linear_system_and_leaves_the_start_alone():
    generator = torch.Generator().manual_seed(0)
    root = torch.randn(6, 6, generator=generator, dtype=torch.float64)
    matrix, target = root @ root.T + torch.eye(6, dtype=torch.float64), torch.ones(6, dtype=torch.float64)
    start = torch.zeros(6, dtype=torch.float64)
    (x,) = minimize(lambda x: x @ matrix @ x / 2 - target @ x, [start])
    torch.testing.assert_close(x, torch.linalg.solve(matrix, target))
    assert not start.any() and not x.requires_grad


def test_it_finds_the_bottom_of_rosenbrocks_valley():
    def valley(x, y):
        return 100 * (y - x**2).square().sum() + (1 - x).square().sum()

    x, y = minimize(valley, [torch.tensor([-1.2], dtype=torch.float64), torch.tensor([1.0], dtype=torch.float64)])
    assert rosen(np.array([x.item(), y.item()])) < 1e-12


def test_more_steps_never_hurt_and_steps_are_counted():
    start = [torch.tensor([-1.2, 1.0], dtype=torch.float64)]

    def valley(x):
        return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2

    values = [valley(*minimize(valley, start, steps=steps)).item() for steps in (1, 5, 20)]
    assert values[0] > values[1] > values[2]


@pytest.mark.parametrize(
    ("weights", "steps", "message"),
    [
        ([], 5, "at least one tensor"),
        ([torch.tensor([torch.nan])], 5, r"weights\[0\] contains NaN"),
        ([torch.ones(1)], 0, "steps must be an integer"),
    ],
)
def test_bad_input_is_refused(weights, steps, message):
    with pytest.raises(ValueError, match=message):
        minimize(lambda w: w.sum(), weights, steps=steps)
