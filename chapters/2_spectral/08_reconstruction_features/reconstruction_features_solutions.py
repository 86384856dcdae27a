# %% [markdown]
# # Learning by reconstruction: solutions
#
# The exercises of the lesson, solved. Try first.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import torch
from ipywidgets import SelectionSlider
from scipy.linalg import eigh

import cookbook as cb
from replearn import data, evaluation, recipes, spectral
from replearn.papers.reconstruction_features import (
    ConvRandomFeatures,
    hot_pixels,
    joint_encoder,
    linear_autoencoder_flow,
    masking_score,
    pca_split,
    task_alignment,
)

ch = cb.Chapter("reconstruction_features_solutions", scale=scale, seed=seed)
seeds = range(ch.seed, ch.seed + ch.pick(fast=1, toy=3))
n = ch.pick(fast=2000, toy=4000)
olive, dark, rose = cb.color("reconstruction"), cb.color("theory"), cb.color("jepa")

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Prove that Gaussian noise keeps the order of the scores: $w = l^2 / (l + c)$ grows with $l > 0$ for every $c \ge 0$.
#
# TODO typeset

# %% tags=["solution"]
l = np.linspace(0.01, 5, 100)
print("dw/dl = l (l + 2c) / (l + c)^2, which is positive. On a grid:", np.all(np.diff(l**2 / (l + 10)) > 0))

# %% [markdown] tags=["solution"]
# **2** ●●○ 20 min. What happens to an isolated pixel of variance 1 as $p \to 1$? And to its rank against a direction of variance 0.1 on 100 pixels?
#
# TODO typeset

# %% tags=["solution"]
for p in (0.5, 0.9, 0.99, 0.999):
    print(f"p = {p}: pixel and spread direction score {masking_score([1, 0.1], [1, 100], p).round(4)}")
print("All scores vanish in the end, like l m (1 - p): variance times number of pixels then decides the order.")

# %% [markdown] tags=["solution"]
# **3** ●●○ 20 min. Masks cannot remove the smooth background. Design a noise that can, and test it with `spectral.additive_moments`.
#
# TODO typeset

# %% tags=["solution"]
fields = data.smooth_background(5000, 14, seed=ch.seed + 1000).flatten(1).numpy()
for amp in (0, 0.5, 1, 2, 5):
    moments = spectral.additive_moments(X[:n], amp**2 * fields.T @ fields / 5000)
    V = spectral.reduced_rank_regression(moments.C_clean, moments.C, 16).V
    print(f"other smooth fields, amplitude {amp}: accuracy {accuracy(X @ V, y):.2f} (C grows, C_x does not)")

# %% [markdown] tags=["solution"]
# **4** ●●● 60 min. Which additive noises change nothing, for any task? Try covariances that are powers of $S$.
#
# TODO typeset

# %% tags=["solution"]
S = X[:n].T @ X[:n] / n
S = S / np.linalg.norm(S, 2)
for q in (0, 1, 2, 3):
    V = spectral.reduced_rank_regression(S, S + 1e3 * np.linalg.matrix_power(S, q), 16).V
    turned = spectral.principal_angles(denoiser(X[:n], 16), V).max()
    print(f"q = {q}: turned by {turned:.1f} degrees, accuracy {accuracy(X @ V, y):.2f}")
print("Those that share the eigenvectors of S and keep the order. l^2 / (l + c l^q) does for q <= 2, not for q = 3.")

# %%
ch.footer()
