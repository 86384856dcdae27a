"""One look at embeddings, or at a teacher's targets, that may have collapsed in one of several ways."""

import math
from typing import Annotated, NamedTuple

import torch
from numpy.typing import ArrayLike
from torch.nn import functional as F

from replearn.contract import Array, Number, Positive, checked
from replearn.evaluation.rank import effective_rank
from replearn.evaluation.tensors import as_tensor


class CollapseReport(NamedTuple):
    """What ``collapse_report`` found; ``used`` is None where no prototypes were given."""

    std: float
    rank: float
    correlation: float
    used: float | None


class TargetReport(NamedTuple):
    """What ``target_report`` found: two entropies in units of log K, and a divergence in nats."""

    entropy: float
    divergence: float
    mean_entropy: float


@checked
def collapse_report(
    z: Annotated[ArrayLike, Array("N>=2 K")], prototypes: Annotated[ArrayLike, Array("C K")] | None = None
) -> CollapseReport:
    r"""Measure total collapse (std), dimensional collapse (rank, correlation) and unused prototypes.

    With unit rows :math:`u_i = z_i / \|z_i\|`, ``std`` is :math:`\sqrt K` times the mean over dimensions of the
    standard deviation of u: 0 for one point, 1 for directions that are spread evenly, and also for two opposite points,
    which ``rank`` tells. ``rank`` is RankMe of z.
    ``correlation`` is the mean of :math:`|\mathrm{corr}(z_{\cdot i}, z_{\cdot j})|` over pairs of dimensions that vary.
    ``used`` is the share of the prototypes that are the nearest, by cosine, to at least one sample.

    Parameters
    ----------
    z : embeddings (N, K), N >= 2, array or tensor.
    prototypes : (M, K), or None.

    Returns
    -------
    CollapseReport
        Floats, computed in float64: ``std`` in [0, 1] up to rounding, ``rank`` in [1, K], ``correlation`` in [0, 1]
        (NaN if fewer than two dimensions vary) and ``used`` in (0, 1] or None.

    References
    ----------
    Std as in Chen & He 2021 (SimSiam), figure 2; Garrido et al. 2023 (RankMe).

    Examples
    --------
    >>> round(collapse_report(torch.eye(4)).rank, 3)
    4.0
    """
    z = as_tensor(z)
    if (z == 0).all(1).any():
        raise ValueError("z has a row of zeros, which has no direction; drop it")
    std = z.shape[1] ** 0.5 * F.normalize(z, dim=1).std(0, correction=0).mean()
    used = None
    if prototypes is not None:
        prototypes = as_tensor(prototypes)
        nearest = (z @ F.normalize(prototypes, dim=1).to(z.device).T).argmax(1)
        used = len(nearest.unique()) / len(prototypes)
    return CollapseReport(std.item(), effective_rank(z), _mean_correlation(z), used)


@checked
def target_report(
    student: Annotated[ArrayLike, Array("2 N K>=2")],
    teacher: Annotated[ArrayLike, Array("2 N K>=2")],
    center: Annotated[ArrayLike, Array("K")] | Annotated[float, Number()] = 0.0,
    *,
    student_temperature: Positive = 0.1,
    teacher_temperature: Positive = 0.04,
) -> TargetReport:
    r"""Split DINO's loss into the entropy of the targets and what the student has still to learn.

    With targets :math:`t = \mathrm{softmax}((u' - c) / \tau_t)` of one view and guesses
    :math:`s = \mathrm{softmax}(u / \tau_s)` of the other,

    .. math:: -\sum_k t_k \log s_k = H(t) + \mathrm{KL}(t \| s) .

    A divergence near 0 says that the student has nothing left to learn. That is a collapse to uniform targets if
    ``entropy`` is near 1, and to one prototype for all samples if ``mean_entropy``, the entropy of the mean target, is
    near 0.

    Parameters
    ----------
    student : logits u of two views, (2, N, K).
    teacher : logits u' of the same views, (2, N, K).
    center : c (K,) subtracted from the teacher's logits, or 0.
    student_temperature, teacher_temperature : temperatures > 0 of student and teacher.

    Returns
    -------
    TargetReport
        Means over samples and views, computed in float64.

    References
    ----------
    Caron et al. 2021 (DINO), section 5.3 and figure 7.

    Examples
    --------
    >>> logits = torch.zeros(2, 4, 8)
    >>> round(target_report(logits, logits).entropy, 3)
    1.0
    """
    student, teacher, center = as_tensor(student), as_tensor(teacher), as_tensor(center)
    target = F.softmax((teacher - center) / teacher_temperature, dim=2)
    guess = F.log_softmax(student.flip(0) / student_temperature, dim=2)
    entropy = torch.special.entr(target).sum(2).mean()
    mean_entropy = torch.special.entr(target.mean((0, 1))).sum()
    divergence = F.kl_div(guess, target, reduction="none").sum(2).mean()
    unit = math.log(student.shape[2])
    return TargetReport(entropy.item() / unit, divergence.item(), mean_entropy.item() / unit)


def _mean_correlation(z: torch.Tensor) -> float:
    centred = z - z.mean(0)
    centred = centred[:, centred.norm(dim=0) > 1e-12 * z.norm(dim=0)]
    k = centred.shape[1]
    if k < 2:
        return float("nan")
    unit = F.normalize(centred, dim=0, eps=0)
    return ((unit.T @ unit).abs().sum().item() - k) / (k * (k - 1))
