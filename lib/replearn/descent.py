"""Full-batch descent for problems small enough to be solved to many digits."""

from collections.abc import Callable, Iterable
from typing import Any

import torch

from replearn.validate import check_finite, check_integer


def minimize(
    loss: Callable[..., torch.Tensor], weights: Iterable[torch.Tensor], *, steps: int = 400
) -> list[torch.Tensor]:
    """Minimize a smooth function of some tensors by L-BFGS with a strong-Wolfe line search, without randomness.

    Parameters
    ----------
    loss : callable
        ``loss(*weights)``, a scalar tensor.
    weights : iterable of torch.Tensor
        Where to start; float64 for many digits. They are not changed.
    steps : int
        Largest number of iterations; fewer where the gradient falls below 1e-12 or the loss stands still.

    Returns
    -------
    list of torch.Tensor
        Weights at the end, shapes as given.

    References
    ----------
    Nocedal & Wright, "Numerical Optimization" (2006), algorithms 3.5 and 7.5; here torch's implementation.

    Examples
    --------
    >>> (x,) = minimize(lambda x: (x - 3).square().sum(), [torch.zeros(2, dtype=torch.float64)])
    >>> x
    tensor([3., 3.], dtype=torch.float64)
    """
    check_integer("steps", steps, 1)
    weights = [w.detach().clone().requires_grad_() for w in weights]
    if not weights:
        raise ValueError("weights must hold at least one tensor to start from")
    for i, w in enumerate(weights):
        check_finite(f"weights[{i}]", w)
    settings: dict[str, Any] = {"history_size": 20, "tolerance_grad": 1e-12, "tolerance_change": 1e-16}
    solver = torch.optim.LBFGS(weights, max_iter=steps, line_search_fn="strong_wolfe", **settings)

    def closure() -> torch.Tensor:
        solver.zero_grad()
        value = loss(*weights)
        value.backward()
        return value

    solver.step(closure)
    return [w.detach() for w in weights]
