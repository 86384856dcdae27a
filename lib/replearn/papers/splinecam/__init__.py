"""SplineCam: the exact mosaic of a network; its small networks, its trained digits, and slow counts to check it by."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
