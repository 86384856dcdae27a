import numpy as np
import pytest
import torch

from replearn import spectral
from sampling import normal

N, K = 12, 3
G = spectral.knn_graph(normal(N, 2), 3, weight="heat")
L, degrees = spectral.laplacian(G)
Z = torch.tensor(normal(N, K, seed=1))


def vicreg_by_pairs(Z, inv, reg):
    z, g = Z.numpy(), G.toarray()
    invariance = sum(g[i, j] * np.sum((z[i] - z[j]) ** 2) for i in range(N) for j in range(N))
    return reg * np.sum((np.cov(z.T, bias=True) - np.eye(K)) ** 2) + inv / N * invariance


def contrastive_by_pairs(Z):
    z, g = Z.numpy(), G.toarray()
    return sum((z[i] @ z[j] - g[i, j]) ** 2 for i in range(N) for j in range(N))


def barlow_by_pairs(Z, center):
    z, g = Z.numpy(), G.toarray()
    z = z - np.average(z, axis=0, weights=degrees) if center else z
    loss = 0.0
    for k in range(K):
        for l in range(K):
            shared = sum(g[i, j] * z[i, k] * z[j, l] for i in range(N) for j in range(N))
            norm = np.sqrt(np.sum(degrees * z[:, k] ** 2) * np.sum(degrees * z[:, l] ** 2))
            loss += (shared / norm - (k == l)) ** 2
    return loss


@pytest.mark.parametrize("form", [lambda M: M, lambda M: M.toarray(), lambda M: torch.tensor(M.toarray())])
def test_losses_match_the_sum_over_pairs(form):
    np.testing.assert_allclose(
        spectral.vicreg_graph_loss(Z, form(L), inv=0.7, reg=1.5), vicreg_by_pairs(Z, 0.7, 1.5), rtol=1e-10
    )
    np.testing.assert_allclose(spectral.contrastive_graph_loss(Z, form(G)), contrastive_by_pairs(Z), rtol=1e-10)
    for center in (True, False):
        np.testing.assert_allclose(
            spectral.barlow_graph_loss(Z, form(G), center=center), barlow_by_pairs(Z, center), rtol=1e-10
        )


@pytest.mark.parametrize(
    "loss",
    [
        lambda Z: spectral.vicreg_graph_loss(Z, L, inv=0.7),
        lambda Z: spectral.contrastive_graph_loss(Z, G),
        lambda Z: spectral.barlow_graph_loss(Z, G),
    ],
)
def test_gradients_match_finite_differences(loss):
    assert torch.autograd.gradcheck(loss, Z.clone().requires_grad_())


def test_a_constant_column_costs_one():
    padded = torch.cat([Z, torch.ones(N, 1, dtype=Z.dtype)], dim=1)
    np.testing.assert_allclose(spectral.barlow_graph_loss(padded, G), spectral.barlow_graph_loss(Z, G) + 1)


def test_losses_keep_the_precision_of_the_embedding():
    assert spectral.vicreg_graph_loss(Z.float(), L).dtype == torch.float32
    np.testing.assert_allclose(
        spectral.contrastive_graph_loss(Z.float(), G), spectral.contrastive_graph_loss(Z, G), rtol=1e-5
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: spectral.vicreg_graph_loss(Z, L[:4, :4]), "one row per row of Z"),
        (lambda: spectral.vicreg_graph_loss(Z, L, inv=-1.0), "inv must be"),
        (lambda: spectral.vicreg_graph_loss(Z, L, reg=0.0), "reg must be"),
        (lambda: spectral.vicreg_graph_loss(Z[:1], L[:1, :1]), "N >= 2"),
        (lambda: spectral.contrastive_graph_loss(Z * torch.nan, G), "NaN"),
        (lambda: spectral.contrastive_graph_loss(Z, G[:4]), "one row per row of Z"),
        (lambda: spectral.barlow_graph_loss(Z[:, 0], G), "must be a matrix"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
