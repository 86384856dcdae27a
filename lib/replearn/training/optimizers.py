"""What an optimizer is given, and the one that large batches ask for."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from replearn.validate import check_positive


def param_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """Split a model's parameters into those that decay and those of at most one dimension, which do not.

    Biases and the scales of BatchNorm and LayerNorm are one-dimensional: decaying them moves a layer's operating
    point without regularising anything.

    Parameters
    ----------
    model : torch.nn.Module
        Its parameters that require gradients are taken.
    weight_decay : float
        The decay of matrices and kernels, at least 0.

    Returns
    -------
    list of dict
        Two groups, ready for any torch optimizer; an empty one is left out.

    References
    ----------
    Goyal et al. (2017), section 5.3; You et al., "LARS" (2017).

    Examples
    --------
    >>> [len(group["params"]) for group in param_groups(nn.Linear(3, 2), 1e-4)]  # the matrix decays, the bias does not
    [1, 1]
    """
    check_positive("weight_decay", weight_decay, allow_zero=True)
    trained = [p for p in model.parameters() if p.requires_grad]
    if not trained:
        raise ValueError("the model has no parameter that requires a gradient, so there is nothing to train")
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


class LARS(torch.optim.Optimizer):
    r"""Layer-wise adaptive rate scaling: momentum SGD whose step on each matrix is in proportion to its norm.

    For a matrix or kernel w: g <- grad + weight_decay w; g <- eta ||w|| / ||g|| g (where both norms are positive);
    m <- momentum m + g; w <- w - lr m. Parameters of at most one dimension take plain momentum steps: they are neither
    decayed nor scaled.

    Parameters
    ----------
    params : iterable
        Parameters, or groups of them.
    lr : float > 0
        Learning rate; the first step moves every matrix by lr eta of its norm.
    weight_decay, momentum : float >= 0
    eta : float > 0
        The trust coefficient: 1e-3 in the paper, 0.02 in common settings for small images.

    References
    ----------
    You et al., "Large Batch Training of Convolutional Networks" (2017); biases and BatchNorm are left out as
    in SimCLR's, BYOL's and Barlow Twins' code.

    Examples
    --------
    >>> layer = nn.Linear(3, 2)
    >>> LARS(param_groups(layer, 1e-4), lr=0.1).param_groups[0]["eta"]
    0.001
    """

    def __init__(
        self, params: Iterable, lr: float, *, weight_decay: float = 0.0, momentum: float = 0.9, eta: float = 1e-3
    ) -> None:
        check_positive("lr", lr)
        check_positive("eta", eta)
        check_positive("weight_decay", weight_decay, allow_zero=True)
        check_positive("momentum", momentum, allow_zero=True)
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum, "eta": eta})

    @torch.no_grad()
    def step(self, closure: Callable | None = None) -> Any:
        """Take one step; ``closure``, if given, recomputes the loss, which is returned."""
        loss = None if closure is None else torch.enable_grad()(closure)()
        for group in self.param_groups:
            for w in group["params"]:
                if w.grad is not None:
                    self._move(w, w.grad, group)
        return loss

    def _move(self, w: torch.Tensor, g: torch.Tensor, group: dict) -> None:
        if w.ndim > 1:
            g = g.add(w, alpha=group["weight_decay"])
            size, slope = w.norm(), g.norm()
            trust = torch.where((size > 0) & (slope > 0), group["eta"] * size / slope, 1.0)
            g = g * trust
        state = self.state[w]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(w)
        w.sub_(state["momentum"].mul_(group["momentum"]).add_(g), alpha=group["lr"])
