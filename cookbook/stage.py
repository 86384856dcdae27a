"""A figure that is drawn many times: its axes are made once, because making them costs more than drawing on them."""

import matplotlib as mpl
from matplotlib.figure import Figure


class Stage(Figure):
    """A figure whose ``subplots`` gives back the same axes, emptied, as long as it is asked for the same ones."""

    def __init__(self, **options):
        super().__init__(**options)
        self._asked, self._kept = None, None

    def subplots(self, *grid, **options):
        """As in matplotlib; a repeated request costs nothing."""
        if self._asked != (grid, options):
            self.clear()
            self._asked, self._kept = (grid, options), super().subplots(*grid, **options)
        return self._kept

    def empty(self):
        """Remove all that was drawn, and every axes that ``subplots`` did not make; limits and scales start anew."""
        kept = [] if self._kept is None else list(getattr(self._kept, "flat", [self._kept]))
        for ax in reversed(self.axes):
            if ax not in kept:
                ax.remove()
        for ax in kept:
            _empty(ax)
        for artist in [*self.texts, *self.lines, *self.patches, *self.legends, *self.images]:
            artist.remove()
        self._suptitle = None


def _empty(ax):
    for artist in [
        *ax.lines,
        *ax.patches,
        *ax.collections,
        *ax.images,
        *ax.texts,
        *ax.tables,
        *ax.artists,
        *ax.child_axes,
    ]:
        artist.remove()
    if ax.get_legend():
        ax.get_legend().remove()
    ax.containers.clear()
    for axis in (ax.xaxis, ax.yaxis):
        if axis.get_converter():
            axis.clear()
    for place in ("left", "center", "right"):
        ax.set_title("", loc=place)
    ax.set(xscale="linear", yscale="linear", xlabel="", ylabel="", xlim=(0, 1), ylim=(0, 1))
    ax.set_prop_cycle(mpl.rcParams["axes.prop_cycle"])
    ax.relim()
    ax.autoscale(True)
    ax.set_axis_on()
