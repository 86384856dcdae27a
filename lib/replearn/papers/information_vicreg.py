"""InfoMax losses: views agree while an estimate of the embedding's entropy is as large as it can be."""

import math

import torch
from torch.nn import functional as F

from replearn.losses.precision import full_precision
from replearn.validate import check_pair, check_positive


@full_precision
def infomax_logdet(z1: torch.Tensor, z2: torch.Tensor, *, s2: float = 1.0, eps: float = 1e-3) -> torch.Tensor:
    r"""InfoMax with the log-determinant entropy: squared distance of the views against the volume of each of them.

    .. math:: \frac1K \Big[ \frac1{2 s^2} \frac1N \sum_i \|z_{1i} - z_{2i}\|^2
        - \frac12 \cdot \frac12 \sum_v \log |\mathrm{Cov}(z_v) + \epsilon I| \Big]

    with the covariance's denominator N - 1. The scale is not free: at the optimum the squared distance is K s^2.

    Parameters
    ----------
    z1, z2 : embeddings (N, K) of two views of the same N >= 2 samples, not normalised.
    s2 : variance s^2 > 0 of one view given the other, in squared units of z.
    eps : > 0, in squared units of z; float32 wants 1e-3 or more.

    Returns
    -------
    Scalar tensor, in nats per dimension, up to a constant. Costs O(N K min(N, K)).

    References
    ----------
    Shwartz-Ziv et al. 2023 (arXiv 2303.00633), the LogDet variant; the estimator is Zhouyin and Liu's (2021).

    Examples
    --------
    >>> z = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
    >>> bool(infomax_logdet(z, z) < infomax_logdet(z, -z))
    True
    """
    check_pair("z1", z1, "z2", z2)
    check_positive("s2", s2)
    check_positive("eps", eps)
    distance = (z1 - z2).square().sum(1).mean()
    volume = (_logdet_cov(z1, eps) + _logdet_cov(z2, eps)) / 2
    return (distance / s2 - volume) / (2 * z1.shape[1])


def _logdet_cov(z: torch.Tensor, eps: float) -> torch.Tensor:
    """``log |Cov(z) + eps I|`` from the Gram matrix where it is the smaller one."""
    n, k = z.shape
    centred = (z - z.mean(0)) / math.sqrt(n - 1)
    small = centred.T @ centred if k <= n else centred @ centred.T
    factor = torch.linalg.cholesky(small + eps * torch.eye(len(small), dtype=z.dtype, device=z.device))
    return 2 * factor.diagonal().log().sum() + (k - len(small)) * math.log(eps)


@full_precision
def infomax_pairwise(z1: torch.Tensor, z2: torch.Tensor, *, temperature: float = 0.2) -> torch.Tensor:
    r"""InfoMax with the pairwise entropy on the sphere: views come together while all samples push each other apart.

    .. math:: \frac1{2t} \frac1N \sum_i \|z_{1i} - z_{2i}\|^2
        + \frac12 \sum_v \frac1N \sum_i \log \sum_j e^{-\|z_{vi} - z_{vj}\|^2 / (2t)}

    with rows of z scaled to unit length first. SimCLR is the same up to pairs of a sample with itself, positives in the
    denominator, and negatives across views.

    Parameters
    ----------
    z1, z2 : embeddings (N, K) of two views of the same N >= 2 samples; scaled to unit length here.
    temperature : t > 0, the variance of the kernel.

    Returns
    -------
    Scalar tensor in nats, up to a constant; log N when the embeddings say nothing. Costs O(N^2 K).

    References
    ----------
    Shwartz-Ziv et al. 2023 (arXiv 2303.00633), the pairwise variant, with Kolchinsky and Tracey's bound (2017).

    Examples
    --------
    >>> z = torch.ones(4, 2)
    >>> bool(infomax_pairwise(z, z).isclose(torch.tensor(math.log(4))))
    True
    """
    check_pair("z1", z1, "z2", z2)
    check_positive("temperature", temperature)
    z1, z2 = F.normalize(z1, dim=1), F.normalize(z2, dim=1)
    # On the sphere |a - b|^2 / 2 = 1 - a.b, which has no square root whose gradient could fail.
    repulsion = sum(((z @ z.T - 1) / temperature).logsumexp(1).mean() for z in (z1, z2)) / 2
    return (1 - (z1 * z2).sum(1)).mean() / temperature + repulsion
