"""NT-Xent, InfoNCE and the spectral contrastive loss against plain double loops."""

import math

import pytest
import torch

from replearn import losses


def views(n=7, k=4, seed=0):
    z = torch.randn(3, n, k, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return z[0], z[0] + 0.5 * z[1], z[2]


def cosine(u, v):
    return float(u @ v / (u.norm() * v.norm()))


def loop_nt_xent(a, b, tau):
    z, n = [*a, *b], len(a)
    total = 0.0
    for i in range(2 * n):
        partner = (i + n) % (2 * n)
        others = sum(math.exp(cosine(z[i], z[k]) / tau) for k in range(2 * n) if k != i)
        total -= math.log(math.exp(cosine(z[i], z[partner]) / tau) / others)
    return total / (2 * n)


def loop_dcl(a, b, tau):
    z, n = [*a, *b], len(a)
    total = 0.0
    for i in range(2 * n):
        partner = (i + n) % (2 * n)
        others = sum(math.exp(cosine(z[i], z[k]) / tau) for k in range(2 * n) if k not in (i, partner))
        total += math.log(others) - cosine(z[i], z[partner]) / tau
    return total / (2 * n)


def loop_sup_con(z, y, tau):
    total = 0.0
    for i in range(len(z)):
        others = [k for k in range(len(z)) if k != i]
        log_sum = math.log(sum(math.exp(cosine(z[i], z[k]) / tau) for k in others))
        positives = [cosine(z[i], z[p]) / tau - log_sum for p in others if y[p] == y[i]]
        total -= sum(positives) / len(positives)
    return total / len(z)


def loop_info_nce(q, keys, tau, similarity):
    total = 0.0
    for i in range(len(q)):
        total -= similarity(q[i], keys[i]) / tau - math.log(sum(math.exp(similarity(q[i], k) / tau) for k in keys))
    return total / len(q)


def loop_spectral(a, b):
    n = len(a)
    repulsion = sum(float(a[i] @ b[j]) ** 2 for i in range(n) for j in range(n) if i != j)
    return -2 * sum(float(a[i] @ b[i]) for i in range(n)) / n + repulsion / (n * (n - 1))


@pytest.mark.parametrize("tau", [0.05, 0.5, 5.0])
def test_nt_xent_is_the_double_loop(tau):
    a, b, _ = views()
    assert losses.nt_xent(a, b, temperature=tau).item() == pytest.approx(loop_nt_xent(a, b, tau), rel=1e-10)


@pytest.mark.parametrize("tau", [0.05, 0.5, 5.0])
def test_dcl_is_the_double_loop(tau):
    a, b, _ = views()
    assert losses.dcl(a, b, temperature=tau).item() == pytest.approx(loop_dcl(a, b, tau), rel=1e-10)


def test_sup_con_is_the_double_loop_and_with_a_label_for_each_sample_nt_xent():
    a, b, _ = views()
    z, y = torch.cat([a, b]), torch.tensor([0, 0, 1, 1, 1, 2, 2, 0, 1, 2, 0, 1, 2, 2])
    assert losses.sup_con(z, y, temperature=0.3).item() == pytest.approx(loop_sup_con(z, y, 0.3), rel=1e-10)
    each = torch.arange(7).repeat(2)
    torch.testing.assert_close(losses.sup_con(z, each, temperature=0.3), losses.nt_xent(a, b, temperature=0.3))
    assert torch.autograd.gradcheck(lambda z: losses.sup_con(z, y), z.requires_grad_())


def test_a_label_that_occurs_once_is_refused():
    a, _, _ = views()
    with pytest.raises(ValueError, match="at least twice"):
        losses.sup_con(a, torch.tensor([0, 0, 1, 1, 2, 2, 3]))
    with pytest.raises(ValueError, match="N = 7 as in z"):
        losses.sup_con(a, torch.zeros(5, dtype=torch.int64))


@pytest.mark.parametrize("normalize", [True, False])
def test_info_nce_is_the_double_loop(normalize):
    q, k, queue = views()
    similarity = cosine if normalize else (lambda u, v: float(u @ v))
    loss = losses.info_nce(q, k, temperature=0.7, normalize=normalize)
    assert loss.item() == pytest.approx(loop_info_nce(q, k, 0.7, similarity), rel=1e-10)
    with_queue = losses.info_nce(q, k, temperature=0.7, queue=queue, normalize=normalize)
    assert with_queue.item() == pytest.approx(loop_info_nce(q, [*k, *queue], 0.7, similarity), rel=1e-10)


def test_symmetric_info_nce_averages_both_directions():
    q, k, _ = views()
    both = (losses.info_nce(q, k) + losses.info_nce(k, q)) / 2
    torch.testing.assert_close(losses.info_nce(q, k, symmetric=True), both)


@pytest.mark.parametrize("shape", [(7, 4), (4, 9), (20, 3)])
def test_spectral_contrastive_is_the_double_loop(shape):
    a, b, _ = views(*shape)
    assert losses.spectral_contrastive(a, b).item() == pytest.approx(loop_spectral(a, b), rel=1e-10)


def test_info_nce_gradient_is_expected_key_minus_positive():
    q, k, _ = views()
    q.requires_grad_()
    losses.info_nce(q, k, temperature=0.3, normalize=False).backward()
    p = torch.softmax(q.detach() @ k.T / 0.3, dim=1)
    torch.testing.assert_close(q.grad * len(q), (p @ k - k) / 0.3, rtol=0, atol=1e-10)


def test_gradient_through_normalisation_is_tangent_and_shrinks_with_length():
    a, b, _ = views()
    grads = []
    for scale in (1, 10):
        z = (scale * a).requires_grad_()
        losses.nt_xent(z, b).backward()
        assert (z.grad * z).sum(1).abs().max() < 1e-12
        grads.append(z.grad)
    torch.testing.assert_close(grads[0], 10 * grads[1])


@pytest.mark.parametrize("name", ["nt_xent", "dcl", "info_nce", "spectral_contrastive"])
@pytest.mark.parametrize("shape", [(5, 3), (3, 7)])
def test_gradients_agree_with_finite_differences(name, shape):
    a, b, _ = (z.requires_grad_() for z in views(*shape))
    assert torch.autograd.gradcheck(getattr(losses, name), (a, b))


@pytest.mark.parametrize("loss", [losses.nt_xent, losses.dcl, losses.spectral_contrastive])
def test_views_may_swap_and_samples_may_be_shuffled(loss):
    a, b, _ = views()
    order = torch.tensor([3, 0, 5, 1, 2, 6, 4])
    torch.testing.assert_close(loss(b, a), loss(a, b))
    torch.testing.assert_close(loss(a[order], b[order]), loss(a, b))


def test_embeddings_that_say_nothing_cost_the_log_of_the_choices():
    z = torch.ones(6, 3, dtype=torch.float64)
    assert losses.nt_xent(z, z).item() == pytest.approx(math.log(11), abs=1e-12)
    assert losses.info_nce(z, z, queue=torch.ones(4, 3, dtype=torch.float64)).item() == pytest.approx(math.log(10))


def test_the_smallest_nt_xent_is_that_of_a_simplex():
    n = 5
    z = torch.eye(n, dtype=torch.float64) - 1 / n
    expected = math.log1p((2 * n - 2) * math.exp(-n / (n - 1) / 0.5))
    assert losses.nt_xent(z, z).item() == pytest.approx(expected, rel=1e-12)


def test_tiny_temperatures_do_not_overflow():
    a, b, _ = views()
    assert torch.isfinite(losses.nt_xent(a.float(), b.float(), temperature=1e-4))


def test_functional_gradients_are_those_of_backward():
    a, b, _ = views()
    torch.testing.assert_close(
        torch.func.grad(losses.nt_xent)(a, b), torch.autograd.functional.jacobian(lambda a: losses.nt_xent(a, b), a)
    )
    assert torch.autograd.gradgradcheck(losses.nt_xent, (a.requires_grad_(), b.requires_grad_()))


def test_half_precision_under_autocast_equals_float32():
    a, b, _ = (z.bfloat16() for z in views())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = losses.nt_xent(a, b)
    torch.testing.assert_close(loss, losses.nt_xent(a.float(), b.float()))


A, B, QUEUE = views()
NAN = A * torch.nan


@pytest.mark.parametrize("loss", [losses.nt_xent, losses.dcl, losses.info_nce, losses.spectral_contrastive])
@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (A[:1], B[:1], "N >= 2"),
        (A, B[:, :3], "as in|one shape"),
        (A[0], B[0], "have shape"),
        (NAN, B, "NaN"),
        (A, B / 0, "infinite"),
    ],
)
def test_bad_embeddings_are_refused(loss, a, b, message):
    with pytest.raises(ValueError, match=message):
        loss(a, b)


@pytest.mark.parametrize("tau", [0.0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize("loss", [losses.nt_xent, losses.dcl, losses.info_nce])
def test_bad_temperatures_are_refused(loss, tau):
    with pytest.raises(ValueError, match="temperature must be positive"):
        loss(A, B, temperature=tau)


def test_bad_queues_are_refused():
    with pytest.raises(ValueError, match="K = 4 as in q"):
        losses.info_nce(A, B, queue=QUEUE[:, :2])
    with pytest.raises(ValueError, match="symmetric=False"):
        losses.info_nce(A, B, queue=QUEUE, symmetric=True)
    with pytest.raises(ValueError, match="queue contains NaN"):
        losses.info_nce(A, B, queue=NAN)
