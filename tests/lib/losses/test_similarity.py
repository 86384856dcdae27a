from itertools import product

import pytest
import torch

from replearn import losses

Z = torch.randn(7, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("k", [3, 20])
def test_vcreg_is_the_distance_of_the_second_moment_from_the_identity(k):
    z = torch.randn(7, k, dtype=torch.float64, generator=torch.Generator().manual_seed(k))
    moment = sum(torch.outer(row, row) for row in z) / 7
    torch.testing.assert_close(losses.decorrelation_loss(z), (moment - torch.eye(k, dtype=z.dtype)).square().sum())
    pairs = sum((z[i] @ z[j]) ** 2 for i in range(7) for j in range(7) if i != j) / 42
    torch.testing.assert_close(
        losses.decorrelation_loss(z, unbiased=True),
        pairs - 2 * z.square().sum(dim=1).mean() + k,
        rtol=1e-10,
        atol=1e-10,
    )


def test_over_all_batches_the_u_statistic_is_right_and_the_plain_loss_too_large():
    population = Z[:4]
    moment = population.T @ population / 4
    truth = (moment - torch.eye(3, dtype=Z.dtype)).square().sum()
    batches = [population[list(rows)] for rows in product(range(4), repeat=3)]
    unbiased = torch.stack([losses.decorrelation_loss(b, unbiased=True) for b in batches]).mean()
    torch.testing.assert_close(unbiased, truth, rtol=1e-10, atol=1e-12)
    excess = (population.square().sum(dim=1).square().mean() - moment.square().sum()) / 3
    plain = torch.stack([losses.decorrelation_loss(b) for b in batches]).mean()
    torch.testing.assert_close(plain, truth + excess, rtol=1e-10, atol=1e-12)


def test_with_agreeing_views_it_is_the_spectral_contrastive_loss():
    torch.testing.assert_close(losses.decorrelation_loss(Z, unbiased=True) - 3, losses.spectral_contrastive(Z, Z))


def test_the_centred_spectral_loss_takes_the_mean_of_both_views_off():
    a, b = Z + 2, Z.flip(0) - 1
    expected = losses.spectral_contrastive(a - torch.cat([a, b]).mean(0), b - torch.cat([a, b]).mean(0))
    torch.testing.assert_close(losses.spectral_contrastive(a, b, centered=True), expected)
    torch.testing.assert_close(losses.spectral_contrastive(a + 9, b + 9, centered=True), expected)


def test_gradients_flow_and_half_precision_is_raised():
    z = Z.clone().requires_grad_()
    assert torch.autograd.gradcheck(losses.decorrelation_loss, z)
    assert torch.autograd.gradcheck(lambda z: losses.decorrelation_loss(z, unbiased=True), z)
    assert losses.decorrelation_loss(Z.half()).dtype == torch.float32


@pytest.mark.parametrize(("z", "message"), [(Z[:1], "N >= 2"), (Z[0], "have shape"), (Z * torch.nan, "NaN")])
def test_bad_input_is_refused(z, message):
    with pytest.raises(ValueError, match=message):
        losses.decorrelation_loss(z)
