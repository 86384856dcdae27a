"""What a piecewise-affine network makes of a small cloud around each point, next to the affine map of its region."""

import math
from typing import NamedTuple

import torch
from numpy.typing import ArrayLike
from scipy import stats
from torch import Tensor, nn

from replearn.evaluation import gaussian_entropy
from replearn.evaluation.tensors import as_matrix, as_square
from replearn.splines.jacobians import region_affine
from replearn.splines.patterns import activation_patterns
from replearn.validate import check_between, check_positive


class PushedClouds(NamedTuple):
    """Images ``z`` of clouds, and how they compare with one affine map: see `push_clouds`."""

    z: Tensor
    inside: Tensor
    miss: Tensor
    cov_error: Tensor


@torch.no_grad()
def push_clouds(model: nn.Module, x: Tensor, noise: Tensor, sigma: float = 1.0) -> PushedClouds:
    r"""SaveSkip copies x_i + sigma e_ij of each point through the model f, and compare with f(x_i) + sigma A_i e_ij.

    A_i is the slope of the region of x_i. A copy in that region is met exactly; if all are and the noise is standard
    normal, the covariance of the outputs is :math:`\sigma^2 A_i A_i^\top`, but for the error of n draws.

    Parameters
    ----------
    model : nn.Module
        A piecewise-affine model (N, D) -> (N, K), see `compile_piecewise_affine`; float64 for exact comparisons.
    x : Tensor (N, D)
    noise : Tensor (N, n, D), n >= 2
    sigma : float
        What the noise is multiplied by, in units of x.

    Returns
    -------
    PushedClouds
        ``z`` (N, n, K) outputs; ``inside`` (N, n), whether a copy lies in the region of its centre; ``miss`` (N, n),
        the largest |entry| of the difference to the affine map; ``cov_error`` (N,), the Frobenius norm of the outputs'
        covariance (with n - 1) less sigma^2 A A^T, relative to that of the latter.

    References
    ----------
    Shwartz-Ziv, Balestriero & LeCun 2022 (arXiv 2207.10081), the output density of a network.

    Examples
    --------
    >>> found = push_clouds(nn.Linear(2, 3), torch.zeros(1, 2), torch.randn(1, 5, 2))
    >>> bool(found.inside.all())
    True
    """
    if noise.ndim != 3 or (len(noise), noise.shape[2]) != tuple(x.shape) or noise.shape[1] < 2:
        n, d = tuple(x.shape) if x.ndim == 2 else ("N", "D")
        raise ValueError(f"noise must have shape ({n}, n, {d}) with n >= 2, but has {tuple(noise.shape)}")
    A, _ = region_affine(model, x)
    step = sigma * noise
    copies = (x[:, None] + step).flatten(0, 1)
    z = model(copies).unflatten(0, noise.shape[:2])
    same = activation_patterns(model, copies).unflatten(0, noise.shape[:2]) == activation_patterns(model, x)[:, None]
    miss = (z - model(x)[:, None] - step @ A.mT).abs().amax(2)
    centred, expected = z - z.mean(1, keepdim=True), sigma**2 * A @ A.mT
    error = centred.mT @ centred / (noise.shape[1] - 1) - expected
    return PushedClouds(z, same.all(2), miss, error.norm(dim=(1, 2)) / expected.norm(dim=(1, 2)))


def normality_rejection(z: ArrayLike, *, alpha: float = 0.01) -> float:
    """Share of the columns of ``z`` whose normality D'Agostino and Pearson's test rejects at level ``alpha``.

    Where every column is Gaussian, a share of about ``alpha`` is expected. Columns that do not vary are left out.

    Parameters
    ----------
    z : draws (n, K) of K units, n >= 20, array or tensor.
    alpha : level of the test, strictly between 0 and 1.

    Returns
    -------
    Float in [0, 1].

    References
    ----------
    D'Agostino and Pearson 1973; the test of Shwartz-Ziv et al. 2022 (arXiv 2207.10081) on network outputs.

    Examples
    --------
    >>> normality_rejection(torch.randn(500, 9, generator=torch.Generator().manual_seed(0))) < 0.3
    True
    """
    z = as_matrix("z", z, min_rows=20)
    check_between("alpha", alpha, 0, 1, ends="none")
    z = z[:, z.var(0) > 1e-12]
    if z.shape[1] == 0:
        raise ValueError("z has no column whose variance exceeds 1e-12, so there is nothing to test")
    return float((stats.normaltest((z - z.mean(0)).cpu().numpy()).pvalue < alpha).mean())


class BarberAgakov(NamedTuple):
    """The mutual ``information`` of a pair, a lower ``bound`` on it, and the ``gap`` between them, each in nats."""

    information: float
    bound: float
    gap: float


def ba_bound_gaussian(S: ArrayLike, tau: float, r: float) -> BarberAgakov:
    r"""Mutual information of two noisy views of a Gaussian, and the bound on it that a squared distance gives.

    With :math:`s \sim N(0, S)`, :math:`z = s + \tau n_1`, :math:`z' = s + \tau n_2` and the guess
    :math:`q(z | z') = N(z', r^2 I)`,

    .. math:: I(z; z') \ge H(z) + E \log q(z | z'), \qquad
        \text{gap} = E \, \mathrm{KL}\big(p(z | z') \,\|\, q(z | z')\big)

    The three are computed from separate formulas, so that information - bound = gap is a statement that may be checked.

    Parameters
    ----------
    S : covariance (K, K) of what the views share, array or tensor.
    tau : standard deviation of each view's noise, > 0.
    r : standard deviation of the guess, > 0; the bound is best at r^2 = 2 tau^2.

    Returns
    -------
    ``BarberAgakov(information, bound, gap)``, floats in nats.

    Raises
    ------
    ValueError
        S is not symmetric positive semi-definite, ``tau <= 0``, ``r <= 0``.

    References
    ----------
    Barber and Agakov 2003, in the form of Shwartz-Ziv et al. 2022 (arXiv 2207.10081).

    Examples
    --------
    >>> information, bound, gap = ba_bound_gaussian(torch.eye(2), 0.5, 0.5 * 2**0.5)
    >>> abs(information - bound - gap) < 1e-9
    True
    """
    S = as_square("S", S)
    check_positive("tau", tau)
    check_positive("r", r)
    entropy = gaussian_entropy(S, eps=tau**2)
    k, eye = len(S), torch.eye(len(S), dtype=S.dtype, device=S.device)
    Sz = S + tau**2 * eye
    B = torch.linalg.solve(Sz, S).T
    C = Sz - B @ S
    C = (C + C.T) / 2
    information = entropy - gaussian_entropy(C)
    bound = entropy - k / 2 * math.log(2 * math.pi * r**2) - k * tau**2 / r**2
    spread = (torch.trace(C) + torch.trace((B - eye).T @ (B - eye) @ Sz)).item() / r**2
    return BarberAgakov(information, bound, (spread - k + k * math.log(r**2) - torch.logdet(C).item()) / 2)
