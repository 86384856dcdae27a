"""The classifier that can do anything, one free embedding for each thing: its flat directions, and what they save."""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike

from replearn.evaluation.tensors import as_matrix, as_tensor
from replearn.validate import check_finite, check_integer, check_positive


class TabularClassifier(NamedTuple):
    """The ``loss`` as a function of one vector (P,), and the vector ``optimum`` (P,) at which it is least, float64."""

    loss: Callable
    optimum: torch.Tensor


def tabular_classifier(V: ArrayLike, z: ArrayLike, *, kappa: float, unit_rows: bool = False) -> TabularClassifier:
    r"""Cross-entropy of free embeddings h_s of n states and a head W, whose targets are the posteriors of a world.

    .. math:: -\frac1n \sum_s \sum_c p(c \mid z_s) \log \mathrm{softmax}(W h_s)_c, \qquad
        p(c \mid z) = \mathrm{softmax}(\kappa V z)_c

    The vector holds H (n, d) and then U (C, d), row by row, P = (n + C) d; the head is W = U, or, with ``unit_rows``,
    :math:`w_c = u_c / \|u_c\|`. The optimum is H = kappa z, U = V.

    Parameters
    ----------
    V : centres (C, d), array or tensor; unit rows where ``unit_rows``.
    z : latents (n, d) of the states.
    kappa : concentration, positive.
    unit_rows : give the head rows of length 1.

    Returns
    -------
    ``TabularClassifier(loss, optimum)``, for example for :func:`flat_directions`. A loss costs O(n C d).

    References
    ----------
    The setting of Reizinger et al. 2025 (arXiv 2410.21869), with a table in place of the encoder.

    Examples
    --------
    >>> tabular_classifier(torch.eye(3), torch.eye(3), kappa=5.0).optimum.shape
    torch.Size([18])
    """
    V, z = as_matrix("V", V), as_matrix("z", z)
    check_positive("kappa", kappa)
    if V.shape[1] != z.shape[1]:
        raise ValueError(f"V and z must have equally many columns, but have {V.shape[1]} and {z.shape[1]}")
    if unit_rows and ((V.norm(dim=1) - 1).abs() > 1e-6).any():
        raise ValueError("V must have rows of length 1 where unit_rows is set; normalise them first")
    n, d = z.shape
    p = (kappa * z @ V.T).softmax(1)

    def loss(theta: torch.Tensor) -> torch.Tensor:
        H, W = theta[: n * d].view(n, d), theta[n * d :].view(-1, d)
        W = F.normalize(W, dim=1) if unit_rows else W
        return -(p * (H @ W.T).log_softmax(1)).sum(1).mean()

    return TabularClassifier(loss, torch.cat([kappa * z.flatten(), V.flatten()]))


def learning_coefficient(
    loss: Callable,
    optimum: ArrayLike,
    *,
    temperature: float = 1e-12,
    steps: int = 1000,
    step_size: float = 0.1,
    spring: float = 1e-7,
    seed: int = 0,
) -> float:
    r"""Estimate Watanabe's learning coefficient at a minimum: mean excess loss over temperature, by Langevin sampling.

    .. math:: \lambda \approx \frac1T \, \mathbb E [L(\theta) - L(\theta^*)], \qquad
        p(\theta) \propto \exp \big( -\tfrac1T [L(\theta) + \tfrac\epsilon2 \|\theta - \theta^*\|^2] \big)

    A spring of strength :math:`\epsilon` keeps draws near the minimum. Steps are preconditioned by the inverse of the
    Hessian there plus :math:`\epsilon`, so that steep and flat directions mix equally fast. The first third of them is
    thrown away.

    Parameters
    ----------
    loss : function of a float64 vector (P,), returning a twice differentiable scalar tensor.
    optimum : the minimum (P,), array or tensor.
    temperature : T > 0, in units of the loss; so low that the minimum's surroundings look straight, draws stay near.
    steps : number of Langevin steps, at least 3.
    step_size : of the preconditioned steps, in (0, 1); its bias is taken off, exactly where the loss is quadratic.
    spring : epsilon > 0, far below the curvatures that count.
    seed : seed of the noise.

    Returns
    -------
    Float, about (P - nullity) / 2 where the minima form a smooth manifold. Costs a Hessian and ``steps`` gradients.

    References
    ----------
    Lau et al. 2023 (arXiv 2308.12108), the local learning coefficient; Watanabe 2013 (WBIC).

    Examples
    --------
    >>> abs(learning_coefficient(lambda theta: (theta**2).sum(), torch.zeros(4)) - 2) < 0.2
    True
    """
    optimum = as_tensor(optimum)
    if optimum.ndim != 1 or len(optimum) == 0:
        raise ValueError(f"optimum must be a vector (P,), but has shape {tuple(optimum.shape)}")
    for name, value in {"temperature": temperature, "step_size": step_size, "spring": spring}.items():
        check_positive(name, value)
    check_integer("steps", steps, 3)
    if step_size >= 1:
        raise ValueError(f"step_size must be below 1, but is {step_size}")
    generator = torch.Generator(optimum.device).manual_seed(seed)
    curvature, axes = torch.linalg.eigh(torch.func.hessian(loss)(optimum))
    speed = step_size / (curvature.clamp(min=0) + spring)
    slope, least, theta, excess = torch.func.grad(loss), loss(optimum), optimum, []
    for _ in range(steps):
        pull = axes.T @ (slope(theta) + spring * (theta - optimum))
        noise = torch.randn(len(theta), dtype=theta.dtype, device=theta.device, generator=generator)
        theta = theta + axes @ ((2 * temperature * speed).sqrt() * noise - speed * pull)
        excess.append((loss(theta) - least) / temperature)
    return (1 - step_size / 2) * torch.stack(excess[steps // 3 :]).mean().item()


class FlatDirections(NamedTuple):
    """Dimension ``nullity`` of a Hessian's null space, and all its ``eigenvalues`` (P,), ascending."""

    nullity: int
    eigenvalues: torch.Tensor


def flat_directions(loss: Callable, theta: ArrayLike, *, rtol: float = 1e-9) -> FlatDirections:
    """Count the directions in which a loss does not curve at a critical point, from its exact Hessian in float64.

    Parameters
    ----------
    loss : function of a float64 vector (P,), returning a twice differentiable scalar tensor.
    theta : critical point (P,), array or tensor.
    rtol : eigenvalues up to rtol times the largest magnitude count as zero, >= 0.

    Returns
    -------
    ``FlatDirections(nullity, eigenvalues)``. Costs P gradients, O(P^2) memory and O(P^3) time.

    References
    ----------
    Reizinger et al. 2025 (arXiv 2504.13101) ask for it; a Hessian with a null space marks a singular model (Watanabe
    2009).

    Examples
    --------
    >>> flat_directions(lambda theta: theta[0] ** 2, torch.zeros(3)).nullity
    2
    """
    theta = as_tensor(theta)
    if theta.ndim != 1 or len(theta) == 0:
        raise ValueError(f"theta must be a vector (P,), but has shape {tuple(theta.shape)}")
    check_finite("theta", theta)
    check_positive("rtol", rtol, allow_zero=True)
    slope = torch.func.grad(loss)(theta).norm().item()
    if not slope <= 1e-6:
        raise ValueError(f"theta must be a critical point, but the gradient there has length {slope:.2g}")
    eigenvalues = torch.linalg.eigvalsh(torch.func.hessian(loss)(theta))
    magnitude = eigenvalues.abs()
    return FlatDirections(int((magnitude <= rtol * magnitude.max()).sum()), eigenvalues)
