"""The exact partition of a plane polygon into the regions on which a network is affine."""

import copy
from collections import Counter
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from replearn.splines.compiling import Affine, MaxPool, Op, compile_piecewise_affine, input_shape, is_layer, run
from replearn.splines.patterns import count_patterns, pattern_keys, patterns_of
from replearn.splines.planes import PlanePolygon, check_plane
from replearn.splines.split import pad
from replearn.splines.sweep import State, Sweep
from replearn.validate import check_finite, check_integer, check_positive


@dataclass(frozen=True, eq=False)
class Partition2D:
    """A polygon of a plane, cut into the convex regions on which a network is affine.

    Attributes
    ----------
    vertices : Tensor (R, K, 2)
        Counter-clockwise in plane coordinates, padded by repeating the last one.
    counts : Tensor (R,)
        The true number of vertices of each region.
    maps : Tensor (R, 3, D_out)
        The network on each region: output = u * maps[:, 0] + v * maps[:, 1] + maps[:, 2].
    patterns : BoolTensor (R, U) or None
        The activation pattern of each region, where asked for.
    domain : PlanePolygon
    ops : list
        The network, in float64.
    work : Counter
        Numbers worked on, the same on every machine: multiply-adds of affine maps ("affine") and of values at
        vertices ("evaluate"), numbers read by cuts ("split").

    References
    ----------
    Humayun et al. 2023 (SplineCam).
    """

    vertices: Tensor
    counts: Tensor
    maps: Tensor
    patterns: Tensor | None
    domain: PlanePolygon
    ops: list[Op]
    work: Counter

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def operations(self) -> int:
        """All the work of the partition, see ``work``."""
        return sum(self.work.values())

    def areas(self) -> Tensor:
        """The area (R,) of each region, in squared units of the plane."""
        return polygon_areas(self.vertices)

    def inner_points(self) -> Tensor:
        """A point (R, 2) inside each region, the mean of its vertices."""
        true = torch.arange(self.vertices.shape[1], device=self.counts.device) < self.counts[:, None]
        return (self.vertices * true[:, :, None]).sum(1) / self.counts[:, None]

    def polygons(self) -> list[np.ndarray]:
        """The regions as arrays (m, 2), for drawing."""
        return [v[:n] for v, n in zip(self.vertices.cpu().numpy(), self.counts.tolist(), strict=True)]

    def norms(self) -> Tensor:
        """The Frobenius norm (R,) of each region's linear map, a value to colour by."""
        return self.maps[:, :2].flatten(1).norm(dim=1)

    def classes(self) -> Tensor:
        """The class (R,) at each region's inner point: the largest output, or [output > 0] where there is one."""
        out = self._apply(torch.arange(len(self), device=self.counts.device), self.inner_points())
        return out.argmax(1) if out.shape[1] > 1 else (out[:, 0] > 0).long()

    def locate(self, points: Tensor) -> Tensor:
        """The index (N,) of the region of each plane point (N, 2), -1 outside the polygon.

        A region is found by its activation pattern; a point whose pattern has no region lies on a wall, and gets the
        region that holds it by position.
        """
        points = self._check_points(points)
        region = torch.full((len(points),), -1, device=points.device)
        inside = depth_in(points, self.domain.polygon[None], torch.zeros_like(region)) >= -1e-12 * self._size()
        known = {key: i for i, key in enumerate(pattern_keys(self._patterns()))}
        keys = pattern_keys(patterns_of(self.ops, self.domain.embed(points[inside])))
        found = torch.tensor([known.get(key, -1) for key in keys], dtype=torch.long, device=points.device)
        region[inside] = found
        for i in (inside & (region < 0)).nonzero()[:, 0].tolist():
            every = torch.arange(len(self), device=points.device)
            region[i] = depth_in(points[i].expand(len(self), 2), self.vertices, every).argmax()
        return region

    def evaluate(self, points: Tensor) -> Tensor:
        """The network (N, D_out) at plane points (N, 2), from the affine map of each point's region."""
        points = self._check_points(points)
        region = self.locate(points)
        if (region < 0).any():
            raise ValueError(f"{int((region < 0).sum())} of the points lie outside the polygon")
        return self._apply(region, points)

    def check(self) -> dict[str, float]:
        """Verify the partition against the network itself.

        ``area_error`` is |sum of areas - area of the polygon| / area of the polygon; ``distinct_patterns`` counts the
        regions with different patterns (all of them in a sound partition); ``map_error`` is the largest difference
        between a region's map and the network at the region's vertices, walls included.
        """
        whole = polygon_areas(self.domain.polygon[None])
        corners = self.vertices.flatten(0, 1)
        region = torch.arange(len(self), device=corners.device).repeat_interleave(self.vertices.shape[1])
        error = (self._apply(region, corners) - self._network(corners)).abs().max()
        return {
            "area_error": float((self.areas().sum() - whole).abs() / whole),
            "distinct_patterns": count_patterns(self._patterns()),
            "map_error": float(error),
        }

    def _apply(self, region: Tensor, points: Tensor) -> Tensor:
        return torch.baddbmm(self.maps[region, 2:], points[:, None], self.maps[region, :2])[:, 0]

    @torch.no_grad()
    def _network(self, points: Tensor) -> Tensor:
        return run(self.ops, self.domain.embed(points)[:, None])[:, 0].flatten(1)

    def _patterns(self) -> Tensor:
        if self.patterns is not None:
            return self.patterns
        return patterns_of(self.ops, self.domain.embed(self.inner_points()))

    def _size(self) -> float:
        return float(self.domain.polygon.abs().max())

    def _check_points(self, points: Tensor) -> Tensor:
        points = torch.as_tensor(points).to(self.vertices)
        if points.ndim != 2 or points.shape[1] != 2:
            raise ValueError(f"points must have shape (N, 2) in the plane, but has shape {tuple(points.shape)}")
        check_finite("points", points)
        return points


def polygon_areas(vertices: Tensor) -> Tensor:
    """The area (R,) of each polygon (R, K, 2), measured from its first vertex so that small areas keep their digits."""
    v = vertices - vertices[:, :1]
    after = v.roll(-1, 1)
    return (v[..., 0] * after[..., 1] - v[..., 1] * after[..., 0]).sum(1) / 2


def depth_in(points: Tensor, polygons: Tensor, which: Tensor) -> Tensor:
    """How deep each point (N, 2) lies inside its polygon ``which`` (N,) of (R, K, 2): negative outside."""
    side = polygons.roll(-1, 1) - polygons
    normal = torch.stack([-side[..., 1], side[..., 0]], -1)
    length = normal.norm(dim=-1)
    depth = ((points[:, None] - polygons[which]) * normal[which]).sum(-1) / length[which]
    return depth.masked_fill(length[which] == 0, torch.inf).amin(1)


@torch.no_grad()
def partition_2d(
    model: nn.Module,
    domain: PlanePolygon | Tensor,
    *,
    origin: Tensor | None = None,
    basis: Tensor | None = None,
    up_to: int | None = None,
    with_patterns: bool = False,
    rtol: float = 1e-10,
    cap: int = 24,
    chunk: int = 2048,
    max_regions: int | None = None,
) -> Partition2D:
    """Cut a convex polygon of the input space into the regions on which the model is one affine map, exactly.

    Layer by layer, unit k of layer l cuts a region where A_k u + c_k = 0, with (A, c) the region's affine map of the
    layers before. All regions are cut together; a line splits the vertex list of a convex polygon at two crossings,
    at which the values of all other units are interpolated exactly. Everything runs in float64 on the model's device.

    Parameters
    ----------
    model : nn.Module
        A piecewise-affine model of vectors (N, D), see `compile_piecewise_affine`; a convolution needs an
        ``nn.Unflatten`` before.
    domain : PlanePolygon or Tensor (m, 2)
        The polygon, convex and counter-clockwise.
    origin, basis : Tensor (D,) and (D, 2), optional
        The plane of a domain given as a polygon; may be left out where D = 2.
    up_to : int, optional
        Stop after this many activation and max-pooling layers.
    with_patterns : bool
        Keep the activation pattern of each region.
    rtol : float
        A unit cuts a region only where it passes zero by more than this part of its largest value there.
    cap : int
        Units by which a region is cut in one sweep.
    chunk : int
        Regions that are worked on together; memory is about chunk * (vertices of a region) * (widest layer) numbers.
    max_regions : int, optional

    Returns
    -------
    Partition2D

    Raises
    ------
    ValueError
        The model is not piecewise affine or does not fit the plane; the polygon is not convex or is clockwise; the
        basis is not orthonormal; a number is out of range.
    RuntimeError
        More than ``max_regions`` regions; the message carries the count so far.

    References
    ----------
    The object is Humayun et al. 2023 (SplineCam); the algorithm (batched half-plane splitting) is ours.

    Examples
    --------
    >>> square = torch.tensor([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
    >>> len(partition_2d(nn.ReLU(), square))
    4
    """
    check_positive("rtol", rtol)
    check_integer("cap", cap, 1)
    check_integer("chunk", chunk, 1)
    if max_regions is not None:
        check_integer("max_regions", max_regions, 1)
    ops = compile_piecewise_affine(copy.deepcopy(model).double().requires_grad_(False))
    weight = next(model.parameters(), torch.zeros(()))
    piece = _plane(domain, origin, basis, weight.device)
    _check_fit(ops, len(piece.origin))
    if up_to is not None:
        ops = _first_layers(ops, up_to)
    sweep = Sweep(rtol, cap, chunk, max_regions, with_patterns)
    # Counted from the centre of the polygon, coordinates keep their digits at any zoom.
    centre = piece.polygon.mean(0)
    done = sweep.run(ops, _initial(piece, centre))
    return _collect(done, ops, piece, centre, sweep)


def _plane(
    domain: PlanePolygon | Tensor, origin: Tensor | None, basis: Tensor | None, device: torch.device
) -> PlanePolygon:
    if isinstance(domain, PlanePolygon):
        if origin is not None or basis is not None:
            raise ValueError("a PlanePolygon carries its own origin and basis; pass them only with a polygon")
        piece = domain
    else:
        plane = torch.eye(2, dtype=torch.float64) if basis is None else torch.as_tensor(basis)
        start = torch.zeros(plane.shape[:1]) if origin is None else torch.as_tensor(origin)
        piece = PlanePolygon(start, plane, torch.as_tensor(domain))
    check_plane(piece)
    return PlanePolygon(*(tensor.detach().to(device, torch.float64) for tensor in piece))


def _check_fit(ops: list[Op], dim: int) -> None:
    expected = input_shape(ops, flat=True)
    if expected is None and any(isinstance(op, Affine | MaxPool) for op in ops):
        raise ValueError("the model must take vectors (N, D); put nn.Unflatten(1, (C, H, W)) before a convolution")
    if expected is not None and expected != (dim,):
        raise ValueError(f"the model takes {expected[0]} inputs, but the plane lies in {dim} dimensions; pass a basis")


def _first_layers(ops: list[Op], up_to: int) -> list[Op]:
    ends = [i + 1 for i, op in enumerate(ops) if is_layer(op)]
    check_integer("up_to", up_to, 1, len(ends))
    return ops[: ends[up_to - 1]]


def _initial(piece: PlanePolygon, centre: Tensor) -> State:
    A = torch.cat([piece.basis.T, piece.embed(centre)[None]])[None]
    n = torch.tensor([len(piece.polygon)], device=A.device)
    no_patterns = torch.zeros(1, 0, dtype=torch.bool, device=A.device)
    return State((piece.polygon - centre)[None], n, A, (), no_patterns)


def _collect(done: list[State], ops: list[Op], piece: PlanePolygon, centre: Tensor, sweep: Sweep) -> Partition2D:
    """Join the finished batches and count their coordinates from the slice's own origin again."""
    width = max(int(state.n.max()) for state in done)
    maps = torch.cat([state.A.flatten(2) for state in done])
    maps[:, 2] -= torch.einsum("rio,i->ro", maps[:, :2], centre)
    return Partition2D(
        vertices=torch.cat([pad(state.V, width) for state in done]) + centre,
        counts=torch.cat([state.n for state in done]),
        maps=maps,
        patterns=torch.cat([state.patterns for state in done]) if sweep.with_patterns else None,
        domain=piece,
        ops=ops,
        work=sweep.work,
    )
