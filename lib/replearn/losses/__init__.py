"""What self-supervised methods minimise: pure functions of embeddings, each with its formula and its source."""

from replearn.losses.canonical_correlation import (
    BarlowTwinsTerms,
    VICRegTerms,
    barlow_twins,
    vicreg,
    w_mse,
    whiten,
)
from replearn.losses.contrastive import info_nce, nt_xent
from replearn.losses.independence import offblock_cov_sq
from replearn.losses.information import infomax_logdet, infomax_pairwise
from replearn.losses.similarity import spectral_contrastive, vcreg_loss
from replearn.losses.statistics import (
    correlation_matrix,
    cross_correlation,
    off_diagonal,
    off_diagonal_energy,
)
from replearn.losses.swav import sinkhorn, swav_loss

__all__ = [
    "BarlowTwinsTerms",
    "VICRegTerms",
    "barlow_twins",
    "correlation_matrix",
    "cross_correlation",
    "info_nce",
    "infomax_logdet",
    "infomax_pairwise",
    "nt_xent",
    "off_diagonal",
    "off_diagonal_energy",
    "offblock_cov_sq",
    "sinkhorn",
    "spectral_contrastive",
    "swav_loss",
    "vcreg_loss",
    "vicreg",
    "w_mse",
    "whiten",
]
