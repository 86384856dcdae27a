"""A small vision transformer that computes only the patches it is shown, and a masked autoencoder's light decoder."""

import torch
from torch import nn
from torch.nn import functional as F

from replearn.data import hidden_flags, patch_grid, patchify, take_patches
from replearn.models.encoder import Encoder
from replearn.validate import check_integer


def sincos_2d(grid: tuple[int, int], dim: int) -> torch.Tensor:
    r"""Position codes of a grid of patches: sines and cosines of the row, then of the column, at dim / 4 frequencies.

    ``[sin(r w), cos(r w), sin(c w), cos(c w)]`` for the patch in row r and column c, with
    ``w_i = 10000^(-i / (dim / 4))``, i = 0 ... dim / 4 - 1.

    Parameters
    ----------
    grid : pair of int
        Rows and columns of patches, L in all.
    dim : int
        Length of a code, a multiple of 4.

    Returns
    -------
    torch.Tensor
        (L, dim) float32.

    References
    ----------
    Vaswani et al. 2017, section 3.5, for two axes as in MAE (He et al., 2022), appendix A.1.

    Examples
    --------
    >>> sincos_2d((4, 4), 8).shape
    torch.Size([16, 8])
    """
    for name, value in {"rows of grid": grid[0], "columns of grid": grid[1], "dim": dim}.items():
        check_integer(name, value, 1)
    if dim % 4:
        raise ValueError(f"dim must be a multiple of 4, two functions for two axes, but is {dim}")
    frequency = 10_000 ** -(torch.arange(dim // 4, dtype=torch.float64) / (dim // 4))
    place = torch.cartesian_prod(*(torch.arange(side, dtype=torch.float64) for side in grid))
    angle = place[:, :, None] * frequency
    return torch.cat([angle.sin(), angle.cos()], 2).flatten(1).float()


class TransformerBlock(nn.Module):
    """Add attention and an MLP, each of the normalised tokens: ``x + attention(norm(x))``, then ``x + mlp(norm(x))``.

    Parameters
    ----------
    dim : int
        Width d.
    heads : int
        Attention heads, which divide d.
    mlp_ratio : float
        Width of the GELU layer, in units of d.

    References
    ----------
    Dosovitskiy et al. 2021 (ViT), equations 2 and 3.

    Examples
    --------
    >>> TransformerBlock(8, 2)(torch.zeros(1, 5, 8)).shape
    torch.Size([1, 5, 8])
    """

    def __init__(self, dim: int, heads: int, mlp_ratio: float = 2.0) -> None:
        super().__init__()
        check_integer("dim", dim, 1)
        check_integer("heads", heads, 1)
        hidden = round(dim * mlp_ratio)
        if hidden < 1 or hidden != dim * mlp_ratio:
            raise ValueError(f"the width of the mlp must be an integer, at least 1, but is {dim * mlp_ratio}")
        if dim % heads:
            raise ValueError(f"heads must divide dim, but is {heads} of {dim}")
        self.heads = heads
        self.norm1, self.qkv, self.out = nn.LayerNorm(dim), nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, dim))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = self.qkv(self.norm1(x)).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        x = x + self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        return x + self.mlp(self.norm2(x))


class TinyViT(Encoder):
    """A vision transformer with fixed position codes: images (N, C, H, W) -> (N, dim), the mean of its patch tokens.

    Patches are embedded by one linear map, positions (``sincos_2d``) are added, and pre-norm blocks and a last
    LayerNorm follow. Patches that are not kept are never computed.

    Parameters
    ----------
    image_shape : pair of int
        H and W.
    patch : int
        Side of a patch, in pixels, which divides both.
    in_channels : int
        Channels C.
    dim, depth, heads : int
        Width (a multiple of 4), blocks, and attention heads, which divide the width.
    mlp_ratio : float
        Width of a block's GELU layer, in units of ``dim``.
    class_token : bool
        Prepend a learned token without position, whose output then is the representation in the place of the mean.

    Attributes
    ----------
    dim : int
        Size of the representation.
    grid : (int, int)
        Rows and columns of patches.
    patch : int
        Side of a patch.

    References
    ----------
    Dosovitskiy et al. 2021 (ViT); kept patches, positions and initialisation as in MAE (He et al., 2022).

    Examples
    --------
    >>> vit, images = TinyViT((28, 28), 7), torch.zeros(2, 1, 28, 28)
    >>> vit(images).shape
    torch.Size([2, 64])
    >>> vit(images, torch.tensor([[0, 3], [1, 2]]), tokens=True).shape
    torch.Size([2, 2, 64])
    """

    positions: torch.Tensor

    def __init__(
        self,
        image_shape: tuple[int, int] = (28, 28),
        patch: int = 7,
        *,
        in_channels: int = 1,
        dim: int = 64,
        depth: int = 2,
        heads: int = 4,
        mlp_ratio: float = 2.0,
        class_token: bool = False,
    ) -> None:
        super().__init__()
        check_integer("in_channels", in_channels, 1)
        check_integer("depth", depth, 1)
        self.dim, self.patch, self.grid = dim, patch, patch_grid(image_shape, patch)
        self.register_buffer("positions", sincos_2d(self.grid, dim), persistent=False)
        self.embed = nn.Linear(in_channels * patch**2, dim)
        self.class_token = nn.Parameter(torch.randn(dim) * 0.02) if class_token else None
        self.blocks = nn.Sequential(*(TransformerBlock(dim, heads, mlp_ratio) for _ in range(depth)))
        self.norm = nn.LayerNorm(dim)
        self.apply(_initialise)

    def forward(
        self,
        x: torch.Tensor,
        keep: torch.Tensor | None = None,
        *,
        tokens: bool = False,
        fill: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Encode images, or the patches ``keep`` (N, K) of them.

        Returns (N, dim), or with ``tokens`` the outputs of the patches in the order of ``keep``, (N, K, dim), behind
        that of the class token where there is one. With ``fill`` (dim,), a mask token, which then stands in the place
        of every patch that is not kept, all L patches are computed, in their own order. Raises ``ValueError`` if the
        images have another size.
        """
        patches = patchify(x, self.patch)
        if patch_grid(x.shape[2:], self.patch) != self.grid or patches.shape[2] != self.embed.in_features:
            raise ValueError(
                f"the network takes images of {self.grid[0]} x {self.grid[1]} patches of {self.embed.in_features} "
                f"numbers, but x has shape {tuple(x.shape)}"
            )
        positions = self.positions.expand(len(x), -1, -1)
        if keep is not None and fill is None:
            patches, positions = take_patches(patches, keep), take_patches(positions, keep)
        z = self.embed(patches)
        if fill is not None and keep is not None:
            z = torch.where(hidden_flags(z, keep).bool(), fill, z)
        z = z + positions
        if self.class_token is not None:
            z = torch.cat([self.class_token.expand(len(x), 1, -1), z], 1)
        z = self.norm(self.blocks(z))
        if tokens:
            return z
        return z.mean(1) if self.class_token is None else z[:, 0]


class MaeDecoder(nn.Module):
    """Predict hidden patches from the tokens of the visible ones, by a light transformer.

    Tokens are projected to the decoder's width and a learned mask token stands for each hidden patch; positions are
    added to both, blocks and a LayerNorm follow, and a linear head reads the hidden patches.

    Parameters
    ----------
    d_in, d_out : int
        Size of the encoder's tokens, and of a prediction: C p^2 for pixels, the encoder's ``dim`` for its tokens.
    grid : pair of int
        Rows and columns of patches: the encoder's ``grid``.
    dim, depth, heads : int
        Width (a multiple of 4), blocks (0 for none) and attention heads of the decoder.
    mlp_ratio : float
        As in :class:`TinyViT`.

    References
    ----------
    He et al. 2022 (MAE), section 3; I-JEPA's predictor (Assran et al., 2023) has the same form.

    Examples
    --------
    >>> keep, masked = torch.tensor([[0, 1]]), torch.tensor([[2, 3]])
    >>> MaeDecoder(64, 49, (2, 2))(torch.zeros(1, 2, 64), keep, masked).shape
    torch.Size([1, 2, 49])
    """

    positions: torch.Tensor

    def __init__(
        self,
        d_in: int,
        d_out: int,
        grid: tuple[int, int],
        *,
        dim: int = 32,
        depth: int = 1,
        heads: int = 4,
        mlp_ratio: float = 2.0,
    ) -> None:
        super().__init__()
        check_integer("d_in", d_in, 1)
        check_integer("d_out", d_out, 1)
        check_integer("depth", depth, 0)
        self.register_buffer("positions", sincos_2d(grid, dim), persistent=False)
        self.embed = nn.Linear(d_in, dim)
        self.mask_token = nn.Parameter(torch.randn(dim) * 0.02)
        self.blocks = nn.Sequential(*(TransformerBlock(dim, heads, mlp_ratio) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, d_out)
        self.apply(_initialise)

    def forward(self, tokens: torch.Tensor, keep: torch.Tensor, masked: torch.Tensor) -> torch.Tensor:
        """From tokens (N, K, d_in) of the patches ``keep`` (N, K) to predictions (N, M, d_out) at ``masked`` (N, M).

        More tokens than K stand in front and have no position: a class token.
        """
        positions = self.positions.expand(len(tokens), -1, -1)
        seen = self.embed(tokens)
        extra = seen.shape[1] - keep.shape[1]
        seen = seen + F.pad(take_patches(positions, keep), (0, 0, extra, 0))
        hidden = self.mask_token + take_patches(positions, masked)
        z = self.blocks(torch.cat([seen, hidden], 1))
        return self.head(self.norm(z[:, seen.shape[1] :]))


def vit_flops(tokens: int, dim: int, depth: int, *, mlp_ratio: float = 2.0) -> float:
    r"""Operations of the matrix products in a transformer's blocks, for one image.

    ``depth (2 L d^2 (4 + 2 r) + 4 L^2 d)``: projections and MLP, linear in the tokens, and attention, quadratic.

    Parameters
    ----------
    tokens : int or array of int
        L, the tokens that are computed.
    dim, depth : int
        Width d and blocks.
    mlp_ratio : float
        r, the width of a block's GELU layer in units of d.

    Returns
    -------
    float or array
        Floating-point operations, a multiplication and an addition counted as two.

    References
    ----------
    Counted from the blocks of Dosovitskiy et al. 2021 (ViT).

    Examples
    --------
    >>> vit_flops(16, 64, 2) / vit_flops(4, 64, 2)
    4.184615384615385
    """
    return depth * (2 * tokens * dim**2 * (4 + 2 * mlp_ratio) + 4 * tokens**2 * dim)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)
