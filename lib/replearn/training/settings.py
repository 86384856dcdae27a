"""What decides the result of a run of the loop, in one place."""

from dataclasses import dataclass

from replearn.validate import check_integer, check_positive


@dataclass(frozen=True, kw_only=True)
class LoopSettings:
    """How a run of ``pretrain`` descends.

    Parameters
    ----------
    steps : int
        Number of steps.
    batch_size : int
        Images in each step, over all processes, at least 2.
    lr : float
        Peak learning rate.
    warmup : int
        Steps of linear warm-up, fewer than ``steps``.
    weight_decay : float
        Decay of everything that has more than one dimension.
    clip : float, optional
        Largest norm of the gradient of all parameters together: a longer one is shortened to it.
    seed : int
        Seed of the batches, the views and the layers that draw. What networks start from was decided when they were
        made.

    Examples
    --------
    >>> LoopSettings(steps=200, lr=1e-3)
    LoopSettings(steps=200, batch_size=128, lr=0.001, warmup=20, weight_decay=0.0001, clip=None, seed=0)
    """

    steps: int
    batch_size: int = 128
    lr: float = 5e-3
    warmup: int = 20
    weight_decay: float = 1e-4
    clip: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        check_integer("steps", self.steps, 1)
        check_integer("batch_size", self.batch_size, 2)
        check_positive("lr", self.lr)
        check_integer("warmup", self.warmup, 0)
        if self.warmup >= self.steps:
            raise ValueError(f"warmup must be smaller than the number of steps, but is {self.warmup} of {self.steps}")
        check_positive("weight_decay", self.weight_decay, allow_zero=True)
        if self.clip is not None:
            check_positive("clip", self.clip)
        check_integer("seed", self.seed, 0, 2**32 - 1)
