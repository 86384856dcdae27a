"""Closed forms: the embeddings at which self-supervised losses are minimal when the network can output anything."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from replearn.spectral.arrays import ZERO, as_graph, as_symmetric
from replearn.spectral.barlow import barlow_columns
from replearn.spectral.laplacians import check_no_isolated, laplacian
from replearn.spectral.solvers import eigenpairs
from replearn.validate import check_choice, check_integer, check_positive


class SpectralEmbedding(NamedTuple):
    """A closed-form embedding and the spectrum behind it.

    Attributes
    ----------
    Z : (N, K) array, the embedding; any rotation Z R of it is as good for VICReg and the contrastive loss.
    eigenvalues : (K,) array, of the Laplacian ascending or of the similarity descending.
    strengths : (K,) array, what multiplies each eigenvector beyond the method's fixed scale; 0 where a dimension died.
    vectors : (N, K) array, the eigenvectors.
    rank : int, number of dimensions with positive strength.
    loss : float, the method's loss at Z.
    gap : float, distance from the K-th eigenvalue to the next (inf where there is none): with a gap of 0 the
        subspace is not unique.
    """

    Z: np.ndarray
    eigenvalues: np.ndarray
    strengths: np.ndarray
    vectors: np.ndarray
    rank: int
    loss: float
    gap: float


def _pairs_and_gap(
    A: np.ndarray | sparse.csr_array, dim: int, which: str, deflate: np.ndarray | None, method: str
) -> tuple[np.ndarray, np.ndarray, float]:
    """The first ``dim`` eigenpairs and the distance to the next eigenvalue."""
    free = A.shape[0] - (0 if deflate is None else 1)
    check_integer("dim", dim, 1, A.shape[0] - 1)
    w, V = eigenpairs(A, min(dim + 1, free), which=which, deflate=deflate, method=method)
    gap = float(abs(w[dim] - w[dim - 1])) if len(w) > dim else np.inf
    return w[:dim], V[:, :dim], gap


def laplacian_eigenmaps(
    G: ArrayLike | sparse.sparray,
    dim: int,
    *,
    kind: str = "unnormalized",
    drop_constant: bool = True,
    method: str = "auto",
) -> SpectralEmbedding:
    """Laplacian Eigenmaps, the smoothest embedding of a graph: argmin tr(Z^T L Z) subject to Z^T Z = N I.

    That is "unnormalized"; "sym" takes the eigenvectors of I - D^{-1/2} G D^{-1/2} instead, "rw" those of
    L v = lambda D v, normalised to Z^T D Z = tr(D) I (Belkin and Niyogi's form). Equal degrees make all three agree.

    Parameters
    ----------
    G : (N, N) symmetric non-negative graph, sparse or dense.
    dim : int, embedding dimension K, 1 <= K <= N - 1.
    kind : "unnormalized", "sym" or "rw".
    drop_constant : bool, leave out one trivial eigenvector (exactly one, even if the graph has several components).
    method : solver of :func:`eigenpairs`.

    Returns
    -------
    SpectralEmbedding with ascending eigenvalues, strengths 1 and loss = sum_k lambda_k.

    Raises
    ------
    ValueError
        If G is not a graph (see :func:`laplacian`), dim is out of range, or a node is isolated with "sym" or "rw".

    References
    ----------
    Belkin & Niyogi 2003.

    Examples
    --------
    >>> from replearn.spectral import pairs_graph
    >>> ring = pairs_graph(np.arange(6), (np.arange(6) + 1) % 6, 6)
    >>> laplacian_eigenmaps(ring, 2).eigenvalues.round(6)
    array([1., 1.])
    """
    check_choice("kind", kind, ("unnormalized", "sym", "rw"))
    L, degrees = laplacian(G, kind="unnormalized" if kind == "unnormalized" else "sym")
    trivial = np.ones(len(degrees)) if kind == "unnormalized" else np.sqrt(degrees)
    w, V, gap = _pairs_and_gap(L, dim, "smallest", trivial if drop_constant else None, method)
    Z = V * np.sqrt(degrees.sum() / degrees)[:, None] if kind == "rw" else V * np.sqrt(len(V))
    return SpectralEmbedding(Z, w, np.ones(dim), V, dim, float(w.sum()), gap)


def vicreg_embedding(
    G: ArrayLike | sparse.sparray, dim: int, *, inv: float = 1.0, reg: float = 1.0, method: str = "auto"
) -> SpectralEmbedding:
    r"""Global minimum of least-square VICReg: bottom Laplacian eigenvectors, each shrunk by the invariance weight.

    Loss = reg ||Cov(Z) - I||_F^2 + (inv / N) sum_ij G_ij ||z_i - z_j||^2, Cov(Z) = Z^T H Z / N;
    Z = sqrt(N) U_K diag((1 - (inv / reg) lambda_k)_+^{1/2}), Loss = reg (K - sum_k (1 - (inv / reg) lambda_k)_+^2).

    Parameters
    ----------
    G : (N, N) symmetric non-negative graph, sparse or dense.
    dim : int, embedding dimension K, 1 <= K <= N - 1.
    inv : float >= 0, weight of the invariance term (at 0 every whitened Z is optimal; this is the limit from above).
    reg : float > 0, weight of the variance and covariance term.
    method : solver of :func:`eigenpairs`.

    Returns
    -------
    SpectralEmbedding; rank = #{k : lambda_k < reg / inv}.

    References
    ----------
    Balestriero & LeCun 2022.

    Examples
    --------
    >>> from replearn.spectral import pairs_graph
    >>> ring = pairs_graph(np.arange(6), (np.arange(6) + 1) % 6, 6)
    >>> vicreg_embedding(ring, 4, inv=0.5).rank
    2
    """
    check_positive("inv", inv, allow_zero=True)
    check_positive("reg", reg)
    L, _ = laplacian(G)
    w, V, gap = _pairs_and_gap(L, dim, "smallest", np.ones(L.shape[0]), method)
    variances = vicreg_variances(w, inv=inv, reg=reg)
    strengths = np.sqrt(variances)
    loss = reg * float(dim - np.sum(variances**2))
    return SpectralEmbedding(np.sqrt(len(V)) * V * strengths, w, strengths, V, int(np.sum(strengths > 0)), loss, gap)


def vicreg_variances(eigenvalues: np.ndarray, *, inv: float, reg: float) -> np.ndarray:
    """Variance (1 - (inv / reg) lambda)_+ that least-square VICReg leaves to a direction of roughness lambda."""
    variances = 1 - inv / reg * eigenvalues
    return np.where(variances > ZERO, variances, 0.0)


def contrastive_embedding(S: ArrayLike | sparse.sparray, dim: int, *, method: str = "auto") -> SpectralEmbedding:
    """Global minimum of the spectral contrastive loss min_Z ||Z Z^T - S||_F^2: the top positive eigenpairs of S.

    Z = U_K diag((s_k)_+^{1/2}), Loss = ||S||_F^2 - sum_k (s_k)_+^2. With S = G this is the squared form of SimCLR, with
    double-centred squared distances classical scaling, with geodesic distances ISOMAP.

    Parameters
    ----------
    S : (N, N) symmetric similarity, sparse or dense.
    dim : int, embedding dimension K, 1 <= K <= N - 1.
    method : solver of :func:`eigenpairs`.

    Returns
    -------
    SpectralEmbedding with descending eigenvalues; rank = min(K, number of positive eigenvalues of S).

    References
    ----------
    HaoChen et al. 2021; Balestriero & LeCun 2022.

    Examples
    --------
    >>> contrastive_embedding(np.diag([3.0, 2.0, 1.0, -1.0]), 2).eigenvalues
    array([3., 2.])
    """
    S = as_symmetric("S", S)
    w, V, gap = _pairs_and_gap(S, dim, "largest", None, method)
    strengths = np.sqrt(np.where(w > ZERO * abs(w).max(), w, 0.0))
    norm = (sparse.linalg.norm(S) if sparse.issparse(S) else np.linalg.norm(S)) ** 2
    loss = float(norm - np.sum(strengths**4))
    return SpectralEmbedding(V * strengths, w, strengths, V, int(np.sum(strengths > 0)), loss, gap)


def barlow_embedding(
    G: ArrayLike | sparse.sparray, dim: int, *, center: bool = True, method: str = "auto"
) -> SpectralEmbedding:
    r"""Global minimum of Barlow Twins: the top eigenvectors of P = D^{-1/2} G D^{-1/2}, weighted and then mixed.

    Loss = ||C - I||_F^2, C_kl = (Z^T G Z)_kl / sqrt((Z^T D Z)_kk (Z^T D Z)_ll). With P v_k = rho_k v_k,
    Z = D^{-1/2} V_K diag(t)^{1/2} R, t_k = (rho_k - nu)_+ / rho_k^2, nu set by sum_k t_k = K, and R a rotation that
    gives all columns the same energy (Z^T D Z)_kk = 1; Loss = sum_k (1 - t_k rho_k)^2. So for nu >= 0, that is
    K <= sum 1 / rho_k over the r positive rho; for larger K the loss is K - r, and Z has the rank r.

    Parameters
    ----------
    G : (N, N) symmetric non-negative graph without isolated nodes, sparse or dense.
    dim : int, embedding dimension K, 1 <= K <= N - 1.
    center : bool, exclude the constant embedding (which has rho = 1), as batch normalisation does.
    method : solver of :func:`eigenpairs`.

    Returns
    -------
    SpectralEmbedding with eigenvalues rho in [-1, 1], descending, and strengths t_k^{1/2}. For K > sum 1 / rho_k the
    minimum is not unique, and one direction of Z holds a share of the eigenvector that follows the positive ones.

    Raises
    ------
    ValueError
        If G is not a graph, has an isolated node, or dim is out of range.

    References
    ----------
    The subspace is that of Balestriero & LeCun 2022; the weights t are derived in ``spectral/barlow.py``.

    Examples
    --------
    >>> from replearn.spectral import pairs_graph
    >>> ring = pairs_graph(np.arange(6), (np.arange(6) + 1) % 6, 6)
    >>> barlow_embedding(ring, 2).eigenvalues.round(6)
    array([0.5, 0.5])
    """
    G = as_graph("G", G)
    degrees = np.asarray(G.sum(axis=1))
    check_no_isolated(degrees)
    root = np.sqrt(degrees)
    P = sparse.csr_array(sparse.diags_array(1 / root) @ G @ sparse.diags_array(1 / root))
    w, V, gap = _pairs_and_gap(P, dim, "largest", root if center else None, method)
    columns, strengths = barlow_columns(w)
    Z = V @ columns / root[:, None]
    loss = float(np.sum(((columns.T * w) @ columns - np.eye(dim)) ** 2))
    return SpectralEmbedding(Z, w, strengths, V, int(np.sum(strengths > 0)), loss, gap)
