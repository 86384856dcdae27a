"""The methods of part 1 under their names: what each puts on an encoder, at one budget for all."""

from collections.abc import Callable
from functools import partial

from torch import nn

from replearn import losses
from replearn.data import multiblock_mask, random_mask
from replearn.methods.dino import DINO
from replearn.methods.joint_embedding import JointEmbedding
from replearn.methods.latent_prediction import LatentPrediction
from replearn.methods.masked import Masked, MaskedAutoencoder, SimMIM
from replearn.methods.nnclr import NNCLR
from replearn.methods.self_distillation import SelfDistillation
from replearn.methods.swav import SwAV
from replearn.models import MaeDecoder, MaskedInput, MaskedMLPDecoder, TinyViT, mlp_head
from replearn.models.encoder import Encoder
from replearn.training.method import Method
from replearn.training.seed import seeded
from replearn.validate import check_choice

LOSS_ALONE: dict[str, Callable] = {
    "simclr": partial(losses.nt_xent, temperature=0.2),
    "vicreg": losses.vicreg,
    "barlow_twins": losses.barlow_twins,
    "w_mse": losses.w_mse,
}
TWO_VIEWS = (*LOSS_ALONE, "nnclr", "swav", "byol", "simsiam", "dino")
MASKED = ("context_encoder", "mae", "simmim", "data2vec", "ijepa")
METHODS = (*TWO_VIEWS, *MASKED)


def method(
    name: str,
    encoder: Encoder,
    augment: Callable | None = None,
    *,
    shape: tuple[int, ...] | None = None,
    ratio: float = 0.5,
    d_hidden: int = 128,
    dim: int = 64,
    micro_batches: int = 1,
    seed: int = 0,
) -> Method:
    """Put what a method needs (projector, predictor, prototypes, decoder) on an encoder: ready for ``pretrain``.

    Methods of two views have a projector of two layers. BYOL and SimSiam have a BatchNorm without parameters behind it,
    and a predictor of two layers; NNCLR has such a predictor too, and a queue of 1,024 embeddings; SwAV has 32
    prototypes and DINO 64.

    Masked methods have a decoder. A context encoder reads any network of whole images, which sees zeros in the place of
    hidden patches (about seven to a side), and predicts pixels from its one code by a perceptron. The others read a
    vision transformer. SimMIM predicts pixels from its tokens by a linear map. MAE, data2vec and I-JEPA do by a
    transformer of half its width and a third of its depth: pixels, a teacher's features of patches hidden at random, or
    those of four blocks.

    Parameters
    ----------
    name : str
        One of ``METHODS``: of two views (``TWO_VIEWS``) simclr, vicreg, barlow_twins, w_mse, nnclr, swav, byol,
        simsiam, dino; ``MASKED`` are context_encoder, mae, simmim, data2vec, ijepa.
    encoder : Encoder
        (N, ...) -> (N, ``encoder.dim``); masked methods but the first want a ``TinyViT``.
    augment : callable, optional
        ``augment(x, generator)``; only masked methods, which take one view of each image, do without.
    shape : tuple of int
        (C, H, W), the images'; masked methods need it.
    ratio : float
        Share of the patches that masked methods hide, in (0, 1); I-JEPA has its own.
    d_hidden, dim : int
        Sizes of the projector's hidden layer and of the embedding.
    micro_batches : int
        As of ``JointEmbedding``; the first four can be trained in more than one.
    seed : int
        Seed of whatever is put on the encoder.

    Returns
    -------
    Method
        With ``encoder``, and ``projector`` where there are two views. For a context encoder, ``encoder.network`` is the
        one that was given.

    Notes
    -----
    For small images and short runs the teacher of BYOL has decay 0.99 and that of DINO 0.95, and SimSiam's predictor
    learns ten times faster.

    References
    ----------
    Those of the losses; Pathak et al. 2016 (context encoders, without their
    adversary); He et al. 2022 (MAE); Baevski et al. 2022 (data2vec); Xie et al. 2022 (SimMIM); Assran et al. 2023
    (I-JEPA).

    Examples
    --------
    >>> from replearn import data, models
    >>> method("byol", models.TinyConv(4), data.GaussianNoise(0.1)).decay
    0.99
    >>> method("mae", models.TinyViT((14, 14), 2), shape=(1, 14, 14)).encoder.grid
    (7, 7)
    """
    check_choice("name", name, METHODS)
    if micro_batches != 1 and name not in LOSS_ALONE:
        raise ValueError(
            f"micro_batches is for {', '.join(LOSS_ALONE)}, but is {micro_batches}; {name} needs a smaller batch_size"
        )
    if name in MASKED:
        if shape is None:
            raise ValueError(f"{name} needs the shape (C, H, W) of the images: pass shape=")
        with seeded(seed):
            return _masked(name, encoder, shape, partial(random_mask, ratio=ratio), augment)
    if augment is None:
        raise ValueError(f"{name} compares two views of an image: pass augment=")
    with seeded(seed):
        projector = mlp_head(encoder.dim, d_hidden, dim)
        predictor = mlp_head(dim, dim, dim)
    return _of_two_views(name, encoder, projector, predictor, augment, dim, micro_batches, seed)


def _of_two_views(
    name: str,
    encoder: nn.Module,
    projector: nn.Sequential,
    predictor: nn.Module,
    augment: Callable,
    dim: int,
    micro_batches: int,
    seed: int,
) -> JointEmbedding | DINO:
    if name in LOSS_ALONE:
        return JointEmbedding(encoder, projector, LOSS_ALONE[name], augment, micro_batches=micro_batches)
    if name == "nnclr":
        loss = partial(losses.info_nce, temperature=0.2)
        return NNCLR(encoder, projector, loss, augment, predictor=predictor, dim=dim, seed=seed)
    if name == "swav":
        return SwAV(encoder, projector, losses.swav_loss, augment, dim=dim, seed=seed)
    if name == "dino":
        return DINO(encoder, projector, losses.dino_loss, augment, dim=dim, decay=0.95, seed=seed)
    projector.append(nn.BatchNorm1d(dim, affine=False))
    if name == "byol":
        return SelfDistillation(encoder, projector, losses.byol_loss, augment, predictor=predictor, decay=0.99)
    return SelfDistillation(
        encoder, projector, losses.simsiam_loss, augment, predictor=predictor, decay=None, predictor_lr=10.0
    )


def _masked(name: str, encoder: Encoder, shape: tuple[int, ...], mask: Callable, augment: Callable | None) -> Masked:
    if name == "context_encoder":
        encoder = MaskedInput(encoder, shape[1:], _patch_side(shape[1:]))
        decoder = MaskedMLPDecoder(encoder.dim, shape[0] * encoder.patch**2, encoder.grid)
        return MaskedAutoencoder(encoder, decoder, mask=mask, augment=augment)
    if not isinstance(encoder, TinyViT):
        raise ValueError(f"{name} needs an encoder of patches, a TinyViT, but is given a {type(encoder).__name__}")
    pixels = encoder.embed.in_features
    if name == "simmim":
        return SimMIM(encoder, nn.Linear(encoder.dim, pixels), mask=mask, augment=augment)
    width, depth = encoder.dim // 8 * 4, max(1, len(encoder.blocks) // 3)
    if name == "mae":
        decoder = MaeDecoder(encoder.dim, pixels, encoder.grid, dim=width, depth=depth)
        return MaskedAutoencoder(encoder, decoder, mask=mask, augment=augment)
    decoder = MaeDecoder(encoder.dim, encoder.dim, encoder.grid, dim=width, depth=depth)
    mask = partial(multiblock_mask, min_context=0.25) if name == "ijepa" else mask
    return LatentPrediction(encoder, decoder, mask=mask, augment=augment)


def _patch_side(sides: tuple[int, ...]) -> int:
    """The largest side of a patch that divides both sides and leaves at least seven patches to each, or 2."""
    height, width = sides
    return max([p for p in range(2, min(sides) // 7 + 1) if height % p == width % p == 0], default=2)
