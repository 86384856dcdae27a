"""Small networks on small digits, trained with and without shifts, and the tiles between training images."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap

from replearn import data, splines
from replearn.validate import check_integer

CLASSES = 10
BATCH = 100


class SmallDigits(NamedTuple):
    """MNIST digits, pooled to 14 x 14 pixels: images (N, 1, 14, 14), labels (N,), and the same for the test."""

    images: Tensor
    labels: Tensor
    test_images: Tensor
    test_labels: Tensor


class Stage(NamedTuple):
    """Several networks after some epochs: their parameters, {name: (S, ...)}, and test accuracies (S,)."""

    weights: dict[str, Tensor]
    accuracy: Tensor


def small_digits(n: int = 3000) -> SmallDigits:
    """Load the first n training images of ``mnist_10k`` and its test images, averaged over 2 x 2 pixels.

    Raises
    ------
    ValueError
        n is not a positive integer, or there are fewer training images.
    """
    digits = data.load("mnist_10k")
    check_integer("n", n, 1, digits.n_train)
    small = nn.functional.avg_pool2d(digits.images, 2)
    return SmallDigits(small[:n], digits.labels[:n], small[digits.n_train :], digits.test[1])


def shift_each(images: Tensor, moves: Tensor) -> Tensor:
    """Shift each image by its own number of pixels down and to the right; what comes in is black.

    Parameters
    ----------
    images : Tensor (N, 1, H, W)
    moves : Tensor (N, 2), int64
        Pixels down and pixels to the right, negative for up and left.

    Returns
    -------
    Tensor (N, 1, H, W)

    Raises
    ------
    ValueError
        moves are not two integers for each image.

    Notes
    -----
    Source: the book's own.
    """
    _check_moves(moves, len(images))
    most = int(moves.abs().max())
    framed = nn.functional.pad(images[:, 0], [most] * 4)
    rows = most - moves[:, 0, None] + torch.arange(images.shape[2])
    columns = most - moves[:, 1, None] + torch.arange(images.shape[3])
    image = torch.arange(len(images))[:, None, None]
    return framed[image, rows[:, :, None], columns[:, None, :]][:, None]


def _check_moves(moves: Tensor, count: int) -> None:
    if moves.shape != (count, 2) or moves.is_floating_point():
        raise ValueError(
            f"moves must hold two integers for each image, shape ({count}, 2), but have shape {tuple(moves.shape)} "
            f"and type {moves.dtype}"
        )


def follow_training(
    make: Callable[[], nn.Module],
    starts: Sequence[int],
    digits: SmallDigits,
    epochs: Sequence[int],
    *,
    shift: int = 0,
    rate: float = 3e-3,
    order: int = 0,
) -> dict[int, Stage]:
    """Train several networks side by side, each from its own start and with its own batches, and keep some stages.

    Each network has its own Adam, batches of 100, and its own shifts. Calls with the same starts begin with the same
    weights and draw the same batches, so that their networks can be compared in pairs.

    Parameters
    ----------
    make : callable
        Makes a network of images (N, 196), drawn from torch's global generator.
    starts : sequence of int
        A seed for each network.
    digits : SmallDigits
    epochs : sequence of int
        The stages to keep, ascending, 0 for the fresh network.
    shift : int
        Most pixels by which an image is shifted.
    rate : float
        Learning rate.
    order : int
        Another number gives the batches another order.

    Returns
    -------
    dict
        {epochs: Stage}

    Raises
    ------
    ValueError
        epochs are not ascending integers, at least 0, or shift is negative.
    """
    for epoch in epochs:
        check_integer("epochs", epoch, 0)
    if not epochs or list(epochs) != sorted(set(epochs)):
        raise ValueError(f"epochs must be ascending, but are {list(epochs)}")
    check_integer("shift", shift, 0)
    nets = [_fresh(make, start) for start in starts]
    weights = {name: value.detach().requires_grad_() for name, value in stack_module_state(nets)[0].items()}
    forward = vmap(lambda own, batch: functional_call(nets[0], own, (batch,)))
    orders = [torch.Generator().manual_seed(1000 * order + start) for start in starts]
    shifts = [torch.Generator().manual_seed(start) for start in starts]
    adam = torch.optim.Adam(weights.values(), lr=rate, fused=True)
    stages = {}
    for epoch in range(epochs[-1] + 1):
        if epoch in epochs:
            stages[epoch] = _stage(forward, weights, digits)
        if epoch == epochs[-1]:
            break
        shuffled = torch.stack([torch.randperm(len(digits.images), generator=own) for own in orders])
        for batch in shuffled.split(BATCH, 1):
            images = digits.images[batch.flatten()]
            if shift:
                size = (batch.shape[1], 2)
                moves = [torch.randint(-shift, shift + 1, size, generator=own) for own in shifts]
                images = shift_each(images, torch.cat(moves))
            outputs = forward(weights, images.reshape(*batch.shape, -1))
            # The sum over networks: each gets the gradient of its own mean.
            loss = len(nets) * nn.functional.cross_entropy(outputs.flatten(0, 1), digits.labels[batch].flatten())
            adam.zero_grad()
            loss.backward()
            adam.step()
    return stages


def _fresh(make: Callable[[], nn.Module], start: int) -> nn.Module:
    torch.manual_seed(start)
    return make()


@torch.no_grad()
def _stage(forward: Callable, weights: dict[str, Tensor], digits: SmallDigits) -> Stage:
    count = len(next(iter(weights.values())))
    guess = forward(weights, digits.test_images.flatten(1).expand(count, -1, -1)).argmax(2)
    accuracy = (guess == digits.test_labels).double().mean(1)
    return Stage({name: value.detach().clone() for name, value in weights.items()}, accuracy)


def network_at(make: Callable[[], nn.Module], stage: Stage, which: int) -> nn.Module:
    """The network number ``which`` of a stage, as a module."""
    net = make()
    net.load_state_dict({name: value[which] for name, value in stage.weights.items()})
    return net


def triangles(digits: SmallDigits, seed: int, count: int) -> list[splines.PlanePolygon]:
    """Draw triangles, each with three training images of different classes as corners.

    Notes
    -----
    Source: the slices through training images of Humayun et al. 2023.
    """
    check_integer("count", count, 1)
    generator = torch.Generator().manual_seed(seed)
    drawn = []
    for _ in range(count):
        three = torch.randperm(CLASSES, generator=generator)[:3]
        members = [(digits.labels == label).nonzero()[:, 0] for label in three]
        corners = [own[torch.randint(len(own), (), generator=generator)] for own in members]
        drawn.append(splines.plane_through(digits.images[torch.stack(corners)].flatten(1), shape="triangle"))
    return drawn


def tiles_per_area(net: nn.Module, polygons: Sequence[splines.PlanePolygon]) -> float:
    """The mean over plane polygons of the number of a network's tiles per unit of area."""
    partitions = [splines.partition_2d(net, polygon) for polygon in polygons]
    densities = [len(partition) / partition.areas().sum().item() for partition in partitions]
    return sum(densities) / len(densities)
