"""BYOL, SimSiam and DINO as methods: their losses written out, their teachers, and what a checkpoint holds."""

import copy
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from replearn import losses
from replearn.data import GaussianNoise, MultiCrop
from replearn.methods import DINO, SelfDistillation
from replearn.training import cosine_ramp, pretrain, seeded
from sampling import rows


def networks():
    with seeded(0):
        encoder = nn.Sequential(nn.Flatten(), nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU())
        return encoder, nn.Linear(8, 4), nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 4))


def byol(**options):
    encoder, projector, predictor = networks()
    return SelfDistillation(encoder, projector, losses.byol_loss, GaussianNoise(0.2), predictor=predictor, **options)


def dino(**options):
    encoder, projector, _ = networks()
    options = {"n_prototypes": 7, "dim": 4, **options}
    return DINO(encoder, projector, losses.dino_loss, GaussianNoise(0.2), **options)


def images(n=40):
    return rows(n)


run = partial(pretrain, steps=12, batch_size=16, warmup=2, lr=1e-2, seed=0)


def test_simsiam_predicts_its_own_other_view():
    method, (a, b) = byol(decay=None), images(20).chunk(2)
    z = method.projector(method.encoder(torch.cat([a, b]))).detach()
    p = method.predictor(z)
    expected = 2 - F.cosine_similarity(p[:10], z[10:]).mean() - F.cosine_similarity(p[10:], z[:10]).mean()
    torch.testing.assert_close(method.step((a, b))["loss"], expected)


def test_byol_predicts_its_teacher():
    method, (a, b) = byol(decay=0.9), images(20).chunk(2)
    for p in method.teacher.parameters():
        p.mul_(1.5)
    t = copy.deepcopy(method.teacher)(torch.cat([a, b]))
    p = method.predictor(method.projector(method.encoder(torch.cat([a, b]))))
    expected = (losses.byol_loss(p[:10], t[10:]) + losses.byol_loss(p[10:], t[:10])) / 2
    torch.testing.assert_close(method.step((a, b))["loss"], expected)


@pytest.mark.parametrize("method", [byol(decay=(0.5, 1.0)), dino(decay=(0.5, 1.0))])
def test_the_teachers_decay_follows_the_run(method):
    seen = []
    update = method.teacher.update
    method.teacher.update = lambda model, decay: (seen.append(decay), update(model, decay))
    run(method, images())
    assert seen == pytest.approx([cosine_ramp(step, 12, 0.5, 1.0) for step in range(12)])


def test_the_predictor_has_a_learning_rate_of_its_own():
    rates = []

    class Watched(torch.optim.SGD):
        def step(self, closure=None):
            rates.append([group["lr"] for group in self.param_groups])
            return super().step(closure)

    run(byol(decay=None, predictor_lr=10.0), images(), optimizer=Watched)
    for first, second, third, fourth in rates:
        assert first == second and third == fourth == pytest.approx(10 * first)
    run(byol(decay=0.9, predictor_lr=1.0), images())
    encoder, projector, _ = networks()
    bare = SelfDistillation(encoder, projector, losses.byol_loss, GaussianNoise(0.1), predictor=nn.Identity())
    assert len(bare.param_groups(0.1)) == 2


def test_dino_is_its_loss_of_cosines_with_the_prototypes():
    method, views = dino(), list(images(30).chunk(3))
    method.center.copy_(torch.linspace(-0.1, 0.1, 7))

    def logits(encoder, projector, prototypes, view):
        return F.cosine_similarity(projector(encoder(view))[:, None], prototypes.weight[None], dim=2)

    student = [method.encoder, method.projector, method.prototypes]
    teacher = [copy.deepcopy(method.teacher.module[i]) for i in (0, 1, 3)]
    s = logits(*student, torch.cat(views)).unflatten(0, (3, 10))
    t = logits(*teacher, torch.cat(views[:2])).unflatten(0, (2, 10))
    out = method.step(views)
    torch.testing.assert_close(out["loss"], losses.dino_loss(s, t, method.center))
    torch.testing.assert_close(out["teacher"], t)


def test_the_centre_is_a_running_mean_of_the_teachers_logits():
    method, views = dino(center_momentum=0.8), list(images(20).chunk(2))
    mean = method.step(views)["teacher"].mean((0, 1))
    for _ in range(3):
        method.after_step()
    torch.testing.assert_close(method.center, (1 - 0.8**3) * mean)
    free = dino(center_momentum=None)
    free.step(views)
    free.after_step()
    assert not free.center.any()


def test_views_of_several_sizes_are_matched_with_both_targets():
    with seeded(0):
        encoder = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4, 8))
    crops = MultiCrop(GaussianNoise(0.1), lambda x, generator: x[..., :3, :3], n_global=2, n_local=3)
    method = DINO(encoder, nn.Linear(8, 4), losses.dino_loss, crops, n_prototypes=5, dim=4)
    pictures = torch.randn(20, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    views = method.views(pictures, torch.arange(8), torch.Generator().manual_seed(0))
    assert [tuple(v.shape[2:]) for v in views] == [(6, 6)] * 2 + [(3, 3)] * 3
    out = method.step(views)
    each = torch.stack([method._student()(view) for view in views])
    torch.testing.assert_close(out["loss"], losses.dino_loss(each, out["teacher"], 0.0))
    assert out["z"].shape == (16, 5)


@pytest.mark.parametrize("make", [byol, dino, partial(byol, decay=None)])
def test_a_checkpoint_resumes_bit_for_bit(tmp_path, make):
    whole, resumed, path = make(), make(), tmp_path / "run.pt"
    expected = run(whole, images())

    def stop(step, out):
        if step == 8:
            raise KeyboardInterrupt

    kept = {"checkpoint": path, "checkpoint_every": 4, "log_every": 1}
    assert run(resumed, images(), monitor=stop, **kept).interrupted
    fresh = make()
    assert run(fresh, images(), resume=True, **kept).loss == expected.loss
    for a, b in zip(fresh.state_dict().values(), whole.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_prototypes_start_from_their_seed_alone():
    first = dino(seed=3)
    torch.randn(10)
    assert torch.equal(dino(seed=3).prototypes.weight, first.prototypes.weight)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: byol(decay=1.5), "decay must lie"),
        (lambda: byol(decay=(-0.1, 1.0)), "decay must lie"),
        (lambda: dino(center_momentum=2.0), "center_momentum must lie"),
    ],
)
def test_bad_settings_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
