"""Convex polygons in a plane of the input space."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from replearn.validate import check_choice, check_finite, check_matrix, check_positive


class PlanePolygon(NamedTuple):
    """A convex polygon in a plane: the points origin + basis u of the input space, u in the polygon.

    Attributes
    ----------
    origin : Tensor (D,)
    basis : Tensor (D, 2)
        Orthonormal columns, so that areas in the plane are areas in the input space.
    polygon : Tensor (m, 2)
        Vertices, counter-clockwise.
    """

    origin: Tensor
    basis: Tensor
    polygon: Tensor

    def embed(self, points: Tensor) -> Tensor:
        """Map plane coordinates (..., 2) to the input space (..., D)."""
        return self.origin + points @ self.basis.T


def plane_through(anchors: Tensor, *, pad: float = 0.0, shape: str = "square", seed: int | None = None) -> PlanePolygon:
    """Lay a plane through two or three points of the input space, with a polygon around them.

    The origin is the mean of the anchors. The triangle has the anchors as corners; the square is the smallest one
    around them that is centred at the origin; both are then enlarged by the factor 1 + pad about the origin.

    Parameters
    ----------
    anchors : Tensor (2 or 3, D), D >= 2
    pad : float
    shape : {"square", "triangle"}
    seed : int, optional
        Two anchors leave the plane's second direction open; it is drawn with this seed.

    Returns
    -------
    PlanePolygon
        In float64, on the device of the anchors.

    References
    ----------
    Humayun et al. 2023 (SplineCam).

    Examples
    --------
    >>> plane_through(torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])).basis.shape
    torch.Size([3, 2])
    """
    check_matrix("anchors", anchors, min_rows=2)
    check_positive("pad", pad, allow_zero=True)
    check_choice("shape", shape, ("square", "triangle"))
    count, dim = anchors.shape
    if count > 3 or dim < 2:
        raise ValueError(f"anchors must have shape (2 or 3, D) with D >= 2, but has shape {tuple(anchors.shape)}")
    anchors = anchors.double()
    origin = anchors.mean(0)
    sides = anchors[1:] - anchors[0]
    if count == 2:
        if shape == "triangle" or seed is None:
            raise ValueError("two anchors do not span a plane: pass a seed for the second direction and shape='square'")
        draw = torch.randn(1, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        sides = torch.cat([sides, draw.to(sides.device)])
    basis, r = torch.linalg.qr(sides.T)
    if r.diagonal().abs().min() <= 1e-10 * r.abs().max():
        raise ValueError("the anchors lie on one line (or coincide), so they do not span a plane")
    basis = basis * r.diagonal().sign()
    return PlanePolygon(origin, basis, (1 + pad) * _outline((anchors - origin) @ basis, shape))


def _outline(points: Tensor, shape: str) -> Tensor:
    if shape == "triangle":
        return points
    half = points.abs().max()
    return half * torch.tensor([[-1, -1], [1, -1], [1, 1], [-1, 1]], dtype=points.dtype, device=points.device)


def check_polygon(polygon: Tensor) -> None:
    """Raise ``ValueError`` unless the polygon (m, 2) is finite, convex, counter-clockwise and has an area."""
    if polygon.ndim != 2 or polygon.shape[0] < 3 or polygon.shape[1] != 2:
        raise ValueError(f"the polygon must have shape (m, 2) with m >= 3, but has shape {tuple(polygon.shape)}")
    check_finite("the polygon", polygon)
    points = polygon.detach().double().cpu().numpy()
    side = np.roll(points, -1, 0) - points
    after = np.roll(side, -1, 0)
    cross = side[:, 0] * after[:, 1] - side[:, 1] * after[:, 0]
    turn = np.arctan2(cross, (side * after).sum(1))
    length = np.hypot(*side.T)
    if length.min() == 0:
        raise ValueError("the polygon repeats a vertex; list every corner once")
    if np.abs(cross).max() <= 1e-12 * length.max() ** 2:
        raise ValueError("the vertices of the polygon lie on one line, so it has no area")
    if turn.sum() < 0:
        raise ValueError("the polygon is clockwise; reverse the order of its vertices")
    if (cross < -1e-12 * length * np.roll(length, -1)).any() or abs(turn.sum() - 2 * np.pi) > 1e-6:
        raise ValueError("the polygon is not convex; partition its convex pieces one by one")


def check_plane(piece: PlanePolygon) -> None:
    """Raise ``ValueError`` unless the polygon is sound and the basis (D, 2) has orthonormal columns."""
    origin, basis, polygon = piece
    check_polygon(polygon)
    if origin.ndim != 1 or basis.shape != (len(origin), 2):
        raise ValueError(
            f"origin must have shape (D,) and basis (D, 2), but have {tuple(origin.shape)} and {tuple(basis.shape)}"
        )
    check_finite("origin", origin)
    check_finite("basis", basis)
    gram = basis.double().T @ basis.double()
    if (gram - torch.eye(2, dtype=gram.dtype, device=gram.device)).abs().max() > 1e-8:
        raise ValueError("the columns of basis must be orthonormal, or areas are not areas; use plane_through or a QR")
