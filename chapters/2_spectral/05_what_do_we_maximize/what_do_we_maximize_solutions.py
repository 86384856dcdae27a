# %% [markdown]
# # What do we maximize?: solutions
#
# The exercises of the lesson, solved. Try first.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from copy import deepcopy
from functools import partial
from math import e, log, pi, sqrt

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.testing import assert_close

import cookbook as cb
from replearn import evaluation, losses, recipes, splines, training
from replearn.data import affine_warp, load
from replearn.papers.what_do_we_maximize import ba_bound_gaussian, normality_rejection, push_clouds

ch = cb.Chapter("what_do_we_maximize_solutions", scale=scale, seed=seed)
seeds = range(ch.seed, ch.seed + ch.pick(fast=1, toy=3))
generator = torch.Generator().manual_seed(ch.seed)
randn = partial(torch.randn, dtype=torch.float64, generator=generator)

# %% tags=["solution"]
point = evaluation.logdet_entropy(torch.ones(100, 64), eps=1e-6)
print(f"Σ = 0, so each of 64 eigenvalues is ε: {point:.1f} = {32 * log(2 * pi * e * 1e-6):.1f} nats")
print(f"Σ is multiplied by N / (N − 1), which adds 32 log(2000 / 1999) = {32 * log(2000 / 1999):.3f} nats")

# %% tags=["solution"]
A, _ = affine_map(exact[0], X[0])
cov = A @ A.T
k = (cov.trace() ** 2 / cov.square().sum()).item()
print("Entry ij of a sample covariance has variance (Σ_ij² + Σ_ii Σ_jj) / n. Sum over i and j.")
for n in (512, 2048):
    errors = [(torch.cov((randn(n, 196) @ A.T).T) - cov).norm() / cov.norm() for _ in range(20)]
    print(f"{n} draws: predicted {sqrt((k + 1) / n):.3f}, measured {np.mean(errors):.3f}")

# %% tags=["solution"]
print("log(I + E) = E − E²/2 + E³/3 − …, and tr E = 0. So the ratio is 1 − (2/3) tr E³ / tr E² + …")
square, cube = ((E.matrix_power(p)).diagonal(dim1=1, dim2=2).sum(1) for p in (2, 3))
for name, guess in {"1": 1, "the prediction": 1 - 2 / 3 * 0.05 * cube / square}.items():
    print(f"ε = 0.05: the ratio is at most {(price[0.05] - guess).abs().max():.4f} from {name}")

# %% tags=["solution"]
x, angles = mnist.x_test[:20].double(), randn(512)
tangent = (affine_warp(x, degrees=1.0) - affine_warp(x, degrees=-1.0)).flatten(1) / 2
for s in (0.003, 0.01, 0.1, 1.0):
    turned = [affine_warp(face.expand(512, 1, 14, 14), degrees=s * angles).flatten(1) / s for face in x]
    line = exact[0]((X[:20, None] + s * angles[:, None] * tangent[:, None]).flatten(0, 1)).unflatten(0, (20, 512)) / s
    units, pixels = (np.mean([normality_rejection(c) for c in clouds]) for clouds in (line, turned))
    print(f"s = {s}°: {units:.0%} of units rejected on the tangent; {pixels:.0%} of pixels under real rotation")
print("On a line one fold spoils a unit; round noise averages over 196 directions. Real rotation is no test here:")
print("an unturned image sits on a kink of bilinear interpolation, so that its pixels fold at any angle.")

# %%
ch.footer()
