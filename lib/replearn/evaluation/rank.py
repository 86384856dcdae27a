"""Label-free measures of how many dimensions a representation uses."""

import torch

from replearn.contract import NonNegative, Samples, checked
from replearn.evaluation.tensors import as_tensor


@checked
def effective_rank(z: Samples, *, eps: NonNegative = 1e-7, center: bool = False, squared: bool = False) -> float:
    r"""RankMe: the exponential of the entropy of the normalised singular values.

    .. math:: \exp\Big(-\sum_j p_j \log p_j\Big), \qquad p_j = \frac{\sigma_j}{\sum_i \sigma_i} + \epsilon

    Parameters
    ----------
    z : representation (N, K), array or tensor; take N well above K.
    eps : added to each p, >= 0.
    center : subtract the mean first (the paper does not).
    squared : use the eigenvalues sigma^2 in place of sigma.

    Returns
    -------
    Float between 1 and min(N, K), up to eps; computed in float64.

    Notes
    -----
    Costs O(N K min(N, K)).

    References
    ----------
    Garrido et al. 2023 (RankMe, arXiv 2210.02885), equation 1; with eps = 0, the effective rank of Roy and Vetterli
    2007.

    Examples
    --------
    >>> round(effective_rank(torch.eye(8)), 3)
    8.0
    """
    z = as_tensor(z)
    sigma = torch.linalg.svdvals(z - z.mean(0) if center else z)
    if sigma[0] == 0:
        raise ValueError("z is all zeros" + (" once centred" if center else "") + ", so it has no effective rank")
    p = sigma.square() if squared else sigma
    return torch.special.entr(p / p.sum() + eps).sum().exp().item()
