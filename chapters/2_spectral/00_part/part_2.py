# %% [markdown]
# # Part 2: what SSL learns, in closed form
#
# After this page you know the story of the part and which of its chapters answers which question. You will have seen twelve methods, from VICReg to masked auto-encoding, solve one small
# problem side by side, and found that there are fewer of them than their names suggest.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
from scipy.linalg import eigh

import cookbook as cb
from replearn import data, evaluation, recipes, spectral

ch = cb.Chapter("part_2", scale=scale, seed=seed)

# %% [markdown]
# ## The story
#
# Train a network without labels, and it finds features that a linear probe can use. *Which* features? As long as the answer is "whatever stochastic gradient descent arrived at", one can
# only train and look. This part replaces the network by something that can be solved, a free table of embeddings, a linear map, a kernel, and then the answer is a formula: the top
# eigenvectors of a matrix that the views alone determine. A formula can be trusted, dragged with a slider, and broken on purpose.
#
# The story has four acts. **The loss is an eigenvalue problem** (chapters 1 to 4): what is learned is spanned by functions that vary little between views, and the architecture breaks the
# ties. **The loss is information** (5 to 7): the same terms, read as entropies, bounds and tests of independence. **Pixels or latents?** (8 and 9): reconstructing an input solves a
# sibling of the same problem, and its answer is often the wrong one. **Have we found the world?** (10 and 11): when the features are the hidden causes themselves, and how much that promises.
#
# | you ask | the part answers | chapter |
# |---|---|---|
# | What do VICReg, SimCLR and Barlow Twins converge to? | eigenvectors of the graph of positive pairs, each shrunk by its own rule | [Spectral embedding](../01_spectral_embedding/spectral_embedding.ipynb) |
# | What happens at points that were never seen? | any kernel and any pairs give a new kernel, in closed form | [The kernel regime](../02_kernel_regime/kernel_regime.ipynb) |
# | Why do unlabelled data help at all? | useful functions vary little where data are dense; augmentations measure that | [Minimal variations](../03_minimal_variations/minimal_variations.ipynb) |
# | Do augmentations or the architecture decide? | both, through one operator; between them lies a third regime | [The SSL interplay](../04_ssl_interplay/ssl_interplay.ipynb) |
# | What is maximised, in bits? | a bound on the mutual information of two views, of which VICReg keeps three terms | [What do we maximize?](../05_what_do_we_maximize/what_do_we_maximize.ipynb) |
# | Can a better entropy estimate make a better loss? | yes, and the terms bound the test error | [Information and VICReg](../06_information_vicreg/information_vicreg.ipynb) |
# | Why does everybody need a projector? | decorrelation behind a wide one is pairwise independence before it | [Pairwise independence](../07_pairwise_independence/pairwise_independence.ipynb) |
# | Why do auto-encoders learn features late, if ever? | what explains the pixels is not what tells things apart | [Learning by reconstruction](../08_reconstruction_features/reconstruction_features.ipynb) |
# | Should I predict pixels or latents? | it depends on how strong the noise is, with both thresholds in closed form | [Joint embedding vs reconstruction](../09_joint_embedding_vs_reconstruction/joint_embedding_vs_reconstruction.ipynb) |
# | Can a classifier find the causes of its data? | up to a linear map, if its classes are diverse enough | [Cross-entropy inverts the world](../10_cross_entropy_identifiability/cross_entropy_identifiability.ipynb) |
# | If two models agree, are they right? | identifiable models agree; agreement alone proves nothing | [When networks agree, and when they are right](../11_singular_identifiability/singular_identifiability.ipynb) |

# %% [markdown]
# ## Where all methods meet
#
# Handwritten digits lie on smooth backgrounds that say nothing about them. A **view** $v$ of a digit has a background of its own and a little noise; a second view $v'$ of the same digit has
# another background. (All pixels are centred.)

# %%
digits = recipes.tiny_mnist(standardized=False)
n, K = ch.pick(fast=1500, toy=3000), 16
x, y = digits.x_train[:n].flatten(1).double().numpy(), digits.y_train[:n].numpy()
x_new, y_new = digits.x_test.flatten(1).double().numpy(), digits.y_test.numpy()


def view(x, seed, amp=1.0):
    background = data.smooth_background(len(x), 14, amp=amp, seed=seed).flatten(1).numpy()
    return x + background + 0.1 * np.random.default_rng(seed).standard_normal(x.shape)


def pairs(amp=1.0):
    first, second = (view(x, 3 * ch.seed + s, amp) for s in (1, 2))
    mean = (first + second).mean(axis=0) / 2
    return first - mean, second - mean, view(x_new, 3 * ch.seed + 3, amp) - mean


first, second, new = pairs()
rows = [shown / np.ptp(shown) - shown.min() / np.ptp(shown) for shown in (x[:6], first[:6], second[:6])]
fig, ax = plt.subplots(figsize=(6.2, 3.2))
cb.plots.image_grid(ax, np.concatenate(rows).reshape(-1, 14, 14), columns=6)
for row, label in enumerate(("the digit $x$", "a view $v$", "another view $v'$")):
    ax.text(-1.5, 7 + 15 * row, label, ha="right", va="center")
ax.set_title("What two views share is the digit")
plt.show()

# %% [markdown]
# *Look down a column*: the digit stays and the background goes. Most of the variance of the pixels is background.
#
# The encoder is a linear map $V$ ($D \times K$) with $K = 16$ outputs, $z = V^\top v$. Such an encoder sees of the data nothing but second moments: $C = \mathbb E[v v^\top]$ of a single view,
# $C_+ = \mathbb E[v v'^\top]$ between the two views of a digit, and, for a method that is shown the clean digit $x$ itself, $\mathbb E[x v^\top]$. Every method below then solves
#
# $$ A\, v = w\, B\, v $$
#
# for the top eigenvectors $v$, and the methods differ in what they put for the matrices $A$ and $B$:
#
# | method | $A$ | $B$ |
# |---|---|---|
# | VICReg, Barlow Twins, spectral contrastive loss, CCA, linear joint embedding; InfoMax of Gaussian views | $C_+$ | $C$ |
# | the SSL interplay, with weights $\beta$ of the augmentation and $\lambda$ of the norm | $(1 - \beta)\, C + \beta\, C_+ - \lambda I$ | $C$ |
# | auto-encoding (PCA); denoising of isotropic Gaussian noise; minimal variations of linear functions, $\mathbb E \|\nabla f\|^2 = \|v\|^2$ | $C$ | $I$ |
# | auto-encoding of masked inputs $\tilde v$: with $M = \mathbb E[v \tilde v^\top]$ | $M^\top M$ | $\mathbb E[\tilde v \tilde v^\top]$ |
# | removing the background: with $M = \mathbb E[x v^\top]$ | $M^\top M$ | $C$ |
# | labels (LDA): the covariance of class means | $C_{\text{between}}$ | $C$ |
#
# Solve them all, with the library's functions of the chapters that derive them.


# %%
def moments(first, second):
    both, swapped = np.concatenate([first, second]), np.concatenate([second, first])
    return both, swapped, both.T @ both / len(both), both.T @ swapped / len(both)


def denoise(cross, C):
    return spectral.reduced_rank_regression(cross, C, K).V


def solve(first, second):
    both, swapped, C, C_plus = moments(first, second)
    masked = spectral.mask_moments(both, 0.5, (14, 14), (2, 2))
    rows, labels = np.arange(n), np.concatenate([y, y])
    linear = partial(spectral.linear_ssl, both, spectral.pairs_graph(rows, rows + n, 2 * n), K)
    classes = spectral.label_graph(labels, normalize="class", self_loops=True)
    return {
        "VICReg": linear(inv=0.1).W,
        "Barlow Twins": linear(method="barlow").W,
        "contrastive": linear(method="contrastive").W,
        "CCA": spectral.cca(both, swapped, K).A,
        "joint embedding": spectral.joint_embedding_linear(C, C_plus, K).W,
        "interplay, β = 1": spectral.moment_ssl(C, C_plus, K).W,
        "labels (LDA)": spectral.linear_ssl(both, classes, 9, inv=0.5).W,
        "remove background": denoise(x.T @ (first + second) / (2 * n), C),
        "mask 2×2": denoise(masked.C_clean, masked.C),
        "Gaussian noise": denoise(C, C + np.eye(len(C))),
        "interplay, β = 0": spectral.moment_ssl(C, C_plus, K, beta=0.0, lam=1e-3).W,
        "auto-encoder (PCA)": eigh(C)[1][:, -K:],
    }


def accuracy(V, first, new):
    return evaluation.ridge_probe(first @ V, y, new @ V, y_new)


C, C_plus = moments(first, second)[2:]
solved = solve(first, second)
names, scores = list(solved), [accuracy(V, first, new) for V in solved.values()]

# %% [markdown]
# Two encoders are the same for every linear probe when their features span the same space. Measure that by the mean squared cosine of the *principal angles* between the two spans (with the
# covariance $C$ as inner product): 1 if one contains the other, near 0 if they have nothing in common.


# %%
def angles(V, other, C=C):
    return spectral.principal_angles(V, other, metric=C)


def overlap(V, other, C=C):
    return np.mean(np.cos(np.radians(angles(V, other, C))) ** 2)


families = {"views": names[:6], "pixels": [names[-1], *names[-3:-1]]}
spread = {f: [angles(solved[m], solved[members[0]]).max() for m in members] for f, members in families.items()}
apart = angles(solved["VICReg"], solved["auto-encoder (PCA)"]).max()
best = dict(zip(names, scores, strict=True))
worth = best["VICReg"] - best["auto-encoder (PCA)"]
ch.measure("six-joint-embeddings", views=spread["views"])
ch.measure("three-pixel-methods", pixels=spread["pixels"])
ch.measure("families-differ", apart=apart)
ch.measure("views-find-the-digit", gained=worth)

# %%
table = np.array([[overlap(solved[a], solved[b]) for b in names] for a in names])
fig, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.6), width_ratios=[1.25, 1], sharey=True, layout="constrained")
left.imshow(table, vmin=0, vmax=1)
left.set(xticks=range(12), yticks=range(12), yticklabels=names, title="overlap of what is learned")
left.set_xticklabels(names, rotation=60, ha="right", rotation_mode="anchor")
left.grid(False)
colors = [cb.color("vicreg")] * 6 + [cb.color("supervised")] + [cb.color("pca")] * 5
bars = right.barh(range(12), scores, 0.7, color=colors)
right.bar_label(bars, fmt="%.2f", padding=4)
right.axvline(0.1, color=cb.color("chance"), ls=":")
right.set(
    xlim=(0, 1), xticks=[0, 0.5, 1], xlabel="accuracy of a linear probe, new digits", title="and what it is worth"
)
right.grid(axis="y", visible=False)
plt.show()

# %% [markdown]
# *Look at the two dark blocks.* Six methods with six names have learned the same sixteen features, to a hundredth of a degree: for a linear encoder and two views, their losses are one
# eigenvalue problem. In the other corner, auto-encoding, denoising with Gaussian noise, and an architecture left to itself ($\beta = 0$) are one method too, masking is its close relative, and they have
# learned the background (the dotted line is chance). Two rows need a second look. Labels share most of their nine directions with the views. And a denoiser that is trained to remove *this* background
# belongs to the first block although it reconstructs pixels: it is not the act of reconstruction that fails, but reconstructing what is irrelevant.
#
# Where the encoder is *not* linear, where there are more views or degrees are unequal, the six come apart again. The chapters say how, and that is why there are eleven of them.

# %% [markdown]
# ## Play
#
# **From the architecture to the views.** Drag `beta`, the weight of the augmentation in the interplay's operator, from 0 to 1 and watch features change families. The pictures are the first eight
# columns of $V$, as images.

# %%
betas = [0, 0.001, 0.002, 0.003, 0.005, 0.007, 0.01, 0.015, 0.02, 0.03, 0.1, 0.3, 1]
found = {b: spectral.moment_ssl(C, C_plus, K, beta=b, lam=1e-3).W for b in betas}
ends = solved["auto-encoder (PCA)"], solved["VICReg"]
road = np.array([[overlap(V, end) for end in ends] + [accuracy(V, first, new)] for V in found.values()])


def draw_road(fig, beta):
    curves, pictures = fig.subplots(1, 2, width_ratios=[1.3, 1])
    fig.subplots_adjust(left=0.08, right=0.98, bottom=0.17, top=0.87, wspace=0.1)
    places, here = np.arange(len(betas)), betas.index(beta)
    labels = ("overlap with PCA", "overlap with VICReg", "accuracy")
    for values, key, label in zip(road.T, ("pca", "vicreg", "supervised"), labels, strict=True):
        curves.plot(places, values, color=cb.color(key))
        curves.plot(here, values[here], "o", ms=8, color=cb.color(key))
        curves.text(places[-1], values[-1] - 0.04, label, color=cb.color(key), ha="right", va="top")
    curves.set(ylim=(-0.12, 1.03), yticks=[0, 0.5, 1], xlabel="β")
    curves.set_xticks(places[::3], [f"{b:g}" for b in betas[::3]])
    V = found[beta][:, :8].T.reshape(-1, 14, 14)
    cb.plots.image_grid(pictures, V / abs(V).max(axis=(1, 2), keepdims=True), columns=4)
    pictures.set_title("the first eight features")


cb.explore(draw_road, beta=ipywidgets.SelectionSlider(options=betas, value=0.007))

# %% [markdown]
# **How loud is the background?** Drag its amplitude `amp`. Without background, pixels and views tell nearly the same story, which is why a quiet data set can make every method look good.

# %%
loudness = [0, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2]
shown = ["VICReg", "labels (LDA)", "remove background", "mask 2×2", "auto-encoder (PCA)"]
by_loudness = []
for amp in loudness:
    first_amp, second_amp, new_amp = pairs(amp)
    encoders = solve(first_amp, second_amp)
    by_loudness.append([accuracy(encoders[m], first_amp, new_amp) for m in shown])


def draw_loudness(fig, amp):
    picture, bars = fig.subplots(1, 2, width_ratios=[1, 1.6])
    fig.subplots_adjust(left=0.02, right=0.97, bottom=0.17, top=0.87, wspace=0.75)
    cb.plots.image_grid(picture, view(x[:9], 3 * ch.seed + 1, amp).reshape(-1, 14, 14), columns=3)
    keys = ("vicreg", "supervised", "pca", "pca", "pca")
    drawn = bars.barh(range(5), by_loudness[loudness.index(amp)], 0.7, color=[cb.color(k) for k in keys])
    bars.bar_label(drawn, fmt="%.2f", padding=4)
    bars.set(xlim=(0, 1.1), xticks=[0, 0.5, 1], yticks=range(5), yticklabels=shown, ylim=(4.6, -0.6))
    bars.set(xlabel="accuracy of a linear probe", title=f"background amplitude {amp:g}")
    bars.grid(axis="y", visible=False)


cb.explore(draw_loudness, amp=ipywidgets.SelectionSlider(options=loudness, value=0.3))

# %% [markdown]
# ## Conventions of the part
#
# - $N$ samples, one to a row: inputs $X$ ($N \times D$), embeddings $Z$ ($N \times K$). Covariances divide by $N$. $H = I - \mathbf 1 \mathbf 1^\top / N$ centres.
# - A graph $G$ ($N \times N$) is symmetric and not negative; $D_G$ holds its degrees on a diagonal; $L = D_G - G$. Sums over $i, j$ count each pair twice, hence
#   $\sum_{ij} G_{ij} \|z_i - z_j\|^2 = 2 \operatorname{tr}(Z^\top L Z)$.
# - $\mathrm{inv}$ weighs invariance, $\mathrm{reg}$ (or $\mathrm{var}$ and $\mathrm{cov}$) what prevents collapse, $\lambda$ the norm of the weights, $\beta \in [0, 1]$ augmentations against architecture.
# - $C$ and $C_+$ are the moments of a view and of two views; $\rho$ a correlation between views; a lower-case $k(x, x')$ is a kernel, a capital $K$ a dimension.
# - Subspaces are compared by principal angles, embeddings up to a rotation by Procrustes, encoders up to a linear map by $R^2$. Information is in nats.
#
# ## What breaks
#
# This page is linear from end to end. The background is independent of the digit, of low rank, and fresh in every view, so that two views are exactly what is needed; in a data set where the
# background *follows* the label, or where an augmentation destroys the label, the dark blocks would be worth something else. The chapters take these cases one by one.
#
# ## Claims

# %%
ch.report()

# %% [markdown]
# ## References
#
# - R. Balestriero, Y. LeCun.
#   [Contrastive and Non-Contrastive Self-Supervised Learning Recover Global and Local Spectral Embedding Methods](https://arxiv.org/abs/2205.11508). *NeurIPS*, 2022.
# - V. Cabannes, B. T. Kiani, R. Balestriero, Y. LeCun, A. Bietti. [The SSL Interplay](https://arxiv.org/abs/2302.02774). *ICML*, 2023.
# - H. Van Assel, M. Ibrahim, T. Biancalani, A. Regev, R. Balestriero. [Joint-Embedding vs Reconstruction](https://arxiv.org/abs/2505.12477). *NeurIPS*, 2025.
# - The papers of the other chapters are listed in each of them.

# %%
ch.footer()
