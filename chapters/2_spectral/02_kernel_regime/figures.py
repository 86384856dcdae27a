"""The drawings of the chapter; ``ch.figures`` loads them."""

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np

import cookbook as cb
from cookbook.style import CATEGORIES
from replearn.papers import kernel_regime as world

MAIN, THEORY, PALE = cb.color("vicreg"), cb.color("theory"), "#c4cad2"
CLOCK = {"xlim": (-0.3, 24), "xticks": [0, 4, 8, 12, 16, 20, 24], "xlabel": "time of day, hours"}


def three_shifts(hours, seed):
    """The 24 hours on a clock, in the colours of their triples; and one table that is the same on each triple."""
    fig = plt.figure(figsize=(8.6, 3.1))
    clock, table = fig.add_axes([0.0, 0.04, 0.36, 0.84]), fig.add_axes([0.45, 0.17, 0.53, 0.7])
    colors = [CATEGORIES[int(hour) % 8] for hour in hours]
    x, y = np.sin(2 * np.pi * hours / 24), np.cos(2 * np.pi * hours / 24)
    clock.plot(x[[4, 12, 20, 4]], y[[4, 12, 20, 4]], color=colors[4], lw=2, zorder=1)
    clock.scatter(x, y, c=colors, s=70, zorder=2)
    for hour in range(0, 24, 4):
        clock.text(1.3 * x[hour], 1.22 * y[hour], f"{hour}:00", ha="center", va="center", fontsize=9.5)
    late = 2 * np.pi * 4.5 / 24
    clock.text(
        1.16 * np.sin(late), 1.16 * np.cos(late) - 0.1, "?", ha="center", va="center", weight="bold", fontsize=13
    )
    clock.set(xlim=(-1.6, 1.6), ylim=(-1.35, 1.35), aspect="equal", title="Colour: hours since the shift began")
    clock.set_axis_off()
    values = np.random.default_rng(seed + 5).standard_normal(8)
    values = (values - values.mean()) / values.std()
    table.scatter(hours, np.tile(values, 3), c=colors, s=45)
    table.axvline(4.5, color=THEORY, ls=":", lw=1)
    table.text(4.6, 1.06 * abs(values).max(), "half past four?", va="bottom", fontsize=9.5)
    table.set(**CLOCK, ylabel="embedding", ylim=(-1.25 * abs(values).max(), 1.35 * abs(values).max()))
    table.set_title("A perfect embedding, for the loss")
    plt.show()


def learned(hours, times, see, slow_eyed, fast_eyed):
    """The two outputs of each network over the day, with dots at the hours on which it was trained."""
    _, axes = plt.subplots(1, 2, figsize=(8.8, 2.9), sharey=True, layout="constrained")
    for ax, network, fast_hand, title in zip(
        axes, (slow_eyed, fast_eyed), (0, 1), ("It sees the hour hand", "It sees the fast hand too"), strict=True
    ):
        for output, color in enumerate((MAIN, cb.color("byol"))):
            ax.plot(times, network(see(times, fast_hand))[:, output], color=color)
            ax.plot(hours, network(see(hours, fast_hand))[:, output], "o", color=color)
        ax.set(**CLOCK, title=title)
    axes[0].set_ylabel("outputs 1 and 2")
    plt.show()


def before_learning(times, k_slow, k_fast):
    """The kernel of a wide network between 4:00 and all times, for both eyes, as a share of its largest value."""
    _, ax = plt.subplots(figsize=(8.2, 2.7), layout="constrained")
    for rows, color, label, at in (
        (k_slow, MAIN, "hour hand alone", (9.9, 0.5)),
        (k_fast, cb.color("swav"), "fast hand too", (20.4, 0.62)),
    ):
        ax.plot(times, rows[:, 4] / rows[:, 4].max(), color=color)
        ax.text(*at, label, color=color, ha="center")
    ax.axvline(4, color=THEORY, ls=":", lw=1)
    ax.set(**CLOCK, ylabel="k(4:00, time), scaled", title="What it finds similar before it has seen a pair")
    plt.show()


DAY = np.arange(0, 24, 0.1)


def bargain_controls():
    """The sliders of the bargain: the fast hand, the number of dimensions, and the decay."""
    fast_hand = ipywidgets.FloatSlider(value=0, min=0, max=1, step=0.01)
    return {"fast_hand": fast_hand, "dims": [2, 4, 6, 7], "decay": cb.log_slider(0.003, 1e-5, 0.1)}


def bargain(fig, see, graph, induced_weights, fast_hand, dims, decay):
    """The induced kernel between 4:00 and all times, and what each wave keeps of the pairs' approval."""
    left, right = fig.subplots(1, 2, width_ratios=[1.5, 1])
    fig.subplots_adjust(left=0.08, right=0.98, bottom=0.17, top=0.87, wspace=0.22)
    hours = np.arange(24.0)
    kernel = world.centered(world.wide_network_kernel, see(hours, fast_hand))
    k_ss = kernel(see(hours, fast_hand), see(hours, fast_hand))
    A = induced_weights(k_ss, graph, dims, decay)
    anchor = k_ss[4] @ A
    left.plot(DAY, kernel(see(DAY, fast_hand), see(hours, fast_hand)) @ A @ anchor, color=MAIN)
    left.plot(hours, k_ss @ A @ anchor, "o", color=MAIN)
    left.axhline(0, color=PALE, lw=1, zorder=0)
    left.set(xlim=(-0.3, 24), xticks=[4, 12, 20], xlabel="time of day, hours")
    left.set(ylim=(-4.5, 8.5), yticks=[-1, 2, 7], ylabel="k*(4:00, time)")
    left.set_title(f"Fast hand {fast_hand:.2f}, K = {dims}")
    waves = np.array([3, 3, 6, 6, 9, 9, 12])
    shift = np.array([-0.35, 0.35, -0.35, 0.35, -0.35, 0.35, 0])
    strengths = np.abs(np.fft.fft(k_ss[0]))[waves]  # the kernel's eigenvalues, as it is the same at all hours
    left_over = 1 - decay * 12 / strengths
    kept = np.zeros(7, bool)
    kept[np.argsort(-left_over, kind="stable")[:dims]] = True
    kept &= left_over > 0
    right.axhline(0, color=PALE, lw=1, zorder=0)
    right.plot((waves + shift)[~kept], np.maximum(left_over[~kept], -0.2), "o", ms=8, mfc="white", color=MAIN)
    right.plot((waves + shift)[kept], left_over[kept], "o", ms=8, color=MAIN)
    right.set(xlim=(1.5, 13.5), ylim=(-0.27, 1.12), xticks=[3, 6, 9, 12], yticks=[0, 0.5, 1])
    right.set(xlabel="waves a day", ylabel="eigenvalue")
    best = waves[left_over.argmax()]
    right.set_title(f"Cheapest: {best} waves a day" if left_over.max() > 0 else "All too costly")


def overlay(times, see, slow_eyed, fast_eyed, slow_formula, fast_formula):
    """Similarity to 4:00 of both networks, and what the formula says."""
    _, axes = plt.subplots(1, 2, figsize=(8.8, 2.9), sharey=True, layout="constrained")
    for ax, network, fast_hand, Z, title in zip(
        axes, (slow_eyed, fast_eyed), (0, 1), (slow_formula, fast_formula), ("Hour hand", "Fast hand too"), strict=True
    ):
        found = network(see(times, fast_hand))
        ax.plot(times, found @ found[40], color=MAIN, lw=4, alpha=0.5)
        ax.plot(times, Z @ Z[40], color=THEORY, ls="--", lw=1.2)
        ax.set(**CLOCK, title=title)
        ax.set_ylim(-2.4, 3.1)
    axes[0].set_ylabel("similarity to 4:00")
    axes[0].text(8.1, 2.5, "band: network", color=MAIN, ha="left")
    axes[0].text(16.1, 2.5, "dashed: formula", color=THEORY, ha="left")
    plt.show()


def views(digits, pictures=(0, 1, 2, 3)):
    """The four views of some pictures."""
    _, ax = plt.subplots(figsize=(8.6, 1.3), layout="constrained")
    shown = np.concatenate([digits.x[digits.image == picture] for picture in pictures]).reshape(-1, 28, 28)
    blank = np.ones((1, 28, 28))
    parts = [part for i in range(len(pictures)) for part in (shown[4 * i : 4 * i + 4], blank)][:-1]
    cb.plots.image_grid(ax, np.concatenate(parts), columns=19)
    ax.set_title("Four pictures, four views of each")
    plt.show()


def scores(found):
    """Accuracies as bars with their numbers."""
    _, ax = plt.subplots(figsize=(8.2, 0.36 * len(found) + 0.9), layout="constrained")
    for row, (label, value) in enumerate(found.items()):
        color = cb.color("baseline") if label.startswith(("kernel", "products")) else MAIN
        ax.barh(-row, value, color=color, height=0.65, alpha=1 if "cheapest" in label else 0.6)
        ax.text(value + 0.008, -row, f"{value:.2f}", va="center")
    ax.axvline(0.1, color=THEORY, ls=":", lw=1)
    ax.text(0.105, 0.45, "chance", fontsize=9)
    ax.set(yticks=[-row for row in range(len(found))], xlim=(0, 0.8), ylim=(-len(found) + 0.4, 0.8))
    ax.set_yticklabels(list(found))
    ax.set(xlabel="accuracy on new digits, 50 labelled pictures", title="Pairs and kernel are both needed")
    ax.grid(axis="y", visible=False)
    plt.show()


SIDE = np.linspace(-2.6, 2.6, 60)
PLANE = np.stack(np.meshgrid(SIDE, SIDE), axis=-1).reshape(-1, 2)
SIGNED = {"cmap": "cookbook_diverging", "vmin": -1, "vmax": 1, "origin": "lower", "interpolation": "nearest"}


def _plane(ax, points, values, stars, title):
    """Values on the plane, from blue over white to orange, with the points and some of them starred."""
    ax.imshow(np.reshape(values, (60, 60)), extent=(-2.6, 2.6) * 2, **SIGNED)
    ax.plot(*points.T, "o", ms=1.3, color=THEORY)
    ax.plot(*np.atleast_2d(points[stars]).T, "*", ms=14, mfc="#f0e442", mec="black", mew=0.8, ls="")
    ax.set(xticks=[], yticks=[], title=title)
    ax.grid(False)


def spirals(points, values, title):
    """What is similar to the star, on the plane of the two spirals."""
    _, ax = plt.subplots(figsize=(4.2, 4.2))
    _plane(ax, points, values, 120, title)
    plt.show()


def spiral_kernel(fig, points, k_plane, models, dims, inv, star):
    """The cosine of embeddings between the star and the plane, and the variance of each dimension."""
    left, right = fig.subplots(1, 2, width_ratios=[1, 1.15])
    fig.subplots_adjust(left=0.01, right=0.98, bottom=0.15, top=0.9, wspace=0.16)
    model = models[inv]
    Z = k_plane @ model.coef[:, :dims]
    anchor = model.Z[star, :dims]
    lengths = np.linalg.norm(Z, axis=1) * np.linalg.norm(anchor) + 1e-12
    _plane(left, points, Z @ anchor / lengths, star, "Similar to the star")
    kept = np.maximum(model.eigenvalues, 0) / len(points)
    right.plot(np.arange(1, 21), kept, "o", mfc="white", color=MAIN)
    right.plot(np.arange(1, dims + 1), kept[:dims], "o", color=MAIN)
    right.set(xlabel="dimension", ylabel="variance", yticks=[0, 0.5, 1], ylim=(-0.04, 1.08), xlim=(0, 21))
    right.set_title(f"{np.sum(kept[:dims] > 0)} dimensions alive")


def labels(fig, points, each, rising, starred, decide, labels, kernel):
    """The decision of kernel ridge regression on the plane, and accuracy against the number of labels."""
    left, right = fig.subplots(1, 2, width_ratios=[1, 1.15])
    fig.subplots_adjust(left=0.01, right=0.98, bottom=0.16, top=0.89, wspace=0.16)
    at = each.index(labels)
    _plane(left, points, decide[kernel][at] - 0.5, starred[at], f"Decided by {kernel}")
    for name, color in (("k itself", cb.color("baseline")), ("induced", MAIN)):
        right.plot(each, rising[name], "o-", ms=4, color=color)
        right.text(30, rising[name][-1] - 0.07, name, color=color, ha="right")
    right.plot(labels, rising[kernel][at], "o", ms=10, color=THEORY)
    right.set(xlabel="labels on each spiral", ylabel="accuracy", ylim=(0.45, 1.04), xticks=[1, 10, 20, 30])
    right.set_title(f"{labels} labels each: {rising[kernel][at]:.2f}")


def widths(by_width):
    """Likeness to the formula of networks of several widths, a dot for each start."""
    _, ax = plt.subplots(figsize=(7.2, 3), layout="constrained")
    for width, found in by_width.items():
        ax.plot([width] * len(found), found, "o", color=MAIN, alpha=0.6)
    ax.axhline(1, color=THEORY, ls="--", lw=1)
    ax.set_xscale("log", base=2)
    ax.set_xticks(list(by_width), list(by_width))
    ax.set(xlabel="hidden units", ylabel="likeness to the formula", ylim=(0, 1.05), title="Wide is not very wide")
    plt.show()


def windows(costs, first, scores):
    """The cost of each tied direction, and what twenty of them are worth."""
    _, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3), layout="constrained")
    left.semilogy(np.arange(1, len(costs) + 1), costs, color=MAIN)
    left.set(xlabel="tied direction, cheapest first", ylabel="cost", title="All equal for the loss")
    right.plot(first + 1, scores, "o-", color=MAIN)
    right.axhline(0.1, color=THEORY, ls=":", lw=1)
    right.text(first[-1], 0.04, "chance", ha="right", fontsize=9)
    right.set(xlabel="first of the twenty that are kept", ylabel="accuracy, 50 labels", ylim=(0, 0.8))
    right.set_title("Not equal for a probe")
    plt.show()


LOOKS = {
    "cheapest 20": (MAIN, "-", -0.01),
    "all tied": (MAIN, "--", 0.06),
    "k, all views labelled": (THEORY, "-", 0.005),
    "kernel k": (cb.color("baseline"), "-", -0.03),
}


def many_labels(counts, curves):
    """Accuracy against the number of labelled pictures, for several kernels."""
    _, ax = plt.subplots(figsize=(7.8, 3.6), layout="constrained")
    for name, (color, style, nudge) in LOOKS.items():
        ax.semilogx(counts, curves[name], style, marker="o", color=color)
        ax.text(counts[-1] * 1.07, curves[name][-1] + nudge, name, color=color, va="center")
    ax.set(xlabel="labelled pictures", ylabel="accuracy on new digits", xlim=(9, counts[-1] * 2.3), ylim=(0, 1))
    ax.set_xticks(counts, counts)
    ax.minorticks_off()
    ax.set_title("Few directions for few labels, many for many")
    plt.show()
