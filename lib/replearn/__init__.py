"""The science of the Self-Supervised Learning Cookbook: torch, numpy and scipy only, no notebooks and no plots.

Each room holds one kind of thing and is imported by name, ``from replearn import losses, spectral``:

- ``losses``      what self-supervised methods minimise
- ``spectral``    graphs, Laplacians and the closed forms those losses converge to
- ``splines``     the exact geometry of piecewise-affine networks
- ``models``      encoders and heads
- ``data``        small data sets, toys and batched augmentations
- ``training``    the one loop that every method shares
- ``evaluation``  probes and label-free measures

Two modules stand beside them: ``validate`` (checks of arguments) and ``descent`` (full-batch L-BFGS).
"""
