"""A reused figure shows what a new one would."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cookbook.stage import Stage


def bars(fig, x):
    fig.subplots().bar(["a", "b"], [x, 1])


def picture(fig, x):
    left, right = fig.subplots(1, 2, width_ratios=[2, 1])
    left.imshow(np.full((3, 3), x), vmin=0, vmax=5)
    right.plot([1, x + 1], [2, 3], label=f"{x}")
    right.legend()
    right.invert_yaxis()
    right.set_title(f"{x}", loc="right")


def scales(fig, x):
    ax = fig.subplots()
    ax.loglog([1, 10, 100], [x + 1, 2, 3]) if x % 2 else ax.plot([-1, 1], [x, 0])
    ax.set_axis_off() if x % 2 else None
    fig.suptitle(f"{x}")
    fig.text(0.1, 0.1, "note")


def extras(fig, x):
    ax = fig.subplots(subplot_kw={"aspect": "equal"})
    ax.twinx().plot([0, 1], [x, 0])
    ax.inset_axes([0.5, 0.5, 0.4, 0.4]).plot([0, x])
    fig.colorbar(ax.scatter([0, 1], [0, x], c=[0, x]), ax=fig.axes[-1])


def grids(fig, x):
    for ax in fig.subplots(1, 1 + x % 2, squeeze=False).flat:
        ax.fill_between([0, 1], [x, 0], alpha=0.5)
        ax.annotate("here", (0.5, 0.5))
        ax.table([[f"{x}"]])


@pytest.mark.parametrize("draw", [bars, picture, scales, extras, grids])
def test_redraws_equal_fresh_drawings(draw):
    stage = Stage(figsize=(4, 2), dpi=60)
    for x in [1, 2, 1, 4, 3, 3]:
        stage.empty()
        assert np.array_equal(_pixels(stage, draw, x), _pixels(Figure(figsize=(4, 2), dpi=60), draw, x))


def _pixels(fig, draw, x):
    canvas = FigureCanvasAgg(fig)
    draw(fig, x)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba()).copy()
