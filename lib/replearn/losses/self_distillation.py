"""Self-distillation: one network predicts what another makes of a different view, and no sample is a negative."""

from typing import Annotated

import torch
from torch.nn import functional as F

from replearn.contract import Batch, Floats, Number, Positive, Stack, checked
from replearn.losses.precision import full_precision
from replearn.losses.statistics import row_lengths, unit_rows

Views = Annotated[torch.Tensor | list[torch.Tensor], Stack("V>=2 N K")]
FirstViews = Annotated[torch.Tensor | list[torch.Tensor], Stack("T N K")]
Center = Annotated[torch.Tensor, Floats("K")] | Annotated[float, Number()]


@checked
@full_precision
def simsiam_loss(p: Batch, z: Batch) -> torch.Tensor:
    r"""Negative cosine between predictions and targets, which receive no gradient: ``-mean_i cos(p_i, sg(z_i))``.

    Parameters
    ----------
    p : predictions (N, K) of the online network, N >= 2.
    z : targets (N, K) from the other view of the same samples; detached here.

    Returns
    -------
    Scalar tensor in [-1, 1]. A method averages it over the two orders of the views.

    References
    ----------
    Chen & He 2021 (SimSiam), equations 1 and 3.

    Examples
    --------
    >>> z = torch.eye(3)
    >>> simsiam_loss(z, 2 * z)
    tensor(-1.)
    """
    return -_mean_cosine(p, z)


@checked
@full_precision
def byol_loss(p: Batch, z: Batch) -> torch.Tensor:
    r"""Squared distance of unit predictions from unit targets, which receive no gradient: ``2 - 2 cos(p, sg(z))``.

    Parameters
    ----------
    p, z : as in :func:`simsiam_loss`, of which it is twice, plus 2.

    Returns
    -------
    Scalar tensor in [0, 4]. A method adds the two orders of the views.

    References
    ----------
    Grill et al. 2020 (BYOL), equation 2.

    Examples
    --------
    >>> z = torch.eye(3)
    >>> byol_loss(z, 2 * z)
    tensor(0.)
    """
    return 2 - 2 * _mean_cosine(p, z)


@checked
@full_precision
def dino_loss(
    student: Views,
    teacher: FirstViews,
    center: Center = 0.0,
    *,
    student_temperature: Positive = 0.1,
    teacher_temperature: Positive = 0.04,
) -> torch.Tensor:
    r"""DINO: cross-entropy between the teacher's distribution of one view and the student's of every other view.

    .. math:: \frac1{T (V - 1)} \sum_{t=1}^{T} \sum_{v \ne t} \frac1N \sum_i
        - \mathrm{softmax}\Big(\frac{u_{ti} - c}{\tau_t}\Big)^\top \log \mathrm{softmax}\Big(\frac{s_{vi}}{\tau_s}\Big)

    Parameters
    ----------
    student : logits of V >= 2 views, (V, N, K) or a list of V matrices (N, K), the teacher's views first.
    teacher : logits of the first T views, 1 <= T <= V; detached here.
    center : c (K,) subtracted from the teacher's logits, or 0.
    student_temperature, teacher_temperature : temperatures > 0 of student and teacher.

    Returns
    -------
    Scalar tensor in nats: the teacher's entropy plus a Kullback-Leibler divergence. Costs O((T + V) N K).

    References
    ----------
    Caron et al. 2021 (DINO), equation 3 and algorithm 1.

    Examples
    --------
    >>> logits = torch.zeros(2, 4, 8)
    >>> dino_loss(logits, logits).round(decimals=4)
    tensor(2.0794)
    """
    student, teacher = _stacked(student), _stacked(teacher).detach()
    views, targets = len(student), len(teacher)
    if targets > views:
        raise ValueError(f"teacher must hold the first of the student's {views} views, but holds {targets}")
    log_q, p = (
        F.log_softmax(student / student_temperature, dim=2),
        F.softmax((teacher - center) / teacher_temperature, dim=2),
    )
    every_pair = torch.vdot(p.sum(0).flatten(), log_q.sum(0).flatten())
    same_view = torch.vdot(p.flatten(), log_q[:targets].flatten())
    return (same_view - every_pair) / (targets * (views - 1) * student.shape[1])


def _mean_cosine(p: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
    """Mean cosine of rows, without gradient to z; p is divided by its lengths last, which spares a matrix."""
    return ((p * unit_rows(z.detach())).sum(1) / row_lengths(p)).mean()


def _stacked(views: torch.Tensor | list[torch.Tensor]) -> torch.Tensor:
    return views if isinstance(views, torch.Tensor) else torch.stack(list(views))
