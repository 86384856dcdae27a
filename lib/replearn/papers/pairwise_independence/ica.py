"""Linear independent component analysis by the loss that self-supervised methods minimize at their projector."""

from collections.abc import Callable
from typing import NamedTuple

import torch

from replearn.descent import minimize
from replearn.losses import whiten
from replearn.papers.pairwise_independence.independence import cross_variable_covariance
from replearn.validate import check_integer, check_matrix


class ICA(NamedTuple):
    """Recovered sources ``y`` (N, d) of mean 0 and covariance I, in any order and sign, and their ``loss``."""

    y: torch.Tensor
    loss: float


def vcreg_ica(
    x: torch.Tensor, features: Callable, *, restarts: int = 5, draws: int = 1, steps: int = 300, seed: int = 0
) -> ICA:
    r"""Separate mixed sources by decorrelating fixed features of single outputs (VCReg with an element-wise projector).

    .. math:: y = x_w Q, \qquad \min_{Q^\top Q = I} \; \sum_{i < j} \|C_{ij}\|_F^2

    with x_w the whitened x, C_ij the covariance between the features of outputs i and j, and Q the orthogonal factor of
    a free matrix. The loss has local minima, so the best of several random starts is kept, which needs no label.

    Parameters
    ----------
    x : torch.Tensor
        (N, d) mixtures, N > d >= 2.
    features : callable
        Element-wise map (N, d) -> (N, d, P), for example ``RandomFeatures(32)`` of this package.
    restarts : int
        Random starts, from each of which the loss is descended.
    draws : int
        Random rotations tried for each start, which is the one with the lowest loss; trying one costs a small part of
        a descent, so a few restarts of many draws are cheaper than many restarts.
    steps : int
        Largest number of iterations of each descent (see ``minimize``).
    seed : int
        Seed of the starts.

    Returns
    -------
    ICA
        ``y`` (N, d) float64 and ``loss``.

    Examples
    --------
    >>> from replearn.evaluation import mean_correlation
    >>> from replearn.papers.pairwise_independence import RandomFeatures, ica_sources
    >>> sources = ica_sources(1000, 2, "uniform")
    >>> mixed = sources @ torch.tensor([[1.0, 0.4], [0.6, 1.0]], dtype=sources.dtype)
    >>> found = vcreg_ica(mixed, RandomFeatures(32), restarts=2)
    >>> mean_correlation(found.y, sources) > 0.99
    True

    References
    ----------
    Mialon, Balestriero, LeCun, "Variance Covariance Regularization Enforces Pairwise Independence" (2022), its
    section on ICA; that pairwise independence suffices for linear mixtures is Comon's theorem (1994).
    """
    check_matrix("x", x)
    if x.shape[1] < 2:
        raise ValueError("x must mix at least two sources, shape (N, d) with d >= 2")
    for name, value in (("restarts", restarts), ("draws", draws), ("steps", steps)):
        check_integer(name, value, 1)
    white = whiten(x.detach().double(), correction=0)
    generator = torch.Generator().manual_seed(seed)

    def outputs(weights: torch.Tensor) -> torch.Tensor:
        return white @ _orthogonal_factor(weights)

    def loss(weights: torch.Tensor) -> torch.Tensor:
        return cross_variable_covariance(features(outputs(weights)))

    found = []
    for _ in range(restarts):
        (weights,) = minimize(loss, [_best_start(loss, white, draws, generator)], steps=steps)
        found.append(ICA(outputs(weights), loss(weights).item()))
    return min(found, key=lambda ica: ica.loss)


def _orthogonal_factor(weights: torch.Tensor) -> torch.Tensor:
    # LAPACK's Q jumps where the sign of a diagonal entry of R does; with positive signs it is smooth and onto O(d).
    Q, R = torch.linalg.qr(weights)
    return Q * R.diagonal().sign()


def _best_start(loss: Callable, white: torch.Tensor, draws: int, generator: torch.Generator) -> torch.Tensor:
    d = white.shape[1]
    drawn = [torch.randn(d, d, generator=generator, dtype=white.dtype).to(white.device) for _ in range(draws)]
    return min(drawn, key=loss) if draws > 1 else drawn[0]
