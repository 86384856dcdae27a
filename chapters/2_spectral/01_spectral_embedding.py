# ---
# jupyter:
#   cookbook:
#     title: Spectral embedding
#     promise: Solve VICReg, SimCLR and Barlow Twins by hand, and see which graphs each of them survives.
#     papers: [balestriero2022spectral]
#     needs: [canonical_correlation]
#     minutes: 30
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
# # Spectral embedding
#
# After this chapter you can write down, without training anything, what VICReg, SimCLR and Barlow Twins converge to. You will know why some of them
# collapse to few dimensions, and which of them survives when the pairs you gave it were the wrong ones.

# %% tags=["parameters"]
scale = "toy"
seed = 0

# %%
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.collections import LineCollection
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.manifold import Isomap, spectral_embedding

import cookbook as cb
from replearn import data, evaluation, spectral
from replearn.papers.spectral_embedding import nuisance_digits, row_stochastic_graph

ch = cb.Chapter("spectral_embedding", scale=scale, seed=seed)
seeds = range(ch.seed, ch.seed + ch.pick(fast=1, toy=3))

# %% [markdown]
# ## The question
#
# Below are handwritten digits on background patterns. Which pictures are *the same thing*?

# %%
scene = nuisance_digits(seed=ch.seed)
clean = scene.x_train - 0.25 * scene.patterns[scene.pattern_train]
digits = np.stack([0 * clean[0], *(clean[scene.digit_train == d][0] for d in (0, 3, 4, 7))])
backgrounds = 0.25 * np.stack([0 * clean[0], *scene.patterns[:7]])
fig, ax = plt.subplots(figsize=(7.2, 4.2))
cb.plots.image_grid(ax, (digits[:, None] + backgrounds).reshape(-1, 8, 8), columns=8)
for row, label in enumerate(("a blank", "the digit 0", "the digit 3", "the digit 4", "the digit 7")):
    ax.text(-2, 3.5 + 9 * row, label, ha="right", va="center")
ax.set_title("A row shares its digit, a column its background")
plt.show()

# %% [markdown]
# *Look along a row, then down a column* (the first row has backgrounds alone, the first column digits alone). A self-supervised method never sees a
# label, only a list of pairs that belong together. Someone chose that list: perhaps pairs from one row, perhaps pairs from one column. If it was
# columns, and you then ask for digits: has the method thrown them away?
#
# ## The mathematics
#
# **Objects.** $N$ samples; $Z$ ($N \times K$) holds their embeddings, row $z_i$ for sample $i$. The rule is a **graph** $G$ ($N \times N$):
# symmetric, with $G_{ij} > 0$ where $i$ and $j$ are declared the same, and $0$ elsewhere. $D_G$ is diagonal and holds the degrees $\sum_j G_{ij}$;
# $L = D_G - G$ is the Laplacian; $\mathbf 1$ is the vector of ones; $H = I - \mathbf 1 \mathbf 1^\top / N$ subtracts the mean;
# $\mathrm{Cov}(Z) = Z^\top H Z / N$. $\|\cdot\|_F$ is the root of the sum of squared entries, $\operatorname{tr}$ the sum of the diagonal, and
# $(a)_+ = \max(a, 0)$.
#
# **Invariance is a quadratic form.** Expand $\|z_i - z_j\|^2 = \|z_i\|^2 + \|z_j\|^2 - 2 z_i^\top z_j$ and sum:
#
# $$ \sum_{ij} G_{ij} \|z_i - z_j\|^2 = 2 \operatorname{tr}(Z^\top L Z) . $$
#
# The 2 is there because every pair is counted twice. So each eigenvector $u$ of $L$, $L u = \lambda u$, is a way of giving numbers to the samples,
# and $\lambda$ says how much it differs across pairs. The smallest is $\lambda = 0$, for $u \propto \mathbf 1$, which says nothing. Drop that one;
# let $\lambda_1 \le \lambda_2 \le \dots$ be the others.
#
# **VICReg**, with the hinge on its variance replaced by a square, and weights $\mathrm{reg}$ and $\mathrm{inv}$, is
#
# $$ \mathcal L(Z) = \mathrm{reg}\, \|\mathrm{Cov}(Z) - I\|_F^2 + \frac{\mathrm{inv}}{N} \sum_{ij} G_{ij} \|z_i - z_j\|^2 . $$
#
# Neither term changes when a constant is added to $Z$, so take $Z$ centred and put $M = ZZ^\top / N$. Then $\|\mathrm{Cov}(Z)\|_F = \|M\|_F$,
# $\operatorname{tr} \mathrm{Cov}(Z) = \operatorname{tr} M$ and $\operatorname{tr}(Z^\top L Z) = N \operatorname{tr}(L M)$. Completing the square
# gives
#
# $$ \mathcal L = \mathrm{reg}\, \big\| M - \big(H - \tfrac{\mathrm{inv}}{\mathrm{reg}} L\big) \big\|_F^2 + \text{const}, \qquad M \text{ positive semi-definite, of rank at most } K . $$
#
# The best such $M$ keeps the $K$ largest eigenvalues $1 - \frac{\mathrm{inv}}{\mathrm{reg}} \lambda_k$ that are positive (Eckart and Young). With
# $U_K$ the first $K$ eigenvectors and any rotation $R$,
#
# $$ Z^\star = \sqrt N\, U_K \operatorname{diag}\Big(1 - \tfrac{\mathrm{inv}}{\mathrm{reg}} \lambda_k\Big)_+^{1/2} R, \qquad
#    \mathcal L^\star = \mathrm{reg} \Big( K - \sum_k \big(1 - \tfrac{\mathrm{inv}}{\mathrm{reg}} \lambda_k\big)_+^2 \Big), $$
#
# and the rank of $Z^\star$ is the number of $\lambda_k$ below $\mathrm{reg}/\mathrm{inv}$, at most $K$.
#
# The smoothest directions of the graph, each shrunk, and gone once $\lambda_k$ passes $\mathrm{reg}/\mathrm{inv}$. With little shrinkage this is
# **Laplacian Eigenmaps** (Belkin and Niyogi), a *local* method: only pairs enter.
#
# **SimCLR** does two things. It reads a graph off its own similarities $s_{ij}$, a softmax over each row with temperature $\tau$; and it embeds by
# comparing *all* pairs. The second step, with a squared loss, is $\min_Z \|ZZ^\top - S\|_F^2$, solved by the top positive eigenpairs $(s_k, u_k)$ of
# the similarity matrix $S$: $Z^\star = U_K \operatorname{diag}(s_k)_+^{1/2}$. With $S = G$ this is the **spectral contrastive loss**, with
# double-centred squared distances classical scaling, and along shortest paths **ISOMAP**: *global* methods.
#
# **Barlow Twins** minimises $\|\mathcal C - I\|_F^2$ for the correlations
# $\mathcal C_{kl} = (Z^\top G Z)_{kl} / \sqrt{(Z^\top D_G Z)_{kk} (Z^\top D_G Z)_{ll}}$. Let $P = D_G^{-1/2} G D_G^{-1/2}$ have eigenvalues
# $\rho_1 \ge \rho_2 \ge \dots$ in $[-1, 1]$, the constant left out. The optimum is spanned by $D_G^{-1/2}$ times the top eigenvectors of $P$. Their
# weights (our derivation) are again thresholded: $t_k = (\rho_k - \nu)_+ / \rho_k^2$, with $\nu$ such that $\sum_k t_k = K$; then a rotation gives
# all columns the same size.
#
# ## From scratch
#
# VICReg, solved in five lines. The points lie on a rolled-up sheet, and each point's positives are its 8 nearest neighbours.


# %%
def vicreg_by_hand(G, K, inv_over_reg):
    L = np.diag(G.sum(axis=1)) - G
    lam, U = np.linalg.eigh(L)
    lam, U = lam[1 : K + 1], U[:, 1 : K + 1]
    return np.sqrt(len(G)) * U * np.sqrt(np.maximum(1 - inv_over_reg * lam, 0))


roll = spectral.knn_graph(data.swiss_roll(120, seed=ch.seed)[0], 8)
by_hand, by_library = vicreg_by_hand(roll.toarray(), 4, 0.2), spectral.vicreg_embedding(roll, 4, inv=0.2).Z
np.testing.assert_allclose(by_hand @ by_hand.T, by_library @ by_library.T, atol=1e-9)
cb.show_source(spectral.vicreg_embedding)

# %% [markdown]
# The two are compared through $ZZ^\top$, because signs and rotations are free. The factor 2 deserves a check as well:

# %%
squared_distances = ((by_hand[:, None] - by_hand) ** 2).sum(axis=2)
energy = np.trace(by_hand.T @ (spectral.laplacian(roll)[0] @ by_hand))
np.testing.assert_allclose((roll.toarray() * squared_distances).sum(), 2 * energy)

# %% [markdown]
# ## The theorem, tested
#
# Descent (L-BFGS, from random numbers) knows nothing of eigenvectors. Where does it end? The ratio $\mathrm{inv}/\mathrm{reg} = 0.35 / \lambda_5$
# keeps all $K = 4$ dimensions alive.


# %%
def theory_and_descent(seed):
    G = spectral.knn_graph(data.swiss_roll(120, seed=seed)[0], 8)
    inv = 0.35 / spectral.laplacian_eigenmaps(G, 5).eigenvalues[4]
    loss = partial(spectral.vicreg_graph_loss, L=torch.tensor(spectral.laplacian(G)[0].toarray()), inv=inv)
    return spectral.vicreg_embedding(G, 4, inv=inv), spectral.minimize_embedding(loss, 120, 4, seed=seed)


def centred(Z):
    return Z - Z.mean(axis=0)


runs = [theory_and_descent(s) for s in seeds]
fig, ax = plt.subplots()
for theory, found in runs:
    ax.semilogy(np.maximum(found.losses / theory.loss - 1, 1e-9), color=cb.color("vicreg"), alpha=0.7)
ax.axhline(1e-9, color=cb.color("theory"), ls="--", lw=1)
ax.text(1, 2e-9, "the closed form, to nine digits", transform=ax.get_yaxis_transform(), ha="right")
ax.set(xlabel="evaluations of the loss", ylabel="(loss − theory) / theory", ylim=(4e-10, None))
ax.set_title("Descent arrives where the eigenvectors said it would")
plt.show()

# %% [markdown]
# *Look at the right end.* Every run comes down to the predicted value and stops there. The subspace it found is compared with the predicted one by
# their largest principal angle. That is safe because $\lambda_4$ and $\lambda_5$ are well apart: without such a gap the subspace itself is arbitrary.


# %%
def angle(A, B):
    return spectral.principal_angles(A, B).max()


off = [abs(d.losses[-1] / t.loss - 1) for t, d in runs]
turned = [angle(centred(d.Z), t.Z) for t, d in runs]
residual = [spectral.procrustes(centred(d.Z), t.Z)[2] for t, d in runs]
ch.claim("vicreg-closed-form.loss", "VICReg descends to the closed-form loss", measured=off, below=1e-6, paper="exact")
ch.claim(
    "vicreg-closed-form.span",
    "VICReg descends to the closed-form span",
    measured=turned,
    below=0.01,
    unit="deg",
    paper="exact",
)
ch.claim(
    "vicreg-closed-form.shrinkage",
    "VICReg descends to the closed-form shrinkage",
    measured=residual,
    below=1e-4,
    paper="exact",
)

# %% [markdown]
# **One subspace for all?** Where all degrees are equal, yes: there $D_G$ is a multiple of $I$, so $L$, $G$ and $P$ share their eigenvectors. Take a
# ring on which everyone has six positives and, as a control, the irregular graph of the roll. The contrastive $S$ is $HGH$, which sets the constant
# aside.


# %%
def angles_to_vicreg(G):
    H = np.eye(120) - 1 / 120
    rivals = [
        spectral_embedding(G, n_components=4, norm_laplacian=False, random_state=0),
        spectral.barlow_embedding(G, 4).Z,
        spectral.laplacian_eigenmaps(G, 4, kind="rw").Z,
        spectral.contrastive_embedding(H @ G.toarray() @ H, 4).Z,
    ]
    return [angle(spectral.vicreg_embedding(G, 4, inv=0.01).Z, Z) for Z in rivals]


i = np.arange(120)
ring = spectral.pairs_graph(np.tile(i, 3), np.concatenate([i + 1, i + 2, i + 5]) % 120, 120)
rolls = [spectral.knn_graph(data.swiss_roll(120, seed=s)[0], 8) for s in seeds]
maps, _, norm, contrast = zip(*map(angles_to_vicreg, rolls), strict=True)
name, on_ring, deg = "recovers-laplacian-eigenmaps", max(angles_to_vicreg(ring)), "deg"
ch.claim(
    f"{name}.any-graph", "VICReg spans scikit-learn's eigenmaps", measured=maps, below=0.01, unit=deg, paper="exact"
)
ch.claim(f"{name}.ring", "Equal degrees: all methods agree", measured=on_ring, below=0.01, unit=deg, paper="exact")
ch.claim(
    f"{name}.contrastive", "Unequal degrees: contrastive differs", measured=contrast, above=10, unit=deg, control=True
)
ch.claim(
    f"{name}.normalised", "Unequal degrees: normalised eigenmaps differ", measured=norm, above=2, unit=deg, control=True
)

# %% [markdown]
# **Who collapses?** Now 20 images with 4 views each, in $K = 32$ dimensions: $G$ is 20 cliques. Its Laplacian has the eigenvalue 0 twenty times (19
# without the constant) and 4 sixty times. VICReg can keep all 32 dimensions, whatever the graph, if $\mathrm{inv}$ is small. The others inherit the
# rank of $G$: it has 20 positive eigenvalues, 19 without the constant. For Barlow Twins descent shows it, and that its loss then cannot fall below
# $K - 19$.

# %%
views = spectral.augmentation_graph(np.repeat(np.arange(20), 4))
twins = partial(spectral.barlow_graph_loss, G=torch.tensor(views.toarray()))
twin_runs = [spectral.minimize_embedding(twins, 80, 32, seed=s) for s in seeds]
rank = partial(np.linalg.matrix_rank, tol=1e-4)
small, large = (rank(spectral.vicreg_embedding(views, 32, inv=r / 4).Z) for r in (0.9, 1.1))
pairs, shared = rank(spectral.contrastive_embedding(views, 32).Z), [rank(centred(d.Z)) for d in twin_runs]
ends = [d.losses[-1] for d in twin_runs]
ch.claim("rank-laws.small-inv", "VICReg at inv/reg = 0.9/4: full rank", measured=small, close_to=(32, 0), paper="exact")
ch.claim("rank-laws.large-inv", "VICReg at inv/reg = 1.1/4: rank 19", measured=large, close_to=(19, 0), paper="exact")
ch.claim("rank-laws.contrastive", "Contrastive: the rank of G", measured=pairs, close_to=(20, 0), paper="exact")
ch.claim("rank-laws.barlow", "Barlow Twins descends to rank 19", measured=shared, close_to=(19, 0), paper="exact")
ch.claim(
    "rank-laws.floor", "Barlow Twins descends to loss 32 − 19", measured=ends, close_to=(13, 1e-4), source="this book"
)

# %%
fig, axes = plt.subplots(1, 2, figsize=(7.6, 3.3), sharey=True)
ratios = np.geomspace(0.02, 20, 400)
for ax, graph, title in zip(axes, (roll, views), ("8 neighbours on the roll", "20 images, 4 views each"), strict=True):
    lam = spectral.laplacian_eigenmaps(graph, 32).eigenvalues
    ax.semilogx(ratios, (lam[:, None] < 1 / ratios - 1e-9).sum(axis=0), color=cb.color("vicreg"))
    ax.axhline(spectral.contrastive_embedding(graph, 32).rank, color=cb.color("contrastive"), ls="--")
    ax.axhline(spectral.barlow_embedding(graph, 32).rank, color=cb.color("barlow_twins"), ls=":")
    ax.set(xlabel="inv / reg", title=title)
axes[0].set_ylabel("rank of the optimum, K = 32")
for y, key, label in (
    (29.5, "vicreg", "VICReg"),
    (20.7, "simclr", "contrastive"),
    (16.7, "barlow_twins", "Barlow Twins"),
):
    axes[1].text(0.022, y, label, color=cb.color(key))
plt.show()

# %% [markdown]
# *Look at the blue staircases.* On the roll, raising $\mathrm{inv}$ removes one dimension after the other; on cliques there is a single step. The
# dashed and dotted lines have no such handle. On the roll it is the threshold $\nu$ that holds Barlow Twins' rank down. That closed form is ours, not
# the paper's, so it is put to the test too:

# %%
found = spectral.minimize_embedding(
    partial(spectral.barlow_graph_loss, G=torch.tensor(roll.toarray())), 120, 4, seed=ch.seed
)
off = abs(found.losses[-1] / spectral.barlow_embedding(roll, 4).loss - 1)
ch.claim("barlow-threshold", "Barlow Twins descends to its closed form", measured=off, below=1e-6, source="this book")

# %% [markdown]
# ## Global and local
#
# SimCLR's first step, a softmax over each row, *estimates a graph*: it maximises $\sum_{ij} s_{ij} G_{ij} - \tau \sum_{ij} G_{ij} (\log G_{ij} - 1)$
# over graphs with a zero diagonal and non-negative rows that sum to 1. Check it by climbing that objective in multiplicative steps, which keep every
# row a distribution.


# %%
def climb(S, tau, steps=400):
    G = (1 - np.eye(len(S))) / (len(S) - 1)
    for _ in range(steps):
        G = G * np.exp(0.1 / tau * (S - tau * np.log(np.where(G > 0, G, 1))))
        G = G / G.sum(axis=1, keepdims=True)
    return G


middles = np.repeat([0, 2.1, 4.2], 4)
angles = np.sort(middles + 0.45 * np.random.default_rng(ch.seed).normal(size=12))
units = np.stack([np.cos(angles), np.sin(angles)], axis=1)
off = abs(climb(units @ units.T, 0.3) - row_stochastic_graph(units @ units.T, 0.3)).max()
ch.claim("global-vs-local.softmax", "The softmax solves the graph problem", measured=off, below=1e-6, paper="exact")

# %% [markdown]
# The second step embeds *all* similarities. Fed with the lengths of shortest paths, it is ISOMAP. How much do the two coordinates of a global and of
# a local method know of the **width** of an S-shaped sheet? $R^2$ is the share of its variance that a linear fit explains.


# %%
def sheet(seed):
    x, along = data.s_curve(600, seed=seed)
    paths = spectral.geodesic_distances(x, 10) ** 2
    far, near = spectral.classical_mds(paths, 2).Z, spectral.vicreg_embedding(spectral.knn_graph(x, 10), 2, inv=0.01).Z
    return x.numpy(), along.numpy(), far, near, Isomap(n_neighbors=10).fit_transform(x.numpy())


def explained(t, Z):
    return evaluation.r2_probe(Z, t, Z, t, lam=1e-9)


sheets = [sheet(s) for s in seeds]
misfit = [spectral.procrustes(far, isomap)[2] for _, _, far, _, isomap in sheets]
seen_far, seen_near = zip(*[(explained(x[:, 1], a), explained(x[:, 1], b)) for x, _, a, b, _ in sheets], strict=True)
ch.claim("global-vs-local.isomap", "Contrastive on path lengths is ISOMAP", measured=misfit, below=1e-6, paper="exact")
missed = [1 - r2 for r2 in seen_far]
ch.claim(
    "global-vs-local.global", "Global: two coordinates know the sheet's width (1 − R²)", measured=missed, below=0.1
)
ch.claim("global-vs-local.local", "Local: two coordinates do not know the width (R²)", measured=seen_near, below=0.1)

# %%
x, along, far, near, _ = sheets[0]
fig = plt.figure(figsize=(8.4, 4.4))
for row, (values, label) in enumerate([(along, "length"), (x[:, 1], "width")]):
    ax = fig.add_subplot(2, 3, 3 * row + 1, projection="3d")
    ax.scatter(*x.T, c=values, s=5, cmap="viridis")
    ax.view_init(elev=12, azim=-62)
    ax.set(xticks=[], yticks=[], zticks=[], box_aspect=(1, 1, 1.2), title=f"coloured by {label}")
    for column, (Z, title) in enumerate([(far, "path lengths (ISOMAP)"), (near, "neighbours (VICReg)")]):
        ax = fig.add_subplot(2, 3, 3 * row + 2 + column, title=title if row == 0 else "")
        cb.plots.scatter(ax, spectral.fix_signs(Z), values, size=8)
fig.subplots_adjust(wspace=0.08, hspace=0.12, left=0.02, right=0.99, bottom=0.02, top=0.92)
plt.show()

# %% [markdown]
# *Look at the bottom row.* The global method unrolls the sheet: one coordinate is its length, the other its width. VICReg's second coordinate is a
# parabola of its first, and colours of different width lie on top of each other. It is a harmonic: on a strip much longer than wide, the second wave
# *along* it is smoother than the first wave *across*.

# %% [markdown]
# ## A linear network: LDA and CCA
#
# Let the network be one linear map, $Z = HXW$ with inputs $X$ ($N \times D$) and weights $W$ ($D \times K$). Put $C = X^\top H X / N$ and
# $B = X^\top L X / N$, and solve $B v = \mu\, C v$ with $V^\top C V = I$. The same steps as above give
# $W^\star = V_K \operatorname{diag}(1 - \frac{\mathrm{inv}}{\mathrm{reg}} \mu_k)_+^{1/2}$: *locality-preserving projections*. For the **label
# graph**, $G_{ij} = 1/n_c$ within each class $c$ of $n_c$ samples (self-loops included), $B$ is the scatter within classes and $C$ the total scatter,
# so the solution is Fisher's discriminant analysis (LDA). Supervised learning is SSL with a perfect graph. For **two views** joined in pairs,
# $\mu = 1 - \rho$ with the correlations $\rho$ of [the chapter on CCA](../1_recipes/04_canonical_correlation.ipynb), where each pair is entered in
# both orders.


# %%
def some_digits(seed):
    images, labels = data.load("digits")[:2]
    rows = np.random.default_rng(seed).permutation(len(labels))[:1000]
    x = images[rows].flatten(1).double().numpy()
    return x[:, x.std(axis=0) > 0.01], labels[rows].numpy()


def angles_to_lda(seed):
    x, y = some_digits(seed)
    target = LinearDiscriminantAnalysis(solver="eigen").fit(x, y).scalings_[:, :9]
    fair, plain = spectral.label_graph(y, normalize="class", self_loops=True), spectral.label_graph(y)
    vicreg, barlow = spectral.linear_ssl(x, fair, 9, inv=0.5), spectral.linear_ssl(x, fair, 9, method="barlow")
    missed = spectral.linear_ssl(x, plain, 9, inv=1e-3)
    return max(angle(target, vicreg.W), angle(target, barlow.W)), angle(target, missed.W)


def gaps_to_cca(seed):
    x, i = some_digits(seed)[0], np.arange(1000)
    views = x + 0.2 * np.random.default_rng(seed).normal(size=(2, *x.shape))
    both, swapped = np.concatenate(views), np.concatenate(views[::-1])
    vicreg, target = (
        spectral.linear_ssl(both, spectral.pairs_graph(i, i + 1000, 2000), 9),
        spectral.cca(both, swapped, 9),
    )
    return angle(target.A, vicreg.W), abs(vicreg.eigenvalues - (1 - target.rho)).max()


# %%
lda, plain = zip(*map(angles_to_lda, seeds), strict=True)
cca, mu = zip(*map(gaps_to_cca, seeds), strict=True)
name = "linear-regime-is-lda-cca"
ch.claim(f"{name}.lda", "VICReg, Barlow Twins on labels: LDA", measured=lda, below=0.01, unit="deg", paper="exact")
ch.claim(f"{name}.cca", "VICReg on two views: CCA", measured=cca, below=0.01, unit="deg", paper="exact")
ch.claim(f"{name}.mu", "VICReg on two views: eigenvalues 1 − rho", measured=mu, below=1e-8, paper="exact")
ch.claim(f"{name}.plain", "0/1 labels, uneven classes: not LDA", measured=plain, above=0.5, unit="deg", control=True)

# %% [markdown]
# ## The experiment: a right graph and a wrong one
#
# Back to the question. Linear encoders are solved for the *aligned* graph (same digit) and the *misaligned* one (same background). A ridge probe then
# learns to read the digit off 1200 training embeddings and is scored on 597 new pictures. The aligned graph is built from every training label: it is
# an oracle, a perfect choice of pairs.


# %%
def encoders(scene, graph):
    solve = partial(spectral.linear_ssl, scene.x_train, graph, ridge=1e-6 * scene.x_train.var(axis=0).mean())
    tenth = solve(10).eigenvalues[9]
    return {
        "VICReg, low inv": solve(64, inv=0.05),
        "VICReg, high inv": solve(64, inv=1.001 / tenth),
        "contrastive": solve(64, method="contrastive"),
        "Barlow Twins": solve(9, method="barlow"),
    } | {ratio: solve(64, inv=ratio) for ratio in (0.99, 1.01)}


def probe(scene, encoder, rows=slice(None), lam=1e-3):
    z, z_new, y = encoder.transform(scene.x_train), encoder.transform(scene.x_test), scene.digit_train
    size = z.std(axis=0).max()
    return evaluation.ridge_probe(z[rows] / size, y[rows], z_new / size, scene.digit_test, lam=lam, standardize=False)


def few_labels(scene, encoder, each=1, draws=20):
    rng = np.random.default_rng(ch.seed)
    orders = [rng.permutation(len(scene.x_train)) for _ in range(draws)]
    picks = [np.concatenate([o[scene.digit_train[o] == c][:each] for c in range(10)]) for o in orders]
    return np.mean([probe(scene, encoder, rows, lam=1e-2) for rows in picks])


# %% [markdown]
# Here `inv` is $\mathrm{inv}$ with $\mathrm{reg} = 1$: *low* keeps all 64 directions, *high* cuts at the tenth eigenvalue and keeps nine. With one
# label for each digit the probe has ten examples, so its accuracy is averaged over twenty draws of them.

# %%
same = partial(spectral.label_graph, normalize="class", self_loops=True)
scenes = [nuisance_digits(seed=s) for s in seeds]
right = [encoders(s, same(s.digit_train)) for s in scenes]
wrong = [encoders(s, same(s.pattern_train)) for s in scenes]
names = list(right[0])[:4]
on_right = [{n: probe(s, e) for n, e in found.items()} for s, found in zip(scenes, right, strict=True)]
on_wrong = [{n: probe(s, e) for n, e in found.items()} for s, found in zip(scenes, wrong, strict=True)]
few = [{n: few_labels(s, found[n]) for n in names[:2]} for s, found in zip(scenes, right, strict=True)]

# %%
worst, survives = [1 - min(a[n] for n in names) for a in on_right], [1 - a[names[0]] for a in on_wrong]
fails, jump = [max(a[n] for n in names[2:]) for a in on_wrong], [a[0.99] - a[1.01] for a in on_wrong]
gain, name = [a[names[1]] - a[names[0]] for a in few], "alignment-and-invariance"
ch.claim(f"{name}.aligned", "Right graph: every method keeps the digit (worst error)", measured=worst, below=0.1)
ch.claim(
    f"{name}.survives", "Wrong graph: VICReg with small inv keeps the digit (error)", measured=survives, below=0.15
)
ch.claim(f"{name}.fails", "Wrong graph: contrastive and Barlow Twins lose it (accuracy)", measured=fails, below=0.2)
ch.claim(
    f"{name}.few-labels", "Right graph, 1 label a digit: high inv gains accuracy over low", measured=gain, above=0.2
)
ch.claim(f"{name}.switch", "Wrong graph: accuracy falls as inv/reg passes 1 (0.99 − 1.01)", measured=jump, above=0.5)

# %%
colors = [cb.color(key) for key in ("vicreg", "vicreg", "contrastive", "barlow_twins")]
fig, (left, side) = plt.subplots(1, 2, figsize=(8.4, 3.6), width_ratios=[1.7, 1], layout="constrained")
left.axvline(0.1, color=cb.color("chance"), ls=":", zorder=0)
for shift, rule, scores, alpha in ((0.2, "aligned", on_right[0], 1), (-0.2, "misaligned", on_wrong[0], 0.45)):
    bars = left.barh(np.arange(4, 0, -1) + shift, [scores[n] for n in names], 0.36, color=colors, alpha=alpha)
    left.bar_label(bars, [f"{scores[n]:.2f} {rule}" for n in names], padding=6, fontsize=9)
left.set(yticks=range(4, 0, -1), yticklabels=names, xlim=(0, 1.3), xticks=[0, 0.5, 1], xlabel="accuracy on new digits")
left.set_title("Which methods still know the digit?")
left.grid(axis="y", visible=False)
counts = [1, 2, 5, 10, 20]
for n, style, y in ((names[0], "--", 0.65), (names[1], "-", 0.96)):
    side.semilogx(counts, [few_labels(scenes[0], right[0][n], c) for c in counts], style, color=colors[0])
    side.text(20, y, n.split(", ")[1], ha="right")
side.set(xlabel="labels per digit", ylim=(0, 1.05), xticks=counts, xticklabels=counts, title="Aligned, few labels")
side.minorticks_off()
plt.show()

# %% [markdown]
# *Look at the pale bars* (the dotted line is chance). With the wrong rule, three of the four methods keep the nine directions that tell ten
# backgrounds apart and nothing else: the digit is gone. VICReg with small $\mathrm{inv}$ prefers the background too, but drops nothing, so a probe
# with enough labels still finds the digit. *Then look right:* when the rule is right, dropping everything else is a virtue, for ten labels are too
# few to fit 64 directions. A probe with a small ridge does not mind shrinkage: accuracy changes when a direction is *cut*. That is the switch at
# $\mathrm{inv}/\mathrm{reg} = 1$.

# %% [markdown]
# ## Play
#
# **The threshold.** The graph joins neighbours on an S-shaped sheet. Drag `inv_over_reg` to the right: rough directions (large $\lambda_k$) die
# first, and the embedding turns from a curve into a line, then a point.

# %%
points, along = data.s_curve(200, seed=ch.seed)
smooth = spectral.laplacian_eigenmaps(spectral.knn_graph(points, 8), 20)
lam, plane = smooth.eigenvalues, spectral.fix_signs(smooth.Z[:, :2])


def draw_threshold(fig, inv_over_reg):
    left, side = fig.subplots(1, 2)
    fig.subplots_adjust(left=0.09, right=0.98, bottom=0.16, top=0.87, wspace=0.15)
    kept, grid = np.maximum(1 - inv_over_reg * lam, 0), np.linspace(0, 1.05 * lam[-1], 200)
    left.plot(grid, np.maximum(1 - inv_over_reg * grid, 0), color=cb.color("theory"), lw=1)
    left.plot(lam, kept, "o", color=cb.color("vicreg"))
    left.set(ylim=(-0.03, 1.05), yticks=[0, 0.5, 1], xlabel="eigenvalue λ", ylabel="variance kept")
    left.locator_params(axis="x", nbins=3)
    left.set_title(f"rank {np.sum(kept > 0)} of 20, loss {20 - np.sum(kept**2):.2f}")
    cb.plots.scatter(side, plane * np.sqrt(kept[:2]), along.numpy())
    side.set(xlim=(-2.5, 2.5), ylim=(-2.5, 2.5), title="dimensions 1 and 2")


cb.explore(draw_threshold, inv_over_reg=cb.log_slider(0.5, 0.01, 10))

# %% [markdown]
# **The alignment.** Now the graph is a mixture: $1 - a$ times *same background* plus $a$ times *same digit*. Drag $a$. A little truth is enough for
# the contrastive method, whose 64 columns have room for both rules; methods cut to nine directions keep the stronger nine.

# %%
levels, (a_graph, b_graph) = np.linspace(0, 1, 11), (same(scenes[0].digit_train), same(scenes[0].pattern_train))
mixtures = [encoders(scenes[0], a * a_graph + (1 - a) * b_graph) for a in levels]
mixed = np.array([[probe(scenes[0], found[n]) for n in names] for found in mixtures])


def draw_alignment(fig, alignment):
    ax, scores = fig.subplots(), mixed[int(np.rint(10 * alignment))]
    fig.subplots_adjust(left=0.2, right=0.97, bottom=0.18, top=0.87)
    ax.axvline(0.1, color=cb.color("chance"), ls=":", zorder=0)
    ax.grid(axis="y", visible=False)
    ax.bar_label(ax.barh(names[::-1], scores[::-1], 0.6, color=colors[::-1]), fmt="%.2f", padding=6)
    ax.set(
        xlim=(0, 1.1),
        xticks=[0, 0.5, 1],
        xlabel="accuracy on new digits",
        title=f"'same digit' has weight {alignment:.1f} in the graph",
    )


cb.explore(draw_alignment, figsize=(7.2, 3.0), alignment=(0.0, 1.0, 0.1))

# %% [markdown]
# **The temperature.** Twelve embeddings on a circle, and the graph that SimCLR reads off them. At small $\tau$ each sees its nearest neighbour alone,
# as in NNCLR; at large $\tau$ it sees all alike.

# %%
segments, below = [(units[a], units[b]) for a in range(12) for b in range(a)], np.tril_indices(12, -1)
circle = np.stack([np.cos(np.linspace(0, 2 * np.pi, 100)), np.sin(np.linspace(0, 2 * np.pi, 100))])


def draw_temperature(fig, tau):
    left, side = fig.subplots(1, 2)
    fig.subplots_adjust(left=0.02, right=0.98, bottom=0.04, top=0.88, wspace=0.05)
    estimated = row_stochastic_graph(units @ units.T, tau)
    widths = 3 * (estimated + estimated.T)[below]
    left.plot(*circle, color=cb.color("baseline"), lw=0.5)
    left.add_collection(LineCollection(segments, linewidths=widths, colors=cb.color("simclr"), alpha=0.7))
    left.plot(*units.T, "o", color=cb.color("theory"))
    left.set(xlim=(-1.2, 1.2), ylim=(-1.2, 1.2), aspect="equal", title="embeddings, joined by weight")
    side.imshow(estimated, vmin=0, vmax=1)
    side.set_title(f"graph, largest weight {estimated.max():.2f}")
    for ax in (left, side):
        ax.set_axis_off()


cb.explore(draw_temperature, tau=cb.log_slider(0.2, 0.02, 2))

# %% [markdown]
# ## What breaks
#
# - **Ties.** Twenty cliques have nineteen equal eigenvalues, and within them the optimum is arbitrary: it says *nothing* about how different images
#   relate. A real network breaks the tie by what it finds easy to compute. Subspaces turn by about (perturbation / gap), so every comparison above
#   was made at a gap.
# - **The real losses.** InfoNCE has no closed form here, only its squared surrogate and its graph step. VICReg's hinge on the standard deviation
#   shrinks without ever quite collapsing (exercise 4).
# - **The network.** A free $Z$ is an infinitely flexible network trained on the full batch; a linear map is the other extreme. Deep networks sit
#   between, and nothing here says where.
# - **Nine columns.** With self-loops on a label graph Barlow Twins' loss does not see some directions at all, and for large $K$ the rank of its
#   optimum is not unique. Hence $K = 9$ here, and cliques without self-loops above.
# - **Two abstracts.** For a misaligned graph the conference abstract recommends "BarlowTwins or small-inv VICReg"; later arXiv versions recommend
#   small-inv VICReg over "SimCLR or BarlowTwins". In our toy Barlow Twins fails, as in the second. The accuracies are ours: they come from a toy that
#   the paper does not have.

# %% [markdown]
# ## Claims

# %% tags=["nbval-check-output"]
ch.verdicts()

# %%
ch.report()

# %% [markdown] tags=["exercise"]
# ## Exercises
#
# **1. The factor 2.** Take the path 1 – 2 – 3 and $z = (0, 1, 3)$. Work out $\sum_{ij} G_{ij} (z_i - z_j)^2$ and $z^\top L z$ by hand, then check.

# %% tags=["solution"] jupyter={"source_hidden": true}
path, z = spectral.pairs_graph([0, 1], [1, 2], 3), np.array([0.0, 1, 3])
double_sum = np.sum(path.toarray() * (z[:, None] - z) ** 2)
print(f"double sum {double_sum:.0f} = 2 (1 + 4); quadratic form {z @ (spectral.laplacian(path)[0] @ z):.0f} = 1 + 4")

# %% [markdown] tags=["exercise"]
# **2. The parabola.** On a strip of length $a$ and width $b$ the waves along it have eigenvalues $(\pi n / a)^2$, the first wave across has
# $(\pi / b)^2$. Why is VICReg's second coordinate a parabola of the first on a long strip? Below which $a / b$ does the width appear in $K = 2$
# dimensions? Measure it.

# %% tags=["solution"] jupyter={"source_hidden": true}
lines = ["The second wave along comes before the first across once a > 2 b, and cos 2t = 2 cos² t − 1."]
for aspect in (1.5, 1.8, 2.2, 3.0):
    strip = np.stack(np.meshgrid(np.arange(20 * aspect), np.arange(20)), axis=-1).reshape(-1, 2) * [1, 1.001]
    Z = spectral.laplacian_eigenmaps(spectral.knn_graph(strip, 8), 2).Z
    width, bend = explained(strip[:, 1], Z), explained(Z[:, 1], Z[:, :1] ** 2)
    lines.append(f"a/b = {aspect}: R² of the width {width:.2f}, R² of the parabola {bend:.2f}")
print("\n".join(lines))

# %% [markdown] tags=["exercise"]
# **3. A graph that is partly wrong.** Rewire a growing share of the label graph's edges at random (`spectral.rewire_graph`). How fast does VICReg
# lose accuracy at high and at low $\mathrm{inv}$?

# %% tags=["solution"] jupyter={"source_hidden": true}
labels, lines = spectral.label_graph(scene.digit_train, normalize="class"), []
for share in (0.0, 0.5, 0.8, 0.9, 1.0):
    found = encoders(scene, spectral.rewire_graph(labels, share, seed=ch.seed))
    low, high = (probe(scene, found[n]) for n in names[:2])
    lines.append(f"{share:.0%} rewired: accuracy {high:.2f} at high inv, {low:.2f} at low inv")
print(
    "\n".join(lines),
    "\nLow inv keeps everything. High inv keeps nine directions, and fails once noise outranks the classes.",
)

# %% [markdown] tags=["exercise"]
# **4. (research) The hinge.** VICReg in practice has $\mathrm{reg} \sum_k (1 - \mathrm{std}_k)_+$ and a strong penalty on covariances. Show that its
# optimum has the variances $\min(1, (\mathrm{reg} / (4\, \mathrm{inv}\, \lambda_k))^2)$, and measure them. Why do they never reach 0?

# %% tags=["solution"] jupyter={"source_hidden": true}
start, laplacian = spectral.laplacian_eigenmaps(roll, 4), torch.tensor(spectral.laplacian(roll)[0].toarray())
inv, Z = 0.25 / start.eigenvalues[1], torch.tensor(start.Z) + 0.1 * torch.randn(120, 4, dtype=torch.float64)
adam = torch.optim.Adam([Z.requires_grad_()], lr=0.05)
cosine = torch.optim.lr_scheduler.CosineAnnealingLR(adam, 600)
for _ in range(600):
    adam.zero_grad()
    cov = torch.cov(Z.T, correction=0)
    hinge, crossed = (1 - cov.diagonal().sqrt()).relu().sum(), cov - torch.diag(cov.diagonal())
    (hinge + 10 * crossed.square().sum() + 2 * inv / 120 * (Z * (laplacian @ Z)).sum()).backward()
    adam.step()
    cosine.step()
predicted = np.minimum(1, (1 / (4 * inv * start.eigenvalues)) ** 2)
print("measured ", np.linalg.eigvalsh(cov.detach().numpy())[::-1].round(2), "\npredicted", predicted.round(2))
print("Each std s minimises reg (1 − s) + 2 inv λ s², so s = reg / (4 inv λ), which is positive for every λ.")

# %% [markdown]
# ## References
#
# - R. Balestriero, Y. LeCun.
#   [Contrastive and Non-Contrastive Self-Supervised Learning Recover Global and Local Spectral Embedding Methods](https://arxiv.org/abs/2205.11508).
#   *NeurIPS*, 2022.
# - M. Belkin, P. Niyogi. Laplacian Eigenmaps. *Neural Computation*, 2003. X. He, P. Niyogi. Locality Preserving Projections. *NeurIPS*, 2003.
# - R. A. Fisher. The use of multiple measurements in taxonomic problems. *Annals of Eugenics*, 1936. H. Hotelling. Relations between two sets of
#   variates. *Biometrika*, 1936.
# - J. B. Tenenbaum, V. de Silva, J. C. Langford. A global geometric framework for nonlinear dimensionality reduction (ISOMAP). *Science*, 2000.
# - T. Chen et al. SimCLR. *ICML*, 2020. D. Dwibedi et al. NNCLR. *ICCV*, 2021. J. Zbontar et al. Barlow Twins. *ICML*, 2021. A. Bardes, J. Ponce, Y.
#   LeCun. VICReg. *ICLR*, 2022.
# - J. HaoChen et al. Spectral contrastive loss. *NeurIPS*, 2021. Q. Garrido et al. On the duality between contrastive and non-contrastive SSL.
#   *ICLR*, 2023.
