"""The MLP probe against scikit-learn's network, and on classes that no line separates."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from replearn.evaluation import logistic_probe, mlp_probe


@pytest.fixture(scope="module")
def digits():
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order], y[order]
    return x[:1200], y[:1200], x[1200:], y[1200:]


def test_it_is_as_good_as_scikit_learns(digits):
    x, y, xt, yt = digits
    scaler = StandardScaler().fit(x)
    network = MLPClassifier(256, max_iter=50, random_state=0, early_stopping=False, tol=0.0)
    with pytest.warns(match="converge"):
        network.fit(scaler.transform(x), y)
    accuracy = mlp_probe(x.astype(np.float32), y, xt.astype(np.float32), yt, steps=300)
    assert accuracy == pytest.approx(network.score(scaler.transform(xt), yt), abs=0.015)
    predicted = mlp_probe(x.astype(np.float32), y, xt.astype(np.float32), steps=300)
    assert (predicted.numpy() == yt).mean() == pytest.approx(accuracy)


def test_it_solves_xor_which_a_line_cannot():
    z = np.random.default_rng(0).uniform(-1, 1, size=(1500, 2))
    y = (z[:, 0] * z[:, 1] > 0).astype(int)
    data = z[:1000], y[:1000], z[1000:], y[1000:]
    assert logistic_probe(*data) < 0.65
    assert mlp_probe(*data, hidden=32) > 0.95


def test_the_seed_alone_decides_and_the_global_generator_is_left_alone(digits):
    x, y, xt, _ = digits
    state = torch.get_rng_state()
    first = mlp_probe(x, y, xt, steps=5)
    torch.manual_seed(7)
    assert torch.equal(first, mlp_probe(x, y, xt, steps=5))
    assert not torch.equal(first, mlp_probe(x, y, xt, steps=5, seed=1))
    torch.set_rng_state(state)
    with torch.no_grad():
        assert torch.equal(first, mlp_probe(x, y, xt, steps=5))
    assert torch.equal(state, torch.get_rng_state())


def test_shift_and_scale_of_each_feature_do_not_matter(digits):
    x, y, xt, _ = digits
    a, b = np.linspace(1, 9, x.shape[1]), np.linspace(-5, 5, x.shape[1])
    same = mlp_probe(x * a + b, y, xt * a + b, steps=50) == mlp_probe(x, y, xt, steps=50)
    assert same.double().mean() > 0.99


@pytest.mark.parametrize("change", [{"hidden": 0}, {"steps": 0}, {"steps": 1.5}, {"lr": 0.0}])
def test_bad_settings_are_refused(digits, change):
    with pytest.raises(ValueError, match=next(iter(change))):
        mlp_probe(*digits, **change)


def test_bad_data_are_refused(digits):
    x, y, xt, yt = digits
    with pytest.raises(ValueError, match="must have shape"):
        mlp_probe(x, y, xt[:, :5], yt)
    with pytest.raises(ValueError, match="integer classes"):
        mlp_probe(x, y + 1, xt, yt)
