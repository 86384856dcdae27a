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
# After this chapter you can write down, without training anything, what VICReg, SimCLR and Barlow Twins converge to. You will
# know why some of them collapse to few dimensions, and which of them survives when the pairs you gave it were the wrong ones.

# %% tags=["parameters"]
scale = "toy"
seed = 0

# %%
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.collections import LineCollection
from sklearn.datasets import load_digits
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.manifold import Isomap, spectral_embedding

import cookbook as cb
from replearn import data, evaluation, spectral
from replearn.data.nuisance import nuisance_digits

ch = cb.Chapter("spectral_embedding", scale=scale, seed=seed)
seeds = [ch.seed + i for i in range(ch.pick(fast=1, toy=3))]

# %% [markdown]
# ## The question
#
# Below are handwritten digits, each on one of ten background patterns. Which pictures are *the same thing*?

# %%
scene = nuisance_digits(seed=ch.seed)
by_digit = scene.x_train[scene.digit_train == 3][:8]
by_pattern = scene.x_train[scene.pattern_train == 3][:8]
fig, axes = plt.subplots(2, 1, figsize=(7.2, 2.5))
for ax, images, rule in zip(axes, (by_digit, by_pattern), ("digit", "background"), strict=True):
    cb.plots.image_grid(ax, images.reshape(-1, 8, 8), columns=8)
    ax.text(-1.5, 3.5, f"same\n{rule}", ha="right", va="center")
axes[0].set_title("Two ways to say which pictures are the same")
plt.show()

# %% [markdown]
# *Look at the two rows.* In the first the digit stays and the background changes; in the second it is the other way round. A
# self-supervised method never sees a label, only such a rule: a list of pairs that belong together. Give it the
# second rule and ask it for digits. Will it have thrown them away?
#
# ## The mathematics
#
# **Objects.** $N$ samples; $Z$ ($N \times K$) holds their embeddings, row $z_i$ for sample $i$. The rule is a **graph**
# $G$ ($N \times N$): symmetric, with $G_{ij} > 0$ where $i$ and $j$ are declared the same, and $0$ elsewhere. $D_G$ is diagonal and
# holds the degrees $\sum_j G_{ij}$; $L = D_G - G$ is the Laplacian; $\mathbf 1$ is the vector of ones; $H = I - \mathbf 1 \mathbf 1^\top / N$ subtracts the mean;
# $\mathrm{Cov}(Z) = Z^\top H Z / N$. $\|\cdot\|_F$ is the root of the sum of squared entries, and $(a)_+ = \max(a, 0)$.
#
# **Invariance is a quadratic form.** Expand $\|z_i - z_j\|^2 = \|z_i\|^2 + \|z_j\|^2 - 2 z_i^\top z_j$ and sum:
#
# $$ \sum_{ij} G_{ij} \|z_i - z_j\|^2 = 2 \operatorname{tr}(Z^\top L Z) . $$
#
# The 2 is there because every pair is counted twice. So each eigenvector $u$ of $L$, $L u = \lambda u$, is a way of giving numbers to the samples, and
# $\lambda$ says how much it differs across pairs. The smallest is $\lambda = 0$, for $u \propto \mathbf 1$, which says nothing. Drop that one;
# let $\lambda_1 \le \lambda_2 \le \dots$ be the others.
#
# **VICReg**, with the hinge on its variance replaced by a square, and weights $\mathrm{reg}$ and $\mathrm{inv}$, is
#
# $$ \mathcal L(Z) = \mathrm{reg}\, \|\mathrm{Cov}(Z) - I\|_F^2 + \frac{\mathrm{inv}}{N} \sum_{ij} G_{ij} \|z_i - z_j\|^2 . $$
#
# Neither term changes when a constant is added to $Z$, so take $Z$ centred and put $S = ZZ^\top / N$. Then $\|\mathrm{Cov}(Z)\|_F = \|S\|_F$, both traces are
# traces of $S$, and completing the square gives
#
# $$ \mathcal L = \mathrm{reg}\, \big\| S - \big(H - \tfrac{\mathrm{inv}}{\mathrm{reg}} L\big) \big\|_F^2 + \text{const}, \qquad S \text{ positive semi-definite, of rank at most } K . $$
#
# The best such $S$ keeps the $K$ largest eigenvalues $1 - \frac{\mathrm{inv}}{\mathrm{reg}} \lambda_k$ that are positive (Eckart and Young). With $U_K$ the first $K$ eigenvectors and any rotation $R$,
#
# $$ Z^\star = \sqrt N\, U_K \operatorname{diag}\Big(1 - \tfrac{\mathrm{inv}}{\mathrm{reg}} \lambda_k\Big)_+^{1/2} R, \qquad
#    \mathcal L^\star = \mathrm{reg} \Big( K - \sum_k \big(1 - \tfrac{\mathrm{inv}}{\mathrm{reg}} \lambda_k\big)_+^2 \Big), \qquad
#    \operatorname{rank} Z^\star = \min\big(K, \#\{k : \lambda_k < \mathrm{reg}/\mathrm{inv}\}\big) . $$
#
# The smoothest directions of the graph, each shrunk, and gone once $\lambda_k$ passes $\mathrm{reg}/\mathrm{inv}$. With little shrinkage this is **Laplacian
# Eigenmaps** (Belkin and Niyogi), a *local* method: only pairs enter.
#
# **SimCLR** does two things. It reads a graph off its own similarities $s_{ij}$, a softmax over each row with temperature $\tau$; and it embeds by comparing *all* pairs. The
# second step, with a squared loss, is $\min_Z \|ZZ^\top - S\|_F^2$, solved by the top positive eigenpairs $(s_k, u_k)$ of the similarity matrix $S$: $Z^\star = U_K \operatorname{diag}(s_k)_+^{1/2}$. With
# $S = G$ this is the **spectral contrastive loss**, with double-centred squared distances classical scaling, and along shortest paths **ISOMAP**: *global* methods.
#
# **Barlow Twins** minimises $\|C - I\|_F^2$ for $C_{kl} = (Z^\top G Z)_{kl} / \sqrt{(Z^\top D_G Z)_{kk} (Z^\top D_G Z)_{ll}}$. Let $P = D_G^{-1/2} G D_G^{-1/2}$ have eigenvalues
# $\rho_1 \ge \rho_2 \ge \dots$ in $[-1, 1]$, the constant left out. The optimum is spanned by $D_G^{-1/2}$ times the top eigenvectors of $P$. Their weights (our derivation) are
# again thresholded: $t_k = (\rho_k - \nu)_+ / \rho_k^2$, with $\nu$ such that $\sum_k t_k = K$; then a rotation gives all columns the same size.
#
# ## From scratch
#
# VICReg, solved in five lines. The sheet to be embedded is a Swiss roll, and each point's positives are its 8 nearest neighbours.


# %%
def vicreg_by_hand(G, K, inv_over_reg):
    L = np.diag(G.sum(axis=1)) - G
    lam, U = np.linalg.eigh(L)
    lam, U = lam[1 : K + 1], U[:, 1 : K + 1]
    return np.sqrt(len(G)) * U * np.sqrt(np.maximum(1 - inv_over_reg * lam, 0))


def roll_graph(seed):
    points, along = data.swiss_roll(120, seed=seed)
    return spectral.knn_graph(points, 8), along


G, along = roll_graph(ch.seed)
Z_hand, Z_lib = vicreg_by_hand(G.toarray(), 4, 0.2), spectral.vicreg_embedding(G, 4, inv=0.2).Z
np.testing.assert_allclose(Z_hand @ Z_hand.T, Z_lib @ Z_lib.T, atol=1e-9)
cb.show_source(spectral.vicreg_embedding)

# %% [markdown]
# The two are compared through $ZZ^\top$, because signs and rotations are free. The identity with its factor 2 deserves a check as well:

# %%
L = spectral.laplacian(G)[0]
squared_distances = ((Z_hand[:, None] - Z_hand[None]) ** 2).sum(axis=2)
np.testing.assert_allclose((G.toarray() * squared_distances).sum(), 2 * np.trace(Z_hand.T @ (L @ Z_hand)))

# %% [markdown]
# ## The theorem, tested
#
# Descent knows nothing of eigenvectors. Start it from random numbers (L-BFGS, 64-bit) and see where it ends. The ratio $\mathrm{inv}/\mathrm{reg} = 0.35 / \lambda_5$ keeps all $K = 4$ dimensions alive.


# %%
def descend(loss, shape, seed):
    Z = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed), requires_grad=True)
    options = {"max_iter": 1500, "history_size": 20, "tolerance_grad": 1e-12, "tolerance_change": 1e-16}
    optimiser, history = torch.optim.LBFGS([Z], line_search_fn="strong_wolfe", **options), []

    def closure():
        optimiser.zero_grad()
        value = loss(Z)
        value.backward()
        history.append(value.item())
        return value

    optimiser.step(closure)
    return (Z - Z.mean(dim=0)).detach().numpy(), np.array(history)


def angle(A, B):
    return spectral.principal_angles(A, B).max()


# %%
def vicreg_by_descent(seed):
    G, _ = roll_graph(seed)
    inv = 0.35 / spectral.laplacian_eigenmaps(G, 5).eigenvalues[4]
    theory, L = spectral.vicreg_embedding(G, 4, inv=inv), torch.tensor(spectral.laplacian(G)[0].toarray())
    Z, history = descend(partial(spectral.vicreg_graph_loss, L=L, inv=inv), (120, 4), seed)
    return theory, Z, history


descents = [vicreg_by_descent(s) for s in seeds]
fig, ax = plt.subplots()
for theory, _, history in descents:
    ax.semilogy(np.maximum(history / theory.loss - 1, 1e-9), color=cb.color("vicreg"), alpha=0.7)
ax.axhline(1e-9, color=cb.color("theory"), ls="--", lw=1)
ax.text(2, 1.4e-9, "the closed form (gaps below 1e-9 are drawn here)", va="bottom")
ax.set(
    xlabel="evaluations of the loss",
    ylabel="(loss − theory) / theory",
    title="Descent arrives at the closed form, and never below",
)
plt.show()

# %% [markdown]
# *Look at the right end.* Every run comes down to the predicted value and stops there. Subspaces are compared by their largest principal
# angle, which is safe here because $\lambda_4$ and $\lambda_5$ are well apart: without such a gap the subspace itself is arbitrary.

# %%
losses = [abs(history[-1] / theory.loss - 1) for theory, _, history in descents]
turns = [angle(Z, theory.Z) for theory, Z, _ in descents]
residuals = [spectral.procrustes(Z, theory.Z)[2] for theory, Z, _ in descents]
ch.claim(
    "vicreg-closed-form.loss", "VICReg descends to the closed-form loss", measured=losses, below=1e-6, paper="equal"
)
ch.claim("vicreg-closed-form.span", "in the predicted span", measured=turns, below=0.01, unit="deg", paper="equal")
ch.claim("vicreg-closed-form.shrink", "shrunk as predicted", measured=residuals, below=1e-4, paper="equal")

# %% [markdown]
# **One subspace for all?** Where all degrees are equal, yes: there $D_G$ is a multiple of $I$, so $L$, $G$ and $P$ share their eigenvectors. Take a ring on
# which everyone has six positives and, as a control, the irregular graph of the roll. The contrastive $S$ is $HGH$, which sets the constant aside.


# %%
def angles_to_vicreg(G):
    Z, H = spectral.vicreg_embedding(G, 4, inv=0.01).Z, np.eye(120) - 1 / 120
    rivals = {
        "eigenmaps": spectral_embedding(G, n_components=4, norm_laplacian=False, random_state=0),
        "normalised": spectral.laplacian_eigenmaps(G, 4, kind="rw").Z,
        "contrastive": spectral.contrastive_embedding(H @ G.toarray() @ H, 4).Z,
        "barlow": spectral.barlow_embedding(G, 4).Z,
    }
    return {name: angle(Z, rival) for name, rival in rivals.items()}


i = np.arange(120)
ring = spectral.pairs_graph(np.tile(i, 3), np.concatenate([i + 1, i + 2, i + 5]) % 120, 120)
worst_on_ring = max(angles_to_vicreg(ring).values())
on_rolls = [angles_to_vicreg(roll_graph(s)[0]) for s in seeds]
maps, normalised, contrastive = ([a[name] for a in on_rolls] for name in ("eigenmaps", "normalised", "contrastive"))

# %%
ours, deg = "recovers-laplacian-eigenmaps", "deg"
ch.claim(f"{ours}.any-graph", "VICReg spans scikit-learn's eigenmaps", measured=maps, below=0.01, unit=deg, paper="0")
ch.claim(f"{ours}.ring", "equal degrees: all four agree", measured=worst_on_ring, below=0.01, unit=deg, paper="0")
ch.claim(f"{ours}.scl", "unequal: contrastive is elsewhere", measured=contrastive, above=10, unit=deg, control=True)
ch.claim(f"{ours}.norm", "as are normalised eigenmaps", measured=normalised, above=2, unit=deg, control=True)

# %% [markdown]
# **Who collapses?** Now 20 images with 4 views each, in $K = 32$ dimensions: $G$ is 20 cliques. Its Laplacian has the eigenvalue 0 twenty times (19 without the
# constant) and 4 sixty times. VICReg can keep all 32 dimensions, whatever the graph, if $\mathrm{inv}$ is small. The others inherit the rank of $G$: it has 20 positive
# eigenvalues, 19 without the constant. For Barlow Twins descent shows it, and shows that its loss then cannot fall below $K - 19$.

# %%
views = spectral.augmentation_graph(np.repeat(np.arange(20), 4))
twins = partial(spectral.barlow_graph_loss, G=torch.tensor(views.toarray()))
twin_runs = [descend(twins, (80, 32), s) for s in seeds]
rank = partial(np.linalg.matrix_rank, tol=1e-4)
small, large = (rank(spectral.vicreg_embedding(views, 32, inv=ratio / 4).Z) for ratio in (0.9, 1.1))
pairs, shared = rank(spectral.contrastive_embedding(views, 32).Z), [rank(Z) for Z, _ in twin_runs]

ch.claim(
    "rank-laws.small-inv", "VICReg has full rank for inv/reg = 0.9/4", measured=small, close_to=(32, 0), paper="32"
)
ch.claim("rank-laws.large-inv", "and rank 19 for 1.1/4", measured=large, close_to=(19, 0), paper="19")
ch.claim("rank-laws.contrastive", "the contrastive rank is that of G", measured=pairs, close_to=(20, 0), paper="20")
ch.claim("rank-laws.barlow", "Barlow Twins descends to rank 19", measured=shared, close_to=(19, 0), paper="19")
ends = [history[-1] for _, history in twin_runs]
ch.claim("rank-laws.barlow-loss", "and to the loss 32 − 19", measured=ends, close_to=(13, 1e-4), source="this book")

# %%
fig, axes = plt.subplots(1, 2, figsize=(7.6, 3.4), sharey=True)
ratios = np.geomspace(0.02, 20, 400)
for ax, graph, title in zip(axes, (G, views), ("8 neighbours on the roll", "20 images, 4 views each"), strict=True):
    lam = spectral.laplacian_eigenmaps(graph, 32).eigenvalues
    ax.semilogx(ratios, (lam[:, None] < 1 / ratios - 1e-9).sum(axis=0), color=cb.color("vicreg"))
    ax.axhline(spectral.contrastive_embedding(graph, 32).rank, color=cb.color("contrastive"), ls="--")
    ax.axhline(spectral.barlow_embedding(graph, 32).rank, color=cb.color("barlow_twins"), ls=":")
    ax.set(xlabel="inv / reg", title=title)
axes[0].set_ylabel("rank of the optimum, K = 32")
for y, name in ((29.5, "vicreg"), (20.6, "contrastive"), (16.8, "barlow_twins")):
    axes[1].text(0.022, y, {"vicreg": "VICReg", "barlow_twins": "Barlow Twins"}.get(name, name), color=cb.color(name))
plt.show()

# %% [markdown]
# *Look at the blue staircases.* On the roll, raising $\mathrm{inv}$ removes one dimension after the other; on cliques there is one single step. The dashed and dotted lines have no such
# handle. On the roll it is Barlow Twins' threshold $\nu$ that holds its rank down. That closed form is ours, not the paper's, so it is put to the test as well:

# %%
on_roll = descend(partial(spectral.barlow_graph_loss, G=torch.tensor(G.toarray())), (120, 8), ch.seed)[1][-1]
gap = abs(on_roll / spectral.barlow_embedding(G, 8).loss - 1)
ch.claim("barlow-threshold", "Barlow Twins descends to our closed form", measured=gap, below=1e-6, source="this book")

# %% [markdown]
# ## Global and local
#
# SimCLR's first step claims that a row softmax *estimates a graph*: it maximises $\sum_{ij} s_{ij} G_{ij} - \tau \sum_{ij} G_{ij} (\log G_{ij} - 1)$ over non-negative graphs whose rows sum to 1 and whose
# diagonal is 0. Check it by climbing that objective with multiplicative steps, which keep each row a distribution. Then the second step: scaling of path lengths is ISOMAP.


# %%
def climb(S, tau, steps=400):
    G = (1 - np.eye(len(S))) / (len(S) - 1)
    for _ in range(steps):
        G = G * np.exp(0.1 / tau * (S - tau * np.log(np.where(G > 0, G, 1))))
        G = G / G.sum(axis=1, keepdims=True)
    return G


points = np.random.default_rng(ch.seed).normal(size=(12, 2)) + np.repeat([[3, 0], [-2, 3], [-2, -3]], 4, axis=0)
units = points / np.linalg.norm(points, axis=1, keepdims=True)
cosines = units @ units.T
softmax_gap = abs(climb(cosines, 0.3) - spectral.row_stochastic_graph(cosines, 0.3)).max()
ch.claim("global-vs-local.softmax", "softmax solves the graph problem", measured=softmax_gap, below=1e-6, paper="equal")


# %%
def sheet(seed, neighbours=10):
    x, along = data.s_curve(600, seed=seed)
    paths = spectral.geodesic_distances(x, neighbours)
    far = spectral.classical_mds(spectral.double_center(paths**2), 2).Z
    near = spectral.vicreg_embedding(spectral.knn_graph(x, neighbours), 2, inv=0.01).Z
    isomap = Isomap(n_neighbors=neighbours).fit_transform(x.numpy())
    return x.numpy(), along.numpy(), far, near, spectral.procrustes(far, isomap)[2]


def width_seen(x, Z):
    return evaluation.r2_probe(Z, x[:, 1], Z, x[:, 1], lam=1e-9)


sheets = [sheet(s) for s in seeds]
misfit, seen_far = [residual for *_, residual in sheets], [width_seen(x, far) for x, _, far, _, _ in sheets]
seen_near = [width_seen(x, near) for x, _, _, near, _ in sheets]
ch.claim("global-vs-local.isomap", "contrastive on path lengths is ISOMAP", measured=misfit, below=1e-6, paper="equal")
ch.claim("global-vs-local.global", "it sees the width of an S-shaped sheet (R²)", measured=seen_far, above=0.9)
ch.claim("global-vs-local.local", "VICReg does not, in two dimensions (R²)", measured=seen_near, below=0.1)

# %%
x, along_sheet, far, near, _ = sheets[0]
fig = plt.figure(figsize=(8.4, 4.4))
for row, (values, name) in enumerate([(along_sheet, "length"), (x[:, 1], "width")]):
    ax = fig.add_subplot(2, 3, 3 * row + 1, projection="3d")
    ax.scatter(*x.T, c=values, s=5, cmap="viridis")
    ax.view_init(elev=12, azim=-62)
    ax.set(xticks=[], yticks=[], zticks=[], box_aspect=(1, 1, 1.2))
    ax.set_title(f"coloured by {name}", fontsize=10)
    for column, (Z, method) in enumerate([(far, "all path lengths (ISOMAP)"), (near, "neighbours only (VICReg)")]):
        ax = fig.add_subplot(2, 3, 3 * row + 2 + column)
        cb.plots.scatter(ax, spectral.fix_signs(Z), values, size=8)
        ax.set_title(method if row == 0 else "", fontsize=10)
fig.subplots_adjust(wspace=0.08, hspace=0.08, left=0.02, right=0.99, bottom=0.02, top=0.92)
plt.show()

# %% [markdown]
# *Look at the bottom row.* The global method unrolls the sheet: one coordinate is its length, the other its width. VICReg's second coordinate is a parabola of its first, and colours of
# different width lie on top of each other. It is a harmonic: on a strip much longer than wide, the second wave *along* it is smoother than the first wave *across*.

# %% [markdown]
# ## A linear network: LDA and CCA
#
# Let the network be one linear map, $Z = HXW$ with inputs $X$ ($N \times D$) and weights $W$ ($D \times K$). Put $C = X^\top H X / N$ and $B = X^\top L X / N$, and solve $B v = \mu\, C v$ with $V^\top C V = I$. The same
# steps as above give $W^\star = V_K \operatorname{diag}(1 - \frac{\mathrm{inv}}{\mathrm{reg}} \mu_k)_+^{1/2}$, which is *locality-preserving projection*. For the **label graph** $G_{ij} = 1/n_c$ within each class $c$ of $n_c$ samples, self-loops
# included, $B$ is the scatter within classes and $C$ the total scatter: the solution is Fisher's discriminant analysis (LDA). Supervised learning is SSL with a perfect graph. For **two views** joined
# in pairs, $\mu = 1 - \rho$ with $\rho$ the canonical correlations of the [chapter on CCA](../1_recipes/04_canonical_correlation.ipynb), here with weights shared by both views.


# %%
def linear_angles(seed):
    rng, digits = np.random.default_rng(seed), load_digits()
    chosen = rng.permutation(len(digits.data))[:1000]
    x, y = digits.data[chosen] / 16, digits.target[chosen]
    x = x[:, x.std(axis=0) > 0.01]
    lda = LinearDiscriminantAnalysis(solver="eigen").fit(x, y).scalings_[:, :9]
    fair = spectral.label_graph(y, normalize="class", self_loops=True)
    methods = [{"method": "vicreg", "inv": 0.5}, {"method": "barlow"}]
    lda_angle = max(angle(lda, spectral.linear_ssl(x, fair, 9, **method).W) for method in methods)
    plain = angle(lda, spectral.linear_ssl(x, spectral.label_graph(y), 9, inv=1e-3).W)
    return lda_angle, plain, *two_views(x + 0.2 * rng.normal(size=(2, *x.shape)))


def two_views(views, K=9):
    n, stacked = len(views[0]), np.concatenate(views) - views.mean(axis=(0, 1))
    found = spectral.linear_ssl(stacked, spectral.pairs_graph(np.arange(n), n + np.arange(n), 2 * n), K, inv=0.1)
    Q, R = np.linalg.qr(stacked)
    rho, U = np.linalg.eigh(Q[:n].T @ Q[n:] + Q[n:].T @ Q[:n])
    return angle(found.W, np.linalg.solve(R, U[:, -K:])), abs(found.eigenvalues - 1 + rho[: -K - 1 : -1]).max()


lda, plain, cca, mu = zip(*map(linear_angles, seeds), strict=True)
law = "linear-regime-is-lda-cca"
ch.claim(f"{law}.lda", "VICReg and Barlow Twins on labels are LDA", measured=lda, below=0.01, unit="deg", paper="0")
ch.claim(f"{law}.cca", "VICReg on two views is CCA", measured=cca, below=0.01, unit="deg", paper="0")
ch.claim(f"{law}.mu", "with mu = 1 − rho", measured=mu, below=1e-8, paper="equal")
ch.claim(f"{law}.plain", "0/1 labels, uneven classes: not LDA", measured=plain, above=0.5, unit="deg", control=True)

# %% [markdown]
# ## The experiment: a right graph and a wrong one
#
# Back to the question. The linear encoders are solved for the *aligned* graph (same digit) and the *misaligned* one (same background). A ridge probe then reads the digit off 1200 training embeddings
# and is scored on 597 new pictures. The aligned graph uses every training label: it is an oracle, what a perfect choice of pairs would know.


# %%
def encoders(scene, graph):
    ridge = 1e-6 * scene.x_train.var(axis=0).mean()
    solve = partial(spectral.linear_ssl, scene.x_train, graph, ridge=ridge)
    tenth = solve(10).eigenvalues[9]
    return {
        "VICReg, low inv": solve(64, inv=0.05),
        "VICReg, high inv": solve(64, inv=1.01 / tenth),
        "contrastive": solve(64, method="contrastive"),
        "Barlow Twins": solve(9, method="barlow"),
    } | {ratio: solve(64, inv=ratio) for ratio in (0.99, 1.01)}


def probe(scene, encoder, rows=slice(None), lam=1e-3):
    z, z_new = (encoder.transform(x) if encoder else x for x in (scene.x_train, scene.x_test))
    size, y = z.std(axis=0).max(), scene.digit_train
    return evaluation.ridge_probe(z[rows] / size, y[rows], z_new / size, scene.digit_test, lam=lam, standardize=False)


same = partial(spectral.label_graph, normalize="class", self_loops=True)
scenes = [nuisance_digits(seed=s) for s in seeds]
rules = [{"aligned": same(s.digit_train), "misaligned": same(s.pattern_train)} for s in scenes]
solved = [{rule: encoders(s, g) for rule, g in rule_set.items()} for s, rule_set in zip(scenes, rules, strict=True)]


# %% [markdown]
# With one label for each class the probe has ten examples. Its accuracy is averaged over twenty draws of them.


# %%
def few_labels(scene, encoder, each, draws=20):
    rng, scores = np.random.default_rng(ch.seed), []
    for _ in range(draws):
        order = rng.permutation(len(scene.x_train))
        rows = np.concatenate([order[scene.digit_train[order] == c][:each] for c in range(10)])
        scores.append(probe(scene, encoder, rows, lam=1e-2))
    return np.mean(scores)


names = ["VICReg, low inv", "VICReg, high inv", "contrastive", "Barlow Twins"]
accuracy = [
    {rule: {name: probe(s, e) for name, e in found.items()} for rule, found in solution.items()}
    for s, solution in zip(scenes, solved, strict=True)
]
counts = [1, 2, 5, 10, 20]
curves = {name: [few_labels(scenes[0], solved[0]["aligned"][name], c) for c in counts] for name in names[:2]}
gains = [
    few_labels(s, f["aligned"]["VICReg, high inv"], 1) - few_labels(s, f["aligned"]["VICReg, low inv"], 1)
    for s, f in zip(scenes, solved, strict=True)
]

# %%
law, wrong = "alignment-and-invariance", [a["misaligned"] for a in accuracy]
worst = [min(a["aligned"][name] for name in names) for a in accuracy]
collapsed = [max(a["contrastive"], a["Barlow Twins"]) for a in wrong]
jump, survives = [a[0.99] - a[1.01] for a in wrong], [a["VICReg, low inv"] for a in wrong]
ch.claim(f"{law}.aligned", "right graph: the worst of all methods is good", measured=worst, above=0.9)
ch.claim(f"{law}.survives", "wrong graph: VICReg with small inv is good", measured=survives, above=0.85)
ch.claim(f"{law}.fails", "wrong graph: contrastive, Barlow fail", measured=collapsed, below=0.2, control=True)
ch.claim(f"{law}.few-labels", "right graph, 1 label a class: high minus low inv", measured=gains, above=0.2)
ch.claim(f"{law}.switch", "wrong graph: inv/reg = 0.99 minus 1.01", measured=jump, above=0.5)

# %%
colors = dict(zip(names, map(cb.color, ("vicreg", "vicreg", "contrastive", "barlow_twins")), strict=True))
fig, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.6), width_ratios=[1.7, 1])
for row, name in enumerate(names):
    for shift, rule in ((0.2, "aligned"), (-0.2, "misaligned")):
        y, score = len(names) - row + shift, accuracy[0][rule][name]
        left.barh(y, score, 0.36, color=colors[name], alpha=1 if rule == "aligned" else 0.45)
        left.text(score + 0.01, y, f"{score:.2f} {rule}", va="center", fontsize=9)
pixels = probe(scenes[0], None)
left.axvline(0.1, color=cb.color("chance"), ls=":")
left.set(yticks=range(4, 0, -1), yticklabels=names, xlim=(0, 1.3), xticks=[0, 0.5, 1], xlabel="test accuracy")
left.set_title(f"Reading the digit (pixels: {pixels:.2f}, chance: 0.10)")
for name, style in zip(names[:2], ("--", "-"), strict=True):
    right.semilogx(counts, curves[name], style, color=colors[name])
    right.text(1, curves[name][0] + 0.03, name.split(", ")[1])
right.set(xlabel="labels per digit", ylim=(0, 1), xticks=counts, xticklabels=counts, title="Aligned, few labels")
right.minorticks_off()
fig.tight_layout()
plt.show()

# %% [markdown]
# *Look at the pale bars.* With the wrong rule, three of the four methods keep the nine directions that tell backgrounds apart and nothing else: the digit is gone. VICReg with small $\mathrm{inv}$ prefers the
# background too, but drops nothing, so a linear probe finds the digit as well as in the raw pixels. *Then look right:* when the rule is right, dropping everything else is a virtue, since
# ten labels are too few to fit 64 directions. A probe with a small ridge does not care about shrinkage: accuracy changes only when a direction is *cut*. That is the switch at $\mathrm{inv}/\mathrm{reg} = 1$.

# %% [markdown]
# ## Play
#
# **The threshold.** Drag `inv_over_reg` to the right. The curve on the left is the variance that each eigenvalue of the roll's Laplacian keeps; rough directions die first. On the right the sheet turns into a
# line, then a point.

# %%
maps_20 = spectral.laplacian_eigenmaps(G, 20)
plane = spectral.fix_signs(maps_20.Z[:, :2])


def draw_threshold(fig, inv_over_reg):
    left, right = fig.subplots(1, 2)
    fig.subplots_adjust(left=0.09, right=0.98, bottom=0.16, top=0.87, wspace=0.15)
    grid, kept = np.linspace(0, 8, 200), np.maximum(1 - inv_over_reg * maps_20.eigenvalues, 0)
    left.plot(grid, np.maximum(1 - inv_over_reg * grid, 0), color=cb.color("theory"), lw=1)
    left.vlines(maps_20.eigenvalues, 0, kept, color=cb.color("vicreg"), lw=1)
    left.plot(maps_20.eigenvalues, kept, "o", color=cb.color("vicreg"))
    left.set(xlim=(0, 8), ylim=(-0.03, 1.05), xlabel="eigenvalue $\\lambda_k$", ylabel="variance kept")
    left.set_title(f"rank {np.sum(kept > 0)} of 20, loss {20 - np.sum(kept**2):.2f}")
    cb.plots.scatter(right, plane * np.sqrt(kept[:2]), along.numpy())
    right.set(xlim=(-3, 3), ylim=(-3, 3), title="first two dimensions")


cb.explore(draw_threshold, inv_over_reg=cb.log_slider(0.5, 0.01, 10))

# %% [markdown]
# **The alignment.** The graph is now a mixture, $(1 - a)$ times *same background* plus $a$ times *same digit*. Drag $a$ from wrong to right, and see how little truth the collapsed methods need.

# %%
levels = np.linspace(0, 1, 11)
right_rule, wrong_rule = rules[0]["aligned"], rules[0]["misaligned"]
mixtures = [encoders(scenes[0], (1 - a) * wrong_rule + a * right_rule) for a in levels]
mixed = {name: [probe(scenes[0], found[name]) for found in mixtures] for name in names}


def draw_alignment(fig, alignment):
    ax = fig.subplots()
    fig.subplots_adjust(left=0.2, right=0.97, bottom=0.16, top=0.87)
    at = int(np.rint(alignment * 10))
    scores = [mixed[name][at] for name in names]
    ax.barh(names[::-1], scores[::-1], color=[colors[name] for name in names[::-1]], height=0.6)
    for y, score in enumerate(scores[::-1]):
        ax.text(score + 0.01, y, f"{score:.2f}", va="center")
    ax.axvline(0.1, color=cb.color("chance"), ls=":")
    ax.set(xlim=(0, 1.1), xlabel="test accuracy on digits", title=f"{at * 10} % of the graph says 'same digit'")


cb.explore(draw_alignment, figsize=(7.2, 3.0), alignment=(0.0, 1.0, 0.1))

# %% [markdown]
# **The temperature.** Twelve embeddings on a circle and the graph that SimCLR reads off them. At small $\tau$ each point sees its nearest neighbour alone, as in NNCLR; at large $\tau$ it sees everyone alike.

# %%
segments = [(units[a], units[b]) for a in range(12) for b in range(a)]


def draw_temperature(fig, tau):
    estimated = spectral.row_stochastic_graph(cosines, tau)
    left, right = fig.subplots(1, 2)
    fig.subplots_adjust(left=0.02, right=0.95, bottom=0.06, top=0.88, wspace=0.05)
    weight = (estimated + estimated.T)[np.tril_indices(12, -1)] / 2
    left.add_collection(LineCollection(segments, linewidths=5 * weight, colors=cb.color("simclr"), alpha=0.7))
    left.plot(*units.T, "o", color=cb.color("theory"))
    left.set(xlim=(-1.2, 1.2), ylim=(-1.2, 1.2), aspect="equal", xticks=[], yticks=[], title="embeddings, joined")
    right.imshow(estimated, vmin=0, vmax=1)
    right.set(xticks=[], yticks=[], title=f"largest weight {estimated.max():.2f}, uniform is {1 / 11:.2f}")
    right.grid(False)


cb.explore(draw_temperature, tau=cb.log_slider(0.2, 0.02, 2))

# %% [markdown]
# ## What breaks
#
# - **Ties.** Twenty cliques have nineteen equal eigenvalues, and within them the optimum is arbitrary: it says *nothing* about how different images relate. A real network breaks the tie by what it finds easy to
#   compute. Subspaces turn by about (perturbation / gap), so every comparison above was made at a gap.
# - **The real losses.** InfoNCE has no closed form here, only its squared surrogate and its graph step. VICReg's hinge on the standard deviation shrinks without ever quite collapsing (exercise 4).
# - **The network.** A free $Z$ is an infinitely flexible network trained on the full batch; a linear one is the other extreme. Deep networks sit between, and nothing here says where.
# - **A positive graph hides Barlow Twins' ranks.** With self-loops on a label graph the loss does not see some directions at all, so the rank of its optimum is not unique when $K$ is large. We took $K = 9$, and cliques without self-loops.
# - **Two abstracts.** For a misaligned graph the conference abstract recommends "BarlowTwins or small-inv VICReg", later arXiv versions recommend small-inv VICReg over SimCLR *or Barlow Twins*. In our toy, Barlow Twins fails; it is
#   the second reading that we reproduce. The accuracies are ours: the paper reports no figure for this experiment.

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
double_sum = sum(path.toarray()[a, b] * (z[a] - z[b]) ** 2 for a in range(3) for b in range(3))
print(f"double sum {double_sum:.0f} = 2 (1 + 4), quadratic form {z @ (spectral.laplacian(path)[0] @ z):.0f} = 1 + 4")

# %% [markdown] tags=["exercise"]
# **2. The parabola.** On a strip of length $a$ and width $b$ the waves along it have eigenvalues $(\pi n / a)^2$, the first wave across $(\pi / b)^2$. Why is VICReg's second coordinate a parabola of the first on
# a long strip? At which $a / b$ does the width appear in $K = 2$ dimensions? Measure it.

# %% tags=["solution"] jupyter={"source_hidden": true}
for aspect in (1.5, 1.8, 2.2, 3.0):
    x_, y_ = np.meshgrid(np.arange(aspect * 20), np.arange(20))
    strip = np.c_[x_.ravel(), y_.ravel()]
    Z = spectral.laplacian_eigenmaps(spectral.knn_graph(strip + 1e-3 * strip[:, ::-1], 8, symmetrize="mean"), 2).Z
    bend = evaluation.r2_probe(Z[:, :1] ** 2, Z[:, 1], Z[:, :1] ** 2, Z[:, 1])
    print(f"a/b = {aspect}: R² of the width {width_seen(strip, Z):.2f}, R² of the parabola {bend:.2f}")
print("The second wave along, (2 pi / a)², comes before (pi / b)² once a > 2 b; and cos 2t = 2 cos² t - 1.")

# %% [markdown] tags=["exercise"]
# **3. A graph that is partly wrong.** Rewire a growing share of the label graph's edges at random (`spectral.rewire_graph`). How fast does VICReg lose accuracy at high and at low $\mathrm{inv}$?

# %% tags=["solution"] jupyter={"source_hidden": true}
labels = spectral.label_graph(scenes[0].digit_train, normalize="class")
for share in (0.0, 0.5, 0.8, 0.9, 1.0):
    found = encoders(scenes[0], spectral.rewire_graph(labels, share, seed=ch.seed))
    high, low = (probe(scenes[0], found[name]) for name in ("VICReg, high inv", "VICReg, low inv"))
    print(f"{share:.0%} rewired: accuracy {high:.2f} at high inv, {low:.2f} at low inv")
print("Low inv keeps every direction and stays flat. High inv keeps nine: it falls once noise outranks the classes.")

# %% [markdown] tags=["exercise"]
# **4. (research) The hinge.** VICReg in practice has $\mathrm{reg} \sum_k (1 - \mathrm{std}_k)_+$ and a strong penalty on covariances. Show that its optimum has the variances $\min(1, (\mathrm{reg} / (4\, \mathrm{inv}\, \lambda_k))^2)$, and
# measure them. Why do they never reach 0?

# %% tags=["solution"] jupyter={"source_hidden": true}
basis, laplacian = spectral.laplacian_eigenmaps(G, 4), torch.tensor(spectral.laplacian(G)[0].toarray())
inv = 0.25 / basis.eigenvalues[1]
Z = (torch.tensor(basis.Z) + 0.1 * torch.randn(120, 4, dtype=torch.float64)).requires_grad_()
adam = torch.optim.Adam([Z], lr=0.05)
cosine = torch.optim.lr_scheduler.CosineAnnealingLR(adam, 600)
for _ in range(600):
    adam.zero_grad()
    cov = (Z - Z.mean(0)).T @ (Z - Z.mean(0)) / 120
    hinge, off = (1 - cov.diagonal().sqrt()).relu().sum(), cov - torch.diag(cov.diagonal())
    (hinge + 10 * off.square().sum() + 2 * inv / 120 * (Z * (laplacian @ Z)).sum()).backward()
    adam.step()
    cosine.step()
predicted = np.minimum(1, (1 / (4 * inv * basis.eigenvalues)) ** 2)
print("measured ", np.sort(np.linalg.eigvalsh(cov.detach().numpy()))[::-1].round(2))
print("predicted", predicted.round(2))
print(
    "For std s: minimise reg (1 - s) + 2 inv lambda s², so s = reg / (4 inv lambda), which is positive for every lambda."
)

# %% [markdown]
# ## References
#
# - R. Balestriero, Y. LeCun. [Contrastive and Non-Contrastive Self-Supervised Learning Recover Global and Local Spectral Embedding Methods](https://arxiv.org/abs/2205.11508). *NeurIPS*, 2022.
# - M. Belkin, P. Niyogi. Laplacian Eigenmaps. *Neural Computation*, 2003. X. He, P. Niyogi. Locality Preserving Projections. *NeurIPS*, 2003.
# - R. A. Fisher. The use of multiple measurements in taxonomic problems. *Annals of Eugenics*, 1936. H. Hotelling. Relations between two sets of variates. *Biometrika*, 1936.
# - J. B. Tenenbaum, V. de Silva, J. C. Langford. A global geometric framework for nonlinear dimensionality reduction (ISOMAP). *Science*, 2000.
# - T. Chen et al. SimCLR. *ICML*, 2020. D. Dwibedi et al. NNCLR. *ICCV*, 2021. J. Zbontar et al. Barlow Twins. *ICML*, 2021. A. Bardes, J. Ponce, Y. LeCun. VICReg. *ICLR*, 2022.
# - J. HaoChen et al. Spectral contrastive loss. *NeurIPS*, 2021. Q. Garrido et al. On the duality between contrastive and non-contrastive SSL. *ICLR*, 2023.
