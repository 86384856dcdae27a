"""The graph losses themselves, differentiable, to be minimised by gradients and compared with their closed forms."""

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy import sparse

from replearn.validate import check_matrix, check_positive


def _matrix_like(name: str, M: np.ndarray | sparse.csr_array | torch.Tensor, Z: torch.Tensor) -> torch.Tensor:
    """``M`` (sparse, array or tensor) as a tensor of Z's dtype and device, checked to be (N, N)."""
    n = Z.shape[0]
    if tuple(M.shape) != (n, n):
        raise ValueError(f"{name} must have shape ({n}, {n}), one row per row of Z, but has shape {tuple(M.shape)}")
    if sparse.issparse(M):
        M = sparse.coo_array(M)
        M = torch.sparse_coo_tensor(torch.from_numpy(np.stack([M.row, M.col])), M.data, (n, n), check_invariants=False)
    return torch.as_tensor(M).to(dtype=Z.dtype, device=Z.device)


def _squared_norm(M: torch.Tensor) -> torch.Tensor:
    return (M.coalesce().values() if M.is_sparse else M).square().sum()


def vicreg_graph_loss(
    Z: torch.Tensor, L: ArrayLike | sparse.sparray, *, inv: float = 1.0, reg: float = 1.0
) -> torch.Tensor:
    """Least-square VICReg on a graph: reg ||Cov(Z) - I||_F^2 + (2 inv / N) tr(Z^T L Z), Cov(Z) = Z^T H Z / N.

    The second term is (inv / N) sum_ij G_ij ||z_i - z_j||^2 for L the Laplacian of G.

    Parameters
    ----------
    Z : (N, K) tensor; gradients flow to it.
    L : (N, N) unnormalised Laplacian: sparse array, array or tensor (dense or sparse).
    inv : float >= 0; reg : float > 0.

    Returns
    -------
    scalar tensor of Z's dtype.

    References
    ----------
    Balestriero & LeCun 2022.

    Examples
    --------
    >>> Z = torch.tensor([[1.0], [-1.0]])
    >>> vicreg_graph_loss(Z, torch.tensor([[1.0, -1.0], [-1.0, 1.0]]))
    tensor(4.)
    """
    check_matrix("Z", Z, min_rows=2)
    check_positive("inv", inv, allow_zero=True)
    check_positive("reg", reg)
    L = _matrix_like("L", L, Z)
    centred = Z - Z.mean(dim=0)
    excess = centred.T @ centred / len(Z) - torch.eye(Z.shape[1], dtype=Z.dtype, device=Z.device)
    return reg * excess.square().sum() + 2 * inv / len(Z) * (Z * (L @ Z)).sum()


def contrastive_graph_loss(Z: torch.Tensor, S: ArrayLike | sparse.sparray) -> torch.Tensor:
    """Spectral contrastive loss ||Z Z^T - S||_F^2 = ||Z^T Z||_F^2 - 2 tr(Z^T S Z) + ||S||_F^2, without an (N, N) Z Z^T.

    Parameters
    ----------
    Z : (N, K) tensor; gradients flow to it.
    S : (N, N) symmetric similarity: sparse array, array or tensor (dense or sparse).

    Returns
    -------
    scalar tensor of Z's dtype.

    References
    ----------
    HaoChen et al. 2021; Balestriero & LeCun 2022.

    Examples
    --------
    >>> contrastive_graph_loss(torch.eye(2), torch.diag(torch.tensor([1.0, 0.0])))
    tensor(1.)
    """
    check_matrix("Z", Z)
    S = _matrix_like("S", S, Z)
    return (Z.T @ Z).square().sum() - 2 * (Z * (S @ Z)).sum() + _squared_norm(S)


def barlow_graph_loss(Z: torch.Tensor, G: ArrayLike | sparse.sparray, *, center: bool = True) -> torch.Tensor:
    """Barlow Twins on a graph: ||C - I||_F^2, C_kl = (Z^T G Z)_kl / sqrt((Z^T D Z)_kk (Z^T D Z)_ll), D = diag(G 1).

    Parameters
    ----------
    Z : (N, K) tensor; gradients flow to it. A constant (or zero) column correlates with nothing and costs 1.
    G : (N, N) symmetric non-negative graph: sparse array, array or tensor (dense or sparse).
    center : bool, subtract from Z its mean weighted by the degrees.

    Returns
    -------
    scalar tensor of Z's dtype.

    References
    ----------
    Zbontar et al. 2021; Balestriero & LeCun 2022.

    Examples
    --------
    >>> barlow_graph_loss(torch.tensor([[1.0], [1.0], [-1.0], [-1.0]]), np.kron(np.eye(2), np.ones((2, 2))))
    tensor(3.5527e-15)
    """
    check_matrix("Z", Z, min_rows=2)
    G = _matrix_like("G", G, Z)
    degrees = G @ torch.ones_like(Z[:, :1])
    if center:
        Z = Z - (degrees * Z).sum(dim=0) / degrees.sum()
    energy = (degrees * Z.square()).sum(dim=0)
    scale = energy.clamp_min(torch.finfo(Z.dtype).tiny).rsqrt()
    C = scale[:, None] * (Z.T @ (G @ Z)) * scale
    return (C - torch.eye(Z.shape[1], dtype=Z.dtype, device=Z.device)).square().sum()
