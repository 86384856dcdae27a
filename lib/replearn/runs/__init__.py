"""Trainings outside the notebook, ``cookbook train``: settings, data and the folder that a run leaves."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
