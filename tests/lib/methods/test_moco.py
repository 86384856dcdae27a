"""MoCo as a method: its loss written out, its keys and its queue, and what a checkpoint of it holds."""

import copy
from collections import deque
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from replearn import losses
from replearn.data import GaussianNoise
from replearn.methods import MoCo
from replearn.training import pretrain, seeded
from sampling import rows


def moco(seed=0, **options):
    with seeded(0):
        encoder = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU())
        projector = nn.Linear(8, 4)
    options = {"size": 40, "dim": 4, **options}
    return MoCo(encoder, projector, partial(losses.info_nce, temperature=0.3), GaussianNoise(0.2), seed=seed, **options)


def images(n=50):
    return rows(n)


def shifted(method):
    """The same method with a key network of its own."""
    for p in method.key_encoder.parameters():
        p.mul_(1.5)
    return method


run = partial(pretrain, steps=12, batch_size=16, warmup=2, lr=1e-2, seed=0)


def test_the_loss_is_a_softmax_over_the_keys_of_the_batch_and_the_queue():
    method, (a, b) = shifted(moco()), images(20).chunk(2)
    q = F.normalize(method.projector(method.encoder(a)), dim=1)
    k = F.normalize(copy.deepcopy(method.key_encoder)(b), dim=1)
    terms = []
    for i in range(10):
        scores = torch.stack([q[i] @ key / 0.3 for key in [*k, *method.queue.get()]])
        terms.append(scores.logsumexp(0) - scores[i])
    out = method.step((a, b))
    torch.testing.assert_close(out["loss"], torch.stack(terms).mean())
    torch.testing.assert_close(F.normalize(out["keys"], dim=1), k)
    assert out["z"].shape == (10, 4) and not out["z"].requires_grad


def test_only_the_queries_receive_a_gradient():
    method, (a, b) = moco(), images(20).chunk(2)
    method.step((a, b))["loss"].backward()
    assert all(p.grad is None and not p.requires_grad for p in method.key_encoder.parameters())
    assert all(p.grad is not None for p in (*method.encoder.parameters(), *method.projector.parameters()))
    trained = sum(p.numel() for group in method.param_groups(0.1) for p in group["params"])
    assert trained == sum(p.numel() for p in (*method.encoder.parameters(), *method.projector.parameters()))


def test_after_a_step_the_keys_move_first_and_then_join_the_queue():
    method, (a, b) = shifted(moco(decay=0.75)), images(20).chunk(2)
    slow = [p.clone() for p in method.key_encoder.parameters()]
    fast = [*method.encoder.parameters(), *method.projector.parameters()]
    keys = method.step((a, b))["keys"]
    method.after_step()
    for before, now, goal in zip(slow, method.key_encoder.parameters(), fast, strict=True):
        torch.testing.assert_close(now, 0.75 * before + 0.25 * goal)
    torch.testing.assert_close(method.queue.get()[-10:], keys)


@pytest.mark.parametrize("size", [16, 40, 50])
def test_the_queue_holds_the_last_keys_in_their_order(size):
    method = moco(size=size)
    expected = deque(method.queue.get(), maxlen=size)
    run(method, images(), log_every=1, monitor=lambda step, out: expected.extend(out["keys"]))
    torch.testing.assert_close(method.queue.get(), torch.stack(list(expected)), rtol=0, atol=0)


def test_decay_0_copies_the_network_and_decay_1_never_moves():
    copied, frozen = moco(decay=0.0), moco(decay=1.0)
    start = copy.deepcopy(list(frozen.key_encoder.parameters()))
    for method in (copied, frozen):
        run(method, images())
    torch.testing.assert_close(list(frozen.key_encoder.parameters()), start)
    network = nn.Sequential(copied.encoder, copied.projector)
    torch.testing.assert_close(list(copied.key_encoder.parameters()), list(network.parameters()), check_stride=False)


def test_a_checkpoint_resumes_bit_for_bit(tmp_path):
    whole, path = moco(), tmp_path / "run.pt"
    expected = run(whole, images())

    def stop(step, out):
        if step == 8:
            raise KeyboardInterrupt

    kept = {"checkpoint": path, "checkpoint_every": 4, "log_every": 1}
    assert run(moco(), images(), monitor=stop, **kept).interrupted
    fresh = moco(seed=7)
    assert run(fresh, images(), resume=True, **kept).loss == expected.loss
    for a, b in zip(fresh.state_dict().values(), whole.state_dict().values(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize(
    ("options", "message"), [({"decay": 1.5}, "decay"), ({"size": 0}, "size"), ({"dim": 0}, "dim")]
)
def test_bad_settings_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        moco(**options)


def test_a_batch_that_does_not_fit_into_the_queue_is_refused():
    with pytest.raises(ValueError, match="at most 8 rows"):
        run(moco(size=8), images())
