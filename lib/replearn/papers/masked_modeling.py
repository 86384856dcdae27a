"""The linear masked autoencoder: hidden pixels are predicted by their conditional mean, which a covariance decides."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy import linalg

from replearn.data import Mask, block_mask, patch_grid, patchify
from replearn.spectral.arrays import as_array, as_symmetric
from replearn.validate import check_between, check_finite, check_positive


class GaussianReconstruction(NamedTuple):
    """How well hidden pixels are predicted, and the prediction.

    Attributes
    ----------
    r2 : share of the hidden pixels' variance that is explained, at most 1.
    mean : (N, M) or (M,) predictions, or None where no sample was given.
    """

    r2: float
    mean: np.ndarray | None


def gaussian_reconstruction(
    C: ArrayLike, visible: ArrayLike, masked: ArrayLike, x: ArrayLike | None = None, *, ridge: float = 1e-6
) -> GaussianReconstruction:
    r"""Best linear prediction of the hidden pixels from the visible ones, one mask: ``W x_v``, W = C_mv C_vv^-1.

    R^2 = 1 - tr(C_mm - 2 W C_vm + W C_vv W^T) / tr C_mm, which is 1 - tr(C_mm - C_mv C_vv^-1 C_vm) / tr C_mm but for
    the ridge. For Gaussian data W x_v is the conditional mean.

    Parameters
    ----------
    C : (d, d) covariance, positive semi-definite.
    visible, masked : indices of pixels, V and M in number, disjoint.
    x : (N, d) or (d,) samples, centred; optional, and only their visible pixels are read.
    ridge : number >= 0, added to the diagonal of C_vv in units of its mean, for pixels that never vary.

    Returns
    -------
    GaussianReconstruction

    Raises
    ------
    ValueError
        If C is not symmetric, indices are empty, out of range or shared, the hidden pixels do not vary, x has another
        length, or C_vv is singular without a ridge.

    Notes
    -----
    Costs O(V^3).

    References
    ----------
    Conditioning of a Gaussian; the covariance of the residual is the Schur complement of C_vv.

    Examples
    --------
    >>> round(gaussian_reconstruction([[1.0, 0.5], [0.5, 1.0]], [0], [1]).r2, 4)
    0.25
    """
    C = as_symmetric("C", as_array(C))
    visible, masked = _indices("visible", visible, len(C)), _indices("masked", masked, len(C))
    if np.intersect1d(visible, masked).size:
        raise ValueError("visible and masked must be disjoint, but share pixels")
    check_positive("ridge", ridge, allow_zero=True)
    vv, vm = C[np.ix_(visible, visible)], C[np.ix_(visible, masked)]
    total, seen = C[masked, masked].sum(), vv.diagonal().mean()
    if total <= 0:
        raise ValueError("the masked pixels do not vary, so that there is no share of their variance to explain")
    if seen <= 0:
        raise ValueError("the visible pixels do not vary, so that nothing can be predicted from them")
    try:
        W = linalg.solve(vv + ridge * seen * np.eye(len(vv)), vm, assume_a="pos").T
    except linalg.LinAlgError as error:
        raise ValueError("the covariance of the visible pixels is singular; give a positive ridge") from error
    r2 = (np.vdot(W.T, vm) + ridge * seen * np.vdot(W, W)) / total  # W C_vv = C_mv - ridge seen W
    return GaussianReconstruction(float(r2), None if x is None else _samples(x, len(C))[..., visible] @ W.T)


def _indices(name: str, ids: ArrayLike, d: int) -> np.ndarray:
    ids = np.asarray(as_array(ids), dtype=np.int64)
    if ids.ndim != 1 or not ids.size or ids.min() < 0 or ids.max() >= d or len(np.unique(ids)) < len(ids):
        raise ValueError(f"{name} must hold at least one index, each once, between 0 and {d - 1}")
    return ids


def _samples(x: ArrayLike, d: int) -> np.ndarray:
    x = as_array(x)
    if x.ndim not in (1, 2) or x.shape[-1] != d:
        raise ValueError(f"x must be samples ({d},) or (N, {d}), but has shape {x.shape}")
    check_finite("x", x)
    return x


def one_block(n: int, grid: tuple[int, int], generator: torch.Generator, *, ratio: float) -> Mask:
    """Hide one square of patches in each of n samples, at a random place: the share ``ratio`` of them.

    Parameters
    ----------
    n, grid, generator, ratio
        As of ``replearn.data.random_mask``; as many patches are hidden as there.

    Returns
    -------
    Mask

    References
    ----------
    ``replearn.data.block_mask`` with a single shape.

    Examples
    --------
    >>> one_block(1, (4, 4), torch.Generator(), ratio=0.25).masked.shape
    torch.Size([1, 4])
    """
    return block_mask(n, grid, generator, ratio=ratio, scale=(ratio, ratio), aspect=(1, 1))


def hide_nothing(n: int, grid: tuple[int, int], generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Keep every patch and ask for every patch: as ``mask`` of ``MaskedAutoencoder`` it makes a plain autoencoder.

    Parameters
    ----------
    n, grid, generator
        As of ``replearn.data.random_mask``; nothing is drawn.

    Returns
    -------
    keep, masked : (n, L) int64, both all of the patches.

    References
    ----------
    The autoencoder as the limit in which nothing is hidden and the loss asks for everything.

    Examples
    --------
    >>> keep, masked = hide_nothing(2, (1, 3), torch.Generator())
    >>> keep.tolist(), masked.tolist()
    ([[0, 1, 2], [0, 1, 2]], [[0, 1, 2], [0, 1, 2]])
    """
    every = torch.arange(grid[0] * grid[1], device=generator.device).expand(n, -1)
    return every, every


def split_pixels(mask: Mask, patch: int, image_shape: tuple[int, int]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """List for each sample of a mask the pixels that are seen and those that are hidden, as indices into a flat image.

    Parameters
    ----------
    mask : Mask
        Patches (N, K) that are kept and (N, M) that are hidden.
    patch : int
        Side of a patch, in pixels.
    image_shape : pair of int
        H and W of the images, of one channel.

    Returns
    -------
    list of (seen, hidden)
        N pairs of int64 tensors, K p^2 and M p^2 numbers between 0 and H W - 1.

    References
    ----------
    The order of pixels is that of ``replearn.data.patchify``.

    Examples
    --------
    >>> keep, masked = torch.tensor([[0]]), torch.tensor([[1]])
    >>> split_pixels(Mask(keep, masked, None), 1, (1, 2))
    [(tensor([0]), tensor([1]))]
    """
    pixels = _patch_pixels(patch, image_shape)
    return [
        (pixels[keep].flatten(), pixels[hidden].flatten()) for keep, hidden in zip(mask.keep, mask.masked, strict=True)
    ]


class Sources(NamedTuple):
    """Share of the hidden pixels' variance that all seen pixels explain, and that the adjacent patches explain."""

    everything: float
    neighbors: float


def guess_sources(
    C: ArrayLike, mask: Mask, patch: int, image_shape: tuple[int, int], *, ridge: float = 1e-6
) -> Sources:
    r"""How much of a linear guess comes from next door: every hidden patch from all seen ones, and from those adjacent.

    ``R^2 = 1 - sum_l tr(residual covariance of patch l) / sum_l tr C_ll`` over all hidden patches l of all samples of
    the mask. For the second share a patch is predicted from those of its eight neighbors that are seen; where none is,
    nothing is explained.

    Parameters
    ----------
    C : (d, d) covariance of the H W pixels.
    mask, patch, image_shape
        As in :func:`split_pixels`.
    ridge
        As in :func:`gaussian_reconstruction`.

    Returns
    -------
    Sources

    Notes
    -----
    Costs O(N M V^3) for M hidden patches and V seen pixels.

    References
    ----------
    This book, from the conditional mean of :func:`gaussian_reconstruction`.

    Examples
    --------
    >>> mask = Mask(torch.tensor([[0, 2]]), torch.tensor([[1]]), None)
    >>> C = [[1.0, 0.5, 0.0], [0.5, 1.0, 0.5], [0.0, 0.5, 1.0]]
    >>> shares = guess_sources(C, mask, 1, (1, 3), ridge=0)
    >>> round(shares.everything, 6), round(shares.neighbors, 6)
    (0.5, 0.5)
    """
    C, pixels = _covariance(C, image_shape), _patch_pixels(patch, image_shape).numpy()
    rows, columns = np.divmod(np.arange(len(pixels)), image_shape[1] // patch)
    adjacent = (abs(rows[:, None] - rows) <= 1) & (abs(columns[:, None] - columns) <= 1)
    explained, total = np.zeros(2), 0.0
    for keep, hidden in zip(mask.keep.numpy(), mask.masked.numpy(), strict=True):
        for patch_id in hidden:
            hole = pixels[patch_id]
            variance = C[hole, hole].sum()
            for place, sources in enumerate((keep, keep[adjacent[patch_id, keep]])):
                seen = pixels[sources].flatten()
                if variance > 0 and C[seen, seen].sum() > 0:
                    explained[place] += variance * gaussian_reconstruction(C, seen, hole, ridge=ridge).r2
            total += variance
    if total <= 0:
        raise ValueError("the masked pixels do not vary, so that there is no share of their variance to explain")
    return Sources(*(explained / total).tolist())


def shared_filling(
    C: ArrayLike, ratio: float, patch: int, image_shape: tuple[int, int], *, ridge: float = 1e-6
) -> np.ndarray:
    r"""The one matrix F that guesses hidden patches best on average over all random masks of a ratio: ``F x~``.

    With k of L patches kept at random and the others set to zero (x~), the rows of F for patch l minimise
    ``E ||x_l - F_l x~||^2`` over the images and the masks that hide l:
    ``F_l = q C_lo (B o C_oo)^-1`` with o all other pixels, q = k / (L - 1), B = q within a patch and
    q (k - 1) / (L - 2) between two.

    Parameters
    ----------
    C : (d, d) covariance of the H W pixels.
    ratio : share of the patches that is hidden, in (0, 1); k = max(1, floor(L (1 - ratio))).
    patch, image_shape
        As in :func:`split_pixels`; at least three patches.
    ridge
        Added to the diagonal of B o C_oo, in units of its mean.

    Returns
    -------
    (d, d) array, zero between pixels of one patch, which are hidden together.

    Notes
    -----
    Costs O(L d^3).

    References
    ----------
    Marginalised denoising autoencoders (Chen et al., 2012), here with whole patches and the hidden ones as targets.

    Examples
    --------
    >>> shared_filling([[1.0, 0.5, 0.5], [0.5, 1.0, 0.5], [0.5, 0.5, 1.0]], 0.3, 1, (1, 3), ridge=0).round(3)[0]
    array([0.   , 0.333, 0.333])
    """
    C, pixels = _covariance(C, image_shape), _patch_pixels(patch, image_shape).numpy()
    check_between("ratio", ratio, 0, 1, ends="none")
    check_positive("ridge", ridge, allow_zero=True)
    length = len(pixels)
    if length < 3:
        raise ValueError(f"the image must hold at least three patches, but holds {length}")
    kept = min(max(1, int(length * (1 - ratio) + 1e-9)), length - 1)
    alone, together = kept / (length - 1), kept * (kept - 1) / ((length - 1) * (length - 2))
    patch_of = np.empty(len(C), dtype=np.int64)
    patch_of[pixels] = np.arange(length)[:, None]
    moments = C * np.where(patch_of[:, None] == patch_of, alone, together)
    F = np.zeros_like(C)
    for hole in pixels:
        others = np.setdiff1d(np.arange(len(C)), hole)
        zeroed = moments[np.ix_(others, others)]
        zeroed[np.diag_indices_from(zeroed)] += ridge * zeroed.diagonal().mean()
        F[np.ix_(hole, others)] = alone * linalg.solve(zeroed, C[np.ix_(others, hole)], assume_a="pos").T
    return F


def _covariance(C: ArrayLike, image_shape: tuple[int, int]) -> np.ndarray:
    C = as_symmetric("C", as_array(C))
    if len(C) != image_shape[0] * image_shape[1]:
        raise ValueError(f"C must be the covariance of {image_shape[0] * image_shape[1]} pixels, but is of {len(C)}")
    return C


def _patch_pixels(patch: int, image_shape: tuple[int, int]) -> torch.Tensor:
    """The pixels (L, p^2) of each patch, as indices into a flat image."""
    patch_grid(image_shape, patch)
    height, width = image_shape
    return patchify(torch.arange(height * width).reshape(1, 1, height, width), patch)[0]
