"""Contrastive losses: a softmax over the batch picks the positive out."""

from typing import Annotated

import torch
from torch.nn import functional as F

from replearn.contract import Batch, Choice, Floats, Labels, Positive, checked, hidden
from replearn.losses.precision import full_precision
from replearn.losses.statistics import gram, unit_rows

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
    positive = (u1 * u2).sum(1)
    first, second = _log_sum_exp_of_negatives(u1, u2)
    # -log of e^p / (e^p + e^n) is log(1 + e^(n - p)): near its minimum a difference of two logarithms loses all digits
    return -(F.logsigmoid(positive - first) + F.logsigmoid(positive - second)).mean() / 2


@checked
@full_precision
def info_nce(
    q: Batch,
    k: Batch,
    *,
    temperature: Positive = 0.2,
    queue: Queue | None = None,
    queue_only: bool = False,
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
    queue_only : with a queue, leave out the other keys of the batch: its M keys are the only negatives, as in MoCo.
    symmetric : average with the loss in which keys look for queries; not with a queue.
    normalize : scale q, k and the queue to unit length first.
    similarity : "dot", the inner product, or "sqdist", minus half the squared distance.

    Returns
    -------
    Scalar tensor in nats; log(N + M), with ``queue_only`` log(1 + M), when the embeddings say nothing. Costs
    O(N (N + M) K).

    References
    ----------
    Van den Oord et al. 2018 (CPC), equation 4; with ``queue_only``, He et al. 2020 (MoCo), equation 1; with squared
    distances, Zimmermann et al. 2021.

    Examples
    --------
    >>> import math
    >>> z = torch.ones(3, 2)
    >>> bool(info_nce(z, z).isclose(torch.tensor(math.log(3))))
    True
    """
    if queue is not None and symmetric:
        raise ValueError("a queue holds keys only, so the loss cannot be symmetric: use symmetric=False")
    if queue_only and queue is None:
        raise ValueError("queue_only needs a queue of keys")
    keys = k if queue is None else torch.cat([k, queue])
    if normalize:
        q, keys = unit_rows(q), unit_rows(keys)
    logits = _similarities(q, keys, similarity) / temperature
    n = len(q)
    if queue_only:
        logits = torch.cat([logits.diagonal()[:, None], logits[:, n:]], dim=1)
        return F.cross_entropy(logits, torch.zeros(n, dtype=torch.long, device=q.device))
    target = torch.arange(n, device=q.device)
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
    first, second = _log_sum_exp_of_negatives(u1, u2)
    return (first + second).mean() / 2 - (u1 * u2).sum(1).mean()


@checked
@full_precision
def sup_con(z: Batch, labels: Labels, *, temperature: Positive = 0.1, skip_single: bool = False) -> torch.Tensor:
    r"""Supervised contrastive loss: every sample of one's own class is a positive, outside the logarithm.

    .. math:: \frac1M \sum_i \frac{-1}{|P(i)|} \sum_{p \in P(i)}
        \log \frac{e^{s_{ip} / \tau}}{\sum_{k \ne i} e^{s_{ik} / \tau}},
        \qquad P(i) = \{p \ne i : y_p = y_i\}

    Parameters
    ----------
    z : embeddings (M, K) of all views together; scaled to unit length here.
    labels : y (M,), integers; each must occur at least twice.
    temperature : tau > 0, in units of cosine.
    skip_single : average over the samples that have a positive; those alone in their class are negatives only.

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
    if not skip_single and not hidden(z) and (positives == 0).any():
        raise ValueError("each label must occur at least twice: a sample without a positive has no loss; skip_single")
    itself = torch.eye(len(z), dtype=torch.bool, device=z.device)
    log_share = gram(_directions(z, temperature)).masked_fill(itself, -torch.inf).log_softmax(1)
    each = log_share.masked_fill(itself | ~same, 0).sum(1) / positives.clamp(min=1)
    return -each.sum() / (positives > 0).sum().clamp(min=1)


def _without_diagonal(scores: torch.Tensor) -> torch.Tensor:
    """Set the diagonal to -inf: its slope is 0 by itself then, and autograd need not copy a matrix to make it so."""
    scores.detach().diagonal().fill_(-torch.inf)
    return scores


def _similarities(q: torch.Tensor, keys: torch.Tensor, similarity: str) -> torch.Tensor:
    """All inner products, or minus half of all squared distances, (N, M)."""
    if similarity == "dot":
        return q @ keys.T
    middle = keys.mean(0).detach()  # far from the origin the squares below would leave no digit of their difference
    q, keys = q - middle, keys - middle
    return q @ keys.T - (q.square().sum(1, keepdim=True) + keys.square().sum(1)) / 2


def _directions(z: torch.Tensor, temperature: float) -> torch.Tensor:
    """Unit rows, so scaled that their inner products are cosines in units of the temperature."""
    return unit_rows(z) * temperature**-0.5


def _log_sum_exp_of_negatives(u1: torch.Tensor, u2: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """For each of the 2N views the log-sum-exp of its similarities with all but itself and its partner.

    The three (N, N) blocks of similarities are never joined to one of (2N, 2N): that halves time and memory.
    """
    across = _without_diagonal(u1 @ u2.T)
    within1, within2 = (_without_diagonal(gram(u)).logsumexp(1) for u in (u1, u2))
    return torch.logaddexp(across.logsumexp(1), within1), torch.logaddexp(across.logsumexp(0), within2)
