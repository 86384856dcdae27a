"""Wide networks, their kernel, and what it induces, against gradients, descent and scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.preprocessing import KernelCenterer

from replearn import spectral
from replearn.papers import kernel_regime as world

rng = np.random.default_rng(0)
X, Y = rng.standard_normal((20, 3)), rng.standard_normal((7, 3))
GRAPH = spectral.knn_graph(X, 4)
LAPLACIAN = spectral.laplacian(GRAPH)[0]
KERNEL = world.centered(world.wide_network_kernel, X)


def test_the_wide_kernel_is_the_mean_product_of_gradients():
    width, generator = 100_000, torch.Generator().manual_seed(0)
    first = torch.randn(4, width, dtype=torch.float64, generator=generator, requires_grad=True)
    last = torch.randn(width, dtype=torch.float64, generator=generator, requires_grad=True)

    def slopes(x):
        output = (2 / width) ** 0.5 * (torch.tensor([*x, 1.0], dtype=torch.float64) @ first).relu() @ last
        return torch.cat([slope.flatten() for slope in torch.autograd.grad(output, (first, last))])

    gradients = torch.stack([slopes(x) for x in [*X[:3], *Y[:2]]])
    points = np.concatenate([X[:3], Y[:2]])
    expected = world.wide_network_kernel(points, points)
    np.testing.assert_allclose((gradients @ gradients.T).numpy(), expected, atol=0.01 * expected.max())


def test_the_wide_kernel_is_symmetric_and_positive():
    K = world.wide_network_kernel(X, X)
    np.testing.assert_allclose(K, K.T, atol=1e-12)
    assert np.linalg.eigvalsh(K).min() > 0
    np.testing.assert_allclose(np.diag(K), 2 * (np.sum(X**2, axis=1) + 1), rtol=1e-6)


def test_centring_is_that_of_scikit_learn():
    reference = KernelCenterer().fit(world.wide_network_kernel(X, X))
    np.testing.assert_allclose(KERNEL(X, X), reference.transform(world.wide_network_kernel(X, X)), atol=1e-10)
    np.testing.assert_allclose(KERNEL(Y, X), reference.transform(world.wide_network_kernel(Y, X)), atol=1e-10)
    np.testing.assert_allclose(KERNEL(Y, Y), world.centered(world.wide_network_kernel, torch.tensor(X))(Y, Y))


def test_the_decay_is_in_units_of_the_loss():
    decay, inv, features = 0.002, 0.05, np.linalg.cholesky(KERNEL(X, X) + 1e-12 * np.eye(20))
    inputs = torch.tensor(features - features.mean(axis=0))
    run = spectral.minimize_embedding(
        lambda W: spectral.vicreg_graph_loss(inputs @ W, LAPLACIAN, inv=inv) + decay * W.square().sum(), 20, 3
    )
    found = world.induced(KERNEL(X, X), GRAPH, 3, inv=inv, decay=decay)
    np.testing.assert_allclose(run.losses[-1], 3 - np.sum((found.eigenvalues / 20) ** 2), rtol=1e-6)
    Z = inputs.numpy() @ run.Z
    np.testing.assert_allclose(Z @ Z.T, found.Z @ found.Z.T, atol=1e-4)


def test_without_decay_the_training_points_have_the_target_whatever_the_kernel():
    target = world.ssl_target(GRAPH, inv=0.05)
    values, vectors = np.linalg.eigh(target)
    expected = (vectors[:, -4:] * np.maximum(values[-4:], 0)) @ vectors[:, -4:].T
    gaussian = world.centered(lambda a, b: spectral.rbf_kernel(a, b, bandwidth=0.5), X)
    for kernel in (KERNEL, gaussian):
        found = world.induced(kernel(X, X), GRAPH, 4, inv=0.05)
        np.testing.assert_allclose(found.kernel(kernel(X, X), kernel(X, X)), expected, atol=1e-5)


def test_all_tied_directions_with_all_labels_are_the_kernel_fitted_to_all_views():
    ids, labels = np.repeat(np.arange(5), 4), np.repeat([0, 1, 2, 0, 1], 4)
    found = world.induced(KERNEL(X, X), spectral.augmentation_graph(ids), 4, inv=0.5)
    targets = np.eye(3)[labels]
    targets -= targets.mean(axis=0)
    probe = np.linalg.lstsq(found.Z[::4], targets[::4], rcond=None)[0]
    expected = KERNEL(Y, X) @ np.linalg.solve(KERNEL(X, X) + 1, targets)
    np.testing.assert_allclose(found.transform(KERNEL(Y, X)) @ probe, expected, atol=1e-6)


def test_a_wide_network_is_trained_to_the_formula():
    inv, decay = 0.05, 0.01

    def loss(Z):
        return spectral.vicreg_graph_loss(Z, LAPLACIAN, inv=inv)

    encode = world.train_wide_network(X, loss, 2, width=3000, decay=decay, steps=150)
    expected = world.induced(KERNEL(X, X), GRAPH, 2, inv=inv, decay=decay).transform(KERNEL(Y, X))
    found = encode(Y)
    np.testing.assert_allclose(encode(X).mean(axis=0), 0, atol=1e-12)
    apart = np.linalg.norm(found @ found.T - expected @ expected.T) / np.linalg.norm(expected @ expected.T)
    assert apart < 0.15
    np.testing.assert_array_equal(world.train_wide_network(X, loss, 2, width=3000, decay=decay, steps=150)(Y), found)


def test_shifted_digits_are_shifted_differently():
    digits = world.shifted_digits(6, 4, 3, seed=1)
    assert digits.x.shape == (24, 784) and digits.x_new.shape == (3, 784) and digits.x.dtype == np.float64
    np.testing.assert_array_equal(digits.image, np.repeat(np.arange(6), 4))
    assert len(np.unique(digits.x, axis=0)) == 24
    assert all(len(set(digits.y[digits.image == i])) == 1 for i in range(6))
    np.testing.assert_allclose(
        digits.x.sum(axis=1).reshape(6, 4), digits.x.sum(axis=1)[::4, None] * np.ones(4), rtol=0.05
    )
    np.testing.assert_array_equal(world.shifted_digits(6, 4, 3, seed=1).x, digits.x)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: world.wide_network_kernel(X, Y[:, :2]), "equally many columns"),
        (lambda: world.wide_network_kernel(X[0], Y), "X must"),
        (lambda: world.centered(world.wide_network_kernel, X[0]), "samples must"),
        (lambda: world.induced(KERNEL(X, X), GRAPH, 2, decay=-1), "decay must be"),
        (lambda: world.induced(KERNEL(X, X), GRAPH, 20), "rank of K"),
        (lambda: world.train_wide_network(X, torch.sum, 0, width=3, decay=0), "dim must be"),
        (lambda: world.train_wide_network(X, torch.sum, 1, width=0, decay=0), "width must be"),
        (lambda: world.train_wide_network(X, torch.sum, 1, width=3, decay=-1), "decay must be"),
        (lambda: world.train_wide_network(X[0], torch.sum, 1, width=3, decay=0), "x must"),
        (lambda: world.shifted_digits(0, 4, 3), "images must be"),
        (lambda: world.shifted_digits(3, 26, 3), "views must be"),
        (lambda: world.shifted_digits(3, 4, 0), "new must be"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
