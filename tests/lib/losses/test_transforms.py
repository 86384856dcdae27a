"""Every loss compiles without a graph break, and can be differentiated forwards, twice, and over a batch of batches."""

import pytest
import torch
from valid_calls import LOSSES

NO_SLOPE = {"off_diagonal"}
COMPILED = sorted(LOSSES)


def scalar(found):
    """One number of whatever a loss returns."""
    return found[0].sum() if isinstance(found, tuple) else found.sum()


def of_first(name):
    """The loss as a function of its first argument alone."""
    loss, first, *others = LOSSES[name]
    return (lambda z: scalar(loss(z, *others))), first


@pytest.mark.parametrize("name", COMPILED)
def test_a_loss_compiles_as_one_graph(name):
    loss, *arguments = LOSSES[name]
    compiled = torch.compile(loss, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(*arguments), loss(*arguments))
    torch._dynamo.reset()


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_the_forward_derivative_is_the_backward_one(name):
    function, z = of_first(name)
    direction = torch.linspace(-1, 1, z.numel(), dtype=z.dtype).view_as(z)
    _, forward = torch.func.jvp(function, (z,), (direction,))
    backward = (torch.func.grad(function)(z) * direction).sum()
    torch.testing.assert_close(forward, backward)


@pytest.mark.parametrize("name", sorted(LOSSES.keys() - {"sinkhorn", "whiten", "w_mse"}))
def test_the_second_derivative_is_symmetric(name):
    function, z = of_first(name)
    hessian = torch.func.hessian(function)(z).reshape(z.numel(), z.numel())
    assert hessian.isfinite().all()
    torch.testing.assert_close(hessian, hessian.T)


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_a_stack_of_batches_is_mapped(name):
    function, z = of_first(name)
    stack = torch.stack([z, 2 * z + 0.1 * z.square()])
    found = torch.func.vmap(function)(stack)
    torch.testing.assert_close(found, torch.stack([function(z) for z in stack]))
