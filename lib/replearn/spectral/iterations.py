"""Iterative eigensolvers for the standard problem A v = w v (LOBPCG: A v = w B v) with excluded directions.

Each returns (w, V, c), c a bound on the magnitude of the spectrum of A. Q (N, r) spans the excluded directions.
"""

import warnings
from collections.abc import Callable

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh, lobpcg, splu


def spectral_bound(A: np.ndarray | sparse.sparray | LinearOperator) -> float:
    """An upper bound on the magnitude of the eigenvalues: the largest absolute row sum, or a Lanczos estimate."""
    if isinstance(A, LinearOperator):
        v0 = start(A.shape[0], 1, 0, A.dtype)[:, 0]
        return 1.05 * abs(eigsh(A, 1, which="LM", tol=1e-2, v0=v0, return_eigenvectors=False)[0])
    return float(abs(A).sum(axis=1).max())


def start(n: int, columns: int, seed: int, dtype: np.dtype) -> np.ndarray:
    """Reproducible random starting vectors."""
    return np.random.default_rng(seed).standard_normal((n, columns)).astype(dtype)


def project(Q: np.ndarray, M: np.ndarray) -> np.ndarray:
    """The part of M orthogonal to the orthonormal columns of Q."""
    return M - Q @ (Q.T @ M) if Q.shape[1] else M


def lanczos(
    A: np.ndarray | sparse.sparray | LinearOperator,
    k: int,
    which: str,
    Q: np.ndarray,
    tol: float,
    steps: int | None,
    seed: int,
) -> tuple[np.ndarray, np.ndarray, float]:
    """ARPACK at the top of c I - A or c I + A, a positive operator in which excluded directions have eigenvalue 0."""
    c, sign = spectral_bound(A), -1 if which == "smallest" else 1

    def product(v: np.ndarray) -> np.ndarray:
        v = project(Q, v.ravel())
        return project(Q, c * v + sign * (A @ v))

    w, V = _arpack(product, A, k, Q, tol / 2, steps, seed)
    return sign * (w - c), V, c


def shift_invert(
    A: np.ndarray | sparse.sparray | LinearOperator,
    k: int,
    which: str,
    Q: np.ndarray,
    tol: float,
    steps: int | None,
    seed: int,
) -> tuple[np.ndarray, np.ndarray, float]:
    """ARPACK on the inverse of A - s I restricted to the complement of Q, with s just beyond the wanted end."""
    if not sparse.issparse(A):
        raise ValueError("method 'shift-invert' factorises A and needs it as a sparse array")
    n, c, sign = A.shape[0], spectral_bound(A), 1 if which == "smallest" else -1
    signed = sign * A
    diagonal = signed.diagonal()
    gershgorin = (diagonal + abs(diagonal) - abs(signed).sum(axis=1)).min()
    shift = gershgorin - 1e-3 * c
    factor = splu(sparse.csc_array(signed - shift * sparse.eye_array(n, dtype=A.dtype)))
    solved = factor.solve(Q) if Q.shape[1] else Q
    inner = linalg.pinv(Q.T @ solved) if Q.shape[1] else np.zeros((0, 0))

    def product(v: np.ndarray) -> np.ndarray:
        x = factor.solve(project(Q, v.ravel()))
        return project(Q, x - solved @ (inner @ (Q.T @ x)))

    w, V = _arpack(product, A, k, Q, tol * 1e-3, steps, seed)
    return sign * (shift + 1 / w), V, c


def _arpack(
    product: Callable,
    A: LinearOperator | np.ndarray | sparse.csr_array,
    k: int,
    Q: np.ndarray,
    tol: float,
    steps: int | None,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    n = A.shape[0]
    operator = LinearOperator(A.shape, matvec=product, dtype=A.dtype)
    v0 = project(Q, start(n, 1, seed, A.dtype)[:, 0])
    try:
        return eigsh(operator, k, which="LA", tol=tol, maxiter=steps, v0=v0, ncv=min(n, max(4 * k, 40)))
    except ArpackNoConvergence as error:
        raise RuntimeError(
            f"Lanczos converged for {len(error.eigenvalues)} of {k} pairs (the others have a relative residual above "
            f"{tol:.1g}); raise steps or tol, or use method='lobpcg'"
        ) from error


def lobpcg_jacobi(
    A: np.ndarray | sparse.sparray | LinearOperator,
    B: sparse.csr_array | None,
    k: int,
    which: str,
    Q: np.ndarray,
    tol: float,
    steps: int | None,
    seed: int,
) -> tuple[np.ndarray, np.ndarray, float]:
    """LOBPCG, preconditioned at the bottom of the spectrum by the inverse diagonal."""
    n, c = A.shape[0], spectral_bound(A)
    jacobi = None
    if which == "smallest" and not isinstance(A, LinearOperator):
        diagonal = A.diagonal()
        jacobi = sparse.csr_array(sparse.diags_array((1 / np.where(diagonal > 0, diagonal, 1)).astype(A.dtype)))
    options = {"tol": tol * c / 2, "maxiter": steps or 1000, "largest": which == "largest"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            restricted = _restricted(A, B, Q)
            w, V = lobpcg(restricted, start(n, k, seed, A.dtype), B=B, M=jacobi, Y=Q if Q.shape[1] else None, **options)
        except (linalg.LinAlgError, ValueError) as error:
            raise ValueError(f"LOBPCG broke down, as it does where B is not positive definite ({error})") from error
    return w, V, c


def _restricted(
    A: LinearOperator | np.ndarray | sparse.csr_array, B: sparse.csr_array | None, Q: np.ndarray
) -> LinearOperator | np.ndarray | sparse.csr_array:
    """P^T A P, P the B-orthogonal projector off Q: scipy's LOBPCG tests residuals without the constraints."""
    if not Q.shape[1]:
        return A
    BQ = Q if B is None else B @ Q
    dual = linalg.solve(Q.T @ BQ, BQ.T, assume_a="pos")

    def product(M: np.ndarray) -> np.ndarray:
        M = A @ (M - Q @ (dual @ M))
        return M - dual.T @ (Q.T @ M)

    return LinearOperator(A.shape, matvec=product, matmat=product, dtype=A.dtype)
