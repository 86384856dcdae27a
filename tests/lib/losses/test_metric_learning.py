"""Pairs, triplets, alignment and uniformity against torch, scipy and hand-written sums."""

import math

import pytest
import torch
from scipy.spatial.distance import pdist
from torch.nn import functional as F

from replearn import losses


def embeddings(n=7, k=4, count=3):
    return torch.randn(count, n, k, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


A, B, C = embeddings()


def test_pairs_are_pulled_together_or_pushed_to_the_margin():
    same = torch.tensor([1, 0, 0, 1, 0, 1, 0])
    expected = 0.0
    for a, b, s in zip(A, B, same, strict=True):
        d = math.dist(a, b)
        expected += d**2 if s else max(0, 3.0 - d) ** 2
    assert losses.contrastive_pair_loss(A, B, same, margin=3.0).item() == pytest.approx(expected / 7, rel=1e-12)
    torch.testing.assert_close(
        losses.contrastive_pair_loss(A, B, same.bool(), margin=3.0),
        losses.contrastive_pair_loss(A, B, same, margin=3.0),
    )


def test_a_pair_in_one_point_has_a_finite_gradient():
    a = A.clone().requires_grad_()
    losses.contrastive_pair_loss(a, A, torch.zeros(7)).backward()
    assert torch.isfinite(a.grad).all()


def test_triplets_are_torchs_with_squared_distances():
    reference = torch.nn.TripletMarginWithDistanceLoss(
        distance_function=lambda a, b: (a - b).square().sum(1), margin=2.0
    )
    torch.testing.assert_close(losses.triplet_loss(A, B, C, margin=2.0), reference(A, B, C))


def test_alignment_is_twice_one_minus_the_cosine():
    torch.testing.assert_close(losses.align_loss(A, 3 * B), (2 - 2 * F.cosine_similarity(A, B)).mean())
    assert losses.align_loss(A, 5 * A).item() == pytest.approx(0, abs=1e-14)


@pytest.mark.parametrize("t", [0.5, 2.0, 10.0])
def test_uniformity_is_the_mean_over_scipys_pairs(t):
    distances = pdist(F.normalize(A).numpy())
    expected = math.log(sum(math.exp(-t * d**2) for d in distances) / len(distances))
    assert losses.uniform_loss(A, t=t).item() == pytest.approx(expected, rel=1e-12)
    assert losses.uniform_loss(torch.ones(4, 3)).item() == pytest.approx(0, abs=1e-6)


def test_both_terms_are_those_of_scipys_pairs_and_of_cosines():
    terms = losses.align_uniform(A, B, align=0.5, uniform=3.0, t=1.5)
    spread = [math.log(sum(math.exp(-1.5 * d**2) for d in pdist(F.normalize(z).numpy())) / 21) for z in (A, B)]
    pull = (2 - 2 * F.cosine_similarity(A, B)).mean().item()
    assert terms.align.item() == pytest.approx(pull, rel=1e-12)
    assert terms.uniform.item() == pytest.approx(sum(spread) / 2, rel=1e-12)
    assert terms.total.item() == pytest.approx(0.5 * pull + 1.5 * sum(spread), rel=1e-12)


@pytest.mark.parametrize("views", [2, 3, 6])
def test_many_views_are_aligned_as_the_double_loop_over_pairs_says(views):
    z = torch.randn(5, views, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    pairs = [math.dist(s[i], s[j]) ** 2 for s in z for i in range(views) for j in range(views) if i != j]
    assert losses.multi_view_alignment(z).item() == pytest.approx(sum(pairs) / len(pairs), rel=1e-10)


def test_two_unit_views_are_aligned_as_before():
    unit = torch.stack([F.normalize(A, dim=1), F.normalize(B, dim=1)], dim=1)
    torch.testing.assert_close(losses.multi_view_alignment(unit), losses.align_loss(A, B))
    assert losses.multi_view_alignment(unit.float()).dtype == torch.float32


@pytest.mark.parametrize(
    "loss",
    [
        losses.align_loss,
        lambda a, b: losses.triplet_loss(a, b, C),
        lambda a, b: losses.uniform_loss(a + b),
        lambda a, b: losses.align_uniform(a, b).total,
        lambda a, b: losses.multi_view_alignment(torch.stack([a, b, a * b], dim=1)),
    ],
)
def test_gradients_agree_with_finite_differences(loss):
    assert torch.autograd.gradcheck(loss, (A.clone().requires_grad_(), B.clone().requires_grad_()))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: losses.align_loss(A, B[:, :2]), "as in|one shape"),
        (lambda: losses.uniform_loss(A[:1]), "N >= 2"),
        (lambda: losses.uniform_loss(A, t=0.0), "t must be positive"),
        (lambda: losses.align_uniform(A, B, align=-1.0), "align must be"),
        (lambda: losses.align_uniform(A, B, uniform=-1.0), "uniform must be"),
        (lambda: losses.align_uniform(A[:1], B[:1]), "N >= 2"),
        (lambda: losses.multi_view_alignment(A), "V >= 2"),
        (lambda: losses.multi_view_alignment(A[:, None]), "V >= 2"),
        (lambda: losses.multi_view_alignment(A[:, None].expand(-1, 2, -1) * torch.nan), "NaN"),
        (lambda: losses.triplet_loss(A, B, C[:3]), "as in|one shape"),
        (lambda: losses.triplet_loss(A, B, C, margin=-1.0), "margin must be positive"),
        (lambda: losses.triplet_loss(A, B, C * torch.nan), "NaN"),
        (lambda: losses.contrastive_pair_loss(A, B, torch.ones(3)), "N = 7 as in z1"),
        (lambda: losses.contrastive_pair_loss(A, B, torch.ones(7), margin=0.0), "margin must be positive"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_koleo_is_minus_the_mean_logarithm_of_the_nearest_distances():
    unit = A / A.norm(dim=1, keepdim=True)
    by_hand = [min(math.dist(u, v) for j, v in enumerate(unit) if j != i) for i, u in enumerate(unit)]
    torch.testing.assert_close(losses.koleo_loss(A), -torch.tensor(by_hand).log().mean().to(A.dtype))


def test_koleo_lets_twins_be():
    twins = torch.cat([A, A]).requires_grad_()
    losses.koleo_loss(twins).backward()
    assert twins.grad.isfinite().all()
