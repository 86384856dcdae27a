"""The science of the Self-Supervised Learning Cookbook: torch, numpy and scipy only, no notebooks and no plots.

Each room holds one kind of thing and is imported by name, ``from replearn import losses``. From the ground up:

- ``losses``      what self-supervised methods minimize
- ``spectral``    graphs, Laplacians and the closed forms those losses converge to
- ``data``        small data sets, toys and batched augmentations
- ``splines``     the exact geometry of piecewise-affine networks
- ``models``      encoders and heads
- ``evaluation``  probes and label-free measures
- ``training``    the one loop that every method shares
- ``methods``     families of self-supervised learning as something that the loop can train
- ``recipes``     the book's named small trainings, and what they are measured by
- ``runs``        trainings outside the notebook
- ``papers``      what one chapter alone needs

Two modules stand beside them: ``validate`` (checks of arguments) and ``descent`` (full-batch L-BFGS). A room, and
each module in it, is read when something of it is first used.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
