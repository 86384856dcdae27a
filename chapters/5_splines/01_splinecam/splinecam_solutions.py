# %% [markdown]
# # SplineCam: solutions
#
# Try first: each exercise has a hint, and the [lesson](splinecam.ipynb) and the [lab](splinecam_lab.ipynb) have a cell for your answer.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import torch
from torch import nn

import cookbook as cb
from replearn import splines
from replearn.papers import splinecam

ch = cb.Chapter("splinecam_solutions", scale=scale, seed=seed)

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. The largest and the smallest number of tiles that three different lines cut a square into.
#
# Each line that meets the square adds one tile, and one more for each earlier line that it crosses inside. The largest number is reached when all three pairs cross inside, in three different points: $1 + 1 + 2 + 3 = 7$. The smallest is reached by parallel lines, which never cross: $1 + 1 + 1 + 1 = 4$.


# %%
def tiles_of_three_lines(weight, bias):
    three = nn.Sequential(nn.Linear(2, 3), nn.ReLU()).double()
    three[0].weight.data, three[0].bias.data = torch.tensor(weight).double(), torch.tensor(bias).double()
    return len(splines.partition_2d(three, splinecam.square(1)))


print(tiles_of_three_lines([[1, 0], [0, 1], [1, 1]], [0, 0, 0.5]), "in general position")
print(tiles_of_three_lines([[1, 0], [1, 0], [1, 0]], [-0.5, 0, 0.5]), "for parallel lines")

# %% [markdown] tags=["solution"]
# **2** ●●○ 15 min. Two neighbouring tiles with one affine map.
#
# The easy answer: give one unit of a hidden layer outgoing weights 0. It still cuts, and no map changes at its wall.
#
# The same happens without such a trick. A wall is heard of only if a later unit that is on listens to the unit that makes it. So let the first unit of layer 1 cut at $x_1 = 0$ and feed only the first unit of layer 2, and let that one be off on the whole square: with $h^2_1 = -x^1_1 - 1$ it is negative whatever $x^1_1 \geq 0$ is. The other unit of layer 1, $x_2 + 5$, is on everywhere and carries $x_2$ to the output.

# %%
hidden = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1)).double()
values = [([[1, 0], [0, 1]], [0, 5]), ([[-1, 0], [0, 1]], [-1, 0]), ([[1, 1]], [0])]
for layer, (weight, bias) in zip(hidden[::2], values, strict=True):
    layer.weight.data, layer.bias.data = torch.tensor(weight).double(), torch.tensor(bias).double()
twins = splines.partition_2d(hidden, splinecam.square(1))
print(len(twins), "tiles; their maps differ by", (twins.maps[0] - twins.maps[1]).abs().max().item())

# %% [markdown] tags=["solution"]
# **3** ●●○ 20 min. How many points a side a grid needs to put one point in the smallest tile.
#
# A grid of $n$ points a side has one point for each area $36/n^2$. A tile of area $a$ holds a point on average when $36/n^2 \leq a$, that is when $n \geq 6/\sqrt{a}$. (A sliver may still slip through: its shape decides, not its area alone.)
#
# The area below is about as small as the library cuts: a cut that trims off less than $10^{-10}$ of a unit's range over a tile is left out. So it is the smallest of the tiles that were cut, and its size an order of magnitude.
# %%
points, labels = splinecam.moons(ch.seed)
net = splinecam.train(splinecam.network([2, 32, 32, 32, 2], ch.seed), points, labels)
smallest = splines.partition_2d(net, splinecam.square(3)).areas().min().item()
side = 6 / smallest**0.5
print(f"smallest tile {smallest:.1e}: {side:,.0f} points a side")
print(f"{side**2:.1e} points, {side**2 / 1e6 / 86400:,.0f} days for what the scissors do in a second")

# %% [markdown] tags=["solution"]
# **L4** ●●○ 20 min. A network without biases is cut along lines through the origin only.
#
# Let $t > 0$. The first layer gives $h^1(tx) = W^1 t x = t\, h^1(x)$, and $\max(th, 0) = t \max(h, 0)$. So each layer passes the factor on: $h^l(tx) = t\, h^l(x)$ for all $l$. A positive factor changes no sign, so $x$ and $tx$ have one pattern. A tile therefore contains, with each point, the whole ray from the origin through it: it is a cone, in the plane a wedge, cut off by the square. Its walls
# are rays from the origin, also those of deeper layers. (They need not be whole lines: a line of a deeper layer may bend at the origin.) And in each wedge $c = 0$, so that the output is $Ax$.

# %%
no_bias = splinecam.network([2, 16, 16, 2], ch.seed)
for layer in no_bias[::2]:
    layer.bias.data.zero_()
wedges = splines.partition_2d(no_bias, splinecam.square(1))
nearest = wedges.vertices.norm(dim=2).amin(1)
print(len(wedges), "tiles; the farthest of them from the origin is at a distance of", nearest.max().item())

# %% [markdown] tags=["solution"]
# **L1** ●○○ 10 min. Two layers of $M$ units, with negative slope $\eta = 1$ in the first and 0 in the second.
#
# Slope 1 on both sides is no activation: $x^1 = h^1$, an affine map of $x$. The second layer's units are then affine in $x$ on the whole square: $M$ straight lines, as in a network of one layer. The walls of the first layer still count as walls if one counts patterns, but no map changes there. `partition_2d` knows this: a layer with slope 1 does not cut, and $\eta = 1$ in the slider leaves one tile.

# %%
flat = nn.Sequential(nn.Linear(2, 12), nn.LeakyReLU(1.0), nn.Linear(12, 12), nn.ReLU(), nn.Linear(12, 1)).double()
merged = nn.Sequential(nn.Linear(2, 12), nn.ReLU()).double()
merged[0].weight.data = flat[2].weight.data @ flat[0].weight.data
merged[0].bias.data = flat[2].weight.data @ flat[0].bias.data + flat[2].bias.data
print([len(splines.partition_2d(net, splinecam.square(1))) for net in (flat, merged)], "tiles")

# %% [markdown] tags=["solution"]
# **L2** ●●○ 20 min. $1 + M + X$ from Euler's formula.
#
# A square has 4 corners and 4 sides. A line that meets it ends on two sides: that adds 2 corners, splits these 2 sides (2 more), and is itself 1 side. Two lines that cross inside share a point: 1 more corner, and each of both lines is split there, 2 more sides. With $M$ lines and $X$ crossings,
#
# $$ \text{corners} = 4 + 2M + X, \qquad \text{sides} = 4 + 3M + 2X, $$
#
# and Euler's formula without the outer face, corners $-$ sides $+$ faces $= 1$, gives faces $= 1 + M + X$. (No line may pass through a corner of the square, and no three through one point; otherwise corners are counted twice.)

# %% [markdown] tags=["solution"]
# **L3** ●●● 60 min. Would updates of low rank pay?
#
# A child whose pattern differs from its sibling's in $r$ units has the map $W (Q' - Q) (\cdot)$ more, a matrix of rank at most $r$: $r$ columns of $W$ in place of all 80. With $m$ children to a parent, one full product and $m - 1$ updates cost $80 + r(m-1)$ columns in place of $80\,m$.

# %%
deep = splinecam.network([2, 80, 80, 80, 3], ch.seed)
patterns = splines.partition_2d(deep, splinecam.square(1), up_to=2, with_patterns=True).patterns
_, parent = patterns[:, :80].unique(dim=0, return_inverse=True)
eldest = torch.stack([(parent == p).int().argmax() for p in range(int(parent.max()) + 1)])
flips = (patterns[:, 80:] != patterns[eldest[parent], 80:]).sum(1).double()
children = parent.bincount().double().mean().item()
print(
    f"{children:.1f} children to a parent; a younger child differs from the eldest in {flips[flips > 0].mean():.1f} of 80 units"
)
print(
    f"saved in this layer: {1 - (80 + flips.mean().item() * (children - 1)) / (80 * children):.0%} of the products at most"
)

# %% [markdown]
# The price is irregular work: gathering a few columns of $W$ for each child, in place of one batched product. On a processor that multiplies dense batches quickly, much of the gain is lost again. And a wall-to-wall order of the children, each next to the last, would make each update a single column.

# %% [markdown]
# ## Check yourself
#
# 1. *All units of a layer are off.* Then $Q^l = 0$, so $A = 0$: the network is constant there, equal to what the later layers make of their own biases.
# 2. *Layer 1 times 3.* Its own walls stay: $3h = 0$ where $h = 0$. It now hands on $3x^1$, and since $b^2$ is not scaled, the walls of layers 2 and 3 move.
# 3. *The parts join.* The network is continuous: on the wall between two tiles both maps give the same scores. So where the scores tie on the wall, they tie for both tiles.
# 4. *Boundary or data?* It could be: the boundary runs between the moons, so the data are near it. But it also runs far beyond them, to the edge of the square. Compare tiles on it there with tiles at the same distance from the centre and off the boundary. Or move the two moons apart, so that most data are far from the boundary, and repeat the experiment.

# %%
ch.footer()
