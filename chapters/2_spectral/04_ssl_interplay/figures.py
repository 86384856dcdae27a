"""The drawings of the chapter on the SSL interplay; ``ch.figures`` loads them."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Wedge

import cookbook as cb
from replearn.papers import ssl_interplay as world

VIEWS, KERNEL, BOTH, GREY = cb.color("contrastive"), cb.color("vicreg"), cb.color("theory"), cb.color("baseline")
FAINT = "#c4cad2"
SHOWN = [0, 1, 3, 4, 6]  # the digits that are drawn as dots
METHODS = {"augmentations alone": VIEWS, "both": BOTH, "kernel alone": KERNEL, "both, with lies": GREY}


def views(seen, images=6):
    """Six digits in four views each."""
    _, axes = plt.subplots(1, images, figsize=(9.2, 1.9), layout="constrained")
    for image, ax in enumerate(axes):
        first = 4 * (7 * image)
        cb.plots.image_grid(ax, seen.x[first : first + 4].reshape(-1, 8, 8), columns=2, gap=1)
        ax.set_title(f"a {seen.y[7 * image]}")
    plt.show()


def three_encoders(seen, found, scores):
    """New digits in two features of three encoders, and the accuracy of all four over three draws."""
    _, axes = plt.subplots(1, 4, figsize=(9.6, 3), width_ratios=[1, 1, 1, 1.1], layout="constrained")
    rows = np.isin(seen.y_new, SHOWN)
    for ax, name in zip(axes, ["augmentations alone", "kernel alone", "both"], strict=False):
        cb.plots.scatter(ax, found[name][1][rows, 1:3], seen.y_new[rows], size=7)
        ax.set(title=name, xlabel="one feature", xticks=[], yticks=[])
    axes[0].set_ylabel("another")
    bars = axes[3]
    for row, name in enumerate(["both, with lies", "augmentations alone", "kernel alone", "both"]):
        each = [of[name] for of in scores]
        bars.barh(row, np.mean(each), 0.62, color=METHODS[name], alpha=0.8)
        inside = name == "both"
        bars.text(0.02 if inside else max(each) + 0.03, row + 0.02, name, va="center", color="w" if inside else "k")
        bars.plot(each, [row] * len(each), "o", color="k", ms=3)
    bars.set(xlim=(0, 1), yticks=[], xlabel="accuracy, 50 labels", title="Together")
    bars.grid(axis="y", visible=False)
    plt.show()


def three_lines(fig, agree, price, lam=0.5):
    """The three functions of the paper's figure 2: what each is worth at weight lam, the best one thick."""
    ax = fig.subplots()
    fig.subplots_adjust(left=0.1, right=0.97, bottom=0.17, top=0.87)
    heights, ends = agree - lam * price, np.array([0.0, 3.0])
    best = heights.argmax()
    for i, color in enumerate((VIEWS, BOTH, KERNEL)):
        ax.plot(ends, agree[i] - ends * price[i], color=color, lw=4 if i == best else 1.2)
        ax.plot(lam, heights[i], "o", color=color, ms=11 if i == best else 5)
        ax.text(0.03, agree[i] + 0.03, f"$f_{i + 1}$", color=color)
    regime = ("the augmentations choose", "the interplay", "the architecture chooses")[best]
    ax.set(xlim=(0, 3), ylim=(-0.35, 1.05), xlabel="weight decay λ", ylabel="worth e = agree − λ price")
    ax.set_title(f"λ = {lam:.2f}: feature {best + 1} is kept; {regime}")


def rings(sets, window):
    """Sets of bits on a ring of eight, and the window of a crop that holds them."""
    _, axes = plt.subplots(1, len(sets), figsize=(6.6, 2.7), layout="constrained")
    angle = np.pi / 2 - 2 * np.pi * np.arange(8) / 8
    for ax, (name, S) in zip(axes, sets.items(), strict=True):
        degrees = np.degrees(angle)
        arc = Wedge((0, 0), 1.28, degrees[window - 1] - 16, degrees[0] + 16, width=0.56, color=VIEWS, alpha=0.22, lw=0)
        ax.add_patch(arc)
        inside = np.isin(np.arange(8), S)
        ax.scatter(np.cos(angle), np.sin(angle), 150, color=np.where(inside, BOTH, FAINT))
        ax.set(xlim=(-1.4, 1.4), ylim=(-1.4, 1.4), aspect="equal", title=f"{name}, in a window")
        product = r" \cdot ".join(f"x_{i + 1}" for i in S)
        ax.text(0, 0, f"${product}$", ha="center", va="center")
        ax.set_axis_off()
    plt.show()


def frontier(nu, degree, spread, beta, swap):
    """Which groups of parities are kept below and above the swap, and the line of equal worth between."""
    chance = np.array([world.crop_eigenvalue(S, 8, 4) for S in world.parity_basis(8).sets]) ** 0.5
    _, axes = plt.subplots(1, 2, figsize=(8.8, 3.7), sharey=True, layout="constrained")
    p = np.linspace(0, 1.05, 400)
    for ax, factor, word in zip(axes, (0.7, 1.3), ("below", "above"), strict=True):
        worth = world.interplay_eigenvalues(chance**2, nu[degree], beta=beta, lam=factor * swap)
        threshold = np.sort(worth)[-34:-32].mean()
        ax.scatter(chance, nu[degree], 50, color=np.where(worth > threshold, BOTH, FAINT))
        ax.plot([1 / 4, 1 / 8], [nu[3], nu[2]], "o", ms=17, mfc="none", mec=KERNEL)
        line = factor * swap / np.maximum(1 - beta + beta * p**2 - threshold, 1e-9)
        ax.plot(p, line, color=VIEWS, lw=1.5)
        ax.set(yscale="log", ylim=(8e-4, 2.5), xlim=(-0.05, 1.05), title=f"{word}: λ = {factor} × the swap")
        ax.set_xticks([0, 1 / 8, 1 / 4, 3 / 8, 1 / 2, 1], ["≥ 5", "4", "3", "2", "1", "0"])
        ax.set_yticks(nu[:6], range(6), minor=False)
        ax.set_xlabel("spread of the bits on the ring")
    axes[0].set_ylabel("number of bits")
    axes[0].annotate("triples", (1 / 4, nu[3]), (0.33, nu[3] * 1.1), color=KERNEL, va="center")
    axes[0].annotate("pairs", (1 / 8, nu[2]), (-0.03, nu[2] * 2.0), color=KERNEL, va="center")
    plt.show()


def strength(fig, strengths, curve, mean, swept, seen, step=4):
    """Accuracy at each weight decay, one of them marked, and the training digits in two of its features."""
    left, right = fig.subplots(1, 2, width_ratios=[1.6, 1])
    fig.subplots_adjust(left=0.08, right=0.98, bottom=0.17, top=0.88, wspace=0.1)
    x, features = np.log10(strengths), swept[step][0]
    left.plot(-9, mean["augmentations alone"], "o", color=VIEWS, ms=9)
    left.text(-8.8, mean["augmentations alone"], "augmentations alone", color=VIEWS, va="center")
    left.axhline(mean["kernel alone"], color=KERNEL, ls="--", lw=1)
    left.text(-9.2, mean["kernel alone"] + 0.02, "kernel alone", color=KERNEL)
    left.plot(x, curve, "o-", color=BOTH)
    left.plot(x[step], curve[step], "o", color=BOTH, ms=12)
    left.set_xticks([-9, -8, -6, -4, -2], ["0", "$10^{-8}$", "$10^{-6}$", "$10^{-4}$", "$10^{-2}$"])
    left.set(xlim=(-9.3, -0.7), ylim=(0, 1), xlabel="weight decay λ", ylabel="accuracy")
    left.set_title(f"λ = {strengths[step]:.0e}: accuracy {curve[step]:.2f}")
    rows = np.isin(seen.y[seen.image], SHOWN)
    cb.plots.scatter(right, features[rows, 1:3], seen.y[seen.image][rows], size=7)
    alive = np.any(features != 0, axis=0).sum()
    right.set(
        xlim=(-3, 3),
        ylim=(-3, 3),
        xticks=[],
        yticks=[],
        title=f"{alive} of 20 features alive",
        xlabel="training digits",
    )


def bargain(fig, lam=5e-4, sharpness=2.0, beta=0.9, window=4):
    """Each group of parities as a bar: its worth e less 1 - beta; dark where all of it is kept, pale where none is."""
    ax = fig.subplots()
    fig.subplots_adjust(left=0.11, right=0.98, bottom=0.24, top=0.88)
    sets, _, degree, spread = world.parity_basis(8)
    kinds = sorted({(size, arc) for size, arc in zip(degree, spread, strict=True) if size <= 4})
    members = [np.flatnonzero((degree == size) & (spread == arc)) for size, arc in kinds]
    agree = np.array([world.crop_eigenvalue(S, 8, window) for S in sets])
    nu = world.degree_eigenvalues(lambda u: np.exp(sharpness * u), 8)
    worth = world.interplay_eigenvalues(agree, nu[degree], beta=beta, lam=lam)
    kept = np.isin(np.arange(256), np.argsort(-worth, kind="stable")[:33]) & (worth > 0)
    shares = np.array([kept[group].mean() for group in members])
    heights = np.array([worth[group[0]] - (1 - beta) for group in members])
    ax.bar(range(len(kinds)), np.maximum(heights, -0.2), color=plt.colormaps["cookbook"](0.15 + 0.85 * shares))
    ax.axhline(beta - 1, color=VIEWS, ls="--", lw=1)
    ax.set_xticks(range(len(kinds)), [f"{size}\n{arc}" for size, arc in kinds])
    ax.set(ylim=(-0.12, 0.27), ylabel="β agree − λ price")
    ax.set_xlabel("number of bits, and below it their spread")
    ax.set_title(f"{kept.sum()} of 33 features kept")


def risks(counts, by_count, views, by_views, gain, slope):
    """Excess risk against the number of images, and against views of each image at a fixed budget."""
    _, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.3), layout="constrained")
    left.loglog(counts, by_count, "o-", color=BOTH)
    left.loglog(counts, by_count[0] * (counts / counts[0]) ** -0.5, "--", color=GREY, lw=1)
    left.text(counts[-1], by_count[0] * (counts[-1] / counts[0]) ** -0.41, "1/√n", color=GREY, ha="right")
    left.axhline(gain, color=VIEWS, lw=1)
    left.text(counts[-1], 1.1 * gain, "nothing learned", color=VIEWS, ha="right")
    left.set(xlabel="images n, two views each", ylabel="excess risk", title=f"More images: slope {slope:.2f}")
    right.semilogx(views, by_views, "o-", color=BOTH)
    right.set(xlabel="views m of each of 4096 / m images", ylim=(0, None), title="A budget of 4096 views")
    for ax, ticks in ((left, counts), (right, views)):
        ax.set_xticks(ticks, ticks)
        ax.minorticks_off()
    plt.show()


def batches(sizes, naive, fair, formula):
    """Bias of two estimates of the decorrelation term, against the size of a batch."""
    _, ax = plt.subplots(figsize=(6.4, 3), layout="constrained")
    ax.loglog(sizes, formula, "-", color=GREY)
    ax.loglog(sizes, naive, "o", color=VIEWS, ms=7)
    ax.text(sizes[0] * 1.1, naive[1] * 0.25, "square of the batch's moments; line: formula", color=VIEWS)
    ax.loglog(sizes, abs(np.array(fair)), "o", color=KERNEL, ms=7)
    ax.text(sizes[0], abs(fair[0]) * 0.35, "two-sample estimate (size of its error)", color=KERNEL, va="top")
    ax.set_xticks(sizes, sizes)
    ax.minorticks_off()
    ax.set(xlabel="batch", ylabel="bias", title="Small batches need not hurt")
    plt.show()
