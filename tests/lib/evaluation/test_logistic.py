"""The logistic probe against scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from replearn import evaluation


@pytest.fixture(scope="module")
def digits():
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order], y[order]
    return x[:1200], y[:1200], x[1200:], y[1200:]


@pytest.mark.parametrize("lam", [1.0, 30.0])
def test_predictions_are_scikit_learns(digits, lam):
    x, y, xt, yt = digits
    scaler = StandardScaler().fit(x)
    reference = LogisticRegression(C=1 / lam, max_iter=2000, tol=1e-6).fit(scaler.transform(x), y)
    predicted = evaluation.logistic_probe(x, y, xt, lam=lam)
    assert (predicted.numpy() != reference.predict(scaler.transform(xt))).mean() <= 0.002
    accuracy = evaluation.logistic_probe(torch.as_tensor(x).float(), y, torch.as_tensor(xt).float(), yt, lam=lam)
    assert accuracy == pytest.approx(reference.score(scaler.transform(xt), yt), abs=0.004)


def test_constant_features_give_the_most_frequent_class():
    z, y = np.ones((30, 4)), np.repeat([0, 1, 2], [9, 11, 10])
    np.testing.assert_array_equal(evaluation.logistic_probe(z, y, z), np.ones(30))


@pytest.mark.parametrize(("change", "message"), [({"lam": 0.0}, "lam"), ({"steps": 0}, "steps")])
def test_bad_settings_are_refused(digits, change, message):
    x, y, xt, yt = digits
    with pytest.raises(ValueError, match=message):
        evaluation.logistic_probe(x, y, xt, yt, **change)
    with pytest.raises(ValueError, match="must have shape"):
        evaluation.logistic_probe(x, y, xt[:, :5], yt)
