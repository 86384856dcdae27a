"""The drawings of the chapter on the canonical-correlation family; ``ch.figures`` loads them."""

from functools import lru_cache

import matplotlib.pyplot as plt
import numpy as np
import torch

import cookbook as cb
from replearn import losses
from replearn.papers import canonical_correlation as world

MAIN, INK, MUTED, SEA = cb.color("vicreg"), cb.color("theory"), cb.color("baseline"), "#dcebf5"
PEAKS = ["#0b2138", "#12507f", "#3f8fc4", "#8fc1de"]
NAMES = {"vicreg": "VICReg", "barlow_twins": "Barlow Twins", "w_mse": "W-MSE", "swav": "SwAV", "nt_xent": "NT-Xent"}


def halves(images):
    """Digits of 8 x 8 pixels, cut across the middle."""
    _, ax = plt.subplots(figsize=(8.6, 2.3), layout="constrained")
    cut = np.insert(images.max() - images, [4, 4], float(images.max()), axis=1)
    cb.plots.image_grid(ax, cut, columns=9, gap=5)
    ax.set_title("You see the upper half, I see the lower half")
    plt.show()


def best_pair(a, b, labels, images):
    """Left: the two numbers of each digit; right: digits from the smallest sum of the two to the largest."""
    _, (left, right) = plt.subplots(1, 2, figsize=(8.8, 3.6), width_ratios=[1, 1.35], layout="constrained")
    a, b = a[:, 0], b[:, 0]
    cb.plots.scatter(left, torch.stack([a, b], 1)[:600], labels[:600], size=9)
    left.set(xlabel="your number (upper half)", ylabel="my number (lower half)", title="They agree")
    order = (a + b).argsort()
    places = np.linspace(0, len(a) - 1, 28).round().astype(int)
    cb.plots.image_grid(right, images.max() - images[order[places]], columns=7, gap=3)
    right.set_title("Digits from the smallest sum (top left) to the largest")
    plt.show()


def kept(rho, Z, canonical):
    """The canonical correlations, and how much of each direction lies in the span of the learned numbers."""
    basis = torch.linalg.qr(Z - Z.mean(0)).Q
    share = (basis.T @ (canonical / canonical.norm(dim=0))).square().sum(0)
    _, ax = plt.subplots(figsize=(8.4, 2.9), layout="constrained")
    places = np.arange(1, len(rho) + 1)
    ax.bar(places, rho, color="#e4e7eb", width=0.8)
    ax.bar(places, rho * share.numpy(), color=cb.color("w_mse"), width=0.8)
    ax.text(4.7, 0.9, "purple: share kept by W-MSE", color=cb.color("w_mse"))
    ax.text(4.7, 0.79, "grey: lost", color=MUTED)
    ax.set(xlabel="canonical direction i", ylabel="correlation $\\rho_i$", xlim=(0.3, 26.7), ylim=(0, 1))
    ax.set_title("Of 26 directions, four numbers keep the four that agree most")
    plt.show()


@lru_cache
def _curves(rho, K, weights):
    """The variances of the first K directions at several weights."""
    return np.array([world.sea_level(rho, K, cov=weight).variance[:K] for weight in weights])


def sea(fig, rho, found, weight=1.0, K=4):
    """Left: canonical correlations as mountains, and the sea; right: the variance of each direction against the weight."""
    left, right = fig.subplots(1, 2, width_ratios=[1.25, 1])
    fig.subplots_adjust(left=0.09, right=0.96, bottom=0.17, top=0.88, wspace=0.2)
    level, variance = world.sea_level(rho, K, cov=weight)
    shown = np.arange(1, 13)
    left.axhspan(0, max(level, 0.0), color=SEA, lw=0)
    left.axhline(level, color=MAIN, lw=1.5)
    colors = [PEAKS[min(i, 3)] if i < K else "#b9bec5" for i in range(12)]
    left.vlines(shown, 0, rho[:12], colors=colors, lw=15)
    left.set(xlabel="canonical direction i", ylabel="correlation ρ", ylim=(0.4, 1), xlim=(0.4, 12.6))
    left.set(xticks=[1, 4, 8, 12], yticks=[0.4, 0.7, 1])
    where = "" if level > 0.4 else ", below the picture"
    left.set_title(f"Sea level {level:.2f}{where}: keeps {np.sum(variance > 0)}")
    weights = tuple(np.geomspace(0.1, 10, 31))
    colors = colors[:K]
    right.set_prop_cycle(color=colors)
    right.plot(np.log10(weights), _curves(tuple(rho), K, weights), lw=1.8)
    right.scatter([np.log10(weight)] * K, variance[:K], s=50, c=colors, zorder=3)
    if K == 4:
        circles = np.log10(list(found)), [v[:4] for v in found.values()]
        right.plot(*circles, "o", ms=8, mfc="none", mec="#d55e00", mew=1.5)
        right.text(1, 3.75, "lines: formula (5)\ncircles: descent", ha="right", va="center", fontsize=9.5)
    right.axvline(np.log10(weight), color=MAIN, lw=1)
    right.set(xlabel="weight cov", ylim=(-0.1, K + 0.15), xlim=(-1.03, 1.03), title="Variance γ it gets")
    right.set_xticks([-1, 0, 1], ["0.1", "1", "10"])
    right.set_yticks([0, 1, K])


def three_runs(names, maps, spread, alike, score):
    """The correlations between the dimensions of three embeddings."""
    fig, axes = plt.subplots(1, 3, figsize=(8.8, 3.4), layout="constrained")
    for ax, name, picture, std, mean, accuracy in zip(axes, names, maps, spread, alike, score, strict=True):
        image = ax.imshow(picture, vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[], title=f"{name}:\nstandard deviation {std:.2f}")
        ax.set_xlabel(f"mean |correlation| {mean:.2f}\nlow-shot accuracy {accuracy:.2f}")
        ax.grid(False)
    fig.colorbar(image, ax=axes, label="|correlation| of two dimensions", shrink=0.75)
    plt.show()


def network(rho_start, rho_trained, by_formula, by_descent):
    """Left: canonical correlations of a network's outputs before and after training; right: formula and descent."""
    _, (left, right) = plt.subplots(1, 2, figsize=(8.8, 3.2), width_ratios=[1.3, 1], layout="constrained")
    places = np.arange(1, 33)
    left.bar(places, rho_trained, color=MAIN, width=0.8)
    left.bar(places, rho_start, color="#c8cdd4", width=0.8)
    left.text(20, 0.9, "trained", color=MAIN, weight="bold")
    left.text(3, 0.25, "untrained", weight="bold")
    left.set(
        xlabel="canonical direction i of the outputs", ylabel="correlation $\\rho_i$", ylim=(0, 1), xlim=(0.3, 32.7)
    )
    left.set_title("Training raises the mountains")
    right.bar(places[:10], by_formula[:10], color="#a9cde6", width=0.8)
    right.plot(places[:10], by_descent[:10], "o", ms=8, mfc="none", mec="#d55e00", mew=1.5)
    right.text(10.4, 0.92 * by_formula[0], "bars: formula (5)\ncircles: descent", ha="right", va="top")
    right.set(xlabel="canonical direction i", ylabel="variance $\\gamma_i$", xticks=[1, 4, 8, 10])
    right.set_title("A fresh last layer obeys the sea level")
    plt.show()


def family(content, accuracy, untrained, pixels):
    """Left: how much of the first network's embedding others know; right: low-shot accuracy."""
    _, (left, right) = plt.subplots(1, 2, figsize=(8.8, 3.4), sharey=True, layout="constrained")
    for row, (name, share) in enumerate(content.items()):
        color = cb.color(name) if name in accuracy else MUTED
        left.plot([0, share], [row, row], color=color, lw=3)
        left.text(max(share, 0) + 0.02, row, f"{share:.2f}", va="center", color=color)
        if name in accuracy:
            right.plot([untrained, accuracy[name]], [row, row], color=color, lw=3)
            right.text(accuracy[name] + 0.005, row, f"{accuracy[name]:.3f}", va="center", color=color)
    left.set_yticks(range(len(content)), [NAMES.get(name, name) for name in content])
    left.set(xlim=(0, 1.08), ylim=(len(content) - 0.5, -0.5), xlabel="share of the first network's embedding")
    left.set_title("They know what VICReg keeps")
    for value, name, row in ((untrained, "untrained", 6), (pixels, "raw pixels", 5)):
        right.axvline(value, color=MUTED, ls="--", lw=1)
        right.text(value + 0.003, row, f"{name} {value:.2f}", color=MUTED, va="center")
    right.set(xlim=(untrained - 0.02, max(accuracy.values()) + 0.04), xlabel="low-shot accuracy")
    right.set_title("and learn to read digits")
    plt.show()


def lines(as_trained, finished):
    """The variance of each principal direction of an embedding against its correlation, and the slope of the formula."""
    _, axes = plt.subplots(1, 2, figsize=(8.8, 3.2), layout="constrained", sharey=True)
    titles = ("As trained: a line, too steep", "Last layer finished: the line of (5)")
    for ax, found, title in zip(axes, (as_trained, finished), titles, strict=True):
        ax.plot(found.rho, found.variance, "o", ms=7, color=MAIN)
        level = found.rho.mean() - found.variance.mean() / 12.5
        ends = np.array([level, 1])
        ax.plot(ends, 12.5 * (ends - level), "--", color=INK, lw=1)
        ax.set(xlabel="correlation of two crops", xlim=(0.55, 1), ylim=(-0.2, None), title=title)
    axes[0].set_ylabel("variance of the direction")
    axes[0].text(0.57, 0.9 * axes[0].get_ylim()[1], "dashed: slope 12.5", color=INK)
    plt.show()


def barlow(fig, lams, ranks, R, A, canonical_loss, reached, which):
    """Left: how many numbers differ; then R between the views, and the correlations within one view."""
    curve, *maps = fig.subplots(1, 3, width_ratios=[1.3, 1, 1])
    fig.subplots_adjust(left=0.07, right=0.98, bottom=0.17, top=0.78, wspace=0.2)
    places = np.log10(4 * np.array(lams))
    color = cb.color("barlow_twins")
    curve.plot(places, ranks, "o-", ms=4, color=color)
    curve.plot(places[which], ranks[which], "o", ms=11, color=color)
    curve.set(xlabel="λK", ylim=(0.9, 4.15), yticks=range(1, 5), title="Different numbers")
    curve.set_xticks([-2, -1, 0, 1], ["0.01", "0.1", "1", "10"])
    within = A[which].T @ A[which]
    for ax, picture, title in zip(maps, (R[which], within), ("|R|, between views", "|correlation| in Z"), strict=True):
        ax.imshow(picture.abs(), vmin=0, vmax=1)
        for i, value in enumerate(picture.abs().diagonal()):
            ax.text(i, i, f"{value:.2f}", ha="center", va="center", fontsize=9, color="w" if value > 0.5 else "k")
        beside = losses.off_diagonal(picture).abs().max()
        ax.set(xticks=[], yticks=[], title=title)
        ax.set_xlabel(f"largest beside: {beside:.2f}")
    facts = f"λ = {lams[which]:g}: loss {reached[which]:.3f} (at the canonical axes {canonical_loss:.3f})"
    fig.suptitle(facts, x=0.07, ha="left", fontsize=11)


GRID = np.logspace(-4, np.log10(2), 100)
HINGES = {
    "on the standard deviation": (lambda s: 1 - np.sqrt(s**2 + 1e-4), lambda s: s / np.sqrt(s**2 + 1e-4), MAIN),
    "the same, without 0.0001": (lambda s: 1 - s, lambda s: np.ones_like(s), INK),
    "on the variance": (lambda s: 1 - s**2, lambda s: 2 * s, cb.color("nt_xent")),
}


def hinge(fig, std=0.05, hinge="on the standard deviation"):
    """The penalty of a hinge, and its force, against the standard deviation."""
    left, right = fig.subplots(1, 2)
    fig.subplots_adjust(left=0.07, right=0.97, bottom=0.17, top=0.87, wspace=0.25)
    inside = GRID[GRID < 1]
    for row, (name, (height, slope, color)) in enumerate(HINGES.items()):
        chosen = name == hinge
        left.plot(GRID, np.maximum(height(GRID), 0), color=color, lw=3 if chosen else 1)
        right.plot(np.log10(inside), np.log10(slope(inside)), color=color, lw=3 if chosen else 1)
        weight = "bold" if chosen else "normal"
        left.text(1.98, 0.95 - 0.11 * row, name, color=color, ha="right", weight=weight)
    height, slope, color = HINGES[hinge]
    left.plot(std, max(height(std), 0), "o", ms=10, color=color)
    force = slope(np.array(std)) if height(std) > 0 else 1e-9
    right.plot(np.log10(std), np.log10(force), "o", ms=10, color=color)
    left.set(xlabel="standard deviation", xticks=[0, 1], yticks=[0, 1], ylim=(-0.03, 1.05), title="Penalty")
    right.set(xlabel="standard deviation", xlim=(-4, 0.4), ylim=(-4, 0.5), title="Force (none above 1)")
    right.set_xticks([-3, 0], ["0.001", "1"])
    right.set_yticks([-3, 0], ["0.001", "1"])


def sinkhorn(fig, S, best, eps=0.05, rounds=3):
    """A code of 64 samples for 16 prototypes, and how much each prototype gets."""
    Q = losses.sinkhorn(S, eps=eps, steps=rounds)
    code, bars = fig.subplots(2, 1, sharex=True)
    fig.subplots_adjust(left=0.1, right=0.97, bottom=0.12, top=0.9, hspace=0.12)
    code.imshow(Q, aspect="auto", vmin=0, vmax=1, interpolation="nearest")
    code.set(ylabel="samples", yticks=[], title=f"Score {(Q * S).sum():.1f}, best balanced assignment {best:.1f}")
    bars.bar(np.arange(16), Q.sum(0), color=cb.color("swav"))
    bars.axhline(4, color=MUTED, ls="--", lw=1)
    bars.set(xlabel="prototype", ylabel="column sum", xticks=[], yticks=[0, 4, 8, 12], ylim=(0, 13))


def prototypes(use, perplexity, accuracy, loss):
    """How often each prototype is the nearest, with Sinkhorn's balance and without."""
    _, axes = plt.subplots(1, 2, figsize=(8.8, 2.9), sharey=True, layout="constrained")
    rows = zip(axes, ("With balance", "Without balance"), use, perplexity, accuracy, loss, strict=True)
    for ax, name, share, count, low, last in rows:
        ax.bar(np.arange(1, 33), share, color=cb.color("swav"))
        ax.axhline(1 / 32, color=MUTED, lw=1, ls="--")
        facts = f"perplexity {count:.1f}\nlow-shot accuracy {low:.2f}\nlast loss {last:.3f} nats"
        ax.text(0.97, 0.93, facts, transform=ax.transAxes, ha="right", va="top")
        ax.set(title=name, xlabel="prototype, most used first", ylim=(0, 1.05))
    axes[0].set_ylabel("share of test images")
    plt.show()
