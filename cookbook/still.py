"""A slider on paper: what a reader sees of the controls where no kernel runs."""

import io

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from cookbook.style import BLUE, INK, MUTED, PALE

ROW, WORDS, NARROWEST = 26, 24, 540
LEFT, RIGHT = 0.24, 0.80
HOW = "Run ▸ Run All Cells brings these controls to life: drag, or click and use the arrow keys."


def with_controls(picture, controls):
    """Return the PNG ``picture`` under drawn ``controls`` {name: widget}: track, handle, name, value, what to do."""
    below = Image.open(io.BytesIO(picture)).convert("RGB")
    above = _draw(controls, max(below.width, NARROWEST))
    whole = Image.new("RGB", (above.width, above.height + below.height), "white")
    whole.paste(above, (0, 0))
    whole.paste(below, (0, above.height))
    buffer = io.BytesIO()
    whole.save(buffer, "png")
    return buffer.getvalue()


def _draw(controls, width, dpi=100):
    height = ROW * len(controls) + WORDS
    figure = Figure(figsize=(width / dpi, height / dpi), dpi=dpi)
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, 1), ylim=(height, 0))
    ax.set_axis_off()
    for row, (name, control) in enumerate(controls.items()):
        _draw_control(ax, ROW * (row + 0.55), control.description or name, control)
    ax.text(0.02, ROW * len(controls) + WORDS / 2, HOW, color=MUTED, size=8, va="center")
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())


def _draw_control(ax, y, name, control):
    ax.text(LEFT - 0.02, y, name, ha="right", va="center", color=INK, size=9.5)
    place = _place(control)
    if place is None:
        mark = ("☑" if control.value else "☐") if isinstance(control.value, bool) else f"{_label(control)} ▾"
        ax.text(LEFT, y, mark, va="center", color=INK, size=9.5, bbox={"fc": "white", "ec": PALE, "pad": 3})
        return
    ax.plot([LEFT, RIGHT], [y, y], color=PALE, lw=4, solid_capstyle="round")
    ax.plot([LEFT, LEFT + place * (RIGHT - LEFT)], [y, y], color=BLUE, lw=4, solid_capstyle="round")
    ax.plot(LEFT + place * (RIGHT - LEFT), y, "o", ms=10, color="white", mec=BLUE, mew=2)
    ax.text(RIGHT + 0.03, y, _label(control), va="center", color=INK, size=9.5)


def _place(control):
    """Where the handle stands on its track, from 0 to 1; None where the control has no track."""
    if hasattr(control, "options"):
        many = len(control.options)
        return control.index / (many - 1) if "Slider" in type(control).__name__ and many > 1 else None
    if isinstance(control.value, bool):
        return None
    value = np.log(control.value) / np.log(control.base) if hasattr(control, "base") else control.value
    return (value - control.min) / (control.max - control.min)


def _label(control):
    value = getattr(control, "label", None) or control.value
    return f"{value:.3g}" if isinstance(value, float) else str(value)
