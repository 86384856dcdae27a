"""The drawings of the SplineCam chapter; ``ch.figures`` loads them."""

from functools import lru_cache

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.collections import LineCollection
from skimage.measure import find_contours

import cookbook as cb
from replearn import splines
from replearn.papers import splinecam

BOUNDARY, SHIFTS, PLAIN, QUIET, INK = "C1", "C1", "C0", "#8a9099", "#22262b"


def steepness(partition):
    """The logarithm of the steepness of each tile, by which it is coloured."""
    return partition.norms().clamp(min=1e-12).log10()


@lru_cache(200)
def usual_steepness(partition):
    """The range of steepness that most of the domain has: limits for the colours."""
    corners = partition.domain.polygon
    places = corners.mean(0) + splinecam.grid(60, half=(corners[:, 0].max() - corners[:, 0].min()).item() / 2)
    values = steepness(partition)[partition.locate(places)]
    return values.quantile(0.02).item(), values.quantile(0.98).item()


@lru_cache(200)
def parts(partition):
    """A mosaic's polygons, their steepness, and its decision boundary; kept, since sliders draw a mosaic again."""
    return partition.polygons(), steepness(partition), splines.decision_boundary_2d(partition).numpy()


def draw(ax, partition, *, boundary=True, about=0.0, limits=None, width=0.4):
    """Draw a mosaic, coloured by steepness, and its decision boundary."""
    polygons, values, segments = parts(partition)
    drawn = cb.plots.polygons(ax, [polygon - about for polygon in polygons], values, limits=limits, width=width)
    if boundary:
        ax.add_collection(LineCollection(segments - about, colors=BOUNDARY, linewidths=2.2, capstyle="round"))
    ax.set_axis_off()
    return drawn


def draw_points(ax, points, labels):
    """Draw two classes of data points."""
    for label, colour in enumerate(["C4", "white"]):
        ax.plot(*points[labels == label].T, "o", ms=2.8, mew=0.4, color=colour, mec=INK)


def mosaic(partition, points, labels):
    """The mosaic of a trained network, with its decision boundary and its data."""
    fig, ax = plt.subplots(figsize=(4.1, 3.4), layout="constrained")
    drawn = draw(ax, partition, limits=usual_steepness(partition), width=0.2)
    draw_points(ax, points[::2], labels[::2])
    fig.colorbar(drawn, shrink=0.75, extend="both", label=r"steepness of the tile, $\log_{10}\|A\|$")
    ax.set_title(f"A trained network is a mosaic of {len(partition):,} tiles")
    plt.show()


def training(fig, stages, points, labels, step=400, layers=2):
    """The tiles of a small network after some steps of training, cut by its first layer or by both."""
    ax = fig.subplots()
    fig.subplots_adjust(left=0.01, right=0.71, bottom=0.01, top=0.91)
    partition, last = stages[step, layers], max(step for step, _ in stages)
    steepest = usual_steepness(stages[last, layers])[1]
    limits = steepest - 1.3, steepest + 0.1
    draw(ax, partition, boundary=layers == 2, limits=limits, width=0.4)
    cb.plots.polygons(ax, parts(stages[step, 1])[0], width=1.3)
    draw_points(ax, points[::4], labels[::4])
    names = ["first layer"] + ["second layer", "boundary"] * (layers == 2)
    lines = [plt.Line2D([], [], color=colour, lw=lw) for colour, lw in [(INK, 1.8), (INK, 0.6), (BOUNDARY, 2.2)]]
    ax.legend(lines[: len(names)], names, loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0)
    ax.set_title(f"Step {step}, {layers} of 2 layers: {len(partition)} tiles")


def layer_by_layer(stages, step):
    """The tiles that the first layer of a small network cuts, and those of both layers."""
    _, axes = plt.subplots(1, 2, figsize=(5.5, 2.9), layout="constrained")
    for ax, layers, name in zip(axes, [1, 2], ["First layer", "Both layers"], strict=True):
        partition = stages[step, layers]
        cb.plots.polygons(ax, partition.polygons(), width=0.8, edge=PLAIN if layers == 1 else QUIET)
        ax.set_axis_off()
        ax.set_title(f"{name}: {len(partition)} tiles")
    cb.plots.polygons(axes[1], stages[step, 1].polygons(), width=1.2, edge=PLAIN)
    plt.show()


def traced_boundary(net, half, side):
    """The decision boundary on [-half, half]^2 as marching squares trace it on a grid of scores: a list of lines."""
    line = torch.linspace(-half, half, side, dtype=torch.float64)
    with torch.no_grad():
        gap = net(torch.cartesian_prod(line, line)).diff(dim=1).reshape(side, side).numpy()
    return [torch.tensor(contour / (side - 1) * 2 * half - half) for contour in find_contours(gap, 0)]


def microscope(fig, net, traced, spot, half_width):
    """The tiles and the boundary in a small window around a spot, computed anew, beside the traced boundary."""
    ax = fig.subplots()
    fig.subplots_adjust(left=0.01, right=0.71, bottom=0.01, top=0.91)
    window = splines.partition_2d(net, splinecam.square(half_width, spot))
    draw(ax, window, about=spot.numpy(), width=0.6)
    lines = [(line - spot).numpy() for line in traced]
    ax.add_collection(LineCollection(lines, colors="C2", linestyles="--", linewidths=2))
    keys = [plt.Line2D([], [], color=BOUNDARY, lw=2.2), plt.Line2D([], [], color="C2", lw=2, ls="--")]
    ax.legend(keys, ["exact", "traced"], loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0)
    ax.set_title(f"Half-width {half_width:.2g}: {len(window)} tiles")


def tiles_seen(net, side):
    """The number of patterns, and so of tiles, that a grid of a number of points a side finds on [-3, 3]^2."""
    return splines.count_patterns(splines.activation_patterns(net, splinecam.grid(side, half=3)))


def grid_and_tiles(sides, net, partition):
    """How many tiles grids miss, and the areas of the tiles beside the area that a grid has for each point."""
    _, (left, right) = plt.subplots(1, 2, layout="constrained")
    found = [tiles_seen(net, side) for side in sides]
    missed = 100 * (1 - np.array(found) / len(partition))
    left.plot(sides, missed, "o-", color=PLAIN)
    left.set(xscale="log", yscale="log", xlabel="grid points a side", ylabel="tiles missed, %")
    left.set(title=f"{sides[-1] ** 2:,} points miss {missed[-1]:.0f} %")
    left.set(xticks=[10, 100, 1000], xticklabels=[10, 100, 1000])
    left.set(yticks=[1, 10, 100], yticklabels=[1, 10, 100])
    left.text(sides[-1], missed[-1] / 1.25, f"{len(partition) - found[-1]} tiles missed", ha="right", va="top")
    areas = np.sort(partition.areas().numpy())
    right.plot(np.arange(len(areas)), areas, ".", ms=3, color=PLAIN)
    cell = 36 / sides[-1] ** 2
    right.axhline(cell, color=BOUNDARY, lw=1.4)
    right.text(len(areas), cell / 1.6, f"area for each point, {sides[-1]} a side", color=BOUNDARY, ha="right", va="top")
    right.set(yscale="log", xlabel="tiles, by rank of area", ylabel="area", title="The smallest fall between points")
    plt.show()


def three_groups(partition, groups):
    """The tiles of a network, coloured by area, with the data, their turned twins and the far points."""
    fig, ax = plt.subplots(figsize=(3.9, 3.4), layout="constrained")
    areas = partition.areas().log10()
    drawn = cb.plots.polygons(ax, parts(partition)[0], areas, limits=(-4.5, -0.5), edge="face", width=0.2)
    ax.set_axis_off()
    looks = [("data", "C4", "o", 3.5), ("turned", "white", "s", 3.5), ("far", "C1", "D", 3)]
    for places, (name, colour, marker, size) in zip(groups, looks, strict=True):
        every = max(1, len(places) // 100)
        ax.plot(*places[::every].T, marker, ms=size, mew=0.5, color=colour, mec=INK, label=name)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0), ncols=3)
    fig.colorbar(drawn, shrink=0.75, extend="both", label=r"$\log_{10}$ of the area")
    ax.set_title("Are the tiles at the data smaller?")
    plt.show()


def where_tiles_are(before, after):
    """For each network, the typical area at turned and at far points relative to the data, before and after training."""
    _, axes = plt.subplots(1, 2, sharey=True, layout="constrained")
    before, after = np.array(before), np.array(after)
    titles = ["Turned points: learned", "Far away: partly there before"]
    for ax, place, title in zip(axes, [1, 2], titles, strict=True):
        ratios = np.stack([before[:, place] / before[:, 0], after[:, place] / after[:, 0]])
        ax.axhline(1, color=QUIET, lw=1, ls="--")
        ax.plot([0, 1], ratios, "-", color=QUIET, lw=0.9, alpha=0.8)
        mean = np.exp(np.log(ratios).mean(1))
        ax.plot([0, 1], mean, "o-", color=INK, lw=2.5)
        for x, value in enumerate(mean):
            left = {"xytext": (-8, -4), "ha": "right"} if x == 0 else {"xytext": (10, -4)}
            ax.annotate(f"{value:.1f}x", (x, value), textcoords="offset points", weight="bold", **left)
        ax.set(xlim=(-0.35, 1.35), yscale="log", title=title, xticks=[0, 1], xticklabels=["before", "after training"])
        ax.set(yticks=[0.5, 1, 2, 5, 10], yticklabels=["0.5x", "1x", "2x", "5x", "10x"])
        ax.minorticks_off()
    axes[0].set_ylabel("typical area / at the data")
    plt.show()


def sheet(seed, eta, bias):
    """The mosaic of a random network whose activations have slope eta on the negative side."""
    net = splinecam.network([2, 12, 12, 1], seed, lambda: torch.nn.LeakyReLU(round(eta, 2)))
    for layer in net[::2]:
        layer.bias.data *= bias
    return splines.partition_2d(net, splinecam.square(2))


def folds(fig, seed, eta=-1.0, bias=1.0):
    """A random network folds the plane: its tiles as the negative slope and the size of the biases change."""
    ax = fig.subplots()
    fig.subplots_adjust(left=0.02, right=0.98, bottom=0.01, top=0.9)
    partition = sheet(seed, eta, bias)
    draw(ax, partition, limits=(-1.5, 0.3), width=0.5)
    ax.set_title(f"Slope {eta:.2f}: {len(partition)} tiles")


def growth(units, counts, many, work):
    """Tiles against units, and the work for each tile against the number of tiles in a growing window."""
    _, (left, right) = plt.subplots(1, 2, layout="constrained")
    left.plot(units, counts[-1] * (units / units[-1]) ** 2, "--", color=QUIET, lw=1.4)
    left.text(units[-1], counts[-2], "slope 2", color=QUIET, ha="right")
    left.plot(units, counts, "o", color=PLAIN)
    left.set(xscale="log", yscale="log", xlabel="hidden units", ylabel="tiles", title="Tiles grow like the square")
    left.set_xticks(units, units)
    left.minorticks_off()
    right.plot(many, work / work[0], "o-", color=PLAIN)
    right.plot(many[:3], many[:3] / many[0], "--", color=QUIET, lw=1.4)
    right.text(many[2], many[2] / many[0] * 1.25, "comparing all pairs", color=QUIET, ha="center")
    right.set(xscale="log", yscale="log", xlabel="tiles in the window", ylabel="work per tile, relative")
    right.set(yticks=[0.5, 1, 2, 5, 10], yticklabels=["0.5x", "1x", "2x", "5x", "10x"], ylim=(0.3, 20))
    right.minorticks_off()
    right.set_title("Work per tile does not grow")
    plt.show()


def tiles_in_training(plain, shifted, longer, reordered):
    """Tiles per unit of area between training images, over epochs, for each network and in the mean."""
    _, ax = plt.subplots(figsize=(7.2, 3.6), layout="constrained")
    drawn = [
        (plain, PLAIN, "no shifts"),
        (shifted, SHIFTS, ""),
        (longer, SHIFTS, "shifts"),
        (reordered, INK, "other order"),
    ]
    for tiles, colour, name in drawn:
        epochs = list(tiles)
        each = np.array([tiles[epoch] for epoch in epochs])
        mean = np.exp(np.log(each).mean(1))
        ax.plot(epochs, each, "-", color=colour, lw=0.8, alpha=0.35)
        ax.plot(epochs, mean, "o-", color=colour, lw=2.4, ms=5)
        below = name == "other order"
        ax.annotate(name, (epochs[-1], mean[-1]), (8, -14 if below else 3), textcoords="offset points", color=colour)
    ax.set(xlabel="epochs", ylabel="tiles per unit of area", ylim=(0, None))
    ax.set(xlim=(-0.5, 1.12 * max(longer)), title="Training clears tiles away between images; with shifts, fewer")
    plt.show()


def triangles(fig, both, epoch=10, start=0):
    """The tiles between three training images, without and with shifts, after some epochs."""
    axes = fig.subplots(1, 2)
    fig.subplots_adjust(left=0.01, right=0.99, bottom=0.01, top=0.88, wspace=0.04)
    limits = [parts(both[0][10][start])[1].quantile(q).item() for q in (0.02, 0.98)]
    for ax, run, name in zip(axes, both, ["No shifts", "Shifts"], strict=True):
        partition = run[epoch][start]
        draw(ax, partition, limits=limits, width=0.4)
        draw_corner_images(ax, partition.domain)
        ax.set_title(f"{name}: {len(partition)} tiles")


def draw_corner_images(ax, plane):
    """Draw the images at the corners of a triangle, just outside of them."""
    corners, size = plane.polygon.numpy(), plane.polygon.abs().max().item() / 5.5
    for corner, image in zip(corners, plane.embed(plane.polygon).reshape(3, 14, 14), strict=True):
        x, y = corner * (1 + 1.35 * size / np.linalg.norm(corner))
        ax.imshow(image, cmap="gray_r", zorder=3, extent=(x - size, x + size, y - size, y + size))
    low, high = corners.min(0) - 2.4 * size, corners.max(0) + 2.4 * size
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
