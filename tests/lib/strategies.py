"""What the property tests draw: small batches, graphs and settings, whose numbers come from a drawn seed.

Shapes, seeds and scales are drawn, entries are normal: a failing case is named by three numbers, and no test has to
step around rows of zeros.
"""

import numpy as np
import torch
from hypothesis import strategies as st

from replearn import spectral
from sampling import rows

seeds = st.integers(0, 2**16)
temperatures = st.floats(0.05, 5)


@st.composite
def batches(draw, *, count=1, samples=(2, 9), dims=(1, 6), scales=(0.1, 1.0, 10.0)):
    """``count`` matrices (N, K) of one shape, float64; one of them bare where count is 1."""
    shape, seed, scale = (
        (draw(st.integers(*samples)), draw(st.integers(*dims))),
        draw(seeds),
        draw(st.sampled_from(scales)),
    )
    drawn = [scale * rows(*shape, seed=seed * count + i, dtype=torch.float64) for i in range(count)]
    return drawn[0] if count == 1 else drawn


@st.composite
def views(draw, **shape):
    """Two views (N, K) of the same samples: they agree by as much as is drawn, from not at all to entirely."""
    first, noise = draw(batches(count=2, **shape))
    agreement = draw(st.sampled_from([0.0, 0.5, 0.9, 1.0]))
    return first, agreement * first + (1 - agreement) * noise


@st.composite
def orders(draw, n):
    """A permutation of n samples."""
    return torch.tensor(draw(st.permutations(range(n))))


def rotation(dim, seed):
    """A random orthogonal matrix (K, K), float64."""
    return torch.linalg.qr(rows(dim, dim, seed=seed, dtype=torch.float64))[0]


@st.composite
def grids(draw, side=7):
    """Rows and columns of patches, at least two patches in all."""
    return draw(st.tuples(st.integers(1, side), st.integers(1, side)).filter(lambda grid: grid[0] * grid[1] > 1))


@st.composite
def graphs(draw, samples=(6, 12)):
    """A weighted, connected graph (N, N), dense: a ring with random weights, and some chords."""
    n, rng = draw(st.integers(*samples)), np.random.default_rng(draw(seeds))
    ring, ends = np.arange(n), rng.integers(n, size=(2, n))
    ends = ends[:, ends[0] != ends[1]]
    i, j = np.concatenate([ring, ends[0]]), np.concatenate([(ring + 1) % n, ends[1]])
    return spectral.pairs_graph(i, j, n, rng.uniform(0.5, 1.5, len(i))).toarray()
