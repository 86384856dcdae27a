"""How well an augmentation must match irrelevant noise for reconstruction, or joint embedding, to discard it."""

import numpy as np

from replearn.spectral.arrays import as_array
from replearn.validate import check_choice, check_finite, check_integer, check_positive


def direction_scores(kappa2, theta, gamma, alpha, *, paradigm="je"):
    """What each direction is ranked by: a / sqrt(a + b) for reconstruction, a / (a + b) for joint embedding.

    a = kappa2 + gamma is the variance in the data, b = theta + alpha^2 gamma that of the augmentation; the k
    directions with the largest scores are kept.

    Parameters
    ----------
    kappa2 : (d,) array, variance kappa_i^2 / n of the signal, 0 on noise directions.
    theta : (d,) array, variance of the augmentation's own noise.
    gamma : (d,) array, variance of the irrelevant noise, 0 on signal directions.
    alpha : float >= 0, amplitude with which the augmentation repeats the irrelevant noise.
    paradigm : "je" or "rc".

    Returns
    -------
    (d,) array; without unit for "je", in units of the data for "rc". 0 where a direction is empty.

    Raises
    ------
    ValueError
        If an array is malformed or negative, alpha < 0, or the paradigm is unknown.

    Source: Van Assel et al. 2025, theorems 3.1 and 3.2 for the model of section 4.1.
    """
    check_choice("paradigm", paradigm, ("je", "rc"))
    check_positive("alpha", alpha, allow_zero=True)
    kappa2, theta, gamma = _variances(kappa2, theta, gamma)
    return _score(kappa2 + gamma, theta + alpha**2 * gamma, paradigm)


def _score(data, noise, paradigm):
    total = data + noise
    scale = np.where(total > 0, total if paradigm == "je" else np.sqrt(total), 1.0)
    return data / scale


def alignment_threshold(kappa2, theta, gamma, k, *, paradigm="je"):
    r"""The alpha^2 above which a method discards the irrelevant noise, given endless data.

    The weakest signal scores eta = min kappa2 / sqrt(kappa2 + theta) ("rc") or delta = min kappa2 / (kappa2 + theta)
    ("je"). alpha^2 is the maximum over the noise of gamma / eta^2 - theta / gamma - 1, or of
    (1 - delta) / delta - theta / gamma.

    Parameters
    ----------
    kappa2, theta, gamma : (d,) arrays, as in :func:`direction_scores`; the first k directions are the signal.
    k : int, 1 <= k < d, dimensions of the signal and of the latent.
    paradigm : "je" or "rc".

    Returns
    -------
    alpha2 : float; negative where no alignment is needed.
    weakest : float, eta or delta.

    Raises
    ------
    ValueError
        If an array is malformed or negative, signal is missing among the first k or present beyond, gamma is positive
        on the signal or zero beyond, k is out of range, or the paradigm is unknown.

    Source: Van Assel et al. 2025, propositions 4.3 and 4.4, equations 10 and 12.
    """
    check_choice("paradigm", paradigm, ("je", "rc"))
    kappa2, theta, gamma = _variances(kappa2, theta, gamma)
    check_integer("k", k, 1, len(kappa2) - 1)
    if not ((kappa2[:k] > 0).all() and not kappa2[k:].any()):
        raise ValueError(f"kappa2 must be positive on the first {k} directions and zero on the others")
    if gamma[:k].any() or not (gamma[k:] > 0).all():
        raise ValueError(f"gamma must be zero on the first {k} directions, the signal, and positive on the others")
    weakest = float(_score(kappa2[:k], theta[:k], paradigm).min())
    own = theta[k:] / gamma[k:]
    if paradigm == "rc":
        return float(np.max(gamma[k:] / weakest**2 - own - 1)), weakest
    return float(np.max((1 - weakest) / weakest - own)), weakest


def _variances(kappa2, theta, gamma):
    arrays = [as_array(a) for a in (kappa2, theta, gamma)]
    for name, a in zip(("kappa2", "theta", "gamma"), arrays, strict=True):
        if a.ndim != 1 or a.shape != arrays[0].shape:
            raise ValueError(f"kappa2, theta and gamma must be vectors of one length, but {name} has shape {a.shape}")
        check_finite(name, a)
        if (a < 0).any():
            raise ValueError(f"{name} must hold variances, none of them negative")
    return arrays
