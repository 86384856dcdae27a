"""How far two representations agree, or one has recovered the truth, up to what a theorem leaves free."""

from collections.abc import Iterator, Sequence
from typing import Annotated

import torch
from numpy.typing import ArrayLike
from scipy.optimize import linear_sum_assignment

from replearn.contract import Array, Matrix, Number, Samples, Stack, Whole, checked
from replearn.evaluation.probes import r2_probe
from replearn.evaluation.tensors import as_columns, as_tensor
from replearn.losses.statistics import cross_correlation

Fit = Annotated[float, Number(above=0, below=1)]
Others = Annotated[ArrayLike, Array("N L")]

_ENTRIES = 2**22


@checked
def linear_r2(h: Matrix, z: Annotated[ArrayLike, Array("N [L]")], *, fit: Fit = 0.5, weighted: bool = False) -> float:
    r"""Share of the variance of latents that a linear regression reads off a representation, on unseen samples.

    The regression (with intercept) is fitted to the first samples, and R^2 is averaged over the coordinates of z on the
    others. A ridge of 1e-10 makes collinear features no exception. ``weighted`` is for a z that is itself learned: then

    .. math:: R^2 = 1 - \frac{\sum_i \|z_i - \hat z_i\|^2}{\sum_i \|z_i - \bar z\|^2}

    does not change when z is rotated, and a coordinate that hardly varies hardly counts.

    Parameters
    ----------
    h : representation (N, K), samples in random order, array or tensor.
    z : latents (N,) or (N, Q).
    fit : share of the samples that the regression is fitted to, strictly between 0 and 1.
    weighted : weight the coordinates of z by their variance on the unseen samples, rather than equally.

    Returns
    -------
    Float: 1 is perfect, 0 as good as the mean.

    Raises
    ------
    ValueError
        Different numbers of samples, N < 2 (K + 1), non-finite values, ``fit`` outside (0, 1), a constant latent.

    References
    ----------
    The metric of Reizinger et al. 2025 (arXiv 2410.21869), with separate samples for the fit and the score.

    Examples
    --------
    >>> z = torch.randn(60, 3, generator=torch.Generator().manual_seed(0))
    >>> round(linear_r2(2 * z + 1, z), 6)
    1.0
    """
    h, z = as_tensor(h), as_columns(z)
    n, k = h.shape
    if n < 2 * (k + 1):
        raise ValueError(f"a regression on the {k} features of h needs at least {2 * (k + 1)} samples, but has {n}")
    split = min(max(round(fit * n), 2), n - 2)
    targets = z.split(1, dim=1) if weighted else [z]
    scores = [r2_probe(h[:split], t[:split], h[split:], t[split:], lam=1e-10) for t in targets]
    weights = [t[split:].var(0).sum().item() for t in targets]
    return sum(weight * score for weight, score in zip(weights, scores, strict=True)) / sum(weights)


@checked
def cross_r2(representations: Annotated[Sequence[ArrayLike], Stack("V N _", Array)], *, fit: Fit = 0.5) -> torch.Tensor:
    r"""Agreement of every two representations up to linear maps, the worse of both directions.

    ``min(linear_r2(a, b, weighted=True), linear_r2(b, a, weighted=True))``

    Parameters
    ----------
    representations : M of them, (N, K_m) each, of the same samples in random order, arrays or tensors.
    fit : share of the samples that the regressions are fitted to, strictly between 0 and 1.

    Returns
    -------
    Tensor (M, M), float64, symmetric: 1 is equal up to a linear map and a shift, 0 has nothing linear in common.

    References
    ----------
    Linear identifiability as in Roeder et al. 2021 (arXiv 2007.00810).

    Examples
    --------
    >>> z = torch.randn(60, 3, generator=torch.Generator().manual_seed(0))
    >>> cross_r2([z, 2 * z + 1]).round(decimals=4)
    tensor([[1., 1.],
            [1., 1.]], dtype=torch.float64)
    """
    pairs = [[linear_r2(a, b, fit=fit, weighted=True) for b in representations] for a in representations]
    scores = torch.tensor(pairs, dtype=torch.float64)
    return torch.minimum(scores, scores.T)


@checked
def mean_correlation(a: Samples, b: Samples) -> float:
    """Mean correlation coefficient: the mean of |corr| over the one-to-one matching of columns that makes it largest.

    It ignores order, sign, scale and shift of the columns, and nothing more.

    Parameters
    ----------
    a, b : signals (N, K) of the same N >= 2 samples, arrays or tensors.

    Returns
    -------
    Float in [0, 1].

    Raises
    ------
    ValueError
        Not finite matrices of one shape with N >= 2, a constant column.

    References
    ----------
    Hyvarinen and Morioka 2016; the matching is Kuhn's (1955), from scipy.

    Examples
    --------
    >>> z = torch.randn(60, 3, generator=torch.Generator().manual_seed(0))
    >>> round(mean_correlation(z, -z.flip(1)), 6)
    1.0
    """
    a, b = as_tensor(a), as_tensor(b)
    correlation = cross_correlation(a, b).abs().cpu().numpy()
    return float(correlation[linear_sum_assignment(-correlation)].mean())


@checked
def affine_rank(V: Matrix) -> int:
    """Dimension of the smallest affine space that holds the points, the rank of the centred matrix.

    Its singular values up to 1e-8 times the largest of V itself count as zero.

    Parameters
    ----------
    V : points (C, d), array or tensor.

    Returns
    -------
    Integer between 0 and min(C - 1, d).

    References
    ----------
    The assumption of an affine generator system in Reizinger et al. 2025 (arXiv 2410.21869): rank d.

    Examples
    --------
    >>> affine_rank([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])
    1
    """
    V = as_tensor(V)
    roundoff = 1e-8 * torch.linalg.matrix_norm(V, 2).item()
    return int(torch.linalg.matrix_rank(V - V.mean(0), atol=roundoff, rtol=0.0))


@checked
def mutual_knn(a: Samples, b: Others, *, k: Annotated[int, Whole(1)] = 10) -> float:
    """Mean share of its k nearest neighbours (by cosine) that a sample has in common in two representations.

    Parameters
    ----------
    a, b : representations (N, K) and (N, L) of the same samples, arrays or tensors.
    k : number of neighbours, without the sample itself, 1 <= k < N.

    Returns
    -------
    Float in [0, 1]; about k / N for unrelated representations. Costs O(N^2 (K + L)) time, O(N) memory per row.

    References
    ----------
    Huh et al. 2024 (The Platonic Representation Hypothesis, arXiv 2405.07987).

    Examples
    --------
    >>> z = torch.randn(60, 3, generator=torch.Generator().manual_seed(0))
    >>> mutual_knn(z, 5 * z, k=4)
    1.0
    """
    a, b = as_tensor(a), as_tensor(b)
    if k >= len(a):
        raise ValueError(f"k must be below the number of samples, {len(a)}, but is {k}")
    shared = 0
    for rows_a, rows_b in zip(_neighbours("a", a, k), _neighbours("b", b, k), strict=True):
        shared += (rows_a.unsqueeze(2) == rows_b.unsqueeze(1)).sum().item()
    return shared / (len(a) * k)


def _neighbours(name: str, z: torch.Tensor, k: int) -> Iterator[torch.Tensor]:
    """Indices (rows, k) of the nearest neighbours by cosine, a block of rows at a time."""
    norms = z.norm(dim=1, keepdim=True)
    if (norms == 0).any():
        raise ValueError(f"{name} has a zero vector, which has no direction and so no neighbours by cosine")
    z, n = z / norms, len(z)
    for index in torch.arange(n, device=z.device).split(max(1, _ENTRIES // n)):
        similarity = z[index] @ z.T
        similarity[torch.arange(len(index)), index] = -torch.inf
        yield similarity.topk(k).indices


@checked
def linear_cka(a: Samples, b: Others) -> float:
    r"""Centred kernel alignment of two representations under linear kernels.

    .. math:: \frac{\|A^\top B\|_F^2}{\|A^\top A\|_F \, \|B^\top B\|_F} \qquad \text{with centred columns}

    Rotations and one global scale of either do not matter.

    Parameters
    ----------
    a, b : representations (N, K) and (N, L) of the same N >= 2 samples, arrays or tensors.

    Returns
    -------
    Float in [0, 1]. Costs O(N K L), or O(N^2 (K + L)) where that is less.

    Raises
    ------
    ValueError
        Different numbers of samples, non-finite values, a constant representation.

    References
    ----------
    Kornblith et al. 2019 (arXiv 1905.00414).

    Examples
    --------
    >>> z = torch.randn(60, 3, generator=torch.Generator().manual_seed(0))
    >>> round(linear_cka(z, 5 * z + 1), 6)
    1.0
    """
    a, b = as_tensor(a), as_tensor(b)
    if (a == a[0]).all() or (b == b[0]).all():
        raise ValueError("a and b must not be constant: that aligns with nothing, and its CKA is undefined")
    a, b = (m - m.mean(0) for m in (a, b))
    return (_gram_product(a, b) / (_gram_product(a, a) * _gram_product(b, b)).sqrt()).item()


def _gram_product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """``<a a^T, b b^T>``, by whichever product of matrices is smaller."""
    if len(a) ** 2 < a.shape[1] * b.shape[1]:
        return ((a @ a.T) * (b @ b.T)).sum()
    return (a.T @ b).square().sum()
