"""A few extreme eigenpairs of a symmetric matrix, dense or sparse, small or large."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg, sparse
from scipy.sparse.linalg import LinearOperator

from replearn.spectral.arrays import as_array, check_square, check_symmetric
from replearn.spectral.iterations import lanczos, lobpcg_jacobi, project, shift_invert, spectral_bound
from replearn.validate import check_choice, check_finite, check_integer, check_positive

DENSE_LIMIT = 2000


def eigenpairs(
    A: ArrayLike | sparse.sparray | LinearOperator,
    k: int,
    *,
    B: ArrayLike | sparse.sparray | None = None,
    which: str = "smallest",
    deflate: ArrayLike | None = None,
    method: str = "auto",
    tol: float = 1e-8,
    steps: int | None = None,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    r"""The k smallest or largest eigenpairs of A v = w B v, within the B-orthogonal complement of given directions.

    With ``deflate`` = d the pairs are those of the quadratic form v^T A v on {v : d^T B v = 0}, v^T B v = 1. Lanczos
    runs on c I - A or c I + A, c a bound on the spectrum, because it converges at the top of a positive operator.

    Parameters
    ----------
    A : (N, N) symmetric array, sparse array or ``LinearOperator``; float32 input is solved in float32.
    k : int, number of pairs, 1 <= k <= N - r; below N - r for the iterative methods.
    B : (N, N) symmetric positive definite array or sparse array, or None for the identity.
    which : "smallest" (ascending) or "largest" (descending), algebraically.
    deflate : (N, r) independent directions to exclude exactly, such as the constant vector, or None.
    method : "dense" (LAPACK), "lanczos" (ARPACK; B diagonal), "lobpcg" (Jacobi-preconditioned), "shift-invert"
        (sparse LU; A sparse, B diagonal), or "auto": dense up to N = 2000, then Lanczos, or LOBPCG for a full B.
    tol : float, accepted residual ||A v - w B v||, relative to a bound on the spectrum of B^{-1/2} A B^{-1/2}
        (of A where B is full).
    steps : int, iterations allowed, or None for the method's default.
    seed : int, of the starting vectors of the iterative methods.

    Returns
    -------
    w : (k,) array of eigenvalues; V : (N, k) array of eigenvectors with V^T B V = I.

    Raises
    ------
    ValueError
        If A is not square, symmetric and finite, k is out of range, B is not positive definite, the deflated
        directions are dependent, or the method cannot treat the given A and B.
    RuntimeError
        If the iteration did not converge; the message says what residual was reached.

    References
    ----------
    Lehoucq, Sorensen & Yang 1998 (ARPACK); Knyazev 2001 (LOBPCG).

    Examples
    --------
    >>> eigenpairs(np.diag([3.0, 1.0, 2.0]), 2)[0]
    array([1., 2.])
    """
    check_choice("which", which, ("smallest", "largest"))
    check_choice("method", method, ("auto", "dense", "lanczos", "lobpcg", "shift-invert"))
    check_positive("tol", tol)
    A = _symmetric_operand("A", A)
    n, excluded = A.shape[0], _directions(deflate, A.shape[0], A.dtype)
    scale = _whitening_diagonal(B, n)
    solver = _choose(method, n, scale)
    free = n - excluded.shape[1]
    check_integer(f"k, with {free} dimensions left to method {solver!r},", k, 1, free - (solver != "dense"))
    problem = _standard_form(A, B, excluded, scale, solver)
    if solver == "dense":
        w, V = _dense(problem, k, which)
    else:
        w, V = _iterate(problem, k, which, solver, tol, steps, seed)
    order = np.argsort(w if which == "smallest" else -w)
    return w[order], problem.restore(V[:, order])


class _Problem(NamedTuple):
    """A v = w B v off the orthonormal columns of Q; B is None for the identity. ``restore`` leads back to the caller's.

    The caller's problem was scaled by a diagonal (``scale``), by a Cholesky factor (``factor``), or by nothing.
    """

    A: np.ndarray | sparse.csr_array | LinearOperator
    B: np.ndarray | sparse.csr_array | None
    Q: np.ndarray
    scale: np.ndarray | None = None
    factor: np.ndarray | None = None

    def restore(self, V: np.ndarray) -> np.ndarray:
        if self.scale is not None:
            return self.scale[:, None] * V
        return V if self.factor is None else linalg.solve_triangular(self.factor, V)


def _symmetric_operand(
    name: str, a: LinearOperator | np.ndarray | sparse.csr_array
) -> LinearOperator | np.ndarray | sparse.csr_array:
    """Check a square symmetric operand; sparse arrays and operators stay as they are, float32 stays float32."""
    if isinstance(a, LinearOperator):
        check_square(name, a)
        x, y = np.random.default_rng(0).standard_normal((2, a.shape[0]))
        ax, ay = a.matvec(x), a.matvec(y)
        check_finite(f"{name} times a vector", np.stack([ax, ay]))
        if abs(y @ ax - x @ ay) > 1e-6 * np.linalg.norm(ax) * np.linalg.norm(y):
            raise ValueError(f"{name} must be symmetric, but y^T A x and x^T A y differ")
    else:
        single = str(getattr(a, "dtype", "")).endswith("float32")
        a = (sparse.csr_array(a) if sparse.issparse(a) else as_array(a)).astype(np.float32 if single else np.float64)
        check_symmetric(name, a, tol=1e-6)
    return a


def _whitening_diagonal(B: np.ndarray | sparse.sparray | None, n: int) -> np.ndarray | None:
    """The vector diag(B)^{-1/2} where B is None or diagonal, None where B is a full matrix."""
    if B is None:
        return np.ones(n)
    if tuple(B.shape) != (n, n):
        raise ValueError(f"B must have the shape of A, ({n}, {n}), but has shape {tuple(B.shape)}")
    entries = sparse.coo_array(B if sparse.issparse(B) else as_array(B))
    check_finite("B", entries.data)
    diagonal = entries.diagonal()
    if np.any(diagonal <= 0):
        raise ValueError(f"B is not positive definite: its diagonal holds {diagonal.min():.2g}")
    return None if np.any((entries.row != entries.col) & (entries.data != 0)) else diagonal**-0.5


def _directions(deflate: ArrayLike | None, n: int, dtype: np.dtype) -> np.ndarray:
    """The excluded directions as an (N, r) array, r = 0 where there are none."""
    if deflate is None:
        return np.zeros((n, 0), dtype)
    deflate = as_array(deflate)
    deflate = deflate[:, None] if deflate.ndim == 1 else deflate
    if deflate.ndim != 2 or deflate.shape[0] != n:
        raise ValueError(f"deflate must have shape ({n}, r), one row per row of A, but has shape {deflate.shape}")
    check_finite("deflate", deflate)
    if np.linalg.matrix_rank(deflate) < deflate.shape[1]:
        raise ValueError("the directions in deflate must be linearly independent")
    return deflate.astype(dtype)


def _choose(method: str, n: int, scale: np.ndarray | None) -> str:
    if method in ("lanczos", "shift-invert") and scale is None:
        raise ValueError(f"method {method!r} needs a diagonal B; use 'lobpcg', or 'dense' for a small problem")
    if method != "auto":
        return method
    if n <= DENSE_LIMIT:
        return "dense"
    return "lobpcg" if scale is None else "lanczos"


def _standard_form(
    A: LinearOperator | np.ndarray | sparse.csr_array,
    B: np.ndarray | sparse.csr_array | sparse.sparray,
    excluded: np.ndarray,
    scale: np.ndarray | None,
    solver: str,
) -> _Problem:
    """The problem with the identity for B, unless B is full and left to LOBPCG."""
    if scale is not None:
        scale = scale.astype(A.dtype)
        return _Problem(_scaled(A, scale), None, _orthonormal(excluded / scale[:, None]), scale=scale)
    B = _symmetric_operand("B", B)
    if solver != "dense":
        return _Problem(A, B, _orthonormal(excluded))
    try:
        factor = linalg.cholesky(_as_dense(B))
    except linalg.LinAlgError:
        raise ValueError("B is not positive definite; add a small multiple of the identity (a ridge)") from None
    half = linalg.solve_triangular(factor, _as_dense(A), trans="T")
    white = linalg.solve_triangular(factor, half.T, trans="T")
    return _Problem((white + white.T) / 2, None, _orthonormal(factor @ excluded), factor=factor)


def _orthonormal(M: np.ndarray) -> np.ndarray:
    return linalg.qr(M, mode="economic")[0] if M.shape[1] else M


def _scaled(
    A: LinearOperator | np.ndarray | sparse.csr_array, scale: np.ndarray
) -> LinearOperator | np.ndarray | sparse.csr_array:
    """diag(scale) A diag(scale)."""
    if np.all(scale == 1):
        return A
    if isinstance(A, LinearOperator):

        def product(M: np.ndarray) -> np.ndarray:
            return (scale * (A @ (scale * M.T).T).T).T

        return LinearOperator(A.shape, matvec=product, matmat=product, dtype=A.dtype)
    if sparse.issparse(A):
        return sparse.csr_array(sparse.diags_array(scale) @ A @ sparse.diags_array(scale))
    return scale[:, None] * A * scale


def _as_dense(a: LinearOperator | np.ndarray | sparse.csr_array) -> np.ndarray:
    if isinstance(a, LinearOperator):
        a = a @ np.eye(a.shape[0], dtype=a.dtype)
        return (a + a.T) / 2
    return a if isinstance(a, np.ndarray) else a.toarray()


def _dense(problem: _Problem, k: int, which: str) -> tuple[np.ndarray, np.ndarray]:
    """LAPACK, with the excluded directions moved beyond the far end of the spectrum."""
    A, Q = _as_dense(problem.A), problem.Q
    if Q.shape[1]:
        far = (2 if which == "smallest" else -2) * (spectral_bound(A) or 1.0)
        A = project(Q, project(Q, A).T) + far * (Q @ Q.T)
    n = len(A)
    return linalg.eigh(A, subset_by_index=(0, k - 1) if which == "smallest" else (n - k, n - 1))


def _iterate(
    problem: _Problem, k: int, which: str, solver: str, tol: float, steps: int | None, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Run an iterative method and check its residual against ``tol``."""
    A, B, Q = problem.A, problem.B, problem.Q
    if solver == "lobpcg":
        w, V, c = lobpcg_jacobi(A, B, k, which, Q, tol, steps, seed)
    else:
        iterate = lanczos if solver == "lanczos" else shift_invert
        w, V, c = iterate(A, k, which, Q, tol, steps, seed)
        V = project(Q, V)
    BV, BQ = (V, Q) if B is None else (B @ V, B @ Q)
    residual = np.linalg.norm(project(_orthonormal(BQ), A @ V - BV * w), axis=0).max()
    accepted = max(tol, 100 * np.finfo(A.dtype).eps) * c
    if not residual <= accepted:
        raise RuntimeError(
            f"{solver} did not converge: residual {residual:.2g}, accepted {accepted:.2g}; raise steps or tol"
        )
    return w, V
