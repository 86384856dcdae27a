# %% [markdown]
# # Evaluating representations: solutions
#
# The exercises of the lesson, solved. Try first.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import torch
from ipywidgets import FloatSlider, IntSlider, SelectionSlider
from scipy.stats import spearmanr
from sklearn.cluster import KMeans
from sklearn.linear_model import Ridge
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_score
from sklearn.neighbors import KNeighborsClassifier
from torch import nn

import cookbook as cb
from replearn import data, evaluation, losses, recipes, training
from replearn.papers.evaluation import conditional_samples

ch = cb.Chapter("evaluation_solutions", scale=scale, seed=seed)

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Why does standardising the columns change the answer of k-NN, but not that of least squares?
#
# TODO typeset

# %% tags=["solution"]
print("It is an A that is diagonal and no rotation: cosines change, the span of the columns does not.")
print(f"Digits: {measure(pixels)[1]:.3f} before, {measure(pixels / deviation)[1]:.3f} after. Black borders count now.")

# %% [markdown] tags=["solution"]
# **2** ●●○ 20 min. Show that (4), without $10^{-7}$, is at least $1 / \sum_j p_j^2$, the participation ratio of the same $p$.
#
# TODO typeset

# %% tags=["solution"]
print("log is concave, so Σ p log p ≤ log Σ p·p. Change the sign, take exp.")
print(f"Digits: {evaluation.effective_rank(pixels, eps=0):.2f} ≥ {1 / np.sum(p**2):.2f}")

# %% [markdown] tags=["solution"]
# **3** ●●○ 20 min. Build a representation with the highest RankMe that there is and the accuracy of chance.
#
# TODO typeset

# %% tags=["solution"]
empty = np.linalg.qr(rng.standard_normal((1797, 64)))[0]
chance = evaluation.ridge_probe(empty[:n], y[:n], empty[n:], y[n:])
print(f"Orthonormal columns of noise: RankMe {evaluation.effective_rank(empty):.2f} of 64, accuracy {chance:.2f}")

# %% [markdown] tags=["solution"]
# **4** ●●● 60 min. Score the six models that were trained with augmentation A by LiDAR with views from augmentation B. Is there a B that ranks them by accuracy?
#
# TODO typeset

# %% tags=["solution"]
repeated = mnist.x_train[:300].repeat_interleave(10, dim=0)
for shown in list(strengths)[1:]:
    views = recipes.tiny_augmentation(*strengths[shown])(repeated, torch.Generator().manual_seed(0))
    encoded = [training.features(networks[name, ch.seed][0], views).unflatten(0, (300, 10)) for name in strengths]
    row = [evaluation.lidar(h) for h in encoded]
    rho = spearmanr(row, scores[0, :6, 0]).statistic
    print(f"B = {shown:16s}", *(f"{value:5.1f}" for value in row), f"  Spearman {rho:+.2f}")
print("Columns: A =", ", ".join(strengths), "(B = none: ten equal views). A yes is a + at the right.")

# %%
ch.footer()
