"""Von Mises-Fisher draws against scipy, exact inverses, and the worlds' own laws."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import stats
from scipy.special import ive

from replearn.data import InvertibleMLP, bayes_cross_entropy, invertible_mlp, latent_world, sample_vmf
from sampling import draws


def direction(d, n):
    mu = torch.arange(1.0, d + 1, dtype=torch.float64)
    return (mu / mu.norm()).expand(n, d)


@pytest.mark.parametrize("d", [2, 3, 5, 20])
@pytest.mark.parametrize("kappa", [0.0, 0.5, 10.0, 1000.0])
def test_vmf_has_the_mean_cosine_of_bessel_functions(d, kappa):
    mu = direction(d, 20_000)
    z = sample_vmf(mu, kappa, draws())
    cosine = (z * mu).sum(1)
    torch.testing.assert_close(z.norm(dim=1), torch.ones(len(z), dtype=z.dtype))
    expected = ive(d / 2, kappa) / ive(d / 2 - 1, kappa) if kappa else 0.0
    assert cosine.mean().item() == pytest.approx(expected, abs=4 * cosine.std().item() / len(z) ** 0.5)


@pytest.mark.parametrize("d", [2, 3, 5])
def test_vmf_is_distributed_as_scipys(d):
    mu = direction(d, 2000)
    ours = sample_vmf(mu, 4.0, draws()).numpy()
    theirs = stats.vonmises_fisher(mu[0].numpy(), 4.0).rvs(2000, random_state=0)
    for axis in (mu[0].numpy(), np.eye(d)[0]):
        assert stats.ks_2samp(ours @ axis, theirs @ axis).pvalue > 0.01


def test_vmf_draws_are_independent_and_come_from_the_generator():
    mu = direction(3, 4000)
    z = sample_vmf(mu, 2.0, draws())
    cosine = (z * mu).sum(1)
    assert abs(np.corrcoef(cosine[:-1], cosine[1:])[0, 1]) < 0.06
    assert torch.equal(z, sample_vmf(mu, 2.0, draws())) and not torch.equal(z, sample_vmf(mu, 2.0, draws(1)))
    assert sample_vmf(mu.float(), 2.0, draws()).dtype == torch.float32


@pytest.mark.parametrize(("d", "layers"), [(2, 1), (3, 3), (5, 4)])
def test_the_inverse_undoes_the_mixing(d, layers):
    mixing = invertible_mlp(d, layers=layers, seed=1, dtype=torch.float64)
    z = torch.randn(100, d, generator=draws(), dtype=torch.float64)
    torch.testing.assert_close(mixing.inverse(mixing(z)), z, rtol=0, atol=1e-10)
    torch.testing.assert_close(mixing(mixing.inverse(z)), z, rtol=0, atol=1e-10)


def test_the_mixing_is_its_layers_written_out():
    mixing = invertible_mlp(3, layers=3, slope=0.1, dtype=torch.float64)
    z = np.random.default_rng(0).normal(size=(10, 3))
    x = z.T
    for i, weight in enumerate(mixing.weights.numpy()):
        np.testing.assert_allclose(np.linalg.norm(weight, axis=0), 1)
        assert np.linalg.cond(weight) <= 3
        x = weight @ (x if i == 0 else np.where(x > 0, x, 0.1 * x))
    np.testing.assert_allclose(mixing(torch.tensor(z)).numpy(), x.T, atol=1e-12)
    assert isinstance(mixing, InvertibleMLP) and not list(mixing.parameters())


def test_mixings_are_decided_by_the_seed():
    assert torch.equal(invertible_mlp(3, seed=1).weights, invertible_mlp(3, seed=1).weights)
    assert not torch.allclose(invertible_mlp(3, seed=1).weights, invertible_mlp(3, seed=2).weights)
    assert invertible_mlp(3).weights.dtype == torch.float32


def test_classes_scatter_around_their_centres():
    world = latent_world(4, n_classes=6, kappa=8.0, dtype=torch.float64)
    z, c = world.classes(6000, draws())
    torch.testing.assert_close(world.centres.norm(dim=1), torch.ones(6, dtype=torch.float64))
    assert torch.bincount(c, minlength=6).min() > 850
    for i in range(6):
        mean = z[c == i].mean(0)
        assert (mean / mean.norm() @ world.centres[i]).item() > 0.995


def test_pairs_share_content_and_style_as_told():
    world = latent_world(3, kappa=20.0, style=2, rho=0.6, dtype=torch.float64)
    a, b = world.pair(8000, draws())
    assert a.shape == b.shape == (8000, 5)
    cosine = (a[:, :3] * b[:, :3]).sum(1)
    assert cosine.mean().item() == pytest.approx(ive(1.5, 20) / ive(0.5, 20), abs=0.005)
    style = np.corrcoef(a[:, 3:].T, b[:, 3:].T)
    np.testing.assert_allclose(style[:2, 2:], 0.6 * np.eye(2), atol=0.04)
    np.testing.assert_allclose(torch.cat([a, b])[:, 3:].std(0), 0.5, atol=0.02)
    fixed = world._replace(rho=1.0)
    a, b = fixed.pair(10, draws())
    assert torch.equal(a[:, 3:], b[:, 3:])


def test_samples_are_uniform_on_the_sphere_and_render_to_invertible_views():
    world = latent_world(3, style=1, dtype=torch.float64)
    z = world.sample(6000, draws())
    np.testing.assert_allclose(np.cov(z[:, :3].T), np.eye(3) / 3, atol=0.02)
    torch.testing.assert_close(world.mixing.inverse(world.render(z)), z, rtol=0, atol=1e-10)
    assert latent_world(3).sample(5, draws()).dtype == torch.float32


def test_views_are_rendered_pairs():
    world = latent_world(3, style=2, seed=1)
    expected = [world.render(z) for z in world.pair(50, draws())]
    for seen, wanted in zip(world.views(50, draws()), expected, strict=True):
        assert torch.equal(seen, wanted)


def test_listed_views_are_rows_of_the_list_and_keep_partners():
    world = latent_world(3, seed=1)
    x, x_positive = world.views(7, draws())
    a, b = world.listed_views(7, draws())(200, draws(1))
    index = (a[:, None] == x).all(2).float().argmax(1)
    assert torch.equal(a, x[index]) and torch.equal(b, x_positive[index])
    assert set(index.tolist()) == set(range(7))


def test_labels_follow_the_posterior_of_bayes_rule():
    world = latent_world(3, n_classes=4, style=1, seed=1, dtype=torch.float64)
    x, c = world.labelled(40_000, draws())
    z = world.mixing.inverse(x)
    density = torch.stack([(world.kappa * z[:, :3] @ centre).exp() for centre in world.centres], 1)
    torch.testing.assert_close(world.posterior(z), density / density.sum(1, keepdim=True))
    north = (z[:, :3] @ world.centres[0] > 0.5).double()
    counted, expected = F.one_hot(c, 4).double(), world.posterior(z)
    torch.testing.assert_close(north @ counted / north.sum(), north @ expected / north.sum(), atol=0.02, rtol=0)


def test_bayes_cross_entropy_is_that_of_the_posterior():
    world = latent_world(3, n_classes=5, dtype=torch.float64)
    z, c = world.classes(4000, draws())
    densities = np.stack([stats.vonmises_fisher(v.numpy(), 5.0).pdf(z.numpy()) for v in world.centres], 1)
    posterior = densities / densities.sum(1, keepdims=True)
    expected = -np.log(posterior[np.arange(4000), c]).mean()
    assert bayes_cross_entropy(world.centres, 5.0, z, c) == pytest.approx(expected, abs=1e-10)
    assert min(bayes_cross_entropy(world.centres, k, z, c) for k in (2.0, 15.0)) > expected


E3 = torch.eye(3)
CLASSES = torch.tensor([0, 1, 2])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sample_vmf(2 * E3, 1.0, draws()), "length 1"),
        (lambda: sample_vmf(torch.ones(4, 1), 1.0, draws()), "at least 2 columns"),
        (lambda: sample_vmf(E3, -1.0, draws()), "kappa must be at least 0"),
        (lambda: sample_vmf(E3[0], 1.0, draws()), "matrix"),
        (lambda: invertible_mlp(0), "d must be an integer"),
        (lambda: invertible_mlp(3, layers=0), "layers"),
        (lambda: invertible_mlp(3, slope=0), "slope must be positive"),
        (lambda: invertible_mlp(6, max_cond=1.01), "condition number up to 1.01"),
        (lambda: latent_world(1), "d must be an integer"),
        (lambda: latent_world(3, n_classes=1), "n_classes"),
        (lambda: latent_world(3, style=-1), "style"),
        (lambda: latent_world(3, kappa=-1), "kappa"),
        (lambda: latent_world(3, rho=1.5), "rho"),
        (lambda: bayes_cross_entropy(E3, 1.0, E3[:, :2], CLASSES), "equally many columns"),
        (lambda: bayes_cross_entropy(E3, -1.0, E3, CLASSES), "kappa"),
        (lambda: bayes_cross_entropy(E3, 1.0, E3, CLASSES + 1), "below 3"),
        (lambda: bayes_cross_entropy(E3, 1.0, E3, CLASSES[:2]), "each of the 3 samples"),
        (lambda: bayes_cross_entropy(E3, 1.0, E3 * torch.nan, CLASSES), "NaN"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
