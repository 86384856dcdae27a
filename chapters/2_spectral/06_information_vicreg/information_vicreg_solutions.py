# %% [markdown]
# # Information and VICReg: solutions
#
# The exercises of the lesson, solved. Try first.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial
from math import e, log, pi, sqrt

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.stats import spearmanr
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

import cookbook as cb
from replearn import evaluation, losses, recipes, training
from replearn.papers.information_vicreg import infomax_logdet, infomax_pairwise

ch = cb.Chapter("information_vicreg_solutions", scale=scale, seed=seed)
seeds = range(ch.seed, ch.seed + ch.pick(fast=1, toy=3))
generator = torch.Generator().manual_seed(ch.seed)
randn = partial(torch.randn, dtype=torch.float64, generator=generator)

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Show that with one component $H_D = h$, for either $D$, and check it.
#
# TODO typeset

# %% tags=["solution"]
print("One term: -log(exp(-0) / 1) = 0, so only h is left.")
print([round(evaluation.pairwise_entropy(mixture[:1], s, kind) - h, 12) for kind in ("lower", "upper")])

# %% [markdown] tags=["solution"]
# **2** ●●○ 20 min. How large must a batch be for a pairwise estimate to see an entropy of $h + 20$ nats? And how many nats above $h$ can a batch of 256 show?
#
# TODO typeset

# %% tags=["solution"]
print(f"N >= e^20 = {e**20:.2g} samples; a batch of 256 shows {log(256):.2f} nats. In many dimensions use log-det.")

# %% [markdown] tags=["solution"]
# **3** ●●○ 20 min. Take embeddings with $E \|z - z'\|^2 = a$ and stretch them by $c$. Which $c$ minimises the LogDet loss ($s^2 = 1$, $\epsilon \to 0$)? What is the distance there? Check on random pairs.
#
# TODO typeset

# %% tags=["solution"]
print("d/dc [c^2 a / 2 - K log c] = c a - K / c = 0, so c^2 = K / a, and the distance becomes c^2 a = K.")
a, stretch = (z1 - z2).square().sum(1).mean(), np.linspace(0.5, 1.5, 1001)
values = [infomax_logdet(c * z1, c * z2, eps=1e-9).item() for c in stretch]
print(f"best c {stretch[np.argmin(values)]:.3f}, predicted {sqrt(6 / a):.3f}")


# %% [markdown] tags=["solution"]
# **4** ●●● 60 min. Let the guess $q$ learn its covariance: replace $\frac12 E \|z - z'\|^2$ by $\frac12 \log |\mathrm{Cov}(z - z') + \epsilon I|$. Which transformations of $z$ does the new loss not see? What becomes of
# the bound's invariance term?
#
# TODO typeset

# %% tags=["solution"]
def likelihood(z1, z2, eps=1e-3):
    eye = torch.eye(z1.shape[1])
    noise, one, two = (torch.logdet(torch.cov(z.T) + eps * eye) for z in (z1 - z2, z1, z2))
    return (noise - (one + two) / 2) / (2 * z1.shape[1]) + 1e-3 * z1.square().mean()

encoder, _ = train(likelihood, ch.seed, steps=ch.pick(fast=25, toy=200))
for text, found in {"squared error": runs["LogDet", ch.seed][0], "learnt covariance": encoder}.items():
    *terms, error_of = diagnose(found)
    print(f"{text}: terms {np.round(terms, 2)}, test error {error_of:.3f}, probe {probe(found):.3f}")
print("For eps -> 0 every invertible linear map of z leaves it as it is, so a small weight on |z|^2 fixes the scale.")

# %%
ch.footer()
