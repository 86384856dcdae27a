import pytest
import torch

from replearn import splines
from replearn.splines.planes import check_polygon


def anchors(count=3, dim=7):
    return torch.randn(count, dim, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def area(polygon):
    x, y = polygon.T
    return float((x * y.roll(-1) - y * x.roll(-1)).sum() / 2)


def test_a_triangle_has_its_anchors_as_corners_and_its_true_area():
    points = anchors()
    piece = splines.plane_through(points, shape="triangle")
    torch.testing.assert_close(piece.embed(piece.polygon), points)
    torch.testing.assert_close(piece.basis.T @ piece.basis, torch.eye(2, dtype=torch.float64))
    u, v = points[1:] - points[0]
    assert area(piece.polygon) == pytest.approx(float(((u @ u) * (v @ v) - (u @ v) ** 2).sqrt() / 2))
    padded = splines.plane_through(points, pad=1.0, shape="triangle")
    assert area(padded.polygon) == pytest.approx(4 * area(piece.polygon))


@pytest.mark.parametrize("count", [2, 3])
def test_a_square_holds_its_anchors(count):
    points = anchors(count)
    piece = splines.plane_through(points, seed=0)
    inside = (points - piece.origin) @ piece.basis
    torch.testing.assert_close(piece.embed(inside), points)
    assert inside.abs().max() == piece.polygon.abs().max()
    check_polygon(piece.polygon)


@pytest.mark.parametrize(
    ("points", "options", "message"),
    [
        (torch.zeros(1, 5), {}, "anchors"),
        (torch.randn(4, 5), {}, "2 or 3"),
        (torch.tensor([[0.0, 0], [1, 1], [2, 2]]), {}, "one line"),
        (torch.zeros(3, 5), {}, "one line"),
        (anchors(2), {}, "seed"),
        (anchors(2), {"seed": 0, "shape": "triangle"}, "shape='square'"),
        (anchors(), {"shape": "disc"}, "shape"),
        (anchors(), {"pad": -1.0}, "pad"),
        (torch.full((3, 4), torch.nan), {}, "NaN"),
    ],
)
def test_bad_anchors_are_refused(points, options, message):
    with pytest.raises(ValueError, match=message):
        splines.plane_through(points, **options)


@pytest.mark.parametrize(
    ("corners", "message"),
    [
        ([[0, 0], [0, 1], [1, 1], [1, 0]], "clockwise"),
        ([[0, 0], [2, 0], [2, 2], [1, 0.5]], "convex"),
        ([[0, 1], [-0.6, -0.8], [0.95, 0.3], [-0.95, 0.3], [0.6, -0.8]], "convex"),
        ([[0, 0], [1, 0], [1, 0], [0, 1]], "repeats"),
        ([[0, 0], [1, 0], [2, 0]], "no area"),
        ([[0, 0], [1, 0]], "shape"),
        ([[0, 0], [1, 0], [0, float("nan")]], "NaN"),
    ],
)
def test_bad_polygons_are_refused(corners, message):
    with pytest.raises(ValueError, match=message):
        check_polygon(torch.tensor(corners, dtype=torch.float64))


def test_corners_on_a_straight_side_are_allowed():
    check_polygon(torch.tensor([[0.0, 0], [1, 0], [2, 0], [2, 2], [0, 2]]))
