# %% [markdown]
# # Pairwise independence: solutions
#
# The exercises of the lesson, solved. Try first.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial
from itertools import combinations

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.decomposition import FastICA
from torch import nn
from torch.testing import assert_close

import cookbook as cb
from replearn import data, evaluation, losses, models, recipes, training
from replearn.papers.pairwise_independence import (
    RandomFeatures,
    ica_sources,
    cross_variable_covariance,
    radial_rotation,
    vcreg_ica,
    xor_triple,
)

ch = cb.Chapter("pairwise_independence_solutions", scale=scale, seed=seed)
generator = torch.Generator().manual_seed(ch.seed)
randn = partial(torch.randn, dtype=torch.float64, generator=generator)

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Let $x$ be symmetric about 0 and $y = x^2$. Show that their correlation is 0, and find a function of $x$ that correlates with $y$. Compare HSIC of the curve and of the square.
#
# TODO typeset

# %% tags=["solution"]
print("E[x y] = E[x^3] = 0 = E[x] E[y]. But x^2 correlates with y perfectly.")
print(f"HSIC of the curve {exact:.4f}, of the square {evaluation.hsic(*square.T, 1.0):.4f}")

# %% [markdown] tags=["solution"]
# **2** ●●○ 20 min. Prove (2) line by line. By which factor does it fail when the covariance divides by $N - 1$?
#
# TODO typeset

# %% tags=["solution"]
print("|C|^2 = tr(C C'), C = Phi_i' H Phi_j / N, H' = H, and tr(A B) = tr(B A) moves Phi_i' to the end: (2).")
print(f"With N - 1, C grows by N / (N - 1) and |C|^2 by its square: {(300 / 299) ** 2:.4f} for N = 300.")

# %% [markdown] tags=["solution"]
# **3** ●●○ 20 min. With one feature, ICA sometimes works and sometimes fails. Count equations and unknowns. For twenty projectors on the turned square, how often is the smallest penalty far from the sources?
#
# TODO typeset

# %% tags=["solution"]
print("d(d - 1)/2 angles, P^2 equations a pair: with P = 1 as many as unknowns, so false solutions. More P, fewer.")
for P in (1, 4, 16, 64):
    best = [np.argmin([block_penalty(y, P, draw) for y in rotations.values()]) for draw in range(20)]
    print(f"{P} features: the best angle lies between 15 and 75 degrees for {sum(5 < b < 25 for b in best)} of 20")


# %% [markdown] tags=["solution"]
# **4** ●●● 60 min. Add a penalty on triples: the dHSIC of four random triples of the representation, at each step. Does it fall? Does the probe gain?
#
# TODO typeset

# %% tags=["solution"]
def with_triples(z1, z2):
    columns = [gram(column) for column in data.standardize(z1, 0).T]
    chosen = [torch.randperm(16)[:3].tolist() for _ in range(4)]
    return vicreg(z1, z2).total + 500 * sum(dhsic([columns[i] for i in triple]) for triple in chosen)

steps = ch.pick(fast=25, toy=200)
for text, loss in {"VICReg": vicreg, "with triples": with_triples}.items():
    encoder, projector = make_networks("none", 16)
    recipes.train_networks(encoder, projector, loss, mnist.x_train, recipe=recipe, seed=ch.seed, steps=steps)
    print(f"{text}: dHSIC of six {measure(encoder)[2]:.4f}, probe {measure(encoder)[3]:.3f}")

# %%
ch.footer()
