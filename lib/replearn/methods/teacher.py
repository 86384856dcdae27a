"""A slow copy of a network: the teacher of self-distillation, the key encoder of MoCo."""

import copy

import torch
from torch import nn

from replearn.training.schedules import cosine
from replearn.validate import check_between


class EMA(nn.Module):
    r"""An exponential moving average of a network's parameters, updated by hand: xi <- m xi + (1 - m) theta.

    The copy requires no gradient. Its BatchNorm statistics are its own: it keeps them by running in the mode it is in,
    and they are neither averaged nor copied.

    Parameters
    ----------
    model : torch.nn.Module
        The fast network; what the average starts from.
    decay : float
        m in [0, 1]: 0 copies the network at every update, 1 never moves. Half of an old value is forgotten after
        log(1/2) / log(m) updates.

    References
    ----------
    Tarvainen & Valpola 2017 (Mean Teacher); He et al. 2020 (MoCo), equation 2; Grill et al. 2020 (BYOL).

    Examples
    --------
    >>> fast = nn.Linear(1, 1, bias=False)
    >>> slow = EMA(fast, decay=0.9)
    >>> with torch.no_grad():
    ...     _ = fast.weight.add_(1.0)
    >>> slow.update(fast)
    >>> round((fast.weight - slow.module.weight).item(), 3)
    0.9
    """

    def __init__(self, model: nn.Module, decay: float = 0.99) -> None:
        super().__init__()
        self.decay = _checked(decay)
        self.module = copy.deepcopy(model).requires_grad_(False)

    def extra_repr(self) -> str:
        return f"decay={self.decay}"

    @torch.no_grad()
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.module(x)

    @torch.no_grad()
    def update(self, model: nn.Module, decay: float | None = None) -> None:
        """Move the average towards ``model``, which has the same parameters, by this step's ``decay`` if given."""
        decay = self.decay if decay is None else _checked(decay)
        slow, fast = (tuple(m.parameters()) for m in (self.module, model))
        if [p.shape for p in slow] != [p.shape for p in fast]:
            raise ValueError("the model's parameters have other shapes than those of the copy that was made of it")
        torch._foreach_lerp_(slow, fast, 1 - decay)


def decay_at(decay: float | tuple[float, float], progress: float) -> float:
    """Return the decay at a share of the run: a number stays, a pair goes from one to the other along half a cosine."""
    return cosine(progress, *decay) if isinstance(decay, tuple) else decay


def _checked(decay: float) -> float:
    check_between("decay", decay, 0, 1)
    return float(decay)
