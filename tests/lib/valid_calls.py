"""A valid call of every public function, from which tests make bad ones: {name: (function, *arguments)}."""

from functools import partial

import torch

from replearn import evaluation, losses
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
KERNEL = evaluation.gram_gaussian(A)
LABELED = A, PAIR, B, PAIR
EVALUATION = {
    "affine_rank": (evaluation.affine_rank, A),
    "alpha_req": (evaluation.alpha_req, rows(16, 8, dtype=torch.float64)),
    "cluster_scores": (evaluation.cluster_scores, PAIR, PAIR),
    "collapse_report": (evaluation.collapse_report, A, B),
    "cross_r2": (evaluation.cross_r2, [A, B]),
    "dhsic": (evaluation.dhsic, [KERNEL, KERNEL]),
    "dhsic_null": (partial(evaluation.dhsic_null, permutations=3), [KERNEL, KERNEL]),
    "effective_rank": (evaluation.effective_rank, A),
    "gaussian_entropy": (evaluation.gaussian_entropy, KERNEL),
    "gmm_entropy_mc": (evaluation.gmm_entropy_mc, A, 1.0, 10, torch.Generator()),
    "gmm_logpdf": (evaluation.gmm_logpdf, A, B, 1.0),
    "gram_gaussian": (evaluation.gram_gaussian, A),
    "hsic": (evaluation.hsic, A, B),
    "hsic_from_grams": (evaluation.hsic_from_grams, KERNEL, KERNEL),
    "knn_probe": (partial(evaluation.knn_probe, k=3), *LABELED),
    "lidar": (evaluation.lidar, A.view(4, 4, 4)),
    "linear_cka": (evaluation.linear_cka, A, B),
    "linear_r2": (evaluation.linear_r2, A, B),
    "logdet_entropy": (evaluation.logdet_entropy, A),
    "logistic_probe": (partial(evaluation.logistic_probe, steps=3), *LABELED),
    "loo_residuals": (evaluation.loo_residuals, A, B),
    "low_shot_probe": (partial(evaluation.low_shot_probe, n_labels=4, repeats=2), *LABELED),
    "mean_correlation": (evaluation.mean_correlation, A, B),
    "mlp_probe": (partial(evaluation.mlp_probe, hidden=4, steps=2), *LABELED),
    "mutual_knn": (partial(evaluation.mutual_knn, k=3), A, B),
    "null_projection_residual": (evaluation.null_projection_residual, A, B),
    "pairwise_entropy": (evaluation.pairwise_entropy, A, 1.0),
    "pairwise_nhsic": (evaluation.pairwise_nhsic, A),
    "participation_ratio": (evaluation.participation_ratio, A),
    "r2_probe": (evaluation.r2_probe, A, B, C, B),
    "recall_at_k": (evaluation.recall_at_k, A, PAIR, 3),
    "retrieve": (evaluation.retrieve, A, B, 3),
    "ridge_probe": (evaluation.ridge_probe, *LABELED),
    "target_report": (evaluation.target_report, torch.stack([A, B]), torch.stack([B, C])),
}
CALLS = LOSSES | EVALUATION
