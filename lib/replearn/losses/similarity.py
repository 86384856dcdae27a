"""Losses that fit inner products to a matrix of similarities."""

import torch

from replearn.contract import Batch, checked
from replearn.losses.precision import full_precision
from replearn.losses.statistics import off_diagonal_energy


@checked
@full_precision
def spectral_contrastive(z1: Batch, z2: Batch, *, centered: bool = False) -> torch.Tensor:
    r"""Spectral contrastive loss: inner products are large between views of one sample, zero between samples.

    .. math:: -\frac2N \sum_i z_{1i}^\top z_{2i} + \frac1{N(N-1)} \sum_{i \ne j} (z_{1i}^\top z_{2j})^2

    Parameters
    ----------
    z1, z2 : embeddings (N, K) of two views of the same N >= 2 samples, not normalised.
    centered : subtract the mean of all 2N embeddings first, so that no dimension is spent on a constant.

    Returns
    -------
    Scalar tensor, in units of z squared and its square. Costs O(N K min(N, K)).

    References
    ----------
    HaoChen et al. 2021, section 3.2, with the expectation over independent views estimated by distinct pairs.

    Examples
    --------
    >>> z = torch.eye(3)
    >>> spectral_contrastive(z, z)
    tensor(-2.)
    """
    n = len(z1)
    if centered:
        mean = (z1.mean(0) + z2.mean(0)) / 2
        z1, z2 = z1 - mean, z2 - mean
    attraction = (z1 * z2).sum() / n
    repulsion = off_diagonal_energy(z1.T, z2.T) / (n * (n - 1))
    return repulsion - 2 * attraction


@checked
@full_precision
def decorrelation_loss(z: Batch, *, unbiased: bool = False) -> torch.Tensor:
    r"""Decorrelation alone: the dimensions of an embedding, which is not centred, should be orthonormal on the data.

    .. math:: \|\hat C - I\|_F^2, \quad \hat C = \frac1N \sum_i z_i z_i^\top \qquad \text{or, unbiased,} \qquad
        \frac1{N(N-1)} \sum_{i \ne j} (z_i^\top z_j)^2 - \frac2N \sum_i \|z_i\|^2 + K

    The first exceeds :math:`\|E[z z^\top] - I\|_F^2` by :math:`(E\|z\|^4 - \|E[z z^\top]\|_F^2) / N` on average; the
    second, a U-statistic, is right on average for any batch size.

    Parameters
    ----------
    z : embeddings (N, K), N >= 2, neither centred nor normalised.
    unbiased : leave out the product of each sample with itself.

    Returns
    -------
    Scalar tensor, without unit; negative for some batches where ``unbiased``. Costs O(N K min(N, K)).

    References
    ----------
    Cabannes et al. 2023, the loss at beta = 0; the orthogonality term of Cabannes, Bietti, Balestriero 2022.

    Examples
    --------
    >>> decorrelation_loss(torch.tensor([[1.0, 1.0], [1.0, -1.0]]))
    tensor(0.)
    """
    n, k = z.shape
    if unbiased:
        return off_diagonal_energy(z.T, z.T) / (n * (n - 1)) - 2 * z.square().sum() / n + k
    covariance = z.T @ z / n
    return (covariance - torch.eye(k, dtype=z.dtype, device=z.device)).square().sum()
