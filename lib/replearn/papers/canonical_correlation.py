"""Soft canonical correlation analysis: what VICReg and Barlow Twins keep of two views, and how to read it off."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn
from torch.nn import functional as F

from replearn.data import load, standardize
from replearn.descent import minimize
from replearn.evaluation import r2_probe
from replearn.losses import whiten
from replearn.spectral.arrays import as_array
from replearn.training import features
from replearn.validate import check_integer, check_matrix, check_pair, check_positive, check_same_rows


class Halves(NamedTuple):
    """Digits cut in two: pixels of the ``first`` (N, p) and ``second`` half (N, q), the ``images``, the ``labels``."""

    first: torch.Tensor
    second: torch.Tensor
    images: torch.Tensor
    labels: torch.Tensor


def digit_halves(*, across: bool = True) -> Halves:
    """Cut the 1,797 digits of 8 x 8 pixels across the middle, or from top to bottom: two views of each.

    Pixels that hardly vary (standard deviation below 0.03, where black is 0 and white is 1) are left out; the others
    have mean 0 and variance 1. Float64.

    Parameters
    ----------
    across : bool
        True gives upper and lower halves, 26 pixels each; False left and right halves, 24 and 28 pixels.

    Returns
    -------
    ``Halves(first, second, images, labels)``.

    Examples
    --------
    >>> digit_halves().first.shape
    torch.Size([1797, 26])
    """
    digits = load("digits")
    images = digits.images[:, 0].double()
    parts = images.chunk(2, dim=1 if across else 2)
    first, second = (part.flatten(1) for part in parts)
    first, second = (standardize(half[:, half.std(0, correction=0) > 0.03], 0) for half in (first, second))
    return Halves(first, second, images, digits.labels)


class SeaLevel(NamedTuple):
    """The ``level`` above which a canonical correlation is kept, and the ``variance`` (D,) that each direction gets."""

    level: float
    variance: np.ndarray


def sea_level(rho: ArrayLike, dim: int, *, inv: float = 25.0, cov: float = 1.0) -> SeaLevel:
    r"""How a linear VICReg, whose dimensions all have variance 1, spreads its variance over canonical directions.

    .. math:: \gamma_i = \frac{\mathrm{inv}}{2\,\mathrm{cov}} \max(0, \rho_i - \rho_0) \quad (i \le K), \qquad
        \sum_{i \le K} \gamma_i = K

    minimises :math:`\frac2K \sum_i (\mathrm{inv}\,(1 - \rho_i) \gamma_i + \mathrm{cov}\,\gamma_i^2)` over at most K
    positive variances of sum K.

    Parameters
    ----------
    rho : canonical correlations (D,), descending.
    dim : K, the number of dimensions, at most D.
    inv, cov : VICReg's weights of invariance and of covariance, > 0.

    Returns
    -------
    ``SeaLevel(level, variance)``: :math:`\rho_0`, which may be negative, and all D variances, those beyond K zero.

    Raises
    ------
    ValueError
        ``rho`` not finite or not descending, ``dim`` not between 1 and D, a weight that is not positive.

    References
    ----------
    This book; with variances that are free to shrink it becomes the closed form of Balestriero and LeCun 2022.

    Examples
    --------
    >>> sea_level([0.9, 0.5], 2, inv=10, cov=5)
    SeaLevel(level=-0.3..., variance=array([1.2, 0.8]))
    """
    rho = as_array(rho)
    check_matrix("rho", np.atleast_2d(rho))
    if rho.ndim != 1 or (np.diff(rho) > 0).any():
        raise ValueError("rho must be a list of correlations in descending order")
    check_integer("dim", dim, 1, len(rho))
    check_positive("inv", inv)
    check_positive("cov", cov)
    per_unit = inv / (2 * cov)  # variance for each unit of correlation above the level
    peaks = np.arange(1, dim + 1)
    levels = (np.cumsum(rho[:dim]) - dim / per_unit) / peaks  # the level if so many directions stand above it
    above = peaks[rho[:dim] > levels].max()
    level = levels[above - 1]
    variance = np.zeros(len(rho))
    variance[:above] = per_unit * (rho[:above] - level)
    return SeaLevel(float(level), variance)


def variance_spent(canonical: torch.Tensor, z: torch.Tensor) -> np.ndarray:
    r"""How much of the variance of an embedding stands on each canonical direction, :math:`\|u_i^\top Z / N\|^2`.

    Parameters
    ----------
    canonical : the numbers u_i of all directions, a column each (N, D): mean 0, variance 1, uncorrelated.
    z : embeddings (N, K) of the same samples, in the span of these numbers.

    Returns
    -------
    Variances (D,), whose sum is the total variance of z.

    Raises
    ------
    ValueError
        Not two finite matrices with the same rows.

    Examples
    --------
    >>> u = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    >>> variance_spent(u, u @ torch.tensor([[2.0], [1.0]]))
    array([4., 1.])
    """
    check_matrix("canonical", canonical)
    check_matrix("z", z)
    check_same_rows("canonical", canonical, "z", z)
    return (canonical.double().T @ z.detach().double() / len(z)).square().sum(1).cpu().numpy()


def misplaced_share(variance: ArrayLike, expected: ArrayLike) -> float:
    r"""Which share of a variance stands on another direction than expected.

    .. math:: \frac12 \sum_i |v_i - e_i| \Big/ \sum_i e_i

    Parameters
    ----------
    variance, expected : variances (D,) of the same directions.

    Returns
    -------
    Float >= 0; 0 where the two are equal, 1 where they share no direction and have one sum.

    Raises
    ------
    ValueError
        Different lengths, non-finite values, or expected variances without a positive sum.

    Examples
    --------
    >>> misplaced_share([1, 0, 1], [1, 1, 0])
    0.5
    """
    variance, expected = (np.atleast_1d(as_array(v)) for v in (variance, expected))
    if variance.shape != expected.shape or variance.ndim != 1:
        raise ValueError(f"variance {variance.shape} and expected {expected.shape} must be lists of one length")
    check_matrix("variance and expected", np.stack([variance, expected]))
    check_positive("the sum of expected", float(expected.sum()))
    return float(abs(variance - expected).sum() / 2 / expected.sum())


class Directions(NamedTuple):
    """The principal directions of an embedding: ``variance`` (r,), descending, and correlation of the views ``rho``."""

    variance: np.ndarray
    rho: np.ndarray


def principal_correlations(z1: torch.Tensor, z2: torch.Tensor, *, least: float = 0.02) -> Directions:
    r"""How much an embedding varies along each of its principal directions, and how well two views agree there.

    With C the mean of the two views' covariances and :math:`C_+` the symmetric part of the covariance between them, a
    principal direction u of C has the variance :math:`u^\top C u` and the correlation
    :math:`u^\top C_+ u / u^\top C u`.

    Parameters
    ----------
    z1, z2 : embeddings (N, K) of two views of the same N >= 2 samples.
    least : directions with less than this share of the largest variance are left out, in (0, 1].

    Returns
    -------
    ``Directions(variance, rho)`` in float64, of the r <= K directions that are left.

    Raises
    ------
    ValueError
        Bad shapes, non-finite values, ``least`` not positive or above 1, a constant embedding.

    References
    ----------
    This book. Where C and :math:`C_+` share their eigenvectors, these are canonical correlations (Hotelling 1936).

    Examples
    --------
    >>> z = torch.tensor([[2.0, 1.0], [2.0, -1.0], [-2.0, 1.0], [-2.0, -1.0]])
    >>> principal_correlations(z, z * torch.tensor([1.0, 0.0]))
    Directions(variance=array([4. , 0.5]), rho=array([1., 0.]))
    """
    check_pair("z1", z1, "z2", z2)
    check_positive("least", least)
    if least > 1:
        raise ValueError(f"least must be at most 1, but is {least}")
    z1, z2 = ((z - z.mean(0)).detach().double() for z in (z1, z2))
    n = len(z1)
    within = (z1.T @ z1 + z2.T @ z2) / (2 * n)
    between = (z1.T @ z2 + z2.T @ z1) / (2 * n)
    variance, directions = torch.linalg.eigh(within)
    if not variance[-1] > 0:
        raise ValueError("z1 and z2 are constant, so they have no directions")
    kept = variance >= least * variance[-1]
    shared = (directions * (between @ directions)).sum(0)
    rho = shared[kept] / variance[kept]
    return Directions(variance[kept].flip(0).cpu().numpy(), rho.flip(0).cpu().numpy())


def share_known(source: torch.Tensor, target: torch.Tensor) -> float:
    """Share of the variance of one representation that a linear map reads off another (mean over its dimensions).

    The map is fitted by ridge regression to the first half of the samples, and scored on the second.

    Parameters
    ----------
    source : torch.Tensor
        What is read (N, D), N >= 4.
    target : torch.Tensor
        What is to be known (N, K), of the same samples.

    Returns
    -------
    float
        R^2: 1 if the target is a linear function of the source, 0 or less if the source is no use.

    Examples
    --------
    >>> z = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
    >>> round(share_known(z, z[:, :2] @ torch.tensor([[1.0, 2.0], [0.0, 1.0]])), 3)
    1.0
    """
    check_matrix("source", source, min_rows=4)
    check_matrix("target", target, min_rows=4)
    check_same_rows("source", source, "target", target)
    half = len(source) // 2
    return r2_probe(source[:half], target[:half], source[half:], target[half:])


def below_last_layer(
    encoder: nn.Module, projector: nn.Sequential, images: torch.Tensor, augment: Callable, *, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    """What the layers below a projector's last one make of two views of each image: the inputs of a linear layer.

    Parameters
    ----------
    encoder : torch.nn.Module
        (N, ...) -> (N, d).
    projector : torch.nn.Sequential
        (N, d) -> (N, K), of which the last layer is left out.
    images : torch.Tensor
        (N, ...).
    augment : callable
        ``augment(images, generator)``.
    seed : int
        Of the views.

    Returns
    -------
    tuple of torch.Tensor
        (N, h) for each of the two views, float64.

    Examples
    --------
    >>> projector = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))
    >>> pair = below_last_layer(nn.Identity(), projector, torch.zeros(3, 4), lambda x, generator: x)
    >>> pair[0].shape
    torch.Size([3, 6])
    """
    generator = torch.Generator().manual_seed(seed)
    network = nn.Sequential(encoder, *list(projector)[:-1])
    first, second = (features(network, augment(images, generator)).double() for _ in range(2))
    return first, second


class BarlowSweep(NamedTuple):
    """Linear Barlow Twins for L weights: ``A``, ``B`` (L, D, K) in canonical coordinates, and the ``loss`` (L,)."""

    A: torch.Tensor
    B: torch.Tensor
    loss: torch.Tensor


def barlow_twins_sweep(
    rho: ArrayLike, lams: Sequence[float], dim: int, *, steps: int = 800, seed: int = 0
) -> BarlowSweep:
    r"""Descend on linear Barlow Twins for several weights at once, from one random start.

    Only correlations enter the loss. So it may be solved in canonical coordinates, where each view is white and the
    covariance between the views is diag(rho): with columns of length 1, :math:`C = A^\top \mathrm{diag}(\rho) B`.

    Parameters
    ----------
    rho : canonical correlations (D,).
    lams : weights of the entries of C beside the diagonal, L of them, >= 0.
    dim : K, the number of dimensions.
    steps : L-BFGS iterations, for all weights together.
    seed : of the start.

    Returns
    -------
    ``BarlowSweep(A, B, loss)``, float64; columns of A and B have length 1.

    References
    ----------
    Zbontar et al. 2021, equation 1.

    Examples
    --------
    >>> barlow_twins_sweep([0.9, 0.8, 0.1], [10.0], 1, seed=1).loss.round(decimals=4)  # (1 - 0.9)^2
    tensor([0.0100], dtype=torch.float64)
    """
    rho = torch.as_tensor(as_array(rho))
    check_matrix("rho", rho[None] if rho.ndim == 1 else rho)
    check_integer("dim", dim, 1)
    weights = torch.as_tensor(as_array(list(lams)))
    for lam in weights:
        check_positive("lams", float(lam), allow_zero=True)

    def loss(A: torch.Tensor, B: torch.Tensor) -> torch.Tensor:
        A, B = F.normalize(A, dim=1), F.normalize(B, dim=1)
        C = A.mT @ (rho[:, None] * B)
        diagonal = C.diagonal(dim1=1, dim2=2)
        beside = C.square().sum((1, 2)) - diagonal.square().sum(1)
        return (1 - diagonal).square().sum(1) + weights * beside

    shape = (2, 1, len(rho), dim)
    start = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    found = minimize(lambda A, B: loss(A, B).sum(), start.expand(2, len(weights), -1, -1), steps=steps)
    A, B = (F.normalize(W, dim=1) for W in found)
    return BarlowSweep(A, B, loss(A, B))


def train_linear(
    loss: Callable[[torch.Tensor, torch.Tensor], Any],
    x: torch.Tensor,
    y: torch.Tensor,
    dim: int,
    *,
    steps: int = 300,
    lr: float = 0.1,
    shrink: float = 0.0,
    seed: int = 0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Train a linear encoder for each of two views by full-batch Adam, and return the two embeddings.

    Each view is whitened first. That changes no function which a linear encoder can compute; it is what makes a few
    hundred steps enough, because no direction of the pixels is fainter than another.

    Parameters
    ----------
    loss : callable
        ``loss(z1, z2)``, for example ``replearn.losses.vicreg``; a scalar, or a NamedTuple of terms with ``.total``.
    x : torch.Tensor
        First view (N, p), N > p unless ``shrink`` is positive.
    y : torch.Tensor
        Second view (N, q) of the same samples.
    dim : int
        K, the number of dimensions of an embedding.
    steps : int
        Steps of Adam, whose rate falls from ``lr`` to 0 along half a cosine.
    lr : float
        The rate at the start.
    shrink : float
        Of ``replearn.losses.whiten``: for views with dependent columns.
    seed : int
        Of the random start.

    Returns
    -------
    tuple of torch.Tensor
        Embeddings (N, K) of the two views, without gradient.

    Examples
    --------
    >>> x = torch.randn(100, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    >>> z1, z2 = train_linear(torch.nn.functional.mse_loss, x, 2 * x, dim=1)
    >>> (z1 - z2).abs().max() < 1e-3
    tensor(True)
    """
    check_matrix("x", x, min_rows=2)
    check_matrix("y", y, min_rows=2)
    check_same_rows("x", x, "y", y)
    check_integer("dim", dim, 1)
    check_integer("steps", steps, 1)
    check_positive("lr", lr)
    generator = torch.Generator().manual_seed(seed)
    x, y = (whiten(view, shrink=shrink, correction=0) for view in (x, y))
    A, B = (torch.randn(v.shape[1], dim, generator=generator, dtype=v.dtype).div(5).requires_grad_() for v in (x, y))
    optimizer = torch.optim.Adam([A, B])
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = lr * (1 + math.cos(math.pi * step / steps)) / 2
        value = loss(x @ A, y @ B)
        optimizer.zero_grad()
        getattr(value, "total", value).backward()
        optimizer.step()
    return (x @ A).detach(), (y @ B).detach()
