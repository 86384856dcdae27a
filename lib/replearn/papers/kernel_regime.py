"""Self-supervised losses whose model is linear in the features of a kernel: the minimum, and the kernel it induces."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy import linalg, sparse

from replearn.data import affine_warp, load
from replearn.descent import minimize
from replearn.spectral.arrays import as_array, as_definite, as_graph, as_points, as_symmetric, positive_eigenpairs
from replearn.spectral.kernels import KernelSSL, kernel_ssl
from replearn.spectral.laplacians import laplacian
from replearn.validate import check_choice, check_finite, check_integer, check_labels, check_positive


def wide_network_kernel(X: ArrayLike, Y: ArrayLike) -> np.ndarray:
    r"""Neural tangent kernel of an infinitely wide ReLU network with one hidden layer and biases.

    k(x, y) = |x'| |y'| / pi (sin a + 2 (pi - a) cos a), x' = (x, 1), a the angle between x' and y': the limit of
    the products of the gradients of sqrt(2 / m) sum_i a_i relu(w_i^T x') by all its standard normal a_i and w_i.

    Parameters
    ----------
    X : (N, D) array or tensor; Y : (M, D).

    Returns
    -------
    (N, M) array.

    References
    ----------
    Cho & Saul 2009 for the two angular terms; Jacot et al. 2018.

    Examples
    --------
    >>> wide_network_kernel([[0.0]], [[0.0]])
    array([[2.]])
    """
    X, Y = as_points("X", X), as_points("Y", Y)
    if X.shape[1] != Y.shape[1]:
        raise ValueError(f"X and Y must have equally many columns, but have {X.shape[1]} and {Y.shape[1]}")
    X, Y = (np.column_stack([points, np.ones(len(points))]) for points in (X, Y))
    lengths = np.outer(np.linalg.norm(X, axis=1), np.linalg.norm(Y, axis=1))
    cosines = np.clip(X @ Y.T / lengths, -1, 1)
    angles = np.arccos(cosines)
    return lengths / np.pi * (np.sin(angles) + 2 * (np.pi - angles) * cosines)


def centered(kernel: Callable, samples: ArrayLike) -> Callable:
    """The kernel of the same features less their mean over some samples, as an encoder with a free bias has it.

    k(x, y) - mean_s k(x, s) - mean_s k(s, y) + mean_st k(s, t).

    Parameters
    ----------
    kernel : function of (N, D) and (M, D) arrays that returns the (N, M) kernel.
    samples : (S, D) array or tensor.

    Returns
    -------
    function of the same kind; between the samples, its rows and columns sum to 0.

    References
    ----------
    Schölkopf, Smola & Müller 1998.

    Examples
    --------
    >>> centered(lambda a, b: a @ b.T, [[1.0], [3.0]])(np.array([[2.0], [4.0]]), np.array([[5.0]]))
    array([[0.],
           [6.]])
    """
    samples = as_points("samples", samples)
    overall = kernel(samples, samples).mean()

    def shifted(X: np.ndarray, Y: np.ndarray) -> np.ndarray:
        rows, columns = kernel(X, samples).mean(axis=1), kernel(samples, Y).mean(axis=0)
        return kernel(X, Y) - rows[:, None] - columns + overall

    return shifted


def induced(
    K: ArrayLike, G: ArrayLike | sparse.sparray, dim: int, *, inv: float = 1.0, decay: float = 0.0
) -> KernelSSL:
    r"""Minimise VICReg on a graph plus decay ||W||_F^2 over encoders W^T Phi(x) of a kernel with centred features.

    K = U diag(w) U^T over its positive eigenvalues; the top eigenpairs of U^T (H - inv L - (decay N / 2) K^+) U, times
    N, make Z Z^T. The minimum is dim - sum_k v_k^2 with v_k the eigenvalues kept.

    Parameters
    ----------
    K : (N, N) kernel matrix of features with mean 0 (see :func:`centered`), positive semi-definite.
    G : (N, N) symmetric non-negative graph, sparse or dense.
    dim : int, embedding dimension, at most the rank of K.
    inv : float >= 0, weight of invariance; decay : float >= 0, in units of the loss.

    Returns
    -------
    KernelSSL; its ``eigenvalues`` are N v_k.

    Notes
    -----
    Costs O(N^3).

    References
    ----------
    Kiani et al. 2022.

    Examples
    --------
    >>> G = np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 0]])
    >>> induced(np.eye(3) - 1 / 3, G, 1).eigenvalues.round(6)
    array([3.])
    """
    check_positive("decay", decay, allow_zero=True)
    target = ssl_target(G, inv=inv)
    return kernel_ssl(K, target, dim, lam=decay * len(target) ** 2 / 2)


def train_wide_network(
    x: ArrayLike,
    loss: Callable,
    dim: int,
    *,
    width: int,
    decay: float,
    steps: int = 100,
    seed: int = 0,
) -> Callable:
    r"""Train both layers of a ReLU network of one hidden layer by L-BFGS on loss(Z) + decay ||theta - theta_0||^2.

    z(x) = sqrt(2 / m) A^T relu(W^T (x, 1)) with m hidden units, from standard normal numbers theta_0; what it says at
    theta_0 is subtracted, so that it starts from (nearly) nothing.

    Parameters
    ----------
    x : (N, D) array or tensor of inputs.
    loss : function of an (N, dim) float64 tensor, returning a differentiable scalar tensor.
    dim : int, number of outputs; width : int, of hidden units.
    decay : float >= 0, weight of the distance from the start; steps : int, of L-BFGS; seed : int, of the start.

    Returns
    -------
    function of an (M, D) array, returning the (M, dim) embedding, with mean 0 over x.

    References
    ----------
    Jacot et al. 2018; Chizat, Oyallon & Bach 2019 for the subtraction.

    Examples
    --------
    >>> encode = train_wide_network([[-1.0], [1.0]], lambda Z: (Z[1] - Z[0] - 1).square().sum(), 1, width=50, decay=0)
    >>> encode(np.array([[1.0]])).round(3)
    array([[0.5]])
    """
    for name, value in (("dim", dim), ("width", width), ("steps", steps)):
        check_integer(name, value, 1)
    check_positive("decay", decay, allow_zero=True)
    x = as_points("x", x)
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, dtype=torch.float64, generator=generator)

    def outputs(points: np.ndarray, first: torch.Tensor, last: torch.Tensor) -> torch.Tensor:
        points = torch.tensor(np.column_stack([points, np.ones(len(points))]))
        return (2 / width) ** 0.5 * (points @ first).relu() @ last

    at_start = normal(x.shape[1] + 1, width), normal(width, dim)
    before = outputs(x, *at_start)

    def objective(*weights: torch.Tensor) -> torch.Tensor:
        moved = sum((now - then).square().sum() for now, then in zip(weights, at_start, strict=True))
        return loss(outputs(x, *weights) - before) + decay * moved

    nudged = [weight + 0.01 * normal(*weight.shape) for weight in at_start]  # at the start itself the slope is 0
    trained = minimize(objective, nudged, steps=steps)
    mean = (outputs(x, *trained) - before).mean(dim=0)

    def encode(points: ArrayLike) -> np.ndarray:
        points = as_points("points", points)
        return (outputs(points, *trained) - outputs(points, *at_start) - mean).numpy()

    return encode


class ShiftedDigits(NamedTuple):
    """Views of handwritten digits, ``x`` (N, 784), the picture that each shows, ``image`` (N,), its digit ``y`` (N,);
    and new pictures, as they are, ``x_new`` (M, 784), ``y_new`` (M,)."""

    x: np.ndarray
    image: np.ndarray
    y: np.ndarray
    x_new: np.ndarray
    y_new: np.ndarray


def shifted_digits(images: int, views: int, new: int, *, seed: int = 0) -> ShiftedDigits:
    """Draw handwritten digits and shift each by up to two pixels each way, differently for each of its views.

    Parameters
    ----------
    images : int, training pictures; views : int, of each, at most 25, next to one another; new : int, test pictures.
    seed : int, of the choice of pictures and of the shifts.

    Returns
    -------
    ShiftedDigits of images * views samples, pixels in [0, 1], black filled in.

    References
    ----------
    A world of this book; the pictures are MNIST's.

    Examples
    --------
    >>> shifted_digits(4, 3, 2).x.shape
    (12, 784)
    """
    draw = np.random.default_rng(seed)
    (pool, labels), (other, other_labels) = load("mnist_10k").train, load("mnist_10k").test
    for name, value, most in (("images", images, len(pool)), ("views", views, 25), ("new", new, len(other))):
        check_integer(name, value, 1, most)
    chosen, tests = draw.permutation(len(pool))[:images], draw.permutation(len(other))[:new]
    image = np.repeat(np.arange(images), views)
    codes = np.concatenate([draw.permutation(25)[:views] for _ in range(images)])
    pixels = np.stack([codes // 5 - 2, codes % 5 - 2], axis=1)
    x = affine_warp(pool[chosen][image], shift=torch.tensor(pixels) / 14).flatten(1)
    y, x_new = labels[chosen].numpy()[image], other[tests].flatten(1)
    return ShiftedDigits(x.double().numpy(), image, y, x_new.double().numpy(), other_labels[tests].numpy())


def ssl_target(
    G: ArrayLike | sparse.sparray, *, method: str = "vicreg", inv: float = 1.0, reg: float = 1.0
) -> np.ndarray:
    """The matrix T that a loss wants to see as Z Z^T: its minimum is the closest positive matrix of rank K.

    "vicreg": T = N (H - (inv / reg) L), H the centring, so that the loss of :func:`vicreg_graph_loss` is
    (reg / N^2) ||Z Z^T - T||_F^2 plus a constant for centred Z; "contrastive": T = I + G.

    Parameters
    ----------
    G : (N, N) symmetric non-negative graph, sparse or dense, with zero diagonal for "contrastive".
    method : "vicreg" or "contrastive".
    inv : float >= 0; reg : float > 0, VICReg's weights.

    Returns
    -------
    (N, N) symmetric array.

    References
    ----------
    Kiani et al. 2022; Balestriero & LeCun 2022.

    Examples
    --------
    >>> ssl_target([[0.0, 1.0], [1.0, 0.0]], method="contrastive")
    array([[1., 1.],
           [1., 1.]])
    """
    check_choice("method", method, ("vicreg", "contrastive"))
    check_positive("inv", inv, allow_zero=True)
    check_positive("reg", reg)
    if method == "contrastive":
        G = as_graph("G", G)
        if G.diagonal().any():
            raise ValueError("G must have a zero diagonal: the contrastive target adds the self-loops itself")
        return np.eye(G.shape[0]) + G.toarray()
    L, degrees = laplacian(G)
    n = len(degrees)
    return n * np.eye(n) - 1 - n * inv / reg * L.toarray()


def tied_eigenspace(target: ArrayLike, value: float, *, rtol: float = 1e-8) -> np.ndarray:
    """All the eigenvectors of a symmetric matrix with one eigenvalue: the directions among which a loss cannot choose.

    Parameters
    ----------
    target : (N, N) symmetric matrix, sparse or dense.
    value : float, the eigenvalue; the pure augmentation graph of N' images ties N' - 1 directions at N in
        :func:`ssl_target`.
    rtol : float > 0, eigenvalues as close as ``rtol`` times the largest magnitude count as equal.

    Returns
    -------
    (N, r) array with orthonormal columns.

    Notes
    -----
    Costs O(N^3).

    References
    ----------
    Kiani et al. 2022, the degenerate case.

    Examples
    --------
    >>> tied_eigenspace(np.diag([2.0, 2.0, 1.0]), 2.0).shape
    (3, 2)
    """
    check_positive("rtol", rtol)
    matrix = as_symmetric("target", target)
    w, V = linalg.eigh(matrix if isinstance(matrix, np.ndarray) else matrix.toarray())
    near = abs(w - value) <= rtol * abs(w).max()
    if not near.any():
        closest = w[abs(w - value).argmin()]
        raise ValueError(f"no eigenvalue of the target is {value:.6g}; the closest is {closest:.6g}")
    return V[:, near]


def smoothest_directions(Q: ArrayLike, K: ArrayLike, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """The directions of a subspace that cost least norm in the feature space of a kernel: min tr(V^T K^{-1} V).

    V = Q S with S the bottom eigenvectors of Q^T K^{-1} Q; the energies are its eigenvalues.

    Parameters
    ----------
    Q : (N, r) array with orthonormal columns, such as :func:`tied_eigenspace`.
    K : (N, N) symmetric positive definite kernel matrix (add a jitter to a smooth kernel).
    dim : int, 1 <= dim <= r.

    Returns
    -------
    energies : (dim,) array, ascending; V : (N, dim) array with orthonormal columns inside the span of Q.

    Raises
    ------
    ValueError
        If Q is not orthonormal, K is not positive definite or has another size, or dim is out of range.

    Notes
    -----
    Costs O(N^3).

    References
    ----------
    Kiani et al. 2022, the degenerate case; Cabannes et al. 2023.

    Examples
    --------
    >>> smoothest_directions(np.eye(3)[:, :2], np.diag([4.0, 2.0, 1.0]), 1)[0]
    array([0.25])
    """
    Q, K = as_points("Q", Q), as_definite("K", as_array(K))
    if len(Q) != len(K):
        raise ValueError(f"Q must have one row per row of K, ({len(K)}), but has shape {Q.shape}")
    if not np.allclose(Q.T @ Q, np.eye(Q.shape[1]), atol=1e-8):
        raise ValueError("Q must have orthonormal columns; take the Q of its QR decomposition")
    check_integer("dim", dim, 1, Q.shape[1])
    half = linalg.solve_triangular(linalg.cholesky(K, lower=True), Q, lower=True)
    energies, S = linalg.eigh(half.T @ half, subset_by_index=(0, dim - 1))
    return energies, Q @ S


def nystrom_features(X: ArrayLike, landmarks: ArrayLike, kernel: Callable) -> np.ndarray:
    """Features of a few landmarks S that make a linear method a kernel method: F = k(X, S) K_SS^{-1/2}, F F^T ~ K.

    F F^T = K_XS K_SS^+ K_SX, exact for X among the landmarks; directions below 1e-10 of K_SS's largest are dropped.

    Parameters
    ----------
    X : (N, D) array or tensor of points.
    landmarks : (m, D) array or tensor.
    kernel : function of (N, D) and (m, D) arrays that returns the (N, m) kernel, symmetric and positive semi-definite.

    Returns
    -------
    (N, r) array, r <= m the rank of K_SS; the most important directions come first.

    Raises
    ------
    ValueError
        If X or the landmarks are malformed, their widths differ, or K_SS is not positive semi-definite.

    Notes
    -----
    Costs O(N m^2 + m^3) and never an (N, N) matrix.

    References
    ----------
    Williams & Seeger 2001.

    Examples
    --------
    >>> X = np.array([[0.0], [1.0], [2.0]])
    >>> nystrom_features(X, X, lambda a, b: a @ b.T).shape
    (3, 1)
    """
    X, landmarks = as_points("X", X), as_points("landmarks", landmarks)
    if X.shape[1] != landmarks.shape[1]:
        raise ValueError(
            f"X and landmarks must have equally many columns, but have {X.shape[1]} and {landmarks.shape[1]}"
        )
    w, U = positive_eigenpairs("kernel(landmarks, landmarks)", kernel(landmarks, landmarks), 1e-10)
    return as_array(kernel(X, landmarks)) @ (U / np.sqrt(w))


def kernel_ridge_classifier(K: ArrayLike, y: ArrayLike, Kx: ArrayLike, *, lam: float = 0.01) -> np.ndarray:
    r"""Classify by kernel ridge regression on one-hot targets, with a free intercept.

    With the centred kernel H K H and centred one-hot targets Y, a = (H K H + lam t I)^{-1} Y, t = tr(H K H) / N; a new
    point takes the class with the largest score. For K = F F^T it is ridge regression on the centred features F.

    Parameters
    ----------
    K : (N, N) kernel matrix of the training points.
    y : (N,) labels, at least two different ones.
    Kx : (M, N) kernel between new points and the training points.
    lam : float > 0, relative to the mean diagonal of the centred kernel.

    Returns
    -------
    (M,) array of predicted labels.

    Raises
    ------
    ValueError
        If a shape is wrong, an entry not finite, K not positive semi-definite, lam <= 0, or there is one class only.

    Notes
    -----
    Costs O(N^3 + M N).

    References
    ----------
    Saunders, Gammerman & Vovk 1998.

    Examples
    --------
    >>> X = np.array([[-1.0], [1.0]])
    >>> kernel_ridge_classifier(X @ X.T, [5, 7], np.array([[2.0]]) @ X.T)
    array([7])
    """
    check_positive("lam", lam)
    K, Kx, y = as_symmetric("K", as_array(K)), as_points("Kx", Kx), np.asarray(y)
    n = len(K)
    check_labels("y", y, n)
    if Kx.shape[1] != n:
        raise ValueError(f"Kx must have one column per training point, ({n}), but has shape {Kx.shape}")
    classes, codes = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise ValueError("y must hold at least two different labels")
    means = K.mean(axis=0)
    centred = K - means - means[:, None] + means.mean()
    targets = np.eye(len(classes))[codes]
    offset = targets.mean(axis=0)
    ridge = lam * np.trace(centred) / n
    try:
        weights = linalg.solve(centred + ridge * np.eye(n), targets - offset, assume_a="pos")
    except linalg.LinAlgError:
        raise ValueError("K must be positive semi-definite, and not constant") from None
    scores = (Kx - Kx.mean(axis=1, keepdims=True) - means + means.mean()) @ weights + offset
    check_finite("the scores", scores)
    return classes[scores.argmax(axis=1)]
