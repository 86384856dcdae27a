"""Probes and label-free measures of frozen representations."""

from replearn.evaluation.clusters import ClusterScores, cluster_scores
from replearn.evaluation.collapse import CollapseReport, TargetReport, collapse_report, target_report
from replearn.evaluation.dependence import dhsic, dhsic_null, gram_gaussian, hsic, hsic_xy, nhsic
from replearn.evaluation.identifiability import (
    FlatDirections,
    affine_rank,
    cross_r2,
    flat_directions,
    linear_cka,
    linear_r2,
    mcc,
    mutual_knn,
)
from replearn.evaluation.information import (
    BarberAgakov,
    MonteCarlo,
    ba_bound_gaussian,
    gaussian_entropy,
    gmm_entropy_mc,
    gmm_logpdf,
    logdet_entropy,
    normality_rejection,
    null_projection_residual,
    pairwise_entropy,
)
from replearn.evaluation.logistic import logistic_probe
from replearn.evaluation.mlp_probe import mlp_probe
from replearn.evaluation.mutual_information import GaussianPair, gaussian_critic, gaussian_pair, infonce_mi_bound
from replearn.evaluation.probes import knn_probe, loo_residuals, low_shot_probe, r2_probe, ridge_probe
from replearn.evaluation.rank import effective_rank
from replearn.evaluation.retrieval import recall_at_k, retrieve
from replearn.evaluation.spectra import alpha_req, lidar, participation_ratio
from replearn.evaluation.tabular import TabularClassifier, learning_coefficient, tabular_classifier

__all__ = [
    "BarberAgakov",
    "ClusterScores",
    "CollapseReport",
    "FlatDirections",
    "GaussianPair",
    "MonteCarlo",
    "TabularClassifier",
    "TargetReport",
    "affine_rank",
    "alpha_req",
    "ba_bound_gaussian",
    "cluster_scores",
    "collapse_report",
    "cross_r2",
    "dhsic",
    "dhsic_null",
    "effective_rank",
    "flat_directions",
    "gaussian_critic",
    "gaussian_entropy",
    "gaussian_pair",
    "gmm_entropy_mc",
    "gmm_logpdf",
    "gram_gaussian",
    "hsic",
    "hsic_xy",
    "infonce_mi_bound",
    "knn_probe",
    "learning_coefficient",
    "lidar",
    "linear_cka",
    "linear_r2",
    "logdet_entropy",
    "logistic_probe",
    "loo_residuals",
    "low_shot_probe",
    "mcc",
    "mlp_probe",
    "mutual_knn",
    "nhsic",
    "normality_rejection",
    "null_projection_residual",
    "pairwise_entropy",
    "participation_ratio",
    "r2_probe",
    "recall_at_k",
    "retrieve",
    "ridge_probe",
    "tabular_classifier",
    "target_report",
]
