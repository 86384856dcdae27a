"""Sinkhorn against its optimality conditions and against linear assignment, and SwAV against plain loops."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment, minimize
from scipy.special import logsumexp

from replearn import losses


def scores(n=64, k=16, seed=0):
    generator = torch.Generator().manual_seed(seed)
    z, c = (torch.nn.functional.normalize(torch.randn(m, 8, generator=generator, dtype=torch.float64)) for m in (n, k))
    return z @ c.T


def scaled(s, eps, steps):
    """Sinkhorn-Knopp as it is written, on e^(S / eps) itself."""
    q = (s.detach() / eps).exp()
    for _ in range(steps):
        q = q / q.sum(0) * (s.shape[0] / s.shape[1])
        q = q / q.sum(1, keepdim=True)
    return q / q.sum(1, keepdim=True)


def test_many_iterations_satisfy_the_optimality_conditions():
    s, eps = scores(), 0.05
    q = losses.sinkhorn(s, eps=eps, steps=2000)
    np.testing.assert_allclose(q.sum(1), 1, atol=1e-12)
    np.testing.assert_allclose(q.sum(0), 64 / 16, atol=1e-9)
    potential = (q.log() - s / eps).numpy()
    centred = potential - potential.mean(0) - potential.mean(1, keepdims=True) + potential.mean()
    assert np.abs(centred).max() < 1e-9


def test_many_iterations_reach_the_optimum_of_the_dual():
    s, eps, (n, k) = scores(12, 4).numpy(), 0.1, (12, 4)

    def dual(v):
        return eps * logsumexp(s / eps + v, axis=1).sum() - eps * n / k * v.sum()

    v = minimize(dual, np.zeros(k), method="BFGS", options={"gtol": 1e-9}).x
    log_q = s / eps + v
    expected = np.exp(log_q - logsumexp(log_q, axis=1, keepdims=True))
    np.testing.assert_allclose(losses.sinkhorn(torch.as_tensor(s), eps=eps, steps=1000), expected, atol=1e-6)


def test_iterations_are_those_of_plain_scaling():
    s = scores(20, 5)
    for steps in (0, 1, 3):
        torch.testing.assert_close(losses.sinkhorn(s, eps=0.5, steps=steps), scaled(s, 0.5, steps))


def test_without_iterations_only_rows_are_normalised():
    s = scores()
    torch.testing.assert_close(losses.sinkhorn(s, eps=0.2, steps=0), (s / 0.2).softmax(1))


@pytest.mark.parametrize("eps", [0.2, 0.05, 0.01])
def test_entropy_costs_at_most_eps_times_its_largest_value(eps):
    s = scores()
    repeated = s.repeat_interleave(4, dim=1).numpy()
    rows, columns = linear_sum_assignment(-repeated)
    best = repeated[rows, columns].sum()
    gap = best - (losses.sinkhorn(s, eps=eps, steps=5000) * s).sum().item()
    assert -1e-9 <= gap <= eps * 64 * math.log(16)


def test_small_eps_does_not_overflow_in_float32():
    q = losses.sinkhorn(scores().float(), eps=1e-4, steps=10)
    torch.testing.assert_close(q.sum(1), torch.ones(64))


def loop_swav(s1, s2, eps, tau, steps):
    total = 0.0
    for s, t in ((s1, s2), (s2, s1)):
        q = scaled(t, eps, steps)
        for i in range(len(s)):
            log_z = math.log(sum(math.exp(float(x) / tau) for x in s[i]))
            total -= sum(float(q[i, k]) * (float(s[i, k]) / tau - log_z) for k in range(s.shape[1]))
    return total / (2 * len(s1))


def test_swav_is_the_double_loop_and_symmetric():
    s1, s2 = scores(10, 4, 1), scores(10, 4, 2)
    loss = losses.swav_loss(s1, s2, eps=0.1, temperature=0.3, steps=2)
    assert loss.item() == pytest.approx(loop_swav(s1, s2, 0.1, 0.3, 2), rel=1e-10)
    torch.testing.assert_close(losses.swav_loss(s2, s1, eps=0.1, temperature=0.3, steps=2), loss)


def test_swav_gradient_stops_at_the_codes():
    s1, s2 = (s.requires_grad_() for s in (scores(6, 3, 1), scores(6, 3, 2)))
    losses.swav_loss(s1, s2, temperature=0.3).backward()
    q2 = scaled(s2, 0.05, 3)
    torch.testing.assert_close(s1.grad, ((s1 / 0.3).softmax(1) - q2).detach() / (2 * 6 * 0.3))


def test_swav_prediction_agrees_with_finite_differences():
    s1, s2 = scores(5, 3, 1), scores(5, 3, 2)
    q1, q2 = scaled(s1, 0.05, 3), scaled(s2, 0.05, 3)
    s1.requires_grad_()
    losses.swav_loss(s1, s2).backward()

    def frozen_codes(s):
        return -((q2 * (s / 0.1).log_softmax(1)).sum() + (q1 * (s2 / 0.1).log_softmax(1)).sum()) / 10

    step = 1e-6
    for i in range(5):
        for k in range(3):
            bump = torch.zeros_like(s1)
            bump[i, k] = step
            slope = (frozen_codes(s1 + bump) - frozen_codes(s1 - bump)) / (2 * step)
            assert s1.grad[i, k].item() == pytest.approx(slope.item(), abs=1e-7)


S = scores(6, 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: losses.sinkhorn(S, eps=0.0), "eps must be positive"),
        (lambda: losses.sinkhorn(S, steps=-1), "steps must be an integer"),
        (lambda: losses.sinkhorn(S[0]), "have shape"),
        (lambda: losses.sinkhorn(S / 0), "NaN or infinite"),
        (lambda: losses.swav_loss(S, S[:5]), "as in|one shape"),
        (lambda: losses.swav_loss(S[:1], S[:1]), "N >= 2"),
        (lambda: losses.swav_loss(S, S, temperature=0.0), "temperature must be positive"),
        (lambda: losses.swav_loss(S, S, eps=-1.0), "eps must be positive"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
