# %% [markdown]
# # The kernel regime
#
# After this chapter you can take a kernel and a list of positive pairs and write down, without training, the *new kernel* that self-supervised learning turns them into. You will have used
# it on points it never saw, and you will know what it buys: when it equals data augmentation, when it beats it, and what happens when the pairs are wrong.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial
from types import SimpleNamespace

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.linalg import sqrtm

import cookbook as cb
from replearn import data, spectral
from replearn.papers.kernel_regime import (
    kernel_ridge_classifier,
    smoothest_directions,
    ssl_target,
    tied_eigenspace,
)

ch = cb.Chapter("kernel_regime", scale=scale, seed=seed)
seeds = range(ch.seed, ch.seed + ch.pick(fast=1, toy=3))

# %% [markdown]
# ## The question
#
# Two spirals, 200 points. A machine that knows nothing but distances finds two points similar when they are near: the shaded disc. What *should* be similar to the star?

# %%
x, arm = (a.numpy() for a in data.spirals(200, seed=ch.seed))
i, side = np.arange(200), np.linspace(-2.6, 2.6, 60)
plane = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
arms = spectral.pairs_graph(np.r_[i[:-2], i[:-4]], np.r_[i[2:], i[4:]], 200)
rbf = partial(spectral.rbf_kernel, bandwidth=40**-0.5)
signed = {"cmap": "cookbook_diverging", "vmin": -1, "vmax": 1}


def heat(ax, values, anchor, title):
    ax.imshow(values.reshape(60, 60), origin="lower", extent=(-2.6, 2.6) * 2, interpolation="nearest", **signed)
    ax.plot(*x.T, "o", ms=1, color=cb.color("theory"))
    ax.plot(*x[anchor].T, "*", ms=16, mfc="#e69f00", mec="white")
    ax.set(xticks=[], yticks=[], title=title)
    ax.grid(False)


fig, ax = plt.subplots(figsize=(3.8, 4))
heat(ax, rbf(plane, x[120:121])[:, 0], 120, "Similar to the star, by distance")
plt.show()

# %% [markdown]
# *Look at the orange spot.* It barely reaches along the star's own spiral. Now let somebody hand us pairs: each point with the next two on its own spiral. The
# [spectral embedding](../01_spectral_embedding/spectral_embedding.ipynb) of that graph separates the spirals perfectly, but only on these 200 points: it is a table, one row for each sample, and has no row for a
# new one. We want a *function*, and it should still need no training.
#
# ## The mathematics
#
# **Objects**, as before: $N$ samples $x_i$, embeddings $Z$ ($N \times K$), a graph $G$ of positive pairs with degrees $D_G$ and Laplacian $L = D_G - G$, the centring
# $H = I - \mathbf 1 \mathbf 1^\top / N$, weights $\mathrm{inv}$ and $\mathrm{reg}$. $P_K[S]$ keeps the $K$ largest eigenvalues of a symmetric $S$, those that are positive, and their
# eigenvectors.
#
# **New: a kernel** $k(x, x') = \langle \Phi(x), \Phi(x') \rangle$. $\Phi$ maps an input to a (possibly endless) list of features; one only ever needs $k$. Write $k_{ss}$ for the
# $N \times N$ matrix of $k(x_i, x_j)$ over the training samples and $k_{xs}$ for the row of $k(x, x_i)$ of a new point $x$. The encoder is linear in the features:
# $f_j(x) = \langle w_j, \Phi(x) \rangle$ for $j = 1 \dots K$. A network in its lazy (neural tangent) limit is such an encoder.
#
# **Step 1, the representer theorem.** A self-supervised loss sees $f$ at the training samples alone. A part of $w_j$ orthogonal to all $\Phi(x_i)$ changes nothing there and only adds norm.
# So $w_j = \sum_i A_{ij} \Phi(x_i)$ for some $A$ ($N \times K$), and
#
# $$ Z = k_{ss} A, \qquad f(x) = k_{xs} A . $$
#
# **Step 2, the target.** From the last chapter, for centred $Z$, with a constant that does not depend on $Z$:
#
# $$ \mathcal L_{\mathrm{VICReg}}(Z) = \frac{\mathrm{reg}}{N^2} \| ZZ^\top - T \|_F^2 + \text{const}, \quad T = N \big(H - \tfrac{\mathrm{inv}}{\mathrm{reg}} L \big); \qquad
#    \mathcal L_{\mathrm{contrastive}}(Z) = \| ZZ^\top - T \|_F^2, \quad T = I + G . $$
#
# **Step 3, invert.** If $k_{ss}$ is invertible, $Z = k_{ss} A$ can be anything, so nothing is lost: $Z^\star Z^{\star\top} = P_K[T]$, and $A = k_{ss}^{-1} Z^\star$. If it is not, outputs
# live in its range. Let $k_{ss} = U \operatorname{diag}(w)\, U^\top$ with only the positive $w$ kept, and let $(q, Q)$ be the top eigenpairs of $U^\top T U$; then
# $Z^\star = U Q \operatorname{diag}(q)_+^{1/2}$ and $A = U \operatorname{diag}(1/w)\, Q \operatorname{diag}(q)_+^{1/2}$.
#
# **Step 4, the induced kernel.** Whatever you do next with a linear probe depends on $f$ through inner products only:
#
# $$ k^\star(x, x') = \langle f(x), f(x') \rangle = k_{xs} A A^\top k_{sx'} = k_{xs}\, k_{ss}^{-1}\, P_K[T]\, k_{ss}^{-1}\, k_{sx'} . $$
#
# Self-supervised pretraining followed by a linear probe is kernel regression with $k^\star$ in the place of $k$. On the training samples $k^\star$ *is* $P_K[T]$, whatever $k$ was: the
# kernel decides how that is carried over to new points, and (as we shall see) which of several equally good optima is taken.
#
# ## From scratch
#
# Steps 2 to 4 in three lines, on the spirals. A smooth kernel is numerically singular, so $10^{-6}$ is added to its diagonal; remember that number.


# %%
def kernel_ssl_by_hand(k_ss, T, K):
    q, U = np.linalg.eigh(T)
    Z = U[:, -K:] * np.sqrt(np.maximum(q[-K:], 0))
    return Z, np.linalg.solve(k_ss, Z)


jitter = 1e-6
k_ss, k_ps = rbf(x) + jitter * np.eye(200), rbf(plane, x)
wave = spectral.laplacian_eigenmaps(arms, 12).eigenvalues[-1]
T = ssl_target(arms, inv=0.5 / wave)
Z, A = kernel_ssl_by_hand(k_ss, T, 9)
library = spectral.kernel_ssl(k_ss, T, 9)
np.testing.assert_allclose(library.kernel(k_ss, k_ss), Z @ Z.T, atol=1e-6)
np.testing.assert_allclose(library.kernel(k_ps, k_ss), (k_ps @ A) @ Z.T, atol=1e-4)
cb.show_source(spectral.kernel_ssl)

# %% [markdown]
# Kernels are compared, never $A$: signs and rotations of the embedding are free, but $k^\star$ does not change with them. The library's `lam` adds a price $2 \lambda \|W\|^2$ on the norm
# $\|W\|^2 = \sum_j \|w_j\|^2 = \operatorname{tr}(A^\top k_{ss} A)$ to $\| ZZ^\top - T \|_F^2$, which turns $T$ into $T - \lambda k_{ss}^{-1}$.
#
# ## The theorem, tested
#
# **A descent that knows no eigenvectors.** 60 points of the rolled-up sheet, $K = 4$. L-BFGS moves the weights $w_j$ themselves, written in an orthonormal basis of the features
# ($Z = k_{ss}^{1/2} P$), from random numbers. The kernel is Gaussian, $\exp(-\|x - x'\|^2 / \ell^2)$, with $\ell$ 0.15 times the median distance. On the training points the optimum must
# also be the free embedding of the last chapter.


# %%
def theory_and_descent(seed):
    points = data.swiss_roll(60, seed=seed)[0]
    G = spectral.knn_graph(points, 8)
    inv = 0.35 / spectral.laplacian_eigenmaps(G, 5).eigenvalues[4]
    k = spectral.rbf_kernel(points, bandwidth=0.15 * spectral.median_bandwidth(points) / 2**0.5) + jitter * np.eye(60)
    root = torch.tensor(sqrtm(k).real)
    loss = partial(spectral.vicreg_graph_loss, L=torch.tensor(spectral.laplacian(G)[0].toarray()), inv=inv)
    found = spectral.minimize_embedding(lambda P: loss(root @ P), 60, 4, seed=seed, steps=800)
    solved, free = spectral.kernel_ssl(k, ssl_target(G, inv=inv), 4), spectral.vicreg_embedding(G, 4, inv=inv)
    Z, missed = root.numpy() @ found.Z, abs(solved.kernel(k, k) - free.Z @ free.Z.T).max()
    return abs(found.losses[-1] / free.loss - 1), spectral.principal_angles(Z - Z.mean(axis=0), solved.Z).max(), missed


runs = [theory_and_descent(s) for s in seeds]
losses, angles, missed = zip(*runs, strict=True)
ch.measure("closed-form", loss=losses, span=angles, kernel=missed)

# %% [markdown]
# **The contrastive loss.** Twelve blocks of five views have $I + G$ without negative eigenvalues, so with $K = 12$ the induced kernel reproduces it entry by entry: 1 inside a block, 0
# across. It is only the *positive part* that can be had: on a ring the eigenvalues of $I + G$ reach $-1$, and no kernel equals it.

# %%
blocks, circle = spectral.augmentation_graph(np.repeat(np.arange(12), 5)), np.arange(60)
ring = spectral.pairs_graph(circle, (circle + 1) % 60, 60)
inputs = np.random.default_rng(ch.seed).standard_normal((60, 5))
k_60 = spectral.rbf_kernel(inputs, bandwidth=0.6**-0.5) + jitter * np.eye(60)
gaps = []
for graph, K in ((blocks, 12), (ring, 60)):
    S = ssl_target(graph, method="contrastive")
    q, U = np.linalg.eigh(S)
    induced = spectral.kernel_ssl(k_60, S, K).kernel(k_60, k_60)
    gaps.append([abs(induced - S).max(), abs(induced - (U * np.maximum(q, 0)) @ U.T).max()])
ch.measure("contrastive-target", blocks=gaps[0][0], ring=gaps[1][1])
ch.measure("ring-out-of-reach", gap=gaps[1][0])

# %% [markdown]
# **A linear kernel is the linear regime.** With $k(x, x') = x^\top x'$ and five inputs, $k_{ss}$ has rank 5 of 60, and the second case of step 3 must give locality-preserving projections,
# the linear encoder of the last chapter. One condition: VICReg ignores the mean of $Z$ but $T$ does not, so a kernel of low rank must be *centred*, $H k_{ss} H$. The control leaves the
# centring out.


# %%
def gap_to_linear(seed, shift):
    X = np.random.default_rng(seed).standard_normal((60, 5))
    X, G = X - X.mean(axis=0) + shift, spectral.knn_graph(X, 8)
    inv = 0.5 / spectral.linear_ssl(X, G, 4).eigenvalues[3]
    Z = spectral.linear_ssl(X, G, 3, inv=inv).transform(X)
    found = spectral.kernel_ssl(X @ X.T, ssl_target(G, inv=inv), 3).Z
    return abs(found @ found.T - Z @ Z.T).max()


lpp, uncentred = [[gap_to_linear(s, shift) for s in seeds] for shift in (0, 1)]
ch.measure("linear-kernel", gap=lpp)
ch.measure("uncentred-kernel", gap=uncentred)

# %% [markdown]
# ## Points it never saw
#
# Back to the spirals: a target with $\mathrm{inv}/\mathrm{reg} = 0.5 / \lambda_{12}$, eight dimensions, a price $\lambda = 10^{-4} N$ on the norm. The control has the same graph with the
# points' names shuffled. 400 new points judge: the mean cosine between $f(x)$ and $f(x')$ on one spiral, minus that across spirals; and the accuracy of kernel ridge regression (ridge 0.1,
# relative) from two labels per spiral, over twenty draws of the labels.


# %%
def solve(points, graph, K=8):
    k = rbf(points) + jitter * np.eye(len(points))
    inv = 0.5 / spectral.laplacian_eigenmaps(graph, 12).eigenvalues[-1]
    return spectral.kernel_ssl(k, ssl_target(graph, inv=inv), K, lam=1e-4 * len(points))


def contrast(k, y):
    size, same = np.sqrt(np.diag(k)), y[:, None] == y
    cosine = k / size[:, None] / size
    return cosine[same & ~np.eye(len(y), dtype=bool)].mean() - cosine[~same].mean()


def score(kernel, y, y_new, choices, lam=0.1):
    gram, cross = kernel
    fits = [kernel_ridge_classifier(gram[np.ix_(r, r)], y[r], cross[:, r], lam=lam) for r in choices]
    return np.mean(np.array(fits) == y_new)


def some_labels(each, draws, seed):
    rng = np.random.default_rng(seed)
    return [np.concatenate([2 * rng.permutation(100)[:each] + c for c in (0, 1)]) for _ in range(draws)]


# %%
def spiral_kernels(seed):
    (points, y), (new, y_new) = data.spirals(200, seed=seed), data.spirals(400, seed=seed + 1000)
    p = np.random.default_rng(seed).permutation(200)
    kernels = {"base": (rbf(points), rbf(new, points), rbf(new))}
    for label, graph in {"induced": arms, "shuffled": arms[p][:, p]}.items():
        model = solve(points.numpy(), graph)
        train, test = model.Z, model.transform(rbf(new, points))
        kernels[label] = train @ train.T, test @ train.T, test @ test.T
    return kernels, y.numpy(), y_new.numpy()


worlds = [spiral_kernels(s) for s in seeds]
gap = {n: [contrast(k[n][2], y_new) for k, _, y_new in worlds] for n in worlds[0][0]}
choices = [some_labels(2, 20, s) for s in seeds]
acc = {n: [score(k[n][:2], y, v, c) for (k, y, v), c in zip(worlds, choices, strict=True)] for n in gap}
ch.measure("unseen-points", contrast=gap["induced"])
ch.measure("two-labels", gain=np.subtract(acc["induced"], acc["base"]))
ch.measure("shuffled-pairs", contrast=gap["shuffled"], accuracy=acc["shuffled"])

# %%
p = np.random.default_rng(ch.seed).permutation(200)
fig, axes = plt.subplots(1, 3, figsize=(8.6, 3.1), layout="constrained")
heat(axes[0], k_ps[:, 120], 120, "base kernel k")
for ax, graph, title in zip(axes[1:], (arms, arms[p][:, p]), ("induced kernel k*", "k*, pairs shuffled"), strict=True):
    model = solve(x, graph)
    heat(ax, model.transform(k_ps) @ model.Z[120] / np.sum(model.Z[120] ** 2), 120, title)
plt.show()

# %% [markdown]
# *Look at the middle picture.* What is similar to the star now bends along its spiral, and the neighbouring turns of the other spiral are pale blue: below zero. Far from all data $k^\star$
# is zero, as every $k(x, x_i)$ is. On the right the method did what it was told, as exactly as before; it was told nonsense.

# %%
kernels, _, y_new = worlds[0]
order = np.argsort(y_new, kind="stable")[::4]
fig, axes = plt.subplots(1, 3, figsize=(8.6, 3.1), layout="constrained")
for ax, (label, k) in zip(axes, kernels.items(), strict=True):
    size = np.sqrt(np.diag(k[2]))
    ax.imshow((k[2] / size[:, None] / size)[np.ix_(order, order)], interpolation="nearest", **signed)
    ax.set(xticks=[25, 75], xticklabels=["spiral 1", "spiral 2"], yticks=[])
    ax.set_title(f"{label}: {contrast(k[2], y_new):.2f}")
    ax.grid(False)
plt.show()

# %% [markdown]
# *Look at the two diagonal blocks.* Each picture holds the cosines among new points, ordered by spiral and along it; its title gives the contrast. The base kernel knows neighbours and
# nothing else; the induced kernel fills blocks around the diagonal. They are not full: with eight dimensions the two far ends of one spiral remain strangers.
#
# ## The experiment: augmentations are the labels
#
# Now pictures. Some MNIST digits, each seen in a few **views** shifted by up to two pixels. The pairs say: two views of one picture are the same thing. A few pictures get a label, on *one*
# view. Every method then sees the same labels, and kernel ridge regression with the same ridge, 0.1; the base kernels are also tried with 0.01 and 0.001 and keep what is best *on the test
# images*, a favour the induced kernels do not get.


# %%
def shifted_digits(seed, images, views, tests):
    mnist, rng = data.load("mnist_10k"), np.random.default_rng(seed)
    (pool, labels), (new, y_new) = mnist.train, mnist.test
    rows, chosen = rng.permutation(len(pool))[:images], rng.permutation(len(new))[:tests]
    ids, pixels = np.repeat(np.arange(images), views), rng.integers(-2, 3, (images * views, 2))
    seen = data.affine_warp(pool[rows][ids], shift=torch.tensor(pixels) / 14).flatten(1).double().numpy()
    new, width = new[chosen].flatten(1).double().numpy(), spectral.median_bandwidth(seen)
    k = spectral.rbf_kernel(seen, bandwidth=width / 6**0.5) + jitter * np.eye(len(seen))
    truth = {"y": labels[rows].numpy()[ids], "y_new": y_new[chosen].numpy()}
    base = (k, spectral.rbf_kernel(new, seen, bandwidth=width / 6**0.5))
    return SimpleNamespace(seed=seed, ids=ids, views=views, base=base, **truth)


# %% [markdown]
# **Ties.** This graph is cliques, and its target, $T = N (H - \frac{\mathrm{inv}}{\mathrm{reg}} L)$, has the eigenvalue $N$ once for every picture but one: *any* function that is constant
# on each picture's views is perfect. The loss cannot choose among $N' - 1$ directions, $N'$ the number of pictures. A kernel can. A direction $v$ costs norm $v^\top k_{ss}^{-1} v$, and the
# limit $\lambda \to 0$ of the priced problem takes the cheapest, smoothest ones: with $Q$ a basis of the tied directions, the bottom eigenvectors of $Q^\top k_{ss}^{-1} Q$.


# %%
def induced(world, directions):
    k, k_new = world.base
    return directions @ directions.T, k_new @ np.linalg.solve(k, directions) @ directions.T


def digit_kernels(world):
    rng, k = np.random.default_rng(world.seed), world.base[0]
    tied = tied_eigenspace(ssl_target(spectral.augmentation_graph(world.ids)), len(k))
    world.energies, world.smooth = smoothest_directions(tied, k, tied.shape[1])
    world.chance = np.linalg.qr(tied @ rng.standard_normal((tied.shape[1], 20)))[0]
    wrong = smoothest_directions(rng.permutation(tied), k, 20)[1]
    kept = {"smoothest 20": world.smooth[:, :20], "all tied": world.smooth, "random 20": world.chance}
    return {n: induced(world, directions) for n, directions in kept.items()} | {"wrong pairs": induced(world, wrong)}


def curves(world, kernels):
    rng, curve = np.random.default_rng(world.seed), {n: [] for n in [*kernels, "base", "base, all views"]}
    for count, draws in zip(counts, (20, 20, 20, 5, 1), strict=True):
        one = [rng.permutation(sizes[0])[:count] * world.views for _ in range(draws)]
        if count == few:
            world.few = one
        for n in kernels:
            curve[n].append(score(kernels[n], world.y, world.y_new, one))
        every = [(rows[:, None] + np.arange(world.views)).ravel() for rows in one]
        for n, choices in (("base", one), ("base, all views", every)):
            tried = [score(world.base, world.y, world.y_new, choices, lam) for lam in (0.1, 0.01, 0.001)]
            curve[n].append(max(tried))
    return curve


# %%
modest = (50, (200, 5, 1000))
few, sizes = ch.pick(fast=modest, toy=modest, paper=(100, (800, 5, 2000)))
counts = [10, 20, few, sizes[0] // 2, sizes[0]]
digits = [shifted_digits(s, *sizes) for s in seeds]
scored = [curves(w, digit_kernels(w)) for w in digits]
at_few, at_all = ({n: np.array([s[n][c] for s in scored]) for n in scored[0]} for c in (2, 4))

# %% [markdown]
# **With every label, keeping all ties is data augmentation.** Label every picture and fit a linear probe, without ridge, on *all* tied directions. It can fit any centred function that is
# constant on views, so it fits the labels: with $Y$ ($N \times 10$) the one-hot label of each view's picture, its scores are $k_{xs} k_{ss}^{-1} (Y - \bar Y)$, the kernel $k$ itself fitted
# to all views. This little theorem is ours; it is tested with the claims.


# %%
def gap_to_augmentation(world):
    (k, k_new), Y = world.base, np.eye(10)[world.y]
    Y, one = Y - Y.mean(axis=0), slice(None, None, world.views)
    probe = np.linalg.lstsq(world.smooth[one], Y[one], rcond=None)[0]
    return abs(k_new @ np.linalg.solve(k, world.smooth) @ probe - k_new @ np.linalg.solve(k, Y)).max()


# %%
smooth, all_tied = at_few["smoothest 20"], at_all["all tied"]
ch.measure("digits", gain=smooth - at_few["base"], behind=at_few["base, all views"] - smooth)
ch.measure("wrong-views", accuracy=at_few["wrong pairs"])
ch.measure("smoothest-ties", gain=smooth - at_few["random 20"])
ch.measure("all-ties", error=1 - all_tied, gain=all_tied - at_all["smoothest 20"])
ch.measure("ties-are-augmentation", gap=[gap_to_augmentation(w) for w in digits])

# %%
looks = {
    "smoothest 20": ("vicreg", "-"), "all tied": ("vicreg", "--"), "base, all views": ("theory", "-"),
    "base": ("pixels", "-"), "random 20": ("contrastive", "-"), "wrong pairs": ("contrastive", ":"),
}  # fmt: skip
fig, ax = plt.subplots(figsize=(7.6, 4), layout="constrained")
mean = {n: np.mean([s[n] for s in scored], axis=0) for n in looks}
for label, (key, style) in looks.items():
    ax.semilogx(counts, mean[label], style, marker="o", color=cb.color(key))
    nudge = {"all tied": 0.025, "base, all views": -0.015}.get(label, 0)
    ax.text(counts[-1] * 1.06, mean[label][-1] + nudge, label, color=cb.color(key), va="center")
ax.set(xlabel="labelled pictures", ylabel="accuracy on new digits", xlim=(9, counts[-1] * 1.9), ylim=(0, 1))
ax.set_xticks(counts, counts)
ax.minorticks_off()
ax.set_title("What the pairs buy")
plt.show()

# %% [markdown]
# *Compare the solid blue line with the black one.* The black line had labels on every view of a labelled picture, which is data augmentation. The blue one had a label on one view, but has
# seen *unlabelled* pictures too. With few labels, 20 smooth directions are enough and easier to fit; with many they are too few. The dashed line keeps every tied direction, and with all
# labels it meets the black one: without ridge the two are equal, and here both ridges hardly act. The orange ones are the wrong pairs, and twenty ties chosen without the kernel.

# %%
world = digits[0]
starts = np.arange(0, len(world.energies) - 19, 12)
windows = [induced(world, world.smooth[:, a : a + 20]) for a in starts]
window = [score(kernel, world.y, world.y_new, world.few) for kernel in windows]
fig, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.2), layout="constrained")
left.semilogy(np.arange(1, len(world.energies) + 1), world.energies, color=cb.color("vicreg"))
price = np.mean(np.sum(world.chance * np.linalg.solve(world.base[0], world.chance), axis=0))
left.axhline(price, color=cb.color("contrastive"), ls="--", lw=1)
left.text(1, price * 1.15, "a random direction", color=cb.color("contrastive"))
left.set(xlabel="tied direction, smoothest first", ylabel="norm² in feature space", title="Equal for the loss")
right.plot(starts + 1, window, "o-", color=cb.color("vicreg"))
right.axhline(at_few["random 20"][0], color=cb.color("contrastive"), ls="--", lw=1)
right.text(starts[-1] + 1, at_few["random 20"][0] + 0.02, "a random 20", color=cb.color("contrastive"), ha="right")
right.set(xlabel="first of the 20 kept", ylabel=f"accuracy, {few} labels", ylim=(0, 0.8), title="Not for the probe")
plt.show()

# %% [markdown]
# *Look at the right picture.* All these choices reach *exactly the same* self-supervised loss. The smoothest twenty are worth more than everything after them; a random twenty, which a
# solver without a kernel would return, is nearly worthless.
#
# ## Play
#
# **The induced kernel, under your hand.** `dims` is $K$; `inv_over_reg` is in units of $1/\lambda_{12}$; `anchor` moves the star along the spirals. At $K = 1$ only *which spiral* is left;
# more dimensions make the similar region shorter. Drag `inv_over_reg` up: the waves along the spirals die one after the other, and what remains is, again, which spiral.

# %%
strengths = [float(f"{v:.2g}") for v in np.geomspace(0.01, 100, 25)]
targets = [ssl_target(arms, inv=v / wave) for v in strengths]
models = {v: spectral.kernel_ssl(k_ss, t, 60, lam=0.02) for v, t in zip(strengths, targets, strict=True)}
fresh, fresh_arm = data.spirals(100, seed=ch.seed + 1000)
k_fs, fresh_arm = rbf(fresh, x), fresh_arm.numpy()


def draw_kernel(fig, dims, inv_over_reg, anchor):
    left, right = fig.subplots(1, 2, width_ratios=[1, 1.1])
    fig.subplots_adjust(left=0.02, right=0.97, bottom=0.15, top=0.88, wspace=0.2)
    model = models[inv_over_reg]
    A, z, test = model.coef[:, :dims], model.Z[anchor, :dims], k_fs @ model.coef[:, :dims]
    heat(left, k_ps @ (A @ z) / (z @ z), anchor, f"k*, contrast {contrast(test @ test.T, fresh_arm):.2f}")
    kept = np.maximum(model.eigenvalues, 0) / 200
    right.plot(np.arange(1, 61), kept, "o", ms=3, color="#c4cad2")
    right.plot(np.arange(1, dims + 1), kept[:dims], "o", color=cb.color("vicreg"))
    right.set(xlabel="dimension", yticks=[0, 1], ylim=(0, 1.05), xlim=(0, 61))
    right.set_title(f"variance kept, rank {np.sum(kept[:dims] > 0)}")


cb.explore(
    draw_kernel,
    dims=ipywidgets.IntSlider(8, 1, 60),
    inv_over_reg=ipywidgets.SelectionSlider(options=[(f"{v:g}", v) for v in strengths], value=strengths[9]),
    anchor=ipywidgets.IntSlider(120, 0, 199),
)

# %% [markdown]
# **How many labels?** The starred points are labelled. The colour of the plane is the decision of kernel ridge regression; on the right is the mean accuracy on new points, over ten draws of
# labels. Raise `labels`: the base kernel has to be told about each stretch of each spiral, the induced one has been told already, by the pairs.

# %%
kernels, y, y_new = worlds[0]
model = solve(x, arms)
on_plane = {"base": k_ps, "induced": model.transform(k_ps) @ model.Z.T}
each = range(1, 21)
rising = {n: [score(kernels[n][:2], y, y_new, some_labels(e, 10, ch.seed)) for e in each] for n in on_plane}
order = np.random.default_rng(ch.seed).permutation(100)
shown = [np.concatenate([2 * order[:e], 2 * order[:e] + 1]) for e in each]


def decision(n, rows):
    return kernel_ridge_classifier(kernels[n][0][np.ix_(rows, rows)], y[rows], on_plane[n][:, rows])


maps = {n: [decision(n, rows).astype(float) - 0.5 for rows in shown] for n in on_plane}


def draw_labels(fig, labels, kernel):
    picture, curve = fig.subplots(1, 2)
    fig.subplots_adjust(left=0.02, right=0.97, bottom=0.17, top=0.88, wspace=0.15)
    heat(picture, maps[kernel][labels - 1], shown[labels - 1], f"decision, {kernel} kernel")
    for n, key in (("base", "pixels"), ("induced", "vicreg")):
        curve.plot(each, rising[n], color=cb.color(key))
        curve.text(20, rising[n][-1] - 0.07, n, color=cb.color(key), ha="right")
    curve.plot(labels, rising[kernel][labels - 1], "o", ms=9, color=cb.color("theory"))
    curve.set(xlabel="labels per spiral", ylim=(0.45, 1.02), xticks=[1, 10, 20], yticks=[0.5, 1])
    curve.set_title(f"accuracy {rising[kernel][labels - 1]:.2f}")


cb.explore(draw_labels, figsize=(7.2, 3.2), labels=ipywidgets.IntSlider(2, 1, 20), kernel=["induced", "base"])

# %% [markdown]
# ## What breaks
#
# - **One batch, one kernel.** The closed form needs all samples in one batch. With several, the representer theorem still holds, but $k^\star$ has to serve all targets at once: a
#   semidefinite program over $A A^\top$, which the paper treats by example and this chapter does not solve (exercise 4 descends instead). A fixed kernel learns no features, and $O(N^3)$
#   ends at some thousands of samples; `nystrom_features` with the linear form goes further.
# - **The jitter.** $10^{-6}$ on the diagonal stands in for the part of $k_{ss}$ that a computer cannot resolve. $k_{ss}^{-1}$ amplifies whatever is rough, up to $10^6$, and with it the
#   noise in a target. Two identical views make $k_{ss}$ singular outright.
# - **Far away, $k^\star = 0$.** An induced Gaussian kernel says nothing off the data, and a cosine there divides almost nothing by almost nothing.
# - **As many labels as dimensions.** With 20 labels in 20 dimensions and a ridge of 0.001 the probe interpolates and is poor; 0.1 mends that (change `lam` in `score` and see). That is why all
#   methods share 0.1, and why the rivals were given the choice.
# - **All dimensions or few?** Keeping every tied direction is telling each picture from each other: good with many labels, no better than the base kernel with few. A paper that reports one
#   of the two has made a choice.
# - **How the toy differs.** The tables of the paper are not reproduced here: all accuracies, and the digits experiment, are ours. Only statements marked
#   *exact*, and our identity with augmentation, are theorems.
#
# ## Where this leads
#
# [Spectral embedding](../01_spectral_embedding/spectral_embedding.ipynb) left two things open: what an optimum means for a point it has not seen, and which of several equal optima a network takes. A kernel
# answers both, in the same formula. The part goes on from here: *minimal variations* lets the number of views grow until the graph becomes a derivative, and *the SSL interplay* takes the
# tie-break $T - \lambda k_{ss}^{-1}$ seriously, as an operator in which augmentations and kernel bargain, and asks how many samples the bargain needs.
#
# ## Claims

# %%
ch.report()

# %% [markdown]
# ## Exercises

# %% [markdown] tags=["exercise"]
# **1** ●○○ 10 min. Show that $k^\star = P_K[T]$ on the training samples when $k_{ss}$ is invertible. What of it survives when $k_{ss}$ has rank 5? Check on a linear kernel.
#
# <details><summary>Hint</summary>What is $Z$ in terms of $k_{ss}$ and $A$? In which space must it lie when $k_{ss}$ is not invertible?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **2** ●●○ 20 min. Add to each digit's views one that is turned upside down (by 180°). Which digits suffer, with all pictures labelled?
#
# <details><summary>Hint</summary>Which two digits does the turn carry into each other, and which does it leave as they are?</details>


# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **3** ●●○ 20 min. Which property of $k$ makes two unrelated new points correlated under $k^\star$? Find such pairs of points on different spirals.
#
# <details><summary>Hint</summary>In $k^\star(x, x') = k_{xs} (\dots) k_{sx'}$, what does $k$ have to do with a new point $x$?</details>

# %% tags=["answer"]
# Your answer

# %% [markdown] tags=["exercise"]
# **4** ●●● 60 min. Two batches of 36 of the 60 samples share 12. Compare the independent closed forms with the optimum of the summed loss, found by descent.
#
# <details><summary>Hint</summary>The joint $f$ is a member of both batches' problems: is its loss above or below the sum of the two minima? Descend on $P$, with $Z = k_{ss}^{1/2} P$ for all 60.</details>


# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## References
#
# - B. Kiani, R. Balestriero, Y. Chen, S. Lloyd, Y. LeCun. [Joint Embedding Self-Supervised Learning in the Kernel Regime](https://arxiv.org/abs/2209.14884), 2022.
# - R. Balestriero, Y. LeCun. [Contrastive and Non-Contrastive Self-Supervised Learning Recover Global and Local Spectral Embedding Methods](https://arxiv.org/abs/2205.11508), 2022.
# - J. HaoChen et al. [Provable guarantees for self-supervised deep learning with spectral contrastive loss](https://arxiv.org/abs/2106.04156), 2021.
# - B. Schölkopf, R. Herbrich, A. Smola. A generalized representer theorem. COLT 2001. A. Jacot et al. [Neural tangent kernel](https://arxiv.org/abs/1806.07572), 2018.
# - J. Simon et al. [On the stepwise nature of self-supervised learning](https://arxiv.org/abs/2303.15438), 2023. D. Johnson et al.
#   [Contrastive learning can find an optimal basis for approximately view-invariant functions](https://arxiv.org/abs/2210.01883), 2023.

# %%
ch.footer()
