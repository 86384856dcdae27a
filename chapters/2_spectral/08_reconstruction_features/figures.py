"""The drawings of the chapter; ``ch.figures`` loads them."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.image import BboxImage
from matplotlib.transforms import Bbox, TransformedBbox

import cookbook as cb
from replearn.papers import reconstruction_features as world

OLIVE, INK, ROSE, GREY = (cb.color(key) for key in ("reconstruction", "theory", "jepa", "baseline"))


def question(shown, basis):
    """Images, and what a few principal directions rebuild of them."""
    _strips([shown, shown @ basis @ basis.T], ["image", f"from {basis.shape[1]} numbers"], 2)
    plt.title("Which digits are these?")
    plt.show()


def answer(shown, basis):
    """Images, what a few principal directions rebuild of them, and the rest with twice the contrast."""
    rebuilt = shown @ basis @ basis.T
    _strips(
        [shown, rebuilt, 2 * (shown - rebuilt)], ["image", f"from {basis.shape[1]} numbers", "what is left, × 2"], 2.9
    )
    plt.title("The digit is in what is left")
    plt.show()


def _strips(rows, labels, height):
    _, ax = plt.subplots(figsize=(7.8, height), layout="constrained")
    _rows(ax, rows, labels)


def _rows(ax, rows, labels):
    """Rows of flattened images of 14 x 14 pixels, each with its label."""
    cb.plots.image_grid(ax, np.concatenate(rows).reshape(-1, 14, 14), columns=len(rows[0]))
    for row, label in enumerate(labels):
        ax.text(-2, 7 + 15 * row, label, ha="right", va="center")


def courses(times, gains, law, chosen=(1, 2, 4, 6)):
    """Gains of some of 16 directions as descent goes on, and what the logistic law says of them."""
    _, ax = plt.subplots(figsize=(7.2, 3.2), layout="constrained")
    gains, times = np.array(gains), np.array(times)
    places = np.unique(np.searchsorted(times, np.geomspace(0.5, times[-1] * 0.999, 60)))
    for k in chosen:
        ax.plot(times, law[:, -k], color=INK, lw=1)
        ax.plot(times[places], gains[places, -k], "o", ms=4, color=OLIVE)
        ax.text(0.93 * np.interp(0.55, law[:, -k], times), 0.55, f"k = {k}", ha="right", color=INK)
    ax.set(xscale="log", xlim=(0.5, times[-1]), xlabel=r"time, in units of $1 / l_1$", ylabel=r"gain $g_k$")
    ax.set_title("Direction after direction")
    plt.show()


def queue(fig, shown, model, time):
    """The gains of all directions at one time, error and accuracy along the way, and images as they are rebuilt."""
    front, course = fig.subplots(2, 1)
    fig.subplots_adjust(left=0.05, right=0.54, bottom=0.14, top=0.91, hspace=0.75)
    gains = world.linear_autoencoder_flow(model["variances"] / model["variances"][0], time, 1e-6)
    front.fill_between(np.arange(1, 101), gains[:100], step="mid", color=OLIVE, alpha=0.5, lw=0)
    front.set(xlim=(0.5, 100), ylim=(0, 1), yticks=[0, 1], xticks=[1, 100])
    front.set(xlabel="direction k, largest variance first", title="gain of each direction")
    clock, now = np.log10(model["clock"]), np.log10(time)  # a linear axis with few ticks is drawn much faster
    labels = {"error": (OLIVE, 0, "{:.3f}"), "accuracy": (INK, 0.35, "{:.2f}")}
    for values, (name, (color, place, form)) in zip((model["errors"], model["reads"]), labels.items(), strict=True):
        here = np.interp(now, clock, values)
        course.plot(clock, values, color=color)
        course.plot(now, here, "o", color=color)
        label = f"{name} {form.format(here)}"
        course.text(place, 1.08, label, color=color, transform=course.transAxes, fontweight="bold")
    course.set(ylim=(-0.03, 1.03), yticks=[0, 1], xlim=(0, 5), xlabel=r"time, in units of $1 / l_1$")
    course.set_xticks([0, 2, 4], ["1", "100", "10,000"])
    w = model["directions"]
    canvas = np.full((38, 3 * 15 - 1), np.nan)
    for row, images in enumerate((shown, shown @ w * gains @ w.T)):
        for column, image in enumerate(images.reshape(-1, 14, 14)):
            canvas[24 * row : 24 * row + 14, 15 * column : 15 * column + 14] = image
    place = TransformedBbox(Bbox.from_bounds(0.58, 0.07, 0.41, 0.76), fig.transFigure)
    pictures = BboxImage(place, cmap="gray", origin="upper", interpolation="nearest")  # an image without axes: faster
    pictures.set_data(canvas)
    pictures.set_clim(shown.min(), shown.max())  # one scale of grey for both rows
    course.add_artist(pictures).set_clip_on(False)
    for height, label in ((0.86, "image (always)"), (0.38, f"rebuilt at time {time:.3g}")):
        course.text(0.58, height, label, fontweight="bold", transform=fig.transFigure)


def room(fig, pca, guided, examples, K, waves):
    """Accuracy against the number of features for two encoders, with their errors, for one number of waves."""
    pictures, ax = fig.subplots(1, 2, width_ratios=[1, 2.6])
    fig.subplots_adjust(left=0.01, right=0.71, bottom=0.15, top=0.89, wspace=0.25)
    cb.plots.image_grid(pictures, examples[waves], columns=2)
    pictures.set_title(f"{waves} waves" if waves else "no background")
    here = {}
    for name, table, color in (("labels", guided[waves], INK), ("PCA", pca[waves], OLIVE)):
        ax.plot(list(table), [read for read, _ in table.values()], color=color)
        ax.plot(K, table[K][0], "o", ms=9, color=color)
        here[name] = *table[K], color
    lift = max(0, 0.17 - abs(here["labels"][0] - here["PCA"][0])) / 2
    for name, shift in (("labels", lift), ("PCA", -lift)):
        read, error, color = here[name]
        label = "asked for labels" if name == "labels" else "PCA"
        ax.text(66, max(read + shift, 0.06), f"{label}\n{read:.2f}, error {error:.3f}", color=color, va="center")
    if waves:
        ax.axvline(waves, color=GREY, ls=":")
        ax.text(waves + 0.6, 0.02, "as many as waves", color=cb.color("chance"))
    ax.set(xlim=(3, 65), ylim=(0, 0.9), xlabel="number of features K", ylabel="accuracy of a linear probe")
    ax.set(xticks=[4, 16, 32, 48, 64], yticks=[0, 0.4, 0.8])
    ax.set_title(f"{K} features")


def paints(x, encoders):
    """What each feature of some encoders is made of: its covariance with every pixel."""
    _, axes = plt.subplots(1, len(encoders), figsize=(8.6, 3), layout="constrained")
    for ax, (name, encoder) in zip(axes, encoders.items(), strict=True):
        pictures = (x.T @ (x @ encoder)).T
        pictures = pictures / abs(pictures).max(axis=1, keepdims=True)
        cb.plots.image_grid(ax, pictures.reshape(-1, 14, 14), columns=4)
        ax.set_title(name)
    plt.show()


def cuts(lost, accuracies):
    """Accuracy from the top and from the rest of the variance, wherever it is cut, in two worlds."""
    _, axes = plt.subplots(1, 2, figsize=(8.6, 3.3), sharey=True, layout="constrained")
    for ax, (title, (tops, rests)) in zip(axes, accuracies.items(), strict=True):
        ax.semilogx(lost, tops, "o-", ms=4, color=OLIVE)
        ax.semilogx(lost, rests, "o-", ms=4, color=INK)
        ax.set(xlim=(0.6, 0.0009), ylim=(0, 0.95), xlabel="share of the variance left by the top part", title=title)
        ax.set_xticks([0.1, 0.01, 0.001], ["0.1", "0.01", "0.001"])
    axes[0].text(0.5, 0.74, "the rest", color=INK)
    axes[0].text(0.5, 0.17, "top part", color=OLIVE)
    axes[0].set_ylabel("accuracy of a linear probe")
    plt.show()


def cut(fig, shown, parts, left):
    """Three rows of images, cut where a share of the variance is left, with the accuracy from either part."""
    ax = fig.subplots()
    fig.subplots_adjust(left=0.18, right=0.99, bottom=0.01, top=0.88)
    basis, top, rest = parts[left]
    rebuilt = shown @ basis @ basis.T
    _rows(ax, [shown, rebuilt, 2 * (shown - rebuilt)], ["image", f"top: {top:.2f}", f"rest × 2: {rest:.2f}"])
    ax.set_title(f"{basis.shape[1]} directions of 196, and accuracies")


def starts(clock, runs, untrained):
    """Error and accuracy along the time of training for two starts, and what a probe that rescales would read."""
    _, axes = plt.subplots(1, len(runs), figsize=(8.8, 3.1), sharey=True, layout="constrained")
    for ax, (title, (errors, reads)) in zip(axes, runs.items(), strict=True):
        ax.semilogx(clock, errors, color=OLIVE)
        ax.semilogx(clock, reads, color=INK)
        ax.axhline(untrained, color=INK, ls="--", lw=1)
        ax.set(ylim=(0, 1.02), xlabel=r"time, in units of $1 / l_1$", title=title)
    axes[0].text(9, 0.93, "error", color=OLIVE)
    axes[0].text(1.3, 0.08, "accuracy", color=INK)
    axes[0].text(1.3, untrained - 0.09, "rescaled", color=INK)
    plt.show()


def roads(fig, found, K):
    """Accuracy against the error of reconstruction along the weight of the pixels, for labels and for nonsense."""
    ax = fig.subplots()
    fig.subplots_adjust(left=0.1, right=0.97, bottom=0.16, top=0.88)
    for name, color in (("shuffled labels", GREY), ("labels", INK)):
        errors, reads = np.transpose(found[name, K])
        ax.plot(errors, reads, "o-", ms=4, color=color)
    ax.plot(errors[0], reads[0], "o", ms=9, color=OLIVE)
    ax.annotate("PCA", (errors[0], reads[0]), (8, -12), textcoords="offset points", color=OLIVE)
    ax.text(0.975, 0.93, "asked for labels", color=INK, ha="right", transform=ax.transAxes)
    ax.text(0.975, 0.06, "asked for shuffled labels", color=cb.color("chance"), ha="right", transform=ax.transAxes)
    ax.set(
        ylim=(0, 0.95),
        xlim=(0, 1.1 * max(errors)),
        xlabel="share of the variance lost",
        ylabel="accuracy of a linear probe",
    )
    ax.set_title(f"{K} features: each point is a weight of the pixels")


def masks(fig, table, dims, examples, lottery, data, patch, hide):
    """Masked images of one kind, and the accuracy against the number of features with that mask and with PCA."""
    pictures, ax = fig.subplots(1, 2, width_ratios=[1, 1.6])
    fig.subplots_adjust(left=0.02, right=0.84, bottom=0.17, top=0.87, wspace=0.25)
    kept = lottery[:, ::patch, ::patch].repeat(patch, axis=1).repeat(patch, axis=2) > hide
    cb.plots.image_grid(pictures, kept * examples[data], columns=2)
    plain, masked = table[data, patch, 0], table[data, patch, hide]
    places = range(len(dims))
    ax.plot(places, plain, color=OLIVE)
    ax.plot(places, masked, "o-", color=ROSE)
    lift = max(0, 0.08 - abs(masked[-1] - plain[-1])) / 2 * (1 if masked[-1] >= plain[-1] else -1)
    ax.text(len(dims) - 0.85, masked[-1] + lift, "masked", color=ROSE, va="center")
    ax.text(len(dims) - 0.85, plain[-1] - lift, "PCA", color=OLIVE, va="center")
    ax.set(ylim=(0, 0.95), xlabel="number of features K", ylabel="accuracy of a linear probe")
    ax.set_xticks(places, dims)
    at = dims.index(16)
    ax.set_title(f"16 features: {masked[at]:.2f}, PCA {plain[at]:.2f}")


def alignment(fig, kept, amplitude):
    """The share of the digit that the first features keep, at one loudness of the background and at the others."""
    ax, here = fig.subplots(), kept[amplitude]
    fig.subplots_adjust(left=0.09, right=0.98, bottom=0.17, top=0.87)
    ax.plot(np.arange(1, 65), np.transpose(list(kept.values())), color="#d5d9de", lw=1)
    ax.plot(np.arange(1, 65), here, color=OLIVE)
    ax.set(ylim=(0, 1), xticks=[1, 8, 16, 32, 64], xlabel="number of features K", ylabel="share of the digit kept")
    ax.set_title(f"8 features keep {here[7]:.0%}, 16 keep {here[15]:.0%}")
