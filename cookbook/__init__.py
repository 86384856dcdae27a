"""How a chapter of The Self-Supervised Learning Cookbook is opened, drawn, played with and checked.

``import cookbook as cb`` gives a chapter all it needs; the science is in ``replearn``. Each module is read when
something of it is first used.
"""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
