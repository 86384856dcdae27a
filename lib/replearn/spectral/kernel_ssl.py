"""Self-supervised losses whose model is linear in the features of a kernel: the minimum, and the kernel it induces."""

from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

from replearn.spectral.arrays import ZERO, as_array, as_definite, as_graph, as_points, as_symmetric
from replearn.spectral.kernels import kernel_spectrum
from replearn.spectral.laplacians import laplacian
from replearn.validate import check_choice, check_integer, check_positive


def ssl_target(G, *, method="vicreg", inv=1.0, reg=1.0):
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

    Raises
    ------
    ValueError
        If G is not a graph, the method is unknown, inv < 0, reg <= 0, or a contrastive graph has self-loops.

    Source: Kiani et al. 2022; Balestriero & LeCun 2022.
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


@dataclass(frozen=True)
class KernelSSL:
    """An encoder f(x) = k(x, x_1..N) coef that is linear in the features of a kernel.

    Attributes
    ----------
    coef : (N, K) array.
    Z : (N, K) array, the embedding of the training points.
    eigenvalues : (K,) array, descending, of the target (less the penalty); those that are not positive give nothing.
    rank : int, number of positive eigenvalues.
    """

    coef: np.ndarray
    Z: np.ndarray
    eigenvalues: np.ndarray
    rank: int

    def transform(self, Kx):
        """Embed new points from their kernel with the training points (M, N): Kx coef, shape (M, K)."""
        Kx = as_points("Kx", Kx)
        if Kx.shape[1] != len(self.coef):
            raise ValueError(f"Kx must have {len(self.coef)} columns, one per training point, but has {Kx.shape[1]}")
        return Kx @ self.coef

    def kernel(self, Kx, Ky):
        """The induced kernel k*(x, y) = <f(x), f(y)> from the kernels (M, N) and (M', N), shape (M, M')."""
        return self.transform(Kx) @ self.transform(Ky).T


def kernel_ssl(K, target, dim, *, lam=0.0, rtol=1e-10):
    r"""Minimise ||Z Z^T - T||_F^2 + 2 lam ||W||^2 over encoders f(x) = W Phi(x) in the feature space of a kernel.

    By the representer theorem Z = K A and ||W||^2 = tr(A^T K A). With K = U diag(w) U^T over its positive
    eigenvalues, and (q, Q) the top eigenpairs of U^T T U - lam diag(1 / w):
    Z = U Q diag((q)_+^{1/2}), A = U diag(1 / w) Q diag((q)_+^{1/2}).

    Parameters
    ----------
    K : (N, N) kernel matrix, symmetric positive semi-definite. VICReg's loss ignores the mean of Z, so that with its
        target a K of low rank must be centred, H K H; for K of full rank nothing needs to be done.
    target : (N, N) symmetric T, such as :func:`ssl_target`, sparse or dense.
    dim : int, embedding dimension, 1 <= dim <= rank of K.
    lam : float >= 0, weight of the norm of W in feature space. Where eigenvalues of the target are equal, a tiny one
        picks the smoothest directions among them.
    rtol : float > 0, eigenvalues of K below ``rtol`` times the largest count as zero.

    Returns
    -------
    KernelSSL with ``coef``, ``Z``, ``eigenvalues`` q, ``rank``, ``.transform(Kx)`` and ``.kernel(Kx, Ky)``.

    Raises
    ------
    ValueError
        If K is not symmetric positive semi-definite, the target is not symmetric or has another shape, dim exceeds
        the rank of K, lam < 0 or rtol <= 0.

    Source: Kiani et al. 2022; Schölkopf, Herbrich & Smola 2001 for the representer theorem. Costs O(N^3).
    """
    check_positive("lam", lam, allow_zero=True)
    check_positive("rtol", rtol)
    w, U = kernel_spectrum("K", K, rtol)
    target = as_symmetric("target", target)
    if target.shape[0] != len(U):
        raise ValueError(f"target must have the shape of K, ({len(U)}, {len(U)}), but has shape {target.shape}")
    check_integer("dim (at most the rank of K)", dim, 1, len(w))
    restricted = U.T @ (target @ U) - lam * np.diag(1 / w)
    q, Q = linalg.eigh((restricted + restricted.T) / 2, subset_by_index=(len(w) - dim, len(w) - 1))
    q, Q = q[::-1], Q[:, ::-1]
    largest = abs(target).max()
    strengths = np.sqrt(np.where(q > ZERO * largest, q, 0.0))
    Q = Q * strengths
    return KernelSSL(U @ (Q / w[:, None]), U @ Q, q, int(np.sum(strengths > 0)))


def tied_eigenspace(target, value, *, rtol=1e-8):
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

    Raises
    ------
    ValueError
        If the target is not symmetric, rtol <= 0, or no eigenvalue is close to ``value``.

    Source: Kiani et al. 2022, the degenerate case. Costs O(N^3).
    """
    check_positive("rtol", rtol)
    target = as_symmetric("target", target)
    w, V = linalg.eigh(target.toarray() if sparse.issparse(target) else target)
    near = abs(w - value) <= rtol * abs(w).max()
    if not near.any():
        closest = w[abs(w - value).argmin()]
        raise ValueError(f"no eigenvalue of the target is {value:.6g}; the closest is {closest:.6g}")
    return V[:, near]


def smoothest_directions(Q, K, dim):
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

    Source: Kiani et al. 2022, the degenerate case; Cabannes et al. 2023. Costs O(N^3).
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
