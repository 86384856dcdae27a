"""Masked prediction: what is hidden is predicted from what is seen, as pixels or as a network's features."""

from typing import Annotated

import torch
from torch.nn import functional as F

from replearn.contract import Floats, Integers, Positive, checked
from replearn.losses.precision import full_precision

Predicted = Annotated[torch.Tensor, Floats("N M D")]
Patches = Annotated[torch.Tensor, Floats("N L D")]
Masked = Annotated[torch.Tensor, Integers("N M")]
Features = Annotated[torch.Tensor, Floats("... T D>=2")]


@checked
@full_precision
def mae_loss(pred: Predicted, target: Patches, masked: Masked, *, normalize: bool = False) -> torch.Tensor:
    r"""Squared error of predicted patches, averaged over the hidden patches alone.

    .. math:: \frac1{N M D} \sum_n \sum_{l \in \text{masked}_n} \|p_{nl} - x_{nl}\|^2

    Parameters
    ----------
    pred : predictions (N, M, D) of the hidden patches, in the order of ``masked``.
    target : the patches (N, L, D) of the whole images, D numbers each.
    masked : (N, M) int64, which patches are hidden.
    normalize : whether each target patch is first centred and divided by ``sqrt(var + 1e-6)``, var unbiased over its D
        numbers.

    Returns
    -------
    Scalar tensor >= 0, in squared units of the target.

    References
    ----------
    He et al. 2022 (MAE), section 3, "Reconstruction target", and the released code.

    Examples
    --------
    >>> import torch
    >>> patches, masked = torch.ones(1, 4, 3), torch.tensor([[1, 2]])
    >>> mae_loss(torch.zeros(1, 2, 3), patches, masked)
    tensor(1.)
    """
    hidden = _hidden(pred, target, masked)
    if normalize:
        if target.shape[2] < 2:
            raise ValueError("normalize needs patches of at least two numbers, but target has one")
        hidden = (hidden - hidden.mean(2, keepdim=True)) / (hidden.var(2, keepdim=True) + 1e-6).sqrt()
    return F.mse_loss(pred, hidden)


@checked
@full_precision
def simmim_loss(pred: Predicted, target: Patches, masked: Masked) -> torch.Tensor:
    r"""Absolute error of predicted pixels, averaged over the hidden patches alone.

    .. math:: \frac1{N M D} \sum_n \sum_{l \in \text{masked}_n} \|p_{nl} - x_{nl}\|_1

    Parameters
    ----------
    pred, target, masked : as in :func:`mae_loss`.

    Returns
    -------
    Scalar tensor >= 0, in units of the target.

    References
    ----------
    Xie et al. 2022 (SimMIM), equation 1.

    Examples
    --------
    >>> import torch
    >>> patches, masked = 2 * torch.ones(1, 4, 3), torch.tensor([[1, 2]])
    >>> simmim_loss(torch.zeros(1, 2, 3), patches, masked)
    tensor(2.)
    """
    return F.l1_loss(pred, _hidden(pred, target, masked))


@checked
@full_precision
def latent_loss(pred: Features, target: Features, *, beta: Positive = 1.0) -> torch.Tensor:
    r"""Smooth L1 distance of predicted features from features that are normalised, each token by itself.

    ``mean h(p - layernorm(t))`` over all entries, with ``h(u) = u^2 / (2 beta)`` for ``|u| < beta`` and
    ``|u| - beta / 2`` elsewhere. The target's gradient is *not* stopped here.

    Parameters
    ----------
    pred, target : (..., D) predicted features and those of the teacher, of one shape, D >= 2.
    beta : where the square turns into the absolute value, > 0.

    Returns
    -------
    Scalar tensor >= 0.

    References
    ----------
    Assran et al. 2023 (I-JEPA), its code (beta = 1); Baevski et al. 2022 (data2vec), section 3.4.

    Examples
    --------
    >>> import torch
    >>> target = torch.tensor([[1.0, -1.0]])
    >>> latent_loss(target, 100 * target).round(decimals=3)
    tensor(0.)
    """
    if pred.shape != target.shape or not pred.numel():
        raise ValueError(f"pred and target must have one shape, but have {tuple(pred.shape)} and {tuple(target.shape)}")
    return F.smooth_l1_loss(pred, F.layer_norm(target, target.shape[-1:]), beta=beta)


def _hidden(pred: torch.Tensor, target: torch.Tensor, masked: torch.Tensor) -> torch.Tensor:
    """The target's hidden patches (N, M, D)."""
    return target.gather(1, masked.unsqueeze(2).expand_as(pred))
