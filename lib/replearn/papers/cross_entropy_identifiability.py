"""What of a latent is known beyond its class, and networks that tell where a shifted handwritten digit stands."""

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from replearn.data import affine_warp
from replearn.models import mlp_head
from replearn.recipes import train_best_of
from replearn.training import seeded
from replearn.validate import check_integer, check_matrix, check_positive


def within_classes(values: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    r"""Subtract from each sample the mean of its class, so that whoever knows the class alone knows nothing.

    .. math:: a_i - \frac{1}{|\{j : c_j = c_i\}|} \sum_{j :\, c_j = c_i} a_j

    Parameters
    ----------
    values : torch.Tensor
        (N, Q), latents or embeddings.
    classes : torch.Tensor
        (N,) int64, at least 0.

    Returns
    -------
    torch.Tensor
        (N, Q), float64, of mean 0 in each class.

    Raises
    ------
    ValueError
        If the classes are not one integer, at least 0, for each sample.

    References
    ----------
    The within-class scatter of Fisher's discriminant analysis (1936).

    Examples
    --------
    >>> within_classes(torch.tensor([[1.0], [3.0], [7.0]]), torch.tensor([0, 0, 1]))[:, 0]
    tensor([-1.,  1.,  0.], dtype=torch.float64)
    """
    check_matrix("values", values)
    if classes.shape != values.shape[:1] or classes.is_floating_point() or classes.min() < 0:
        raise ValueError(f"classes must hold one integer, at least 0, for each of the {len(values)} samples")
    values, member = values.double(), F.one_hot(classes.long()).double()
    means = (member.T @ values) / member.sum(0)[:, None].clamp(min=1)
    return values - means[classes]


class Shifted(NamedTuple):
    """Images ``x`` (N, H W), the ``cells`` (N,) that name their clouds, and the ``shifts`` (N, 2)."""

    x: torch.Tensor
    cells: torch.Tensor
    shifts: torch.Tensor


def shifted_digits(
    images: torch.Tensor,
    centres: torch.Tensor,
    n: int,
    generator: torch.Generator,
    *,
    spread: float = 0.8,
    step: float = 0.2,
) -> Shifted:
    """Draw an image and a cell c, both uniform, and shift the image by ``step * u`` with u ~ N(centres[c], spread^2 I).

    Parameters
    ----------
    images : torch.Tensor
        (M, 1, H, W), floating-point, with 0 outside.
    centres : torch.Tensor
        (C, 2), centres of the clouds.
    n : int
        Number of images to be drawn, with replacement.
    generator : torch.Generator
    spread : float
        Standard deviation of a cloud, in units of the centres.
    step : float
        Half-widths of the image for one unit of the centres.

    Returns
    -------
    Shifted

    References
    ----------
    This book's counterpart of the factors in DisLib that Reizinger et al. (2025) look for in classifiers.

    Examples
    --------
    >>> drawn = shifted_digits(torch.ones(3, 1, 4, 4), torch.eye(2), 5, torch.Generator())
    >>> drawn.x.shape, drawn.shifts.shape
    (torch.Size([5, 16]), torch.Size([5, 2]))
    """
    check_integer("n", n, 1)
    check_matrix("centres", centres)
    check_positive("spread", spread)
    if centres.shape[1] != 2:
        raise ValueError(f"centres must have two columns, right and down, but has {centres.shape[1]}")
    cells, chosen = (torch.randint(k, (n,), generator=generator) for k in (len(centres), len(images)))
    shifts = centres[cells] + spread * torch.randn(n, 2, generator=generator)
    return Shifted(affine_warp(images[chosen], shift=step * shifts).flatten(1), cells, shifts)


def digit_locator(images: torch.Tensor, n_cells: int, *, seed: int = 0) -> tuple[nn.Module, nn.Module]:
    """Make an untrained encoder with two outputs and a linear head with a bias.

    Parameters
    ----------
    images : torch.Tensor
        (M, 1, H, W), of which only the size counts.
    n_cells : int
        Number C of cells that the head names.
    seed : int
        Seed of the weights.

    Returns
    -------
    encoder, head : nn.Module
        (n, H W) -> (n, 2), two hidden layers of 128 units with BatchNorm, and (n, 2) -> (n, C).

    References
    ----------
    This book's; the bias takes up what unlike lengths of the centres add to the log-posterior of normal clouds.

    Examples
    --------
    >>> encoder, head = digit_locator(torch.ones(3, 1, 4, 4), 9)
    >>> head(encoder(torch.ones(5, 16))).shape
    torch.Size([5, 9])
    """
    check_integer("n_cells", n_cells, 2)
    with seeded(seed):
        return mlp_head(images[0].numel(), 128, 2, layers=3), nn.Linear(2, n_cells)


def train_digit_locator(
    images: torch.Tensor, centres: torch.Tensor, *, steps: int = 400, spread: float = 0.8, seed: int = 0
) -> nn.Module:
    """Train `digit_locator` by cross-entropy to name the cells of `shifted_digits`, and return its encoder.

    Up to four starts, until the loss is within 0.1 nats of the best possible one. The shifts themselves are not used
    but for that one number.

    Parameters
    ----------
    images : torch.Tensor
        (M, 1, H, W), floating-point, with 0 outside.
    centres : torch.Tensor
        (C, 2), centres of the clouds.
    steps : int
        Steps of Adam from each start, on batches of 256 fresh draws.
    spread : float
        Standard deviation of a cloud, in units of the centres.
    seed : int
        Seed of weights and draws.

    Returns
    -------
    nn.Module
        The encoder (n, H W) -> (n, 2) of the start with the smallest loss.

    References
    ----------
    As `replearn.recipes.train_ce`.

    Examples
    --------
    >>> encoder = train_digit_locator(torch.ones(3, 1, 4, 4), torch.eye(2), steps=2)
    >>> encoder(torch.ones(5, 16)).shape
    torch.Size([5, 2])
    """

    def draw(n: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        return shifted_digits(images, centres, n, generator, spread=spread)[:2]

    def build(start: int) -> tuple[nn.Module, nn.Module]:
        return digit_locator(images, len(centres), seed=start)

    held_out = shifted_digits(images, centres, 4000, torch.Generator().manual_seed(seed), spread=spread)
    scores = -torch.cdist(held_out.shifts, centres).square() / (2 * spread**2)
    best = F.cross_entropy(scores, held_out.cells).item()
    check = held_out.x, held_out.cells, best
    return train_best_of(build, draw, check, steps, stop_below=0.1, batch_size=256, seed=10 * seed)[0].encoder
