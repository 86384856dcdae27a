"""Self-supervised losses whose model is linear in the features of a kernel: the minimum, and the kernel it induces."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg, sparse

from replearn.spectral.arrays import as_array, as_definite, as_graph, as_points, as_symmetric, positive_eigenpairs
from replearn.spectral.laplacians import laplacian
from replearn.validate import check_choice, check_finite, check_integer, check_labels, check_positive


def ssl_target(
    G: ArrayLike | sparse.sparray, *, method: str = "vicreg", inv: float = 1.0, reg: float = 1.0
) -> np.ndarray:
    """The matrix T that a loss wants to see as Z Z^T: its minimum is the closest positive matrix of rank K.

    "vicreg": T = N (H - (inv / reg) L), H the centring, so that the loss of :func:`vicreg_graph_loss` is
    (reg / N^2) ||Z Z^T - T||_F^2 plus a constant for centred Z; "contrastive": T = I + G.

    Parameters
    ----------
    G : (N, N) symmetric non-negative graph, sparse or dense, with zero diagonal for "contrastive".
    method : "vicreg" or "contrastive".
    inv : float >= 0; reg : float > 0, VICReg's weights.

    Returns
    -------
    (N, N) symmetric array.

    References
    ----------
    Kiani et al. 2022; Balestriero & LeCun 2022.

    Examples
    --------
    >>> ssl_target([[0.0, 1.0], [1.0, 0.0]], method="contrastive")
    array([[1., 1.],
           [1., 1.]])
    """
    check_choice("method", method, ("vicreg", "contrastive"))
    check_positive("inv", inv, allow_zero=True)
    check_positive("reg", reg)
    if method == "contrastive":
        G = as_graph("G", G)
        if G.diagonal().any():
            raise ValueError("G must have a zero diagonal: the contrastive target adds the self-loops itself")
        return np.eye(G.shape[0]) + G.toarray()
    L, degrees = laplacian(G)
    n = len(degrees)
    return n * np.eye(n) - 1 - n * inv / reg * L.toarray()


def tied_eigenspace(target: ArrayLike, value: float, *, rtol: float = 1e-8) -> np.ndarray:
    """All the eigenvectors of a symmetric matrix with one eigenvalue: the directions among which a loss cannot choose.

    Parameters
    ----------
    target : (N, N) symmetric matrix, sparse or dense.
    value : float, the eigenvalue; the pure augmentation graph of N' images ties N' - 1 directions at N in
        :func:`ssl_target`.
    rtol : float > 0, eigenvalues as close as ``rtol`` times the largest magnitude count as equal.

    Returns
    -------
    (N, r) array with orthonormal columns.

    Notes
    -----
    Costs O(N^3).

    References
    ----------
    Kiani et al. 2022, the degenerate case.

    Examples
    --------
    >>> tied_eigenspace(np.diag([2.0, 2.0, 1.0]), 2.0).shape
    (3, 2)
    """
    check_positive("rtol", rtol)
    target = as_symmetric("target", target)
    w, V = linalg.eigh(target.toarray() if sparse.issparse(target) else target)
    near = abs(w - value) <= rtol * abs(w).max()
    if not near.any():
        closest = w[abs(w - value).argmin()]
        raise ValueError(f"no eigenvalue of the target is {value:.6g}; the closest is {closest:.6g}")
    return V[:, near]


def smoothest_directions(Q: ArrayLike, K: ArrayLike, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """The directions of a subspace that cost least norm in the feature space of a kernel: min tr(V^T K^{-1} V).

    V = Q S with S the bottom eigenvectors of Q^T K^{-1} Q; the energies are its eigenvalues.

    Parameters
    ----------
    Q : (N, r) array with orthonormal columns, such as :func:`tied_eigenspace`.
    K : (N, N) symmetric positive definite kernel matrix (add a jitter to a smooth kernel).
    dim : int, 1 <= dim <= r.

    Returns
    -------
    energies : (dim,) array, ascending; V : (N, dim) array with orthonormal columns inside the span of Q.

    Raises
    ------
    ValueError
        If Q is not orthonormal, K is not positive definite or has another size, or dim is out of range.

    Notes
    -----
    Costs O(N^3).

    References
    ----------
    Kiani et al. 2022, the degenerate case; Cabannes et al. 2023.

    Examples
    --------
    >>> smoothest_directions(np.eye(3)[:, :2], np.diag([4.0, 2.0, 1.0]), 1)[0]
    array([0.25])
    """
    Q, K = as_points("Q", Q), as_definite("K", as_array(K))
    if len(Q) != len(K):
        raise ValueError(f"Q must have one row per row of K, ({len(K)}), but has shape {Q.shape}")
    if not np.allclose(Q.T @ Q, np.eye(Q.shape[1]), atol=1e-8):
        raise ValueError("Q must have orthonormal columns; take the Q of its QR decomposition")
    check_integer("dim", dim, 1, Q.shape[1])
    half = linalg.solve_triangular(linalg.cholesky(K, lower=True), Q, lower=True)
    energies, S = linalg.eigh(half.T @ half, subset_by_index=(0, dim - 1))
    return energies, Q @ S


def nystrom_features(X: ArrayLike, landmarks: ArrayLike, kernel: Callable) -> np.ndarray:
    """Features of a few landmarks S that make a linear method a kernel method: F = k(X, S) K_SS^{-1/2}, F F^T ~ K.

    F F^T = K_XS K_SS^+ K_SX, exact for X among the landmarks; directions below 1e-10 of K_SS's largest are dropped.

    Parameters
    ----------
    X : (N, D) array or tensor of points.
    landmarks : (m, D) array or tensor.
    kernel : function of (N, D) and (m, D) arrays that returns the (N, m) kernel, symmetric and positive semi-definite.

    Returns
    -------
    (N, r) array, r <= m the rank of K_SS; the most important directions come first.

    Raises
    ------
    ValueError
        If X or the landmarks are malformed, their widths differ, or K_SS is not positive semi-definite.

    Notes
    -----
    Costs O(N m^2 + m^3) and never an (N, N) matrix.

    References
    ----------
    Williams & Seeger 2001.

    Examples
    --------
    >>> X = np.array([[0.0], [1.0], [2.0]])
    >>> nystrom_features(X, X, lambda a, b: a @ b.T).shape
    (3, 1)
    """
    X, landmarks = as_points("X", X), as_points("landmarks", landmarks)
    if X.shape[1] != landmarks.shape[1]:
        raise ValueError(
            f"X and landmarks must have equally many columns, but have {X.shape[1]} and {landmarks.shape[1]}"
        )
    w, U = positive_eigenpairs("kernel(landmarks, landmarks)", kernel(landmarks, landmarks), 1e-10)
    return as_array(kernel(X, landmarks)) @ (U / np.sqrt(w))


def kernel_ridge_classifier(K: ArrayLike, y: ArrayLike, Kx: ArrayLike, *, lam: float = 0.01) -> np.ndarray:
    r"""Classify by kernel ridge regression on one-hot targets, with a free intercept.

    With the centred kernel H K H and centred one-hot targets Y, a = (H K H + lam t I)^{-1} Y, t = tr(H K H) / N; a new
    point takes the class with the largest score. For K = F F^T it is ridge regression on the centred features F.

    Parameters
    ----------
    K : (N, N) kernel matrix of the training points.
    y : (N,) labels, at least two different ones.
    Kx : (M, N) kernel between new points and the training points.
    lam : float > 0, relative to the mean diagonal of the centred kernel.

    Returns
    -------
    (M,) array of predicted labels.

    Raises
    ------
    ValueError
        If a shape is wrong, an entry not finite, K not positive semi-definite, lam <= 0, or there is one class only.

    Notes
    -----
    Costs O(N^3 + M N).

    References
    ----------
    Saunders, Gammerman & Vovk 1998.

    Examples
    --------
    >>> X = np.array([[-1.0], [1.0]])
    >>> kernel_ridge_classifier(X @ X.T, [5, 7], np.array([[2.0]]) @ X.T)
    array([7])
    """
    check_positive("lam", lam)
    K, Kx, y = as_symmetric("K", as_array(K)), as_points("Kx", Kx), np.asarray(y)
    n = len(K)
    check_labels("y", y, n)
    if Kx.shape[1] != n:
        raise ValueError(f"Kx must have one column per training point, ({n}), but has shape {Kx.shape}")
    classes, codes = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise ValueError("y must hold at least two different labels")
    means = K.mean(axis=0)
    centred = K - means - means[:, None] + means.mean()
    targets = np.eye(len(classes))[codes]
    offset = targets.mean(axis=0)
    ridge = lam * np.trace(centred) / n
    try:
        weights = linalg.solve(centred + ridge * np.eye(n), targets - offset, assume_a="pos")
    except linalg.LinAlgError:
        raise ValueError("K must be positive semi-definite, and not constant") from None
    scores = (Kx - Kx.mean(axis=1, keepdims=True) - means + means.mean()) @ weights + offset
    check_finite("the scores", scores)
    return classes[scores.argmax(axis=1)]
