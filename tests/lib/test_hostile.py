"""Whatever comes in the place of a good argument is refused by name, or gives what the good one gives."""

import inspect
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from valid_calls import CALLS, EVALUATION, LOSSES

from replearn import evaluation, losses

NOT_A_TENSOR = {"none": None, "text": "x", "number": 3.0, "dict": {}, "object": object()}
NOT_A_NUMBER = {"none": None, "text": "x", "list": [1.0], "dict": {}, "object": object(), "complex": 1j}
BAD_NUMBERS = {"nan": float("nan"), "inf": float("inf"), "minus inf": float("-inf"), "negative": -3.0}
MAY_BE_NONE = {"queue", "sub_batch", "y_test", "prototypes"}
ARRAYS = {"numpy", "list", "integers"}  # what the measures take as well as a tensor
GOOD_AFTER_ALL = {
    "off_diagonal.m integers",
    "contrastive_pair_loss.same integers",
    "dino_loss.center negative",
    "target_report.center negative",
}


def bound(call):
    """The good arguments of a call by name, its defaults included."""
    function, *arguments = call
    names = inspect.signature(function).bind(*arguments)
    names.apply_defaults()
    return function, dict(names.arguments)


def worse_tensors(x: torch.Tensor) -> Iterator[tuple[str, object]]:
    """Tensors that no function takes in the place of ``x``."""
    yield from NOT_A_TENSOR.items()
    yield "numpy", x.numpy()
    yield "list", x.tolist()
    yield "sparse", x.to_sparse()
    yield "complex", x.to(torch.complex64)
    yield "empty", x[:0]
    yield "one dimension more", x[..., None]
    yield "no dimension", x.flatten()[0]
    if x.is_floating_point():
        for name, value in BAD_NUMBERS.items():
            if name != "negative":
                spoiled = x.clone()
                spoiled.view(-1)[-1] = value
                yield name, spoiled
        yield "integers", x.long()


def worse_settings(value) -> Iterator[tuple[str, object]]:
    """Values that no setting takes in the place of ``value``."""
    yield from ((name, bad) for name, bad in NOT_A_NUMBER.items() if not (name == "text" and isinstance(value, str)))
    if isinstance(value, bool):
        yield "number", 2
    elif isinstance(value, str):
        yield "another word", "no such word"
    else:
        yield from BAD_NUMBERS.items()


def bad_calls():
    for name, call in CALLS.items():
        function, good = bound(call)
        as_good = ARRAYS if name in EVALUATION else set()
        for argument, value in good.items():
            if value is None:
                continue
            worse = worse_tensors(value) if isinstance(value, torch.Tensor) else worse_settings(value)
            for what, bad in worse:
                label = f"{name}.{argument} {what}"
                if what in as_good and isinstance(value, torch.Tensor):
                    continue
                if not (bad is None and argument in MAY_BE_NONE) and label not in GOOD_AFTER_ALL:
                    yield pytest.param(function, good, argument, bad, id=label)


@pytest.mark.parametrize(("room", "calls"), [(losses, LOSSES), (evaluation, EVALUATION)])
def test_every_function_has_a_valid_call(room, calls):
    assert calls.keys() == {name for name in room.__all__ if inspect.isfunction(getattr(room, name))}


@pytest.mark.parametrize(("function", "good", "argument", "bad"), bad_calls())
def test_a_bad_argument_is_refused_by_name(function, good, argument, bad):
    with pytest.raises((TypeError, ValueError)) as refused:
        function(**good | {argument: bad})
    message = str(refused.value)
    assert argument in message and (message[0].islower() or message.startswith(argument))
    if bad is None or isinstance(bad, (dict, complex)):
        assert refused.type is TypeError


@pytest.mark.parametrize("name", LOSSES)
def test_a_shorter_partner_is_refused(name):
    function, good = bound(LOSSES[name])
    tensors = [argument for argument, value in good.items() if isinstance(value, torch.Tensor)]
    for argument in tensors[1:]:
        shorter = good[argument][:, :-1] if name == "dino_loss" else good[argument][:-1]  # DINO's come view by view
        with pytest.raises(ValueError, match=f"{argument} must have shape"):
            function(**good | {argument: shorter})


def alike(x: torch.Tensor) -> dict[str, torch.Tensor]:
    """The same tensor as others may hand it over."""
    spread = torch.stack([x, x], dim=-1)[..., 0]
    return {"strided": spread, "requires grad": x.clone().requires_grad_(x.is_floating_point())}


def handed_over(value, kind):
    """A good argument in another form; only tensors have one, alone or in a list."""
    if isinstance(value, list):
        return [handed_over(part, kind) for part in value]
    if not isinstance(value, torch.Tensor):
        return value
    if kind == "numpy":
        return value.numpy()
    if kind == "backwards":
        return np.flip(np.flip(value.numpy()).copy())
    return value.tolist() if kind == "list" else alike(value)[kind]


def outcome(function, arguments):
    """What a call gives, whatever was drawn before it."""
    for argument in arguments.values():
        if isinstance(argument, torch.Generator):
            argument.manual_seed(0)
    return function(**arguments)


KINDS = [(name, kind) for name in CALLS for kind in ("strided", "requires grad")]
KINDS += [(name, kind) for name in EVALUATION for kind in ("numpy", "backwards", "list")]


@pytest.mark.parametrize(("name", "kind"), KINDS)
def test_equivalent_arguments_give_the_same(name, kind):
    function, good = bound(CALLS[name])
    given = {key: handed_over(value, kind) for key, value in good.items()}
    torch.testing.assert_close(outcome(function, given), outcome(function, good))


@pytest.mark.parametrize("name", CALLS)
def test_numbers_of_numpy_give_the_same(name):
    function, good = bound(CALLS[name])
    as_numpy = {bool: np.bool_, int: np.int64, float: np.float64}
    given = {key: as_numpy[type(value)](value) if type(value) in as_numpy else value for key, value in good.items()}
    torch.testing.assert_close(outcome(function, given), outcome(function, good))


@pytest.mark.parametrize("name", CALLS)
def test_arguments_are_not_changed(name):
    function, good = bound(CALLS[name])
    tensors = [x for x in good.values() if isinstance(x, torch.Tensor)]
    before = [x.clone() for x in tensors]
    function(**good)
    assert all(torch.equal(x, y) for x, y in zip(tensors, before, strict=True))


@pytest.mark.parametrize("factor", [1e-18, 1e18])
@pytest.mark.parametrize("name", EVALUATION)
def test_measures_of_tiny_and_huge_input_are_finite_or_refused(name, factor):
    function, good = bound(EVALUATION[name])
    given = {key: x * factor if torch.is_tensor(x) and x.is_floating_point() else x for key, x in good.items()}
    try:
        found = outcome(function, given)
    except ValueError:
        return
    terms = found if isinstance(found, tuple) else [found]
    assert all(term is None or torch.isfinite(torch.as_tensor(term)).all() for term in terms)


@pytest.mark.parametrize("factor", [1e-18, 1e18, 0.0])
@pytest.mark.parametrize("name", LOSSES)
def test_tiny_huge_and_constant_input_is_finite_or_refused(name, factor):
    function, *arguments = LOSSES[name]
    given = [(x * factor).to(x.dtype) if x.is_floating_point() else x for x in arguments]
    try:
        found = function(*given)
    except ValueError as refused:
        assert "z" in str(refused)
        return
    terms = found if isinstance(found, tuple) else [found]
    assert all(torch.isfinite(term).all() for term in terms)
