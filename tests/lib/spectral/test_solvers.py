import numpy as np
import pytest
from scipy import linalg, sparse
from scipy.sparse.linalg import LinearOperator

from replearn import spectral
from sampling import normal

N = 220
G = spectral.knn_graph(normal(N, 3), 8, weight="heat")
L, degrees = spectral.laplacian(G)
FULL = sparse.csr_array(L + sparse.eye_array(N))
WEIGHTS = sparse.diags_array(degrees)
GENERIC = normal(N, 2, seed=1)


def reference(A, k, B, which, deflate):
    """Dense generalised eigenvalues on an explicit basis of the allowed subspace."""
    A, B = A.toarray(), np.eye(N) if B is None else B.toarray()
    Q = np.eye(N) if deflate is None else linalg.null_space((B @ deflate).T)
    w = linalg.eigh(Q.T @ A @ Q, Q.T @ B @ Q, eigvals_only=True)
    return w[:k] if which == "smallest" else w[::-1][:k]


METHODS = [(m, B) for m in ("auto", "dense", "lanczos", "lobpcg", "shift-invert") for B in (None, WEIGHTS)]
METHODS += [(m, FULL) for m in ("auto", "dense", "lobpcg")]


@pytest.mark.parametrize("which", ["smallest", "largest"])
@pytest.mark.parametrize("deflate", [None, np.ones((N, 1)), GENERIC], ids=["whole", "constant", "generic"])
@pytest.mark.parametrize(("method", "B"), METHODS)
def test_eigenpairs_match_dense_algebra(which, deflate, method, B):
    w, V = spectral.eigenpairs(L, 5, B=B, which=which, deflate=deflate, method=method)
    np.testing.assert_allclose(w, reference(L, 5, B, which, deflate), atol=1e-9)
    BV = V if B is None else B @ V
    np.testing.assert_allclose(V.T @ BV, np.eye(5), atol=1e-8)
    if deflate is not None:
        np.testing.assert_allclose(deflate.T @ BV, 0, atol=1e-8)


@pytest.mark.parametrize("which", ["smallest", "largest"])
@pytest.mark.parametrize("method", ["dense", "lanczos", "lobpcg"])
def test_operators_and_dense_arrays_give_the_same_pairs(which, method):
    expected, _ = spectral.eigenpairs(L, 4, which=which)
    operator = LinearOperator(L.shape, matvec=lambda v: L @ v, matmat=lambda M: L @ M, dtype=float)
    for A in (operator, L.toarray()):
        np.testing.assert_allclose(spectral.eigenpairs(A, 4, which=which, method=method)[0], expected, atol=1e-9)
    scaled = spectral.eigenpairs(operator, 4, B=WEIGHTS, which=which, method=method)[0]
    np.testing.assert_allclose(scaled, reference(L, 4, WEIGHTS, which, None), atol=1e-9)


def test_indefinite_matrices_are_solved_at_both_ends():
    for which in ("smallest", "largest"):
        for method in ("dense", "lanczos", "lobpcg", "shift-invert"):
            w, _ = spectral.eigenpairs(G, 3, which=which, method=method)
            np.testing.assert_allclose(w, reference(G, 3, None, which, None), atol=1e-9)


def test_all_remaining_pairs_can_be_had_densely():
    w, V = spectral.eigenpairs(L, N - 1, deflate=np.ones(N))
    np.testing.assert_allclose(w, linalg.eigvalsh(L.toarray())[1:], atol=1e-10)
    assert V.shape == (N, N - 1)


def test_float32_stays_float32():
    for method in ("dense", "lanczos", "lobpcg"):
        w, V = spectral.eigenpairs(L.astype(np.float32), 3, method=method, tol=1e-3, deflate=np.ones(N))
        assert w.dtype == V.dtype == np.float32
        np.testing.assert_allclose(w, reference(L, 3, None, "smallest", np.ones((N, 1))), rtol=0.05)


def test_a_seed_repeats_itself():
    first, second = (spectral.eigenpairs(L, 3, method="lanczos", seed=7)[1] for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("A", "k", "options", "message"),
    [
        (L, 0, {}, "k, with 220"),
        (L, N + 1, {}, "between 1 and 220"),
        (L, N, {"deflate": np.ones(N)}, "between 1 and 219"),
        (L, N, {"method": "lanczos"}, "between 1 and 219"),
        (np.ones((3, 2)), 1, {}, "square"),
        (np.triu(np.ones((3, 3))), 1, {}, "symmetric"),
        (np.full((3, 3), np.nan), 1, {}, "NaN"),
        (LinearOperator((3, 3), matvec=lambda v: np.roll(v, 1), dtype=float), 1, {}, "symmetric"),
        (L, 2, {"B": -WEIGHTS}, "not positive definite"),
        (np.eye(2), 1, {"B": np.array([[1.0, 2], [2, 1]])}, "not positive definite"),
        (np.eye(2), 1, {"B": np.eye(3)}, "shape of A"),
        (L, 2, {"B": FULL, "method": "lanczos"}, "diagonal B"),
        (L, 2, {"deflate": np.ones((N, 2))}, "independent"),
        (L, 2, {"deflate": np.ones((3, 1))}, "deflate must have shape"),
        (L, 2, {"which": "middle"}, "which must be one of"),
        (L, 2, {"method": "qr"}, "method must be one of"),
        (L, 2, {"tol": 0.0}, "tol must be positive"),
        (L.toarray(), 2, {"method": "shift-invert"}, "sparse"),
    ],
)
def test_bad_input_is_refused(A, k, options, message):
    with pytest.raises(ValueError, match=message):
        spectral.eigenpairs(A, k, **options)


@pytest.mark.parametrize("method", ["lanczos", "lobpcg"])
def test_too_few_iterations_are_reported_with_the_residual(method):
    with pytest.raises(RuntimeError, match="residual"):
        spectral.eigenpairs(L, 5, method=method, steps=1, tol=1e-12)
