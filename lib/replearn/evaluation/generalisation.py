"""What bounds the error of a linear head that few labels trained: the terms that a representation decides."""

import math
from typing import NamedTuple

from replearn.evaluation.information import null_projection_residual
from replearn.evaluation.tensors import as_rows_of_same


class BoundTerms(NamedTuple):
    """The three terms, floats; ``total`` is their sum."""

    invariance: float
    unlabelled: float
    labelled: float

    @property
    def total(self):
        """The bound on the expected error, but for the complexity term that vanishes with more samples."""
        return sum(self)


def label_bound(z1, z2, y, z_labelled, y_labelled):
    r"""Terms of a bound on the expected error of the least-squares head of least norm, fitted to n labelled samples.

    .. math:: \frac1m \sum_i \|z_{1i} - z_{2i}\| + \frac2{\sqrt m} \|P Y\|_F + \frac1{\sqrt n} \|P_S Y_S\|_F

    where P projects onto what no linear head on z1 can fit, and P_S likewise for the labelled samples. The terms do not
    scale alike: give all runs that you compare features of one size, and a column of ones for a head with a bias.

    Parameters
    ----------
    z1, z2 : representations (m, K) of two views of the same unlabelled samples, array or tensor.
    y : targets (m, r) of these samples, one-hot; only the diagnosis uses them, no head is trained on them.
    z_labelled : representations (n, K) of the labelled samples.
    y_labelled : their targets (n, r).

    Returns
    -------
    ``BoundTerms(invariance, unlabelled, labelled)``, the first in units of z, the others in units of y.

    Raises
    ------
    ValueError
        Not finite matrices, or of unequally many rows within a set.

    Source: Shwartz-Ziv et al. 2023 (arXiv 2303.00633), the generalisation bound, without its complexity term.
    """
    z1, z2 = as_rows_of_same("z1", z1, "z2", z2, min_rows=1)
    return BoundTerms(
        (z1 - z2).norm(dim=1).mean().item(),
        2 / math.sqrt(len(z1)) * null_projection_residual(z1, y),
        null_projection_residual(z_labelled, y_labelled) / math.sqrt(len(z_labelled)),
    )
