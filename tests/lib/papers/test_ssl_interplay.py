from itertools import combinations

import numpy as np
import pytest
import torch

from replearn import losses, spectral
from replearn.data import load
from replearn.papers.ssl_interplay import (
    augmentation_operator,
    crop_channel,
    crop_eigenvalue,
    crop_views,
    degree_eigenvalues,
    digit_views,
    flip_channel,
    hypercube,
    interplay_eigenvalues,
    interplay_solution,
)

D = 5
CUBE = hypercube(D)
T = augmentation_operator(crop_channel(D, 2))
K = np.exp(2 * CUBE @ CUBE.T / D)
rng = np.random.default_rng(0)
ROOT = rng.standard_normal((4, 4))
C = ROOT @ ROOT.T + np.eye(4)
C_PLUS = 0.4 * ROOT @ ROOT.T


def test_the_operator_averages_over_the_other_views():
    P, f = flip_channel(3, 0.2), rng.standard_normal(8)
    energy = np.mean((P @ f) ** 2)
    found = augmentation_operator(P)
    assert f @ found @ f / 8 == pytest.approx(energy)
    np.testing.assert_allclose(found @ np.ones(8), 1)
    images = np.kron(np.eye(3), np.full((1, 4), 0.25))
    np.testing.assert_allclose(augmentation_operator(images), np.kron(np.eye(3), np.full((4, 4), 0.25)))


@pytest.mark.parametrize(("beta", "lam"), [(1.0, 0.0), (0.8, 2e-3), (0.0, 0.05), (1.0, 0.5)])
def test_the_solution_is_where_descent_ends(beta, lam):
    w, U = np.linalg.eigh(K)
    root, operator = torch.tensor((U * np.sqrt(w)) @ U.T), torch.tensor(T)

    def loss(P):
        f = root @ P
        views = 2 * ((f * f).sum() - (f * (operator @ f)).sum()) / len(f)
        return beta * views + losses.decorrelation_loss(f) + 2 * lam * P.square().sum()

    found = interplay_solution(T, K, 4, beta=beta, lam=lam)
    minimum = 4 - np.sum(np.maximum(found.eigenvalues, 0) ** 2)
    end = spectral.minimize_embedding(loss, 2**D, 4, steps=600).losses[-1]
    np.testing.assert_allclose(end, minimum, rtol=1e-6)
    W = torch.tensor(np.linalg.lstsq(root.numpy(), found.Z, rcond=None)[0])
    np.testing.assert_allclose(loss(W), minimum, rtol=1e-6)
    assert found.rank == np.sum(found.eigenvalues > 1e-9)
    np.testing.assert_allclose(found.transform(K), found.Z, atol=1e-8)


def test_on_the_cube_the_spectrum_is_known():
    sets = [S for k in range(D + 1) for S in combinations(range(D), k)]
    tau = np.array([crop_eigenvalue(S, D, 2) for S in sets])
    kappa = degree_eigenvalues(lambda u: np.exp(2 * u), D)[[len(S) for S in sets]]
    known = np.sort(interplay_eigenvalues(tau, kappa, beta=0.7, lam=1e-3))[::-1]
    found = interplay_solution(T, K, 12, beta=0.7, lam=1e-3)
    np.testing.assert_allclose(found.eigenvalues, known[:12], atol=1e-10)


def test_figure_two_has_three_regimes_that_switch_at_one_and_two():
    tau, kappa = np.array([0.9, 0.75, 0.5]), 1 / np.array([0.4, 0.25, 0.125])
    winners = [interplay_eigenvalues(tau, kappa, lam=lam).argmax() for lam in (0.5, 0.99, 1.01, 1.99, 2.01)]
    assert winners == [0, 0, 1, 1, 2]
    np.testing.assert_allclose(interplay_eigenvalues(tau, kappa, lam=2.0), [0.1, 0.25, 0.25])
    assert interplay_eigenvalues([0.5], [0.0])[0] == -np.inf


@pytest.mark.parametrize(("beta", "lam"), [(1.0, 0.1), (0.5, 0.0), (1.0, 50.0)])
def test_moments_alone_give_the_linear_minimum(beta, lam):
    c, plus = torch.tensor(C), torch.tensor(C_PLUS)

    def loss(W):
        energy = W.T @ c @ W
        wanted = (W * (((1 - beta) * c + beta * plus) @ W)).sum()
        return energy.square().sum() - 2 * wanted + 3 + 2 * lam * W.square().sum()

    found = spectral.moment_ssl(C, C_PLUS, 3, beta=beta, lam=lam)
    minimum = 3 - np.sum(np.maximum(found.eigenvalues, 0) ** 2)
    np.testing.assert_allclose(loss(torch.tensor(found.W)), minimum, rtol=1e-10)
    np.testing.assert_allclose(spectral.minimize_embedding(loss, 4, 3).losses[-1], minimum, rtol=1e-8)


def test_features_and_points_agree():
    w, U = np.linalg.eigh(K / 2**D)
    phi = np.sqrt(2**D) * U * np.sqrt(w)
    found = spectral.moment_ssl(phi.T @ phi / 2**D, phi.T @ T @ phi / 2**D, 4, beta=0.9, lam=1e-3)
    points = interplay_solution(T, K, 4, beta=0.9, lam=1e-3)
    np.testing.assert_allclose(found.eigenvalues, points.eigenvalues, atol=1e-9)


def test_crop_views_have_the_probabilities_of_the_channel():
    x = np.repeat([[1.0, -1.0, 1.0, 1.0]], 40_000, axis=0)
    seen = crop_views(x, 2, generator=np.random.default_rng(0))
    cube = hypercube(4)
    row = (seen < 0) @ 2 ** np.arange(4)[::-1]
    here = np.flatnonzero((cube == x[0]).all(axis=1))[0]
    np.testing.assert_allclose(np.bincount(row, minlength=16) / len(x), crop_channel(4, 2)[here], atol=0.01)


def test_digit_views_of_an_image_are_its_shifts_with_noise():
    seen = digit_views(20, views=3, new=30, noise=0.0, seed=1)
    assert seen.x.shape == (60, 64) and seen.x_new.shape == (30, 64) and len(seen.y) == 20
    pictures = load("digits").images[:, 0].numpy()
    padded = np.pad(pictures, ((0, 0), (1, 1), (1, 1)))
    shifted = np.stack([padded[:, i : i + 8, j : j + 8] for i in range(3) for j in range(3)], 1)
    distance = abs(shifted[:, :, None] - seen.x.reshape(-1, 8, 8)[None, None]).max((3, 4)).min(1)  # (1797, 60)
    owners = [set(np.flatnonzero(distance[:, 3 * i : 3 * i + 3].max(1) < 1e-5)) for i in range(20)]
    labels = load("digits").labels.numpy()
    assert all(owners) and all(seen.y[i] in labels[list(owner)] for i, owner in enumerate(owners))
    assert np.array_equal(seen.x, digit_views(20, views=3, new=30, noise=0.0, seed=1).x)
    noise = digit_views(20, views=3, new=30, noise=0.5, seed=1).x - seen.x
    assert 0.45 < noise.std() < 0.55


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: crop_views([[0.5, 1.0]], 1, generator=np.random.default_rng(0)), "nothing but -1 and 1"),
        (lambda: crop_views([[1.0, 1.0]], 3, generator=np.random.default_rng(0)), "w must be"),
        (lambda: digit_views(1797), "images must be"),
        (lambda: digit_views(10, new=1790), "new must be"),
        (lambda: digit_views(10, noise=-1.0), "noise must"),
        (lambda: augmentation_operator(np.ones((3, 3))), "summing to 1"),
        (lambda: augmentation_operator([[2.0, -1.0], [0.0, 1.0]]), "non-negative"),
        (lambda: augmentation_operator([[1.0, 0.0], [0.5, 0.5]]), "equally likely"),
        (lambda: interplay_eigenvalues([0.5], [1.0, 2.0]), "one shape"),
        (lambda: interplay_eigenvalues([1.5], [1.0]), "tau must hold"),
        (lambda: interplay_eigenvalues([0.5], [-1.0]), "kappa must hold"),
        (lambda: interplay_eigenvalues([0.5], [1.0], beta=2.0), "beta must lie"),
        (lambda: interplay_solution(T, K, 2, beta=-0.1), "beta must lie"),
        (lambda: interplay_solution(T, K, 2, lam=-0.1), "lam must be"),
        (lambda: interplay_solution(T, -K, 2), "positive semi-definite"),
        (lambda: interplay_solution(T[:4, :4], K, 2), "shape of K"),
        (lambda: spectral.moment_ssl(C_PLUS - 10 * np.eye(4), C_PLUS, 2), "positive definite"),
        (lambda: spectral.moment_ssl(C, C_PLUS[:2, :2], 2), "one shape"),
        (lambda: spectral.moment_ssl(C, C_PLUS, 5), "dim must be"),
        (lambda: spectral.moment_ssl(C, C_PLUS, 2, lam=-1.0), "lam must be"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
