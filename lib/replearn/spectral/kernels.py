"""Kernels, and what is built on a kernel matrix alone."""

import numpy as np
from scipy import linalg
from scipy.spatial.distance import pdist

from replearn.spectral.arrays import as_array, as_points, as_symmetric
from replearn.validate import check_finite, check_labels, check_positive


def rbf_kernel(X, Y=None, *, gamma):
    """Gaussian kernel between two sets of points: k(x, y) = exp(-gamma ||x - y||^2).

    Parameters
    ----------
    X : (N, D) array or tensor; Y : (M, D), or None for X itself.
    gamma : float > 0, in inverse squared units of the points.

    Returns
    -------
    (N, M) array, entries in [0, 1]; without Y symmetric with ones on the diagonal.

    Raises
    ------
    ValueError
        If X or Y is not a finite matrix, their widths differ, or gamma <= 0.

    Source: Schölkopf & Smola 2002. Costs O(N M D).
    """
    check_positive("gamma", gamma)
    X = as_points("X", X)
    Y, same = (X, True) if Y is None else (as_points("Y", Y), False)
    if X.shape[1] != Y.shape[1]:
        raise ValueError(f"X and Y must have equally many columns, but have {X.shape[1]} and {Y.shape[1]}")
    squared = np.sum(X**2, axis=1)[:, None] + np.sum(Y**2, axis=1) - 2 * X @ Y.T
    squared = np.maximum(squared, 0)  # roundoff only
    if same:
        np.fill_diagonal(squared, 0)
    return np.exp(-gamma * squared)


def median_bandwidth(X):
    """Median of the distances between different samples: the usual length of a Gaussian kernel, gamma = 1 / median^2.

    Parameters
    ----------
    X : (N, D) array or tensor, N >= 2.

    Returns
    -------
    float > 0, in units of X.

    Raises
    ------
    ValueError
        If X is not a finite matrix with N >= 2, or most samples coincide.

    Source: the median heuristic of Gretton et al. 2012. Costs O(N^2 D) time and O(N^2) memory.
    """
    median = float(np.median(pdist(as_points("X", X, min_rows=2))))
    if median == 0:
        raise ValueError("the median distance is 0, as most samples coincide; choose a bandwidth yourself")
    return median


def nystrom_features(X, landmarks, kernel):
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

    Source: Williams & Seeger 2001. Costs O(N m^2 + m^3) and never an (N, N) matrix.
    """
    X, landmarks = as_points("X", X), as_points("landmarks", landmarks)
    if X.shape[1] != landmarks.shape[1]:
        raise ValueError(
            f"X and landmarks must have equally many columns, but have {X.shape[1]} and {landmarks.shape[1]}"
        )
    w, U = kernel_spectrum("kernel(landmarks, landmarks)", kernel(landmarks, landmarks), 1e-10)
    return as_array(kernel(X, landmarks)) @ (U / np.sqrt(w))


def kernel_spectrum(name, K, rtol):
    """Positive eigenvalues, descending, of a positive semi-definite matrix, and their eigenvectors."""
    K = as_symmetric(name, as_array(K))
    w, U = linalg.eigh(K)
    if w[-1] <= 0 or w[0] < -1e-8 * w[-1]:
        raise ValueError(
            f"{name} must be positive semi-definite and not zero, but has eigenvalues from {w[0]:.2g} to {w[-1]:.2g}"
        )
    kept = w > rtol * w[-1]
    return w[kept][::-1], U[:, kept][:, ::-1]


def kernel_ridge_classifier(K, y, Kx, *, lam=1e-2):
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

    Source: Saunders, Gammerman & Vovk 1998. Costs O(N^3 + M N).
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
