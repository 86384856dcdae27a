"""Losses of masked prediction against loops over the hidden patches."""

import numpy as np
import pytest
import torch

from replearn import losses
from replearn.data import random_mask


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


MASKED = random_mask(3, (2, 4), torch.Generator().manual_seed(0), ratio=0.6).masked
PRED, TARGET = normal(3, 5, 6), normal(3, 8, 6, seed=1)


@pytest.mark.parametrize("normalize", [False, True])
def test_mae_loss_is_the_mean_over_hidden_patches(normalize):
    errors = []
    for n in range(3):
        for j, l in enumerate(MASKED[n]):
            patch = TARGET[n, l].numpy()
            if normalize:
                patch = (patch - patch.mean()) / np.sqrt(patch.var(ddof=1) + 1e-6)
            errors.append(np.mean((PRED[n, j].numpy() - patch) ** 2))
    assert losses.mae_loss(PRED, TARGET, MASKED, normalize=normalize).item() == pytest.approx(
        np.mean(errors), rel=1e-12
    )


def test_simmim_loss_is_the_mean_absolute_error_of_hidden_patches():
    errors = [abs(PRED[n, j] - TARGET[n, l]).numpy() for n in range(3) for j, l in enumerate(MASKED[n])]
    assert losses.simmim_loss(PRED, TARGET, MASKED).item() == pytest.approx(np.mean(errors), rel=1e-12)


def test_visible_patches_do_not_count():
    changed = TARGET.clone().scatter_(1, MASKED[:, :, None].expand(-1, -1, 6), 0.0)
    hidden = torch.stack([t[m] for t, m in zip(TARGET, MASKED, strict=True)])
    assert losses.mae_loss(hidden, TARGET, MASKED).item() == 0
    assert losses.mae_loss(torch.zeros_like(PRED), changed, MASKED).item() == 0


def test_flat_patches_are_normalised_to_zero():
    assert losses.mae_loss(torch.zeros_like(PRED), torch.full_like(TARGET, 3.0), MASKED, normalize=True).item() == 0


@pytest.mark.parametrize("beta", [1.0, 0.3])
def test_latent_loss_written_out(beta):
    t = PRED.numpy()
    t = (t - t.mean(2, keepdims=True)) / np.sqrt(t.var(2, keepdims=True) + 1e-5)
    p = normal(3, 5, 6, seed=2)
    u = abs(p.numpy() - t)
    expected = np.where(u < beta, u**2 / (2 * beta), u - beta / 2).mean()
    assert losses.latent_loss(p, PRED, beta=beta).item() == pytest.approx(expected, rel=1e-9)


def test_gradients():
    assert torch.autograd.gradcheck(
        lambda p: losses.mae_loss(p, TARGET, MASKED, normalize=True), PRED.clone().requires_grad_()
    )
    both = (normal(2, 3, 4).requires_grad_(), normal(2, 3, 4, seed=1).requires_grad_())
    assert torch.autograd.gradcheck(losses.latent_loss, both)


def test_half_precision_is_raised_to_float32():
    p, t = PRED.bfloat16(), TARGET.bfloat16()
    assert losses.mae_loss(p, t, MASKED).dtype == torch.float32
    torch.testing.assert_close(losses.latent_loss(p, p), losses.latent_loss(p.float(), p.float()))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: losses.mae_loss(PRED, TARGET[:, :, :3], MASKED), "must have shape"),
        (lambda: losses.mae_loss(PRED[:, :4], TARGET, MASKED), "must have shape"),
        (lambda: losses.mae_loss(PRED[0], TARGET, MASKED), "must have shape"),
        (lambda: losses.simmim_loss(PRED[:, :4], TARGET, MASKED), "must have shape"),
        (lambda: losses.simmim_loss(PRED, TARGET / 0, MASKED), "infinite"),
        (lambda: losses.mae_loss(PRED, TARGET / 0, MASKED), "infinite"),
        (lambda: losses.mae_loss(PRED[:, :, :1], TARGET[:, :, :1], MASKED, normalize=True), "two numbers"),
        (lambda: losses.latent_loss(PRED, TARGET), "as in|one shape"),
        (lambda: losses.latent_loss(PRED[:, :, :1], PRED[:, :, :1]), "D >= 2"),
        (lambda: losses.latent_loss(PRED, PRED, beta=0.0), "beta must be positive"),
        (lambda: losses.latent_loss(PRED * torch.nan, PRED), "NaN"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
