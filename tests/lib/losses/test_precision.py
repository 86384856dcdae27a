"""Every loss raises half precision to float32, also under autocast, and works in the precision of wider input."""

import inspect

import pytest
import torch
from valid_calls import LOSSES

from replearn import losses


def in_type(arguments, dtype):
    return [a.to(dtype) if a.is_floating_point() else a for a in arguments]


def test_the_list_is_that_of_the_room():
    functions = {name for name in losses.__all__ if inspect.isfunction(getattr(losses, name))}
    assert functions == LOSSES.keys()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", sorted(LOSSES.keys() - {"off_diagonal"}))  # which computes nothing
def test_half_precision_is_computed_as_float32(name, dtype):
    loss, *arguments = LOSSES[name]
    half = in_type(arguments, dtype)
    expected = loss(*in_type(half, torch.float32))
    torch.testing.assert_close(loss(*half), expected)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(loss(*half), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", LOSSES)
def test_other_precisions_are_kept(name, dtype):
    loss, *arguments = LOSSES[name]
    found = loss(*in_type(arguments, dtype))
    assert {term.dtype for term in (found if isinstance(found, tuple) else [found])} == {dtype}
