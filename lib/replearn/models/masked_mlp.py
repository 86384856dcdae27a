"""The smallest masked autoencoder: a perceptron that is given the visible pixels and told which patches are hidden."""

import torch
from torch import nn

from replearn.data import hidden_flags, patch_grid, patchify, take_patches
from replearn.models.encoder import Encoder
from replearn.models.perceptron import mlp
from replearn.validate import check_integer


class MaskedMLP(Encoder):
    """Encode images of which patches may be hidden: (N, C, H, W) -> (N, dim).

    ``relu(bn(W_2 relu(bn(W_1 [m * x, 1 - m]))))``: hidden pixels are set to zero, and one flag for each patch says
    whether it is hidden, since zero is also the mean of standardised pixels.

    Parameters
    ----------
    image_shape : pair of int
        H and W.
    patch : int
        Side of a patch, in pixels, which divides both.
    in_channels : int
        Channels C.
    hidden, dim : int
        Sizes of the hidden layer and of the representation.

    Attributes
    ----------
    dim, grid, patch
        As of ``TinyViT``, whose place it can take in ``MaskedAutoencoder``.

    References
    ----------
    This book's masked autoencoder of 14 x 14 digits, after denoising autoencoders (Vincent et al., 2008).

    Examples
    --------
    >>> MaskedMLP((14, 14), 2, dim=32)(torch.zeros(4, 1, 14, 14)).shape
    torch.Size([4, 32])
    """

    def __init__(
        self,
        image_shape: tuple[int, int] = (14, 14),
        patch: int = 2,
        *,
        in_channels: int = 1,
        hidden: int = 256,
        dim: int = 128,
    ) -> None:
        super().__init__()
        for name, value in {"in_channels": in_channels, "hidden": hidden, "dim": dim}.items():
            check_integer(name, value, 1)
        self.dim, self.patch, self.grid = dim, patch, patch_grid(image_shape, patch)
        self.d_in = (in_channels * patch**2 + 1) * self.grid[0] * self.grid[1]
        self.layers = nn.Sequential(*_layer(self.d_in, hidden), *_layer(hidden, dim))

    def forward(self, x: torch.Tensor, keep: torch.Tensor | None = None, *, tokens: bool = False) -> torch.Tensor:
        """Encode images, or the patches ``keep`` (N, K) of them: (N, dim), as one token (N, 1, dim) with ``tokens``."""
        patches = patchify(x, self.patch)
        hidden = torch.zeros_like(patches[:, :, :1]) if keep is None else hidden_flags(patches, keep)
        flagged = torch.cat([patches.masked_fill(hidden.bool(), 0.0), hidden], 2).flatten(1)
        if flagged.shape[1] != self.d_in:
            raise ValueError(f"x has another shape than the images that the network was made for: {tuple(x.shape)}")
        z = self.layers(flagged)
        return z.unsqueeze(1) if tokens else z


class MaskedMLPDecoder(nn.Module):
    """Predict every patch from a code by a perceptron with one hidden layer, and return the hidden ones.

    Parameters
    ----------
    d_in, d_out : int
        Size of the code, and of a patch: C p^2.
    grid : pair of int
        Rows and columns of patches: the encoder's ``grid``.
    hidden : int
        Size of the ReLU layer.

    References
    ----------
    As :class:`MaskedMLP`.

    Examples
    --------
    >>> MaskedMLPDecoder(32, 4, (7, 7))(torch.zeros(5, 1, 32), None, torch.zeros(5, 3, dtype=torch.int64)).shape
    torch.Size([5, 3, 4])
    """

    def __init__(self, d_in: int, d_out: int, grid: tuple[int, int], *, hidden: int = 256) -> None:
        super().__init__()
        self.d_out = d_out
        self.layers = mlp([d_in, hidden, d_out * grid[0] * grid[1]])

    def forward(self, tokens: torch.Tensor, keep: torch.Tensor, masked: torch.Tensor) -> torch.Tensor:
        """From a code (N, 1, d_in) to predictions (N, M, d_out) at ``masked`` (N, M); ``keep`` is not needed."""
        return take_patches(self.layers(tokens.flatten(1)).unflatten(1, (-1, self.d_out)), masked)


def _layer(d_in: int, d_out: int) -> tuple:
    return nn.Linear(d_in, d_out, bias=False), nn.BatchNorm1d(d_out), nn.ReLU()
