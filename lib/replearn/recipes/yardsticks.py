"""What every tiny run is measured by, and against: few labels, and the encoder before training."""

import torch
from torch import nn

from replearn.evaluation import low_shot_probe
from replearn.models import TinyConv
from replearn.recipes.budgets import TINY, Recipe
from replearn.recipes.tiny_training import check_images, tiny_encoder
from replearn.training.inference import features, warm_up_batch_norm


def untrained(images: torch.Tensor, recipe: Recipe = TINY, *, seed: int = 0) -> TinyConv:
    """Make the recipe's encoder at its random start and settle its BatchNorm: the yardstick of every run.

    Parameters
    ----------
    images : torch.Tensor
        (N, C, H, W); the first 1,000 of them settle the statistics.
    recipe : Recipe
        Its ``width`` is used.
    seed : int
        Seed of the initialisation, as in ``train_tiny``.

    Returns
    -------
    TinyConv
        (N, C, H, W) -> (N, 8 width), which ``train_tiny`` with this recipe and seed starts from.


    Examples
    --------
    >>> from replearn import recipes
    >>> untrained(recipes.tiny_mnist().x_train, recipes.TINY_SHORT).dim
    64
    """
    check_images(images)
    encoder, _ = tiny_encoder(recipe, in_channels=images.shape[1], seed=seed)
    return warm_up_batch_norm(encoder, images[:1000])


def low_shot(network: nn.Module, sets: tuple[torch.Tensor, ...], *, n_labels: int = 200, repeats: int = 5) -> float:
    """Score a network by few labels: the ``low_shot_probe`` of its features, the score of the tiny recipe.

    Parameters
    ----------
    network : torch.nn.Module
        (N, ...) -> (N, d), for example the encoder of a run; ``nn.Flatten()`` scores raw pixels.
    sets : TinyMnist or tuple
        ``x_train, y_train, x_test, y_test``; the first ``n_labels * repeats`` training images are used.
    n_labels, repeats : int
        Labels in a block, and disjoint blocks to average over.

    Returns
    -------
    float
        Accuracy in [0, 1].


    Examples
    --------
    >>> from replearn import recipes
    >>> 0.7 < low_shot(nn.Flatten(), recipes.tiny_mnist()) < 0.8  # raw pixels
    True
    """
    x_train, y_train, x_test, y_test = sets
    used = slice(0, n_labels * repeats)
    z_train, z_test = features(network, x_train[used]), features(network, x_test)
    return low_shot_probe(z_train, y_train[used], z_test, y_test, n_labels=n_labels, repeats=repeats)
