"""Graphs, their Laplacians, and the embeddings that self-supervised losses reach when they can be solved by hand."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
