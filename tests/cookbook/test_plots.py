"""The shared pictures: what they put on the axes, and what they refuse."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from cookbook import plots, style

style.use()


@pytest.fixture
def ax():
    return Figure().subplots()


def test_scatter_colours_integers_by_palette_and_reals_by_map(ax):
    z = np.random.default_rng(0).normal(size=(10, 2))
    named = plots.scatter(ax, z, np.arange(10) % 2, names=["a", "b"])
    assert len(np.unique(named.get_facecolors(), axis=0)) == 2 and [t.get_text() for t in ax.texts] == ["a", "b"]
    mapped = plots.scatter(ax, z, np.linspace(0, 1, 10))
    assert np.array_equal(mapped.get_array(), np.linspace(0, 1, 10))


def test_spectrum_counts_from_one(ax):
    line = plots.spectrum(ax, [3.0, 2.0, 1.0], threshold=1.5)
    assert line.get_xdata().tolist() == [1, 2, 3] and len(ax.lines) == 2


@pytest.mark.parametrize(
    ("shape", "canvas"), [((5, 4, 4), (9, 14)), ((5, 1, 4, 4), (9, 14)), ((5, 3, 4, 4), (9, 14, 3))]
)
def test_image_grid_tiles_rows(ax, shape, canvas):
    assert plots.image_grid(ax, np.random.default_rng(0).random(shape), columns=3).get_array().shape == canvas


def test_image_grid_puts_each_image_in_its_place(ax):
    images = np.zeros((2, 2, 2))
    images[1] = 1
    shown = plots.image_grid(ax, images, columns=2, gap=0).get_array()
    assert np.array_equal(shown, [[0, 0, 1, 1], [0, 0, 1, 1]])


def test_polygons_are_filled_by_values(ax):
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    drawn = plots.polygons(ax, [square, square + 1], [0.0, 5.0])
    assert drawn.get_array().tolist() == [0, 5] and ax.get_xlim() == (0, 2)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda ax: plots.scatter(ax, np.zeros((3, 3))),
        lambda ax: plots.scatter(ax, np.zeros((3, 2)), [1]),
        lambda ax: plots.spectrum(ax, np.zeros((2, 2))),
        lambda ax: plots.image_grid(ax, np.zeros(4)),
        lambda ax: plots.polygons(ax, [np.zeros((3, 2))], [1, 2]),
    ],
)
def test_wrong_shapes_are_refused(ax, wrong):
    with pytest.raises(ValueError, match=r"but have|but has"):
        wrong(ax)
