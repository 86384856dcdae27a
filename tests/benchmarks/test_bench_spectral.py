"""Laplacian Eigenmaps of a k-NN graph: at most 60 s for 100 000 samples on one core, without a dense matrix."""

import numpy as np
import pytest

from replearn import spectral


@pytest.mark.parametrize(("n", "limit_s"), [(10_000, 6), (100_000, 60)])
def test_eigenmaps(benchmark, n, limit_s):
    points = np.random.default_rng(0).random((n, 3))
    graph = spectral.knn_graph(points, 10)
    found = benchmark.pedantic(spectral.laplacian_eigenmaps, args=(graph, 8), rounds=1)
    L, degrees = spectral.laplacian(graph)
    residual = np.linalg.norm(L @ found.vectors - found.vectors * found.eigenvalues, axis=0).max() / degrees.max()
    seconds = benchmark.stats.stats.max
    print(f"\neigenmaps, N = {n}: {seconds:.1f} s, relative residual {residual:.1e}")
    assert residual < 1e-6
    assert seconds < limit_s
