"""The drawings of the chapter on training knobs; ``ch.figures`` loads them."""

import matplotlib.pyplot as plt
import numpy as np

import cookbook as cb
from replearn import training

VICREG, NT_XENT, MUTED, INK = cb.color("vicreg"), cb.color("nt_xent"), cb.color("baseline"), cb.color("theory")


def pairs(images, part):
    """Which pairs of images a loss compares: in the whole batch, and in parts."""
    group = np.arange(images) // part
    seen = {f"One batch of {images}": np.ones((images, images)), f"Parts of {part}": group[:, None] == group}
    _, axes = plt.subplots(1, 2, figsize=(6.6, 3.3), layout="constrained")
    for ax, (title, cells) in zip(axes, seen.items(), strict=True):
        ax.imshow(cells, cmap="cookbook", vmin=0, vmax=1.3)
        ax.plot(range(images), range(images), ".", ms=3, color=NT_XENT)
        ax.set(xticks=[], yticks=[], xlabel="image", ylabel="image")
        ax.set_title(title)
    axes[0].text(58, 3, "orange: the two views\nof one image", ha="right", va="top", color="w", fontsize=9)
    plt.show()


def averaging(counts, curves):
    """The angle between the average gradients of parts and of whole batches, by the number of batches averaged."""
    _, ax = plt.subplots(figsize=(7.2, 3.2), layout="constrained")
    for (name, curve), color in zip(curves.items(), (NT_XENT, VICREG), strict=True):
        ax.plot(np.log2(counts), curve, "o-", color=color)
        ax.text(np.log2(counts[-1]) + 0.1, curve[-1], name, color=color, va="center")
    ax.axhline(90, ls=":", color=MUTED)
    ax.text(5.85, 88, "right angle", color=MUTED, ha="right", va="top")
    ax.set(xlim=(-0.2, 5.9), ylim=(0, 130), yticks=[0, 30, 60, 90, 120], xticks=np.log2(counts), xticklabels=counts)
    ax.set(xlabel="batches averaged", ylabel="angle, degrees", title="One of the two angles averages away")
    plt.show()


def squares(fig, table, parts, samples):
    """Left: mean covariance over parts. Middle: mean square. Right: the mean square as parts are added."""
    drawn = table[: parts * samples].reshape(parts, samples, -1)
    centered = drawn - drawn.mean(1, keepdims=True)
    covariances = centered.transpose(0, 2, 1) @ centered / (samples - 1)
    beside = ~np.eye(covariances.shape[1], dtype=bool)
    squared = np.cumsum((covariances**2)[:, beside].mean(1)) / np.arange(1, parts + 1)
    left, middle, right = fig.subplots(1, 3, width_ratios=[1, 1, 1.35])
    fig.subplots_adjust(left=0.01, right=0.98, bottom=0.17, top=0.82, wspace=0.22)
    for ax, cells, name in (
        (left, abs(covariances.mean(0)), "size of the mean covariance"),
        (middle, (covariances**2).mean(0), "mean squared covariance"),
    ):
        ax.imshow(np.where(beside, cells, 0), cmap="cookbook", vmin=0, vmax=0.35)
        ax.set(xticks=[], yticks=[])
        ax.set_title(f"{name}:\n{cells[beside].mean():.3f} on average", fontsize=10.5)
    right.axhline(1 / (samples - 1), ls="--", lw=1, color=INK)
    right.plot(np.log2(np.arange(1, parts + 1)), squared, "o-" if parts < 5 else "-", color=VICREG)
    right.plot(np.log2(parts), squared[-1], "o", ms=9, color=VICREG)
    right.set(xlim=(-0.3, 8.3), ylim=(0, 0.42), yticks=[0, 0.2, 0.4], xlabel="parts averaged")
    right.set_xticks([0, 2, 4, 6, 8], [1, 4, 16, 64, 256])
    right.set_title(f"average of the squares;\ndashed: 1/(n − 1) with n = {samples}", fontsize=10.5)


def surplus(sizes, measured, formula, truth):
    """The covariance term of real embeddings in parts of several sizes, beside the formula and the true value."""
    _, ax = plt.subplots(figsize=(7.2, 3.2), layout="constrained")
    ax.plot(np.log2(sizes), measured, "o", color=VICREG)
    ax.plot(np.log2(sizes), formula, "--", color=INK, lw=1)
    ax.axhline(truth, ls=":", color=MUTED)
    ax.text(np.log2(sizes[0]), measured[0], "   measured in parts", color=VICREG, va="center")
    ax.text(np.log2(sizes[1]) - 0.1, formula[1], "formula (2) ", color=INK, ha="right", va="top")
    ax.text(np.log2(sizes[0]) - 0.1, 1.1 * truth, "true: all 4,096 images", color=MUTED, va="bottom")
    ax.set(xticks=np.log2(sizes), xticklabels=sizes, xlabel="images in a part", ylabel="covariance term")
    ax.set(ylim=(0, None), title="Small parts see covariances that are not there")
    plt.show()


def costs(rates, scores, levels):
    """Low-shot accuracy against the learning rate, for VICReg and for NT-Xent, whole and in parts."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
    figure.get_layout_engine().set(wspace=0.06)
    styles = {
        "whole": {"ls": "-", "marker": "o"},
        "in parts": {"ls": "--", "marker": "s"},
        "corrected": {"ls": "-.", "marker": "^", "ms": 10, "mfc": "none", "alpha": 0.6},
    }
    for ax, method, color in zip(axes, ("VICReg", "NT-Xent"), (VICREG, NT_XENT), strict=True):
        for name, table in scores.items():
            loss, kind = name.split(", ")
            if loss == method:
                ax.plot(np.log10(rates), table.mean(1), color=color, label=kind, **styles[kind])
        for name, height in levels.items():
            ax.axhline(height, color=MUTED, ls=":", lw=1)
            ax.text(np.log10(0.054), height + 0.003, name, color=MUTED, ha="right")
        ax.set(xlim=(np.log10(0.0045), np.log10(0.056)), xticks=np.log10(rates), xticklabels=rates)
        ax.set(xlabel="learning rate", ylim=(0.58, 0.86))
        ax.legend(loc="lower left", ncols=3, fontsize=9)
    axes[0].set(ylabel="low-shot accuracy", title="VICReg pays for being cut")
    axes[1].set_title("NT-Xent hardly does")
    plt.show()


def knobs(scores, levels):
    """Low-shot accuracy for each setting of a knob, a dot for each seed."""
    names = list(scores)
    _, ax = plt.subplots(figsize=(8, 0.5 + 0.36 * (len(names) + 1)), layout="constrained")
    usual = scores[names[0]].mean()
    for row, name in enumerate(names):
        mean = scores[name].mean()
        ax.plot([usual, mean], [row, row], color=NT_XENT, lw=5, alpha=0.35, solid_capstyle="butt")
        ax.plot(scores[name], [row] * len(scores[name]), "o", ms=4, color=NT_XENT)
        ax.text(0.852, row, f"{mean:.2f}", va="center", ha="right")
    for name, level in levels.items():
        ax.axvline(level, ls=":", color=MUTED)
        ax.text(level + 0.002, -0.8, name, color=MUTED, va="center")
    ax.set(ylim=(len(names) - 0.4, -1.2), xlim=(0.59, 0.855), yticks=range(len(names)), yticklabels=names)
    ax.set(xlabel="low-shot accuracy of the encoder", title="Few knobs decide")
    ax.grid(axis="y", visible=False)
    plt.show()


def guillotine(depths, pixels):
    """Accuracy before and behind the projector, by its number of layers."""
    _, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
    table = np.array([scores.mean(0) for scores in depths.values()])
    layers, end = list(depths), max(depths)
    for column, name, line in ((0, "before the projector", "o-"), (1, "behind it", "s--")):
        ax.plot(layers, table[:, column], line, color=NT_XENT)
        ax.text(end + 0.08, table[-1, column], name, color=NT_XENT, va="center")
    ax.axhline(pixels, ls=":", color=MUTED)
    ax.text(0.55 * end, pixels + 0.002, "raw pixels", color=MUTED, ha="right", va="bottom")
    ax.set(xlim=(-0.15, end * 1.4 + 0.1), xticks=layers, xlabel="layers of the projector", ylabel="low-shot accuracy")
    ax.set_title("Read before the projector")
    plt.show()


def devices(together):
    """Which comparisons move both images, and which move the row alone."""
    _, ax = plt.subplots(figsize=(3.4, 3.5), layout="constrained")
    ax.imshow(np.where(together, 1.0, 0.3), cmap="cookbook", vmin=0, vmax=1.3)
    ax.plot(range(len(together)), range(len(together)), ".", ms=3, color=NT_XENT)
    ax.set(xticks=[], yticks=[], xlabel="key", ylabel="query", title="Pale: only the query moves")
    plt.show()


def schedule(fig, lr, decay, rule="linear", batch=1024, steps=12_000, warmup=1000):
    """The learning rate over a run, and what AdamW leaves of a weight that has no gradient."""
    left, right = fig.subplots(1, 2)
    fig.subplots_adjust(left=0.08, right=0.97, bottom=0.17, top=0.88, wspace=0.25)
    peak, t = training.scale_lr(lr, batch, rule), np.arange(0, steps, 50)
    rates = np.array([training.warmup_cosine(int(step), steps, warmup, peak) for step in t])
    total = 50 * np.cumsum(rates)
    left.plot(t / 1000, rates / peak, color=VICREG)
    right.plot(t / 1000, np.exp(-decay * total), color=NT_XENT)
    left.set(ylim=(-0.03, 1.03), ylabel="rate / peak", title=f"peak {peak:.2g}, sum {total[-1]:.3g}")
    left.set_yticks([0, 0.5, 1])
    right.set(ylim=(-0.03, 1.03), yticks=[0, 0.5, 1], title=f"{np.exp(-decay * total[-1]):.2g} of an idle weight left")
    for ax in (left, right):
        ax.set(xlim=(0, 20), xticks=[0, 10, 20], xlabel="thousand steps")


def memory(fig, a, progress):
    """How much of a teacher's average is younger than an age: at the start of the run, and later."""
    ax = fig.subplots()
    fig.subplots_adjust(left=0.09, right=0.97, bottom=0.17, top=0.88)
    ages = np.linspace(0, 5, 150)
    later = training.cosine_ramp(round(100 * progress), 100, a, 1.0)
    halves = {name: np.log(0.5) / np.log(share) for name, share in (("start", a), ("later", later))}
    for name, share, color in (("start", a, VICREG), ("later", later, cb.color("byol"))):
        ax.plot(ages, 1 - share ** (10**ages), color=color)
        ax.plot(np.log10(halves[name]), 0.5, "o", ms=9, color=color)
    ax.set(xlim=(0, 5), xticks=[0, 2, 4], xticklabels=["1", "100", "10,000"], xlabel="age, steps")
    ax.set(ylim=(0, 1.02), yticks=[0, 0.5, 1], ylabel="share that is younger")
    ax.set_title(f"Half-life {halves['start']:,.0f} steps at the start, {halves['later']:,.0f} after {progress:.0%}")
