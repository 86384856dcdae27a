from math import factorial

import numpy as np
import pytest
import torch
from numpy.polynomial import hermite_e
from scipy.stats import norm

from replearn import spectral
from replearn.papers.minimal_variations import (
    augmentation_energy,
    dirichlet_energy,
    fit_two_labels,
    rayleigh_quotient,
    rbf_galerkin,
    train_functions,
)

rng = np.random.default_rng(0)
X = torch.tensor(rng.standard_normal((40, 3)))
G = spectral.knn_graph(X, 5)
A = torch.tensor(rng.standard_normal((3, 2)))
B = torch.tensor(rng.standard_normal((3, 5)))


def linear(x):
    return x @ A


@pytest.mark.parametrize("weights", [A, B])
def test_the_energy_of_a_tanh_layer_is_known(weights):
    slopes = 1 - torch.tanh(X @ weights) ** 2
    expected = (slopes**2 @ weights.square().sum(dim=0)).mean()
    torch.testing.assert_close(dirichlet_energy(lambda x: torch.tanh(x @ weights), X), expected)


@pytest.mark.parametrize("width", [2, 5])
def test_the_energy_is_that_of_finite_differences_and_can_be_descended(width):
    generator = torch.Generator().manual_seed(0)
    W = torch.randn(3, width, dtype=torch.float64, generator=generator, requires_grad=True)

    def energy(W):
        return dirichlet_energy(lambda x: torch.sin(x @ W), X)

    h, expected = 1e-5, 0.0
    for i in range(3):
        e = h * torch.eye(3, dtype=torch.float64)[i]
        slope = (torch.sin((X + e) @ W) - torch.sin((X - e) @ W)) / (2 * h)
        expected = expected + slope.square().sum() / len(X)
    torch.testing.assert_close(energy(W), expected, rtol=1e-7, atol=0)
    assert torch.autograd.gradcheck(energy, W)


def test_augmentations_measure_the_energy():
    def pairs(f, sigma, views):
        noise = torch.randn(views, *X.shape, dtype=X.dtype, generator=torch.Generator().manual_seed(3))
        z = [f(X + sigma * e) for e in noise]
        both = [(z[a] - z[b]).square().sum(dim=1).mean() for a in range(views) for b in range(views) if a != b]
        return torch.stack(both).mean() / (2 * sigma**2)

    for views in (2, 5):
        generator = torch.Generator().manual_seed(3)
        found = augmentation_energy(torch.sin, X, 0.1, views=views, generator=generator)
        torch.testing.assert_close(found, pairs(torch.sin, 0.1, views))
    many = augmentation_energy(linear, X, 0.5, views=4000, generator=torch.Generator().manual_seed(0))
    assert many.item() == pytest.approx(A.square().sum().item(), rel=0.02)
    small = augmentation_energy(torch.sin, X, 0.01, views=4000, generator=torch.Generator().manual_seed(0))
    assert small.item() == pytest.approx(dirichlet_energy(torch.sin, X).item(), rel=0.02)


@pytest.mark.parametrize("d", [1, 3])
def test_quadrature_takes_the_mean_over_the_noise(d):
    points = X[:, :d]
    squares = (4 * points**2 + 2 * 0.3**2).sum(dim=1).mean()
    torch.testing.assert_close(augmentation_energy(torch.square, points, 0.3, nodes=3), squares)
    exact = augmentation_energy(torch.sin, points, 0.3, nodes=12)
    views = augmentation_energy(torch.sin, points, 0.3, views=4000, generator=torch.Generator().manual_seed(0))
    assert exact.item() == pytest.approx(views.item(), rel=0.02)
    assert augmentation_energy(linear, X, 5.0, nodes=4).item() == pytest.approx(A.square().sum().item())


@pytest.mark.parametrize("sigma", [None, 0.05])
def test_on_normal_numbers_the_eigenfunctions_are_hermite_polynomials(sigma):
    x = norm.ppf((np.arange(3000) + 0.5) / 3000)[:, None]
    found = rbf_galerkin(
        x, 4, centers=np.linspace(-3.5, 3.5, 15)[:, None], bandwidth=1.0, ridge=1e-6, sigma=sigma, views=50
    )
    np.testing.assert_allclose(found.energies, [0, 1, 2, 3], atol=0.12)
    middle = np.linspace(-1.5, 1.5, 50)[:, None]
    hermite = [hermite_e.hermeval(middle[:, 0], np.eye(4)[k]) / np.sqrt(factorial(k)) for k in range(4)]
    signs = np.sign(np.sum(found(middle) * np.stack(hermite, axis=1), axis=0))
    np.testing.assert_allclose(found(middle) * signs, np.stack(hermite, axis=1), atol=0.12)


def test_eigenfunctions_are_orthonormal_and_have_the_energies_they_claim():
    points = rng.standard_normal((200, 2))
    found = rbf_galerkin(points, 5, centers=points[:30], bandwidth=0.8, ridge=1e-4)
    np.testing.assert_allclose(found(points).T @ found(points) / 200, np.eye(5), atol=1e-4)

    def functions(x):
        squared = (x[:, None] - torch.tensor(found.centers)).square().sum(dim=2)
        bumps = torch.exp(-squared / (2 * found.bandwidth**2))
        return torch.cat([torch.ones_like(x[:, :1]), bumps], dim=1) @ torch.tensor(found.coef)

    at = torch.tensor(points)
    np.testing.assert_allclose(functions(at), found(points), atol=1e-8)
    total = dirichlet_energy(functions, at).item()
    assert total + 1e-4 * np.sum(found.coef[1:] ** 2) == pytest.approx(found.energies.sum(), rel=1e-6)
    other = rbf_galerkin(points, 5, centers=points[:30], bandwidth=0.8, sigma=0.02, views=64)
    assert spectral.principal_angles(found(points), other(points)).max() < 15


def test_two_labels_are_fitted_with_the_least_energy():
    points = rng.standard_normal((200, 2))
    found = rbf_galerkin(points, 5, centers=points[:30], bandwidth=0.8)
    fitted = fit_two_labels(found.weighted, points[0], points[1])(points)
    # the conditions of Karush, Kuhn and Tucker for min sum_k energy_k a_k^2 subject to the two labels
    A = found(points[:2])
    system = np.block([[2 * np.diag(np.append(0, found.energies[1:])), A.T], [A, np.zeros((2, 2))]])
    a = np.linalg.solve(system, [0, 0, 0, 0, 0, -1, 1])[:5]
    np.testing.assert_allclose(fitted, found(points) @ a, atol=1e-6)
    np.testing.assert_allclose(fitted[:2], [-1, 1])


def test_training_follows_its_seed_descends_and_leaves_the_global_generator_alone():
    target = torch.randn(30, 3, generator=torch.Generator().manual_seed(0))
    x = X[:30].float()

    def loss(network):
        return (network(x + 0.01 * torch.randn_like(x)) - target).square().mean()

    before = torch.get_rng_state()
    first, second, other = (train_functions(loss, (3, 3), steps=100, seed=s)(x) for s in (0, 0, 1))
    assert torch.equal(before, torch.get_rng_state())
    np.testing.assert_array_equal(first, second)
    assert abs(first - other).max() > 1e-3
    start = train_functions(loss, (3, 3), steps=0)(x)
    assert np.mean((first - target.numpy()) ** 2) < 0.5 * np.mean((start - target.numpy()) ** 2)


def test_the_rayleigh_quotient_is_the_sum_over_edges():
    F, g = rng.standard_normal((40, 2)), G.toarray()
    degrees = g.sum(axis=1)
    centred = F - np.average(F, axis=0, weights=degrees)
    edges = sum(g[i, j] * np.sum((F[i] - F[j]) ** 2) for i in range(40) for j in range(40)) / 2
    found = rayleigh_quotient(F + 7, G)
    assert found == pytest.approx(edges / np.sum(degrees[:, None] * centred**2))
    smooth = spectral.laplacian_eigenmaps(G, 2, kind="rw")
    assert rayleigh_quotient(smooth.Z, G) == pytest.approx(smooth.eigenvalues.mean())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: dirichlet_energy(linear, X * torch.nan), "NaN"),
        (lambda: dirichlet_energy(lambda x: x.sum(), X), "one row per row"),
        (lambda: augmentation_energy(linear, X, 0.0), "sigma must be"),
        (lambda: augmentation_energy(linear, X, 0.1, views=1), "views must be"),
        (lambda: augmentation_energy(linear, X, 0.1, nodes=1), "nodes must be"),
        (lambda: augmentation_energy(lambda x: x[:2], X, 0.1, nodes=4), "one row per row"),
        (lambda: augmentation_energy(lambda x: x[:2], X, 0.1), "one row per row"),
        (lambda: rbf_galerkin(X, 7, centers=X[:5], bandwidth=1.0), "dim "),
        (lambda: rbf_galerkin(X[:3], 4, centers=X, bandwidth=1.0), "dim "),
        (lambda: rbf_galerkin(X, 2, centers=X[:5], bandwidth=0.0), "bandwidth must be"),
        (lambda: rbf_galerkin(X, 2, centers=X[:5], bandwidth=1.0, ridge=-1.0), "ridge must be"),
        (lambda: rbf_galerkin(X, 2, centers=X[:5], bandwidth=1.0, sigma=-1.0), "sigma must be"),
        (lambda: rbf_galerkin(X, 2, centers=X[:5, :2], bandwidth=1.0), "equally many columns"),
        (lambda: fit_two_labels(lambda x: x, X[0], X[0]), "differ in the features"),
        (lambda: fit_two_labels(lambda x: x, X[0] * torch.nan, X[0]), "NaN"),
        (lambda: train_functions(lambda f: f(X), (3, 2), steps=-1), "steps must be"),
        (lambda: rayleigh_quotient(np.ones(40), G), "constant"),
        (lambda: rayleigh_quotient(np.arange(9.0), G), "one row per node"),
        (
            lambda: rayleigh_quotient(np.arange(3.0), np.diag([1.0, 1.0], 1) + np.diag([1.0, 1.0], -1) * 0),
            "symm",
        ),
        (lambda: rayleigh_quotient(np.arange(3.0), [[0, 1, 0], [1, 0, 0], [0, 0, 0]]), "isolated"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
