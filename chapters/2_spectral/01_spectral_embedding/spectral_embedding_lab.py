# %% [markdown]
# # Spectral embedding: lab
#
# The [lesson](spectral_embedding.ipynb) solved VICReg and compared it with its rivals on right and wrong pairs. Here is the rest, in sections that do
# not need each other: few labels, when the methods agree, Barlow Twins and the two abstracts of the paper, the graph inside SimCLR, and how LDA and
# CCA come out of the same formula.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import numpy as np
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

import cookbook as cb
from replearn import data, evaluation, spectral
from replearn.papers.spectral_embedding import nuisance_digits, row_stochastic_graph

ch = cb.Chapter("spectral_embedding_lab", scale=scale, seed=seed)

# %% jupyter={"source_hidden": true}
chance = np.random.default_rng(ch.seed)
scene = nuisance_digits(seed=ch.seed)
same_digit = spectral.label_graph(scene.digit_train, normalize="class", self_loops=True)
same_background = spectral.label_graph(scene.pattern_train, normalize="class", self_loops=True)


def accuracy(W, K, rows=slice(None)):
    z, z_new = scene.x_train @ W[:, :K], scene.x_test @ W[:, :K]
    size = z.std(axis=0).max()
    digits = scene.digit_train[rows]
    return evaluation.ridge_probe(z[rows] / size, digits, z_new / size, scene.digit_test, standardize=False)


# %% [markdown]
# ## A · When dropping is a virtue
#
# In the lesson a dropped direction was a loss. But suppose the pairs are right, and the probe gets **one label for each digit**. Ten examples are few
# for 64 directions: 55 of them are noise, as far as the pairs can tell. A large `inv` removes those and keeps nine.
#
# *Guess first:* by how much does the probe gain? (We average over twenty draws of the ten examples.)

# %%
W = spectral.linear_ssl(scene.x_train, same_digit, 64, inv=0.05, ridge=1e-6).W


def one_label_each():
    order = chance.permutation(1200)
    return [order[scene.digit_train[order] == digit][0] for digit in range(10)]


draws = [one_label_each() for _ in range(20)]
large_inv, small_inv = (np.mean([accuracy(W, K, rows) for rows in draws]) for K in (9, 64))
ch.measure("few-labels", gain=large_inv - small_inv)

# %% [markdown]
# **What you saw.** Invariance is a bet on the pairs. If they are right, a strong bet pays where labels are few; if they are wrong, it costs
# everything.
#
# Most pairs are partly right. Mix the two rules: $G = a \cdot$ *same digit* $+ (1 - a) \cdot$ *same background*.

# %%
shares, sizes = np.linspace(0, 1, 11), (9, 18, 32, 64)
mixed = {}
for method in ("vicreg", "contrastive"):
    graphs = [share * same_digit + (1 - share) * same_background for share in shares]
    found = [spectral.linear_ssl(scene.x_train, g, 64, method=method, inv=0.05, ridge=1e-6).W for g in graphs]
    mixed[method] = {K: [accuracy(W, K) for W in found] for K in sizes}

cb.explore(ch.figures.mixture, shares, mixed, K=list(sizes))

# %% [markdown]
# With nine dimensions both methods keep the stronger nine, and switch in the middle. With eighteen, both rules fit, and a little truth is enough.
#
# > **Check yourself.** Why does the contrastive curve no longer change beyond $K = 18$?
#
# ## B · One space for all methods?
#
# VICReg uses the eigenvectors of $L = D_G - G$, the contrastive loss those of $G$, Barlow Twins those of $P = D_G^{-1/2} G D_G^{-1/2}$. Where all
# degrees are equal, $D_G$ is a multiple of the identity and the three share their eigenvectors. So unequal degrees *alone* should tell the methods
# apart. Take the strip of the lesson, once as it is, and once with its weights rescaled until every point has degree 1. For the contrastive
# loss we centre $G$ on both sides, so that the constant is left out here too.
#
# *Guess first:* how much do the four-dimensional spaces share in each case?

# %%
points = np.random.default_rng(ch.seed).uniform(size=(120, 2)) * [5, 1]
strip = spectral.knn_graph(points, 8).toarray()
balanced = strip.copy()
for _ in range(1000):
    root = np.sqrt(balanced.sum(axis=1))
    balanced = balanced / root[:, None] / root

# %%
centring = np.eye(120) - 1 / 120


def descend(loss):
    Z = spectral.minimize_embedding(loss, 120, 4, seed=ch.seed).Z
    return Z - Z.mean(axis=0)


def vicreg_and_contrastive(graph):
    laplacian = np.diag(graph.sum(axis=1)) - graph
    inv = 0.35 / np.linalg.eigvalsh(laplacian)[5]
    vicreg = descend(partial(spectral.vicreg_graph_loss, L=laplacian, inv=inv))
    return vicreg, descend(partial(spectral.contrastive_graph_loss, S=centring @ graph @ centring))


# %%
vicreg, contrastive = vicreg_and_contrastive(balanced)
barlow = descend(partial(spectral.barlow_graph_loss, G=balanced))
angles = [spectral.principal_angles(vicreg, Z).max() for Z in (contrastive, barlow)]
ch.measure("equal-degrees-agree", angle=angles)

# %%
vicreg, contrastive = vicreg_and_contrastive(strip)
ch.measure("unequal-degrees-differ", shared=spectral.subspace_overlap(vicreg, contrastive))
print(f"VICReg and Barlow Twins share {spectral.subspace_overlap(vicreg, spectral.barlow_embedding(strip, 4).Z):.4f}")

# %% [markdown]
# *The number is the mean squared cosine of the principal angles: 1 for equal spaces.* **What you saw.** Three losses, one space, as long as everybody
# has the same degree. With a fixed number of views for each image this is the case. Without it, the contrastive loss turns away from VICReg,
# and Barlow Twins hardly.
#
# ## C · Barlow Twins, and two abstracts
#
# Barlow Twins minimises $\|\mathcal C - I\|_F^2$ for $\mathcal C_{kl} = (Z^\top G Z)_{kl} / \sqrt{(Z^\top D_G Z)_{kk} (Z^\top D_G Z)_{ll}}$. Put
# $Y = D_G^{1/2} Z$; the loss ignores the length of columns, so give them length 1. Then $\mathcal C = Y^\top P Y$. The eigenvalues
# $\rho_1 \ge \rho_2 \ge \dots$ of $P$, the constant left out, are correlations between the sides of a pair. Let $Y Y^\top$ have the
# eigenvectors of $P$, with eigenvalues $t_1, \dots, t_K$. Then the loss is $\sum_k (1 - t_k \rho_k)^2$, under $t_k \ge 0$ and $\sum_k t_k = K$, the sum
# of the columns' squared lengths. A Lagrange multiplier $2\nu$ for the sum gives
#
# $$ -2 \rho_k (1 - t_k \rho_k) + 2 \nu = 0 \quad \Rightarrow \quad t_k = \frac{(\rho_k - \nu)_+}{\rho_k^2}, \qquad \sum_k t_k = K . $$
#
# (Columns of equal length with these $t_k$ always exist; the library finds them by plane rotations.) So Barlow Twins thresholds too: a direction
# with $\rho_k \le \nu$ is dropped.

# %% [markdown]
# The threshold $\nu$ is not negative as long as $K \le \sum_{\rho_k > 0} 1 / \rho_k$. With more columns no loss can be less than $K - r$, where $r$
# counts the positive $\rho_k$: the matrix $Y^\top P Y$ has at most $r$ positive eigenvalues, and each other one costs 1. That value is reached, but
# by mixing directions with $\rho \le 0$ into the $r$ good ones.
#
# Both statements are ours, so they are put to the test of descent: on the strip with $K = 12$, and on 20 images with 4 views with $K = 32$, where
# $r = 19$ and all $\rho_k = 1$.
#
# *Guess first:* in the second case, does descent find the 19-dimensional space that tells images apart?

# %%
run = spectral.minimize_embedding(partial(spectral.barlow_graph_loss, G=strip), 120, 12, seed=ch.seed)
ch.measure("barlow-threshold", loss=abs(run.losses[-1] / spectral.barlow_embedding(strip, 12).loss - 1))

# %%
views = spectral.augmentation_graph(np.repeat(np.arange(20), 4))
run = spectral.minimize_embedding(partial(spectral.barlow_graph_loss, G=views), 80, 32, seed=ch.seed)
axes, sizes, _ = np.linalg.svd(run.Z - run.Z.mean(axis=0))
images = spectral.laplacian_eigenmaps(views, 19).Z
ch.measure("barlow-spare", loss=run.losses[-1], shared=spectral.subspace_overlap(axes[:, :19], images))

# %%
rho = spectral.barlow_embedding(strip, 60).eigenvalues
cb.explore(ch.figures.barlow_weights, rho, K=(2, 60, 1))

# %% [markdown]
# **What you saw.** The formulas hold, and the rank is 19; but with columns to spare, the 19 dimensions are *not* those that tell the images apart.
# In the picture each dot is a direction of the strip; grey ones come after the first $K$. Left of the dashed threshold a direction gets nothing.
#
# **Two abstracts.** For wrong pairs the paper's conference abstract recommends "BarlowTwins or small-inv VICReg"; later versions recommend small-inv
# VICReg over "SimCLR or BarlowTwins". Both can be had. Take the wrong pairs of the lesson and $K = 32$. If every picture is also a pair with itself
# (a self-loop), 55 directions have $\rho = 0$: the loss does not see them, and descent leaves in $Z$ whatever it started with. Without self-loops
# they have a slightly negative $\rho$, and it matters.
#
# *Guess first:* how many dimensions does descent end with, in each case?


# %%
white = torch.tensor(spectral.linear_ssl(scene.x_train, same_background, 64, inv=0, ridge=1e-6).W)
inputs = torch.tensor(scene.x_train - scene.x_train.mean(axis=0)) @ white


def barlow_by_descent(graph, K=32):
    pairs, degrees = (
        torch.tensor(inputs.numpy().T @ (m @ inputs.numpy())) for m in (graph, np.diag(graph.sum(axis=1)))
    )

    def loss(A):
        scale = (A * (degrees @ A)).sum(dim=0).rsqrt()
        return (scale[:, None] * (A.T @ pairs @ A) * scale - torch.eye(K)).square().sum()

    return (white @ spectral.minimize_embedding(loss, 64, K, seed=ch.seed).Z).numpy()


# %%
loops = barlow_by_descent(same_background)
no_loops = barlow_by_descent(spectral.label_graph(scene.pattern_train, normalize="class"))
ranks = [np.linalg.matrix_rank(scene.x_train @ W, rtol=1e-3) for W in (loops, no_loops)]
ch.measure("self-loops", with_loops=ranks[0], without=ranks[1])
ch.measure("self-loops-survive", gain=accuracy(loops, 32) - accuracy(no_loops, 32))

# %% [markdown]
# **What you saw.** A diagonal that nobody writes down decides whether Barlow Twins keeps what the pairs did not ask for. This is our reading, not the
# paper's.
#
# > **Check yourself.** Do two augmented views of one image make a graph with self-loops?
#
# ## D · SimCLR reads a graph off its own embedding
#
# SimCLR turns similarities $s_{ij}$ into probabilities, a softmax over each row with temperature $\tau$. This *estimates a graph*: among
# graphs with zero diagonal and rows that sum to 1, the softmax maximises
#
# $$ \sum_{ij} s_{ij} G_{ij} - \tau \sum_{ij} G_{ij} (\log G_{ij} - 1) . $$
#
# So SimCLR compares the graph that it was given with the one that it reads off. Check it by climbing this objective in multiplicative steps, which
# keep the entries positive.


# %%
def climb(similarities, temperature, steps=400):
    graph = (1 - np.eye(12)) / 11
    for _ in range(steps):
        slope = similarities - temperature * np.log(np.where(graph > 0, graph, 1))
        graph = graph * np.exp(0.1 / temperature * slope)
        graph = graph / graph.sum(axis=1, keepdims=True)
    return graph


angles = np.sort(np.repeat([0, 2.1, 4.2], 4) + 0.45 * chance.normal(size=12))
circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
softmax = row_stochastic_graph(circle @ circle.T, 0.3)
ch.measure("softmax-graph", difference=abs(climb(circle @ circle.T, 0.3) - softmax).max())

# %%
cb.explore(ch.figures.temperature, circle, row_stochastic_graph, tau=cb.log_slider(0.2, 0.02, 2))

# %% [markdown]
# Drag `tau`: at small $\tau$ each of the twelve embeddings sees its nearest neighbour alone (which is NNCLR); at large $\tau$ it sees all alike.
#
# **Global and local.** The second half of SimCLR embeds *all* similarities $S$, as in the lesson, by $\min_Z \|ZZ^\top - S\|_F^2$. Let $S$ come from
# the lengths of shortest paths along a surface (squared and centred): that is ISOMAP, a *global* method. VICReg is *local*: it asks only pairs. We
# give both an S-shaped sheet and two dimensions.
#
# *Guess first:* which of them knows the **width** of the sheet? ($R^2$ is the share of its variance that a linear fit explains.)

# %%
sheet, along = data.s_curve(600, seed=ch.seed)
far = spectral.classical_mds(spectral.geodesic_distances(sheet, 10) ** 2, 2).Z
near = spectral.vicreg_embedding(spectral.knn_graph(sheet, 10), 2, inv=0.01).Z


def explained(target, Z):
    Z = np.column_stack([Z, np.ones(len(Z))])
    residual = target - Z @ np.linalg.lstsq(Z, target, rcond=None)[0]
    return 1 - residual.var() / target.var()


width = sheet[:, 1].numpy()
ch.measure("global-and-local", global_knows=explained(width, far), local_knows=explained(width, near))
ch.figures.sheets(sheet, along, {"all path lengths": far, "neighbours alone": near})

# %% [markdown]
# *Look at the bottom row.* **What you saw.** The global method unrolls the sheet into length and width. VICReg's second coordinate is a parabola of
# its first: on a long strip the second wave *along* is smoother than the first wave *across*.
#
# ## E · LDA and CCA were spectral embeddings
#
# The lesson's linear problem $X^\top L X\, w = \mu\, X^\top X\, w$ has two famous cases. With pairs of one class ($G_{ij} = 1/n_c$) it is
# Fisher's discriminant analysis (LDA): supervised learning is self-supervised learning with a perfect graph. With two views of each
# sample it is [canonical correlation analysis](../../1_recipes/04_canonical_correlation/canonical_correlation.ipynb) (CCA), each pair entered in
# both orders. We descend on VICReg's loss over linear maps and compare with scikit-learn's LDA and with a CCA by singular values.


# %%
def vicreg_by_descent(x, graph, inv):
    directions, _, _ = np.linalg.svd(x, full_matrices=False)
    inputs = torch.tensor(np.sqrt(len(x)) * directions)
    laplacian, _ = spectral.laplacian(graph)
    return (
        inputs.numpy()
        @ spectral.minimize_embedding(
            lambda A: spectral.vicreg_graph_loss(inputs @ A, laplacian, inv=inv), inputs.shape[1], 9, seed=ch.seed
        ).Z
    )


# %%
images, labels = data.load("digits")[:2]
rows = chance.permutation(len(labels))[: ch.pick(fast=600, toy=1000)]
x, y = images[rows].flatten(1).double().numpy(), labels[rows].numpy()
x = x[:, x.std(axis=0) > 0.01] - x[:, x.std(axis=0) > 0.01].mean(axis=0)

# %%
lda = x @ LinearDiscriminantAnalysis(solver="eigen").fit(x, y).scalings_[:, :9]
by_class = vicreg_by_descent(x, spectral.label_graph(y, normalize="class"), inv=0.5)
plain = vicreg_by_descent(x, spectral.label_graph(y), inv=0.5 / 100)
ch.measure("labels-give-lda", angle=spectral.principal_angles(lda, by_class).max())
ch.measure("plain-labels-miss", angle=spectral.principal_angles(lda, plain).max())

# %%
noise = 0.2 * chance.normal(size=(2, *x.shape))
first, second = x + noise[0], x + noise[1]
both, swapped = np.concatenate([first, second]), np.concatenate([second, first])
both -= both.mean(axis=0)
pairs = spectral.pairs_graph(np.arange(len(x)), np.arange(len(x)) + len(x), 2 * len(x))
canonical = both @ spectral.cca(both, swapped, 9).A
ch.measure("views-give-cca", angle=spectral.principal_angles(canonical, vicreg_by_descent(both, pairs, inv=0.5)).max())

# %% [markdown]
# **What you saw.** The weight $1/n_c$ matters: with plain 0/1 pairs, classes of unequal size have unequal degrees, and the space is no longer LDA's.
#
# > **Check yourself.** Two views have correlation $\rho$ along a direction. What is its $\mu$?

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **L1** ●○○ 10 min. The Laplacian of $V$ views of one image is $V I - \mathbf 1 \mathbf 1^\top$, with $\mathbf 1$ the vector of ones. Find its
# eigenvalues, and those of $G$ and of $P$. Which of the three methods notices $V$?
#
# <details><summary>Hint</summary>The vector of ones, and anything orthogonal to it.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L2** ●●○ 25 min. Rewire a growing share of the *right* pairs at random (`spectral.rewire_graph`). How does the accuracy of VICReg fall, with
# $K = 9$ dimensions and with 64?
#
# <details><summary>Hint</summary>What happens to the eigenvalues $\mu_1, \dots, \mu_9$ as noise enters, and to their order?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L3** ●●○ 30 min. Derive the spectral contrastive loss from SimCLR: for small similarities expand $\log \frac1N \sum_j e^{s_{ij}}$ to second order.
# What remains, and what has to be dropped?
#
# <details><summary>Hint</summary>With centred embeddings the linear term vanishes.</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **L4** ●●● 90 min. Break the tie. In the lesson we chose among the 55 tied directions by hand. Let the loss choose: add a small second graph (neighbours in
# pixel space, say) or a penalty on $\|W\|_F^2$, and measure the accuracy at $K = 32$. Can you beat random directions?
#
# <details><summary>Hint</summary>A penalty on the weights prefers directions of large variance. What are those, once the background is out?</details>

# %% tags=["answer"]
# Your answer

# %%
ch.footer()
