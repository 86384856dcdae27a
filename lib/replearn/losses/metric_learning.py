"""Before the softmax: losses of single pairs and triplets with a margin, and the two halves that a softmax balances."""

import math
from typing import Annotated, NamedTuple

import torch

from replearn.contract import Batch, Floats, NonNegative, Numbers, Positive, Rows, checked
from replearn.losses.precision import full_precision
from replearn.losses.statistics import unit_rows

Same = Annotated[torch.Tensor, Numbers("N")]
ManyViews = Annotated[torch.Tensor, Floats("N V>=2 K")]


@checked
@full_precision
def contrastive_pair_loss(z1: Rows, z2: Rows, same: Same, *, margin: Positive = 1.0) -> torch.Tensor:
    r"""Pull pairs that are the same together, push others apart up to a margin.

    .. math:: \frac1N \sum_i s_i \|z_{1i} - z_{2i}\|^2 + (1 - s_i) \max(0, m - \|z_{1i} - z_{2i}\|)^2

    Parameters
    ----------
    z1, z2 : embeddings (N, K) of N >= 1 pairs.
    same : (N,) of 0 and 1, or booleans: whether a pair belongs together.
    margin : m > 0, in units of z.

    Returns
    -------
    Scalar tensor, in squared units of z.

    References
    ----------
    Hadsell, Chopra & LeCun 2006, equation 4, without its factor 1/2.

    Examples
    --------
    >>> z = torch.tensor([[0.0], [0.0]])
    >>> contrastive_pair_loss(z, z + 0.5, torch.tensor([1, 0]))
    tensor(0.2500)
    """
    squared = (z1 - z2).square().sum(1)
    distance = squared.clamp_min(torch.finfo(squared.dtype).tiny).sqrt()
    return torch.where(same.bool(), squared, (margin - distance).relu().square()).mean()


@checked
@full_precision
def triplet_loss(anchor: Rows, positive: Rows, negative: Rows, *, margin: Positive = 1.0) -> torch.Tensor:
    r"""An anchor is nearer to its positive than to its negative by a margin, in squared distance.

    .. math:: \frac1N \sum_i \max(0, m + \|a_i - p_i\|^2 - \|a_i - n_i\|^2)

    Parameters
    ----------
    anchor, positive, negative : embeddings (N, K), N >= 1.
    margin : m > 0, in squared units of z.

    Returns
    -------
    Scalar tensor, in squared units of z.

    References
    ----------
    Schroff, Kalenichenko & Philbin 2015 (FaceNet), equation 3.

    Examples
    --------
    >>> z = torch.zeros(1, 2)
    >>> triplet_loss(z, z, z + 0.5, margin=1.0)
    tensor(0.5000)
    """
    near, far = ((anchor - z).square().sum(1) for z in (positive, negative))
    return (margin + near - far).relu().mean()


@checked
@full_precision
def align_loss(z1: Rows, z2: Rows) -> torch.Tensor:
    r"""Alignment: mean squared distance of the two views of a sample on the unit sphere, in [0, 4].

    .. math:: \frac1N \sum_i \|\hat z_{1i} - \hat z_{2i}\|^2, \qquad \hat z = z / \|z\|

    Parameters
    ----------
    z1, z2 : embeddings (N, K) of two views of the same N >= 1 samples; scaled to unit length here.

    Returns
    -------
    Scalar tensor.

    References
    ----------
    Wang & Isola 2020, section 4.1, with their exponent 2.

    Examples
    --------
    >>> align_loss(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 2.0]]))
    tensor(2.)
    """
    return (unit_rows(z1) - unit_rows(z2)).square().sum(1).mean()


@checked
@full_precision
def uniform_loss(z: Batch, *, t: Positive = 2.0) -> torch.Tensor:
    r"""Uniformity: the logarithm of the mean Gaussian potential between different samples on the unit sphere.

    .. math:: \log \frac2{N (N - 1)} \sum_{i < j} e^{-t \|\hat z_i - \hat z_j\|^2}, \qquad \hat z = z / \|z\|

    Parameters
    ----------
    z : embeddings (N, K) of N >= 2 samples, one view of each; scaled to unit length here.
    t : sharpness > 0 of the potential.

    Returns
    -------
    Scalar tensor in [-4t, 0]: 0 when all embeddings coincide. Costs O(N^2 K) time and O(N^2) memory.

    References
    ----------
    Wang & Isola 2020, section 4.1.

    Examples
    --------
    >>> uniform_loss(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), t=2.0)
    tensor(-8.)
    """
    n, unit = len(z), unit_rows(z)
    exponents = (2 * t * (unit @ unit.T - 1)).fill_diagonal_(-torch.inf)
    return exponents.flatten().logsumexp(0) - math.log(n * (n - 1))


class AlignUniform(NamedTuple):
    """The weighted ``total`` and its two unweighted terms, each a scalar tensor."""

    total: torch.Tensor
    align: torch.Tensor
    uniform: torch.Tensor


@checked
@full_precision
def align_uniform(
    z1: Batch, z2: Batch, *, align: NonNegative = 1.0, uniform: NonNegative = 1.0, t: Positive = 2.0
) -> AlignUniform:
    r"""Alignment of the two views plus uniformity of each: what a softmax over many negatives does, as two terms.

    .. math:: a \, L_\text{align}(z_1, z_2) + u \, \tfrac12 (L_\text{uniform}(z_1) + L_\text{uniform}(z_2))

    Parameters
    ----------
    z1, z2 : embeddings (N, K) of two views of the same N >= 2 samples; scaled to unit length here.
    align, uniform : weights a, u >= 0 of the terms.
    t : sharpness > 0 of :func:`uniform_loss`.

    Returns
    -------
    AlignUniform of scalar tensors. Costs O(N^2 K) time and O(N^2) memory.

    References
    ----------
    Wang & Isola 2020, section 5, both weights 1.

    Examples
    --------
    >>> z = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    >>> align_uniform(z, z).align, align_uniform(z, z).uniform
    (tensor(0.), tensor(-8.))
    """
    pull = align_loss(z1, z2)
    spread = (uniform_loss(z1, t=t) + uniform_loss(z2, t=t)) / 2
    return AlignUniform(align * pull + uniform * spread, pull, spread)


@checked
@full_precision
def multi_view_alignment(z: ManyViews) -> torch.Tensor:
    r"""Alignment of many views: mean squared distance over all ordered pairs of different views of a sample.

    .. math:: \frac1N \sum_n \frac{1}{V (V - 1)} \sum_{i \ne j} \|z_{ni} - z_{nj}\|^2
        = \frac{2}{N (V - 1)} \sum_n \sum_i \|z_{ni} - \bar z_n\|^2

    where the bar is the mean over views: V distances to a centre stand for V (V - 1) pairs.

    Parameters
    ----------
    z : embeddings (N, V, K) of V >= 2 views of each of N >= 1 samples, taken as they are. For two views of length 1 it
        is :func:`align_loss`.

    Returns
    -------
    Scalar tensor, in squared units of z. Costs O(N V K).

    References
    ----------
    The pairs of multi-crop (Caron et al. 2020, SwAV), all of them alike; Huygens' identity.

    Examples
    --------
    >>> multi_view_alignment(torch.tensor([[[0.0], [1.0], [2.0]]]))
    tensor(2.)
    """
    distances = (z - z.mean(1, keepdim=True)).square().sum(2)
    return 2 * distances.sum(1).mean() / (z.shape[1] - 1)


@checked
@full_precision
def koleo_loss(z: Batch, *, eps: NonNegative = 1e-8) -> torch.Tensor:
    r"""Kozachenko-Leonenko: every embedding is driven away from its nearest neighbor on the unit sphere.

    .. math:: -\frac1N \sum_i \log \big( \min_{j \ne i} \|\hat z_i - \hat z_j\| + \epsilon \big), \qquad
        \hat z = z / \|z\|

    Up to constants it is minus the Kozachenko-Leonenko estimate of the entropy of the directions.

    Parameters
    ----------
    z : embeddings (N, K) of N >= 2 samples, one view of each; scaled to unit length here.
    eps : added to the distance; two embeddings that coincide feel no force.

    Returns
    -------
    Scalar tensor in nats, at least -log 2. Costs O(N^2 K) time and O(N^2) memory.

    References
    ----------
    Sablayrolles et al. 2019, equation 1; Oquab et al. 2023 (DINOv2), section 4, and its code (eps).

    Examples
    --------
    >>> koleo_loss(torch.tensor([[1.0, 0.0], [-1.0, 0.0]])).round(decimals=4)
    tensor(-0.6931)
    """
    unit = unit_rows(z)
    nearest = _without_itself(unit.detach()).argmax(1)
    return -(torch.linalg.vector_norm(unit - unit[nearest], dim=1) + eps).log().mean()


def _without_itself(unit: torch.Tensor) -> torch.Tensor:
    cosines = unit @ unit.T
    return cosines.masked_fill(torch.eye(len(unit), dtype=torch.bool, device=unit.device), -torch.inf)
