"""The drawings of the chapter on self-distillation; ``ch.figures`` loads them."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import LineCollection

import cookbook as cb
from replearn.papers import self_distillation as world

MAIN, LOST, GREY, INK, PALE = cb.color("simsiam"), cb.color("jepa"), cb.color("baseline"), cb.color("theory"), "#d5d9de"


def _shades(images):
    """A colour for each image of the plane, by its quadrant."""
    quadrants = (np.asarray(images) > 0) @ [1, 2]
    return np.array([cb.color(name) for name in ("vicreg", "contrastive", "barlow_twins", "w_mse")])[quadrants]


def views(images, view_1, view_2):
    """The two views of some images, joined by a line."""
    _, ax = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
    shades, pairs = _shades(images)[:60], np.stack([view_1, view_2], axis=1)[:60]
    ax.add_collection(LineCollection(pairs, colors=shades, linewidths=1))
    ax.scatter(*pairs.transpose(2, 1, 0), c=np.stack([shades, shades]).ravel(), s=14)
    ax.set(xlim=(-3.4, 3.4), ylim=(-2.2, 2.2), aspect="equal", xlabel="first number", ylabel="second number")
    ax.set_title("Each image has two views")
    plt.show()


def clouds(images, kept, kept_loss, lost, lost_loss):
    """The embeddings of the images at the start, and at the end of the two trainings, all on one scale."""
    _, axes = plt.subplots(1, 3, figsize=(8.8, 3.2), sharex=True, sharey=True, layout="constrained")
    wide = 1.08 * float(abs(images).max())
    panels = [
        (images, "At the start", "both runs"),
        (kept, "With stop-gradient", f"loss {kept_loss:.3f}"),
        (lost, "Without: one point", f"loss {lost_loss:.0e}"),
    ]
    for ax, (points, title, below) in zip(axes, panels, strict=True):
        ax.scatter(*np.asarray(points).T, c=_shades(images), s=9)
        ax.set(xlim=(-wide, wide), ylim=(-wide, wide), title=title, xlabel=below)
    plt.show()


def watershed(fig, eta=0.08, sigma2=0.3, start=0.2):
    """Growth and decay against h, and the path of h from a start, by formula (3)."""
    left, right = fig.subplots(1, 2)
    fig.subplots_adjust(left=0.08, right=0.98, bottom=0.16, top=0.87, wspace=0.24)
    h = np.linspace(0, 1, 101)
    left.plot(h, h**2 * (1 - (1 + sigma2) * h), color=MAIN)
    left.plot(h, eta * h, color=GREY)
    low, high = world.byol_fixed_points(sigma2, eta)
    rising = start * (1 - (1 + sigma2) * start) > eta
    left.plot(start, -0.014, ">" if rising else "<", ms=11, color=LOST, clip_on=False, zorder=4)
    for point, face, name in ((low, "white", "h₋"), (high, INK, "h₊")):
        if np.isfinite(point):
            left.plot(point, eta * point, "o", ms=9, color=INK, mfc=face, zorder=3)
            left.text(point - 0.01, eta * point + 0.009, name, ha="right")
            right.axhline(point, color=INK, lw=1, ls="--" if face == "white" else "-")
            right.text(119, point + 0.015, name, ha="right")
    left.set(xlim=(0, 1), ylim=(-0.02, 0.16), xticks=[0, 0.5, 1], yticks=[0, 0.1])
    left.set(xlabel="predictor h", ylabel="change of h per time", title="Growth (blue) and decay (grey)")
    path = _path(start, eta, sigma2)
    right.plot(np.linspace(0, 120, len(path)), path, color=MAIN, lw=2.5)
    right.set(xlim=(0, 120), ylim=(-0.02, 1.03), xticks=[0, 50, 100], yticks=[0, 1])
    right.set(xlabel="time", ylabel="predictor h", title=f"From {start:.2f} it is at {path[-1]:.2f} by the end")


def _path(h, eta, sigma2, steps=240, time=120):
    """The path of (3), by Heun's rule."""

    def force(h):
        return h * (h - (1 + sigma2) * h * h - eta)

    path, step = [h], time / steps
    for _ in range(steps):
        first = force(h)
        h += step / 2 * (first + force(h + step * first))
        path.append(h)
    return path


def sizes(paths):
    """How the size of the encoder changes in time, on a logarithmic scale, for each model."""
    _, ax = plt.subplots(figsize=(7.6, 3.4), layout="constrained")
    shades = {"all parts": MAIN, "no predictor": GREY, "no stop-gradient": LOST, "too much decay": cb.color("dino")}
    places = {
        "all parts": (80, 1.5),
        "no predictor": (47, 1e-6),
        "no stop-gradient": (8, 1e-7),
        "too much decay": (74, 3e-3),
    }
    for name, path in paths.items():
        size = np.linalg.norm(path.W, axis=(1, 2))
        ax.semilogy(path.t, size / size[0], color=shades[name])
        ax.text(
            *places[name], name.replace("stop-", "stop-\n") if "stop" in name else name, color=shades[name], ha="center"
        )
    ax.set(xlim=(0, 100), ylim=(1e-9, 10), xlabel="time", ylabel="size of W / size at the start")
    ax.set_title("Only the full model comes to rest")
    plt.show()


def survivors(settings, theory, found):
    """The strength of each direction by formula (6) as bars, and as four runs of the flow left it as dots."""
    _, axes = plt.subplots(1, 3, figsize=(8.8, 3), sharey=True, layout="constrained")
    index = np.arange(1, 21)
    for ax, (noise, decay), bars, dots in zip(axes, settings, theory, found, strict=True):
        ax.bar(index, bars, color=PALE)
        ax.plot(index, dots.T, "o", ms=3.5, color=MAIN)
        ax.set(xlabel="direction j", xticks=[1, 5, 10, 15, 20])
        ax.set_title(f"{np.sum(bars > 0)} alive: σ² = {noise}, η = {decay}")
    axes[0].set_ylabel("strength at the end")
    axes[2].text(20.5, 0.72, "bars: formula\ndots: four runs", ha="right")
    plt.show()


def digits(fig, variance, directions, pixels, eta=0.03, sigma2=0.05, start=0.25):
    """Which directions of the digits survive, and what they say of three digits."""
    left, right = fig.subplots(1, 2, width_ratios=[1.7, 1])
    fig.subplots_adjust(left=0.09, right=0.98, bottom=0.16, top=0.87, wspace=0.06)
    low, _ = world.byol_fixed_points(sigma2 / variance, eta / variance)
    possible = world.surviving_directions(variance, sigma2, eta)
    alive = possible & (start > np.nan_to_num(low))
    tops = np.log10(variance**2 / (variance + sigma2))
    shades = np.where(alive, MAIN, np.where(possible, LOST, PALE))
    left.vlines(np.arange(1, 21), -3, tops, colors=shades, lw=9)
    left.axhline(np.log10(4 * eta), color=INK, ls="--", lw=1)
    left.text(20.6, np.log10(4 * eta) + 0.05, "4η", ha="right")
    left.set(xlabel="direction j", ylabel="variance × agreement", ylim=(-3, 0.15), xticks=[1, 5, 10, 15, 20])
    left.set_yticks([-3, -2, -1, 0], ["0.001", "0.01", "0.1", "1"])
    left.set_title(f"{alive.sum()} of 20 directions survive")
    mean, shown, basis = pixels.mean(axis=0), pixels[[10, 12, 16]], directions[:, alive]
    rebuilt = mean + (shown - mean) @ basis @ basis.T
    cb.plots.image_grid(right, np.clip([*shown, *rebuilt], 0, 1).reshape(6, 8, 8), columns=3)


def symptoms(runs):
    """Loss, spread and RankMe of the three networks during training."""
    _, axes = plt.subplots(1, 3, figsize=(8.8, 3.1), layout="constrained")
    titles = ["Loss: lower without", "Spread: one of two is caught", "RankMe: both are caught"]
    for (name, rows), shade in zip(runs.items(), (MAIN, LOST, INK), strict=True):
        for ax, values in zip(axes, rows, strict=True):
            ax.plot(10 * np.arange(1, len(values) + 1), values, color=shade, label=name.replace(", ", ",\n"))
    for ax, title in zip(axes, titles, strict=True):
        ax.set(title=title, xlabel="step")
    axes[0].set_ylim(-1.05, 0.1)
    axes[1].set_ylim(0, 1.05)
    axes[2].set_ylim(0, None)
    axes[1].legend(loc="upper left", bbox_to_anchor=(0.12, 0.75), fontsize=9, handlelength=1, borderpad=0)
    plt.show()


def portrait(kept, lost):
    """Paths in the plane of predictor and encoder: with all parts, without stop-gradient, without predictor."""
    _, ax = plt.subplots(figsize=(7.2, 3.6), layout="constrained")
    ax.plot([0, 1.05], [0, 1.05], "--", color=INK, lw=1)
    ax.plot(lost.P[:, :, 0, 0], lost.W[:, :, 0, 0], color=LOST)
    ax.plot(kept.P[:, :, 0, 0], kept.W[:, :, 0, 0], color=MAIN)
    ax.plot(kept.P[0, :, 0, 0], kept.W[0, :, 0, 0], "o", color=MAIN)
    ax.plot([1, 1], [0.95, 0], color=GREY)
    for point, face in zip(world.byol_fixed_points(0.3, 0.08), ("white", INK), strict=True):
        ax.plot(point, point, "o", ms=9, color=INK, mfc=face, zorder=3)
    for index, name in ((2, "A"), (5, "B")):
        ax.text(kept.P[0, index, 0, 0] + 0.012, kept.W[0, index, 0, 0] + 0.02, name, color=MAIN, weight="bold")
    ax.text(0.74, 0.9, "all parts", color=MAIN)
    ax.text(0.27, 0.62, "no stop-gradient", color=LOST, ha="right")
    ax.text(1.01, 0.5, "no predictor", color=GREY)
    ax.set(xlabel="predictor h", ylabel="encoder w", xlim=(-0.03, 1.25), ylim=(-0.03, 1.12))
    ax.set_title("Only the full model has a second place of rest")
    plt.show()


def fates(fig, gamma=1.0, alpha=1.0, eta=0.08):
    """Which starts live and which die, in the plane of predictor and encoder, for σ² = 0.3."""
    ax = fig.subplots()
    fig.subplots_adjust(left=0.1, right=0.97, bottom=0.15, top=0.89)
    h0, w0 = np.meshgrid(np.linspace(0.02, 0.5, 13), np.linspace(0.02, 0.5, 13))
    h, w = h0, w0
    for _ in range(500):
        b = gamma - 1.3 * h
        h, w = h + 0.2 * (alpha * w**2 * b - eta * h), w + 0.2 * (h * w * b - eta * w)
    alive = h > 0.1
    ax.plot(h0[alive], w0[alive], "o", color=MAIN)
    ax.plot(h0[~alive], w0[~alive], "o", color=LOST)
    ax.plot([0, 0.8], [0, 0.8 / alpha**0.5], "--", color=INK, lw=1)
    for point, face in zip(world.byol_fixed_points(0.3, eta, gamma), ("white", INK), strict=True):
        if np.isfinite(point):
            ax.plot(point, point / alpha**0.5, "o", ms=10, color=INK, mfc=face, zorder=3)
    ax.set(xlim=(0, 0.8), ylim=(0, 0.72), xlabel="predictor h", ylabel="encoder w")
    ax.set_title(f"{alive.sum()} of {alive.size} starts live (blue)")


def gaps(fig, tau_t=0.04, centring=True):
    """The arrows and one path of DINO's flow with two images and two prototypes."""
    ax = fig.subplots()
    fig.subplots_adjust(left=0.2, right=0.85, bottom=0.14, top=0.9)
    grid = np.array(np.meshgrid(np.linspace(-0.9, 0.9, 13), np.linspace(-0.9, 0.9, 13)))
    push = _push(grid, tau_t, centring)
    push = push / (np.linalg.norm(push, axis=0) + 1e-3)
    ax.quiver(*grid, *push, color="#b6bcc4", angles="xy", scale=18, width=0.004, pivot="mid")
    path = [np.array([0.4, 0.1])]
    for _ in range(250):
        path.append(np.clip(path[-1] + 0.1 * _push(path[-1], tau_t, centring), -1, 1))
    ax.plot(*np.transpose(path), "o-", markevery=[-1], ms=11, color=cb.color("dino"), lw=3)
    ax.set(xlim=(-1.05, 1.05), ylim=(-1.05, 1.05), xticks=[-1, 0, 1], yticks=[-1, 0, 1])
    ax.set(xlabel="$g_1$, image 1", ylabel="$g_2$, image 2")
    ax.set_title(f"The path ends at ({path[-1][0]:.2f}, {path[-1][1]:.2f})")


def _push(g, tau_t, centring):
    """How the gaps of the images move: the teacher's chance of the first prototype minus the student's."""
    center = g.mean(axis=0) if centring else 0
    return _chance((g - center) / tau_t) - _chance(g / 0.1)


def _chance(x):
    return 0.5 + 0.5 * np.tanh(x / 2)


def cures(runs):
    """Entropy of a target, divergence of the student, and entropy of the mean target, during three trainings."""
    _, axes = plt.subplots(1, 3, figsize=(8.8, 3.1), layout="constrained")
    shades = {"both": cb.color("dino"), "centring only": cb.color("vicreg"), "sharpening only": LOST}
    titles = ["Sharp with sharpening", "Left to learn: with both", "Many used: with centring"]
    labels = ["entropy of a target / log K", "KL, nats", "entropy of the mean / log K"]
    for name, (rows, _) in runs.items():
        for ax, values in zip(axes, rows, strict=True):
            ax.plot(10 * np.arange(1, len(values) + 1), values, color=shades[name], label=name)
    for ax, title, label in zip(axes, titles, labels, strict=True):
        ax.set(title=title, xlabel="step", ylabel=label, ylim=(-0.03, None))
    axes[0].legend(loc="upper left", bbox_to_anchor=(0.3, 0.85), fontsize=9, handlelength=1)
    plt.show()
