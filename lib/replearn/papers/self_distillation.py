"""Self-distillation in a two-layer linear model: the gradient flow of BYOL and SimSiam, and where it ends."""

from typing import NamedTuple

import numpy as np

from replearn.spectral.arrays import as_array, as_symmetric
from replearn.validate import check_choice, check_finite, check_integer, check_positive


class LinearBYOL(NamedTuple):
    """A path of the flow: times ``t`` (S,), encoders ``W`` (S, ..., d, n) and predictors ``P`` (S, ..., d, d)."""

    t: np.ndarray
    W: np.ndarray
    P: np.ndarray


def linear_byol_flow(
    X, Xp, W0, P0, eta, *, T, dt=0.1, alpha=1.0, tau=1.0, stop_gradient=True, predictor=True, method="rk4", record=100
):
    r"""Integrate the population gradient flow of linear self-distillation, with or without its safeguards.

    With views x_1, x_2 of mean second moment X and covariance around the mean X', the loss is
    :math:`\tfrac12 E \|P W x_1 - \mathrm{sg}(\tau W x_2)\|^2`. Put :math:`R = P W (X + X') - \tau W X`:

    .. math:: \dot P = -\alpha R W^\top - \eta P, \qquad \dot W = -P^\top R - \eta W .

    Without the stop-gradient, W also receives the gradient through the target, :math:`W (X + X') - P W X`. Without the
    predictor, P stays the identity. With both, :math:`W W^\top - P^\top P / \alpha` decays like e^{-2 eta t}.

    Parameters
    ----------
    X, Xp : (n, n) symmetric arrays, or (n,) for diagonal ones.
    W0 : (..., d, n) array, the encoder at time 0; leading dimensions are several models at once.
    P0 : (..., d, d) array, the predictor at time 0; not looked at without the predictor.
    eta : float or (...) array >= 0, the weight decay, in units of X.
    T : float, the time at which to stop, in inverse units of X.
    dt : float, the time step, at most T; keep it well below one over the largest eigenvalue of X + X'.
    alpha, tau : float > 0, the predictor's relative rate, and the target's size in units of W (1 without a teacher).
    stop_gradient, predictor : bool.
    method : "rk4", or "euler", which is gradient descent with learning rate dt.
    record : int >= 1, the states returned beside the first, evenly spaced and the last at T; at most one a step.

    Returns
    -------
    LinearBYOL
        ``t``, ``W`` and ``P`` at the recorded times, the first of them 0.

    Raises
    ------
    ValueError
        If shapes do not fit, an argument is out of range, tau is not 1 without the stop-gradient, or the flow diverges.

    Source: Tian, Chen & Ganguli 2021, equations 3 to 5. Costs O((T / dt) d n (d + n)) for each model.
    """
    X, Xp, W, P = _moment("X", X), _moment("Xp", Xp), as_array(W0), as_array(P0)
    d, n = W.shape[-2:] if W.ndim > 1 else (0, 0)
    P = P if predictor else np.eye(d)
    if X.shape != (n, n) or Xp.shape != (n, n) or P.shape[-2:] != (d, d):
        raise ValueError(
            "W0 (..., d, n), P0 (..., d, d), X (n, n) and Xp (n, n) do not fit together: their shapes are "
            f"{W.shape}, {P.shape}, {X.shape} and {Xp.shape}"
        )
    check_finite("W0", W)
    check_finite("P0", P)
    eta = as_array(eta)
    if not (np.isfinite(eta) & (eta >= 0)).all():
        raise ValueError("eta must be at least 0 and finite")
    for name, value in {"T": T, "dt": dt, "alpha": alpha, "tau": tau}.items():
        check_positive(name, value)
    check_choice("method", method, ("rk4", "euler"))
    check_integer("record", record, 1)
    if dt > T:
        raise ValueError(f"dt must be at most T = {T}, but is {dt}")
    if not stop_gradient and tau != 1:
        raise ValueError(f"without a stop-gradient the target is W itself: tau must be 1, but is {tau}")

    both, decay = X + Xp, eta[..., None, None]

    def velocity(W, P):
        view, mean = W @ both, W @ X
        R = P @ view - tau * mean
        dW = -P.mT @ R - decay * W
        if not stop_gradient:
            dW -= view - P @ mean
        return dW, (-alpha * R @ W.mT - decay * P if predictor else 0.0)

    batch = np.broadcast_shapes(W.shape[:-2], P.shape[:-2], eta.shape)
    W, P = np.broadcast_to(W, (*batch, d, n)), np.broadcast_to(P, (*batch, d, d))
    steps = int(np.ceil(T / dt - 1e-9))
    kept = np.unique(np.linspace(0, steps, min(record, steps) + 1).round().astype(int))
    advance, path = {"rk4": _rk4, "euler": _euler}[method], [(W, P)]
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(1, steps + 1):
            W, P = advance(velocity, W, P, T / steps)
            if step == kept[len(path)]:
                path.append((W, P))
    if not (np.isfinite(W).all() and np.isfinite(P).all()):
        raise ValueError(f"the flow diverges: dt = {dt} is too long a step; take a shorter one")
    return LinearBYOL(kept * (T / steps), np.stack([W for W, _ in path]), np.stack([P for _, P in path]))


def byol_fixed_points(sigma2, eta, tau=1.0):
    r"""Return the two equilibria of the predictor's eigenvalue on the parabola, beside the one at 0.

    .. math:: p_\pm = \frac{\tau \pm \sqrt{\tau^2 - 4 \eta (1 + \sigma^2)}}{2 (1 + \sigma^2)},

    the roots of :math:`\tau p - (1 + \sigma^2) p^2 = \eta`. The upper one is stable, the lower one is not: from below
    it everything decays. A direction of signal x and augmentation variance x' has
    ``byol_fixed_points(x' / x, eta / x, tau)``.

    Parameters
    ----------
    sigma2 : float or array >= 0, variance of the augmentation in units of the signal.
    eta : float or array >= 0, weight decay in units of the signal.
    tau : float or array > 0, the target's size in units of the online encoder.

    Returns
    -------
    p_minus, p_plus : arrays of the broadcast shape; NaN where eta is above tau^2 / (4 (1 + sigma2)) and none exists.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source: Tian, Chen & Ganguli 2021, section 3.2.
    """
    sigma2, eta, tau = _positive("sigma2", sigma2, True), _positive("eta", eta, True), _positive("tau", tau)
    with np.errstate(invalid="ignore"):
        root = np.sqrt(tau**2 - 4 * eta * (1 + sigma2))
    return (tau - root) / (2 * (1 + sigma2)), (tau + root) / (2 * (1 + sigma2))


def surviving_directions(x, xp, eta, tau=1.0):
    r"""Tell which directions linear self-distillation can keep: those whose non-zero equilibrium exists.

    .. math:: \frac{x_j^2}{x_j + x'_j} > \frac{4 \eta}{\tau^2}

    The left side is the signal times its canonical correlation between two views.

    Parameters
    ----------
    x : (n,) array > 0, eigenvalues of the second moment of the mean view.
    xp : float or (n,) array >= 0, augmentation variances in the same directions.
    eta : float >= 0, weight decay in units of x.
    tau : float > 0, the target's size in units of the online encoder.

    Returns
    -------
    (n,) array of bool. A direction that starts below its lower equilibrium dies all the same.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Source: this book, from the equations of Tian, Chen & Ganguli 2021 with X and X' that commute.
    """
    x, xp = _positive("x", x), _positive("xp", xp, True)
    eta, tau = _positive("eta", eta, True), _positive("tau", tau)
    return tau**2 * x**2 > 4 * eta * (x + xp)


def _moment(name, a):
    a = as_array(a)
    return as_symmetric(name, np.diag(a) if a.ndim == 1 else a)


def _positive(name, value, allow_zero=False):
    value = as_array(value)
    if not (np.isfinite(value) & ((value >= 0) if allow_zero else (value > 0))).all():
        raise ValueError(f"{name} must be {'at least 0' if allow_zero else 'positive'} and finite")
    return value


def _euler(velocity, W, P, dt):
    dW, dP = velocity(W, P)
    return W + dt * dW, P + dt * dP


def _rk4(velocity, W, P, dt):
    a, b = velocity(W, P)
    c, d = velocity(W + dt / 2 * a, P + dt / 2 * b)
    e, f = velocity(W + dt / 2 * c, P + dt / 2 * d)
    g, h = velocity(W + dt * e, P + dt * f)
    return W + dt / 6 * (a + 2 * c + 2 * e + g), P + dt / 6 * (b + 2 * d + 2 * f + h)
