"""How well a clustering agrees with classes, by the four scores of the literature."""

from typing import NamedTuple

from scipy.optimize import linear_sum_assignment
from sklearn import metrics

from replearn.contract import Classes, checked
from replearn.evaluation.tensors import detached


class ClusterScores(NamedTuple):
    """Agreement of a clustering with classes; none of the four depends on the names of the clusters.

    Attributes
    ----------
    nmi : mutual information over the mean of the two entropies, in [0, 1]; it grows with the number of clusters.
    ami : the same less its expectation under random labels of the same sizes: 0 by chance, at most 1.
    ari : share of pairs on which the two agree, less its expectation: 0 by chance, at most 1.
    accuracy : share of samples in the class of their cluster under the best one-to-one matching, in [0, 1].
    """

    nmi: float
    ami: float
    ari: float
    accuracy: float


@checked
def cluster_scores(assignments: Classes, labels: Classes) -> ClusterScores:
    r"""Compare a clustering with classes: NMI, AMI, ARI, and accuracy under the best matching.

    .. math:: \mathrm{NMI} = \frac{I(U; V)}{(H(U) + H(V)) / 2}, \qquad
        \mathrm{accuracy} = \max_\pi \frac1N \sum_i 1[\pi(u_i) = v_i]

    pi matches each cluster with at most one class and each class with at most one cluster (Hungarian method).

    Parameters
    ----------
    assignments : cluster of each sample (N,), any integers, array or tensor.
    labels : class of each sample (N,), any integers.

    Returns
    -------
    ClusterScores

    References
    ----------
    Vinh et al. 2010 (AMI), Hubert and Arabie 1985 (ARI), Kuhn 1955 (matching). The scores are scikit-learn's.

    Examples
    --------
    >>> cluster_scores([0, 0, 1, 1], [5, 5, 2, 2]).accuracy
    1.0
    """
    u, v = (detached(y).cpu().unique(return_inverse=True)[1].numpy() for y in (assignments, labels))
    table = metrics.cluster.contingency_matrix(v, u)
    matched = table[linear_sum_assignment(table, maximize=True)].sum()
    return ClusterScores(
        float(metrics.normalized_mutual_info_score(v, u)),
        float(metrics.adjusted_mutual_info_score(v, u)),
        float(metrics.adjusted_rand_score(v, u)),
        float(matched / len(v)),
    )
