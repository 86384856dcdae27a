"""The exact decision boundary of a partitioned network, as line segments."""

from collections import Counter

import torch
from torch import Tensor

from replearn.splines.partition import Partition2D
from replearn.splines.split import Pieces, argmax_cells, extremes
from replearn.validate import check_finite, check_integer, check_matrix


def decision_boundary_2d(partition: Partition2D, *, level: float = 0.0) -> Tensor:
    """Give the exact decision boundary of the network on the partition's polygon, as segments.

    With several outputs these are the points at which the largest output changes, {h_i = h_j >= all others}; with one
    output h they are {h = level}. In each region the outputs are affine, so that its part of the boundary is straight.

    Parameters
    ----------
    partition : Partition2D
    level : float
        Only for a network with one output.

    Returns
    -------
    Tensor (S, 2, 2)
        Start and end of each segment in plane coordinates; S = 0 where the class never changes.

    References
    ----------
    Humayun et al. 2023 (SplineCam).

    Examples
    --------
    >>> from replearn.splines import partition_2d
    >>> square = torch.tensor([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
    >>> decision_boundary_2d(partition_2d(torch.nn.ReLU(), square)).shape
    torch.Size([2, 2, 2])
    """
    check_finite("level", torch.tensor(float(level)))
    outputs = partition.maps.shape[2]
    if outputs > 1 and level != 0:
        raise ValueError(f"level is for a network with one output, but this one has {outputs}")
    centre = partition.domain.polygon.mean(0)
    V = partition.vertices - centre
    maps = partition.maps.clone()
    maps[:, 2] += torch.einsum("rio,i->ro", maps[:, :2], centre)
    H = torch.baddbmm(maps[:, 2:], V, maps[:, :2])
    if outputs == 1:
        H = torch.cat([H, torch.full_like(H, level)], 2)
    return _segments(V, partition.counts, H) + centre


def _segments(V: Tensor, n: Tensor, H: Tensor, rtol: float = 1e-10) -> Tensor:
    near = (H.amax(2, keepdim=True) - H).amin(1) <= rtol * H.abs().amax((1, 2))[:, None]
    rows = (near.sum(1) > 1).nonzero()[:, 0]
    cells, i = argmax_cells(V[rows], n[rows], H[rows], rtol, Counter())
    return _zero_edges(cells, i, rtol)


def _zero_edges(cells: Pieces, i: Tensor, rtol: float) -> Tensor:
    """The edges of cell i on which h_i = h_j for a j > i: each edge lies between two cells and is taken from one."""
    P, n, _ = cells
    high, _, tol = extremes(P[:, :, 2:], rtol)
    place = torch.arange(P.shape[1], device=P.device)
    after = P.gather(1, ((place + 1) % n[:, None])[:, :, None].expand_as(P))
    zero = (P[:, :, 2:].abs() <= tol[:, None]) & (after[:, :, 2:].abs() <= tol[:, None]) & (high > tol)[:, None]
    later = torch.arange(zero.shape[2], device=P.device) > i[:, None]
    edge = (zero & later[:, None]).any(2) & (place < n[:, None])
    segments = torch.stack([P[:, :, :2][edge], after[:, :, :2][edge]], 1)
    return segments[(segments[:, 0] != segments[:, 1]).any(1)]


def sample_segments(segments: Tensor, n: int, seed: int) -> Tensor:
    """Draw points on segments, uniformly by length.

    Parameters
    ----------
    segments : Tensor (S, 2, 2)
    n : int
    seed : int

    Returns
    -------
    Tensor (n, 2)

    Examples
    --------
    >>> sample_segments(torch.tensor([[[0.0, 0.0], [0.0, 1.0]]]), 4, seed=0).shape
    torch.Size([4, 2])
    """
    _check_segments(segments)
    check_integer("n", n, 1)
    generator = torch.Generator().manual_seed(seed)
    length = (segments[:, 1] - segments[:, 0]).norm(dim=1).double().cpu()
    if length.sum() == 0:
        raise ValueError("all segments have length zero")
    which = torch.multinomial(length, n, replacement=True, generator=generator).to(segments.device)
    t = torch.rand(n, 1, generator=generator, dtype=torch.float64).to(segments)
    return torch.lerp(segments[which, 0], segments[which, 1], t)


def distance_to_segments(x: Tensor, segments: Tensor, *, chunk: int = 1024) -> Tensor:
    """Give the Euclidean distance from each point to the nearest segment.

    Parameters
    ----------
    x : Tensor (N, 2)
    segments : Tensor (S, 2, 2)
    chunk : int
        Points at a time; memory is chunk * S numbers.

    Returns
    -------
    Tensor (N,), in the units of x

    Examples
    --------
    >>> distance_to_segments(torch.tensor([[3.0, 0.5]]), torch.tensor([[[0.0, 0.0], [0.0, 1.0]]]))
    tensor([3.])
    """
    _check_segments(segments)
    check_matrix("x", x)
    check_integer("chunk", chunk, 1)
    if x.shape[1] != 2:
        raise ValueError(f"x must have shape (N, 2), but has shape {tuple(x.shape)}")
    start, side = segments[:, 0], segments[:, 1] - segments[:, 0]
    square = side.square().sum(1).clamp(min=torch.finfo(side.dtype).tiny)
    nearest = []
    for part in x.split(chunk):
        offset = part[:, None] - start
        t = ((offset * side).sum(2) / square).clamp(0, 1)
        nearest.append((offset - t[:, :, None] * side).norm(dim=2).amin(1))
    return torch.cat(nearest)


def _check_segments(segments: Tensor) -> None:
    if segments.ndim != 3 or segments.shape[1:] != (2, 2) or len(segments) < 1:
        raise ValueError(f"segments must have shape (S, 2, 2) with S >= 1, but has shape {tuple(segments.shape)}")
    check_finite("segments", segments)
