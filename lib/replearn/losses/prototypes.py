"""SwAV: balanced assignment of views to prototypes by optimal transport."""

from typing import Annotated

import torch
from torch.nn import functional as F

from replearn.contract import Batch, Positive, Rows, Whole, checked, hidden
from replearn.losses.precision import full_precision

Steps = Annotated[int, Whole(0)]

_SPREAD = 60  # e^-60 is far above the smallest float32


@checked
@full_precision
def sinkhorn(scores: Rows, *, eps: Positive = 0.05, steps: Steps = 3) -> torch.Tensor:
    r"""Soft, balanced assignment of N samples to K prototypes, by Sinkhorn-Knopp.

    .. math:: \max_{Q \ge 0} \; \langle Q, S \rangle + \epsilon H(Q) \quad \text{with rows of sum } 1
        \text{ and columns of sum } N / K

    is solved by :math:`Q = \mathrm{diag}(u) \, e^{S / \epsilon} \, \mathrm{diag}(v)`. Each iteration rescales the
    columns, then the rows: rows are exact after any number of iterations, columns in the limit. With ``steps=0`` the
    columns are left alone and Q is the row-wise softmax of S / eps.

    Parameters
    ----------
    scores : S (N, K), similarities of samples to prototypes.
    eps : weight of the entropy, > 0, in units of the scores.
    steps : number of iterations, >= 0.

    Returns
    -------
    Q (N, K), rows sum to 1.

    References
    ----------
    Cuturi 2013, Algorithm 1; Caron et al. 2020 (SwAV), equations 3 to 5, whose Q is this one transposed over N.

    Examples
    --------
    >>> sinkhorn(torch.tensor([[9.0, 0.0], [9.0, 0.0]]), eps=1.0)
    tensor([[0.5000, 0.5000],
            [0.5000, 0.5000]])
    """
    log_q = scores / eps
    if hidden(log_q) or log_q.max() - log_q.min() > _SPREAD:
        return _sinkhorn_of_logarithms(log_q, steps)
    q = (log_q - log_q.max()).exp()
    for _ in range(steps):
        q = q / q.sum(0)
        q = q / q.sum(1, keepdim=True)
    return q / q.sum(1, keepdim=True)


def _sinkhorn_of_logarithms(log_q: torch.Tensor, steps: int) -> torch.Tensor:
    """The same where exponentials would underflow, or where to find out would wait for a device: slower."""
    for _ in range(steps):
        log_q = log_q - log_q.logsumexp(0)
        log_q = log_q.log_softmax(1)
    return log_q.softmax(1)


@checked
@full_precision
def swav_loss(
    scores1: Batch, scores2: Batch, *, eps: Positive = 0.05, temperature: Positive = 0.1, steps: Steps = 3
) -> torch.Tensor:
    r"""SwAV's swapped prediction: the balanced code of one view is predicted from the scores of the other.

    .. math:: -\frac1{2N} \sum_{i,k} \left( Q_2 \log P_1 + Q_1 \log P_2 \right)_{ik}, \qquad
        Q_v = \mathrm{sinkhorn}(S_v), \quad P_v = \mathrm{softmax}(S_v / \tau)

    No gradient flows through the codes Q.

    Parameters
    ----------
    scores1, scores2 : similarities (N, K) of two views of the same N >= 2 samples to K prototypes.
    eps, steps : of :func:`sinkhorn`; ``steps=0`` gives codes without balance.
    temperature : tau > 0, of the prediction, in units of the scores.

    Returns
    -------
    Scalar tensor in nats.

    References
    ----------
    Caron et al. 2020 (SwAV), equations 1 and 2, averaged over the two directions.

    Examples
    --------
    >>> scores = torch.zeros(4, 2)
    >>> swav_loss(scores, scores).round(decimals=4)
    tensor(0.6931)
    """
    q1, q2 = (sinkhorn(s.detach(), eps=eps, steps=steps) for s in (scores1, scores2))
    return (F.cross_entropy(scores1 / temperature, q2) + F.cross_entropy(scores2 / temperature, q1)) / 2
