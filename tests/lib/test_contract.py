"""What a signature declares is checked: types by TypeError, values by ValueError, each naming the argument."""

from typing import Annotated

import numpy as np
import pytest
import torch

from replearn.contract import Array, Choice, Floats, IntegerArray, Integers, Number, Numbers, Stack, Whole, checked
from sampling import rows

Z, W = rows(5, 3), rows(4, 2)


@checked
def example(
    z: Annotated[torch.Tensor, Floats("N>=2 K")],
    y: Annotated[torch.Tensor, Integers("N")] | None = None,
    *,
    views: Annotated[torch.Tensor, Stack("V>=2 N K")] | None = None,
    weights: Annotated[torch.Tensor, Numbers("... N")] | None = None,
    share: Annotated[float, Number(least=0, below=1)] = 0.0,
    scale: Annotated[float, Number(above=0)] | Annotated[torch.Tensor, Floats("K")] = 1.0,
    steps: Annotated[int, Whole(1, 9)] = 1,
    kind: Annotated[str, Choice("a", "b")] = "a",
    flag: bool = False,
):
    """Return what it was given."""
    return z, scale


GOOD = [
    {"y": torch.arange(5)},
    {"y": None},
    {"views": torch.stack([Z, Z])},
    {"views": [Z, Z]},
    {"weights": torch.ones(2, 5)},
    {"weights": torch.ones(5, dtype=torch.bool)},
    {"share": 0},
    {"share": np.float32(0.5)},
    {"scale": torch.ones(3)},
    {"scale": 2},
    {"scale": torch.tensor(2.0)},
    {"scale": torch.tensor(2.0, requires_grad=True)},
    {"steps": np.int64(9)},
    {"flag": np.bool_(True)},
    {"z": Z.half()},
    {"z": Z.T.contiguous().T},
    {"z": Z.clone().requires_grad_()},
    {"z": Z * 1e30},
]


@pytest.mark.parametrize("given", GOOD, ids=str)
def test_what_is_declared_is_accepted(given):
    example(**{"z": Z} | given)


BAD = [
    ({"z": Z.numpy()}, TypeError, "z must be a torch.Tensor of shape .N, K., but is of type ndarray"),
    ({"z": None}, TypeError, "z must be a torch.Tensor .* but is None"),
    ({"z": Z.long()}, TypeError, "z must hold real floating-point numbers, but holds torch.int64"),
    ({"z": Z + 0j}, TypeError, "z must hold real floating-point numbers, but holds torch.complex64"),
    ({"z": Z.to_sparse()}, TypeError, "z must be dense"),
    ({"z": Z[0]}, ValueError, "z must have shape .N, K. with N >= 2, but has shape .3,."),
    ({"z": Z[:1]}, ValueError, "N >= 2, but has shape .1, 3."),
    ({"z": Z[:, :0]}, ValueError, "but has shape .5, 0."),
    ({"z": Z / 0}, ValueError, "z contains NaN or infinite"),
    ({"y": torch.arange(4)}, ValueError, "y must have shape .N,., where N = 5 as in z, but has shape .4,."),
    ({"y": torch.ones(5)}, TypeError, "y must hold integers"),
    ({"views": [Z]}, ValueError, "views .* V >= 2, but has V = 1"),
    ({"views": [Z, W]}, ValueError, r"views\[1\] must have shape"),
    ({"views": 3}, TypeError, "views must be"),
    ({"weights": torch.ones(5) + 0j}, TypeError, "weights must hold real numbers"),
    ({"weights": torch.full((5,), torch.nan)}, ValueError, "weights contains NaN"),
    ({"share": 1}, ValueError, "share must be at least 0 and below 1 and finite, but is 1"),
    ({"share": float("nan")}, ValueError, "share must be .* but is nan"),
    ({"share": "half"}, TypeError, "share must be a number, but is 'half'"),
    ({"share": None}, TypeError, "share must be a number, but is None"),
    ({"share": True}, TypeError, "share must be a number, but is True"),
    ({"share": torch.ones(2)}, TypeError, "share must be one real number"),
    ({"scale": -1.0}, ValueError, "scale must be positive and finite"),
    ({"scale": torch.ones(2)}, ValueError, "scale must have shape .K,., where K = 3 as in z"),
    ({"steps": 0}, ValueError, "steps must be an integer, between 1 and 9, but is 0"),
    ({"steps": 2.0}, ValueError, "steps must be an integer"),
    ({"steps": "2"}, TypeError, "steps must be an integer"),
    ({"kind": "c"}, ValueError, "kind must be one of 'a', 'b', but is 'c'"),
    ({"kind": 1}, TypeError, "kind must be one of"),
    ({"flag": 1}, TypeError, "flag must be True or False"),
]


@pytest.mark.parametrize(("given", "error", "message"), BAD, ids=lambda case: str(case)[:40])
def test_what_is_not_is_refused_by_name(given, error, message):
    with pytest.raises(error, match=message):
        example(**{"z": Z} | given)


def test_arguments_by_position_are_checked_too():
    with pytest.raises(ValueError, match="y must have shape"):
        example(Z, torch.arange(3))


def test_the_signature_and_the_text_stay():
    assert example.__doc__ == "Return what it was given." and example.__name__ == "example"
    assert example.__wrapped__(Z) == (Z, 1.0)


def test_what_comes_is_handed_on_as_it_is():
    z = Z.clone()
    assert example(z)[0] is z


def test_checks_compile_and_look_at_no_value_there():
    def run(z):
        return example(z, scale=torch.tensor(2.0))[0] * 2

    compiled = torch.compile(run, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(Z), Z * 2)
    assert compiled(Z / 0).isinf().any()


@checked
def measured(
    x: Annotated[object, Array("2 N [K]")],
    y: Annotated[object, IntegerArray("N")] | None = None,
    *,
    many: Annotated[object, Stack("V N _", Array)] = (),
    generator: torch.Generator | None = None,
):
    """Return nothing."""


FLAT, DEEP = [[1, 2, 3], [4, 5, 6]], np.ones((2, 3, 4), dtype=np.float32)
ANY = [
    (FLAT, {"y": [0, 1, 1]}),
    (DEEP, {"y": np.array([0, 1, 1])}),
    (DEEP[:, ::-1], {"y": torch.tensor([True, False, True])}),
    (torch.ones(2, 3).bfloat16(), {"many": [np.ones((3, 4)), torch.ones(3, 9)]}),
    (FLAT, {"generator": torch.Generator()}),
    (FLAT, {"generator": None}),
]
NOT_ANY = [
    ([[1.0, 2.0], [3.0]], {}, ValueError, "x must .* but its rows have different lengths"),
    ([["a", "b"], ["c", "d"]], {}, TypeError, "x must hold real numbers"),
    (np.array([[None, 1.0], [1.0, 1.0]]), {}, TypeError, "x must hold real numbers, but holds object"),
    (np.ones((2, 3)) * 1j, {}, TypeError, "x must hold real numbers"),
    (np.full((2, 3), np.nan), {}, ValueError, "x contains NaN"),
    ({1, 2}, {}, TypeError, "x must be a tensor, an array or a list of shape .2, N. or .2, N, K., but is of type set"),
    (np.ones((3, 3)), {}, ValueError, "x must have shape .2, N. or .2, N, K., but has shape .3, 3."),
    (np.ones(2), {}, ValueError, "x must have shape"),
    (FLAT, {"y": [0.0, 1.0, 2.0]}, TypeError, "y must hold integers, but holds float64"),
    (FLAT, {"y": torch.ones(3)}, TypeError, "y must hold integers, but holds torch.float32"),
    (FLAT, {"y": [0, 1]}, ValueError, "y must have shape .N,., where N = 3 as in x"),
    (FLAT, {"many": [np.ones((2, 4))]}, ValueError, r"many\[0\] must have shape"),
    (FLAT, {"generator": 3}, TypeError, "generator must be a torch.Generator, but is 3"),
]


@pytest.mark.parametrize(("x", "given"), ANY)
def test_arrays_and_lists_are_accepted_where_they_are_declared(x, given):
    measured(x, **given)


@pytest.mark.parametrize(("x", "given", "error", "message"), NOT_ANY)
def test_what_makes_no_array_is_refused_by_name(x, given, error, message):
    with pytest.raises(error, match=message):
        measured(x, **given)
