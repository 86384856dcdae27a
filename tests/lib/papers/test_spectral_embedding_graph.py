"""The graph that a contrastive method reads off its similarities, against torch and a general solver."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from replearn.papers.spectral_embedding import row_stochastic_graph

rng = np.random.default_rng(0)


def test_entropic_graph_is_the_row_softmax():
    S = torch.randn(9, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    masked = (S / 0.3).masked_fill(torch.eye(9, dtype=torch.bool), -torch.inf)
    np.testing.assert_allclose(row_stochastic_graph(S, 0.3), masked.softmax(dim=1).numpy(), atol=1e-14)
    assert np.isfinite(row_stochastic_graph(S, 1e-4)).all()


def test_frobenius_graph_minimises_its_objective_over_the_simplex():
    S = rng.standard_normal((5, 5))
    G = row_stochastic_graph(S, 0.8, regularizer="frobenius")
    for i in range(5):
        others = np.delete(np.arange(5), i)
        best = minimize(
            lambda g, s=S[i, others]: -s @ g + 0.4 * g @ g,
            np.full(4, 0.25),
            bounds=[(0, 1)] * 4,
            constraints={"type": "eq", "fun": lambda g: g.sum() - 1},
            options={"ftol": 1e-14},
        )
        np.testing.assert_allclose(G[i, others], best.x, atol=1e-6)
    np.testing.assert_array_equal(np.diag(G), 0)


def test_without_regularizer_the_graph_is_the_nearest_neighbour():
    S = rng.standard_normal((7, 7))
    G = row_stochastic_graph(S, 1.0, regularizer="none")
    np.testing.assert_array_equal(G.argmax(axis=1), (S - 1e9 * np.eye(7)).argmax(axis=1))
    np.testing.assert_array_equal(np.sort(G, axis=1)[:, -2:], [[0, 1]] * 7)
    np.testing.assert_allclose(row_stochastic_graph(S, 1e-3), G, atol=1e-6)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: row_stochastic_graph(np.eye(3), 0.0), "temperature must be positive"),
        (lambda: row_stochastic_graph(np.eye(3), 1, regularizer="l1"), "regularizer must be one of"),
        (lambda: row_stochastic_graph(np.ones((3, 2)), 1), "square"),
        (lambda: row_stochastic_graph(np.ones((1, 1)), 1), "two rows"),
    ],
)
def test_bad_input_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
