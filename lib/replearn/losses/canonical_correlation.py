"""The canonical-correlation family: VICReg, Barlow Twins and W-MSE."""

from typing import Annotated, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from replearn.contract import Batch, Choice, NonNegative, Share, Whole, checked, hidden
from replearn.losses.precision import full_precision
from replearn.losses.statistics import off_diagonal_energy, standardize_columns, unit_rows

Method = Annotated[str, Choice("cholesky", "zca")]
Correction = Annotated[int, Choice(0, 1)]
SubBatch = Annotated[int, Whole(2)]


class VICRegTerms(NamedTuple):
    """The weighted ``total`` of VICReg and its three unweighted terms, each a scalar tensor."""

    total: Tensor
    invariance: Tensor
    variance: Tensor
    covariance: Tensor


@checked
@full_precision
def vicreg(
    z1: Batch,
    z2: Batch,
    *,
    inv: NonNegative = 25.0,
    var: NonNegative = 25.0,
    cov: NonNegative = 1.0,
    eps: NonNegative = 1e-4,
    gamma: NonNegative = 1.0,
) -> VICRegTerms:
    r"""VICReg: views agree (invariance), no dimension dies (variance), no two repeat each other (covariance).

    .. math::
        \mathrm{inv} \frac{\|z_1 - z_2\|_F^2}{N K}
        + \mathrm{var} \, \frac12 \sum_{v} \frac1K \sum_j \max(0, \gamma - \sqrt{\mathrm{Var}(z_v^{(j)}) + \epsilon})
        + \mathrm{cov} \sum_{v} \frac1K \sum_{i \ne j} \mathrm{Cov}(z_v)_{ij}^2

    Variances and covariances have the denominator N - 1. The covariance term costs O(N K min(N, K)).

    Parameters
    ----------
    z1, z2 : embeddings (N, K) of two views of the same N >= 2 samples, not normalised.
    inv, var, cov : weights of the three terms.
    eps : added to the variance under the root, in squared units of z.
    gamma : the standard deviation that each dimension should reach, in units of z.

    Returns
    -------
    ``VICRegTerms(total, invariance, variance, covariance)``, scalars; the three terms are not weighted.

    References
    ----------
    Bardes, Ponce, LeCun 2022 (arXiv 2105.04906), equations 1 to 6, with the means of the authors' code: invariance over
    samples and dimensions, variance over dimensions and views, covariance over dimensions alone.

    Examples
    --------
    >>> z = torch.eye(4)
    >>> vicreg(z, z, inv=1, var=0, cov=0).total
    tensor(0.)
    """
    invariance = F.mse_loss(z1, z2)
    variance = (_too_narrow(z1, gamma, eps) + _too_narrow(z2, gamma, eps)) / 2
    covariance = _covariance_energy(z1) + _covariance_energy(z2)
    total = inv * invariance + var * variance + cov * covariance
    return VICRegTerms(total, invariance, variance, covariance)


def _too_narrow(z: torch.Tensor, gamma: float, eps: float) -> torch.Tensor:
    """By how much the standard deviations fall short of gamma, on average over the dimensions."""
    variance = (z.var(0) + eps).clamp(min=torch.finfo(z.dtype).tiny)  # the root has no slope at 0
    return (gamma - variance.sqrt()).clamp(min=0).mean()


def _covariance_energy(z: torch.Tensor) -> torch.Tensor:
    """Sum of squares of the covariances of different dimensions, divided by the number of dimensions."""
    n, k = z.shape
    centered = z - z.mean(0)
    return off_diagonal_energy(centered, centered) / (n - 1) ** 2 / k


class BarlowTwinsTerms(NamedTuple):
    """The weighted ``total`` of Barlow Twins and its two unweighted terms, each a scalar tensor."""

    total: Tensor
    invariance: Tensor
    redundancy: Tensor


@checked
@full_precision
def barlow_twins(z1: Batch, z2: Batch, *, lam: NonNegative = 0.0051, eps: NonNegative = 1e-5) -> BarlowTwinsTerms:
    r"""Barlow Twins: the cross-correlation matrix C of two views should be the identity.

    .. math:: \sum_i (1 - C_{ii})^2 + \lambda \sum_{i \ne j} C_{ij}^2, \qquad C = \hat z_1^\top \hat z_2 / N

    where :math:`\hat z` has columns of mean 0 and variance 1. Costs O(N K min(N, K)).

    Parameters
    ----------
    z1, z2 : embeddings (N, K) of two views of the same N >= 2 samples.
    lam : weight of the redundancy term; what matters is ``lam * K``.
    eps : added to the biased variance before the root, in squared units of z.

    Returns
    -------
    ``BarlowTwinsTerms(total, invariance, redundancy)``, scalars; the two terms are not weighted.

    Raises
    ------
    ValueError
        Bad shapes, one sample, non-finite values, a negative ``lam`` or ``eps``, a constant column with ``eps`` 0.

    References
    ----------
    Zbontar et al. 2021, equations 1 and 2; ``eps`` is that of the batch normalisation in the authors' code.

    Examples
    --------
    >>> z = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    >>> barlow_twins(z, z, eps=0).total
    tensor(0.)
    """
    n, u1 = len(z1), standardize_columns(z1, eps)
    u2 = u1 if z2 is z1 else standardize_columns(z2, eps)
    invariance = (1 - (u1 * u2).sum(0) / n).square().sum()
    redundancy = off_diagonal_energy(u1, u2) / n**2
    return BarlowTwinsTerms(invariance + lam * redundancy, invariance, redundancy)


@checked
@full_precision
def whiten(z: Batch, *, method: Method = "cholesky", shrink: Share = 0.0, correction: Correction = 1) -> torch.Tensor:
    r"""Return ``z`` centred and linearly mapped to identity covariance, :math:`z_i \mapsto M (z_i - \bar z)`.

    With :math:`\Sigma = (1 - s)\,\mathrm{Cov}(z) + s I`, ``"cholesky"`` takes :math:`M = L^{-1}` where
    :math:`\Sigma = L L^\top`, and ``"zca"`` takes :math:`M = \Sigma^{-1/2}`, the whitening closest to the identity.

    Parameters
    ----------
    z : embeddings (N, K), N > K unless ``shrink`` is positive.
    method : "cholesky" or "zca". The gradient of "zca" needs distinct eigenvalues.
    shrink : s in [0, 1).
    correction : the covariance has the denominator N - ``correction``, 0 or 1.

    Returns
    -------
    Tensor (N, K) without unit, of covariance exactly I when ``shrink`` is 0.

    Raises
    ------
    ValueError
        Not a finite matrix with N >= 2, unknown method, ``shrink`` outside [0, 1), or a singular covariance.

    References
    ----------
    Ermolov et al. 2021 (arXiv 2007.06346), section 3; Kessy, Lewin, Strimmer 2018 for the choice of M.

    Examples
    --------
    >>> z = torch.randn(100, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    >>> (torch.cov(whiten(5 * z + 1).T) - torch.eye(2)).abs().max() < 1e-9
    tensor(True)
    """
    _check_samples(z.shape[0], z.shape[1], shrink)
    return _whiten(z, method, shrink, correction)


def _check_samples(n: int, k: int, shrink: float) -> None:
    if shrink == 0 and n <= k:
        raise ValueError(f"{n} samples span fewer than {k} dimensions: whiten more than {k} at once, or use shrink > 0")


def _whiten(z: torch.Tensor, method: str, shrink: float, correction: int) -> torch.Tensor:
    """Whiten each matrix of a stack (..., N, K)."""
    n, k = z.shape[-2:]
    centred = z - z.mean(-2, keepdim=True)
    covariance = centred.mT @ centred / (n - correction)
    covariance = (1 - shrink) * covariance + shrink * torch.eye(k, dtype=z.dtype, device=z.device)
    if method == "zca":
        values, vectors = torch.linalg.eigh(covariance)
        _check_invertible(values[..., 0] > k * torch.finfo(z.dtype).eps * values[..., -1])
        return centred @ (vectors / values.sqrt().unsqueeze(-2)) @ vectors.mT
    factor, info = torch.linalg.cholesky_ex(covariance)
    pivots, variances = (m.diagonal(dim1=-2, dim2=-1) for m in (factor, covariance))
    independent = pivots.square() > torch.finfo(z.dtype).eps * variances
    _check_invertible(independent.all(-1) & (info == 0))
    return torch.linalg.solve_triangular(factor, centred.mT, upper=False).mT


def _check_invertible(independent: torch.Tensor) -> None:
    if not hidden(independent) and not independent.all():
        raise ValueError(
            "z cannot be whitened: its covariance is singular; remove dependent dimensions or use shrink > 0"
        )


@checked
@full_precision
def w_mse(
    z1: Batch,
    z2: Batch,
    *,
    sub_batch: SubBatch | None = None,
    normalize: bool = True,
    shrink: Share = 0.0,
    correction: Correction = 1,
) -> torch.Tensor:
    r"""W-MSE: the distance between two views after each of them was whitened.

    .. math:: \frac1N \sum_i \|u_{1i} - u_{2i}\|^2, \qquad u_v = \mathrm{whiten}(z_v)

    with rows of u scaled to unit length when ``normalize``, so that a term is 2 - 2 cos.

    Parameters
    ----------
    z1, z2 : embeddings (N, K) of two views of the same samples, in random order.
    sub_batch : rows that are whitened together, a divisor of N; None whitens all N at once.
    normalize : compare directions (the paper's default) rather than whitened vectors.
    shrink : weight in [0, 1) of the identity mixed into the covariance.
    correction : the covariance has the denominator (rows - ``correction``), 0 or 1.

    Returns
    -------
    Scalar tensor, without unit. Costs O(N K^2 + N K^3 / sub_batch).

    Raises
    ------
    ValueError
        Bad shapes, non-finite values, ``sub_batch`` not a divisor of N, ``sub_batch <= K`` without shrinkage,
        or a singular covariance.

    References
    ----------
    Ermolov et al. 2021 (arXiv 2007.06346), section 3.

    Examples
    --------
    >>> z = torch.randn(100, 3, generator=torch.Generator().manual_seed(0))
    >>> w_mse(z, 2 * z).round(decimals=4)
    tensor(0.)
    """
    n, k = z1.shape
    rows = n if sub_batch is None else sub_batch
    if n % rows:
        raise ValueError(f"sub_batch must divide the batch, but {n} is not a multiple of {rows}")
    _check_samples(rows, k, shrink)
    u1, u2 = (_whiten(z.view(-1, rows, k), "cholesky", shrink, correction) for z in (z1, z2))
    if normalize:
        u1, u2 = (unit_rows(u) for u in (u1, u2))
    return (u1 - u2).square().sum(-1).mean()
