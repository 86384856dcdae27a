"""The drawings of the chapter; ``ch.figures`` loads them."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import LineCollection

import cookbook as cb
from replearn import spectral
from replearn.spectral.barlow import barlow_columns

RULES = {"Rule 1: same digit": (0, "contrastive"), "Rule 2: same background": (1, "vicreg")}


def two_rules(scene, digits=(0, 4, 7), backgrounds=(1, 2)):
    """Six pictures, three digits on two backgrounds, joined by one rule, by another, and as a method sees them."""
    clean = scene.x_train - 0.25 * scene.patterns[scene.pattern_train]
    ink = {i: clean[scene.digit_train == digit][0].reshape(8, 8).clip(0, 1) for i, digit in enumerate(digits)}
    paper = {j: scene.patterns[background].reshape(8, 8) for j, background in enumerate(backgrounds)}
    fig, (alone, *panels, given) = plt.subplots(1, 4, figsize=(8.8, 2.5), width_ratios=[1.2, 4, 4, 4])
    for ax, (title, (fixed, key)) in zip(panels, RULES.items(), strict=True):
        for i, j in np.ndindex(len(ink), len(paper)):
            _picture(ax, i, j, _tinted(ink[i], paper[j]))
            for other in np.ndindex(len(ink), len(paper)):
                if (i, j) < other and other[fixed] == (i, j)[fixed] and abs(other[0] - i) < 2:
                    ax.plot([1.4 * i, 1.4 * other[0]], [-1.4 * j, -1.4 * other[1]], lw=7, color=cb.color(key), zorder=1)
        ax.set_title(title)
    for i, j in np.ndindex(len(ink), len(paper)):
        _picture(alone, 0, j, _tinted(0 * ink[0], paper[j]))
        _picture(given, i, j, ink[i] + 0.25 * paper[j], cmap="gray")
    alone.set_title("Alone")
    given.set_title("What a method is given")
    for ax in (alone, *panels, given):
        ax.set(xlim=(-0.6, 0.6 if ax is alone else 3.4), ylim=(-2.05, 0.65), aspect="equal")
        ax.set_axis_off()
    fig.subplots_adjust(left=0.01, right=0.99, bottom=0.02, top=0.86, wspace=0.06)
    plt.show()


def _picture(ax, i, j, picture, **style):
    """Paint an 8 x 8 picture at column i and row j."""
    x, y = 1.4 * i, -1.4 * j
    ax.imshow(picture, extent=(x - 0.5, x + 0.5, y - 0.5, y + 0.5), zorder=2, **style)


def _tinted(ink, paper):
    """The digit in black on its background in colours."""
    colors = plt.get_cmap("cookbook_diverging")(0.5 + 0.13 * paper)[..., :3]
    return colors * (1 - ink[..., None])


def numberings(points, graph, eigenvalues, numbers, chosen=(1, 2, 3, 10)):
    """Four eigenvectors of a graph's Laplacian as colours of its nodes, from smooth to rough."""
    first, second = np.nonzero(np.triu(graph))
    fig, axes = plt.subplots(2, 2, figsize=(8.6, 3.1))
    for ax, k in zip(axes.flat, chosen, strict=True):
        edges = np.stack([points[first], points[second]], axis=1)
        ax.add_collection(LineCollection(edges, colors=cb.color("baseline"), linewidths=0.5))
        limit = np.quantile(abs(numbers[:, k]), 0.9)
        colors = {"c": numbers[:, k], "cmap": "cookbook_diverging", "vmin": -limit, "vmax": limit}
        ax.scatter(*points.T, s=30, lw=0.4, ec="gray", zorder=2, **colors)
        ax.set(xticks=[], yticks=[], aspect="equal", title=rf"$u_{{{k}}}$, eigenvalue {eigenvalues[k]:.3g}")
        ax.set_frame_on(False)
    fig.subplots_adjust(left=0.01, right=0.99, bottom=0.01, top=0.9, wspace=0.04, hspace=0.3)
    plt.show()


def descents(runs, floor):
    """The loss along each descent, above the value that the eigenvectors predict."""
    _, ax = plt.subplots(figsize=(7.2, 3.2))
    for run in runs:
        ax.semilogy(np.maximum(run.losses / floor - 1, 1e-9), color=cb.color("vicreg"), alpha=0.7)
    ax.axhline(1e-9, color=cb.color("theory"), ls="--", lw=1)
    ax.text(1, 2e-9, "nine digits (the plot ends here)", transform=ax.get_yaxis_transform(), ha="right")
    ax.set(xlabel="evaluations of the loss", ylabel="loss / predicted loss − 1", ylim=(4e-10, None))
    ax.set_title("Descent arrives where the eigenvectors said it would")
    plt.show()


def threshold(fig, eigenvalues, plane, along, inv):
    """What the weight of invariance leaves of each direction, and of the first two dimensions of the embedding."""
    left, right = fig.subplots(1, 2)
    fig.subplots_adjust(left=0.09, right=0.98, bottom=0.16, top=0.87, wspace=0.15)
    kept, grid = np.maximum(1 - inv * eigenvalues, 0), np.linspace(0, 1.05 * eigenvalues[-1], 200)
    left.plot(grid, np.maximum(1 - inv * grid, 0), color=cb.color("theory"), lw=1)
    left.plot(eigenvalues, kept, "o", color=cb.color("vicreg"))
    left.set(ylim=(-0.03, 1.05), yticks=[0, 0.5, 1], xlabel=r"eigenvalue $\lambda_k$", ylabel="variance kept")
    left.locator_params(axis="x", nbins=4)
    left.set_title(f"{np.sum(kept > 0)} of {len(kept)} dimensions alive")
    cb.plots.scatter(right, plane * np.sqrt(kept[:2]), along)
    right.set(xlim=(-2.5, 2.5), ylim=(-2.5, 2.5), title="dimensions 1 and 2")


def ranks(graphs, K=32):
    """How many dimensions the optimum has as the weight of invariance grows, one panel for each graph."""
    _, axes = plt.subplots(1, len(graphs), figsize=(7.8, 3.5), sharey=True, layout="constrained")
    weights = np.geomspace(0.02, 20, 400)
    for ax, (title, graph) in zip(axes, graphs.items(), strict=True):
        eigenvalues = spectral.laplacian_eigenmaps(graph, K).eigenvalues
        centring = np.eye(len(graph)) - 1 / len(graph)
        contrastive = min(K, np.sum(np.linalg.eigvalsh(centring @ graph @ centring) > 1e-9))
        barlow = spectral.barlow_embedding(graph, K).rank
        ax.axhline(contrastive, color=cb.color("contrastive"), lw=6, alpha=0.4)
        ax.axhline(barlow, color=cb.color("barlow_twins"), ls=":")
        ax.semilogx(weights, (eigenvalues[:, None] * weights < 1 - 1e-9).sum(axis=0), color=cb.color("vicreg"))
        end = {"transform": ax.get_yaxis_transform(), "ha": "right"}
        ax.text(0.98, contrastive + 0.9, f"contrastive {contrastive}", color=cb.color("contrastive"), **end)
        ax.text(0.98, barlow - 2.1, f"Barlow Twins {barlow}", color=cb.color("barlow_twins"), **end)
        ax.set(xlabel="inv", title=title, ylim=(-1, 36))
    axes[0].text(0.3, 10.5, "VICReg", color=cb.color("vicreg"))
    axes[1].text(0.28, 27, "VICReg", color=cb.color("vicreg"))
    axes[0].set_ylabel(f"dimensions alive of K = {K}")
    plt.show()


LINES = {
    "strong first": ("VICReg, strong first", "vicreg", "", 0),
    "vicreg": ("VICReg, tie at random", "vicreg", "-", 2.4),
    "faint first": ("VICReg, faint first", "vicreg", "", 0),
    "large inv": ("VICReg, large inv", "vicreg", "--", 1.8),
    "contrastive": ("contrastive", "contrastive", ":", 1.8),
    "random": ("random directions", "random", "-", 1.8),
}


def room(fig, curves, K=32, pairs="background"):
    """Accuracy on new digits against the number of dimensions, for each method, with the chosen number marked."""
    ax, sizes, lines = fig.subplots(), curves["sizes"], curves[pairs]
    fig.subplots_adjust(left=0.09, right=0.7, bottom=0.16, top=0.88)
    ax.axhline(0.1, color=cb.color("chance"), ls=":", lw=1)
    ax.axvline(K, color=cb.color("theory"), lw=1)
    if "faint first" in lines:
        ax.fill_between(sizes, lines["faint first"], lines["strong first"], color=cb.color("vicreg"), alpha=0.15, lw=1)
    found = {name: float(np.interp(K, sizes, lines[name])) for name in LINES if name in lines}
    height = 1.09
    for rank, name in enumerate(sorted(found, key=found.get, reverse=True)):
        label, key, style, width = LINES[name]
        if style:  # the other two are the edges of the band
            ax.plot(sizes, lines[name], style, color=cb.color(key), lw=width)
        height = max(min(found[name], height - 0.085), 0.085 * (len(found) - rank - 1))
        ax.text(67, height, f"{found[name]:.2f} {label}", color=cb.color(key), va="center", fontsize=9.5)
    dots = [cb.color(LINES[name][1]) for name in found]
    ax.scatter([K] * len(found), list(found.values()), c=dots, s=36, zorder=3)
    ax.set(xlim=(1, 65), ylim=(0, 1.05), xticks=[9, 32, 64], yticks=[0, 1])
    ax.set(xlabel="dimensions K (a picture has 64 pixels)", ylabel="accuracy on new digits")
    ax.set_title(f"Pairs share their {pairs}, K = {K}")


def mixture(fig, shares, accuracies, K):
    """Accuracy on new digits as the graph turns from the wrong rule to the right one, for K dimensions."""
    ax = fig.subplots()
    fig.subplots_adjust(left=0.09, right=0.82, bottom=0.16, top=0.88)
    ax.axhline(0.1, color=cb.color("chance"), ls=":", lw=1)
    for method, style, label in (("vicreg", "-", "VICReg"), ("contrastive", "--", "contrastive")):
        ax.plot(shares, accuracies[method][K], style, marker="o", color=cb.color(method))
        shift = 0.03 if method == "vicreg" else -0.04
        ax.text(1.03, accuracies[method][K][-1] + shift, label, color=cb.color(method), va="center")
    ax.set(xlim=(-0.02, 1.02), ylim=(0, 1.05), xlabel="share a of the right rule", ylabel="accuracy on new digits")
    ax.set_title(f"{K} dimensions")


def barlow_weights(fig, rho, K=30):
    """The weight that Barlow Twins with K columns gives to each direction, against the direction's correlation."""
    ax = fig.subplots()
    fig.subplots_adjust(left=0.09, right=0.97, bottom=0.16, top=0.88)
    weights = barlow_columns(rho[:K])[1] ** 2
    alive = weights > 0
    threshold = np.mean((rho[:K] - weights * rho[:K] ** 2)[alive])
    grid = np.linspace(0.25, 1)
    ax.plot(grid, 1 / grid, color=cb.color("baseline"), lw=1)
    ax.text(0.45, 2.5, r"$1/\rho$: the weight if columns had any length", color=cb.color("baseline"))
    ax.axvline(threshold, color=cb.color("theory"), ls="--", lw=1)
    ax.plot(rho[K:], 0 * rho[K:], "o", color=cb.color("baseline"))
    ax.plot(rho[:K], weights, "o", color=cb.color("barlow_twins"))
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.1, 3.5), xlabel=r"correlation $\rho_k$", ylabel=r"weight $t_k$")
    ax.set_title(rf"{alive.sum()} of {K} dimensions alive, threshold $\nu$ = {threshold:.2f}")


CIRCLE = np.stack([np.cos(np.linspace(0, 2 * np.pi, 100)), np.sin(np.linspace(0, 2 * np.pi, 100))])


def temperature(fig, circle, read_graph, tau):
    """The graph that SimCLR reads off embeddings on a circle: as lines, and as a matrix."""
    left, right = fig.subplots(1, 2)
    fig.subplots_adjust(left=0.02, right=0.98, bottom=0.04, top=0.88, wspace=0.05)
    graph = read_graph(circle @ circle.T, tau)
    first, second = np.tril_indices(len(circle), -1)
    lines = np.stack([circle[first], circle[second]], axis=1)
    widths = 3 * (graph + graph.T)[first, second]
    left.plot(*CIRCLE, color=cb.color("baseline"), lw=0.5)
    left.add_collection(LineCollection(lines, linewidths=widths, colors=cb.color("simclr"), alpha=0.7))
    left.plot(*circle.T, "o", color=cb.color("theory"))
    left.set(xlim=(-1.2, 1.2), ylim=(-1.2, 1.2), aspect="equal", title="embeddings, joined by weight")
    right.imshow(graph, vmin=0, vmax=1)
    right.set_title(f"graph, largest weight {graph.max():.2f}")
    for ax in (left, right):
        ax.set_axis_off()


def sheets(sheet, along, embeddings):
    """An S-shaped sheet and its embeddings, coloured by length in the top row and by width in the bottom row."""
    fig = plt.figure(figsize=(8.4, 4.4))
    for row, (values, label) in enumerate([(along.numpy(), "length"), (sheet[:, 1].numpy(), "width")]):
        ax = fig.add_subplot(2, 3, 3 * row + 1, projection="3d")
        ax.scatter(*sheet.T, c=values, s=5, cmap="viridis")
        ax.view_init(elev=12, azim=-62)
        ax.set(xticks=[], yticks=[], zticks=[], box_aspect=(1, 1, 1.2), title=f"coloured by {label}")
        for column, (title, Z) in enumerate(embeddings.items()):
            ax = fig.add_subplot(2, 3, 3 * row + 2 + column, title=title if row == 0 else "")
            cb.plots.scatter(ax, spectral.fix_signs(Z), values, size=8)
    fig.subplots_adjust(wspace=0.08, hspace=0.12, left=0.02, right=0.99, bottom=0.02, top=0.92)
    plt.show()
