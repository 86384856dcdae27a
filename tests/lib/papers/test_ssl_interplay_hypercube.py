from itertools import combinations

import numpy as np
import pytest

from replearn.papers.ssl_interplay import (
    augmentation_operator,
    crop_channel,
    crop_eigenvalue,
    cyclic_diameter,
    degree_eigenvalues,
    flip_channel,
    hypercube,
    parity,
    parity_basis,
)

D = 6
CUBE = hypercube(D)
SETS = [S for k in range(D + 1) for S in combinations(range(D), k)]
PARITIES = np.stack([parity(CUBE, S) for S in SETS], axis=1)


def shortest_interval(S):
    """Length of the shortest cyclic interval that contains S."""
    return min(1 + max((s - start) % D for s in S) for start in S)


def test_the_cube_holds_each_point_once_and_parities_are_its_orthonormal_basis():
    assert len({tuple(x) for x in CUBE}) == 2**D and set(CUBE.ravel()) == {-1.0, 1.0}
    assert CUBE[0].sum() == D
    np.testing.assert_array_equal(PARITIES.T @ PARITIES / 2**D, np.eye(2**D))
    assert parity(CUBE, [1, 4])[37] == CUBE[37, 1] * CUBE[37, 4]


def test_the_basis_lists_the_parities_with_their_degree_and_diameter():
    basis = parity_basis(D)
    assert basis.sets == SETS
    np.testing.assert_array_equal(basis.values, PARITIES)
    for S, column, degree, diameter in zip(basis.sets, basis.values.T, basis.degree, basis.diameter, strict=True):
        minus = np.sum(CUBE[:, list(S)] < 0, axis=1)
        np.testing.assert_array_equal(column, np.where(minus % 2, -1, 1))
        assert degree == len(S)
        assert diameter == (shortest_interval(S) if S else 0)


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9])
def test_flips_follow_from_flipping_bit_by_bit_and_parities_diagonalise_them(p):
    one = np.array([[1 - p, p], [p, 1 - p]])
    bits = one
    for _ in range(D - 1):
        bits = np.kron(bits, one)
    np.testing.assert_allclose(flip_channel(D, p), bits, atol=1e-15)
    T = augmentation_operator(bits)
    tau = np.array([(1 - 2 * p) ** (2 * len(S)) for S in SETS])
    np.testing.assert_allclose(T @ PARITIES, PARITIES * tau, atol=1e-12)


@pytest.mark.parametrize("w", range(1, D + 1))
def test_crops_keep_a_window_and_parities_diagonalise_them(w):
    P = crop_channel(D, w)
    np.testing.assert_allclose(P.sum(axis=1), 1)
    x, v = 11, 50
    agree = [
        np.all(CUBE[x, [(s + i) % D for i in range(w)]] == CUBE[v, [(s + i) % D for i in range(w)]]) for s in range(D)
    ]
    assert P[x, v] == pytest.approx(np.mean(agree) * 2.0 ** (w - D))
    tau = np.array([crop_eigenvalue(S, D, w) for S in SETS])
    np.testing.assert_allclose(augmentation_operator(P) @ PARITIES, PARITIES * tau, atol=1e-12)
    assert crop_eigenvalue([], D, w) == 1


@pytest.mark.parametrize("w", [1, 2, 3])
def test_crop_eigenvalues_depend_on_the_diameter_while_the_window_is_short(w):
    for S in SETS[1:]:
        assert crop_eigenvalue(S, D, w) == (max(w + 1 - shortest_interval(S), 0) / D) ** 2


def test_the_diameter_is_what_the_widest_gap_leaves():
    assert cyclic_diameter([], D) == 0
    for S in SETS[1:]:
        gaps = np.diff([*S, S[0] + D])
        assert cyclic_diameter(S[::-1], D) == D + 1 - gaps.max()


@pytest.mark.parametrize("h", [lambda u: np.exp(2 * u), lambda u: (1 + u) ** 3, np.arccos])
def test_kernel_eigenvalues_depend_on_the_number_of_bits_alone(h):
    nu = degree_eigenvalues(h, D)
    kernel = h(np.clip(CUBE @ CUBE.T / D, -1, 1)) / 2**D
    np.testing.assert_allclose(kernel @ PARITIES, PARITIES * nu[[len(S) for S in SETS]], atol=1e-12)


def test_the_papers_example_swaps_local_triples_for_spread_pairs():
    nu = degree_eigenvalues(lambda u: np.exp(2 * u), 8)
    np.testing.assert_allclose(nu[:5], [1.281, 0.314, 0.0768, 0.0188, 0.0046], atol=5e-4)
    local, spread = crop_eigenvalue([0, 1, 2], 8, 4), crop_eigenvalue([0, 3], 8, 4)
    assert (local, spread) == (1 / 16, 1 / 64)
    assert (local - spread) / (1 / nu[3] - 1 / nu[2]) == pytest.approx(1.168e-3, rel=1e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hypercube(0), "d must be"),
        (lambda: hypercube(15), "d must be"),
        (lambda: parity_basis(0), "d must be"),
        (lambda: parity(CUBE, [D]), "coordinate of S"),
        (lambda: parity(CUBE, [0, 0]), "distinct"),
        (lambda: parity(2 * CUBE, [0]), "-1 and 1"),
        (lambda: flip_channel(3, 1.5), "p must lie"),
        (lambda: crop_channel(3, 4), "w must be"),
        (lambda: crop_eigenvalue([3], 3, 2), "coordinate of S"),
        (lambda: crop_eigenvalue([0], 3, 0), "w must be"),
        (lambda: cyclic_diameter([D], D), "coordinate of S"),
        (lambda: cyclic_diameter([0], 0), "d must be"),
        (lambda: degree_eigenvalues(np.exp, 0), "d must be"),
        (lambda: degree_eigenvalues(lambda u: 1.0, 3), "one value per number"),
        (lambda: degree_eigenvalues(lambda u: u * np.nan, 3), "NaN"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
