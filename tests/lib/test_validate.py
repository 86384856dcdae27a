"""The checks of arguments that everything else relies on."""

import math

import numpy as np
import pytest
import torch

from replearn.validate import check_between, check_finite, check_integer


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


@pytest.mark.parametrize("value", [3, np.int64(3), torch.tensor(3), True])
def test_integers_of_every_library_are_integers(value):
    check_integer("n", value, 1, 3)


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (3.0, ValueError),
        (math.nan, ValueError),
        (math.inf, ValueError),
        ("3", TypeError),
        (None, TypeError),
        (0, ValueError),
    ],
)
def test_what_is_no_integer_is_named(value, error):
    with pytest.raises(error, match=f"n must be an integer, between 1 and 3, but is {value!r}"):
        check_integer("n", value, 1, 3)


@pytest.mark.parametrize(("ends", "inside"), [("both", (0, 0.5, 1)), ("low", (0, 0.5)), ("none", (0.5,))])
def test_between_says_which_ends_belong_to_it(ends, inside):
    for value in (-0.1, 0, 0.5, 1, 1.1, math.nan):
        if value in inside:
            check_between("share", value, 0, 1, ends=ends)
        else:
            with pytest.raises(ValueError, match=f"share must .*, but is {value}"):
                check_between("share", value, 0, 1, ends=ends)
