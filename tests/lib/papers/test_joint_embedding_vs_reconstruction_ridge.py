"""Regression on noisy inputs, against many noisy copies."""

import numpy as np
import pytest
from scipy import linalg
from sklearn.linear_model import Ridge

from replearn.papers.joint_embedding_vs_reconstruction import ridge_augmented

rng = np.random.default_rng(0)
D, K, N = 6, 2, 50
X = rng.standard_normal((N, D)) @ rng.standard_normal((D, D))
Y = np.eye(3)[rng.integers(3, size=N)] + 0.3 * X[:, :3]


def test_noise_is_ridge_and_means_many_noisy_copies():
    found = ridge_augmented(X, Y, 0.3 * np.eye(D))
    expected = Ridge(alpha=0.3 * N, fit_intercept=False).fit(X, Y).coef_.T
    np.testing.assert_allclose(found, expected, atol=1e-10)
    root = rng.standard_normal((D, D))
    copies = np.tile(X, (4000, 1)) + rng.standard_normal((4000 * N, D)) @ root.T
    np.testing.assert_allclose(
        ridge_augmented(X, Y, root @ root.T),
        linalg.lstsq(copies, np.tile(Y, (4000, 1)))[0],
        atol=0.01,
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ridge_augmented(X, Y, np.eye(3)), "one row per column"),
        (lambda: ridge_augmented(X, Y, -1e6 * np.eye(D)), "positive definite"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
