"""What scores of a representation see: other geometry with the same information, chance, and samples with one code."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy import linalg

from replearn.spectral.arrays import as_array, as_definite, as_points, as_symmetric, check_semidefinite
from replearn.validate import check_finite, check_integer, check_matrix


def rescale_directions(Z: ArrayLike, power: float) -> np.ndarray:
    r"""Raise the sizes of a representation's principal directions to a power; nothing else of it changes.

    .. math:: Z = U \, \mathrm{diag}(d) \, V^\top \quad\mapsto\quad U \, \mathrm{diag}(d_1^p, \dots, d_K^p)

    For any p this is Z times an invertible matrix, if no d_j is 0: 1 only turns Z, 0 makes all directions equally
    large, and below 0 the faintest becomes the largest.

    Parameters
    ----------
    Z : (N, K) representation, centered if the directions are to be those of PCA.
    power : the exponent p, any finite number.

    Returns
    -------
    Array (N, r), float64, in the coordinates of the r directions whose d_j is not numerically 0.

    Notes
    -----
    Costs O(N K min(N, K)).

    Examples
    --------
    >>> Z = np.diag([4.0, 1.0])
    >>> np.round(np.abs(rescale_directions(Z, -0.5)), 3)
    array([[0.5, 0. ],
           [0. , 1. ]])
    """
    Z = as_array(Z)
    check_matrix("Z", Z)
    if not np.isfinite(power):
        raise ValueError(f"power must be finite, but is {power}")
    U, d, _ = linalg.svd(Z, full_matrices=False)
    seen = d > d[0] * max(Z.shape) * np.finfo(float).eps
    if not seen.any():
        raise ValueError("Z is all zeros, so it has no directions")
    return U[:, seen] * d[seen] ** power


def chance_correlations(n: int, draws: int, generator: torch.Generator) -> np.ndarray:
    """Spearman correlations of two scores of n models that have nothing to do with each other.

    Parameters
    ----------
    n : number of models, at least 2.
    draws : number of correlations.
    generator : torch.Generator that all draws come from.

    Returns
    -------
    Array (draws,), float64, in [-1, 1]: mean 0, standard deviation 1 / sqrt(n - 1).

    Examples
    --------
    >>> sorted(set(chance_correlations(2, 100, torch.Generator()).round(3).tolist()))
    [-1.0, 1.0]
    """
    check_integer("n", n, 2)
    check_integer("draws", draws, 1)
    noise = torch.rand(draws, n, generator=generator, device=generator.device, dtype=torch.float64).cpu().numpy()
    places = noise.argsort(axis=1) - (n - 1) / 2
    return places @ np.sort(places[0]) / np.sum(places[0] ** 2)


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


def _vector(name: str, x: ArrayLike, length: int) -> np.ndarray:
    x = as_array(x)
    if x.shape != (length,):
        raise ValueError(f"{name} must be a vector ({length},), but has shape {x.shape}")
    check_finite(name, x)
    return x
