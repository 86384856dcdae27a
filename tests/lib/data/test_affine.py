import math

import pytest
import torch

from replearn.data import RandomAffine, affine_warp
from sampling import draws


def images(n=4, c=2, h=11, w=11):
    return torch.rand(n, c, h, w, generator=draws(99), dtype=torch.float64)


def test_nothing_asked_changes_nothing():
    torch.testing.assert_close(affine_warp(images(h=8, w=13)), images(h=8, w=13), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("degrees", "quarters"), [(90, 1), (180, 2), (-90, 3)])
def test_right_angles_are_rot90(degrees, quarters):
    torch.testing.assert_close(affine_warp(images(), degrees=degrees), torch.rot90(images(), quarters, (2, 3)))


def test_shifts_move_content_right_and_down_and_fill_the_rest():
    x = images(h=10, w=20)
    moved = affine_warp(x, shift=torch.tensor([0.3, 0.2], dtype=torch.float64), fill=7.0)
    torch.testing.assert_close(moved[..., 1:, 3:], x[..., :-1, :-3])
    torch.testing.assert_close(moved[..., 0, :], torch.full_like(moved[..., 0, :], 7.0))
    torch.testing.assert_close(moved[..., :3], torch.full_like(moved[..., :3], 7.0))


def test_zoom_magnifies_about_the_centre():
    x = images(h=16, w=16)
    torch.testing.assert_close(affine_warp(x, zoom=0.5)[..., 4:12, 4:12], torch.nn.functional.avg_pool2d(x, 2))
    assert (affine_warp(x, zoom=0.5)[..., :3, :] == 0).all()


def test_each_image_has_its_own_amounts():
    x, degrees, zoom = images(3), torch.tensor([0.0, 90, 180]), torch.tensor([1.0, 0.5, 2.0])
    shift = torch.tensor([[0.0, 0.1], [0.2, 0.0], [-0.3, 0.4]])
    together = affine_warp(x, degrees=degrees, zoom=zoom, shift=shift)
    for i in range(3):
        alone = affine_warp(x[i : i + 1], degrees=degrees[i].item(), zoom=zoom[i].item(), shift=shift[i])
        torch.testing.assert_close(together[i : i + 1], alone)


def test_turning_a_wide_image_keeps_shapes():
    x = torch.zeros(1, 1, 40, 80, dtype=torch.float64)
    x[..., 18:22, 30:50] = 1
    turned = affine_warp(x, degrees=90)
    expected = torch.zeros_like(x)
    expected[..., 10:30, 38:42] = 1
    torch.testing.assert_close(turned, expected)


def test_random_affine_draws_from_its_ranges():
    ramp_x, ramp_y = torch.meshgrid(torch.linspace(-1, 1, 41), torch.linspace(-1, 1, 41), indexing="xy")
    x = torch.stack([ramp_x, ramp_y]).double().expand(500, 2, 41, 41)
    out = RandomAffine(degrees=20, zoom=(0.8, 1.2), shift=0.15)(x, draws())
    step = (out[..., 20, 21] - out[..., 20, 19]) / 0.1
    zoom, turn = 1 / step.norm(dim=1), torch.rad2deg(torch.atan2(step[:, 1], step[:, 0]))
    assert zoom.min() == pytest.approx(0.8, abs=0.02) and zoom.max() == pytest.approx(1.2, abs=0.02)
    assert turn.min() == pytest.approx(-20, abs=0.5) and turn.max() == pytest.approx(20, abs=0.5)
    radians = torch.deg2rad(turn)
    centre = out[..., 20, 20] * zoom[:, None] * 40 / 41
    shift_x = -(radians.cos() * centre[:, 0] + radians.sin() * centre[:, 1])
    assert shift_x.min() == pytest.approx(-0.15, abs=0.01) and shift_x.max() == pytest.approx(0.15, abs=0.01)
    assert math.isclose(torch.corrcoef(torch.stack([zoom, turn]))[0, 1].item(), 0, abs_tol=0.15)


def test_draws_come_from_the_generator_alone():
    augment, x = RandomAffine(), images()
    state = torch.get_rng_state()
    assert torch.equal(augment(x, draws(1)), augment(x, draws(1)))
    assert not torch.allclose(augment(x, draws(1)), augment(x, draws(2)))
    assert torch.equal(state, torch.get_rng_state())
    assert augment(x.float(), draws()).dtype == torch.float32


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: affine_warp(images()[0]), "batch of images"),
        (lambda: affine_warp(images(), degrees=torch.zeros(3)), r"degrees must be one number or have shape \(4,\)"),
        (lambda: affine_warp(images(), shift=torch.zeros(4, 3)), "shift"),
        (lambda: affine_warp(images(), shift=math.nan), "shift contains NaN"),
        (lambda: affine_warp(images(), zoom=0), "zoom must not be 0"),
        (lambda: RandomAffine(zoom=(0.0, 1.0)), "zoom must be positive"),
        (lambda: RandomAffine(degrees=(5, -5)), "degrees"),
        (lambda: RandomAffine(shift=math.inf), "shift"),
        (lambda: RandomAffine()(images().long(), draws()), "floating-point"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
