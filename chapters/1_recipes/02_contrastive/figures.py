"""The drawings of the chapter on contrastive learning; ``ch.figures`` loads them."""

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.nn import functional as F

import cookbook as cb
from replearn import spectral

MAIN, PALE, TRUTH = cb.color("nt_xent"), "#d5d9de", cb.color("theory")


def line_up(crops, keys, image, temperature=None):
    """A crop of one image, a gap, and the keys; with a temperature also the chance that pixels give to each, the partner boxed."""
    order = [7, 2, 9, 0, 8, 11, 1, 5, 10, 3, 4, 6]
    query, keys = crops[image], keys[order]
    _, ax = plt.subplots(figsize=(8.6, 1.5), layout="constrained")
    blank = torch.full_like(query, float(keys.max()))
    titles = ["query", "", *"abcdefghijkl"]
    if temperature:
        chances = (F.cosine_similarity(query.flatten()[None], keys.flatten(1)) / temperature).softmax(0)
        titles[2:] = [f"{chance:.0%}" for chance in chances]
        left = 18 * (2 + order.index(image))
        ax.add_patch(plt.Rectangle((left - 1.5, -1.5), 16, 16, fill=False, ec=MAIN, lw=2.5, clip_on=False))
    cb.plots.image_grid(ax, torch.stack([query, blank, *keys])[:, 0], columns=14, gap=4, titles=titles)
    ax.set_title("What pixels would bet" if temperature else "Which crop was cut from the query's image?", pad=24)
    plt.show()


def temperature(fig, cosines, tau, positive=0.3):
    """Who is pushed at this temperature, where the loss lies between its bounds, and how hard the whole push is."""
    negatives = np.sort(np.asarray(cosines)[1:])[::-1]
    left, middle, right = fig.subplots(1, 3)
    fig.subplots_adjust(left=0.07, right=0.98, bottom=0.16, top=0.88, wspace=0.32)
    shares = np.exp((negatives - negatives[0]) / tau)
    shares /= shares.sum()
    effective = np.exp(-np.sum(shares * np.log(np.maximum(shares, 1e-300))))
    left.stairs(shares, np.arange(65) + 0.5, fill=True, color=MAIN)
    left.set(xlabel="negative, the hardest first", ylabel="share of the push", xlim=(0, 65), ylim=(0, 1.1 * shares[0]))
    left.set(xticks=[1, 32, 64], yticks=np.round([0, shares[0]], 2))
    left.set_title(f"Effective number: {effective:.{0 if effective > 9.5 else 1}f} of 64")
    taus = np.append(np.geomspace(0.01, 10, 60), tau)
    room, push = _room_and_push(negatives, positive, taus)
    solved = _room_and_push(negatives, 1.0, taus)[1]
    right.plot(np.log10(taus[:-1]), np.log10(solved[:-1] + 1e-9), color=PALE)
    right.text(1.0, -1.85, "pale: positive at 1", color="#8a9099", ha="right")
    for ax, curve in ((middle, room), (right, np.log10(push + 1e-9))):
        ax.plot(np.log10(taus[:-1]), curve[:-1], color=MAIN)
        ax.plot(np.log10(tau), curve[-1], "o", ms=10, color=MAIN)
        ax.set(xlabel="temperature τ", xlim=(-2.05, 1.05))
        ax.set_xticks([-2, -1, 0, 1], ["0.01", "0.1", "1", "10"])
    middle.set(ylim=(-0.05, 1.05))
    middle.set_yticks([0, 1], ["hinge", "bound"])
    middle.set_title(f"Uses {room[-1]:.0%} of its room")
    right.set(ylim=(-2, 2.2))
    right.set_yticks([-1, 0, 1, 2], ["0.1", "1", "10", "100"])
    right.set_title(f"Whole push: {push[-1]:.2g}")


def _room_and_push(negatives, positive, taus):
    """For several τ: the share of τ log(M + 1) that τ times the loss stands above the hinge, and (1 - p_+) / τ."""
    gaps = np.append(negatives - positive, 0.0)
    top = gaps.max()
    sums = np.exp((gaps - top) / taus[:, None])
    return np.log(sums.sum(1)) / np.log(len(gaps)), sums[:, :-1].sum(1) / sums.sum(1) / taus


def extremes(temperatures, runs, pixels, untrained):
    """Left: accuracy against temperature; right: every network by its alignment and uniformity."""
    _, (left, right) = plt.subplots(1, 2, figsize=(8.8, 3.7), width_ratios=[1, 1.25], layout="constrained")
    sweep = np.stack([runs[f"τ = {tau}"].accuracy for tau in temperatures])
    left.plot(temperatures, sweep, "o", color=MAIN, ms=4)
    left.plot(temperatures, sweep.mean(1), color=MAIN)
    left.set(xscale="log", xlabel="temperature τ", ylabel="low-shot accuracy", title="Not too cold, not too hot")
    for name, height in {"raw pixels": pixels, "untrained": untrained}.items():
        left.axhline(height, color=cb.color("baseline"), ls="--", lw=1)
        left.text(temperatures[0], height + 0.004, name, color=cb.color("baseline"))
    for name, run in runs.items():
        distance, uniformity = np.sqrt(run.alignment), run.uniformity
        dots = right.scatter(distance, uniformity, c=run.accuracy, s=60, vmin=0.55, vmax=0.85, ec="#8a9099", lw=0.5)
        side = -1 if name in ("uniform", "τ = 0.05", "τ = 0.2", "τ = 0.5") else 1
        place = (distance.max() if side > 0 else distance.min(), uniformity.mean())
        align = "left" if side > 0 else "right"
        right.annotate(name, place, (7 * side, 0), textcoords="offset points", va="center", ha=align, fontsize=9.5)
    right.set(xlim=(-0.05, 1.45), xlabel="square root of alignment (small = partners close)")
    right.set(ylabel="uniformity (small = spread)", title="Cold and hot both spread less than the middle")
    plt.colorbar(dots, ax=right, label="low-shot accuracy")
    plt.show()


def ceiling(fig, truths, counts, table, keys=64, information=4):
    """What InfoNCE reports against the true information, for each number of keys."""
    ax = fig.subplots()
    fig.subplots_adjust(left=0.08, right=0.97, bottom=0.16, top=0.88)
    curve = table[:, counts.index(keys)]
    value = curve[truths.index(information)]
    color = cb.color("info_nce")
    ax.plot(truths, table, color=PALE, lw=1.5)
    ax.plot([0, 12], [0, 12], "--", color=TRUTH, lw=1)
    ax.axhline(np.log(keys), ls=":", color=color)
    ax.text(0.1, np.log(keys) + 0.12, f"log {keys} = {np.log(keys):.2f}", color=color)
    ax.plot(truths, curve, "o-", color=color)
    ax.plot(information, value, "o", ms=12, color=color)
    ax.set(xlim=(0, 12.3), ylim=(0, 8.2), xlabel="true information, nats", ylabel="reported, nats")
    ax.set_title(f"{keys} keys report {value:.2f} of {information:g} nats")


def lengths(curves):
    """The lengths (steps, embeddings) of some embeddings during descent, as multiples of the start."""
    _, ax = plt.subplots(figsize=(7.2, 2.8), layout="constrained")
    ax.plot(curves / curves[0], color=MAIN, lw=1, alpha=0.7)
    ax.set(xlabel="step of gradient descent", ylabel="length / length at the start", title="Lengths never shrink")
    plt.show()


def approach(sizes, errors):
    """How the loss approaches its limit of infinitely many negatives."""
    _, ax = plt.subplots(figsize=(7.2, 3), layout="constrained")
    ax.loglog(sizes, errors, "o-", color=MAIN)
    ax.loglog(sizes, errors[0] * sizes[0] / np.array(sizes), "--", color=TRUTH, lw=1)
    ax.text(sizes[1], 0.8 * errors[0] * sizes[0] / sizes[1], "1/M", color=TRUTH, ha="right", va="top")
    ax.set(xlabel="negatives M", ylabel="distance to the limit, nats", xticks=sizes, xticklabels=sizes)
    ax.set_title("A few hundred negatives are nearly infinitely many (τ = 0.5)")
    ax.minorticks_off()
    plt.show()


def ages(by_age, accuracy):
    """Left: cosine of stored and new keys by age, own and strangers'; right: how many stored keys find themselves."""
    _, (left, right) = plt.subplots(1, 2, figsize=(8.8, 3.5), layout="constrained", sharey=True)
    shades = dict(zip(by_age, plt.get_cmap("cookbook")(np.linspace(0.35, 0.95, len(by_age))), strict=True))
    for m, (own, strangers, found) in by_age.items():
        left.plot(own, color=shades[m])
        left.plot(strangers, color=shades[m], ls=":")
        right.plot(found, color=shades[m], label=f"m = {m} (accuracy {accuracy[m].mean():.2f})")
    left.plot([], color="k", label="with itself")
    left.plot([], color="k", ls=":", label="with strangers")
    left.set(ylim=(-0.02, 1.05), xlabel="age of the stored key, steps", ylabel="cosine of stored and new key")
    left.set_title("In a crowd, all keys look alike")
    right.set(xlabel="age of the stored key, steps", ylabel="share that find themselves")
    right.set_title("A slow key network keeps old keys true")
    left.legend(loc="lower left", ncols=2, borderpad=0, fontsize=9)
    right.legend(loc="center right", bbox_to_anchor=(1, 0.6), fontsize=9)
    plt.show()


def view_graph(concentration, levels):
    """Pairs of five images and twelve views: A, w and the normalised graph, for one spread of the views over images."""
    from scipy import stats

    chances = stats.gamma.ppf(levels, concentration)
    chances = chances / chances.sum(1, keepdims=True)
    chances = chances[:, chances.argmax(0).argsort(kind="stable")]
    A = torch.tensor(chances.T @ chances / 5)
    w = A.sum(0)
    return A, w, A / torch.outer(w, w).sqrt()


def graph(fig, levels, dimensions=3, concentration=0.3):
    """The graph of views, its eigenvalues, and what K dimensions keep of it."""
    _, _, normalized = view_graph(concentration, levels)
    values = torch.linalg.eigvalsh(normalized).flip(0)
    U = spectral.contrastive_embedding(normalized, dimensions).Z
    left, middle, right = fig.subplots(1, 3, width_ratios=[1, 1.2, 1])
    fig.subplots_adjust(left=0.02, right=0.98, bottom=0.17, top=0.87, wspace=0.25)
    for ax, matrix, title in ((left, normalized, "graph of views"), (right, U @ U.T, f"kept with K = {dimensions}")):
        ax.imshow(matrix, vmin=0, vmax=0.6)
        ax.set(xticks=[], yticks=[], title=title, anchor="N")
    colors = [MAIN] * dimensions + [cb.color("baseline")] * (12 - dimensions)
    middle.bar(np.arange(1, 13), values, color=colors)
    middle.set(xlabel="eigenvalue", xticks=[1, 5, 12], title=f"smallest loss {-values[:dimensions].square().sum():.2f}")
