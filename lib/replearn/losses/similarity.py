"""Losses that fit inner products to a matrix of similarities."""

from replearn.losses.precision import full_precision
from replearn.losses.statistics import off_diagonal_energy
from replearn.validate import check_pair


@full_precision
def spectral_contrastive(z1, z2):
    r"""Spectral contrastive loss: inner products are large between views of one sample, zero between samples.

    .. math:: -\frac2N \sum_i z_{1i}^\top z_{2i} + \frac1{N(N-1)} \sum_{i \ne j} (z_{1i}^\top z_{2j})^2

    Parameters
    ----------
    z1, z2 : embeddings (N, K) of two views of the same N >= 2 samples, not normalised.

    Returns
    -------
    Scalar tensor, in units of z squared and its square. Costs O(N K min(N, K)).

    Raises
    ------
    ValueError
        Bad shapes, one sample, non-finite values.

    Source: HaoChen et al. 2021, section 3.2, with the expectation over independent views estimated by distinct pairs.
    """
    check_pair("z1", z1, "z2", z2)
    n = len(z1)
    attraction = (z1 * z2).sum() / n
    repulsion = off_diagonal_energy(z1.T, z2.T) / (n * (n - 1))
    return repulsion - 2 * attraction
