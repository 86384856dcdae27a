"""Relation graphs G (N, N): G_ij > 0 where samples i and j are declared to be the same thing."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.sparse.linalg import LinearOperator

from replearn.spectral.arrays import as_array, as_graph, as_points, compact
from replearn.validate import check_between, check_choice, check_finite, check_integer, check_positive


def _codes(name: str, labels: ArrayLike, ignore: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Class codes 0..C-1 of a 1-D label vector (-1 where ignored) and the size of each class."""
    labels = np.asarray(labels.detach().cpu() if hasattr(labels, "detach") else labels)
    if labels.ndim != 1:
        raise ValueError(f"{name} must hold one entry per sample in one dimension, but has shape {labels.shape}")
    kept = np.ones(len(labels), bool) if ignore is None else labels != ignore
    codes = np.full(len(labels), -1)
    _, codes[kept] = np.unique(labels[kept], return_inverse=True)
    sizes = np.bincount(codes[kept])
    if not np.any(sizes > 1):
        raise ValueError(f"{name} declares no positive pair: at least one value must occur twice")
    return codes, sizes


def _indicator(codes: np.ndarray, sizes: np.ndarray) -> sparse.csr_array:
    rows = np.flatnonzero(codes >= 0)
    return sparse.csr_array((np.ones(len(rows)), (rows, codes[rows])), shape=(len(codes), len(sizes)))


def _drop_diagonal(g: sparse.csr_array) -> sparse.csr_array:
    coo = sparse.coo_array(g)
    off = coo.row != coo.col
    return compact(sparse.csr_array((coo.data[off], (coo.row[off], coo.col[off])), shape=g.shape))


def augmentation_graph(ids: ArrayLike, *, self_loops: bool = False) -> sparse.csr_array:
    """Connect the views of each image: G_ij = 1 where ids_i = ids_j and i != j.

    Parameters
    ----------
    ids : (N,) array or tensor, the image that each sample is a view of.
    self_loops : bool, keep the ones on the diagonal.

    Returns
    -------
    (N, N) ``scipy.sparse.csr_array``, float64. With V views of each of N' images the Laplacian has the eigenvalues
    0 (N' times) and V (N'(V - 1) times).

    References
    ----------
    Balestriero & LeCun 2022.

    Examples
    --------
    >>> augmentation_graph([0, 0, 1, 1]).toarray()
    array([[0., 1., 0., 0.],
           [1., 0., 0., 0.],
           [0., 0., 0., 1.],
           [0., 0., 1., 0.]])
    """
    Y = _indicator(*_codes("ids", ids))
    g = compact(Y @ Y.T)
    return g if self_loops else _drop_diagonal(g)


def label_graph(
    labels: ArrayLike, *, normalize: str = "none", ignore: int = -1, self_loops: bool = False, as_operator: bool = False
) -> LinearOperator | sparse.csr_array:
    """Connect the samples of each class: G_ij = 1[y_i = y_j], or 1[y_i = y_j] / n_{y_i} with ``normalize="class"``.

    Parameters
    ----------
    labels : (N,) array or tensor of class labels.
    normalize : "none" or "class"; class-normalised, each class counts alike and (with self-loops) all degrees are 1.
    ignore : label of samples that are connected to nothing, such as unlabelled ones.
    self_loops : bool, keep the diagonal. Self-loops change the degrees but not the Laplacian.
    as_operator : bool, return a low-rank operator: O(N) memory and O(N) a product instead of O(sum_c n_c^2).

    Returns
    -------
    (N, N) ``scipy.sparse.csr_array``, float64, or a symmetric ``LinearOperator`` of that shape.

    References
    ----------
    Balestriero & LeCun 2022.

    Examples
    --------
    >>> label_graph([0, 1, 0]).toarray()
    array([[0., 0., 1.],
           [0., 0., 0.],
           [1., 0., 0.]])
    """
    check_choice("normalize", normalize, ("none", "class"))
    codes, sizes = _codes("labels", labels, ignore)
    Y = _indicator(codes, sizes)
    weights = 1.0 / sizes if normalize == "class" else np.ones(len(sizes))
    if not as_operator:
        g = compact(Y @ sparse.diags_array(weights) @ Y.T)
        return g if self_loops else _drop_diagonal(g)
    diagonal = np.zeros(len(codes)) if self_loops else Y @ weights

    def product(M: np.ndarray) -> np.ndarray:
        M = np.asarray(M, dtype=np.float64).reshape(len(codes), -1)
        return Y @ (weights[:, None] * (Y.T @ M)) - diagonal[:, None] * M

    return LinearOperator(
        (len(codes),) * 2, matvec=product, matmat=product, rmatvec=product, rmatmat=product, dtype=float
    )


def knn_graph(
    X: ArrayLike,
    k: int,
    *,
    weight: str = "connectivity",
    bandwidth: float | None = None,
    symmetrize: str = "union",
) -> sparse.csr_array:
    """Connect each sample to its k nearest neighbours (Euclidean), with weights 1 or exp(-d^2 / (2 bandwidth^2)).

    Parameters
    ----------
    X : (N, D) array or tensor of points.
    k : int, neighbours of each sample, itself not counted.
    weight : "connectivity" (ones) or "heat".
    bandwidth : float, the heat kernel's length; None takes the median neighbour distance.
    symmetrize : "union" (either is a neighbour of the other), "mutual" (both are) or "mean" (average of the two).

    Returns
    -------
    (N, N) ``scipy.sparse.csr_array``, float64, symmetric, zero diagonal, at most 2 k N entries.

    References
    ----------
    Belkin & Niyogi 2003.

    Examples
    --------
    >>> knn_graph([[0.0], [1.0], [5.0]], 1).toarray()
    array([[0., 1., 0.],
           [1., 0., 1.],
           [0., 1., 0.]])
    """
    X = as_points("X", X, min_rows=2)
    check_integer("k", k, 1, len(X) - 1)
    check_choice("weight", weight, ("connectivity", "heat"))
    check_choice("symmetrize", symmetrize, ("union", "mutual", "mean"))
    if bandwidth is not None:
        check_positive("bandwidth", bandwidth)
    from sklearn.neighbors import kneighbors_graph  # slow to import

    g = sparse.csr_array(kneighbors_graph(X, k, mode="distance"))
    if weight == "heat":
        bandwidth = np.median(g.data) if bandwidth is None else bandwidth
        check_positive("bandwidth (the median neighbour distance)", bandwidth)
        g.data = np.exp(-((g.data / bandwidth) ** 2) / 2)
    else:
        g.data = np.ones_like(g.data)
    if symmetrize == "union":
        g = g.maximum(g.T)
    elif symmetrize == "mutual":
        g = g.minimum(g.T)
    else:
        g = (g + g.T) / 2
    return as_graph("the k-NN graph", g)


def pairs_graph(i: ArrayLike, j: ArrayLike, n: int, weights: ArrayLike | None = None) -> sparse.csr_array:
    """Connect given pairs: G_{i_e j_e} = G_{j_e i_e} = weight_e; a pair given twice adds up.

    Parameters
    ----------
    i, j : (E,) arrays or tensors of sample indices, 0..n-1, i_e != j_e.
    n : int, number of samples.
    weights : (E,) non-negative weights, or None for ones.

    Returns
    -------
    (n, n) ``scipy.sparse.csr_array``, float64, symmetric, zero diagonal.

    Raises
    ------
    ValueError
        On indices outside 0..n-1, a self-pair, unequal lengths, negative or non-finite weights, or no positive pair.

    References
    ----------
    Balestriero & LeCun 2022.

    Examples
    --------
    >>> pairs_graph([0, 1], [1, 2], 3).toarray()
    array([[0., 1., 0.],
           [1., 0., 1.],
           [0., 1., 0.]])
    """
    check_integer("n", n, 2)
    i, j = as_array(i), as_array(j)
    weights = np.ones(i.shape) if weights is None else as_array(weights)
    if i.ndim != 1 or not i.shape == j.shape == weights.shape:
        raise ValueError(f"i, j and weights must have one shape (E,), but have {i.shape}, {j.shape}, {weights.shape}")
    check_finite("weights", weights)
    ends = np.concatenate([i, j])
    if np.any(ends != np.round(ends)) or np.any(ends < 0) or np.any(ends >= n):
        raise ValueError(f"i and j must hold integers between 0 and {n - 1}")
    if np.any(i == j):
        raise ValueError("a pair must join two different samples, but some i equals its j")
    if np.any(weights < 0):
        raise ValueError(f"weights must be non-negative, but the smallest is {weights.min():.2g}")
    i, j = i.astype(int), j.astype(int)
    rows, cols = np.concatenate([i, j]), np.concatenate([j, i])
    return as_graph("the graph", sparse.csr_array((np.tile(weights, 2), (rows, cols)), shape=(n, n)))


def _sample_pairs(rng: np.random.Generator, n: int, taken: np.ndarray, count: int) -> np.ndarray:
    """``count`` distinct codes i * n + j, i < j, drawn uniformly from those not in ``taken``."""
    if n * (n - 1) // 2 < 4 * (len(taken) + count):  # few pairs are left to hit: list them all
        i, j = np.triu_indices(n, 1)
        return rng.choice(np.setdiff1d(i * n + j, taken), count, replace=False)
    found = np.empty(0, dtype=np.int64)
    while len(found) < count:
        i, j = np.sort(rng.integers(n, size=(2, 2 * count)), axis=0)
        drawn = (i * n + j)[i < j]
        found = _without_repeats(np.concatenate([found, drawn[~np.isin(drawn, taken)]]))
    return found[:count]


def _without_repeats(codes: np.ndarray) -> np.ndarray:
    """Each code where it occurs first, in that order."""
    return codes[np.sort(np.unique(codes, return_index=True)[1])]


def rewire_graph(G: ArrayLike | sparse.sparray, fraction: float, *, seed: int) -> sparse.csr_array:
    """Replace a random fraction of the edges by uniformly random pairs; the multiset of weights is kept.

    round(fraction * E) of the E edges move to pairs drawn without repetition from all that hold no kept edge.

    Parameters
    ----------
    G : (N, N) symmetric non-negative graph with zero diagonal.
    fraction : float in [0, 1].
    seed : int, for ``numpy.random.default_rng``.

    Returns
    -------
    (N, N) ``scipy.sparse.csr_array`` with as many edges as G.

    References
    ----------
    A corruption test for the graph that Balestriero & LeCun 2022 call aligned.

    Examples
    --------
    >>> rewire_graph(pairs_graph([0, 1], [1, 2], 9), 0.5, seed=0).nnz
    4
    """
    check_between("fraction", fraction, 0, 1)
    g = as_graph("G", G)
    if g.diagonal().any():
        raise ValueError("G must have a zero diagonal; remove its self-loops first")
    n, upper = g.shape[0], sparse.coo_array(sparse.triu(g, 1))
    codes = upper.row.astype(np.int64) * n + upper.col
    rng = np.random.default_rng(seed)
    moved = rng.permutation(len(codes))[: round(fraction * len(codes))]
    codes[moved] = _sample_pairs(rng, n, np.delete(codes, moved), len(moved))
    return pairs_graph(codes // n, codes % n, n, upper.data)
