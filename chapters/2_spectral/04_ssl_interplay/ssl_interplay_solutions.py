# %% [markdown]
# # The SSL interplay: solutions
#
# The exercises of the lesson, solved. Try first.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import torch
from scipy.stats import ttest_1samp

import cookbook as cb
from replearn import data, evaluation, losses, spectral
from replearn.papers.ssl_interplay import (
    augmentation_operator,
    crop_channel,
    crop_eigenvalue,
    degree_eigenvalues,
    flip_channel,
    hypercube,
    interplay_eigenvalues,
    interplay_solution,
    parity_basis,
)

ch = cb.Chapter("ssl_interplay_solutions", scale=scale, seed=seed)
seeds = range(ch.seed, ch.seed + 3)
AUGMENTATION, KERNEL, BOTH, FAINT = cb.color("contrastive"), cb.color("vicreg"), cb.color("theory"), "#c4cad2"

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Show that bit flips with $p < 1/2$ give no interplay on the cube, for any decreasing $\nu$: no $\lambda$ changes which degrees come first.
#
# TODO typeset

# %% tags=["solution"]
lines = [interplay_eigenvalues(0.8 ** (2 * np.arange(9)), nu, lam=lam) for lam in strengths]
print("tau falls and 1 / nu rises with the degree, so tau - lam / nu falls, for every lam:", np.all(np.diff(lines) < 0))

# %% [markdown] tags=["solution"]
# **2** ●●○ 20 min. At which $\lambda$ does the line of the spread pairs reach zero for $\beta = 1$, $w = 4$, and how far is that from the crossing? Then compute $\lambda^\star$ for $w = 3$.
# Can $\beta = 1$ learn the spread pairs there?
#
# TODO typeset

# %% tags=["solution"]
print(f"nu_2 / 64 = {nu[2] / 64:.3e}, {nu[2] / 64 / (swap / beta):.3f} times the crossing at {swap / beta:.3e}.")
lost = [unexplained(group, 1.1 * swap / beta, beta=1.0) for group in (triples, spread_pairs)]
print(f"At 1.1 times the crossing, unexplained: triples {lost[0]:.2f}, pairs {lost[1]:.2f}.")
print(
    f"w = 3: tau is 1/64 against 0, so lam* = {1 / 64 / (1 / nu[3] - 1 / nu[2]):.3e} beta. At beta = 1 never: e = -lam / nu_2."
)

# %% [markdown] tags=["solution"]
# **3** ●●○ 20 min. Why do 32 views lose to 8 at a fixed budget? Measure what is left of either risk when every image has very many views.
#
# TODO typeset

# %% tags=["solution"]
for n, m in [(512, 8), (128, 32), (512, 128), (128, 128)]:
    print(f"{n} images, {m} views: excess risk {np.mean([excess(n, m, draws[0]) for _ in range(10)]):.3f}")
print("What many views leave over is the images' part: for 128 images, more than half of what 32 views pay.")

# %% [markdown] tags=["solution"]
# **4** ●●● 60 min. Replace $h$ by the arc-cosine kernel of a ReLU layer, $h(u) = \frac1\pi \big( \sqrt{1 - u^2} + u\, (\pi - \arccos u) \big)$. Which parities can never be
# learned, whatever the augmentations?
#
# TODO typeset

# %% tags=["solution"]
relu = degree_eigenvalues(lambda u: (np.sqrt(1 - u**2) + u * (np.pi - np.arccos(u))) / np.pi, d)
print("nu_0 .. nu_8:", " ".join(f"{abs(value):.5f}" for value in relu))
print("h(u) - u / 2 is even, so odd degrees from 3 on have nu = 0: an infinite cost. Biases in the layer repair it.")

# %%
ch.footer()
