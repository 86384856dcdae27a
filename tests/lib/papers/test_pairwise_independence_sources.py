import math

import numpy as np
import pytest
import torch
from scipy import stats

from replearn.papers.pairwise_independence import ica_sources, radial_rotation, xor_triple


@pytest.mark.parametrize("kind", ["uniform", "laplace", "gaussian", "mixed"])
def test_sources_are_standardised_uncorrelated_and_seeded(kind):
    s = ica_sources(4000, 4, kind, seed=1)
    np.testing.assert_allclose(s.mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(np.cov(s.T, ddof=0), np.eye(4), atol=0.06)
    assert s.dtype == torch.float64
    assert torch.equal(s, ica_sources(4000, 4, kind, seed=1)) and not torch.allclose(
        s, ica_sources(4000, 4, kind, seed=2)
    )


@pytest.mark.parametrize(("kind", "excess"), [("uniform", -1.2), ("laplace", 3.0), ("gaussian", 0.0)])
def test_sources_have_the_kurtosis_of_their_kind(kind, excess):
    kurtosis = stats.kurtosis(ica_sources(40_000, 2, kind).numpy())
    np.testing.assert_allclose(kurtosis, excess, atol=0.05 + 0.1 * abs(excess))


def test_mixed_sources_are_one_of_each_kind():
    s = ica_sources(20_000, 4, "mixed").numpy()
    np.testing.assert_allclose(stats.kurtosis(s), [-1.2, 3, -2, 6], rtol=0.2)
    assert stats.skew(s[:, 3]) == pytest.approx(2, abs=0.3)
    values = np.unique(s[:, 2].round(6))
    half_period = np.diff(np.flatnonzero(np.diff(s[:, 2])))
    assert len(values) == 2 and set(half_period) <= {62, 63}
    np.testing.assert_array_equal(ica_sources(20_000, 2, "mixed").numpy(), s[:, :2])


def test_radial_rotation_is_the_product_with_a_complex_phase():
    s = torch.randn(200, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = radial_rotation(s, turn=0.7, offset=0.3)
    c = torch.view_as_complex(s)
    torch.testing.assert_close(torch.view_as_complex(x), c * torch.exp(1j * (0.7 * c.abs() + 0.3)))
    torch.testing.assert_close(radial_rotation(x, turn=-0.7, offset=-0.3), s)
    jacobians = torch.stack(
        [torch.autograd.functional.jacobian(lambda v: radial_rotation(v[None])[0], p) for p in s[:20]]
    )
    torch.testing.assert_close(jacobians.det(), torch.ones(20, dtype=torch.float64))


def test_xor_triples_are_independent_in_pairs_only():
    x = xor_triple(4000, seed=1)
    assert set(x.unique().tolist()) == {-1.0, 1.0}
    assert torch.equal(x[:, 2], x[:, 0] * x[:, 1])
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert stats.chi2_contingency(np.histogram2d(x[:, i], x[:, j], 2)[0]).pvalue > 0.001


@pytest.mark.parametrize("strength", [0.0, 0.4, 1.0])
def test_strength_is_the_mean_of_the_product(strength):
    assert xor_triple(40_000, strength=strength).prod(1).mean().item() == pytest.approx(strength, abs=0.02)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ica_sources(1, 2), "n must be an integer"),
        (lambda: ica_sources(10, 0), "d must be an integer"),
        (lambda: ica_sources(10, 5, "mixed"), "between 1 and 4"),
        (lambda: ica_sources(10, 2, "cauchy"), "kind must be one of"),
        (lambda: radial_rotation(torch.zeros(4, 3)), "two sources"),
        (lambda: radial_rotation(torch.full((4, 2), math.nan)), "NaN"),
        (lambda: xor_triple(0), "n must be an integer"),
        (lambda: xor_triple(5, strength=2), "strength"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
