"""Augmentations against architecture: the Boolean hypercube, where parities diagonalise both, and shifted digits."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike

from replearn.data import affine_warp, load
from replearn.spectral import KernelSSL, kernel_ssl
from replearn.spectral.arrays import ZERO, as_array, as_points, as_symmetric
from replearn.spectral.linear import check_weights
from replearn.validate import check_between, check_finite, check_integer

LARGEST = 14  # a channel is a 2^d x 2^d matrix: 2 GiB at d = 14


def hypercube(d: int) -> np.ndarray:
    """All the points of {-1, 1}^d, row by row in binary order (1 for a bit that is 0, the first coordinate slowest).

    Parameters
    ----------
    d : int, 1 to 14.

    Returns
    -------
    (2^d, d) array of -1 and 1; its first row is all ones.

    References
    ----------
    O'Donnell 2014.

    Examples
    --------
    >>> hypercube(2)
    array([[ 1.,  1.],
           [ 1., -1.],
           [-1.,  1.],
           [-1., -1.]])
    """
    check_integer("d", d, 1, LARGEST)
    bits = np.arange(2**d)[:, None] >> np.arange(d)[::-1] & 1
    return 1.0 - 2 * bits


def parity(X: ArrayLike, S: Iterable[int]) -> np.ndarray:
    """The parity chi_S(x) = prod_{i in S} x_i, 1 for the empty set.

    Parameters
    ----------
    X : (N, d) array or tensor of -1 and 1.
    S : coordinates, distinct integers between 0 and d - 1.

    Returns
    -------
    (N,) array of -1 and 1.

    References
    ----------
    O'Donnell 2014, the Fourier basis of the cube.

    Examples
    --------
    >>> parity(hypercube(2), [0, 1])
    array([ 1., -1., -1.,  1.])
    """
    X = as_points("X", X)
    if np.any(abs(X) != 1):
        raise ValueError("X must hold nothing but -1 and 1")
    return X[:, _coordinates(S, X.shape[1])].prod(axis=1)


class ParityBasis(NamedTuple):
    """All the parities of the cube, by degree and then in the order of their coordinates.

    Attributes
    ----------
    sets : list of 2^d tuples of coordinates.
    values : (2^d, 2^d) array of -1 and 1, a column for each set, a row for each point of :func:`hypercube`.
    degree : (2^d,) integers, |S|.
    diameter : (2^d,) integers, of :func:`cyclic_diameter`.
    """

    sets: list
    values: np.ndarray
    degree: np.ndarray
    diameter: np.ndarray


def parity_basis(d: int) -> ParityBasis:
    """The 2^d parities, an orthonormal basis of all functions on {-1, 1}^d when its points are equally likely.

    Parameters
    ----------
    d : int, 1 to 14.

    Returns
    -------
    ParityBasis with ``sets``, ``values``, ``degree`` and ``diameter``.

    References
    ----------
    O'Donnell 2014.

    Examples
    --------
    >>> parity_basis(2).sets
    [(), (0,), (1,), (0, 1)]
    """
    X = hypercube(d)
    sets = [S for size in range(d + 1) for S in combinations(range(d), size)]
    values = np.stack([parity(X, S) for S in sets], axis=1)
    diameter = np.array([cyclic_diameter(S, d) for S in sets])
    return ParityBasis(sets, values, np.array([len(S) for S in sets]), diameter)


def _coordinates(S: Iterable[int], d: int) -> list[int]:
    S = list(S)
    for i in S:
        check_integer("a coordinate of S", i, 0, d - 1)
    if len(set(S)) < len(S):
        raise ValueError(f"S must hold distinct coordinates, but is {S}")
    return [int(i) for i in S]


def flip_channel(d: int, p: float) -> np.ndarray:
    """Probabilities of each view of each point when every bit flips on its own: p^h (1 - p)^(d - h), h bits apart.

    The augmentation operator has the parities as eigenvectors, with the eigenvalues (1 - 2 p)^{2 |S|}.

    Parameters
    ----------
    d : int, 1 to 14.
    p : float in [0, 1], probability of a flip.

    Returns
    -------
    (2^d, 2^d) array, rows summing to 1, points in the order of :func:`hypercube`.

    References
    ----------
    Cabannes et al. 2023.

    Examples
    --------
    >>> flip_channel(1, 0.1)
    array([[0.9, 0.1],
           [0.1, 0.9]])
    """
    X = hypercube(d)
    check_between("p", p, 0, 1)
    apart = np.arange(d + 1)
    return (float(p) ** apart * (1 - float(p)) ** (d - apart))[np.rint((d - X @ X.T) / 2).astype(int)]


def crop_channel(d: int, w: int) -> np.ndarray:
    """Probabilities of each view of each point when w cyclically consecutive bits are kept and the others redrawn.

    The augmentation operator has the parities as eigenvectors, with the eigenvalues of :func:`crop_eigenvalue`.

    Parameters
    ----------
    d : int, 1 to 14.
    w : int, 1 to d, length of the window, which starts anywhere with equal probability.

    Returns
    -------
    (2^d, 2^d) array, rows summing to 1, points in the order of :func:`hypercube`.

    References
    ----------
    Cabannes et al. 2023.

    Examples
    --------
    >>> crop_channel(2, 1)
    array([[0.5 , 0.25, 0.25, 0.  ],
           [0.25, 0.5 , 0.  , 0.25],
           [0.25, 0.  , 0.5 , 0.25],
           [0.  , 0.25, 0.25, 0.5 ]])
    """
    X = hypercube(d)
    check_integer("w", w, 1, d)
    P = np.zeros((len(X), len(X)))
    for kept in _windows(d, w):
        P += X[:, kept] @ X[:, kept].T == w
    return P / (d * 2.0 ** (d - w))


def _windows(d: int, w: int) -> list[np.ndarray]:
    return [(start + np.arange(w)) % d for start in range(d)]


def cyclic_diameter(S: Iterable[int], d: int) -> int:
    """Length of the shortest cyclic interval of d coordinates that contains S; 0 for the empty set.

    Parameters
    ----------
    S : coordinates, distinct integers between 0 and d - 1.
    d : int >= 1, number of bits, arranged in a ring.

    Returns
    -------
    int, 0 to d.

    References
    ----------
    Cabannes et al. 2023, where a crop sees a parity only if its window is at least that long.

    Examples
    --------
    >>> cyclic_diameter([0, 7], 8)
    2
    """
    check_integer("d", d, 1)
    S = _coordinates(S, d)
    return min((max((i - start) % d for i in S) + 1 for start in S), default=0)


def crop_eigenvalue(S: Iterable[int], d: int, w: int) -> float:
    """Eigenvalue of the crop's augmentation operator on the parity of S: Pr(S lies in the window)^2.

    For 1 <= w <= d / 2 and S not empty, Pr = (w + 1 - diam S)_+ / d, with the diameter of :func:`cyclic_diameter`.

    Parameters
    ----------
    S : coordinates, distinct integers between 0 and d - 1.
    d : int >= 1, number of bits.
    w : int, 1 to d, length of the window.

    Returns
    -------
    float in [0, 1].

    References
    ----------
    Cabannes et al. 2023.

    Examples
    --------
    >>> crop_eigenvalue([0, 1], 4, 2)
    0.0625
    """
    check_integer("d", d, 1)
    check_integer("w", w, 1, d)
    S = _coordinates(S, d)
    return (sum(set(S) <= set(kept.tolist()) for kept in _windows(d, w)) / d) ** 2


def degree_eigenvalues(h: Callable, d: int) -> np.ndarray:
    r"""Eigenvalues of the kernel h(<x, y> / d) on the cube, one for each number of bits of a parity.

    nu_k = E_x[h(mean(x)) chi_S(x)], |S| = k, averaged over the points with m minus ones by the Krawtchouk sum
    sum_i (-1)^i C(m, i) C(d - m, k - i) / C(d, k).

    Parameters
    ----------
    h : function of an array of numbers in [-1, 1].
    d : int >= 1, number of bits.

    Returns
    -------
    (d + 1,) array, nu_0 .. nu_d; of multiplicity C(d, k), for the kernel matrix divided by 2^d.

    References
    ----------
    Mei, Misiakiewicz & Montanari 2021; O'Donnell 2014.

    Examples
    --------
    >>> degree_eigenvalues(lambda u: u, 4).round(6)
    array([0.  , 0.25, 0.  , 0.  , 0.  ])
    """
    check_integer("d", d, 1)
    minus = np.arange(d + 1)
    values = np.asarray(h(1 - 2 * minus / d), dtype=float)
    if values.shape != (d + 1,):
        raise ValueError(f"h must return one value per number, shape ({d + 1},), but returned shape {values.shape}")
    check_finite("the values of h", values)
    weights = np.array([comb(d, m) / 2**d for m in minus]) * values
    return np.array([weights @ [_mean_parity(m, k, d) for m in range(d + 1)] for k in range(d + 1)])


def _mean_parity(m: int, k: int, d: int) -> float:
    """Mean over the k-subsets S of chi_S(x), for a point x with m minus ones."""
    return sum((-1) ** i * comb(m, i) * comb(d - m, k - i) for i in range(min(m, k) + 1)) / comb(d, k)


def crop_views(X: ArrayLike, w: int, *, generator: np.random.Generator) -> np.ndarray:
    """Draw a view of each point: w cyclically consecutive bits are kept, from a random place on, the others redrawn.

    Parameters
    ----------
    X : (N, d) array or tensor of -1 and 1.
    w : int, 1 to d, length of the window.
    generator : of the windows and of the new bits.

    Returns
    -------
    (N, d) array of -1 and 1.

    References
    ----------
    Cabannes et al. 2023; :func:`crop_channel` holds the probabilities.

    Examples
    --------
    >>> crop_views(hypercube(2), 2, generator=np.random.default_rng(0)).tolist() == hypercube(2).tolist()
    True
    """
    X = as_points("X", X)
    if np.any(abs(X) != 1):
        raise ValueError("X must hold nothing but -1 and 1")
    check_integer("w", w, 1, X.shape[1])
    start = generator.integers(0, X.shape[1], (len(X), 1))
    kept = (np.arange(X.shape[1]) - start) % X.shape[1] < w
    return np.where(kept, X, generator.choice([-1.0, 1.0], X.shape))


class DigitViews(NamedTuple):
    """Views of small digits, those of an image next to one another, and new digits as they are.

    Attributes
    ----------
    x : (images * views, 64) array of pixels.
    image : (images * views,) integers, the image of each view.
    y : (images,) integers, the digit that each image shows.
    x_new : (new, 64) array of pixels of other images, neither shifted nor noisy.
    y_new : (new,) integers.
    """

    x: np.ndarray
    image: np.ndarray
    y: np.ndarray
    x_new: np.ndarray
    y_new: np.ndarray


def digit_views(images: int, *, views: int = 4, new: int = 1000, noise: float = 0.05, seed: int = 0) -> DigitViews:
    """Draw 8 x 8 digits, each seen in several views: shifted by up to a pixel each way, with Gaussian noise.

    Parameters
    ----------
    images, views, new : int >= 1, training images, views of each, and test images; at most 1797 images in all.
    noise : float >= 0, standard deviation of what is added to each pixel.
    seed : int, of the choice of images, the shifts and the noise.

    Returns
    -------
    DigitViews.

    References
    ----------
    A world of this book; the pictures are scikit-learn's digits.

    Examples
    --------
    >>> digit_views(3, views=2, new=5).x.shape
    (6, 64)
    """
    pictures, labels = load("digits")[:2]
    check_integer("views", views, 1)
    check_integer("images", images, 1, len(labels) - 1)
    check_integer("new", new, 1, len(labels) - images)
    check_between("noise", noise, 0, np.inf)
    draw = np.random.default_rng(seed)
    order = draw.permutation(len(labels))
    train, test = order[:images], order[images : images + new]
    image = np.repeat(np.arange(images), views)
    pixels = torch.tensor(draw.integers(-1, 2, (len(image), 2)))
    shift = pixels / 4  # in units of half the width, which is four pixels
    x = affine_warp(pictures[train][image], shift=shift).flatten(1).numpy()
    x = x + noise * draw.standard_normal(x.shape)
    x_new = pictures[test].flatten(1).double().numpy()
    return DigitViews(x, image, labels[train].numpy(), x_new, labels[test].numpy())


def augmentation_operator(P: ArrayLike) -> np.ndarray:
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

    References
    ----------
    Cabannes et al. 2023; HaoChen et al. 2021.

    Examples
    --------
    >>> augmentation_operator(flip_channel(1, 0.1)).round(4)
    array([[0.82, 0.18],
           [0.18, 0.82]])
    """
    P = as_points("P", P)
    n, m = P.shape
    if P.min() < 0 or not np.allclose(P.sum(axis=1), 1, atol=1e-9):
        raise ValueError("P must hold probabilities: non-negative, each row summing to 1")
    if not np.allclose(P.sum(axis=0), n / m, rtol=1e-9, atol=0):
        raise ValueError("the views must be equally likely: each column of P must sum to N / M")
    return m / n * P.T @ P


def interplay_eigenvalues(tau: ArrayLike, kappa: ArrayLike, *, beta: float = 1.0, lam: float = 0.0) -> np.ndarray:
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

    References
    ----------
    Cabannes et al. 2023, section 3 and figure 2.

    Examples
    --------
    >>> interplay_eigenvalues([0.9, 0.5], [1.0, 2.0], lam=0.1)
    array([0.8 , 0.45])
    """
    check_weights(beta, lam)
    tau, kappa = as_array(tau), as_array(kappa)
    if tau.shape != kappa.shape:
        raise ValueError(f"tau and kappa must have one shape, but have {tau.shape} and {kappa.shape}")
    if not ((tau >= -ZERO) & (tau <= 1 + ZERO)).all():
        raise ValueError("tau must hold eigenvalues of an augmentation operator, between 0 and 1")
    if not (np.isfinite(kappa) & (kappa >= 0)).all():
        raise ValueError("kappa must hold eigenvalues of a kernel, finite and not negative")
    live = kappa > 0
    return np.where(live, 1 - beta + beta * tau - lam / np.where(live, kappa, 1.0), -np.inf)


def interplay_solution(
    T: ArrayLike, K: ArrayLike, dim: int, *, beta: float = 1.0, lam: float = 0.0, rtol: float = 1e-10
) -> KernelSSL:
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

    References
    ----------
    Cabannes et al. 2023. It is :func:`kernel_ssl` in the units of expectations.

    Examples
    --------
    >>> interplay_solution(augmentation_operator(flip_channel(1, 0.1)), np.eye(2), 2).eigenvalues.round(4)
    array([1.  , 0.64])
    """
    check_weights(beta, lam)
    T = as_symmetric("T", as_array(T))
    n = len(T)
    augmented = (1 - beta) * np.eye(n) + beta * T
    found = kernel_ssl(K, n * augmented, dim, lam=lam * n**2, rtol=rtol)  # sums over points, not expectations
    return replace(found, eigenvalues=found.eigenvalues / n)
