"""Colour jitter, grey and blur of batches against torchvision, image by image."""

import pytest
import torch
from torchvision.transforms import functional as reference

from replearn.data import ColorJitter, GaussianBlur, Normalize, RandomGrayscale
from replearn.data.color import grayscale, turn_hue
from sampling import draws as generator


def photos(n=6, side=11, seed=0):
    return torch.rand(n, 3, side, side + 2, generator=torch.Generator().manual_seed(seed))


def test_greyscale_and_hue_are_torchvisions():
    x, share = photos(), torch.linspace(-0.5, 0.5, 6).view(-1, 1, 1, 1)
    torch.testing.assert_close(grayscale(x), reference.rgb_to_grayscale(x))
    turned = torch.stack([reference.adjust_hue(image, s.item()) for image, s in zip(x, share, strict=True)])
    torch.testing.assert_close(turn_hue(x, share), turned, rtol=0, atol=1e-5)


def test_a_grey_pixel_has_no_hue_to_turn():
    x = torch.full((1, 3, 2, 2), 0.3)
    torch.testing.assert_close(turn_hue(x, torch.tensor(0.3).view(1, 1, 1, 1)), x)


@pytest.mark.parametrize(
    ("kind", "adjust"),
    [
        ("brightness", reference.adjust_brightness),
        ("contrast", reference.adjust_contrast),
        ("saturation", reference.adjust_saturation),
    ],
)
def test_each_factor_is_torchvisions(kind, adjust):
    strengths = dict.fromkeys(("brightness", "contrast", "saturation", "hue"), 0.0) | {kind: 0.7}
    x = photos()
    draws = generator()
    torch.rand(6, generator=draws)
    before = ("brightness", "contrast", "saturation").index(kind)
    for _ in range(before):
        torch.rand(6, generator=draws)
    factors = 0.3 + 1.4 * torch.rand(6, generator=draws)
    expected = torch.stack([adjust(image, f.item()) for image, f in zip(x, factors, strict=True)])
    torch.testing.assert_close(ColorJitter(**strengths, p=1.0)(x, generator()), expected, rtol=0, atol=1e-5)


def test_blur_is_torchvisions_with_a_width_for_each_image():
    x, draws = photos(), generator()
    torch.rand(6, generator=draws)
    widths = 0.1 + 1.9 * torch.rand(6, generator=draws)
    expected = torch.stack([reference.gaussian_blur(image, 5, s.item()) for image, s in zip(x, widths, strict=True)])
    torch.testing.assert_close(GaussianBlur(5, p=1.0)(x, generator()), expected, rtol=0, atol=1e-5)


def test_normalising_is_torchvisions():
    x, mean, std = photos(), (0.4, 0.5, 0.6), (0.2, 0.3, 0.1)
    torch.testing.assert_close(Normalize(mean, std)(x), reference.normalize(x, mean, std))
    with pytest.raises(ValueError, match="one number for each channel"):
        Normalize(mean, std[:2])
    with pytest.raises(ValueError, match="std must be positive"):
        Normalize(mean, (0.0, 1.0, 1.0))


@pytest.mark.parametrize("augment", [ColorJitter(p=0.0), RandomGrayscale(0.0), GaussianBlur(p=0.0)])
def test_with_probability_0_nothing_changes(augment):
    torch.testing.assert_close(augment(photos(), generator()), photos())


@pytest.mark.parametrize(
    ("augment", "share"), [(ColorJitter(p=0.3), 0.3), (RandomGrayscale(0.2), 0.2), (GaussianBlur(p=0.5), 0.5)]
)
def test_images_are_chosen_one_by_one_with_their_probability(augment, share):
    x = photos(2000, side=5)
    changed = ((augment(x, generator()) - x).abs().amax((1, 2, 3)) > 1e-6).float().mean().item()
    assert changed == pytest.approx(share, abs=0.04)


@pytest.mark.parametrize("augment", [ColorJitter(), RandomGrayscale(), GaussianBlur()])
def test_a_seed_decides_everything_and_pixels_stay_in_their_range(augment):
    x = photos(50)
    first = augment(x, generator(3))
    assert torch.equal(first, augment(x, generator(3))) and not torch.equal(first, augment(x, generator(4)))
    assert first.min() >= -1e-6 and first.max() <= 1 + 1e-6
    assert augment(x.double(), generator()).dtype == torch.float64


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ColorJitter(brightness=-1), "brightness"),
        (lambda: ColorJitter(hue=0.6), "hue must lie"),
        (lambda: RandomGrayscale(1.5), "probability"),
        (lambda: GaussianBlur(4), "odd"),
        (lambda: GaussianBlur(sigma=(2.0, 1.0)), "low <= high"),
        (lambda: GaussianBlur(sigma=(0.0, 1.0)), "smallest sigma"),
        (lambda: GaussianBlur(31)(photos(), generator()), "does not fit"),
        (lambda: RandomGrayscale()(torch.rand(2, 1, 4, 4), generator()), "N, 3"),
        (lambda: ColorJitter()(torch.zeros(2, 3, 4, 4, dtype=torch.uint8), generator()), "floating-point"),
    ],
)
def test_bad_input_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
