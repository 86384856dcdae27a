# ---
# jupyter:
#   cookbook:
#     title: Start here
#     promise: Run your first cell, drag your first slider, and watch two views decide what is learned.
#     papers: [balestriero2023cookbook]
#     needs: []
#     minutes: 10
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
# # Start here
#
# After this page you can run a chapter, drag its sliders, check its claims, and you will have seen the one idea from
# which the whole book grows: **a model that learns without labels keeps what two views of a thing share.**

# %% tags=["parameters"]
scale = "toy"
seed = 0

# %%
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import LineCollection
from scipy.linalg import eigh

import cookbook as cb

ch = cb.Chapter("start_here", scale=scale, seed=seed)

# %% [markdown]
# ## What this book is
#
# Self-supervised learning (SSL) trains a model on data that nobody labelled. It takes one input, makes two **views** of
# it (two crops of one photograph, say), and asks the model to give both the same representation. That is all the
# supervision there is. Out of it come the features behind today's vision and language models, and a set of theorems
# that say what those features are.
#
# Each chapter takes one paper. It states the idea, shows the mathematics with no step skipped, builds the method in a few plain
# lines, tests the theorem on a problem small enough to solve in seconds, and hands you a slider. Whatever it says about a
# paper is a *claim*: a number measured before your eyes, with a bound that it must meet.

# %% [markdown]
# ## A two-minute taste
#
# Every input $x = (x_1, x_2)$ below is a point in the plane. It varies a lot along $x_1$ (variance $\lambda_1 = 4$) and
# less along $x_2$ (variance $\lambda_2 = 1$). A view is the input plus fresh noise, $v = x + \varepsilon$ and
# $v' = x + \varepsilon'$, and the noise has variance $\sigma_1^2$ along $x_1$ and $\sigma_2^2$ along $x_2$. You may keep *one* direction
# $w$, so that a view becomes the single number $w^\top v$. Which direction should it be?


# %%
signal = np.array([4.0, 1.0])
rng = np.random.default_rng(ch.seed)


def two_views(noise, n):
    x = rng.normal(size=(n, 2)) * np.sqrt(signal)
    return x + rng.normal(size=(n, 2)) * np.sqrt(noise), x + rng.normal(size=(n, 2)) * np.sqrt(noise)


def draw_pairs(ax, v1, v2, n=60):
    pairs = np.stack([v1[:n], v2[:n]], axis=1)
    ax.add_collection(LineCollection(pairs, colors=cb.color("baseline"), linewidths=0.8, alpha=0.6))
    ax.scatter(*np.concatenate([v1[:n], v2[:n]]).T, s=9, color=cb.color("vicreg"), linewidths=0, zorder=3)
    ax.set(xlim=(-9, 9), ylim=(-4.5, 4.5), aspect="equal", xlabel="$x_1$", ylabel="$x_2$")


fig, ax = plt.subplots()
draw_pairs(ax, *two_views(np.array([8.0, 0.1]), 60))
ax.set_title("Sixty inputs, two views of each, joined by a line")
plt.show()

# %% [markdown]
# *Look at the lines.* They are long along $x_1$: the two views disagree about $x_1$, although that is where the points spread
# the most. They are short along $x_2$, about which the two views agree.
#
# **The answer.** Let $C = \mathbb{E}[v v^\top]$ be the covariance of a view and $C_+ = \mathbb{E}[v v'^\top]$ the
# covariance between the two views of a pair (everything has mean zero). The number $w^\top v$ has variance $w^\top C w$, and the two views' numbers have
# covariance $w^\top C_+ w$. The best $w$ makes the correlation between them as large as it can be,
#
# $$ \rho(w) = \frac{w^\top C_+ w}{w^\top C w}, \qquad\text{so } w \text{ solves}\qquad C_+ w = \rho\, C w . $$
#
# The two noises are independent, so $C_+ = \mathrm{diag}(\lambda_1, \lambda_2)$ and $C = \mathrm{diag}(\lambda_1 + \sigma_1^2, \lambda_2 + \sigma_2^2)$: the
# axes are the solutions, and axis $i$ is worth
#
# $$ \rho_i = \frac{\lambda_i}{\lambda_i + \sigma_i^2} . $$
#
# Principal component analysis (PCA) would keep the axis with the most *variance*. Two views keep the axis with the least
# *noise for its signal*.

# %% [markdown]
# ## From scratch
#
# Nothing above needs the true covariances. Estimate them from pairs, and solve:


# %%
def keep_one_direction(v1, v2):
    both = np.concatenate([v1, v2])
    C = both.T @ both / len(both)
    C_plus = (v1.T @ v2 + v2.T @ v1) / (2 * len(v1))
    rho, w = eigh(C_plus, C)
    return rho[-1], w[:, -1] / np.linalg.norm(w[:, -1])


# %%
noise = np.array([8.0, 0.1])
rho, w = keep_one_direction(*two_views(noise, ch.pick(fast=50_000, toy=200_000)))

ch.claim(
    "views-decide",
    "The best correlation between two views is the signal's share of the variance of the best axis",
    measured=abs(rho - (signal / (signal + noise)).max()),
    below=0.01,
    paper="exact",
)

# %%
ch.claim(
    "not-pca",
    "The direction that is kept is not the direction of largest variance: the two are at right angles",
    measured=np.degrees(np.arccos(abs(w[0]))),
    above=85,
    unit="deg",
    control=True,
)

# %% [markdown]
# ## Play
#
# Drag `noise_1`, the noise along the wide axis. Watch the kept direction (blue) leave PCA's (olive) at the moment when the two
# bars on the right change places, at $\sigma_1^2 / \lambda_1 = \sigma_2^2 / \lambda_2$. The wide axis is as wide as ever; it has merely stopped being shared.

# %%
base = rng.normal(size=(3, 400, 2))


def draw(fig, noise_1, noise_2):
    noise = np.array([noise_1, noise_2])
    v1, v2 = (base[0] * np.sqrt(signal) + e * np.sqrt(noise) for e in base[1:])
    left, right = fig.subplots(1, 2, width_ratios=[2, 1])
    fig.subplots_adjust(left=0.08, right=0.97, bottom=0.16, top=0.88, wspace=0.3)
    draw_pairs(left, v1, v2)
    kept, wide = np.argmax(signal / (signal + noise)), np.argmax(signal + noise)
    for axis, length, width, name in [(wide, 8.5, 7, "pca"), (kept, 8, 3, "vicreg")]:
        tip = np.eye(2)[axis] * length
        left.plot(*np.stack([-tip, tip]).T, lw=width, color=cb.color(name), alpha=0.55)
    left.set_title("kept by two views (blue), by PCA (olive)")
    right.bar([1, 2], signal / (signal + noise), color=cb.color("vicreg"))
    right.set(ylim=(0, 1), xticks=[1, 2], xlabel="axis $i$", title="correlation $\\rho_i$")


cb.explore(draw, noise_1=cb.log_slider(0.5, 0.05, 20), noise_2=cb.log_slider(0.5, 0.05, 20))

# %% [markdown]
# Deep networks, billions of images and losses named SimCLR, VICReg or DINO do not change this picture: they change what
# the axes are. [Spectral embedding](2_spectral/01_spectral_embedding.ipynb) makes that precise.

# %% [markdown]
# ## How to use the book
#
# | | |
# |---|---|
# | **Run** | *Run ▸ Run All Cells*. A chapter takes about a minute on a laptop and needs no network. |
# | **Drag** | Sliders follow the mouse and the arrow keys, once the chapter has been run. |
# | **Break** | Change a number, an augmentation, the graph. The claims at the end say at once what you broke. |
# | **Check** | `cookbook run spectral_embedding -p seed=3` runs a chapter from a terminal and prints its claims. |
# | **Solve** | Exercises close each chapter. The three dots below an exercise open its solution, which runs. |
# | **Scale** | Set `scale = "paper"` in the second cell to run the real data set on a GPU, where the card offers it. |
#
# Three scales run the same text: `fast` (seconds, for tests), `toy` (about a minute, what you see here) and `paper` (a GPU).

# %% [markdown]
# ## Notation
#
# | symbol | meaning | shape |
# |---|---|---|
# | $x$, $X$ | an input; all inputs, one to a row | $(D)$; $(N, D)$ |
# | $v, v'$ | two views of one input | as $x$ |
# | $f$, $g$ | encoder; projector behind it | functions |
# | $z$, $Z$ | an embedding; all embeddings, one to a row | $(K)$; $(N, K)$ |
# | $G$ | relation graph: $G_{ij} > 0$ when samples $i$ and $j$ are declared the same | $(N, N)$ |
# | $D_G$, $L = D_G - G$ | degrees of the graph on a diagonal; its Laplacian | $(N, N)$ |
# | $H = I - \tfrac1N \mathbf 1 \mathbf 1^\top$ | centring: $HZ$ has mean zero | $(N, N)$ |
# | $\mathrm{Cov}(Z) = Z^\top H Z / N$ | covariance, divided by $N$ | $(K, K)$ |
# | $\lambda_k$, $u_k$ | eigenvalues and eigenvectors | |
# | $\rho$ | a correlation between two views | |
# | $\tau$ | temperature of a softmax | |
#
# In code: `x`, `z`, `g`, `n`, `k`, and `lam` for a weight.

# %% [markdown]
# ## The map

# %%
cb.contents()

# %% [markdown]
# ## Claims
#
# Every chapter ends with this table. A claim that does not hold stops the notebook, so the book cannot quietly rot.

# %% tags=["nbval-check-output"]
ch.verdicts()

# %%
ch.report()

# %% [markdown]
# ## References
#
# - R. Balestriero, M. Ibrahim, V. Sobal, A. Morcos, S. Shekhar, T. Goldstein, F. Bordes, A. Bardes, G. Mialon, Y. Tian, A. Schwarzschild, A. G. Wilson,
#   J. Geiping, Q. Garrido, P. Fernandez, A. Bar, H. Pirsiavash, Y. LeCun, M. Goldblum.
#   [A Cookbook of Self-Supervised Learning](https://arxiv.org/abs/2304.12210), 2023.
# - H. Hotelling. Relations between two sets of variates. *Biometrika*, 1936: the correlation that the taste maximises.
