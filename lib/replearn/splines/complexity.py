"""Local complexity: how many units change sign around a point."""

import torch
from torch import Tensor, nn

from replearn.splines.compiling import check_inputs, compile_piecewise_affine
from replearn.splines.patterns import patterns_of, slices_of
from replearn.validate import check_integer, check_matrix, check_positive


def random_frame(n_dirs: int, dim: int, seed: int) -> Tensor:
    """Draw ``n_dirs`` orthonormal directions, uniformly among all such frames.

    Parameters
    ----------
    n_dirs, dim : int
        1 <= n_dirs <= dim.
    seed : int

    Returns
    -------
    Tensor (n_dirs, dim), float64, orthonormal rows

    References
    ----------
    Humayun, Balestriero & Baraniuk 2024, "Deep networks always grok and here is why".

    Examples
    --------
    >>> (random_frame(2, 5, 0) @ random_frame(2, 5, 0).T).round(decimals=6)
    tensor([[1., -0.],
            [-0., 1.]], dtype=torch.float64)
    """
    check_integer("dim", dim, 1)
    check_integer("n_dirs", n_dirs, 1, dim)
    normal = torch.randn(dim, n_dirs, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    q, r = torch.linalg.qr(normal)
    return (q * r.diagonal().sign()).T.contiguous()


def local_complexity(
    model: nn.Module,
    x: Tensor,
    radius: float,
    *,
    n_dirs: int | None = None,
    seed: int = 0,
    directions: Tensor | None = None,
    chunk: int = 65_536,
) -> Tensor:
    """Count for each point and layer the units that change sign among the vertices x +- radius q_i around it.

    The q_i are the rows of `random_frame` (n_dirs, D, seed), the same for all points, or the given ``directions``.
    A unit that cuts the hull of the vertices separates two of them, so the count of the first layer is that of the
    hyperplanes that cut the hull; deeper it is that count to first order. Costs a forward pass on 2 P N points.

    Parameters
    ----------
    model : nn.Module
        A piecewise-affine model, see `compile_piecewise_affine`.
    x : Tensor (N, D)
    radius : float
        In the units of x.
    n_dirs : int, optional
        Default min(D, 8).
    seed : int
    directions : Tensor (P, D), optional
        Orthonormal rows, instead of n_dirs and seed.
    chunk : int
        Vertices in one forward pass.

    Returns
    -------
    LongTensor (N, n_layers)

    Raises
    ------
    ValueError
        The model is not piecewise affine, x does not fit it, radius is not positive, n_dirs is more than D, or the
        directions are not orthonormal to 1e-4.

    References
    ----------
    Humayun, Balestriero & Baraniuk 2024, "Deep networks always grok and here is why".

    Examples
    --------
    >>> local_complexity(nn.ReLU(), torch.tensor([[0.01, 5.0]]), 0.1)
    tensor([[1]])
    """
    ops = compile_piecewise_affine(model)
    check_inputs(model, ops, x, flat=True)
    check_positive("radius", radius)
    check_integer("chunk", chunk, 1)
    frame = _frame(x.shape[1], n_dirs, seed, directions).to(x)
    star = radius * torch.cat([frame, -frame])
    layers = slices_of(ops, x[:1])
    counts = []
    for part in x.split(max(1, chunk // len(star))):
        signs = patterns_of(ops, (part[:, None] + star).flatten(0, 1)).unflatten(0, (len(part), len(star)))
        change = signs.any(1) & ~signs.all(1)
        per_layer = [change[:, columns].sum(1) for columns in layers]
        counts.append(torch.stack(per_layer, 1) if layers else change[:, :0].long())
    return torch.cat(counts)


def _frame(dim: int, n_dirs: int | None, seed: int, directions: Tensor | None) -> Tensor:
    if directions is None:
        return random_frame(min(dim, 8) if n_dirs is None else n_dirs, dim, seed)
    check_matrix("directions", directions)
    if directions.shape[1] != dim or len(directions) > dim:
        raise ValueError(f"directions must have shape (P, {dim}) with P <= {dim}, but has {tuple(directions.shape)}")
    gram = (directions @ directions.T).double()
    if (gram - torch.eye(len(gram), dtype=gram.dtype, device=gram.device)).abs().max() > 1e-4:
        raise ValueError("the rows of directions must be orthonormal to 1e-4; use random_frame or a QR decomposition")
    return directions
