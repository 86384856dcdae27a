import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist
from sklearn.metrics.pairwise import rbf_kernel as sklearn_rbf

from replearn import spectral
from sampling import normal

X, Y = normal(30, 4), normal(20, 4, seed=1)
LABELS = np.repeat(["a", "b", "c"], 10)
K, KX = spectral.rbf_kernel(X, bandwidth=2.5**0.5), spectral.rbf_kernel(Y, X, bandwidth=2.5**0.5)


def test_the_gaussian_kernel_is_scikit_learns():
    np.testing.assert_allclose(spectral.rbf_kernel(X, Y, bandwidth=0.6**-0.5), sklearn_rbf(X, Y, gamma=0.3), atol=1e-13)
    np.testing.assert_allclose(
        spectral.rbf_kernel(torch.tensor(X), bandwidth=0.6**-0.5), sklearn_rbf(X, gamma=0.3), atol=1e-13
    )
    far = spectral.rbf_kernel(X + 1e4, bandwidth=0.6**-0.5)
    np.testing.assert_array_equal(np.diag(far), 1)
    assert far.max() == 1


def test_half_of_all_distances_are_below_the_median_bandwidth():
    s = spectral.median_bandwidth(X)
    assert abs(np.mean(pdist(X) < s) - 0.5) < 0.01
    assert spectral.median_bandwidth(3 * X) == pytest.approx(3 * s)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: spectral.rbf_kernel(X, bandwidth=0), "bandwidth must be"),
        (lambda: spectral.rbf_kernel(X, Y[:, :2], bandwidth=1), "equally many columns"),
        (lambda: spectral.rbf_kernel(X * np.nan, bandwidth=1), "NaN"),
        (lambda: spectral.median_bandwidth(np.ones((5, 2))), "most samples coincide"),
        (lambda: spectral.median_bandwidth(X[:1]), "N >= 2"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
