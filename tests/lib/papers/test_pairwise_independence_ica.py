"""Source separation against FastICA, the optimum by a scan of all angles, and what it cannot separate."""

import math
import warnings

import numpy as np
import pytest
import torch
from sklearn.decomposition import FastICA

from replearn.evaluation import mean_correlation
from replearn.losses import whiten
from replearn.papers.pairwise_independence import RandomFeatures, cross_variable_covariance, ica_sources, vcreg_ica


def mixture(kind, n=600, d=3, seed=0):
    s = ica_sources(n, d, kind, seed=seed)
    return s, s @ torch.randn(d, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).T


@pytest.mark.parametrize("kind", ["uniform", "mixed"])
def test_it_recovers_sources_as_fast_ica_does(kind):
    s, x = mixture(kind)
    fast = FastICA(3, whiten="unit-variance", random_state=0).fit_transform(x.numpy())
    y = vcreg_ica(x, RandomFeatures(32), restarts=3).y
    assert mean_correlation(y, s) > 0.98 and mean_correlation(y, fast) > 0.98
    assert mean_correlation(whiten(x), s) < 0.95


def test_it_finds_the_best_of_all_angles():
    _, x = mixture("uniform", n=200, d=2)
    features, white = RandomFeatures(8), whiten(x, correction=0)

    def at(angle):
        c, s = math.cos(angle), math.sin(angle)
        return cross_variable_covariance(features(white @ torch.tensor([[c, -s], [s, c]], dtype=torch.float64))).item()

    scanned = min(at(a) for a in np.linspace(0, 2 * math.pi, 1441))
    assert vcreg_ica(x, features, restarts=1, draws=60).loss <= scanned + 1e-9
    result = vcreg_ica(x, features, restarts=20)
    assert result.loss <= scanned + 1e-9
    assert result.loss == pytest.approx(cross_variable_covariance(features(result.y)).item(), rel=1e-9)
    np.testing.assert_allclose(np.cov(result.y.T, ddof=0), np.eye(2), atol=1e-10)


def test_what_has_no_shape_to_see_is_not_separated():
    s, x = mixture("uniform")
    assert mean_correlation(vcreg_ica(x, RandomFeatures(32, "linear"), restarts=2).y, s) < 0.98
    s, x = mixture("gaussian")
    assert mean_correlation(vcreg_ica(x, RandomFeatures(32), restarts=2).y, s) < 0.95


def test_more_restarts_never_cost_and_the_seed_decides():
    _, x = mixture("laplace", n=150)
    features = RandomFeatures(8)
    one, three = (vcreg_ica(x, features, restarts=r, steps=30, seed=1) for r in (1, 3))
    assert three.loss <= one.loss
    assert torch.equal(one.y, vcreg_ica(x, features, restarts=1, steps=30, seed=1).y)


def test_it_passes_no_warning():
    _, x = mixture("uniform", n=100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        vcreg_ica(x, RandomFeatures(4, "relu"), restarts=1, steps=5)


X = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: vcreg_ica(X[:3], RandomFeatures(4)), "3 samples span fewer"),
        (lambda: vcreg_ica(X[:, :1].expand(20, 2), RandomFeatures(4)), "singular"),
        (lambda: vcreg_ica(X * torch.nan, RandomFeatures(4)), "NaN"),
        (lambda: vcreg_ica(X, RandomFeatures(4), restarts=0), "restarts"),
        (lambda: vcreg_ica(X, RandomFeatures(4), draws=0), "draws"),
        (lambda: vcreg_ica(X, RandomFeatures(4), steps=0), "steps"),
        (lambda: vcreg_ica(X[:, :1], RandomFeatures(4)), "at least two sources"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
