"""Entropies of Gaussians and their mixtures, the bounds made of them, and tests of what they assume (in nats)."""

import math
from typing import Annotated, NamedTuple

import torch
from numpy.typing import ArrayLike

from replearn.contract import Array, Choice, Matrix, NonNegative, Positive, Samples, Whole, checked
from replearn.evaluation.tensors import as_tensor

_ROWS = 1024


@checked
def gaussian_entropy(cov: Annotated[ArrayLike, Array("K K")], *, eps: NonNegative = 0.0) -> float:
    r"""Entropy of a Gaussian with the given covariance, the largest entropy that this covariance allows.

    .. math:: \tfrac K2 \log(2 \pi e) + \tfrac12 \log |\Sigma + \epsilon I|

    Parameters
    ----------
    cov : Sigma (K, K), symmetric and positive semi-definite, array or tensor.
    eps : >= 0, in squared units of the variable; with Sigma = 0 the entropy is K/2 log(2 pi e eps).

    Returns
    -------
    Float in nats; scaling the variable by c adds K log c.

    Raises
    ------
    ValueError
        Not a finite square matrix, asymmetry or a negative eigenvalue beyond 1e-6 of the largest entry or eigenvalue,
        a singular matrix (add eps), ``eps < 0``.

    References
    ----------
    Shannon 1948, section 20; Cover and Thomas, theorem 8.6.5 for the bound.

    Examples
    --------
    >>> round(gaussian_entropy(torch.eye(2)), 4)
    2.8379
    """
    cov = as_tensor(cov)
    if (cov - cov.T).abs().max() > 1e-6 * cov.abs().max():
        raise ValueError("cov must be symmetric; average it with its transpose if the difference is roundoff")
    w = torch.linalg.eigvalsh((cov + cov.T) / 2)
    if w[0] < -1e-6 * w.abs().max():
        raise ValueError(f"cov must be positive semi-definite, but has the eigenvalue {w[0]:.3g}")
    if w[0] + eps <= len(w) * torch.finfo(w.dtype).eps * w.abs().max():
        raise ValueError("cov is singular, so its entropy is minus infinity; add a positive eps")
    return len(w) / 2 * math.log(2 * math.pi * math.e) + (w + eps).log().sum().item() / 2


@checked
def logdet_entropy(z: Samples, *, eps: NonNegative = 1e-6) -> float:
    r"""Upper bound on the entropy of a representation from its covariance alone, that of a Gaussian.

    .. math:: \tfrac K2 \log(2 \pi e) + \tfrac12 \log |\mathrm{Cov}(z) + \epsilon I|

    with the covariance's denominator N - 1. Compare values only between representations of one scale and dimension.

    Parameters
    ----------
    z : representation (N, K), array or tensor; take N above K.
    eps : >= 0, in squared units of z; a collapsed z ends at the floor K/2 log(2 pi e eps).

    Returns
    -------
    Float in nats.

    Raises
    ------
    ValueError
        Not a finite matrix with N >= 2, ``eps < 0``, a singular covariance with ``eps`` 0.

    References
    ----------
    Shwartz-Ziv et al. 2022 (arXiv 2207.10081), the bound on H(Z).

    Examples
    --------
    >>> z = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
    >>> round(logdet_entropy(z) - logdet_entropy(z / math.e), 3)
    2.0
    """
    z = as_tensor(z)
    centred = z - z.mean(0)
    return gaussian_entropy(centred.T @ centred / (len(z) - 1), eps=eps)


@checked
def pairwise_entropy(mu: Matrix, s: Positive, kind: Annotated[str, Choice("lower", "upper")] = "lower") -> float:
    r"""Bound the entropy of a mixture of N equal spheres by the distances between their centres.

    .. math:: h - \frac1N \sum_i \log \frac1N \sum_j e^{-D_{ij}}, \qquad h = \tfrac K2 \log(2 \pi e s^2)

    with D = |mu_i - mu_j|^2 / (8 s^2), the Bhattacharyya distance, for the lower bound, and
    D = |mu_i - mu_j|^2 / (2 s^2), the Kullback-Leibler divergence, for the upper one. Both lie between h and h + log N.

    Parameters
    ----------
    mu : centres (N, K), array or tensor.
    s : standard deviation of every component, > 0, in units of mu.
    kind : "lower" or "upper".

    Returns
    -------
    Float in nats. Costs O(N^2 K) time and O(N) memory.

    References
    ----------
    Kolchinsky and Tracey 2017 (arXiv 1706.02419), the pairwise-distance estimators.

    Examples
    --------
    >>> round(pairwise_entropy([[0.0], [1e3]], 1.0) - pairwise_entropy([[0.0]], 1.0), 4)
    0.6931
    """
    mu = as_tensor(mu)
    n, k = mu.shape
    sums = _log_sum_exp(mu, mu, s**2 * {"lower": 8, "upper": 2}[kind])
    return k / 2 * math.log(2 * math.pi * math.e * s**2) + math.log(n) - sums.mean().item()


@checked
def gmm_logpdf(z: Annotated[ArrayLike, Array("M K")], mu: Matrix, s: Positive) -> torch.Tensor:
    r"""Log-density of a mixture of N equal spheres, :math:`\log \frac1N \sum_j \mathcal{N}(z; \mu_j, s^2 I)`.

    Parameters
    ----------
    z : points (M, K), array or tensor.
    mu : centres (N, K).
    s : standard deviation of every component, > 0, in units of mu.

    Returns
    -------
    Tensor (M,), float64, in nats.

    References
    ----------
    The data model of Shwartz-Ziv et al. 2022 (arXiv 2207.10081), with components of one size.

    Examples
    --------
    >>> gmm_logpdf([[0.0]], [[0.0]], 1.0).round(decimals=4)
    tensor([-0.9189], dtype=torch.float64)
    """
    z, mu = as_tensor(z), as_tensor(mu)
    n, k = mu.shape
    return _log_sum_exp(z, mu, 2 * s**2) - math.log(n) - k / 2 * math.log(2 * math.pi * s**2)


class MonteCarlo(NamedTuple):
    """A mean over random draws, and its standard error."""

    value: float
    error: float


@checked
def gmm_entropy_mc(mu: Matrix, s: Positive, n: Annotated[int, Whole(2)], generator: torch.Generator) -> MonteCarlo:
    """Estimate the entropy of a mixture of equal spheres without bias, as the mean of -log p(z) over draws z from it.

    Parameters
    ----------
    mu : centres (N, K), array or tensor.
    s : standard deviation of every component, > 0, in units of mu.
    n : number of draws, at least 2.
    generator : torch.Generator on the device of mu.

    Returns
    -------
    ``MonteCarlo(value, error)``, floats in nats. Costs O(n N K).

    References
    ----------
    The plain Monte Carlo estimate, the reference in Kolchinsky and Tracey 2017 (arXiv 1706.02419).

    Examples
    --------
    >>> gmm_entropy_mc([[0.0]], 1.0, 1000, torch.Generator().manual_seed(0)).error < 0.05
    True
    """
    mu = as_tensor(mu)
    component = torch.randint(len(mu), (n,), generator=generator, device=mu.device)
    noise = torch.randn(n, mu.shape[1], generator=generator, device=mu.device, dtype=mu.dtype)
    surprise = -gmm_logpdf(mu[component] + s * noise, mu, s)
    return MonteCarlo(surprise.mean().item(), surprise.std().item() / math.sqrt(n))


def _log_sum_exp(z: torch.Tensor, mu: torch.Tensor, scale: float) -> torch.Tensor:
    """``log sum_j exp(-|z_i - mu_j|^2 / scale)`` for each row of z, a block of rows at a time."""
    # The fast form of cdist subtracts large squares, which blurs the zero distance of a point to itself.
    exact = "donot_use_mm_for_euclid_dist"
    return torch.cat(
        [(-torch.cdist(rows, mu, compute_mode=exact).square() / scale).logsumexp(1) for rows in z.split(_ROWS)]
    )


@checked
def null_projection_residual(Z: Matrix, Y: Annotated[ArrayLike, Array("N L")]) -> float:
    r"""What of the labels no linear head on the representation can fit, :math:`\|P Y\|_F`, P onto the null space of Z.

    P = I - Z Z^+ is never formed: Y loses its part in the span of the left singular vectors of Z, those whose singular
    value exceeds 1e-8 of the largest.

    Parameters
    ----------
    Z : representation (n, K), samples in rows; append a column of ones for a head with a bias. Array or tensor.
    Y : targets (n, r), one-hot labels or factors.

    Returns
    -------
    Float in units of Y: 0 where the rank of Z is n. Costs O(n K min(n, K)).

    References
    ----------
    Shwartz-Ziv et al. 2023 (arXiv 2303.00633), the label terms of the generalisation bound.

    Examples
    --------
    >>> null_projection_residual([[1.0], [0.0]], [[0.0], [2.0]])
    2.0
    """
    Z, Y = as_tensor(Z), as_tensor(Y)
    U, s, _ = torch.linalg.svd(Z, full_matrices=False)
    U = U[:, s > 1e-8 * s[0]]
    return (Y - U @ (U.T @ Y)).norm().item()
