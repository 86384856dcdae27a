"""The families of part 1 under their names: the method that each puts on an encoder, at one budget for all."""

from functools import partial

from torch import nn

from replearn import losses
from replearn.models import mlp_head
from replearn.training.distillation import DINO, SelfDistillation
from replearn.training.methods import JointEmbedding
from replearn.training.seed import seeded
from replearn.training.swav import SwAV
from replearn.validate import check_choice

JOINT = {
    "simclr": partial(losses.nt_xent, temperature=0.2),
    "vicreg": losses.vicreg,
    "barlow_twins": losses.barlow_twins,
    "w_mse": losses.w_mse,
}
FAMILIES = (*JOINT, "swav", "byol", "simsiam", "dino")


def family(name, encoder, augment, *, d_hidden=128, d_out=64, seed=0):
    """Put a family's projector, and what else it needs, on an encoder: a method that ``pretrain`` takes.

    The projector has two layers. BYOL and SimSiam have a BatchNorm without parameters behind it, and a predictor of two
    layers; SwAV has 32 prototypes and DINO 64.

    Parameters
    ----------
    name : str
        One of ``FAMILIES``: simclr, vicreg, barlow_twins, w_mse, swav, byol, simsiam, dino.
    encoder : torch.nn.Module
        (N, ...) -> (N, ``encoder.dim``).
    augment : callable
        ``augment(x, generator)``.
    d_hidden, d_out : int
        Sizes of the projector's hidden layer and of the embedding.
    seed : int
        Seed of whatever is put on the encoder.

    Returns
    -------
    Method
        With ``encoder`` and ``projector``.

    Raises
    ------
    ValueError
        If the name is unknown or a size is not a positive integer.

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
        return JointEmbedding(encoder, projector, JOINT[name], augment)
    if name == "swav":
        return SwAV(encoder, projector, losses.swav_loss, augment, dim=d_out, seed=seed)
    if name == "dino":
        return DINO(encoder, projector, losses.dino_loss, augment, dim=d_out, decay=0.95, seed=seed)
    projector.append(nn.BatchNorm1d(d_out, affine=False))
    options = {"decay": 0.99} if name == "byol" else {"decay": None, "predictor_lr": 10.0}
    loss = losses.byol_loss if name == "byol" else losses.simsiam_loss
    return SelfDistillation(encoder, projector, loss, augment, predictor=predictor, **options)
