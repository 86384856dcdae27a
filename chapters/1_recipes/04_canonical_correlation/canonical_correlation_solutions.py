# %% [markdown]
# # The canonical-correlation family: solutions
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
from scipy.optimize import brentq, linear_sum_assignment
from sklearn.cross_decomposition import CCA
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

import cookbook as cb
from replearn import evaluation, losses, methods, recipes, spectral, training
from replearn.data import load, standardize
from replearn.descent import minimize

ch = cb.Chapter("canonical_correlation_solutions", scale=scale, seed=seed)

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Cut the digits into top and bottom instead. Predict which cut has the larger $\rho_1$, then measure.
#
# TODO typeset

# %% tags=["solution"]
other = [half.flatten(1) for half in (images[:, :4], images[:, 4:])]
for name, views in {"left | right": halves, "top / bottom": other}.items():
    print(name, spectral.cca(*(v[:, v.std(0, correction=0) > 0.5] for v in views), dim=3).rho.round(3))

# %% [markdown] tags=["solution"]
# **2** ●●○ 20 min. Prove equation (2), and check your two steps on the canonical numbers `U[:, :5]` and `V[:, :5]`.
#
# TODO typeset

# %% tags=["solution"]
proof = """|XA - YB|^2 / N = tr(A' Sxx A) + tr(B' Syy B) - 2 tr(A' Sxy B), and the constraints make the first two K each.
So the distance is 2K - 2 tr(A' Sxy B): smallest where the trace is largest, where it is rho_1 + ... + rho_K."""
trace = (U * V)[:, :5].sum() / len(X)
assert_close((U - V)[:, :5].square().sum() / len(X), 2 * 5 - 2 * trace)
assert_close(trace, rho[:5].sum())

# %% [markdown] tags=["solution"]
# **3** ●●○ 20 min. Two canonical correlations, 1 and $\rho_2$, and $\lambda \to \infty$. From which $\rho_2$ on do the tilted axes win? Find it numerically, then with a pencil.
#
# TODO typeset

# %% tags=["solution"]
crossing = brentq(lambda r: (1 - r) ** 2 - 2 * (1 - 2 * r / (1 + r)) ** 2, 0.1, 0.9)
print(f"rho_2 = {crossing:.6f}; divide by (1 - r)^2 to get (1 + r)^2 = 2, so r = sqrt(2) - 1 = {np.sqrt(2) - 1:.6f}")

# %% [markdown] tags=["solution"]
# **4** ●●○ 20 min. Set Barlow Twins' $\lambda$ to $1 / K$ and vary $K$ over 8, 32, 128, 512. Does low-shot accuracy still depend on $K$?
#
# TODO typeset

# %% tags=["solution"]
for k in ch.pick(fast=(8, 32), toy=(8, 32, 128, 512)):
    recipe = recipes.TINY_SHORT._replace(dim=k, steps=ch.pick(fast=25, toy=100))
    run = recipes.train_tiny(partial(losses.barlow_twins, lam=1 / k), mnist.x_train, recipe=recipe, seed=ch.seed)
    print(f"K = {k}: low-shot accuracy {low_shot(run.encoder):.3f}")


# %% [markdown] tags=["solution"]
# **5** ●●● 60 min. Put VICReg's hinge on the *eigenvalues* of the covariance instead of its diagonal, and drop the covariance term: W-MSE by penalty. In the linear model with $K = 4$, is
# the canonical span found faster?
#
# TODO typeset

# %% tags=["solution"]
def eigen_vicreg(z1, z2):
    values = [torch.linalg.eigvalsh(torch.cov(z.T)) for z in (z1, z2)]
    return 25 * (z1 - z2).square().mean() + sum(25 * F.relu(1 - (v + 1e-4).sqrt()).mean() / 2 for v in values)

for loss in (vicreg, eigen_vicreg):
    for steps in ch.pick(fast=(25,), toy=(50, 100, 200)):
        z, _ = linear_fit(loss, 4, ch.seed, steps)
        angle = spectral.principal_angles(z, U[:, :4]).max()
        print(f"{loss.__name__}, {steps} steps: {angle:.1f} deg off the span")

# %%
ch.footer()
