"""Self-distillation as methods: BYOL and SimSiam, whose targets receive no gradient."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from replearn.losses.precision import full_precision
from replearn.methods.joint_embedding import JointEmbedding
from replearn.methods.teacher import EMA, decay_at
from replearn.training.optimizers import param_groups


class SelfDistillation(JointEmbedding):
    """BYOL and SimSiam: predict, from one view, what a teacher makes of the other.

    With ``z_v = g(f(v))``, ``p_v = h(z_v)`` and targets ``t_v``, the loss is ``(loss(p_a, t_b) + loss(p_b, t_a)) / 2``.
    Targets are those of the teacher, a moving average of f and g (BYOL), or z itself (SimSiam).

    Parameters
    ----------
    encoder, projector, predictor : torch.nn.Module
        f: (N, ...) -> (N, d), g: (N, d) -> (N, K) and h: (N, K) -> (N, K); ``nn.Identity()`` for no predictor.
    loss : callable
        ``loss(p, t)``, which stops the gradient of t, for example ``replearn.losses.byol_loss``.
    augment : callable
        ``augment(x, generator)``, a new draw at each call.
    decay : float, pair of float, or None
        The teacher's; a pair goes from one to the other along half a cosine over the run; None for no teacher.
    predictor_lr : float
        Learning rate of the predictor, in units of the others'.

    References
    ----------
    Grill et al. 2020 (BYOL), decay 0.996 to 1; Chen & He 2021 (SimSiam). The teacher's BatchNorm statistics are
    its own, from the same batches.

    Examples
    --------
    >>> from replearn import data, losses
    >>> noise = data.GaussianNoise(0.1)
    >>> byol = SelfDistillation(nn.Linear(4, 3), nn.Identity(), losses.byol_loss, noise, predictor=nn.Linear(3, 3))
    >>> byol.teacher.decay
    0.996
    """

    def __init__(
        self,
        encoder: nn.Module,
        projector: nn.Module,
        loss: Callable,
        augment: Callable,
        *,
        predictor: nn.Module,
        decay: float | tuple[float, float] | None = (0.996, 1.0),
        predictor_lr: float = 1.0,
    ) -> None:
        super().__init__(encoder, projector, loss, augment)
        self.predictor, self.decay, self.predictor_lr = predictor, decay, predictor_lr
        self.teacher = None if decay is None else EMA(nn.Sequential(encoder, projector), decay_at(decay, 0.0))

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, decay={self.decay}, predictor_lr={self.predictor_lr}"

    def step(self, views: Any) -> dict[str, torch.Tensor]:
        both = torch.cat(views)
        z = self.projector(self.encoder(both))
        targets = z if self.teacher is None else self.teacher(both)
        p_a, p_b = self.predictor(z).chunk(2)
        t_a, t_b = targets.chunk(2)
        loss = full_precision(self.loss)
        return {"loss": (loss(p_a, t_b) + loss(p_b, t_a)) / 2, "z": z.detach()}

    def after_step(self) -> None:
        if self.teacher is not None and self.decay is not None:
            self.teacher.update(nn.Sequential(self.encoder, self.projector), decay_at(self.decay, self.progress))

    def param_groups(self, weight_decay: float) -> list[dict]:
        others = param_groups(nn.ModuleList([self.encoder, self.projector]), weight_decay)
        if not any(p.requires_grad for p in self.predictor.parameters()):
            return others
        return others + [
            group | {"lr_scale": self.predictor_lr} for group in param_groups(self.predictor, weight_decay)
        ]
