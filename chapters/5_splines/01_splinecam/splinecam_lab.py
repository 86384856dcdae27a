# %% [markdown]
# # SplineCam: lab
#
# Other nonlinearities, how many tiles there are and what each costs, and the mosaic between real images: do shifts of the training images leave more tiles? Read the [lesson](splinecam.ipynb) first.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import numpy as np
import torch
from torch import nn

import cookbook as cb
from replearn import models, splines
from replearn.papers import splinecam

ch = cb.Chapter("splinecam_lab", scale=scale, seed=seed)

# %% [markdown]
# ## A · Which networks have tiles?
#
# Every activation that is continuous and piecewise linear. Let it have slope 1 for $h > 0$ and slope $\eta$ otherwise: $\eta = 0$ is ReLU, $0.01$ is leaky ReLU, $-1$ is the absolute value, $1$ is no activation at all. In the theorem only $Q^l$ changes: it holds $\eta$, not 0, for a unit that is off.
# Max-pooling takes the largest of a few affine functions, so that its pattern is *which* is largest. A skip connection adds two affine maps, which makes an affine map.
#
# **Folds.** A random network of two layers of 12 units. Drag `eta` from 1, where there is one tile, to $-1$, where the absolute value folds the plane like paper. Lines of the second layer bend at those of the first, the more the further `eta` is from 1. `bias` multiplies all biases: at 0 every line of the first layer runs through the centre.

# %%
cb.explore(ch.figures.folds, ch.seed, figsize=(5.6, 4.2), eta=(-1.0, 1.0, 0.05), bias=(0.0, 2.0, 0.1))

# %% [markdown]
# *Guess first:* the lesson tested the exact cover on a ReLU network. Which of the four networks below could fail it?

# %%
leaky = splinecam.network([2, 40, 40, 3], ch.seed, partial(nn.LeakyReLU, 0.01))
folding = splinecam.network([2, 40, 40, 3], ch.seed, splines.Abs)

blocks = [splines.Residual(nn.Sequential(nn.Linear(16, 16), nn.ReLU())) for _ in range(3)]
residual = nn.Sequential(nn.Linear(2, 16), *blocks, nn.Linear(16, 3)).double()

pool = [nn.Unflatten(1, (1, 6, 6)), nn.MaxPool2d(2), nn.Flatten()]  # the largest in each window of 2 x 2
pooling = nn.Sequential(nn.Linear(2, 36), *pool, nn.Linear(9, 16), nn.ReLU(), nn.Linear(16, 3)).double()
networks = [leaky, folding, residual, pooling]


# %%
def cover(net):
    mosaic = splines.partition_2d(net, splinecam.square(1), with_patterns=True)
    grid = splines.activation_patterns(net, splinecam.grid(201))
    known, seen = splines.count_patterns(mosaic.patterns), splines.count_patterns(grid)
    together = splines.count_patterns(torch.cat([grid, mosaic.patterns]))
    return len(mosaic), len(mosaic) - known, together - known, len(mosaic) - seen, mosaic.check()["map_error"]


tiles, repeated, unknown, missed, error = np.array([cover(net) for net in networks]).T
print("tiles:", tiles.astype(int), " missed by the grid:", missed.astype(int))
ch.measure("every-piecewise-network", repeated=repeated, unknown=unknown, error=error)

# %% [markdown]
# **What you saw.** None fails. The abstract of the paper promises as much, for every continuous piecewise affine network; its released code handles sequences of layers with ReLU or leaky ReLU.
#
# ## B · How many tiles?
#
# In one layer all lines run through the whole polygon. Add them one at a time: a line that meets the polygon adds one tile, and one more for each line that it crosses inside. With $M$ lines that meet it and $X$ crossings inside (no three lines in one point),
#
# $$ \text{tiles} = 1 + M + X . $$
#
# This counts lines and crossings and knows nothing of scissors.

# %%
cb.show_source(splinecam.arrangement_count)

# %%
difference = []
for start in range(ch.seed, ch.seed + 5):
    net = splinecam.network([2, 40, 1], start)
    formula = splinecam.arrangement_count(net[0].weight, net[0].bias, splinecam.square(1))
    difference.append(len(splines.partition_2d(net, splinecam.square(1))) - formula)
ch.measure("arrangement-count", difference=difference)

# %% [markdown]
# With a second layer the lines bend, but two bent lines still cross about once: 100 units have about 5,000 pairs. The number of tiles in a plane could in principle grow exponentially with depth. Random networks do nothing of the kind.
#
# *Guess first:* double the width of a network with two layers. How many times more tiles? And how much more work is each?

# %%
widths = ch.pick(fast=[16, 32, 64], toy=[16, 32, 64, 128])
counts = []
for width in widths:
    nets = [splinecam.network([2, width, width, 2], start) for start in range(10 * ch.seed, 10 * ch.seed + 10)]
    counts.append(np.mean([len(splines.partition_2d(net, splinecam.square(1))) for net in nets]))
exponent, _ = np.polyfit(np.log(widths), np.log(counts), 1)
ch.measure("grows-like-square", exponent=exponent)

# %% [markdown]
# The library counts the numbers that it multiplies or reads, the same on every machine. We widen the window on one network until it holds many times more tiles.

# %%
deep = splinecam.network([2, 80, 80, 80, 3], ch.seed)
windows = [splines.partition_2d(deep, splinecam.square(half)) for half in (0.2, 0.4, 0.8, 1.6, 3.2)]
many = np.array([len(window) for window in windows])
work = np.array([window.operations for window in windows]) / many
ch.measure("work-per-tile", work=work[-1] / work[1], tiles=many[-1])
ch.figures.growth(2 * np.array(widths), counts, many, work)

# %% [markdown]
# **What you saw.** Four times the tiles for twice the width, and the work for one tile even falls, because tiles share the work of the layers before them. A search that compared all pairs of tiles would grow like the right panel's dashed line. Microseconds are measured by `tests/benchmarks/test_bench_splines.py`.
#
# ## C · Between real images
#
# The paper compares networks trained with and without data augmentation, on planes through training images. In small: MNIST digits of $14 \times 14$ pixels, a perceptron with two hidden layers of 64 units, and as augmentation a shift of each image by its own -2 to 2 pixels in each direction.
# A plane is now $x = o + Bu$, with an origin $o$, two orthonormal columns $B$ and coordinates $u$; then areas in the picture are true areas. We take triangles with three training images of different classes as corners, and count tiles per unit of area.

# %%
cb.show_source(splinecam.shift_each)

# %%
digits = splinecam.small_digits(ch.pick(fast=2000, toy=3000))
perceptron = partial(models.mlp, [196, 64, 64, 10])
starts = range(100 * ch.seed, 100 * ch.seed + ch.pick(fast=8, toy=10))
long = ch.pick(fast=32, toy=40)
early = ch.pick(fast=[6, 10], toy=[0, 1, 2, 4, 6, 10])

plain = splinecam.follow_training(perceptron, starts, digits, ch.pick(fast=early, toy=[*early, long]))
shifted = splinecam.follow_training(perceptron, starts, digits, early, shift=2)
reordered = splinecam.follow_training(perceptron, starts, digits, [10], order=1)
some = starts[: ch.pick(fast=3, toy=6)]
longer = splinecam.follow_training(perceptron, some, digits, [10, long], shift=2)

# %% [markdown]
# All begin with the same weights and draw the same batches; only `reordered` draws them in another order, to show how much chance alone does. `longer` is `shifted` for some of the networks, trained on. Now count, on five triangles for each network.


# %%
def count(make, stages, many):
    tiles = {}
    for epoch, stage in stages.items():
        nets = [splinecam.network_at(make, stage, i) for i in range(len(stage.accuracy))]
        planes = [splinecam.triangles(digits, start, many) for start in starts[: len(nets)]]
        tiles[epoch] = np.array([splinecam.tiles_per_area(*pair) for pair in zip(nets, planes, strict=True)])
    return tiles


# %%
def mean_ratio(ours, theirs):
    return np.exp(np.log(ours / theirs).mean())  # over pairs of networks from one start


tiles_plain = count(perceptron, plain, 5)
tiles_shifted = count(perceptron, shifted, 5)
tiles_reordered = count(perceptron, reordered, 5)
tiles_longer = count(perceptron, longer, 5)

# %% [markdown]
# *Guess first:* shifted images vary more, so a network has more to tell apart. Does it need more tiles between two images, or fewer, since it should treat neighbours alike?

# %%
ch.measure("shifts-leave-more-tiles", ratio=mean_ratio(tiles_shifted[10], tiles_plain[10]))
ch.measure("order-alone", ratio=mean_ratio(tiles_reordered[10], tiles_plain[10]))

# %% [markdown]
# A fair objection: after equally many steps the networks with shifts are less accurate. So let them train on, until they are nearly as accurate as the plain ones after six epochs.

# %%
same = slice(len(some))
ahead = (plain[6].accuracy[same] - longer[long].accuracy).mean()
ch.measure("also-when-as-accurate", ratio=mean_ratio(tiles_longer[long], tiles_plain[6][same]), ahead=ahead)
ch.figures.tiles_in_training(tiles_plain, tiles_shifted, tiles_longer, tiles_reordered)

# %% [markdown]
# **What you saw.** A fresh perceptron cuts the triangles finely. Training first clears the tiles away, and then they come back, slowly; with shifts fewer are cleared away. No comparison is perfect: at equal steps the networks differ in accuracy, at equal accuracy one has trained several times longer, and tiles come back with
# time. That is why the second ratio is the larger one, and why we give both. In both there are more tiles with shifts.


# %%
def convnet():
    convs = [nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 8, 3, 2, 1), nn.ReLU()]
    return nn.Sequential(nn.Unflatten(1, (1, 14, 14)), *convs, nn.Flatten(), nn.Linear(128, 10))


few = starts[: ch.pick(fast=2, toy=6)]
conv_plain = splinecam.follow_training(convnet, few, digits, [5], rate=5e-3)
conv_shifted = splinecam.follow_training(convnet, few, digits, [5], rate=5e-3, shift=2)

# %%
tiles_conv, tiles_conv_shifted = (count(convnet, run, 2)[5] for run in (conv_plain, conv_shifted))
ch.measure("shifts-in-convnets", ratio=mean_ratio(tiles_conv_shifted, tiles_conv))

# %% [markdown]
# ### Play: two networks on one triangle
#
# The corners are the three training images beside them; colours are steepness, the orange line is where the class changes. Drag `epoch`, and compare another `start`.

# %%
triangle = splinecam.triangles(digits, ch.seed, 1)[0]


def on_the_triangle(stage):
    nets = [splinecam.network_at(perceptron, stage, i) for i in range(4)]
    return [splines.partition_2d(net, triangle) for net in nets]


both = [{epoch: on_the_triangle(run[epoch]) for epoch in early} for run in (plain, shifted)]
cb.explore(ch.figures.triangles, both, figsize=(6.0, 3.1), epoch=early, start=(0, 3))

# %% [markdown]
# ## What breaks
#
# - Small networks, small images, one kind of augmentation. That shifts leave more tiles is a finding about these networks; nobody has checked it here on large ones. The paper studies VGG11s on TinyImageNet, which we have not re-run.
# - A triangle between three images is mostly a place where there are no images. Counts on it say what happens *between* data.
# - The count depends on the nonlinearity and on the units, not on the function alone: two networks can compute the same function with different tiles.

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **L1** ●○○ 10 min. A network of two layers has $M$ units in the first. Its negative slope is $\eta = 1$ there and 0 in the second, also of $M$ units. How many tiles has it, compared with one layer?
#
# <details><summary>Hint</summary>What does an activation with slope 1 on both sides do?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L2** ●●○ 20 min. Derive $1 + M + X$ from Euler's formula for planar graphs, (corners) - (sides) + (faces) = 1 without the outer face.
#
# <details><summary>Hint</summary>Count what one line and one crossing add to the corners and to the sides of the square.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L3** ●●● 60 min. When a layer cuts a tile into children, the map of each child is a full product $W^{l+1} Q^l (\cdot)$. Children of one parent differ in few slopes: one product and updates of low rank would do. Would that pay? For the second layer of `deep`, count in how many units a child differs from a sibling, and how many children share a parent.
#
# <details><summary>Hint</summary><code>partition_2d(deep, ..., up_to=2, with_patterns=True).patterns</code>: the first 80 columns name the parent.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L4** ●●○ 20 min. A network without biases is cut along lines through the origin only, in every layer. Prove it. What do its tiles look like?
#
# <details><summary>Hint</summary>Replace $x$ by $tx$ with $t > 0$: what becomes of $h^1$, of $h^2$, and of the pattern?</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()

# %% [markdown]
# ## References
#
# - G. Montúfar, R. Pascanu, K. Cho, Y. Bengio. On the Number of Linear Regions of Deep Neural Networks. NeurIPS 2014: how many there could be.
# - B. Hanin, D. Rolnick. Complexity of Linear Regions in Deep Networks. ICML 2019: how many there are.
# - T. Zaslavsky. *Facing up to Arrangements*. Memoirs of the AMS, 1975: the count for one layer.
