"""Closed forms of the same losses when the network is one linear map: LPP, LDA and CCA."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy import linalg, sparse
from scipy.sparse.linalg import LinearOperator

from replearn.spectral.arrays import ZERO, as_array, as_graph, as_points, check_square
from replearn.spectral.barlow import barlow_columns
from replearn.spectral.embeddings import vicreg_variances
from replearn.spectral.moments import as_moment_pair
from replearn.validate import check_between, check_choice, check_finite, check_integer, check_positive


@dataclass(frozen=True)
class LinearSSL:
    """A linear encoder z = (x - mean) W found in closed form.

    Attributes
    ----------
    W : (D, K) array of weights.
    mean : (D,) array subtracted from the inputs.
    eigenvalues : (K,) array: mu ascending for VICReg, s or rho descending for the contrastive loss and Barlow Twins.
    strengths : (K,) array, what multiplies each whitened direction; 0 where a dimension died.
    """

    W: np.ndarray
    mean: np.ndarray
    eigenvalues: np.ndarray
    strengths: np.ndarray

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Embed inputs X (N, D) as Z = (X - mean) W, shape (N, K); ``ValueError`` where X has another width."""
        X = as_points("X", X)
        if X.shape[1] != len(self.mean):
            raise ValueError(f"X must have {len(self.mean)} columns like the training inputs, but has {X.shape[1]}")
        return (X - self.mean) @ self.W


def linear_ssl(
    X: ArrayLike,
    G: ArrayLike | sparse.sparray | LinearOperator,
    dim: int,
    *,
    method: str = "vicreg",
    inv: float = 1.0,
    reg: float = 1.0,
    ridge: float = 0.0,
) -> LinearSSL:
    r"""Minimise a self-supervised loss over linear encoders Z = (H X) W, exactly.

    With C = X^T H X / N, B = X^T L X / N and V^T C V = I:
    VICReg (LPP; LDA with a label graph): B v = mu C v ascending, W = V diag((1 - (inv / reg) mu)_+^{1/2});
    contrastive: (X^T G X / N) v = s C v descending, W = V diag((s)_+^{1/2}) / sqrt(N);
    Barlow Twins (CCA with two views): (X^T G X / N) v = rho C_D v descending, with C_D = X^T D X / N in the
    place of C and W = V diag(t)^{1/2} R as in :func:`barlow_embedding`.

    Parameters
    ----------
    X : (N, D) array or tensor of inputs, centred here (for Barlow Twins by the mean weighted with the degrees).
    G : (N, N) symmetric non-negative graph, sparse, dense or ``LinearOperator``; only G @ (N, D) products are taken.
    dim : int, embedding dimension K, 1 <= K <= D.
    method : "vicreg", "contrastive" or "barlow".
    inv, reg : float, VICReg's weights, as in :func:`vicreg_embedding`.
    ridge : float >= 0, variance of fresh noise in every input each time it is seen: it adds ridge I to C and, times the
        mean degree, to X^T D X / N, so that directions without data rank last. Needed where X is rank-deficient.

    Returns
    -------
    LinearSSL with ``W``, ``mean``, ``eigenvalues``, ``strengths`` and ``.transform(X)``.

    Raises
    ------
    ValueError
        If X or G is malformed, dim > D, a weight is out of range, or the covariance is singular with ridge = 0.

    References
    ----------
    Balestriero & LeCun 2022; He & Niyogi 2003 (LPP); Fisher 1936 (LDA); Hotelling 1936 (CCA).

    Examples
    --------
    >>> from replearn.spectral import augmentation_graph
    >>> X = np.array([[1.0, 0.0], [1.0, 0.1], [-1.0, 0.0], [-1.0, -0.1]])
    >>> linear_ssl(X, augmentation_graph([0, 0, 1, 1]), 1).eigenvalues.round(4)
    array([0.])
    """
    check_choice("method", method, ("vicreg", "contrastive", "barlow"))
    check_positive("inv", inv, allow_zero=True)
    check_positive("reg", reg)
    check_positive("ridge", ridge, allow_zero=True)
    X = as_points("X", X, min_rows=2)
    check_integer("dim", dim, 1, X.shape[1])
    G, degrees = _operand(G, len(X))
    if method == "vicreg":
        return _linear_vicreg(X, G, degrees, dim, ridge, inv, reg)
    if method == "contrastive":
        return _linear_contrastive(X, G, dim, ridge)
    return _linear_barlow(X, G, degrees, dim, ridge)


def _linear_vicreg(
    X: np.ndarray,
    G: LinearOperator | sparse.csr_array,
    degrees: np.ndarray,
    dim: int,
    ridge: float,
    inv: float,
    reg: float,
) -> LinearSSL:
    n, mean, noise = len(X), X.mean(axis=0), ridge * np.eye(X.shape[1])
    X = X - mean
    energy = X.T @ (degrees[:, None] * X) / n + degrees.mean() * noise - X.T @ (G @ X) / n
    mu, V = _smallest_pairs(energy, X.T @ X / n + noise, dim)
    strengths = np.sqrt(vicreg_variances(mu, inv=inv, reg=reg))
    return LinearSSL(V * strengths, mean, mu, strengths)


def _linear_contrastive(X: np.ndarray, G: LinearOperator | sparse.csr_array, dim: int, ridge: float) -> LinearSSL:
    n, mean, noise = len(X), X.mean(axis=0), ridge * np.eye(X.shape[1])
    X = X - mean
    s, V = _largest_pairs(X.T @ (G @ X) / n, X.T @ X / n + noise, dim)
    strengths = np.sqrt(np.where(s > ZERO * abs(s).max(), s, 0.0) / n)
    return LinearSSL(V * strengths, mean, s, strengths)


def _linear_barlow(
    X: np.ndarray, G: LinearOperator | sparse.csr_array, degrees: np.ndarray, dim: int, ridge: float
) -> LinearSSL:
    n, mean, noise = len(X), np.average(X, axis=0, weights=degrees), ridge * np.eye(X.shape[1])
    X = X - mean
    weighted = X.T @ (degrees[:, None] * X) / n + degrees.mean() * noise
    rho, V = _largest_pairs(X.T @ (G @ X) / n, weighted, dim)
    columns, strengths = barlow_columns(rho)
    return LinearSSL(V @ columns, mean, rho, strengths)


def _operand(G: LinearOperator | np.ndarray | sparse.csr_array | torch.Tensor, n: int) -> tuple:
    """The graph in a form that multiplies (N, D) matrices, and its degrees."""
    if isinstance(G, LinearOperator):
        check_square("G", G)
        degrees = G @ np.ones(G.shape[0])
        check_finite("the degrees of G", degrees)
        if np.any(degrees < 0) or not degrees.any():
            raise ValueError("G must be a non-negative graph with at least one positive pair")
    else:
        G = as_graph("G", G if sparse.issparse(G) else as_array(G))
        degrees = np.asarray(G.sum(axis=1))
    if G.shape[0] != n:
        raise ValueError(f"G must have one row per row of X, ({n}, {n}), but has shape {G.shape}")
    return G, degrees


def _smallest_pairs(A: np.ndarray, covariance: np.ndarray, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Smallest eigenpairs of A v = w covariance v, V^T covariance V = I."""
    spectrum = linalg.eigvalsh(covariance)
    if spectrum[0] <= 1e-12 * spectrum[-1]:
        raise ValueError("X is rank-deficient: its covariance is singular; use ridge > 0")
    return linalg.eigh((A + A.T) / 2, covariance, subset_by_index=(0, dim - 1))


def _largest_pairs(A: np.ndarray, covariance: np.ndarray, dim: int) -> tuple[np.ndarray, np.ndarray]:
    w, V = _smallest_pairs(-A, covariance, dim)
    return -w, V


def moment_ssl(C: ArrayLike, C_plus: ArrayLike, dim: int, *, beta: float = 1.0, lam: float = 0.0) -> LinearSSL:
    r"""Minimise the same loss over linear maps f = W^T phi of given features, from their second moments alone.

    With V^T C V = I: ((1 - beta) C + beta C_plus - lam I) v = e C v descending, W = V diag((e)_+^{1/2}); the minimum is
    dim - sum_i (e_i)_+^2.

    Parameters
    ----------
    C : (D, D) array, E[phi(v) phi(v)^T], positive definite; C_plus : (D, D), E[phi(v) phi(v')^T], symmetric.
    dim : int, 1 <= dim <= D.
    beta : float in [0, 1]; lam : float >= 0, the penalty being 2 lam ||W||_F^2.

    Returns
    -------
    LinearSSL with ``W`` (D, dim), ``eigenvalues`` e, ``strengths`` (e)_+^{1/2} and mean 0.

    Raises
    ------
    ValueError
        If C is not positive definite, C_plus not symmetric, the shapes differ, dim is out of range, beta outside
        [0, 1], or lam < 0.

    References
    ----------
    Cabannes et al. 2023, the empirical problem.

    Examples
    --------
    >>> moment_ssl(np.eye(2), np.diag([0.9, 0.5]), 1).eigenvalues
    array([0.9])
    """
    check_weights(beta, lam)
    C, C_plus = as_moment_pair(C, C_plus)
    d = len(C)
    check_integer("dim", dim, 1, d)
    e, V = linalg.eigh((1 - beta) * C + beta * C_plus - lam * np.eye(d), C, subset_by_index=(d - dim, d - 1))
    e, V = e[::-1], V[:, ::-1]
    strengths = np.sqrt(np.where(e > ZERO, e, 0.0))
    return LinearSSL(V * strengths, np.zeros(d), e, strengths)


def check_weights(beta: float, lam: float) -> None:
    """Raise unless beta, the share of the augmentations, lies in [0, 1], and lam, a norm's weight, is at least 0."""
    check_between("beta", beta, 0, 1)
    check_positive("lam", lam, allow_zero=True)
