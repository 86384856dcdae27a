import numpy as np
import pytest
from sklearn.decomposition import PCA

from replearn import data, spectral
from replearn.papers.joint_embedding_vs_reconstruction import (
    PARADIGMS,
    alignment_threshold,
    digits_with_nuisance,
    direction_scores,
    linear_encoder,
    nuisance_moments,
    nuisance_samples,
    pca_with_nuisance,
    random_variances,
)

K, D = 3, 9
SIGNAL = np.eye(D)[:, :K]


def problem(seed, noise):
    rng = np.random.default_rng(seed)
    kappa2 = np.r_[rng.uniform(2, 6, K), np.zeros(D - K)]
    theta = np.r_[rng.uniform(0.4, 1.5, K), rng.uniform(0.01, 0.05, D - K)]
    return kappa2, theta, np.r_[np.zeros(K), noise * rng.uniform(0.3, 1, D - K)]


def population(kappa2, theta, gamma, alpha):
    clean = np.diag(kappa2 + gamma)
    return clean + np.diag(theta + alpha**2 * gamma), clean


def finds_the_signal(arrays, alpha, paradigm):
    C, clean = population(*arrays, alpha)
    je, rc = spectral.joint_embedding_linear(C, clean, K).W, spectral.reduced_rank_regression(clean, C, K).V
    return spectral.principal_angles(je if paradigm == "joint_embedding" else rc, SIGNAL).max() < 45


@pytest.mark.parametrize("paradigm", ["joint_embedding", "reconstruction"])
@pytest.mark.parametrize("noise", [0.6, 12.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_threshold_is_where_the_solution_jumps(paradigm, noise, seed):
    arrays = problem(seed, noise)
    alpha2, _ = alignment_threshold(*arrays, K, paradigm=paradigm)
    if alpha2 <= 0:
        assert finds_the_signal(arrays, 0.0, paradigm)
        return
    assert finds_the_signal(arrays, np.sqrt(alpha2) + 1e-4, paradigm)
    assert not finds_the_signal(arrays, max(np.sqrt(alpha2) - 1e-4, 0), paradigm)


def test_weak_noise_suits_reconstruction_and_strong_noise_joint_embedding():
    for seed in range(4):
        for noise, easier in ((0.6, "reconstruction"), (12.0, "joint_embedding")):
            arrays = problem(seed, noise)
            (rc, eta), (je, delta) = (
                alignment_threshold(*arrays, K, paradigm=p) for p in ("reconstruction", "joint_embedding")
            )
            gamma = arrays[2][K:]
            assert (gamma.max() < eta**2 / delta) == (easier == "reconstruction") == (gamma.min() < eta**2 / delta)
            assert (rc < je) == (easier == "reconstruction")
            assert je <= (1 - delta) / delta


@pytest.mark.parametrize("alpha", [0.0, 0.7, 3.0])
def test_scores_are_what_the_closed_forms_rank_by(alpha):
    arrays = problem(0, 2.0)
    C, clean = population(*arrays, alpha)
    je = direction_scores(*arrays, alpha)
    np.testing.assert_allclose(np.sort(je)[::-1], spectral.joint_embedding_linear(C, clean, D).eigenvalues, rtol=1e-10)
    rc = direction_scores(*arrays, alpha, paradigm="reconstruction")
    np.testing.assert_allclose(np.sort(rc)[::-1], spectral.reduced_rank_regression(clean, C, D).phi, rtol=1e-10)
    assert direction_scores([0.0], [0.0], [0.0], alpha)[0] == 0


def test_moments_of_the_model_are_those_of_its_diagonal():
    arrays = problem(1, 2.0)
    moments = nuisance_moments(*arrays, 0.7)
    C, clean = population(*arrays, 0.7)
    for got, expected in zip(moments, (C, clean, clean), strict=True):
        np.testing.assert_allclose(got, expected)


def test_samples_have_the_exact_signal_and_the_random_noise():
    kappa2, _, gamma = problem(0, 2.0)
    clean, corrupted = nuisance_samples(kappa2, gamma, 40_000, seed=3)
    np.testing.assert_allclose(clean.T @ clean / 40_000, np.diag(kappa2), atol=1e-12)
    noise = corrupted - clean
    assert not noise[:, :K].any()
    np.testing.assert_allclose(np.cov(noise.T, bias=True), np.diag(gamma), atol=0.05)
    np.testing.assert_allclose(clean[:, :K].T @ noise / 40_000, 0, atol=0.1)
    np.testing.assert_array_equal(corrupted, nuisance_samples(kappa2, gamma, 40_000, seed=3)[1])
    assert not np.array_equal(corrupted, nuisance_samples(kappa2, gamma, 40_000, seed=4)[1])


def test_components_are_scikit_learns_and_the_noise_stays_in_its_columns():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((4000, 6)) @ rng.standard_normal((6, 6)) + 3
    clean, corrupted = pca_with_nuisance(X, 4, [1.0, 9.0], fit=3000, seed=5)
    expected = PCA(4).fit(X[:3000]).transform(X)
    np.testing.assert_allclose(abs(clean[:, :4]), abs(expected), atol=1e-8)
    assert not clean[:, 4:].any()
    noise = corrupted - clean
    assert not noise[:, :4].any()
    np.testing.assert_allclose(np.cov(noise[:, 4:].T), np.diag([1.0, 9.0]), atol=0.5)
    np.testing.assert_array_equal(corrupted, pca_with_nuisance(X, 4, [1.0, 9.0], fit=3000, seed=5)[1])


@pytest.mark.parametrize("seed", range(3))
def test_random_variances_are_the_ones_written_out_above(seed):
    for got, expected in zip(
        random_variances(2.0, signals=K, nuisances=D - K, seed=seed), problem(seed, 2.0), strict=True
    ):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("alpha", [0.0, 0.7, 3.0])
@pytest.mark.parametrize("paradigm", PARADIGMS)
def test_the_encoder_keeps_the_directions_with_the_largest_scores_and_is_white(paradigm, alpha):
    arrays = problem(0, 2.0)
    moments = nuisance_moments(*arrays, alpha)
    encoder = linear_encoder(moments, K, paradigm=paradigm)
    best = np.argsort(direction_scores(*arrays, alpha, paradigm=paradigm))[-K:]
    assert spectral.subspace_overlap(encoder, np.eye(D)[:, best]) == pytest.approx(1, abs=1e-10)
    np.testing.assert_allclose(encoder.T @ moments.C @ encoder, np.eye(K), atol=1e-10)


def test_targets_of_variance_one_make_reconstruction_rank_like_joint_embedding():
    moments = nuisance_moments(*problem(1, 12.0), 1.0)
    targets = moments.C_clean / np.sqrt(np.diag(moments.C_clean))[:, None]
    phi = spectral.reduced_rank_regression(targets, moments.C, D).phi
    np.testing.assert_allclose(phi**2, spectral.joint_embedding_linear(moments.C, moments.C_plus, D).eigenvalues)


def test_digits_have_their_components_and_their_nuisance_in_separate_columns():
    digits = digits_with_nuisance(1e4, n=300, dim=6, seed=2)
    mnist = data.load("mnist_10k")
    np.testing.assert_array_equal(digits.labels[300:], mnist.labels[8000:])
    np.testing.assert_array_equal(digits.clean[:, :6], digits.corrupted[:, :6])
    assert not digits.clean[:, 6:].any()
    assert not digits.gamma[:6].any()
    assert (digits.gamma[6:] > 0).all()
    assert digits.gamma.max() <= 1e4
    assert digits.theta.max() <= 1e4
    np.testing.assert_allclose(digits.corrupted[:, 6:].var(0), digits.gamma[6:], rtol=0.2)
    expected = PCA(6).fit(255 * mnist.images[8000:].flatten(1).numpy()).explained_variance_
    np.testing.assert_allclose(digits.clean[:300, :6].var(0), expected, rtol=0.25)


GOOD = problem(0, 1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: alignment_threshold(*GOOD, K, paradigm="mae"), "paradigm must be"),
        (lambda: alignment_threshold(*GOOD, D), "dim must be"),
        (lambda: alignment_threshold(*GOOD, K + 1), "kappa2 must be positive"),
        (
            lambda: alignment_threshold(GOOD[0], GOOD[1], GOOD[2] + 1, K),
            "gamma must be zero",
        ),
        (
            lambda: alignment_threshold(GOOD[0], GOOD[1], 0 * GOOD[2], K),
            "positive on the others",
        ),
        (
            lambda: alignment_threshold(GOOD[0], -GOOD[1], GOOD[2], K),
            "theta must hold variances",
        ),
        (lambda: direction_scores(GOOD[0], GOOD[1][:2], GOOD[2], 1.0), "one length"),
        (lambda: direction_scores(*GOOD, -1.0), "alpha must be"),
        (lambda: linear_encoder(nuisance_moments(*GOOD, 1.0), K, paradigm="mae"), "paradigm must be"),
        (lambda: linear_encoder(nuisance_moments(*GOOD, 1.0), D + 1), "dim"),
        (lambda: random_variances(0.0), "size must be"),
        (lambda: random_variances(1.0, signals=0), "signals must be"),
        (lambda: digits_with_nuisance(-1.0), "largest must be"),
        (lambda: digits_with_nuisance(1.0, n=8001), "n must be"),
        (lambda: digits_with_nuisance(1.0, dim=785), "dim must be"),
        (lambda: nuisance_moments(*GOOD, -1.0), "alpha must be"),
        (lambda: nuisance_moments(GOOD[0], GOOD[1][:2], GOOD[2], 1.0), "one length"),
        (
            lambda: nuisance_samples(GOOD[0], -GOOD[2], 100),
            "gamma must hold variances",
        ),
        (
            lambda: nuisance_samples(GOOD[0], GOOD[2], D),
            "n .more than the dimensions",
        ),
        (lambda: pca_with_nuisance(np.eye(3), 4, [1.0]), "dim must be"),
        (lambda: pca_with_nuisance(np.eye(3), 2, [-1.0]), "negative"),
        (lambda: pca_with_nuisance(np.eye(3), 2, [1.0], fit=4), "fit must be"),
        (lambda: pca_with_nuisance(np.eye(3) * np.nan, 2, [1.0]), "NaN"),
        (lambda: direction_scores(GOOD[0] * np.nan, GOOD[1], GOOD[2], 1.0), "NaN"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
