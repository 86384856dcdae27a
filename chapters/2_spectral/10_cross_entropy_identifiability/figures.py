"""The drawings of the chapter on cross-entropy; ``ch.figures`` loads them."""

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.collections import LineCollection
from torch.nn import functional

import cookbook as cb
from replearn import evaluation, spectral, training
from replearn.data import sphere_grid

TILT = torch.linalg.qr(torch.tensor([[0.6, 0.25, 0.8], [0.8, -0.2, -0.6], [0.0, 0.95, -0.3]]))[0]
WIRES = sphere_grid(pieces=24)
NEAR = (WIRES @ TILT)[:, 0, 2].numpy() > 0
ORDER = np.argsort(NEAR, kind="stable")
INK = np.where(NEAR[:, None], 0.1 + 0.4 * (WIRES.mean(1).numpy() + 1), 0.88)[ORDER]
FOUND, SEEN, LOST = cb.color("vicreg"), cb.color("pixels"), cb.color("contrastive")


def globe(ax, ends, title):
    """The grid of the globe, wherever its pieces went: ``ends`` (n, 2, 3), the third coordinate towards the reader."""
    pieces = np.asarray(ends).reshape(-1, 2, 3)[ORDER, :, :2]
    ax.add_collection(LineCollection(pieces, colors=INK, linewidths=np.where(NEAR, 1.6, 0.6)[ORDER]))
    reach = max(1.25, 1.03 * abs(pieces).max())
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", title=title)
    ax.set_axis_off()


def linear_map(values, places):
    """The best affine map from (n, k) values to places, as a function."""

    def with_one(a):
        return torch.cat([a.double(), torch.ones(len(a), 1, dtype=torch.float64)], 1)

    solution = torch.linalg.lstsq(with_one(values), places.double(), driver="gelsd").solution
    return lambda new: with_one(new) @ solution


def two_globes(world, places, towns):
    """Things on the globe, and what is seen of both, turned to fit as well as it can."""
    _, axes = plt.subplots(1, 2, figsize=(7.4, 3.5), layout="constrained")
    seen, true = world.render(places), places @ TILT
    _, rotation, _ = spectral.procrustes(seen, true)
    turn = torch.tensor(rotation, dtype=seen.dtype) * (0.8 * true.norm() / seen.norm())
    globe(axes[0], WIRES @ TILT, "Where things are")
    globe(axes[1], world.render(WIRES) @ turn, "What you see")
    front = true[:, 2] > 0
    for ax, points in zip(axes, (true, seen @ turn), strict=True):
        cb.plots.scatter(ax, points[front, :2], towns[front], size=10)
    plt.show()


def two_things(world, pair, chances):
    """Two things of town 0 on the globe, and the chance of each town given each of the two places."""
    _, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.4), width_ratios=[1, 1.9], layout="constrained")
    home = world.centres[0]
    sight = functional.normalize(home + 0.35 * pair.sum(0), dim=0)  # look at the town and its two things
    up = functional.normalize(torch.tensor([0.1, 0.2, 1.0]) - sight[2] * sight, dim=0)
    up = functional.normalize(up - (up @ sight) * sight, dim=0)
    view = torch.stack([torch.linalg.cross(up, sight), up, sight], 1)
    ends = (WIRES @ view).numpy()
    near = ends[:, 0, 2] > 0
    left.add_collection(LineCollection(ends[near][:, :, :2], colors="#d5d9de", linewidths=1))
    left.set(xlim=(-1.15, 1.15), ylim=(-1.15, 1.15), aspect="equal", title="Two things of town 0")
    left.set_axis_off()
    for c, centre in enumerate(world.centres @ view):
        if centre[2] > 0:
            left.text(centre[0], centre[1], str(c), color="#6b7178", ha="center", va="center", fontsize=9)
    for k, (thing, color) in enumerate(zip(pair @ view, (FOUND, LOST), strict=True)):
        left.plot(thing[0], thing[1], "o", color=color, ms=9)
        left.text(thing[0] + 0.08, thing[1] + 0.06, "AB"[k], color=color, weight="bold")
        right.bar(np.arange(20) + 0.4 * k - 0.2, chances[k], 0.4, color=color)
        right.text(19.4, 0.94 - 0.12 * k, f"thing {'AB'[k]}", color=color, ha="right", weight="bold")
    right.set(xticks=range(20), xlabel="town", ylabel="chance", ylim=(0, 1), title="One name, two lists of chances")
    right.grid(axis="x", visible=False)
    plt.show()


def rebuilt(fig, centres, places_from, towns=3, lie="anywhere"):
    """The true globe with its towns, and the globe that the chances of these towns give back."""
    left, right = fig.subplots(1, 2)
    fig.subplots_adjust(left=0.02, right=0.98, bottom=0.02, top=0.88, wspace=0.05)
    centres = centres[:towns]
    if lie != "anywhere":
        height = 0.0 if lie == "on a great circle" else 0.6
        flat = (1 - height**2) ** 0.5 * functional.normalize(centres[:, :2], dim=1)
        centres = torch.cat([flat, torch.full((towns, 1), height, dtype=flat.dtype)], 1)
    points = WIRES.double().reshape(-1, 3)
    back = places_from((5.0 * points @ centres.T).softmax(1), centres)
    rank = evaluation.affine_rank(centres)
    globe(left, WIRES @ TILT, f"{towns} towns {lie}: {rank} of 3 dimensions")
    globe(right, back @ TILT.double(), f"Largest error of a place: {(back - points).norm(dim=1).max():.2f}")
    at = centres @ TILT.double()
    front = at[:, 2] > 0
    left.plot(*at[front, :2].T, "o", color=LOST, ms=8)
    left.plot(*at[~front, :2].T, "o", color=LOST, ms=8, alpha=0.25)


def three_globes(run):
    """The globe, and how well one affine map makes it of what is seen and of what the network found."""
    _, axes = plt.subplots(1, 3, figsize=(8.8, 3.2), layout="constrained")
    seen = run.world.render(WIRES.reshape(-1, 3))
    true = run.places @ TILT
    globe(axes[0], WIRES @ TILT, "the places u")
    globe(axes[1], linear_map(run.x, true)(seen), f"from x: R² = {evaluation.linear_r2(run.x, run.places):.3f}")
    found = linear_map(run.z, true)(training.features(run.encoder, seen))
    globe(axes[2], found, f"from z: R² = {evaluation.linear_r2(run.z, run.places):.3f}")
    plt.show()


def flattened(run):
    """Which coordinates of the place are linear in x and in z, and the globe that is left, when all towns lie on the equator."""
    _, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.3), width_ratios=[1.3, 1], layout="constrained")
    for shift, values, color, label in ((-0.2, run.x, SEEN, "seen, x"), (0.2, run.z, FOUND, "found, z")):
        scores = [evaluation.linear_r2(values, run.places[:, k]) for k in range(3)]
        bars = left.bar(np.arange(3) + shift, np.maximum(scores, 0), 0.36, color=color)
        left.bar_label(bars, [f"{max(score, 0):.2f}" for score in scores], fontsize=9, padding=2)
        left.text(1.55 + 2.6 * shift, 1.2, label, color=color, ha="center", weight="bold")
    left.set_xticks(range(3), ["first", "second", "north–south"])
    left.set(ylim=(0, 1.3), yticks=[0, 0.5, 1], ylabel="R²", title="One coordinate is lost")
    left.grid(axis="x", visible=False)
    grid = training.features(run.encoder, run.world.render(WIRES.reshape(-1, 3)))
    globe(right, linear_map(run.z, run.places @ TILT)(grid), "The globe that z knows")
    plt.show()


def rows(run, member):
    """Rows of the head, one for each instance, carried to the globe by the best affine map; circles are the towns."""
    _, ax = plt.subplots(figsize=(4.2, 3.9), layout="constrained")
    globe(ax, WIRES @ TILT, "200 rows, 20 places")
    towns = run.world.centres[:20] @ TILT
    at = linear_map(run.rows, run.world.centres @ TILT)(run.rows)
    front = towns[:, 2] > 0
    ax.plot(*towns[front, :2].T, "o", ms=17, mfc="none", mec=cb.color("theory"), mew=1.2)
    cb.plots.scatter(ax, at[front[member], :2], member[front[member]], size=12)
    plt.show()


def digit_map(drawn, z, score, where="within a cell"):
    """Shifted digits, and the shifts that the best affine map reads off two outputs."""
    _, (photo, ax) = plt.subplots(1, 2, figsize=(7.6, 3.5), width_ratios=[0.85, 1], layout="constrained")
    cb.plots.image_grid(photo, drawn.x[:16].reshape(-1, 14, 14), columns=4, gap=1)
    photo.set_title("Where is the digit?")
    guess = linear_map(z, drawn.shifts)(z)
    dots = ax.scatter(*guess[:1200].T, c=drawn.shifts[:1200, 1], s=8, lw=0, cmap="cookbook_diverging", vmin=-2, vmax=2)
    ax.set(xlim=(-3, 3), ylim=(3, -3), aspect="equal", xticks=[-2, 0, 2], yticks=[-2, 0, 2])
    ax.set(xlabel="shift to the right, read off z", ylabel="shift down, read off z")
    ax.set_title(f"Two outputs: R² = {score:.2f} {where}")
    plt.colorbar(dots, ax=ax, label="true shift down")
    plt.show()


def _globe_and_curves(fig, drawn, at, title, ticks):
    """A globe, and over all pictures the R² of the places and the gap; ``drawn`` holds (ends, R², gap) for each."""
    left, right = fig.subplots(1, 2)
    fig.subplots_adjust(left=0.02, right=0.97, bottom=0.16, top=0.87, wspace=0.15)
    globe(left, drawn[at][0] @ TILT.double(), title)
    for k, color, label in ((1, FOUND, "R²"), (2, LOST, "gap, nats")):
        curve = [row[k] for row in drawn]
        right.plot(curve, "o-", color=color, ms=3)
        right.plot(at, curve[at], "o", ms=10, color=color)
        right.text(0.45, 0.99 - 0.37 * k, label, color=color, transform=right.transAxes, weight="bold")
    top = 1.07 * max(1.05, *(row[2] for row in drawn))
    right.set(ylim=(-0.05, top), yticks=[0, 0.5, 1], xticks=list(ticks), xticklabels=list(ticks.values()))
    right.set_title(f"R² {drawn[at][1]:.2f}, gap {drawn[at][2]:.3f} nats")
    return right


def unfolding(fig, pictures, picture=0):
    """The globe that the embeddings know, at one moment of training."""
    step, drawn = pictures[picture][0], [row[1:] for row in pictures]
    ticks = {k: pictures[k][0] for k in range(0, len(pictures), 5)}
    _globe_and_curves(fig, drawn, picture, f"The globe of z after {step} steps", ticks).set(xlabel="steps")


def steepness(fig, kappas, drawn, kappa=5):
    """The globe that the embeddings know, for one concentration of the clouds."""
    at = kappas.index(kappa)
    _globe_and_curves(fig, drawn, at, f"The globe of z at κ = {kappa}", dict(enumerate(kappas))).set(xlabel="κ")


def singular_values(singular):
    """Singular values of the map from places to embeddings, a line for each head."""
    _, ax = plt.subplots(figsize=(7.2, 2.5), layout="constrained")
    for row, (name, sizes) in enumerate(singular.items()):
        ax.plot(sizes, np.full(len(sizes), row), "o-", color=FOUND if name == "unit rows" else LOST, lw=1, ms=8)
    ax.axvline(1, color=cb.color("theory"), ls="--", lw=1)
    ax.set_yticks(range(3), singular)
    ax.set(ylim=(-0.5, 2.5), xlim=(0, None), xlabel="singular values of the map from u to z, divided by κ")
    ax.set_title("A free head may stretch the globe")
    ax.grid(axis="y", visible=False)
    plt.show()


def when_the_loss_tells(holds, fails):
    """R² of the places against the gap, for all starts."""
    _, ax = plt.subplots(figsize=(7.2, 3.2), layout="constrained")
    for points, color in ((holds, cb.color("theory")), (fails, LOST)):
        ax.plot(*np.maximum(points, 1e-3).T, "o", color=color, ms=7, alpha=0.8)
    ax.text(0.02, 0.1, "three towns in four dimensions, twice", color=LOST, transform=ax.transAxes, weight="bold")
    ax.text(0.02, 0.02, "the differences span", color=cb.color("theory"), transform=ax.transAxes, weight="bold")
    ax.set(xscale="log", xlabel="gap as a share of the best loss", ylabel="R² of the places", ylim=(0.2, 1.04))
    ax.set_title("A large gap warns; a small one proves nothing by itself")
    plt.show()


def directions(before, after):
    """Share of the variance of the scores in each of their main directions."""
    _, ax = plt.subplots(figsize=(7.2, 2.8), layout="constrained")
    for shares, color, label, x in ((before, SEEN, "before training", 10.5), (after, FOUND, "after", 5.0)):
        ax.semilogy(np.arange(1, 17), np.maximum(shares[:16], 1e-8), "o-", color=color, ms=5)
        ax.text(x, 3 * shares[int(x)], label, color=color, weight="bold")
    ax.axvline(3.5, color=cb.color("theory"), ls="--", lw=1)
    ax.set(xticks=[1, 3, 5, 10, 16], ylim=(1e-7, 2), xlabel="direction of the scores", ylabel="share of their variance")
    ax.set_title("After training the scores fill three dimensions")
    plt.show()
