"""What self-supervised methods minimise: pure functions of embeddings, each with its formula and its source."""

from replearn.losses.canonical_correlation import (
    BarlowTwinsTerms,
    VICRegTerms,
    barlow_twins,
    vicreg,
    w_mse,
    whiten,
)
from replearn.losses.contrastive import dcl, info_nce, nt_xent, sup_con
from replearn.losses.independence import offblock_cov_sq
from replearn.losses.information import infomax_logdet, infomax_pairwise
from replearn.losses.masked import latent_loss, mae_loss, simmim_loss
from replearn.losses.metric_learning import (
    AlignUniform,
    align_loss,
    align_uniform,
    contrastive_pair_loss,
    multi_view_alignment,
    triplet_loss,
    uniform_loss,
)
from replearn.losses.self_distillation import byol_loss, dino_loss, simsiam_loss
from replearn.losses.similarity import spectral_contrastive, vcreg_loss
from replearn.losses.statistics import (
    correlation_matrix,
    cross_correlation,
    off_diagonal,
    off_diagonal_energy,
)
from replearn.losses.swav import sinkhorn, swav_loss

__all__ = [
    "AlignUniform",
    "BarlowTwinsTerms",
    "VICRegTerms",
    "align_loss",
    "align_uniform",
    "barlow_twins",
    "byol_loss",
    "contrastive_pair_loss",
    "correlation_matrix",
    "cross_correlation",
    "dcl",
    "dino_loss",
    "info_nce",
    "infomax_logdet",
    "infomax_pairwise",
    "latent_loss",
    "mae_loss",
    "multi_view_alignment",
    "nt_xent",
    "off_diagonal",
    "off_diagonal_energy",
    "offblock_cov_sq",
    "simmim_loss",
    "simsiam_loss",
    "sinkhorn",
    "spectral_contrastive",
    "sup_con",
    "swav_loss",
    "triplet_loss",
    "uniform_loss",
    "vcreg_loss",
    "vicreg",
    "w_mse",
    "whiten",
]
