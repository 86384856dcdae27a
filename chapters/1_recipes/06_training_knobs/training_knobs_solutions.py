# %% [markdown]
# # Training knobs: solutions
#
# The exercises of the lesson, solved. Try first.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import tempfile
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import torch
from ipywidgets import FloatSlider, SelectionSlider
from lightning_fabric import Fabric
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

import cookbook as cb
from replearn import losses, models, recipes, training

ch = cb.Chapter("training_knobs_solutions", scale=scale, seed=seed)
digits = recipes.tiny_mnist()

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. DINO: 100 epochs of 1,252 steps, 10 of warm-up, AdamW at 0.002 down to $10^{-6}$, decay from 0.04 to 0.4 along a cosine. What is left of an idle weight?
#
# TODO typeset

# %% tags=["solution"]
steps = 125_200
rates = np.array([training.warmup_cosine(t, steps, 12_520, 0.002, 1e-6) for t in range(steps)])
decay = np.array([training.cosine_ramp(t, steps, 0.04, 0.4) for t in range(steps)])
left = np.prod(1 - rates * decay), np.exp(-rates @ decay)
print("{:.1e}, by the exponential {:.1e}: what is not renewed is gone.".format(*left))

# %% [markdown] tags=["solution"]
# **2** ●●○ 20 min. Show that accumulating VICReg's covariance term, a sum of squared covariances, is biased. By how much, if the dimensions are independent with variance 1?
#
# TODO typeset

# %% tags=["solution"]
print("A covariance c of N independent pairs has mean 0 and variance 1 / (N - 1): so much E[c²] exceeds its limit, 0.")
for N in (16, 64, 256):
    covariances = torch.stack([torch.cov(torch.randn(2, N))[0, 1] for _ in range(2000)])
    print(f"N = {N:3}: E[c²] (N - 1) = {covariances.square().mean() * (N - 1):.2f}")

# %% [markdown] tags=["solution"]
# **3** ●●○ 20 min. Write down $\partial L / \partial k_j$ of InfoNCE for a key $k_j$. What does the gather without gradient drop? Where do the keys go? Measure how a step changes their tightness,
# $\|\text{mean of } k / \|k\|\, \|^2$.
#
# TODO typeset

# %% tags=["solution"]
print("Σᵢ pᵢⱼ qᵢ − qⱼ, up to 1/(Nτ). At the start all p are about 1/N and all q near their mean: the two parts cancel.")
print("The drop takes the other GPU's half of the sum. What is left pulls all keys towards that mean: a collapse.")
tightness = gradient(F.normalize(network(view_b)).mean(0).square().sum())
for name, found in {"true": one_device, "naive": naive}.items():
    print(f"{name}: {-F.cosine_similarity(found, tightness, dim=0):+.2f} (cosine of the step with more tightness)")

# %% [markdown] tags=["solution"]
# **4** ●●● 60 min. Fit the best rate for B = 16 … 1024 by $\eta^\star \propto B^\gamma$, for SGD and AdamW. Begin with a *noisy quadratic* (Zhang et al., 2019): $\frac12 \sum_j h_j w_j^2$,
# $h_j = 1/j$, gradient noise of variance $100\, h_j / B$, $w_j = 1$ at the start, 100 steps of SGD. Then put `train` in its place.
#
# TODO typeset

# %% tags=["solution"]
h, batches, rates = 1 / np.arange(1, 101), np.array([16, 64, 256, 1024]), np.geomspace(0.001, 1.9, 200)
keep = 1 - rates[:, None, None] * h
noise = (100 * h / batches[:, None]) * rates[:, None, None] ** 2 * (1 - keep**200) / (1 - keep**2)
best = rates[np.sum(h * (keep**200 + noise), axis=2).argmin(axis=0)]
print("SGD, in closed form:", best.round(3), f"gamma = {np.polyfit(np.log(batches), np.log(best), 1)[0]:.2f}")
print("Where noise rules, gamma is near 1/2 in so short a run; it falls to 0 where curvature caps the rate.")
print("With Adam the right panel above says: about 0.")

# %%
ch.footer()
