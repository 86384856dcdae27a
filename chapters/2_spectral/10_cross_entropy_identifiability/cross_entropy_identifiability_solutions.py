# %% [markdown]
# # Cross-entropy inverts the world: solutions
#
# The exercises of the lesson, solved. Try first.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from functools import partial
from types import SimpleNamespace

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.collections import LineCollection
from scipy.special import ive
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

import cookbook as cb
from replearn import evaluation, recipes, spectral, training
from replearn.data import affine_warp, bayes_cross_entropy, latent_world, sample_vmf, sphere_grid
from replearn.models import UnitRows, mlp_head

ch = cb.Chapter("cross_entropy_identifiability_solutions", scale=scale, seed=seed)
seeds = range(ch.seed, ch.seed + ch.pick(fast=1, toy=3))

# %% tags=["solution"]
V, z = towns[:5], places[:1]
normal = torch.linalg.svd(V - V.mean(0)).Vh[-1:]
mirror = z - 2 * (z @ normal.T) * normal
apart = ((5 * z @ V.T).softmax(1) - (5 * mirror @ V.T).softmax(1)).abs().max()
print("The softmax sees differences, and five centres have four. Mirror z at the hyperplane of the differences:")
print(f"it moves by {(mirror - z).norm():.2f} and stays on the sphere; posteriors are equal: {apart < 1e-12}.")

# %% tags=["solution"]
encoder, head = networks(0)

def shuffled(n, generator):
    z, c = world.classes(n, generator)
    return world.render(z), c[torch.randperm(n, generator=generator)]

before = missing(training.features(encoder, sphere.x), sphere.z)
loss = recipes.train_ce(encoder, head, shuffled, 60, batch_size=256).loss[-1]
after = missing(training.features(encoder, sphere.x), sphere.z)
print(
    f"Loss {loss:.2f}, log 20 = {np.log(20):.2f}. R² {1 - before:.2f} untrained, {1 - after:.2f} trained: the posterior"
)
print("is uniform and asks nothing of h. Renaming classes permutes the rows of W and leaves h alone.")

# %% tags=["solution"]
kappa_c = torch.linspace(2, 10, 12, dtype=torch.float64)
V, bessel = kappa_c[:, None] * towns[:12], torch.from_numpy(ive(1.5, kappa_c.numpy()))
bias = 1.5 * kappa_c.log() - bessel.log() - kappa_c
log_p = (places @ V.T + bias).log_softmax(1)
for name, known in (("without", 0 * bias), ("with", bias)):
    right_side = (log_p - known) - (log_p - known).mean(1, keepdim=True)
    error = (torch.linalg.lstsq(V - V.mean(0), right_side.T).solution.T - places).abs().max()
    print(f"{name} a bias: max error {'below 1e-12' if error < 1e-12 else f'{error:.2f}'}")
print("The normaliser now depends on c (step 2). A bias takes it up, and κ_c v_c takes the place of κ v_c.")


# %% tags=["solution"]
def clusters(p, n, generator):
    c = torch.randint(20, (n,), generator=generator)
    tries = F.normalize(torch.randn(n, 24, 3, generator=generator), dim=2)
    weights = (-2.5 * (tries - world.centres[c][:, None]).abs().pow(p).sum(2)).exp()
    return tries[torch.arange(n), torch.multinomial(weights, 1, generator=generator)[:, 0]], c

for p in (2, 1):
    encoder, head = networks(ch.seed)

    def sampler(n, generator, p=p):
        z, c = clusters(p, n, generator)
        return world.render(z), c

    recipes.train_ce(encoder, head, sampler, 250, batch_size=256, lr=0.03, seed=ch.seed)
    z = clusters(p, 2000, torch.Generator().manual_seed(1))[0]
    print(f"p = {p}: R² = {1 - missing(training.features(encoder, world.render(z)), z):.2f}")

# %%
ch.footer()
