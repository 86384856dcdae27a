"""The losses against lightly's: the same value and gradient, in no more time and memory (extra ``bench``)."""

from functools import partial

import pytest
import torch
from measuring import fastest, peak_memory

from replearn import losses

reference = pytest.importorskip("lightly.loss", reason="install the extra: pip install -e '.[bench]'")


def barlow_twins(z1, z2):
    return losses.barlow_twins(z1, z2, lam=5e-3).total


def dino(z1, z2):
    return losses.dino_loss([z1, z2], [z2.detach(), z1.detach()])


def lightly_dino(z1, z2):
    loss = reference.DINOLoss(output_dim=z1.shape[1])
    return loss([z2.detach(), z1.detach()], [z1, z2])


def lightly_simsiam(p, z):
    return reference.NegativeCosineSimilarity()(p, z.detach())


PAIRS = {
    "nt_xent": (losses.nt_xent, reference.NTXentLoss()),
    "dcl": (losses.dcl, reference.DCLLoss()),
    "vicreg": (lambda a, b: losses.vicreg(a, b).total, reference.VICRegLoss()),
    "barlow_twins": (barlow_twins, reference.BarlowTwinsLoss()),
    "simsiam": (losses.simsiam_loss, lightly_simsiam),
    "dino": (dino, lightly_dino),
}


def forward_backward(loss, z1, z2):
    z1, z2 = z1.detach().requires_grad_(), z2.detach().requires_grad_()
    value = loss(z1, z2)
    value.backward()
    return value.detach(), z1.grad


@pytest.mark.parametrize("k", [128, 2048])
@pytest.mark.parametrize("n", [256, 1024, 4096])
@pytest.mark.parametrize("name", PAIRS)
def test_loss(benchmark, capsys, name, n, k):
    ours, theirs = PAIRS[name]
    generator = torch.Generator().manual_seed(0)
    z1 = torch.randn(n, k, generator=generator)
    z2 = z1 + 0.5 * torch.randn(n, k, generator=generator)
    (value, slope), (expected, target) = forward_backward(ours, z1, z2), forward_backward(theirs, z1, z2)
    torch.testing.assert_close(value, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(slope, target, rtol=1e-3, atol=1e-5 * target.abs().max().item())
    rounds = 3 if n == 4096 else 9
    run = [partial(forward_backward, loss, z1, z2) for loss in (ours, theirs)]
    fast, slow = fastest(*run, rounds=rounds)
    benchmark.pedantic(run[0], rounds=rounds)
    small, large = map(peak_memory, run)
    with capsys.disabled():
        print(
            f"\n{name:13} N={n:<5} K={k:<5} {fast * 1e3:8.1f} ms, lightly x{slow / fast:4.2f};"
            f" {small / 1e6:7.1f} MB, lightly x{large / small:4.2f}"
        )
