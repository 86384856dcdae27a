"""What self-supervised methods minimize: pure functions of embeddings, each with its formula and its source."""

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
