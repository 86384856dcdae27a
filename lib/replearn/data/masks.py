"""Images as patches, and masks that hide some of them: at random, in blocks, or as blocks to predict."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch

from replearn.validate import check_between, check_integer


class Mask(NamedTuple):
    """Which of the L patches of each image are visible and which are hidden: together each exactly once.

    Attributes
    ----------
    keep : (N, K) int64, the visible patches, 1 <= K < L.
    masked : (N, L - K) int64, the hidden ones.
    restore : (N, L) int64 such that ``take_patches(torch.cat([kept, hidden], 1), restore)`` is in the images' order.
    """

    keep: torch.Tensor
    masked: torch.Tensor
    restore: torch.Tensor


class MultiBlock(NamedTuple):
    """The context that is seen and the blocks that are to be predicted from it; no context patch lies in a block.

    Attributes
    ----------
    keep : (N, K) int64, the context.
    masked : (N, T, M) int64, the patches of T blocks, which may overlap each other.
    """

    keep: torch.Tensor
    masked: torch.Tensor


def patchify(x: torch.Tensor, patch: int) -> torch.Tensor:
    """Cut images into square patches, row by row: token l holds the channels, rows and columns of patch l, flattened.

    Parameters
    ----------
    x : torch.Tensor
        (N, C, H, W), of any type.
    patch : int
        Side p of a patch, in pixels.

    Returns
    -------
    torch.Tensor
        (N, L, C p^2) with L = (H / p) (W / p).

    References
    ----------
    Dosovitskiy et al. 2021 (ViT), section 3.1. The order is that of ``torch.nn.functional.unfold``.

    Examples
    --------
    >>> patchify(torch.arange(16).view(1, 1, 4, 4), 2)[0]
    tensor([[ 0,  1,  4,  5],
            [ 2,  3,  6,  7],
            [ 8,  9, 12, 13],
            [10, 11, 14, 15]])
    """
    if x.ndim != 4:
        raise ValueError(f"x must be a batch of images (N, C, H, W), but has shape {tuple(x.shape)}")
    n, c, height, width = x.shape
    h, w = patch_grid((height, width), patch)
    return x.reshape(n, c, h, patch, w, patch).permute(0, 2, 4, 1, 3, 5).reshape(n, h * w, c * patch**2)


def unpatchify(tokens: torch.Tensor, patch: int, image_shape: Sequence[int]) -> torch.Tensor:
    """Put patches back together: the inverse of :func:`patchify`.

    Parameters
    ----------
    tokens : torch.Tensor
        (N, L, C p^2).
    patch : int
        Side p of a patch, in pixels.
    image_shape : pair of int
        H and W of the images.

    Returns
    -------
    torch.Tensor
        (N, C, H, W).

    Examples
    --------
    >>> x = torch.arange(16).view(1, 1, 4, 4)
    >>> bool((unpatchify(patchify(x, 2), 2, (4, 4)) == x).all())
    True
    """
    h, w = patch_grid(image_shape, patch)
    if tokens.ndim != 3 or tokens.shape[1] != h * w or tokens.shape[2] % patch**2:
        raise ValueError(
            f"tokens of images of {tuple(image_shape)} pixels in patches of {patch} must have shape "
            f"(N, {h * w}, {patch**2} C), but have {tuple(tokens.shape)}"
        )
    n, c = len(tokens), tokens.shape[2] // patch**2
    return tokens.reshape(n, h, w, c, patch, patch).permute(0, 3, 1, 4, 2, 5).reshape(n, c, *image_shape)


def patch_grid(image_shape: Sequence[int], patch: int) -> tuple[int, int]:
    """Rows and columns of patches in an image of (height, width) pixels; raises if they do not fill it.

    Examples
    --------
    >>> patch_grid((28, 28), 7)
    (4, 4)
    """
    check_integer("patch", patch, 1)
    height, width = image_shape
    if height % patch or width % patch or not height or not width:
        raise ValueError(f"patch must divide the height and the width of the image, {height} x {width}, but is {patch}")
    return height // patch, width // patch


def take_patches(tokens: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """Pick tokens of each sample: ``out[n, j] = tokens[n, ids[n, j]]``.

    Parameters
    ----------
    tokens : torch.Tensor
        (N, L, D).
    ids : torch.Tensor
        (N, K) int64 between 0 and L - 1.

    Returns
    -------
    torch.Tensor
        (N, K, D).

    Examples
    --------
    >>> take_patches(torch.tensor([[[5], [6], [7]]]), torch.tensor([[2, 0]]))
    tensor([[[7],
             [5]]])
    """
    return tokens.gather(1, ids.unsqueeze(2).expand(-1, -1, tokens.shape[2]))


def hidden_flags(tokens: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
    """Flags (N, L, 1) in the type of ``tokens`` (N, L, d): 0 for the patches ``keep`` (N, K), 1 for the hidden ones.

    Examples
    --------
    >>> hidden_flags(torch.zeros(1, 3, 8), torch.tensor([[1]])).flatten()
    tensor([1., 0., 1.])
    """
    return torch.ones_like(tokens[:, :, :1]).scatter_(1, keep.unsqueeze(2), 0.0)


def random_mask(n: int, grid: tuple[int, int], generator: torch.Generator, *, ratio: float = 0.75) -> Mask:
    r"""Hide patches at random, each sample its own: K = max(1, floor(L (1 - ratio))) of L stay visible.

    Parameters
    ----------
    n : int
        Samples N.
    grid : pair of int
        Rows and columns of patches, L in all; (1, L) for a sequence.
    generator : torch.Generator
        Whose device the ids are made on.
    ratio : float
        Share of the patches that is hidden, in (0, 1).

    Returns
    -------
    Mask

    References
    ----------
    He et al. 2022 (MAE), section 3 and algorithm of the released code: the order of uniform noise.

    Examples
    --------
    >>> random_mask(2, (4, 4), torch.Generator()).keep.shape
    torch.Size([2, 4])
    """
    length = _check(n, grid)
    noise = torch.rand(n, length, generator=generator, device=generator.device)
    return _split(noise.argsort(1), _visible(length, ratio))


def block_mask(
    n: int,
    grid: tuple[int, int],
    generator: torch.Generator,
    *,
    ratio: float = 0.4,
    scale: tuple[float, float] = (0.08, 0.4),
    aspect: tuple[float, float] = (0.3, 10 / 3),
) -> Mask:
    r"""Hide whole rectangles: one after the other, overlapping as they fall, until the share ``ratio`` is hidden.

    A rectangle has the area ``a L``, ``a ~ U[scale]``, and height over width ``rho``, ``log rho ~ U[log aspect]``,
    rounded to whole patches; its place is uniform. Of the last one, only its first rows are taken, so that every sample
    hides as many patches as under :func:`random_mask`.

    Parameters
    ----------
    n, grid, generator, ratio
        As in :func:`random_mask`.
    scale : pair of float
        Range of a rectangle's share of the patches, in (0, 1]. ``scale=(ratio, ratio), aspect=(1, 1)`` hides a square.
    aspect : pair of float
        Range of its height over its width.

    Returns
    -------
    Mask

    References
    ----------
    Bao et al. 2022 (BEiT), algorithm 1, where the largest area shrinks to what is still missing instead of the last
    rectangle being cut.

    Examples
    --------
    >>> block_mask(2, (4, 4), torch.Generator(), ratio=0.5).masked.shape
    torch.Size([2, 8])
    """
    length = _check(n, grid)
    visible = _visible(length, ratio)
    scale, log_aspect = _ranges(scale, aspect)
    hidden_by = torch.full((n, length), torch.inf, device=generator.device)  # the rectangle that first hides a patch
    rectangles = 0
    while (hidden_by.isfinite().sum(1) < length - visible).any():
        sides = _sides(grid, _uniform(n, scale, generator), _uniform(n, log_aspect, generator))
        new = _rectangles(grid, *sides, generator) & hidden_by.isinf()
        hidden_by.masked_fill_(new, rectangles)
        rectangles += 1
    hidden_first = hidden_by.argsort(dim=1, stable=True)
    return _split(hidden_first.roll(visible, 1), visible)


def multiblock_mask(
    n: int,
    grid: tuple[int, int],
    generator: torch.Generator,
    *,
    targets: int = 4,
    scale: tuple[float, float] = (0.15, 0.2),
    aspect: tuple[float, float] = (0.75, 1.5),
    context_scale: tuple[float, float] = (0.85, 1.0),
    min_context: float = 0.1,
) -> MultiBlock:
    r"""I-JEPA's masks: T blocks to predict, and as context one large square block from which they are cut out.

    One size is drawn for all target blocks and one for all contexts, places for each sample. All contexts are then cut
    to the size of the smallest, by leaving out patches at random.

    Parameters
    ----------
    n, grid, generator
        As in :func:`random_mask`.
    targets : int
        Blocks T per sample.
    scale, aspect : pair of float
        Ranges of a target's share of the patches and of its height over its width, as in :func:`block_mask`.
    context_scale : pair of float
        Range of the context's share before the targets are cut out.
    min_context : float
        A sample whose context is left with a smaller share of the patches is drawn anew.

    Returns
    -------
    MultiBlock

    Raises
    ------
    ValueError
        As :func:`block_mask`, or if after 100 draws some context is still smaller than ``min_context``, or empty.

    References
    ----------
    Assran et al. 2023 (I-JEPA), section 3 and appendix A. Its code draws scale and aspect from one random number, keeps
    the uppermost patches when it cuts a context, and asks for 10 patches of 196.

    Examples
    --------
    >>> multiblock_mask(2, (7, 7), torch.Generator()).masked.shape
    torch.Size([2, 4, 6])
    """
    length = _check(n, grid)
    check_integer("targets", targets, 1)
    scale, log_aspect = _ranges(scale, aspect)
    _ranges(context_scale, (1, 1))
    check_between("min_context", min_context, 0, 1, ends="low")
    height, width = _sides(grid, _uniform(1, scale, generator), _uniform(1, log_aspect, generator))
    size = _sides(grid, _uniform(1, context_scale, generator), torch.zeros(()))
    least = max(1, math.ceil(length * min_context - 1e-9))
    blocks = torch.zeros(n, targets, length, dtype=torch.bool, device=generator.device)
    context = blocks[:, 0]
    for _ in range(100):
        poor = context.sum(1) < least
        if not poor.any():
            return MultiBlock(_some_of_each(context, generator), blocks.nonzero()[:, 2].reshape(n, targets, -1))
        new = _rectangles(grid, height.expand(n * targets), width.expand(n * targets), generator).view(blocks.shape)
        seen = _rectangles(grid, size[0].expand(n), size[1].expand(n), generator)
        blocks = torch.where(poor[:, None, None], new, blocks)
        context = torch.where(poor[:, None], seen & ~new.any(1), context)
    raise ValueError(
        f"the targets leave fewer than {least} of {length} patches to some context; "
        "take fewer or smaller targets, or a finer grid"
    )


def _some_of_each(context: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Ids (N, K) of patches in each context (N, L), at random, as many as the smallest context has."""
    noise = torch.rand(context.shape, generator=generator, device=generator.device)
    return torch.where(context, noise, 2.0).argsort(1)[:, : int(context.sum(1).min())]


def _check(n: int, grid: tuple[int, int]) -> int:
    check_integer("n", n, 1)
    for name, side in zip(("rows", "columns"), grid, strict=True):
        check_integer(f"the {name} of grid", side, 1)
    length = grid[0] * grid[1]
    if length < 2:
        raise ValueError("grid must hold at least two patches, one to see and one to hide")
    return length


def _visible(length: int, ratio: float) -> int:
    """max(1, floor(L (1 - r))), where r may be a little off the fraction that was meant."""
    check_between("ratio", ratio, 0, 1, ends="none")
    return min(max(1, math.floor(length * (1 - ratio) + 1e-9)), length - 1)


def _split(order: torch.Tensor, visible: int) -> Mask:
    return Mask(order[:, :visible], order[:, visible:], order.argsort(1))


def _ranges(scale: tuple[float, float], aspect: tuple) -> tuple[tuple, tuple]:
    for name, (low, high) in {"scale": scale, "aspect": aspect}.items():
        if not 0 < low <= high < math.inf or (name == "scale" and high > 1):
            bound = "in (0, 1]" if name == "scale" else "positive"
            raise ValueError(f"{name} must be an ordered range, {bound}, but is {(low, high)}")
    return scale, tuple(math.log(side) for side in aspect)


def _uniform(n: int, bounds: tuple, generator: torch.Generator) -> torch.Tensor:
    low, high = bounds
    return low + (high - low) * torch.rand(n, generator=generator, device=generator.device)


def _sides(grid: tuple[int, int], area: torch.Tensor, log_aspect: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Heights and widths, in whole patches that fit the grid, of rectangles of some shares of it."""
    height, width = ((area * grid[0] * grid[1] * (sign * log_aspect).exp()).sqrt() for sign in (1, -1))
    return height.round().clamp(1, grid[0]), width.round().clamp(1, grid[1])


def _rectangles(
    grid: tuple[int, int], height: torch.Tensor, width: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """Patches (N, L) of rectangles at places that are uniform among those inside the grid, true inside."""
    rows = _stretch(grid[0], height, generator)
    columns = _stretch(grid[1], width, generator)
    return (rows[:, :, None] & columns[:, None, :]).flatten(1)


def _stretch(length: int, side: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """(N, length), true on ``side`` (N,) neighbours that start anywhere with equal chance."""
    start = ((length - side + 1) * _uniform(len(side), (0, 1), generator)).floor().clamp(max=length - side)
    place = torch.arange(length, device=side.device)
    return (place >= start[:, None]) & (place < (start + side)[:, None])
