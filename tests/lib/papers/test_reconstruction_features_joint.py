"""The encoder that shares features between a task and reconstruction, against descent."""

import numpy as np
import pytest
import torch
from scipy import linalg

from replearn import spectral
from replearn.papers.reconstruction_features import joint_encoder

rng = np.random.default_rng(0)
D, K, N = 6, 2, 50
X = rng.standard_normal((N, D)) @ rng.standard_normal((D, D))
X -= X.mean(axis=0)
Y = np.eye(3)[rng.integers(3, size=N)] + 0.3 * X[:, :3]


@pytest.mark.parametrize("lam", [0.0, 0.1, 10.0])
def test_the_joint_encoder_is_where_descent_ends(lam):
    x, y = torch.tensor(X), torch.tensor(Y - Y.mean(axis=0))

    def loss(P):
        z = x @ P[:D]
        task, pixels = P[D : D + 3].T, P[D + 3 :].T
        return ((y - z @ task).square().sum() + lam * (x - z @ pixels).square().sum()) / N

    found = joint_encoder(X + 5, Y, K, lam=lam)
    minimum = (y.square().sum() + lam * x.square().sum()).item() / N - np.sum(found.phi[:K] ** 2)
    np.testing.assert_allclose(
        spectral.minimize_embedding(loss, 2 * D + 3, K, steps=400).losses[-1], minimum, rtol=1e-6
    )
    task, pixels = found.W[:, :3], found.W[:, 3:] / np.sqrt(lam or 1)
    np.testing.assert_allclose(loss(torch.tensor(np.vstack([found.V, task.T, pixels.T]))), minimum, rtol=1e-9)


def test_much_reconstruction_is_pca_and_none_is_the_task():
    pca = linalg.eigh(X.T @ X)[1][:, -K:]
    assert spectral.principal_angles(joint_encoder(X, Y, K, lam=1e8).V, pca).max() < 1e-3
    full = joint_encoder(X, Y, 3, lam=0.0)
    least_squares = linalg.lstsq(X, Y - Y.mean(axis=0))[0]
    np.testing.assert_allclose(full.V @ full.W[:, :3], least_squares, atol=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: joint_encoder(X, Y, K, lam=-1.0), "lam must be"),
        (lambda: joint_encoder(X, Y[:5], K, lam=1.0), "same samples"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
