"""Landmark features and the kernel classifier, against their definitions."""

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge
from sklearn.preprocessing import KernelCenterer

from replearn import evaluation, spectral
from replearn.papers.kernel_regime import kernel_ridge_classifier, nystrom_features

rng = np.random.default_rng(0)
X, Y = rng.standard_normal((30, 4)), rng.standard_normal((20, 4))
LABELS = np.repeat(["a", "b", "c"], 10)
K, KX = spectral.rbf_kernel(X, bandwidth=2.5**0.5), spectral.rbf_kernel(Y, X, bandwidth=2.5**0.5)


def test_nystrom_features_are_exact_at_the_landmarks_and_a_projection_elsewhere():
    def kernel(a, b):
        return spectral.rbf_kernel(a, b, bandwidth=2.5**0.5)

    F = nystrom_features(X, X, kernel)
    np.testing.assert_allclose(F @ F.T, K, atol=1e-8)
    S, new = X[:8], nystrom_features(Y, X[:8], kernel)
    np.testing.assert_allclose(new @ new.T, kernel(Y, S) @ np.linalg.inv(kernel(S, S)) @ kernel(S, Y), atol=1e-10)
    linear = nystrom_features(Y, X, lambda a, b: a @ b.T)
    assert linear.shape == (20, 4)
    np.testing.assert_allclose(linear @ linear.T, Y @ Y.T, atol=1e-10)


def test_the_classifier_is_centred_kernel_ridge():
    centre = KernelCenterer().fit(K)
    Kc, Kxc = centre.transform(K), centre.transform(KX)
    targets = (LABELS[:, None] == np.unique(LABELS)).astype(float)
    model = KernelRidge(alpha=0.05 * np.trace(Kc) / 30, kernel="precomputed").fit(Kc, targets - targets.mean(axis=0))
    expected = np.unique(LABELS)[(model.predict(Kxc) + targets.mean(axis=0)).argmax(axis=1)]
    np.testing.assert_array_equal(kernel_ridge_classifier(K, LABELS, KX, lam=0.05), expected)
    assert len(set(expected)) == 3


def test_on_inner_products_it_is_the_ridge_probe():
    codes = np.unique(LABELS, return_inverse=True)[1]
    share = np.trace((X - X.mean(axis=0)) @ (X - X.mean(axis=0)).T) / 30
    expected = evaluation.ridge_probe(X, codes, Y, lam=0.1 * share / 30, standardize=False)
    found = kernel_ridge_classifier(X @ X.T, codes, Y @ X.T, lam=0.1)
    np.testing.assert_array_equal(found, expected.numpy())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nystrom_features(X, Y[:, :2], lambda a, b: a @ b.T), "equally many columns"),
        (lambda: nystrom_features(X, X, lambda a, b: -a @ b.T), "positive semi-definite"),
        (lambda: kernel_ridge_classifier(K, LABELS[:5], KX), "one label per sample"),
        (lambda: kernel_ridge_classifier(K, LABELS, KX[:, :5]), "one column per training point"),
        (lambda: kernel_ridge_classifier(K, LABELS, KX, lam=0), "lam must be"),
        (lambda: kernel_ridge_classifier(K, ["a"] * 30, KX), "two different labels"),
        (lambda: kernel_ridge_classifier(-K, LABELS, KX), "positive semi-definite"),
        (lambda: kernel_ridge_classifier(X[:, :3], LABELS, KX), "square"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
