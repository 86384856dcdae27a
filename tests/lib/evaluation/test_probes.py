"""Probes against scikit-learn and against brute force."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from replearn import evaluation
from replearn.evaluation import blocks, probes


@pytest.fixture(scope="module")
def digits():
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order], y[order]
    return x[:1200], y[:1200], x[1200:], y[1200:]


def test_knn_predicts_what_scikit_learn_predicts(digits):
    x, y, xt, yt = digits
    reference = KNeighborsClassifier(
        20, metric="cosine", algorithm="brute", weights=lambda d: np.exp((1 - d) / 0.07)
    ).fit(x, y)
    predicted = evaluation.knn_probe(x, y, torch.as_tensor(xt))
    np.testing.assert_array_equal(predicted, reference.predict(xt))
    assert evaluation.knn_probe(x, y, xt, yt) == pytest.approx(reference.score(xt, yt))


def test_knn_in_blocks_equals_knn_at_once(digits, monkeypatch):
    x, y, xt, _ = digits
    whole = evaluation.knn_probe(x, y, xt)
    monkeypatch.setattr(blocks, "BLOCK", 1200 * 7)
    torch.testing.assert_close(evaluation.knn_probe(x, y, xt), whole)


def sklearn_ridge(x, t, xt, lam, standardize):
    scaler = StandardScaler(with_std=standardize).fit(x)
    model = Ridge(alpha=lam * len(x), solver="svd").fit(scaler.transform(x), t)
    return model.predict(scaler.transform(xt))


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("n", [1200, 40])
def test_ridge_outputs_equal_scikit_learn_in_primal_and_dual(digits, n, standardize):
    x, y, xt, yt = digits
    x, y = x[:n], y[:n]
    targets = np.eye(10)[y]
    expected = sklearn_ridge(x, targets, xt, 0.01, standardize)
    fit = probes.fit_ridge(torch.as_tensor(x), torch.as_tensor(targets), 0.01, standardize)
    np.testing.assert_allclose(fit(torch.as_tensor(xt)), expected, atol=1e-8)
    accuracy = evaluation.ridge_probe(x, y, xt, yt, lam=0.01, standardize=standardize)
    assert accuracy == pytest.approx((expected.argmax(1) == yt).mean())


def test_ridge_in_blocks_equals_ridge_at_once(digits, monkeypatch):
    x, y, xt, _ = digits
    x, t, xt = torch.as_tensor(x), torch.as_tensor(np.eye(10)[y]), torch.as_tensor(xt)
    whole = probes.fit_ridge(x, t, 0.01, True)(xt)
    monkeypatch.setattr(blocks, "BLOCK", 64 * 77)
    torch.testing.assert_close(probes.fit_ridge(x, t, 0.01, True)(xt), whole, rtol=0, atol=1e-10)


@pytest.mark.parametrize("n", [30, 90])
def test_leave_one_out_shortcut_equals_leaving_one_out(digits, n):
    x, y, _, _ = digits
    scaler = StandardScaler().fit(x[:n])
    xs, t = scaler.transform(x[:n]), np.eye(10)[y[:n]]
    residuals = evaluation.loo_residuals(x[:n], t, lam=0.05)
    for i in range(n):
        rest = np.delete(np.arange(n), i)
        model = Ridge(alpha=0.05 * n, solver="svd").fit(xs[rest], t[rest])
        np.testing.assert_allclose(residuals[i], t[i] - model.predict(xs[i : i + 1])[0], atol=1e-8)


def test_loo_takes_the_best_of_the_grid(digits):
    x, y, xt, yt = digits
    x, y = x[:150], y[:150]
    targets = torch.as_tensor(np.eye(10)[y])
    errors = {lam: evaluation.loo_residuals(x, targets, lam=lam).square().sum().item() for lam in probes._LOO_GRID}
    best = min(errors, key=errors.get)
    assert errors[best] < 0.9 * max(errors.values())
    loo, at_best = (evaluation.ridge_probe(x, y, xt, yt, lam=lam) for lam in ("loo", best))
    assert loo == at_best


def test_low_shot_is_the_mean_over_disjoint_blocks(digits):
    x, y, xt, yt = digits
    parts = []
    for b in range(3):
        block = slice(100 * b, 100 * (b + 1))
        parts.append((sklearn_ridge(x[block], np.eye(10)[y[block]], xt, 0.1, True).argmax(1) == yt).mean())
    assert np.ptp(parts) > 0
    assert evaluation.low_shot_probe(x, y, xt, yt, n_labels=100, repeats=3) == pytest.approx(np.mean(parts))


def test_r2_is_that_of_scikit_learn(digits):
    x, _, xt, _ = digits
    t, tt = x[:, [20, 30]], xt[:, [20, 30]]
    features, held = np.delete(x, [20, 30], 1), np.delete(xt, [20, 30], 1)
    expected = r2_score(tt, sklearn_ridge(features, t, held, 1e-3, True))
    assert evaluation.r2_probe(features, t, held, tt) == pytest.approx(expected, abs=1e-9)
    single = r2_score(tt[:, 0], sklearn_ridge(features, t[:, 0], held, 1e-3, True))
    assert evaluation.r2_probe(features, t[:, 0], held, tt[:, 0]) == pytest.approx(single, abs=1e-9)


def test_half_precision_features_are_raised_first(digits):
    x, y, xt, yt = digits
    half = torch.as_tensor(x).half()
    assert evaluation.ridge_probe(half, y, torch.as_tensor(xt).half(), yt) == evaluation.ridge_probe(x, y, xt, yt)


X, Y = np.random.default_rng(0).normal(size=(30, 4)), np.arange(30) % 3
NAN = np.where(np.arange(4) == 2, np.nan, X)


@pytest.mark.parametrize("probe", [evaluation.knn_probe, evaluation.ridge_probe, evaluation.low_shot_probe])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((X, Y[:-1], X, Y), "must have shape"),
        ((X, Y, X[:, :2], Y), "must have shape"),
        ((NAN, Y, X, Y), "z_train contains NaN"),
        ((X, Y, NAN, Y), "z_test contains NaN"),
        ((X, Y - 1, X, Y), r"0..C-1"),
        ((X, 2 * Y, X, Y), "each of them at least once"),
        ((X, Y.astype(float), X, Y), "y_train must hold integers"),
        ((X, Y, X, Y + 1), "classes that y_train has"),
        ((X[0], Y[0], X, Y), "must have shape"),
    ],
)
def test_bad_input_is_refused(probe, arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        probe(*arguments)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: evaluation.knn_probe(X, Y, X, k=31), "at most .* 30"),
        (lambda: evaluation.knn_probe(X, Y, X, temperature=0), "temperature must be positive"),
        (lambda: evaluation.knn_probe(0 * X, Y, X, k=3), "zero vector"),
        (lambda: evaluation.ridge_probe(X, Y, X, lam=0), "lam must be positive"),
        (lambda: evaluation.low_shot_probe(X, Y, X, Y), "1000 samples, but have 30"),
        (lambda: evaluation.low_shot_probe(X, Y, X, None), "y_test must be a tensor"),
        (lambda: evaluation.r2_probe(X, X[:, :2], X, X[:, :1]), "must have shape"),
        (lambda: evaluation.r2_probe(X, X[:, :1], X, 0 * X[:, :1]), "constant factor"),
        (lambda: evaluation.r2_probe(X, X[:, :1], X, X[:, :1], lam=-1), "lam must be positive"),
        (lambda: evaluation.loo_residuals(X, Y), "t must have shape"),
        (lambda: evaluation.loo_residuals(X, X[:5]), "must have shape"),
    ],
)
def test_bad_settings_are_refused(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()
