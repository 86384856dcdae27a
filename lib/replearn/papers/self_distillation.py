"""Self-distillation in a two-layer linear model: the gradient flow of BYOL and SimSiam, and where it ends."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from replearn.spectral.arrays import as_array, as_symmetric
from replearn.validate import check_choice, check_finite, check_integer, check_positive


class LinearBYOL(NamedTuple):
    """A path of the flow: times ``t`` (S,), encoders ``W`` (S, ..., d, n) and predictors ``P`` (S, ..., d, d)."""

    t: np.ndarray
    W: np.ndarray
    P: np.ndarray


def linear_byol_flow(
    X: ArrayLike,
    Xp: ArrayLike,
    W0: ArrayLike,
    P0: ArrayLike,
    eta: ArrayLike,
    *,
    T: float,
    dt: float = 0.1,
    alpha: float = 1.0,
    tau: float = 1.0,
    stop_gradient: bool = True,
    predictor: bool = True,
    method: str = "rk4",
    record: int = 100,
) -> LinearBYOL:
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

    Notes
    -----
    Costs O((T / dt) d n (d + n)) for each model.

    References
    ----------
    Tian, Chen & Ganguli 2021, equations 3 to 5.

    Examples
    --------
    >>> linear_byol_flow(np.eye(2), np.eye(2), np.eye(2), np.eye(2), 0.0, T=5.0).W.shape
    (51, 2, 2)
    """
    X, Xp, W, P, eta = _moment("X", X), _moment("Xp", Xp), as_array(W0), as_array(P0), as_array(eta)
    d, n = W.shape[-2:] if W.ndim > 1 else (0, 0)
    P = P if predictor else np.eye(d)
    if X.shape != (n, n) or Xp.shape != (n, n) or P.shape[-2:] != (d, d):
        raise ValueError(
            "W0 (..., d, n), P0 (..., d, d), X (n, n) and Xp (n, n) do not fit together: their shapes are "
            f"{W.shape}, {P.shape}, {X.shape} and {Xp.shape}"
        )
    check_finite("W0", W)
    check_finite("P0", P)
    _check_settings(eta, T, dt, alpha, tau, stop_gradient, method, record)

    flow = _Flow(X, X + Xp, eta[..., None, None], alpha, tau, stop_gradient, predictor)
    batch = np.broadcast_shapes(W.shape[:-2], P.shape[:-2], eta.shape)
    W, P = np.broadcast_to(W, (*batch, d, n)), np.broadcast_to(P, (*batch, d, d))
    advance, steps = _rk4 if method == "rk4" else _euler, int(np.ceil(T / dt - 1e-9))
    recorded = np.unique(np.linspace(0, steps, min(record, steps) + 1).round().astype(int))
    path = [(W, P)]
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(1, steps + 1):
            W, P = advance(flow.velocity, W, P, T / steps)
            if step == recorded[len(path)]:
                path.append((W, P))
    if not (np.isfinite(W).all() and np.isfinite(P).all()):
        raise ValueError(f"the flow diverges: dt = {dt} is too long a step; take a shorter one")
    encoders, predictors = zip(*path, strict=True)
    return LinearBYOL(recorded * (T / steps), np.stack(encoders), np.stack(predictors))


class _Flow(NamedTuple):
    """The right-hand side of the flow; ``view`` is X + Xp, the second moment of a single view."""

    X: np.ndarray
    view: np.ndarray
    eta: np.ndarray
    alpha: float
    tau: float
    stop_gradient: bool
    predictor: bool

    def velocity(self, W: np.ndarray, P: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        R = P @ (W @ self.view) - self.tau * (W @ self.X)
        dW = -P.mT @ R - self.eta * W
        if not self.stop_gradient:
            dW -= W @ self.view - P @ (W @ self.X)
        dP = -self.alpha * R @ W.mT - self.eta * P if self.predictor else np.zeros_like(P)
        return dW, dP


def _euler(velocity: Callable, W: np.ndarray, P: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
    dW, dP = velocity(W, P)
    return W + dt * dW, P + dt * dP


def _rk4(velocity: Callable, W: np.ndarray, P: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
    W1, P1 = velocity(W, P)
    W2, P2 = velocity(W + dt / 2 * W1, P + dt / 2 * P1)
    W3, P3 = velocity(W + dt / 2 * W2, P + dt / 2 * P2)
    W4, P4 = velocity(W + dt * W3, P + dt * P3)
    return W + dt / 6 * (W1 + 2 * W2 + 2 * W3 + W4), P + dt / 6 * (P1 + 2 * P2 + 2 * P3 + P4)


def _check_settings(
    eta: np.ndarray, T: float, dt: float, alpha: float, tau: float, stop_gradient: bool, method: str, record: int
) -> None:
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


def byol_fixed_points(sigma2: ArrayLike, eta: ArrayLike, tau: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
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

    References
    ----------
    Tian, Chen & Ganguli 2021, section 3.2.

    Examples
    --------
    >>> byol_fixed_points(1.0, 0.1)[1].round(4)
    np.float64(0.3618)
    """
    sigma2, eta, tau = _positive("sigma2", sigma2, True), _positive("eta", eta, True), _positive("tau", tau)
    with np.errstate(invalid="ignore"):
        root = np.sqrt(tau**2 - 4 * eta * (1 + sigma2))
    return (tau - root) / (2 * (1 + sigma2)), (tau + root) / (2 * (1 + sigma2))


def surviving_directions(x: ArrayLike, xp: ArrayLike, eta: float, tau: float = 1.0) -> np.ndarray:
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

    References
    ----------
    This book, from the equations of Tian, Chen & Ganguli 2021 with X and X' that commute.

    Examples
    --------
    >>> surviving_directions([1.0, 0.1], 0.1, 0.05)
    array([ True, False])
    """
    x, xp = _positive("x", x), _positive("xp", xp, True)
    eta, tau = _positive("eta", eta, True), _positive("tau", tau)
    return tau**2 * x**2 > 4 * eta * (x + xp)


def _moment(name: str, a: ArrayLike) -> np.ndarray:
    a = as_array(a)
    return as_symmetric(name, np.diag(a) if a.ndim == 1 else a)


def _positive(name: str, value: ArrayLike, allow_zero: bool = False) -> np.ndarray:
    value = as_array(value)
    if not (np.isfinite(value) & ((value >= 0) if allow_zero else (value > 0))).all():
        raise ValueError(f"{name} must be {'at least 0' if allow_zero else 'positive'} and finite")
    return value
