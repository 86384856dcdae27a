# %% [markdown]
# # SplineCam
#
# What does the function that a network computes *look like*? Not roughly, on a grid of pixels, but exactly, as a draughtsman would draw it. After this lesson you can do that in thirty lines of Python, put points on a decision boundary to the last digit, and say where training leaves the small tiles.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import numpy as np
import torch
from torch import nn

import cookbook as cb
from replearn import splines
from replearn.papers import splinecam

ch = cb.Chapter("splinecam", scale=scale, seed=seed)

# %% [markdown]
# ## The picture
#
# A network with three hidden layers of 32 ReLU units has learned to tell two moons apart. Here are all its tiles on a square.

# %%
points, labels = splinecam.moons(ch.seed)
net = splinecam.train(splinecam.network([2, 32, 32, 32, 2], ch.seed), points, labels)
square = splinecam.square(3)  # the corners of [-3, 3] x [-3, 3]
mosaic = splines.partition_2d(net, square, with_patterns=True)
ch.figures.mosaic(mosaic, points, labels)

# %% [markdown]
# *Look at the tiles, then at the orange line.* On each tile the network is **one affine map** $x \mapsto Ax + c$: no curve anywhere. Dark tiles are steep: $\|A\|$ is the root of the sum of the squared entries of $A$. The orange line is where the network changes its mind. It is straight in each tile, and bends where it enters the next. Nothing in this picture was sampled.
#
# ## 1 · Why is a network a mosaic?
#
# A ReLU does one of two things: it lets a number pass, or it blocks it. Layer $l$ receives $x^{l-1}$ (with $x^0 = x$, the input), computes $h^l = W^l x^{l-1} + b^l$ from its weights and biases, and hands on $x^l = \max(h^l, 0)$. The last layer, number $L$, has no ReLU: the output of the network is $h^L$.
#
# The **pattern** of $x$ lists the units that are *on*, $h^l_k > 0$. Write it as diagonal matrices $Q^l$, with 1 for on and 0 for off: $x^l = Q^l h^l$. These depend on $x$ only through the pattern. So the theorem of this lesson is one sentence: **wherever the pattern stays the same, the network is the affine map**
#
# $$ h^L = A x + c, \qquad A = W^L \, Q^{L-1} W^{L-1} \cdots Q^1 W^1, $$
#
# where $c$ collects the biases, each multiplied by all the $W$ and $Q$ that come after it. Nothing is approximated. The code below computes both, layer by layer.


# %%
@torch.no_grad()
def one_map(net, x):
    A, c = torch.eye(len(x), dtype=x.dtype), torch.zeros_like(x)
    for layer in net:
        if isinstance(layer, nn.Linear):
            A, c = layer.weight @ A, layer.weight @ c + layer.bias
        else:  # a ReLU
            on = A @ x + c > 0
            A, c = on[:, None] * A, on * c
    return A, c


# %% [markdown]
# *Guess first:* we multiply out the map at the middle of each tile, and compare it with the network at the corners of the tile. How large is the error? And at points twice as far from the middle as the corners, outside the tile?


# %%
@torch.no_grad()
def error_of_map(tile):
    middle = tile.mean(0)
    A, c = one_map(net, middle)
    beyond = middle + 2 * (tile - middle)
    return [(places @ A.T + c - net(places)).abs().max() for places in (tile, beyond)]


tiles = [torch.tensor(tile) for tile in mosaic.polygons()]
errors = np.array([error_of_map(tile) for tile in tiles])
ch.measure("one-map", error=errors[:, 0].max())
ch.measure("beyond-the-wall", wrong=100 * np.mean(errors[:, 1] > 1e-6))

# %% [markdown]
# **What you saw.** Up to the corners of its tile the map errs by rounding alone. Twice as far out it is wrong at one corner or another, in (as good as) every tile.
#
# > **Check yourself.** In some tile all units of one hidden layer are off. What is the map there? (Each *Check yourself* is answered at the end of the [solutions](splinecam_solutions.ipynb).)
#
# ### Play: training, tile by tile
#
# A small network, two hidden layers of 16 units, kept at 21 moments of its training. Drag `step`. Then set `layers` to 1, and see the units of the first layer alone: each draws one straight line across the whole square, here thick. The thin lines of the second layer bend at them. A colour means the same steepness at every step.

# %%
small = splinecam.network([2, 16, 16, 2], ch.seed)
stages = {}
for step in splinecam.training(small, points, labels, every=20):
    stages[step, 1] = splines.partition_2d(small, square, up_to=1)
    stages[step, 2] = splines.partition_2d(small, square)
cb.explore(ch.figures.training, stages, points, labels, figsize=(5.4, 3.7), step=(0, 400, 20), layers=(1, 2))

# %% [markdown]
# ## 2 · Where are the walls?
#
# A *wall* is a line between two tiles. Here are those of the trained small network: on the left with its first layer alone, on the right with both.

# %%
ch.figures.layer_by_layer(stages, step=400)

# %% [markdown]
# *Look at the blue lines, the walls of the first layer:* they run straight through the whole square. The grey walls, of the second layer, are straight between two blue ones and bend where they cross one.
#
# At a wall a unit changes sign. Take a convex polygon on which the units of the layers before $l$ keep their signs. By the theorem these layers are one affine map there, $x^{l-1} = A^{l-1} x + c^{l-1}$, so that unit $k$ of layer $l$ has
#
# $$ h^l_k(x) = \big( W^l A^{l-1} x + W^l c^{l-1} + b^l \big)_k , $$
#
# an affine function: it is zero on a straight line. The line cuts the polygon into two, and both are convex again. Each cut parts the points where a unit is on from those where it is off, so no two tiles share a pattern: **one pattern is one convex tile**. And the tiles can be found with a pair of scissors: start with the square, and let each unit of each layer cut all the polygons that its line crosses. Here are the scissors: the part of a polygon on which a height, known at the corners, is positive. (A corner exactly on the line would need care; with random weights there is none.)


# %%
def keep(polygon, height):
    kept = []
    for i in range(len(polygon)):  # i - 1 = -1 closes the polygon
        if height[i - 1] * height[i] < 0:  # the line crosses this side
            share = height[i - 1] / (height[i - 1] - height[i])
            kept.append(polygon[i - 1] + share * (polygon[i] - polygon[i - 1]))
        if height[i] > 0:
            kept.append(polygon[i])
    return np.array(kept)


# %% [markdown]
# Each unit cuts each polygon into the half where it is on and the half where it is off; a half may be empty. Row $k$ of $A$ and $c$ gives the height of unit $k$ over the polygon.


# %%
def cut(polygon, A, c):
    pieces = [polygon]
    for k in range(len(c)):
        halves = []
        for piece in pieces:
            height = piece @ A[k] + c[k]
            halves += [keep(piece, height), keep(piece, -height)]
        pieces = [half for half in halves if len(half)]
    return pieces


# %% [markdown]
# Then the recursion: cut by this layer, multiply the rows of the units that are off by zero, and give each piece to the next layer.


# %%
def tiles_of(layers, polygon, A, c):
    """The tiles inside a polygon: A, c is the map so far, layers the list of (W, b) still to come."""
    if not layers:
        return [polygon]
    W, b = layers[0]
    A, c = W @ A, W @ c + b
    found = []
    for piece in cut(polygon, A, c):
        on = A @ piece.mean(0) + c > 0
        found += tiles_of(layers[1:], piece, on[:, None] * A, on * c)
    return found


# %% [markdown]
# The library does the same with all polygons at once, and also for convolutions, skip connections and pooling. Do both find as many tiles, of the same areas?


# %%
def area(polygon):
    after = np.roll(polygon, -1, 0)
    return (polygon[:, 0] * after[:, 1] - polygon[:, 1] * after[:, 0]).sum() / 2


hidden = [(layer.weight.detach().numpy(), layer.bias.detach().numpy()) for layer in small[:-1:2]]
ours = sorted(area(tile) for tile in tiles_of(hidden, square.numpy(), np.eye(2), np.zeros(2)))
theirs = sorted(stages[400, 2].areas().tolist())
ch.measure("own-scissors", count=len(ours) - len(theirs), area=np.abs(np.subtract(ours, theirs)).max())

# %% [markdown]
# An exact mosaic has no gap and no overlap, and no pattern twice. And nothing should be missing (but for slivers at the limit of rounding, see *What breaks*). For the large network we check two things: each of 2,000 random points lies in exactly one tile, and every pattern that a grid finds belongs to a tile.
#
# *Guess first:* a grid of 301 x 301 points has some 25 points for each tile. What share of the tiles does it miss?

# %%
held = splinecam.tiles_holding(mosaic, 6 * torch.rand(2000, 2, dtype=torch.float64) - 3)
grid = splines.activation_patterns(net, splinecam.grid(301, half=3))
known = splines.count_patterns(mosaic.patterns)
together = splines.count_patterns(torch.cat([grid, mosaic.patterns]))
print(f"{len(grid) / len(mosaic):.0f} grid points for each tile")
ch.measure("exact-cover", fewest=held.min(), most=held.max(), repeated=len(mosaic) - known, unknown=together - known)
ch.measure("grid-misses", missed=100 * (1 - splines.count_patterns(grid) / len(mosaic)))

# %%
sides = ch.pick(fast=[10, 30, 100, 301], toy=[10, 30, 100, 301, 1001])
ch.figures.grid_and_tiles(sides, net, mosaic)

# %% [markdown]
# **What you saw.** The mosaic has all patterns that a grid finds. The grid has not all tiles of the mosaic: the smallest are slivers that fall between its points (on the right, each dot is a tile). Even a million points miss about a tenth. Without the exact list nobody would know how many.
#
# > **Check yourself.** Multiply all weights and biases of the first layer by 3. Which walls move?
#
# ## 3 · Where does the network change its mind?
#
# The two outputs are scores, and the larger wins. In a tile both are affine, so they tie where
#
# $$ (A_1 - A_0)\, x + c_1 - c_0 = 0, $$
#
# with $A_0$ and $A_1$ the two rows of $A$: a straight line again. The part of it inside the tile, for all tiles, is the **decision boundary**, exactly. The usual way is to trace it on a grid of scores, and to interpolate between grid points.
#
# *Guess first:* in the square the two scores typically differ by about 27. How far apart are they at 4,000 points of the computed boundary, and at the corners of a boundary traced on 100 x 100 points?

# %%
segments = splines.decision_boundary_2d(mosaic)
on_boundary = splines.sample_segments(segments, 4000, seed=ch.seed)
traced = ch.figures.traced_boundary(net, half=3, side=100)


@torch.no_grad()
def largest_gap(places):
    return net(places).diff(dim=1).abs().max().item()


ch.measure("exact-boundary", gap=largest_gap(on_boundary))
ch.measure("traced-boundary", gap=largest_gap(torch.cat(traced)))

# %% [markdown]
# **What you saw.** To the eye both are the same line: the corners of the traced one are at most 0.003 off. But only on the exact one do the scores tie everywhere, to a dozen decimals or more; on the traced one, where a wall passes between the two grid points that the trace interpolates, they do not. Points that lie *on* the boundary are what one needs to measure distances to it.
#
# > **Check yourself.** Each tile has its own $A$. Why do the straight parts of the boundary nevertheless join, end to end?
#
# ### Play: the microscope
#
# Around a bend of the boundary of the small network, computed anew as you drag `half_width`, half the side of the window. Tiles stay polygons and the boundary stays straight inside each, at any magnification. Beside it lies the traced one.

# %%
corners = splines.decision_boundary_2d(stages[400, 2]).flatten(0, 1)
bend = corners[corners.norm(dim=1).argmin()]  # the one nearest the centre
trace = ch.figures.traced_boundary(small, half=3, side=100)
cb.explore(ch.figures.microscope, small, trace, bend, figsize=(5.4, 3.7), half_width=cb.log_slider(0.02, 1e-4, 3))

# %% [markdown]
# ## 4 · Where does training leave small tiles?
#
# The data lie in the middle of the square, and the lines of a fresh network crowd there too: small tiles in the middle prove nothing. So turn the moons by a right angle about the centre, and keep the pairs whose turned point is at least 0.3 from any data. The two points of a pair are equally far from the centre. We compare **data** and **turned**, where training never saw a point, and as a third group **far**: points drawn anywhere in the square, at least 0.5 from any data.


# %%
def three_groups(data, seed):
    turned = splinecam.quarter_turn(data)
    paired = torch.cdist(turned, data).amin(1) > 0.3
    anywhere = 6 * torch.rand(2000, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) - 3
    far = anywhere[torch.cdist(anywhere, data).amin(1) > 0.5]
    return data[paired], turned[paired], far


DATA, TURNED, FAR = 0, 1, 2  # the order of the groups
ch.figures.three_groups(mosaic, three_groups(points, ch.seed))

# %% [markdown]
# *Compare the tiles at the yellow dots with those at the white squares.* The *typical area* at some points is the geometric mean of the areas of the tiles that hold them. By eye it is hard to tell, so we measure. A quarter turn only swaps the two input weights of each first unit and flips a sign, and random weights are as likely after that as before: a fresh network treats a point and its twin alike on average. If a trained one does not, it has learned to.
#
# *Guess first:* how many times larger are tiles at the turned points than at the data, before training and after?


# %%
def typical_areas(net, groups):
    tiles = splines.partition_2d(net, square)
    return [splinecam.typical_area(tiles, places) for places in groups]


before, after = [], []
for start in range(1000 * ch.seed, 1000 * ch.seed + ch.pick(fast=6, toy=12)):
    data, classes = splinecam.moons(start)
    fresh = splinecam.network([2, 32, 32, 32, 2], start)
    before.append(typical_areas(fresh, three_groups(data, start)))
    trained = splinecam.train(fresh, data, classes)
    after.append(typical_areas(trained, three_groups(data, start)))


# %%
def times_larger(sizes, place):
    ratios = np.array(sizes)[:, place] / np.array(sizes)[:, DATA]
    return np.exp(np.log(ratios).mean())  # over the networks


turned_before, turned_after = times_larger(before, TURNED), times_larger(after, TURNED)
ch.measure("tiles-at-data", after=turned_after, learned=turned_after / turned_before)
ch.measure("fresh-alike", before=turned_before)

# %%
far_before, far_after = times_larger(before, FAR), times_larger(after, FAR)
ch.measure("far-tiles", after=far_after, learned=far_after / far_before)
change = np.exp((np.log(after) - np.log(before)).mean(0))
print(f"training changes the typical area {change[DATA]:.2f}x at the data, {change[TURNED]:.2f}x at the turned points")
ch.figures.where_tiles_are(before, after)

# %% [markdown]
# **What you saw.** Each grey line is one network, the black one their mean. Before training, tiles at the turned points are about as large as at the data; after it, about twice as large. Training makes a factor of 2.4: tiles at the data shrink by a fifth, but those at the turned points grow to nearly twice. So the larger part is that tiles go away where there are no data. Far away tiles are four times as large as at the data, and half of *that* factor was there before training. Single networks differ widely (0.9 to 5.6 at the turned points), so the claims are about means.
#
# > **Check yourself.** Could the walls be drawn to the decision boundary and not to the data? How would you test it?

# %% [markdown]
# ## What breaks
#
# - **A plane is not the space.** Of a network with 784 inputs we see on a plane the tiles that the plane meets. The number of all tiles is astronomically larger, and can be bounded, not listed.
# - **Only piecewise affine networks.** The same argument covers more than ReLU, as the paper says: leaky ReLU puts its slope in $Q$ where ReLU has 0, the absolute value puts $-1$, max-pooling selects; skip connections and a trained batch normalization are affine. GELU, sigmoid and softmax attention bend between the walls.
# - **Two tiles may carry one map** (exercise 2). And exact means up to rounding: a cut that would trim off less than $10^{-10}$ of a unit's range over a tile is left out. The smallest tile of `mosaic` has the area $2 \cdot 10^{-11}$: that is about as small as they get here.
# - **The toy.** Our networks are tiny; the paper goes up to a VGG11 on TinyImageNet. Inside each tile it draws the next layer's lines and finds the new tiles as cycles in the graph of their crossings; scissors are simpler and do the same in the plane. The turned moons, and the numbers, are ours. For real images see the [lab](splinecam_lab.ipynb).

# %% [markdown]
# ## Summary
#
# 1. Where no unit changes sign, a ReLU network is one affine map: a product of its weight matrices with the blocked rows set to zero.
# 2. One pattern is one convex tile, because each unit cuts along a straight line wherever the earlier units keep their signs.
# 3. So a pair of scissors and a recursion find all tiles in a square of a plane; a grid of a million points still misses a tenth of them here.
# 4. In each tile the decision boundary is a piece of a straight line, known to rounding.
# 5. On average over 12 networks, trained tiles at the data are half as large as at the turned points; in fresh networks they are about equal. Single networks can go the other way.

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises (45 minutes here, 110 in the lab)
#
# **1** ●○○ 10 min. Three different lines meet a square. What is the largest and what the smallest number of tiles they can cut it into? Choose weights and biases of `nn.Sequential(nn.Linear(2, 3), nn.ReLU()).double()` that reach both numbers, and count with `splines.partition_2d`.
#
# <details><summary>Hint</summary>Add the lines one at a time: how many tiles does a new line add that crosses none, one or two of the others?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●●○ 15 min. One pattern is one tile. But two neighbouring tiles can carry the *same* affine map. Build a network of two hidden layers in which they do.
#
# <details><summary>Hint</summary>Let the first layer cut somewhere, and see to it that nobody hears of it.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●○ 20 min. How many points a side does a grid on $[-3, 3]^2$ need to put one point in the smallest tile of `mosaic`? How much time would that take at a million points a second?
#
# <details><summary>Hint</summary>How much area of the square is there for each point of a grid?</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()

# %% [markdown]
# ## References
#
# - A. I. Humayun, R. Balestriero, G. Balakrishnan, R. Baraniuk. [SplineCam: Exact Visualization and Characterization of Deep Network Geometry and Decision Boundaries](https://arxiv.org/abs/2302.12828). CVPR 2023.
# - R. Balestriero, R. Baraniuk. A Spline Theory of Deep Learning. ICML 2018: networks as max-affine splines.
