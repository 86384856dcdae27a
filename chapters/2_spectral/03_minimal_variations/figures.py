"""The drawings of the chapter; ``ch.figures`` loads them."""

import matplotlib.pyplot as plt
import numpy as np

import cookbook as cb
from replearn import spectral

WINDOW = (-1.5, 1.5, -1.4, 2.4)
ACROSS, UP = np.meshgrid(np.linspace(-1.5, 1.5, 50), np.linspace(-1.4, 2.4, 60))
PLANE = np.stack([ACROSS.ravel(), UP.ravel()], axis=1)
STAR = "#e69f00"


def heat(ax, values, x, limit=2.0):
    """Paint a function's values on the plane, blue below 0 and red above, under a part of the points."""
    colors = {"cmap": "cookbook_diverging", "vmin": -limit, "vmax": limit}
    ax.imshow(values.reshape(60, 50), origin="lower", extent=WINDOW, **colors)
    ax.plot(*x[::4].T, "o", ms=1, color=cb.color("theory"), alpha=0.5)
    ax.set(xticks=[], yticks=[], xlim=WINDOW[:2], ylim=WINDOW[2:])
    ax.grid(False)


def two_fits(x, labelled, fits):
    """Two functions that fit the same two labels; black where they change sign."""
    _, axes = plt.subplots(1, 2, figsize=(6.6, 4.2), layout="constrained")
    for ax, (name, f) in zip(axes, fits.items(), strict=True):
        values = f(PLANE)
        heat(ax, values, x)
        ax.contour(values.reshape(60, 50), levels=[0], extent=WINDOW, colors=cb.color("theory"))
        ax.plot(*x[labelled].T, "*", ms=18, color=STAR, mec="white")
        for place, text in zip(x[labelled], ("−1", "+1"), strict=True):
            ax.annotate(text, place, xytext=(9, -14), textcoords="offset points", weight="bold")
        ax.set_title(f"Function {name}")
    plt.show()


def functions(x, f):
    """The functions 1, 2 and 3 of least variation, with their energies."""
    _, axes = plt.subplots(1, 3, figsize=(8.4, 3.9), layout="constrained")
    values = f(PLANE)
    for k, ax in enumerate(axes, 1):
        heat(ax, values[:, k], x)
        ax.set_title(rf"$\psi_{k}$, energy {f.energies[k]:.2f}")
    plt.show()


def pictures(x, f, found):
    """Function 1 of each family on the plane, with the sign that it has in ``f``."""
    signs = {s: np.sign(np.mean(g(x)[:, 1] * f(x)[:, 1])) for s, g in found.items()}
    return {s: signs[s] * g(PLANE)[:, 1] for s, g in found.items()}


def measured_by_views(x, f, sizes, seed):
    """How much function 1 and the straight line along the longest axis vary, as views of each size measure it."""
    noise = np.random.default_rng(seed).standard_normal((2, 12, *x.shape))
    longest = np.linalg.eigh(np.cov(x.T))[1][:, 1]
    curves = {"gap": [], "straight": []}
    for s in sizes:
        v, other = ((x + s * half).reshape(-1, 2) for half in noise)
        for name, a, b in ("gap", f(v)[:, 1], f(other)[:, 1]), ("straight", v @ longest, other @ longest):
            curves[name].append(np.mean((a - b) ** 2) / (2 * s**2) / np.var(np.append(a, b)))
    return curves


def size_of_views(fig, x, pictures, right, curves, size):
    """Function 1 as views of one size find it, and how much two candidates vary, as measured by views of each size."""
    left, middle = fig.subplots(1, 2, width_ratios=[1, 1.7])
    fig.subplots_adjust(left=0.02, right=0.97, bottom=0.16, top=0.88, wspace=0.2)
    heat(left, pictures[size], x)
    angle = np.linspace(0, 2 * np.pi, 60)
    left.plot(-1 + size * np.cos(angle), size * np.sin(angle), color=STAR)
    left.set_title(f"two labels: {100 * right[size]:.0f} % right")
    sizes = list(right)
    middle.axvline(size, color=cb.color("theory"), lw=1)
    for label, name, key, place in (
        (r"$\psi_1$, steep in the gap", "gap", "vicreg", (0.011, 0.3)),
        ("straight line", "straight", "pca", (0.011, 1.12)),
    ):
        middle.semilogx(sizes, curves[name], color=cb.color(key))
        middle.plot(size, curves[name][sizes.index(size)], "o", ms=8, color=cb.color(key))
        middle.text(*place, label, color=cb.color(key))
    middle.set(xticks=[0.01, 0.1, 1], xticklabels=[0.01, 0.1, 1], ylim=(0, 2), yticks=[0, 1, 2])
    middle.set(xlabel="size s of the views", title="variation, as the views measure it")


def routes(x, functions, graph):
    """Functions 1 to 3 as four routes find them, turned onto those by derivatives; the graph has values at points alone."""
    reference = functions["derivatives"](x)
    _, axes = plt.subplots(3, 4, figsize=(7.2, 6.8), layout="constrained")
    for column, name in zip(axes.T, ("derivatives", "views", "network", "graph"), strict=True):
        aligned, rotation, _ = spectral.procrustes(graph if name == "graph" else functions[name](x), reference)
        for k, ax in enumerate(column, 1):
            if name == "graph":
                ax.scatter(*x.T, c=aligned[:, k], s=4, cmap="cookbook_diverging", vmin=-2, vmax=2)
                ax.set(xlim=WINDOW[:2], ylim=WINDOW[2:], aspect="equal", xticks=[], yticks=[])
            else:
                heat(ax, (functions[name](PLANE) @ rotation)[:, k], x)
        column[0].set_title(name)
    for k, ax in enumerate(axes[:, 0], 1):
        ax.set_ylabel(rf"$\psi_{k}$")
    plt.show()


def staircase(energies, accuracies):
    """Energies of the first functions beside squares, and what a probe reads off the first K functions."""
    _, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.4), layout="constrained")
    left.plot(range(len(energies)), energies, "o", color=cb.color("vicreg"))
    for k in range(5):
        left.plot([2 * k - 0.5, 2 * k + 1.5], [k**2, k**2], color=cb.color("theory"), lw=1)
    left.text(4.2, 15.2, r"lines: $0^2, 1^2, 2^2, 3^2, 4^2$", ha="center")
    left.set(xlabel="function", ylabel="energy", title="Energies come in pairs")
    for (stretches, curve), key in zip(accuracies.items(), ("vicreg", "contrastive"), strict=True):
        right.plot(range(1, len(curve) + 1), curve, color=cb.color(key), marker="o", ms=3.5)
        height = curve[-1] + (0.035 if stretches == 4 else -0.06)
        right.text(24, height, f"{stretches} stretches", color=cb.color(key), ha="right")
    right.axhline(0.5, color=cb.color("chance"), ls=":", lw=1)
    right.set(xlabel="number of functions K", ylabel="accuracy", ylim=(0.42, 1.02), title="Two functions a stretch")
    plt.show()


def few_digits(quotients, counts, scores):
    """How much labels vary along the graph, and the nearest label's accuracy against the number of labels."""
    _, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.4), width_ratios=[1, 1.4], layout="constrained")
    bars = left.barh(list(quotients)[::-1], list(quotients.values())[::-1], 0.6, color=cb.color("vicreg"))
    left.bar_label(bars, fmt="%.2f", padding=4)
    left.grid(axis="y", visible=False)
    left.set(xlim=(0, 1.25), xticks=[0, 0.5, 1], xlabel="Rayleigh quotient", title="Real labels vary little")
    colors = {"smoothest functions": "vicreg", "principal components": "pca", "pixels": "pixels"}
    for (name, curve), shift in zip(scores.items(), (0.025, -0.055, 0.02), strict=True):
        right.plot(counts, curve, "o-", color=cb.color(colors[name]))
        place = counts[-2], curve[-2] + shift
        right.text(*place, name, color=cb.color(colors[name]), ha="right" if shift > 0 else "left")
    right.set(xlabel="labels per digit", xticks=counts, ylabel="accuracy of the nearest label", ylim=(0.6, 1.02))
    right.set_title("So few of them suffice")
    plt.show()


def number(fig, x, pictures, energies, classes, waves, K):
    """The last of the first K functions, and what a linear probe reads off all K."""
    left, right = fig.subplots(1, 2, width_ratios=[1, 1.7])
    fig.subplots_adjust(left=0.02, right=0.97, bottom=0.16, top=0.88, wspace=0.2)
    heat(left, pictures[:, K - 1], x)
    left.set_title(rf"$\psi_{{{K - 1}}}$, energy {energies[K - 1]:.1f}")
    for name, key, curve in ("four classes", "vicreg", classes), ("twelve stretches", "contrastive", waves):
        right.plot(range(1, len(curve) + 1), curve, color=cb.color(key))
        right.plot(K, curve[K - 1], "o", ms=9, color=cb.color(key))
        right.text(len(curve), curve[-1] - 0.09, name, color=cb.color(key), ha="right")
    right.set(xlabel="number of functions K", yticks=[0.2, 1], ylim=(0.2, 1.05), title="accuracy of a linear probe")


def degree(fig, line, polynomials, k, rho):
    """A Hermite polynomial and what views leave of it; the share that views leave of each degree."""
    left, right = fig.subplots(1, 2)
    fig.subplots_adjust(left=0.07, right=0.97, bottom=0.16, top=0.88, wspace=0.2)
    left.plot(line, polynomials[:, k], color=cb.color("theory"), lw=1)
    left.plot(line, rho**k * polynomials[:, k], color=cb.color("vicreg"), lw=3)
    left.set(xlabel="x", xlim=(-3, 3), ylim=(-3, 3), yticks=[-2, 0, 2], title=f"views keep {rho**k:.3f}")
    right.bar(range(7), rho ** np.arange(7), color=cb.color("baseline"))
    right.bar(k, rho**k, color=cb.color("vicreg"))
    right.set(xlabel="energy = degree", yticks=[0, 1], ylim=(0, 1.1), title="share kept")


def penalty(energies, weights, moments):
    """Second moments along the functions of least variation against the weight inv: formula and descent."""
    _, ax = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
    grid = np.linspace(0, 2, 100)
    for k, energy in enumerate(energies):
        ax.plot(grid, np.maximum(1 - grid * energy, 0), color=cb.color("theory"), lw=1)
        ax.plot(weights, moments[:, k], "o", color=cb.color("vicreg"))
    ax.text(1.5, 1.03, r"$\psi_0$")
    ax.text(1.5, 0.83, r"$\psi_1$")
    ax.text(0.62, 0.38, r"$\psi_2, \psi_3$")
    ax.set(xlabel="weight inv", ylabel="second moment", ylim=(-0.05, 1.15), title="Energy decides who survives")
    plt.show()
