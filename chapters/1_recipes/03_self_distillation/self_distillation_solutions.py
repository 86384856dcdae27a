# %% [markdown]
# # Self-distillation: solutions
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
from ipywidgets import FloatSlider
from scipy.special import expit
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

import cookbook as cb
from replearn import evaluation, losses, methods, recipes, training
from replearn.data import load
from replearn.papers.self_distillation import byol_fixed_points, linear_byol_flow, surviving_directions

ch = cb.Chapter("self_distillation_solutions", scale=scale, seed=seed)

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. We derived $s - p^2 / \alpha = c\, e^{-2 \eta t}$ for aligned pairs. Show from (2) that $W W^\top - P^\top P / \alpha$ decays like that from *any* start, and check it on one.
#
# TODO typeset

# %% tags=["solution"]
print("(WWᵀ)' = -Pᵀ(RWᵀ) - (RWᵀ)ᵀP - 2η WWᵀ, and (PᵀP)' = -α [Pᵀ(RWᵀ) + (RWᵀ)ᵀP] - 2η PᵀP. Divide by α and subtract.")
path = linear_byol_flow(**isotropic, W0=W0, P0=P0, T=10, dt=0.02, alpha=3)
gap = path.W @ path.W.mT - path.P.mT @ path.P / 3
print(f"largest error: {abs(gap - gap[0] * np.exp(-0.16 * path.t)[:, None, None]).max():.1e}")

# %% [markdown] tags=["solution"]
# **2** ●●○ 20 min. Why does a predictor that learns ten times faster help? Which $P$ is best for a given $W$? *DirectPred* (Tian et al., 2021) does not learn $P$ at all:
# $P = U \operatorname{diag}(\sqrt{s_j} + \epsilon \max_k s_k)\, U^\top$, from the eigenvectors $U$ and eigenvalues $s_j$ of a moving average of $W W^\top$. Implement it in the linear
# model. Where does it end for $\epsilon = 0$ and 0.1?
#
# TODO typeset

# %% tags=["solution"]
print("The best P regresses the target on the online embedding, P* = WC₊Wᵀ (WCWᵀ)⁻¹: only a quick P stays close to it.")
for epsilon in (0, 0.1):
    W, average = W0, W0 @ W0.T
    for _ in range(2000):
        average = 0.9 * average + 0.1 * W @ W.T
        s, U = np.linalg.eigh(average)
        P = U @ np.diag(np.sqrt(s) + epsilon * s.max()) @ U.T
        W = W - 0.05 * (P @ (1.3 * P @ W - W) + 0.08 * W)
    print(f"epsilon = {epsilon}: p = {np.linalg.eigvalsh(P).mean():.5f} (p₊ = {p_plus:.5f}), s = {s.mean():.5f}")

# %% [markdown] tags=["solution"]
# **3** ●●● 60 min. Choose an augmentation under which the *twelfth* direction of the digits outlives the first. Predict it from (5), and verify with the flow.
#
# TODO typeset

# %% tags=["solution"]
noise = np.append(12, np.full(19, 0.02))
print("Shake direction 1 hard. Alive by (5):", surviving_directions(lam, noise, 0.025)[[0, 11]])
W = linear_byol_flow(lam, noise, np.eye(20), np.eye(20), 0.025, T=500, dt=0.1, record=1).W[-1]
print(f"w² by the flow: {W[0, 0] ** 2:.3f} and {W[11, 11] ** 2:.3f}")

# %% [markdown] tags=["solution"]
# **4** ●●○ 20 min. With $\sigma^2 = 0.05$ and $\eta = 0.01$, how many directions should survive? How many are alive at $T = 2000$, and at 4000? Explain.
#
# TODO typeset

# %% tags=["solution"]
print("by (5):", surviving_directions(lam, 0.05, 0.01).sum())
print("alive:", [np.sum(strengths(0.05, 0.01, T) > 0.05**2, axis=1).tolist() for T in (2000, 4000)])
print("The 19th is 1 % below its threshold. p₊ is gone, but where it was the flow almost stands still: a ghost.")

# %%
ch.footer()
