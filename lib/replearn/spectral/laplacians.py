"""Graph Laplacians: the quadratic form that measures how much an embedding varies along the edges of a graph."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from replearn.spectral.arrays import as_graph
from replearn.validate import check_choice


def laplacian(G: ArrayLike | sparse.sparray, *, kind: str = "unnormalized") -> tuple[sparse.csr_array, np.ndarray]:
    """Laplacian of a graph: L = D - G, I - D^{-1/2} G D^{-1/2} ("sym") or I - D^{-1} G ("rw"), D = diag(G 1).

    sum_ij G_ij ||z_i - z_j||^2 = 2 tr(Z^T L Z) for the unnormalised one: every edge is counted twice.

    Parameters
    ----------
    G : (N, N) symmetric non-negative graph, sparse or dense; self-loops leave D - G unchanged.
    kind : "unnormalized", "sym" or "rw".

    Returns
    -------
    L : (N, N) ``scipy.sparse.csr_array``, float64.
    degrees : (N,) array G 1.

    Raises
    ------
    ValueError
        If G is asymmetric, negative or empty, ``kind`` is unknown, or a node is isolated with "sym" or "rw".

    References
    ----------
    Belkin & Niyogi 2003; von Luxburg 2007.

    Examples
    --------
    >>> laplacian([[0.0, 1.0], [1.0, 0.0]])[0].toarray()
    array([[ 1., -1.],
           [-1.,  1.]])
    """
    check_choice("kind", kind, ("unnormalized", "sym", "rw"))
    g = as_graph("G", G)
    degrees = np.asarray(g.sum(axis=1))
    if kind == "unnormalized":
        return sparse.csr_array(sparse.diags_array(degrees) - g), degrees
    check_no_isolated(degrees)
    left = sparse.diags_array(degrees**-0.5 if kind == "sym" else 1 / degrees)
    right = sparse.diags_array(degrees**-0.5) if kind == "sym" else sparse.eye_array(len(degrees))
    return sparse.csr_array(sparse.eye_array(len(degrees)) - left @ g @ right), degrees


def check_no_isolated(degrees: np.ndarray) -> None:
    """Raise unless every node has at least one edge."""
    isolated = np.flatnonzero(degrees <= 0)
    if len(isolated):
        raise ValueError(
            f"every node needs an edge, but {len(isolated)} are isolated, the first at index {isolated[0]}"
        )
