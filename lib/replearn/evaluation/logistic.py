"""The linear probe of the literature: multinomial logistic regression on a frozen representation."""

import torch
from torch.nn import functional as F

from replearn.descent import minimise
from replearn.evaluation.blocks import centre_and_scale
from replearn.evaluation.labelled import accuracy, labelled_features
from replearn.validate import check_positive


def logistic_probe(z_train, y_train, z_test, y_test=None, *, lam=1.0, steps=100):
    r"""Linear classification by multinomial logistic regression on standardised features, with a free intercept.

    .. math:: \min_{W, b} \; \frac1N \sum_i -\log \mathrm{softmax}(W^\top z_i + b)_{y_i} + \frac{\lambda}{2 N} \|W\|_F^2

    Parameters
    ----------
    z_train : features (N, D), array or tensor; standardised by their own mean and deviation, computed in their dtype.
    y_train : classes (N,), integers 0..C-1.
    z_test : features (M, D).
    y_test : classes (M,) or None.
    lam : lambda > 0, which is 1 / C in scikit-learn's LogisticRegression.
    steps : largest number of L-BFGS iterations.

    Returns
    -------
    Accuracy in [0, 1] as a float; the predicted classes (M,) where ``y_test`` is None.

    Raises
    ------
    ValueError
        Wrong shapes, non-finite features, labels that are not 0..C-1, a test class that training lacks, ``lam <= 0``,
        ``steps`` not a positive integer.

    Source: the linear evaluation of Shwartz-Ziv et al. 2023 (arXiv 2303.00633) and of most papers on pretraining.
    """
    z_train, y_train, z_test, y_test = labelled_features(z_train, y_train, z_test, y_test)
    check_positive("lam", lam)
    dtype = z_train.dtype
    mean, scale = (part.to(dtype) for part in centre_and_scale(z_train, True))
    x, n = (z_train - mean) / scale, len(z_train)

    def loss(w, b):
        return F.cross_entropy(x @ w + b, y_train) + lam / (2 * n) * w.square().sum()

    start = torch.zeros(x.shape[1] + 1, int(y_train.max()) + 1, dtype=dtype, device=x.device)
    w, b = minimise(loss, [start[1:], start[0]], steps=steps)
    return accuracy(((z_test.to(dtype) - mean) / scale @ w + b).argmax(1), y_test)
