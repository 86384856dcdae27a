"""Canonical correlations: what two views of the same samples share, in closed form."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import scipy.linalg
import torch
from numpy.typing import ArrayLike

from replearn.spectral.arrays import as_array, as_same_samples, as_symmetric, positive_eigenpairs
from replearn.validate import check_integer, check_matrix, check_positive, check_same_rows


class CCA(NamedTuple):
    """Canonical correlations ``rho`` (d,), descending, and the weights ``A`` (p, d), ``B`` (q, d) that attain them."""

    rho: np.ndarray
    A: np.ndarray
    B: np.ndarray


def cca(X: ArrayLike, Y: ArrayLike, dim: int, *, ridge: float = 0.0) -> CCA:
    r"""Canonical correlation analysis: the linear combinations of two views that correlate most.

    .. math:: \max \mathrm{tr}(A^\top \Sigma_{xy} B) \quad \text{with} \quad
        A^\top (\Sigma_{xx} + r I) A = B^\top (\Sigma_{yy} + r I) B = I_d

    where the covariances of the centred views have the denominator N. Thin singular value decompositions stand in for
    inverse square roots of covariances, which would square the condition number.

    Parameters
    ----------
    X : first view (N, p); centred here.
    Y : second view (N, q); centred here.
    dim : d, at most the smaller rank of the two centred views.
    ridge : r >= 0, in squared units of the views.

    Returns
    -------
    ``CCA(rho, A, B)`` in float64. The largest weight of each column of A is positive. Costs O(N (p^2 + q^2)).

    References
    ----------
    Hotelling 1936; Bjorck and Golub 1973 for the algorithm.

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((50, 3))
    >>> cca(X, X @ X[:3], 2).rho.round(6)
    array([1., 1.])
    """
    X, Y = as_same_samples(X, Y)
    check_positive("ridge", ridge, allow_zero=True)
    check_integer("dim", dim, 1)
    (Ux, Wx), (Uy, Wy) = _whitening("X", X, ridge), _whitening("Y", Y, ridge)
    rank = min(Ux.shape[1], Uy.shape[1])
    check_integer("dim (at most the rank of both centred views)", dim, 1, rank)
    P, rho, Qt = scipy.linalg.svd(Ux.T @ Uy, full_matrices=False)
    A, B = Wx @ P[:, :dim], Wy @ Qt[:dim].T
    signs = np.sign(A[np.abs(A).argmax(0), np.arange(dim)])
    return CCA(rho[:dim], A * signs, B * signs)


def _whitening(name: str, X: np.ndarray, ridge: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the whitened view (N, rank) over sqrt(N), and the weights (p, rank) that give it from sqrt(N) times it."""
    U, s, Vt = scipy.linalg.svd((X - X.mean(0)) / np.sqrt(len(X)), full_matrices=False)
    if s[0] <= max(X.shape) * np.finfo(np.float64).eps * np.abs(X).max():
        raise ValueError(f"{name} is constant, so nothing correlates with it")
    keep = s > max(X.shape) * np.finfo(np.float64).eps * s[0]
    U, s, V = U[:, keep], s[keep], Vt[keep].T
    scale = np.sqrt(s**2 + ridge)
    return U * (s / scale), V / scale


class PairMoments(NamedTuple):
    """Covariance ``C`` (d, d) of single views and ``C_plus`` (d, d) between two views of one sample."""

    C: np.ndarray
    C_plus: np.ndarray


def pair_moments(views: Iterable[ArrayLike], weights: ArrayLike | None = None) -> PairMoments:
    r"""Return the second moments of a positive pair whose two views are drawn independently from a list of views.

    .. math:: C = \frac1n \sum_{v,i} w_v x_{vi} x_{vi}^\top, \qquad
        C_+ = \frac1n \sum_i \bar x_i \bar x_i^\top, \quad \bar x_i = \sum_v w_v x_{vi}

    after the mean over samples and views was subtracted: all V^2 ordered pairs are enumerated, none is sampled.

    Parameters
    ----------
    views : V aligned views of n >= 2 samples, (V, n, d), or a list of V matrices (n, d).
    weights : probabilities w (V,) of the views; None for equal ones.

    Returns
    -------
    ``PairMoments(C, C_plus)``, float64, in squared units of the views. Costs O(V n d^2).

    References
    ----------
    Balestriero et al. 2023 (the Cookbook); HaoChen et al. 2021.

    Examples
    --------
    >>> pair_moments([[[1.0], [-1.0]], [[3.0], [-3.0]]])
    PairMoments(C=array([[5.]]), C_plus=array([[4.]]))
    """
    views = np.stack([as_array(v) for v in views])
    if views.ndim != 3 or views.shape[1] < 2:
        raise ValueError(f"views must have the shape (V, n, d) with n >= 2, but have {views.shape}")
    count, n, d = views.shape
    check_matrix("views", views.reshape(count * n, d))
    weights = np.full(count, 1 / count) if weights is None else as_array(weights)
    if weights.shape != (count,) or (weights < 0).any() or not np.isclose(weights.sum(), 1):
        raise ValueError(f"weights must be {count} probabilities that sum to 1, but are {weights}")
    orbit = np.tensordot(weights, views, 1)
    mean = orbit.mean(0)
    C = sum(w * (v - mean).T @ (v - mean) for w, v in zip(weights, views, strict=True)) / n
    return PairMoments(C, (orbit - mean).T @ (orbit - mean) / n)


def canonical_spectrum(C: ArrayLike, C_plus: ArrayLike, *, rcond: float = 1e-9) -> np.ndarray:
    r"""Return the share of each direction's variance that two views have in common: :math:`C_+ w = \rho C w`.

    The generalised eigenproblem is solved on the range of C.

    Parameters
    ----------
    C : covariance of single views (d, d), symmetric positive semi-definite.
    C_plus : covariance between views (d, d), symmetric.
    rcond : directions whose variance is below ``rcond`` times the largest are left out.

    Returns
    -------
    rho (rank of C,), descending, float64, without unit; in [0, 1] for moments of exchangeable views.

    Raises
    ------
    ValueError
        Not two symmetric finite matrices of one shape, C zero or not positive semi-definite, ``rcond <= 0``.

    References
    ----------
    Hotelling 1936 for equal covariances; Balestriero and LeCun 2022, linear regime.

    Examples
    --------
    >>> canonical_spectrum(np.eye(2), np.diag([0.5, 0.9]))
    array([0.9, 0.5])
    """
    check_positive("rcond", rcond)
    C, C_plus = as_symmetric("C", as_array(C)), as_symmetric("C_plus", as_array(C_plus))
    if C.shape != C_plus.shape:
        raise ValueError(f"C and C_plus must have one shape, but have {C.shape} and {C_plus.shape}")
    variances, directions = positive_eigenpairs("C", C, rcond)
    whiten = directions / np.sqrt(variances)
    return scipy.linalg.eigvalsh(whiten.T @ C_plus @ whiten)[::-1]


def total_correlation(x: torch.Tensor, y: torch.Tensor, *, ridge: float = 0.0) -> torch.Tensor:
    r"""Return the sum of all canonical correlations, differentiably: the objective that Deep CCA maximises.

    .. math:: \| (\Sigma_{xx} + r I)^{-1/2} \, \Sigma_{xy} \, (\Sigma_{yy} + r I)^{-1/2} \|_*

    Cholesky factors replace the square roots, because they leave the singular values as they are.

    Parameters
    ----------
    x : first view, tensor (N, p).
    y : second view, tensor (N, q).
    ridge : r >= 0, in squared units of the views.

    Returns
    -------
    Scalar tensor in [0, min(p, q)], without unit.

    Raises
    ------
    ValueError
        Different lengths, fewer than two samples, non-finite values, ``ridge < 0``, a singular covariance.

    References
    ----------
    Andrew et al. 2013 (Deep CCA), section 3.

    Examples
    --------
    >>> x = torch.randn(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    >>> total_correlation(x, 2 * x).round(decimals=4)
    tensor(3., dtype=torch.float64)
    """
    check_matrix("x", x, min_rows=2)
    check_matrix("y", y, min_rows=2)
    check_positive("ridge", ridge, allow_zero=True)
    check_same_rows("x", x, "y", y)
    x, y = ((v - v.mean(0)) / len(v) ** 0.5 for v in (x, y))
    half = torch.linalg.solve_triangular(_cholesky("x", x, ridge), x.T @ y, upper=False)
    T = torch.linalg.solve_triangular(_cholesky("y", y, ridge), half.T, upper=False)
    return torch.linalg.svdvals(T).sum()


def _cholesky(name: str, x: torch.Tensor, ridge: float) -> torch.Tensor:
    covariance = x.T @ x + ridge * torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
    factor, info = torch.linalg.cholesky_ex(covariance)
    if info.any() or not (factor.diagonal().square() > torch.finfo(x.dtype).eps * covariance.diagonal()).all():
        raise ValueError(f"the covariance of {name} is singular: use ridge > 0 or drop dependent columns")
    return factor
