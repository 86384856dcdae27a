# %% [markdown]
# # Masked modelling: solutions
#
# The exercises of the lesson, solved. Try first.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import time
from functools import partial
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import torch
from ipywidgets import FloatSlider, IntSlider, SelectionSlider
from torch import nn
from torch.testing import assert_close

import cookbook as cb
from replearn import data, evaluation, losses, methods, models, recipes, spectral, training
from replearn.papers.masked_modeling import gaussian_reconstruction

ch = cb.Chapter("masked_modeling_solutions", scale=scale, seed=seed)
generator = torch.Generator().manual_seed(ch.seed)

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Why is MAE with $r \to 0$ not an autoencoder? What is the best linear $R^2$ if only the patch in the middle is hidden?
#
# TODO typeset

# %% tags=["solution"]
score, _ = complete(digit, torch.tensor(np.delete(np.arange(49), 24)), torch.tensor([24]), 4)
print("The loss is on hidden patches only: even the last one has to be told from the others, never copied.")
print(f"R² = {score:.3f}, where an autoencoder could reach 1.")

# %% [markdown] tags=["solution"]
# **2** ●●○ 20 min. A stationary signal on a line has covariance $\rho^{|i - j|}$; $b$ neighbouring values are hidden, all others seen. Find $R^2$ by hand (the signal is a Markov chain, so that only the two ends of
# the gap matter), check it, and compare it with $b$ separate gaps of one value.
#
# TODO typeset

# %% tags=["solution"]
print("With s = ρ², value k of the gap keeps the variance (1 - s^k) (1 - s^(b + 1 - k)) / (1 - s^(b + 1)).")
line, s = 0.9 ** abs(np.subtract.outer(np.arange(60), np.arange(60))), 0.81
for b in (1, 5, 10):
    k, gap = np.arange(1, b + 1), np.arange(20, 20 + b)
    kept = (1 - s**k) * (1 - s ** (b + 1 - k)) / (1 - s ** (b + 1))
    found = gaussian_reconstruction(line, np.delete(np.arange(60), gap), gap, ridge=0)
    print(f"b = {b}: R² = {1 - kept.mean():.4f} by hand, {found.r2:.4f} by the library; separate gaps are as b = 1")

# %% [markdown] tags=["solution"]
# **3** ●●○ 20 min. Give the decoder no block at all, or two. What does the encoder learn from a decoder of depth 0, and why?
#
# TODO typeset

# %% tags=["solution"]
for depth in (0, 1, 2):
    encoder, _ = new_vit(49, ch.seed)
    method = methods.MaskedAutoencoder(encoder, models.MaeDecoder(64, 49, encoder.grid, depth=depth))
    method.step(method.views(x_train, torch.arange(64), generator))["loss"].backward()
    moved = [weight.grad is not None and bool(weight.grad.any()) for weight in encoder.parameters()]
    print(f"depth {depth}: {sum(moved)} of {len(moved)} weights of the encoder have a gradient")
print("Only a decoder with attention lets a mask token see the visible ones. Without it, the encoder learns nothing.")

# %% [markdown] tags=["solution"]
# **4** ●●● 60 min. Should one hide what the other patches predict best, or worst? Compute the $R^2$ of each patch from all others by (2), and let it tilt the random order of a mask.
#
# TODO typeset

# %% tags=["solution"]
C = small.T @ small / len(small) + 1e-6 * np.eye(196)
ids = data.patchify(torch.arange(196).reshape(1, 1, 14, 14), 2)[0]
easy = [gaussian_reconstruction(C, np.delete(np.arange(196), own), own).r2 for own in ids]

def tilted(n, grid, generator, sign):
    order = (torch.rand(n, 49, generator=generator) + sign * torch.tensor(easy)).argsort(1)
    return order[:, :36], order[:, 36:]

for name, sign in {"best": 1, "worst": -1}.items():
    score = train_mlp(partial(tilted, sign=sign), ch.seed, steps=ch.pick(fast=30, toy=300))
    print(f"hide 13 patches, the {name} predicted rather: low-shot {score:.3f} (at random {best[0]:.3f})")
print("One seed is no answer: the differences are as large as those between seeds.")

# %%
ch.footer()
