"""VICReg, Barlow Twins, W-MSE and their statistics against textbook formulations in numpy."""

import numpy as np
import pytest
import torch

from replearn import losses

SHAPES = [(12, 4), (8, 8), (6, 11), (6, 12), (5, 40)]


def views(n, k, *, dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(2, n, k, generator=generator, dtype=dtype)
    return 0.4 * z[0] + 0.3, 0.4 * z[0] + 0.5 * z[1]


def textbook_vicreg(a, b, inv=25.0, var=25.0, cov=1.0, eps=1e-4, gamma=1.0):
    a, b = a.numpy(), b.numpy()
    n, k = a.shape
    s = sum(((a[i, j] - b[i, j]) ** 2) for i in range(n) for j in range(k)) / (n * k)
    v, c = [], []
    for z in (a, b):
        v.append(np.mean([max(0.0, gamma - np.sqrt(z[:, j].var(ddof=1) + eps)) for j in range(k)]))
        covariance = np.cov(z, rowvar=False)
        c.append(sum(covariance[i, j] ** 2 for i in range(k) for j in range(k) if i != j) / k)
    return inv * s + var * (v[0] + v[1]) / 2 + cov * (c[0] + c[1]), s, (v[0] + v[1]) / 2, c[0] + c[1]


def textbook_barlow(a, b, lam=0.0051):
    a, b = a.numpy(), b.numpy()
    k = a.shape[1]
    c = np.corrcoef(a, b, rowvar=False)[:k, k:]
    on = sum((1 - c[i, i]) ** 2 for i in range(k))
    off = sum(c[i, j] ** 2 for i in range(k) for j in range(k) if i != j)
    return on + lam * off, on, off


def textbook_w_mse(a, b, normalize, correction):
    total = []
    for z in (a.numpy(), b.numpy()):
        covariance = np.cov(z, rowvar=False, ddof=correction)
        u = (np.linalg.inv(np.linalg.cholesky(covariance)) @ (z - z.mean(0)).T).T
        total.append(u / np.linalg.norm(u, axis=1, keepdims=True) if normalize else u)
    return ((total[0] - total[1]) ** 2).sum(1).mean()


@pytest.mark.parametrize("shape", SHAPES)
def test_vicreg_is_the_textbook_formula_on_both_sides_of_the_duality(shape):
    a, b = views(*shape)
    np.testing.assert_allclose(losses.vicreg(a, b), textbook_vicreg(a, b), rtol=1e-10)


def test_vicreg_uses_its_weights_and_margins():
    a, b = views(9, 4)
    weights = dict(inv=3.0, var=0.5, cov=2.0, eps=0.01, gamma=1.5)
    np.testing.assert_allclose(losses.vicreg(a, b, **weights), textbook_vicreg(a, b, **weights), rtol=1e-10)


@pytest.mark.parametrize("shape", SHAPES)
def test_barlow_twins_is_the_textbook_formula_on_both_sides_of_the_duality(shape):
    a, b = views(*shape)
    np.testing.assert_allclose(losses.barlow_twins(a, b, lam=0.3, eps=0.0), textbook_barlow(a, b, 0.3), rtol=1e-10)
    np.testing.assert_allclose(losses.barlow_twins(a, b), textbook_barlow(a, b), rtol=1e-3)


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("correction", [0, 1])
def test_w_mse_is_the_textbook_formula(normalize, correction):
    a, b = views(20, 4)
    loss = losses.w_mse(a, b, normalize=normalize, correction=correction)
    assert loss.item() == pytest.approx(textbook_w_mse(a, b, normalize, correction), rel=1e-10)


def test_w_mse_of_sub_batches_is_the_mean_over_them():
    a, b = views(24, 3)
    parts = [textbook_w_mse(a[i : i + 8], b[i : i + 8], True, 1) for i in (0, 8, 16)]
    assert losses.w_mse(a, b, sub_batch=8).item() == pytest.approx(np.mean(parts), rel=1e-10)


def test_w_mse_ignores_an_invertible_map_of_each_view():
    a, b = views(30, 4)
    m = torch.randn(2, 4, 4, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    lower = torch.tril(m) + 3 * torch.eye(4, dtype=torch.float64)
    torch.testing.assert_close(losses.w_mse(a @ lower[0].T + 7, b @ lower[1].T), losses.w_mse(a, b))


GRADCHECKED = {
    "vicreg": lambda a, b: losses.vicreg(a, b).total,
    "barlow_twins": lambda a, b: losses.barlow_twins(a, b, lam=0.2).total,
    "w_mse": lambda a, b: losses.w_mse(a, b, shrink=0.1),
    "w_mse_plain": lambda a, b: losses.w_mse(a, b, normalize=False, shrink=0.1),
    "cross_correlation": lambda a, b: losses.cross_correlation(a, b).square().sum(),
}


@pytest.mark.parametrize(("name", "shape"), [(n, s) for n in GRADCHECKED for s in ((7, 3), (4, 9))])
def test_gradients_agree_with_finite_differences(name, shape):
    a, b = (z.requires_grad_() for z in views(*shape))
    assert torch.autograd.gradcheck(GRADCHECKED[name], (a, b))


def test_zca_gradient_agrees_with_finite_differences():
    a, b = (z.requires_grad_() for z in views(7, 3))
    assert torch.autograd.gradcheck(lambda a, b: (losses.whiten(a, method="zca", shrink=0.1) * b).sum(), (a, b))


@pytest.mark.parametrize("loss", [losses.vicreg, losses.barlow_twins])
@pytest.mark.parametrize("shape", [(12, 4), (5, 40)])
def test_views_may_swap_and_samples_may_be_shuffled(loss, shape):
    a, b = views(*shape)
    order = torch.randperm(len(a), generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(loss(b, a), loss(a, b))
    torch.testing.assert_close(loss(a[order], b[order]), loss(a, b))


def test_w_mse_is_symmetric():
    a, b = views(20, 4)
    torch.testing.assert_close(losses.w_mse(b, a), losses.w_mse(a, b))


@pytest.mark.parametrize("method", ["cholesky", "zca"])
def test_whitened_covariance_is_the_identity(method):
    z, _ = views(200, 8)
    u = losses.whiten(z @ torch.diag(torch.logspace(-1, 1, 8, dtype=torch.float64)), method=method)
    torch.testing.assert_close(torch.cov(u.T), torch.eye(8, dtype=torch.float64), rtol=0, atol=1e-6)
    torch.testing.assert_close(u.mean(0), torch.zeros(8, dtype=torch.float64), rtol=0, atol=1e-10)


def test_shrinkage_mixes_the_identity_into_the_covariance():
    z, _ = views(50, 4)
    u, c = losses.whiten(z, shrink=0.25), torch.cov(z.T)
    factor = torch.linalg.cholesky(0.75 * c + 0.25 * torch.eye(4, dtype=torch.float64))
    torch.testing.assert_close(factor @ torch.cov(u.T) @ factor.T, c)


def test_zca_is_the_whitening_closest_to_the_data():
    z, _ = views(60, 4)
    centred = z - z.mean(0)
    distance = {m: (losses.whiten(z, method=m) - centred).norm() for m in ("cholesky", "zca")}
    assert distance["zca"] < distance["cholesky"]


def almost_dependent(distance):
    """Three columns, of which the last differs from the first by ``distance``."""
    a, b, c = views(8, 3)[0].T
    return torch.stack([a, b, a + distance * c], 1)


@pytest.mark.parametrize("method", ["cholesky", "zca"])
def test_columns_that_differ_by_rounding_alone_are_refused_and_others_whitened(method):
    """Rounding leaves such a covariance positive definite as often as not, so its eigenvalues are compared with it."""
    for distance in (0.0, 1e-9, 3e-9):
        for scale in (1e-6, 1.0, 1e6):
            with pytest.raises(ValueError, match="singular"):
                losses.whiten(scale * almost_dependent(distance), method=method)
    u = losses.whiten(almost_dependent(1e-5), method=method)
    torch.testing.assert_close(torch.cov(u.T), torch.eye(3, dtype=u.dtype), rtol=0, atol=1e-4)


def test_off_diagonal_reads_row_by_row():
    m = torch.arange(9.0).view(3, 3)
    assert losses.off_diagonal(m).tolist() == [1, 2, 3, 5, 6, 7]
    assert losses.off_diagonal(torch.ones(1, 1)).numel() == 0


@pytest.mark.parametrize("shape", SHAPES)
def test_off_diagonal_energy_is_the_double_sum(shape):
    a, b = views(*shape)
    m = (a.T @ b).numpy()
    expected = (m**2).sum() - (np.diag(m) ** 2).sum()
    assert losses.off_diagonal_energy(a, b).item() == pytest.approx(expected, rel=1e-10)


def test_correlations_are_those_of_numpy():
    a, b = views(20, 5)
    np.testing.assert_allclose(losses.correlation_matrix(a), np.corrcoef(a, rowvar=False), atol=1e-12)
    np.testing.assert_allclose(losses.cross_correlation(a, b), np.corrcoef(a, b, rowvar=False)[:5, 5:], atol=1e-12)


def test_float32_agrees_across_the_duality():
    a, b = views(64, 512, dtype=torch.float32)
    exact = losses.vicreg(a.double(), b.double())
    torch.testing.assert_close(torch.stack(losses.vicreg(a, b)).double(), torch.stack(exact), rtol=1e-5, atol=0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_raised_to_float32_even_under_autocast(dtype):
    a, b = (z.to(dtype) for z in views(16, 4))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        total = losses.vicreg(z1=a, z2=b).total
    torch.testing.assert_close(total, losses.vicreg(a.float(), b.float()).total)


def test_a_collapsed_batch_keeps_finite_gradients():
    z = torch.ones(8, 4, dtype=torch.float64) + 1e-9 * views(8, 4)[0]
    z.requires_grad_()
    (losses.vicreg(z, z + 0).total + losses.barlow_twins(z, z + 0).total).backward()
    assert torch.isfinite(z.grad).all() and z.grad.abs().max() > 0


A, B = views(8, 4)
NAN = A.clone()
NAN[1, 2] = torch.nan
BAD = {
    "one sample": (lambda f: f(A[:1], B[:1]), "N >= 2"),
    "shapes": (lambda f: f(A, B[:7]), "as in|one shape"),
    "not a matrix": (lambda f: f(A[0], B[0]), "have shape"),
    "nan": (lambda f: f(NAN, B), "NaN"),
    "inf": (lambda f: f(A, B / 0), "infinite"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("loss", [losses.vicreg, losses.barlow_twins, losses.w_mse])
def test_bad_embeddings_are_refused(loss, case):
    call, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        call(loss)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: losses.vicreg(A, B, inv=-1), "inv must be at least 0"),
        (lambda: losses.vicreg(A, B, cov=float("nan")), "cov must be"),
        (lambda: losses.barlow_twins(A, B, lam=-1), "lam must be at least 0"),
        (lambda: losses.barlow_twins(A * 0, B, eps=0.0), "constant column"),
        (lambda: losses.correlation_matrix(A * 0), "constant column"),
        (lambda: losses.w_mse(A, B, sub_batch=3), "multiple of 3"),
        (lambda: losses.w_mse(A, B, sub_batch=4), "fewer than 4 dimensions"),
        (lambda: losses.w_mse(A, B, sub_batch=16), "divide the batch"),
        (lambda: losses.w_mse(A, B, shrink=1.0), "shrink must be"),
        (lambda: losses.w_mse(A[:, [0, 0]], B[:, :2]), "singular"),
        (lambda: losses.whiten(A[:, [0, 0]], method="zca"), "singular"),
        (lambda: losses.whiten(A, method="pca"), "'cholesky', 'zca'"),
        (lambda: losses.whiten(A, correction=2), "correction"),
        (lambda: losses.off_diagonal(A), "K = 8"),
        (lambda: losses.off_diagonal_energy(A, B[:3]), "as in|one shape"),
        (lambda: losses.cross_correlation(A, B, eps=-1), "eps"),
    ],
)
def test_bad_settings_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
