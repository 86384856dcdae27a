"""Kernel measures of dependence: HSIC for pairs of variables, dHSIC for any number of them together."""

from collections.abc import Sequence
from typing import Annotated

import torch
from numpy.typing import ArrayLike

from replearn.contract import Array, Choice, Number, Seed, Stack, Whole, checked
from replearn.evaluation.tensors import as_columns, as_tensor
from replearn.spectral.kernels import median_bandwidth, rbf_kernel

Gram = Annotated[ArrayLike, Array("N>=4 N")]
Grams = Annotated[Sequence[ArrayLike], Stack("V>=2 N>=4 N", Array)]
Bandwidth = Annotated[float, Number(above=0)] | Annotated[str, Choice("median")]
Variable = Annotated[ArrayLike, Array("N>=4 [K]")]


@checked
def gram_gaussian(x: Variable, *, bandwidth: Bandwidth = 1.0) -> torch.Tensor:
    r"""Gaussian kernel between all pairs of samples, :math:`K_{ij} = e^{-|x_i - x_j|^2 / (2 s^2)}`, s the bandwidth.

    Parameters
    ----------
    x : samples (N,) or (N, D), N >= 4, array or tensor.
    bandwidth : number s > 0 in units of x, or "median": that of :func:`replearn.spectral.median_bandwidth`.

    Returns
    -------
    Tensor (N, N), float64, symmetric with ones on the diagonal.

    References
    ----------
    Gretton et al. 2005; the median heuristic is that of Gretton et al. 2012.

    Examples
    --------
    >>> gram_gaussian(torch.tensor([0.0, 0.0, 3.0, 3.0]))[0].round(decimals=3)
    tensor([1.0000, 1.0000, 0.0110, 0.0110], dtype=torch.float64)
    """
    x = as_columns(x)
    if isinstance(bandwidth, str):
        bandwidth = median_bandwidth(x)
    return torch.from_numpy(rbf_kernel(x, bandwidth=bandwidth)).to(x.device)


@checked
def hsic_from_grams(K: Gram, L: Gram) -> float:
    r"""Hilbert-Schmidt independence criterion of two variables, given their kernels (biased estimate).

    .. math:: \frac1{N^2} \mathrm{tr}(K H L H), \qquad H = I - \tfrac1N 1 1^\top

    Zero in the limit exactly for independent variables if the kernels are Gaussian; of order 1/N for N samples of them.

    Parameters
    ----------
    K, L : kernels (N, N) of the same N >= 4 samples, symmetric, arrays or tensors.

    Returns
    -------
    Float >= 0, in units of K times L. Costs O(N^2).

    References
    ----------
    Gretton et al. 2005, the biased estimate, with 1/N^2 in place of 1/(N-1)^2.

    Examples
    --------
    >>> hsic_from_grams(torch.eye(4), torch.eye(4))
    0.1875
    """
    K, L = _symmetric({"K": K, "L": L})
    return ((_centre(K) * L).sum() / len(K) ** 2).item()


@checked
def hsic(x: Variable, y: Annotated[ArrayLike, Array("N>=4 [L]")], *, bandwidth: Bandwidth = "median") -> float:
    """HSIC of two variables under Gaussian kernels, ``hsic_from_grams(gram_gaussian(x), gram_gaussian(y))``.

    Parameters
    ----------
    x, y : samples (N,) or (N, D) and (N,) or (N, E), N >= 4, arrays or tensors.
    bandwidth : number > 0 for both, or "median": for each its own median distance.

    Returns
    -------
    Float in [0, 1].

    References
    ----------
    Gretton et al. 2005.

    Examples
    --------
    >>> x = torch.linspace(0, 1, 8)
    >>> hsic(x, x) > 0.05
    True
    """
    return hsic_from_grams(gram_gaussian(x, bandwidth=bandwidth), gram_gaussian(y, bandwidth=bandwidth))


@checked
def pairwise_nhsic(x: Annotated[ArrayLike, Array("N>=4 K")], *, bandwidth: Bandwidth = 1.0) -> torch.Tensor:
    r"""Normalised HSIC between all pairs of columns of one representation.

    .. math:: \frac{\mathrm{HSIC}(x_i, x_j)}{\sqrt{\mathrm{HSIC}(x_i, x_i) \, \mathrm{HSIC}(x_j, x_j)}}

    Each column's kernel is computed and centred once. Standardise the columns first where one bandwidth is to fit all.

    Parameters
    ----------
    x : representation (N, M), N >= 4, array or tensor.
    bandwidth : of the Gaussian kernels, > 0 or "median", as in :func:`gram_gaussian`.

    Returns
    -------
    Symmetric tensor (M, M), float64, entries in [0, 1], ones on the diagonal. Costs O(N^2 M^2) time, O(N^2 M) memory.

    Raises
    ------
    ValueError
        Not a finite matrix with N >= 4, a constant column, ``bandwidth <= 0``.

    References
    ----------
    Mialon, Balestriero, LeCun 2022 (arXiv 2209.14905); the ratio is the CKA of Kornblith et al. 2019.

    Examples
    --------
    >>> x = torch.linspace(0, 1, 8)
    >>> pairwise_nhsic(torch.stack([x, -x], 1)).round(decimals=3)
    tensor([[1., 1.],
            [1., 1.]], dtype=torch.float64)
    """
    x = as_tensor(x)
    if (x == x[0]).all(0).any():
        raise ValueError("x has a constant column, whose normalised HSIC is undefined; leave it out")
    grams = torch.stack([_centre(gram_gaussian(column, bandwidth=bandwidth)).flatten() for column in x.T])
    norms = grams.norm(dim=1, keepdim=True)
    if (norms < 1e-12).any():
        raise ValueError("bandwidth is so large that all samples of a column of x look alike; rescale x")
    grams = grams / norms
    return grams @ grams.T


@checked
def dhsic(grams: Grams) -> float:
    r"""HSIC of d variables at once: zero in the limit only if they are *mutually* independent.

    .. math:: \frac1{N^2} \sum_{ab} \prod_k K^k_{ab} + \prod_k \frac1{N^2} \sum_{ab} K^k_{ab}
        - \frac2N \sum_a \prod_k \frac1N \sum_b K^k_{ab}

    For two variables it is :func:`hsic_from_grams`.

    Parameters
    ----------
    grams : sequence of d >= 2 kernels (N, N) of the same N >= 4 samples, symmetric, arrays or tensors.

    Returns
    -------
    Float. Costs O(d N^2).

    References
    ----------
    Pfister et al. 2018 (arXiv 1603.00285), the V-statistic.

    Examples
    --------
    >>> round(dhsic([torch.eye(4), torch.eye(4)]), 4)
    0.1875
    """
    return _dhsic(_symmetric({f"grams[{i}]": gram for i, gram in enumerate(grams)}))


@checked
def dhsic_null(grams: Grams, *, permutations: Annotated[int, Whole(1)] = 200, seed: Seed = 0) -> torch.Tensor:
    """Values of dHSIC under independence: each variable's samples but the first's are shuffled on their own.

    An observed value above the 95 % quantile of these is significant at 5 %. Given two kernels it is the null of HSIC.

    Parameters
    ----------
    grams : sequence of d >= 2 kernels (N, N) of the same N >= 4 samples, symmetric, arrays or tensors.
    permutations : how many values, at least 1.
    seed : seed of the shuffling.

    Returns
    -------
    Tensor (permutations,), float64, in random order. Costs O(permutations d N^2).

    References
    ----------
    Pfister et al. 2018 (arXiv 1603.00285), the permutation test.

    Examples
    --------
    >>> dhsic_null([torch.eye(4), torch.eye(4)], permutations=3).shape
    torch.Size([3])
    """
    first, *others = _symmetric({f"grams[{i}]": gram for i, gram in enumerate(grams)})
    generator = torch.Generator().manual_seed(int(seed))

    def shuffled(gram: torch.Tensor) -> torch.Tensor:
        order = torch.randperm(len(gram), generator=generator).to(gram.device)
        return gram[order][:, order]

    return torch.tensor([_dhsic([first, *map(shuffled, others)]) for _ in range(permutations)], dtype=torch.float64)


def _symmetric(grams: dict[str, ArrayLike]) -> list[torch.Tensor]:
    kernels = {name: as_tensor(gram) for name, gram in grams.items()}
    for name, kernel in kernels.items():
        if not torch.allclose(kernel, kernel.T, rtol=1e-5, atol=1e-6 * kernel.abs().max().item()):
            raise ValueError(f"{name} must be symmetric, as a kernel between samples is")
    return list(kernels.values())


def _centre(gram: torch.Tensor) -> torch.Tensor:
    return gram - gram.mean(0) - gram.mean(1, keepdim=True) + gram.mean()


def _dhsic(grams: list[torch.Tensor]) -> float:
    together, apart, rows = grams[0], grams[0].mean(), grams[0].mean(1)
    for gram in grams[1:]:
        together, apart, rows = together * gram, apart * gram.mean(), rows * gram.mean(1)
    return (together.mean() + apart - 2 * rows.mean()).item()
