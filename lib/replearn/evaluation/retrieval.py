"""Retrieval: the nearest neighbours of a query by cosine, and how often one of them has the query's class."""

from typing import Annotated

import torch
from numpy.typing import ArrayLike

from replearn.contract import Array, Classes, Samples, Whole, checked
from replearn.evaluation.blocks import rows_in_block, unit_rows
from replearn.evaluation.tensors import detached


@checked
def retrieve(z: Samples, queries: Annotated[ArrayLike, Array("M K")], k: Annotated[int, Whole(1)]) -> torch.Tensor:
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
    z, queries = detached(z), detached(queries)
    if k > len(z):
        raise ValueError(f"k must be at most the number of samples in z, {len(z)}, but is {k}")
    z = unit_rows("z", z)
    chunks = queries.split(rows_in_block(len(z)))
    return torch.cat([(unit_rows("queries", rows) @ z.T).topk(k).indices for rows in chunks])


@checked
def recall_at_k(z: Samples, y: Classes, k: Annotated[int, Whole(1)]) -> float:
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
    y = detached(y).to(z.device)
    if k >= len(z):
        raise ValueError(f"k must be at most the number of other samples, {len(z) - 1}, but is {k}")
    if (y.unique(return_counts=True)[1] < 2).any():
        raise ValueError("y has a class of a single sample, for which nothing can be found; leave it out")
    z, hits = unit_rows("z", z), 0
    for rows in torch.arange(len(z), device=z.device).split(rows_in_block(len(z))):
        s = z[rows] @ z.T
        s[torch.arange(len(rows), device=z.device), rows] = -torch.inf
        hits += (y[s.topk(k).indices] == y[rows, None]).any(1).sum().item()
    return hits / len(z)
