"""The classifier that can do anything, one free embedding for each thing: its flat directions, and what they save."""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike

from replearn.descent import minimize
from replearn.evaluation.tensors import as_matrix, as_tensor
from replearn.validate import check_between, check_finite, check_integer, check_positive


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
    step_size: float = 0.5,
    spring: float = 1e-7,
    seed: int = 0,
) -> float:
    r"""Estimate Watanabe's learning coefficient at a minimum: the mean excess loss over the temperature.

    .. math:: \Lambda \approx \frac1T \, \mathbb E [L(\theta) - L(\theta^*)], \qquad
        p(\theta) \propto \exp \big( -\tfrac1T [L(\theta) + \tfrac\epsilon2 \|\theta - \theta^*\|^2] \big)

    A spring of strength :math:`\epsilon` keeps draws near the minimum. With the Hessian H there the density is that of
    a Gaussian of covariance :math:`T (H + \epsilon I)^{-1}` times a factor for what of the loss is not quadratic.
    Proposals leave the Gaussian as it is (preconditioned Crank-Nicolson) and a Metropolis test sees to the factor, so
    that draws are right at every temperature. The first third of the steps is thrown away.

    Parameters
    ----------
    loss : function of a float64 vector (P,), returning a twice differentiable scalar tensor.
    optimum : the minimum (P,), array or tensor.
    temperature : T > 0, in units of the loss; T = 1 / n stands for n observations.
    steps : number of steps, at least 3.
    step_size : share of new noise in a proposal, in (0, 1]; 1 draws afresh from the Gaussian.
    spring : epsilon > 0, below the curvatures that count. The larger T, the stronger it must be: flat directions are
        explored as far as sqrt(T / epsilon).
    seed : seed of the noise.

    Returns
    -------
    Float, about (P - nullity) / 2 where the minima form a smooth manifold. Costs a Hessian and ``steps`` losses.

    Raises
    ------
    ValueError
        If fewer than 1 in 50 proposals are accepted, so that the draws say nothing.

    References
    ----------
    Lau et al. 2023 (arXiv 2308.12108), the local learning coefficient; Watanabe 2013 (WBIC); Cotter et al. 2013 for the
    proposals.

    Examples
    --------
    >>> abs(learning_coefficient(lambda theta: (theta**2).sum(), torch.zeros(4)) - 2) < 0.4
    True
    """
    optimum = as_tensor(optimum)
    if optimum.ndim != 1 or len(optimum) == 0:
        raise ValueError(f"optimum must be a vector (P,), but has shape {tuple(optimum.shape)}")
    for name, value in {"temperature": temperature, "step_size": step_size, "spring": spring}.items():
        check_positive(name, value)
    check_between("step_size", step_size, 0, 1)
    check_integer("steps", steps, 3)
    generator = torch.Generator(optimum.device).manual_seed(seed)
    curvature, axes = torch.linalg.eigh(torch.func.hessian(loss)(optimum))
    curvature, least = curvature.clamp(min=0), loss(optimum)
    width = (temperature / (curvature + spring)).sqrt()

    def normal() -> torch.Tensor:
        return torch.randn(len(optimum), dtype=optimum.dtype, device=optimum.device, generator=generator)

    def look(units: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The excess loss, and what of it is not quadratic, both over T."""
        moved = width * units
        excess = loss(optimum + axes @ moved) - least
        return excess / temperature, (excess - (curvature * moved.square()).sum() / 2) / temperature

    units, excesses, accepted, burn_in = normal(), [], 0, steps // 3
    excess, rest = look(units)
    for step in range(steps):
        proposal = (1 - step_size**2) ** 0.5 * units + step_size * normal()
        its_excess, its_rest = look(proposal)
        if torch.rand((), dtype=rest.dtype, device=rest.device, generator=generator).log() < rest - its_rest:
            units, excess, rest = proposal, its_excess, its_rest
            accepted += step >= burn_in
        excesses.append(excess)
    kept = excesses[burn_in:]
    if accepted < len(kept) / 50:
        raise ValueError(
            f"only {accepted} of {len(kept)} proposals were accepted: raise spring, or lower temperature or step_size"
        )
    return torch.stack(kept).mean().item()


def descend(loss: Callable, start: ArrayLike, *, steps: int = 300) -> torch.Tensor:
    """Walk from a start to a minimum that need not be isolated: L-BFGS, then Newton's steps across the flat directions.

    A Newton step leaves directions alone whose curvature is below 1e-7 of the largest.

    Parameters
    ----------
    loss : function of a float64 vector (P,), returning a twice differentiable scalar tensor.
    start : vector (P,), array or tensor.
    steps : largest number of iterations of L-BFGS.

    Returns
    -------
    Tensor (P,), float64: a minimum, perhaps a local one. Each of up to 20 Newton steps costs a Hessian.

    References
    ----------
    Nocedal & Wright, "Numerical Optimization" (2006).

    Examples
    --------
    >>> descend(lambda theta: (theta.prod() - 1) ** 2, [3.0, 2.0]).prod().item()
    1.0
    """
    start = as_tensor(start)
    if start.ndim != 1 or len(start) == 0:
        raise ValueError(f"start must be a vector (P,), but has shape {tuple(start.shape)}")
    check_finite("start", start)
    (theta,) = minimize(loss, [start], steps=steps)
    slope, hessian = torch.func.grad(loss), torch.func.hessian(loss)
    for _ in range(20):
        gradient = slope(theta)
        step = torch.linalg.pinv(hessian(theta), rtol=1e-7, hermitian=True) @ gradient
        lengths = [(slope(theta - share * step).norm().item(), share) for share in (1.0, 0.3, 0.1)]
        length, share = min(lengths)
        if not length < gradient.norm().item():
            break
        theta = theta - share * step
    return theta


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


def quadric_gap(V: ArrayLike) -> float:
    r"""How far centres on the sphere are from lying on a second quadric, 0 where they do or are too few.

    .. math:: \min \sqrt{\textstyle\sum_c (v_c^\top Y v_c + y^\top v_c)^2} \quad \text{over symmetric } Y
        \text{ and vectors } y \text{ whose } d(d+3)/2 \text{ entries have length } 1

    Parameters
    ----------
    V : centres (C, d), unit rows.

    Returns
    -------
    Float, the smallest singular value of the (C, d(d+3)/2) matrix of products and coordinates of the centres.

    References
    ----------
    This book's; the condition under which unit rows leave only a rotation.

    Examples
    --------
    >>> quadric_gap(torch.eye(3))
    0.0
    """
    V = as_matrix("V", V)
    if ((V.norm(dim=1) - 1).abs() > 1e-6).any():
        raise ValueError("V must have rows of length 1; normalise them first")
    first, second = torch.triu_indices(V.shape[1], V.shape[1], device=V.device)
    terms = torch.cat([V[:, first] * V[:, second], V], dim=1)
    return torch.linalg.svdvals(terms)[-1].item() if len(terms) >= terms.shape[1] else 0.0
