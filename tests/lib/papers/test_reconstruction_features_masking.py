"""The law of one direction under masks, against the closed form of the auto-encoder."""

import numpy as np
import pytest

from replearn import spectral
from replearn.papers.reconstruction_features import masking_score


def test_the_masking_law_is_the_auto_encoders_score():
    m, p = 4, 0.7
    u = np.r_[np.ones(m), np.zeros(2)] / np.sqrt(m) * [1, -1, 1, 1, 1, 1]
    data = np.outer(np.r_[np.full(20, 1.5), np.full(20, -1.5)], u)
    found = spectral.mask_moments(data, p, (2, 3))
    phi = spectral.reduced_rank_regression(found.C_clean, found.C, 1).phi
    assert masking_score(2.25, m, p) == pytest.approx(phi[0] ** 2, rel=1e-10)
    scores = masking_score(1.0, np.array([1, 10, 1e9]), p)
    np.testing.assert_allclose(scores, [0.3, 0.3 / 0.37, 1.0], rtol=1e-8)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("m", [1, 2, 7, 36])
def test_the_law_holds_for_directions_of_random_signs_anywhere(m, p):
    rng = np.random.default_rng(m)
    u = rng.permutation(np.append(rng.choice([-1, 1], m) / np.sqrt(m), np.zeros(36 - m)))
    line = rng.standard_normal((50, 1)) * u
    found = spectral.mask_moments(line, p, (6, 6))
    phi = spectral.reduced_rank_regression(found.C_clean, found.C, 1).phi
    assert masking_score(np.sum(line**2) / 50, m, p) == pytest.approx(phi[0] ** 2, rel=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: masking_score(0.0, 1, 0.5), "variance must be"),
        (lambda: masking_score(1.0, 0, 0.5), "pixels must be"),
        (lambda: masking_score(1.0, 1, 1.0), "p must be"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
