"""Graphs, their Laplacians, and the embeddings that self-supervised losses reach when they can be solved by hand."""

from replearn.spectral.alignment import (
    eigen_groups,
    fix_signs,
    principal_angles,
    procrustes,
    sign_align,
    spectral_gap,
    subspace_overlap,
)
from replearn.spectral.byol_flow import LinearBYOL, byol_fixed_points, linear_byol_flow, surviving_directions
from replearn.spectral.canonical import CCA, PairMoments, canonical_spectrum, cca, pair_moments, total_correlation
from replearn.spectral.conditional import ConditionalSamples, conditional_samples
from replearn.spectral.descent import Descent, descend
from replearn.spectral.distances import double_center, geodesic_distances
from replearn.spectral.embeddings import (
    SpectralEmbedding,
    barlow_embedding,
    classical_mds,
    contrastive_embedding,
    laplacian_eigenmaps,
    vicreg_embedding,
)
from replearn.spectral.energies import barlow_graph_loss, contrastive_graph_loss, vicreg_graph_loss
from replearn.spectral.gaussian_reconstruction import GaussianReconstruction, gaussian_reconstruction
from replearn.spectral.graphs import augmentation_graph, knn_graph, label_graph, pairs_graph, rewire_graph
from replearn.spectral.hypercube import (
    ParityBasis,
    crop_channel,
    crop_eigenvalue,
    cyclic_diameter,
    degree_eigenvalues,
    flip_channel,
    hypercube,
    parity,
    parity_basis,
)
from replearn.spectral.interplay import augmentation_operator, interplay_eigenvalues, interplay_solution, moment_ssl
from replearn.spectral.kernel_ssl import KernelSSL, kernel_ssl, smoothest_directions, ssl_target, tied_eigenspace
from replearn.spectral.kernels import kernel_ridge_classifier, median_bandwidth, nystrom_features, rbf_kernel
from replearn.spectral.laplacians import laplacian
from replearn.spectral.linear import LinearSSL, linear_ssl
from replearn.spectral.moments import (
    AugmentedMoments,
    additive_moments,
    empirical_moments,
    mask_moments,
    masking_score,
    view_moments,
)
from replearn.spectral.noise_alignment import (
    alignment_threshold,
    direction_scores,
    nuisance_moments,
    nuisance_samples,
    pca_with_nuisance,
)
from replearn.spectral.principal import linear_autoencoder_flow, pca_split, task_alignment
from replearn.spectral.reduced_rank import (
    ReducedRank,
    je_linear,
    joint_encoder,
    reduced_rank_regression,
    ridge_augmented,
)
from replearn.spectral.similarity_graphs import row_stochastic_graph
from replearn.spectral.solvers import eigenpairs
from replearn.spectral.variations import (
    Eigenfunctions,
    augmentation_energy,
    dirichlet_energy,
    rayleigh_quotient,
    rbf_galerkin,
)

__all__ = [
    "CCA",
    "AugmentedMoments",
    "ConditionalSamples",
    "Descent",
    "Eigenfunctions",
    "GaussianReconstruction",
    "KernelSSL",
    "LinearBYOL",
    "LinearSSL",
    "PairMoments",
    "ParityBasis",
    "ReducedRank",
    "SpectralEmbedding",
    "additive_moments",
    "alignment_threshold",
    "augmentation_energy",
    "augmentation_graph",
    "augmentation_operator",
    "barlow_embedding",
    "barlow_graph_loss",
    "byol_fixed_points",
    "canonical_spectrum",
    "cca",
    "classical_mds",
    "conditional_samples",
    "contrastive_embedding",
    "contrastive_graph_loss",
    "crop_channel",
    "crop_eigenvalue",
    "cyclic_diameter",
    "degree_eigenvalues",
    "descend",
    "direction_scores",
    "dirichlet_energy",
    "double_center",
    "eigen_groups",
    "eigenpairs",
    "empirical_moments",
    "fix_signs",
    "flip_channel",
    "gaussian_reconstruction",
    "geodesic_distances",
    "hypercube",
    "interplay_eigenvalues",
    "interplay_solution",
    "je_linear",
    "joint_encoder",
    "kernel_ridge_classifier",
    "kernel_ssl",
    "knn_graph",
    "label_graph",
    "laplacian",
    "laplacian_eigenmaps",
    "linear_autoencoder_flow",
    "linear_byol_flow",
    "linear_ssl",
    "mask_moments",
    "masking_score",
    "median_bandwidth",
    "moment_ssl",
    "nuisance_moments",
    "nuisance_samples",
    "nystrom_features",
    "pair_moments",
    "pairs_graph",
    "parity",
    "parity_basis",
    "pca_split",
    "pca_with_nuisance",
    "principal_angles",
    "procrustes",
    "rayleigh_quotient",
    "rbf_galerkin",
    "rbf_kernel",
    "reduced_rank_regression",
    "rewire_graph",
    "ridge_augmented",
    "row_stochastic_graph",
    "sign_align",
    "smoothest_directions",
    "spectral_gap",
    "ssl_target",
    "subspace_overlap",
    "surviving_directions",
    "task_alignment",
    "tied_eigenspace",
    "total_correlation",
    "vicreg_embedding",
    "vicreg_graph_loss",
    "view_moments",
]
