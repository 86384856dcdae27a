"""Turning what a caller holds (array, sparse array, tensor) into numpy float64, the currency of this room."""

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy import sparse

from replearn.validate import check_finite, check_matrix, check_same_rows

ZERO = 1e-10  # eigenvalues and variances this small are roundoff


def as_array(x: ArrayLike) -> np.ndarray:
    """Return ``x`` as a float64 numpy array; a tensor is detached and moved to the CPU."""
    if isinstance(x, torch.Tensor):
        x = x.detach().cpu().numpy()
    return np.asarray(x, dtype=np.float64)


def as_points(name: str, x: ArrayLike, *, min_rows: int = 1) -> np.ndarray:
    """Return ``x`` as a finite float64 matrix (N, D) or raise ``ValueError``."""
    x = as_array(x)
    check_matrix(name, x, min_rows=min_rows)
    return x


def check_square(name: str, a: np.ndarray | sparse.sparray) -> None:
    """Raise unless ``a`` has shape (N, N)."""
    if len(a.shape) != 2 or a.shape[0] != a.shape[1]:
        raise ValueError(f"{name} must be a square matrix (N, N), but has shape {tuple(a.shape)}")


def check_symmetric(name: str, a: np.ndarray | sparse.sparray, *, tol: float = 1e-8) -> None:
    """Raise unless ``a``, dense or sparse, is a finite square matrix equal to its transpose up to ``tol max |a|``."""
    check_square(name, a)
    check_finite(name, a if isinstance(a, np.ndarray) else a.data)
    asymmetry, largest = abs(a - a.T).max(), abs(a).max()
    if asymmetry > tol * largest:
        raise ValueError(f"{name} must be symmetric, but differs from its transpose by up to {asymmetry:.2g}")


def as_symmetric(name: str, a: ArrayLike | sparse.sparray) -> np.ndarray | sparse.csr_array:
    """Return ``a`` as a finite symmetric float64 matrix, sparse (csr) if it was sparse, or raise ``ValueError``."""
    a = sparse.csr_array(a, dtype=np.float64) if sparse.issparse(a) else as_array(a)
    check_symmetric(name, a)
    return a


def as_definite(name: str, a: ArrayLike) -> np.ndarray:
    """Return ``a`` as a dense symmetric positive definite float64 matrix or raise ``ValueError``."""
    a = as_symmetric(name, a)
    a = a if isinstance(a, np.ndarray) else a.toarray()
    spectrum = np.linalg.eigvalsh(a)
    if spectrum[0] <= 1e-12 * spectrum[-1]:
        raise ValueError(
            f"{name} must be positive definite, but its eigenvalues run from {spectrum[0]:.2g} to {spectrum[-1]:.2g}; "
            "add a small multiple of the identity"
        )
    return a


def compact(g: ArrayLike | sparse.sparray) -> sparse.csr_array:
    """Return a csr array with 32-bit indices where they fit: half the memory, and what scikit-learn accepts."""
    g = sparse.csr_array(g)
    if max(g.nnz, *g.shape) < np.iinfo(np.int32).max:
        g.indices, g.indptr = g.indices.astype(np.int32), g.indptr.astype(np.int32)
    return g


def as_graph(name: str, g: ArrayLike | sparse.sparray) -> sparse.csr_array:
    """Return ``g`` as a symmetric non-negative sparse graph (csr, float64) with at least one edge."""
    g = as_symmetric(name, g)
    g = compact(g)
    if g.nnz == 0 or g.max() <= 0:
        raise ValueError(f"{name} has no positive pair; it needs at least one entry above zero")
    if g.data.min() < 0:
        raise ValueError(f"{name} must hold non-negative weights, but its smallest is {g.data.min():.2g}")
    return g


def as_same_samples(X: ArrayLike, Y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    X, Y = as_points("X", X, min_rows=2), as_points("Y", Y, min_rows=2)
    check_same_rows("X", X, "Y", Y)
    return X, Y


def check_semidefinite(name: str, spectrum: np.ndarray) -> None:
    """Raise unless eigenvalues, ascending, are those of a positive semi-definite matrix that is not zero."""
    if spectrum[-1] <= 0 or spectrum[0] < -1e-8 * spectrum[-1]:
        raise ValueError(
            f"{name} must be positive semi-definite and not zero, "
            f"but has eigenvalues from {spectrum[0]:.2g} to {spectrum[-1]:.2g}"
        )


def positive_eigenpairs(name: str, a: ArrayLike, rtol: float) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues above ``rtol`` times the largest, descending, and eigenvectors of a positive semi-definite matrix."""
    spectrum, vectors = np.linalg.eigh(as_symmetric(name, as_array(a)))
    check_semidefinite(name, spectrum)
    kept = spectrum > rtol * spectrum[-1]
    return spectrum[kept][::-1], vectors[:, kept][:, ::-1]
