"""The affine map of the region a point lies in, its volume, and the distance to the region's walls."""

import torch
from torch import Tensor, nn

from replearn.splines.compiling import (
    Activation,
    Layer,
    NotPiecewiseAffineError,
    check_inputs,
    compile_piecewise_affine,
    run,
)
from replearn.validate import check_finite, check_integer, check_positive


def region_affine(model: nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """Give the affine map that the model is on the region of each point, model(y) = A y + b for y near x.

    Parameters
    ----------
    model : nn.Module
        A piecewise-affine model, see `compile_piecewise_affine`.
    x : Tensor (N, D)

    Returns
    -------
    A : Tensor (N, D_out, D)
    b : Tensor (N, D_out)

    Raises
    ------
    ValueError
        The model is not piecewise affine, or x does not fit it or is not finite.

    References
    ----------
    Balestriero & Baraniuk 2018, "A spline theory of deep learning"; Humayun et al. 2023 (SplineCam).

    Examples
    --------
    >>> A, b = region_affine(nn.Sequential(nn.Linear(2, 3), nn.ReLU()), torch.zeros(5, 2))
    >>> A.shape, b.shape
    (torch.Size([5, 3, 2]), torch.Size([5, 3]))
    """
    check_inputs(model, compile_piecewise_affine(model), x, flat=True)
    slope = jacobian(model, x)
    return slope, model(x).flatten(1) - torch.einsum("nod,nd->no", slope, x)


def jacobian(model: nn.Module, x: Tensor) -> Tensor:
    """Give the Jacobian J_ij = d model_i / d x_j at each point, whichever way round is the cheaper.

    Derivatives are pushed forward where there are no more inputs than outputs (D <= D_out), else pulled back. The
    result can itself be differentiated by the model's weights.

    Parameters
    ----------
    model : nn.Module
        Any model that treats its samples one by one; a piecewise-affine one is pushed through its own program.
    x : Tensor (N, D)

    Returns
    -------
    Tensor (N, D_out, D)

    Examples
    --------
    >>> jacobian(nn.ReLU(), torch.tensor([[1.0, -1.0]]))
    tensor([[[1., 0.],
             [0., 0.]]])
    """
    _check_differentiable(model, x)
    with torch.no_grad():
        width = model(x[:1]).numel()
    if x.shape[1] <= width:
        return jvp_basis(model, x, torch.eye(x.shape[1], dtype=x.dtype, device=x.device))
    return torch.func.vmap(torch.func.jacrev(lambda point: model(point[None]).flatten()))(x)


def jvp_basis(model: nn.Module, x: Tensor, V: Tensor) -> Tensor:
    """Give the derivatives of the model along the columns of V at each point, J(x) V, without forming J.

    Parameters
    ----------
    model : nn.Module
        As for `jacobian`.
    x : Tensor (N, D)
    V : Tensor (D, k)

    Returns
    -------
    Tensor (N, D_out, k)

    Examples
    --------
    >>> jvp_basis(nn.ReLU(), torch.tensor([[1.0, -1.0]]), torch.eye(2)[:, :1])
    tensor([[[1.],
             [0.]]])
    """
    ops = _check_differentiable(model, x)
    if V.ndim != 2 or V.shape[0] != x.shape[1] or V.dtype != x.dtype:
        raise ValueError(f"V must be a {x.dtype} matrix ({x.shape[1]}, k), but is {V.dtype} of shape {tuple(V.shape)}")
    check_finite("V", V)
    if ops is not None:
        return run(ops, _tangent_rows(x, V))[:, :-1].flatten(2).transpose(1, 2)

    def push(point: Tensor, direction: Tensor) -> Tensor:
        return torch.func.jvp(lambda y: model(y[None]).flatten(), (point,), (direction,))[1]

    along = torch.func.vmap(push, in_dims=(None, 1), out_dims=1)
    return torch.func.vmap(along, in_dims=(0, None))(x, V)


def _check_differentiable(model: nn.Module, x: Tensor) -> list | None:
    """The program of a piecewise-affine model, None for another; raise where either cannot be differentiated."""
    try:
        ops = compile_piecewise_affine(model)
    except NotPiecewiseAffineError:
        for name, module in model.named_modules():
            if module.training and isinstance(module, nn.Dropout | nn.modules.batchnorm._BatchNorm):
                raise ValueError(f"{name} is a {type(module).__name__} in training mode; call model.eval()") from None
        ops = None
    check_inputs(model, ops or [], x, flat=True)
    return ops


def _tangent_rows(x: Tensor, V: Tensor) -> Tensor:
    """Rows (N, k + 1, D): the k directions, then the point itself."""
    return torch.cat([V.T.expand(len(x), -1, -1), x[:, None]], 1)


def log_volume(J: Tensor, *, top_k: int | None = None, eps: float = 1e-30) -> Tensor:
    """Give the log of the volume change of each linear map, sum of log s_i over its top_k singular values s_i.

    With all of them and D_out >= d this is 1/2 log det J^T J. A singular value under ``eps`` counts as ``eps``.

    Parameters
    ----------
    J : Tensor (N, D_out, d)
    top_k : int, optional
        Default: all min(D_out, d).
    eps : float

    Returns
    -------
    Tensor (N,), in nats

    Raises
    ------
    ValueError
        J is not a finite stack of matrices, top_k is more than its singular values, or eps is not positive.

    References
    ----------
    Humayun, Balestriero & Baraniuk 2022, "Polarity sampling".

    Examples
    --------
    >>> log_volume(2 * torch.eye(3)[None]).round(decimals=4)
    tensor([2.0794])
    """
    if J.ndim != 3 or J.numel() == 0:
        raise ValueError(f"J must have shape (N, D_out, d) without a zero, but has shape {tuple(J.shape)}")
    check_finite("J", J)
    check_positive("eps", eps)
    if top_k is not None:
        check_integer("top_k", top_k, 1, min(J.shape[1:]))
    return torch.linalg.svdvals(J)[:, :top_k].clamp(min=eps).log().sum(1)


def jacobian_log_volume(
    model: nn.Module, x: Tensor, *, top_k: int | None = None, projection: Tensor | None = None
) -> Tensor:
    """Give `log_volume` of the model's Jacobian at each point, after an optional linear projection of the output.

    Parameters
    ----------
    model : nn.Module
    x : Tensor (N, D)
    top_k : int, optional
    projection : Tensor (m, D_out), optional
        The volume of projection @ J is taken instead of that of J.

    Returns
    -------
    Tensor (N,), in nats

    References
    ----------
    Humayun, Balestriero & Baraniuk 2022, "Polarity sampling".

    Examples
    --------
    >>> jacobian_log_volume(nn.LeakyReLU(0.5), torch.tensor([[1.0, -1.0]])).round(decimals=4)
    tensor([-0.6931])
    """
    J = jacobian(model, x)
    if projection is not None:
        if projection.ndim != 2 or projection.shape[1] != J.shape[1]:
            raise ValueError(f"projection must have shape (m, {J.shape[1]}), but has {tuple(projection.shape)}")
        J = projection @ J
    return log_volume(J, top_k=top_k)


def unit_distances(model: nn.Module, x: Tensor, *, chunk: int = 256) -> Tensor:
    """Give the distance from each point to each unit's boundary to first order, |h_k(x)| / ||grad h_k(x)||.

    Exact while the shortest segment to the boundary stays in the region of x, hence always for the first layer. A
    window of a max-pooling layer counts ``size`` units: unit j measures the distance to a tie with the winner. The
    winner itself and a unit with zero gradient get inf.

    Parameters
    ----------
    model : nn.Module
        A piecewise-affine model, see `compile_piecewise_affine`.
    x : Tensor (N, D)
    chunk : int
        Points at a time; memory is chunk * D * (widest layer) numbers.

    Returns
    -------
    Tensor (N, U), in the units of x

    Raises
    ------
    ValueError
        The model is not piecewise affine, x does not fit it or is not finite, or chunk is not positive.

    References
    ----------
    Balestriero & Baraniuk 2022, "Batch normalization explained".

    Examples
    --------
    >>> unit_distances(nn.ReLU(), torch.tensor([[1.0, -3.0]]))
    tensor([[1., 3.]])
    """
    ops = compile_piecewise_affine(model)
    check_inputs(model, ops, x, flat=True)
    check_integer("chunk", chunk, 1)
    eye = torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
    parts = []
    with torch.no_grad():
        for part in x.split(chunk):
            distances: list[Tensor] = []
            run(ops, _tangent_rows(part, eye), lambda *layer, out=distances: out.append(_layer_distances(*layer)))
            parts.append(torch.cat(distances, 1) if distances else part.new_zeros(len(part), 0))
    return torch.cat(parts)


def _layer_distances(op: Layer, rows: Tensor, pattern: Tensor) -> Tensor:
    if not isinstance(op, Activation):
        rows = op.windows(rows) - op.select(rows, pattern)[..., None]
    distance = rows[:, -1].abs() / rows[:, :-1].norm(dim=1)
    return distance.nan_to_num(nan=torch.inf, posinf=torch.inf).flatten(1)
