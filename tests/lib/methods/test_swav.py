"""SwAV as a method: its loss, its prototypes, and what a checkpoint of it holds."""

from functools import partial

import pytest
import torch
from torch import nn

from replearn import losses
from replearn.methods import SwAV
from replearn.training import pretrain


def noisy(x, generator):
    return x + 0.1 * torch.randn(x.shape, generator=generator)


def method(seed=0, **sizes):
    torch.manual_seed(0)
    sizes = {"n_prototypes": 5, "dim": 3, **sizes}
    return SwAV(nn.Linear(6, 4), nn.Linear(4, 3), losses.swav_loss, noisy, seed=seed, **sizes)


def images():
    return torch.randn(40, 6, generator=torch.Generator().manual_seed(1))


def test_the_loss_is_that_of_cosines_with_unit_prototypes():
    swav = method()
    views = [images()[:8], images()[8:16]]
    z = [swav.projector(swav.encoder(v)) for v in views]
    scores = [nn.functional.cosine_similarity(u[:, None], swav.prototypes[None], dim=2) for u in z]
    torch.testing.assert_close(swav.step(views)["loss"], losses.swav_loss(*scores))


def test_prototypes_start_from_their_seed_alone_and_have_unit_length():
    first = method(seed=3)
    torch.randn(10)
    torch.testing.assert_close(method(seed=3).prototypes, first.prototypes)
    assert not torch.equal(method(seed=4).prototypes, first.prototypes)
    torch.testing.assert_close(first.prototypes.norm(dim=1), torch.ones(5))


def test_training_moves_prototypes_on_the_sphere():
    swav = method()
    start = swav.prototypes.detach().clone()
    pretrain(swav, images(), steps=30, warmup=5, batch_size=16, seed=0)
    torch.testing.assert_close(swav.prototypes.norm(dim=1), torch.ones(5))
    assert (swav.prototypes - start).norm(dim=1).min() > 0.01


def test_equal_seeds_give_equal_runs_and_a_checkpoint_resumes_them(tmp_path):
    settings = {"warmup": 2, "batch_size": 16, "seed": 0}
    whole, resumed = method(), method()
    pretrain(whole, images(), steps=12, **settings)
    path = tmp_path / "swav.pt"

    def stop(step, out):
        if step == 8:
            raise KeyboardInterrupt

    kept = {"checkpoint": path, "checkpoint_every": 4, "log_every": 1}
    assert pretrain(resumed, images(), steps=12, monitor=stop, **kept, **settings).interrupted
    fresh = method(seed=9)
    pretrain(fresh, images(), steps=12, resume=True, **kept, **settings)
    torch.testing.assert_close(fresh.prototypes, whole.prototypes, rtol=0, atol=0)


def test_without_balance_one_prototype_may_take_all():
    x = torch.randn(200, 6, generator=torch.Generator().manual_seed(2))
    used = {}
    for iters in (0, 3):
        swav = method(n_prototypes=8)
        swav.loss = partial(losses.swav_loss, steps=iters)
        pretrain(swav, x, steps=200, warmup=10, batch_size=64, lr=2e-2, seed=0)
        with torch.no_grad():
            used[iters] = len(swav.scores(swav.projector(swav.encoder(x))).argmax(1).unique())
    assert used[0] < used[3]


@pytest.mark.parametrize("sizes", [{"n_prototypes": 1}, {"dim": 0}])
def test_bad_sizes_are_refused(sizes):
    with pytest.raises(ValueError, match=next(iter(sizes))):
        method(**sizes)
