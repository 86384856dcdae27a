"""Augmentations T against architecture K: what is learned under both, on points and on features."""

from dataclasses import replace

import numpy as np
from scipy import linalg

from replearn.spectral.arrays import ZERO, as_array, as_points, as_symmetric
from replearn.spectral.kernel_ssl import kernel_ssl
from replearn.spectral.linear import LinearSSL
from replearn.spectral.moments import as_moment_pair
from replearn.validate import check_integer, check_positive


def augmentation_operator(P):
    r"""Operator that replaces a function by its mean over the other views of a view: (T f)(v) = E[E[f(v') | x] | v].

    T = (M / N) P^T P for N equally likely samples whose M views are equally likely overall; then
    <f, T f> = E_x E[f(v) | x]^2, 0 <= T <= I and T 1 = 1.

    Parameters
    ----------
    P : (N, M) array, P_xv the probability of view v of sample x; the two may be the same points.

    Returns
    -------
    (M, M) symmetric array.

    Raises
    ------
    ValueError
        If P has a negative entry, a row that does not sum to 1, or views that are not equally likely.

    Source: Cabannes et al. 2023; HaoChen et al. 2021.
    """
    P = as_points("P", P)
    n, m = P.shape
    if P.min() < 0 or not np.allclose(P.sum(axis=1), 1, atol=1e-9):
        raise ValueError("P must hold probabilities: non-negative, each row summing to 1")
    if not np.allclose(P.sum(axis=0), n / m, rtol=1e-9, atol=0):
        raise ValueError("the views must be equally likely: each column of P must sum to N / M")
    return m / n * P.T @ P


def interplay_eigenvalues(tau, kappa, *, beta=1.0, lam=0.0):
    """Eigenvalues of T_lambda = (1 - beta) I + beta T - lam K^{-1} where T and K share their eigenvectors.

    1 - beta + beta tau_i - lam / kappa_i; minus infinity where kappa_i = 0, which the model cannot express.

    Parameters
    ----------
    tau : array in [0, 1], eigenvalues of the augmentation operator.
    kappa : array >= 0 of the same shape, eigenvalues of the kernel's operator.
    beta : float in [0, 1], weight of the augmentations; lam : float >= 0, weight of the norm.

    Returns
    -------
    array of that shape.

    Raises
    ------
    ValueError
        If the shapes differ, an eigenvalue is out of range, beta outside [0, 1], or lam < 0.

    Source: Cabannes et al. 2023, section 3 and figure 2.
    """
    _check_weights(beta, lam)
    tau, kappa = as_array(tau), as_array(kappa)
    if tau.shape != kappa.shape:
        raise ValueError(f"tau and kappa must have one shape, but have {tau.shape} and {kappa.shape}")
    if not ((tau >= -ZERO) & (tau <= 1 + ZERO)).all():
        raise ValueError("tau must hold eigenvalues of an augmentation operator, between 0 and 1")
    if not (np.isfinite(kappa) & (kappa >= 0)).all():
        raise ValueError("kappa must hold eigenvalues of a kernel, finite and not negative")
    live = kappa > 0
    return np.where(live, 1 - beta + beta * tau - lam / np.where(live, kappa, 1.0), -np.inf)


def interplay_solution(T, K, dim, *, beta=1.0, lam=0.0, rtol=1e-10):
    r"""Minimise beta E||f(v) - f(v')||^2 + ||E[f f^T] - I||_F^2 + 2 lam ||W||^2 over f = W Phi on N points.

    The points are equally likely. With the top eigenpairs (e_i, psi_i), E psi_i^2 = 1, of
    T_lambda = (1 - beta) I + beta T - lam (K / N)^{-1},
    f_i = (e_i)_+^{1/2} psi_i and the minimum is dim - sum_i (e_i)_+^2; with no e_i positive, f = 0: complete collapse.

    Parameters
    ----------
    T : (N, N) symmetric augmentation operator of the points.
    K : (N, N) kernel matrix of the points, positive semi-definite (its operator is K / N).
    dim : int, 1 <= dim <= rank of K.
    beta : float in [0, 1]: 1 is the spectral contrastive loss, 0 VCReg without augmentations.
    lam : float >= 0; at 0 which of equal eigenvalues of T are kept is arbitrary.
    rtol : float > 0, eigenvalues of K below ``rtol`` times the largest count as zero.

    Returns
    -------
    KernelSSL with the function values ``Z``, ``eigenvalues`` e, ``coef`` for new points, and ``rank``.

    Raises
    ------
    ValueError
        If T or K is malformed, K is not positive semi-definite, dim exceeds its rank, beta outside [0, 1], or lam < 0.

    Source: Cabannes et al. 2023. It is :func:`kernel_ssl` in the units of expectations.
    """
    _check_weights(beta, lam)
    T = as_symmetric("T", as_array(T))
    n = len(T)
    found = kernel_ssl(K, n * ((1 - beta) * np.eye(n) + beta * T), dim, lam=lam * n**2, rtol=rtol)
    return replace(found, eigenvalues=found.eigenvalues / n)


def moment_ssl(C, C_plus, dim, *, beta=1.0, lam=0.0):
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

    Source: Cabannes et al. 2023, the empirical problem.
    """
    _check_weights(beta, lam)
    C, C_plus = as_moment_pair(C, C_plus)
    d = len(C)
    check_integer("dim", dim, 1, d)
    e, V = linalg.eigh((1 - beta) * C + beta * C_plus - lam * np.eye(d), C, subset_by_index=(d - dim, d - 1))
    e, V = e[::-1], V[:, ::-1]
    strengths = np.sqrt(np.where(e > ZERO, e, 0.0))
    return LinearSSL(V * strengths, np.zeros(d), e, strengths)


def _check_weights(beta, lam):
    if not 0 <= beta <= 1:
        raise ValueError(f"beta must lie between 0 and 1, but is {beta}")
    check_positive("lam", lam, allow_zero=True)
