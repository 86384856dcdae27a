"""Sliders: one call that is alive in JupyterLab and a picture everywhere else."""

import base64
import inspect
import io
import time
from collections import deque
from html import escape
from math import log10
from threading import Lock

import ipywidgets as widgets
import numpy as np
from IPython.display import display
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from cookbook.stage import Stage
from cookbook.still import with_controls

DPI = 100
LIVE = "cookbook-explore"
STYLE = (
    f".jp-OutputArea-child:has(+ .jp-OutputArea-child .{LIVE}) {{display: none}}"
    ".jp-OutputArea-output.jupyter-widgets:not(:has(*)) {display: none}"
)
"""Hides the still picture where the living one follows it, and the place of a widget whose kernel is gone."""

explorers = []
"""Every explorer that this process has shown, in order; the tests measure their redraw times."""


def explore(draw, *data, figsize=(7.2, 3.6), **controls):
    """Show a picture that is drawn anew as sliders move.

    ``draw(fig, *data, **values)`` paints an empty matplotlib figure, which is reused: ``fig.subplots`` is quick from
    the second time on. Each keyword names one of its arguments and gives its control in ``ipywidgets.interact``'s
    abbreviations: ``(low, high)``, ``(low, high, step)``, a list of choices, True or False, or a widget such as
    ``log_slider(...)``. Arguments left out keep their defaults. ``data`` is handed on as it is.

    It shows two outputs: the picture of the first values under drawn sliders, for a page that no kernel serves, and the
    living one, which takes its place where a kernel runs.
    """
    explorer = Explorer(draw, data, _widgets(draw, len(data), controls), figsize)
    explorers.append(explorer)
    still = with_controls(explorer.picture, explorer.controls)
    shown = ", ".join(f"{name} = {value}" for name, value in explorer.values.items())
    display({"text/plain": f"Sliders: {shown}", "image/png": base64.b64encode(still).decode()}, raw=True)
    display(explorer.box())


def log_slider(value, low, high, **options):
    """A slider over powers of ten between ``low`` and ``high``, in about a hundred steps, one of which is ``value``."""
    if not 0 < low <= value <= high or low == high:
        raise ValueError(f"a log slider needs 0 < low <= value <= high, but has low={low}, value={value}, high={high}")
    step = (log10(high) - log10(low)) / 100
    down, up = ((log10(value) - log10(low)) // step) * step, ((log10(high) - log10(value)) // step) * step
    ends = {"min": log10(value) - down, "max": log10(value) + up}
    return widgets.FloatLogSlider(value=value, base=10, step=step, readout_format=".3g", **ends, **options)


class Explorer:
    """A figure and the controls that redraw it; ``explore`` makes one.

    While the reader drags, the front end holds back all but the newest value until the last redraw is done, and
    ``draw`` always sees the values of this moment, so that a slow picture lags by one frame at most.
    ``redraw_seconds`` keeps the times of the last redraws.
    """

    def __init__(self, draw, data, controls, figsize):
        self.draw, self.data = draw, data
        self.controls = controls
        self.figure = Stage(figsize=figsize, dpi=DPI)
        self.redraw_seconds = deque(maxlen=1000)
        self._canvas = FigureCanvasAgg(self.figure)
        self._lock = Lock()
        self._drawn = None
        self._picture = widgets.Image(format="png", layout={"width": f"{figsize[0] * DPI:.0f}px", "max_width": "100%"})
        self._message = widgets.HTML()
        self._picture.value = self.render(**self.values)
        self.redraw_seconds.clear()
        for control in controls.values():
            control.observe(self._redraw, names="value")

    @property
    def values(self):
        """The controls' present values, {name: value}."""
        return {name: control.value for name, control in self.controls.items()}

    def render(self, **values):
        """Draw the figure for ``values`` and return it as PNG bytes."""
        start = time.perf_counter()
        with self._lock:
            self.figure.empty()
            self.draw(self.figure, *self.data, **values)
            self._canvas.draw()
            buffer = io.BytesIO()
            Image.fromarray(np.asarray(self._canvas.buffer_rgba())[..., :3].copy()).save(
                buffer, "png", compress_level=1
            )
        self._drawn = values
        self.redraw_seconds.append(time.perf_counter() - start)
        return buffer.getvalue()

    def measure(self, positions=15):
        """Move each control through its range, alone; return the redraw times in seconds, {name: [...]}."""
        times = {}
        for name, control in self.controls.items():
            start = control.value
            self.redraw_seconds.clear()
            for value in _positions(control, positions):
                control.value = value
            control.value = start
            times[name] = list(self.redraw_seconds)
        return times

    def _redraw(self, _change):
        values = self.values
        if values == self._drawn:
            return
        try:
            self._picture.value = self.render(**values)
            self._message.value = ""
        except Exception as error:
            self._message.value = f"<b>{type(error).__name__}</b>: {escape(str(error))}"

    @property
    def picture(self):
        """The picture of the present values, as PNG bytes."""
        return self._picture.value

    def box(self):
        """The controls over the picture, as one widget."""
        rows = [*self.controls.values(), self._picture, self._message]
        box = widgets.VBox(rows, layout={"align_items": "flex-start"})
        return box.add_class(LIVE)


def _positions(control, count):
    """Values that a control can take, spread over its range."""
    if hasattr(control, "options"):
        return [option[1] if isinstance(option, tuple) else option for option in control.options]
    if isinstance(control.value, bool):
        return [not control.value, control.value]
    places = np.linspace(control.min, control.max, count)
    if hasattr(control, "base"):
        places = control.base**places
    return [type(control.value)(place) for place in places]


def _widgets(draw, n_data, abbreviations):
    parameters = dict(list(inspect.signature(draw).parameters.items())[1 + n_data :])
    unknown = [name for name in abbreviations if name not in parameters]
    if unknown or not abbreviations:
        expected = ", ".join(parameters)
        raise ValueError(
            f"explore needs controls for arguments of draw ({expected})" + (f", not {unknown}" if unknown else "")
        )
    made = {}
    for name, abbreviation in abbreviations.items():
        control = widgets.interactive.widget_from_abbrev(abbreviation, parameters[name].default)
        if control is None:
            raise ValueError(
                f"explore cannot make a control for {name}={abbreviation!r}; give a range, choices or a widget"
            )
        control.description = control.description or name.replace("_", " ")
        control.style.description_width = "120px"
        control.layout.width = "520px"
        made[name] = control
    return made
