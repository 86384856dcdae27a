"""Batches of convex polygons, cut by lines.

A batch is P (R, K, 2 + m) with true vertex counts n (R,): the vertices of each polygon counter-clockwise, padded by
repeating the last one, first their two coordinates and then m attributes, affine functions of the position whose zero
lines cut. A crossing inherits all attributes by interpolation, which is exact because they are affine.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

# Attributes are scaled by the largest value in their polygon, so rounding leaves about 1e-16 where a zero is meant.
NOISE = 1e-14
TINY = torch.finfo(torch.float64).tiny


class Pieces(NamedTuple):
    """Polygons P (R, K, 2 + m), their vertex counts n (R,) and the index of the polygon each was cut from (R,)."""

    P: Tensor
    n: Tensor
    parent: Tensor

    @classmethod
    def whole(cls, P: Tensor, n: Tensor) -> "Pieces":
        """Each polygon as its own piece."""
        return cls(P, n, torch.arange(len(P), device=P.device))

    def pick(self, rows: Tensor) -> "Pieces":
        """The pieces of these indices, or where this mask is True."""
        return Pieces(self.P[rows], self.n[rows], self.parent[rows])


def join(parts: Sequence[Pieces]) -> Pieces:
    """Concatenate batches, padded to the largest vertex count."""
    width = max((int(part.n.max()) for part in parts if len(part.n)), default=parts[0].P.shape[1])
    return Pieces(
        torch.cat([pad(part.P, width) for part in parts]),
        torch.cat([part.n for part in parts]),
        torch.cat([part.parent for part in parts]),
    )


def pad(P: Tensor, width: int) -> Tensor:
    """Bring the vertex dimension of P (R, K, ...) to ``width``, repeating the last vertex or dropping repeats."""
    missing = width - P.shape[1]
    return P[:, :width] if missing <= 0 else torch.cat([P, P[:, -1:].expand(-1, missing, -1)], 1)


def extremes(values: Tensor, rtol: float) -> tuple[Tensor, Tensor, Tensor]:
    """Extremes over the vertices of values (R, K, m), and the tolerance under which a value counts as zero."""
    high, low = values.amax(1), values.amin(1)
    return high, low, (rtol * torch.maximum(high, -low)).clamp(min=NOISE)


def balance_of(high: Tensor, low: Tensor, tol: Tensor) -> Tensor:
    """How evenly a zero line cuts, in (0, 1/2]; -1 where it does not cut."""
    balance = torch.minimum(high, -low) / (high - low).clamp(min=TINY)
    return balance.masked_fill_((high <= tol) | (low >= -tol), -1)


def split_batch(P: Tensor, n: Tensor, rtol: float, work: Counter) -> Pieces:
    """Cut every polygon along the zero lines of all its attributes; no attribute changes sign in a piece."""
    pieces = Pieces.whole(P, n)
    finished = []
    while len(pieces.n):
        high, low, tol = extremes(pieces.P[:, :, 2:], rtol)
        work["split"] += pieces.P.numel()
        best, k = balance_of(high, low, tol).max(1)
        crossed = best > 0
        finished.append(pieces.pick(~crossed))
        k, tol = k[crossed], tol[crossed].gather(1, k[crossed, None])
        pieces = join(cut(pieces.pick(crossed), k, tol))
    return join(finished)


def clip_batch(P: Tensor, n: Tensor, keep_ties: Tensor, rtol: float, work: Counter) -> Pieces:
    """Keep of every polygon the part on which all attributes are >= 0; ties everywhere stay where keep_ties (R, m)."""
    pieces = Pieces.whole(P, n)
    for k in range(P.shape[2] - 2):
        if not len(pieces.n):
            break
        high, low, tol = (bound[:, 0] for bound in extremes(pieces.P[:, :, 2 + k : 3 + k], rtol))
        work["split"] += pieces.P.numel()
        whole = (low >= -tol) & ((high > tol) | keep_ties[pieces.parent, k])
        crossed = (low < -tol) & (high > tol)
        column = torch.full((int(crossed.sum()),), k, device=P.device)
        pieces = join([pieces.pick(whole), cut(pieces.pick(crossed), column, tol[crossed, None])[0]])
    return pieces


def cut(pieces: Pieces, k: Tensor, tol: Tensor) -> tuple[Pieces, Pieces]:
    """Cut each polygon by its attribute k (R,), which takes both signs beyond tol (R, 1): the + parts, the - parts.

    A line meets a convex polygon in two points. Its vertices are read from the first positive one on: a run of p
    positive vertices, the crossing X1, the others, the crossing X2. A vertex within tol counts as on the line.
    """
    P, n, parent = pieces
    rows, K, width = P.shape
    if not rows:
        return pieces, pieces
    column = (2 + k)[:, None, None]
    value = P.gather(2, column.expand(-1, K, 1))[..., 0]
    value = value.masked_fill(value.abs() <= tol, 0)
    start, p = _positive_run(value, n)

    def vertex(j: Tensor) -> Tensor:
        return (start[:, None] + j) % n[:, None]

    # The ends of both runs: the last positive vertex and the first other, the last other and the first positive.
    first = torch.zeros_like(p)
    ends = vertex(torch.stack([p - 1, p, n - 1, first], 1))
    corner, v = P.gather(1, ends[:, :, None].expand(-1, -1, width)), value.gather(1, ends)
    t = torch.stack([v[:, 0] / (v[:, 0] - v[:, 1]), v[:, 3] / (v[:, 3] - v[:, 2])], 1)
    crossings = torch.lerp(corner[:, [0, 3]], corner[:, [1, 2]], t[:, :, None])
    crossings.scatter_(2, column.expand(-1, 2, 1), 0.0)
    pool, X1, X2 = torch.cat([P, crossings], 1), K, K + 1

    on_line = (v[:, 1:3] == 0).long()
    others = n - p - on_line.sum(1)
    above = _take(pool, _ring(vertex, first, p, X1, X2))
    below = _take(pool, _ring(vertex, p + on_line[:, 0], others, X2, X1))
    return Pieces(above, p + 2, parent), Pieces(below, others + 2, parent)


def _positive_run(value: Tensor, n: Tensor) -> tuple[Tensor, Tensor]:
    """The first positive vertex (R,) after one that is not, and how many are positive (R,); value is (R, K)."""
    positive = (value > 0) & (torch.arange(value.shape[1], device=value.device) < n[:, None])
    before = torch.cat([positive.gather(1, n[:, None] - 1), positive[:, :-1]], 1)
    return (positive & ~before).int().argmax(1), positive.sum(1)


def _ring(vertex: Callable[[Tensor], Tensor], first: Tensor, length: Tensor, then: int, last: int) -> Tensor:
    """Indices (R, J) of a piece: ``length`` vertices from ``first`` on, then the crossings ``then`` and ``last``."""
    j = torch.arange(int(length.max()) + 2, device=length.device)
    index = torch.where(j < length[:, None], vertex(first[:, None] + j), last)
    return torch.where(j == length[:, None], then, index)


def _take(pool: Tensor, index: Tensor) -> Tensor:
    """The vertices (R, J, ...) of these indices (R, J) in each pool (R, K, ...)."""
    offset = torch.arange(len(pool), device=pool.device)[:, None] * pool.shape[1]
    return pool.flatten(0, 1)[offset + index]


def argmax_cells(V: Tensor, n: Tensor, H: Tensor, rtol: float, work: Counter) -> tuple[Pieces, Tensor]:
    """Cut each polygon V (R, K, 2) into its cells i, where value i of H (R, K, g) is the largest (first of ties).

    Returns the cells, whose attribute j is h_i - h_j, and the i of each. Clipping cell by cell makes no cut where two
    values tie below a third.
    """
    count, _, g = H.shape
    H = H / H.abs().amax((1, 2), keepdim=True).clamp(min=TINY)
    gaps = (H[:, :, :, None] - H[:, :, None]).permute(0, 2, 1, 3).flatten(0, 1)
    P = torch.cat([V.repeat_interleave(g, 0), gaps], 2)
    ties = torch.ones(g, g, dtype=torch.bool, device=V.device).triu().repeat(count, 1)
    cells = clip_batch(P, n.repeat_interleave(g), ties, rtol, work)
    return Pieces(cells.P, cells.n, cells.parent // g), cells.parent % g
