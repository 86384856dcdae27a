"""The drawings of the chapter; ``ch.figures`` loads them."""

import matplotlib.pyplot as plt
import numpy as np
import torch

import cookbook as cb
from replearn import recipes, spectral

BLUE, ORANGE, GREY = cb.color("vicreg"), cb.color("nt_xent"), cb.color("baseline")


def _tiles(ax, images, columns, limits=(-0.5, 3)):
    """Small pictures in a grid, in pairs where ``columns`` is a multiple of 2."""
    cb.plots.image_grid(ax, images.clip(*limits), columns=columns)


def pairs(mnist, augmentations):
    """Two views of each of four digits, a row for each augmentation; drawn so that the 6 is once upside down."""
    generator = torch.Generator().manual_seed(141)
    shown = torch.stack([mnist.x_train[mnist.y_train == digit][1] for digit in (6, 9, 2, 4)])
    fig, axes = plt.subplots(1, 4, figsize=(7.6, 3.1), layout="constrained")
    for ax, digit in zip(axes, shown, strict=True):
        views = [augment(digit.expand(2, 1, 14, 14), generator) for augment in augmentations.values()]
        _tiles(ax, torch.cat(views)[:, 0], columns=2)
    for row, name in enumerate(augmentations):
        axes[0].text(-2, 15 * row + 7, name, ha="right", va="center")
    fig.suptitle(
        "Two views of each digit: the network is told that they are the same", x=0.02, ha="left", weight="bold"
    )
    plt.show()


def coin(fig, digits, q=0.25):
    """The correlations of all 64 directions, and the average view of ten digits, if a view is turned with chance q."""
    left, right = fig.subplots(1, 2, width_ratios=[1, 1.3])
    fig.subplots_adjust(left=0.09, right=0.98, bottom=0.16, top=0.87, wspace=0.08)
    turned = digits[:, ::-1, ::-1]
    views = np.stack([digits, turned]).reshape(2, -1, 64)
    rho = spectral.canonical_spectrum(*spectral.pair_moments(views, weights=[1 - q, q]))
    left.axhline((1 - 2 * q) ** 2, color=cb.color("theory"), ls="--", lw=1)
    left.plot(np.arange(1, 33), rho[:32], "o", ms=3.5, color=BLUE)
    left.plot(np.arange(33, len(rho) + 1), rho[32:], "o", ms=3.5, color=ORANGE)
    left.set(xlim=(0, 65), ylim=(-0.05, 1.08), xticks=[1, 32, 64], yticks=[0, 0.5, 1])
    left.set(xlabel="direction, best first", ylabel="correlation ρ", title=f"turned with probability {q:.2f}")
    average = (1 - q) * digits[:10] + q * turned[:10]
    cb.plots.image_grid(right, average, columns=5, gap=3)
    for digit in range(10):
        right.text(digit % 5 * 11 + 3.5, digit // 5 * 11 - 0.8, str(digit), ha="center", va="bottom", fontsize=8)
    right.set_title("the average view of ten digits", pad=18)


def averages(mnist, digits, only_average=False):
    """Two of each digit, the same turned by 180 degrees, and the average of the two; or the average alone."""
    x = torch.cat([mnist.x_train[mnist.y_train == digit][1:3, 0] for digit in digits])
    rows = {"$x$": x, "$T x$": x.rot90(2, (1, 2)), "average": (x + x.rot90(2, (1, 2))) / 2}
    title = "For a linear encoder, the bottom row is all that the coin leaves"
    if only_average:
        rows, title = {"average": rows["average"]}, "Each is a digit, averaged with its half turn"
    _, ax = plt.subplots(figsize=(7.6, 0.62 * len(rows) + 0.5), layout="constrained")
    _tiles(ax, torch.cat(list(rows.values())), columns=len(x))
    for row, name in enumerate(rows):
        ax.text(-2, 15 * row + 7, name, ha="right", va="center")
    ax.set_title(title)
    plt.show()


def telling_apart(pairs, panels):
    """How well two digits are told apart, before (hollow) and after (full): a row for each pair, means over seeds."""
    names = [f"{a} / {b}" for a, b in pairs]
    size = {"figsize": (2.6 + 2.5 * len(panels), 2.8), "layout": "constrained", "sharey": True, "squeeze": False}
    _, axes = plt.subplots(1, len(panels), subplot_kw={"xlim": (0.67, 1.22)}, **size)
    for ax, (title, both) in zip(axes[0], panels.items(), strict=True):
        before, after = (np.atleast_2d(values) for values in both)
        for row, (old, new) in enumerate(zip(before.mean(axis=0), after.mean(axis=0), strict=True)):
            ax.plot([new, old], [row, row], color=ORANGE, lw=6, alpha=0.3, solid_capstyle="butt")
            ax.plot(old, row, "o", mfc="white", color=ORANGE)
            ax.plot(after[:, row], np.full(len(after), row), "o", color=ORANGE)
            ax.text(1.02, row, f"{old:.3f} → {new:.3f}", va="center", fontsize=9)
        ax.set(yticks=range(len(names)), yticklabels=names, xticks=[0.7, 0.8, 0.9, 1], xlabel="accuracy, 100 labels")
        ax.set_title(title)
        ax.grid(axis="y", visible=False)
    axes[0, 0].invert_yaxis()
    plt.show()


def accuracies(accuracy, untrained, pixels, rows=None):
    """The accuracy of each run by augmentation, best first or in the order of ``rows``, beside what learned nothing."""
    _, ax = plt.subplots(figsize=(7.2, 0.45 * len(accuracy) + 1.3), layout="constrained")
    rows = rows[::-1] if rows else sorted(accuracy, key=lambda name: np.mean(accuracy[name]))
    start = np.mean(untrained)
    for row, name in enumerate(rows):
        color = cb.color("supervised") if "class" in name else ORANGE
        ax.plot([start, np.mean(accuracy[name])], [row, row], color=color, lw=6, alpha=0.3, solid_capstyle="butt")
        ax.plot(accuracy[name], np.full(len(accuracy[name]), row), "o", color=color)
    for x, label in ((start, "untrained"), (pixels, "raw pixels")):
        ax.axvline(x, color=GREY, ls="--", lw=1)
        ax.text(x, len(rows) - 0.35, label, ha="center", color=GREY, bbox={"fc": "white", "ec": "none", "pad": 1})
    ax.set(yticks=range(len(rows)), yticklabels=rows, ylim=(-0.6, len(rows) + 0.1))
    ax.set(xlabel="low-shot accuracy, a dot for each seed")
    ax.set_title("One network, one number of steps; only the pairs differ", pad=14)
    plt.show()


def shape_pairs(images, shape_views):
    """Pairs of views of two shapes, for each augmentation."""
    generator = torch.Generator().manual_seed(1)
    _, axes = plt.subplots(1, len(shape_views), figsize=(1.7 * len(shape_views), 2), layout="constrained")
    for ax, (name, augment) in zip(axes, shape_views.items(), strict=True):
        _tiles(ax, augment(images[[3, 3, 5, 5]], generator), columns=2, limits=(-1, 1))
        ax.set_title(f"random {name}")
    plt.show()


def remembered(embedding, encoder, names, factors=("hue", "position")):
    """R² at the embedding and one network earlier, mean and range over seeds: the pale cells are what was forgotten."""
    _, axes = plt.subplots(1, 2, figsize=(7.2, 0.7 * len(names) + 1.1), layout="constrained")
    for ax, table, title in zip(axes, (embedding, encoder), ("embedding $z$", "encoder $f(v)$"), strict=True):
        mean, least, most = table.mean(axis=1), table.min(axis=1), table.max(axis=1)
        ax.imshow(mean, vmin=0, vmax=1, aspect="auto")
        for (row, column), value in np.ndenumerate(mean):
            color = "white" if value > 0.4 else "black"
            span = f"{least[row, column]:.2f} to {most[row, column]:.2f}"
            ax.text(column, row - 0.12, f"{value:.2f}", ha="center", va="center", color=color, weight="bold")
            ax.text(column, row + 0.22, span, ha="center", va="center", color=color, fontsize=8)
        ax.set(xticks=range(len(factors)), xticklabels=factors, yticks=range(len(names)), yticklabels=names)
        ax.set(title=f"$R^2$ read from the {title}", xlabel="what is read")
        ax.grid(False)
    axes[0].set_ylabel("what views differ by")
    plt.show()


def two_noises(fig, signal, noise, noise_1=40, noise_2=9):
    """Pairs along axes 1 and 2 with the better axis (blue) and PCA's (olive), and the correlations of all six."""
    left, right = fig.subplots(1, 2)
    fig.subplots_adjust(left=0.07, right=0.98, bottom=0.16, top=0.87, wspace=0.2)
    noise = np.array([noise_1, noise_2, *noise[2:]])
    rho = signal / (signal + noise)
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((40, 2)) * np.sqrt(signal[:2])
    gaps = np.full((1, 40, 2), np.nan)
    ends = inputs + rng.standard_normal((2, 40, 2)) * np.sqrt(noise[:2])
    left.plot(*np.append(ends, gaps, axis=0).transpose(2, 1, 0).reshape(2, -1), color=GREY, lw=1)
    for axis, color, width in ((np.argmax((signal + noise)[:2]), cb.color("pca"), 8), (np.argmax(rho[:2]), BLUE, 4)):
        draw = left.axvline if axis else left.axhline
        draw(0, color=color, lw=width, alpha=0.8)
    left.set(xlim=(-20, 20), ylim=(-20, 20), xticks=[], yticks=[], xlabel="axis 1", ylabel="axis 2")
    left.set_title("pairs; the better axis, and PCA's")
    order = rho.argsort()[::-1]
    right.bar(range(6), rho[order], color=[BLUE] * 2 + [GREY] * 4)
    right.set(xticks=range(6), xticklabels=order + 1, xlabel="axis", ylabel="ρ", yticks=[0, 0.5, 1], ylim=(0, 1.02))
    right.set_title(f"σ²/λ: axis 1 {noise_1 / signal[0]:.2f}, axis 2 {noise_2 / signal[1]:.2f}")


def group(fig, spectra, groups, name):
    """The correlations under a group, and the average views of ten digits."""
    left, right = fig.subplots(1, 2, width_ratios=[1, 1.3])
    fig.subplots_adjust(left=0.09, right=0.98, bottom=0.16, top=0.87, wspace=0.08)
    rho = spectra[name]
    cb.plots.spectrum(left, rho, color=BLUE)
    left.set(xlim=(0, 65), ylim=(-0.05, 1.08), xticks=[1, 16, 32, 48, 64], yticks=[0, 0.5, 1])
    left.set(
        xlabel="direction, best first", ylabel="correlation ρ", title=f"{name}: {np.sum(rho > 0.5)} ones of {len(rho)}"
    )
    cb.plots.image_grid(right, np.mean([views[:10] for views in groups[name]], axis=0).reshape(10, 8, 8), columns=5)
    right.set_title("the average view of ten digits")


def cliff_and_slope(rho_group, rho_crops):
    """The correlations under a group fall at once, those under crops little by little."""
    _, ax = plt.subplots(figsize=(6, 3), layout="constrained")
    cb.plots.spectrum(ax, rho_group, color=BLUE)
    cb.plots.spectrum(ax, rho_crops, color=ORANGE)
    ax.text(18, 0.9, "quarter turns", color=BLUE)
    ax.text(22, rho_crops[20] + 0.04, "crops and small turns", color=ORANGE)
    ax.set(xlabel="direction, best first", ylabel="correlation ρ", title="A group makes a cliff, crops make a slope")
    plt.show()


def photographs(tiles, crop_flip, with_hue, cropped, recolored):
    """Six pairs of tiles under both augmentations, with the accuracy that each led to."""
    generator = torch.Generator().manual_seed(0)
    _, axes = plt.subplots(2, 1, figsize=(7.6, 2.7), layout="constrained")
    pairs = tiles.repeat_interleave(2, dim=0)
    for ax, views in zip(axes, (crop_flip, with_hue), strict=True):
        _tiles(ax, views(pairs, generator), columns=12, limits=(0, 1))
    axes[0].set_title(f"six pairs, crop and flip: accuracy {cropped.mean():.2f}")
    axes[1].set_title(f"random hue as well: {recolored.mean():.2f}")
    plt.show()


def own_views(fig, digits, measured, area=0.4, degrees=15, erased=0.0, grain=0.0):
    """Two views of eight digits by four strengths, and the accuracy of the nearest setting that was trained."""
    ax = fig.subplots()
    fig.subplots_adjust(left=0.02, right=0.98, bottom=0.03, top=0.86)
    augment = recipes.tiny_augmentation(area, degrees, erased, grain)
    _tiles(ax, augment(digits.repeat_interleave(2, dim=0), torch.Generator().manual_seed(0))[:, 0], columns=8)
    wanted, scales = np.array([area, degrees, erased, grain]), np.array([0.6, 60, 0.15, 0.5])
    distance = {name: sum(abs(np.array(strengths) - wanted) / scales) for name, (strengths, _) in measured.items()}
    nearest = min(distance, key=distance.get)
    ax.set_title(f'nearest augmentation that was trained: "{nearest}", accuracy {measured[nearest][1]:.2f}')
