"""The terms of the bound against projectors formed by numpy's pseudo-inverse."""

import numpy as np
import pytest

from replearn.evaluation import label_bound


def residual(Z, Y):
    return np.linalg.norm((np.eye(len(Z)) - Z @ np.linalg.pinv(Z)) @ Y)


def test_the_terms_are_those_of_explicit_projectors():
    rng = np.random.default_rng(0)
    z1, labelled = rng.normal(size=(60, 5)) @ rng.normal(size=(5, 8)), rng.normal(size=(20, 8))
    z2 = z1 + 0.1 * rng.normal(size=z1.shape)
    y, y_labelled = np.eye(3)[rng.integers(3, size=60)], np.eye(3)[rng.integers(3, size=20)]
    terms = label_bound(z1, z2, y, labelled, y_labelled)
    assert terms.invariance == pytest.approx(np.mean([np.linalg.norm(a - b) for a, b in zip(z1, z2, strict=True)]))
    assert terms.unlabelled == pytest.approx(2 * residual(z1, y) / np.sqrt(60))
    assert terms.labelled == pytest.approx(residual(labelled, y_labelled) / np.sqrt(20))
    assert terms.total == pytest.approx(terms.invariance + terms.unlabelled + terms.labelled)


def test_full_rank_and_equal_views_leave_nothing():
    z = np.random.default_rng(0).normal(size=(12, 15))
    assert label_bound(z, z, np.eye(12), z, np.eye(12)).total == pytest.approx(0, abs=1e-10)


def test_unequal_rows_are_refused():
    z, y = np.ones((4, 2)), np.ones((4, 3))
    with pytest.raises(ValueError, match="same samples"):
        label_bound(z, z[:3], y, z, y)
    with pytest.raises(ValueError, match="same samples"):
        label_bound(z, z, y, z, y[:3])
