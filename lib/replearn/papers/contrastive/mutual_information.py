"""Mutual information of two variables: a pair for which it is known, and the estimate that InfoNCE gives (in nats)."""

import math
from typing import NamedTuple

import torch
from numpy.typing import ArrayLike

from replearn.validate import check_between, check_finite, check_integer, check_positive


class GaussianPair(NamedTuple):
    """Samples ``x`` and ``y`` (n, d), row i of each drawn together, and the correlation ``rho`` of their entries."""

    x: torch.Tensor
    y: torch.Tensor
    rho: float


def gaussian_pair(n: int, d: int, mi: float, *, seed: int = 0) -> GaussianPair:
    r"""Draw standard Gaussian pairs of a given mutual information.

    .. math:: y = \rho x + \sqrt{1 - \rho^2}\, \epsilon, \qquad
        I(x; y) = -\tfrac d2 \log(1 - \rho^2), \qquad \rho = \sqrt{1 - e^{-2 I / d}}

    Parameters
    ----------
    n, d : number of samples and dimension, at least 1.
    mi : mutual information I >= 0, in nats.
    seed : of the draw.

    Returns
    -------
    GaussianPair of float64 tensors (n, d) and rho in [0, 1).

    References
    ----------
    The benchmark of Belghazi et al. 2018 and Poole et al. 2019.

    Examples
    --------
    >>> round(gaussian_pair(100, 2, 1.0).rho, 4)
    0.7951
    """
    check_integer("n", n, 1)
    check_integer("d", d, 1)
    check_positive("mi", mi, allow_zero=True)
    rho = math.sqrt(-math.expm1(-2 * mi / d))
    generator = torch.Generator().manual_seed(seed)
    x, noise = torch.randn(2, n, d, generator=generator, dtype=torch.float64)
    return GaussianPair(x, rho * x + math.exp(-mi / d) * noise, rho)


def gaussian_critic(x: torch.Tensor, y: torch.Tensor, rho: float) -> torch.Tensor:
    r"""Score all pairings of a Gaussian pair's samples by the best scores there are, the log-ratio of densities.

    .. math:: s_{ij} = \log \frac{p(y_j | x_i)}{p(y_j)}
        = \frac{\rho\, x_i^\top y_j - \tfrac{\rho^2}2 (\|x_i\|^2 + \|y_j\|^2)}{1 - \rho^2} - \tfrac d2 \log(1 - \rho^2)

    Parameters
    ----------
    x, y : samples (..., N, d), of :func:`gaussian_pair`.
    rho : correlation of their entries, in (-1, 1).

    Returns
    -------
    Tensor (..., N, N) in nats; the mean of its diagonals is I(x; y) but for the noise of the draw.

    References
    ----------
    The density of the normal distribution.

    Examples
    --------
    >>> x, y, rho = gaussian_pair(100, 2, 1.0)
    >>> gaussian_critic(x, y, rho).shape
    torch.Size([100, 100])
    """
    if x.shape != y.shape or x.ndim < 2:
        raise ValueError(f"x and y must have one shape (..., N, d), but have {tuple(x.shape)} and {tuple(y.shape)}")
    check_between("rho", rho, -1, 1, ends="none")
    check_finite("x", x)
    check_finite("y", y)
    squares = x.square().sum(-1)[..., :, None] + y.square().sum(-1)[..., None, :]
    free = 1 - rho**2
    return (rho * x @ y.mT - rho**2 / 2 * squares) / free - x.shape[-1] / 2 * math.log(free)


def infonce_mi_bound(scores: ArrayLike) -> float:
    r"""Lower bound on mutual information from scores of all pairings of N samples, never above log N.

    .. math:: \log N + \frac1N \sum_i \log \frac{e^{s_{ii}}}{\sum_j e^{s_{ij}}} \le \log N

    Its mean over draws is at most I(x; y), whatever the scores; the best are log p(y | x) / p(y), up to any function
    of x.

    Parameters
    ----------
    scores : s (..., N, N), array or tensor, N >= 2; s_ij pairs x_i with y_j. Further dimensions are batches, averaged.

    Returns
    -------
    Float in nats, computed in the type of the scores.

    References
    ----------
    Van den Oord et al. 2018 (CPC), appendix A.1; Poole et al. 2019, equation 12.

    Examples
    --------
    >>> round(infonce_mi_bound(torch.zeros(8, 8)), 6)
    0.0
    """
    scores = torch.as_tensor(scores).detach()
    if scores.ndim < 2 or scores.shape[-1] != scores.shape[-2] or scores.shape[-1] < 2:
        raise ValueError(f"scores must have shape (..., N, N) with N >= 2, but have {tuple(scores.shape)}")
    check_finite("scores", scores)
    own = scores.diagonal(dim1=-2, dim2=-1)
    return math.log(scores.shape[-1]) + (own - scores.logsumexp(-1)).mean().item()
