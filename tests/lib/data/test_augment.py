import math

import pytest
import torch
import torchvision.transforms.functional as tvf

from replearn.data import Compose, GaussianNoise, HueRotate, MultiCrop, RandomAffineCrop, RandomErase
from sampling import draws


def random_images(n, c, h, w, dtype=torch.float32):
    return torch.rand(n, c, h, w, generator=draws(99), dtype=dtype)


def still(**changes):
    """A crop that changes nothing but what is asked."""
    return RandomAffineCrop(**({"scale": (1, 1), "ratio": (1, 1), "degrees": 0} | changes))


def coordinates(n, height, width):
    """Images whose two channels are x and y in pixels: a linear ramp, so bilinear sampling reads positions exactly."""
    y, x = torch.meshgrid(torch.arange(height).double() + 0.5, torch.arange(width).double() + 0.5, indexing="ij")
    return torch.stack([x, y]).expand(n, 2, height, width)


def linear_part(crop, height=200, width=200, n=300):
    """The 2 x 2 maps (n) from the result's pixels to the image's, and the crop's centres in pixels."""
    out = crop(coordinates(n, height, width), draws())
    h, w = height // 2, width // 2
    along_x, along_y = out[:, :, h, w] - out[:, :, h, w - 1], out[:, :, h, w] - out[:, :, h - 1, w]
    centre = out[:, :, h - 1 : h + 1, w - 1 : w + 1].mean((2, 3))
    return torch.stack([along_x, along_y], dim=2), centre


ALL = [
    RandomAffineCrop(),
    RandomErase(),
    GaussianNoise(0.1),
    HueRotate(),
    Compose(RandomAffineCrop(hflip=True, translate=0.2), GaussianNoise(0.1)),
]


@pytest.mark.parametrize("augment", ALL, ids=repr)
def test_draws_come_from_the_generator_alone(augment):
    x = random_images(8, 3, 12, 12)
    before, state = x.clone(), torch.get_rng_state()
    first, again, other = augment(x, draws(1)), augment(x, draws(1)), augment(x, draws(2))
    assert torch.equal(first, again) and not torch.allclose(first, other)
    assert torch.equal(x, before) and torch.equal(state, torch.get_rng_state())
    generator = draws(1)
    assert not torch.allclose(augment(x, generator), augment(x, generator))


@pytest.mark.parametrize("augment", ALL, ids=repr)
def test_each_image_has_parameters_of_its_own(augment):
    x = random_images(1, 3, 12, 12).expand(16, 3, 12, 12)
    distinct = augment(x, draws()).flatten(1).unique(dim=0)
    assert len(distinct) >= 12  # rectangles on whole pixels may coincide by chance, one parameter a batch would give 1


@pytest.mark.parametrize("augment", ALL, ids=repr)
def test_type_and_shape_are_kept(augment):
    x = random_images(4, 3, 10, 14, dtype=torch.float64)
    assert augment(x, draws()).dtype == torch.float64
    assert augment(x, draws()).shape == x.shape


@pytest.mark.parametrize(("height", "width"), [(9, 9), (14, 14), (8, 13)])
def test_crop_of_everything_is_the_identity(height, width):
    x = random_images(5, 2, height, width)
    torch.testing.assert_close(still()(x, draws()), x, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("degrees", "quarters"), [(90, 1), (180, 2), (270, 3), (-90, 3)])
def test_right_angles_are_rot90(degrees, quarters):
    x = random_images(5, 2, 11, 11)
    turned = still(degrees=(degrees, degrees))(x, draws())
    torch.testing.assert_close(turned, torch.rot90(x, quarters, (2, 3)), rtol=0, atol=1e-5)


def test_rotation_is_torchvisions():
    x = random_images(1, 3, 24, 24, dtype=torch.float64)
    turned = still(degrees=(25, 25))(x, draws())
    reference = tvf.rotate(x, 25, interpolation=tvf.InterpolationMode.BILINEAR)
    y, x0 = torch.meshgrid(torch.arange(24) - 11.5, torch.arange(24) - 11.5, indexing="ij")
    inside = torch.hypot(x0, y) < 11
    torch.testing.assert_close(turned[:, :, inside], reference[:, :, inside])


def test_rotation_of_an_oblong_image_does_not_shear():
    maps, _ = linear_part(still(degrees=(30, 30)), height=100, width=200, n=1)
    cos, sin = math.cos(math.radians(30)), math.sin(math.radians(30))
    torch.testing.assert_close(maps[0], torch.tensor([[cos, -sin], [sin, cos]], dtype=torch.float64))


@pytest.mark.parametrize(
    ("crop", "start", "end"),
    [
        (still(degrees=(90, 90)), (1, 5), (2, 1)),
        (still(translate=(0.5, 0.5)), (1, 3), (3, 5)),
        (still(translate=(-0.25, -0.25)), (4, 4), (3, 3)),
    ],
)
def test_a_delta_lands_on_the_right_pixel(crop, start, end):
    x = torch.zeros(1, 1, 8, 8)
    x[0, 0, *start] = 1
    expected = torch.zeros(1, 1, 8, 8)
    expected[0, 0, *end] = 1
    torch.testing.assert_close(crop(x, draws()), expected, rtol=0, atol=1e-5)


def test_crops_cover_the_share_and_the_aspect_they_say():
    maps, _ = linear_part(RandomAffineCrop(scale=(0.3, 0.6), ratio=(0.5, 2.0), degrees=0))
    half_w, half_h = maps[:, 0, 0], maps[:, 1, 1]
    assert maps[:, 0, 1].abs().max() < 1e-9 and maps[:, 1, 0].abs().max() < 1e-9
    free = (half_w < 1 - 1e-9) & (half_h < 1 - 1e-9)
    area, log_ratio = (half_w * half_h)[free], (half_w / half_h)[free].log()
    assert free.float().mean() > 0.9
    assert area.min() >= 0.3 and area.max() <= 0.6 and area.mean().item() == pytest.approx(0.45, abs=0.02)
    assert log_ratio.abs().max() <= math.log(2) and log_ratio.mean().abs() < 0.1
    assert half_w.max() <= 1 + 1e-9 and half_h.max() <= 1 + 1e-9


def test_crops_stay_inside_and_go_everywhere():
    maps, centre = linear_part(RandomAffineCrop(scale=(0.2, 0.5), degrees=0))
    half = torch.stack([maps[:, 0, 0], maps[:, 1, 1]], 1) * 100
    assert (centre - half).min() >= -1e-9 and (centre + half).max() <= 200 + 1e-9
    place = (centre - half) / (200 - 2 * half)
    assert place.min() < 0.02 and place.max() > 0.98
    torch.testing.assert_close(place.mean(0), torch.full((2,), 0.5, dtype=torch.float64), rtol=0, atol=0.05)


def test_turns_and_shifts_fill_their_ranges():
    maps, centre = linear_part(still(degrees=15, translate=0.3))
    turn = torch.rad2deg(torch.atan2(maps[:, 1, 0], maps[:, 0, 0]))
    shift = (100 - centre) / 100
    for value, most in ((turn, 15), (shift[:, 0], 0.3), (shift[:, 1], 0.3)):
        assert value.abs().max() <= most + 1e-9
        assert value.std().item() == pytest.approx(most / math.sqrt(3), rel=0.1)
        assert value.mean().item() == pytest.approx(0, abs=0.1 * most)
    assert torch.corrcoef(torch.stack([turn, *shift.T])).fill_diagonal_(0).abs().max() < 0.2


def test_half_of_the_images_are_mirrored():
    x = random_images(400, 1, 6, 6)
    out = still(hflip=True)(x, draws())
    same = (out - x).abs().amax((1, 2, 3)) < 1e-5
    mirrored = (out - x.flip(3)).abs().amax((1, 2, 3)) < 1e-5
    assert (same ^ mirrored).all()
    assert 150 < mirrored.sum() < 250


@pytest.mark.parametrize(("size", "shape"), [(5, (5, 5)), ((4, 7), (4, 7)), (None, (12, 10))])
def test_size_of_the_crop(size, shape):
    x = random_images(3, 2, 12, 10)
    assert RandomAffineCrop(size=size)(x, draws()).shape == (3, 2, *shape)


def test_half_size_is_the_average_of_four_pixels():
    x = random_images(3, 2, 12, 12)
    torch.testing.assert_close(still(size=6)(x, draws()), torch.nn.functional.avg_pool2d(x, 2))


def test_what_is_outside_repeats_the_border():
    x = torch.arange(8.0).view(1, 1, 1, 8).expand(1, 1, 8, 8)
    out = still(translate=(1, 1))(x, draws())
    torch.testing.assert_close(out[0, 0, 0], torch.tensor([0.0, 0, 0, 0, 0, 1, 2, 3]), rtol=0, atol=1e-5)


def test_erase_removes_one_rectangle_of_the_right_size():
    x = torch.ones(500, 2, 10, 20)
    out = RandomErase(scale=(0.25, 0.25), fill=-3.0)(x, draws())
    gone = out == -3
    assert ((out == 1) | gone).all() and torch.equal(gone[:, 0], gone[:, 1])
    rows, columns = gone[:, 0].any(2), gone[:, 0].any(1)
    assert torch.equal(gone[:, 0], rows.unsqueeze(2) & columns.unsqueeze(1))
    for covered, length in ((rows, 5), (columns, 10)):
        assert (covered.sum(1) == length).all()
        starts, ends = covered.int().argmax(1), covered.shape[1] - covered.flip(1).int().argmax(1)
        assert (ends - starts == length).all()
        assert set(starts.tolist()) == set(range(covered.shape[1] - length + 1))


def test_erase_ranges():
    out = RandomErase(scale=(0.1, 0.4), ratio=(0.5, 2.0))(torch.ones(500, 1, 100, 100), draws())
    share = (out == 0).double().mean((1, 2, 3))
    assert share.min() > 0.095 and share.max() < 0.41 and share.mean().item() == pytest.approx(0.25, abs=0.02)
    wide = (out[:, 0] == 0).any(1).sum(1) / (out[:, 0] == 0).any(2).sum(1)
    assert wide.min() > 0.48 and wide.max() < 2.05 and wide.max() > 1.8
    assert (RandomErase(scale=(1, 1))(torch.ones(3, 1, 7, 7), draws()) == 0).all()


def test_noise_has_its_deviation():
    noise = GaussianNoise(0.3)(torch.zeros(50, 3, 20, 20), draws())
    assert noise.std().item() == pytest.approx(0.3, rel=0.02) and abs(noise.mean().item()) < 0.01
    x = random_images(2, 3, 4, 4)
    assert torch.equal(GaussianNoise(0.0)(x, draws()), x)


def test_hue_turn_by_a_third_permutes_the_channels():
    x = random_images(4, 3, 5, 5)
    torch.testing.assert_close(HueRotate((120, 120))(x, draws()), x[:, [2, 0, 1]])


def test_hue_turn_keeps_grey_intensity_and_length():
    x = random_images(30, 3, 5, 5, dtype=torch.float64)
    out = HueRotate()(x, draws())
    torch.testing.assert_close(out.mean(1), x.mean(1), rtol=0, atol=1e-12)
    torch.testing.assert_close(out.norm(dim=1), x.norm(dim=1), rtol=0, atol=1e-12)
    grey = x[:, :1].expand(30, 3, 5, 5)
    torch.testing.assert_close(HueRotate()(grey, draws()), grey, rtol=0, atol=1e-12)
    torch.testing.assert_close(HueRotate((360, 360))(x, draws()), x, rtol=0, atol=1e-12)


def test_hue_turns_go_all_the_way_round():
    red = torch.tensor([1.0, 0, 0], dtype=torch.float64).view(1, 3, 1, 1).expand(2000, 3, 1, 1)
    out = HueRotate()(red, draws()).flatten(1)
    turn = torch.atan2((out[:, 1] - out[:, 2]) * math.sqrt(3) / 2, out[:, 0] - (out[:, 1] + out[:, 2]) / 2)
    counts = torch.histc(turn, 8, -math.pi, math.pi)
    assert counts.min() > 180 and counts.max() < 320


def test_compose_applies_in_order_with_one_generator():
    x = random_images(3, 1, 6, 6)
    first, second, generator = GaussianNoise(1.0), RandomErase(fill=9.0), draws()
    expected = second(first(x, generator), generator)
    assert torch.equal(Compose(first, second)(x, draws()), expected)
    assert torch.equal(Compose()(x, draws()), x)
    assert repr(Compose(first)) == "Compose(GaussianNoise(std=1.0))"


def test_multi_crop_makes_global_then_local_views():
    x = random_images(4, 3, 16, 16)
    crops = MultiCrop(RandomAffineCrop(), RandomAffineCrop(scale=(0.1, 0.4), size=8), n_global=2, n_local=3)
    views = crops(x, draws())
    assert [view.shape[-1] for view in views] == [16, 16, 8, 8, 8]
    assert not torch.allclose(views[0], views[1]) and not torch.allclose(views[2], views[3])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RandomAffineCrop(scale=(0.0, 1.0)), "scale"),
        (lambda: RandomAffineCrop(scale=(0.5, 1.1)), "scale"),
        (lambda: RandomAffineCrop(scale=(0.9, 0.5)), "low <= high"),
        (lambda: RandomAffineCrop(ratio=(0.0, 1.0)), "ratio"),
        (lambda: RandomAffineCrop(degrees=(5, -5)), "degrees"),
        (lambda: RandomAffineCrop(translate=float("nan")), "translate"),
        (lambda: RandomAffineCrop(size=0), "size"),
        (lambda: RandomErase(scale=(0.0, 0.1)), "scale"),
        (lambda: RandomErase(ratio=(-1.0, 1.0)), "ratio"),
        (lambda: GaussianNoise(-0.1), "std"),
        (lambda: GaussianNoise(float("inf")), "std"),
        (lambda: HueRotate((10, 0)), "degrees"),
        (lambda: MultiCrop(None, None, n_global=0), "n_global"),
        (lambda: MultiCrop(None, None, n_local=-1), "n_local"),
        (lambda: RandomAffineCrop()(torch.rand(3, 8, 8), draws()), r"\(N, C, H, W\)"),
        (lambda: RandomErase()(torch.rand(8, 8), draws()), r"\(N, C, H, W\)"),
        (lambda: HueRotate()(torch.rand(2, 1, 8, 8), draws()), r"\(N, 3, H, W\)"),
        (lambda: RandomAffineCrop()(torch.ones(2, 1, 8, 8, dtype=torch.uint8), draws()), "floating-point"),
    ],
)
def test_augmentations_refuse_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()
