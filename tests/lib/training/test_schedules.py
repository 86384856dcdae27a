import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from replearn.training import cosine_ramp, param_groups, scale_lr, warmup_cosine


def test_warmup_cosine_at_its_corners():
    assert warmup_cosine(0, 100, 20, 0.5) == 0
    assert warmup_cosine(10, 100, 20, 0.5) == 0.25
    assert warmup_cosine(20, 100, 20, 0.5, end=0.1) == pytest.approx(0.5)
    assert warmup_cosine(60, 100, 20, 0.5, end=0.1) == pytest.approx(0.3)
    assert warmup_cosine(100, 100, 20, 0.5, end=0.1) == pytest.approx(0.1)
    assert warmup_cosine(0, 100, 0, 0.5) == 0.5


@pytest.mark.parametrize(("warmup", "end"), [(0, 0.0), (20, 0.0), (35, 0.02)])
def test_warmup_cosine_is_torchs_cosine_annealing(warmup, end):
    optim = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.3)
    annealing = torch.optim.lr_scheduler.CosineAnnealingLR(optim, T_max=100 - warmup, eta_min=end)
    for step in range(warmup, 101):
        assert warmup_cosine(step, 100, warmup, 0.3, end) == pytest.approx(optim.param_groups[0]["lr"], abs=1e-12)
        optim.step()
        annealing.step()


@given(st.data(), st.integers(1, 10_000), st.floats(1e-6, 10), st.floats(0, 1))
def test_warmup_cosine_rises_then_falls_and_stays_between_its_ends(data, total, base, share):
    warmup, end = data.draw(st.integers(0, total - 1)), share * base
    step = data.draw(st.integers(0, total - 1))
    now, later = warmup_cosine(step, total, warmup, base, end), warmup_cosine(step + 1, total, warmup, base, end)
    slack = 1e-9 * base
    assert (now <= later + slack) if step < warmup else (now >= later - slack)
    assert (0 if step < warmup else end) - slack <= now <= base + slack


@given(st.data(), st.integers(1, 10_000), st.floats(-1, 1), st.floats(-1, 1))
def test_a_ramp_run_backwards_is_the_ramp_between_swapped_ends(data, total, start, end):
    step = data.draw(st.integers(0, total))
    forth, back = cosine_ramp(step, total, start, end), cosine_ramp(total - step, total, end, start)
    assert forth == pytest.approx(back, abs=1e-12)


def test_cosine_ramp_is_byols_momentum():
    for k in range(0, 201, 25):
        byol = 1 - (1 - 0.996) * (math.cos(math.pi * k / 200) + 1) / 2
        assert cosine_ramp(k, 200, 0.996, 1.0) == pytest.approx(byol, abs=1e-15)
    assert cosine_ramp(100, 200, 0.996, 1.0) == pytest.approx(0.998)


def test_scale_lr_rules():
    assert scale_lr(0.2, 4096) == pytest.approx(3.2)
    assert scale_lr(0.2, 64, "sqrt") == pytest.approx(0.1)
    assert scale_lr(0.2, 4096, "fixed") == 0.2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: warmup_cosine(0, 20, 20, 1.0), "warmup must be smaller"),
        (lambda: warmup_cosine(101, 100, 20, 1.0), "step must be"),
        (lambda: warmup_cosine(-1, 100, 20, 1.0), "step must be"),
        (lambda: warmup_cosine(0, 100, -1, 1.0), "warmup must be"),
        (lambda: cosine_ramp(5, 0, 0.0, 1.0), "total must be"),
        (lambda: cosine_ramp(5, 4, 0.0, 1.0), "step must be"),
        (lambda: scale_lr(0.0, 256), "base must be"),
        (lambda: scale_lr(0.1, 0), "batch must be"),
        (lambda: scale_lr(0.1, 256, "cubic"), "'linear', 'sqrt', 'fixed'"),
    ],
)
def test_schedules_refuse_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def small_net():
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2), torch.nn.Flatten(), torch.nn.Linear(8, 3)
    )


def test_only_matrices_and_kernels_decay():
    net = small_net()
    decayed, kept = param_groups(net, 0.1)
    assert [p is q for p, q in zip(decayed["params"], [net[0].weight, net[3].weight], strict=True)] == [True, True]
    assert [p is q for p, q in zip(kept["params"], [net[0].bias, *net[1].parameters(), net[3].bias], strict=True)] == [
        True
    ] * 4
    assert decayed["weight_decay"] == 0.1 and kept["weight_decay"] == 0


def test_adamw_without_gradient_shrinks_what_decays_and_nothing_else():
    net = small_net().double()
    start = [p.detach().clone() for p in net.parameters()]
    optim = torch.optim.AdamW(param_groups(net, 0.1), lr=0.01)
    for _ in range(50):
        for p in net.parameters():
            p.grad = torch.zeros_like(p)
        optim.step()
    for p, before in zip(net.parameters(), start, strict=True):
        torch.testing.assert_close(p.detach(), before * (0.951206 if p.ndim > 1 else 1), rtol=1e-6, atol=0)


def test_param_groups_leave_out_what_is_empty_or_frozen():
    (only,) = param_groups(torch.nn.Linear(3, 2, bias=False), 0.1)
    assert only["weight_decay"] == 0.1
    with pytest.raises(ValueError, match="nothing to train"):
        param_groups(torch.nn.Linear(3, 2).requires_grad_(False), 0.1)
    with pytest.raises(ValueError, match="weight_decay"):
        param_groups(small_net(), -0.1)
