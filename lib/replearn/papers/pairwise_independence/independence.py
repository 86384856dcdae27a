"""What variance-covariance regularization of nonlinear features penalizes: dependence between pairs of variables."""

import torch

from replearn.losses.precision import full_precision
from replearn.validate import check_finite


@full_precision
def cross_variable_covariance(phi: torch.Tensor) -> torch.Tensor:
    r"""Squared covariances between the features of different variables, summed over pairs of variables.

    .. math:: \sum_{i < j} \|C_{ij}\|_F^2, \qquad C_{ij} = \frac1N \Phi_i^\top H \Phi_j, \quad H = I - \tfrac1N 1 1^\top

    It equals the sum over pairs of the biased HSIC with kernels :math:`\Phi_i \Phi_i^\top`.

    Parameters
    ----------
    phi : features (N, M, P): P of them for each of M >= 2 variables, N >= 2 samples.

    Returns
    -------
    Scalar tensor, in units of phi to the fourth power. Costs O(N (M P)^2) time and O((M P)^2) memory; where N < M P it
    takes the kernels instead, O(M N^2 (M + P)) time and O(M N^2) memory.

    References
    ----------
    Mialon, Balestriero, LeCun 2022 (arXiv 2209.14905), the theorem on element-wise projectors.

    Examples
    --------
    >>> import torch
    >>> phi = torch.tensor([[1.0, 1.0], [-1.0, -1.0]])[:, :, None]
    >>> cross_variable_covariance(phi)
    tensor(1.)
    """
    if phi.ndim != 3 or phi.shape[0] < 2 or phi.shape[1] < 2 or phi.shape[2] < 1:
        raise ValueError(f"phi must have shape (N, M, P) with N, M >= 2 and P >= 1, but has {tuple(phi.shape)}")
    check_finite("phi", phi)
    n, m, p = phi.shape
    centered = phi - phi.mean(0)
    if n < m * p:
        by_variable = centered.transpose(0, 1)
        kernels = (by_variable @ by_variable.mT).flatten(1) / n
        blocks = kernels @ kernels.T
    else:
        flat = centered.flatten(1)
        blocks = (flat.T @ flat / n).square().view(m, p, m, p).sum((1, 3))
    return blocks.triu(1).sum()
