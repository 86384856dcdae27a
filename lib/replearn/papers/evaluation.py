"""Samples that share a representation: the linear-Gaussian stand-in for RCDM, where the answer is a closed form."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy import linalg

from replearn.spectral.arrays import as_array, as_definite, as_points, as_symmetric, check_semidefinite
from replearn.validate import check_finite, check_integer


class ConditionalSamples(NamedTuple):
    """What a representation leaves open.

    Attributes
    ----------
    x : (n, d) samples, all with the same representation.
    variance : (d,) variance of each coordinate across such samples, the diagonal of C - K W C.
    ignored : share of the total variance that the representation does not see, tr(C - K W C) / tr C, in [0, 1].
    """

    x: np.ndarray
    variance: np.ndarray
    ignored: float


def conditional_samples(
    C: ArrayLike, W: ArrayLike, mean: ArrayLike, h: ArrayLike, n: int, generator: torch.Generator
) -> ConditionalSamples:
    r"""Draw inputs of a Gaussian whose linear representation is a given one: x ~ N(m, C) given W x = h.

    .. math:: x \mid h \sim N\big(m + K (h - W m), \; C - K W C\big), \qquad K = C W^\top (W C W^\top)^{-1}

    Each is a free draw x0 ~ N(m, C) that is then corrected, x0 + K (h - W x0), so that W x = h up to roundoff.

    Parameters
    ----------
    C : (d, d) covariance of the inputs, positive semi-definite.
    W : (k, d) linear encoder, k <= d.
    mean : (d,) mean m of the inputs.
    h : (k,) the representation to share.
    n : number of samples, at least 1.
    generator : torch.Generator that all draws come from.

    Returns
    -------
    ConditionalSamples

    Raises
    ------
    ValueError
        If C is not symmetric positive semi-definite, shapes do not fit, values are not finite, ``n < 1``, or W C W^T is
        singular (W sees a direction twice, or one that does not vary).

    Notes
    -----
    Costs O(d^3 + n d^2).

    References
    ----------
    Conditioning of a Gaussian, in the place of the diffusion model of Bordes, Balestriero and Vincent 2022 (RCDM, arXiv
    2112.09164).

    Examples
    --------
    >>> round(conditional_samples(np.eye(2), [[1.0, 0.0]], [0.0, 0.0], [3.0], 5, torch.Generator()).ignored, 4)
    0.5
    """
    C = as_symmetric("C", as_array(C))
    d = len(C)
    W = as_points("W", W)
    if W.shape[1] != d:
        raise ValueError(f"W must be an encoder (k, {d}) of the {d} inputs that C has, but has shape {W.shape}")
    mean, h = _vector("mean", mean, d), _vector("h", h, len(W))
    check_integer("n", n, 1)
    spectrum, axes = np.linalg.eigh(C)
    check_semidefinite("C", spectrum)
    CW = C @ W.T
    code = as_definite("W C W^T, the covariance of the representation,", W @ CW)
    K = linalg.solve(code, CW.T, assume_a="pos").T
    draws = torch.randn(n, d, generator=generator, device=generator.device, dtype=torch.float64).cpu().numpy()
    x = mean + draws * np.sqrt(spectrum.clip(min=0)) @ axes.T
    x = x + (h - x @ W.T) @ K.T
    variance = (C.diagonal() - (K * CW).sum(1)).clip(min=0)  # below zero only by roundoff
    return ConditionalSamples(x, variance, float(variance.sum() / C.trace()))


def _vector(name: str, x: np.ndarray, length: int) -> np.ndarray:
    x = as_array(x)
    if x.shape != (length,):
        raise ValueError(f"{name} must be a vector ({length},), but has shape {x.shape}")
    check_finite(name, x)
    return x
