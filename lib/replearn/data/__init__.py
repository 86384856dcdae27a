"""Small data sets, 2-D toys, a shapes renderer and augmentations that run batched on the device."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
