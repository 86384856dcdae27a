"""How well an augmentation must match irrelevant noise for reconstruction, or joint embedding, to discard it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg

from replearn import data
from replearn.spectral.arrays import as_array, as_definite, as_points, as_same_samples, as_symmetric
from replearn.spectral.moments import AugmentedMoments
from replearn.spectral.reduced_rank import joint_embedding_linear, reduced_rank_regression
from replearn.validate import check_choice, check_finite, check_integer, check_positive

PARADIGMS = ("joint_embedding", "reconstruction")


class Variances(NamedTuple):
    """Variances of d directions: ``kappa2`` of the signal, ``theta`` of the views' own noise, ``gamma`` of nuisance."""

    kappa2: np.ndarray
    theta: np.ndarray
    gamma: np.ndarray


class NuisanceDigits(NamedTuple):
    """Digits as principal components beside columns of nuisance.

    Attributes
    ----------
    clean, corrupted : (n + test, d) arrays, the first n for training; the nuisance columns of ``clean`` are zero.
    labels : (n + test,) array of int.
    theta, gamma : (d,) arrays, variances of the augmentation's own noise and of the nuisance.
    """

    clean: np.ndarray
    corrupted: np.ndarray
    labels: np.ndarray
    theta: np.ndarray
    gamma: np.ndarray


def linear_encoder(moments: AugmentedMoments, dim: int, *, paradigm: str = "joint_embedding") -> np.ndarray:
    """The best linear encoder of either paradigm, from the moments of samples and views.

    Parameters
    ----------
    moments : AugmentedMoments of (d, d) arrays.
    dim : int k, 1 <= k <= d.
    paradigm : "joint_embedding" or "reconstruction".

    Returns
    -------
    (d, k) array, one column for each dimension of the embedding; the embeddings are white.

    References
    ----------
    Van Assel et al. 2025, theorems 3.1 and 3.2.

    Examples
    --------
    >>> moments = nuisance_moments([9.0, 0.0], [1.0, 0.1], [0.0, 25.0], 1.0)
    >>> [abs(linear_encoder(moments, 1, paradigm=p)).argmax().item() for p in PARADIGMS]
    [0, 1]
    """
    check_choice("paradigm", paradigm, PARADIGMS)
    if paradigm == "reconstruction":
        return reduced_rank_regression(moments.C_clean, moments.C, dim).V
    return joint_embedding_linear(moments.C, moments.C_plus, dim).W


def random_variances(size: float, *, signals: int = 6, nuisances: int = 14, seed: int = 0) -> Variances:
    """Directions of signal, then of nuisance, with random variances.

    kappa2 ~ U(2, 6); theta ~ U(0.4, 1.5) on the signal and U(0.01, 0.05) beyond; gamma ~ size U(0.3, 1).

    Parameters
    ----------
    size : float > 0, largest variance of the nuisance.
    signals, nuisances : int >= 1.
    seed : int.

    Returns
    -------
    Variances.

    Examples
    --------
    >>> kappa2, theta, gamma = random_variances(12.0)
    >>> (kappa2 > 0).sum().item(), (gamma > 0).sum().item()
    (6, 14)
    """
    check_positive("size", size)
    check_integer("signals", signals, 1)
    check_integer("nuisances", nuisances, 1)
    check_integer("seed", seed, 0)
    rng = np.random.default_rng(seed)
    kappa2 = np.append(rng.uniform(2, 6, signals), np.zeros(nuisances))
    theta = np.append(rng.uniform(0.4, 1.5, signals), rng.uniform(0.01, 0.05, nuisances))
    return Variances(kappa2, theta, np.append(np.zeros(signals), size * rng.uniform(0.3, 1, nuisances)))


def digits_with_nuisance(largest: float, *, n: int = 4000, dim: int = 50, seed: int = 0) -> NuisanceDigits:
    """Principal components of MNIST digits, pixels 0 to 255, beside as many columns of nuisance.

    gamma ~ U(0, largest) on the nuisance, theta ~ U(0, 1e4) on all columns. n random ones of the first 8000 digits of
    ``mnist_10k`` come first, then its last 2000.

    Parameters
    ----------
    largest : float > 0.
    n : int, 2 <= n <= 8000, training digits, from which the components are taken.
    dim : int, 1 <= dim <= 784, components and columns of nuisance.
    seed : int.

    Returns
    -------
    NuisanceDigits.

    References
    ----------
    Van Assel et al. 2025, appendix C.

    Examples
    --------
    >>> digits_with_nuisance(1e6, n=100, dim=5).corrupted.shape
    (2100, 10)
    """
    check_positive("largest", largest)
    check_integer("n", n, 2, 8000)
    check_integer("dim", dim, 1, 784)
    check_integer("seed", seed, 0)
    mnist, rng = data.load("mnist_10k"), np.random.default_rng(seed)
    rows = np.append(rng.permutation(8000)[:n], np.arange(8000, 10_000))
    theta = rng.uniform(0, 1e4, 2 * dim)
    gamma = np.append(np.zeros(dim), rng.uniform(0, largest, dim))
    pixels = 255 * mnist.images[rows].flatten(1)
    clean, corrupted = pca_with_nuisance(pixels, dim, gamma[dim:], fit=n, seed=seed + 1000)
    return NuisanceDigits(clean, corrupted, mnist.labels[rows].numpy(), theta, gamma)


def direction_scores(
    kappa2: ArrayLike, theta: ArrayLike, gamma: ArrayLike, alpha: float, *, paradigm: str = "joint_embedding"
) -> np.ndarray:
    """What each direction is ranked by: a / sqrt(a + b) for reconstruction, a / (a + b) for joint embedding.

    a = kappa2 + gamma is the variance in the data, b = theta + alpha^2 gamma that of the augmentation; the k
    directions with the largest scores are kept.

    Parameters
    ----------
    kappa2 : (d,) array, variance kappa_i^2 / n of the signal, 0 on noise directions.
    theta : (d,) array, variance of the augmentation's own noise.
    gamma : (d,) array, variance of the irrelevant noise, 0 on signal directions.
    alpha : float >= 0, amplitude with which the augmentation repeats the irrelevant noise.
    paradigm : "joint_embedding" or "reconstruction".

    Returns
    -------
    (d,) array; without unit for "joint_embedding", in units of the data for "reconstruction". 0 where a direction is
    empty.

    References
    ----------
    Van Assel et al. 2025, theorems 3.1 and 3.2 for the model of section 4.1.

    Examples
    --------
    >>> direction_scores([1.0, 0.0], [1.0, 0.0], [0.0, 1.0], 1.0)
    array([0.5, 0.5])
    """
    check_choice("paradigm", paradigm, PARADIGMS)
    check_positive("alpha", alpha, allow_zero=True)
    kappa2, theta, gamma = _variances(kappa2, theta, gamma)
    return _score(kappa2 + gamma, theta + alpha**2 * gamma, paradigm)


def _score(data: np.ndarray, noise: np.ndarray, paradigm: str) -> np.ndarray:
    total = data + noise
    scale = np.where(total > 0, total if paradigm == "joint_embedding" else np.sqrt(total), 1.0)
    return data / scale


def alignment_threshold(
    kappa2: ArrayLike, theta: ArrayLike, gamma: ArrayLike, dim: int, *, paradigm: str = "joint_embedding"
) -> tuple[float, float]:
    r"""The alpha^2 above which a method discards the irrelevant noise, given endless data.

    The weakest signal scores eta = min kappa2 / sqrt(kappa2 + theta) ("reconstruction") or
    delta = min kappa2 / (kappa2 + theta)
    ("joint_embedding"). alpha^2 is the maximum over the noise of gamma / eta^2 - theta / gamma - 1, or of
    (1 - delta) / delta - theta / gamma.

    Parameters
    ----------
    kappa2, theta, gamma : (d,) arrays, as in :func:`direction_scores`; the first k directions are the signal.
    dim : int k, 1 <= k < d, dimensions of the signal and of the latent.
    paradigm : "joint_embedding" or "reconstruction".

    Returns
    -------
    alpha2 : float; negative where no alignment is needed.
    weakest : float, eta or delta.

    Raises
    ------
    ValueError
        If an array is malformed or negative, signal is missing among the first k or present beyond, gamma is positive
        on the signal or zero beyond, dim is out of range, or the paradigm is unknown.

    References
    ----------
    Van Assel et al. 2025, propositions 4.3 and 4.4, equations 10 and 12.

    Examples
    --------
    >>> alignment_threshold([1.0, 0.0], [1.0, 0.0], [0.0, 1.0], 1)
    (1.0, 0.5)
    """
    check_choice("paradigm", paradigm, PARADIGMS)
    kappa2, theta, gamma = _variances(kappa2, theta, gamma)
    check_integer("dim", dim, 1, len(kappa2) - 1)
    if not ((kappa2[:dim] > 0).all() and not kappa2[dim:].any()):
        raise ValueError(f"kappa2 must be positive on the first {dim} directions and zero on the others")
    if gamma[:dim].any() or not (gamma[dim:] > 0).all():
        raise ValueError(f"gamma must be zero on the first {dim} directions, the signal, and positive on the others")
    weakest = float(_score(kappa2[:dim], theta[:dim], paradigm).min())
    own = theta[dim:] / gamma[dim:]
    if paradigm == "reconstruction":
        return float(np.max(gamma[dim:] / weakest**2 - own - 1)), weakest
    return float(np.max((1 - weakest) / weakest - own)), weakest


def nuisance_moments(kappa2: ArrayLike, theta: ArrayLike, gamma: ArrayLike, alpha: float) -> AugmentedMoments:
    """Moments of the same model, given endless data: C_plus = C_clean = diag(a), C = diag(a + b).

    Parameters
    ----------
    kappa2, theta, gamma, alpha : as in :func:`direction_scores`, which are a and b there.

    Returns
    -------
    AugmentedMoments of (d, d) arrays, for ``reduced_rank_regression`` and ``joint_embedding_linear``.

    References
    ----------
    Van Assel et al. 2025, section 4.1.

    Examples
    --------
    >>> nuisance_moments([1.0, 0.0], [1.0, 0.0], [0.0, 1.0], 1.0).C
    array([[2., 0.],
           [0., 2.]])
    """
    check_positive("alpha", alpha, allow_zero=True)
    kappa2, theta, gamma = _variances(kappa2, theta, gamma)
    data = np.diag(kappa2 + gamma)
    return AugmentedMoments(data + np.diag(theta + alpha**2 * gamma), data, data)


def nuisance_samples(kappa2: ArrayLike, gamma: ArrayLike, n: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw samples of the same model: a Gaussian signal X with X^T X / n = diag(kappa2) exactly, and X + noise.

    The sample covariance of the signal is corrected, as the model fixes X; the noise N(0, diag(gamma)) is left random.

    Parameters
    ----------
    kappa2, gamma : (d,) arrays, as in :func:`direction_scores`.
    n : int > d, number of samples.
    seed : int.

    Returns
    -------
    clean, corrupted : (n, d) arrays.

    Notes
    -----
    Costs O(n d^2).

    References
    ----------
    Van Assel et al. 2025, section 4.1.

    Examples
    --------
    >>> nuisance_samples([1.0, 0.0], [0.0, 1.0], 50)[0].shape
    (50, 2)
    """
    kappa2, _, gamma = _variances(kappa2, kappa2, gamma)
    check_integer("n (more than the dimensions)", n, len(kappa2) + 1)
    check_integer("seed", seed, 0)
    rng = np.random.default_rng(seed)
    scores = rng.standard_normal((n, len(kappa2)))
    root = linalg.cholesky(scores.T @ scores / n)
    clean = linalg.solve_triangular(root, scores.T, trans="T").T * np.sqrt(kappa2)
    return clean, clean + rng.standard_normal(clean.shape) * np.sqrt(gamma)


def pca_with_nuisance(
    X: ArrayLike, dim: int, gamma: ArrayLike, *, fit: int | None = None, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """The first k principal components of real data beside columns of nothing but noise N(0, diag(gamma)).

    Parameters
    ----------
    X : (n, D) array or tensor of samples.
    dim : int k, 1 <= k <= D, components kept; they come first and in descending order of variance.
    gamma : (m,) array, variances of the m columns of noise.
    fit : int or None, how many of the first samples the mean and the components are taken from; None for all.
    seed : int, of the noise.

    Returns
    -------
    clean, corrupted : (n, k + m) arrays; the last m columns of ``clean`` are zero.

    Notes
    -----
    Costs O(n D^2 + D^3).

    References
    ----------
    Van Assel et al. 2025, appendix C.

    Examples
    --------
    >>> pca_with_nuisance([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], 1, [1.0])[0].shape
    (3, 2)
    """
    X = as_points("X", X, min_rows=2)
    gamma = _variances(gamma, gamma, gamma)[2]
    check_integer("dim", dim, 1, X.shape[1])
    fit = len(X) if fit is None else fit
    check_integer("fit", fit, 2, len(X))
    check_integer("seed", seed, 0)
    X = X - X[:fit].mean(axis=0)
    components = linalg.eigh(X[:fit].T @ X[:fit])[1][:, : -dim - 1 : -1]
    clean = np.pad(X @ components, [(0, 0), (0, len(gamma))])
    noise = np.random.default_rng(seed).standard_normal((len(X), len(gamma))) * np.sqrt(gamma)
    return clean, clean + np.pad(noise, [(0, 0), (dim, 0)])


def _variances(kappa2: ArrayLike, theta: ArrayLike, gamma: ArrayLike) -> list[np.ndarray]:
    arrays = [as_array(a) for a in (kappa2, theta, gamma)]
    for name, a in zip(("kappa2", "theta", "gamma"), arrays, strict=True):
        if a.ndim != 1 or a.shape != arrays[0].shape:
            raise ValueError(f"kappa2, theta and gamma must be vectors of one length, but {name} has shape {a.shape}")
        check_finite(name, a)
        if (a < 0).any():
            raise ValueError(f"{name} must hold variances, none of them negative")
    return arrays


def ridge_augmented(X: ArrayLike, Y: ArrayLike, noise: ArrayLike) -> np.ndarray:
    r"""Regression on noisy inputs, min (1/N) sum_i E||y_i - W^T (x_i + e)||^2: W = (X^T X / N + Cov(e))^{-1} X^T Y / N.

    Augmenting is Tikhonov regularisation: the loss is ||Y - X W||_F^2 / N + tr(W^T Cov(e) W).

    Parameters
    ----------
    X : (N, d) array or tensor of inputs; Y : (N, c) of targets. Nothing is centred.
    noise : (d, d) covariance of the augmentation's noise.

    Returns
    -------
    (d, c) array W.

    Raises
    ------
    ValueError
        If a shape is wrong, an entry not finite, or X^T X / N + Cov(e) not positive definite.

    References
    ----------
    Van Assel et al. 2025, lemma B.1 and proposition 4.2; Bishop 1995.

    Examples
    --------
    >>> ridge_augmented([[1.0], [-1.0]], [[2.0], [-2.0]], [[1.0]])
    array([[1.]])
    """
    X, Y = as_same_samples(X, Y)
    noise = as_symmetric("noise", as_array(noise))
    if noise.shape[0] != X.shape[1]:
        raise ValueError(f"noise must have one row per column of X, ({X.shape[1]}), but has shape {noise.shape}")
    C = as_definite("X^T X / N + noise", X.T @ X / len(X) + noise)
    return linalg.solve(C, X.T @ Y / len(X), assume_a="pos")
