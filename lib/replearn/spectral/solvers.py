"""A few extreme eigenpairs of a symmetric matrix, dense or sparse, small or large."""

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.linalg import LinearOperator

from replearn.spectral.arrays import as_array, check_square, check_symmetric
from replearn.spectral.iterations import lanczos, lobpcg_jacobi, project, shift_invert, spectral_bound
from replearn.validate import check_choice, check_finite, check_integer, check_positive

DENSE_LIMIT = 2000


def eigenpairs(A, k, *, B=None, which="smallest", deflate=None, method="auto", tol=1e-8, steps=None, seed=0):
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

    Source: Lehoucq, Sorensen & Yang 1998 (ARPACK); Knyazev 2001 (LOBPCG).
    """
    check_choice("which", which, ("smallest", "largest"))
    check_choice("method", method, ("auto", "dense", "lanczos", "lobpcg", "shift-invert"))
    check_positive("tol", tol)
    A = _symmetric_operand("A", A)
    scale = _whitening_diagonal(B, A.shape[0])
    deflate = _directions(deflate, A.shape[0], A.dtype)
    method = _choose(method, A.shape[0], scale)
    free = A.shape[0] - deflate.shape[1]
    check_integer(f"k, with {free} dimensions left to method {method!r},", k, 1, free - (method != "dense"))
    A, B, deflate, restore = _standard_form(A, B, deflate, scale, method)
    Q = linalg.qr(deflate, mode="economic")[0] if deflate.shape[1] else deflate
    if method == "dense":
        w, V = _dense(A, k, which, Q)
    else:
        w, V = _iterate(A, B, k, which, Q, method, tol, steps, seed)
    order = np.argsort(w if which == "smallest" else -w)
    return w[order], restore(V[:, order])


def _symmetric_operand(name, a):
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


def _whitening_diagonal(B, n):
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


def _directions(deflate, n, dtype):
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


def _choose(method, n, scale):
    if method in ("lanczos", "shift-invert") and scale is None:
        raise ValueError(f"method {method!r} needs a diagonal B; use 'lobpcg', or 'dense' for a small problem")
    if method != "auto":
        return method
    if n <= DENSE_LIMIT:
        return "dense"
    return "lobpcg" if scale is None else "lanczos"


def _standard_form(A, B, deflate, scale, method):
    """(A, B, deflate) where B is the identity (None) unless it is full and left to LOBPCG, and the way back."""
    if scale is not None:
        scale = scale.astype(A.dtype)
        return _scaled(A, scale), None, deflate / scale[:, None], lambda V: scale[:, None] * V
    B = _symmetric_operand("B", B)
    if method != "dense":
        return A, B, deflate, lambda V: V
    try:
        F = linalg.cholesky(_as_dense(B))
    except linalg.LinAlgError:
        raise ValueError("B is not positive definite; add a small multiple of the identity (a ridge)") from None
    half = linalg.solve_triangular(F, _as_dense(A), trans="T")
    white = linalg.solve_triangular(F, half.T, trans="T")
    return (white + white.T) / 2, None, F @ deflate, lambda V: linalg.solve_triangular(F, V)


def _scaled(A, scale):
    """diag(scale) A diag(scale)."""
    if np.all(scale == 1):
        return A
    if isinstance(A, LinearOperator):

        def product(M):
            return (scale * (A @ (scale * M.T).T).T).T

        return LinearOperator(A.shape, matvec=product, matmat=product, dtype=A.dtype)
    if sparse.issparse(A):
        return sparse.csr_array(sparse.diags_array(scale) @ A @ sparse.diags_array(scale))
    return scale[:, None] * A * scale


def _as_dense(a):
    if isinstance(a, LinearOperator):
        a = a @ np.eye(a.shape[0], dtype=a.dtype)
        return (a + a.T) / 2
    return a.toarray() if sparse.issparse(a) else a


def _dense(A, k, which, Q):
    """LAPACK, with the excluded directions moved beyond the far end of the spectrum."""
    A = _as_dense(A)
    if Q.shape[1]:
        far = (2 if which == "smallest" else -2) * (spectral_bound(A) or 1.0)
        A = project(Q, project(Q, A).T) + far * (Q @ Q.T)
    n = len(A)
    return linalg.eigh(A, subset_by_index=(0, k - 1) if which == "smallest" else (n - k, n - 1))


def _iterate(A, B, k, which, Q, method, tol, steps, seed):
    """Run an iterative method and check its residual against ``tol``."""
    if method == "lobpcg":
        w, V, c = lobpcg_jacobi(A, B, k, which, Q, tol, steps, seed)
    else:
        solve = lanczos if method == "lanczos" else shift_invert
        w, V, c = solve(A, k, which, Q, tol, steps, seed)
        V = project(Q, V)
    BV, BQ = (V, Q) if B is None else (B @ V, B @ Q)
    multipliers = linalg.qr(BQ, mode="economic")[0] if Q.shape[1] else Q
    residual = np.linalg.norm(project(multipliers, A @ V - BV * w), axis=0).max()
    accepted = max(tol, 100 * np.finfo(A.dtype).eps) * c
    if not residual <= accepted:
        raise RuntimeError(
            f"{method} did not converge: residual {residual:.2g}, accepted {accepted:.2g}; raise steps or tol"
        )
    return w, V
