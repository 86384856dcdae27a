"""The drawings of part 1's page; ``ch.figures`` loads them."""

import matplotlib.pyplot as plt
import numpy as np
import torch

import cookbook as cb
from cookbook.style import CATEGORIES, INK, MUTED, PALE

FAMILIES = {
    "contrastive": {"simclr": "SimCLR", "nnclr": "NNCLR"},
    "canonical correlation": {"vicreg": "VICReg", "barlow_twins": "Barlow Twins", "w_mse": "W-MSE"},
    "clustering": {"swav": "SwAV"},
    "self-distillation": {"byol": "BYOL", "simsiam": "SimSiam", "dino": "DINO"},
    "masked": {"context_encoder": "context encoder"},
    "no cure": {"agreement alone": "agreement alone"},
}
NAMES = {name: shown for family in FAMILIES.values() for name, shown in family.items()}
SHOWN_DIGITS = 250
SHOWN = NAMES | {"untrained": "random start", "pixels": "raw pixels"}


def color(name):
    """The book's colour of a method."""
    if name in ("agreement alone", "untrained", "pixels"):
        return {"agreement alone": INK}.get(name, MUTED)
    return cb.color("masked" if name == "context_encoder" else name)


def pairs(images, one_view, other_view):
    """Images, and below each its two views."""
    _, ax = plt.subplots(figsize=(7.2, 2.6), layout="constrained")
    tiles = torch.cat([images, one_view, other_view])[:, 0]
    cb.plots.image_grid(ax, tiles, columns=len(images), gap=2)
    for row, name in enumerate(["image", "view", "other view"]):
        ax.text(-2, 16 * row + 7, name, ha="right", va="center")
    ax.set_title("Each column shows one thing three times, and no label")
    plt.show()


def collapse(before, after, classes):
    """Two directions of the embeddings before and after training, each digit drawn as itself, on one scale."""
    directions = torch.linalg.svd(before - before.mean(0), full_matrices=False).Vh[:2].T
    _, axes = plt.subplots(1, 2, figsize=(7.2, 3.3), layout="constrained", sharex=True, sharey=True)
    titles = ["Before: the embeddings $z$ lie apart", "After: one $z$ for all"]
    for ax, z, title in zip(axes, (before, after), titles, strict=True):
        _digits(ax, ((z - z.mean(0)) @ directions)[:SHOWN_DIGITS].numpy(), classes[:SHOWN_DIGITS].numpy())
        ax.set(title=title, aspect="equal", xlabel="first direction of $z$")
    axes[0].set_ylabel("second direction of $z$")
    plt.show()


def race(fig, scores, budgets, steps, labels):
    """What each method has added to the random start it shares with the others, at a budget of steps and of labels."""
    ax = fig.subplots()
    fig.subplots_adjust(left=0.2, right=0.76, bottom=0.13, top=0.92)
    column = budgets.index(labels)
    start, pixels = (scores[name, 0][column] for name in ("untrained", "pixels"))
    ends = [scores[name, steps][column] if steps else start for name in NAMES]
    rows, colors = np.arange(len(NAMES)), [color(name) for name in NAMES]
    ax.hlines(rows, start, ends, colors=colors, lw=3)
    ax.scatter(ends, rows, s=64, c=colors, zorder=3)
    for end, row, shade in zip(ends, rows, colors, strict=True):
        side, shift = ("right", -0.012) if end < start else ("left", 0.012)
        ax.text(end + shift, row, f"{end:.2f}", ha=side, va="center", color=shade)
    sizes = [len(members) for members in FAMILIES.values()]
    below = np.cumsum(sizes)
    ax.hlines(below - 0.5, 0, 2, colors=PALE, lw=1)
    for family, last, size in zip(FAMILIES, below, sizes, strict=True):
        ax.text(0.99, last - (size + 1) / 2, family, va="center", color=MUTED)
    ax.vlines([start, pixels], -2, below[-1], colors=MUTED, linestyles=["-", "--"], lw=1)
    lower, higher = sorted([(start, "random start"), (pixels, "raw pixels")])
    ax.text(lower[0] - 0.006, -0.95, lower[1], ha="right", va="center", color=MUTED)
    ax.text(higher[0] + 0.006, -0.95, higher[1], ha="left", va="center", color=MUTED)
    ax.set(xlim=(0.455, 0.98), xticks=[0.5, 0.6, 0.7, 0.8, 0.9], ylim=(below[-1] - 0.5, -1.5))
    ax.set(yticks=rows, yticklabels=list(NAMES.values()), xlabel="accuracy on new digits")
    ax.set_title(f"{steps} steps without labels, then {labels} labels")
    ax.grid(visible=False, axis="y")


def maps(outputs, ranks):
    """For each encoder two directions of its outputs, brought to one size, its singular values' shares, its RankMe."""
    made = {}
    for name, z in outputs.items():
        directions = torch.linalg.svd(z - z.mean(0), full_matrices=False).U[:SHOWN_DIGITS, :2].numpy()
        values = torch.linalg.svdvals(z)
        made[SHOWN[name]] = (directions, (values / values.sum()).numpy(), ranks[name], color(name))
    return {shown: made[shown] for shown in SHOWN.values() if shown in made}


def look_inside(fig, maps, classes, method):
    """An encoder's outputs in two directions, each digit drawn as itself, and what all directions weigh."""
    cloud, weights = fig.subplots(1, 2, width_ratios=[1.1, 1])
    fig.subplots_adjust(left=0.02, right=0.98, bottom=0.15, top=0.9, wspace=0.2)
    points, shares, rank, shade = maps[method]
    _digits(cloud, points, classes[:SHOWN_DIGITS].numpy())
    cloud.set(title=f"{method}: representation $f$", xlim=(-0.09, 0.09), ylim=(-0.09, 0.09))
    weights.plot(np.arange(1, len(shares) + 1), np.log10(np.maximum(shares, 1e-9)), color=shade)
    weights.axvline(rank, color=MUTED, ls="--", lw=1)
    weights.text(rank + 2, -0.2, f"RankMe {rank:.0f}", va="top")
    weights.set(xlim=(0, 129), ylim=(-5, 0), yticks=[-4, -2, 0], yticklabels=["0.01 %", "1 %", "100 %"])
    weights.set(xlabel="direction $j$", title="shares $\\pi_j$ of the directions of $f$")


def dimensions(ranks, accuracies):
    """Dimensions in use against accuracy, for all networks of the page and for pixels."""
    _, ax = plt.subplots(figsize=(7.2, 3.6), layout="constrained")
    labels = SHOWN | dict.fromkeys(("nnclr", "swav", "byol", "simsiam", "dino"), "")
    for name, rank in ranks.items():
        ax.plot(rank, accuracies[name], "o", ms=7, color=color(name))
        side, shift = ("right", (-8, -4)) if name == "w_mse" else ("left", (8, -10 if name == "vicreg" else -4))
        spot = (rank, accuracies[name])
        ax.annotate(labels[name], spot, shift, textcoords="offset points", color=color(name), ha=side)
    ax.set(xlim=(0, 105), xlabel="dimensions of $f$ in use (RankMe)", ylabel="accuracy with 100 labels")
    ax.set_title("Few went with bad once; among the ten the count says little")
    plt.show()


def _digits(ax, points, classes):
    for digit in range(10):
        ax.scatter(*points[classes == digit].T, s=26, marker=f"${digit}$", color=CATEGORIES[digit], linewidths=0)
    ax.set(xticks=[], yticks=[])
