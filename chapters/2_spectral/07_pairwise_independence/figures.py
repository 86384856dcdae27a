"""The drawings of the chapter on pairwise independence; ``ch.figures`` loads them."""

import matplotlib.pyplot as plt
import numpy as np

import cookbook as cb

COSINES, TRUTH, MIXING, GREY = cb.color("vicreg"), cb.color("theory"), cb.color("contrastive"), cb.color("baseline")


def clouds(points):
    """Clouds by name, each with the correlation of its coordinates."""
    _, axes = plt.subplots(1, len(points), figsize=(8.2, 3), layout="constrained")
    for ax, (name, cloud) in zip(axes, points.items(), strict=True):
        cb.plots.scatter(ax, cloud, size=9)
        correlation = abs(np.corrcoef(cloud.T)[0, 1])
        ax.set(xlim=(-3.2, 3.2), ylim=(-3.2, 3.2), title=name, xlabel=f"correlation {correlation:.2f}")
    plt.show()


def limit(truth, estimates, error):
    """The penalty under many random projectors against HSIC, a panel for each width."""
    _, axes = plt.subplots(1, len(estimates), figsize=(9, 2.9), sharex=True, sharey=True, layout="constrained")
    for ax, (width, values) in zip(axes, estimates.items(), strict=True):
        ax.plot([0, 0.06], [0, 0.06], color=TRUTH, lw=1)
        ax.plot(truth, values.T, "o", ms=3.5, color=COSINES, alpha=0.5)
        ax.set(
            xlim=(0, 0.06),
            ylim=(0, 0.12),
            xticks=[0, 0.03, 0.06],
            title=f"width {width}: off by {error[width]:.0%}",
            xlabel="HSIC",
        )
    axes[0].set_ylabel("penalty")
    plt.show()


def turning(fig, rotations, truth, curves, angle=45, width=512):
    """The turned square, and its HSIC and penalty at every angle."""
    cloud, ax = fig.subplots(1, 2, width_ratios=[1, 2.1])
    fig.subplots_adjust(left=0.02, right=0.97, bottom=0.17, top=0.87, wspace=0.28)
    cloud.plot(*rotations[angle].T, "o", ms=2.5, color=COSINES)
    cloud.set(xlim=(-2.7, 2.7), ylim=(-2.7, 2.7), xticks=[], yticks=[], title=f"turned by {angle}°")
    angles, values = list(rotations), 1000 * np.array(curves[width])
    ax.plot(angles, 1000 * np.array(truth), color=GREY, lw=6, alpha=0.4)
    ax.plot(angles, values, color=COSINES)
    ax.plot(angle, values[angles.index(angle)], "o", ms=10, color=COSINES)
    top = 1.45 * max(values.max(), 1000 * max(truth))
    ax.text(1, 0.9 * top, f"penalty through {width} cosine{'s' * (width > 1)}", color=COSINES)
    ax.text(89, 0.9 * top, "HSIC (broad)", color=GREY, ha="right")
    best = angles[int(np.argmin(values))]
    ax.set(xlim=(0, 90), ylim=(0, top), xticks=[0, 45, 90], xlabel="angle, degrees", ylabel="1/1000")
    ax.set_title(f"The penalty is smallest at {best}°")


def unmixing(found):
    """Errors of every run: three kinds of sources and Gaussian ones by method, and uniform ones by width."""
    panels = {}
    for (group, name), errors in found.items():
        by_width = group.startswith("width")
        panels.setdefault("uniform, by width" if by_width else group, {})[group if by_width else name] = errors
    _, axes = plt.subplots(1, len(panels), figsize=(9.4, 2.7), layout="constrained")
    names = {"whitening": "whitening", "linear": "linear", "rff": "cosines"}
    for ax, (title, rows) in zip(axes, panels.items(), strict=True):
        labels = [key for key in names if key in rows or title == "gaussian"] or list(rows)
        for row, label in enumerate(labels):
            errors = rows.get(label, [])
            ax.semilogx(errors, np.full(len(errors), row), "o", ms=6, color=COSINES, alpha=0.6)
        ax.axvline(0.03, color=GREY, ls="--", lw=1)
        ax.set(title=title, xlabel="1 − MCC", xlim=(1e-4, 1), xticks=[1e-3, 1e-1], ylim=(len(labels) - 0.5, -0.5))
        shown = [names.get(label, label) for label in labels] if title in ("uniform", "uniform, by width") else []
        ax.set_yticks(range(len(labels)), shown or [""] * len(labels))
    plt.show()


def rejections(tied, untied):
    """How often each test rejects independence, for tied and for free coins."""
    _, axes = plt.subplots(1, 2, figsize=(8, 2.5), sharey=True, layout="constrained")
    titles = ["Free coins", "Third = first × second"]
    for ax, shares, title in zip(axes, [untied, tied], titles, strict=True):
        ax.barh(range(4), shares, 0.6, color=[GREY] * 3 + [COSINES])
        ax.axvline(0.05, color=TRUTH, lw=1)
        for row, share in enumerate(shares):
            ax.text(max(share, 0.05) + 0.02, row, f"{share:.0%}", va="center")
        ax.set(xlim=(0, 1.15), ylim=(3.6, -0.6), xlabel="share of draws rejected; line: 5 %", title=title)
        ax.set_yticks(range(4), ["1 and 2", "1 and 3", "2 and 3", "all three"])
        ax.grid(axis="y", visible=False)
    plt.show()


def frontier(study, weights, untrained):
    """Dependence and accuracy for every weight of the two penalties, and of the untrained network."""
    _, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
    for (kind, rows), color in zip(study.items(), [MIXING, COSINES], strict=True):
        x, y = np.array(rows).T
        ax.plot(x, y, "o-", color=color, lw=1.2, ms=7)
        beside = (8, -4) if kind == "plain" else (2, 7)
        for weight, *place in zip(weights[kind], x, y, strict=True):
            beside = (-28, -4) if weight == 100 else beside
            ax.annotate(f"{weight:g}", place, xytext=beside, textcoords="offset points", color=color, fontsize=9)
        at = (x[-1], y[-1])
        ax.annotate(kind, at, xytext=(0, -17), textcoords="offset points", color=color, ha="center")
    ax.plot(*untrained, "s", ms=8, color=GREY)
    ax.annotate("untrained", untrained, xytext=(-9, -4), textcoords="offset points", color=GREY, ha="right")
    ax.set(xlim=(0, None), xlabel="dependence of pairs, beyond shuffled ones (nHSIC)", ylabel="accuracy")
    ax.set_title("Cosines reach further left, and left is not up")
    ax.margins(x=0.12, y=0.14)
    plt.show()


def mixing(angles, mixed, alone):
    """The two penalties at every angle, each as a share of its largest value."""
    _, ax = plt.subplots(figsize=(6.6, 2.8), layout="constrained")
    ax.plot(angles, mixed / mixed.max(), color=MIXING)
    ax.plot(angles, alone / alone.max(), color=COSINES)
    ax.text(2, 1.06, "512 cosines of both coordinates", color=MIXING)
    ax.text(45, 0.55, "512 cosines of each alone", color=COSINES, ha="center")
    ax.set(xlim=(0, 90), ylim=(0, 1.25), xticks=[0, 45, 90], xlabel="angle, degrees", ylabel="share of largest")
    ax.set_title("A random layer that mixes cannot see the angle")
    plt.show()


def projectors(table, steps):
    """nHSIC and accuracy behind every projector, the most independent representation on top."""
    names = sorted(table, key=lambda name: -table[name][0])
    _, (left, right) = plt.subplots(1, 2, figsize=(8.8, 3), sharey=True, layout="constrained")
    colors = [
        COSINES if name.startswith("trained") else MIXING if name.startswith("frozen") else GREY for name in names
    ]
    for ax, column, form in ((left, 0, "{:.3f}"), (right, 2, "{:.2f}")):
        values = [table[name][column] for name in names]
        ax.barh(range(len(names)), values, 0.62, color=colors)
        for row, value in enumerate(values):
            ax.text(value, row, " " + form.format(value), va="center")
        ax.grid(axis="y", visible=False)
    left.set(yticks=range(len(names)), yticklabels=names, xlabel="nHSIC of pairs, test images")
    left.set(xlim=(0, 1.2 * max(row[0] for row in table.values())), title=f"Dependence after {steps} steps")
    right.set(xlabel="accuracy of the probe", xlim=(0, 1), title="is not the order of accuracy")
    plt.show()


def rivals(errors):
    """Errors of each method for each kind of sources, one dot for each mixture."""
    _, axes = plt.subplots(1, len(errors), figsize=(8.4, 2.3), sharey=True, layout="constrained")
    for ax, (kind, by_method) in zip(axes, errors.items(), strict=True):
        by_method = {name: values for name, values in by_method.items() if values}
        for row, (name, values) in enumerate(by_method.items()):
            color = GREY if name == "FastICA" else COSINES
            ax.semilogx(values, np.full(len(values), row), "o", ms=6, color=color, alpha=0.6)
        ax.axvline(0.03, color=GREY, ls="--", lw=1)
        ax.set(title=kind, xlabel="1 − MCC", xlim=(1e-4, 1), xticks=[1e-3, 1e-1], ylim=(len(by_method) - 0.5, -0.5))
        names = {"rff": "32 cosines", "relu": "32 ReLUs"}
        ax.set_yticks(range(len(by_method)), [names.get(name, name) for name in by_method])
    plt.show()


def bent(panels, first):
    """Point clouds by title, each point in the color of its first source."""
    _, axes = plt.subplots(1, len(panels), figsize=(8.4, 3), layout="constrained")
    for ax, (title, points) in zip(axes, panels.items(), strict=True):
        cb.plots.scatter(ax, points, first, size=8)
        ax.set(aspect="equal", title=title, xlim=(-2.6, 2.6), ylim=(-2.6, 2.6))
    plt.show()


def tie(fig, shares, tied=0.5):
    """Where the third coin is 1: how often each pair of the others; and the share of draws that the tests reject."""
    table, ax = fig.subplots(1, 2, width_ratios=[1, 2.2])
    fig.subplots_adjust(left=0.06, right=0.97, bottom=0.18, top=0.86, wspace=0.3)
    same, other = (1 + tied) / 4, (1 - tied) / 4
    table.imshow([[same, other], [other, same]], vmin=0, vmax=0.6)
    for (row, column), value in np.ndenumerate([[same, other], [other, same]]):
        table.text(column, row, f"{value:.0%}", ha="center", va="center", color="white" if value > 0.3 else TRUTH)
    table.set(xticks=[0, 1], xticklabels=["−1", "1"], yticks=[0, 1], yticklabels=["−1", "1"], title="third coin = 1")
    table.grid(visible=False)
    table.set(xlabel="first coin", ylabel="second coin")
    ties, pairs, together = np.array(shares).T
    ax.plot(ties, together, color=COSINES)
    ax.plot(ties, pairs, color=GREY)
    ax.axhline(0.05, color=TRUTH, lw=1, ls=":")
    at = int(np.argmin(abs(ties - tied)))
    ax.plot(ties[at], together[at], "o", ms=10, color=COSINES)
    ax.plot(ties[at], pairs[at], "o", ms=10, color=GREY)
    ax.text(0.99, 0.88, "all three", color=COSINES, ha="right")
    ax.text(0.99, 0.14, "pairs", color=GREY, ha="right")
    ax.set(xlim=(0, 1.03), ylim=(-0.03, 1.08), xlabel="tie", ylabel="share rejected")
    ax.set_title(f"Tie {tied:g}: dHSIC rejects {together[at]:.0%}, pairs {pairs[at]:.0%}")
