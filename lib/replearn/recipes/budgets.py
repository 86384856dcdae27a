"""What a run of the book may cost: sizes and settings that chapters share."""

from typing import NamedTuple


class Recipe(NamedTuple):
    """Sizes and settings of one run: AdamW at peak ``lr`` with linear warm-up, then half a cosine to 0.

    ``width`` is TinyConv's, or the size of the MLP's representation; ``d_hidden`` is the projector's hidden layer, or
    the MLP encoder's; ``dim`` is the size of the embedding.

    Examples
    --------
    >>> Recipe(steps=50).loop()
    {'steps': 50, 'batch_size': 128, 'lr': 0.005, 'warmup': 20, 'weight_decay': 0.0001}
    """

    width: int = 16
    steps: int = 200
    batch_size: int = 128
    lr: float = 5e-3
    warmup: int = 20
    weight_decay: float = 1e-4
    d_hidden: int = 128
    dim: int = 64

    def loop(self) -> dict[str, float]:
        """The settings that ``pretrain`` takes."""
        names = ("steps", "batch_size", "lr", "warmup", "weight_decay")
        return {name: getattr(self, name) for name in names}


TINY = Recipe()
TINY_SHORT = Recipe(width=8, steps=100)
TINY_MLP = Recipe(width=128, steps=400, batch_size=256, lr=6e-3, d_hidden=256)
