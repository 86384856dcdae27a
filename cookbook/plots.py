"""Pictures that many chapters share; each paints on the axes it is given and returns what it drew."""

import numpy as np
from matplotlib.collections import PolyCollection

from cookbook.style import BLUE, CATEGORIES, INK, MUTED


def scatter(ax, z, labels=None, *, names=None, size=14, cmap=None):
    """Scatter two-dimensional embeddings ``z`` (N, 2).

    ``labels`` (N,) colours them: integers pick colours of the palette, real numbers a position in the colour map.
    ``names`` writes each label's name at the middle of its points.
    """
    z = np.asarray(z)
    _need(z.ndim == 2 and z.shape[1] == 2, f"z must have shape (N, 2), but has {z.shape}")
    kwargs = {"color": BLUE}
    if labels is not None:
        labels = np.asarray(labels)
        _need(len(labels) == len(z), f"labels must have one entry per point, {len(z)}, but have {len(labels)}")
        if labels.dtype.kind in "iub" and cmap is None:
            kwargs = {"color": [CATEGORIES[label % len(CATEGORIES)] for label in labels.astype(int)]}
        else:
            kwargs = {"c": labels, "cmap": cmap or "viridis"}
    points = ax.scatter(*z.T, s=size, linewidths=0, alpha=0.85, **kwargs)
    for label, name in enumerate(names or []):
        centre = z[labels == label].mean(0)
        ax.annotate(
            name,
            centre,
            ha="center",
            va="center",
            weight="bold",
            color=INK,
            bbox={"fc": "white", "ec": "none", "alpha": 0.7, "pad": 1},
        )
    ax.set(xticks=[], yticks=[])
    return points


def spectrum(ax, values, *, threshold=None, label=None, color=BLUE, marker="o"):
    """Plot eigenvalues in the order given, against their index from 1; ``threshold`` draws a line across."""
    values = np.asarray(values)
    _need(values.ndim == 1, f"values must have one dimension, but have shape {values.shape}")
    (line,) = ax.plot(np.arange(1, len(values) + 1), values, marker=marker, ms=3.5, lw=1.2, color=color, label=label)
    if threshold is not None:
        ax.axhline(threshold, color=MUTED, ls="--", lw=1)
    ax.set(xlabel="index", ylabel="eigenvalue")
    return line


def image_grid(ax, images, *, columns=None, titles=None, gap=1, cmap="gray"):
    """Tile images (N, H, W) or (N, C, H, W), scaled together to [0, 1], into one picture of ``columns`` columns."""
    images = np.asarray(images, dtype=float)
    _need(images.ndim in (3, 4) and len(images), f"images must be (N, H, W) or (N, C, H, W), but have {images.shape}")
    images = np.moveaxis(images, 1, -1) if images.ndim == 4 else images[..., None]
    images = (images - images.min()) / (np.ptp(images) or 1)
    n, height, width, channels = images.shape
    columns = columns or int(np.ceil(np.sqrt(n)))
    rows = -(-n // columns)
    canvas = np.ones((rows * (height + gap) - gap, columns * (width + gap) - gap, channels))
    for i, image in enumerate(images):
        top, left = (i // columns) * (height + gap), (i % columns) * (width + gap)
        canvas[top : top + height, left : left + width] = image
        if titles is not None:
            ax.text(left + width / 2, top - gap, titles[i], ha="center", va="bottom", fontsize=8)
    ax.set_axis_off()
    return ax.imshow(canvas if channels == 3 else canvas[..., 0], cmap=cmap, interpolation="nearest")


def polygons(ax, polygons, values=None, *, cmap="cookbook", edge="white", width=0.4, limits=None):
    """Fill a partition's polygons, a list of (m, 2) arrays, by ``values`` (one each), or draw their edges alone."""
    if values is not None:
        _need(
            len(values) == len(polygons),
            f"values must have one entry per polygon, {len(polygons)}, but have {len(values)}",
        )
    fill = {"facecolor": "none"} if values is None else {"array": np.asarray(values, dtype=float), "cmap": cmap}
    drawn = PolyCollection(polygons, edgecolors=edge, linewidths=width, **fill)
    if limits is not None:
        drawn.set_clim(*limits)
    ax.add_collection(drawn, autolim=False)
    corners = np.concatenate([np.asarray(p) for p in polygons])
    low, high = corners.min(0), corners.max(0)
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal", xticks=[], yticks=[])
    ax.grid(False)
    return drawn


def _need(condition, message):
    if not condition:
        raise ValueError(message)
