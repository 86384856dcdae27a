"""The two trainings of the book: a tiny convnet and a tiny MLP, from a seed to an encoder."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn

from replearn.methods import JointEmbedding
from replearn.models import TinyConv, mlp, mlp_head
from replearn.recipes.budgets import TINY, TINY_MLP, Recipe
from replearn.recipes.tiny_data import tiny_affine, tiny_crop
from replearn.training.loop import pretrain
from replearn.training.method import Method
from replearn.training.progress import History
from replearn.training.seed import seeded


class Trained(NamedTuple):
    """What a run leaves: the encoder (N, ...) -> (N, d), the projector on it, and the history of the loop."""

    encoder: nn.Module
    projector: nn.Module
    history: History


def tiny_encoder(recipe: Recipe = TINY, *, in_channels: int = 1, seed: int = 0) -> tuple[TinyConv, nn.Sequential]:
    """Make the recipe's encoder and projector at their random start, which the seed alone decides.

    Parameters
    ----------
    recipe : Recipe
        Its ``width``, ``d_hidden`` and ``dim`` are used.
    in_channels : int
        Channels of the images.
    seed : int
        Seed of the initialisation.

    Returns
    -------
    encoder : TinyConv
        (N, in_channels, H, W) -> (N, 8 width).
    projector : torch.nn.Sequential
        (N, 8 width) -> (N, dim).


    Examples
    --------
    >>> encoder, projector = tiny_encoder()
    >>> projector(encoder(torch.zeros(2, 1, 14, 14))).shape
    torch.Size([2, 64])
    """
    with seeded(seed):
        encoder = TinyConv(recipe.width, in_channels)
        return encoder, mlp_head(encoder.dim, recipe.d_hidden, recipe.dim)


def train_tiny(
    loss: Callable,
    images: torch.Tensor,
    *,
    recipe: Recipe = TINY,
    augment: Callable = tiny_crop,
    method: Callable[..., Method] = JointEmbedding,
    seed: int = 0,
    **loop: Any,
) -> Trained:
    """Train the tiny encoder on images by a loss of two views.

    Parameters
    ----------
    loss : callable
        ``loss(z_a, z_b)``, for example ``replearn.losses.nt_xent``.
    images : torch.Tensor
        (N, C, H, W), standardised, on the device to train on.
    recipe : Recipe
        ``TINY`` (about 5 s on a core) or ``TINY_SHORT`` (about 1 s), or one of your own.
    augment : callable
        ``augment(x, generator)``.
    method : callable
        ``method(encoder, projector, loss, augment)`` makes what ``pretrain`` trains.
    seed : int
        Seed of the initialisation and of the run.
    **loop
        More arguments of ``pretrain``, which go before the recipe's.

    Returns
    -------
    Trained
        ``encoder``, ``projector``, ``history``. Probes read ``features(encoder, x)``.

    Raises
    ------
    NonFiniteLossError
        If the loss becomes NaN or infinite.

    Examples
    --------
    >>> from replearn import losses, recipes
    >>> x_train, *_ = recipes.tiny_mnist()
    >>> run = train_tiny(losses.nt_xent, x_train, recipe=recipes.TINY_SHORT, steps=3, warmup=1)
    >>> len(run.history.loss), run.encoder.dim
    (3, 64)
    """
    check_images(images)
    encoder, projector = tiny_encoder(recipe, in_channels=images.shape[1], seed=seed)
    return train_networks(
        encoder, projector, loss, images, recipe=recipe, augment=augment, method=method, seed=seed, **loop
    )


def mlp_encoder(
    recipe: Recipe = TINY_MLP, *, n_pixels: int = 196, seed: int = 0
) -> tuple[nn.Sequential, nn.Sequential]:
    """Make the MLP recipe's encoder (pixels-256-128, a ReLU after each) and its linear projector at their random start.

    Parameters
    ----------
    recipe : Recipe
        Its ``d_hidden``, ``width`` and ``dim`` are used.
    n_pixels : int
        Numbers in an image, channels included.
    seed : int
        Seed of the initialisation.

    Returns
    -------
    encoder : torch.nn.Sequential
        (N, ...) -> (N, width).
    projector : torch.nn.Sequential
        (N, width) -> (N, dim), one linear map.


    Examples
    --------
    >>> encoder, projector = mlp_encoder()
    >>> projector(encoder(torch.zeros(2, 1, 14, 14))).shape
    torch.Size([2, 64])
    """
    with seeded(seed):
        encoder = nn.Sequential(nn.Flatten(), *mlp([n_pixels, recipe.d_hidden, recipe.width]), nn.ReLU())
        return encoder, mlp_head(recipe.width, recipe.width, recipe.dim, layers=1)


def train_mlp(
    loss: Callable,
    images: torch.Tensor,
    *,
    recipe: Recipe = TINY_MLP,
    augment: Callable = tiny_affine,
    seed: int = 0,
    **loop: Any,
) -> Trained:
    """Train the MLP encoder on images by a loss of two views.

    Parameters
    ----------
    loss : callable
        ``loss(z_a, z_b)``, for example ``partial(replearn.losses.vicreg, cov=25.0)``: with the paper's weight of 1 so
        small a network stays half collapsed.
    images : torch.Tensor
        (N, C, H, W) with black 0, as of ``tiny_mnist(standardised=False)``, on the device to train on.
    recipe : Recipe
        ``TINY_MLP`` (about 4 s on a core), or one of your own.
    augment : callable
        ``augment(x, generator)``.
    seed : int
        Seed of the initialisation and of the run.
    **loop
        More arguments of ``pretrain``, which go before the recipe's.

    Returns
    -------
    Trained
        ``encoder``, ``projector``, ``history``. Probes read ``features(encoder, x)``.

    Raises
    ------
    NonFiniteLossError
        If the loss becomes NaN or infinite.

    Examples
    --------
    >>> from replearn import losses, recipes
    >>> x_train, *_ = recipes.tiny_mnist(standardized=False)
    >>> len(train_mlp(losses.vicreg, x_train, steps=3, warmup=1).history.loss)
    3
    """
    check_images(images)
    encoder, projector = mlp_encoder(recipe, n_pixels=images[0].numel(), seed=seed)
    return train_networks(encoder, projector, loss, images, recipe=recipe, augment=augment, seed=seed, **loop)


def train_networks(
    encoder: nn.Module,
    projector: nn.Module,
    loss: Callable,
    images: torch.Tensor,
    *,
    recipe: Recipe = TINY_MLP,
    augment: Callable = tiny_affine,
    method: Callable[..., Method] = JointEmbedding,
    seed: int = 0,
    **loop: Any,
) -> Trained:
    """Train networks of your own by a recipe's budget: what ``train_tiny`` and ``train_mlp`` do with theirs.

    Parameters
    ----------
    encoder, projector : torch.nn.Module
        (N, C, H, W) -> (N, d), and (N, d) -> (N, K); trained in place, but for parameters that require no gradient.
    loss, images, recipe, augment, **loop
        As in ``train_mlp``.
    method : callable
        ``method(encoder, projector, loss, augment)`` makes what ``pretrain`` trains.
    seed : int
        Seed of the run. What the networks start from was decided when they were made.

    Returns
    -------
    Trained
        ``encoder``, ``projector``, ``history``.

    Raises
    ------
    NonFiniteLossError
        If the loss becomes NaN or infinite.

    Examples
    --------
    >>> from replearn import losses, recipes
    >>> x_train, *_ = recipes.tiny_mnist(standardized=False)
    >>> encoder = nn.Sequential(nn.Flatten(), nn.Linear(196, 8))
    >>> len(train_networks(encoder, nn.Identity(), losses.vicreg, x_train, steps=3, warmup=1).history.loss)
    3
    """
    check_images(images)
    trained = method(encoder, projector, loss, augment)
    history = pretrain(trained, images, seed=seed, **{**recipe.loop(), **loop})
    return Trained(encoder, projector, history)


def check_images(images: torch.Tensor) -> None:
    if images.ndim != 4:
        raise ValueError(f"images must have shape (N, C, H, W), but have {tuple(images.shape)}")
