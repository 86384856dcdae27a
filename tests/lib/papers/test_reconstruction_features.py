import numpy as np
import pytest
from scipy import linalg
from scipy.integrate import solve_ivp
from sklearn.decomposition import PCA

from replearn.papers.reconstruction_features import (
    linear_autoencoder_flow,
    noisy_digits,
    pca_split,
    principal_directions,
    reconstruction_error,
    task_alignment,
)

rng = np.random.default_rng(0)
X = rng.standard_normal((80, 8)) @ rng.standard_normal((8, 8)) + 3
Y = np.eye(3)[rng.integers(3, size=80)] + 0.2 * X[:, :3]


@pytest.mark.parametrize("fraction", [0.3, 0.6, 0.9, 0.99])
def test_the_two_parts_are_scikit_learns_components(fraction):
    pca = PCA().fit(X)
    shares = np.cumsum(pca.explained_variance_ratio_)
    cut = np.sum(shares < fraction) + 1
    top, explained = pca_split(X, fraction)
    assert top.shape == (8, cut) and explained == pytest.approx(shares[cut - 1])
    np.testing.assert_allclose(top @ top.T, pca.components_[:cut].T @ pca.components_[:cut], atol=1e-9)
    if cut < 8:
        bottom, rest = pca_split(X, 1 - fraction, part="bottom")
        np.testing.assert_allclose(top @ top.T + bottom @ bottom.T, np.eye(8), atol=1e-9)
        assert rest == pytest.approx(1 - explained) and rest <= 1 - fraction + 1e-12


def test_principal_directions_and_their_error_are_scikit_learns():
    pca = PCA().fit(X)
    variances, directions = principal_directions(X)
    np.testing.assert_allclose(variances, pca.explained_variance_ * 79 / 80, rtol=1e-9)
    np.testing.assert_allclose(abs(np.sum(directions * pca.components_.T, axis=0)), 1, rtol=1e-9)
    left = 1 - np.cumsum(pca.explained_variance_ratio_)
    mixed = directions[:, :3] @ rng.standard_normal((3, 3))
    np.testing.assert_allclose(reconstruction_error(X, mixed), left[2], rtol=1e-8)
    assert reconstruction_error(X, rng.standard_normal((8, 3))) > left[2]


def test_digits_are_centred_and_their_nuisance_has_the_rank_it_should_have():
    plain, labels = noisy_digits(50, waves=0, seed=3)
    waved, same = noisy_digits(50, waves=9, amp=2.0, seed=3)
    hot, _ = noisy_digits(50, waves=0, hot=5, seed=3)
    assert plain.shape == (2050, 196) and labels.shape == (2050,) and (labels == same).all()
    np.testing.assert_allclose(waved[:50].mean(axis=0), 0, atol=1e-12)
    assert np.linalg.matrix_rank(waved - plain) == 9 and np.linalg.matrix_rank(hot - plain) == 5
    np.testing.assert_allclose(np.var(hot - plain, axis=0).max(), 1, atol=0.15)
    assert not np.array_equal(plain, noisy_digits(50, waves=0, seed=4)[0])


def test_alignment_is_the_share_of_the_best_regression():
    V = rng.standard_normal((8, 5))
    x, y = X - X.mean(axis=0), Y - Y.mean(axis=0)

    def explained(F):
        return np.sum((F @ linalg.lstsq(F, y)[0]) ** 2)

    found = task_alignment(X, Y, V)
    np.testing.assert_allclose(found, [explained(x @ V[:, :k]) / explained(x) for k in range(1, 6)], rtol=1e-9)
    assert (np.diff(found) >= 0).all() and found[0] >= 0 and found[-1] <= 1
    assert task_alignment(X, Y, rng.standard_normal((8, 8)))[-1] == pytest.approx(1)
    dead = np.hstack([X, np.ones((80, 1))])
    np.testing.assert_allclose(task_alignment(dead, Y, np.vstack([V, np.zeros((1, 5))])), found, rtol=1e-9)


def test_the_flow_is_that_of_an_integrated_auto_encoder():
    variances, a0 = np.array([2.0, 0.5, 0.1]), 1e-3
    rotation = linalg.qr(rng.standard_normal((3, 3)))[0]
    C = rotation * variances @ rotation.T
    times = np.array([0.0, 0.5, 1.0, 3.0, 10.0, 40.0])

    def flow(_, flat):
        V, W = flat.reshape(2, 3, 3)
        left = np.eye(3) - W.T @ V.T  # loss tr(left C left^T)
        return np.stack([2 * C @ left.T @ W.T, 2 * V.T @ C @ left.T]).ravel()

    start = np.sqrt(a0) * np.stack([rotation, rotation.T])
    path = solve_ivp(flow, (0, 40), start.ravel(), t_eval=times, rtol=1e-9, atol=1e-12).y.T
    found = linear_autoencoder_flow(variances, times, a0)
    for a, flat in zip(found, path, strict=True):
        V, W = flat.reshape(2, 3, 3)
        np.testing.assert_allclose(rotation * a @ rotation.T, W.T @ V.T, atol=1e-5)
    np.testing.assert_allclose(linear_autoencoder_flow(variances, 3.0, a0), found[3])
    assert (np.diff(found[1:-1], axis=1) < 0).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pca_split(X, 1.0), "fraction must lie"),
        (lambda: pca_split(X, 0.0), "fraction must lie"),
        (lambda: pca_split(X, 0.5, part="middle"), "part must be"),
        (lambda: pca_split(X, 1e-9, part="bottom"), "empty"),
        (lambda: pca_split(np.ones((5, 2)), 0.5), "constant"),
        (lambda: noisy_digits(0), "n must be"),
        (lambda: noisy_digits(5, waves=8), "square number"),
        (lambda: noisy_digits(5, hot=197), "hot must be"),
        (lambda: reconstruction_error(X, np.ones((7, 2))), "one row per column"),
        (lambda: reconstruction_error(np.ones((5, 2)), np.ones((2, 1))), "constant"),
        (lambda: task_alignment(X, Y[:9], X.T[:, :2]), "same samples"),
        (lambda: task_alignment(X, Y, np.ones((7, 2))), "one row per column"),
        (lambda: task_alignment(X, Y, np.ones((8, 2))), "linearly independent"),
        (lambda: task_alignment(X, np.ones((80, 1)), np.eye(8)), "says nothing"),
        (lambda: linear_autoencoder_flow([-1.0], 1.0, 0.1), "variances must"),
        (lambda: linear_autoencoder_flow([1.0], -1.0, 0.1), "t must"),
        (lambda: linear_autoencoder_flow([1.0], 1.0, 1.0), "start must"),
        (lambda: linear_autoencoder_flow([1.0], 1.0, 0.0), "start must"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
