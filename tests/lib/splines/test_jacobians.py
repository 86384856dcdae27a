import itertools

import pytest
import torch
from torch import nn

from replearn import splines
from replearn.models import mlp
from replearn.splines import Abs, Residual


def double(*modules):
    torch.manual_seed(1)
    for module in modules:
        for layer in module.modules():
            if hasattr(layer, "reset_parameters"):
                layer.reset_parameters()
    return nn.Sequential(*modules).double().eval()


def wide_in():
    return double(nn.Linear(6, 8), nn.ReLU(), Residual(nn.Sequential(nn.Linear(8, 8), Abs())), nn.Linear(8, 2))


def wide_out():
    return double(nn.Linear(3, 8), nn.LeakyReLU(0.1), nn.BatchNorm1d(8), nn.Linear(8, 5))


def pooled():
    return double(nn.Unflatten(1, (1, 4, 4)), nn.Conv2d(1, 2, 3), nn.MaxPool2d(2, 1), nn.ReLU(), nn.Flatten())


def smooth():
    return double(nn.Linear(3, 8), nn.GELU(), nn.Linear(8, 5))


def inputs(model, n=6):
    dim = {"wide_in": 6, "pooled": 16}.get(model.__name__, 3)
    return torch.randn(n, dim, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def autograd(model, x):
    return torch.stack([torch.autograd.functional.jacobian(lambda y: model(y[None])[0], point) for point in x])


@pytest.mark.parametrize("make", [wide_in, wide_out, pooled, smooth])
def test_jacobians_are_those_of_autograd(make):
    model, x = make(), inputs(make)
    expected = autograd(model, x)
    torch.testing.assert_close(splines.jacobian(model, x), expected, rtol=0, atol=1e-12)
    V = torch.randn(x.shape[1], 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(splines.jvp_basis(model, x, V), expected @ V, rtol=0, atol=1e-12)


@pytest.mark.parametrize("make", [wide_in, wide_out, pooled])
def test_the_affine_map_is_the_model_at_the_point_and_beside_it(make):
    model, x = make(), inputs(make)
    A, b = splines.region_affine(model, x)
    beside = x + 1e-7 * torch.randn(x.shape, dtype=x.dtype, generator=torch.Generator().manual_seed(2))
    same = (splines.activation_patterns(model, x) == splines.activation_patterns(model, beside)).all(1)
    assert same.all()
    for y in (x, beside):
        torch.testing.assert_close((A @ y[:, :, None])[:, :, 0] + b, model(y).flatten(1), rtol=0, atol=1e-12)


def test_jacobians_can_be_differentiated_by_the_weights():
    for make in (wide_in, wide_out):
        model, x = make(), inputs(make, 2)
        weight = model[0].weight
        (grad,) = torch.autograd.grad(splines.jacobian(model, x).square().sum(), weight)
        step = torch.zeros_like(weight)
        step[0, 1] = 1e-6
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                weight += sign * step
                values.append(autograd(model, x).square().sum())
                weight -= sign * step
        assert float(grad[0, 1]) == pytest.approx(float(values[0] - values[1]) / 2e-6, rel=1e-6)


def test_log_volume_is_half_the_log_determinant():
    J = torch.randn(5, 7, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = 0.5 * torch.linalg.slogdet(J.mT @ J).logabsdet
    torch.testing.assert_close(splines.log_volume(J), expected)
    torch.testing.assert_close(splines.log_volume(J.mT), expected)
    largest = torch.linalg.eigvalsh(J.mT @ J)[:, -1].log() / 2
    torch.testing.assert_close(splines.log_volume(J, top_k=1), largest)
    assert splines.log_volume(torch.zeros(1, 2, 2), eps=1e-10).item() == pytest.approx(-46.0517, rel=1e-5)


def test_the_volume_of_a_model_is_that_of_its_projected_jacobian():
    model, x = wide_out(), inputs(wide_out)
    projection = torch.randn(4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    J = projection @ autograd(model, x)
    torch.testing.assert_close(
        splines.jacobian_log_volume(model, x, projection=projection), 0.5 * torch.linalg.slogdet(J.mT @ J).logabsdet
    )


def test_unit_distances_agree_with_autograd_and_with_the_first_layers_geometry():
    torch.manual_seed(0)
    model = mlp([3, 5, 4, 2], dtype=torch.float64)
    x = torch.randn(9, 3, dtype=torch.float64)
    distances = splines.unit_distances(model, x, chunk=4)
    first = (x @ model[0].weight.T + model[0].bias).abs() / model[0].weight.norm(dim=1)
    torch.testing.assert_close(distances[:, :5], first.detach())
    for n, k in itertools.product(range(9), range(4)):
        point = x[n].clone().requires_grad_()
        h = model[2](model[0](point).relu())[k]
        (grad,) = torch.autograd.grad(h, point)
        expected = (h.abs() / grad.norm()).detach()
        torch.testing.assert_close(distances[n, 5 + k], expected)


def test_a_unit_that_does_not_depend_on_the_input_is_infinitely_far():
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    model[0].weight.data[1] = 0
    for bias in (0.0, 1.0):
        model[0].bias.data[1] = bias
        assert torch.isinf(splines.unit_distances(model, torch.ones(1, 2))[0]).tolist() == [False, True, False]


def test_unit_distances_of_a_max_pooling_layer_lead_to_a_tie():
    model = nn.Sequential(nn.Unflatten(1, (1, 1, 2)), nn.MaxPool2d((1, 2)))
    distance = splines.unit_distances(model, torch.tensor([[3.0, 1.0]]))
    assert distance.tolist() == [[torch.inf, pytest.approx(2**0.5)]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: splines.region_affine(smooth(), torch.zeros(1, 3).double()), "GELU"),
        (lambda: splines.unit_distances(smooth(), torch.zeros(1, 3).double()), "GELU"),
        (lambda: splines.jacobian(nn.Sequential(nn.BatchNorm1d(3), nn.GELU()), torch.zeros(1, 3)), "training mode"),
        (lambda: splines.jacobian(wide_in(), torch.zeros(2, 5).double()), r"\(N, 6\)"),
        (lambda: splines.jacobian(pooled(), torch.zeros(2, 1, 4, 4).double()), r"\(N, D\)"),
        (lambda: splines.jvp_basis(wide_in(), torch.zeros(2, 6).double(), torch.zeros(5, 1).double()), "V must be"),
        (lambda: splines.log_volume(torch.zeros(2, 2)), "shape"),
        (lambda: splines.log_volume(torch.zeros(1, 2, 2), top_k=3), "top_k"),
        (lambda: splines.log_volume(torch.zeros(1, 2, 2), eps=0), "eps"),
        (lambda: splines.log_volume(torch.full((1, 2, 2), torch.nan)), "NaN"),
        (lambda: splines.jacobian_log_volume(wide_in(), torch.zeros(2, 6).double(), projection=torch.eye(3)), "proj"),
        (lambda: splines.unit_distances(wide_in(), torch.zeros(2, 6).double(), chunk=0), "chunk"),
    ],
)
def test_bad_inputs_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
