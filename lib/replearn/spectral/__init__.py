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
from replearn.spectral.canonical import CCA, PairMoments, canonical_spectrum, cca, pair_moments, total_correlation
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
from replearn.spectral.graphs import augmentation_graph, knn_graph, label_graph, pairs_graph, rewire_graph
from replearn.spectral.laplacians import laplacian
from replearn.spectral.linear import LinearSSL, linear_ssl
from replearn.spectral.similarity_graphs import row_stochastic_graph
from replearn.spectral.solvers import eigenpairs

__all__ = [
    "CCA",
    "Descent",
    "LinearSSL",
    "PairMoments",
    "SpectralEmbedding",
    "augmentation_graph",
    "barlow_embedding",
    "barlow_graph_loss",
    "canonical_spectrum",
    "cca",
    "classical_mds",
    "contrastive_embedding",
    "contrastive_graph_loss",
    "descend",
    "double_center",
    "eigen_groups",
    "eigenpairs",
    "fix_signs",
    "geodesic_distances",
    "knn_graph",
    "label_graph",
    "laplacian",
    "laplacian_eigenmaps",
    "linear_ssl",
    "pair_moments",
    "pairs_graph",
    "principal_angles",
    "procrustes",
    "rewire_graph",
    "row_stochastic_graph",
    "sign_align",
    "spectral_gap",
    "subspace_overlap",
    "total_correlation",
    "vicreg_embedding",
    "vicreg_graph_loss",
]
