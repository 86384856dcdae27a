"""Where a loss used to be silently wrong: rows of zeros, constant columns, far from the origin, near the minimum."""

import math

import pytest
import torch
from torch.nn import functional as F
from valid_calls import LOSSES

from replearn import losses
from sampling import rows

PAIRED = torch.arange(6) // 2


def gradient(function, z):
    z = z.clone().requires_grad_()
    found = function(z)
    (found[0] if isinstance(found, tuple) else found).sum().backward()
    return z.grad


@pytest.mark.parametrize("name", sorted(LOSSES.keys() - {"correlation_matrix", "cross_correlation", "off_diagonal"}))
def test_a_row_of_zeros_has_a_moderate_gradient(name):
    loss, first, *others = LOSSES[name]
    first = first.clone()
    first.view(-1, first.shape[-1])[0] = 0
    assert gradient(lambda z: loss(z, *others), first).abs().max() < 1e4


@pytest.mark.parametrize("scale", [1e-20, 1e15])
@pytest.mark.parametrize("name", ["nt_xent", "info_nce", "dcl", "byol_loss", "simsiam_loss", "align_loss"])
def test_directions_do_not_depend_on_the_scale(name, scale):
    loss = getattr(losses, name)
    z, w = rows(8), rows(8, seed=2)
    torch.testing.assert_close(loss(z * scale, w * scale), loss(z, w), atol=1e-4, rtol=1e-4)


def test_vicreg_without_eps_keeps_a_dead_dimension_finite():
    z = rows(8)
    z[:, 1] = 3.0
    assert gradient(lambda z: losses.vicreg(z, z.detach() + 0.1, eps=0), z).isfinite().all()


def test_squared_distances_far_from_the_origin_keep_their_digits():
    q, k = rows(8, dtype=torch.float64), rows(8, seed=2, dtype=torch.float64)
    settings = {"normalize": False, "similarity": "sqdist"}
    near = losses.info_nce(q, k, **settings)
    far = losses.info_nce((q + 1e5).float(), (k + 1e5).float(), **settings)
    torch.testing.assert_close(far.double(), near, rtol=0.02, atol=0.02)
    exact = losses.info_nce(q + 1e5, k + 1e5, **settings)
    torch.testing.assert_close(exact, near, rtol=1e-9, atol=1e-9)


def sup_con_of_pairs(a, b, **settings):
    return losses.sup_con(torch.cat([a, b]), torch.arange(len(a)).repeat(2), **settings)


@pytest.mark.parametrize(("loss", "atol"), [(losses.nt_xent, 1e-12), (sup_con_of_pairs, 1e-7)])
def test_near_its_minimum_a_loss_keeps_its_digits_in_float32(loss, atol):
    z = torch.eye(8) + 1e-3 * rows(8, 8)
    w = z + 1e-4 * rows(8, 8, seed=2)
    expected = loss(z.double(), w.double(), temperature=0.05)
    found = loss(z, w, temperature=0.05)
    assert found >= 0
    torch.testing.assert_close(found.double(), expected, rtol=2e-2, atol=atol)
    slope = gradient(lambda z: loss(z, w, temperature=0.05), z)
    exact = gradient(lambda z: loss(z, w.double(), temperature=0.05), z.double())
    torch.testing.assert_close(slope.double(), exact, rtol=5e-2, atol=1e-7)


def test_moco_counts_the_queue_alone():
    q, k, queue = rows(5), rows(5, seed=2), rows(9, seed=3)
    a, b, c = (F.normalize(x, dim=1) for x in (q, k, queue))
    by_hand = []
    for i in range(5):
        others = sum(math.exp(a[i] @ c[j] / 0.2) for j in range(9))
        own = math.exp(a[i] @ b[i] / 0.2)
        by_hand.append(-math.log(own / (own + others)))
    found = losses.info_nce(q, k, queue=queue, queue_only=True)
    torch.testing.assert_close(found, torch.tensor(by_hand).mean())


def test_moco_needs_its_queue():
    with pytest.raises(ValueError, match="queue_only needs a queue"):
        losses.info_nce(rows(5), rows(5), queue_only=True)


def test_those_alone_in_their_class_are_skipped_on_demand():
    z = rows(7)
    labels = torch.tensor([0, 0, 1, 1, 2, 2, 9])
    with pytest.raises(ValueError, match="at least twice"):
        losses.sup_con(z, labels)
    unit = F.normalize(z, dim=1)
    scores = (unit @ unit.T / 0.1).fill_diagonal_(-torch.inf)
    partner = torch.tensor([1, 0, 3, 2, 5, 4])
    by_hand = (scores.logsumexp(1)[:6] - scores[torch.arange(6), partner]).mean()
    torch.testing.assert_close(losses.sup_con(z, labels, skip_single=True), by_hand)


def test_the_two_forms_of_sinkhorn_agree():
    scores = rows(20, 5, dtype=torch.float64)
    plain = losses.sinkhorn(scores, eps=0.2, steps=7)
    spread = torch.cat([scores, torch.full((1, 5), -40.0, dtype=torch.float64)])  # one row that exponentials would lose
    spread[-1, 0] = -30
    assert losses.sinkhorn(spread, eps=0.2, steps=7).isfinite().all()
    log_q = scores / 0.2
    for _ in range(7):
        log_q = log_q.log_softmax(0)
        log_q = log_q.log_softmax(1)
    torch.testing.assert_close(plain, log_q.exp())
