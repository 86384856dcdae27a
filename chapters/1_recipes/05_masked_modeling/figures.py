"""The drawings of the chapter on masked modelling; ``ch.figures`` loads them."""

import matplotlib.pyplot as plt
import numpy as np
import torch

import cookbook as cb
from replearn.data import random_mask
from replearn.evaluation import effective_rank
from replearn.models import vit_flops
from replearn.papers.masked_modeling import gaussian_reconstruction, one_block, split_pixels

MAIN, BLOCK, TRUTH, PALE = cb.color("mae"), cb.color("jepa"), cb.color("theory"), "#d5d9de"
HOLE = np.array([0.66, 0.81, 0.9])  # the blue of what is hidden


def picture(image, hidden=(), top=None):
    """A digit as grey values in colour (14, 14, 3), the hidden pixels blue."""
    image = np.asarray(image, dtype=float).ravel()
    low, top = image.min(), top or image.max()
    colored = np.repeat(np.clip((image - low) / (top - low), 0, 1)[:, None], 3, axis=1)
    colored[np.asarray(hidden, dtype=int)] = HOLE
    return colored.reshape(14, 14, 3)


def _row(ax, images, titles=(), gap=3):
    """Paint pictures in a row, with words above."""
    canvas = np.ones((14, len(images) * (14 + gap) - gap, 3))
    for place, image in enumerate(images):
        canvas[:, place * (14 + gap) : place * (14 + gap) + 14] = image
    ax.imshow(canvas, interpolation="nearest")
    for place, words in enumerate(titles):
        ax.text(place * (14 + gap) + 6.5, -1.2, words, ha="center", va="bottom", fontsize=9)
    ax.set_axis_off()


def games(digit, masks):
    """One digit under several masks."""
    _, ax = plt.subplots(figsize=(8.6, 2), layout="constrained")
    splits = [split_pixels(mask, 2, (14, 14))[0] for mask in masks]
    titles = [f"{len(hidden) / 1.96:.0f} % hidden" for _, hidden in splits[:-1]] + ["51 %, one block"]
    _row(ax, [picture(digit, hidden) for _, hidden in splits], titles)
    ax.set_title("Which of these could you complete?", pad=22)
    plt.show()


def look_alikes(new, known, hidden):
    """A new digit with holes, and known digits that agree with it outside the holes; the holes tinted."""
    _, ax = plt.subplots(figsize=(8.6, 1.9), layout="constrained")
    top = float(new.max())
    tinted = []
    for image in known[:5]:
        pixels = picture(image, top=top).reshape(196, 3)
        pixels[hidden] = 0.6 * pixels[hidden] + 0.4 * HOLE
        tinted.append(pixels.reshape(14, 14, 3))
    _row(ax, [picture(new, hidden), *tinted], ["what you see", "", "", "five look-alikes"])
    ax.set_title("All of them fit what you see", pad=22)
    plt.show()


def fillings(truth, guess, average, hidden):
    """The linear guess and the average of ten look-alikes in the holes of a digit, beside the truth."""
    _, ax = plt.subplots(figsize=(6.4, 2.1), layout="constrained")
    shown = []
    for filling in (guess, average):
        image = np.array(truth, dtype=float)
        image[hidden] = np.maximum(filling, truth.min())
        shown.append(picture(image, top=float(truth.max())))
    titles = ["what you see", "linear guess", "ten look-alikes", "truth"]
    _row(ax, [picture(truth, hidden), *shown, picture(truth)], titles)
    ax.set_title("Both guesses are blurs", pad=22)
    plt.show()


SIZES = {1: "1 × 1", 2: "2 × 2", 7: "7 × 7"}


def game(fig, digit, mean, covariance, curves, in_block, ratio=0.5, patch=2, shape="scattered"):
    """A digit with holes, its linear guess and the truth; and how much is restored, against the mask ratio."""
    left, right = fig.subplots(1, 2, width_ratios=[1.75, 1])
    fig.subplots_adjust(left=0.01, right=0.98, bottom=0.18, top=0.86, wspace=0.13)
    side, generator = 14 // patch, torch.Generator().manual_seed(5)
    draw = one_block if shape == "one block" else random_mask
    seen, hidden = split_pixels(draw(1, (side, side), generator, ratio=ratio), patch, (14, 14))[0]
    r2, guess = gaussian_reconstruction(covariance, seen, hidden, digit, ridge=0.01)
    truth = (digit + mean).numpy()
    filled = truth.copy()
    filled[hidden] = np.maximum(guess + mean[hidden].numpy(), truth.min())
    images = [picture(truth, hidden), picture(filled, top=truth.max()), picture(truth)]
    _row(left, images, ["seen", "linear guess", "truth"], gap=2)
    left.set_title(f"{len(hidden) / 1.96:.0f} % hidden: R² of this mask {r2:.2f}", pad=22)
    for size, points in curves.items():
        color = MAIN if size == patch else PALE
        right.plot(list(points), list(points.values()), "o-", color=color, ms=4)
        first = min(points)
        right.text(first - 0.03, points[first], SIZES[size], color=color, va="center", ha="right", fontsize=9)
    right.plot(25 / 49, in_block, "s", color=BLOCK, ms=6)
    right.text(25 / 49 - 0.03, in_block - 0.02, "2 × 2, one block", color=BLOCK, ha="right", va="center", fontsize=9)
    right.plot(len(hidden) / 196, r2, "o", ms=11, color=BLOCK if shape == "one block" else MAIN)
    right.set(xlim=(-0.14, 1), ylim=(-0.05, 0.9), xticks=[0, 0.5, 1], yticks=[0, 0.5], xlabel="mask ratio r")
    right.set_title("Mean R², by size of patch")


SCATTERED = [8, 10, 12, 22, 24, 26, 36, 38, 40]  # every second patch of every second row


def weights(covariance, block, target=90):
    """What each seen pixel adds to the guess of one hidden pixel, weight times deviation; hidden pixels are grey."""
    fig, axes = plt.subplots(1, 2, figsize=(6.6, 3.2), layout="constrained")
    place = torch.arange(196)
    patch_of = place // 28 * 7 + place % 14 // 2
    hidden_patches = {"nine single patches hidden": SCATTERED, "half hidden, one block": block.masked[0].tolist()}
    for ax, (title, patches) in zip(axes, hidden_patches.items(), strict=True):
        seen = place[~torch.isin(patch_of, torch.tensor(patches))]
        unit = torch.eye(196, dtype=torch.float64)
        row = gaussian_reconstruction(covariance, seen, [target], unit, ridge=0.01).mean[:, 0]
        shown = np.full(196, np.nan)
        shown[seen] = (row * covariance.diagonal().sqrt().numpy())[seen]
        drawn = ax.imshow(shown.reshape(14, 14), cmap="cookbook_diverging", vmin=-0.4, vmax=0.4)
        ax.plot(target % 14, target // 14, "x", color=TRUTH, ms=9, mew=2)
        ax.set(xticks=[], yticks=[], title=title, facecolor="#b9bec5")
        ax.grid(False)
    fig.colorbar(drawn, ax=axes, label="weight × deviation", shrink=0.8)
    plt.show()


GAMES = {0: ("nothing hidden", "baseline"), 0.25: ("a quarter", "mae"), 0.9: ("nine tenths", "jepa")}


def lessons(paths, raw):
    """Left: accuracy along training for three games; right: accuracy at the end against the mask ratio."""
    _, (left, right) = plt.subplots(1, 2, figsize=(8.8, 3.5), width_ratios=[1.3, 1], layout="constrained", sharey=True)
    steps = 50 * np.arange(7)
    for share, (name, key) in GAMES.items():
        color = TRUTH if share == 0 else cb.color(key)
        left.plot(steps, paths[share].T, color=color, lw=1, alpha=0.4)
        left.plot(steps, paths[share].mean(0), color=color)
        left.text(305, paths[share][:, -1].mean(), name, color=color, va="center")
    ends = {share: path[:, -1] for share, path in sorted(paths.items())}
    right.plot(list(ends), list(ends.values()), "o", color=MAIN, ms=4)
    right.plot(list(ends), [end.mean() for end in ends.values()], color=MAIN)
    for ax in (left, right):
        ax.axhline(raw, color=cb.color("baseline"), ls="--", lw=1)
    left.text(395, raw - 0.003, "raw pixels", color=cb.color("baseline"), va="top", ha="right")
    left.set(xlim=(0, 400), xticks=[0, 100, 200, 300], xlabel="steps", ylabel="low-shot accuracy")
    left.set_title("Copying fades, hiding goes on")
    right.set(xlabel="mask ratio r (0: nothing hidden)", xticks=[0, 0.25, 0.5, 0.75, 0.9], title="After 300 steps")
    plt.show()


def compute(fig, ratio=0.75, side=14):
    """Operations of MAE's ViT-L, relative to an encoder that also gets a token for every hidden patch."""
    ax = fig.subplots()
    fig.subplots_adjust(left=0.1, right=0.8, bottom=0.17, top=0.87)
    L, grid = side**2, np.append(np.linspace(0, 0.95, 39), ratio)
    full, decoder = vit_flops(L, 1024, 24, mlp_ratio=4), vit_flops(L, 512, 8, mlp_ratio=4)
    encoder = vit_flops(L * (1 - grid), 1024, 24, mlp_ratio=4)
    whole = (encoder + decoder) / (full + decoder)
    ax.plot([0, 1], [1, 0], "--", color=TRUTH, lw=1)
    for values, name, shade in ((encoder / full, "encoder alone", PALE), (whole, "with decoder", MAIN)):
        ax.plot(grid[:-1], values[:-1], color=shade)
        ax.plot(ratio, values[-1], "o", ms=10, color=shade)
        ax.text(0.98, values[-2], name, color="#8a9099" if shade == PALE else shade, va="center")
    ax.set(xlim=(0, 0.97), ylim=(0, 1.05), xticks=[0.25, 0.5, 0.75], yticks=[0, 0.5, 1])
    ax.set(xlabel="mask ratio r", ylabel="operations, relative")
    ax.set_title(f"{L} patches, {ratio:.0%} hidden: {1 / whole[-1]:.1f} times cheaper as a whole")


def fills(images, mean, splits, by_linear, by_vit):
    """The first digit of ten masks: what is seen, what a matrix and a Transformer paint into the holes, the truth."""
    truth = images[: 100 * len(splits) : 100][:10].flatten(1)
    rows = {name: truth.clone() for name in ("seen", "matrix", "Transformer", "truth")}
    for place, (_, hidden) in enumerate(splits[:10]):
        rows["seen"][place, hidden] = 1.0
        rows["matrix"][place, hidden] = (by_linear[place][0] + mean[hidden]).float()
        rows["Transformer"][place, hidden] = (by_vit[place][0] + mean[hidden]).float()
    _, ax = plt.subplots(figsize=(7.6, 3.3), layout="constrained")
    cb.plots.image_grid(ax, torch.cat(list(rows.values())).view(-1, 28, 28).clip(-0.5, 2.9), columns=10)
    for place, words in enumerate(rows):
        ax.text(-2, 29 * place + 14, words, ha="right", va="center", fontsize=9)
    ax.set_title("What is painted into the holes")
    plt.show()


def shared(fig, covariance, ratio=0.5):
    """Spectrum and leading directions of what one matrix for all masks explains."""
    left, right = fig.subplots(1, 2, width_ratios=[1.2, 1])
    fig.subplots_adjust(left=0.1, right=0.98, bottom=0.19, top=0.86, wspace=0.08)
    explained = explained_covariance(covariance, ratio)
    variances, directions = np.linalg.eigh(explained)
    left.semilogy(np.arange(1, 101), variances[:-101:-1].clip(1e-9), color=MAIN)
    left.set(xlim=(0, 100), ylim=(1e-4, 40), xlabel="direction", ylabel="explained variance")
    left.set_title(f"r = {ratio:.2f}: effective rank {effective_rank(explained):.1f}")
    cb.plots.image_grid(right, directions[:, :-13:-1].T.reshape(12, 14, 14), columns=4)
    right.set_title("the first twelve directions")


def explained_covariance(covariance, ratio, patch=2):
    """Covariance of the predictions of the best single matrix, patches of 14 x 14 images hidden with chance ratio."""
    place = np.arange(14) // patch
    patch_of = (place[:, None] * (14 // patch) + place).ravel()
    kept = 1 - ratio
    S = np.asarray(covariance)
    zeroed = S * np.where(patch_of[:, None] == patch_of, kept, kept**2) + 1e-6 * np.eye(196)
    return kept**2 * S @ np.linalg.solve(zeroed, S)


def hardness(scores, levels):
    """Accuracy against R² for several games."""
    _, ax = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
    for name, (r2, accuracy) in scores.items():
        color = BLOCK if "block" in name else MAIN
        ax.plot(np.full(len(accuracy), r2), accuracy, "o", color=color, ms=7)
        side, shift = ("right", -9) if name == "four fifths" else ("left", 9)  # its neighbour is to the right
        place = {"xytext": (shift, 0), "textcoords": "offset points", "ha": side, "va": "center"}
        ax.annotate(name, (r2, np.mean(accuracy)), **place, color=color)
    for name, level in levels.items():
        ax.axhline(level, color=cb.color("baseline"), ls="--", lw=1)
        ax.text(0.98, level + 0.003, name, color=cb.color("baseline"), ha="right", transform=ax.get_yaxis_transform())
    ax.set(xlim=(0.2, 0.75), ylim=(0.7, 0.87), xlabel="R² of the linear guess", ylabel="low-shot accuracy")
    ax.set_title("Equally hard, not equally good")
    plt.show()


def collapse(paths, every):
    """Loss and spread of features along training, for several kinds of target."""
    _, axes = plt.subplots(1, 2, figsize=(8.8, 3.4), layout="constrained")
    shades = [TRUTH, cb.color("byol"), cb.color("jepa"), cb.color("baseline")]
    for column, (ax, label) in enumerate(zip(axes, ["loss", "spread of the features"], strict=True)):
        ends = {name: path[:, -1, column].mean() for name, path in paths.items()}
        top, low = max(path[:, :, column].max() for path in paths.values()), min(ends.values())
        gap, height = (top / low) ** 0.07, np.inf  # between two labels, as a factor: the axis is logarithmic
        for shade, name in sorted(zip(shades, paths, strict=True), key=lambda pair: -ends[pair[1]]):
            curve = paths[name][:, :, column].mean(0)
            ax.plot(every * np.arange(len(curve)), curve, color=shade)
            height = min(ends[name], height / gap)
            ax.text(every * (len(curve) - 1) + 2, height, name, color=shade, va="center", fontsize=9)
        ax.set(xlim=(0, 1.7 * every * (len(curve) - 1)), yscale="log", xlabel="step", ylabel=label)
        ax.set_xticks([0, 20, 40, 60])
        ax.minorticks_off()
    axes[0].set_title("The lowest loss ...")
    axes[1].set_title("... belongs to a point")
    plt.show()
