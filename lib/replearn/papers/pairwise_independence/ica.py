"""Linear independent component analysis by the loss that self-supervised methods minimise at their projector."""

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


def vcreg_ica(x, features, *, restarts=5, draws=1, steps=300, seed=0):
    r"""Separate mixed sources by decorrelating fixed features of single outputs (VCReg with an element-wise projector).

    .. math:: y = x_w Q, \qquad \min_{Q^\top Q = I} \; \sum_{i < j} \|C_{ij}\|_F^2

    with x_w the whitened x, C_ij the covariance between the features of outputs i and j, and Q the orthogonal factor of
    a free matrix. The loss has local minima, so the best of several random starts is kept, which needs no label.

    Parameters
    ----------
    x : torch.Tensor
        (N, d) mixtures, N > d >= 2.
    features : callable
        Element-wise map (N, d) -> (N, d, P), for example ``replearn.models.RandomFeatures(32)``.
    restarts : int
        Random starts, from each of which the loss is descended.
    draws : int
        Random rotations tried for each start, which is the one with the lowest loss; trying one costs a small part of
        a descent, so a few restarts of many draws are cheaper than many restarts.
    steps : int
        Largest number of iterations of each descent (see ``minimise``).
    seed : int
        Seed of the starts.

    Returns
    -------
    ICA
        ``y`` (N, d) float64 and ``loss``.

    Raises
    ------
    ValueError
        If x is not a finite matrix of N > d samples, its covariance is singular, ``restarts``, ``draws`` or
        ``steps`` is not a positive integer.

    Notes
    -----
    Source: Mialon, Balestriero, LeCun, "Variance Covariance Regularization Enforces Pairwise Independence" (2022), its
    section on ICA; that pairwise independence suffices for linear mixtures is Comon's theorem (1994).
    """
    check_matrix("x", x)
    if x.shape[1] < 2:
        raise ValueError("x must mix at least two sources, shape (N, d) with d >= 2")
    for name, value in {"restarts": restarts, "draws": draws, "steps": steps}.items():
        check_integer(name, value, 1)
    white = whiten(x.detach().double(), correction=0)
    generator = torch.Generator().manual_seed(seed)

    def outputs(weights):
        # LAPACK's Q jumps where the sign of a diagonal entry of R does; with positive signs it is smooth and onto O(d).
        Q, R = torch.linalg.qr(weights)
        return white @ (Q * R.diagonal().sign())

    def loss(weights):
        return cross_variable_covariance(features(outputs(weights)))

    def draw():
        return torch.randn(x.shape[1], x.shape[1], generator=generator, dtype=white.dtype).to(white.device)

    def descent():
        tried = [draw() for _ in range(draws)]
        start = min(tried, key=loss) if draws > 1 else tried[0]
        (weights,) = minimize(loss, [start], steps=steps)
        return ICA(outputs(weights), loss(weights).item())

    return min((descent() for _ in range(restarts)), key=lambda run: run.loss)
