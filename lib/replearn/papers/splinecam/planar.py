"""Networks of two inputs, whose whole input space is a picture: data, training, and where their tiles are."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from replearn import data
from replearn.models import mlp
from replearn.splines import Partition2D
from replearn.validate import check_integer, check_matrix, check_positive

LEARNING_RATE = 1e-2


def moons(seed: int) -> tuple[Tensor, Tensor]:
    """Draw two moons of 200 points each, centred and scaled to variance 1 in each direction.

    Returns
    -------
    points : Tensor (400, 2), float64
    labels : Tensor (400,), 0 or 1

    Notes
    -----
    Source: the book's own.
    """
    points, labels = data.two_moons(400, noise=0.08, seed=seed)
    return data.standardize(points, dim=0), labels


def network(widths: Sequence[int], seed: int, activation: Callable[[], nn.Module] = nn.ReLU) -> nn.Sequential:
    """Make a fresh perceptron in float64 whose biases, drawn from N(0, 0.3^2), spread its lines over the plane.

    Notes
    -----
    Source: the book's own.
    """
    torch.manual_seed(seed)
    return mlp(widths, activation, bias_std=0.3, dtype=torch.float64)


def training(net: nn.Module, points: Tensor, labels: Tensor, *, steps: int = 400, every: int = 1) -> Iterator[int]:
    """Train a network on all points at once by Adam (rate 0.01); pause before every n-th step and at the end.

    Parameters
    ----------
    net : nn.Module
        Changed in place.
    points : Tensor (N, D)
    labels : Tensor (N,)
    steps, every : int

    Yields
    ------
    int
        The steps taken so far: 0, every, 2 every, ..., steps.

    Raises
    ------
    ValueError
        ``every`` does not divide ``steps``, or one of them is not positive.

    Notes
    -----
    Source: the book's own.
    """
    check_integer("steps", steps, 1)
    check_integer("every", every, 1)
    if steps % every:
        raise ValueError(f"every must divide steps, but {steps} is not a multiple of {every}")
    adam = torch.optim.Adam(net.parameters(), lr=LEARNING_RATE)
    for step in range(steps):
        if step % every == 0:
            yield step
        adam.zero_grad()
        nn.functional.cross_entropy(net(points), labels).backward()
        adam.step()
    yield steps


def train(net: nn.Module, points: Tensor, labels: Tensor, *, steps: int = 400) -> nn.Module:
    """Train a network to the end, in place, and return it; see `training`."""
    for _ in training(net, points, labels, steps=steps, every=steps):
        pass
    return net


def square(half: float, centre: Sequence[float] = (0.0, 0.0)) -> Tensor:
    """The corners (4, 2) of a square, counter-clockwise, from its half-width and its centre."""
    check_positive("half", half)
    corners = torch.tensor([[-1, -1], [1, -1], [1, 1], [-1, 1]], dtype=torch.float64)
    return torch.as_tensor(centre, dtype=torch.float64) + half * corners


def grid(n: int, half: float = 1.0) -> Tensor:
    """The middles (n^2, 2) of the n x n cells of the square [-half, half]^2."""
    check_integer("n", n, 1)
    check_positive("half", half)
    middles = (torch.arange(n, dtype=torch.float64) + 0.5) / n * 2 - 1
    return half * torch.cartesian_prod(middles, middles)


def quarter_turn(points: Tensor) -> Tensor:
    """Turn points (N, 2) about the origin by 90 degrees, counter-clockwise."""
    return torch.stack([-points[:, 1], points[:, 0]], 1)


def tiles_holding(partition: Partition2D, points: Tensor) -> Tensor:
    """Count, for each point (N, 2), the tiles of a partition that hold it, by position alone.

    A point is in a convex polygon with counter-clockwise corners when it lies to the left of every side.

    Returns
    -------
    Tensor (N,)
        1 everywhere inside the domain in a sound partition; 0 in a gap, 2 where tiles overlap.

    Notes
    -----
    Source: the book's own.
    """
    check_matrix("points", points)
    corners = partition.vertices
    sides = corners.roll(-1, 1) - corners
    held = torch.zeros(len(points), dtype=torch.long)
    for i, point in enumerate(points):
        offset = point - corners
        left = sides[..., 0] * offset[..., 1] - sides[..., 1] * offset[..., 0]
        held[i] = (left >= 0).all(1).sum()
    return held


def typical_area(partition: Partition2D, points: Tensor) -> float:
    """The geometric mean of the areas of the tiles that hold the points (N, 2), which lie in the partition's domain.

    Raises
    ------
    ValueError
        A point lies outside the domain.

    Notes
    -----
    Source: the book's own.
    """
    tile = partition.locate(points)
    if (tile < 0).any():
        raise ValueError(f"{int((tile < 0).sum())} of the points lie outside the partition's domain")
    return partition.areas()[tile].log().mean().exp().item()
