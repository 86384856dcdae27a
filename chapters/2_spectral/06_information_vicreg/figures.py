"""The drawings of the chapter on entropy estimates; ``ch.figures`` loads them."""

from math import e, log, pi

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.patches import Ellipse

import cookbook as cb
from replearn import evaluation

PAIRS, TRUTH, GAUSS, GREY = cb.color("nt_xent"), cb.color("theory"), cb.color("vicreg"), cb.color("baseline")
RULERS = {"from pairs, lower": PAIRS, "Monte Carlo": TRUTH, "from pairs, upper": PAIRS, "Gaussian": GAUSS}
METHODS = {
    "log-determinant": cb.color("cca"),
    "VICReg, tuned": GAUSS,
    "VICReg": GAUSS,
    "pairs": PAIRS,
    "SimCLR": PAIRS,
    "agreement alone": GREY,
}
SPREAD = 0.3  # standard deviation of the clouds in the plane


def two_spreads(centers, dots, spreads):
    """The same clouds close together and far apart, each with the ellipse of the Gaussian of their covariance."""
    _, axes = plt.subplots(1, 2, figsize=(8.4, 3.9), layout="constrained")
    edge = max(spreads) * centers.abs().max().item() + 2
    for ax, spread, title in zip(axes, spreads, ["The ellipse is full", "The ellipse is mostly empty"], strict=True):
        points = (spread * centers[:, None] + dots).numpy()
        cb.plots.scatter(ax, points.reshape(-1, 2), np.arange(len(centers)).repeat(points.shape[1]) % 8, size=4)
        flat = points.reshape(-1, 2)
        values, vectors = np.linalg.eigh(np.cov(flat.T))
        angle = np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1]))
        sides = 2 * np.sqrt(4.605 * values[::-1])  # chi-squared with two degrees of freedom, 90 %
        ax.add_patch(Ellipse(flat.mean(0), *sides, angle=angle, fill=False, color=GAUSS, lw=2))
        ax.set(aspect="equal", xlim=(-edge, edge), ylim=(-edge, edge), title=title, xlabel="embedding, first dimension")
    axes[0].set_ylabel("second dimension")
    plt.show()


def rulers(fig, more, spread=6.0, clouds=24):
    """Centres of clouds in the plane, and four estimates of the entropy of their mixture, with the ceiling of pairs."""
    mu = spread * more[:clouds]
    covariance = torch.cov(mu.T, correction=0) + SPREAD**2 * torch.eye(2)
    one_cloud = log(2 * pi * e * SPREAD**2)
    drawn, known = (
        evaluation.gmm_entropy_mc(at, SPREAD, 1000, torch.Generator().manual_seed(0)) for at in (mu, 0 * mu)
    )
    measured = [
        evaluation.pairwise_entropy(mu, SPREAD, "lower"),
        drawn.value - known.value + one_cloud,  # the same draws around one centre, whose entropy is known: less noise
        evaluation.pairwise_entropy(mu, SPREAD, "upper"),
        evaluation.gaussian_entropy(covariance),
    ]
    ceiling = one_cloud + log(clouds)
    left, right = fig.subplots(1, 2, width_ratios=[1, 1.7])
    fig.subplots_adjust(left=0.03, right=0.97, bottom=0.17, top=0.88, wspace=0.5)
    left.plot(*mu.T, "o", color=PAIRS, ms=5)
    left.set(xlim=(-26, 26), ylim=(-26, 26), xticks=[], yticks=[], title=f"{clouds} centres")
    right.barh(range(4), measured, 0.6, color=list(RULERS.values()))
    right.axvline(ceiling, color=GREY, ls="--", lw=1.2)
    for row, value in enumerate(measured):
        right.text(max(value, ceiling) + 0.12, row, f"{value:.2f}", va="center")
    right.set(yticks=range(4), yticklabels=list(RULERS), xlim=(0, 9), xlabel="nats", title="their entropy")
    right.grid(axis="y", visible=False)


def ranking(accuracy, baselines):
    """Accuracy of each method, a dot for each seed and a bar at their mean, the best on top; baselines are lines."""
    shown = {name: scores for name, scores in accuracy.items() if name != "agreement alone"}
    names = sorted(shown, key=lambda name: shown[name].mean())
    _, ax = plt.subplots(figsize=(7.2, 3), layout="constrained")
    for row, name in enumerate(names):
        mean = shown[name].mean()
        ax.plot(shown[name], [row] * len(shown[name]), "o", color=METHODS[name], alpha=0.5)
        ax.plot([mean, mean], [row - 0.28, row + 0.28], color=METHODS[name], lw=2.5)
        ax.text(0.947, row, f"{mean:.3f}", va="center", ha="right", color=METHODS[name])
    for name, value in baselines.items():
        ax.axvline(value, color=GREY, ls="--", lw=1)
        ax.text(value - 0.001, len(names) - 0.6, f"{name} {value:.3f}", color=GREY, ha="right")
    ax.set(yticks=range(len(names)), yticklabels=names, xlim=(0.8, 0.95), ylim=(-0.5, len(names)))
    ax.set(xlabel="accuracy of the probe")
    ax.set_title("The estimate decides, and so does one weight")
    ax.grid(axis="y", visible=False)
    plt.show()


def entropy_and_accuracy(entropy, accuracy):
    """Gaussian entropy of the embedding, each dimension at variance 1, against the accuracy of the probe."""
    _, ax = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
    for name, value in entropy.items():
        ax.plot(value, accuracy[name], "o", color=METHODS[name], ms=9)
        side = ("right", -9) if value > -40 or name == "pairs" else ("left", 9)
        place = {"xytext": (side[1], 0), "textcoords": "offset points", "ha": side[0], "va": "center"}
        ax.annotate(name, (value, accuracy[name]), **place, color=METHODS[name])
    ax.set(xlabel="Gaussian entropy at variance 1 (nats)", ylabel="accuracy", title="More entropy is not better")
    ax.margins(x=0.16, y=0.25)
    plt.show()


def window(fig, curves, widths, gaps, bandwidth=3.0):
    """What the two estimates from pairs see of 500 embeddings, as a share of log N, at every bandwidth and at one."""
    ax = fig.subplots()
    fig.subplots_adjust(left=0.1, right=0.97, bottom=0.17, top=0.88)
    for c, style, name, y in ((8, "-", "lower, solid", 0.66), (2, "--", "upper, dashed", 0.5)):
        value = -np.log(np.exp(-gaps / (c * bandwidth**2)).mean(1)).mean() / log(len(gaps))
        ax.plot(np.log10(widths), curves[c], style, color=PAIRS)
        ax.plot(np.log10(bandwidth), value, "o", ms=11, color=PAIRS)
        ax.text(-1.9, y, f"{name}: {value:.2f}", color=PAIRS)
    ax.set(xticks=[-2, -1, 0, 1, 2], xticklabels=["0.01", "0.1", "1", "10", "100"], yticks=[0, 0.5, 1])
    ax.set(xlabel="bandwidth s, in units of the embedding", ylabel="share of log N", ylim=(-0.04, 1.08))
    ax.set_title("Too narrow: all strangers. Too wide: one blob.")


def line(sphere, free, labels):
    """The first two principal directions of both embeddings, colored by digit."""
    _, axes = plt.subplots(1, 2, figsize=(7.6, 3.3), layout="constrained")
    for ax, z, title in zip(axes, [sphere, free], ["On the sphere", "Off the sphere: a line"], strict=True):
        z = np.asarray(z - z.mean(0))
        top = z @ np.linalg.svd(z, full_matrices=False)[2][:2].T
        cb.plots.scatter(ax, top, labels, size=5)
        ax.set(title=title, xlabel="first principal direction")
        ax.set_aspect("equal", adjustable="datalim")
    axes[0].set_ylabel("second")
    plt.show()


def bound(terms, error, names):
    """The three terms of the bound as bars, the test error as dots, the best encoder at the bottom."""
    order, start = np.argsort(error), np.zeros(len(error))
    _, ax = plt.subplots(figsize=(8.2, 3.9), layout="constrained")
    colors = {"agreement": GREY, "unlabelled residual": GAUSS, "labelled residual": cb.color("byol")}
    for (text, color), values, x in zip(colors.items(), terms, (0, 0.8, 2.1), strict=True):
        ax.barh(range(len(order)), values[order], 0.62, left=start[order], color=color, alpha=0.75)
        ax.text(x, len(order) - 0.4, text, color=color)
        start = start + values
    ax.plot(error[order], range(len(order)), "o", color=TRUTH, ms=7)
    ax.set(yticks=range(len(order)), yticklabels=[names[i] for i in order], ylim=(-0.6, len(order) + 0.3))
    ax.set(xlabel="terms of the bound; dots: test error")
    ax.set_title("The dots follow the residuals, not the agreement")
    ax.grid(axis="y", visible=False)
    plt.show()


def weight(fig, study, covariance=1):
    """The three terms for one covariance weight, and the test error under them."""
    ax, start = fig.subplots(), 0.0
    fig.subplots_adjust(left=0.13, right=0.97, bottom=0.21, top=0.85)
    *terms, error = study[covariance]
    colors = {"agreement": GREY, "unlabelled": GAUSS, "labelled": cb.color("byol")}
    for (text, color), value, x in zip(colors.items(), terms, (0, 0.85, 1.95), strict=True):
        ax.barh(1, value, 0.55, left=start, color=color, alpha=0.75)
        ax.text(x, 1.36, f"{text} {value:.2f}", color=color)
        start += value
    ax.barh(0, error, 0.55, color=TRUTH)
    ax.text(error + 0.03, 0, f"{error:.3f}", va="center")
    ax.set(yticks=[0, 1], yticklabels=["test error", "bound"], xlim=(0, 3), ylim=(-0.4, 1.7))
    ax.set_title(f"VICReg with weights 25, 25, {covariance}: the bound is {start:.2f}")
    ax.grid(axis="y", visible=False)
