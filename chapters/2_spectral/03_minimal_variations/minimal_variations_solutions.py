# %% [markdown]
# # Minimal variations: solutions
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
from numpy.polynomial import hermite_e
from scipy.linalg import eigh
from scipy.special import factorial
from sklearn.decomposition import PCA
from torch import nn

import cookbook as cb
from replearn import data, evaluation, losses, models, spectral
from replearn.papers.minimal_variations import augmentation_energy, dirichlet_energy, rayleigh_quotient, rbf_galerkin

ch = cb.Chapter("minimal_variations_solutions", scale=scale, seed=seed)
seeds = range(ch.seed, ch.seed + ch.pick(fast=1, toy=3))

# %% [markdown] tags=["solution"]
# **1** ●○○ 10 min. Derive the energy of $\psi_k = \mathrm{He}_k / \sqrt{k!}$ from $\mathrm{He}_k' = k\, \mathrm{He}_{k-1}$ and $E[\mathrm{He}_k^2] = k!$. Check it by quadrature.
#
# TODO typeset

# %% tags=["solution"]
print("E[(psi_k')²] = k² E[He_{k-1}²] / k! = k² (k - 1)! / k! = k.")
slopes = [hermite_e.hermeval(nodes, hermite_e.hermeder(np.eye(7)[k])) for k in degrees]
print("quadrature:", [round(float(weights @ slopes[k] ** 2 / factorial(k)), 6) for k in degrees])

# %% [markdown] tags=["solution"]
# **2** ●●○ 20 min. Why were four functions compared, not five? Measure the angle between derivatives and graph for $K = 2, \dots, 6$ on several draws.
#
# TODO typeset

# %% tags=["solution"]
for s in range(4):
    x_s = moons(s)[0]
    f = smoothest(x_s, 7)
    G = spectral.knn_graph(x_s, 150, weight="heat", bandwidth=0.15)
    Z = spectral.laplacian_eigenmaps(G, 6, kind="rw", drop_constant=False).Z
    apart = [spectral.principal_angles(f(x_s)[:, :K], Z[:, :K]).max().round() for K in range(2, 7)]
    print(f"draw {s}: energies 2 to 7 {f.energies[1:].round(2)}, degrees for K = 2 to 6 {np.array(apart)}")
print("Energies 3 and 4, and 5 and 6, come in close pairs: K = 3 or 5 may cut a pair in two.")

# %% [markdown] tags=["solution"]
# **3** ●●○ 20 min. Make the target $\operatorname{sign} \sin 2 \theta$, with all labels. How many functions does the probe need? Guess first, from the pictures.
#
# TODO typeset

# %% tags=["solution"]
for K in range(1, 7):
    score = evaluation.ridge_probe(old[:, :K], np.sin(2 * t) > 0, new[:, :K], np.sin(2 * t_new) > 0)
    print(f"K = {K}: accuracy {score:.2f}")
print("It is +1 on the upper half of one moon and the lower half of the other: functions 3 and 4, together.")

# %% [markdown] tags=["solution"]
# **4** ●●● 60 min. Let the views' noise have a covariance $\Sigma$, small in one direction. Which energy do they measure? Solve (4) for it, with a horizontal standard deviation of
# 1, 0.3 and 0.1 times the vertical one. Which directions become nearly free?
#
# TODO typeset

# %% tags=["solution"]
R_1, R_2 = (slope[:, :, d].T @ slope[:, :, d] / len(x) for d in (0, 1))
print("(5) measures the mean of grad' Sigma grad: change along a direction with little noise costs little.")
for horizontal in (1, 0.3, 0.1):
    found, v = eigh(horizontal**2 * R_1 + R_2 + ridge, S + 1e-8 * np.eye(121), subset_by_index=(1, 5))
    across, up = np.sum(v * (R_1 @ v), axis=0), np.sum(v * (R_2 @ v), axis=0)
    print(f"{horizontal}: energies {found.round(2)}, horizontal share of the slope {(across / (across + up)).round(2)}")

# %%
ch.footer()
