# %% [markdown]
# # When networks agree, and when they are right: solutions
#
# The exercises of the lesson, solved. Try first.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.collections import LineCollection
from torch.nn import functional as F
from torch.testing import assert_close

import cookbook as cb
from replearn import evaluation, losses, recipes, spectral, training
from replearn.data import latent_world, sphere_grid
from replearn.models import mlp, mlp_head
from replearn.papers.singular_identifiability import (
    flat_directions,
    learning_coefficient,
    tabular_classifier,
    train_world,
    train_world_classes,
)

ch = cb.Chapter("singular_identifiability_solutions", scale=scale, seed=seed)
seeds = range(ch.seed, ch.seed + ch.pick(fast=1, toy=3))

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Find the $d^2 + d = 2$ flat directions for $d = 1$ by hand, and check that there are no others for four classes.
#
# TODO typeset

# %% tags=["solution"]
centres, states = torch.tensor([[-1.0], [0.2], [0.5], [1.0]]), torch.linspace(-1, 1, 5)[:, None]
flat = flat_directions(*tabular_classifier(centres, states, kappa=1.0))
print("h -> a h, w -> w / a moves no score; w -> w + b moves all scores of a state alike. Counted:", flat.nullity)

# %% [markdown] tags=["solution"]
# **2** ●●○ 20 min. Make two representations with cross-$R^2 = 1$ and $R^2(z)$ as small as you can.
#
# TODO typeset

# %% tags=["solution"]
wrong = places.double().square()
other = wrong @ torch.tensor([[1.0, 2, 0], [0, 1, 3], [1, 0, 1]]).double()
equal, right = evaluation.cross_r2([wrong, other])[0, 1], evaluation.linear_r2(wrong, places)
print(f"Squares forget all signs, and so does a linear image of them: cross-R² {equal:.3f}, R²(z) {right:.3f}")

# %% [markdown] tags=["solution"]
# **3** ●●○ 20 min. InfoNCE has the logarithm of a mean over $B$ negatives. Show that its bias is about $-\mathrm{Var}(e^s) / (2 B\, \mathbb E[e^s]^2)$, and measure it for the true places.
#
# TODO typeset

# %% tags=["solution"]
cosines = 2 * torch.rand(2**19, dtype=torch.float64, generator=torch.Generator().manual_seed(ch.seed)) - 1
values = (5 * cosines).exp()
print("log(m + e) = log m + e/m - e²/2m² + ..., and E e² = Var / B. On the globe cosines are uniform in [-1, 1].")
for B in (8, 32, 128, 512):
    bias = values.view(-1, B).mean(1).log().mean() - values.mean().log()
    print(f"B = {B}: bias {bias:.4f}, predicted {-values.var() / (2 * B * values.mean() ** 2):.4f} nats")

# %% [markdown] tags=["solution"]
# **4** ●●● 60 min. Watanabe's *learning coefficient* $\lambda$ takes the place of $P/2$: it is $(\mathbb E[\mathcal L] - \mathcal L_{\min}) / T$ under the density $\propto e^{-\mathcal L / T}$ near an optimum, $T \to 0$. If the minima form a smooth
# manifold, $\lambda = (P - \text{nullity})/2$. Sample (2) with 3 and with 20 classes; then raise the temperature.
#
# TODO typeset

# %% tags=["solution"]
for C in (3, 20):
    P = 3 * (20 + C)
    measured = learning_coefficient(*table_of(C, 3), steps=ch.pick(fast=300, toy=1500))
    print(f"C = {C}: λ about {measured:.0f}, predicted {(P - predicted(C, 3)) / 2:.1f}, P/2 = {P / 2}")

# %%
ch.footer()
