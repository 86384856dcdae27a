"""Slow, plain and independent: what the fast partition is checked against."""

import itertools

import numpy as np
from torch import Tensor, nn

from replearn.splines.compiling import Activation, Affine, compile_piecewise_affine
from replearn.splines.planes import check_polygon
from replearn.validate import check_finite, check_matrix


def arrangement_count(W: Tensor, b: Tensor, polygon: Tensor) -> int:
    """Count the regions into which lines cut a convex polygon, by Euler's formula.

    The lines are {u : W_k u + b_k = 0}. Regions = 1 + L + X with L the lines that cross the polygon and X the pairs
    that cross inside it; exact where no three lines meet in one point and none coincide (general position).

    Parameters
    ----------
    W : Tensor (w, 2)
    b : Tensor (w,)
    polygon : Tensor (m, 2)
        Convex, counter-clockwise.

    Returns
    -------
    int

    References
    ----------
    Zaslavsky 1975, "Facing up to arrangements", in a convex window.

    Examples
    --------
    >>> import torch
    >>> square = torch.tensor([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
    >>> arrangement_count(torch.eye(2), torch.zeros(2), square)
    4
    """
    W, b, polygon = _as_arrays(W, b, polygon)
    heights = polygon @ W.T + b
    lines = np.flatnonzero((heights.max(0) > 0) & (heights.min(0) < 0))
    crossings = sum(_cross_inside(W[[i, j]], b[[i, j]], polygon) for i, j in itertools.combinations(lines, 2))
    return 1 + len(lines) + crossings


def _cross_inside(W: np.ndarray, b: np.ndarray, polygon: np.ndarray) -> bool:
    """Whether two lines cross, and do so inside the polygon."""
    if np.linalg.det(W) == 0:
        return False
    offset = np.linalg.solve(W, -b) - polygon
    side = np.roll(polygon, -1, 0) - polygon
    return bool((side[:, 0] * offset[:, 1] - side[:, 1] * offset[:, 0] > 0).all())


def _as_arrays(W: Tensor, b: Tensor, polygon: Tensor) -> list[np.ndarray]:
    check_matrix("W", W)
    if W.shape[1] != 2 or b.shape != W.shape[:1]:
        raise ValueError(f"W must have shape (w, 2) and b (w,), but have {tuple(W.shape)} and {tuple(b.shape)}")
    check_finite("b", b)
    check_polygon(polygon)
    return [tensor.detach().double().cpu().numpy() for tensor in (W, b, polygon)]


def partition_2d_reference(model: nn.Module, polygon: Tensor) -> list[tuple[np.ndarray, np.ndarray]]:
    """Cut a polygon into the regions of a model, one polygon and one unit at a time, in plain Python.

    The recursion that anyone would write first: at each layer, each unit's line clips each region into two. It is the
    oracle of the tests and the yardstick of the benchmark, and it is slow.

    Parameters
    ----------
    model : nn.Module
        Linear layers and ReLU, LeakyReLU or Abs, of two inputs.
    polygon : Tensor (m, 2)
        Convex, counter-clockwise.

    Returns
    -------
    list of (vertices (m, 2), map (3, D_out))
    """
    ops = compile_piecewise_affine(model)
    check_polygon(polygon)
    regions = [(polygon.detach().double().tolist(), np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))]
    for op in ops:
        if isinstance(op, Affine) and isinstance(op.module, nn.Linear):
            weight = op.module.weight.detach().double().cpu().numpy()
            bias = np.zeros(len(weight)) if op.module.bias is None else op.module.bias.detach().double().cpu().numpy()
            regions = [(vertices, np.vstack([A[:2] @ weight.T, A[2] @ weight.T + bias])) for vertices, A in regions]
        elif isinstance(op, Activation):
            regions = [piece for region in regions for piece in _fold(*region, op.slope)]
        else:
            raise ValueError("the reference knows Linear, ReLU, LeakyReLU and Abs only")
    return [(np.array(vertices), A) for vertices, A in regions]


def _fold(vertices: list, A: np.ndarray, slope: float) -> list[tuple[list, np.ndarray]]:
    pieces = [vertices]
    for a, b, c in A.T.tolist():
        pieces = [part for piece in pieces for part in _halves(piece, a, b, c)]
    out = []
    for piece in pieces:
        value = np.append(np.mean(piece, 0), 1.0) @ A
        out.append((piece, A * np.where(value > 0, 1.0, slope)))
    return out


def _halves(piece: list, a: float, b: float, c: float) -> list[list]:
    value = [a * x + b * y + c for x, y in piece]
    tol = 1e-10 * max(map(abs, value))
    if max(value) <= tol or min(value) >= -tol:
        return [piece]
    above: list = []
    below: list = []
    for k, (point, v) in enumerate(zip(piece, value, strict=True)):
        (above if v > 0 else below).append(point)
        after, w = piece[(k + 1) % len(piece)], value[(k + 1) % len(piece)]
        if (v > 0) != (w > 0):
            t = v / (v - w)
            crossing = [point[0] + t * (after[0] - point[0]), point[1] + t * (after[1] - point[1])]
            above.append(crossing)
            below.append(crossing)
    return [above, below]
