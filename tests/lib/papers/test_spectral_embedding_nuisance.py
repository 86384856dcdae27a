import numpy as np
import pytest
from sklearn.datasets import load_digits

from replearn.papers.spectral_embedding import nuisance_digits


def test_pictures_are_digits_plus_their_pattern():
    data = nuisance_digits(seed=3, noise=0.0)
    assert data.x_train.shape == (1200, 64) and data.x_test.shape == (597, 64)
    x, digit = np.vstack([data.x_train, data.x_test]), np.concatenate([data.digit_train, data.digit_test])
    clean = x - 0.25 * data.patterns[np.concatenate([data.pattern_train, data.pattern_test])]
    source = load_digits()
    found = {(*tuple(np.round(row * 16).astype(int)), label) for row, label in zip(clean, digit, strict=True)}
    assert found == {(*tuple(row.astype(int)), label) for row, label in zip(source.data, source.target, strict=True)}


def test_the_pattern_says_nothing_about_the_digit():
    data = nuisance_digits(seed=0)
    table = np.histogram2d(data.digit_train, data.pattern_train, bins=10)[0]
    expected = table.sum(0) * table.sum(1, keepdims=True) / table.sum()
    assert np.sum((table - expected) ** 2 / expected) < 126  # chi-squared, 81 degrees of freedom, p = 0.001


def test_noise_has_the_stated_size_and_a_seed_repeats_itself():
    still, noisy = nuisance_digits(seed=1, noise=0.0), nuisance_digits(seed=1, noise=0.1)
    assert np.std(noisy.x_train - still.x_train) == pytest.approx(0.1, rel=0.02)
    np.testing.assert_array_equal(noisy.x_test, nuisance_digits(seed=1, noise=0.1).x_test)
    assert not np.array_equal(noisy.patterns, nuisance_digits(seed=2).patterns)


@pytest.mark.parametrize(
    "bad", [{"seed": -1}, {"n_train": 5}, {"n_train": 1797}, {"strength": -1.0}, {"noise": np.nan}]
)
def test_bad_input_is_refused(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        nuisance_digits(**bad)
