"""BYOL, SimSiam and DINO against their formulas written out."""

import math

import pytest
import torch
from torch.nn import functional as F

from replearn import losses


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


P, Z = normal(2, 6, 5)


def test_byol_and_simsiam_are_the_squared_distance_and_the_cosine_of_unit_vectors():
    p, z = (x / x.norm(dim=1, keepdim=True) for x in (P, Z))
    assert losses.byol_loss(P, 7 * Z).item() == pytest.approx((p - z).square().sum(1).mean().item(), rel=1e-12)
    assert losses.simsiam_loss(P, 7 * Z).item() == pytest.approx(-(p * z).sum(1).mean().item(), rel=1e-12)


@pytest.mark.parametrize("loss", [losses.byol_loss, losses.simsiam_loss])
def test_the_target_receives_no_gradient(loss):
    p, z = P.clone().requires_grad_(), Z.clone().requires_grad_()
    loss(p, z).backward()
    assert z.grad is None and p.grad.abs().sum() > 0
    assert torch.autograd.gradcheck(lambda p: loss(p, Z), P.clone().requires_grad_())


def loop_dino(student, teacher, center, student_temperature, teacher_temperature):
    total, pairs = 0.0, 0
    for t, u in enumerate(teacher):
        for v, s in enumerate(student):
            if t == v:
                continue
            pairs += 1
            for i in range(len(s)):
                p = torch.softmax((u[i] - center) / teacher_temperature, 0)
                total -= (p * torch.log_softmax(s[i] / student_temperature, 0)).sum().item() / len(s)
    return total / pairs


@pytest.mark.parametrize(("views", "targets"), [(2, 2), (2, 1), (6, 2)])
def test_dino_is_the_loop_over_pairs_of_views(views, targets):
    student, teacher, center = normal(views, 4, 9), normal(targets, 4, 9, seed=1), normal(9, seed=2)
    expected = loop_dino(student, teacher, center, 0.3, 0.2)
    assert losses.dino_loss(
        student, teacher, center, student_temperature=0.3, teacher_temperature=0.2
    ).item() == pytest.approx(expected, rel=1e-12)
    as_lists = losses.dino_loss(list(student), list(teacher), center, student_temperature=0.3, teacher_temperature=0.2)
    assert as_lists.item() == pytest.approx(expected, rel=1e-12)


def test_dino_is_the_teachers_entropy_plus_a_divergence():
    student, teacher = normal(2, 4, 9), normal(1, 4, 9, seed=1)
    p, log_q = F.softmax(teacher[0] / 0.04, dim=1), F.log_softmax(student[1] / 0.1, dim=1)
    entropy = torch.special.entr(p).sum(1).mean()
    divergence = F.kl_div(log_q, p, reduction="batchmean")
    torch.testing.assert_close(losses.dino_loss(student, teacher), entropy + divergence, rtol=0, atol=1e-10)


def test_a_uniform_teacher_and_student_cost_the_log_of_the_prototypes():
    flat = torch.zeros(2, 3, 8, dtype=torch.float64)
    assert losses.dino_loss(flat, flat).item() == pytest.approx(math.log(8), rel=1e-12)


def test_the_teacher_receives_no_gradient():
    student, teacher = normal(3, 4, 5).requires_grad_(), normal(2, 4, 5).requires_grad_()
    losses.dino_loss(student, teacher).backward()
    assert teacher.grad is None
    fixed = teacher.detach()
    assert torch.autograd.gradcheck(
        lambda s: losses.dino_loss(s, fixed, student_temperature=1.0, teacher_temperature=1.0),
        normal(3, 4, 5).requires_grad_(),
    )


def test_half_precision_is_raised_to_float32():
    p, z = P.bfloat16(), Z.bfloat16()
    torch.testing.assert_close(losses.byol_loss(p, z), losses.byol_loss(p.float(), z.float()))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: losses.byol_loss(P, Z[:, :3]), "as in|one shape"),
        (lambda: losses.simsiam_loss(P[:1], Z[:1]), "N >= 2"),
        (lambda: losses.simsiam_loss(P, Z * torch.nan), "NaN"),
        (lambda: losses.dino_loss(P, Z), "V, N, K"),
        (lambda: losses.dino_loss(normal(1, 4, 5), normal(1, 4, 5)), "V >= 2"),
        (lambda: losses.dino_loss(normal(2, 4, 5), normal(3, 4, 5)), "first of the student"),
        (lambda: losses.dino_loss(normal(2, 4, 5), normal(1, 4, 6)), "K = 5 as in student"),
        (
            lambda: losses.dino_loss(normal(2, 4, 5), normal(1, 4, 5), teacher_temperature=0.0),
            "teacher_temperature must be positive",
        ),
        (lambda: losses.dino_loss(normal(2, 4, 5) / 0, normal(1, 4, 5)), "infinite"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
