"""Functions that vary little where the data are dense: how to measure variation, and how to find the smoothest."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

import numpy as np
import torch
from numpy.polynomial import hermite_e
from numpy.typing import ArrayLike
from scipy import linalg, sparse
from torch import nn

from replearn.models import mlp
from replearn.spectral.arrays import as_array, as_points
from replearn.spectral.kernels import rbf_kernel
from replearn.spectral.laplacians import check_no_isolated, laplacian
from replearn.validate import check_finite, check_integer, check_matrix, check_positive


def dirichlet_energy(f: Callable, X: torch.Tensor) -> torch.Tensor:
    r"""Mean squared gradient of a function over samples, E||J_f(x)||_F^2, differentiable in f's parameters.

    Parameters
    ----------
    f : function (N, d) -> (N, p) of tensors that treats each row by itself (no batch normalisation).
    X : (N, d) tensor of points.

    Returns
    -------
    scalar tensor: mean over samples, sum over inputs and outputs; in squared units of f over squared units of x.

    References
    ----------
    Cabannes, Bietti & Balestriero 2022. Costs p backward passes.

    Examples
    --------
    >>> dirichlet_energy(lambda x: 2 * x, torch.zeros(3, 1))
    tensor(4.)
    """
    check_matrix("X", X)
    x = X.detach().requires_grad_()
    outputs = f(x)
    _check_outputs(outputs, len(X))
    slopes = (torch.autograd.grad(total, x, create_graph=True)[0] for total in outputs.sum(dim=0))
    return reduce(torch.add, (slope.square().sum() for slope in slopes)) / len(X)


def augmentation_energy(
    f: Callable,
    X: torch.Tensor,
    sigma: float,
    *,
    views: int = 2,
    nodes: int | None = None,
    generator: torch.Generator | None = None,
) -> torch.Tensor:
    r"""Dirichlet energy measured by augmentations: E||f(x + sigma e) - f(x + sigma e')||^2 / (2 sigma^2), e ~ N(0, I).

    All pairs of views enter. The distance to :func:`dirichlet_energy` falls as sigma^2; its mean is 0 for linear f.

    Parameters
    ----------
    f : function (N, d) -> (N, p) of tensors that treats each row by itself.
    X : (N, d) tensor of points.
    sigma : float > 0, in units of x.
    views : int >= 2, noisy copies of each point.
    nodes : int >= 2, or None: take the mean over the noise by Gauss-Hermite quadrature, so many nodes in each of the d
        directions, in the place of random views. Exact where f is a polynomial of degree < nodes.
    generator : ``torch.Generator`` of the noise.

    Returns
    -------
    scalar tensor, differentiable with respect to f's parameters.

    References
    ----------
    Cabannes, Bietti & Balestriero 2022, whose code compares one clean and one noisy view: half of ours times 2 sigma^2.

    Examples
    --------
    >>> augmentation_energy(lambda x: 2 * x, torch.zeros(3, 1), 0.1, nodes=4).round(decimals=4)
    tensor(4.)
    """
    check_matrix("X", X)
    check_positive("sigma", sigma)
    check_integer("views", views, 2)
    if nodes is not None:
        check_integer("nodes", nodes, 2)
        return _exact_augmentation_energy(f, X, sigma, *_gaussian_quadrature(nodes, X))
    noise = torch.randn(views, *X.shape, dtype=X.dtype, device=X.device, generator=generator)
    outputs = f((X + sigma * noise).flatten(0, 1))
    _check_outputs(outputs, views * len(X))
    return outputs.unflatten(0, (views, len(X))).var(dim=0).sum() / (len(X) * sigma**2)


def _gaussian_quadrature(nodes: int, X: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Nodes (J, d) and weights (J,) whose sum is E over N(0, I) in the space of X."""
    line, weights = (torch.as_tensor(a, dtype=X.dtype, device=X.device) for a in hermite_e.hermegauss(nodes))
    shape = (-1, X.shape[1])
    grid = torch.cartesian_prod(*[line] * X.shape[1]).reshape(shape)
    shares = torch.cartesian_prod(*[weights / weights.sum()] * X.shape[1]).reshape(shape)
    return grid, shares.prod(dim=1)


def _exact_augmentation_energy(
    f: Callable, X: torch.Tensor, sigma: float, noise: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    outputs = f((X[:, None] + sigma * noise).flatten(0, 1))
    _check_outputs(outputs, len(X) * len(noise))
    outputs = outputs.unflatten(0, (len(X), len(noise)))
    mean = torch.einsum("j,njk->nk", weights, outputs)
    variance = torch.einsum("j,njk->nk", weights, (outputs - mean[:, None]).square())
    return variance.sum() / (len(X) * sigma**2)


def _check_outputs(outputs: torch.Tensor, n: int) -> None:
    if outputs.ndim != 2 or len(outputs) != n:
        raise ValueError(f"f must return one row per row of X, shape ({n}, p), but returned {tuple(outputs.shape)}")


@dataclass(frozen=True)
class Eigenfunctions:
    """Functions f = (1, k(x, c_1), .., k(x, c_q)) coef with Gaussian bumps k; call it on points (N, d) to get (N, p).

    Attributes
    ----------
    coef : (q + 1, p) array.
    energies : (p,) array, ascending: E||grad f||^2 (with the ridge), for E[f f^T] = I.
    centers : (q, d) array; bandwidth : float, k(x, c) = exp(-||x - c||^2 / (2 bandwidth^2)).
    """

    coef: np.ndarray
    energies: np.ndarray
    centers: np.ndarray
    bandwidth: float

    def __call__(self, X: np.ndarray) -> np.ndarray:
        return _bumps(as_points("X", X), self.centers, self.bandwidth) @ self.coef

    def weighted(self, X: np.ndarray) -> np.ndarray:
        """Functions 1, 2, .. divided by the roots of their energies (N, p - 1); function 0, the constant, is left out.

        Of two labels the nearer one in these coordinates is what :func:`fit_two_labels` says in them: the sign of the
        function of least energy, among combinations of the p functions, that fits both.
        """
        return self(X)[:, 1:] / np.sqrt(self.energies[1:])


def fit_two_labels(
    features: Callable[[np.ndarray], np.ndarray], first: ArrayLike, second: ArrayLike
) -> Callable[[np.ndarray], np.ndarray]:
    r"""The linear function of some features that is -1 at one point and 1 at another and has the smallest weights.

    .. math:: f(x) = \frac{\|y(x) - y(x_1)\|^2 - \|y(x) - y(x_2)\|^2}{\|y(x_1) - y(x_2)\|^2}

    Parameters
    ----------
    features : function y, (N, d) -> (N, p) of arrays.
    first, second : (d,) arrays, the points whose labels are -1 and 1.

    Returns
    -------
    function (N, d) -> (N,) of arrays, positive where the second point is the nearer one in the features.

    Raises
    ------
    ValueError
        If the features do not tell the two points apart.

    References
    ----------
    Zhu, Ghahramani & Lafferty 2003, for two labels.

    Examples
    --------
    >>> fit_two_labels(lambda x: x, [0.0, 0.0], [2.0, 0.0])(np.array([[1.0, 5.0], [2.0, 0.0]]))
    array([0., 1.])
    """
    points = as_points("first and second", np.stack([as_array(first), as_array(second)]))
    y_first, y_second = features(points)
    scale = np.sum((y_first - y_second) ** 2)
    if not scale > 0:
        raise ValueError("first and second must differ in the features, but are equal there")

    def fitted(X: np.ndarray) -> np.ndarray:
        y = features(as_points("X", X))
        return (np.sum((y - y_first) ** 2, axis=1) - np.sum((y - y_second) ** 2, axis=1)) / scale

    return fitted


def train_functions(
    loss: Callable[[nn.Module], torch.Tensor], dims: tuple[int, int], *, steps: int = 400, seed: int = 0
) -> Callable[[np.ndarray], np.ndarray]:
    """A small network after Adam on a loss: two hidden layers of 64 SiLU units with layer norm; rate 5e-3, cosine.

    Parameters
    ----------
    loss : function of the network, a scalar tensor; what it draws from torch's global generator is fixed by ``seed``.
    dims : pair of int, the dimensions of points and of outputs.
    steps : int >= 0, full-batch steps.
    seed : int >= 0, of the start and of what the loss draws; the global generator is left as it was.

    Returns
    -------
    function (N, d) -> (N, p) of float64 arrays.

    Examples
    --------
    >>> f = train_functions(lambda net: net(torch.ones(4, 2)).square().mean(), (2, 3), steps=2)
    >>> f(np.zeros((5, 2))).shape
    (5, 3)
    """
    check_integer("steps", steps, 0)
    check_integer("seed", seed, 0)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        network = mlp([dims[0], 64, 64, dims[1]], _normed_silu)
        adam = torch.optim.Adam(network.parameters(), lr=5e-3)
        decay = torch.optim.lr_scheduler.CosineAnnealingLR(adam, max(steps, 1))
        for _ in range(steps):
            adam.zero_grad()
            loss(network).backward()
            adam.step()
            decay.step()

    @torch.no_grad()
    def functions(X: np.ndarray) -> np.ndarray:
        return network(torch.as_tensor(as_points("X", X), dtype=torch.float32)).double().numpy()

    return functions


def _normed_silu() -> nn.Module:
    return nn.Sequential(nn.LayerNorm(64, elementwise_affine=False), nn.SiLU())


def _bumps(X: np.ndarray, centers: np.ndarray, bandwidth: float) -> np.ndarray:
    return np.hstack([np.ones((len(X), 1)), rbf_kernel(X, centers, bandwidth=bandwidth)])


def rbf_galerkin(
    X: ArrayLike,
    dim: int,
    *,
    centers: ArrayLike,
    bandwidth: float,
    ridge: float = 1e-4,
    sigma: float | None = None,
    views: int = 8,
    seed: int = 0,
) -> Eigenfunctions:
    r"""The p functions of least variation among combinations of a constant and Gaussian bumps, with E[f f^T] = I.

    With features phi, S = E[phi phi^T] and D = E[J_phi J_phi^T], the smallest eigenpairs of
    (D + ridge diag(0, 1, .., 1)) v = energy (S + 1e-8 I) v. With ``sigma`` no
    gradient is taken: D is E[(phi(x + sigma e) - phi(x + sigma e'))(..)^T] / (2 sigma^2) over noisy views, and S their
    second moment.

    Parameters
    ----------
    X : (N, d) array or tensor of points.
    dim : int p, number of functions, at most q + 1 and at most N.
    centers : (q, d) array or tensor, for example some of the points.
    bandwidth : float > 0, width of the bumps, in units of x.
    ridge : float >= 0, penalty on the bumps' coefficients.
    sigma : float > 0, size of the augmentation, or None for exact gradients.
    views : int >= 2, noisy copies of each point; seed : int, of the noise. Both matter with ``sigma`` only.

    Returns
    -------
    Eigenfunctions, called on new points like a function.

    Notes
    -----
    Costs O(N q^2 d + q^3).

    References
    ----------
    Cabannes, Bietti & Balestriero 2022; Cabannes & Bach 2023.

    Examples
    --------
    >>> x = np.linspace(-1, 1, 40)[:, None]
    >>> rbf_galerkin(x, 2, centers=x[::4], bandwidth=0.5)(x).shape
    (40, 2)
    """
    X, centers = as_points("X", X), as_points("centers", centers)
    _check_galerkin(X, dim, centers, bandwidth, ridge, sigma, views, seed)
    if sigma is None:
        S, D = _gradient_moments(X, centers, bandwidth)
    else:
        S, D = _augmentation_moments(X, centers, bandwidth, sigma, views, np.random.default_rng(seed))
    D[1:, 1:] += ridge * np.eye(len(centers))
    energies, coef = linalg.eigh(D, S + 1e-8 * np.eye(len(S)), subset_by_index=(0, dim - 1))
    return Eigenfunctions(coef, energies, centers, float(bandwidth))


def _check_galerkin(
    X: np.ndarray,
    dim: int,
    centers: np.ndarray,
    bandwidth: float,
    ridge: float,
    sigma: float | None,
    views: int,
    seed: int,
) -> None:
    if X.shape[1] != centers.shape[1]:
        raise ValueError(f"X and centers must have equally many columns, but have {X.shape[1]} and {centers.shape[1]}")
    check_integer("dim (at most the number of bumps + 1, and of points)", dim, 1, min(len(centers) + 1, len(X)))
    check_positive("bandwidth", bandwidth)
    check_positive("ridge", ridge, allow_zero=True)
    if sigma is not None:
        check_positive("sigma", sigma)
        check_integer("views", views, 2)
        check_integer("seed", seed, 0)


def _gradient_moments(X: np.ndarray, centers: np.ndarray, bandwidth: float) -> tuple[np.ndarray, np.ndarray]:
    phi = _bumps(X, centers, bandwidth)
    D = np.zeros((phi.shape[1],) * 2)
    for x, c in zip(X.T, centers.T, strict=True):
        slope = phi[:, 1:] * (c - x[:, None]) / bandwidth**2
        D[1:, 1:] += slope.T @ slope / len(X)
    return phi.T @ phi / len(X), D


def _augmentation_moments(
    X: np.ndarray, centers: np.ndarray, bandwidth: float, sigma: float, views: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    noisy = [_bumps(X + sigma * rng.standard_normal(X.shape), centers, bandwidth) for _ in range(views)]
    mean = np.sum(noisy, axis=0) / views
    S = sum(phi.T @ phi for phi in noisy) / (views * len(X))
    return S, (S - mean.T @ mean / len(X)) * views / (views - 1) / sigma**2


def rayleigh_quotient(F: np.ndarray, G: list[list] | np.ndarray | sparse.csr_array) -> float:
    r"""How much functions on the nodes of a graph vary along its edges: tr(F^T L F) / tr(F^T D F), F centred.

    The mean taken away is weighted with the degrees. Near 0 for smooth functions, near 1 for random ones, at most 2.

    Parameters
    ----------
    F : (N,) or (N, C) array or tensor, such as one-hot labels.
    G : (N, N) symmetric non-negative graph without isolated nodes, sparse or dense.

    Returns
    -------
    float in [0, 2].

    Raises
    ------
    ValueError
        If F or G is malformed, a node is isolated, or every function is constant.

    References
    ----------
    Cabannes, Bietti & Balestriero 2022; Zhu, Ghahramani & Lafferty 2003.

    Examples
    --------
    >>> round(rayleigh_quotient([1.0, -1.0], [[0.0, 1.0], [1.0, 0.0]]), 6)
    2.0
    """
    L, degrees = laplacian(G)
    check_no_isolated(degrees)
    F = as_array(F)
    F = F[:, None] if F.ndim == 1 else F
    check_matrix("F", F)
    if len(F) != len(degrees):
        raise ValueError(f"F must have one row per node, ({len(degrees)}), but has shape {F.shape}")
    F = F - np.average(F, axis=0, weights=degrees)
    scale = np.sum(degrees[:, None] * F**2)
    if scale <= 1e-20 * degrees.sum():
        raise ValueError("F is constant, so it has no variation to compare with")
    value = float(np.sum(F * (L @ F)) / scale)
    check_finite("the quotient", np.array(value))
    return value
