"""Worlds with known latents on a sphere: clusters around centres, seen through an unknown invertible map."""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from replearn.validate import check_integer, check_matrix, check_positive

STYLE_STD = 0.5
_DRAWS = 25_000


def sample_vmf(mu: torch.Tensor, kappa: float, generator: torch.Generator) -> torch.Tensor:
    """Draw one point of the unit sphere around each mean direction, with density proportional to exp(kappa mu . z).

    ``z = w mu + sqrt(1 - w^2) t`` with t a uniform unit tangent and w drawn by rejection.

    Parameters
    ----------
    mu : torch.Tensor
        (n, d) unit rows, d >= 2.
    kappa : float
        Concentration, at least 0; 0 is uniform. The mean of ``mu . z`` is the ratio of Bessel functions
        ``I_{d/2}(kappa) / I_{d/2 - 1}(kappa)``.
    generator : torch.Generator
        On the device of ``mu``.

    Returns
    -------
    torch.Tensor
        (n, d) unit rows, of the type of ``mu``.

    References
    ----------
    Wood, "Simulation of the von Mises Fisher distribution" (1994).

    Examples
    --------
    >>> means = torch.tensor([[0.0, 0.0, 1.0]])
    >>> bool(sample_vmf(means, 1e6, torch.Generator())[0, 2] > 0.99)
    True
    """
    check_matrix("mu", mu)
    check_positive("kappa", kappa, allow_zero=True)
    n, d = mu.shape
    if d < 2:
        raise ValueError("mu must have at least 2 columns: the sphere in one dimension is two points")
    if ((mu.norm(dim=1) - 1).abs() > 1e-4).any():
        raise ValueError("mu must have rows of length 1; normalise them first")
    w = _cosines(n, d, kappa, mu, generator)
    tangent = _normal(mu.shape, mu, generator)
    tangent = F.normalize(tangent - (tangent * mu).sum(1, keepdim=True) * mu, dim=1)
    return w * mu + ((1 - w) * (1 + w)).sqrt() * tangent


def _cosines(n: int, d: int, kappa: float, like: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Cosines (n, 1) between draws and their mean direction, by Wood's rejection."""
    b = (d - 1) / (2 * kappa + math.sqrt(4 * kappa**2 + (d - 1) ** 2))
    x0 = (1 - b) / (1 + b)
    c = kappa * x0 + (d - 1) * math.log(1 - x0**2)
    kept = like.new_empty(0)
    while len(kept) < n:
        # A coordinate t of a uniform direction gives (1 + t) / 2 ~ Beta((d - 1) / 2, (d - 1) / 2).
        e = (1 + F.normalize(_normal((n, d), like, generator), dim=1)[:, 0]) / 2
        w = (1 - (1 + b) * e) / (1 - (1 - b) * e)
        u = torch.rand(n, generator=generator, device=like.device, dtype=like.dtype)
        kept = torch.cat([kept, w[kappa * w + (d - 1) * (1 - x0 * w).log() - c >= u.log()]])
    return kept[:n, None]


def _normal(shape: torch.Size | tuple[int, int], like: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    return torch.randn(shape, generator=generator, device=like.device, dtype=like.dtype)


class InvertibleMLP(nn.Module):
    """``x = W_L a(W_{L-1} ... a(W_1 z))`` with square matrices and the leaky ReLU a, and its exact inverse.

    Parameters
    ----------
    weights : torch.Tensor
        (L, d, d), invertible.
    slope : float
        Slope of the leaky ReLU below 0, positive.
    """

    weights: torch.Tensor

    def __init__(self, weights: torch.Tensor, slope: float) -> None:
        super().__init__()
        self.slope = slope
        self.register_buffer("weights", weights)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        first, *others = self.weights
        z = z @ first.T
        for weight in others:
            z = F.leaky_relu(z, self.slope) @ weight.T
        return z

    def inverse(self, x: torch.Tensor) -> torch.Tensor:
        """Return the z (N, d) that is mapped to x (N, d)."""
        *others, last = self.weights.flip(0)
        for weight in others:
            x = F.leaky_relu(torch.linalg.solve(weight, x.T).T, 1 / self.slope)
        return torch.linalg.solve(last, x.T).T


def invertible_mlp(
    d: int,
    *,
    layers: int = 3,
    slope: float = 0.2,
    max_cond: float = 3.0,
    seed: int = 0,
    dtype: torch.dtype | None = None,
) -> InvertibleMLP:
    """Draw an invertible mixing: matrices with entries from U[-1, 1] and columns of length 1, leaky ReLU between them.

    Parameters
    ----------
    d : int
        Dimension of input and output.
    layers : int
        Number of matrices.
    slope : float
        Slope of the leaky ReLU below 0, positive.
    max_cond : float
        Largest condition number of a matrix, at least 1; draws above it are rejected.
    seed : int
        Seed of the draw.
    dtype : torch.dtype, optional
        Type of the matrices; by default torch's default.

    Returns
    -------
    InvertibleMLP
        A module (N, d) -> (N, d) without parameters to train, with ``.inverse``.

    Raises
    ------
    ValueError
        If ``d`` or ``layers`` is not a positive integer, ``slope`` is not positive, or too few of 25,000 draws have so
        small a condition number (in high dimension, allow a larger one).

    References
    ----------
    The mixing of Hyvarinen and Morioka (2016) and of Reizinger et al. (2025), who keep the best of 25,000.

    Examples
    --------
    >>> network = invertible_mlp(3)
    >>> x = torch.ones(1, 3)
    >>> network(x).shape
    torch.Size([1, 3])
    """
    check_integer("d", d, 1)
    check_integer("layers", layers, 1)
    check_positive("slope", slope)
    check_positive("max_cond", max_cond)
    generator = torch.Generator().manual_seed(seed)
    weights = torch.empty(0, d, d, dtype=torch.float64)
    for _ in range(_DRAWS // 1000):
        drawn = F.normalize(2 * torch.rand(1000, d, d, generator=generator, dtype=torch.float64) - 1, dim=1)
        weights = torch.cat([weights, drawn[torch.linalg.cond(drawn) <= max_cond]])
        if len(weights) >= layers:
            return InvertibleMLP(weights[:layers].to(dtype or torch.get_default_dtype()), slope)
    raise ValueError(
        f"fewer than {layers} of {_DRAWS:,} draws have a condition number up to {max_cond}; allow a larger one"
    )


class LatentWorld(NamedTuple):
    """A world of clusters: ``content on the unit sphere | style`` are its latents, ``mixing`` shows them.

    ``_replace`` makes variants: other centres (in a subspace, one for each instance), another concentration.

    Attributes
    ----------
    centres : (C, d) unit rows, the mean directions of the classes.
    kappa : concentration of the clusters, and of a positive around its anchor.
    mixing : module (N, d + style) -> (N, d + style), invertible.
    style : number of latents, N(0, 0.25) each, that say nothing of the class.
    rho : correlation of the style between the two samples of a pair, in [-1, 1]; 0 draws it anew.
    """

    centres: torch.Tensor
    kappa: float
    mixing: nn.Module
    style: int = 0
    rho: float = 0.0

    def sample(self, n: int, generator: torch.Generator) -> torch.Tensor:
        """Draw latents (n, d + style), with content uniform on the sphere."""
        return self._with_style(F.normalize(self._noise(n, self.centres.shape[1], generator), dim=1), generator)

    def pair(self, n: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw latents (n, d + style) of anchors, content uniform on the sphere, and of positives around them."""
        d = self.centres.shape[1]
        anchor = self.sample(n, generator)
        content = sample_vmf(anchor[:, :d], self.kappa, generator)
        fresh = STYLE_STD * self._noise(n, self.style, generator)
        style = self.rho * anchor[:, d:] + math.sqrt(1 - self.rho**2) * fresh
        return anchor, torch.cat([content, style], 1)

    def classes(self, n: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw latents (n, d + style) around random centres, and the index (n,) of each centre."""
        c = torch.randint(len(self.centres), (n,), generator=generator, device=self.centres.device)
        return self._with_style(sample_vmf(self.centres[c], self.kappa, generator), generator), c

    def posterior(self, z: torch.Tensor) -> torch.Tensor:
        """Return the probability (n, C) of each class given latents (n, d + style), the softmax of kappa times V z."""
        return (self.kappa * z[:, : self.centres.shape[1]] @ self.centres.T).softmax(1)

    def views(self, n: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw what anchors and their positives look like, (n, d + style) each."""
        anchor, positive = self.pair(n, generator)
        return self.render(anchor), self.render(positive)

    def listed_views(self, n_pairs: int, generator: torch.Generator) -> Callable:
        """Draw a fixed list of pairs; return a sampler like ``views`` that draws from the list, with replacement."""
        x, x_positive = self.views(n_pairs, generator)

        def sampler(n: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
            index = torch.randint(n_pairs, (n,), generator=generator, device=x.device)
            return x[index], x_positive[index]

        return sampler

    def labelled(self, n: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw what latents with uniform content look like, (n, d + style), and a class (n,) from their posterior."""
        z = self.sample(n, generator)
        return self.render(z), self.posterior(z).multinomial(1, generator=generator)[:, 0]

    def render(self, z: torch.Tensor) -> torch.Tensor:
        """Return what latents (n, d + style) look like, (n, d + style)."""
        return self.mixing(z)

    def _noise(self, n: int, k: int, generator: torch.Generator) -> torch.Tensor:
        return _normal((n, k), self.centres, generator)

    def _with_style(self, content: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return torch.cat([content, STYLE_STD * self._noise(len(content), self.style, generator)], 1)


def latent_world(
    d: int,
    *,
    n_classes: int = 20,
    kappa: float = 5.0,
    style: int = 0,
    rho: float = 0.0,
    layers: int = 3,
    max_cond: float = 3.0,
    seed: int = 0,
    dtype: torch.dtype | None = None,
) -> LatentWorld:
    """Make a world with random centres, uniform on the sphere, and a random invertible mixing.

    Parameters
    ----------
    d : int
        Dimension of the content, at least 2.
    n_classes : int
        Number C of centres, at least 2.
    kappa : float
        Concentration, at least 0.
    style : int
        Number of style latents.
    rho : float
        Correlation of style within a pair, in [-1, 1].
    layers, max_cond : int, float
        Of ``invertible_mlp``.
    seed : int
        Seed of centres and mixing.
    dtype : torch.dtype, optional
        Type of everything; by default torch's default.

    Returns
    -------
    LatentWorld
        With ``sample``, ``pair``, ``classes`` and ``render``.

    References
    ----------
    The cluster-centric process of Reizinger et al., "Cross-Entropy Is All You Need To Invert the Data Generating
    Process" (2025); pairs as in Zimmermann et al. (2021), style as in von Kuegelgen et al. (2021).

    Examples
    --------
    >>> world = latent_world(3, n_classes=10)
    >>> world.centres.shape
    torch.Size([10, 3])
    """
    for name, value, low in (("d", d, 2), ("n_classes", n_classes, 2), ("style", style, 0)):
        check_integer(name, value, low)
    check_positive("kappa", kappa, allow_zero=True)
    if not -1 <= rho <= 1:
        raise ValueError(f"rho is a correlation and must lie in [-1, 1], but is {rho}")
    mixing = invertible_mlp(d + style, layers=layers, max_cond=max_cond, seed=seed, dtype=dtype)
    generator = torch.Generator().manual_seed(seed)
    centres = F.normalize(torch.randn(n_classes, d, generator=generator, dtype=torch.float64), dim=1)
    return LatentWorld(centres.to(mixing.weights.dtype), kappa, mixing, style, rho)


def bayes_cross_entropy(V: torch.Tensor, kappa: float, z: torch.Tensor, c: torch.Tensor) -> float:
    """Cross-entropy of the true posterior of the class, the smallest that any classifier can reach on these samples.

    ``mean_i -log softmax(kappa V z_i)_{c_i}``

    Parameters
    ----------
    V : torch.Tensor
        (C, d) centres.
    kappa : float
        Concentration, at least 0.
    z : torch.Tensor
        (n, d) content of the latents.
    c : torch.Tensor
        (n,) int64 classes, 0..C-1.

    Returns
    -------
    float
        In nats, between 0 and log C for most samples.

    References
    ----------
    Reizinger et al. (2025), the posterior of the cluster-centric process with equally frequent classes.

    Examples
    --------
    >>> centres = torch.eye(3)
    >>> bayes_cross_entropy(centres, 1e3, centres, torch.arange(3))
    0.0
    """
    check_matrix("V", V)
    check_matrix("z", z)
    check_positive("kappa", kappa, allow_zero=True)
    if V.shape[1] != z.shape[1]:
        raise ValueError(f"V and z must have equally many columns, but have {V.shape[1]} and {z.shape[1]}")
    if c.shape != z.shape[:1] or c.is_floating_point() or c.min() < 0 or c.max() >= len(V):
        raise ValueError(f"c must hold one integer class below {len(V)} for each of the {len(z)} samples")
    return F.cross_entropy(kappa * z.double() @ V.double().T, c.long()).item()
