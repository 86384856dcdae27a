"""The drawings of the chapter on agreement and truth; ``ch.figures`` loads them."""

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.collections import LineCollection

import cookbook as cb
from replearn import evaluation, spectral, training
from replearn.data import sphere_grid
from replearn.papers.singular_identifiability import flat_directions

FOUND, FLAT, TRUTH, GREY = cb.color("vicreg"), cb.color("contrastive"), cb.color("theory"), cb.color("baseline")
TILT = torch.linalg.qr(torch.tensor([[0.6, 0.25, 0.8], [0.8, -0.2, -0.6], [0.0, 0.95, -0.3]]))[0]
WIRES = sphere_grid(pieces=30)
WIRES = WIRES[(WIRES @ TILT)[:, 0, 2] > 0]
INK = (0.1 + 0.4 * (WIRES.mean(1) + 1)).numpy()


def _wires(ax, ends, title=""):
    """The front of the globe's grid, wherever its pieces went, scaled to fit."""
    ends = np.asarray(ends)
    ends = ends / np.linalg.norm(ends, axis=1).max()
    ax.add_collection(LineCollection(ends.reshape(-1, 2, 3)[:, :, :2], colors=INK, linewidths=1.2))
    ax.set(xlim=(-1.05, 1.05), ylim=(-1.05, 1.05), aspect="equal")
    ax.set_title(title, fontsize=10)
    ax.set_axis_off()


def six_globes(world, networks):
    """Two outputs of each network; and three outputs after one linear map that agrees with the first network."""
    places = world.sample(2000, torch.Generator().manual_seed(1))
    fig, axes = plt.subplots(2, 6, figsize=(10.2, 3.7), layout="constrained")
    first = None
    for column, (name, network) in enumerate(networks.items()):
        grid, z = (training.features(network, world.render(u)) for u in (WIRES.reshape(-1, 3), places))
        grid, z = grid - z.mean(0), z - z.mean(0)
        if first is None:  # the first one is turned to face the reader
            rotation = spectral.procrustes(z, places @ TILT).rotation
            first = z @ torch.tensor(rotation, dtype=z.dtype)
        _wires(axes[0, column], grid, name)
        _wires(axes[1, column], grid @ torch.linalg.lstsq(z, first).solution)
    fig.supylabel("one map each       as they are", fontsize=10)
    plt.show()


def _heat(ax, values, labels, title):
    ax.imshow(values, vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(np.asarray(values)):
        color = "white" if value > 0.5 else TRUTH
        ax.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=9, color=color)
    ax.set(xticks=[], yticks=range(len(values)), title=title)
    ax.set_yticklabels(labels)
    ax.grid(False)


def agreement(embeddings, places, names):
    """Cross-R² of all pairs, and the R² of the places, for each network."""
    _, (left, right) = plt.subplots(1, 2, figsize=(8.2, 3.6), width_ratios=[8, 1], layout="constrained")
    _heat(left, evaluation.cross_r2(embeddings), names, "Agreement (columns as rows)")
    _heat(right, [[evaluation.linear_r2(z, places)] for z in embeddings], [""] * len(names), "Truth")
    plt.show()


def not_truth(scores, agree, given):
    """R² of the two axes that three towns span and of the third one, for three networks and for the input."""
    _, ax = plt.subplots(figsize=(7.4, 3.1), layout="constrained")
    for k, score in enumerate(scores):
        ax.bar(np.arange(3) + 0.2 * k - 0.3, np.maximum(score, 0.004), 0.18, color=FOUND)
    ax.bar(np.arange(3) + 0.3, given, 0.18, color=GREY)
    ax.text(1.84, 0.07, "three networks", color=FOUND, weight="bold", ha="center")
    ax.text(2.42, given[2] / 2, "x itself", color=GREY, weight="bold")
    ax.set_xticks(range(3), ["first axis", "second axis", "across"])
    ax.set(xlim=(-0.6, 2.9), ylim=(0, 1.05), ylabel="R² of the place")
    ax.set_title(f"They agree to {agree:.2f}, on what they were asked")
    ax.grid(axis="x", visible=False)
    plt.show()


def _walked(table, towns):
    """Three walks from the optimum of a table: how far each place goes, and by how much the loss rises."""
    loss, best = table(towns)
    z, w = best[:60].view(20, 3), best[60:].view(-1, 3)
    angle = 0.6
    turn = torch.tensor([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    stretch = torch.diag(torch.tensor([1.5, 1, 1])).double()
    alone = z.clone()
    alone[0] += 3 * torch.linalg.svd(w - w.mean(0)).Vh[-1]
    moves = [(z @ turn, w @ turn), (z @ stretch, w @ stretch.inverse()), (alone, w)]
    return z, [(new, (loss(torch.cat([new.flatten(), head.flatten()])) - loss(best)).item()) for new, head in moves]


def walks(table):
    """Three walks from the optimum with twenty towns, and what each costs with twenty and with three."""
    (z, many), (_, few) = _walked(table, 20), _walked(table, 3)
    _, axes = plt.subplots(1, 3, figsize=(8.8, 3.7), layout="constrained")
    titles = ["Turn everything", "Stretch z, shrink w", "Move one place"]
    for ax, title, (new, cost), (_, cost_few) in zip(axes, titles, many, few, strict=True):
        ax.add_collection(LineCollection(torch.stack([z, new], 1)[:, :, :2], colors=GREY, linewidths=1))
        ax.plot(*z[:, :2].T, "o", color=GREY, ms=4)
        went = (new - z).norm(dim=1) > 1e-9
        ax.plot(*new[went, :2].T, "o", color=FOUND, ms=6)
        ax.set(xlim=(-8.3, 8.3), ylim=(-7, 7), aspect="equal", title=title)
        ax.set_axis_off()
        for y, towns, value in ((-7.4, 20, cost), (-9.2, 3, cost_few)):
            text = f"{towns} towns: loss +{abs(value):.3f}"
            ax.text(0, y, text, ha="center", color=FLAT if value > 1e-9 else TRUTH, clip_on=False)
    plt.show()


def count(fig, table, predicted, towns=20, d=3, unit_rows=True):
    """The eigenvalues of the Hessian at the optimum, the flat ones marked, and the predicted number of those."""
    ax = fig.subplots()
    fig.subplots_adjust(left=0.1, right=0.97, bottom=0.17, top=0.86)
    flat = flat_directions(*table(towns, d, unit_rows=unit_rows))
    levels = flat.eigenvalues.abs().sort().values.clamp(min=1e-19).log10()
    ax.plot(levels, "o", ms=4, color=FOUND)
    ax.plot(levels[: flat.nullity], "o", ms=4, color=FLAT)
    ax.set(xlim=(-2, 178), ylim=(-20, 1), yticks=[-15, -10, -5, 0], xlabel="index")
    ax.set_yticklabels(["1e-15", "1e-10", "1e-5", "1"])
    ax.set_ylabel("size of the eigenvalue")
    number = predicted(towns, d, 20, unit_rows)
    ax.set_title(f"{flat.nullity} of {len(levels)} directions are flat; predicted {number}")


def ninth_town(residual):
    """Distance of each descent's end from the truth after the best rotation, by the number of towns."""
    _, ax = plt.subplots(figsize=(6.6, 3.1), layout="constrained")
    for row, (towns, values) in enumerate(residual.items()):
        ax.plot(np.log10(values), [row] * len(values), "o", ms=8, alpha=0.7, color=FLAT if towns < 9 else FOUND)
    ax.set_yticks(range(len(residual)), [f"{towns} towns" for towns in residual])
    ax.set(xlim=(-16, 1), ylim=(-0.6, len(residual) - 0.4), xticks=[-15, -10, -5, 0])
    ax.set_xticklabels(["1e-15", "1e-10", "1e-5", "1"])
    ax.set(xlabel="distance from the truth after the best rotation", title="The ninth town leaves only a rotation")
    ax.grid(axis="y", visible=False)
    plt.show()


def crowd(fig, functions, rho=0.5, outputs=5):
    """The functions on which two views agree most, in order; those that have a place in the outputs are filled."""
    ax = fig.subplots()
    fig.subplots_adjust(left=0.09, right=0.97, bottom=0.17, top=0.86)
    kept = 0
    for at, (correlation, place, style) in enumerate(functions(rho)):
        color = FOUND if not style else FLAT if not place else GREY
        filled = at < outputs
        kept += filled and (place, style) == (1, 0)
        ax.bar(at, max(correlation, 0.004), 0.7, color=color if filled else "none", edgecolor=color, lw=1.2)
    ax.axvline(outputs - 0.5, color=TRUTH, ls="--", lw=1)
    for x, text, color in ((7.6, "of the place", FOUND), (11.1, "of the style", FLAT), (14.2, "of both", GREY)):
        ax.text(x, 1.0, text, color=color, weight="bold", ha="center")
    ax.set(ylim=(0, 1.12), xlim=(-0.6, 15.6), xticks=[0, 5, 10, 15], ylabel="correlation of the two views")
    ax.set_xticklabels([1, 6, 11, 16])
    ax.set_xlabel("functions of a view, in order")
    ax.set_title(f"{kept} of 3 coordinates of the place have an output")


def short_lists(lists, agreed, true):
    """Agreement of two networks and truth in them, by the length of the list of pairs."""
    _, ax = plt.subplots(figsize=(6.6, 3.2), layout="constrained")
    at = np.arange(len(lists))
    ax.fill_between(at, true, agreed, color=cb.color("nt_xent"), alpha=0.12, lw=0)
    for values, color, text, side in ((agreed, FLAT, "agreement", 0.045), (true, FOUND, "truth", -0.1)):
        ax.plot(at, values, "o-", color=color)
        ax.text(1.05, values[1] + side, text, color=color, weight="bold")
    ax.set_xticks(at, [f"{n:,}" for n in lists])
    ax.set(xlabel="pairs in the list", ylabel="R²", ylim=(0.25, 1.05), title="Short lists: the same mistakes")
    plt.show()


def ways_down(known):
    """R² of the places for each run."""
    _, ax = plt.subplots(figsize=(6.6, 2.4), layout="constrained")
    for row, (name, values) in enumerate(reversed(known.items())):
        ax.plot(values, [row] * len(values), "o", ms=8, alpha=0.7, color=FOUND if "256" in name else FLAT)
    ax.axvline(2 / 3, color=GREY, ls="--", lw=1)
    ax.text(0.672, len(known) - 0.6, "two of three axes", color=GREY)
    ax.set_yticks(range(len(known)), reversed(known))
    ax.set(xlim=(0.3, 1.02), ylim=(-0.5, len(known) - 0.2), xlabel="R² of the place")
    ax.set_title("One optimum, three ways down")
    ax.grid(axis="y", visible=False)
    plt.show()


def neighbours(shared, names):
    """Mutual kNN of all pairs."""
    _, ax = plt.subplots(figsize=(6.6, 3.1), layout="constrained")
    _heat(ax, shared, names, "Shared neighbours (columns as rows)")
    plt.show()
