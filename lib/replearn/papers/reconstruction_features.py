"""Principal components as a learner sees them: which it keeps, when it learns them, and what a task finds in them."""

import math

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy import linalg
from torch import nn
from torch.nn import functional as F

from replearn.data import smooth_background
from replearn.recipes import tiny_mnist
from replearn.spectral import ReducedRank, reduced_rank_regression
from replearn.spectral.arrays import as_array, as_points, as_same_samples
from replearn.validate import check_between, check_choice, check_integer, check_positive


def noisy_digits(
    n: int, *, waves: int = 16, amp: float = 1.0, hot: int = 0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Draw digits of 14 x 14 pixels with a nuisance: n of them to learn from, and behind them 2,000 new ones.

    Each has a smooth background of its own, or noise on a few pixels that are the same in all images, or both.

    Parameters
    ----------
    n : int
        Digits to learn from, 1 to 8,000.
    waves : int
        Waves of the background, a square number; 0 for no background.
    amp : float
        Amplitude of the background, at least 0, in units of the pixels.
    hot : int
        Number of pixels with independent noise of variance 1, 0 to 196.
    seed : int
        Seed of the choice of digits and of the nuisance.

    Returns
    -------
    x : (n + 2000, 196) float64 array, less the mean of the first n rows.
    y : (n + 2000,) array of labels.

    References
    ----------
    Made for this book, after the uninformative directions of large variance of Balestriero & LeCun (2024).

    Examples
    --------
    >>> x, y = noisy_digits(100)
    >>> x.shape, y.shape
    ((2100, 196), (2100,))
    """
    check_integer("n", n, 1, 8000)
    check_integer("waves", waves, 0, 196)
    check_integer("hot", hot, 0, 196)
    modes = math.isqrt(waves)
    if modes**2 != waves:
        raise ValueError(f"waves must be a square number, but is {waves}")
    mnist = tiny_mnist(standardized=False)
    rows = np.random.default_rng(seed).permutation(8000)[:n]
    images = torch.cat([mnist.x_train[rows], mnist.x_test]).double()
    if waves:
        images = images + smooth_background(len(images), 14, modes=modes, amp=amp, seed=seed)
    if hot:
        images = images + hot_pixels(len(images), 14, count=hot, seed=seed)
    x = images.flatten(1).numpy()
    return x - x[:n].mean(axis=0), torch.cat([mnist.y_train[rows], mnist.y_test]).numpy()


def principal_directions(X: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Variances and principal directions, largest first: the eigenvalues and eigenvectors of the covariance.

    Parameters
    ----------
    X : (N, d) array or tensor, centred here.

    Returns
    -------
    variances : (d,) array, descending and not negative.
    directions : (d, d) array with orthonormal columns.

    Examples
    --------
    >>> principal_directions([[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]])[0]
    array([2. , 0.5])
    """
    X = as_points("X", X, min_rows=2)
    X = X - X.mean(axis=0)
    w, U = linalg.eigh(X.T @ X / len(X))
    return np.maximum(w[::-1], 0), U[:, ::-1]


def reconstruction_error(X: ArrayLike, V: ArrayLike) -> float:
    """Share of the variance of inputs that the best linear decoder of the features X V does not give back.

    Parameters
    ----------
    X : (N, d) array or tensor, centred here.
    V : (d, k) array, an encoder; only the span of the features matters.

    Returns
    -------
    float in [0, 1].

    Raises
    ------
    ValueError
        If a shape is wrong or X is constant.

    Examples
    --------
    >>> round(reconstruction_error([[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]], [[1.0], [0.0]]), 6)
    0.2
    """
    X, V = as_points("X", X, min_rows=2), as_points("V", V)
    if len(V) != X.shape[1]:
        raise ValueError(f"V must have one row per column of X, ({X.shape[1]}), but has shape {V.shape}")
    X = X - X.mean(axis=0)
    total = np.sum(X**2)
    if total == 0:
        raise ValueError("X is constant, so it has no variance to give back")
    Z = X @ V
    return float(np.sum((X - Z @ linalg.lstsq(Z, X)[0]) ** 2) / total)


def pca_split(X: ArrayLike, fraction: float, *, part: str = "top") -> tuple[np.ndarray, float]:
    """Basis of the principal directions that carry a given fraction of the variance, from the top or from the bottom.

    "top" takes the fewest leading directions with at least ``fraction`` of the variance, "bottom" all that "top" of
    1 - fraction leaves, which carry at most ``fraction``.

    Parameters
    ----------
    X : (N, d) array or tensor, centred here.
    fraction : float, strictly between 0 and 1.
    part : "top" or "bottom".

    Returns
    -------
    basis : (d, k) array with orthonormal columns, variances descending; the part of X is X basis basis^T.
    explained : float, the fraction of the variance inside it.

    Raises
    ------
    ValueError
        If X is malformed or constant, fraction is out of range, part is unknown, or the part is empty.

    References
    ----------
    Balestriero & LeCun 2024.

    Examples
    --------
    >>> pca_split([[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]], 0.5)[0].shape
    (2, 1)
    """
    check_choice("part", part, ("top", "bottom"))
    check_between("fraction", fraction, 0, 1, ends="none")
    w, U = principal_directions(X)
    if w[0] == 0:
        raise ValueError("X is constant, so it has no variance to split")
    shares = np.cumsum(w) / w.sum()
    cut = int(np.searchsorted(shares, fraction if part == "top" else 1 - fraction)) + 1
    if part == "top":
        return U[:, :cut], float(shares[cut - 1])
    if cut == len(w):
        raise ValueError(f"the bottom part is empty: even the last direction carries more than {fraction:.3g}")
    return U[:, cut:], float(1 - shares[cut - 1])


def task_alignment(X: ArrayLike, Y: ArrayLike, V: ArrayLike) -> np.ndarray:
    """Share of what inputs can say about a task linearly that the first 1, 2, .. K features of an encoder keep.

    a_k = ||P_k Y||_F^2 / ||P Y||_F^2, with P_k and P the projectors on the columns of X V_k and of X.

    Parameters
    ----------
    X : (N, d) array or tensor of inputs; Y : (N, c) of targets, such as one-hot labels. Both are centred here.
    V : (d, K) array, an encoder whose features X V are linearly independent, in order of importance.

    Returns
    -------
    (K,) array, nondecreasing, in [0, 1].

    Raises
    ------
    ValueError
        If a shape is wrong, the features are linearly dependent, or X says nothing about Y.

    Notes
    -----
    Costs O(N d^2).

    References
    ----------
    Balestriero & LeCun 2024; their code shows the square root.

    Examples
    --------
    >>> X = np.array([[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    >>> task_alignment(X, X[:, :1], np.eye(2)).round(6)
    array([1., 1.])
    """
    X, Y = _centred_pair(X, Y)
    V = as_points("V", V)
    if len(V) != X.shape[1]:
        raise ValueError(f"V must have one row per column of X, ({X.shape[1]}), but has shape {V.shape}")
    Q, R = linalg.qr(X @ V, mode="economic")
    diagonal = abs(np.diag(R))
    if V.shape[1] > len(X) or diagonal.min() <= 1e-10 * diagonal.max():
        raise ValueError("the features X V must be linearly independent; leave out those of zero variance")
    U, s, _ = linalg.svd(X, full_matrices=False)
    total = np.sum((U[:, s > 1e-10 * s[0]].T @ Y) ** 2)
    if total <= 1e-12 * np.sum(Y**2) or total == 0:
        raise ValueError("X says nothing about Y: no column of Y correlates with a column of X")
    return np.cumsum(np.sum((Q.T @ Y) ** 2, axis=1)) / total


def linear_autoencoder_flow(variances: ArrayLike, t: ArrayLike, start: float) -> np.ndarray:
    r"""How far a linear auto-encoder has learned each principal direction at time t: large variances come first.

    Under gradient flow of E||x - W^T V^T x||^2 from the balanced small start W = V^T, product ``start`` in each
    direction, the law is logistic: g_i(t) = 1 / (1 + (1 / start - 1) exp(-4 l_i t)). The error left is
    sum_i l_i (1 - g_i)^2 and a latent coordinate is g_i^{1/2} u_i^T x.

    Parameters
    ----------
    variances : (d,) array of l_i >= 0, eigenvalues of the covariance.
    t : float or (T,) array of times >= 0, in inverse units of the variances.
    start : float, strictly between 0 and 1.

    Returns
    -------
    (d,) or (T, d) array, in (0, 1].

    References
    ----------
    Saxe, McClelland & Ganguli 2014; Balestriero & LeCun 2024.

    Examples
    --------
    >>> linear_autoencoder_flow([1.0, 0.1], 2.0, 0.01).round(4)
    array([0.9679, 0.022 ])
    """
    variances, t = as_array(variances), as_array(t)
    if variances.ndim != 1 or not (np.isfinite(variances).all() and (variances >= 0).all()):
        raise ValueError("variances must be a vector of finite numbers, none of them negative")
    if t.ndim > 1 or not (np.isfinite(t).all() and (t >= 0).all()):
        raise ValueError("t must hold finite times, none of them negative")
    check_between("start", start, 0, 1, ends="none")
    return 1 / (1 + (1 / start - 1) * np.exp(-4 * t[..., None] * variances))


def joint_encoder(X: ArrayLike, Y: ArrayLike, dim: int, *, lam: float) -> ReducedRank:
    r"""The encoder that shares k features between a task and reconstruction, both linear.

    min over V, W, U of (1/N) ||Y - X V W||_F^2 + (lam / N) ||X - X V U||_F^2: reduced-rank regression of the targets
    [Y, lam^{1/2} X] on X. The loss is ||Y||_F^2 / N + lam ||X||_F^2 / N - sum_{i <= k} phi_i^2; at lam = 0 the task's
    own regression, as lam grows PCA.

    Parameters
    ----------
    X : (N, d) array or tensor of inputs; Y : (N, c) of targets, such as one-hot labels. Both are centred here.
    dim : int k, 1 <= k <= rank of X.
    lam : float >= 0, weight of reconstruction. At 0 the features beyond the rank of the task are arbitrary.

    Returns
    -------
    ReducedRank whose decoder (k, c + d) holds W in its first c columns and lam^{1/2} U in the others.

    References
    ----------
    Balestriero & LeCun 2024.

    Examples
    --------
    >>> X = np.array([[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    >>> abs(joint_encoder(X, X[:, 1:], 1, lam=0.0).V).round(4)
    array([[0.    ],
           [1.4142]])
    """
    check_positive("lam", lam, allow_zero=True)
    X, Y = _centred_pair(X, Y)
    targets = np.hstack([Y, np.sqrt(lam) * X])
    return reduced_rank_regression(targets.T @ X / len(X), X.T @ X / len(X), dim)


def _centred_pair(X: ArrayLike, Y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    X, Y = as_same_samples(X, Y)
    return X - X.mean(axis=0), Y - Y.mean(axis=0)


def masking_score(variance: ArrayLike, pixels: ArrayLike, p: ArrayLike) -> float | np.ndarray:
    """Score of a direction spread evenly over some pixels when single pixels are masked: l (1 - p) / ((1 - p) + p / m).

    The reduction of the reconstruction error that it brings: l without masking; masking discounts an isolated pixel by
    1 - p, a direction over many pixels hardly.

    Parameters
    ----------
    variance : float or array, l > 0, of the data along the direction, its entries +- 1 / sqrt(m) on m pixels.
    pixels : int or array, m >= 1.
    p : float or array in [0, 1), probability that a pixel is dropped.

    Returns
    -------
    float or array, broadcast, in units of the variance.

    References
    ----------
    The law of one direction in Balestriero & LeCun 2024's closed form, derived for this book.

    Examples
    --------
    >>> masking_score(1.0, 1, 0.7)
    np.float64(0.30000000000000004)
    """
    variance, pixels, p = (as_array(v) for v in (variance, pixels, p))
    if not (np.isfinite(variance).all() and (variance > 0).all()):
        raise ValueError("variance must be positive and finite")
    if not (np.isfinite(pixels).all() and (pixels >= 1).all()):
        raise ValueError("pixels must be at least 1")
    if not ((p >= 0) & (p < 1)).all():
        raise ValueError("p must be at least 0 and below 1")
    return variance * (1 - p) / (1 - p + p / pixels)


class ConvRandomFeatures(nn.Module):
    """Describe each image by the mean and the standard deviation, over positions, of rectified random filter responses.

    ``(mean, std) over positions of relu(w_m * x)`` for the fixed filters w_m with normal weights of variance
    1 / (in_channels size^2), without padding: (N, in_channels, H, W) -> (N, 2 filters), means first.

    Parameters
    ----------
    filters : int
        Number of filters.
    size : int
        Height and width of a filter.
    in_channels : int
        Channels of the images.
    seed : int
        Seed of the filters.

    Attributes
    ----------
    dim : int
        Number of features, 2 filters.

    References
    ----------
    The fixed features with which this book reads textures after Balestriero & LeCun (2024); Saxe et al., "On random
    weights and unsupervised feature learning" (2011).

    Examples
    --------
    >>> ConvRandomFeatures(4)(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2, 8])
    """

    weight: torch.Tensor

    def __init__(self, filters: int = 48, *, size: int = 5, in_channels: int = 1, seed: int = 0) -> None:
        super().__init__()
        for name, value in (("filters", filters), ("size", size), ("in_channels", in_channels)):
            check_integer(name, value, 1)
        generator = torch.Generator().manual_seed(seed)
        weight = torch.randn(filters, in_channels, size, size, generator=generator, dtype=torch.float64)
        self.register_buffer("weight", weight / math.sqrt(in_channels * size**2))
        self.dim = 2 * filters

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        channels, size = self.weight.shape[1:3]
        if x.ndim != 4 or x.shape[1] != channels or min(x.shape[2:]) < size:
            raise ValueError(
                f"images must have shape (N, {channels}, H, W) with sides of at least {size}, but have {tuple(x.shape)}"
            )
        responses = F.conv2d(x, self.weight.to(x.dtype)).relu().flatten(2)
        return torch.cat([responses.mean(2), responses.std(2, correction=0)], 1)


def hot_pixels(n: int, size: int, *, count: int = 40, std: float = 1.0, seed: int = 0) -> torch.Tensor:
    """Draw noise on a few pixels, the same ones in every image: each of them independent normal numbers.

    Parameters
    ----------
    n : int
        Number of images.
    size : int
        Height and width in pixels.
    count : int
        Number of noisy pixels, 1 to ``size ** 2``.
    std : float
        Standard deviation of their noise, at least 0, in units of the pixels.
    seed : int
        Seed of the draw.

    Returns
    -------
    torch.Tensor
        (n, 1, size, size) float64, zero outside the noisy pixels.

    References
    ----------
    Made for this book, as spatially isolated noise for the masking of Balestriero & LeCun (2024).

    Examples
    --------
    >>> hot_pixels(2, 8, count=5).shape
    torch.Size([2, 1, 8, 8])
    """
    check_integer("n", n, 1)
    check_integer("size", size, 1)
    check_integer("count", count, 1, size**2)
    check_positive("std", std, allow_zero=True)
    generator = torch.Generator().manual_seed(seed)
    where = torch.randperm(size**2, generator=generator)[:count]
    images = torch.zeros(n, size**2, dtype=torch.float64)
    images[:, where] = std * torch.randn(n, count, dtype=torch.float64, generator=generator)
    return images.view(n, 1, size, size)
