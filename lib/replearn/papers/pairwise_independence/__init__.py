"""Variance-covariance regularization makes variables independent in pairs: sources, features, and the measure."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
