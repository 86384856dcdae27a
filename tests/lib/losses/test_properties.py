"""What holds for every batch: bounds of the losses, and what leaves them as they are."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from replearn import losses
from strategies import batches, orders, rotation, seeds, temperatures, views

TWO_VIEWS = {
    "nt_xent": losses.nt_xent,
    "dcl": losses.dcl,
    "info_nce": losses.info_nce,
    "info_nce, symmetric": lambda a, b: losses.info_nce(a, b, symmetric=True),
    "spectral_contrastive": losses.spectral_contrastive,
    "vicreg": losses.vicreg,
    "barlow_twins": losses.barlow_twins,
    "w_mse": lambda a, b: losses.w_mse(a, b, shrink=0.1),
    "align_loss": losses.align_loss,
    "align_uniform": losses.align_uniform,
    "byol_loss": losses.byol_loss,
    "simsiam_loss": losses.simsiam_loss,
    "swav_loss": losses.swav_loss,
}
SYMMETRIC = set(TWO_VIEWS) - {"info_nce"}
COSINES = ["nt_xent", "dcl", "info_nce", "align_loss", "align_uniform", "byol_loss", "simsiam_loss"]
ROTATED = [*COSINES, "spectral_contrastive"]


def close(found, expected, scale=1.0):
    """Equal up to rounding, where terms as large as ``scale`` may cancel."""
    found, expected = (torch.stack(v) if isinstance(v, tuple) else v for v in (found, expected))
    torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-9 * scale)


@pytest.mark.parametrize("name", TWO_VIEWS)
@given(data=st.data(), pair=views())
def test_the_order_of_the_samples_does_not_matter(name, data, pair):
    a, b = pair
    order = data.draw(orders(len(a)))
    loss = TWO_VIEWS[name]
    close(loss(a[order], b[order]), loss(a, b), scale=1 + float(a.abs().max()) ** 4)


@pytest.mark.parametrize("name", sorted(SYMMETRIC))
@given(pair=views())
def test_the_two_views_may_change_places(name, pair):
    a, b = pair
    close(TWO_VIEWS[name](b, a), TWO_VIEWS[name](a, b), scale=1 + float(a.abs().max()) ** 4)


@pytest.mark.parametrize("name", COSINES)
@given(pair=views(), seed=seeds)
def test_losses_of_cosines_do_not_see_how_long_a_vector_is(name, pair, seed):
    a, b = pair
    lengths = 10 ** (2 * torch.rand(2, len(a), 1, generator=torch.Generator().manual_seed(seed), dtype=a.dtype) - 1)
    close(TWO_VIEWS[name](lengths[0] * a, lengths[1] * b), TWO_VIEWS[name](a, b))


@pytest.mark.parametrize("name", ROTATED)
@given(pair=views(), seed=seeds)
def test_losses_of_inner_products_do_not_see_a_rotation_of_the_space(name, pair, seed):
    a, b = pair
    turn = rotation(a.shape[1], seed)
    close(TWO_VIEWS[name](a @ turn, b @ turn), TWO_VIEWS[name](a, b), scale=1 + float(a.abs().max()) ** 4)


@given(pair=views(), seed=seeds)
def test_vicreg_sees_no_common_shift_and_barlow_twins_no_affine_map_of_a_dimension(pair, seed):
    a, b = pair
    shift, stretch = torch.randn(2, a.shape[1], generator=torch.Generator().manual_seed(seed), dtype=a.dtype)
    close(losses.vicreg(a + shift, b + shift), losses.vicreg(a, b), scale=1 + float(a.abs().max()) ** 4)
    moved = [z * (0.5 + stretch.abs()) + shift for z in (a, b)]
    close(losses.barlow_twins(*moved, eps=0), losses.barlow_twins(a, b, eps=0))


@given(pair=views(samples=(8, 16), dims=(1, 4)), seed=seeds)
def test_w_mse_sees_no_triangular_map_of_either_view(pair, seed):
    a, b = pair
    maps = torch.randn(2, a.shape[1], a.shape[1], generator=torch.Generator().manual_seed(seed), dtype=a.dtype)
    lower = maps.tril(-1) + torch.eye(a.shape[1], dtype=a.dtype)
    close(losses.w_mse(a @ lower[0].T + 3, b @ lower[1].T), losses.w_mse(a, b))


@given(pair=views(), temperature=temperatures)
def test_a_softmax_of_cosines_stays_between_its_best_and_its_worst_case(pair, temperature):
    a, b = pair
    others = 2 * len(a) - 2
    low, high = (math.log1p(others * math.exp(sign * 2 / temperature)) for sign in (-1, 1))
    assert low - 1e-9 <= losses.nt_xent(a, b, temperature=temperature) <= high + 1e-9
    low, high = (math.log1p((len(a) - 1) * math.exp(sign * 2 / temperature)) for sign in (-1, 1))
    assert low - 1e-9 <= losses.info_nce(a, b, temperature=temperature) <= high + 1e-9
    decoupled = losses.dcl(a, b, temperature=temperature)
    assert abs(decoupled - math.log(others)) <= 2 / temperature + 1e-9
    assert decoupled <= losses.nt_xent(a, b, temperature=temperature)


@given(pair=views(), t=st.floats(0.1, 5))
def test_losses_on_the_sphere_stay_within_their_bounds(pair, t):
    a, b = pair
    slack = 1e-9
    assert -slack <= losses.align_loss(a, b) <= 4 + slack
    assert -4 * t - slack <= losses.uniform_loss(a, t=t) <= slack
    assert -slack <= losses.byol_loss(a, b) <= 4 + slack
    assert -1 - slack <= losses.simsiam_loss(a, b) <= 1 + slack
    assert -slack <= losses.w_mse(a, b, shrink=0.1) <= 4 + slack


@given(pair=views(), gamma=st.floats(0.1, 3))
def test_terms_of_the_canonical_family_stay_within_their_bounds(pair, gamma):
    a, b = pair
    total, invariance, variance, covariance = losses.vicreg(a, b, gamma=gamma)
    assert min(total, invariance, variance, covariance) >= -1e-9 and variance <= gamma
    total, invariance, redundancy = losses.barlow_twins(a, b)
    k = a.shape[1]
    assert 0 <= invariance <= 4 * k and -1e-9 <= redundancy <= k * (k - 1) + 1e-9
    assert losses.decorrelation_loss(a) >= 0


@given(a=batches())
def test_views_that_agree_cost_no_alignment(a):
    assert losses.vicreg(a, a).invariance == 0 == losses.align_loss(a, a)
    assert losses.byol_loss(a, a) == pytest.approx(0, abs=1e-9) == losses.w_mse(a, a, shrink=0.1)
    assert losses.barlow_twins(a, a, eps=0).invariance == pytest.approx(0, abs=1e-9)
    assert losses.multi_view_alignment(torch.stack([a, a, a], 1)) == pytest.approx(0, abs=1e-9)


@given(data=st.data(), a=batches(samples=(4, 9)), temperature=temperatures)
def test_sup_con_is_positive_and_sees_neither_order_nor_the_names_of_the_classes(data, a, temperature):
    more = data.draw(st.lists(st.integers(0, 1), min_size=len(a) - 4, max_size=len(a) - 4))
    labels = torch.tensor([0, 0, 1, 1, *more])
    order = data.draw(orders(len(a)))
    loss = losses.sup_con(a, labels, temperature=temperature)
    assert loss > 0
    close(losses.sup_con(3 * a[order], 7 - labels[order], temperature=temperature), loss)


@given(triplet=batches(count=3, scales=(0.1, 1.0)), seed=seeds, margin=st.floats(0.1, 2))
def test_distances_see_neither_a_shift_nor_a_rotation(triplet, seed, margin):
    moved = [z @ rotation(z.shape[1], seed) + 3 for z in triplet]
    close(losses.triplet_loss(*moved, margin=margin), losses.triplet_loss(*triplet, margin=margin))
    same = torch.arange(len(moved[0])) % 2
    pairs = [losses.contrastive_pair_loss(*z[:2], same, margin=margin) for z in (moved, triplet)]
    close(*pairs)
    close(losses.multi_view_alignment(torch.stack(moved, 1)), losses.multi_view_alignment(torch.stack(triplet, 1)))
    assert 0 <= losses.triplet_loss(triplet[0], triplet[0], triplet[2], margin=margin) <= margin


@given(pair=views(dims=(2, 6)), shift=st.floats(-5, 5), temperature=temperatures)
def test_logits_count_up_to_a_constant_and_cost_at_least_the_targets_entropy(pair, shift, temperature):
    student, teacher = torch.stack(pair), torch.stack(pair[::-1])
    loss = losses.dino_loss(student, teacher, teacher_temperature=temperature)
    close(losses.dino_loss(student + shift, teacher - shift, teacher_temperature=temperature), loss, scale=100)
    entropy = torch.special.entr((teacher / temperature).softmax(2)).sum(2).mean()
    assert loss >= entropy - 1e-9
    codes = [losses.sinkhorn(z) for z in pair]
    assert losses.swav_loss(*pair) >= torch.special.entr(torch.stack(codes)).sum(2).mean() - 1e-9


@given(scores=batches(samples=(2, 9), dims=(2, 5), scales=(0.1, 1.0)), eps=st.floats(0.2, 2), seed=seeds)
def test_sinkhorns_rows_are_exact_and_its_columns_come_closer_to_balance(scores, eps, seed):
    n, k = scores.shape
    codes = [losses.sinkhorn(scores, eps=eps, steps=steps) for steps in (1, 2, 4, 300)]
    for q in codes:
        assert (q >= 0).all()
        torch.testing.assert_close(q.sum(1), torch.ones(n, dtype=q.dtype))
    unbalance = [float((q.sum(0) - n / k).abs().sum()) for q in codes]
    assert all(later <= before + 1e-9 for before, later in pairwise(unbalance))
    assert unbalance[-1] < 1e-6 * n
    moved = scores + torch.randn(n, 1, generator=torch.Generator().manual_seed(seed), dtype=scores.dtype)
    torch.testing.assert_close(losses.sinkhorn(moved, eps=eps, steps=300), codes[-1], rtol=0, atol=1e-6)


@given(pair=batches(count=2, dims=(2, 6)), beta=st.floats(0.1, 2))
def test_masked_prediction_is_free_where_the_target_is_met_and_positive_elsewhere(pair, beta):
    pred, target = (z[None] for z in pair)
    masked = torch.arange(pred.shape[1])[None].flip(1)
    for loss in (losses.mae_loss, losses.simmim_loss):
        assert loss(target.flip(1), target, masked) == 0 < loss(pred, target, masked)
    met = torch.nn.functional.layer_norm(target, target.shape[-1:])
    assert losses.latent_loss(met, target, beta=beta) == 0 < losses.latent_loss(met + 1, target, beta=beta)
    near, far = (losses.mae_loss(pred, 1e4 * (c * target + 2), masked, normalize=True) for c in (1, 5))
    close(near, far)
