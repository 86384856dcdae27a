# %% [markdown]
# # Joint embedding vs reconstruction: solutions
#
# The exercises of the lesson, solved. Try first.

# %% jupyter={"source_hidden": true} tags=["parameters"]
scale = "toy"
seed = 0

# %% jupyter={"source_hidden": true}
import matplotlib.pyplot as plt
import numpy as np
import torch
from ipywidgets import FloatSlider, SelectionSlider
from matplotlib.colors import ListedColormap
from scipy.optimize import bisect

import cookbook as cb
from replearn import data, evaluation, spectral
from replearn.papers.joint_embedding_vs_reconstruction import (
    alignment_threshold,
    direction_scores,
    nuisance_moments,
    nuisance_samples,
    pca_with_nuisance,
    ridge_augmented,
)

ch = cb.Chapter("joint_embedding_vs_reconstruction_solutions", scale=scale, seed=seed)
colors = {
    "reconstruction": cb.color("reconstruction"),
    "joint_embedding": cb.color("vicreg"),
    "supervised": cb.color("supervised"),
}
names = {"reconstruction": "reconstruction", "joint_embedding": "joint embedding", "supervised": "supervised"}

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Show that $\alpha_{\mathrm{JE}} \le \sqrt{(1 - \delta) / \delta}$ for any nuisance. Check it on a hundred worlds.
#
# TODO typeset

# %% tags=["solution"]
thresholds = [alignment_threshold(*random_world(s, size=10.0 ** (s % 5 - 2)), 6) for s in range(100)]
share = max(alpha2 / (1 / delta - 1) for alpha2, delta in thresholds)
print(f"theta / gamma, which is not negative, is subtracted from the bound. Largest share of it: {share:.4f}")

# %% [markdown] tags=["solution"]
# **2** ●●○ 20 min. Let the augmentation have no noise of its own, $\theta = 0$. What does joint embedding need then? And reconstruction?
#
# TODO typeset

# %% tags=["solution"]
world = strong[0][0], np.zeros(20), strong[0][2]
tiny = encoder(nuisance_moments(*world, 0.01), 6, "joint_embedding")
print("Every signal is then perfectly repeatable: delta = 1, and any alpha > 0 will do (at 0 all directions tie).")
print(f"Angle at 0.01: {angle_to_signal(tiny):.2f}. Reconstruction still needs {predicted_alpha(world, 'reconstruction'):.2f}.")

# %% [markdown] tags=["solution"]
# **3** ●●○ 20 min. At which size of the nuisance are the two thresholds equal? Take one nuisance direction, in the world of the map.
#
# TODO typeset

# %% tags=["solution"]
print("For one direction they differ by gamma / eta² - 1 / delta, which vanishes at gamma = eta² / delta.")
world = kappa2[:7], theta[:7], np.append(np.zeros(6), crossing)
print(f"There: {predicted_alpha(world, 'reconstruction'):.4f} and {predicted_alpha(world, 'joint_embedding'):.4f}.")

# %% [markdown] tags=["solution"]
# **4** ●●● 60 min. Turn one nuisance direction towards a signal, so that the covariances no longer share their axes. Do the thresholds still predict what is needed to avoid the nuisance?
#
# TODO typeset

# %% tags=["solution"]
signal, own_noise, nuisance = (array[:7] for array in strong[0])
for degrees in (0, 30, 60):
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.eye(7)
    turn[np.ix_([0, 6], [0, 6])] = [[cos, -sin], [sin, cos]]
    Gamma = turn @ np.diag(nuisance) @ turn.T
    S = np.diag(signal) + Gamma
    for alpha in (0.7, 1):
        V = spectral.joint_embedding_linear(S + np.diag(own_noise) + alpha**2 * Gamma, S, 6).W
        off = spectral.principal_angles(V, turn[:, :6]).max()
        print(f"turned by {degrees}, alpha = {alpha}: {off:.0f} degrees from all that is free of nuisance")
print("It does predict when the nuisance is avoided. But what avoids it is turned away from the signal as well.")

# %%
ch.footer()
