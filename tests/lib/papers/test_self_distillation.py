"""The flow against autograd and scipy's integrator, its equilibria against the roots of the polynomial."""

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from scipy.optimize import fsolve

from replearn.papers.self_distillation import byol_fixed_points, linear_byol_flow, surviving_directions

rng = np.random.default_rng(0)
A, B = rng.standard_normal((2, 5, 5))
X, XP = A @ A.T / 5, B @ B.T / 10
W0, P0 = rng.standard_normal((3, 5)) / 3, np.eye(3) + 0.1 * rng.standard_normal((3, 3))
FIXED = {"X": X, "Xp": XP, "W0": W0, "P0": P0, "eta": 0.05, "T": 3.0}


def reference(alpha, tau, stop_gradient, predictor, eta=0.05, T=3.0):
    """Minus the gradient of the loss itself, by autograd, handed to an adaptive integrator."""
    x, both = torch.tensor(X), torch.tensor(X + XP)

    def field(_, flat):
        W, P = torch.tensor(flat[:15].reshape(3, 5)), torch.tensor(flat[15:].reshape(3, 3))
        W.requires_grad_()
        P.requires_grad_()
        target = tau * (W.detach() if stop_gradient else W)
        online = P @ W
        loss = (
            torch.trace(online @ both @ online.T) / 2
            - torch.trace(online @ x @ target.T)
            + torch.trace(target @ both @ target.T) / 2
        )
        dW, dP = torch.autograd.grad(loss, (W, P))
        dP = alpha * dP + eta * P if predictor else 0 * P
        return -torch.cat([(dW + eta * W).flatten(), dP.flatten()]).detach().numpy()

    start = np.concatenate([W0.ravel(), (P0 if predictor else np.eye(3)).ravel()])
    end = solve_ivp(field, (0, T), start, rtol=1e-9, atol=1e-11).y[:, -1]
    return end[:15].reshape(3, 5), end[15:].reshape(3, 3)


@pytest.mark.parametrize("stop_gradient", [True, False])
@pytest.mark.parametrize("predictor", [True, False])
@pytest.mark.parametrize(("alpha", "tau"), [(1.0, 1.0), (3.0, 0.8)])
def test_the_flow_descends_the_loss(alpha, tau, stop_gradient, predictor):
    tau = tau if stop_gradient else 1.0
    options = {"alpha": alpha, "tau": tau, "stop_gradient": stop_gradient, "predictor": predictor}
    path = linear_byol_flow(**FIXED, dt=0.02, **options)
    W, P = reference(**options)
    np.testing.assert_allclose(path.W[-1], W, atol=1e-6)
    np.testing.assert_allclose(path.P[-1], P, atol=1e-6)
    euler = linear_byol_flow(**FIXED, dt=0.001, method="euler", **options)
    np.testing.assert_allclose(euler.W[-1], W, atol=5e-3)


def test_times_and_starts():
    path = linear_byol_flow(**FIXED, dt=0.07, record=6)
    assert path.t[0] == 0 and path.t[-1] == pytest.approx(3) and len(path.t) == 7
    assert path.W.shape == (7, 3, 5) and path.P.shape == (7, 3, 3)
    np.testing.assert_array_equal(path.W[0], W0)
    assert len(linear_byol_flow(**FIXED, dt=1.0).t) == 4


def test_several_models_at_once():
    starts, etas = np.stack([W0, 2 * W0, -W0]), [0.05, 0.02, 0.1]
    path = linear_byol_flow(**FIXED | {"W0": starts, "eta": etas})
    for i in range(3):
        alone = linear_byol_flow(**FIXED | {"W0": starts[i], "eta": etas[i]})
        np.testing.assert_allclose(path.W[:, i], alone.W, atol=1e-12)
        np.testing.assert_allclose(path.P[:, i], alone.P, atol=1e-12)


def test_diagonal_moments_may_be_vectors():
    x, xp = [1.0, 0.7, 0.5, 0.3, 0.2], [0.1, 0.2, 0.3, 0.4, 0.5]
    short = linear_byol_flow(**FIXED | {"X": x, "Xp": xp})
    full = linear_byol_flow(**FIXED | {"X": np.diag(x), "Xp": np.diag(xp)})
    np.testing.assert_array_equal(short.W, full.W)


@pytest.mark.parametrize("alpha", [1.0, 4.0])
def test_the_imbalance_decays_as_it_should(alpha):
    path = linear_byol_flow(**FIXED, dt=0.02, alpha=alpha)
    gap = path.W @ path.W.mT - path.P.mT @ path.P / alpha
    np.testing.assert_allclose(gap, gap[0] * np.exp(-0.1 * path.t)[:, None, None], atol=1e-7)


@pytest.mark.parametrize("tau", [1.0, 0.9])
@pytest.mark.parametrize(("x", "xp", "eta"), [(1.0, 0.3, 0.08), (0.6, 0.1, 0.05)])
def test_equilibria_are_roots_and_attract_or_repel(x, xp, eta, tau):
    low, high = byol_fixed_points(xp / x, eta / x, tau)
    roots = np.roots([-(x + xp), tau * x, -eta])
    np.testing.assert_allclose(sorted(roots), [low, high], rtol=1e-12)
    np.testing.assert_allclose(fsolve(lambda p: x * p * (tau - (1 + xp / x) * p) - eta, high), high, rtol=1e-9)
    for start, end in [(0.9 * low, 0), (1.1 * low, high), (1.5, high)]:
        path = linear_byol_flow([x], [xp], [[start]], [[start]], eta, T=600, dt=0.2, tau=tau)
        assert path.P[-1].item() == pytest.approx(end, abs=1e-6)
        assert path.W[-1].item() ** 2 == pytest.approx(end**2, abs=1e-6)


def test_without_predictor_the_encoder_shrinks_exponentially():
    path = linear_byol_flow(np.eye(5), 0.3 * np.eye(5), W0, P0, 0.08, T=20, predictor=False)
    law = np.exp(-(0.3 + 0.08) * path.t)[:, None, None]
    np.testing.assert_allclose(path.W, W0 * law, atol=1e-6)


def test_without_stop_gradient_a_singular_value_shrinks_at_the_rate_of_its_bracket():
    p, s = 0.7, 1.2
    path = linear_byol_flow([1.0], [0.3], [[s]], [[p]], 0.08, T=1e-4, dt=1e-4, stop_gradient=False)
    rate = (path.W[-1].item() / s - 1) / 1e-4
    assert rate == pytest.approx(-((1 - p) ** 2 + 0.3 * (1 + p**2) + 0.08), rel=1e-3)


def test_nothing_is_left_beyond_the_critical_decay_or_without_the_stop_gradient():
    x = {"X": np.eye(5), "Xp": 0.3 * np.eye(5), "W0": W0, "P0": P0, "T": 200.0}
    for path in (linear_byol_flow(**x, eta=1.15 / (4 * 1.3)), linear_byol_flow(**x, eta=0.08, stop_gradient=False)):
        assert np.linalg.norm(path.W[-1]) < 1e-10 * np.linalg.norm(W0)


def test_there_are_no_equilibria_beyond_the_critical_decay():
    critical = 1 / (4 * 1.3)
    low, high = byol_fixed_points(0.3, [0.99 * critical, 1.01 * critical])
    assert low[0] < high[0] and np.isnan([low[1], high[1]]).all()
    np.testing.assert_allclose(byol_fixed_points(0.3, 0.0), (0, 1 / 1.3))


def test_survivors_are_those_that_the_flow_keeps():
    x, xp = np.array([1.0, 0.8, 0.5, 0.3, 0.15]), np.array([0.9, 0.05, 0.6, 0.0, 0.02])
    for eta in (0.01, 0.04, 0.1):
        path = linear_byol_flow(x, xp, np.eye(5), np.eye(5), eta, T=2000, dt=0.5)
        alive = surviving_directions(x, xp, eta)
        np.testing.assert_array_equal(np.diag(path.P[-1]) > 0.01, alive)
        np.testing.assert_array_equal(alive, np.isfinite(byol_fixed_points(xp / x, eta / x)[1]))
    assert not surviving_directions([1.0], 0.0, 0.25).any()
    assert surviving_directions(x, 0.1, 0.02, tau=0.5).sum() < surviving_directions(x, 0.1, 0.02).sum()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: linear_byol_flow(**FIXED | {"W0": np.ones(5)}), "do not fit"),
        (lambda: linear_byol_flow(**FIXED | {"X": np.eye(4)}), "do not fit"),
        (lambda: linear_byol_flow(**FIXED | {"P0": np.eye(2)}), "do not fit"),
        (lambda: linear_byol_flow(**FIXED | {"X": A}), "symmetric"),
        (lambda: linear_byol_flow(**FIXED | {"W0": W0 * np.nan}), "W0 contains NaN"),
        (lambda: linear_byol_flow(**FIXED | {"P0": P0 * np.inf}), "P0 contains NaN"),
        (lambda: linear_byol_flow(**FIXED | {"eta": -0.1}), "eta must"),
        (lambda: linear_byol_flow(**FIXED | {"T": 0}), "T must"),
        (lambda: linear_byol_flow(**FIXED, dt=5.0), "dt must be at most"),
        (lambda: linear_byol_flow(**FIXED, alpha=0), "alpha must"),
        (lambda: linear_byol_flow(**FIXED, tau=-1), "tau must"),
        (lambda: linear_byol_flow(**FIXED, tau=0.9, stop_gradient=False), "tau must be 1"),
        (lambda: linear_byol_flow(**FIXED, method="heun"), "method must"),
        (lambda: linear_byol_flow(**FIXED, record=0), "record must"),
        (lambda: linear_byol_flow(**FIXED | {"W0": 100 * W0}, dt=1.0), "diverges"),
        (lambda: byol_fixed_points(-0.1, 0.1), "sigma2 must"),
        (lambda: byol_fixed_points(0.1, np.nan), "eta must"),
        (lambda: byol_fixed_points(0.1, 0.1, 0), "tau must"),
        (lambda: surviving_directions([0.0], 0.1, 0.1), "x must"),
        (lambda: surviving_directions([1.0], -0.1, 0.1), "xp must"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
