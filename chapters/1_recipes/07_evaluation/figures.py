"""The drawings of the chapter on evaluation; ``ch.figures`` loads them."""

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.colors import to_rgb
from scipy.stats import spearmanr

import cookbook as cb
from replearn import evaluation
from replearn.papers import evaluation as world

MAIN, OTHER, MUTED, PALE, WRONG = cb.color("nt_xent"), cb.color("vicreg"), cb.color("pixels"), "#d5d9de", "#d55e00"


def gallery(pictures, labels, representation, queries, shown=8):
    """Each query, a gap, and the pictures nearest to it by cosine, in colour where the digit is another one."""
    rows = torch.as_tensor(representation)
    nearest = evaluation.retrieve(rows, rows[queries], shown + 1)[:, 1:]  # the nearest is the query itself
    ink = np.asarray(pictures, dtype=float).reshape(len(pictures), *pictures.shape[-2:])
    ink = ink / ink.max()
    tiles = []
    for query, row in zip(queries, nearest, strict=True):
        tiles += [_tinted(ink[query], False), np.ones((*ink[0].shape, 3))]
        tiles += [_tinted(ink[i], labels[i] != labels[query]) for i in row]
    return np.moveaxis(np.array(tiles), -1, 1)


def _tinted(picture, wrong):
    """A picture as black ink on white, or as white ink on orange."""
    ink, paper = (np.ones(3), np.array(to_rgb(WRONG))) if wrong else (np.full(3, 0.1), np.full(3, 0.94))
    return paper + picture[..., None] * (ink - paper)


def neighbours(pictures, labels, representations, queries):
    """For some queries the nearest pictures by each of several representations {title: rows}."""
    fig, axes = plt.subplots(1, len(representations), figsize=(9.2, 2.6), layout="constrained")
    fig.get_layout_engine().set(wspace=0.08)
    for ax, (title, rows) in zip(np.atleast_1d(axes), representations.items(), strict=True):
        cb.plots.image_grid(ax, gallery(pictures, labels, rows, queries), columns=10)
        ax.set_title(title)
    plt.show()


def geometry(fig, scene, power=-0.25, turn=0, constant=0.0):
    """The same pictures with rescaled, turned and shifted directions: some neighbours, and three scores."""
    pictures, labels, first, targets, queries = scene
    Z = _moved(first, power, turn, constant)
    knn = evaluation.knn_probe(Z[:1000], labels[:1000], Z[1000:], labels[1000:])
    with_ones = np.column_stack([Z, np.ones(len(Z))])
    outputs = with_ones[1000:] @ np.linalg.lstsq(with_ones[:1000], targets[:1000])[0]
    linear = np.mean(outputs.argmax(1) == labels[1000:])
    rank = evaluation.effective_rank(Z)
    left, right = fig.subplots(1, 2, width_ratios=[1.35, 1])
    fig.subplots_adjust(left=0.01, right=0.98, bottom=0.04, top=0.88, wspace=0.42)
    cb.plots.image_grid(left, gallery(pictures, labels, Z, queries), columns=10)
    left.set_title("the eight nearest; orange: another digit")
    shares, texts = [linear, knn, rank / Z.shape[1]], [f"{linear:.3f}", f"{knn:.3f}", f"{rank:.1f}"]
    right.barh([2, 1, 0], shares, color=[MUTED, "#22262b", OTHER], height=0.55)
    for height, share, text in zip([2, 1, 0], shares, texts, strict=True):
        right.text(share + 0.02, height, text, va="center", weight="bold")
    right.set_yticks([2, 1, 0], ["least squares", "k-NN", f"RankMe, of {Z.shape[1]}"])
    right.set(xlim=(0, 1.2), xticks=[], title="three scores")
    right.grid(False)


def _moved(first, power, turn, constant):
    """Directions to a power, then a turn of each pair of coordinates (degrees), then a constant added to all."""
    Z = world.rescale_directions(first, power)
    Z = Z * np.sqrt(Z.size / np.sum(Z**2))
    even = 2 * (Z.shape[1] // 2)
    left, right = Z[:, 0:even:2].copy(), Z[:, 1:even:2].copy()
    cosine, sine = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    Z[:, 0:even:2], Z[:, 1:even:2] = cosine * left - sine * right, sine * left + cosine * right
    return Z + constant


def sweep(values, runs, name, title):
    """RankMe and accuracy along one knob; a ring marks the network with the highest RankMe."""
    rank, accuracy, _ = runs.T
    pick = rank.argmax()
    fig, (left, right) = plt.subplots(1, 2, figsize=(8.8, 3.1), layout="constrained")
    for ax, heights, what in ((left, rank, "RankMe of the embeddings"), (right, accuracy, "low-shot accuracy")):
        color = OTHER if ax is left else MAIN
        ax.plot(heights, "o-", color=color)
        ax.plot(pick, heights[pick], "o", ms=14, mfc="none", mec="#22262b", mew=1.6)
        ax.set(xlabel=name, ylabel=what)
        ax.set_xticks(range(len(values)), [f"{value:g}" for value in values], fontsize=9)
        ax.margins(x=0.06, y=0.15)
    fig.suptitle(title, x=0.01, ha="left", weight="bold", fontsize=11.5)
    plt.show()


def sweeps(knobs):
    """Each knob's networks with their names, and both losses together: {name: (names, runs)}."""
    units = {"angle": "{}°", "τ": "τ = {}", "weight": "weight {}"}
    named = {knob: ([units[knob].format(x) for x in values], runs) for knob, (values, runs) in knobs.items()}
    (names, runs), (more_names, more_runs) = named["τ"], named["weight"]
    named["τ and weight"] = names + more_names, np.concatenate([runs, more_runs])
    return named


def included(fig, sweeps, chance, models="angle", first=1, number=4, measured_on="embeddings"):
    """RankMe against accuracy for the models that are included, and what unrelated scores of so many models do."""
    values, runs = sweeps[models]
    rank = runs[:, 0 if measured_on == "embeddings" else 2]
    accuracy = runs[:, 1]
    number = min(number, len(runs))
    chosen = min(first - 1, len(runs) - number) + np.arange(number)
    found = spearmanr(rank[chosen], accuracy[chosen]).statistic
    left, right = fig.subplots(1, 2, width_ratios=[1.5, 1])
    fig.subplots_adjust(left=0.09, right=0.98, bottom=0.16, top=0.88, wspace=0.22)
    left.plot(rank, accuracy, "o", color=PALE, ms=7)
    left.plot(rank[chosen], accuracy[chosen], "o", color=MAIN, ms=8)
    if " and " not in models:
        left.plot(rank, accuracy, color=PALE, lw=1, zorder=1)
    for i in {0, len(runs) - 1, chosen[0], chosen[-1]}:  # few labels, for speed
        left.annotate(values[i], (rank[i], accuracy[i]), (7, 5), textcoords="offset points", fontsize=9.5)
    left.margins(x=0.12, y=0.14)
    left.locator_params(nbins=4)
    left.set(xlabel=f"RankMe of the {measured_on}", ylabel="low-shot accuracy")
    sign = "+" if found > 0 else "−"
    left.set_title(f"Spearman {sign}{abs(found):.2f} over {len(chosen)} of {len(runs)} networks")
    unrelated = chance[len(chosen)]
    counts, edges = np.histogram(unrelated, np.linspace(-1.05, 1.05, 22))
    right.stairs(counts, edges, fill=True, color=PALE)
    right.axvline(found, color=MAIN)
    share = np.mean(np.abs(unrelated) > abs(found) - 1e-9)
    right.set(xlim=(-1.1, 1.1), xticks=[-1, 0, 1], yticks=[], xlabel="Spearman of unrelated scores")
    right.set_title(f"as far from 0: {share:.1%} of them")
    right.grid(False)


def readers(scores, budgets):
    """Accuracy against labels for three representations, one panel for each probe: {probe: {name: accuracies}}."""
    colors = {"pixels": "#22262b", "untrained": MUTED, "trained": MAIN}
    _, axes = plt.subplots(1, len(scores), figsize=(8.2, 3.2), sharey=True, layout="constrained")
    for ax, (probe, accuracies) in zip(axes, scores.items(), strict=True):
        for name, heights in accuracies.items():
            ax.plot(heights, "o-", color=colors[name])
            ax.text(-0.06, heights[0], f"{name} {heights[0]:.2f}", color=colors[name], va="center", ha="right")
            place = "top" if name == "untrained" else "bottom"  # the two lower ones end close to each other
            ax.text(1.05, heights[1], f"{heights[1]:.2f}", color=colors[name], va=place)
        ax.set_xticks(range(len(budgets)), [f"{n:,}" for n in budgets])
        ax.set(xlabel="labels", xlim=(-0.65, len(budgets) - 0.75), title=f"Read by {probe}")
    axes[0].set_ylabel("accuracy")
    plt.show()


def penalty(penalties, fitted, left_out, accuracy):
    """Left: the error with each picture left out; right: accuracy on the known and on new pictures, by penalty."""
    _, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3), layout="constrained")
    left.plot(penalties, left_out, "o-", color=OTHER)
    left.set(ylabel="mean squared error", title="Error with the picture left out")
    right.plot(penalties, fitted, "o-", color=MUTED)
    right.plot(penalties, accuracy, "o-", color=MAIN)
    right.text(penalties[0], fitted[0] - 0.06, "the 100 themselves", color=MUTED, va="top")
    right.text(penalties[0], accuracy[0] - 0.06, "new digits", color=MAIN, va="top")
    right.set(ylabel="accuracy", ylim=(0, 1.05), title="A perfect fit says nothing")
    for ax in (left, right):
        ax.set(xscale="log", xlabel="penalty ν", xticks=[1e-6, 1e-3, 1])
    plt.show()


def noise(fig, clean, noise, centres, classes, dimensions=32, amplitude=1.0):
    """The shares that RankMe and LiDAR see, with some directions of noise appended; k-NN as the judge."""
    views = np.concatenate([clean, amplitude * noise[..., :dimensions]], axis=2)
    first = views[:, 0]
    knn = evaluation.knn_probe(first[:150], classes[:150], first[150:], classes[150:])
    second_moment = centres.T @ centres / 10 + (0.5**2 + 0.3**2) * np.eye(8)
    between = np.cov(centres.T, bias=True) + (0.5**2 + 0.3**2 / 10) * np.eye(8)
    of_rank = np.append(np.linalg.eigvalsh(second_moment)[::-1] ** 0.5, np.full(dimensions, amplitude))
    of_lidar = np.append(np.linalg.eigvalsh(between)[::-1] / 0.3**2, np.full(dimensions, 0.1))
    axes = fig.subplots(1, 2)
    fig.subplots_adjust(left=0.09, right=0.98, bottom=0.15, top=0.88)
    for ax, parts, name in zip(axes, (of_rank, of_lidar), ("RankMe", "LiDAR"), strict=True):
        shares = parts / parts.sum()
        ax.stairs(shares, fill=True, color=OTHER)
        ax.set(xlim=(0, 72), ylim=(0, 0.45), xticks=[0, 36, 72], yticks=[0, 0.2, 0.4], xlabel="direction")
        ax.set_title(f"{name} {np.exp(-np.sum(shares * np.log(shares))):.1f}")
    axes[0].set_ylabel("share")
    axes[1].text(70, 0.4, f"k-NN accuracy {knn:.2f}", ha="right")


def spectrum(fig, gaussian, decay=1.0, samples=200):
    """A planted power law (dashed) and the spectrum of so many samples (dots)."""
    index = np.arange(1, gaussian.shape[1] + 1)
    z = gaussian[:samples] * index ** (-decay / 2)
    ax = fig.subplots()
    fig.subplots_adjust(left=0.1, right=0.97, bottom=0.16, top=0.88)
    ax.plot(np.log10(index), -decay * np.log10(index), "--", color=cb.color("theory"), lw=1)
    ax.plot(np.log10(index), np.log10(np.linalg.eigvalsh(np.cov(z.T))[::-1]), "o", color=OTHER)
    ax.set(xlabel="principal direction", ylabel="variance", ylim=(-6.3, 0.8))
    ax.set_xticks(np.log10([1, 3, 10, 30]), [1, 3, 10, 30])
    ax.set_yticks([-6, -4, -2, 0], ["10⁻⁶", "10⁻⁴", "0.01", "1"])
    ax.set_title(f"planted κ = {decay:.1f}, measured {evaluation.alpha_req(z):.2f}")


def value_map(values, rows, columns):
    """A table of accuracies, dark for the highest."""
    _, ax = plt.subplots(figsize=(6.2, 0.9 + 0.32 * len(rows)), layout="constrained")
    ax.imshow(values, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        ink = "white" if value > values.mean() else "black"
        ax.text(column, row, f"{value:.2f}", ha="center", va="center", color=ink)
    ax.set(xticks=range(len(columns)), xticklabels=columns, yticks=range(len(rows)), yticklabels=rows)
    ax.set_title("Each encoder (row) on each test set (column)")
    ax.grid(False)
    plt.show()


def maps(clouds, cloud, cloud_map, grain_map, found):
    """Three clouds and their t-SNE map, and the map of pure noise."""
    _, axes = plt.subplots(1, 3, figsize=(9, 3), layout="constrained")
    cb.plots.scatter(axes[0], clouds[:, :2], cloud, size=8)
    cb.plots.scatter(axes[1], cloud_map, cloud, size=8)
    cb.plots.scatter(axes[2], grain_map, found, size=8)
    for ax, title in zip(axes, ("Three clouds", "t-SNE of the clouds", "t-SNE of one cloud of noise"), strict=True):
        ax.set_title(title)
    plt.show()


def codes(fig, picture, share, size=8, kind="PCA"):
    """A picture and eight samples with its code, and where they vary."""
    samples = share(kind, size)
    left, right = fig.subplots(1, 2, width_ratios=[1.5, 1])
    fig.subplots_adjust(left=0.02, right=0.98, bottom=0.03, top=0.87, wspace=0.05)
    cb.plots.image_grid(left, np.clip([picture, *samples.x], 0, 1).reshape(9, 14, 14), columns=5)
    left.set_title("the picture, and eight with its code")
    right.imshow(samples.variance.reshape(14, 14), vmin=0, vmax=0.1)
    right.set_axis_off()
    right.set_title(f"variance; {samples.ignored:.0%} is ignored")


def retrieved(mnist, spaces):
    """Four digits and the eight nearest to them in each space, in orange where the digit is another one."""
    queries = [int((mnist.y_train == digit).nonzero()[2]) for digit in (3, 5, 8, 9)]
    pictures = (mnist.x_train[:, 0] - mnist.x_train.min()).numpy()
    titles = {}
    for name, rows in spaces.items():
        nearest = evaluation.retrieve(rows, rows[:2000], 9)[:, 1:]
        right = (mnist.y_train[nearest] == mnist.y_train[:2000, None]).double().mean()
        titles[f"Nearest by the {name}: {right:.0%} right"] = rows
    neighbours(pictures, mnist.y_train.numpy(), titles, queries)
