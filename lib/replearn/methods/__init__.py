"""Families of self-supervised learning as something that ``replearn.training.pretrain`` can train."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
