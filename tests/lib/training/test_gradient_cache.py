"""Gradient caching against the gradient of the whole batch."""

import pytest
import torch
from torch import nn

from replearn import losses
from replearn.data import GaussianNoise
from replearn.methods import JointEmbedding
from replearn.training import grad_cache, pretrain, seeded


def network(dropout=0.0):
    with seeded(0):
        layers = nn.Linear(6, 16), nn.LayerNorm(16), nn.Tanh(), nn.Dropout(dropout), nn.Linear(16, 5)
        return nn.Sequential(*layers).double()


def inputs(n=22):
    return torch.randn(n, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def gradient(net, loss, z):
    value = loss(*z.chunk(2))
    getattr(value, "total", value).backward()
    return torch.cat([p.grad.flatten() for p in net.parameters()])


@pytest.mark.parametrize("loss", [losses.nt_xent, losses.vicreg, losses.barlow_twins, losses.spectral_contrastive])
@pytest.mark.parametrize("chunks", [1, 2, 5, 22])
def test_the_gradient_is_that_of_the_whole_batch(loss, chunks):
    whole, cached = network(), network()
    expected = gradient(whole, loss, whole(inputs()))
    torch.testing.assert_close(
        gradient(cached, loss, grad_cache(cached, inputs(), chunks)), expected, atol=1e-12, rtol=1e-10
    )


def test_dropout_draws_the_same_numbers_again():
    """By the definition: the cached rows of dL/dz go back through the embeddings that the loss saw."""
    net, x = network(dropout=0.5).train(), inputs()
    torch.manual_seed(0)
    parts = [net(part) for part in x.tensor_split(4)]
    z = torch.cat(parts).detach().requires_grad_()
    (rows,) = torch.autograd.grad(losses.nt_xent(*z.chunk(2)), z)
    torch.autograd.backward(parts, rows.tensor_split(4))
    expected = torch.cat([p.grad.flatten() for p in net.parameters()])
    net.zero_grad()
    torch.manual_seed(0)
    torch.testing.assert_close(gradient(net, losses.nt_xent, grad_cache(net, x, 4)), expected)


def test_activations_are_not_kept():
    """At most one chunk of the wide layer's activations is alive: counted as bytes that autograd saves."""
    net, x = nn.Sequential(nn.Linear(8, 512), nn.Tanh(), nn.Linear(512, 4)), torch.randn(64, 8)

    def saved_bytes(embed):
        kept = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
            embed().sum()
        return sum(t.numel() for t in kept if t.shape[-1] == 512 and t.shape[0] < 512)

    assert saved_bytes(lambda: net(x)) >= 64 * 512
    assert saved_bytes(lambda: grad_cache(net, x, 8)) == 0


@pytest.mark.parametrize("chunks", [0, 23, 1.5])
def test_bad_chunks(chunks):
    with pytest.raises(ValueError, match="chunks"):
        grad_cache(network(), inputs(), chunks)


def test_micro_batches_train_alike():
    images = torch.randn(40, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(2))

    def trained(micro_batches):
        method = JointEmbedding(
            network(), nn.Identity(), losses.nt_xent, GaussianNoise(0.3), micro_batches=micro_batches
        )
        loss = pretrain(method, images, steps=5, batch_size=16, warmup=1, lr=1e-2).loss
        return torch.tensor(loss), torch.cat([p.detach().flatten() for p in method.parameters()])

    for one, four in zip(trained(1), trained(4), strict=True):
        torch.testing.assert_close(four, one, atol=1e-9, rtol=1e-9)
    with pytest.raises(ValueError, match="micro_batches"):
        trained(0)
