"""Second moments of a batch of embeddings, each on the cheaper side of the Gram/covariance duality."""

from typing import Annotated, Any

import torch
from torch.nn import functional as F

from replearn.contract import Batch, NonNegative, Numbers, Rows, checked, hidden
from replearn.losses.precision import full_precision

Square = Annotated[torch.Tensor, Numbers("K K")]


@checked
def off_diagonal(m: Square) -> torch.Tensor:
    """Return the K(K-1) off-diagonal entries of a square matrix, row by row.

    Parameters
    ----------
    m : matrix (K, K).

    Returns
    -------
    Tensor (K(K-1),), in the units of ``m``.

    Examples
    --------
    >>> off_diagonal(torch.arange(9).view(3, 3))
    tensor([1, 2, 3, 5, 6, 7])
    """
    k = m.shape[0]
    return m.flatten()[1:].view(k - 1, k + 1)[:, :-1].flatten()


@checked
@full_precision
def off_diagonal_energy(a: Rows, b: Rows) -> torch.Tensor:
    r"""Return :math:`\sum_{i \ne j} (a^\top b)_{ij}^2` without ever building the larger of its two forms.

    Because :math:`\|a^\top b\|_F^2 = \langle a a^\top, b b^\top \rangle`, the (K, K) matrix gives way to two (N, N)
    Gram matrices when there are far fewer rows than columns.

    Parameters
    ----------
    a, b : matrices (N, K) with rows from the same samples; ``b`` may be ``a``.

    Returns
    -------
    Scalar tensor; units of ``a`` times ``b``, squared. Cost O(N K min(N, K)).

    References
    ----------
    Garrido et al. 2023, "On the duality between contrastive and non-contrastive self-supervised learning", Theorem 3.3.

    Examples
    --------
    >>> a = torch.ones(4, 3)
    >>> off_diagonal_energy(a, a)
    tensor(96.)
    """
    n, k = a.shape
    if k < 2 * n:  # where the Gram form saves little, and its difference of two sums may cancel digits
        return off_diagonal(a.T @ b).square().sum()
    total = gram(a).square().sum() if a is b else (gram(a) * gram(b)).sum()
    return total - (a * b).sum(0).square().sum()


def gram(z: torch.Tensor) -> torch.Tensor:
    """Inner products of all rows, z z^T (N, N) for a matrix z (N, K), with one product in its backward pass.

    The gradient is (g + g^T) z for the gradient g of the result; plain automatic differentiation multiplies twice.
    """
    return _Gram.apply(z)


class _Gram(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(z: torch.Tensor) -> torch.Tensor:
        return z @ z.T

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        (z,) = ctx.saved_tensors
        return (gradient + gradient.T) @ z

    @staticmethod
    def jvp(ctx: Any, tangent: torch.Tensor) -> torch.Tensor:
        (z,) = ctx.saved_tensors
        product = tangent @ z.T
        return product + product.T


def unit_rows(z: torch.Tensor) -> torch.Tensor:
    """Scale the rows (the last dimension) to length 1; a row of zeros has no direction, and stays as it is.

    Its gradient is then finite, where a division by a small constant in place of the length would give 1e12.
    """
    return z / row_lengths(z).unsqueeze(-1)


def row_lengths(z: torch.Tensor) -> torch.Tensor:
    """Lengths (N,) of the rows, and 1 for a row of zeros, so that one may divide by them."""
    lengths = torch.linalg.vector_norm(z, dim=-1)
    return lengths.masked_fill(lengths == 0, 1.0)


def standardize_columns(z: torch.Tensor, eps: float) -> torch.Tensor:
    """Batch normalisation without affine parameters: columns of mean 0 and biased variance 1."""
    if eps > 0:
        return F.batch_norm(z, None, None, training=True, eps=eps)
    centred = z - z.mean(0)
    variance = centred.square().mean(0)
    if not hidden(variance) and (variance == 0).any():
        raise ValueError("z has a constant column, whose correlations are undefined; drop it or use eps > 0")
    return centred / variance.sqrt()


@checked
@full_precision
def cross_correlation(z1: Batch, z2: Batch, *, eps: NonNegative = 0.0) -> torch.Tensor:
    r"""Return the correlations between the columns of two views, :math:`C = \hat z_1^\top \hat z_2 / N`.

    Parameters
    ----------
    z1, z2 : embeddings (N, K) of two views of the same N >= 2 samples.
    eps : added to the biased variances, in squared units of the embeddings.

    Returns
    -------
    Tensor (K, K) with entries in [-1, 1]; not symmetric in general.

    Raises
    ------
    ValueError
        Bad shapes, non-finite values, or a constant column while ``eps`` is 0.

    References
    ----------
    Zbontar et al. 2021, equation 2.

    Examples
    --------
    >>> z = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    >>> cross_correlation(z, z.flip(1))
    tensor([[0., 1.],
            [1., 0.]])
    """
    return standardize_columns(z1, eps).T @ standardize_columns(z2, eps) / len(z1)


@checked
@full_precision
def correlation_matrix(z: Batch) -> torch.Tensor:
    r"""Return the Pearson correlations between the columns of one batch of embeddings.

    Parameters
    ----------
    z : embeddings (N, K), N >= 2, without constant columns.

    Returns
    -------
    Symmetric tensor (K, K) with ones on the diagonal.

    Raises
    ------
    ValueError
        ``z`` is not a finite matrix with N >= 2, or has a constant column.

    References
    ----------
    Pearson; used as the measure of redundancy in Bardes et al. 2022.

    Examples
    --------
    >>> correlation_matrix(torch.tensor([[0.0, 0.0], [1.0, -1.0], [2.0, -2.0]]))
    tensor([[ 1.0000, -1.0000],
            [-1.0000,  1.0000]])
    """
    unit = standardize_columns(z, eps=0)
    return unit.T @ unit / len(z)
