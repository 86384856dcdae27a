"""Worlds of latents, and models whose minima are not points: what of them can be recovered, and what is flat."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
