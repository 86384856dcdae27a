import colorsys
import math

import numpy as np
import pytest
import torch
from skimage.measure import points_in_poly

from replearn.data import shape_targets, shapes


def outline(shape, x, y, size, angle):
    """Corners of a shape, independently of the renderer (y grows downwards, as in the image)."""
    if shape == 0:
        around = np.linspace(0, 2 * np.pi, 721)[:-1]
        local = size * np.stack([np.cos(around), np.sin(around)], 1)
    elif shape == 1:
        local = size * np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]])
    else:
        around = np.radians([-90, 30, 150])
        local = size * np.stack([np.cos(around), np.sin(around)], 1)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return local @ turn.T + [x, y]


def test_shapes_are_painted_where_their_factors_say():
    res = 96
    images, factors = shapes(60, seed=3, res=res)
    centres = (np.arange(res) + 0.5) * 2 / res - 1
    pixels = np.stack(np.meshgrid(centres, centres), -1).reshape(-1, 2)
    assert factors["shape"].unique().tolist() == [0, 1, 2]
    for i in range(60):
        shape, hue, x, y, size, angle = (factors[k][i].item() for k in ("shape", "hue", "x", "y", "size", "angle"))
        corners = outline(shape, x, y, size, angle)
        centre, margin = np.array([x, y]), 2 * 2 / res / (size / 2)
        deep = points_in_poly(pixels, centre + (1 - margin) * (corners - centre))
        outside = ~points_in_poly(pixels, centre + (1 + margin) * (corners - centre))
        painted = images[i].permute(1, 2, 0).reshape(-1, 3).numpy()
        assert deep.sum() > 100 and outside.sum() > 100
        np.testing.assert_allclose(painted[deep], np.tile(colorsys.hsv_to_rgb(hue, 1, 1), (deep.sum(), 1)), atol=1e-5)
        assert np.ptp(painted[outside], axis=1).max() == 0


def test_edges_are_anti_aliased_to_the_true_area():
    res = 32
    images, factors = shapes(400, seed=0, res=res)
    rgb = torch.tensor([colorsys.hsv_to_rgb(h, 1, 1) for h in factors["hue"].tolist()])
    strongest, weakest = rgb.argmax(1), rgb.argmin(1)
    rows = torch.arange(len(images))
    alpha = (images[rows, strongest] - images[rows, weakest]).sum((1, 2)) * (2 / res) ** 2
    size = factors["size"]
    true = torch.stack([math.pi * size**2, 4 * size**2, 3 * math.sqrt(3) / 4 * size**2])[factors["shape"], rows]
    assert ((alpha - true) / true).abs().max() < 0.05


def test_factors_fill_their_ranges():
    _, factors = shapes(5000, seed=0, res=4)
    ranges = {"hue": (0, 1), "x": (-0.4, 0.4), "y": (-0.4, 0.4), "size": (0.3, 0.5), "angle": (0, 2 * math.pi)}
    for name, (low, high) in (ranges | {"grey": (0, 0.5)}).items():
        value = factors[name]
        assert value.min() >= low and value.max() <= high
        assert value.mean().item() == pytest.approx((low + high) / 2, abs=0.03 * (high - low))
        assert value.std().item() == pytest.approx((high - low) / math.sqrt(12), rel=0.05)
    table = torch.stack([f.double() for f in factors.values()])
    assert (torch.corrcoef(table) - torch.eye(7)).abs().max() < 0.06


def test_shapes_are_seeded():
    state = torch.get_rng_state()
    a, b, c = shapes(5, seed=1)[0], shapes(5, seed=1)[0], shapes(5, seed=2)[0]
    assert a.shape == (5, 3, 32, 32) and a.dtype == torch.float32
    assert torch.equal(a, b) and not torch.allclose(a, c)
    assert a.min() >= 0 and a.max() <= 1
    assert torch.equal(state, torch.get_rng_state())


def test_shapes_refuse_bad_sizes():
    with pytest.raises(ValueError, match="n must be"):
        shapes(0)
    with pytest.raises(ValueError, match="res must be"):
        shapes(3, res=2)


def test_targets_are_the_factors_in_a_form_without_jumps():
    _, factors = shapes(200, seed=1, res=8)
    targets = shape_targets(factors)
    hue = np.exp(2j * np.pi * factors["hue"].numpy())
    np.testing.assert_allclose(targets["hue"].numpy(), np.stack([hue.real, hue.imag], 1), atol=1e-6)
    assert torch.equal(targets["position"], torch.stack([factors["x"], factors["y"]], 1))
    for name, factor in (("size", "size"), ("background", "grey")):
        assert torch.equal(targets[name][:, 0], factors[factor])
