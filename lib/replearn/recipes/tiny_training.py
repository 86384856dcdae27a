"""The two trainings of the book: a tiny convnet and a tiny MLP, from a seed to an encoder."""

from typing import NamedTuple

import torch
from torch import nn

from replearn.methods import JointEmbedding
from replearn.models import TinyConv, mlp, mlp_head
from replearn.recipes.budgets import TINY, TINY_MLP
from replearn.recipes.tiny_data import tiny_affine, tiny_crop
from replearn.training.loop import pretrain
from replearn.training.progress import History
from replearn.training.seed import seeded


class Trained(NamedTuple):
    """What a run leaves: the encoder (N, ...) -> (N, d), the projector on it, and the history of the loop."""

    encoder: torch.nn.Module
    projector: torch.nn.Module
    history: History


def tiny_encoder(recipe=TINY, *, in_channels=1, seed=0):
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

    Raises
    ------
    ValueError
        If a size is not a positive integer.
    """
    with seeded(seed):
        encoder = TinyConv(recipe.width, in_channels)
        return encoder, mlp_head(encoder.dim, recipe.d_hidden, recipe.dim)


def train_tiny(loss, images, *, recipe=TINY, augment=tiny_crop, method=JointEmbedding, seed=0, **loop):
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
    ValueError
        If the images are not (N, C, H, W), or an argument of the loop is out of its range.
    NonFiniteLossError
        If the loss becomes NaN or infinite.
    """
    check_images(images)
    encoder, projector = tiny_encoder(recipe, in_channels=images.shape[1], seed=seed)
    return train_networks(
        encoder, projector, loss, images, recipe=recipe, augment=augment, method=method, seed=seed, **loop
    )


def mlp_encoder(recipe=TINY_MLP, *, n_pixels=196, seed=0):
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

    Raises
    ------
    ValueError
        If a size is not a positive integer.
    """
    with seeded(seed):
        encoder = nn.Sequential(nn.Flatten(), *mlp([n_pixels, recipe.d_hidden, recipe.width]), nn.ReLU())
        return encoder, mlp_head(recipe.width, recipe.width, recipe.dim, layers=1)


def train_mlp(loss, images, *, recipe=TINY_MLP, augment=tiny_affine, seed=0, **loop):
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
    ValueError
        If the images are not (N, C, H, W), or an argument of the loop is out of its range.
    NonFiniteLossError
        If the loss becomes NaN or infinite.
    """
    check_images(images)
    encoder, projector = mlp_encoder(recipe, n_pixels=images[0].numel(), seed=seed)
    return train_networks(encoder, projector, loss, images, recipe=recipe, augment=augment, seed=seed, **loop)


def train_networks(
    encoder, projector, loss, images, *, recipe=TINY_MLP, augment=tiny_affine, method=JointEmbedding, seed=0, **loop
):
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
    ValueError
        If the images are not (N, C, H, W), or an argument of the loop is out of its range.
    NonFiniteLossError
        If the loss becomes NaN or infinite.
    """
    check_images(images)
    trained = method(encoder, projector, loss, augment)
    history = pretrain(trained, images, seed=seed, **{**recipe.loop(), **loop})
    return Trained(encoder, projector, history)


def check_images(images):
    if images.ndim != 4:
        raise ValueError(f"images must have shape (N, C, H, W), but have {tuple(images.shape)}")
