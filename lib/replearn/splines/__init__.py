"""The exact geometry of piecewise-affine networks.

A network of affine maps and piecewise-linear activations cuts its input space into convex regions and is one affine
map in each. This room reads such a network as a program (``compile_piecewise_affine``), tells the region and the
affine map of points (``activation_patterns``, ``region_affine``), and computes all regions and the decision boundary
on a plane exactly (``partition_2d``, ``decision_boundary_2d``).
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
