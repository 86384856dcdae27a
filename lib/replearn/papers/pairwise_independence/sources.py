"""Independent sources and their mixings, and variables that are dependent only together, in float64."""

import numpy as np
import torch

from replearn.data.named_sets import standardize
from replearn.validate import check_between, check_choice, check_integer, check_matrix


def ica_sources(n: int, d: int, kind: str = "uniform", *, seed: int = 0) -> torch.Tensor:
    """Draw independent sources of mean 0 and variance 1.

    Parameters
    ----------
    n : int
        Number of samples, at least 2.
    d : int
        Number of sources; at most 4 for ``"mixed"``.
    kind : {"uniform", "laplace", "gaussian", "mixed"}
        Distribution of each; ``"mixed"`` takes the first d of uniform, Laplace, the square wave
        ``sign(sin(0.05 t + u))`` in the order t of the samples, and exponential.
    seed : int
        Seed of the draw.

    Returns
    -------
    torch.Tensor
        (n, d) float64; each column has mean 0 and biased variance 1.

    References
    ----------
    The usual test sources of independent component analysis (Hyvarinen and Oja, 2000).

    Examples
    --------
    >>> ica_sources(100, 3, "mixed").shape
    torch.Size([100, 3])
    """
    check_integer("n", n, 2)
    check_choice("kind", kind, ("uniform", "laplace", "gaussian", "mixed"))
    check_integer("d", d, 1, 4 if kind == "mixed" else None)
    rng = np.random.default_rng(seed)
    kinds = ["uniform", "laplace", "square", "exponential"][:d] if kind == "mixed" else [kind] * d
    return standardize(torch.from_numpy(np.stack([_draw(name, n, rng) for name in kinds], 1)), 0)


def _draw(kind: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """One source (n,), neither centered nor scaled."""
    if kind == "uniform":
        return rng.uniform(-1, 1, n)
    if kind == "laplace":
        return rng.laplace(size=n)
    if kind == "gaussian":
        return rng.standard_normal(n)
    if kind == "square":
        return np.sign(np.sin(0.05 * np.arange(n) + rng.uniform(0, 2 * np.pi)))
    return rng.exponential(size=n)


def radial_rotation(s: torch.Tensor, *, turn: float = 1.0, offset: float = 0.0) -> torch.Tensor:
    """Mix two sources nonlinearly: turn each point about the origin by an angle that grows with its radius.

    ``x = R(turn |s| + offset) s``, which keeps volumes and radii; the same map with both signs changed undoes it.

    Parameters
    ----------
    s : torch.Tensor
        (n, 2) sources.
    turn : float
        Radians per unit of radius.
    offset : float
        Radians.

    Returns
    -------
    torch.Tensor
        (n, 2).

    References
    ----------
    Hyvarinen and Pajunen, "Nonlinear independent component analysis: existence and uniqueness results" (1999).

    Examples
    --------
    >>> radial_rotation(torch.tensor([[1.0, 0.0]]), turn=torch.pi / 2).round(decimals=4)
    tensor([[-0., 1.]])
    """
    check_matrix("s", s)
    if s.shape[1] != 2:
        raise ValueError(f"s must hold two sources, shape (n, 2), but has shape {tuple(s.shape)}")
    angle = turn * s.norm(dim=1) + offset
    cos, sin = angle.cos(), angle.sin()
    return torch.stack([cos * s[:, 0] - sin * s[:, 1], sin * s[:, 0] + cos * s[:, 1]], 1)


def xor_triple(n: int, *, strength: float = 1.0, seed: int = 0) -> torch.Tensor:
    """Draw three fair signs that are independent two by two, but not all three together.

    The first two are independent; the third is their product with probability (1 + strength) / 2, else its opposite.

    Parameters
    ----------
    n : int
        Number of samples.
    strength : float
        In [0, 1]: 0 is mutual independence, 1 decides the third sign.
    seed : int
        Seed of the draw.

    Returns
    -------
    torch.Tensor
        (n, 3) float64, entries -1 and 1.

    References
    ----------
    Bernstein's example of pairwise without mutual independence; with strength 1, exclusive or.

    Examples
    --------
    >>> bool((xor_triple(50).prod(1) == 1).all())
    True
    """
    check_integer("n", n, 1)
    check_between("strength", strength, 0, 1)
    x = torch.rand(n, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    x = torch.where(x < x.new_tensor([0.5, 0.5, (1 + strength) / 2]), 1.0, -1.0).double()
    x[:, 2] *= x[:, 0] * x[:, 1]
    return x
