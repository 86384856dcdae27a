"""Label-free scores read off covariance spectra: participation ratio, decay exponent (alpha-ReQ), and LiDAR.

All of them compute in float64 on the features' device and read the rows in blocks, so that memory stays bounded.
"""

import math
from typing import Annotated

import torch
from numpy.typing import ArrayLike

from replearn.contract import Array, NonNegative, Positive, Samples, Whole, checked
from replearn.evaluation.blocks import blocks, centre_and_scale, rows_in_block
from replearn.evaluation.tensors import detached

_EPS = torch.finfo(torch.float64).eps


@checked
def participation_ratio(z: Samples) -> float:
    r"""Number of directions that share the variance, as the participation ratio of the covariance's eigenvalues.

    .. math:: \frac{(\sum_i \lambda_i)^2}{\sum_i \lambda_i^2} = \frac{(\mathrm{tr}\, C)^2}{\|C\|_F^2}

    Parameters
    ----------
    z : representation (N, D), array or tensor; it is centred.

    Returns
    -------
    Float between 1 and min(N - 1, D). Large eigenvalues weigh more than in RankMe, whose entropy is of singular values.

    Notes
    -----
    Costs O(N D min(N, D)) time and O(min(N, D)^2) memory, and a float64 copy of z where N < D.

    References
    ----------
    Gao et al. 2017 (neural dimensionality).

    Examples
    --------
    >>> round(participation_ratio(torch.eye(9)), 3)
    8.0
    """
    C = _covariance(z)
    return (C.trace().square() / C.square().sum()).item()


@checked
def alpha_req(z: Samples, *, skip: Annotated[int, Whole(0)] = 3) -> float:
    r"""Decay exponent alpha of the covariance spectrum, :math:`\lambda_i \propto i^{-\alpha}`, by least squares.

    It is minus the slope of log lambda_i against log i, from i = skip + 1 to the last eigenvalue that is not
    numerically zero (above lambda_1 times float64's precision times D and times the squared precision of z's own type).

    Parameters
    ----------
    z : representation (N, D), array or tensor, N well above D; it is centred.
    skip : number of leading eigenvalues left out, >= 0.

    Returns
    -------
    Float without unit, >= 0: 0 is a flat spectrum, large is a steep one.

    Notes
    -----
    Costs O(N D min(N, D)) time and O(min(N, D)^2) memory, and a float64 copy of z where N < D.

    References
    ----------
    Agrawal et al. 2022 (alpha-ReQ).

    Examples
    --------
    >>> z = torch.randn(500, 20, generator=torch.Generator().manual_seed(0))
    >>> alpha_req(z) < alpha_req(z / torch.arange(1, 21))
    True
    """
    C = _covariance(z)
    spectrum = torch.linalg.eigvalsh(C).flip(0)
    dtype = detached(z).dtype
    precision = torch.finfo(dtype).eps if dtype.is_floating_point else 0.0
    kept = spectrum[spectrum > spectrum[0] * max(len(C) * _EPS, precision**2)]
    if len(kept) < skip + 2:
        raise ValueError(f"a slope needs two eigenvalues after the first {skip}, but z has rank {len(kept)}")
    i = torch.arange(1, len(kept) + 1, dtype=kept.dtype, device=kept.device)[skip:].log()
    i = i - i.mean()
    return -((i * kept[skip:].log()).sum() / i.square().sum()).item()


@checked
def lidar(z: Annotated[ArrayLike, Array("N>=2 Q>=2 K")], *, delta: Positive = 1e-4, eps: NonNegative = 1e-7) -> float:
    r"""LiDAR: the effective number of directions that tell images apart relative to the spread of their views.

    .. math:: \exp\Big(-\sum_j p_j \log p_j\Big), \qquad p_j = \frac{\lambda_j}{\sum_i \lambda_i} + \epsilon,
        \qquad \Sigma_b v_j = \lambda_j (\Sigma_w + \delta I) v_j

    Sigma_b is the covariance of the images' means, over n - 1, and Sigma_w that of the views about them, over
    n (q - 1).

    Parameters
    ----------
    z : embeddings (n, q, D) of q views of each of n images, array or tensor; the paper has n = 1000, q = 50.
    delta : > 0, added to the diagonal of Sigma_w, in units of z squared.
    eps : added to each p, >= 0.

    Returns
    -------
    Float between 1 and min(n - 1, D), up to eps.

    Notes
    -----
    Costs O(n q D^2 + D^3) time and O(n D + D^2) memory.

    References
    ----------
    Thilak et al. 2023 (LiDAR, arXiv 2312.04000).

    Examples
    --------
    >>> z = torch.eye(4)[:, None].repeat(1, 2, 1)
    >>> round(lidar(z), 3)
    3.0
    """
    z = detached(z)
    n, q, d = z.shape
    means, within = [], delta * torch.eye(d, dtype=torch.float64, device=z.device)
    for views in z.split(max(1, rows_in_block(z.shape[2]) // q)):
        views = views.double()
        means.append(views.mean(1))
        spread = (views - means[-1][:, None]).flatten(0, 1)
        within += spread.T @ spread / (n * (q - 1))
    means = torch.cat(means)
    if (means == means[0]).all():
        raise ValueError("z must differ between images, but all have the same mean embedding")
    means = means - means.mean(0)
    factor = torch.linalg.cholesky(within)
    whitened = torch.linalg.solve_triangular(factor, means.T, upper=False) / math.sqrt(n - 1)
    p = torch.linalg.eigvalsh(whitened @ whitened.T).clamp(min=0)  # below zero only by roundoff
    return torch.special.entr(p / p.sum() + eps).sum().exp().item()


def _covariance(z: ArrayLike) -> torch.Tensor:
    """Centred covariance (D, D) over N - 1, or the Gram matrix (N, N) of the same non-zero spectrum where N < D."""
    z = detached(z)
    if (z == z[0]).all():
        raise ValueError("z must vary, but all its rows are equal, so that its covariance is zero and has no spectrum")
    n, d = z.shape
    mean, _ = centre_and_scale(z, False)
    if n < d:
        centred = z.double() - mean
        C = centred @ centred.T
    else:
        C = torch.zeros(d, d, dtype=torch.float64, device=z.device)
        for rows in blocks(z):
            rows = rows - mean
            C.addmm_(rows.T, rows)
    return C / (n - 1)
