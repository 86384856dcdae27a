"""Two- and three-dimensional toys, seeded, in float64 (thin over scikit-learn where it has them)."""

from typing import NamedTuple

import numpy as np
import torch

from replearn.validate import check_between, check_integer, check_positive


def two_moons(n: int, *, noise: float = 0.08, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw two interleaving half circles of radius 1.

    Parameters
    ----------
    n : int
        Number of points, at least 2, half of them in each moon.
    noise : float
        Standard deviation of the Gaussian noise on each coordinate.
    seed : int
        Seed of the draw.

    Returns
    -------
    x : torch.Tensor
        (n, 2) float64.
    y : torch.Tensor
        (n,) int64, which moon: 0 or 1.

    References
    ----------
    Scikit-learn's ``make_moons``.

    Examples
    --------
    >>> two_moons(100)[0].shape
    torch.Size([100, 2])
    """
    _check(n, noise)
    from sklearn import datasets  # slow to import

    return _labelled(datasets.make_moons(n, noise=noise, random_state=seed))


class HalfMoons(NamedTuple):
    """Points on two half circles.

    Attributes
    ----------
    x : torch.Tensor
        (n, 2) float64.
    y : torch.Tensor
        (n,) int64, 0 to 3: the half, 0 or 1, plus 2 where t lies in the upper half circle. ``y % 2`` is the half.
    t : torch.Tensor
        (n,) float64, the angle on the circle.
    """

    x: torch.Tensor
    y: torch.Tensor
    t: torch.Tensor


def half_moons(n: int, *, noise: float = 0.1, seed: int = 0) -> HalfMoons:
    """Draw a circle cut in two halves, left and right, the right one moved up by its radius.

    ``x = (cos t, sin t + [cos t > 0]) + noise``, t uniform on [0, 2 pi]: the halves do not interleave, as those of
    ``two_moons`` do.

    Parameters
    ----------
    n : int
        Number of points, at least 2.
    noise : float
        Standard deviation of the Gaussian noise on each coordinate.
    seed : int
        Seed of the draw.

    Returns
    -------
    HalfMoons

    References
    ----------
    Cabannes, Bietti & Balestriero, "On minimal variations for unsupervised representation learning" (2022), whose code
    draws t as 2 pi times a normal number.

    Examples
    --------
    >>> half_moons(100).x.shape
    torch.Size([100, 2])
    """
    _check(n, noise)
    draw = np.random.default_rng(seed)
    t = draw.uniform(0, 2 * np.pi, n)
    half = np.cos(t) > 0
    x = np.stack([np.cos(t), np.sin(t) + half], axis=1) + noise * draw.standard_normal((n, 2))
    return HalfMoons(*_labelled((x, half + 2 * (np.sin(t) > 0))), torch.from_numpy(t))


def circles(n: int, *, noise: float = 0.05, factor: float = 0.5, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw two concentric circles, of radius 1 and ``factor``.

    Parameters
    ----------
    n : int
        Number of points, at least 2, half of them on each circle.
    noise : float
        Standard deviation of the Gaussian noise on each coordinate.
    factor : float
        Radius of the inner circle, in (0, 1).
    seed : int
        Seed of the draw.

    Returns
    -------
    x : torch.Tensor
        (n, 2) float64.
    y : torch.Tensor
        (n,) int64: 0 the outer circle, 1 the inner one.

    References
    ----------
    Scikit-learn's ``make_circles``.

    Examples
    --------
    >>> circles(100)[0].shape
    torch.Size([100, 2])
    """
    _check(n, noise)
    check_between("factor, the inner radius,", factor, 0, 1, ends="none")
    from sklearn import datasets  # slow to import

    return _labelled(datasets.make_circles(n, noise=noise, factor=factor, random_state=seed))


def spirals(n: int, *, noise: float = 0.02, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw two interleaving spirals, each in order along its arm.

    ``x_i = 2 r_i (cos(t_i + pi y_i), sin(t_i + pi y_i)) + noise``, with ``t`` sorted uniforms on [0.5, 0.5 + 3 pi],
    ``r_i = t_i / (3 pi)`` and arms that alternate, ``y = 0, 1, 0, 1, ...``.

    Parameters
    ----------
    n : int
        Number of points, at least 2.
    noise : float
        Standard deviation of the Gaussian noise on each coordinate.
    seed : int
        Seed of the draw.

    Returns
    -------
    x : torch.Tensor
        (n, 2) float64.
    y : torch.Tensor
        (n,) int64, which arm: 0 or 1.

    References
    ----------
    The toy of this book's chapter on the kernel regime.

    Examples
    --------
    >>> spirals(100)[0].shape
    torch.Size([100, 2])
    """
    _check(n, noise)
    draw = np.random.default_rng(seed)
    t = np.sort(draw.uniform(size=n)) * 3 * np.pi + 0.5
    y = np.arange(n) % 2
    arm = np.stack([np.cos(t + np.pi * y), np.sin(t + np.pi * y)], axis=1)
    return _labelled((2 * t[:, None] / (3 * np.pi) * arm + noise * draw.standard_normal((n, 2)), y))


def swiss_roll(n: int, *, noise: float = 0.0, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw a sheet rolled up in three dimensions.

    ``x = (t cos t, h, t sin t)`` with ``t`` uniform on [1.5 pi, 4.5 pi] along the roll and ``h`` uniform on [0, 21]
    across it (``h`` is column 1 of ``x``).

    Parameters
    ----------
    n : int
        Number of points, at least 2.
    noise : float
        Standard deviation of the Gaussian noise on each coordinate.
    seed : int
        Seed of the draw.

    Returns
    -------
    x : torch.Tensor
        (n, 3) float64.
    t : torch.Tensor
        (n,) float64, the position along the roll.

    References
    ----------
    Scikit-learn's ``make_swiss_roll``.

    Examples
    --------
    >>> swiss_roll(100)[0].shape
    torch.Size([100, 3])
    """
    _check(n, noise)
    from sklearn import datasets  # slow to import

    x, t = datasets.make_swiss_roll(n, noise=noise, random_state=seed)
    return torch.from_numpy(x), torch.from_numpy(t)


def s_curve(n: int, *, noise: float = 0.0, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw a sheet bent to an S in three dimensions.

    ``x = (sin t, h, sign(t) (cos t - 1))`` with ``t`` uniform on [-1.5 pi, 1.5 pi] along the S and ``h`` uniform on
    [0, 2] across it (``h`` is column 1 of ``x``).

    Parameters
    ----------
    n : int
        Number of points, at least 2.
    noise : float
        Standard deviation of the Gaussian noise on each coordinate.
    seed : int
        Seed of the draw.

    Returns
    -------
    x : torch.Tensor
        (n, 3) float64.
    t : torch.Tensor
        (n,) float64, the position along the S.

    References
    ----------
    Scikit-learn's ``make_s_curve``.

    Examples
    --------
    >>> s_curve(100)[0].shape
    torch.Size([100, 3])
    """
    _check(n, noise)
    from sklearn import datasets  # slow to import

    x, t = datasets.make_s_curve(n, noise=noise, random_state=seed)
    return torch.from_numpy(x), torch.from_numpy(t)


def _check(n: int, noise: float) -> None:
    check_integer("n", n, 2)
    check_positive("noise", noise, allow_zero=True)


def _labelled(pair: tuple[np.ndarray, np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
    x, y = pair
    return torch.from_numpy(x), torch.from_numpy(y).long()
