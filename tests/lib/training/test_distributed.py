"""Two processes on one machine: their gradients, averaged, are those of one process with the big batch."""

import os

import pytest
import torch
from lightning_fabric import Fabric
from torch import distributed as dist
from torch import multiprocessing, nn

from replearn import losses
from replearn.methods import JointEmbedding
from replearn.training import gather, pretrain, seeded

LOSSES = {
    "nt_xent": losses.nt_xent,
    "info_nce": losses.info_nce,
    "vicreg": losses.vicreg,
    "barlow_twins": losses.barlow_twins,
    "spectral_contrastive": losses.spectral_contrastive,
}


def network():
    with seeded(0):
        return nn.Sequential(nn.Linear(6, 16), nn.LayerNorm(16), nn.Tanh(), nn.Linear(16, 5)).double()


def two_views():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(2, 8, 6, dtype=torch.float64, generator=generator)


def gradients(loss, views, join):
    net = network()
    value = loss(*(join(net(v)) for v in views))
    getattr(value, "total", value).backward()
    return torch.cat([p.grad.flatten() for p in net.parameters()])


def averaged(loss, join):
    rank = dist.get_rank()
    found = gradients(loss, two_views()[:, 4 * rank : 4 * rank + 4], join)
    dist.all_reduce(found)
    return found / 2


def train(folder, steps, resume, micro_batches=1):
    """Train by Fabric in every process, and return the weights and the losses."""
    fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp")
    fabric.launch()
    method = JointEmbedding(network(), nn.Identity(), losses.vicreg, nudge, micro_batches=micro_batches)
    images = torch.randn(40, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    history = pretrain(
        Stopped(method, steps), images, steps=20, batch_size=8, lr=1e-2, warmup=2, fabric=fabric,
        checkpoint=folder / "run.pt", checkpoint_every=10, resume=resume,
    )  # fmt: skip
    return torch.cat([p.detach().flatten() for p in method.parameters()]), history.loss


def nudge(x, generator):
    return x + 0.3 * torch.randn(x.shape, generator=generator, dtype=x.dtype)


class Stopped(JointEmbedding):
    """The same method, interrupted after some steps."""

    def __init__(self, method, steps):
        super().__init__(
            method.encoder, method.projector, method.loss, method.augment, micro_batches=method.micro_batches
        )
        self.left = steps

    def views(self, images, index, generator):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return super().views(images, index, generator)


def _work(rank, port, folder):
    os.environ |= {
        "MASTER_ADDR": "localhost", "MASTER_PORT": str(port), "WORLD_SIZE": "2", "NODE_RANK": "0",
        "RANK": str(rank), "LOCAL_RANK": str(rank), "TQDM_DISABLE": "1",
    }  # fmt: skip
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=2)
    found = {name: averaged(loss, gather) for name, loss in LOSSES.items()}
    found["own rows"], found["no gradient"] = (averaged(own_rows(join), nn.Identity()) for join in (gather, constant))
    found["straight"] = train(folder / "straight", 20, resume=False)
    train(folder / "halves", 13, resume=False)
    found["resumed"] = train(folder / "halves", 20, resume=True)
    found["micro-batches"] = train(folder / "parts", 20, resume=False, micro_batches=3)
    torch.save(found, folder / f"{rank}.pt")
    dist.destroy_process_group()


def constant(z):
    """What must not be done: everybody's rows, of which the own ones alone carry a gradient."""
    everybody = [torch.empty_like(z) for _ in range(2)]
    dist.all_gather(everybody, z.detach())
    everybody[dist.get_rank()] = z
    return torch.cat(everybody)


def own_rows(join):
    """InfoNCE of a process's own queries among everybody's keys, as many codes have it."""

    def loss(q, k):
        logits = nn.functional.normalize(q) @ nn.functional.normalize(join(k)).T / 0.2
        return nn.functional.cross_entropy(logits, torch.arange(4) + 4 * dist.get_rank())

    return loss


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What both processes found, computed once."""
    folder = tmp_path_factory.mktemp("processes")
    for name in ("straight", "halves", "parts"):
        (folder / name).mkdir()
    port = 20_000 + os.getpid() % 20_000
    multiprocessing.spawn(_work, args=(port, folder), nprocs=2)
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.mark.parametrize("name", LOSSES)
def test_gathering_gives_the_gradient_of_the_big_batch(found, name):
    alone = gradients(LOSSES[name], two_views(), nn.Identity())
    for process in found:
        torch.testing.assert_close(process[name], alone, rtol=0, atol=1e-10)


def test_a_gather_without_gradient_is_wrong_where_each_process_has_its_own_rows(found):
    alone = gradients(losses.info_nce, two_views(), nn.Identity())
    torch.testing.assert_close(found[0]["own rows"], alone, rtol=0, atol=1e-10)
    assert torch.cosine_similarity(found[0]["no gradient"], alone, dim=0) < 0.995


def test_the_processes_train_one_model(found):
    (first, loss), (second, same) = (process["straight"] for process in found)
    assert torch.equal(first, second) and loss == same and len(loss) == 20


def test_a_run_of_two_processes_resumes_bit_for_bit(found):
    for process in found:
        weights, loss = process["straight"]
        assert torch.equal(process["resumed"][0], weights) and process["resumed"][1] == loss


def test_micro_batches_train_alike_in_two_processes(found):
    for process in found:
        (weights, loss), (expected, same) = process["micro-batches"], process["straight"]
        torch.testing.assert_close(weights, expected, rtol=0, atol=1e-6)
        assert loss == pytest.approx(same, abs=1e-9)


def test_one_process_has_nothing_to_gather():
    z = torch.ones(2, 3)
    assert gather(z) is z
