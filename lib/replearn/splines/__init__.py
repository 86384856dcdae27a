"""The exact geometry of piecewise-affine networks.

A network of affine maps and piecewise-linear activations cuts its input space into convex regions and is one affine
map in each. This room reads such a network as a program (``cpa_program``), tells the region and the affine map of
points (``activation_patterns``, ``region_affine``), and computes all regions and the decision boundary on a plane
exactly (``partition_2d``, ``decision_boundary_2d``).
"""

from replearn.splines.affine import (
    jacobian,
    jacobian_log_volume,
    jvp_basis,
    log_volume,
    region_affine,
    unit_distances,
)
from replearn.splines.boundary import decision_boundary_2d, distance_to_segments, sample_segments
from replearn.splines.clouds import PushedClouds, push_clouds
from replearn.splines.complexity import local_complexity, random_frame
from replearn.splines.partition import Partition2D, partition_2d
from replearn.splines.patterns import activation_patterns, count_patterns, layer_slices, pack_patterns
from replearn.splines.program import (
    Abs,
    Activation,
    Add,
    Affine,
    MaxGroup,
    NotPiecewiseAffineError,
    Push,
    Residual,
    cpa_program,
)
from replearn.splines.reference import arrangement_count, partition_2d_reference
from replearn.splines.slices import Slice, make_slice

__all__ = [
    "Abs",
    "Activation",
    "Add",
    "Affine",
    "MaxGroup",
    "NotPiecewiseAffineError",
    "Partition2D",
    "Push",
    "PushedClouds",
    "Residual",
    "Slice",
    "activation_patterns",
    "arrangement_count",
    "count_patterns",
    "cpa_program",
    "decision_boundary_2d",
    "distance_to_segments",
    "jacobian",
    "jacobian_log_volume",
    "jvp_basis",
    "layer_slices",
    "local_complexity",
    "log_volume",
    "make_slice",
    "pack_patterns",
    "partition_2d",
    "partition_2d_reference",
    "push_clouds",
    "random_frame",
    "region_affine",
    "sample_segments",
    "unit_distances",
]
