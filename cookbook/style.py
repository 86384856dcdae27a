"""The look of the book's figures: one palette, safe for colour-blind readers, in which a method keeps its colour."""

import matplotlib as mpl
from cycler import cycler
from matplotlib.colors import LinearSegmentedColormap

INK = "#22262b"
MUTED = "#8a9099"
PALE = "#e4e7eb"
BLUE, ORANGE, GREEN, PURPLE, AMBER, SKY, OLIVE, ROSE = (
    "#0072b2", "#d55e00", "#009e73", "#a3508f", "#e69f00", "#56b4e9", "#7a6a1d", "#cc3d5c",
)  # fmt: skip

METHODS = {
    "vicreg": BLUE,
    "simclr": ORANGE, "nt_xent": ORANGE, "contrastive": ORANGE, "info_nce": ORANGE, "spectral_contrastive": ORANGE,
    "nnclr": ORANGE,
    "barlow_twins": GREEN,
    "w_mse": PURPLE, "cca": INK,
    "swav": AMBER, "dino": AMBER,
    "byol": SKY, "simsiam": SKY,
    "masked": OLIVE, "reconstruction": OLIVE, "mae": OLIVE, "pca": OLIVE,
    "lejepa": ROSE, "jepa": ROSE,
    "supervised": INK, "theory": INK,
    "random": MUTED, "pixels": MUTED, "chance": MUTED, "baseline": MUTED,
}  # fmt: skip

SEQUENTIAL = LinearSegmentedColormap.from_list("cookbook", ["#f6f8fb", "#a9cde6", "#3f8fc4", "#12507f", "#0b2138"])
DIVERGING = LinearSegmentedColormap.from_list(
    "cookbook_diverging", ["#0072b2", "#8fc1de", "#f7f7f5", "#f0b48a", "#d55e00"]
)
CATEGORIES = [BLUE, ORANGE, GREEN, PURPLE, AMBER, SKY, OLIVE, ROSE, INK, MUTED]

RC = {
    "figure.dpi": 90,
    "savefig.dpi": 90,
    "figure.figsize": (7.2, 3.6),
    "figure.facecolor": "white",
    "font.size": 10.5,
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 9,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.prop_cycle": cycler(color=CATEGORIES),
    "grid.color": PALE,
    "grid.linewidth": 0.7,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "lines.linewidth": 2,
    "lines.markersize": 5,
    "legend.frameon": False,
    "image.cmap": "cookbook",
    "mathtext.fontset": "dejavusans",
}


def use():
    """Make the book's style the default of every figure drawn from here on."""
    for cmap in (SEQUENTIAL, DIVERGING):
        if cmap.name not in mpl.colormaps:
            mpl.colormaps.register(cmap)
    mpl.rcParams.update(RC)


def color(method):
    """Return the fixed colour of a method or baseline, such as ``"vicreg"`` or ``"random"``."""
    if method not in METHODS:
        raise ValueError(f"no colour for {method!r}; add it to cookbook/style.py, or use one of {', '.join(METHODS)}")
    return METHODS[method]
