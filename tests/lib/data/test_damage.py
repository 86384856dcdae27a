"""Corruptions against what each must do to images whose damage can be read off."""

import pytest
import torch
import torchvision.transforms.functional as tvf

from replearn.data import affine_warp, corruptions
from sampling import draws

KINDS = {"rotate": 25, "crop": 0.4, "noise": 0.5, "contrast": 0.6, "occlusion": 0.12}

X = torch.rand(64, 3, 20, 20, generator=draws(9), dtype=torch.float64) + 0.01


@pytest.mark.parametrize(("kind", "severity"), KINDS.items())
def test_draws_come_from_the_generator_alone(kind, severity):
    before, state = X.clone(), torch.get_rng_state()
    first, again = (corruptions(X, kind, severity, draws(1)) for _ in range(2))
    assert torch.equal(first, again) and first.shape == X.shape and first.dtype == X.dtype
    assert torch.equal(X, before) and torch.equal(state, torch.get_rng_state())
    if kind != "contrast":
        assert not torch.allclose(first, corruptions(X, kind, severity, draws(2)))
        damaged = corruptions(X[:1].expand(8, -1, -1, -1), kind, severity, draws())
        assert not torch.allclose(damaged[0], damaged[1])


@pytest.mark.parametrize(("kind", "severity"), KINDS.items())
def test_severity_zero_is_a_copy_and_a_small_one_nearly_so(kind, severity):
    same = corruptions(X, kind, 0, draws())
    assert torch.equal(same, X) and same.data_ptr() != X.data_ptr()
    if kind not in ("crop", "occlusion"):
        assert (corruptions(X, kind, 1e-9, draws()) - X).abs().max() < 1e-6
    mild, strong = ((corruptions(X, kind, s * severity, draws()) - X).square().mean() for s in (0.2, 1))
    assert 0 < mild < strong


def test_rotation_is_torchvisions_at_one_of_the_angles():
    image = torch.zeros(1, 1, 41, 41, dtype=torch.float64)
    image[..., 10:31, 18:23] = 1
    turned = corruptions(image.expand(50, -1, -1, -1), "rotate", 25, draws())
    angles = torch.arange(-25, 25.5, 0.5).tolist()
    candidates = torch.cat([tvf.rotate(image, a, tvf.InterpolationMode.BILINEAR) for a in angles])
    errors = (turned[:, None] - candidates).square().mean((2, 3, 4))
    best = errors.argmin(1)
    assert errors.amin(1).max() < 1e-3 and best.min() < 15 and best.max() > 85
    assert torch.allclose(affine_warp(image, degrees=10.0), candidates[[70]], atol=1e-6)


def test_crop_keeps_the_share_of_the_area():
    y, x = torch.meshgrid(torch.arange(200.0), torch.arange(200.0), indexing="ij")
    out = corruptions(torch.stack([x, y]).double().expand(300, 2, 200, 200), "crop", 0.4, draws())
    along_x, along_y = out[:, 0, 100, 100] - out[:, 0, 100, 99], out[:, 1, 100, 100] - out[:, 1, 99, 100]
    area = along_x * along_y
    assert area.min() > 0.6 - 0.02 and area.max() < 0.8 + 1e-6
    assert area.mean() == pytest.approx(0.7, abs=0.02)


def test_noise_contrast_and_occlusion_have_their_size():
    noise = corruptions(X, "noise", 0.5, draws()) - X
    assert noise.std().item() == pytest.approx(0.5, abs=0.01) and abs(noise.mean().item()) < 0.01
    torch.testing.assert_close(corruptions(X, "contrast", 0.6, draws()), 0.4 * X)
    hidden = (corruptions(X, "occlusion", 0.16, draws()) == 0).double().mean((2, 3))
    torch.testing.assert_close(hidden, torch.full_like(hidden, 0.16))


@pytest.mark.parametrize(
    ("images", "kind", "severity", "message"),
    [
        (X[0], "noise", 0.1, "batch of images"),
        ((255 * X).byte(), "noise", 0.1, "floating-point"),
        (X * torch.nan, "noise", 0.1, "NaN"),
        (X, "blur", 0.1, "kind must be one of"),
        (X, "rotate", 181, "at most 180"),
        (X, "crop", 0.96, "at most 0.95"),
        (X, "contrast", 1.1, "at most 1"),
        (X, "occlusion", 1.1, "at most 1"),
        (X, "noise", float("inf"), "finite"),
        (X, "noise", float("nan"), "finite"),
        (X, "rotate", -1, "at least 0"),
    ],
)
def test_bad_input_is_refused(images, kind, severity, message):
    with pytest.raises(ValueError, match=message):
        corruptions(images, kind, severity, draws())
