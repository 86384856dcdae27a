"""The drawings of the chapter on joint embedding and reconstruction; ``ch.figures`` loads them."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import LineCollection

import cookbook as cb
from replearn.papers import joint_embedding_vs_reconstruction as world

COLORS = {
    "reconstruction": cb.color("reconstruction"),
    "joint_embedding": cb.color("vicreg"),
    "supervised": cb.color("supervised"),
}
NAMES = {"reconstruction": "reconstruction", "joint_embedding": "joint embedding", "supervised": "supervised"}
GREY, NUISANCE, PALE = cb.color("baseline"), cb.color("jepa"), "#d5d9de"


def clouds(samples, views, titles, arrows=None):
    """Samples in the plane (grey) and the views of three of them (coloured); arrows name the direction each method keeps."""
    _, axes = plt.subplots(1, 2, figsize=(8.4, 4.2), layout="constrained")
    for number, (ax, points, drawn, title) in enumerate(zip(axes, samples, views, titles, strict=True)):
        cb.plots.scatter(ax, np.asarray(points)[:300], np.full(300, 9), size=6)
        for color, cloud in enumerate(np.asarray(drawn)):
            cb.plots.scatter(ax, cloud, np.full(len(cloud), color + 1), size=7)
        for method, directions in (arrows or {}).items():
            x, y = np.asarray(abs(directions[number])).ravel()
            ax.annotate(
                "", (10 * x, 10 * y), (0, 0), arrowprops={"arrowstyle": "-|>", "lw": 3, "color": COLORS[method]}
            )
            shift = (0.5, 1) if x > y else (0.8, 0.6)
            ax.text(10 * x + shift[0], 10 * y + shift[1], NAMES[method], color=COLORS[method], weight="bold")
        ax.set(xlim=(-12, 23), ylim=(-15, 15), aspect="equal", xlabel="signal", title=title)
    axes[0].set_ylabel("nuisance")
    plt.show()


def needed(variances, paradigm):
    """The alignment that the formula asks for."""
    signals = int((variances[0] > 0).sum())
    return max(world.alignment_threshold(*variances, signals, paradigm=paradigm)[0], 0) ** 0.5


def scores(fig, kappa2, theta, shape, alpha=1.0, nuisance=12.0):
    """The scores of six signals and fourteen nuisances for either method; the six largest are kept, rose if nuisance."""
    axes = fig.subplots(1, 2)
    fig.subplots_adjust(left=0.06, right=0.98, bottom=0.13, top=0.87, wspace=0.2)
    variances, signals = (kappa2, theta, nuisance * shape), int((kappa2 > 0).sum())
    labels = {"reconstruction": "score φ²", "joint_embedding": "score ω"}
    for ax, paradigm in zip(axes, labels, strict=True):
        score = world.direction_scores(*variances, alpha, paradigm=paradigm)
        score = score**2 if paradigm == "reconstruction" else score
        kept = score >= np.sort(score)[-signals]
        shades = np.where(kept, np.where(shape > 0, NUISANCE, COLORS[paradigm]), PALE)
        ax.vlines(np.arange(1, len(score) + 1), 0, score, colors=shades, lw=7)
        ax.axhline(score[:signals].min(), color=cb.color("theory"), ls="--", lw=1)
        ax.set(xlim=(0, len(score) + 1), ylim=(0, 1.08 * score.max()), ylabel=labels[paradigm])
        top = float(f"{score.max():.1g}")
        ax.set(xticks=[3.5, 13.5], xticklabels=["signal", "nuisance"], yticks=[0, top / 2, top])
        ax.set_title(f"{NAMES[paradigm]}: α > {needed(variances, paradigm):.2f} needed")


def thresholds(kappa2, theta, shape, found):
    """The alignment needed at each size of the nuisance: the formula as curves, found on samples as dots."""
    _, ax = plt.subplots(figsize=(7.4, 3.9), layout="constrained")
    sizes = np.geomspace(0.1, 32, 120)
    for paradigm in ("reconstruction", "joint_embedding"):
        curve = [needed((kappa2, theta, size * shape), paradigm) for size in sizes]
        ax.plot(np.log10(sizes), curve, color=COLORS[paradigm])
        ax.plot(np.log10(list(found[paradigm])), list(found[paradigm].values()), "o", color=COLORS[paradigm], ms=7)
    signals = int((kappa2 > 0).sum())
    one = (kappa2, theta, shape * 1.0)
    eta, delta = (
        world.alignment_threshold(*one, signals, paradigm=p)[1] for p in ("reconstruction", "joint_embedding")
    )
    crossing = np.log10(eta**2 / delta)
    ax.axvline(crossing, color=cb.color("theory"), ls="--", lw=1)
    ax.text(crossing - 0.05, 3.6, "weak nuisance", ha="right")
    ax.text(crossing + 0.05, 3.6, "strong nuisance")
    ax.text(0.88, 2.5, "reconstruction", color=COLORS["reconstruction"], ha="right")
    ax.text(1.4, 0.35, "joint embedding", color=COLORS["joint_embedding"], ha="right")
    ax.set(xlabel="variance of the nuisance γ", ylabel="alignment needed α", xlim=(-1, 1.5), ylim=(-0.1, 4))
    ax.set_xticks([-1, 0, crossing, 1], ["0.1", "1", "η²/δ", "10"])
    ax.set_title("One curve runs away, the other one levels off")
    plt.show()


def digits(lost, accuracy, strengths, clean):
    """Left, the share of the signal given up against a weak nuisance; right, accuracy against a strong one."""
    _, axes = plt.subplots(1, 2, figsize=(8.8, 3.8), layout="constrained")
    places = range(len(strengths))
    for paradigm, curve in lost.items():
        axes[0].plot(places, 100 * np.asarray(curve), "o-", color=COLORS[paradigm])
    for method, color in COLORS.items():
        axes[1].plot(places, accuracy[method], "o-", color=color)
    for name, value in {"clean": clean, "PCA": accuracy["PCA"][0]}.items():
        axes[1].axhline(value, color=GREY, ls="--", lw=1)
        axes[1].text(places[-1], value + 0.008, name, color=GREY, ha="right")
    for ax in axes:
        ax.set_xticks(places, strengths)
        ax.set_xlabel("alignment α")
    axes[0].text(0.1, 80 * lost["joint_embedding"][0], NAMES["joint_embedding"], color=COLORS["joint_embedding"])
    axes[0].text(0.1, 2.2, NAMES["reconstruction"], color=COLORS["reconstruction"])
    axes[1].text(0.1, accuracy["supervised"][0] - 0.035, NAMES["supervised"], color=COLORS["supervised"])
    full = strengths.index(1)
    place = (full + 0.15, accuracy["reconstruction"][full] - 0.03)
    axes[1].text(*place, NAMES["reconstruction"], color=COLORS["reconstruction"])
    low = accuracy["joint_embedding"][0]
    axes[1].text(0.15, low - 0.01, NAMES["joint_embedding"], color=COLORS["joint_embedding"], va="top")
    axes[0].set(title="Weak: reconstruction needs none", ylabel="signal given up (%)", ylim=(-0.5, None))
    axes[1].set(title="Strong: joint embedding needs less", ylabel="accuracy of the probe", ylim=(low - 0.06, 0.9))
    plt.show()


def turned(losses, overlaps):
    """Left, the error that each encoder leaves of masked pixels; right, what it shares with the closed form."""
    _, axes = plt.subplots(1, 2, figsize=(8.2, 2.9), layout="constrained", sharey=True)
    for ax, values, xlabel in zip(axes, (losses, overlaps), ("excess error (%)", "mean cos²"), strict=True):
        for row, (name, each) in enumerate(values.items()):
            color = COLORS["reconstruction"] if name == "from drawn masks" else GREY
            ax.plot(each, np.full(len(each), row), "o", color=color, alpha=0.4)
            ax.plot([np.mean(each)] * 2, [row - 0.25, row + 0.25], color=color, lw=2.5)
        ax.set(yticks=range(len(values)), yticklabels=list(values), xlabel=xlabel, ylim=(-0.6, len(values) - 0.4))
        ax.grid(axis="y", visible=False)
    axes[0].set_title("What each encoder costs")
    axes[1].set_title("What it shares with the best one")
    plt.show()


def samples(fig, kept, counts, factors, by_labels, samples=1500, alignment=1.4):
    """The share of the signal kept against the number of samples, at one alignment in units of the threshold."""
    axes = fig.subplots(1, 2, sharey=True)
    fig.subplots_adjust(left=0.09, right=0.98, bottom=0.17, top=0.87, wspace=0.08)
    row, column = counts.index(samples), factors.index(alignment)
    for ax, paradigm in zip(axes, kept, strict=True):
        curves = kept[paradigm]
        ax.add_collection(LineCollection([np.c_[np.log10(counts), curve] for curve in curves.T], colors=PALE, lw=1))
        ax.plot(np.log10(counts), by_labels, "--", color=COLORS["supervised"], lw=1.2)
        ax.plot(np.log10(counts), curves[:, column], color=COLORS[paradigm])
        ax.plot(np.log10(samples), curves[row, column], "o", ms=10, color=COLORS[paradigm])
        ax.set(xticks=[2, 3, 4], xticklabels=["100", "1,000", "10,000"], xlabel="samples N", ylim=(-0.03, 1.05))
        ax.set_title(f"{NAMES[paradigm]}: {curves[row, column]:.2f}")
    axes[0].set(ylabel="signal kept", yticks=[0, 0.5, 1])


def room(fig, accuracy, dims, clean, K=50):
    """Accuracy at each dimension of the embedding, with a dot at one."""
    ax, place = fig.subplots(), dims.index(K)
    fig.subplots_adjust(left=0.1, right=0.97, bottom=0.17, top=0.87)
    for paradigm, curve in accuracy.items():
        ax.plot(dims, curve, color=COLORS[paradigm])
        ax.plot(K, curve[place], "o", ms=10, color=COLORS[paradigm])
    ax.axhline(clean, color=GREY, ls="--", lw=1)
    ax.text(100, clean + 0.015, "50 clean components", color=GREY, ha="right")
    ax.text(27, 0.7, NAMES["joint_embedding"], color=COLORS["joint_embedding"])
    ax.text(48, 0.5, NAMES["reconstruction"], color=COLORS["reconstruction"])
    gap = accuracy["joint_embedding"][place] - accuracy["reconstruction"][place]
    ax.set(xlabel="dimension K of the embedding", ylabel="accuracy of the probe", ylim=(0.05, 0.95))
    ax.set_title(f"K = {K}: joint embedding is ahead by {100 * gap:.0f} points")


def units(accuracy, clean):
    """Accuracy of each method, a dot for each draw and a bar at their mean."""
    _, ax = plt.subplots(figsize=(7.4, 2.6), layout="constrained")
    for row, (name, values) in enumerate(accuracy.items()):
        color = COLORS["joint_embedding"] if name == "joint embedding" else COLORS["reconstruction"]
        mean = np.mean(values)
        ax.plot(values, np.full(len(values), row), "o", color=color, alpha=0.5)
        ax.plot([mean, mean], [row - 0.28, row + 0.28], color=color, lw=2.5)
        ax.text(0.865, row, f"{mean:.3f}", ha="right", va="center", color=color)
    ax.axvline(clean, color=GREY, ls="--", lw=1)
    ax.text(clean - 0.003, 2.55, "clean", color=GREY, ha="right")
    ax.set(yticks=range(len(accuracy)), yticklabels=list(accuracy), ylim=(-0.5, 2.9), xlim=(0.6, 0.87))
    ax.set_xlabel("accuracy of the probe")
    ax.set_title("A target without units closes the gap")
    ax.grid(axis="y", visible=False)
    plt.show()
