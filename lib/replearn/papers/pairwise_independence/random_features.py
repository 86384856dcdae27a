"""Random features of single numbers: the element-wise projector of the independence chapters."""

import math

import torch
from torch import nn

from replearn.validate import check_choice, check_integer, check_positive


class RandomFeatures(nn.Module):
    r"""Map every number to P fixed random features of it, the same for every variable: (..., M) -> (..., M, P).

    ``phi_p(x) = sqrt(2 / P) a(w_p x + b_p)`` with ``w ~ N(0, 1 / s^2)`` and

    - ``"rff"``: a = cos, b uniform on [0, 2 pi]; ``phi(x) . phi(y)`` tends to ``exp(-(x - y)^2 / (2 s^2))``;
    - ``"relu"``: a = relu, b ~ N(0, 1);
    - ``"linear"``: a = identity, b ~ N(0, 1), a control that sees correlation only.

    Parameters
    ----------
    n_features : int
        Number P of features.
    kind : {"rff", "relu", "linear"}
        Which features.
    bandwidth : float
        s > 0, in units of the input.
    seed : int
        Seed of the draw.

    References
    ----------
    Rahimi and Recht, "Random Features for Large-Scale Kernel Machines" (2007), for the cosines; Mialon et al.,
    "Variance Covariance Regularization Enforces Pairwise Independence" (2022), for their use as a projector.

    Examples
    --------
    >>> RandomFeatures(32)(torch.zeros(9, 4)).shape
    torch.Size([9, 4, 32])
    """

    weight: torch.Tensor
    bias: torch.Tensor

    def __init__(self, n_features: int, kind: str = "rff", *, bandwidth: float = 1.0, seed: int = 0) -> None:
        super().__init__()
        check_integer("n_features", n_features, 1)
        check_choice("kind", kind, tuple(_ACTIVATIONS))
        check_positive("bandwidth", bandwidth)
        self.kind, self.bandwidth = kind, bandwidth
        generator = torch.Generator().manual_seed(seed)
        weight = torch.randn(n_features, generator=generator, dtype=torch.float64) / bandwidth
        if kind == "rff":
            bias = 2 * math.pi * torch.rand(n_features, generator=generator, dtype=torch.float64)
        else:
            bias = torch.randn(n_features, generator=generator, dtype=torch.float64)
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)

    def extra_repr(self) -> str:
        return f"{len(self.weight)}, kind={self.kind!r}, bandwidth={self.bandwidth}"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weight, bias = self.weight.to(x.dtype), self.bias.to(x.dtype)
        return math.sqrt(2 / len(weight)) * _ACTIVATIONS[self.kind](x.unsqueeze(-1) * weight + bias)


_ACTIVATIONS = {"rff": torch.cos, "relu": torch.relu, "linear": lambda x: x}
