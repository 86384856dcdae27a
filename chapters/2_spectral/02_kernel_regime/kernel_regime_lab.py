# %% [markdown]
# # The kernel regime: lab
#
# The [lesson](kernel_regime.ipynb) turned pairs and a kernel into an induced kernel, and held it against networks. Here is the rest, in sections that do not need each other: the paper's spirals, and how few labels they need; how wide is wide, and real networks on digits; what a tie is worth when there are many labels; the contrastive loss and its self-pairs; the linear regime.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import ipywidgets
import numpy as np
import torch

import cookbook as cb
from replearn import data, spectral
from replearn.papers import kernel_regime as world

ch = cb.Chapter("kernel_regime_lab", scale=scale, seed=seed)
chance = np.random.default_rng(ch.seed)


# %% [markdown]
# ## A · Two spirals
#
# Somebody films a walk along each of two spirals. The 200 points are the frames, and each is a pair with the next two on its own spiral. What should be similar to the star?

# %%
points, spiral = (a.numpy() for a in data.spirals(200, seed=ch.seed))
new_points, new_spiral = (a.numpy() for a in data.spirals(400, seed=ch.seed + 1000))
i = np.arange(200)
walk = spectral.pairs_graph(np.r_[i[:-2], i[:-4]], np.r_[i[2:], i[4:]], 200)

kernel = world.centered(world.wide_network_kernel, points)
k_ss, k_xs, k_plane = (kernel(some, points) for some in (points, new_points, ch.figures.PLANE))
ch.figures.spirals(points, k_plane[:, 120] / k_ss[120, 120], "Similar before it has seen a pair")

# %% [markdown]
# *Orange is similar to the star, blue is dissimilar, by the kernel of an infinitely wide ReLU network.* For it everything on the star's side of the plane is alike. Now solve (1) with $K = 3$: one dimension for "which spiral" and two for the slowest waves along them. (`world.induced` is the lesson's `induced_weights`.)
#
# The paper shows spirals to argue that the induced kernel correlates related points and no others, also where it was not trained. So take 400 new points and their **contrast**: the mean cosine of $f(x)$ and $f(x')$ on one spiral, minus that across. Then give labels to two points of each spiral and let kernel ridge regression decide about the 400 (mean over 20 draws of the labels). As a control, shuffle the names of the points in the pairs.
#
# *Guess first:* with two labels a spiral, how many of the 400 will be right? (Chance is one half.)


# %%
def contrast(Z):
    Z = Z / np.linalg.norm(Z, axis=1, keepdims=True)
    same, oneself = new_spiral[:, None] == new_spiral, np.eye(400, dtype=bool)
    return (Z @ Z.T)[same & ~oneself].mean() - (Z @ Z.T)[~same].mean()


slowest = spectral.laplacian_eigenmaps(walk, 3).eigenvalues[-1]
names = chance.permutation(200)
induced, shuffled = (
    world.induced(k_ss, graph, 3, inv=0.5 / slowest, decay=1e-6) for graph in (walk, walk[names][:, names])
)


# %% jupyter={"source_hidden": true}
def accuracy(k_ss, k_xs, y, y_new, draws, lam=0.1):
    ask = partial(world.kernel_ridge_classifier, lam=lam)
    guesses = [ask(k_ss[np.ix_(rows, rows)], y[rows], k_xs[:, rows]) for rows in draws]
    return np.mean(np.array(guesses) == y_new)


# %%
def few_labels(each, draws=20):
    return [np.concatenate([2 * chance.permutation(100)[:each] + arm for arm in (0, 1)]) for _ in range(draws)]


def right(k_ss, k_xs, each=2):
    return accuracy(k_ss, k_xs, spiral, new_spiral, few_labels(each))


found = [(model.kernel(k_ss, k_ss), model.kernel(k_xs, k_ss)) for model in (induced, shuffled)]
two = [right(*pair) for pair in (*found, (k_ss, k_xs))]
print("accuracy: induced {:.2f}, names shuffled {:.2f}, kernel k {:.2f}".format(*two))

# %%
ch.measure("unseen-points", contrast=contrast(induced.transform(k_xs)))
ch.measure("two-labels", gain=two[0] - two[2])

# %%
ch.measure("shuffled-pairs", contrast=contrast(shuffled.transform(k_xs)), accuracy=two[1])
strengths = [float(f"{value:.2g}") for value in np.geomspace(0.01, 100, 21)]
models = {value: world.induced(k_ss, walk, 20, inv=value / slowest, decay=1e-6) for value in strengths}
inv = ipywidgets.SelectionSlider(options=[(f"{value:g}", value) for value in strengths], value=strengths[8])
controls = {"dims": ipywidgets.IntSlider(3, 1, 20), "inv": inv, "star": ipywidgets.IntSlider(120, 0, 199)}
cb.explore(ch.figures.spiral_kernel, points, k_plane, models, figsize=(7.6, 3.6), **controls)

# %% [markdown]
# **What you saw.** Almost all new points are right from two labels; the kernel $k$ alone is near chance. Drag `star` along the spirals, and `dims`: with one dimension only *which spiral* is left, with more of them the similar region becomes short. `inv` is in units of $1/\lambda_3$, with $\lambda_3$ the eigenvalue of the slowest waves: drag it up, and one wave after the other dies.
#
# **How many labels does $k$ need?** Starred points are labelled; colours are the decision of kernel ridge regression. Raise `labels`: $k$ has to be told about each stretch of each spiral, the induced kernel has been told by the pairs.

# %%
each = [1, 2, 3, 5, 8, 12, 20, 30]
pairs = {"induced": found[0], "k itself": (k_ss, k_xs)}
rising = {name: [right(*pair, count) for count in each] for name, pair in pairs.items()}

# %%
order = chance.permutation(100)
starred = [np.concatenate([2 * order[:count], 2 * order[:count] + 1]) for count in each]
on_plane = {"induced": (found[0][0], induced.kernel(k_plane, k_ss)), "k itself": (k_ss, k_plane)}


def decision(train, plane, rows):
    return world.kernel_ridge_classifier(train[np.ix_(rows, rows)], spiral[rows], plane[:, rows], lam=0.1)


decide = {name: [decision(*pair, rows) for rows in starred] for name, pair in on_plane.items()}
cb.explore(ch.figures.labels, points, each, rising, starred, decide, labels=each[1:], kernel=list(pairs))

# %% [markdown]
# > **Check yourself.** Two new points are neighbours between the spirals, one beside a point of the first and one beside a point of the second: what does $k^\star$ say of them? And if they meet in the middle? ([Answers](kernel_regime_solutions.ipynb))
#
# ## B · How wide is wide, and must there be decay?
#
# The clock of the lesson again, with the hour hand alone. Train networks of several widths from several starts, and compare them with the formula: **likeness** is the cosine between the two matrices of similarities at 240 times. Then one without any decay.
#
# *Guess first:* how many hidden units does it take to have a likeness of 0.95?

# %%
hours, times = np.arange(24.0), np.arange(0, 24, 0.1)
shifts = spectral.augmentation_graph(hours % 8)
vicreg = partial(spectral.vicreg_graph_loss, L=spectral.laplacian(shifts)[0], inv=0.5)


def hand(times):
    return np.stack([np.cos(2 * np.pi * times / 24), np.sin(2 * np.pi * times / 24)], axis=1)


def likeness(Z, other):
    these, those = Z @ Z.T, other @ other.T
    return np.sum(these * those) / np.linalg.norm(these) / np.linalg.norm(those)


# %%
clock = world.centered(world.wide_network_kernel, hand(hours))
formula = world.induced(clock(hand(hours), hand(hours)), shifts, 2, inv=0.5, decay=0.001)
expected = formula.transform(clock(hand(times), hand(hours)))


def train(width, decay=0.001, start=0):
    network = world.train_wide_network(hand(hours), vicreg, 2, width=width, decay=decay, seed=9 * ch.seed + start)
    return likeness(network(hand(times)), expected)


widths, starts = [4, 8, 16, 64, 256], range(ch.pick(fast=6, toy=9))
by_width = {width: [train(width, start=start) for start in starts] for width in widths}

# %%
ch.measure("narrow-network", likeness=np.mean(by_width[4]))
ch.measure("without-decay", likeness=[train(1000, decay=0, start=start) for start in range(3)])
ch.figures.widths(by_width)

# %% [markdown]
# **What you saw.** Sixteen units are often enough, and 64 always were. Narrow networks fail in two ways: some take other waves, others cannot follow the one that they want. And without decay, a wide network that starts with next to nothing still ends at what the cheapest directions say: near zero each direction grows at its own speed, and the cheap ones are faster (exercise L3).
#
# **And on pictures?** Fifty digits in four views, at half the resolution, $K = 8$; a real network with 300 units, and a decay of 0.1. We compare similarities between 300 new digits. The rival copies to each new digit the embedding of the nearest training picture.


# %%
def halved(x):
    return x.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196)


digits = world.shifted_digits(50, 4, 300, seed=ch.seed)
x, x_new = halved(digits.x), halved(digits.x_new)
views = spectral.augmentation_graph(digits.image)
kernel = world.centered(world.wide_network_kernel, x)
formula = world.induced(kernel(x, x), views, 8, inv=0.5, decay=0.1)
expected = formula.transform(kernel(x_new, x))

# %%
loss = partial(spectral.vicreg_graph_loss, L=spectral.laplacian(views)[0], inv=0.5)
network = world.train_wide_network(x, loss, 8, width=300, decay=0.1, seed=ch.seed)
nearest = ((x_new[:, None] - x) ** 2).sum(axis=-1).argmin(axis=1)
real, copied = likeness(network(x_new), expected), likeness(formula.Z[nearest], expected)
print(f"likeness to the formula: network {real:.2f}, copies {copied:.2f}")
ch.measure("network-on-digits", missing=1 - real, lead=real - copied)

# %% [markdown]
# **What you saw.** The formula knows what a network of 300 units says about digits that neither has seen, and the copies do not. Why so much decay? With less, the eighth direction counts as much as the first, and where the ninth costs nearly the same the network may take that one instead. (Try 0.001 with `seed = 5`: the likeness falls to about 0.86.)
#
# ## C · What a tie is worth
#
# The lesson kept 20 of 249 tied directions, with 50 labels. Keep other twenties, keep more, and change the number of labels. First the cost of each tied direction $u$, which is $u^\top k_{ss}^{-1} u$, cheapest first (`smoothest_directions`; `tied_eigenspace` finds the tie).

# %%
digits = world.shifted_digits(250, 4, 1000, seed=ch.seed)
kernel = world.centered(world.wide_network_kernel, digits.x)
k_ss, k_xs = kernel(digits.x, digits.x), kernel(digits.x_new, digits.x)
target = world.ssl_target(spectral.augmentation_graph(digits.image))
costs, directions = world.smoothest_directions(world.tied_eigenspace(target, 1000), k_ss + 1, 249)
directions_new = k_xs @ np.linalg.solve(k_ss + 1, directions)


def keep(first, last):
    Z = directions[:, first:last]
    return Z @ Z.T, directions_new[:, first:last] @ Z.T


# %%
def label(count, draws):
    return [4 * chance.permutation(250)[:count] for _ in range(draws)]


def score(pair, draws):
    return max(accuracy(*pair, digits.y, digits.y_new, draws, lam) for lam in (0.1, 0.001))


first = np.arange(0, 230, 20)
fifty = label(50, 10)
windows = [score(keep(start, start + 20), fifty) for start in first]
ch.figures.windows(costs, first, windows)

# %% [markdown]
# *Every dot on the right is a perfect embedding for the loss.* **What you saw.** The first twenty hold most of what a probe can use.
#
# With more labels one may keep more of them. Every kernel gets the better of two ridges, chosen *on the test digits*, so look at large differences only.
#
# *Guess first:* with all 250 pictures labelled, is it better to keep 20 directions or all 249?

# %%
counts = [10, 20, 50, 125, 250]
kept = {"cheapest 20": keep(0, 20), "all tied": keep(0, 249), "kernel k": (k_ss, k_xs)}
curves = {name: [] for name in [*kept, "k, all views labelled"]}
for count in counts:
    draws = label(count, 10 if count < 250 else 1)
    for name, pair in kept.items():
        curves[name].append(score(pair, draws))
    every_view = [(rows[:, None] + np.arange(4)).ravel() for rows in draws]
    curves["k, all views labelled"].append(score((k_ss, k_xs), every_view))
all_tied = curves["all tied"][-1]
ch.measure("all-ties", gain=all_tied - curves["cheapest 20"][-1], right=all_tied)
ch.figures.many_labels(counts, curves)

# %% [markdown]
# **What you saw.** Few directions for few labels, many for many. With all pictures labelled "all tied" meets "$k$, all views labelled". That is no accident: without ridge, a probe on all tied directions can fit any centred labels that are constant on views, and its scores are $k_{xs} k_{ss}^{-1} (Y - \bar Y)$, with the one-hot labels of all views as the rows of $Y$. This *is* $k$ fitted to all views: to keep every tied direction is data augmentation. (The theorem is ours; a unit test checks it. Here both have a ridge, but it hardly acts.)
#
# > **Check yourself.** With 10 labels, why is keeping all tied directions even worse than $k$ itself?

# %% [markdown]
# ## D · The contrastive loss, and pairs with oneself
#
# The paper solves a contrastive loss as well, $\|ZZ^\top - (I + G)\|_F^2$: each sample is also a pair with itself. The last chapter had $\|ZZ^\top - G\|_F^2$, as two views of an image are never the same view; the [interplay](../04_ssl_interplay/ssl_interplay.ipynb) averages over two views drawn independently, which may coincide. The identity shifts every eigenvalue by 1 and moves no eigenvector. But an embedding keeps *positive* eigenvalues only, so the shift can change the rank. (VICReg does not notice: a self-pair adds nothing to the Laplacian.)
#
# *Guess first:* twelve images with five views each have the eigenvalues 4 and $-1$. Will self-pairs change their rank? And on a ring, where $G$ has $2 \cos(2 \pi j / N)$?

# %%
ring = spectral.pairs_graph(np.arange(61), (np.arange(61) + 1) % 61, 61).toarray()
circle = np.stack([np.cos(2 * np.pi * np.arange(61) / 61), np.sin(2 * np.pi * np.arange(61) / 61)], axis=1)
k_ring = world.wide_network_kernel(circle, circle)


def descend(target):
    return spectral.minimize_embedding(partial(spectral.contrastive_graph_loss, S=target), 61, 61, seed=ch.seed).Z


target = world.ssl_target(ring, method="contrastive")  # I + G
with_self, without = descend(target), descend(ring)
alive = [int(np.sum(np.linalg.svd(Z)[1] > 0.05)) for Z in (with_self, without)]
ch.measure("self-pairs", with_self=alive[0], without=alive[1])

# %%
solved = spectral.kernel_ssl(k_ring, target, 61).kernel(k_ring, k_ring)
ch.measure("contrastive-target", gap=abs(with_self @ with_self.T - solved).max())
ch.measure("ring-out-of-reach", gap=abs(with_self @ with_self.T - target).max())

# %% [markdown]
# **What you saw.** For groups of views nothing changes: 4 and $-1$ become 5 and 0. On the ring ten more eigenvalues become positive. In both cases $ZZ^\top$ is the *positive part* of the target, and $I + G$ itself is out of reach. (Here $k_{ss}$ is invertible, so descending on $Z$ is descending on $A$, and no centring is needed: this loss does see the mean.)
#
# ## E · A linear kernel
#
# With $k(x, x') = x^\top x'$ the encoder is linear, and the paper recovers the linear regime of the last chapter: locality-preserving projections. Now $k_{ss}$ has the rank of the inputs, here 5 of 60, and $Z = k_{ss} A$ must lie in its range. With $k_{ss} = U \operatorname{diag}(w)\, U^\top$ over its positive eigenvalues, solve with $U^\top T_\gamma U$ in the place of $T_\gamma$; `spectral.kernel_ssl`, on which `world.induced` stands, does so always.
#
# We draw five sets of inputs, descend over linear encoders, and compare the losses.
#
# *Guess first:* what goes wrong when the inputs are not centred?


# %%
def excesses():
    inputs = chance.standard_normal((60, 5))
    inputs -= inputs.mean(axis=0)
    graph = spectral.knn_graph(inputs, 8)
    inv = 0.5 / spectral.linear_ssl(inputs, graph, 4).eigenvalues[3]
    loss = partial(spectral.vicreg_graph_loss, L=spectral.laplacian(graph)[0], inv=inv)
    descent = spectral.minimize_embedding(lambda W: loss(torch.tensor(inputs) @ W), 5, 3, seed=ch.seed)
    formula = [world.induced(x @ x.T, graph, 3, inv=inv).Z for x in (inputs, inputs + 3)]
    return [loss(torch.tensor(Z)).item() / descent.losses[-1] - 1 for Z in formula]


centred, shifted = np.transpose([excesses() for _ in range(5)])
ch.measure("linear-kernel", loss=abs(centred))
ch.measure("uncentred-kernel", excess=shifted.mean())

# %% [markdown]
# **What you saw.** The loss does not see a constant added to the inputs, but the formula does: $H$ in the target asks for a mean of 0, which the shifted inputs can reach only by giving up a direction.

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **L1** ●○○ 15 min. What of $k^\star = N [T_0]_K$ survives when $k_{ss}$ has rank 5? Check it with a linear kernel.
#
# <details><summary>Hint</summary>In which space must $Z$ lie when $k_{ss}$ is not invertible?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L2** ●●○ 25 min. Which property of $k$ makes two unrelated new points similar under $k^\star$? Find such pairs of points, on different spirals.
#
# <details><summary>Hint</summary>In $k^\star(x, x') = k_{xs} (\dots) k_{sx'}$, what does $k$ have to do with a new point? Spirals with more noise have more of them.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L3** ●●● 60 min. Without decay, from a tiny $W$: expand the loss to second order and show at which speed a direction $u$ of the tie grows under gradient descent. On the clock, when does each wave arrive, and why do the late ones not arrive at all when $K = 2$?
#
# <details><summary>Hint</summary>With $Z = k_{ss} A$ and $W$ small, $\|M\|_F^2$ can be neglected. Measure the variance of each wave along gradient descent, with $K = 2$ and with $K = 7$.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L4** ●●● 60 min. Two batches of 36 of 60 samples share 12. Compare the independent closed forms with the optimum of the summed loss, found by descent.
#
# <details><summary>Hint</summary>One encoder takes part in both problems: is its loss above or below the sum of the two minima? Descend on $P$, with $Z = k_{ss}^{1/2} P$ for all 60.</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()
