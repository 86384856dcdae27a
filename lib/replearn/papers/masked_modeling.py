"""The linear masked autoencoder: hidden pixels are predicted by their conditional mean, which a covariance decides."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg

from replearn.spectral.arrays import as_array, as_symmetric
from replearn.validate import check_finite, check_positive


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
