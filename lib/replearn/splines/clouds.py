"""What a piecewise-affine network makes of a small cloud around each point, next to the affine map of its region."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from replearn.splines.affine import region_affine
from replearn.splines.patterns import activation_patterns


class PushedClouds(NamedTuple):
    """Images ``z`` of clouds, and how they compare with one affine map: see `push_clouds`."""

    z: Tensor
    inside: Tensor
    miss: Tensor
    cov_error: Tensor


@torch.no_grad()
def push_clouds(model: nn.Module, x: Tensor, noise: Tensor, sigma: float = 1.0) -> PushedClouds:
    r"""Push copies x_i + sigma e_ij of each point through the model f, and compare with f(x_i) + sigma A_i e_ij.

    A_i is the slope of the region of x_i. A copy in that region is met exactly; if all are and the noise is standard
    normal, the covariance of the outputs is :math:`\sigma^2 A_i A_i^\top`, but for the error of n draws.

    Parameters
    ----------
    model : nn.Module
        A piecewise-affine model (N, D) -> (N, K), see `cpa_program`; float64 for exact comparisons.
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

    Raises
    ------
    ValueError
        As for `region_affine`; the noise does not fit x, or there are fewer than two copies.

    Notes
    -----
    Source: Shwartz-Ziv, Balestriero & LeCun 2022 (arXiv 2207.10081), the output density of a network.
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
