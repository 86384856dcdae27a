"""Before two views: a pretext task, which makes up labels of its own."""

import torch

from replearn.data import as_float
from replearn.training.methods import Method, describe, raised


class RotationPrediction(Method):
    """Turn each image by 0, 90, 180 and 270 degrees, and tell which turn it was.

    With ``v_k`` the image turned k times by 90 degrees, counter-clockwise, the loss is ``loss(g(f(v_k)), k)``, averaged
    over the batch and the four turns.

    Parameters
    ----------
    encoder, head : torch.nn.Module
        f: (N, C, H, W) -> (N, d) and g: (N, d) -> (N, 4), the logits of the four turns.
    loss : callable
        ``loss(logits, turns)`` with (4N, 4) and (4N,) int64: ``torch.nn.functional.cross_entropy``.
    augment : callable
        ``augment(x, generator)``, before the turn; ``replearn.data.Compose()`` for none.

    Notes
    -----
    Source: Gidaris et al. 2018 (RotNet), equations 1 to 3; all four turns of an image are in its batch, as there. The
    images must be square.
    """

    def __init__(self, encoder, head, loss, augment):
        super().__init__()
        self.encoder, self.head = encoder, head
        self.loss, self.augment = loss, augment

    def extra_repr(self):
        return f"loss={describe(self.loss)}, augment={describe(self.augment)}"

    def views(self, images, index, generator):
        if images.ndim != 4 or images.shape[2] != images.shape[3]:
            raise ValueError(f"images must be square, (N, C, S, S), to be turned, but have shape {tuple(images.shape)}")
        x = self.augment(as_float(images[index]), generator)
        turned = torch.cat([x.rot90(k, (2, 3)) for k in range(4)])
        return turned, torch.arange(4, device=x.device).repeat_interleave(len(x))

    def step(self, views):
        turned, turns = views
        logits = self.head(self.encoder(turned))
        with torch.autocast(logits.device.type, enabled=False):
            loss = self.loss(raised(logits), turns)
        return {"loss": loss, "z": logits.detach()}
