"""Second moments of augmented data: all that a linear method sees of its augmentation."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike

from replearn.spectral.arrays import as_array, as_definite, as_points, as_symmetric
from replearn.spectral.canonical import PairMoments
from replearn.validate import check_between, check_finite, check_integer


class AugmentedMoments(NamedTuple):
    """Moments of samples x and of two independent views v, v' of each, all (d, d) and not centred.

    Attributes
    ----------
    C : E[v v^T], of a single view.
    C_plus : E[v v'^T], between two views of one sample.
    C_clean : E[x v^T], between the sample itself and a view.
    """

    C: np.ndarray
    C_plus: np.ndarray
    C_clean: np.ndarray


def additive_moments(X: ArrayLike, noise: ArrayLike | float) -> AugmentedMoments:
    """Moments of views v = x + e with noise e of mean zero: C_plus = C_clean = X^T X / N, C = X^T X / N + Cov(e).

    Parameters
    ----------
    X : (N, d) array or tensor of samples, used as they are: centre them first.
    noise : covariance of the noise: a (d, d) symmetric positive semi-definite matrix, (d,) variances, or one variance.

    Returns
    -------
    AugmentedMoments.

    References
    ----------
    Van Assel et al. 2025, section 4.1 (noise Theta + alpha^2 Gamma); Balestriero & LeCun 2024 (sigma^2 I).

    Examples
    --------
    >>> additive_moments([[1.0], [-1.0]], 0.5).C
    array([[1.5]])
    """
    X, noise = as_points("X", X), as_array(noise)
    d = X.shape[1]
    if noise.ndim < 2 and noise.shape in ((), (d,)):
        noise = np.diag(np.broadcast_to(noise, d))
    if noise.shape != (d, d):
        raise ValueError(f"noise must be a number, ({d},) variances or a ({d}, {d}) matrix, not {noise.shape}")
    noise = as_symmetric("noise", noise)
    lowest = np.linalg.eigvalsh(noise)[0]
    if lowest < -1e-8 * abs(noise).max():
        raise ValueError(f"noise must be a covariance, but has the eigenvalue {lowest:.2g}")
    clean = X.T @ X / len(X)
    return AugmentedMoments(clean + noise, clean, clean)


def mask_moments(
    X: ArrayLike, p: float, image_shape: tuple[int, int], patch_shape: tuple[int, int] = (1, 1)
) -> AugmentedMoments:
    r"""Moments of views in which each patch of pixels is set to zero with probability p, independently.

    C_clean = (1 - p) S, C_plus = (1 - p)^2 S, C = S o B with S = X^T X / N, B_ij = 1 - p where i and j share a patch
    and (1 - p)^2 elsewhere.

    Parameters
    ----------
    X : (N, d) array or tensor of flattened images, used as they are: centre them first, so that zero is the mean.
    p : float in [0, 1), probability that a patch is dropped.
    image_shape : (height, width) with d = height * width.
    patch_shape : (height, width) of the patches, cut from the top left; smaller at the other borders.

    Returns
    -------
    AugmentedMoments.

    Notes
    -----
    Costs O(N d^2).

    References
    ----------
    Balestriero & LeCun 2024.

    Examples
    --------
    >>> mask_moments([[1.0, 1.0], [-1.0, -1.0]], 0.5, (1, 2)).C
    array([[0.5 , 0.25],
           [0.25, 0.5 ]])
    """
    X = as_points("X", X)
    check_between("p", p, 0, 1, ends="low")
    for name, shape in (("image_shape", image_shape), ("patch_shape", patch_shape)):
        if len(shape) != 2:
            raise ValueError(f"{name} must be (height, width), but is {shape}")
        for size in shape:
            check_integer(f"each side of {name}", size, 1)
    rows, columns = (np.arange(size) // patch for size, patch in zip(image_shape, patch_shape, strict=True))
    patch = (rows[:, None] * (columns[-1] + 1) + columns).ravel()
    if len(patch) != X.shape[1]:
        raise ValueError(f"image_shape {tuple(image_shape)} has {len(patch)} pixels, but X has {X.shape[1]} columns")
    S, kept = X.T @ X / len(X), 1 - p
    shared = patch[:, None] == patch
    return AugmentedMoments(S * np.where(shared, kept, kept**2), kept**2 * S, kept * S)


def empirical_moments(X: ArrayLike, augment: Callable, views: int, *, seed: int = 0) -> AugmentedMoments:
    """Moments of any augmentation, estimated without bias from a few views of each sample.

    Parameters
    ----------
    X : (N, d) array or tensor of samples, used as they are.
    augment : function (x, generator) -> views of x, on a (N, d) float64 tensor and a ``torch.Generator``.
    views : int >= 2, views of each sample.
    seed : int, of the generator.

    Returns
    -------
    AugmentedMoments; C_plus leaves out the products of a view with itself, so that it need not be semi-definite.

    Notes
    -----
    Costs O(views N d^2).

    References
    ----------
    Van Assel et al. 2025, theorems 3.1 and 3.2.

    Examples
    --------
    >>> empirical_moments([[1.0], [-1.0]], lambda x, generator: x, 2).C_plus
    array([[1.]])
    """
    X = as_points("X", X)
    check_integer("views", views, 2)
    check_integer("seed", seed, 0)
    generator, x = torch.Generator().manual_seed(seed), torch.from_numpy(X)
    drawn = [as_array(augment(x, generator)) for _ in range(views)]
    if any(v.shape != X.shape for v in drawn):
        raise ValueError(f"augment must keep the shape {X.shape}, but returned {drawn[0].shape}")
    C, C_plus = view_moments(drawn)
    return AugmentedMoments(C, C_plus, X.T @ np.mean(drawn, axis=0) / len(X))


def view_moments(views: Iterable[ArrayLike]) -> PairMoments:
    r"""Second moments of a positive pair, estimated without bias from V views of each of n samples.

    C = (1 / (n V)) sum_i sum_a v_ia v_ia^T, C_plus = (1 / (n V (V - 1))) sum_i sum_{a != b} v_ia v_ib^T.
    Unlike :func:`pair_moments`, whose list of views is the whole distribution, nothing is centred and a view is never
    paired with itself.

    Parameters
    ----------
    views : V >= 2 aligned views (or features of them) of n samples, (V, n, d), or a list of V matrices (n, d).

    Returns
    -------
    ``PairMoments(C, C_plus)``, (d, d) arrays.

    Notes
    -----
    Costs O(V n d^2).

    References
    ----------
    Cabannes et al. 2023.

    Examples
    --------
    >>> view_moments([[[1.0], [2.0]], [[1.0], [2.0]]]).C_plus
    array([[2.5]])
    """
    views = np.stack([as_array(v) for v in views])
    if views.ndim != 3 or len(views) < 2:
        raise ValueError(f"views must have the shape (V, n, d) with V >= 2, but have {views.shape}")
    check_finite("views", views)
    count, n, d = views.shape
    flat, total = views.reshape(count * n, d), views.sum(axis=0)
    single = flat.T @ flat
    return PairMoments(single / (n * count), (total.T @ total - single) / (n * count * (count - 1)))


def as_moment_pair(C: ArrayLike, C_plus: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return C, positive definite, and C_plus, symmetric of the same shape, in float64 or raise ``ValueError``."""
    C, C_plus = as_definite("C", as_array(C)), as_symmetric("C_plus", as_array(C_plus))
    if C.shape != C_plus.shape:
        raise ValueError(f"C and C_plus must have one shape, but have {C.shape} and {C_plus.shape}")
    return C, C_plus
