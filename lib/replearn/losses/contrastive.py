"""Contrastive losses: a softmax over the batch picks the positive out."""

from typing import Annotated

import torch
from torch.nn import functional as F

from replearn.contract import Batch, Choice, Floats, Labels, Positive, checked
from replearn.losses.precision import full_precision
from replearn.losses.statistics import gram

Queue = Annotated[torch.Tensor, Floats("M K")]
Similarity = Annotated[str, Choice("dot", "sqdist")]


@checked
@full_precision
def nt_xent(z1: Batch, z2: Batch, *, temperature: Positive = 0.5) -> torch.Tensor:
    r"""NT-Xent (SimCLR): each of the 2N views finds its partner among the 2N - 1 others.

    .. math:: \frac1{2N} \sum_i -\log \frac{e^{s_{i i^+} / \tau}}{\sum_{k \ne i} e^{s_{ik} / \tau}},
        \qquad s_{ik} = \cos(z_i, z_k)

    Parameters
    ----------
    z1, z2 : embeddings (N, K) of two views of the same N >= 2 samples; scaled to unit length here.
    temperature : tau > 0, in units of cosine.

    Returns
    -------
    Scalar tensor in nats; log(2N - 1) when the embeddings say nothing. Costs O(N^2 K) time, O(N^2) memory.

    References
    ----------
    Chen et al. 2020 (SimCLR), equation 1.

    Examples
    --------
    >>> import math
    >>> z = torch.ones(3, 2)
    >>> bool(nt_xent(z, z).isclose(torch.tensor(math.log(5))))
    True
    """
    u1, u2 = _directions(z1, temperature), _directions(z2, temperature)
    return _log_sum_exp_of_others(u1, u2, u1 @ u2.T) - (u1 * u2).sum(1).mean()


@checked
@full_precision
def info_nce(
    q: Batch,
    k: Batch,
    *,
    temperature: Positive = 0.2,
    queue: Queue | None = None,
    symmetric: bool = False,
    normalize: bool = True,
    similarity: Similarity = "dot",
) -> torch.Tensor:
    r"""InfoNCE: query i finds key i among all keys.

    .. math:: \frac1N \sum_i -\log \frac{e^{s(q_i, k_i) / \tau}}{\sum_j e^{s(q_i, k_j) / \tau}}, \qquad
        s(q, k) = q^\top k \quad \text{or} \quad -\tfrac12 \|q - k\|^2

    Unlike NT-Xent, queries are not compared with each other. On the unit sphere both similarities give the same loss.

    Parameters
    ----------
    q, k : queries and keys (N, K) of the same N >= 2 samples.
    temperature : tau > 0, in the units of q times k; with "sqdist", the variance of a positive around its query.
    queue : further keys (M, K) that are negatives of every query, or None.
    symmetric : average with the loss in which keys look for queries; not with a queue.
    normalize : scale q, k and the queue to unit length first.
    similarity : "dot", the inner product, or "sqdist", minus half the squared distance.

    Returns
    -------
    Scalar tensor in nats; log(N + M) when the embeddings say nothing. Costs O(N (N + M) K).

    References
    ----------
    Van den Oord et al. 2018 (CPC), equation 4; with a queue, He et al. 2020 (MoCo), equation 1; with squared distances,
    Zimmermann et al. 2021.

    Examples
    --------
    >>> import math
    >>> z = torch.ones(3, 2)
    >>> bool(info_nce(z, z).isclose(torch.tensor(math.log(3))))
    True
    """
    if queue is not None and symmetric:
        raise ValueError("a queue holds keys only, so the loss cannot be symmetric: use symmetric=False")
    keys = k if queue is None else torch.cat([k, queue])
    if normalize:
        q, keys = F.normalize(q, dim=1), F.normalize(keys, dim=1)
    scores = q @ keys.T
    if similarity == "sqdist":
        scores = scores - (q.square().sum(1, keepdim=True) + keys.square().sum(1)) / 2
    logits = scores / temperature
    target = torch.arange(len(q), device=q.device)
    loss = F.cross_entropy(logits, target)
    return (loss + F.cross_entropy(logits.T, target)) / 2 if symmetric else loss


@checked
@full_precision
def dcl(z1: Batch, z2: Batch, *, temperature: Positive = 0.1) -> torch.Tensor:
    r"""Decoupled contrastive loss: NT-Xent without the positive in its denominator.

    .. math:: \frac1{2N} \sum_i - \frac{s_{i i^+}}{\tau} + \log \sum_{k \ne i, i^+} e^{s_{ik} / \tau},
        \qquad s_{ik} = \cos(z_i, z_k)

    Parameters
    ----------
    z1, z2, temperature : as in :func:`nt_xent`.

    Returns
    -------
    Scalar tensor in nats, unbounded below. Costs O(N^2 K) time, O(N^2) memory.

    References
    ----------
    Yeh et al. 2022 (DCL), equation 6.

    Examples
    --------
    >>> import math
    >>> z = torch.ones(3, 2)
    >>> bool(dcl(z, z).isclose(torch.tensor(math.log(4))))
    True
    """
    u1, u2 = _directions(z1, temperature), _directions(z2, temperature)
    negatives = (u1 @ u2.T).fill_diagonal_(-torch.inf)
    return _log_sum_exp_of_others(u1, u2, negatives) - (u1 * u2).sum(1).mean()


@checked
@full_precision
def sup_con(z: Batch, labels: Labels, *, temperature: Positive = 0.1) -> torch.Tensor:
    r"""Supervised contrastive loss: every sample of one's own class is a positive, outside the logarithm.

    .. math:: \frac1M \sum_i \frac{-1}{|P(i)|} \sum_{p \in P(i)}
        \log \frac{e^{s_{ip} / \tau}}{\sum_{k \ne i} e^{s_{ik} / \tau}},
        \qquad P(i) = \{p \ne i : y_p = y_i\}

    Parameters
    ----------
    z : embeddings (M, K) of all views together; scaled to unit length here.
    labels : y (M,), integers; each must occur at least twice.
    temperature : tau > 0, in units of cosine.

    Returns
    -------
    Scalar tensor in nats; with a label of its own for each pair of views it is :func:`nt_xent`.

    References
    ----------
    Khosla et al. 2020 (SupCon), equation 2.

    Examples
    --------
    >>> z, labels = torch.eye(4), torch.tensor([0, 0, 1, 1])
    >>> sup_con(z[[0, 0, 1, 1]], labels) < sup_con(z, labels)
    tensor(True)
    """
    same = labels[:, None] == labels
    positives = same.sum(1) - 1
    if (positives == 0).any():
        raise ValueError("each label must occur at least twice: a sample without a positive has no loss")
    scores = gram(F.normalize(z, dim=1) * temperature**-0.5)
    off_diagonal = ~torch.eye(len(z), dtype=torch.bool, device=z.device)
    log_sum = scores.masked_fill(~off_diagonal, -torch.inf).logsumexp(1)
    return (log_sum - (scores * (same & off_diagonal)).sum(1) / positives).mean()


def _directions(z: torch.Tensor, temperature: float) -> torch.Tensor:
    """Unit rows, so scaled that their inner products are cosines in units of the temperature."""
    return F.normalize(z, dim=1) * temperature**-0.5


def _log_sum_exp_of_others(u1: torch.Tensor, u2: torch.Tensor, across: torch.Tensor) -> torch.Tensor:
    """Mean over all 2N views of the log-sum-exp of their similarities with the others; ``across`` holds u1 u2^T.

    The three (N, N) blocks of similarities are never joined to one of (2N, 2N): that halves time and memory.
    """
    within1 = gram(u1).fill_diagonal_(-torch.inf).logsumexp(1)
    within2 = gram(u2).fill_diagonal_(-torch.inf).logsumexp(1)
    first = torch.logaddexp(across.logsumexp(1), within1)
    second = torch.logaddexp(across.logsumexp(0), within2)
    return (first + second).mean() / 2
