"""InfoMax losses against numpy's determinants and plain loops."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from replearn import losses
from replearn.papers.information_vicreg import infomax_logdet, infomax_pairwise


def views(n=9, k=4, seed=0):
    z = torch.randn(2, n, k, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return z[0], z[0] + 0.5 * z[1]


def reference_logdet(a, b, s2, eps):
    a, b = a.numpy(), b.numpy()
    k = a.shape[1]
    distance = np.mean([np.sum((u - v) ** 2) for u, v in zip(a, b, strict=True)])
    volume = np.mean([np.linalg.slogdet(np.cov(z.T) + eps * np.eye(k))[1] for z in (a, b)])
    return (distance / (2 * s2) - volume / 2) / k


def loop_pairwise(a, b, t):
    a, b = (z / z.norm(dim=1, keepdim=True) for z in (a, b))
    n = len(a)
    attraction = sum(float((a[i] - b[i]) @ (a[i] - b[i])) for i in range(n)) / (2 * t * n)
    total = 0.0
    for z in (a, b):
        for i in range(n):
            total += math.log(sum(math.exp(-float((z[i] - z[j]) @ (z[i] - z[j])) / (2 * t)) for j in range(n))) / (
                2 * n
            )
    return attraction + total


@pytest.mark.parametrize("shape", [(9, 4), (5, 12), (6, 6)])
@pytest.mark.parametrize(("s2", "eps"), [(1.0, 1e-3), (0.3, 0.1)])
def test_infomax_logdet_is_numpys(shape, s2, eps):
    a, b = views(*shape)
    loss = infomax_logdet(a, b, s2=s2, eps=eps)
    assert loss.item() == pytest.approx(reference_logdet(a, b, s2, eps), rel=1e-10)


@pytest.mark.parametrize("t", [0.05, 0.2, 2.0])
def test_infomax_pairwise_is_the_double_loop(t):
    a, b = views()
    assert infomax_pairwise(a, b, temperature=t).item() == pytest.approx(loop_pairwise(a, b, t), rel=1e-10)


def test_infomax_logdet_has_the_scale_of_its_noise():
    a, b = views(40, 3)
    distance = (a - b).square().sum(1).mean()
    best = (3 * 0.7 / distance).sqrt()
    at = [infomax_logdet(c * best * a, c * best * b, s2=0.7, eps=1e-12) for c in (0.99, 1.0, 1.01)]
    assert at[1] < min(at[0], at[2])


def test_infomax_pairwise_is_info_nce_of_each_view_with_itself():
    a, b = views()
    a, b = F.normalize(a, dim=1), F.normalize(b, dim=1)
    within = sum(losses.info_nce(z, z, temperature=0.2) for z in (a, b)) / 2
    torch.testing.assert_close(infomax_pairwise(a, b), within + (1 - (a * b).sum(1)).mean() / 0.2)


@pytest.mark.parametrize("loss", [infomax_logdet, infomax_pairwise])
@pytest.mark.parametrize("shape", [(5, 3), (3, 7)])
def test_gradients_agree_with_finite_differences(loss, shape):
    a, b = (z.requires_grad_() for z in views(*shape))
    assert torch.autograd.gradcheck(loss, (a, b))


@pytest.mark.parametrize("loss", [infomax_logdet, infomax_pairwise])
def test_views_may_swap_and_collapsed_batches_have_finite_gradients(loss):
    a, b = views()
    torch.testing.assert_close(loss(b, a), loss(a, b))
    z = torch.ones(6, 3, requires_grad=True)
    loss(z, z).backward()
    assert torch.isfinite(z.grad).all()


def test_embeddings_that_say_nothing_cost_the_log_of_the_batch():
    z = torch.ones(6, 3, dtype=torch.float64)
    assert infomax_pairwise(z, z).item() == pytest.approx(math.log(6), abs=1e-12)


@pytest.mark.parametrize("symmetric", [True, False])
def test_info_nce_of_squared_distances_is_the_double_loop(symmetric):
    q, k = views()
    score = -torch.stack([torch.stack([(u - v).square().sum() for v in k]) for u in q]) / (2 * 0.7)
    expected = (torch.logsumexp(score, 1) - score.diagonal()).mean()
    if symmetric:
        expected = (expected + (torch.logsumexp(score, 0) - score.diagonal()).mean()) / 2
    settings = {"temperature": 0.7, "normalize": False, "similarity": "sqdist"}
    torch.testing.assert_close(losses.info_nce(q, k, symmetric=symmetric, **settings), expected)


def test_on_the_sphere_both_similarities_are_one():
    q, k = views()
    queue, _ = views(seed=1)
    for rest in ({}, {"queue": queue}, {"symmetric": True}):
        torch.testing.assert_close(losses.info_nce(q, k, similarity="sqdist", **rest), losses.info_nce(q, k, **rest))


A, B = views()


@pytest.mark.parametrize("loss", [infomax_logdet, infomax_pairwise])
@pytest.mark.parametrize(
    ("a", "b", "message"),
    [(A[:1], B[:1], "N >= 2"), (A, B[:, :3], "one shape"), (A[0], B[0], "matrix"), (A * torch.nan, B, "NaN")],
)
def test_bad_embeddings_are_refused(loss, a, b, message):
    with pytest.raises(ValueError, match=message):
        loss(a, b)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: infomax_logdet(A, B, s2=0), "s2 must be positive"),
        (lambda: infomax_logdet(A, B, eps=0), "eps must be positive"),
        (lambda: infomax_pairwise(A, B, temperature=math.inf), "temperature must be positive"),
        (lambda: losses.info_nce(A, B, similarity="cosine"), "similarity must be one of"),
    ],
)
def test_bad_settings_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
