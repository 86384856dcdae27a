"""The two recipes of the book: a tiny convnet and a tiny MLP, one data set, and the budgets that chapters share."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from replearn.data import (
    Compose,
    GaussianNoise,
    RandomAffine,
    RandomAffineCrop,
    RandomErase,
    as_float,
    load,
    standardise,
)
from replearn.evaluation import low_shot_probe
from replearn.models import TinyConv, mlp, mlp_head
from replearn.training.loop import pretrain
from replearn.training.methods import JointEmbedding
from replearn.training.progress import History
from replearn.training.seed import seeded
from replearn.validate import check_integer

CROP_ROT = RandomAffineCrop(scale=(0.4, 1.0), ratio=(3 / 4, 4 / 3), degrees=15)
AFFINE = RandomAffine(degrees=20, zoom=(0.8, 1.2), shift=0.15)


class Recipe(NamedTuple):
    """Sizes and settings of one run: AdamW at peak ``lr`` with linear warm-up, then half a cosine to 0.

    ``width`` is TinyConv's, or the size of the MLP's representation; ``d_hidden`` is the projector's hidden layer, or
    the MLP encoder's; ``d_out`` is the size of the embedding.
    """

    width: int = 16
    steps: int = 200
    batch_size: int = 128
    lr: float = 5e-3
    warmup: int = 20
    weight_decay: float = 1e-4
    d_hidden: int = 128
    d_out: int = 64

    def loop(self):
        """The settings that ``pretrain`` takes."""
        names = ("steps", "batch_size", "lr", "warmup", "weight_decay")
        return {name: getattr(self, name) for name in names}


R200 = Recipe()
R100 = Recipe(width=8, steps=100)
MLP400 = Recipe(width=128, steps=400, batch_size=256, lr=6e-3, d_hidden=256)


class TinyMnist(NamedTuple):
    """Digits of 14 x 14 pixels: ``x_*`` (N, 1, 14, 14) float32 and ``y_*`` (N,) int64, 8,000 and 2,000 of them."""

    x_train: torch.Tensor
    y_train: torch.Tensor
    x_test: torch.Tensor
    y_test: torch.Tensor


class Trained(NamedTuple):
    """What a run leaves: the encoder (N, ...) -> (N, d), the projector on it, and the history of the loop."""

    encoder: torch.nn.Module
    projector: torch.nn.Module
    history: History


def tiny_mnist(*, standardised=True):
    """Load ``mnist_10k``, average 2 x 2 pixels, and standardise by the mean and deviation of all 10,000 images.

    Parameters
    ----------
    standardised : bool
        False leaves the pixels in [0, 1], where black is 0, as the MLP recipe takes them.

    Returns
    -------
    TinyMnist
        ``x_train`` (8000, 1, 14, 14), ``y_train``, ``x_test`` (2000, 1, 14, 14), ``y_test``.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing or damaged (see ``replearn.data.load``).
    """
    data = load("mnist_10k")
    images = tiny_digits(data.images)
    data = data._replace(images=standardise(images) if standardised else images)
    return TinyMnist(*data.train, *data.test)


def tiny_digits(images):
    """Average 2 x 2 pixels of digits (N, 1, 28, 28): (N, 1, 14, 14)."""
    return F.interpolate(images, size=(14, 14), mode="area")


def tiny_augmentation(area=1.0, degrees=0.0, erased=0.0, noise=0.0):
    """Make an augmentation from four strengths: crop, turn, erase, and add noise, in this order.

    Parameters
    ----------
    area : float
        Smallest share of the area that a crop keeps, in (0, 1]; below 1 its aspect varies between 3/4 and 4/3.
    degrees : float
        Largest turn to either side, in degrees.
    erased : float
        Share of the image that is overwritten by its mean, in [0, 1].
    noise : float
        Standard deviation of the noise, in units of the pixels.

    Returns
    -------
    Compose
        ``augment(x, generator)``; with the defaults it leaves images as they are.

    Raises
    ------
    ValueError
        If a strength is out of its range.
    """
    ratio = (3 / 4, 4 / 3) if area < 1 else (1.0, 1.0)
    crop = RandomAffineCrop(scale=(area, 1.0), ratio=ratio, degrees=degrees)
    erase = [RandomErase(scale=(erased, erased))] if erased else []
    return Compose(crop, *erase, GaussianNoise(noise))


def tiny_encoder(recipe=R200, *, in_channels=1, seed=0):
    """Make the recipe's encoder and projector at their random start, which the seed alone decides.

    Parameters
    ----------
    recipe : Recipe
        Its ``width``, ``d_hidden`` and ``d_out`` are used.
    in_channels : int
        Channels of the images.
    seed : int
        Seed of the initialisation.

    Returns
    -------
    encoder : TinyConv
        (N, in_channels, H, W) -> (N, 8 width).
    projector : torch.nn.Sequential
        (N, 8 width) -> (N, d_out).

    Raises
    ------
    ValueError
        If a size is not a positive integer.
    """
    with seeded(seed):
        encoder = TinyConv(recipe.width, in_channels)
        return encoder, mlp_head(encoder.dim, recipe.d_hidden, recipe.d_out)


def train_tiny(loss, images, *, recipe=R200, augment=CROP_ROT, method=JointEmbedding, seed=0, **loop):
    """Train the tiny encoder on images by a loss of two views.

    Parameters
    ----------
    loss : callable
        ``loss(z_a, z_b)``, for example ``replearn.losses.nt_xent``.
    images : torch.Tensor
        (N, C, H, W), standardised, on the device to train on.
    recipe : Recipe
        ``R200`` (about 5 s on a core) or ``R100`` (about 1 s), or one of your own.
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
    _check_images(images)
    encoder, projector = tiny_encoder(recipe, in_channels=images.shape[1], seed=seed)
    return train_networks(
        encoder, projector, loss, images, recipe=recipe, augment=augment, method=method, seed=seed, **loop
    )


def mlp_encoder(recipe=MLP400, *, n_pixels=196, seed=0):
    """Make the MLP recipe's encoder (pixels-256-128, a ReLU after each) and its linear projector at their random start.

    Parameters
    ----------
    recipe : Recipe
        Its ``d_hidden``, ``width`` and ``d_out`` are used.
    n_pixels : int
        Numbers in an image, channels included.
    seed : int
        Seed of the initialisation.

    Returns
    -------
    encoder : torch.nn.Sequential
        (N, ...) -> (N, width).
    projector : torch.nn.Sequential
        (N, width) -> (N, d_out), one linear map.

    Raises
    ------
    ValueError
        If a size is not a positive integer.
    """
    with seeded(seed):
        encoder = nn.Sequential(nn.Flatten(), *mlp([n_pixels, recipe.d_hidden, recipe.width]), nn.ReLU())
        return encoder, mlp_head(recipe.width, recipe.width, recipe.d_out, layers=1)


def train_mlp(loss, images, *, recipe=MLP400, augment=AFFINE, seed=0, **loop):
    """Train the MLP encoder on images by a loss of two views.

    Parameters
    ----------
    loss : callable
        ``loss(z_a, z_b)``, for example ``partial(replearn.losses.vicreg, cov=25.0)``: with the paper's weight of 1 so
        small a network stays half collapsed.
    images : torch.Tensor
        (N, C, H, W) with black 0, as of ``tiny_mnist(standardised=False)``, on the device to train on.
    recipe : Recipe
        ``MLP400`` (about 4 s on a core), or one of your own.
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
    _check_images(images)
    encoder, projector = mlp_encoder(recipe, n_pixels=images[0].numel(), seed=seed)
    return train_networks(encoder, projector, loss, images, recipe=recipe, augment=augment, seed=seed, **loop)


def train_networks(
    encoder, projector, loss, images, *, recipe=MLP400, augment=AFFINE, method=JointEmbedding, seed=0, **loop
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
    _check_images(images)
    trained = method(encoder, projector, loss, augment)
    history = pretrain(trained, images, seed=seed, **{**recipe.loop(), **loop})
    return Trained(encoder, projector, history)


def _check_images(images):
    if images.ndim != 4:
        raise ValueError(f"images must have shape (N, C, H, W), but have {tuple(images.shape)}")


@torch.no_grad()
def features(network, x, *, batch_size=1000):
    """Compute a network's outputs in evaluation mode, without gradients, a batch at a time.

    Parameters
    ----------
    network : torch.nn.Module
        (N, ...) -> (N, d). It is left in the mode it was in.
    x : torch.Tensor
        (N, ...) inputs on the network's device.
    batch_size : int
        Inputs at a time, which bounds the memory.

    Returns
    -------
    torch.Tensor
        (N, d).

    Raises
    ------
    ValueError
        If ``batch_size`` is not a positive integer.
    """
    check_integer("batch_size", batch_size, 1)
    training = network.training
    network.eval()
    try:
        return torch.cat([network(as_float(part)) for part in x.split(batch_size)])
    finally:
        network.train(training)


@torch.no_grad()
def warm_up_batch_norm(network, x, *, passes=20):
    """Settle the running statistics of BatchNorm on data, in place, without training.

    An untrained network is unfairly poor in evaluation mode until it has seen data, since its statistics are still the
    initial 0 and 1.

    Parameters
    ----------
    network : torch.nn.Module
        (N, ...) -> anything. It is left in the mode it was in.
    x : torch.Tensor
        (N, ...) inputs on the network's device, about 1,000 of them.
    passes : int
        Forward passes; with momentum 0.1, 20 of them leave 12 % of the initial values.

    Returns
    -------
    torch.nn.Module
        The same network.

    Raises
    ------
    ValueError
        If ``passes`` is not a positive integer.
    """
    check_integer("passes", passes, 1)
    training = network.training
    network.train()
    try:
        for _ in range(passes):
            network(x)
    finally:
        network.train(training)
    return network


def untrained(images, recipe=R200, *, seed=0):
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

    Raises
    ------
    ValueError
        If the images are not (N, C, H, W).
    """
    _check_images(images)
    encoder, _ = tiny_encoder(recipe, in_channels=images.shape[1], seed=seed)
    return warm_up_batch_norm(encoder, images[:1000])


def low_shot(network, sets, *, n_labels=200, repeats=5):
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

    Raises
    ------
    ValueError
        As ``replearn.evaluation.low_shot_probe``.
    """
    x_train, y_train, x_test, y_test = sets
    used = slice(0, n_labels * repeats)
    z_train, z_test = features(network, x_train[used]), features(network, x_test)
    return low_shot_probe(z_train, y_train[used], z_test, y_test, n_labels=n_labels, repeats=repeats)
