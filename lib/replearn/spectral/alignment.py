"""Comparing embeddings up to what an eigenproblem leaves free: signs, rotations and bases of a subspace."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg

from replearn.spectral.arrays import as_array, as_points, as_symmetric
from replearn.validate import check_integer, check_matrix


def _orthonormal_basis(name: str, a: np.ndarray) -> np.ndarray:
    """An orthonormal basis of the column space of ``a`` (N, K), which must have full column rank."""
    q, r, _ = linalg.qr(a, mode="economic", pivoting=True)
    diagonal = np.abs(np.diag(r))
    rank = int(np.sum(diagonal > diagonal[0] * max(a.shape) * np.finfo(float).eps))
    if rank < a.shape[1]:
        raise ValueError(
            f"{name} must have linearly independent columns, but has rank {rank} with {a.shape[1]} columns"
        )
    return q


def _bases(a: ArrayLike, b: ArrayLike, metric: ArrayLike | None = None) -> tuple[np.ndarray, np.ndarray]:
    a, b = as_points("A", a), as_points("B", b)
    if a.shape[0] != b.shape[0]:
        raise ValueError(f"A and B must have the same number of rows, but have {a.shape[0]} and {b.shape[0]}")
    if metric is not None:
        a, b = (_metric_factor(metric, a.shape[0]) @ m for m in (a, b))
    return _orthonormal_basis("A", a), _orthonormal_basis("B", b)


def _metric_factor(metric: ArrayLike, n: int) -> np.ndarray:
    """The upper triangular F with metric = F^T F."""
    metric = as_symmetric("metric", as_array(metric))
    if metric.shape[0] != n:
        raise ValueError(f"metric must have shape ({n}, {n}) like the rows of A and B, but has shape {metric.shape}")
    try:
        return linalg.cholesky(metric)
    except linalg.LinAlgError:
        raise ValueError("metric must be positive definite; add a small multiple of the identity") from None


def principal_angles(
    A: ArrayLike, B: ArrayLike, *, degrees: bool = True, metric: ArrayLike | None = None
) -> np.ndarray:
    r"""Principal angles between the column spaces of two matrices, smallest first.

    With orthonormal bases Q_A, Q_B (in the inner product <u, v> = u^T M v, M = ``metric``) the cosines are the
    singular values of Q_A^T M Q_B; angles below 45 degrees are read off the sines, so that tiny angles stay exact.

    Parameters
    ----------
    A : (N, K), B : (N, L) arrays or tensors with linearly independent columns.
    degrees : bool, degrees (the default) or radians.
    metric : (N, N) symmetric positive definite matrix of the inner product, or None for the identity.

    Returns
    -------
    (min(K, L),) array, ascending (``scipy.linalg.subspace_angles`` is descending).

    Raises
    ------
    ValueError
        On different row counts, non-finite entries, dependent columns, or a metric that is not positive definite.

    References
    ----------
    Björck & Golub 1973.

    Examples
    --------
    >>> principal_angles([[1.0], [0.0]], [[1.0], [1.0]]).round(6)
    array([45.])
    """
    qa, qb = _bases(A, B, metric)
    if qa.shape[1] < qb.shape[1]:
        qa, qb = qb, qa
    cosines = np.clip(linalg.svdvals(qa.T @ qb), 0, 1)
    sines = np.clip(linalg.svdvals(qb - qa @ (qa.T @ qb))[::-1], 0, 1)
    angles = np.where(cosines > np.sqrt(0.5), np.arcsin(sines), np.arccos(cosines))
    return np.degrees(angles) if degrees else angles


def subspace_overlap(A: ArrayLike, B: ArrayLike) -> float:
    """Mean squared cosine of the principal angles of two column spaces: 1 if one contains the other, 0 if orthogonal.

    overlap = ||Q_A^T Q_B||_F^2 / min(K, L), with orthonormal bases Q_A (N, K) and Q_B (N, L).

    Parameters
    ----------
    A : (N, K), B : (N, L) arrays or tensors with linearly independent columns.

    Returns
    -------
    float in [0, 1].

    Raises
    ------
    ValueError
        On different row counts, non-finite entries or dependent columns.

    References
    ----------
    Björck & Golub 1973.

    Examples
    --------
    >>> round(subspace_overlap([[1.0], [0.0]], [[1.0], [1.0]]), 6)
    0.5
    """
    qa, qb = _bases(A, B)
    return float(np.sum((qa.T @ qb) ** 2) / min(qa.shape[1], qb.shape[1]))


class Procrustes(NamedTuple):
    """The ``aligned`` embedding (N, K), the ``rotation`` (K, K), and the relative ``residual``."""

    aligned: np.ndarray
    rotation: np.ndarray
    residual: float


def procrustes(Z: ArrayLike, ref: ArrayLike, *, scale: bool = False) -> Procrustes:
    """Rotate (or reflect) an embedding onto a reference: min over orthogonal R of ||s Z R - ref||_F.

    R = U V^T from the SVD U S V^T of Z^T ref; s = 1, or with ``scale`` the best factor tr(S) / ||Z||_F^2.

    Parameters
    ----------
    Z : (N, K) embedding; ref : (N, K) reference. Neither is centred here.
    scale : bool, whether one global factor may be fitted as well.

    Returns
    -------
    ``Procrustes(aligned, rotation, residual)``: s Z R, R, and ||s Z R - ref||_F / ||ref||_F.

    References
    ----------
    Schönemann 1966.

    Examples
    --------
    >>> Z = np.array([[1.0, 0.0], [0.0, 2.0]])
    >>> round(procrustes(Z[:, ::-1], Z).residual, 6)
    0.0
    """
    Z, ref = as_points("Z", Z), as_points("ref", ref)
    if Z.shape != ref.shape:
        raise ValueError(f"Z and ref must have one shape, but have {Z.shape} and {ref.shape}")
    if not ref.any() or (scale and not Z.any()):
        raise ValueError("ref (and Z, with scale=True) must not be all zeros; there is nothing to align to")
    U, S, Vt = linalg.svd(Z.T @ ref)
    R = U @ Vt
    aligned = Z @ R * (S.sum() / np.sum(Z**2) if scale else 1.0)
    return Procrustes(aligned, R, float(linalg.norm(aligned - ref) / linalg.norm(ref)))


def fix_signs(V: ArrayLike) -> np.ndarray:
    """Flip columns so that the entry of largest magnitude in each is positive: v_k <- sign(v_{i* k}) v_k.

    Parameters
    ----------
    V : (N, K) array or tensor.

    Returns
    -------
    (N, K) array.

    References
    ----------
    A convention (as in scikit-learn's ``svd_flip``); it makes figures reproducible.

    Examples
    --------
    >>> fix_signs([[1.0, 1.0], [-2.0, 2.0]])
    array([[-1.,  1.],
           [ 2.,  2.]])
    """
    V = as_points("V", V)
    peak = V[np.abs(V).argmax(axis=0), np.arange(V.shape[1])]
    return V * np.where(peak < 0, -1.0, 1.0)


def sign_align(V: ArrayLike, ref: ArrayLike) -> np.ndarray:
    """Flip columns so that each has a non-negative inner product with its partner: v_k <- sign(v_k^T ref_k) v_k.

    Parameters
    ----------
    V : (N, K) array or tensor; ref : (N, K) the columns to agree with.

    Returns
    -------
    (N, K) array.

    References
    ----------
    A convention; for repeated eigenvalues use :func:`procrustes` instead.

    Examples
    --------
    >>> sign_align([[1.0], [-2.0]], [[-1.0], [2.0]])
    array([[-1.],
           [ 2.]])
    """
    V, ref = as_points("V", V), as_points("ref", ref)
    if V.shape != ref.shape:
        raise ValueError(f"V and ref must have one shape, but have {V.shape} and {ref.shape}")
    return V * np.where(np.sum(V * ref, axis=0) < 0, -1.0, 1.0)


def _as_spectrum(w: ArrayLike) -> np.ndarray:
    w = as_array(w)
    check_matrix("w", w[None] if w.ndim == 1 else w)
    if w.ndim != 1:
        raise ValueError(f"w must hold eigenvalues in one dimension, but has shape {w.shape}")
    return w


def spectral_gap(w: ArrayLike, k: int) -> float:
    """Distance |w_{k+1} - w_k| between the k-th and the next eigenvalue: what makes the first k a subspace of its own.

    Parameters
    ----------
    w : (M,) eigenvalues, sorted either way; k : int, 1 <= k < M.

    Returns
    -------
    float.

    References
    ----------
    Davis & Kahan 1970: a perturbation E turns the subspace by an angle of about ||E|| / gap.

    Examples
    --------
    >>> spectral_gap([0.0, 1.0, 4.0], 2)
    3.0
    """
    w = _as_spectrum(w)
    check_integer("k", k, 1, len(w) - 1)
    return float(abs(w[k] - w[k - 1]))


def eigen_groups(w: ArrayLike, *, rtol: float = 1e-6) -> list[list]:
    """Group the indices of repeated eigenvalues: neighbours closer than rtol * max |w| belong together.

    Parameters
    ----------
    w : (M,) eigenvalues, sorted either way; rtol : float, relative to the largest magnitude.

    Returns
    -------
    list of lists of int, in order, covering 0..M-1.

    References
    ----------
    Inside a group the eigenvectors are arbitrary up to a rotation; compare groups, not vectors.

    Examples
    --------
    >>> eigen_groups([0.0, 1.0, 1.0, 4.0])
    [[0], [1, 2], [3]]
    """
    w = _as_spectrum(w)
    breaks = np.flatnonzero(np.abs(np.diff(w)) > rtol * np.abs(w).max()) + 1
    return [group.tolist() for group in np.split(np.arange(len(w)), breaks)]
