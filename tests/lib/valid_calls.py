"""A valid call of every public function, from which tests make bad ones: {name: (function, *arguments)}."""

import torch

from replearn import losses
from sampling import rows

A, B, C = (rows(16, 4, seed=seed, dtype=torch.float64) for seed in (1, 2, 3))
PAIR = torch.arange(16) % 2
PATCHES, HIDDEN = B.view(2, 8, 4), torch.tensor([[1, 3, 5], [0, 2, 7]])
LOSSES = {
    "align_loss": (losses.align_loss, A, B),
    "align_uniform": (losses.align_uniform, A, B),
    "barlow_twins": (losses.barlow_twins, A, B),
    "byol_loss": (losses.byol_loss, A, B),
    "contrastive_pair_loss": (losses.contrastive_pair_loss, A, B, PAIR),
    "correlation_matrix": (losses.correlation_matrix, A),
    "cross_correlation": (losses.cross_correlation, A, B),
    "off_diagonal": (losses.off_diagonal, A[:4]),
    "off_diagonal_energy": (losses.off_diagonal_energy, A, B),
    "dcl": (losses.dcl, A, B),
    "decorrelation_loss": (losses.decorrelation_loss, A),
    "dino_loss": (losses.dino_loss, torch.stack([A, B]), torch.stack([B, C])),
    "info_nce": (losses.info_nce, A, B),
    "koleo_loss": (losses.koleo_loss, A),
    "latent_loss": (losses.latent_loss, A, B),
    "mae_loss": (losses.mae_loss, A.view(2, 8, 4)[:, :3], PATCHES, HIDDEN),
    "multi_view_alignment": (losses.multi_view_alignment, torch.stack([A, B], 1)),
    "nt_xent": (losses.nt_xent, A, B),
    "simmim_loss": (losses.simmim_loss, A.view(2, 8, 4)[:, :3], PATCHES, HIDDEN),
    "simsiam_loss": (losses.simsiam_loss, A, B),
    "sinkhorn": (losses.sinkhorn, A),
    "spectral_contrastive": (losses.spectral_contrastive, A, B),
    "sup_con": (losses.sup_con, A, PAIR),
    "swav_loss": (losses.swav_loss, A, B),
    "triplet_loss": (losses.triplet_loss, A, B, C),
    "uniform_loss": (losses.uniform_loss, A),
    "vicreg": (losses.vicreg, A, B),
    "w_mse": (losses.w_mse, A, B),
    "whiten": (losses.whiten, A),
}
