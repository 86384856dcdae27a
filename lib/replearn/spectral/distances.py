"""From distances to inner products: what ISOMAP and classical scaling put in place of a similarity matrix."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.sparse.csgraph import connected_components, shortest_path

from replearn.spectral.arrays import as_graph, as_points, as_symmetric
from replearn.spectral.embeddings import SpectralEmbedding, contrastive_embedding
from replearn.validate import check_integer


def double_center(D2: ArrayLike) -> np.ndarray:
    """Inner products from squared distances: S = -H D2 H / 2 with the centring H = I - 1 1^T / N.

    Parameters
    ----------
    D2 : (N, N) symmetric array or tensor of squared distances.

    Returns
    -------
    (N, N) array; positive semi-definite where the distances are Euclidean.

    References
    ----------
    Torgerson 1952; Tenenbaum et al. 2000.

    Examples
    --------
    >>> double_center([[0.0, 4.0], [4.0, 0.0]])
    array([[ 1., -1.],
           [-1.,  1.]])
    """
    D2 = as_symmetric("D2", D2)
    D2 = D2 if isinstance(D2, np.ndarray) else D2.toarray()
    means = D2.mean(axis=0)
    return (means[:, None] + means[None] - D2 - means.mean()) / 2


def classical_mds(D2: ArrayLike, dim: int, *, method: str = "auto") -> SpectralEmbedding:
    """Classical scaling: points whose distances are as given, from the top eigenpairs of the double-centered squares.

    With S = -H D2 H / 2 and its top eigenpairs (s_k, v_k), the coordinates are (s_k)_+^{1/2} v_k: the minimum of
    ||Z Z^T - S||_F^2. Given squared geodesic distances it is ISOMAP.

    Parameters
    ----------
    D2 : (N, N) symmetric array or tensor of squared distances.
    dim : int, embedding dimension K, 1 <= K <= N - 1.
    method : solver of :func:`eigenpairs`.

    Returns
    -------
    SpectralEmbedding of :func:`contrastive_embedding`, with descending eigenvalues of S.

    References
    ----------
    Torgerson 1952; Tenenbaum et al. 2000 for ISOMAP.

    Examples
    --------
    >>> abs(classical_mds([[0.0, 4.0], [4.0, 0.0]], 1).Z).round(6)
    array([[1.],
           [1.]])
    """
    D2 = as_symmetric("D2", D2)
    if abs(D2.diagonal()).max() > 1e-8 * abs(D2).max():
        raise ValueError("D2 must hold squared distances, which are zero on the diagonal")
    return contrastive_embedding(double_center(D2), dim, method=method)


def geodesic_distances(X: ArrayLike | sparse.sparray, k: int | None = None) -> np.ndarray:
    """Lengths of the shortest paths along a neighbour graph: the distances that ISOMAP preserves.

    Parameters
    ----------
    X : (N, D) points, joined to their ``k`` nearest neighbours by edges as long as their distance;
        or, with ``k=None``, an (N, N) symmetric graph whose weights are edge lengths.
    k : int, number of neighbours, or None.

    Returns
    -------
    (N, N) array of path lengths.

    Raises
    ------
    ValueError
        If X is not finite, k is outside 1..N-1, a length is negative, or the graph is not connected.

    References
    ----------
    Tenenbaum et al. 2000.

    Examples
    --------
    >>> geodesic_distances([[0.0], [1.0], [3.0]], 1)
    array([[0., 1., 3.],
           [1., 0., 2.],
           [3., 2., 0.]])
    """
    if k is None:
        g = as_graph("X (edge lengths, as k is None)", X)
    else:
        X = as_points("X", X, min_rows=2)
        check_integer("k", k, 1, len(X) - 1)
        from sklearn.neighbors import kneighbors_graph  # slow to import

        g = kneighbors_graph(X, k, mode="distance")
    parts = connected_components(g, directed=False)[0]
    if parts > 1:
        raise ValueError(f"the neighbour graph must be connected, but falls into {parts} parts; raise k")
    return np.asarray(shortest_path(g, method="D", directed=False))
