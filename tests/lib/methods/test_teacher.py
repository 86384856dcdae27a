"""The moving average of a network, LARS and the queue, against their formulas."""

import copy
import itertools
from collections import deque

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from replearn.methods import EMA, FeatureQueue
from replearn.training import LARS


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))


def test_against_a_constant_network_the_average_closes_the_gap_geometrically():
    slow, fast = EMA(network(0), 0.9), network(1)
    start = [p.clone() for p in slow.parameters()]
    for _ in range(7):
        slow.update(fast)
    for before, now, goal in zip(start, slow.parameters(), fast.parameters(), strict=True):
        torch.testing.assert_close(now - before, (1 - 0.9**7) * (goal - before))


def test_decay_0_copies_and_decay_1_never_moves():
    slow, fast = EMA(network(0), 0.5), network(1)
    slow.update(fast, decay=1.0)
    torch.testing.assert_close(list(slow.parameters()), list(network(0).parameters()))
    slow.update(fast, decay=0.0)
    torch.testing.assert_close(list(slow.parameters()), list(fast.parameters()))


def test_the_average_requires_no_gradient_and_keeps_its_own_batch_norm():
    fast = network()
    slow, x = EMA(fast), torch.randn(8, 3)
    assert not any(p.requires_grad for p in slow.parameters()) and not slow(x).requires_grad
    fast(10 * x)
    slow.update(fast)
    assert not torch.equal(slow.module[1].running_mean, fast[1].running_mean)
    assert slow.module[1].num_batches_tracked == 1


@pytest.mark.parametrize("decay", [-0.1, 1.1, float("nan")])
def test_a_decay_outside_the_unit_interval_is_refused(decay):
    with pytest.raises(ValueError, match="between 0 and 1"):
        EMA(network(), decay)
    with pytest.raises(ValueError, match="between 0 and 1"):
        EMA(network()).update(network(), decay)


def test_another_network_is_refused():
    with pytest.raises(ValueError, match="other shapes"):
        EMA(network()).update(nn.Linear(3, 4))


def numpy_lars(w, grads, lr, decay, momentum, eta):
    m = np.zeros_like(w)
    for g in grads:
        if w.ndim > 1:
            g = g + decay * w
            g = g * eta * np.linalg.norm(w) / np.linalg.norm(g)
        m = momentum * m + g
        w = w - lr * m
    return w


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 5, 5), (6,)])
def test_lars_follows_its_formula(shape):
    rng = np.random.default_rng(0)
    start, grads = rng.standard_normal(shape), rng.standard_normal((3, *shape))
    w = nn.Parameter(torch.tensor(start))
    optim = LARS([w], 0.3, weight_decay=0.02, momentum=0.8, eta=0.01)
    for g in grads:
        w.grad = torch.tensor(g)
        optim.step()
    np.testing.assert_allclose(w.detach(), numpy_lars(start, grads, 0.3, 0.02, 0.8, 0.01), rtol=1e-12)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_the_first_step_of_lars_ignores_the_scale_of_the_loss(scale):
    w = nn.Parameter(torch.full((2, 2), 3.0, dtype=torch.float64))
    (scale * (w * torch.arange(4.0).view(2, 2)).sum()).backward()
    LARS([w], 0.5, eta=0.01).step()
    assert ((w - 3).norm() / 6).item() == pytest.approx(0.005, rel=1e-12)


def test_lars_leaves_zero_weights_to_plain_momentum_and_resumes():
    w = nn.Parameter(torch.zeros(2, 2))
    optim = LARS([w], 0.1, momentum=0.5)
    w.grad = torch.ones(2, 2)
    optim.step()
    torch.testing.assert_close(w.detach(), torch.full((2, 2), -0.1))
    other = LARS([nn.Parameter(w.detach().clone())], 0.1, momentum=0.5)
    other.load_state_dict(copy.deepcopy(optim.state_dict()))
    (again,) = other.param_groups[0]["params"]
    again.grad = w.grad.clone()
    for o in (optim, other):
        o.step()
    torch.testing.assert_close(again, w)


@pytest.mark.parametrize("bad", [{"lr": 0.0}, {"lr": 1.0, "eta": -1.0}, {"lr": 1.0, "weight_decay": -1.0}])
def test_bad_settings_of_lars_are_refused(bad):
    with pytest.raises(ValueError, match="must be"):
        LARS([nn.Parameter(torch.ones(2))], **bad)


@given(st.integers(1, 12), st.lists(st.integers(0, 12), max_size=8))
def test_the_queue_is_first_in_first_out_whatever_comes(size, pushed):
    queue, reference, numbers = FeatureQueue(size, 2), deque(maxlen=size), itertools.count(1.0)
    reference.extend(queue.get())
    for n in pushed:
        z = torch.tensor([[next(numbers), 0.0] for _ in range(min(n, size))]).view(-1, 2)
        if len(z):
            queue.push(z)
        reference.extend(z)
        torch.testing.assert_close(queue.get(), torch.stack(list(reference)))


def test_the_queue_finds_the_neighbour_of_largest_cosine():
    queue = FeatureQueue(3, 2)
    queue.push(torch.tensor([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0]]))
    z = torch.tensor([[0.1, 9.0], [-1.0, 0.2]])
    torch.testing.assert_close(queue.nearest(z), torch.tensor([[0.0, 2.0], [-3.0, 0.0]]))


def test_the_queue_is_part_of_a_state():
    queue, other = FeatureQueue(5, 2), FeatureQueue(5, 2, seed=1)
    queue.push(torch.ones(3, 2))
    other.load_state_dict(queue.state_dict())
    queue.push(torch.zeros(3, 2))
    other.push(torch.zeros(3, 2))
    torch.testing.assert_close(other.get(), queue.get())


@pytest.mark.parametrize(
    ("z", "message"), [(torch.ones(2, 3), "2 numbers"), (torch.ones(6, 2), "at most 5"), (torch.ones(2), "matrix")]
)
def test_bad_rows_are_refused(z, message):
    with pytest.raises(ValueError, match=message):
        FeatureQueue(5, 2).push(z)
