"""Retrieval: the nearest neighbours of a query by cosine, and how often one of them has the query's class."""

import torch
from numpy.typing import ArrayLike

from replearn.evaluation.blocks import rows_in_block, unit_rows
from replearn.evaluation.labeled import detached, feature_pair
from replearn.validate import check_integer, check_labels, check_matrix


def retrieve(z: ArrayLike, queries: ArrayLike, k: int) -> torch.Tensor:
    """Find the k samples of a gallery whose cosine with each query is largest, nearest first.

    Parameters
    ----------
    z : gallery of features (N, D), N >= 2, array or tensor.
    queries : features (M, D). A query that is itself in the gallery finds itself first.
    k : number of neighbours, 1 <= k <= N.

    Returns
    -------
    Tensor (M, k) of indices into z, on its device.

    Notes
    -----
    Costs O(N M D) time and O(N D) memory, in float64.

    References
    ----------
    Instance retrieval as in Caron et al. 2021 (DINO).

    Examples
    --------
    >>> retrieve(torch.eye(3), torch.tensor([[0.0, 2.0, 1.0]]), 2)
    tensor([[1, 2]])
    """
    z, queries = feature_pair(z, queries)
    check_integer("k (at most the number of samples in the gallery)", k, 1, len(z))
    z = unit_rows("z", z)
    chunks = queries.split(rows_in_block(len(z)))
    return torch.cat([(unit_rows("queries", rows) @ z.T).topk(k).indices for rows in chunks])


def recall_at_k(z: ArrayLike, y: ArrayLike, k: int) -> float:
    """Share of samples that have one of their own class among the k nearest others, by cosine.

    Parameters
    ----------
    z : features (N, D), array or tensor.
    y : class of each sample (N,), any integers; each class at least twice, for else there is nothing to find.
    k : number of neighbours, 1 <= k <= N - 1; the sample itself is left out.

    Returns
    -------
    Float in [0, 1], which grows with k.

    Notes
    -----
    Costs O(N^2 D) time and O(N D) memory.

    References
    ----------
    Jegou et al. 2011; as in Oh Song et al. 2016 (metric learning).

    Examples
    --------
    >>> recall_at_k(torch.eye(2).repeat(2, 1), [0, 1, 0, 1], 1)
    1.0
    """
    z = detached(z)
    check_matrix("z", z, min_rows=2)
    y = detached(y).to(z.device)
    check_labels("y", y, len(z))
    check_integer("k (at most the number of other samples)", k, 1, len(z) - 1)
    if (y.unique(return_counts=True)[1] < 2).any():
        raise ValueError("y has a class of a single sample, for which nothing can be found; leave it out")
    z, hits = unit_rows("z", z), 0
    for rows in torch.arange(len(z), device=z.device).split(rows_in_block(len(z))):
        s = z[rows] @ z.T
        s[torch.arange(len(rows), device=z.device), rows] = -torch.inf
        hits += (y[s.topk(k).indices] == y[rows, None]).any(1).sum().item()
    return hits / len(z)
