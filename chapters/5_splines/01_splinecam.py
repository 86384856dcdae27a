# ---
# jupyter:
#   cookbook:
#     title: SplineCam
#     promise: Compute every linear piece of a network on a plane, its exact decision boundary included, and watch training move the pieces.
#     papers: [humayun2023splinecam]
#     needs: []
#     minutes: 25
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # SplineCam
#
# After this chapter you can compute every linear piece of a network on a plane of its input space, exactly; read off the affine map of
# each piece; sample points that lie *on* the decision boundary; and say where training spends the pieces.

# %% tags=["parameters"]
scale = "toy"
seed = 0

# %%
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.collections import LineCollection
from skimage.measure import find_contours
from torch import nn

import cookbook as cb
from replearn import data, splines
from replearn.models import mlp
from replearn.papers.splinecam import arrangement_count

ch = cb.Chapter("splinecam", scale=scale, seed=seed)

# %% [markdown]
# ## The question
#
# What does the function that a network computes *look like*? The usual answer is to evaluate it on a grid of points and colour the
# pixels. But a network of linear layers and ReLUs, $a(t) = \max(t, 0)$, is something much simpler than a cloud of pixels: wherever no
# unit changes its mind, every ReLU is either the identity or zero, and the whole network is **one affine map** $x \mapsto Ax + c$. Its
# input space is cut into convex pieces, and it is a different affine map in each: a mosaic, or in the language of numerical analysis a *spline*.
#
# So a network can be drawn exactly, piece by piece. Here is one with three hidden layers of 32 units, trained to tell two moons apart.


# %%
def descend(adam, loss):
    adam.zero_grad()
    loss.backward()
    adam.step()


def train(net, x, y, steps=400, keep=lambda step: None):
    adam = torch.optim.Adam(net.parameters(), lr=1e-2)
    for step in range(steps):
        keep(step)
        descend(adam, nn.functional.cross_entropy(net(x), y))
    keep(steps)
    return net


# %%
def moons(seed):
    x, y = data.two_moons(400, noise=0.08, seed=seed)
    return (x - x.mean(0)) / x.std(0), y


def new_net(widths, seed, activation=nn.ReLU):
    torch.manual_seed(seed)
    return mlp(widths, activation, bias_std=0.3, dtype=torch.float64)


def square(half, centre=(0.0, 0.0)):
    return torch.tensor(centre) + half * torch.tensor([[-1, -1], [1, -1], [1, 1], [-1, 1]], dtype=torch.float64)


def grid(n):
    line = (torch.arange(n, dtype=torch.float64) + 0.5) / n * 2 - 1
    return torch.cartesian_prod(line, line)


# %%
def colour_limits(partition, half):
    steepness = partition.norms().log10()[partition.locate(half * grid(60))]
    return steepness.quantile(0.02).item(), steepness.quantile(0.98).item()


def draw_partition(ax, partition, boundary, shift=0.0, **options):
    polygons = [polygon - shift for polygon in partition.polygons()]
    drawn = cb.plots.polygons(ax, polygons, partition.norms().log10(), **options)
    ax.add_collection(LineCollection(boundary.numpy() - shift, colors="C1", linewidths=2.4, capstyle="round"))
    ax.set_axis_off()
    return drawn


def draw_points(ax, x, y):
    for label, colour in enumerate(["C4", "white"]):
        ax.plot(*x[y == label].T, "o", ms=2.8, mew=0.4, color=colour, mec="#22262b")


# %%
x, y = moons(ch.seed)
moon_net = train(new_net([2, 32, 32, 32, 2], ch.seed), x, y)
mosaic = splines.partition_2d(moon_net, square(3), with_patterns=True)
segments = splines.decision_boundary_2d(mosaic)

fig, ax = plt.subplots(figsize=(4.3, 3.5), layout="constrained")
drawn = draw_partition(ax, mosaic, segments, limits=colour_limits(mosaic, 3), width=0.2)
draw_points(ax, x[::2], y[::2])
fig.colorbar(drawn, shrink=0.75, label=r"steepness of the piece, $\log_{10}\|A\|$")
ax.set_title(f"A trained network is a mosaic of {len(mosaic):,} pieces")
plt.show()

# %% [markdown]
# *Look at the tiles, then at the orange line.* Each tile is one affine map, and darker tiles are steeper. Steep tiles follow the boundary, where the network has to
# turn from one class to the other; tiles are small around the moons and large far away. The orange line is the exact decision boundary: straight inside each tile,
# it bends only where it enters the next. Neither the tiles nor the line were found on a grid of points.

# %% [markdown]
# ## The mathematics
#
# **A slice.** The input space has $D$ dimensions and a picture has two, so choose a plane: $x = o + Bu$ with an origin $o \in \mathbb R^D$,
# a matrix $B \in \mathbb R^{D \times 2}$ with orthonormal columns (then areas in the picture are true areas) and plane coordinates $u$ in a convex polygon $P \subset \mathbb R^2$.
# For the moons $D = 2$, $o = 0$, $B = I$.
#
# **A network.** Layer $l$ has weights $W^l$ and biases $b^l$. It turns the output $z^{l-1}$ of the layer before it (with $z^0 = x$) into
# pre-activations $h^l$ and outputs $z^l$,
#
# $$ h^l = W^l z^{l-1} + b^l, \qquad z^l = a(h^l), \qquad a(t) = t \text{ for } t > 0, \quad a(t) = \eta\, t \text{ otherwise,} $$
#
# with slope $\eta = 0$ for ReLU, $0.01$ or $0.1$ for leaky ReLU and $-1$ for the absolute value.
#
# **Patterns and maps.** The *activation pattern* $q(x)$ lists the signs of all pre-activations. Fix it, and each activation is a multiplication by
# the diagonal matrix $Q^l$ of slopes ($1$ or $\eta$). The network is then affine in $u$, $z^l = A^l u + c^l$, and its map follows layer by layer:
#
# $$ A^0 = B,\quad c^0 = o, \qquad A^l = Q^l W^l A^{l-1}, \quad c^l = Q^l (W^l c^{l-1} + b^l) . $$
#
# **Regions.** Where the pattern of the layers before $l$ is fixed, unit $k$ of layer $l$ has
# the pre-activation $(W^l A^{l-1} u + W^l c^{l-1} + b^l)_k$, affine in $u$: it changes sign on a straight line. A set of fixed signs is an intersection of
# half-planes, hence one convex polygon: **one pattern, one region.** That gives an algorithm. Start with the polygon $P$ and, layer by layer, let every unit cut every region that its line crosses.
#
# **How many?** In one layer all lines run through the whole of $P$. Add them one at a time: a line that meets $P$ adds one region, and one more for each line it crosses inside $P$. With
# $L$ lines that meet $P$ and $X$ crossings inside it (no three lines in one point),
#
# $$ \#\text{regions} = 1 + L + X . $$

# %% [markdown]
# ## From scratch
#
# The algorithm needs one tool, a pair of scissors: cut a convex polygon along a line $\{u : \alpha u_1 + \beta u_2 + \gamma = 0\}$.


# %%
def halves(polygon, line):
    value = polygon @ line[:2] + line[2]
    if value.max() <= 1e-12 or value.min() >= -1e-12:
        return [polygon]
    parts = {True: [], False: []}
    for here, v, there, w in zip(polygon, value, np.roll(polygon, -1, 0), np.roll(value, -1), strict=True):
        parts[v > 0].append(here)
        if (v > 0) != (w > 0):
            crossing = here + v / (v - w) * (there - here)
            parts[True].append(crossing)
            parts[False].append(crossing)
    return [np.array(part) for part in parts.values()]


# %% [markdown]
# The rest is the recursion above. A region is a polygon with its map, three rows: the derivative by $u_1$, by $u_2$, and the constant.


# %%
def fold(polygon, rows):
    pieces = [polygon]
    for line in rows.T:
        pieces = [half for piece in pieces for half in halves(piece, line)]
    return [(piece, rows * (np.append(piece.mean(0), 1) @ rows > 0)) for piece in pieces]


def relu_regions(net, polygon):
    regions = [(polygon, np.eye(3)[:, :2])]
    for layer in net:
        if isinstance(layer, nn.Linear):
            W, b = layer.weight.detach().numpy(), layer.bias.detach().numpy()
            regions = [(polygon, rows @ W.T + np.outer([0, 0, 1], b)) for polygon, rows in regions]
        else:
            regions = [piece for polygon, rows in regions for piece in fold(polygon, rows)]
    return regions


# %% [markdown]
# The library does the same with all regions at once, and for convolutions, batch normalisation, skip connections and max-pooling too. The two must agree in every region and every map.

# %%
small = new_net([2, 16, 16, 2], ch.seed)
by_hand = relu_regions(small, square(3).numpy())
by_library = splines.partition_2d(small, square(3))

middles = torch.tensor(np.array([polygon.mean(0) for polygon, _ in by_hand]))
where = by_library.locate(middles)
maps = torch.tensor(np.array([rows for _, rows in by_hand]))
assert len(by_hand) == len(by_library) == len(where.unique())
torch.testing.assert_close(by_library.maps[where], maps, rtol=0, atol=1e-12)
print(len(by_hand), "regions, the same maps in each")

# %% [markdown]
# The heart of the library's version is its scissors, which cut thousands of polygons in one sweep. Values of units that have
# still to cut travel with the vertices and are interpolated at the crossings, which is exact because they are affine.

# %%
cb.show_source(splines.split.split_batch)

# %% [markdown]
# ## The theorem, tested
#
# **Exact cover.** If the partition is exact, the areas of the regions sum to that of the square, no two regions share a pattern, and no grid, however
# fine, finds a pattern that the partition has not. We test four kinds of network.

# %%
widths = [2, 40, 40, 40, 3]
blocks = [splines.Residual(nn.Sequential(nn.Linear(16, 16), nn.ReLU())) for _ in range(3)]
nets = {
    "ReLU": new_net(widths, ch.seed),
    "leaky ReLU": new_net(widths, ch.seed, partial(nn.LeakyReLU, 0.01)),
    "absolute value": new_net(widths, ch.seed, splines.Abs),
    "residual": nn.Sequential(nn.Linear(2, 16), *blocks, nn.Linear(16, 3)).double(),
}
partitions = {name: splines.partition_2d(net, square(1), with_patterns=True) for name, net in nets.items()}
checks = [partition.check() for partition in partitions.values()]

# %%
count = splines.count_patterns
exact = {name: len(partition) for name, partition in partitions.items()}
sizes = ch.pick(fast=[10, 30, 100, 301], toy=[10, 20, 50, 100, 200, 500, 1001])
fine = grid(sizes[-1])
seen = {name: splines.activation_patterns(net, fine) for name, net in nets.items()}
on_grid = {name: count(seen[name]) for name in nets}
unknown = [count(torch.cat([partitions[name].patterns, seen[name]])) - exact[name] for name in nets]
ch.claim("exact-cover.area", "The regions cover the slice, without gap or overlap: error of the total area",
         measured=[check["area_error"] for check in checks], below=1e-9, paper="exact")  # fmt: skip
ch.claim("exact-cover.patterns", "No two regions share an activation pattern: regions minus distinct patterns",
         measured=[exact[name] - check["distinct_patterns"] for name, check in zip(nets, checks, strict=True)], close_to=(0, 0), paper="exact")  # fmt: skip
ch.claim("exact-cover.grid", "A fine grid finds no pattern that the partition has not",
         measured=unknown, close_to=(0, 0), paper="exact")  # fmt: skip
ch.claim("exact-cover.grid-control", "The grid is not exact: regions that it misses",
         measured=[exact[name] - on_grid[name] for name in nets], above=1, control=True)  # fmt: skip

# %%
fig, ax = plt.subplots(layout="constrained")
for i, (name, net) in enumerate(nets.items()):
    found = [count(splines.activation_patterns(net, grid(n))) for n in sizes[:-1]]
    found = np.array([*found, on_grid[name]])
    ax.plot(sizes, 100 * (1 - found / exact[name]), "o-", ms=4, color=f"C{i}")
    text = f"{name}:\n{exact[name] - found[-1]} of {exact[name]} missed"
    ax.text(1.02, 0.88 - 0.22 * i, text, color=f"C{i}", transform=ax.transAxes)
ax.set(xscale="log", yscale="log", xlabel="grid points per side, $n$", ylabel="regions missed, %")
ax.set(title="A grid never sees every region", xticks=[10, 100, 1000], xticklabels=[10, 100, 1000])
ax.set(yticks=[1, 10, 100], yticklabels=[1, 10, 100])
plt.show()

# %% [markdown]
# *Look at the right end of each curve.* Ten thousand points (100 a side) miss a tenth of the regions or more, and even the finest grid misses
# some: the smallest regions are slivers that fall between its points. Without the exact count nobody would know how many.
#
# **Counting one layer.** The formula $1 + L + X$ counts lines and crossings and knows nothing of polygons that are cut. It must give the same number.

# %%
layers = [new_net([2, 40, 1], ch.seed + i) for i in range(3)]
counted = [len(splines.partition_2d(net, square(1))) for net in layers]
formula = [arrangement_count(net[0].weight, net[0].bias, square(1)) for net in layers]
print("partition", counted, " formula", formula)
ch.claim("arrangement-count", "One layer of 40 units cuts the square into 1 + L + X regions: partition minus formula",
         measured=[a - b for a, b in zip(counted, formula, strict=True)], close_to=(0, 0), source="Zaslavsky 1975")  # fmt: skip

# %% [markdown]
# **One affine map to a region, and continuous at the walls.** Automatic differentiation at a point inside each region must find the map that
# the recursion found, and at each vertex the maps of all regions that meet there must give the network's own value.

# %%
errors = []
for name, partition in partitions.items():
    jacobians = torch.func.vmap(torch.func.jacrev(nets[name]))(partition.inner_points())
    errors.append((jacobians.mT - partition.maps[:, :2]).abs().max().item())
ch.claim("affine-per-region.jacobian", "In each region the network is the affine map found in closed form",
         measured=errors, below=1e-10, paper="exact")  # fmt: skip
ch.claim("affine-per-region.continuous", "At the vertices the maps of neighbours agree with the network",
         measured=[check["map_error"] for check in checks], below=1e-10, paper="exact")  # fmt: skip

# %% [markdown]
# **The exact boundary.** With two classes the decision boundary is where the logits (the two outputs) tie. In a region both are affine, so that they tie on a segment. The usual
# picture is that of marching squares on a grid, here 100 points a side; its points are near the boundary, not on it.

# %%
on_boundary = splines.sample_segments(segments, 4000, seed=ch.seed)
line = torch.linspace(-3, 3, 100, dtype=torch.float64)
gap = moon_net(torch.cartesian_prod(line, line)).detach().diff().reshape(100, 100).numpy()
contours = [torch.tensor(contour / 99 * 6 - 3) for contour in find_contours(gap, 0)]


def largest_gap(points):
    return moon_net(points).detach().diff().abs().max().item()


# %%
length = (segments[:, 1] - segments[:, 0]).norm(dim=1).sum().item()
traced = sum(contour.diff(dim=0).norm(dim=1).sum().item() for contour in contours)
ch.claim("exact-boundary.gap", "Points sampled on the boundary lie on it: largest gap between the logits",
         measured=largest_gap(on_boundary), below=1e-9, paper="exact")  # fmt: skip
ch.claim("exact-boundary.grid-control", "Marching squares on a 100 x 100 grid do not: largest gap between the logits",
         measured=largest_gap(torch.cat(contours)), above=1e-3, control=True)  # fmt: skip
ch.claim("exact-boundary.length", "Both boundaries have the same length, but for a relative difference of",
         measured=abs(length / traced - 1), below=0.01)  # fmt: skip

# %% [markdown]
# ## The experiment
#
# ### Where training spends its tiles
#
# Small regions mean many turns. Take the area of the region at each training point, and at points that are drawn uniformly from the square and lie more than 0.5 away from
# all data. How many times larger is the typical (geometric mean) area far away? We ask before and after training, for several networks, because one network alone says little.


# %%
def areas_far_and_near(net, x, seed):
    partition = splines.partition_2d(net, square(3))
    generator = torch.Generator().manual_seed(seed)
    far = 6 * torch.rand(4000, 2, generator=generator, dtype=torch.float64) - 3
    far = far[torch.cdist(far, x).amin(1) > 0.5]
    return [partition.areas()[partition.locate(points)].log10() for points in (far, x)]


runs = []
for s in range(ch.seed * 100, ch.seed * 100 + ch.pick(fast=5, toy=8)):
    points, labels = moons(s)
    model = new_net([2, 32, 32, 32, 2], s)
    before = areas_far_and_near(model, points, s)
    runs.append([before, areas_far_and_near(train(model, points, labels), points, s)])

# %%
ratios = np.array([[10 ** (far.mean() - near.mean()).item() for far, near in run] for run in runs])
at_start, at_end = np.exp(np.log(ratios).mean(0))
ch.claim("density-at-data.trained", f"After training, tiles far from the data are larger than those at the data ({len(runs)} networks)",
         measured=at_end, above=2.5, unit="times", paper="seen in figures")  # fmt: skip
ch.claim("density-at-data.learned", "Training raises that ratio; part of it is there from the start",
         measured=at_end / at_start, above=1.15, unit="times", paper="seen in figures")  # fmt: skip

# %%
fig, (left, right) = plt.subplots(1, 2, width_ratios=[2.1, 1], layout="constrained")
bins = np.linspace(-5, 1, 31)
for k, style in enumerate([{"alpha": 0.35}, {"histtype": "step", "lw": 2}]):
    for values, colour in zip(zip(*[run[k] for run in runs], strict=True), ["C0", "C1"], strict=True):
        left.hist(torch.cat(values).numpy(), bins, density=True, color=colour, **style)
left.set(title="Filled: before training. Line: after", xlabel=r"$\log_{10}$ area of the region")
left.set(yticks=[], xlim=(-4.6, 1.9))
left.text(0.98, 0.6, "far from\nthe data", color="C0", ha="right", transform=left.transAxes)
left.text(0.02, 0.6, "at the\ndata", color="C1", transform=left.transAxes)
right.plot([0, 1], ratios.T, "-", color="#8a9099", lw=0.9, alpha=0.7)
right.plot([0, 1], [at_start, at_end], "o-", color="#22262b", lw=2.5)
right.set(xlim=(-0.3, 1.3), yscale="log", title="Area far / at data", xticks=[0, 1], xticklabels=["before", "after"])
right.set(yticks=[1, 2, 5, 10], yticklabels=["1x", "2x", "5x", "10x"])
right.minorticks_off()
plt.show()

# %% [markdown]
# *Look at the orange line against the orange fill.* Training makes the tiles at the data smaller; far away they rather grow. *On the right*, each grey line is one network. They differ
# widely, and the claim is about their mean (black). Even before training the ratio is above one, because the lines of a fresh network crowd around the origin, where the data are.

# %% [markdown]
# ### Real images
#
# The paper compares networks trained with and without data augmentation on slices through training images. We do it in small: MNIST digits of $14 \times 14$ pixels, 3,000 for training, a multi-layer
# perceptron (196-128-128-10) and a small convolutional network, augmentation by random shifts of up to 2 pixels. The slice is the triangle spanned by three training images of different classes; the
# statistic is the number of regions per unit area, averaged over three triangles.

# %%
digits = data.load("mnist_10k")
pixels = nn.functional.avg_pool2d(digits.images, 2)
images, labels = pixels[:3000], digits.labels[:3000]
test_images, test_labels = pixels[digits.n_train :].flatten(1), digits.test[1]


def density(net, seed):
    per_area = []
    for classes in [(0, 1, 2), (3, 4, 5), (6, 7, 8)]:
        corners = [images[labels == c][seed % 100].flatten() for c in classes]
        partition = splines.partition_2d(net, splines.plane_through(torch.stack(corners), shape="triangle"))
        per_area.append(len(partition) / partition.areas().sum().item())
    return np.mean(per_area)


# %%
def follow(make, seed, marks, *, shift, lr, order=0):
    torch.manual_seed(seed)
    net, generator = make(), torch.Generator().manual_seed(1000 * order + seed)
    adam = torch.optim.Adam(net.parameters(), lr=lr)
    history = [(0, density(net, seed), 0.1)]
    for epoch in range(1, marks[-1] + 1):
        for batch in torch.randperm(len(images), generator=generator).split(128):
            moves = torch.randint(-shift, shift + 1, (2,), generator=generator).tolist()
            views = images[batch].roll(moves, (2, 3)).flatten(1)
            descend(adam, nn.functional.cross_entropy(net(views), labels[batch]))
        if epoch in marks:
            correct = (net(test_images).argmax(1) == test_labels).double().mean().item()
            history.append((epoch, density(net, seed), correct))
    return np.array(history)


def new_convnet():
    convs = [nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 8, 3, 2, 1), nn.ReLU()]
    return nn.Sequential(nn.Unflatten(1, (1, 14, 14)), *convs, nn.Flatten(), nn.Linear(128, 10))


# %%
new_perceptron = partial(mlp, [196, 128, 128, 10])
marks = [1, 2, 5, 10]
seeds = range(ch.seed, ch.seed + ch.pick(fast=1, toy=3))
plain = [follow(new_perceptron, s, marks, shift=0, lr=2e-3) for s in seeds]
shifted = [follow(new_perceptron, s, marks, shift=2, lr=2e-3) for s in seeds]
reordered = [follow(new_perceptron, s, marks, shift=0, lr=2e-3, order=1) for s in seeds]
conv_plain = [follow(new_convnet, s, [5], shift=0, lr=5e-3) for s in seeds]
conv_shifted = [follow(new_convnet, s, [5], shift=2, lr=5e-3) for s in seeds]


# %%
def mean_ratio(runs, others):
    return np.mean([run[-1, 1] / other[-1, 1] for run, other in zip(runs, others, strict=True)])


first = [np.flatnonzero(own[:, 2] >= other[-1, 2])[0] for own, other in zip(plain, shifted, strict=True)]
as_accurate = [own[: k + 1] for own, k in zip(plain, first, strict=True)]
ch.claim("augmentation-density.mlp", "Perceptron: slices through images have more regions after training with shifts",
         measured=mean_ratio(shifted, plain), above=1.2, unit="times")  # fmt: skip
ch.claim("augmentation-density.cnn", "Convolutional network: the same",
         measured=mean_ratio(conv_shifted, conv_plain), above=1.2, unit="times")  # fmt: skip
ch.claim("augmentation-density.matched", "Also against the plain perceptron at the first stage at which it is as accurate",
         measured=mean_ratio(shifted, as_accurate), above=1.2, unit="times")  # fmt: skip
ch.claim("augmentation-density.control", "Another order of the batches alone changes the number of regions little",
         measured=mean_ratio(reordered, plain), between=(0.75, 1.33), unit="times", control=True)  # fmt: skip

# %%
fig, ax = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
drawn = [("shifts", shifted, "C1", "center"), ("no shifts", plain, "C0", "top")]
drawn += [("no shifts,\nother order", reordered, "#8a9099", "bottom")]
for name, histories, colour, side in drawn:
    for history in histories:
        ax.plot(history[:, 0], history[:, 1], "o-", ms=4, lw=1.6, color=colour, alpha=0.9)
    epoch, regions, accuracy = np.mean(histories, 0)[-1]
    ax.text(epoch + 0.3, regions, f"{name} ({accuracy:.0%} correct)", color=colour, va=side)
ax.set(xlabel="epochs", ylabel="regions per unit area", ylim=(0, None), xlim=(-0.3, 14.5), xticks=[0, *marks])
ax.set_title("Training first clears away the tiles around images")
plt.show()

# %% [markdown]
# *Look at the first epoch.* A fresh perceptron cuts the triangles finely; one epoch of training clears most of the tiles away, and then they come back slowly. With shifts fewer are
# cleared away, and more come back. Mind the noise: another order of the batches (grey) can alone change the count by a fifth. Networks trained with shifts are less accurate after the same number of steps, which is a fair objection to the comparison: so one claim compares them with the
# plain network when it was first as accurate, and the gap only grows.

# %% [markdown]
# ### What it costs
#
# How many regions are there, and how much work is one? The library counts the numbers that it multiplies or reads (`partition.operations`), which is the same on every machine. With $N$ hidden units
# there are about $N^2 / 2$ pairs of lines that could cross, and the count of regions follows them: far from the exponential number that depth could in principle give.

# %%
scaling = {}
for width in ch.pick(fast=[16, 32, 64], toy=[16, 32, 64, 128]):
    counts = [len(splines.partition_2d(new_net([2, width, width, 2], ch.seed + i), square(1))) for i in range(3)]
    scaling[2 * width] = np.mean(counts)
units, regions = np.array(list(scaling)), np.array(list(scaling.values()))
exponent = np.polyfit(np.log(units), np.log(regions), 1)[0]

deep = new_net([2, 80, 80, 80, 3], ch.seed)
windows = [splines.partition_2d(deep, square(half), with_patterns=True) for half in (0.2, 0.4, 0.8, 1.6, 3.2)]
many = np.array([len(window) for window in windows])
work = np.array([window.operations for window in windows]) / many

# %%
reference = np.abs(many - 650).argmin()
ch.claim("near-linear-cost.work", f"Work per region at {many[-1]:,} regions, relative to that at {many[reference]:,} (same network, wider window)",
         measured=work[-1] / work[reference], below=4, unit="times", source="this book")  # fmt: skip
ch.claim("near-linear-cost.size", "The wider window has at least 8,000 regions",
         measured=many[-1], above=8000, source="this book")  # fmt: skip
ch.claim("near-linear-cost.area", "and they still cover it: error of the total area",
         measured=windows[-1].check()["area_error"], below=1e-9, source="this book")  # fmt: skip
ch.claim("near-linear-cost.quadratic", "In two layers the number of regions grows like a power of the number of units, with exponent",
         measured=exponent, between=(1.7, 2.3), paper="2", source="Hanin & Rolnick 2019")  # fmt: skip

# %%
fig, (left, right) = plt.subplots(1, 2, layout="constrained")
left.plot(units, regions[-1] * (units / units[-1]) ** 2, "--", color="#8a9099", lw=1.4)
left.text(units[-1], regions[-2], "slope 2", color="#8a9099", ha="right")
left.plot(units, regions, "o", color="C0")
left.set(xscale="log", yscale="log", xlabel="hidden units, $N$", ylabel="regions", title="Regions grow like $N^2$")
left.set_xticks(units, units)
left.minorticks_off()
right.plot(many, work / 1000, "o-", color="C0")
right.set(xscale="log", ylim=(0, None), xlabel="regions in the window", ylabel="thousand numbers per region")
right.set_title("Work per region does not grow")
plt.show()

# %% [markdown]
# *Look at the right panel.* The window on one network grows until it holds many times more regions, and the work for one region stays about the same; it even falls a little, because
# regions share the work of the layers before them. The original implementation builds a planar graph of all lines in a region and searches it for cycles, one region at a time; the recursive splitting here
# is this book's. How long a region takes in microseconds is measured by `tests/benchmarks/test_bench_splines.py`.

# %% [markdown]
# ## Play
#
# The first two sliders use a smaller network, so that the picture is recomputed as you drag.

# %%
stages = {}


def keep_stage(step):
    if step % 20 == 0:
        partition = splines.partition_2d(play, square(3))
        stages[step] = partition, splines.decision_boundary_2d(partition)


play = new_net([2, 16, 16, 2], ch.seed)
train(play, x, y, keep=keep_stage)
limits = colour_limits(stages[400][0], 3)


def canvas(fig, title):
    ax = fig.subplots()
    fig.subplots_adjust(left=0.02, right=0.98, bottom=0.01, top=0.9)
    ax.set_title(title)
    return ax


# %% [markdown]
# **Training, tile by tile.** Drag `step` from 0 to 400. Lines sweep in from all sides and settle around the moons; the tiles between them grow steep (dark), and the boundary (orange) folds itself around the data.


# %%
def draw_stage(fig, step):
    partition, boundary = stages[step]
    ax = canvas(fig, f"Step {step}: {len(partition)} regions")
    draw_partition(ax, partition, boundary, limits=limits, width=0.3)
    draw_points(ax, x[::4], y[::4])


cb.explore(draw_stage, figsize=(3.8, 4.1), step=(0, 400, 20))

# %% [markdown]
# **The microscope.** `half_width` is half the side of a window around a bend of the boundary. Tiles stay polygons, and the boundary (orange) stays straight inside each, at any magnification. (Colours
# are relative to the window.) The white dashes are the boundary as a grid of 100 points a side sees it: at first they cover the truth, then they are plainly beside it, and at last out of the window.

# %%
corners = stages[400][1].flatten(0, 1)
spot = corners[corners.norm(dim=1).argmin()].numpy()
play_gap = play(torch.cartesian_prod(line, line)).detach().diff().reshape(100, 100).numpy()
grid_lines = [contour / 99 * 6 - 3 - spot for contour in find_contours(play_gap, 0)]


def draw_zoom(fig, half_width):
    window = splines.partition_2d(play, square(half_width, spot))
    ax = canvas(fig, f"Half-width {half_width:.2g}: {len(window)} regions")
    draw_partition(ax, window, splines.decision_boundary_2d(window), spot, width=0.5)
    ax.add_collection(LineCollection(grid_lines, colors="white", linestyles="--", linewidths=1.6))


cb.explore(draw_zoom, figsize=(3.8, 4.1), half_width=cb.log_slider(0.1, 1e-4, 3))

# %% [markdown]
# **Folds.** A random network of two layers of 12 units. `eta` is the slope of its activation on the negative side: at 1 the activation is the identity and there is one region; at 0 it is ReLU; at -1 it is the absolute value, which
# folds the plane like paper. Watch the lines of the second layer *bend* at those of the first, the more the further `eta` is from 1. `bias` multiplies all biases: at 0 every line of the first layer runs through the centre.


# %%
def sheet(eta, bias):
    net = new_net([2, 12, 12, 1], ch.seed, partial(nn.LeakyReLU, round(eta, 2)))
    for layer in net[::2]:
        layer.bias.data *= bias
    return splines.partition_2d(net, square(2))


fold_limits = colour_limits(sheet(-0.5, 1.0), 2)


def draw_folds(fig, eta, bias):
    partition = sheet(eta, bias)
    ax = canvas(fig, f"Slope {eta:.2f}: {len(partition)} regions")
    draw_partition(ax, partition, splines.decision_boundary_2d(partition), limits=fold_limits, width=0.5)


cb.explore(draw_folds, figsize=(3.8, 4.1), eta=(-1.0, 1.0, 0.05), bias=(0.0, 2.0, 0.1))

# %% [markdown]
# ## What breaks
#
# - **A slice is not the partition.** On a plane we see the regions that the plane meets, no others. Their number in $D$ dimensions is astronomically larger, and nobody counts it.
# - **A region is not always a different map.** Neighbours may carry the same affine map (exercise 3), so that the activation regions counted here are at least as many as the linear pieces of the function.
# - **Only piecewise affine networks.** GELU, sigmoid or softmax attention bend between the walls. `cpa_program` refuses them by name, and a batch normalisation in training mode, whose map depends on the batch.
# - **Floating point.** Exact means up to rounding in float64. A line that trims less than $10^{-10}$ of a unit's range in a region is not cut. Degenerate networks, with zero biases, duplicated or dead units, are covered by the library's tests.
# - **The size of the square matters.** The far points in our experiment depend on the square $[-3, 3]^2$, and part of the effect is there before training; both numbers are shown for that reason.
# - **How the toy differs from the paper.** The paper's networks on images are VGG11s on TinyImageNet; ours are two small networks on 3,000 digits. The paper's method handles ReLU and leaky ReLU
#   networks in sequence; skip connections, the absolute value and max-pooling are additions here. That shifts keep more regions is a finding about these networks: we have not checked it on large ones.

# %% [markdown]
# ## Claims

# %% tags=["nbval-check-output"]
ch.verdicts()

# %%
ch.report()

# %% [markdown]
# ## Exercises

# %% [markdown] tags=["exercise"]
# **1.** (warm-up) What are the largest and the smallest numbers of regions that three lines, all of which meet the square, can make in it? Set the weights of `nn.Sequential(nn.Linear(2, 3), nn.ReLU())` to reach seven, and four.

# %% tags=["solution"] jupyter={"source_hidden": true}
three = nn.Sequential(nn.Linear(2, 3), nn.ReLU()).double()
for weight, bias in [([[1, 0], [0, 1], [1, 1]], [0, 0, 0.5]), ([[1, 0], [1, 0], [1, 0]], [-0.5, 0, 0.5])]:
    three[0].weight.data, three[0].bias.data = torch.tensor(weight).double(), torch.tensor(bias).double()
    print(len(splines.partition_2d(three, square(1))), "regions")
print("In general position 1 + 3 + 3 = 7; parallel lines never cross, so 1 + 3 + 0 = 4.")

# %% [markdown] tags=["exercise"]
# **2.** Count the regions of the network `deep` on $[-1, 1]^2$ with a grid. How fine would a grid have to be to see the smallest region?

# %% tags=["solution"] jupyter={"source_hidden": true}
whole = splines.partition_2d(deep, square(1))
n = 301
share = count(splines.activation_patterns(deep, grid(n))) / len(whole)
smallest = whole.areas().min().item()
print(f"A grid of {n} points a side sees {share:.1%} of {len(whole):,} regions.")
print(
    f"The smallest has area {smallest:.0e}: to put one point in it, a grid needs about {2 / smallest**0.5:.0e} a side."
)

# %% [markdown] tags=["exercise"]
# **3.** One pattern is one region, but two neighbouring regions may share one affine map. Build a network where they do.

# %% tags=["solution"] jupyter={"source_hidden": true}
modules = [nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1)]
hidden = nn.Sequential(*modules).double()
values = [([[1, 0], [0, 1]], [0, 5]), ([[-1, 0], [0, 1]], [-1, 0]), ([[1, 1]], [0])]
for layer, (weight, bias) in zip(hidden[::2], values, strict=True):
    layer.weight.data, layer.bias.data = torch.tensor(weight).double(), torch.tensor(bias).double()
twins = splines.partition_2d(hidden, square(1))
print(len(twins), "regions; their maps differ by", (twins.maps[0] - twins.maps[1]).abs().max().item())
print("The first unit cuts at x1 = 0 but feeds only a unit that is always negative, so nobody hears of it.")

# %% [markdown] tags=["exercise"]
# **4.** (research) When a layer cuts a region into children, each child's map is computed by a full matrix product, $W^{l+1} Q^l (\cdot)$. The children of one parent differ in few slopes, so that one product
# and updates of low rank would do. Would that pay? Count, for the second layer of `deep`, in how many units a child differs from a sibling, and how many children share a parent.

# %% tags=["solution"] jupyter={"source_hidden": true}
patterns = splines.partition_2d(deep, square(1), up_to=2, with_patterns=True).patterns
_, parent = patterns[:, :80].unique(dim=0, return_inverse=True)
first = torch.stack([(parent == p).int().argmax() for p in range(int(parent.max()) + 1)])
flips = (patterns[:, 80:] != patterns[first[parent], 80:]).sum(1).double()
brood = parent.bincount().double().mean().item()
print(f"{brood:.1f} children to a parent; a child differs from the first in {flips[flips > 0].mean():.1f} of 80 units.")
print(f"Products saved in this layer: {1 - (80 + flips.mean().item() * (brood - 1)) / (80 * brood):.0%} at most.")
print("The price is irregular work: gathering a few rows of W for each child, in place of one batched product.")

# %% [markdown]
# ## References
#
# - A. I. Humayun, R. Balestriero, G. Balakrishnan, R. Baraniuk. [SplineCam: Exact Visualization and Characterization of Deep Network Geometry and Decision Boundaries](https://arxiv.org/abs/2302.12828). CVPR 2023.
# - R. Balestriero, R. Baraniuk. A Spline Theory of Deep Learning. ICML 2018: networks as max-affine splines.
# - G. Montúfar, R. Pascanu, K. Cho, Y. Bengio. On the Number of Linear Regions of Deep Neural Networks. NeurIPS 2014: how many there could be.
# - B. Hanin, D. Rolnick. Complexity of Linear Regions in Deep Networks. ICML 2019: how many there are.
# - T. Zaslavsky. *Facing up to Arrangements*. Memoirs of the AMS, 1975: the count for one layer.
