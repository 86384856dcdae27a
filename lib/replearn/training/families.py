"""The families of part 1 under their names: the method that each puts on an encoder, at one budget for all."""

from functools import partial

from torch import nn

from replearn import losses
from replearn.data import multiblock_mask, random_mask
from replearn.models import MaeDecoder, MaskedInput, MaskedMLPDecoder, TinyViT, mlp_head
from replearn.training.distillation import DINO, SelfDistillation
from replearn.training.masked import LatentPrediction, MaskedAutoencoder, SimMIM
from replearn.training.methods import JointEmbedding
from replearn.training.nnclr import NNCLR
from replearn.training.seed import seeded
from replearn.training.swav import SwAV
from replearn.validate import check_choice

JOINT = {
    "simclr": partial(losses.nt_xent, temperature=0.2),
    "vicreg": losses.vicreg,
    "barlow_twins": losses.barlow_twins,
    "w_mse": losses.w_mse,
}
FAMILIES = (*JOINT, "nnclr", "swav", "byol", "simsiam", "dino")
MASKED = ("context_encoder", "mae", "simmim", "data2vec", "ijepa")


def family(name, encoder, augment, *, d_hidden=128, d_out=64, micro_batches=1, seed=0):
    """Put a family's projector, and what else it needs, on an encoder: a method that ``pretrain`` takes.

    The projector has two layers. BYOL and SimSiam have a BatchNorm without parameters behind it, and a predictor of two
    layers; NNCLR has such a predictor too, and a queue of 1,024 embeddings; SwAV has 32 prototypes
    and DINO 64.

    Parameters
    ----------
    name : str
        One of ``FAMILIES``: simclr, vicreg, barlow_twins, w_mse, nnclr, swav, byol, simsiam, dino.
    encoder : torch.nn.Module
        (N, ...) -> (N, ``encoder.dim``).
    augment : callable
        ``augment(x, generator)``.
    d_hidden, d_out : int
        Sizes of the projector's hidden layer and of the embedding.
    micro_batches : int
        As of ``JointEmbedding``; the first four can be trained in more than one.
    seed : int
        Seed of whatever is put on the encoder.

    Returns
    -------
    Method
        With ``encoder`` and ``projector``.

    Raises
    ------
    ValueError
        If the name is unknown, a size is not a positive integer, or ``micro_batches`` does not suit the method.

    Notes
    -----
    Source: the papers of the losses; for small images and short runs the teacher of BYOL has decay 0.99 and that of
    DINO 0.95, and SimSiam's predictor learns ten times faster.
    """
    check_choice("name", name, FAMILIES)
    with seeded(seed):
        projector = mlp_head(encoder.dim, d_hidden, d_out)
        predictor = mlp_head(d_out, d_out, d_out)
    if name in JOINT:
        return JointEmbedding(encoder, projector, JOINT[name], augment, micro_batches=micro_batches)
    if micro_batches != 1:
        raise ValueError(f"micro_batches is for {', '.join(JOINT)}; {name} takes one, but it is {micro_batches}")
    if name == "nnclr":
        loss = partial(losses.info_nce, temperature=0.2)
        return NNCLR(encoder, projector, loss, augment, predictor=predictor, dim=d_out, seed=seed)
    if name == "swav":
        return SwAV(encoder, projector, losses.swav_loss, augment, dim=d_out, seed=seed)
    if name == "dino":
        return DINO(encoder, projector, losses.dino_loss, augment, dim=d_out, decay=0.95, seed=seed)
    projector.append(nn.BatchNorm1d(d_out, affine=False))
    options = {"decay": 0.99} if name == "byol" else {"decay": None, "predictor_lr": 10.0}
    loss = losses.byol_loss if name == "byol" else losses.simsiam_loss
    return SelfDistillation(encoder, projector, loss, augment, predictor=predictor, **options)


def masked_family(name, encoder, shape, *, augment=None, ratio=0.5, seed=0):
    """Put a masked family's decoder on an encoder: a method that ``pretrain`` takes.

    A context encoder reads any network of whole images, which sees zeros in the place of hidden patches (about seven to
    a side), and predicts pixels from its one code by a perceptron. The others read a vision transformer. SimMIM
    predicts pixels from its tokens by a linear map. MAE, data2vec and I-JEPA do by a transformer of half its width and
    a third of its depth: pixels, a teacher's features of patches hidden at random, or those of four blocks.

    Parameters
    ----------
    name : str
        One of ``MASKED``: context_encoder, mae, simmim, data2vec, ijepa.
    encoder : torch.nn.Module
        (N, C, H, W) -> (N, ``encoder.dim``); all but the first name want a ``TinyViT``.
    shape : tuple of int
        (C, H, W), the images'.
    augment : callable, optional
        ``augment(x, generator)``, one view of each image.
    ratio : float
        Share of the patches that is hidden, in (0, 1); I-JEPA has its own.
    seed : int
        Seed of the decoder's start.

    Returns
    -------
    Method
        With ``encoder``: for a context encoder, ``encoder.network`` is the one that was given.

    Raises
    ------
    ValueError
        If the name is unknown, or the encoder or the shape does not suit it.

    Notes
    -----
    Source: Pathak et al. 2016 (context encoders, without their adversary); He et al. 2022 (MAE); Baevski et al. 2022
    (data2vec); Xie et al. 2022 (SimMIM); Assran et al. 2023 (I-JEPA).
    """
    check_choice("name", name, MASKED)
    mask = partial(random_mask, ratio=ratio)
    with seeded(seed):
        if name == "context_encoder":
            encoder = MaskedInput(encoder, shape[1:], _patch_side(shape[1:]))
            decoder = MaskedMLPDecoder(encoder.dim, shape[0] * encoder.patch**2, encoder.grid)
            return MaskedAutoencoder(encoder, decoder, mask=mask, augment=augment)
        if not isinstance(encoder, TinyViT):
            raise ValueError(f"{name} needs an encoder of patches, a TinyViT, but is given a {type(encoder).__name__}")
        if name == "simmim":
            head = nn.Linear(encoder.dim, encoder.embed.in_features)
            return SimMIM(encoder, head, mask=mask, augment=augment)
        pixels = name == "mae"
        d_out = encoder.embed.in_features if pixels else encoder.dim
        depth = max(1, len(encoder.blocks) // 3)
        decoder = MaeDecoder(encoder.dim, d_out, encoder.grid, dim=encoder.dim // 8 * 4, depth=depth)
    if pixels:
        return MaskedAutoencoder(encoder, decoder, mask=mask, augment=augment)
    if name == "ijepa":
        mask = partial(multiblock_mask, min_context=0.25)
    return LatentPrediction(encoder, decoder, mask=mask, augment=augment)


def _patch_side(sides):
    """The largest side of a patch that divides both sides and leaves at least seven patches to each, or 2."""
    height, width = sides
    return max([p for p in range(2, min(sides) // 7 + 1) if height % p == width % p == 0], default=2)
