"""The drawings of part 2's page; ``ch.figures`` loads them."""

import matplotlib.pyplot as plt
import numpy as np

import cookbook as cb

N_VIEWS = 6
COLORS = {"views": "vicreg", "pixels": "pca"}


def pairs(x, v, v_other):
    """Digits, and below each its two views."""
    shown = [images[:9] - images[:9].min() for images in (x, v, v_other)]
    rows = np.concatenate([images / images.max() for images in shown]).reshape(-1, 14, 14)
    _, ax = plt.subplots(figsize=(7.2, 2.7), layout="constrained")
    cb.plots.image_grid(ax, rows, columns=9, gap=2)
    for row, label in enumerate(("the digit $x$", "a view $v$", "another view $v'$")):
        ax.text(-2, 7 + 16 * row, label, ha="right", va="center")
    ax.set_title("What two views share is the digit")
    plt.show()


def overlaps(table, scores):
    """How much the spans of all methods overlap, and what a probe reads from each."""
    names, places = list(scores), np.arange(len(scores))
    fig, (left, right) = plt.subplots(1, 2, figsize=(9.4, 4.7), width_ratios=[1.25, 1], sharey=True)
    fig.subplots_adjust(left=0.17, right=0.97, bottom=0.29, top=0.93, wspace=0.05)
    image = left.imshow(table, vmin=0, vmax=1, cmap="cookbook", aspect="auto")
    left.set(xticks=places, yticks=places, yticklabels=names, title="Two blocks: overlap of what is learned")
    left.set_xticklabels(names, rotation=55, ha="right", rotation_mode="anchor")
    left.grid(False)
    fig.colorbar(image, cax=left.inset_axes([-0.4, -0.22, 0.28, 0.03]), orientation="horizontal", label="overlap")
    keys = ["vicreg"] * N_VIEWS + ["supervised", "vicreg"] + ["pca"] * (len(names) - N_VIEWS - 2)
    bars = right.barh(places, scores.values(), 0.7, color=[cb.color(key) for key in keys])
    right.bar_label(bars, fmt="%.2f", padding=4)
    right.axvline(0.1, color=cb.color("chance"), ls=":")
    right.set(xlim=(0, 1), xticks=[0, 0.5, 1], xlabel="accuracy of a linear probe, new digits")
    right.set_title("and what 16 features are worth")
    right.grid(axis="y", visible=False)
    plt.show()


def room(fig, curves, dims, digits, K, waves):
    """Accuracy against the number of features, for one number of background waves; four views of digits beside it."""
    pictures, ax = fig.subplots(1, 2, width_ratios=[1, 2.6])
    fig.subplots_adjust(left=0.01, right=0.86, bottom=0.15, top=0.89, wspace=0.25)
    cb.plots.image_grid(pictures, digits[waves], columns=2)
    pictures.set_title(f"{waves} waves" if waves else "no background")
    for name, scores in curves[waves].items():
        color = cb.color(COLORS[name])
        ax.plot(dims, scores, color=color)
        ax.plot(K, scores[dims.index(K)], "o", ms=9, color=color)
    here = {name: scores[dims.index(K)] for name, scores in curves[waves].items()}
    higher = max(here, key=here.get)
    for name, score in here.items():
        lift = max(0, 0.09 - abs(here["views"] - here["pixels"])) / 2 * (1 if name == higher else -1)
        ax.text(49.5, score + lift, f"{name} {score:.2f}", color=cb.color(COLORS[name]), va="center")
    if waves:
        ax.axvline(waves, color=cb.color("chance"), ls=":")
        ax.text(waves + 0.4, 0.02, "as many as waves", color=cb.color("chance"))
    ax.set(xlim=(3, 49), ylim=(0, 0.9), xlabel="number of features K", ylabel="accuracy of a linear probe")
    ax.set_title(f"{K} features, {waves} waves" if waves else f"{K} features, no background")


def road(fig, rows, directions, beta):
    """Overlap with either family and accuracy along beta, and the first eight directions at one of them."""
    ax, pictures = fig.subplots(1, 2, width_ratios=[1.3, 1])
    fig.subplots_adjust(left=0.08, right=0.98, bottom=0.17, top=0.87, wspace=0.1)
    betas = list(directions)
    places, here = np.arange(len(betas)), betas.index(beta)
    labels = {"overlap with pixels": "pca", "overlap with views": "vicreg", "accuracy of the probe": "supervised"}
    for values, (label, key), low in zip(np.transpose(rows), labels.items(), (0.1, 0.9, 0.62), strict=True):
        ax.plot(places, values, color=cb.color(key))
        ax.plot(here, values[here], "o", ms=8, color=cb.color(key))
        ax.text(places[-1], low, label, color=cb.color(key), ha="right", va="center")
    ax.set(ylim=(-0.05, 1.03), yticks=[0, 0.5, 1], xlabel="beta", title=f"overlap and accuracy at beta = {beta:g}")
    ax.set_xticks(places[::3], [f"{value:g}" for value in betas[::3]])
    shown = directions[beta]
    cb.plots.image_grid(pictures, shown / abs(shown).max(axis=(1, 2), keepdims=True), columns=4)
    pictures.set_title("the first eight directions")
