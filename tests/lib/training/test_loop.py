import copy
import math
import os
import signal
from functools import partial
from typing import NamedTuple

import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from replearn.data import Compose, GaussianNoise
from replearn.methods import JointEmbedding
from replearn.training import History, Method, NonFiniteLossError, pretrain, progress
from replearn.training.checkpoint import _digest, _write, read_checkpoint


def images(n=50, dtype=torch.float32):
    return torch.randn(n, 6, generator=torch.Generator().manual_seed(123), dtype=dtype)


def distance(a, b):
    return (a - b).square().mean() - 0.1 * a.var(0).mean()


class Watched(JointEmbedding):
    """Dropout, BatchNorm and a teacher that moves after each step: everything that a resumed run must restore."""

    def __init__(self, stop=None, poison=None, press=None):
        torch.manual_seed(0)
        encoder = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3))
        super().__init__(encoder, nn.Linear(8, 4), distance, GaussianNoise(0.2))
        self.teacher = copy.deepcopy(self.projector).requires_grad_(False)
        self.stop, self.poison, self.press, self.calls = stop, poison, press, 0

    def views(self, images, index, generator):
        self.calls += 1
        if self.calls == self.stop:
            raise KeyboardInterrupt
        if self.calls == self.press:
            os.kill(os.getpid(), signal.SIGINT)
        return super().views(images, index, generator)

    def step(self, views):
        out = super().step(views)
        return out | {"loss": out["loss"] * torch.nan} if self.calls == self.poison else out

    def after_step(self):
        for slow, fast in zip(self.teacher.parameters(), self.projector.parameters(), strict=True):
            slow.lerp_(fast.detach(), 0.1)


run = partial(pretrain, steps=30, batch_size=16, warmup=5, lr=1e-2)


def weights(method):
    return torch.cat([value.flatten().double() for value in method.state_dict().values()])


class Quadratic(Method):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.ones(6, dtype=torch.float64))

    def views(self, images, index, generator):
        return images[index]

    def step(self, views):
        z = views @ self.w
        return {"loss": z.square().mean(), "z": z}


def test_the_loop_is_gradient_descent_written_out():
    x, method = images(dtype=torch.float64), Quadratic()
    history = pretrain(method, x, steps=12, batch_size=8, lr=0.05, warmup=4, optimizer=torch.optim.SGD, seed=3)
    w, draws, losses, rates = torch.ones(6, dtype=torch.float64), torch.Generator().manual_seed(3), [], []
    for t in range(12):
        batch = x[torch.randint(50, (8,), generator=draws)]
        z = batch @ w
        rates.append(0.05 * (t / 4 if t < 4 else (1 + math.cos(math.pi * (t - 4) / 8)) / 2))
        losses.append(z.square().mean().item())
        w = w - rates[-1] * 2 * batch.T @ z / 8
    torch.testing.assert_close(method.w.detach(), w, rtol=1e-12, atol=1e-12)
    assert history.loss == pytest.approx(losses, rel=1e-12) and history.lr == pytest.approx(rates, rel=1e-12)


def test_equal_seeds_give_equal_runs_and_leave_the_global_generators_alone():
    state = torch.get_rng_state()
    first, again, other = Watched(), Watched(), Watched()
    torch.set_rng_state(state)
    curves = [run(first, images(), seed=1).loss]
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(99)
    curves += [run(again, images(), seed=1, log_every=7).loss, run(other, images(), seed=2).loss]
    assert curves[0] == curves[1] and torch.equal(weights(first), weights(again))
    assert curves[0] != curves[2] and (weights(first) - weights(other)).abs().max() > 1e-3


def test_resume_is_bit_exact(tmp_path):
    path = tmp_path / "run.pt"
    straight, halved, resumed = Watched(), Watched(stop=19), Watched()
    expected = run(straight, images())
    half = run(halved, images(), checkpoint=path, checkpoint_every=15)
    assert half.interrupted and half.loss == expected.loss[:18]
    history = run(resumed, images(), checkpoint=path, checkpoint_every=15, resume=True)
    assert resumed.calls == 15
    assert torch.equal(weights(straight), weights(resumed))
    assert history == expected


@pytest.mark.parametrize("forget", ["optimizer", "draws", "rng"])
def test_a_resume_that_forgets_a_state_would_not_be_exact(tmp_path, forget):
    path = tmp_path / "run.pt"
    straight, resumed = Watched(), Watched()
    run(straight, images())
    run(Watched(stop=16), images(), checkpoint=path, checkpoint_every=15)
    content = read_checkpoint(path)
    if forget == "optimizer":
        content["parts"]["optimizer"]["state"] = {}
    elif forget == "draws":
        content["random"][0]["draws"] = torch.Generator().manual_seed(0).get_state()
    else:
        content["random"][0]["global"]["torch"] = torch.Generator().manual_seed(0).get_state()
    _write(path, content | {"digest": _digest(content)})
    run(resumed, images(), checkpoint=path, resume=True)
    assert (weights(straight) - weights(resumed)).abs().max() > 1e-3


def test_a_finished_run_resumes_to_itself_and_no_file_starts_anew(tmp_path):
    path = tmp_path / "run.pt"
    first, again = Watched(), Watched()
    history = run(first, images(), checkpoint=path, resume=True)
    assert run(again, images(), checkpoint=path, resume=True) == history
    assert again.calls == 0 and torch.equal(weights(first), weights(again))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lr": 2e-2}, "lr was 0.01 and is now 0.02"),
        ({"seed": 1}, "seed was 0 and is now 1"),
        ({"optimizer": partial(torch.optim.SGD, momentum=0.9)}, r"is now 'SGD\(momentum=0.9\)'"),
        ({"images": images(51)}, "images was"),
    ],
)
def test_resume_refuses_other_settings(tmp_path, change, message):
    run(Watched(), images(), checkpoint=tmp_path / "run.pt")
    with pytest.raises(ValueError, match=message):
        run(Watched(), **({"images": images()} | change), checkpoint=tmp_path / "run.pt", resume=True)


def test_resume_refuses_another_loss_or_augmentation(tmp_path):
    def method(loss, augment):
        return JointEmbedding(nn.Linear(6, 4), nn.Identity(), loss, augment)

    run(method(distance, GaussianNoise(0.2)), images(), checkpoint=tmp_path / "run.pt")
    for other in (method(distance, GaussianNoise(0.3)), method(nn.functional.mse_loss, GaussianNoise(0.2))):
        with pytest.raises(ValueError, match="method was"):
            run(other, images(), checkpoint=tmp_path / "run.pt", resume=True)


@pytest.mark.parametrize("log_every", [1, 4, 10, 100])
def test_a_loss_that_is_nan_stops_the_run_and_names_the_step(tmp_path, log_every):
    path = tmp_path / "run.pt"
    rate = 1e-2 * (1 + math.cos(math.pi * (11 - 5) / 25)) / 2
    message = rf"loss is nan at step 11, where the learning rate is {rate:.3g}; the last good checkpoint holds 10 steps"
    with pytest.raises(NonFiniteLossError, match=message):
        run(Watched(poison=12), images(), log_every=log_every, checkpoint=path, checkpoint_every=5)
    good, half = Watched(), Watched(stop=11)
    run(half, images())
    content = torch.load(path, weights_only=True)
    good.load_state_dict(content["parts"]["method"])
    assert content["step"] == 10 and torch.equal(weights(good), weights(half))


def test_a_resumed_run_that_stops_knows_its_checkpoint(tmp_path):
    run(Watched(stop=8), images(), checkpoint=tmp_path / "run.pt", checkpoint_every=5)
    with pytest.raises(NonFiniteLossError, match=r"at step 6, .* the last good checkpoint holds 5 steps"):
        run(Watched(poison=2), images(), checkpoint=tmp_path / "run.pt", resume=True)


def test_a_run_that_explodes_without_a_checkpoint_says_so():
    with pytest.raises(NonFiniteLossError, match=r"the loss is (inf|nan) at step \d+, .*no checkpoint was written"):
        pretrain(Quadratic(), images(dtype=torch.float64), steps=3000, lr=10.0, warmup=0, optimizer=torch.optim.SGD)


def test_weights_that_are_not_finite_are_never_saved(tmp_path):
    class Breaks(Quadratic):
        def after_step(self):
            self.calls = getattr(self, "calls", 0) + 1
            if self.calls == 10:
                self.w.data[0] = math.inf

    with pytest.raises(
        NonFiniteLossError, match=r"a weight is NaN or infinite after the update at step 9.*holds 5 steps"
    ):
        pretrain(
            Breaks(), images(dtype=torch.float64), steps=10, warmup=0, checkpoint=tmp_path / "a.pt", checkpoint_every=5
        )
    assert torch.load(tmp_path / "a.pt", weights_only=True)["step"] == 5


def test_an_interrupt_returns_what_was_learnt():
    method, shorter = Watched(stop=13), Watched()
    history = run(method, images(), log_every=5)
    assert history.interrupted and len(history.loss) == len(history.lr) == 12
    rest = Watched()
    assert run(rest, images()).loss[:12] == history.loss
    assert not torch.equal(weights(method), weights(shorter))


def test_monitor_sees_every_few_steps():
    seen = []
    run(Watched(), images(), log_every=10, monitor=lambda step, out: seen.append((step, tuple(out["z"].shape))))
    assert seen == [(0, (32, 4)), (10, (32, 4)), (20, (32, 4))]


class Terms(NamedTuple):
    total: torch.Tensor
    part: torch.Tensor


def test_a_loss_may_return_its_terms():
    def with_terms(a, b):
        return Terms(distance(a, b), torch.zeros(()))

    curves = []
    for loss in (distance, with_terms):
        torch.manual_seed(0)
        curves.append(run(JointEmbedding(nn.Linear(6, 4), nn.Identity(), loss, GaussianNoise(0.1)), images()).loss)
    assert curves[0] == curves[1]


def test_joint_embedding_embeds_two_draws_of_each_image():
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Linear(6, 8), nn.ReLU())
    seen = []
    method = JointEmbedding(encoder, nn.Linear(8, 4), lambda a, b: seen.append((a, b)) or a.sum(), GaussianNoise(0.5))
    x, index = images(), torch.tensor([4, 2, 4])
    a, b = method.views(x, index, torch.Generator().manual_seed(5))
    draws = torch.Generator().manual_seed(5)
    for view in (a, b):
        torch.testing.assert_close(view, x[index] + 0.5 * torch.randn(3, 6, generator=draws))
    out = method.step((a, b))
    for view, z in zip((a, b), seen[0], strict=True):
        torch.testing.assert_close(z, method.projector(encoder(view)))
    torch.testing.assert_close(out["z"], torch.cat(seen[0]))
    assert not out["z"].requires_grad


def test_mixed_precision_reaches_the_networks_but_not_the_loss():
    types = set()

    class Spy(nn.Module):
        def forward(self, h):
            types.add(("network", h.dtype))
            return h

    def loss(a, b):
        types.add(("loss", a.dtype))
        types.add(("product", (a @ b.T).dtype))
        return distance(a, b)

    method = JointEmbedding(nn.Sequential(nn.Linear(6, 8), Spy()), nn.Linear(8, 4), loss, GaussianNoise(0.1))
    run(method, images(), steps=6, fabric=Fabric(accelerator="cpu", devices=1, precision="bf16-mixed"))
    assert types == {("network", torch.bfloat16), ("loss", torch.float32), ("product", torch.float32)}
    assert {p.dtype for p in method.parameters()} == {torch.float32}


@pytest.mark.parametrize(("name", "shown"), [("CI", False), ("TQDM_DISABLE", False), (None, True)])
def test_the_bar_is_silent_where_it_should_be(monkeypatch, capsys, name, shown):
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    if name:
        monkeypatch.setenv(name, "1")
    monkeypatch.setattr(progress, "tqdm", partial(progress.tqdm, mininterval=0))
    run(Watched(), images())
    told = capsys.readouterr()
    assert told.out == ""
    assert all(word in told.err for word in ("30/30", "loss", "lr", "images/s")) if shown else told.err == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": nn.Linear(6, 2)}, "method must be a replearn.training.Method, but is a Linear"),
        ({"images": torch.full((5, 6), torch.nan)}, "images contains NaN"),
        ({"steps": 0}, "steps must be an integer"),
        ({"batch_size": 1}, "batch_size must be an integer, at least 2"),
        ({"lr": -1.0}, "lr must be positive"),
        ({"weight_decay": -1.0}, "weight_decay"),
        ({"warmup": 30}, "warmup must be smaller"),
        ({"log_every": 0}, "log_every"),
        ({"checkpoint_every": 0}, "checkpoint_every"),
        ({"seed": -1}, "seed must be"),
        ({"resume": True}, "resume=True needs the file"),
    ],
)
def test_bad_arguments_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        run(**({"method": Watched(), "images": images()} | change))


def test_a_folder_that_is_missing_is_named_before_the_run(tmp_path):
    method = Watched()
    with pytest.raises(FileNotFoundError, match="nowhere of the checkpoint does not exist"):
        run(method, images(), checkpoint=tmp_path / "nowhere" / "run.pt")
    assert method.calls == 0


def test_history_starts_empty():
    assert History() == History(loss=[], lr=[], interrupted=False)


def test_identity_augmentation_is_an_empty_compose():
    method = JointEmbedding(nn.Linear(6, 4), nn.Identity(), nn.functional.mse_loss, Compose())
    assert run(method, images()).loss == [0.0] * 30


def test_clipping_shortens_the_gradient_of_all_parameters_together():
    def first_step(clip):
        method = Watched().double()
        before = weights_trained(method)
        run(
            method, images(dtype=torch.float64), steps=1, warmup=0, lr=1.0, weight_decay=0.0, clip=clip,
            optimizer=torch.optim.SGD,
        )  # fmt: skip
        return weights_trained(method) - before

    def weights_trained(method):
        return torch.cat([p.detach().flatten() for p in method.parameters() if p.requires_grad])

    free = first_step(None)
    torch.testing.assert_close(first_step(free.norm().item() / 4), free / 4, rtol=1e-5, atol=1e-8)
    torch.testing.assert_close(first_step(free.norm().item() * 2), free)
    with pytest.raises(ValueError, match="clip"):
        first_step(0.0)


def test_ctrl_c_saves_the_step_it_reached_and_the_run_goes_on_exactly(tmp_path):
    path = tmp_path / "run.pt"
    straight, pressed, resumed = Watched(), Watched(press=7), Watched()
    expected = run(straight, images())
    half = run(pressed, images(), checkpoint=path, checkpoint_every=1000)
    assert half.interrupted and len(half.loss) == read_checkpoint(path)["step"] > 0
    history = run(resumed, images(), checkpoint=path, resume=True)
    assert history == expected and torch.equal(weights(straight), weights(resumed))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
